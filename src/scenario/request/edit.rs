//! A request body while it is changed: fields set and removed in its text, the rest left as it is.
//!
//! Owns the text: order, spelling, spaces and line ends stay as they were written, so that a diff
//! shows the change alone. Comments and trailing commas, which the reader takes and the API does
//! not, are left out. Leaves to [`super::emit`] what is changed.

use super::Note;
use super::body::{is_named, snake_case};
use crate::scenario::json::read_json;
use crate::scenario::source::Problems;
use crate::scenario::tree::{Entry, Node, Value};

/// A body's text, a valid JSON object at any time.
pub(super) struct Editor {
    pub text: String,
    /// What was changed, in the order in which it was.
    pub changes: Vec<Note>,
    /// Comments left out.
    pub comments: usize,
    /// Trailing commas left out.
    pub commas: usize,
}

/// What a field is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar<'a> {
    Boolean(bool),
    /// A name or a duration: nothing that would need an escape.
    Plain(&'a str),
}

impl Scalar<'_> {
    fn json(self) -> String {
        match self {
            Self::Boolean(truth) => truth.to_string(),
            Self::Plain(text) => format!("\"{text}\""),
        }
    }

    fn is(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Boolean(wanted), Value::Boolean(found)) => wanted == *found,
            (Self::Plain(wanted), Value::Text(found)) => wanted == found,
            _ => false,
        }
    }
}

impl Editor {
    /// The body of a text that [`read_json`] takes.
    pub fn new(text: &str) -> Self {
        let (text, comments, commas) = without_extras(text);
        Self { text, changes: Vec::new(), comments, commas }
    }

    /// What the text says now; `None` where it is not JSON.
    pub fn read(&self) -> Option<Node> {
        let mut problems = Problems::default();
        let source = problems.add_source("body", self.text.as_str());
        let root = read_json(source, &mut problems)?;
        (!problems.any_error()).then_some(root)
    }

    /// Sets a field of the object at a path; objects that are missing on the way are made.
    pub fn set(&mut self, path: &[&str], name: &str, wanted: Scalar<'_>) -> Option<()> {
        for depth in 0..path.len() {
            let root = self.read()?;
            if entry(object_at(&root, &path[..depth])?, path[depth]).is_none() {
                self.write(&root, &path[..depth], path[depth], "{}")?;
            }
        }
        let root = self.read()?;
        let field = in_words(path, name);
        let what = match entry(object_at(&root, path)?, name) {
            Some(found) if wanted.is(&found.node.value) => return Some(()),
            Some(found) => {
                let span = found.node.at.span.clone();
                let what = format!("{} instead of {}", wanted.json(), &self.text[span.clone()]);
                self.text.replace_range(span, &wanted.json());
                what
            }
            None => {
                self.write(&root, path, name, &wanted.json())?;
                format!("{}, added", wanted.json())
            }
        };
        self.changes.push(Note::new(&field, what));
        Some(())
    }

    /// Removes a field of the object at a path, if it is there.
    pub fn remove(&mut self, path: &[&str], name: &str) -> Option<()> {
        let root = self.read()?;
        let Some(object) = object_at(&root, path) else { return Some(()) };
        let entries = object.entries();
        let found = |entry: &Entry| is_named(&entry.key, name) && is_given(entry);
        let Some(index) = entries.iter().position(found) else { return Some(()) };
        let (key, value) = (&entries[index].at.span, &entries[index].node.at.span);
        let span = match (index.checked_sub(1), entries.get(index + 1)) {
            (_, Some(next)) => key.start..next.at.span.start,
            (Some(before), None) => entries[before].node.at.span.end..value.end,
            (None, None) => object.at.span.start + 1..object.at.span.end - 1,
        };
        self.text.replace_range(span, "");
        self.changes.push(Note::new(&in_words(path, name), "removed"));
        Some(())
    }

