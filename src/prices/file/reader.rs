//! Text of a price file → its rows, or everything that is wrong with it.

use std::ops::Range;

use super::{FileProblem, Machine, PriceFile, Row, machine};
use crate::model::billing::Figure;
use crate::model::tariff::Purchase;
use crate::units::{Currency, Rate};

/// Columns that must be there.
const REQUIRED: [&str; 4] = ["machine_type", "region", "purchase", "price"];
/// Columns that may be there.
const OPTIONAL: [&str; 4] = ["accelerator", "accelerator_count", "as_of", "source"];
/// More problems than this are not told one by one.
const MOST_PROBLEMS: usize = 100;

/// Reads a price file.
pub(super) fn read(text: &str) -> Result<PriceFile, Vec<FileProblem>> {
    let mut reader = Reader::new(text);
    reader.read();
    let Reader { file, mut problems, .. } = reader;
    if problems.is_empty() {
        return Ok(file);
    }
    problems.sort_by_key(|problem| problem.span.start);
    Err(problems)
}

/// What is wrong with a field, and what to write.
type Trouble = (String, String);

struct Reader<'a> {
    text: &'a str,
    /// Where each line begins.
    lines: Vec<usize>,
    /// Name of each column; empty where it is unknown.
    columns: Vec<&'static str>,
    file: PriceFile,
    problems: Vec<FileProblem>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        let newlines = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let lines = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        Self { text, lines, columns: Vec::new(), file: PriceFile::default(), problems: Vec::new() }
    }

    fn line(&self, at: usize) -> usize {
        self.lines.partition_point(|&start| start <= at)
    }

    fn report(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let (message, help) = (message.into(), help.into());
        let line = self.line(span.start);
        match self.problems.len() {
            0..MOST_PROBLEMS => self.problems.push(FileProblem { line, span, message, help }),
            MOST_PROBLEMS => self.problems.push(FileProblem {
                line,
                span,
                message: format!(
                    "more than {MOST_PROBLEMS} problems; from here on they are not told"
                ),
                help: "correct these first".to_owned(),
            }),
            _ => {}
        }
    }

    fn read(&mut self) {
        let (mut csv, skipped) = rows(self.text);
        let mut record = csv::StringRecord::new();
        let mut has_header = false;
        while let Ok(true) = csv.read_record(&mut record) {
            let at = record.position().map_or(0, |position| position.byte() as usize);
            let spans = fields(self.text, skipped + at, record.len());
            let fields: Vec<&str> = record.iter().map(str::trim).collect();
            if fields.iter().all(|field| field.is_empty()) && fields.len() == 1 {
                continue;
            }
            if has_header {
                self.row(&fields, &spans);
            } else if self.header(&fields, &spans) {
                has_header = true;
            } else {
                return;
            }
        }
        let end = self.text.len()..self.text.len();
        if !has_header {
            let help = format!("begin with a line of column names: {}", REQUIRED.join(","));
            self.report(end, "the price file is empty", help);
        } else if self.file.rows.is_empty() && self.problems.is_empty() {
            let help = "write one row per machine, region and purchase";
            self.report(end, "the price file has no prices", help);
        }
    }

    /// Reads the column names; whether rows can be read by them.
    fn header(&mut self, fields: &[&str], spans: &[Range<usize>]) -> bool {
        for (field, span) in fields.iter().zip(spans) {
            let name = REQUIRED.into_iter().chain(OPTIONAL).find(|name| name == field);
            match name {
                None => {
                    let message = format!("unknown column `{}`", clip(field));
                    let allowed = [REQUIRED, OPTIONAL].concat().join(", ");
                    self.report(span.clone(), message, format!("columns are {allowed}"));
                }
                Some(name) if self.columns.contains(&name) => {
                    let message = format!("column `{name}` comes twice");
                    self.report(span.clone(), message, "keep one of them");
                }
                Some(_) => {}
            }
            self.columns.push(name.unwrap_or(""));
        }
        let missing: Vec<&str> =
            REQUIRED.into_iter().filter(|name| !self.columns.contains(name)).collect();
        if !missing.is_empty() {
            let whole = spans[0].start..spans[spans.len() - 1].end;
            let message = format!("the first line names no column {}", missing.join(", "));
            let help = format!("the first line names the columns; needed: {}", REQUIRED.join(","));
            self.report(whole, message, help);
        }
        missing.is_empty()
    }

    fn row(&mut self, fields: &[&str], spans: &[Range<usize>]) {
        let whole = spans[0].start..spans[spans.len() - 1].end;
        if fields.len() != self.columns.len() {
            let message = format!(
                "{} in this row, {} columns in the first line",
                plural(fields.len(), "field"),
                self.columns.len()
            );
            self.report(whole, message, "put a field that contains a comma in double quotes");
            return;
        }
        let column = |name: &str| self.columns.iter().position(|column| *column == name);
        let field = |name: &str| column(name).map_or("", |index| fields[index]);
        let mut troubles: Vec<(&str, Trouble)> = Vec::new();
        let mut take = |name: &'static str, trouble: Trouble| troubles.push((name, trouble));

        for name in [REQUIRED, OPTIONAL].concat() {
            if field(name).contains('\n') {
                let message = format!("{name} runs over several lines");
                take(name, (message, "close the double quote".to_owned()));
            } else if field(name).chars().any(char::is_control) {
                // It would reach a terminal.
                let message = format!("{name} contains a control character");
                take(name, (message, "delete it".to_owned()));
            }
        }
        for name in ["machine_type", "region"] {
            if field(name).is_empty() {
                take(name, (format!("{name} is blank"), "every row names its machine".to_owned()));
            }
        }
        let purchase = purchase(field("purchase")).map_err(|trouble| take("purchase", trouble));
        let price = price(field("price")).map_err(|trouble| take("price", trouble));
        let accelerator = accelerator(field("accelerator"), field("accelerator_count"))
            .map_err(|(name, trouble)| take(name, trouble));
        if let Err(trouble) = day(field("as_of")) {
            take("as_of", trouble);
        }
        if troubles.is_empty() {
            if let (Ok(purchase), Ok((rate, currency)), Ok(accelerator)) =
                (purchase, price, accelerator)
            {
                let line = self.line(whole.start);
                let source = match field("source") {
                    "" => format!("price file, line {line}"),
                    named => named.to_owned(),
                };
                let as_of = field("as_of").to_owned();
                let figure = Figure { rate, as_of, source };
                let key = machine(field("machine_type"), field("region"), accelerator);
                self.insert((key, purchase), Row { figure, currency, line }, whole);
            }
            return;
        }
        let troubles: Vec<(Range<usize>, Trouble)> = troubles
            .into_iter()
            .map(|(name, trouble)| {
                let span = column(name).map_or(whole.clone(), |index| spans[index].clone());
                (span, trouble)
            })
            .collect();
        for (span, (message, help)) in troubles {
            self.report(span, message, help);
        }
    }

    fn insert(&mut self, key: (Machine, Purchase), row: Row, span: Range<usize>) {
        if let Some(first) = self.file.rows.get(&key) {
            let message =
                format!("this machine has a {} price in line {}", key.1.name(), first.line);
            self.report(span, message, "keep one of the two rows");
        } else {
            self.file.rows.insert(key, row);
        }
    }
}

