//! The ways of buying capacity: built-in policies.
//!
//! A policy decides, the engine obeys: it is asked what to do after a refusal, a preemption and a
//! timeout. What a plan pays is in [`super::billing`].

use super::capacity::Capacity;
use super::restart::{RestartCount, RestartRules};
use super::workload::Workload;
use crate::units::{SimDuration, SimTime};

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
    /// Spot VMs until the last moment from which standard VMs still finish by the deadline with the
    /// probability asked: [`super::leave`] says which moment that is.
    SpotUntilDeadline,
    /// Queued capacity that is never preempted.
    FlexStart,
    /// On-demand VMs under a one-year commitment.
    Committed1y,
    /// On-demand VMs under a three-year commitment.
    Committed3y,
    /// Endpoints and batches: some standard replicas below, Spot replicas above.
    Mixed,
    /// The same, the standard ones under a one-year commitment.
    Mixed1y,
    /// The same, the standard ones under a three-year commitment.
    Mixed3y,
    /// Endpoints: as many replicas under a one-year commitment, on-demand replicas above.
    Base1y,
    /// The same under a three-year commitment.
    Base3y,
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
    /// Spot until the deadline calls for standard.
    SpotUntilDeadline,
    /// Flex-start.
    FlexStart,
    /// Standard VMs below, Spot VMs above.
    Mixed,
    /// Standard VMs alone, those below released last.
    Base,
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
    /// The moment to leave Spot has come: [`super::leave`].
    TooLate,
}

/// What a policy wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Ask for the same capacity again after a gap.
    Restart {
        /// The gap.
        after: SimDuration,
    },
    /// Ask for the same standard capacity again after a gap: no Spot restart is used up.
    AskAgain {
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
    pub const ALL: [Self; 13] = [
        Self::Standard,
        Self::Spot,
        Self::SpotResubmit,
        Self::SpotThenStandard,
        Self::SpotUntilDeadline,
        Self::FlexStart,
        Self::Committed1y,
        Self::Committed3y,
        Self::Mixed,
        Self::Mixed1y,
        Self::Mixed3y,
        Self::Base1y,
        Self::Base3y,
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
            Self::SpotUntilDeadline => "spot-until-deadline",
            Self::FlexStart => "flex-start",
            Self::Committed1y => "committed-1y",
            Self::Committed3y => "committed-3y",
            Self::Mixed => "mixed",
            Self::Mixed1y => "mixed-1y",
            Self::Mixed3y => "mixed-3y",
            Self::Base1y => "base-1y",
            Self::Base3y => "base-3y",
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
            Self::SpotUntilDeadline => Course::SpotUntilDeadline,
            Self::FlexStart => Course::FlexStart,
            Self::Mixed | Self::Mixed1y | Self::Mixed3y => Course::Mixed,
            Self::Base1y | Self::Base3y => Course::Base,
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
            Self::SpotUntilDeadline => 5,
            Self::Mixed => 6,
            Self::Committed1y => 7,
            Self::Committed3y => 8,
            Self::Base1y => 9,
            Self::Base3y => 10,
            Self::Mixed1y => 11,
            Self::Mixed3y => 12,
        }
    }

    /// What its users must build or sign themselves for a workload, in a word.
    #[must_use]
    pub const fn to_build(self, workload: &Workload) -> &'static str {
        match self {
            Self::Standard => "nothing",
            Self::Spot if workload.saves() => "saves",
            Self::Spot => "nothing",
            Self::SpotResubmit => "resubmits",
            Self::SpotThenStandard => "fallback",
            Self::SpotUntilDeadline => "watcher",
            Self::FlexStart => "queueing",
            Self::Committed1y | Self::Committed3y | Self::Base1y | Self::Base3y => "contract",
            // One request has machines of one kind.
            Self::Mixed if matches!(workload, Workload::Batch(_)) => "own queue",
            Self::Mixed => "two models",
            Self::Mixed1y | Self::Mixed3y => "contract too",
        }
    }
}

impl Course {
    /// The capacity its first submission asks for; of `mixed`, that of the replicas above the standard
    /// ones.
    #[must_use]
    pub const fn first(self) -> Capacity {
        match self {
            Self::Standard | Self::Base => Capacity::Standard,
            Self::Spot
            | Self::SpotResubmit
            | Self::SpotThenStandard
            | Self::SpotUntilDeadline
            | Self::Mixed => Capacity::Spot,
            Self::FlexStart => Capacity::FlexStart,
        }
    }