    /// Writes a field that is not there, in the manner of its neighbours. One that is `null` is
    /// overwritten: a key stands once in an object.
    fn write(&mut self, root: &Node, path: &[&str], name: &str, value: &str) -> Option<()> {
        let object = object_at(root, path)?;
        let entries = object.entries();
        if let Some(null) = entries.iter().find(|entry| is_named(&entry.key, name)) {
            self.text.replace_range(null.node.at.span.clone(), value);
            return Some(());
        }
        let name = if is_snake_case(root, entries) { snake_case(name) } else { name.to_owned() };
        let (at, addition) = match entries.last() {
            Some(last) => {
                let space = self.space_before(last);
                let colon = self.colon(last);
                (
                    last.node.at.span.end..last.node.at.span.end,
                    format!(",{space}\"{name}\"{colon}{value}"),
                )
            }
            None => (object.at.span.clone(), self.first_field(root, path, &name, value)?),
        };
        self.text.replace_range(at, &addition);
        Some(())
    }

    /// An empty object with its first field: on lines of their own where the object's key starts
    /// one.
    fn first_field(&self, root: &Node, path: &[&str], name: &str, value: &str) -> Option<String> {
        let (own, outer) = path.split_last()?;
        let outer = object_at(root, outer)?;
        let key = entry(outer, own)?;
        let colon = self.colon(key);
        let space = self.space_before(key);
        let Some(line) = space.rfind('\n') else {
            return Some(format!("{{\"{name}\"{colon}{value}}}"));
        };
        let (end, indent) = (self.line_end(), &space[line + 1..]);
        let step = indent.strip_prefix(self.indent_of(outer.at.span.start)).unwrap_or_default();
        let step = if step.is_empty() { "  " } else { step };
        Some(format!("{{{end}{indent}{step}\"{name}\"{colon}{value}{end}{indent}}}"))
    }

    /// The space before a key: with the line break, where it starts a line.
    fn space_before(&self, entry: &Entry) -> String {
        let before = &self.text[..entry.at.span.start];
        let start = before.trim_end().len();
        let space = &before[start..];
        match space.rfind('\n') {
            Some(line) => format!("{}{}", self.line_end(), &space[line + 1..]),
            // The first of an object stands at its bracket, the others after a comma.
            None if before[..start].ends_with('{') => {
                if self.colon(entry).ends_with(' ') { " " } else { "" }.to_owned()
            }
            None => space.to_owned(),
        }
    }

    /// What stands between a key and its value.
    fn colon(&self, entry: &Entry) -> &str {
        let written = &self.text[entry.at.span.end..entry.node.at.span.start];
        if written.contains('\n') { ": " } else { written }
    }

    fn line_end(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// The space at the beginning of the line of a byte.
    fn indent_of(&self, at: usize) -> &str {
        let start = self.text[..at].rfind('\n').map_or(0, |line| line + 1);
        let line = &self.text[start..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }
}

/// A field that is given: `null` is the same as left out.
fn entry<'n>(object: &'n Node, name: &str) -> Option<&'n Entry> {
    object.entries().iter().find(|entry| is_named(&entry.key, name) && is_given(entry))
}

fn is_given(entry: &Entry) -> bool {
    entry.node.value != Value::Other("null")
}

/// The object at a path of fields.
pub(super) fn object_at<'n>(root: &'n Node, path: &[&str]) -> Option<&'n Node> {
    let found = path.iter().try_fold(root, |node, name| Some(&entry(node, name)?.node))?;
    matches!(found.value, Value::Table(_)).then_some(found)
}

fn in_words(path: &[&str], name: &str) -> String {
    path.iter().chain([&name]).copied().collect::<Vec<_>>().join(".")
}

/// Whether the body spells fields as `min_replica_count`.
fn is_snake_case(root: &Node, neighbours: &[Entry]) -> bool {
    let mut keys = root.entries().iter().chain(neighbours).map(|entry| entry.key.as_str());
    let has_underscore = keys.clone().any(|key| key.contains('_'));
    has_underscore && !keys.any(|key| key.contains(|c: char| c.is_ascii_uppercase()))
}

