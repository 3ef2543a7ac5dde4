//! After a preemption or a refusal: how often one may try again, and how long one waits before.

use crate::units::SimDuration;

/// Attempts that end a replication, whatever the rules say.
pub const MOST_ATTEMPTS: u32 = 10_000;

/// Over what the restarts are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Over the life of one submission.
    Job,
    /// Anew whenever VMs have started.
    Preemption,
}

/// The gap before the k-th restart of a count: min(initial · factor^(k−1), max).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backoff {
    /// Gap before the first restart.
    pub initial: SimDuration,
    /// Growth from one restart to the next, at least 1.
    pub factor: f64,
    /// The longest gap.
    pub max: SimDuration,
}

impl Backoff {
    /// The same gap before every restart.
    #[must_use]
    pub const fn fixed(gap: SimDuration) -> Self {
        Self { initial: gap, factor: 1.0, max: gap }
    }
}

/// Who may restart, how often and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RestartRules {
    /// Restarts of one count; `None` for no limit.
    ///
    /// Source: "Compute Engine tries to restart the job up to six times", Use Spot VMs with
    /// training (Google Cloud, 2026).
    pub max_restarts: Option<u32>,
    /// Over what they are counted.
    pub counts: Counts,
    /// The gap before each.
    pub backoff: Backoff,
    /// The gap before a failed submission is submitted again.
    pub resubmit_after: SimDuration,
    /// Submissions of one job, the first included.
    pub max_submissions: u32,
    /// The gap before a run whose Spot restarts are exhausted goes on with standard VMs.
    pub wait_before_fallback: SimDuration,
    /// The gap before a refused request for standard VMs is made again: a job that asks for
    /// standard VMs fails where its region has none, and is submitted again.
    pub retry_standard_after: SimDuration,
}

/// Restarts used in the current count.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RestartCount {
    used: u32,
    /// initial · factor^(used − 1) \[µs\], unless that is past the longest gap.
    gap_us: f64,
}

impl RestartCount {
    /// VMs have started.
    #[inline]
    pub fn started(&mut self, rules: &RestartRules) {
        if rules.counts == Counts::Preemption {
            *self = Self::default();
        }
    }

    /// Takes one restart: the gap before it, rounded down to the microsecond, or `None` where none
    /// is left.
    #[inline]
    pub fn take(&mut self, rules: &RestartRules) -> Option<SimDuration> {
        if rules.max_restarts.is_some_and(|most| self.used >= most) {
            return None;
        }
        let Backoff { initial, factor, max } = rules.backoff;
        self.gap_us = if self.used == 0 { initial.micros() as f64 } else { self.gap_us * factor };
        self.gap_us = self.gap_us.min(max.micros() as f64);
        self.used += 1;
        Some(SimDuration::from_micros(self.gap_us as i64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(counts: Counts) -> RestartRules {
        RestartRules {
            max_restarts: Some(2),
            counts,
            backoff: Backoff {
                initial: SimDuration::from_secs(60),
                factor: 3.0,
                max: SimDuration::from_secs(600),
            },
            resubmit_after: SimDuration::ZERO,
            max_submissions: 1,
            wait_before_fallback: SimDuration::ZERO,
            retry_standard_after: SimDuration::ZERO,
        }
    }

    #[test]
    fn backoff_grows_to_its_longest() {
        let gaps = |backoff: Backoff| -> Vec<i64> {
            let rules = RestartRules { max_restarts: None, backoff, ..rules(Counts::Job) };
            let mut count = RestartCount::default();
            (1..=5).map(|_| count.take(&rules).unwrap().micros() / 1_000_000).collect()
        };
        assert_eq!(gaps(rules(Counts::Job).backoff), [60, 180, 540, 600, 600]);
        assert_eq!(gaps(Backoff::fixed(SimDuration::from_secs(7))), [7, 7, 7, 7, 7]);
    }

    #[test]
    fn a_count_over_preemptions_starts_anew_when_vms_have_started() {
        for (counts, third) in [(Counts::Job, false), (Counts::Preemption, true)] {
            let rules = rules(counts);
            let mut count = RestartCount::default();
            assert!(count.take(&rules).is_some());
            assert!(count.take(&rules).is_some());
            count.started(&rules);
            assert_eq!(count.take(&rules).is_some(), third);
        }
    }
}
