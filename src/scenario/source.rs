//! Texts people wrote, places in them, and what is wrong there.
//!
//! Every problem knows its place, so that it can be shown with a caret under the source line, and
//! all problems of a scenario are shown together.

use std::ops::ControlFlow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// A text with its name: a file, or an option of the command line.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file name, or `--set`.
    pub name: String,
    /// What it says.
    pub text: String,
    /// The number of its first line: 1 unless only a part of a long file is kept.
    pub first_line: usize,
}

/// A place in a source: which one, and the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index in [`Problems::sources`].
    pub source: usize,
    /// Bytes of its text.
    pub span: Range<usize>,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The input is refused.
    Error,
    /// The input is taken, and the user told.
    Warning,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where, if it is anywhere.
    pub place: Option<Place>,
    /// What was found.
    pub message: String,
    /// What is allowed, or what to write.
    pub help: Option<String>,
}

/// Problems of one severity that are kept: a wrong file has thousands, and nobody reads them.
const MOST: usize = 50;

/// The sources read so far, and what is wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    /// The texts, in the order in which they were read.
    pub sources: Vec<Source>,
    /// In the order in which they were found.
    pub found: Vec<Problem>,
}

impl Problems {
    /// Adds a source and returns its index.
    pub fn add_source(&mut self, name: impl Into<String>, text: impl Into<String>) -> usize {
        self.add_part(name, text, 1)
    }

    /// Adds a part of a source that begins at a line of it, and returns its index.
    pub fn add_part(
        &mut self,
        name: impl Into<String>,
        text: impl Into<String>,
        first_line: usize,
    ) -> usize {
        self.sources.push(Source { name: name.into(), text: text.into(), first_line });
        self.sources.len() - 1
    }

    /// Reports an error at a place.
    pub fn error(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.report(Severity::Error, Some(place), message.into(), help.into());
    }

    /// Reports an error that is nowhere in particular: something is missing.
    pub fn missing(&mut self, message: impl Into<String>, help: impl Into<String>) {
        self.report(Severity::Error, None, message.into(), help.into());
    }

    /// Reports a warning.
    pub fn warning(
        &mut self,
        place: Option<&Place>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.report(Severity::Warning, place, message.into(), help.into());
    }

    fn report(&mut self, severity: Severity, place: Option<&Place>, message: String, help: String) {
        let problem = Problem {
            severity,
            place: place.cloned(),
            message,
            help: (!help.is_empty()).then_some(help),
        };
        self.add(problem);
    }

    /// Adds a problem found elsewhere, unless it is known already or too many are.
    pub fn add(&mut self, problem: Problem) {
        if !self.is_full(problem.severity) && !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }

    /// Whether so many problems were found that further ones are not kept.
    #[must_use]
    pub fn is_full(&self, severity: Severity) -> bool {
        self.found.iter().filter(|problem| problem.severity == severity).count() >= MOST
    }

