//! One line of CSV in cells.

use std::borrow::Cow;
use std::ops::Range;

/// A cell: what it says, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Without quotes and blanks around it.
    pub text: Cow<'a, str>,
    /// The bytes of its line.
    pub span: Range<usize>,
}

/// What is wrong with a line.
#[derive(Debug)]
pub struct Wrong {
    /// The bytes of it.
    pub span: Range<usize>,
    /// What was found.
    pub message: String,
    /// What to write.
    pub help: String,
}

impl Cell<'_> {
    /// Something is wrong with it.
    pub fn wrong(&self, message: impl Into<String>, help: impl Into<String>) -> Wrong {
        Wrong { span: self.span.clone(), message: message.into(), help: help.into() }
    }
}

/// The character between the cells of a header: the most frequent of comma, semicolon and tab.
pub fn separator(header: &str) -> u8 {
    let count = |separator: char| header.matches(separator).count();
    let (comma, semicolon, tab) = (count(','), count(';'), count('\t'));
    if tab > comma.max(semicolon) {
        b'\t'
    } else if semicolon > comma {
        b';'
    } else {
        b','
    }
}

/// The cells of a line; where a quote opens that does not close.
pub fn cells(line: &str, separator: u8) -> Result<Vec<Cell<'_>>, usize> {
    let bytes = line.as_bytes();
    let mut cells = Vec::with_capacity(8);
    let mut at = 0;
    loop {
        let rest = &bytes[at..];
        let blanks = rest.iter().take_while(|&&b| b == b' ').count();
        if rest.get(blanks) == Some(&b'"') {
            let open = at + blanks;
            let (text, after) = quoted(line, open)?;
            let next = bytes[after..].iter().position(|&b| b == separator);
            let end = next.map_or(bytes.len(), |next| after + next);
            let tail = &line[after..end];
            let text =
                if tail.trim().is_empty() { text } else { Cow::Owned(format!("{text}{tail}")) };
            cells.push(Cell { text, span: open..end });
            match next {
                Some(_) => at = end + 1,
                None => return Ok(cells),
            }
            continue;
        }
        let end = rest.iter().position(|&b| b == separator).map_or(bytes.len(), |next| at + next);
        let text = line[at..end].trim();
        let start = at + line[at..end].len() - line[at..end].trim_start().len();
        cells.push(Cell {
            text: Cow::Borrowed(text),
            span: start.min(end)..start.min(end) + text.len(),
        });
        if end == bytes.len() {
            return Ok(cells);
        }
        at = end + 1;
    }
}

/// What stands between a quote at `open` and the one that closes it, and where that ends.
fn quoted(line: &str, open: usize) -> Result<(Cow<'_, str>, usize), usize> {
    let mut text = Cow::Borrowed("");
    let mut from = open + 1;
    loop {
        let close = from + line[from..].find('"').ok_or(open)?;
        let part = &line[from..close];
        if text.is_empty() {
            text = Cow::Borrowed(part);
        } else {
            text.to_mut().push_str(part);
        }
        if line.as_bytes().get(close + 1) != Some(&b'"') {
            let text = match text {
                Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
                Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
            };
            return Ok((text, close + 1));
        }
        text.to_mut().push('"');
        from = close + 2;
    }
}