/// The text without comments and trailing commas, and how many of each were left out. A line that
/// held nothing else goes with its comment.
fn without_extras(text: &str) -> (String, usize, usize) {
    let (mut out, mut comments, mut commas) = (String::with_capacity(text.len()), 0, 0);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c == '"' {
            let end = end_of_text(rest);
            out.push_str(&rest[..end]);
            at += end;
        } else if let Some(length) = comment(rest) {
            comments += 1;
            at += length;
            let before = out.trim_end_matches([' ', '\t']).len();
            let after = text[at..].trim_start_matches([' ', '\t', '\r']);
            let ends_line = after.is_empty() || after.starts_with('\n');
            let starts_line = before == 0 || out[..before].ends_with('\n');
            if ends_line {
                out.truncate(before);
            }
            if ends_line && starts_line {
                at = text.len() - after.strip_prefix('\n').unwrap_or(after).len();
            } else if out.ends_with(' ') && text[at..].starts_with(' ') {
                at += 1;
            }
        } else if c == ',' && is_trailing(&rest[1..]) {
            commas += 1;
            at += 1;
        } else {
            out.push(c);
            at += c.len_utf8();
        }
    }
    (out, comments, commas)
}

/// The bytes of the text in quotes that `rest` starts with.
fn end_of_text(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The bytes of the comment that `rest` starts with, if it starts with one; the line end of `//` is
/// not part of it.
fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        let line = rest.find('\n').unwrap_or(rest.len());
        // `\r\n` ends a line.
        return Some(if rest[..line].ends_with('\r') { line - 1 } else { line });
    }
    let inner = rest.strip_prefix("/*")?;
    Some(inner.find("*/").map_or(rest.len(), |end| end + 4))
}

