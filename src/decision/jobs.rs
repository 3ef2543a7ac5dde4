//! A list of past jobs (`workload.jobs = "jobs.csv"`): CSV, one job or several alike per row.
//!
//! ```csv
//! # what ran in October
//! name,work,nodes,machine_type,region,count
//! nightly,40 min,1,g2-standard-12,us-central1,30
//! pretraining,36 h,8,a3-highgpu-8g,us-central1,2
//! ```
//!
//! Columns come in any order; blank cells take the scenario's own value; blank lines and lines that
//! begin with `#` are skipped. A row that names a machine type takes its accelerator from the row
//! alone: an accelerator belongs to its machine. Rows that are the same job are one *kind*.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::prices::file::reader::{fields, rows};
use crate::scenario::keys;
use crate::scenario::source::{Place, Problems, Severity, nearest};
use crate::scenario::tree::{Node, Value};
use crate::units::{Frequency, SimDuration};

/// The most rows of a list.
pub const MOST_ROWS: usize = 100_000;
/// The most jobs that one row stands for.
const MOST_COUNT: u32 = 1_000_000;

/// What a column says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    /// The value of a key, as text.
    Text(&'static str),
    /// The value of a key, a whole number.
    Number(&'static str),
    /// How many such jobs.
    Count,
    /// Nothing that matters here.
    Name,
}

const COLUMNS: [(&str, Column); 9] = [
    ("name", Column::Name),
    ("work", Column::Text("workload.work")),
    ("nodes", Column::Number("workload.nodes")),
    ("machine_type", Column::Text("machine.type")),
    ("region", Column::Text("machine.region")),
    ("accelerator", Column::Text("machine.accelerator")),
    ("accelerator_count", Column::Number("machine.accelerator_count")),
    ("deadline", Column::Text("workload.deadline")),
    ("count", Column::Count),
];

/// Jobs that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Kind {
    /// The keys that its first row gives, each with its place there.
    pub settings: Vec<(&'static str, Node)>,
    /// How many jobs.
    pub count: u64,
    /// The line of its first row.
    pub line: usize,
}

impl Kind {
    /// The value of a key, where the row gives it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.settings.iter().find(|(of, _)| *of == key).map(|(_, node)| node)
    }
}

/// A list of jobs.
#[derive(Clone, Debug, PartialEq)]
pub struct JobList {
    /// Rows read.
    pub rows: usize,
    /// Jobs that they stand for.
    pub jobs: u64,
    /// Jobs that are alike, in the order of their first rows.
    pub kinds: Vec<Kind>,
}

impl JobList {
    /// Reads a list that is a source of `problems`; `None` where it is empty or anything is wrong,
    /// which `problems` then tell.
    pub fn read(source: usize, problems: &mut Problems) -> Option<Self> {
        let text = problems.sources[source].text.clone();
        let before = errors(problems);
        let mut reader = Reader {
            source,
            text: &text,
            problems,
            columns: Vec::new(),
            list: Self { rows: 0, jobs: 0, kinds: Vec::new() },
            known: BTreeMap::new(),
        };
        reader.read();
        let list = reader.list;
        (errors(problems) == before).then_some(list)
    }

    /// How often jobs of a kind run, where the list covers `over`.
    #[must_use]
    pub fn per_hour(&self, kind: &Kind, over: SimDuration) -> f64 {
        // At most 10⁵ rows of 10⁶ jobs: exact in a float.
        let once = Frequency::new(1, over).map_or(0.0, Frequency::per_hour);
        kind.count as f64 * once
    }
}

fn errors(problems: &Problems) -> usize {
    problems.found.iter().filter(|problem| problem.severity == Severity::Error).count()
}