    /// Whether the first replicas of an endpoint or a batch stand apart: of an endpoint, asked for first
    /// and released last.
    #[must_use]
    pub const fn has_below(self) -> bool {
        matches!(self, Self::Mixed | Self::Base)
    }

    /// Whether Spot VMs are part of it.
    #[must_use]
    pub const fn uses_spot(self) -> bool {
        matches!(self.first(), Capacity::Spot)
    }

    /// Whether it may end on standard VMs after having begun on others.
    #[must_use]
    pub const fn falls_back(self) -> bool {
        matches!(self, Self::SpotThenStandard | Self::SpotUntilDeadline)
    }

    /// What to do after `trouble` with a request for `capacity`, when `submissions` have been made,
    /// the current one included.
    #[inline]
    #[must_use]
    pub fn decide(
        self,
        trouble: Trouble,
        capacity: Capacity,
        count: &mut RestartCount,
        submissions: u32,
        rules: &RestartRules,
    ) -> Decision {
        let outcome = match trouble {
            Trouble::TimedOut => Outcome::TimedOut,
            Trouble::TooLate => return Decision::LEAVE_SPOT,
            Trouble::Refused if capacity == Capacity::Standard => {
                return Decision::AskAgain { after: rules.retry_standard_after };
            }
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
                Decision::Submit { capacity: Capacity::Standard, after: rules.wait_before_fallback }
            }
            // Again and again: the moment to leave ends it.
            Self::SpotUntilDeadline if capacity == Capacity::Spot => {
                Decision::Submit { capacity: Capacity::Spot, after: rules.resubmit_after }
            }
            _ => Decision::Stop(outcome),
        }
    }
}

impl Decision {
    /// Standard VMs, at once.
    const LEAVE_SPOT: Self =
        Self::Submit { capacity: Capacity::Standard, after: SimDuration::ZERO };

    /// The same, unless it asks for Spot VMs at or after `moment`, the moment to leave Spot: then
    /// there is nothing to wait for.
    #[must_use]
    pub fn before(self, moment: SimTime, now: SimTime) -> Self {
        match self {
            Self::Restart { after } | Self::Submit { capacity: Capacity::Spot, after }
                if now + after >= moment =>
            {
                Self::LEAVE_SPOT
            }
            other => other,
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
        wait_before_fallback: SimDuration::from_secs(600),
        retry_standard_after: SimDuration::from_secs(300),
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
                Decision::Submit {
                    capacity: Capacity::Standard,
                    after: SimDuration::from_secs(600),
                },
            ),
            (
                Course::SpotUntilDeadline,
                Decision::Submit { capacity: Capacity::Spot, after: SimDuration::from_secs(3_600) },
            ),
        ] {
            let mut count = RestartCount::default();
            let restart = Decision::Restart { after: SimDuration::from_secs(30) };
            let mut decide =
                |trouble| course.decide(trouble, Capacity::Spot, &mut count, 1, &RULES);
            assert_eq!(decide(Trouble::Preempted), restart);
            assert_eq!(decide(Trouble::Refused), expected);
        }
    }

    #[test]
    fn the_last_submission_is_not_submitted_again() {
        let mut count = RestartCount::default();
        let decision =
            Course::SpotResubmit.decide(Trouble::TimedOut, Capacity::Spot, &mut count, 2, &RULES);
        assert_eq!(decision, Decision::Stop(Outcome::TimedOut));
    }

    #[test]
    fn a_refused_standard_request_is_made_again_without_using_a_restart_up() {
        for course in [Course::Standard, Course::SpotThenStandard, Course::SpotUntilDeadline] {
            let mut count = RestartCount::default();
            let decision =
                course.decide(Trouble::Refused, Capacity::Standard, &mut count, 1, &RULES);
            assert_eq!(decision, Decision::AskAgain { after: SimDuration::from_secs(300) });
            assert_eq!(count, RestartCount::default());
        }
    }

    #[test]
    fn spot_is_not_asked_for_at_the_moment_to_leave_it() {
        let at = |seconds| SimTime::START + SimDuration::from_secs(seconds);
        let restart = Decision::Restart { after: SimDuration::from_secs(30) };
        assert_eq!(restart.before(at(100), at(69)), restart);
        assert_eq!(restart.before(at(100), at(70)), Decision::LEAVE_SPOT);
        let again = Decision::AskAgain { after: SimDuration::from_secs(30) };
        assert_eq!(again.before(at(0), at(70)), again);
    }

    #[test]
    fn names_are_read_back() {
        for plan in Plan::ALL {
            assert_eq!(Plan::of_name(plan.name()), Some(plan));
        }
    }
}
