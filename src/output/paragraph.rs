//! Text in lines that every terminal shows.

/// The width that every terminal has.
pub const WIDTH: usize = 80;

/// The commands to go on with, a line each, below a heading; nothing where there are none.
#[must_use]
pub fn go_on_with(commands: &[String]) -> String {
    if commands.is_empty() {
        return String::new();
    }
    let lines: String = commands.iter().map(|line| format!("  {line}\n")).collect();
    format!("\nGo on with:\n{lines}")
}

/// A paragraph in lines of at most 80 columns, those after the first indented. A number stays with
/// its unit.
#[must_use]
pub fn wrapped(text: &str, indent: &str) -> String {
    let mut out = String::new();
    let mut line = String::new();
    for word in words(text) {
        let width = line.chars().count();
        if width > indent.len() && width + 1 + word.chars().count() > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line = indent.to_owned();
        }
        if line.trim().is_empty() {
            line.push_str(&word);
        } else {
            line.push(' ');
            line.push_str(&word);
        }
    }
    out.push_str(line.trim_end());
    out.push('\n');
    out
}

/// The words of a text, a number and its unit as one.
fn words(text: &str) -> Vec<String> {
    const UNITS: [&str; 7] = ["%", "s", "min", "h", "d", "points", "USD/h"];
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let bare = word.trim_end_matches(['.', ',', ';', ':', ')']);
        match words.last_mut() {
            Some(number)
                if UNITS.contains(&bare) && number.ends_with(|c: char| c.is_ascii_digit()) =>
            {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_stays_with_its_unit() {
        let text = format!("{} 0.009 % of the runs", "a".repeat(75));
        let shown = wrapped(&text, "  ");
        assert_eq!(shown, format!("{}\n  0.009 % of the runs\n", "a".repeat(75)));
    }
}