struct Reader<'a> {
    source: usize,
    text: &'a str,
    problems: &'a mut Problems,
    /// Name and meaning of each column; `None` where it is unknown.
    columns: Vec<Option<(&'static str, Column)>>,
    list: JobList,
    /// Kinds by what their rows say.
    known: BTreeMap<Vec<(&'static str, String)>, usize>,
}

impl Reader<'_> {
    fn error(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.problems.error(&Place { source: self.source, span }, message, help);
    }

    fn read(&mut self) {
        let (mut csv, skipped) = rows(self.text);
        let mut record = csv::StringRecord::new();
        let (mut line, mut counted) = (1, 0);
        while let Ok(true) = csv.read_record(&mut record) {
            let at = record.position().map_or(0, |position| position.byte() as usize);
            let spans = fields(self.text, skipped + at, record.len());
            let cells: Vec<&str> = record.iter().map(str::trim).collect();
            if cells.iter().all(|cell| cell.is_empty()) && cells.len() == 1 {
                continue;
            }
            let start = spans[0].start;
            line += self.text[counted..start].matches('\n').count();
            counted = start;
            if self.columns.is_empty() {
                if !self.header(&cells, &spans) {
                    return;
                }
            } else if self.list.rows == MOST_ROWS {
                let message = format!("more than {MOST_ROWS} rows");
                self.error(start..start, message, "write rows that are alike once, with a count");
                return;
            } else {
                self.list.rows += 1;
                self.row(&cells, &spans, line);
            }
            if self.problems.is_full(Severity::Error) {
                return;
            }
        }
        let end = self.text.len()..self.text.len();
        if self.columns.is_empty() {
            self.error(end, "the list of jobs is empty", "begin with a line of column names: work");
        } else if self.list.rows == 0 {
            self.error(end, "the list has no jobs", "write one row per job");
        }
    }

    /// Reads the column names; whether rows can be read by them.
    fn header(&mut self, cells: &[&str], spans: &[Range<usize>]) -> bool {
        let names = COLUMNS.map(|(name, _)| name);
        let mut right = true;
        for (cell, span) in cells.iter().zip(spans) {
            let found = COLUMNS.into_iter().find(|(name, _)| name == cell);
            let (message, help) = if found.is_none() {
                let shown: String = cell.chars().take(40).collect();
                let help = nearest(cell, names).map_or_else(
                    || format!("columns are {}", names.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                (format!("there is no column `{shown}`"), help)
            } else if self.columns.contains(&found) {
                (format!("column `{cell}` comes twice"), "keep one of them".to_owned())
            } else {
                self.columns.push(found);
                continue;
            };
            self.error(span.clone(), message, help);
            self.columns.push(found);
            right = false;
        }
        right
    }

    fn row(&mut self, cells: &[&str], spans: &[Range<usize>], line: usize) {
        if cells.len() != self.columns.len() {
            let plural = if cells.len() == 1 { "" } else { "s" };
            self.error(
                spans[0].start..spans[spans.len() - 1].end,
                format!(
                    "{} cell{plural} in this row, {} columns in the first line",
                    cells.len(),
                    self.columns.len()
                ),
                "put a cell that contains a comma in double quotes; leave cells blank, not out",
            );
            return;
        }
        let (mut settings, mut key, mut count) = (Vec::new(), Vec::new(), 1);
        for (index, (cell, span)) in cells.iter().zip(spans).enumerate() {
            let Some((name, column)) = self.columns[index] else { continue };
            if cell.is_empty() {
                continue;
            }
            let at = Place { source: self.source, span: span.clone() };
            let mut whole = |most: i64| match cell.parse::<i64>() {
                Ok(number) if (1..=most).contains(&number) => Some(number),
                _ => {
                    let shown: String = cell.chars().take(40).collect();
                    self.problems.error(
                        &at,
                        format!("{name} = `{shown}` is not a count"),
                        format!("write a whole number from 1 to {most}, or leave it blank"),
                    );
                    None
                }
            };
            match column {
                Column::Name => {}
                Column::Count => {
                    count = whole(MOST_COUNT.into()).map_or(0, i64::unsigned_abs);
                }
                Column::Number(of) => {
                    let most = match keys::find(of).map(|key| key.kind) {
                        Some(keys::Kind::Count(_, most)) => most,
                        _ => i64::MAX,
                    };
                    if let Some(number) = whole(most) {
                        key.push((of, number.to_string()));
                        settings.push((of, Node { value: Value::Integer(number), at }));
                    }
                }
                Column::Text(of) => {
                    // Different words for the same time are the same time.
                    let same = SimDuration::parse(cell).ok().map(|time| time.micros().to_string());
                    key.push((of, same.unwrap_or_else(|| (*cell).to_owned())));
                    settings.push((of, Node { value: Value::Text((*cell).to_owned()), at }));
                }
            }
        }
        key.sort();
        self.list.jobs += count;
        match self.known.get(&key) {
            Some(&kind) => self.list.kinds[kind].count += count,
            None => {
                self.known.insert(key, self.list.kinds.len());
                self.list.kinds.push(Kind { settings, count, line });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<JobList, Vec<(usize, String, String)>> {
        let mut problems = Problems::default();
        let source = problems.add_source("jobs.csv", text);
        JobList::read(source, &mut problems).ok_or_else(|| {
            let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
            let found = problems.found.iter();
            found
                .map(|problem| {
                    let at = problem.place.as_ref().map_or(0, |place| place.span.start);
                    (line(at), problem.message.clone(), problem.help.clone().unwrap_or_default())
                })
                .collect()
        })
    }

    #[test]
    fn rows_that_are_alike_are_one_kind_whatever_their_name_and_words() {
        let list = read(
            "\u{feff}# October\nname,count,work,machine_type,nodes\n\na,3,8 h,g2-standard-12,\n\
             b,,480 min,g2-standard-12,\nc,1,8 h,g2-standard-12,2\n# the end\nd,,,,\n",
        )
        .unwrap();
        assert_eq!((list.rows, list.jobs), (4, 6));
        let counts: Vec<(u64, usize)> =
            list.kinds.iter().map(|kind| (kind.count, kind.line)).collect();
        assert_eq!(counts, [(4, 4), (1, 6), (1, 8)]);
        assert_eq!(list.kinds[0].get("workload.work").unwrap().to_toml(), "\"8 h\"");
        assert_eq!(list.kinds[1].get("workload.nodes").unwrap().to_toml(), "2");
        assert!(list.kinds[2].settings.is_empty());
        // 4 jobs in 30 d are 4 ÷ 720 an hour.
        let per_hour = list.per_hour(&list.kinds[0], SimDuration::from_hours(720));
        assert!((per_hour - 4.0 / 720.0).abs() < 1e-18);
    }

    #[test]
    fn every_problem_of_a_list_is_told_with_its_line() {
        let problems = read("work,nodes,count\n8 h,0,1\n8 h,1.5,\n8 h\n8 h,1,x\n").unwrap_err();
        let told: Vec<(usize, &str)> =
            problems.iter().map(|(line, message, _)| (*line, message.as_str())).collect();
        assert_eq!(
            told,
            [
                (2, "nodes = `0` is not a count"),
                (3, "nodes = `1.5` is not a count"),
                (4, "1 cell in this row, 3 columns in the first line"),
                (5, "count = `x` is not a count"),
            ]
        );
        assert!(problems[0].2.contains("from 1 to 100000"));
        for (text, message, help) in [
            ("", "empty", "column names"),
            ("work\n", "no jobs", "one row per job"),
            ("workk\n1 h\n", "no column `workk`", "did you mean `work`?"),
            ("work,qqqqqqqqqqqq\n1 h,a\n", "no column", "columns are name, work"),
            ("work,work\n1 h,1 h\n", "twice", "keep one"),
        ] {
            let problems = read(text).unwrap_err();
            assert!(problems[0].1.contains(message), "{problems:?}");
            assert!(problems[0].2.contains(help), "{problems:?}");
        }
    }

    #[test]
    fn a_list_is_bounded() {
        let rows = "1 h\n".repeat(MOST_ROWS + 1);
        let problems = read(&format!("work\n{rows}")).unwrap_err();
        assert_eq!(problems[0].1, "more than 100000 rows");
        assert!(read(&format!("work\n{}", &rows[4..])).unwrap().kinds[0].count == 100_000);
        // A wrong file has many problems, of which the first are told.
        let wrong = read(&format!("work,nodes\n{}", "1 h,x\n".repeat(10_000))).unwrap_err();
        assert!(wrong.len() <= 50);
    }
}