    /// Goes on reading a long input until further errors are not kept.
    pub fn may_go_on(&self) -> ControlFlow<()> {
        if self.is_full(Severity::Error) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    /// Whether any of them refuses the input.
    #[must_use]
    pub fn any_error(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The problems of one severity, each with line, column and caret under the source line.
    #[must_use]
    pub fn render(&self, severity: Severity) -> String {
        let renderer = Renderer::plain();
        let mut out = String::new();
        for problem in self.in_order(severity) {
            let level = match severity {
                Severity::Error => Level::ERROR,
                Severity::Warning => Level::WARNING,
            };
            // Control characters of the input must not reach a terminal.
            let message = printable(&problem.message);
            let help = problem.help.as_deref().map(printable);
            let title = level.primary_title(message.as_str());
            let snippet = problem.place.as_ref().and_then(|place| self.snippet(place));
            let mut group = match &snippet {
                Some((name, line, text, span)) => title.element(
                    Snippet::source(text.as_str())
                        .path(name.as_str())
                        .line_start(*line)
                        .annotation(AnnotationKind::Primary.span(span.clone())),
                ),
                None => Group::with_title(title),
            };
            if let Some(help) = &help {
                group = group.element(Level::HELP.message(help.as_str()));
            }
            out.push_str(&renderer.render(&[group]));
            out.push_str("\n\n");
        }
        if self.is_full(severity) {
            out.push_str(&format!("only the first {MOST} are shown: is this the right file?\n\n"));
        }
        out
    }

    /// The problems of one severity in the order of their places; those without a place last.
    fn in_order(&self, severity: Severity) -> Vec<&Problem> {
        let mut problems: Vec<&Problem> =
            self.found.iter().filter(|problem| problem.severity == severity).collect();
        problems.sort_by_key(|problem| match &problem.place {
            Some(place) => (place.source, place.span.start),
            None => (usize::MAX, 0),
        });
        problems
    }

    /// The line of a place: file name, line number, its text and the span in it. Only a window of a
    /// very long line is shown.
    fn snippet(&self, place: &Place) -> Option<(String, usize, String, Range<usize>)> {
        const WIDTH: usize = 20_000;
        let source = self.sources.get(place.source)?;
        let text = source.text.as_str();
        let mut start = place.span.start.min(text.len());
        while !text.is_char_boundary(start) {
            start -= 1;
        }
        let line_start = text[..start].rfind('\n').map_or(0, |at| at + 1);
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let number = text[..line_start].matches('\n').count() + source.first_line;
        let mut from = line_start;
        if start - line_start > WIDTH / 2 {
            from = start - WIDTH / 4;
            while !text.is_char_boundary(from) {
                from += 1;
            }
        }
        let mut to = line_end.min(from + WIDTH);
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        let mut end = place.span.end.clamp(start, to.max(start));
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let line = printable_line(&text[from..to]);
        // `printable_line` keeps every byte offset.
        Some((source.name.clone(), number, line, start - from..(end - from).max(start - from)))
    }
}

/// The text with control characters made visible.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|c| match c {
            '\n' => vec!['\n'],
            c if c.is_control() => c.escape_default().collect(),
            c => vec![c],
        })
        .collect()
}

/// A source line with each byte of a control character replaced by one visible byte.
fn printable_line(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            let (shown, count) = if c == '\t' {
                (' ', 1)
            } else if c.is_control() {
                ('?', c.len_utf8())
            } else {
                (c, 1)
            };
            std::iter::repeat_n(shown, count)
        })
        .collect()
}

/// The candidate nearest to `word`, if one is near enough to have been meant.
#[must_use]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).collect();
    candidates
        .into_iter()
        .map(|candidate| (edit_distance(&word, candidate), candidate))
        .filter(|&(distance, candidate)| {
            distance <= (candidate.chars().count().max(word.len()) / 3).max(1)
        })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions and substitutions between two words.
fn edit_distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_shown_under_its_source_line() {
        let mut problems = Problems::default();
        let source = problems.add_source("job.toml", "[checkpoint]\nevery = 20\n");
        problems.error(
            &Place { source, span: 21..23 },
            "checkpoint.every = 20 has no unit",
            "write \"20 min\"",
        );
        let shown = problems.render(Severity::Error);
        assert!(shown.contains("job.toml:2:9"), "{shown}");
        assert!(shown.contains("^^"), "{shown}");
        assert!(shown.contains("write \"20 min\""), "{shown}");
    }

    #[test]
    fn places_outside_the_text_and_control_characters_do_no_harm() {
        let mut problems = Problems::default();
        let source = problems.add_source("x\u{1b}[2J", "äöü\u{7}\u{85}é");
        for span in [0..1, 1..2, 3..99, 99..100, 7..8] {
            problems.error(&Place { source, span }, "bad \u{1b}[31m", "");
        }
        let shown = problems.render(Severity::Error);
        assert!(!shown.contains('\u{7}'));
    }

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("chekpoint", ["checkpoint", "compare"]), Some("checkpoint"));
        assert_eq!(nearest("zzz", ["checkpoint", "compare"]), None);
    }
}
