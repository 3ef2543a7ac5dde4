//! The embedded font: how wide text is, its outlines, and its form for SVG.
//!
//! See font/README.md beside this file for what it is and how it was cut.

use std::sync::LazyLock;

use ttf_parser::Face;

/// The font's family.
pub const FAMILY: &str = "Roboto";
/// What stands in where the embedded font is not loaded.
pub const STACK: &str = "Roboto, 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif";

/// Thickness of letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// For reading.
    Regular,
    /// For headings.
    Medium,
}

impl Weight {
    /// The number in style sheets.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Regular => 400,
            Self::Medium => 500,
        }
    }

    /// Its font as WOFF2 in base64.
    const fn woff2(self) -> &'static str {
        match self {
            Self::Regular => include_str!("font/roboto-regular.woff2.base64"),
            Self::Medium => include_str!("font/roboto-medium.woff2.base64"),
        }
    }
}

static FACES: LazyLock<[Face<'static>; 2]> = LazyLock::new(|| {
    let face = |data| Face::parse(data, 0).expect("the embedded font is one");
    [
        face(include_bytes!("font/roboto-regular.ttf").as_slice()),
        face(include_bytes!("font/roboto-medium.ttf").as_slice()),
    ]
});

/// The font of a weight.
#[must_use]
pub fn face(weight: Weight) -> &'static Face<'static> {
    &FACES[weight as usize]
}

/// How wide a text is \[px\] at a font size; a letter that is not in the font counts like an `m`.
#[must_use]
pub fn width(text: &str, size: f64, weight: Weight) -> f64 {
    let face = face(weight);
    let units: u32 = text.chars().map(|letter| advance(face, letter)).sum();
    f64::from(units) * size / f64::from(face.units_per_em())
}

/// How far a letter moves on, in font units.
#[must_use]
pub fn advance(face: &Face<'_>, letter: char) -> u32 {
    let glyph = face.glyph_index(letter).or_else(|| face.glyph_index('m'));
    glyph.and_then(|glyph| face.glyph_hor_advance(glyph)).map_or(0, u32::from)
}

/// A text in lines no wider than `most`; a single word that is wider is cut. A number is not parted
/// from its unit.
#[must_use]
pub fn wrapped(text: &str, most: f64, size: f64, weight: Weight) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let bare = word.trim_end_matches(|c: char| c.is_ascii_punctuation() && c != '%');
        let is_unit = bare.chars().count() <= 3 && !bare.starts_with(|c: char| c.is_ascii_digit());
        match words.last_mut() {
            Some(last) if is_unit && last.ends_with(|c: char| c.is_ascii_digit()) => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in words {
        let longer = if line.is_empty() { word.clone() } else { format!("{line} {word}") };
        if line.is_empty() || width(&longer, size, weight) <= most {
            line = longer;
        } else {
            lines.push(std::mem::replace(&mut line, word));
        }
    }
    lines.push(line);
    lines.into_iter().map(|line| clipped(&line, most, size, weight)).collect()
}

/// A text no wider than `most`, its end replaced by `…` where it was.
#[must_use]
pub fn clipped(text: &str, most: f64, size: f64, weight: Weight) -> String {
    if width(text, size, weight) <= most {
        return text.to_owned();
    }
    let mut cut: Vec<char> = text.chars().collect();
    while cut.pop().is_some() {
        let shown: String = cut.iter().collect::<String>().trim_end().to_owned() + "…";
        if width(&shown, size, weight) <= most {
            return shown;
        }
    }
    String::new()
}

/// The `@font-face` rules that embed the font: once in an SVG file, or once in a page of many.
#[must_use]
pub fn font_face_css() -> String {
    [Weight::Regular, Weight::Medium]
        .map(|weight| {
            format!(
                "@font-face{{font-family:{FAMILY};font-weight:{};src:url(data:font/woff2;base64,{}) format('woff2')}}",
                weight.number(),
                weight.woff2().trim_end()
            )
        })
        .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_all_of_one_width() {
        for weight in [Weight::Regular, Weight::Medium] {
            for figure in '0'..='9' {
                let own = width(&figure.to_string(), 12.0, weight);
                assert_eq!(own, width("0", 12.0, weight), "{figure}");
            }
        }
    }

    #[test]
    fn every_sign_that_charts_write_is_in_the_font() {
        for letter in "azAZ09 %±–—−×·…≤≥≈µ€£¥()[]{}<>&\"'".chars() {
            for weight in [Weight::Regular, Weight::Medium] {
                assert!(face(weight).glyph_index(letter).is_some(), "{letter}");
            }
        }
    }

    #[test]
    fn text_is_wrapped_and_clipped_by_its_width() {
        let text = "one two three four five six seven";
        for most in [30.0, 60.0, 100.0, 1_000.0] {
            for line in wrapped(text, most, 12.0, Weight::Regular) {
                assert!(width(&line, 12.0, Weight::Regular) <= most, "{line} in {most}");
            }
        }
        assert_eq!(wrapped(text, 1_000.0, 12.0, Weight::Regular), [text]);
        let parts = wrapped("half of 98 % here", 55.0, 12.0, Weight::Regular);
        assert_eq!(parts, ["half of", "98 % here"]);
        assert_eq!(clipped("abc", 1_000.0, 12.0, Weight::Regular), "abc");
        assert!(clipped(text, 60.0, 12.0, Weight::Regular).ends_with('…'));
    }
}
