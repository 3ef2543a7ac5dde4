//! The mix of jobs: past jobs whose work is known, those that are alike in one row.

use std::collections::BTreeMap;

use super::history::History;
use super::past_job::{PastJob, PastMachine};
use crate::units::{Share, SimDuration};

/// A row of a mix: some jobs that are alike.
#[derive(Clone, Debug, PartialEq)]
pub struct MixRow<'h> {
    /// What the first of them is called.
    pub name: &'h str,
    /// Whether all are called so.
    pub is_one_name: bool,
    /// Their work, the mean of them.
    pub work: SimDuration,
    /// Machines of each.
    pub nodes: u32,
    /// The machine.
    pub machine: &'h PastMachine,
    /// The region, where it is known.
    pub region: Option<&'h str>,
    /// How many jobs.
    pub count: u64,
}

/// Jobs of one shape: machine, region and how many.
type Shape<'h> = (&'h PastMachine, Option<&'h str>, u32);

/// The rows of a mix, in the order of their first jobs. In one row are jobs of one shape whose work
/// is within `alike` of the shortest of them: with 0 %, only equal ones. The work of a row is their
/// mean, so the work of all stays what it was, to the microsecond a job.
#[must_use]
pub fn rows(history: &History, alike: Share) -> Vec<MixRow<'_>> {
    let mut shapes: BTreeMap<Shape<'_>, Vec<(SimDuration, usize, &PastJob)>> = BTreeMap::new();
    for (index, (job, work)) in history.mix().enumerate() {
        let shape = (&job.machine, job.region.as_deref(), job.nodes);
        shapes.entry(shape).or_default().push((work, index, job));
    }
    let mut rows: Vec<(usize, MixRow<'_>)> = Vec::new();
    for ((machine, region, nodes), mut jobs) in shapes {
        jobs.sort_by_key(|(work, index, _)| (*work, *index));
        let mut rest = jobs.as_slice();
        while let Some((shortest, ..)) = rest.first() {
            let longest = shortest.micros() as f64 * (1.0 + alike.fraction());
            let end = rest.partition_point(|(work, ..)| work.micros() as f64 <= longest);
            let (group, after) = rest.split_at(end.max(1));
            rest = after;
            let total: i128 = group.iter().map(|(work, ..)| i128::from(work.micros())).sum();
            // The mean of works is a work.
            let mean = (total / group.len() as i128) as i64;
            let first = group.iter().min_by_key(|(_, index, _)| *index);
            let (_, index, job) = first.expect("a group has a job");
            let row = MixRow {
                name: &job.name,
                is_one_name: group.iter().all(|(.., other)| other.name == job.name),
                work: SimDuration::from_micros(mean),
                nodes,
                machine,
                region,
                count: group.len() as u64,
            };
            rows.push((*index, row));
        }
    }
    rows.sort_by_key(|(index, _)| *index);
    rows.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evidence::account::Account;
    use crate::evidence::history::ListKind;
    use crate::evidence::past_job::Capacity;
    use crate::evidence::timestamp::Timestamp;

    fn history(jobs: &[(&str, i64, u32)]) -> History {
        let job = |(name, micros, nodes): &(&str, i64, u32)| PastJob {
            name: (*name).to_owned(),
            state: "SUCCEEDED",
            capacity: Capacity::Standard,
            created: Timestamp::from_micros(0),
            wait: None,
            ran: None,
            failure: None,
            machine: PastMachine { name: "g2-standard-8".into(), attached: None },
            nodes: *nodes,
            region: None,
            boot_disk: None,
            work: Ok(SimDuration::from_micros(*micros)),
            replica_hours: None,
            items: None,
        };
        History {
            kind: ListKind::CustomJobs,
            account: Account::default(),
            jobs: jobs.iter().map(job).collect(),
            span: None,
        }
    }

    #[test]
    fn jobs_that_are_alike_share_a_row() {
        let history = history(&[
            ("a", 104, 1),
            ("b", 100, 1),
            ("a", 110, 1),
            ("a", 111, 1),
            ("a", 100, 2),
            ("b", 100, 1),
        ]);
        let said = |alike: i64| -> Vec<(String, i64, u32, u64)> {
            rows(&history, Share::percent(alike))
                .into_iter()
                .map(|row| {
                    let name = format!("{}{}", row.name, if row.is_one_name { "" } else { "+" });
                    (name, row.work.micros(), row.nodes, row.count)
                })
                .collect()
        };
        let row = |name: &str, work, nodes, count| (name.to_owned(), work, nodes, count);
        assert_eq!(
            said(0),
            [
                row("a", 104, 1, 1),
                row("b", 100, 1, 2),
                row("a", 110, 1, 1),
                row("a", 111, 1, 1),
                row("a", 100, 2, 1),
            ]
        );
        // 100, 100, 104 and 110 are within 10 % of 100; their mean is 103.5, cut to 103.
        assert_eq!(said(10), [row("a+", 103, 1, 4), row("a", 111, 1, 1), row("a", 100, 2, 1)]);
    }

    proptest! {
        #[test]
        fn no_job_and_no_work_is_lost(
            works in proptest::collection::vec((1_i64..1_000_000, 1_u32..3), 0..40),
            alike in 0_i64..=100,
        ) {
            let jobs: Vec<_> = works.iter().map(|(work, nodes)| ("x", *work, *nodes)).collect();
            let history = history(&jobs);
            let rows = rows(&history, Share::percent(alike));
            prop_assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), jobs.len() as u64);
            let before: i64 = works.iter().map(|(work, _)| work).sum();
            let after: i64 = rows.iter().map(|row| row.work.micros() * row.count as i64).sum();
            prop_assert!((0..=jobs.len() as i64).contains(&(before - after)));
        }
    }
}