fn purchase(text: &str) -> Result<Purchase, Trouble> {
    Purchase::ALL.into_iter().find(|purchase| purchase.name() == text).ok_or_else(|| {
        let names: Vec<&str> = Purchase::ALL.into_iter().map(Purchase::name).collect();
        let message = format!("unknown purchase `{}`", clip(text));
        (message, format!("write one of {}", names.join(", ")))
    })
}

fn price(text: &str) -> Result<(Rate, Currency), Trouble> {
    if text.is_empty() {
        let help = "write a price such as 0.35 USD/h, or leave the row out";
        return Err(("price is blank".to_owned(), help.to_owned()));
    }
    match Rate::parse(text) {
        Ok((Rate::ZERO, _)) => {
            let help = "a missing price is left out, with its row, never written as 0";
            Err(("a price of 0".to_owned(), help.to_owned()))
        }
        Ok(price) => Ok(price),
        Err(error) => Err((error.message, error.help)),
    }
}

fn accelerator<'a>(
    model: &'a str,
    count: &str,
) -> Result<Option<(&'a str, u32)>, (&'static str, Trouble)> {
    match (model, count) {
        ("", "") => Ok(None),
        ("", _) => {
            let help = "name the accelerator, or leave its count blank";
            Err(("accelerator_count", ("a count without accelerator".into(), help.into())))
        }
        (_, "") => {
            let help = "write accelerator_count too";
            Err(("accelerator", ("an accelerator without count".into(), help.into())))
        }
        (model, count) => match count.parse::<u32>() {
            Ok(count) if count > 0 && count <= 1_000 => Ok(Some((model, count))),
            _ => {
                let message = format!("`{}` is not a count", clip(count));
                Err(("accelerator_count", (message, "write a whole number from 1".into())))
            }
        },
    }
}

