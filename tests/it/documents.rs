//! What the documents show is what the program does.

use std::process::Command;

use assert_cmd::cargo::cargo_bin;
use stockout::scenario::schema;

fn output_of(arguments: &[&str]) -> String {
    let output = Command::new(cargo_bin!("stockout")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The words of a command as a shell splits it: blanks, single and double quotes, `\\` at a line's end.
fn shell_words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    for character in command.replace("\\\n", " ").chars() {
        match (quote, character) {
            (None, '"' | '\'') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == character => quote = None,
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

fn copied(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copied(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// What the commands of a block print on standard output, run one after the other in a folder;
/// `| head -N` keeps so many lines.
fn printed(commands: &str, folder: &std::path::Path) -> String {
    let mut out = String::new();
    for line in commands.replace("\\\n", " ").lines() {
        let (command, kept) = match line.split_once(" | head -") {
            Some((command, count)) => (command, count.trim().parse().unwrap()),
            None => (line, usize::MAX),
        };
        let words = shell_words(command);
        let arguments = match &words[..] {
            [program, rest @ ..] if program == "stockout" => rest,
            [cargo, run, release, dashes, rest @ ..]
                if [cargo, run, release, dashes] == ["cargo", "run", "--release", "--"] =>
            {
                rest
            }
            _ => panic!("{line}: not a command of ours"),
        };
        let output =
            Command::new(cargo_bin!("stockout")).args(arguments).current_dir(folder).output();
        let output = output.unwrap();
        let shown = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{line}: {shown}");
        let text = String::from_utf8(output.stdout).unwrap();
        out.extend(text.split_inclusive('\n').take(kept));
    }
    out
}

/// Every block of text in the README that follows a block of commands is what they print;
/// `UPDATE_GOLDEN=1 cargo test` writes it anew.
#[test]
fn the_readme_shows_the_real_output() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let folder = tempfile::tempdir().unwrap();
    copied(std::path::Path::new("scenarios"), &folder.path().join("scenarios"));
    let mut real = String::new();
    let mut rest = readme.as_str();
    let mut count = 0;
    while let Some(at) = rest.find("```sh\n") {
        let commands_at = at + "```sh\n".len();
        let end = commands_at + rest[commands_at..].find("```\n").expect("a block ends");
        let after = end + "```\n".len();
        let text = "\n```text\n";
        real.push_str(&rest[..after]);
        let commands = &rest[commands_at..end];
        rest = &rest[after..];
        if let Some(shown) = rest.strip_prefix(text) {
            let shown_end = shown.find("```").expect("a block ends");
            real.push_str(text);
            real.push_str(&printed(commands, folder.path()));
            rest = &shown[shown_end..];
            count += 1;
        }
    }
    real.push_str(rest);
    assert!(count >= 3, "{count}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write("README.md", real).unwrap();
        return;
    }
    // The first line that differs says more than both texts.
    for (shown, real) in readme.lines().zip(real.lines()) {
        assert_eq!(shown, real, "UPDATE_GOLDEN=1 cargo test writes it anew");
    }
    assert_eq!(readme.len(), real.len());
}

/// The format page's `[sweep]` is one.
#[test]
fn the_format_page_shows_a_real_sweep_table() {
    let page = include_str!("../../scenarios/README.md");
    let start = page.find("[sweep]\n").expect("the page shows a [sweep]");
    let table = &page[start..start + page[start..].find("```").expect("it ends")];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.toml");
    let scenario = include_str!("../../scenarios/training-l4.toml");
    std::fs::write(&path, format!("{scenario}\n{table}")).unwrap();
    let shown = output_of(&["check", path.to_str().unwrap()]);
    assert!(shown.contains("[sweep]: 16 design points"), "{shown}");
}

/// Every shipped scenario against its printed table: `UPDATE_GOLDEN=1 cargo test` writes them anew.
#[test]
fn every_scenario_prints_its_golden_table() {
    let mut count = 0;
    for entry in std::fs::read_dir("scenarios").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        count += 1;
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let real =
            output_of(&["estimate", path.to_str().unwrap(), "--replications", "5000", "--full"]);
        golden(&format!("{name}.txt"), &real);
    }
    assert!(count >= 5);
}

#[test]
fn the_list_of_jobs_prints_its_golden_month() {
    let path = "scenarios/mix/october.toml";
    golden("october.txt", &output_of(&["estimate", path, "--replications", "5000", "--full"]));
}

#[test]
fn every_request_prints_its_golden_scenario() {
    for name in [
        "deploy-model-n1-t4",
        "deploy-model-autoscaled-l4",
        "custom-job-a2",
        "custom-job-pools",
        "batch-prediction-l4",
    ] {
        let real = output_of(&["import", &format!("scenarios/requests/{name}.json")]);
        golden(&format!("{name}.toml"), &real);
    }
}

fn golden(name: &str, real: &str) {
    let path = format!("tests/golden/{name}");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, real).unwrap();
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(kept, real, "{path} differs; UPDATE_GOLDEN=1 cargo test writes it anew");
}

/// The key tables of the format page are the program's own.
#[test]
fn the_format_page_has_every_key() {
    let path = "scenarios/README.md";
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once("<!-- keys -->\n").expect("the page marks its key tables");
    let (tables, after) = rest.split_once("<!-- end of keys -->").expect("and their end");
    let real = schema::key_tables();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let page = format!("{before}<!-- keys -->\n{real}<!-- end of keys -->{after}");
        std::fs::write(path, page).unwrap();
        return;
    }
    assert_eq!(tables, real, "{path} differs; UPDATE_GOLDEN=1 cargo test writes it anew");
}
