//! JSON as people paste it → a tree of values that know their place.
//!
//! Owns the syntax: what is JSON, what is taken with a warning (comments, trailing commas), and for
//! everything else an error that says what to write. Leaves to [`super::request`] what the fields
//! mean. It reads on after an error where it can, so that all problems are reported together. The
//! time it takes is linear in the length of the text.

mod brackets;
mod habit;
mod scalar;

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};

use self::habit::Habit;
use super::source::{Place, Problems};
use super::tree::Node;

/// Errors after which reading stops: more would not teach more.
const MAX_ERRORS: usize = 20;

/// The name of a value that could not be read and has been reported already.
pub const UNREADABLE: &str = "something that is not JSON";

/// Reads JSON. What is not JSON is reported; what could be read is returned.
pub fn read_json(source: usize, problems: &mut Problems) -> Option<Node> {
    let text = problems.sources[source].text.clone();
    let mut parser = Parser::new(&text, source, problems);
    let node = parser.document();
    parser.report_habits();
    node.ok()
}

/// Reads a text of many values, one at a time, so that a long list needs the memory of one item:
/// the items of a list, of several lists one after the other, or values one after the other (JSON
/// lines). `each` gets every item with the whole text, and may end the reading. What is not JSON is
/// reported.
pub fn read_items(
    source: usize,
    problems: &mut Problems,
    each: &mut dyn FnMut(Node, &str, &mut Problems) -> ControlFlow<()>,
) {
    // Borrowed while it is read: a list may be large.
    let text = std::mem::take(&mut problems.sources[source].text);
    let mut parser = Parser::new(&text, source, problems);
    // Where it stopped, the reason has been reported, or `each` had enough.
    let _ = parser.items(each);
    parser.report_habits();
    problems.sources[source].text = text;
}

/// The first line of a text that may be long, for a message.
pub(crate) fn clip(text: &str) -> String {
    let line = text.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= 48 {
        return line.to_owned();
    }
    line.chars().take(45).chain("...".chars()).collect()
}

/// Reading cannot go on; why has been reported.
#[derive(Debug)]
struct Stop;

type Parsed<T> = Result<T, Stop>;

struct Parser<'a> {
    text: &'a str,
    /// Bytes read so far.
    at: usize,
    source: usize,
    problems: &'a mut Problems,
    errors: usize,
    /// Where each was first met, and how often.
    habits: BTreeMap<Habit, (Range<usize>, usize)>,
    line: Line,
    open: Vec<Open>,
    /// A bracket whose closing one is missing, to judge by the indentation, and the line before
    /// which it is missing.
    unclosed: Option<(Open, usize)>,
}

/// The line being read.
#[derive(Clone, Copy)]
struct Line {
    /// From 1.
    number: usize,
    start: usize,
    /// Its first byte that is not space.
    first: Option<usize>,
}

/// An open bracket.
#[derive(Clone, Copy)]
struct Open {
    at: usize,
    line: Line,
    closing: char,
    /// How far its first entry is indented, where that starts a line.
    inner: Option<usize>,
}

impl Line {
    fn indent(self) -> usize {
        self.first.unwrap_or(self.start) - self.start
    }
}

// --------------------------------------------------------------------------------- reporting

