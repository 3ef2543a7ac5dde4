//! Text, numbers and words within JSON.

use super::{Habit, Parsed, Parser, UNREADABLE, clip};
use crate::scenario::tree::Value;

/// Whether text starts with it, in JSON or elsewhere.
pub(super) const fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\'' | '“' | '”' | '‘' | '’')
}

/// Whether text that starts with `quote` ends with `c`.
const fn closes(quote: char, c: char) -> bool {
    match quote {
        '"' => c == '"',
        '“' | '”' => matches!(c, '“' | '”'),
        '‘' | '’' => matches!(c, '‘' | '’'),
        _ => c == '\'',
    }
}

impl Parser<'_> {
    /// Reads text, from its quote to its quote.
    pub(super) fn text(&mut self, quote: char) -> Parsed<String> {
        let start = self.at;
        self.at += quote.len_utf8();
        let mut out = String::new();
        loop {
            if quote == '"' {
                // What needs no thought, at once: nothing of it can end the text.
                let rest = self.rest();
                let plain = |byte: u8| byte >= 0x20 && !matches!(byte, b'"' | b'\\');
                let run = rest.bytes().position(|byte| !plain(byte)).unwrap_or(rest.len());
                out.push_str(&rest[..run]);
                self.at += run;
            }
            let here = self.at;
            let c = match self.peek() {
                Some(c) if c != '\n' && !self.rest().starts_with("\r\n") => c,
                _ => {
                    return self.stop(
                        start..here,
                        "this text is not closed",
                        "write \" at its end; text stays on one line",
                    );
                }
            };
            self.at += c.len_utf8();
            match c {
                c if closes(quote, c) => break,
                '\\' => self.escape(quote, &mut out)?,
                c if u32::from(c) < 0x20 => {
                    self.error(
                        here..self.at,
                        format!("a control character (U+{:04X}) within text", u32::from(c)),
                        format!(
                            "write {}",
                            if c == '\t' { "\\t" } else { "its escape, or delete it" }
                        ),
                    )?;
                    out.push(c);
                }
                c => out.push(c),
            }
        }
        if quote != '"' {
            self.habit(Habit::Quote, start..self.at);
        }
        Ok(out)
    }

    /// Reads what follows a backslash.
    fn escape(&mut self, quote: char, out: &mut String) -> Parsed<()> {
        let start = self.at - 1;
        // At the end of the line or of the text: the caller reports text that is not closed.
        let Some(c) = self.peek().filter(|c| !matches!(c, '\r' | '\n')) else { return Ok(()) };
        self.at += c.len_utf8();
        match c {
            '"' | '\\' | '/' => out.push(c),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'n' => out.push('\n'),
            'r' => out.push('\r'),
            't' => out.push('\t'),
            'u' => {
                let character = self.unicode();
                out.push(character.unwrap_or(char::REPLACEMENT_CHARACTER));
                if character.is_none() {
                    let found = clip(&self.text[start..self.at]);
                    return self.error(
                        start..self.at,
                        format!("`{found}` is not a character"),
                        "write \\u and four hexadecimal digits; from U+10000 on a pair of them, \
                         such as \\ud83d\\ude00",
                    );
                }
            }
            c if closes(quote, c) => out.push(c),
            c => {
                out.push(c);
                return self.error(
                    start..self.at,
                    format!("`\\{c}` is not an escape"),
                    "write \\\\ for a backslash; the others are \\\" \\/ \\b \\f \\n \\r \\t \\u0000",
                );
            }
        }
        Ok(())
    }

    /// The character of a `\u` escape, of two where it is a surrogate pair.
    fn unicode(&mut self) -> Option<char> {
        let first = self.hex()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        if !self.rest().starts_with("\\u") {
            return None;
        }
        self.at += 2;
        let second = self.hex().filter(|second| (0xdc00..0xe000).contains(second))?;
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.rest().get(..4)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(digits, 16).ok()?;
        self.at += 4;
        Some(value)
    }

    /// Reads a number; what is too large for an integer becomes a float.
    pub(super) fn number(&mut self) -> Parsed<Value> {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.' | '_')))
            .unwrap_or(rest.len());
        let token = &rest[..length];
        let is_whole = !token.contains(['.', 'e', 'E']);
        let value = if !is_number(token) {
            None
        } else if let (true, Ok(number)) = (is_whole, token.parse()) {
            Some(Value::Integer(number))
        } else {
            token.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Float)
        };
        let message = format!("`{}` is not a number of JSON", clip(token));
        self.at += length;
        match value {
            Some(value) => Ok(value),
            None => {
                self.error(
                    start..self.at,
                    message,
                    "write digits, such as 3, 0.5 or 1e6; put anything else in quotes",
                )?;
                Ok(Value::Other(UNREADABLE))
            }
        }
    }

    /// Reads a value without quotes: true, false, null, or what should have been something else.
    pub(super) fn word(&mut self) -> Parsed<Value> {
        let start = self.at;
        let length = word_length(self.rest());
        self.at += length;
        let word = &self.text[start..self.at];
        let span = start..self.at;
        match word {
            "true" => return Ok(Value::Boolean(true)),
            "false" => return Ok(Value::Boolean(false)),
            "null" => return Ok(Value::Other("null")),
            "True" | "False" | "None" => {
                let value = match word {
                    "None" => Value::Other("null"),
                    word => Value::Boolean(word == "True"),
                };
                self.habit(Habit::PythonWord, span);
                return Ok(value);
            }
            _ => {}
        }
        let shown = clip(word);
        let (message, help) = if is_placeholder(word) {
            (
                format!("`{shown}` is a placeholder without quotes"),
                "write its value here; text in quotes".to_owned(),
            )
        } else {
            (format!("`{shown}` is text without quotes"), format!("write \"{shown}\""))
        };
        self.error(span, message, help)?;
        Ok(Value::Other(UNREADABLE))
    }

    /// Reads a key without quotes.
    pub(super) fn bare_key(&mut self) -> String {
        let start = self.at;
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
            .unwrap_or(rest.len());
        self.at += length;
        self.habit(Habit::BareKey, start..self.at);
        self.text[start..self.at].to_owned()
    }
}