/// Whether a closing bracket follows a comma.
fn is_trailing(mut rest: &str) -> bool {
    loop {
        rest = rest.trim_start();
        match comment(rest) {
            Some(length) => rest = &rest[length..],
            None => return rest.starts_with(['}', ']']),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(text: &str, path: &[&str], name: &str, wanted: Scalar<'_>) -> String {
        let mut editor = Editor::new(text);
        editor.set(path, name, wanted).unwrap();
        assert!(editor.read().is_some(), "{}", editor.text);
        editor.text
    }

    fn remove(text: &str, path: &[&str], name: &str) -> String {
        let mut editor = Editor::new(text);
        editor.remove(path, name).unwrap();
        assert!(editor.read().is_some(), "{}", editor.text);
        editor.text
    }

    const SPOT: Scalar<'_> = Scalar::Plain("SPOT");

    #[test]
    fn a_value_is_replaced_where_it_stands() {
        let text = "{ \"a\" :{\"b\":  \"é\" ,\"c\":1},\r\n\t\"d\": [ ]}";
        assert_eq!(set(text, &["a"], "b", SPOT), text.replace("\"é\"", "\"SPOT\""));
        assert_eq!(set(text, &["a"], "b", Scalar::Plain("é")), text);
    }

    #[test]
    fn a_field_is_added_in_the_manner_of_its_neighbours() {
        for (text, expected) in [
            ("{\"a\":1}", "{\"a\":1,\"s\":\"SPOT\"}"),
            ("{\"a\": 1}", "{\"a\": 1, \"s\": \"SPOT\"}"),
            ("{\"a\": 1,\"b\": 2}", "{\"a\": 1,\"b\": 2,\"s\": \"SPOT\"}"),
            ("{\n    \"a\" : 1\n}\n", "{\n    \"a\" : 1,\n    \"s\" : \"SPOT\"\n}\n"),
            ("{\r\n\t\"a\": {}\r\n}", "{\r\n\t\"a\": {},\r\n\t\"s\": \"SPOT\"\r\n}"),
            ("{\"a\": 1,\n\n \"b\": 2 }", "{\"a\": 1,\n\n \"b\": 2,\n \"s\": \"SPOT\" }"),
            ("{\"s\": null, \"b\": 2}", "{\"s\": \"SPOT\", \"b\": 2}"),
        ] {
            assert_eq!(set(text, &[], "s", SPOT), expected);
        }
    }

    #[test]
    fn objects_on_the_way_are_made() {
        for (text, expected) in [
            ("{\"a\":1}", "{\"a\":1,\"x\":{\"s\":\"SPOT\"}}"),
            ("{\"x\": null}", "{\"x\": {\"s\": \"SPOT\"}}"),
            ("{\"x\": {  }}", "{\"x\": {\"s\": \"SPOT\"}}"),
            ("{\n\t\"a\": 1\n}", "{\n\t\"a\": 1,\n\t\"x\": {\n\t\t\"s\": \"SPOT\"\n\t}\n}"),
            ("{\r\n  \"x\": {\r\n  }\r\n}", "{\r\n  \"x\": {\r\n    \"s\": \"SPOT\"\r\n  }\r\n}"),
            ("{\n\"x\": {}\n}", "{\n\"x\": {\n  \"s\": \"SPOT\"\n}\n}"),
        ] {
            assert_eq!(set(text, &["x"], "s", SPOT), expected);
        }
    }

    #[test]
    fn fields_are_spelled_as_the_body_spells_them() {
        let text = "{\"job_spec\": {\"x\": 1}}";
        let expected = "{\"job_spec\": {\"x\": 1, \"max_wait\": true}}";
        assert_eq!(set(text, &["jobSpec"], "maxWait", Scalar::Boolean(true)), expected);
        assert_eq!(set(expected, &["jobSpec"], "maxWait", Scalar::Boolean(true)), expected);
    }

    #[test]
    fn a_field_is_removed_with_its_comma() {
        for (text, expected) in [
            ("{\"s\": 1}", "{}"),
            ("{\n  \"s\": {\"a\": 1}\n}", "{}"),
            ("{\"s\": 1, \"b\": 2}", "{\"b\": 2}"),
            ("{\n  \"a\": 1,\n  \"s\": 1\n}", "{\n  \"a\": 1\n}"),
            ("{\n  \"a\": 1,\n  \"s\": 1,\n  \"b\": 2\n}", "{\n  \"a\": 1,\n  \"b\": 2\n}"),
            ("{\"a\": 1}", "{\"a\": 1}"),
        ] {
            assert_eq!(remove(text, &[], "s"), expected);
        }
        assert_eq!(remove("{\"a\": 1}", &["x", "y"], "s"), "{\"a\": 1}");
    }

    #[test]
    fn comments_and_trailing_commas_are_left_out() {
        let text = "// head\r\n{\r\n  // alone\r\n  \"a\": [1, 2,], /* in\r\n two lines */\r\n  \
                    \"u\": \"//no, /* no */,\\\"\", // end\r\n  \"b\": 1, /* last */\r\n}\r\n// tail";
        let expected =
            "{\r\n  \"a\": [1, 2],\r\n  \"u\": \"//no, /* no */,\\\"\",\r\n  \"b\": 1\r\n}\r\n";
        let (found, comments, commas) = without_extras(text);
        assert_eq!(found, expected);
        assert_eq!((comments, commas), (6, 2));
        assert_eq!(without_extras("[1, /* a */ 2 /* b */]").0, "[1, 2 ]");
        assert_eq!(without_extras(expected), (expected.to_owned(), 0, 0));
    }

    #[test]
    fn many_commas_take_linear_time() {
        let text = format!("[{}1{},]", "1, ".repeat(200_000), " /**/".repeat(200_000));
        let start = std::time::Instant::now();
        assert_eq!(without_extras(&text).2, 1);
        assert!(start.elapsed().as_secs() < 20);
    }

    proptest! {
        /// What the reader takes is the same without its extras, and then needs no warning.
        #[test]
        fn what_is_left_out_changes_nothing(
            pieces in prop::collection::vec(
                "\\{\"a\": |\\[|\"x/\\*\",?|1,|\\},?|\\],?| |\r\n|/\\* , \\*/|// ,\n|\"b\": ", 0..24,
            ),
        ) {
            let text = pieces.concat();
            let read = |text: &str| {
                let mut problems = Problems::default();
                let source = problems.add_source("x", text);
                let node = read_json(source, &mut problems);
                (node.map(|node| node.to_toml()), problems)
            };
            let (before, problems) = read(&text);
            if !problems.any_error() {
                let (after, problems) = read(&without_extras(&text).0);
                prop_assert_eq!(before, after);
                prop_assert!(problems.found.is_empty());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let mut editor = Editor::new(&text);
            let _ = editor.set(&["a", "b"], "c", SPOT);
            let _ = editor.remove(&["a", "b"], "c");
        }
    }
}