impl Parser<'_> {
    fn place(&self, span: Range<usize>) -> Place {
        Place { source: self.source, span }
    }

    /// Reports an error after which reading goes on, unless there are too many.
    fn error(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Parsed<()> {
        self.problems.error(&self.place(span), message, help);
        self.errors += 1;
        if self.errors < MAX_ERRORS { Ok(()) } else { Err(Stop) }
    }

    /// Reports an error after which reading cannot go on.
    fn stop<T>(
        &mut self,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Parsed<T> {
        self.error(span, message, help)?;
        Err(Stop)
    }

    fn habit(&mut self, habit: Habit, span: Range<usize>) {
        self.habits.entry(habit).or_insert((span, 0)).1 += 1;
    }

    fn report_habits(&mut self) {
        for (habit, (span, count)) in std::mem::take(&mut self.habits) {
            let (mut message, help) = habit.words(&self.text[span.clone()]);
            if count > 1 {
                message.push_str(&format!(" (the first of {count})"));
            }
            let place = self.place(span);
            if habit.is_taken() {
                self.problems.warning(Some(&place), message, help);
            } else {
                self.problems.error(&place, message, help);
            }
        }
    }

    /// The text has ended within brackets.
    fn ended<T>(&mut self) -> Parsed<T> {
        match (self.unclosed, self.open.last().copied()) {
            (Some((open, line)), _) => self.never_closed(open, Some(line)),
            (None, Some(open)) => self.never_closed(open, None),
            (None, None) => {
                let end = self.text.len();
                self.stop(end..end, "the text ends before the JSON object", "write { … }")
            }
        }
    }

    /// Reports a bracket that is not closed, before a line where that can be told.
    fn never_closed<T>(&mut self, open: Open, before: Option<usize>) -> Parsed<T> {
        let help = match before {
            Some(line) => {
                format!("write `{}` before line {line}, to judge by the indentation", open.closing)
            }
            None => format!("write `{}` where it ends", open.closing),
        };
        let bracket = &self.text[open.at..=open.at];
        self.stop(open.at..open.at + 1, format!("this `{bracket}` is never closed"), help)
    }
}

// -------------------------------------------------------------------------------- the document

impl<'a> Parser<'a> {
    const fn new(text: &'a str, source: usize, problems: &'a mut Problems) -> Self {
        Self {
            text,
            at: 0,
            source,
            problems,
            errors: 0,
            habits: BTreeMap::new(),
            line: Line { number: 1, start: 0, first: None },
            open: Vec::new(),
            unclosed: None,
        }
    }
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes on to a byte, counting lines.
    fn advance(&mut self, to: usize) {
        for (index, &byte) in self.text.as_bytes()[self.at..to].iter().enumerate() {
            if byte == b'\n' {
                let number = self.line.number + 1;
                self.line = Line { number, start: self.at + index + 1, first: None };
            }
        }
        self.at = to;
    }

    fn document(&mut self) -> Parsed<Node> {
        self.begin()?;
        let node = self.value()?;
        self.space()?;
        self.nothing_more()?;
        Ok(node)
    }

    fn items(
        &mut self,
        each: &mut dyn FnMut(Node, &str, &mut Problems) -> ControlFlow<()>,
    ) -> Parsed<()> {
        self.begin()?;
        loop {
            match self.peek() {
                None => return Ok(()),
                Some('[') => {
                    self.open(']')?;
                    let mut comma = None;
                    while self.another(&mut comma)? {
                        self.item(each)?;
                    }
                }
                Some(_) => self.item(each)?,
            }
            self.space()?;
        }
    }

    fn item(
        &mut self,
        each: &mut dyn FnMut(Node, &str, &mut Problems) -> ControlFlow<()>,
    ) -> Parsed<()> {
        let node = self.value()?;
        match each(node, self.text, self.problems) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(Stop),
        }
    }

    /// Goes to the first bracket.
    fn begin(&mut self) -> Parsed<()> {
        const MARK: char = '\u{feff}';
        if self.text.starts_with(MARK) {
            self.error(
                0..MARK.len_utf8(),
                "the file begins with an invisible byte order mark",
                "save it as UTF-8 without BOM",
            )?;
            self.at = MARK.len_utf8();
            self.line.start = self.at;
        }
        self.space()?;
        if !matches!(self.peek(), Some('{' | '[')) {
            self.stray_text()?;
        }
        Ok(())
    }

    /// Reports what stands before the JSON object and goes on to the object.
    fn stray_text(&mut self) -> Parsed<()> {
        let rest = self.rest();
        let Some(start) = start_of_object(rest) else {
            let span = self.at..self.at + rest.trim_end().len();
            let message = if span.is_empty() {
                "there is no JSON here".to_owned()
            } else {
                format!("there is no JSON object here, only `{}`", clip(rest))
            };
            let help = "a request body is one JSON object { … }; write YAML or Python as JSON";
            return self.stop(span, message, help);
        };
        let stray = rest[..start].trim_end();
        let (span, first_line) = (self.at..self.at + stray.len(), clip(stray));
        self.error(
            span,
            format!("the text before the JSON object is not part of it: `{first_line}`"),
            "delete it: the file holds the JSON object and nothing else",
        )?;
        self.advance(self.at + start);
        self.line.first = Some(self.at);
        Ok(())
    }

    /// Reports what stands behind the JSON object.
    fn nothing_more(&mut self) -> Parsed<()> {
        let rest = self.rest().trim_end();
        let Some(first) = rest.chars().next() else { return Ok(()) };
        let span = self.at..self.at + rest.len();
        match first {
            '}' | ']' => self.error(
                span.start..span.start + 1,
                format!("this `{first}` closes nothing"),
                "delete it, or write the opening bracket that is missing",
            ),
            '{' | '[' => self.error(
                span,
                "a second JSON value follows the first",
                "write one request body per file",
            ),
            _ => {
                let message =
                    format!("the text after the JSON object is not part of it: `{}`", clip(rest));
                let help = "delete it: the file holds the JSON object and nothing else";
                self.error(span, message, help)
            }
        }
    }

    /// Skips space and comments.
    fn space(&mut self) -> Parsed<()> {
        while let Some(c) = self.peek() {
            let start = self.at;
            if c == ' ' {
                self.at += self.rest().bytes().take_while(|byte| *byte == b' ').count();
                continue;
            }
            match c {
                '\n' => self.advance(start + 1),
                '\t' | '\r' => self.at += 1,
                '#' => {
                    self.skip_line();
                    self.habit(Habit::HashComment, start..self.at);
                }
                '/' if self.rest().starts_with("//") => {
                    self.skip_line();
                    self.habit(Habit::Comment, start..self.at);
                }
                '/' if self.rest().starts_with("/*") => {
                    let Some(length) = self.rest()[2..].find("*/") else {
                        return self.stop(
                            start..start + 2,
                            "this comment is never closed",
                            "write */ at its end",
                        );
                    };
                    self.advance(start + length + 4);
                    self.habit(Habit::Comment, start..self.at);
                }
                c if c.is_whitespace() || c.is_control() || is_invisible(c) => {
                    self.at += c.len_utf8();
                    self.habit(Habit::OddSpace, start..self.at);
                }
                _ => break,
            }
        }
        self.line.first.get_or_insert(self.at);
        Ok(())
    }

    fn skip_line(&mut self) {
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }
}