/// The grammar of JSON: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`.
fn is_number(token: &str) -> bool {
    let unsigned = token.strip_prefix('-').unwrap_or(token);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent))
        }
        None => (unsigned, "0"),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    digits(whole) && !leading_zero && digits(part) && digits(exponent)
}

/// Bytes of a value without quotes. `${NAME}` and `<NAME>` end with their bracket.
fn word_length(text: &str) -> usize {
    let closing = match text.as_bytes() {
        [b'$', b'{', ..] => Some('}'),
        [b'<', ..] => Some('>'),
        _ => None,
    };
    // Looking ahead is for placeholders only: they are errors, and errors are few.
    let line = || text.lines().next().unwrap_or_default();
    if let Some(end) = closing.and_then(|closing| line().find(closing)) {
        return end + 1;
    }
    let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '{' | '}' | '[' | ']' | ':' | '"');
    text.char_indices().skip(1).find(|&(_, c)| ends(c)).map_or(text.len(), |(at, _)| at)
}

/// Whether a word stands for a value, as `REPLICA_COUNT`, `${REPLICAS}` and `<replicas>` do.
fn is_placeholder(word: &str) -> bool {
    word.starts_with(['$', '<'])
        || word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use crate::scenario::json::tests::{found, read};
    use crate::scenario::tree::Value;

    fn value(text: &str) -> Value {
        let (node, problems) = read(&format!("[{text}]"));
        assert!(problems.found.is_empty(), "{text}: {:?}", problems.found);
        match node.unwrap().value {
            Value::Array(mut items) => items.remove(0).value,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn numbers_are_whole_where_they_can_be() {
        assert_eq!(value("-12"), Value::Integer(-12));
        assert_eq!(value("9223372036854775807"), Value::Integer(i64::MAX));
        assert_eq!(value("9223372036854775808"), Value::Float(9_223_372_036_854_775_808.0));
        assert_eq!(value("1.5e3"), Value::Float(1500.0));
        for bad in ["012", "+1", ".5", "1.", "0x10", "1_000", "-", "-Infinity", "100GB", "1e999"] {
            let found = found(&format!("[{bad}]"));
            assert_eq!(found[0].0, format!("`{bad}` is not a number of JSON"));
            assert_eq!(found[0].2, bad);
        }
    }

    #[test]
    fn escapes_become_characters() {
        assert_eq!(
            value(r#""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00""#),
            Value::Text("\"\\/\u{8}\u{c}\n\r\té😀".into())
        );
        for (bad, at) in [
            (r#""\x""#, r"\x"),
            (r#""a\é""#, r"\é"),
            (r#""\u12""#, r"\u"),
            (r#""\ud83d!""#, r"\ud83d"),
            (r#""\ud83d\u0041""#, r"\ud83d\u0041"),
            (r#""\ude00""#, r"\ude00"),
        ] {
            assert_eq!(found(&format!("[{bad}]"))[0].2, at, "{bad}");
        }
    }

    #[test]
    fn text_ends_with_the_quote_it_started_with() {
        let (node, _) = read("['it’s', \"it's ”\", ”a”, ‘b’]");
        assert_eq!(node.unwrap().to_toml(), "[\"it’s\", \"it's ”\", \"a\", \"b\"]");
    }

    #[test]
    fn text_ends_on_its_line() {
        assert_eq!(found("[\"a\n\"]")[0].2, "\"a");
        assert_eq!(found("[\"a\r\n\"]")[0].2, "\"a");
        assert_eq!(found("[\"a\\")[0].0, "this text is not closed");
        assert!(found("[\"a\tb\"]")[0].1.contains("write \\t"));
    }

    #[test]
    fn words_without_quotes_say_what_they_are() {
        for (word, about) in [
            ("MIN_REPLICA_COUNT", "placeholder"),
            ("${REPLICAS}", "placeholder"),
            ("<your replicas>", "placeholder"),
            ("NVIDIA-L4", "text without quotes"),
            ("n1-standard-4", "text without quotes"),
        ] {
            let found = found(&format!("{{\"a\": {word}, \"b\": 1}}"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].0.contains(about), "{found:?}");
            assert_eq!(found[0].2, word);
        }
    }
}
