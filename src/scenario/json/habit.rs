//! What people write in place of JSON all over a file, and what to say of it.

use super::clip;

/// What people write by habit, all over a file. Each is reported once, with its count.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Habit {
    Comment,
    TrailingComma,
    HashComment,
    Quote,
    BareKey,
    PythonWord,
    OddSpace,
}

impl Habit {
    /// Whether the text is taken nevertheless.
    pub const fn is_taken(self) -> bool {
        matches!(self, Self::Comment | Self::TrailingComma)
    }

    /// What to say of it, and what to write; `found` is the first of them.
    pub fn words(self, found: &str) -> (String, String) {
        let code = found.chars().next().map_or(0, u32::from);
        let found = clip(found);
        match self {
            Self::Comment => (
                "JSON has no comments".into(),
                "skipped here; delete comments before you send the body".into(),
            ),
            Self::TrailingComma => (
                "JSON has no comma before a closing bracket".into(),
                "skipped here; delete such commas before you send the body".into(),
            ),
            Self::HashComment => (
                "`#` starts no comment in JSON".into(),
                "delete the comment, or write // before it".into(),
            ),
            Self::Quote => (
                format!("{found} is not in straight double quotes"),
                "write \" on both sides of text and keys".into(),
            ),
            Self::BareKey => {
                (format!("the key `{found}` is not in quotes"), format!("write \"{found}\""))
            }
            Self::PythonWord => {
                let json = match found.as_str() {
                    "True" => "true",
                    "False" => "false",
                    _ => "null",
                };
                (format!("`{found}` is Python, not JSON"), format!("write {json}"))
            }
            Self::OddSpace => (
                format!("an invisible character that is not JSON (U+{code:04X})"),
                "replace it by a space, or delete it".into(),
            ),
        }
    }
}
