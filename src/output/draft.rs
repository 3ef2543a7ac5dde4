//! A scenario made from evidence, as the files that people go on with: TOML with a reason above
//! every value, and the mix of jobs as CSV.

use super::paragraph::wrapped;
use crate::evidence::draft::Draft;
use crate::evidence::mix::MixRow;
use crate::scenario::tree::{Node, Value};

/// The draft as TOML. `root` has its values and what was set over them.
#[must_use]
pub fn to_toml(title: &str, draft: &Draft, root: &Node) -> String {
    let mut out = comment(title);
    for paragraph in draft.account.iter().chain(&draft.about) {
        out.push_str(&comment(paragraph));
    }
    for entry in root.entries() {
        if let Value::Table(keys) = &entry.node.value {
            out.push_str(&format!("\n[{}]\n", entry.key));
            for key in keys {
                let path = format!("{}.{}", entry.key, key.key);
                let written = Node { value: key.node.value.clone(), at: key.at.clone() }.to_toml();
                out.push_str(&reason(draft, &path, &written));
                out.push_str(&format!("{} = {written}\n", key.key));
            }
        }
    }
    if let Some((why, lines)) = draft.instead.split_first() {
        out.push('\n');
        out.push_str(&comment(why));
        for line in lines {
            // As it is, to be pasted: however long.
            out.push_str(&format!("#   {line}\n"));
        }
    }
    let open: Vec<_> = draft.open.iter().filter(|(key, _)| root.at_path(key).is_none()).collect();
    if !open.is_empty() {
        out.push_str("\n# Still to be written, because this does not say it:\n");
        for (_, what) in open {
            out.push_str(&comment(&format!("  {what}")));
        }
    }
    out
}

/// Why a key has its value, as a comment.
fn reason(draft: &Draft, path: &str, written: &str) -> String {
    let suggested = draft.values.iter().find(|value| value.path == path);
    let mut plain = Node::table(crate::scenario::source::Place { source: 0, span: 0..0 });
    match suggested {
        Some(suggested) => {
            plain.value = suggested.value.clone();
            match (plain.to_toml() == written, suggested.why.is_empty()) {
                (true, true) => String::new(),
                (true, false) => comment(&suggested.why),
                (false, _) => comment("set on the command line"),
            }
        }
        None => comment("set on the command line"),
    }
}

/// A paragraph as a comment of at most 80 columns. Two spaces before it stay.
fn comment(text: &str) -> String {
    let indent = if text.starts_with("  ") { "#   " } else { "# " };
    // Control characters of the input must not reach a terminal, nor end the comment.
    let clean: String = text.trim().chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    // A word as wide as the indent holds its place in the first line.
    let holder = "#".repeat(indent.len() - 1);
    wrapped(&format!("{holder} {clean}"), &" ".repeat(indent.len()))
        .lines()
        .map(|line| format!("{indent}{}\n", &line[indent.len().min(line.len())..]))
        .collect()
}

/// The mix of jobs as CSV.
#[must_use]
pub fn mix_csv(rows: &[MixRow<'_>]) -> String {
    // A first cell that looks like a comment is put in quotes.
    let mut writer = csv::WriterBuilder::new().comment(Some(b'#')).from_writer(Vec::new());
    let header = [
        "name",
        "work",
        "nodes",
        "machine_type",
        "region",
        "accelerator",
        "accelerator_count",
        "count",
    ];
    let expect = "writing to memory does not fail";
    writer.write_record(header).expect(expect);
    for row in rows {
        let name = if row.is_one_name { row.name.to_owned() } else { row.name.to_owned() + " …" };
        let (model, accelerators) = match &row.machine.attached {
            Some((model, count)) => (model.as_str(), count.to_string()),
            None => ("", String::new()),
        };
        let (work, nodes) = (seconds(row.work.micros()), row.nodes.to_string());
        let region = row.region.unwrap_or_default();
        let (machine, count) = (row.machine.name.as_str(), row.count.to_string());
        writer
            .write_record([&name, &work, &nodes, machine, region, model, &accelerators, &count])
            .expect(expect);
    }
    let bytes = writer.into_inner().unwrap_or_else(|_| unreachable!("{expect}"));
    String::from_utf8(bytes).unwrap_or_else(|_| unreachable!("text was written"))
}

/// The exact time in seconds.
fn seconds(micros: i64) -> String {
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    if part == 0 {
        return format!("{whole} s");
    }
    let part = format!("{part:06}");
    format!("{whole}.{} s", part.trim_end_matches('0'))
}
