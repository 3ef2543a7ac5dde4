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

    /// The gap before restart `k` = 1, 2, …, rounded down to the microsecond.
    #[must_use]
    pub fn before(&self, k: u32) -> SimDuration {
        if self.factor <= 1.0 || self.initial == SimDuration::ZERO {
            return self.initial.min(self.max);
        }
        let mut micros = self.initial.micros() as f64;
        for _ in 1..k {
            micros *= self.factor;
            if micros >= self.max.micros() as f64 {
                return self.max;
            }
        }
        SimDuration::from_micros(micros as i64)
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
}

/// Restarts used in the current count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RestartCount(u32);

impl RestartCount {
    /// VMs have started.
    #[inline]
    pub fn started(&mut self, rules: &RestartRules) {
        if rules.counts == Counts::Preemption {
            self.0 = 0;
        }
    }

    /// Takes one restart: the gap before it, or `None` where none is left.
    #[inline]
    pub fn take(&mut self, rules: &RestartRules) -> Option<SimDuration> {
        if rules.max_restarts.is_some_and(|most| self.0 >= most) {
            return None;
        }
        self.0 += 1;
        Some(rules.backoff.before(self.0))
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
        }
    }

    #[test]
    fn backoff_grows_to_its_longest() {
        let gaps: Vec<i64> =
            (1..=5).map(|k| rules(Counts::Job).backoff.before(k).micros() / 1_000_000).collect();
        assert_eq!(gaps, [60, 180, 540, 600, 600]);
        let fixed = Backoff::fixed(SimDuration::from_secs(7));
        assert_eq!(fixed.before(9_999), SimDuration::from_secs(7));
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