/// A day as `YYYY-MM-DD`, or nothing.
fn day(text: &str) -> Result<(), Trouble> {
    let bytes = text.as_bytes();
    let number = |range: Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok());
    let digits = bytes.iter().enumerate().all(|(index, byte)| match index {
        4 | 7 => *byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let is_day = bytes.len() == 10
        && digits
        && number(5..7).is_some_and(|month| (1..=12).contains(&month))
        && number(8..10).is_some_and(|day| (1..=31).contains(&day));
    if text.is_empty() || is_day {
        return Ok(());
    }
    let help = "write year, month and day, such as 2026-11-01, or leave it blank";
    Err((format!("`{}` is not a day", clip(text)), help.to_owned()))
}

/// The rows of a CSV text, those that begin with `#` left out, and how many bytes stand before them: a
/// byte order mark is no part of the first name.
pub(crate) fn rows(text: &str) -> (csv::Reader<&[u8]>, usize) {
    let skipped = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .comment(Some(b'#'))
        .from_reader(&text.as_bytes()[skipped..]);
    (reader, skipped)
}

/// Where the fields of the record at `start` stand, surrounding blanks left out. Reads quotes as
/// RFC 4180 does; a field that this does not find gets an empty place at the record's end.
pub(crate) fn fields(text: &str, mut start: usize, count: usize) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    // The reader's position is where it began to look: before blank lines and comments.
    while let Some(byte) = bytes.get(start) {
        match byte {
            b'\r' | b'\n' => start += 1,
            b'#' => {
                let rest = bytes[start..].iter().position(|byte| *byte == b'\n');
                start = rest.map_or(bytes.len(), |end| start + end);
            }
            _ => break,
        }
    }
    let mut spans = Vec::with_capacity(count);
    let (mut from, mut at, mut quoted, mut ended) = (start, start, false, false);
    while spans.len() < count && !ended {
        let byte = bytes.get(at).copied();
        match byte {
            Some(b'"') if quoted && bytes.get(at + 1) == Some(&b'"') => at += 1,
            Some(b'"') if quoted || at == from => quoted = !quoted,
            Some(_) if quoted => {}
            Some(b',' | b'\r' | b'\n') | None => {
                let field = &text[from..at];
                let left = from + (field.len() - field.trim_start().len());
                spans.push(left..(left + field.trim().len()));
                from = at + 1;
                ended = byte != Some(b',');
            }
            Some(_) => {}
        }
        at += 1;
    }
    let end = spans.last().map_or(start, |last: &Range<usize>| last.end);
    spans.resize(count.max(1), end..end);
    spans
}

fn plural(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// The first characters of a text that may be long, for a message.
fn clip(text: &str) -> String {
    if text.chars().count() <= 40 {
        return text.to_owned();
    }
    text.chars().take(37).chain("...".chars()).collect()
}