/// Where the JSON object starts in a text with something before it: at the first `{` that a key
/// follows, else at the first `{`.
fn start_of_object(text: &str) -> Option<usize> {
    let mut braces = text.match_indices('{').map(|(at, _)| at);
    braces
        .clone()
        .find(|at| {
            let next = text[at + 1..].chars().find(|c| !c.is_whitespace());
            next.is_some_and(|c| scalar::is_quote(c) || c == '/')
        })
        .or_else(|| braces.next())
}

/// Characters of no width that come along when text is copied from a page.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::scenario::source::Severity;

    pub(super) fn read(text: &str) -> (Option<Node>, Problems) {
        let mut problems = Problems::default();
        let source = problems.add_source("body.json", text);
        let node = read_json(source, &mut problems);
        (node, problems)
    }

    /// Message, help and source text of every problem of a text.
    pub(super) fn found(text: &str) -> Vec<(String, String, String)> {
        let (_, problems) = read(text);
        let mut found = Vec::new();
        for problem in &problems.found {
            let span = problem.place.clone().unwrap().span;
            let help = problem.help.clone().unwrap_or_default();
            found.push((problem.message.clone(), help, text[span].to_owned()));
        }
        found
    }

    #[test]
    fn keys_and_values_know_their_place() {
        let text = "{\"a\": [1, 2.5, null], \"b\": {\"c\": \"é\", \"d\": true}}";
        let (node, problems) = read(text);
        assert!(problems.found.is_empty(), "{:?}", problems.found);
        let node = node.unwrap();
        assert_eq!(node.at.span, 0..text.len());
        assert_eq!(&text[node.at_path("b.c").unwrap().at.span.clone()], "\"é\"");
        assert_eq!(&text[node.get("b").unwrap().entries()[1].at.span.clone()], "\"d\"");
        assert_eq!(node.to_toml(), "{ a = [1, 2.5, null], b = { c = \"é\", d = true } }");
    }

    #[test]
    fn comments_and_trailing_commas_are_taken_with_one_warning_each() {
        let text = "// body\n{\"a\": [1, 2,], /* of\n it */ \"b\": {\"c\": 1,}, // end\n}\n// done";
        let (node, problems) = read(text);
        assert_eq!(node.unwrap().to_toml(), "{ a = [1, 2], b = { c = 1 } }");
        assert!(!problems.any_error());
        assert_eq!(problems.found.len(), 2);
        let shown = problems.render(Severity::Warning);
        assert!(shown.contains("JSON has no comments (the first of 4)"), "{shown}");
        assert!(shown.contains("comma before a closing bracket (the first of 3)"), "{shown}");
        assert!(shown.contains("body.json:2:12"), "{shown}");
    }

    #[test]
    fn text_around_the_object_is_pointed_at_and_the_object_is_read() {
        let text = "Send this to\nPOST https://example.com/${REGION}/v1:deploy\n\n\
                    {\n  \"a\": 1,\n}\n\nEOF\ncurl -X POST \\\n  -d @request.json \\\n";
        let found = found(text);
        assert_eq!(found.len(), 3);
        assert!(found[0].0.contains("before the JSON object is not part of it: `Send this to`"));
        assert!(found[0].1.starts_with("delete it"));
        assert!(found[0].2.ends_with("v1:deploy"));
        assert!(found[1].0.contains("after the JSON object is not part of it: `EOF`"));
        assert!(found[1].2.ends_with("request.json \\"));
        assert_eq!(read(text).0.unwrap().to_toml(), "{ a = 1 }");
    }

    #[test]
    fn a_body_within_a_shell_command_is_found() {
        let found = found("curl -d '{\"a\": 1}' https://example.com");
        assert_eq!(found[0].2, "curl -d '");
        assert_eq!(found[1].2, "' https://example.com");
    }

    #[test]
    fn what_holds_no_object_says_so() {
        for text in ["", "  \n", "// only this", "workerPoolSpecs:\n- replicaCount: 1\n", "/* a"] {
            let (node, problems) = read(text);
            assert!(node.is_none() && problems.found.iter().any(|p| p.help.is_some()), "{text}");
        }
        assert!(found("a: 1\n")[0].1.contains("write YAML or Python as JSON"));
        assert!(found("{} }")[0].0.contains("closes nothing"));
        assert!(found("{} {}")[0].1.contains("one request body per file"));
    }

    #[test]
    fn a_byte_order_mark_and_invisible_characters_are_named() {
        let text = "\u{feff}{\u{a0}\"a\":\u{200b}1}";
        let found = found(text);
        assert!(found[0].0.contains("byte order mark"));
        assert!(found[1].0.contains("U+00A0) (the first of 2)"), "{found:?}");
        assert_eq!(read(text).0.unwrap().to_toml(), "{ a = 1 }");
    }

    #[test]
    fn what_people_write_by_habit_is_read_and_reported_once() {
        let text = "{'a': True, b: None, # why\n “c”: False, 'd': 1}";
        let (node, problems) = read(text);
        assert_eq!(node.unwrap().to_toml(), "{ a = true, b = null, c = false, d = 1 }");
        let messages: Vec<&str> = problems.found.iter().map(|p| p.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "`#` starts no comment in JSON",
                "'a' is not in straight double quotes (the first of 3)",
                "the key `b` is not in quotes",
                "`True` is Python, not JSON (the first of 3)",
            ]
        );
    }

    #[test]
    fn large_input_takes_linear_time() {
        let start = std::time::Instant::now();
        for part in ["[", "{\"a\":", "'a' ", "{ ", "True,", "/**/", "\"a\",", "[],", "${", "\u{a0}"]
        {
            read(&part.repeat(200_000));
            read(&format!("[{}]", part.repeat(200_000)));
            read(&format!("x {}", part.repeat(200_000)));
        }
        // Quadratic time would be hours.
        assert!(start.elapsed().as_secs() < 30);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            let (node, problems) = read(&text);
            prop_assert!(node.is_some() || problems.any_error());
        }

        #[test]
        fn no_json_like_text_makes_it_panic(
            text in "(\\{|\\}|\\[|\\]|,|:|\"|'|“|”|\\\\|\\\\u|d83d|/\\*|\\*/|//|#|\n|\r| |-|1|e9|é|a|True|null|\\$|<|=){0,40}",
        ) {
            let (node, problems) = read(&text);
            prop_assert!(node.is_some() || problems.any_error());
            prop_assert!(node.is_some() || !problems.render(Severity::Error).is_empty());
        }

        /// What serde_json writes we read as it was meant.
        #[test]
        fn valid_json_is_read_as_others_read_it(value in json_value()) {
            let value = serde_json::Value::from(vec![value]);
            let text = serde_json::to_string_pretty(&value).unwrap();
            let (node, problems) = read(&text);
            prop_assert!(problems.found.is_empty(), "{:?}", problems.found);
            prop_assert_eq!(to_json(&node.unwrap()), value);
        }
    }

    fn json_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            (-1e30..1e30).prop_map(|number: f64| (number + 0.5).into()),
            any::<String>().prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(Into::into),
                proptest::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    fn to_json(node: &Node) -> serde_json::Value {
        use crate::scenario::tree::Value;
        match &node.value {
            Value::Table(entries) => serde_json::Value::Object(
                entries.iter().map(|e| (e.key.clone(), to_json(&e.node))).collect(),
            ),
            Value::Array(items) => items.iter().map(to_json).collect(),
            Value::Text(text) => text.as_str().into(),
            Value::Integer(number) => (*number).into(),
            Value::Float(number) => (*number).into(),
            Value::Boolean(truth) => (*truth).into(),
            Value::Other(_) => serde_json::Value::Null,
        }
    }
}
