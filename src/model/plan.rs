//! The ways of buying capacity: built-in policies.
//!
//! A policy decides, the engine obeys: it is asked what to do after a refusal, a preemption and a
//! timeout. What a plan pays is in [`super::billing`].

use super::capacity::Capacity;
use super::restart::{RestartCount, RestartRules};
use crate::units::SimDuration;

/// One way of buying the capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plan {
    /// On-demand VMs.
    Standard,
    /// Spot VMs; when restarts are exhausted the run has failed.
    Spot,
    /// Spot VMs; a failed submission is submitted again.
    SpotResubmit,
    /// Spot VMs; when restarts are exhausted the rest runs on standard VMs.
    SpotThenStandard,
    /// Queued capacity that is never preempted.
    FlexStart,
    /// On-demand VMs under a one-year commitment.
    Committed1y,
    /// On-demand VMs under a three-year commitment.
    Committed3y,
}

/// What happens under a plan, whatever it pays. Plans of one course share their simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Course {
    /// Standard VMs to the end.
    Standard,
    /// Spot until restarts are exhausted.
    Spot,
    /// Spot, submitted again.
    SpotResubmit,
    /// Spot, then standard.
    SpotThenStandard,
    /// Flex-start.
    FlexStart,
}

/// How a replication ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The work is done.
    Completed,
    /// A preemption or refusal found no restart left.
    RestartsExhausted,
    /// Flex-start found no capacity in its longest wait.
    NoCapacity,
    /// The submission's timeout came first.
    TimedOut,
    /// The limit of simulated time or of attempts came first.
    Unfinished,
}

impl Outcome {
    /// All outcomes, in the order in which they are counted.
    pub const ALL: [Self; 5] = [
        Self::Completed,
        Self::RestartsExhausted,
        Self::NoCapacity,
        Self::TimedOut,
        Self::Unfinished,
    ];

    /// The name in results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::RestartsExhausted => "restarts_exhausted",
            Self::NoCapacity => "no_capacity",
            Self::TimedOut => "timed_out",
            Self::Unfinished => "unfinished",
        }
    }
}

/// What went wrong with an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// No capacity.
    Refused,
    /// STOCKOUT: the VMs were taken away.
    Preempted,
    /// The submission has reached its timeout.
    TimedOut,
}

/// What a policy wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ask for the same capacity again after a gap.
    Restart {
        /// The gap.
        after: SimDuration,
    },
    /// Start a new submission, with a fresh count, after a gap.
    Submit {
        /// What the new submission asks for.
        capacity: Capacity,
        /// The gap.
        after: SimDuration,
    },
    /// End the replication.
    Stop(Outcome),
}

impl Plan {
    /// Every plan, in the order in which they are shown.
    pub const ALL: [Self; 7] = [
        Self::Standard,
        Self::Spot,
        Self::SpotResubmit,
        Self::SpotThenStandard,
        Self::FlexStart,
        Self::Committed1y,
        Self::Committed3y,
    ];

    /// The plans compared where the scenario names none.
    pub const DEFAULT: [Self; 5] =
        [Self::Standard, Self::Spot, Self::SpotResubmit, Self::SpotThenStandard, Self::FlexStart];

    /// The name in scenarios and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Spot => "spot",
            Self::SpotResubmit => "spot-resubmit",
            Self::SpotThenStandard => "spot-then-standard",
            Self::FlexStart => "flex-start",
            Self::Committed1y => "committed-1y",
            Self::Committed3y => "committed-3y",
        }
    }

    /// The plan of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.name() == name)
    }

    /// What happens under it.
    #[must_use]
    pub const fn course(self) -> Course {
        match self {
            Self::Standard | Self::Committed1y | Self::Committed3y => Course::Standard,
            Self::Spot => Course::Spot,
            Self::SpotResubmit => Course::SpotResubmit,
            Self::SpotThenStandard => Course::SpotThenStandard,
            Self::FlexStart => Course::FlexStart,
        }
    }

    /// How much its users take upon themselves: of two plans that cost the same, the one with less
    /// is to be preferred.
    #[must_use]
    pub const fn effort(self) -> u8 {
        match self {
            Self::Standard => 0,
            Self::Spot => 1,
            Self::FlexStart => 2,
            Self::SpotResubmit => 3,
            Self::SpotThenStandard => 4,
            Self::Committed1y => 5,
            Self::Committed3y => 6,
        }
    }

    /// What its users must build or sign themselves, in a word. `saves` says whether the program
    /// saves its work.
    #[must_use]
    pub const fn to_build(self, saves: bool) -> &'static str {
        match self {
            Self::Standard => "nothing",
            Self::Spot if saves => "saves",
            Self::Spot => "nothing",
            Self::SpotResubmit => "resubmits",
            Self::SpotThenStandard => "fallback",
            Self::FlexStart => "queueing",
            Self::Committed1y | Self::Committed3y => "contract",
        }
    }
}

