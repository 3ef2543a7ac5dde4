//! Values within JSON, objects and lists: brackets, keys, colons and commas.

use std::collections::BTreeMap;

use super::{Habit, Open, Parsed, Parser, UNREADABLE, clip, scalar};
use crate::scenario::tree::{Entry, Node, Value};

/// Brackets within brackets. The deepest field of a request body is about ten deep.
const MAX_DEPTH: usize = 64;

/// Keys from which on an index of them pays.
const MANY_KEYS: usize = 32;

impl Parser<'_> {
    /// Reads a value.
    pub(super) fn value(&mut self) -> Parsed<Node> {
        let start = self.at;
        let value = match self.peek() {
            Some('{') => self.object()?,
            Some('[') => self.array()?,
            Some(quote) if scalar::is_quote(quote) => Value::Text(self.text(quote)?),
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => self.number()?,
            Some(c) if c.is_alphanumeric() || matches!(c, '_' | '$' | '<') => self.word()?,
            Some(c) => {
                return self.stop(
                    start..start + c.len_utf8(),
                    format!("`{c}` is not a value"),
                    "write text in quotes, a number, true, false, { … } or [ … ]",
                );
            }
            None => return self.ended(),
        };
        Ok(Node { value, at: self.place(start..self.at) })
    }

    fn object(&mut self) -> Parsed<Value> {
        self.open('}')?;
        let mut entries: Vec<Entry> = Vec::new();
        // Where each key is, once there are too many to look through.
        let mut index: BTreeMap<String, usize> = BTreeMap::new();
        let mut comma = None;
        while self.another(&mut comma)? {
            let entry = self.entry()?;
            let first = if index.is_empty() {
                entries.iter().position(|other| other.key == entry.key)
            } else {
                index.get(&entry.key).copied()
            };
            if let Some(first) = first {
                let before = &self.text[..entries[first].at.span.start];
                let line = before.matches('\n').count() + 1;
                self.error(
                    entry.at.span.clone(),
                    format!("`{}` is written twice in one object", clip(&entry.key)),
                    format!("keep one of them; the other is in line {line}"),
                )?;
                continue;
            }
            if !index.is_empty() {
                index.insert(entry.key.clone(), entries.len());
            }
            entries.push(entry);
            if entries.len() == MANY_KEYS {
                let keys = entries.iter().enumerate();
                index = keys.map(|(at, entry)| (entry.key.clone(), at)).collect();
            }
        }
        Ok(Value::Table(entries))
    }

    fn array(&mut self) -> Parsed<Value> {
        self.open(']')?;
        let mut items = Vec::new();
        let mut comma = None;
        while self.another(&mut comma)? {
            items.push(self.value()?);
        }
        Ok(Value::Array(items))
    }

    fn entry(&mut self) -> Parsed<Entry> {
        let start = self.at;
        let key = match self.peek() {
            Some(quote) if scalar::is_quote(quote) => self.text(quote)?,
            Some(c) if c.is_alphanumeric() || c == '_' => self.bare_key(),
            Some(c) => {
                return self.stop(
                    start..start + c.len_utf8(),
                    format!("`{c}` is not a key"),
                    "write the key in double quotes, then `:` and its value",
                );
            }
            None => return self.ended(),
        };
        let span = start..self.at;
        let at = self.place(span.clone());
        self.space()?;
        match self.peek() {
            Some(':') => self.at += 1,
            Some('=') => {
                self.error(self.at..self.at + 1, "`=` between key and value", "write `:`")?;
                self.at += 1;
            }
            None | Some(',' | '}' | ']') => {}
            Some(_) => self.error(
                span.clone(),
                format!("no `:` after the key `{}`", clip(&key)),
                "write `:` between key and value",
            )?,
        }
        self.space()?;
        let node = if matches!(self.peek(), Some(',' | '}' | ']')) {
            self.error(
                span,
                format!("the key `{}` has no value", clip(&key)),
                "write `:` and its value, or delete the key",
            )?;
            Node { value: Value::Other(UNREADABLE), at: at.clone() }
        } else {
            self.value()?
        };
        Ok(Entry { key, at, node })
    }

    // ------------------------------------------------------------------- brackets and commas

    pub(super) fn open(&mut self, closing: char) -> Parsed<()> {
        if self.open.len() == MAX_DEPTH {
            return self.stop(
                self.at..self.at + 1,
                format!("brackets within brackets, deeper than {MAX_DEPTH}"),
                "a request body is about ten deep",
            );
        }
        self.open.push(Open { at: self.at, line: self.line, closing, inner: None });
        self.at += 1;
        Ok(())
    }

    /// Goes on to the next entry or item, over the comma; `false` where the bracket is closed.
    /// `comma` is where the comma before stood; `None` before the first.
    pub(super) fn another(&mut self, comma: &mut Option<usize>) -> Parsed<bool> {
        let is_first = self.open.last().is_some_and(|open| open.at + 1 == self.at);
        let end = self.at;
        self.space()?;
        if !is_first && self.peek() == Some(',') {
            *comma = Some(self.at);
            self.at += 1;
            self.space()?;
        } else if !is_first {
            *comma = None;
        }
        while self.peek() == Some(',') {
            self.error(self.at..self.at + 1, "a comma with nothing before it", "delete it")?;
            self.at += 1;
            self.space()?;
        }
        match self.peek() {
            Some(found @ ('}' | ']')) => {
                self.close(found, *comma)?;
                Ok(false)
            }
            None => self.ended(),
            Some(_) => {
                let indent = (self.line.first == Some(self.at)).then(|| self.line.indent());
                if is_first {
                    self.open.last_mut().expect("a bracket is open").inner = indent;
                } else if comma.is_none() {
                    self.missing_comma(end, indent)?;
                }
                Ok(true)
            }
        }
    }

    /// Reports that no comma follows the value that ends at `end`. Where the next one is indented
    /// less than it should be, a closing bracket is missing rather than a comma.
    fn missing_comma(&mut self, end: usize, indent: Option<usize>) -> Parsed<()> {
        if let (Some(open), Some(indent)) = (self.open.last().copied(), indent)
            && open.inner.is_some_and(|inner| inner > open.line.indent())
            && indent <= open.line.indent()
        {
            return self.never_closed(open, Some(self.line.number));
        }
        self.error(end - 1..end, "no comma after this", "write `,` after it")
    }

    fn close(&mut self, found: char, comma: Option<usize>) -> Parsed<()> {
        let open = self.open.pop().expect("a bracket is closed where one is open");
        if found != open.closing {
            let opening = &self.text[open.at..=open.at];
            let message =
                format!("`{found}` cannot close the `{opening}` of line {}", open.line.number);
            let help = format!("write `{}` before it or in its place", open.closing);
            return self.stop(self.at..self.at + 1, message, help);
        }
        if let Some(comma) = comma {
            self.habit(Habit::TrailingComma, comma..comma + 1);
        }
        let starts_line = self.line.first == Some(self.at);
        if self.unclosed.is_none() && starts_line && self.line.indent() < open.line.indent() {
            self.unclosed = Some((open, self.line.number));
        }
        self.at += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::scenario::json::tests::{found, read};

    #[test]
    fn a_missing_brace_is_pointed_at() {
        // The last line closes `deployedModel`; by the indentation, the object within it is open.
        let text = "{\n  \"deployedModel\": {\n    \"x\": {\n      \"spot\": true\n  }\n}\n";
        let found = found(text);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "this `{` is never closed");
        assert_eq!(found[0].1, "write `}` before line 5, to judge by the indentation");
        let (_, problems) = read(text);
        assert_eq!(problems.found[0].place.as_ref().unwrap().span.start, text.rfind('{').unwrap());
    }

    #[test]
    fn a_missing_brace_is_told_from_a_missing_comma() {
        let text = "{\n  \"a\": {\n    \"b\": 1\n  \"c\": 2\n}\n";
        let messages = found(text);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].1, "write `}` before line 4, to judge by the indentation");
        let text = "{\n\"a\": {\n\"b\": 1\n\"c\": 2\n}\n}\n";
        assert_eq!(found(text)[0].0, "no comma after this");
    }

    #[test]
    fn brackets_that_do_not_fit_are_pointed_at() {
        assert_eq!(found("{\"a\": [1, 2}")[0].0, "`}` cannot close the `[` of line 1");
        assert_eq!(found("[1, 2")[0].1, "write `]` where it ends");
        assert_eq!(found("{\"a\": 1}}")[0].0, "this `}` closes nothing");
    }

    #[test]
    fn missing_and_needless_marks_are_reported_and_read_over() {
        let text = "{\"a\": 1 \"b\" 2,, \"c\" = 3, \"d\": , \"e\"}";
        let found = found(text);
        let messages: Vec<&str> = found.iter().map(|(message, _, _)| message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "no comma after this",
                "no `:` after the key `b`",
                "a comma with nothing before it",
                "`=` between key and value",
                "the key `d` has no value",
                "the key `e` has no value",
            ]
        );
        assert_eq!(read(text).0.unwrap().entries().len(), 5);
        assert_eq!(read("[, 1]").0.unwrap().to_toml(), "[1]");
    }

    #[test]
    fn a_key_written_twice_names_both_places() {
        let found = found("{\"spot\": true,\n \"spot\": false}");
        assert_eq!(found[0].0, "`spot` is written twice in one object");
        assert_eq!(found[0].1, "keep one of them; the other is in line 1");
        assert_eq!(found[0].2, "\"spot\"");
    }

    #[test]
    fn deep_nesting_is_refused_and_errors_end_somewhere() {
        assert!(found(&"[".repeat(100_000))[0].0.contains("deeper than 64"));
        assert!(read(&format!("{}1{}", "[".repeat(64), "]".repeat(64))).0.is_some());
        assert_eq!(found(&"[,".repeat(100_000)).len(), 20);
        assert_eq!(found(&format!("[{}", "1 ".repeat(1_000))).len(), 20);
    }
}
