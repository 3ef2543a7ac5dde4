//! The document as Markdown: the same words and tables, for a wiki or a pull request.

use super::words::GLOSSARY;
use super::{Part, Report};
use crate::output::table::Grid;

/// The document.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut text = Text { out: String::new(), level: 2 };
    text.out.push_str(&format!("# {}\n\n", escaped(&report.title)));
    if let Some(portfolio) = &report.portfolio {
        text.line(&format!("**{}**", escaped(&portfolio.verdict)));
        text.grid(&portfolio.rows);
        text.list(&portfolio.notes);
        text.level = 3;
    }
    for part in &report.parts {
        text.part(part, report.portfolio.is_some());
    }
    text.level = 2;
    text.heading("How to make this again");
    text.out.push_str(&format!("```sh\n{}\n```\n\n", report.command));
    text.heading("Words used here");
    for (word, words) in GLOSSARY {
        text.out.push_str(&format!("- **{word}**: {words}\n"));
    }
    text.out.push('\n');
    text.heading("What this does not show");
    text.list(&report.limits());
    text.out.truncate(text.out.trim_end().len());
    text.out.push('\n');
    text.out
}

/// Text that Markdown and its HTML take as it is.
fn escaped(text: &str) -> String {
    text.replace('<', "&lt;").replace('*', "\\*").replace('_', "\\_")
}

struct Text {
    out: String,
    /// The level of headings of sections.
    level: usize,
}

impl Text {
    fn heading(&mut self, text: &str) {
        self.out.push_str(&format!("{} {text}\n\n", "#".repeat(self.level)));
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(&format!("{text}\n\n"));
    }

    fn list(&mut self, lines: &[impl AsRef<str>]) {
        for line in lines {
            self.out.push_str(&format!("- {}\n", escaped(line.as_ref())));
        }
        if !lines.is_empty() {
            self.out.push('\n');
        }
    }

    fn grid(&mut self, grid: &Grid) {
        if !grid.rows.is_empty() {
            self.out.push_str(&grid.markdown());
            self.out.push('\n');
        }
    }

    fn part(&mut self, part: &Part, is_one_of_several: bool) {
        if is_one_of_several {
            self.out.push_str(&format!("## {}\n\n", escaped(&part.name)));
        }
        self.line(&escaped(&part.what));
        self.line(&format!("**{}**", escaped(&part.verdict)));
        self.list(&part.reservations);
        self.grid(&part.plans);
        self.list(&part.plan_notes);
        self.heading("Cost, time and risk");
        for (plan, words) in &part.plan_words {
            self.out.push_str(&format!("- `{plan}`: {words}\n"));
        }
        self.out.push('\n');
        if let Some(month) = &part.month {
            self.line(&escaped(&month.title));
            self.grid(&month.money);
            self.grid(&month.trouble);
            self.list(&month.notes);
        }
        if !part.quota.rows.is_empty() {
            self.line("Quota needed at the peak:");
            self.grid(&part.quota);
            self.list(&part.quota_notes);
        }
        for detail in &part.details {
            self.grid(&detail.figures);
            self.grid(&detail.bill);
        }
        self.heading("Sensitivity and break-even");
        if let Some(line) = &part.breakeven {
            self.line(&escaped(line));
        }
        if let Some((above, grid, below)) = &part.ladder {
            self.line(&escaped(above));
            self.grid(grid);
            self.line(&escaped(below));
        }
        if !part.turns.is_empty() {
            self.line("The verdict changes at:");
            self.list(&part.turns);
        }
        self.list(&part.requirements);
        if let Some(open) = &part.open {
            self.heading("What you know leaves open");
            self.list(&open.lines);
            self.line(&escaped(&open.above));
            self.grid(&open.plans);
            self.grid(&open.inputs);
            self.list(&open.notes);
        }
        self.heading("What was assumed");
        for assumed in &part.assumed {
            self.out.push_str(&format!(
                "- `{}` = {} ({}; {})\n",
                assumed.key,
                escaped(&assumed.value),
                assumed.confidence,
                escaped(&assumed.source)
            ));
            for effect in &assumed.effects {
                self.out.push_str(&format!("  - {}\n", escaped(effect)));
            }
        }
        if !part.assumed.is_empty() {
            self.out.push('\n');
        }
        self.line("Prices:");
        self.grid(&part.prices);
        self.heading("Where the numbers come from");
        self.grid(&part.origins);
        self.heading("How it was checked");
        self.line(&escaped(&part.check.result));
        self.list(&part.check.notes);
        self.heading("Where the figures come from");
        for (name, value) in &part.identity {
            self.out.push_str(&format!("- {name}: {}\n", escaped(value)));
        }
        self.out.push('\n');
    }
}