impl Course {
    /// The capacity its first submission asks for.
    #[must_use]
    pub const fn first(self) -> Capacity {
        match self {
            Self::Standard => Capacity::Standard,
            Self::Spot | Self::SpotResubmit | Self::SpotThenStandard => Capacity::Spot,
            Self::FlexStart => Capacity::FlexStart,
        }
    }

    /// Whether Spot VMs are part of it.
    #[must_use]
    pub const fn uses_spot(self) -> bool {
        matches!(self.first(), Capacity::Spot)
    }

    /// What to do after `trouble`, when `submissions` have been made, the current one included.
    #[inline]
    #[must_use]
    pub fn decide(
        self,
        trouble: Trouble,
        count: &mut RestartCount,
        submissions: u32,
        rules: &RestartRules,
    ) -> Decision {
        let outcome = match trouble {
            Trouble::TimedOut => Outcome::TimedOut,
            Trouble::Refused if self == Self::FlexStart => Outcome::NoCapacity,
            Trouble::Refused | Trouble::Preempted => match count.take(rules) {
                Some(after) => return Decision::Restart { after },
                None => Outcome::RestartsExhausted,
            },
        };
        match self {
            Self::SpotResubmit if submissions < rules.max_submissions => {
                Decision::Submit { capacity: Capacity::Spot, after: rules.resubmit_after }
            }
            Self::SpotThenStandard if outcome == Outcome::RestartsExhausted => {
                Decision::Submit { capacity: Capacity::Standard, after: SimDuration::ZERO }
            }
            _ => Decision::Stop(outcome),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::restart::{Backoff, Counts};

    const RULES: RestartRules = RestartRules {
        max_restarts: Some(1),
        counts: Counts::Job,
        backoff: Backoff::fixed(SimDuration::from_secs(30)),
        resubmit_after: SimDuration::from_secs(3_600),
        max_submissions: 2,
    };

    #[test]
    fn each_plan_does_its_own_when_restarts_are_exhausted() {
        for (course, expected) in [
            (Course::Spot, Decision::Stop(Outcome::RestartsExhausted)),
            (
                Course::SpotResubmit,
                Decision::Submit { capacity: Capacity::Spot, after: SimDuration::from_secs(3_600) },
            ),
            (
                Course::SpotThenStandard,
                Decision::Submit { capacity: Capacity::Standard, after: SimDuration::ZERO },
            ),
        ] {
            let mut count = RestartCount::default();
            let restart = Decision::Restart { after: SimDuration::from_secs(30) };
            assert_eq!(course.decide(Trouble::Preempted, &mut count, 1, &RULES), restart);
            assert_eq!(course.decide(Trouble::Refused, &mut count, 1, &RULES), expected);
        }
    }

    #[test]
    fn the_last_submission_is_not_submitted_again() {
        let mut count = RestartCount::default();
        let decision = Course::SpotResubmit.decide(Trouble::TimedOut, &mut count, 2, &RULES);
        assert_eq!(decision, Decision::Stop(Outcome::TimedOut));
    }

    #[test]
    fn names_are_read_back() {
        for plan in Plan::ALL {
            assert_eq!(Plan::of_name(plan.name()), Some(plan));
        }
    }
}
