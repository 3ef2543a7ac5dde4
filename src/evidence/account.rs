//! How many rows were read, used and skipped, and why.

use std::collections::BTreeMap;

/// The account of the rows of a file: read = used + skipped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Rows that something was taken from.
    pub used: u64,
    /// Rows that nothing was taken from, by the reason.
    pub skipped: BTreeMap<String, u64>,
}

impl Account {
    /// Rows read.
    #[must_use]
    pub fn read(&self) -> u64 {
        self.used + self.skipped_rows()
    }

    /// Rows that nothing was taken from.
    #[must_use]
    pub fn skipped_rows(&self) -> u64 {
        self.skipped.values().sum()
    }

    /// Counts a row as skipped.
    pub fn skip(&mut self, reason: impl Into<String>) {
        *self.skipped.entry(reason.into()).or_insert(0) += 1;
    }

    /// The account in sentences: the sum first, then a line for every reason.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let (read, skipped) = (self.read(), self.skipped_rows());
        let rows = if read == 1 { "row" } else { "rows" };
        let mut lines = vec![format!("{read} {rows} read: {} used, {skipped} skipped", self.used)];
        for (reason, count) in &self.skipped {
            lines.push(format!("  {count} skipped: {reason}"));
        }
        lines
    }
}
