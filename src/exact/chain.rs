//! The recursion over (restarts used, work saved): submissions, attempts, how they end.
//!
//! It only adds and multiplies, so the same lines yield means on [`super::ring::Jet`]s and whole
//! distributions on [`super::ring::Wave`]s.

use super::attempt::{Attempts, FAMILIES, State};
use super::ring::Ring;
use crate::model::plan::Course;
use crate::model::restart::{Counts, RestartCount, RestartRules};
use crate::units::SimDuration;

/// What each step adds, as numbers of one ring.
#[derive(Clone, Debug)]
pub struct Letters<R> {
    /// A wait for Spot capacity.
    pub wait: R,
    /// The gaps before the restarts of a count, the restart included; the last one repeats.
    pub gaps: Vec<R>,
    /// The gap before another submission.
    pub resubmit: R,
    /// By family: a preemption in a whole interval.
    pub full: [Vec<R>; FAMILIES],
    /// By state: a preemption in the interval that the end of the work cuts off.
    pub tail: Vec<R>,
    /// By state: completion.
    pub done: Vec<R>,
    /// The gap before the rest is asked for on standard VMs.
    pub fallback: R,
    /// A wait for capacity that is never preempted, granted: refusals before it included.
    pub safe_wait: R,
    /// By state: the rest on such capacity.
    pub safe: Vec<R>,
    /// A wait for flex-start that ends without capacity.
    pub no_capacity: R,
}

/// The outcomes of a course.
#[derive(Clone, Copy, Debug)]
pub struct Ends<R> {
    /// The work is done.
    pub completed: R,
    /// No restart left.
    pub exhausted: R,
    /// Flex-start found no capacity.
    pub no_capacity: R,
    /// A timeout on capacity that is never preempted.
    pub timed_out: R,
}

impl<R: Ring> Ends<R> {
    /// However it ended.
    #[must_use]
    pub fn all(&self) -> R {
        self.completed.plus(self.exhausted).plus(self.no_capacity).plus(self.timed_out)
    }
}

/// Restart rules as the recursion walks through them.
#[derive(Clone, Debug)]
pub struct Ladder {
    /// Restarts of one count; `None` for no limit.
    pub most: Option<u32>,
    /// Over what they are counted.
    pub counts: Counts,
    /// The gap before each restart until they no longer change.
    pub gaps: Vec<SimDuration>,
}

/// Different gaps that are told apart.
const MOST_GAPS: usize = 1_000;

impl Ladder {
    /// The rules of a job; `None` where its gaps change more than a thousand times.
    #[must_use]
    pub fn new(rules: &RestartRules) -> Option<Self> {
        let mut count = RestartCount::default();
        let mut gaps: Vec<SimDuration> = Vec::new();
        while let Some(gap) = count.take(rules) {
            if gaps.last() == Some(&gap)
                && (gap == rules.backoff.max || rules.backoff.factor == 1.0)
            {
                break;
            }
            gaps.push(gap);
            if gaps.len() > MOST_GAPS {
                return None;
            }
        }
        Some(Self { most: rules.max_restarts, counts: rules.counts, gaps })
    }

    /// The index of the gap before restart number `used + 1`.
    fn gap(&self, used: usize) -> usize {
        used.min(self.gaps.len().saturating_sub(1))
    }

    fn is_last(&self, used: usize) -> bool {
        self.most.is_some_and(|most| used >= most as usize)
    }

    /// Whether all later steps of the count are like this one.
    fn repeats(&self, used: usize) -> bool {
        self.most.is_none() && used + 1 >= self.gaps.len()
    }
}

/// How far the recursion goes; found once on probabilities, so that every ring goes as far.
#[derive(Clone, Debug, Default)]
pub struct Depth {
    /// Steps of the restart count, by submission.
    pub layers: Vec<usize>,
}

/// A job as a recursion.
#[derive(Clone, Debug)]
pub struct Chain<'a> {
    /// Its attempts.
    pub attempts: &'a Attempts,
    /// Its restart rules.
    pub ladder: &'a Ladder,
    /// P(a Spot request is refused).
    pub refused: f64,
    /// Submissions under `spot-resubmit`.
    pub submissions: u32,
    /// Whether the rest times out on capacity that is never preempted, by state.
    pub safe_times_out: Vec<bool>,
    /// The state at submission.
    pub start: usize,
}

/// Probabilities below this are not followed.
pub const FORGOTTEN: f64 = 1e-15;

impl Chain<'_> {
    /// How far to go: until what is left has a probability below `forgotten`. `None` where that is
    /// more than `most` steps of the recursion.
    #[must_use]
    pub fn depth(
        &self,
        letters: &Letters<f64>,
        course: Course,
        forgotten: f64,
        most: usize,
    ) -> Option<Depth> {
        let states = self.attempts.states.len();
        let pairs = self.pairs();
        let mut depth = Depth::default();
        let mut init = vec![0.0; states];
        init[self.start] = 1.0;
        let submissions = if course == Course::SpotResubmit { self.submissions } else { 1 };
        let mut steps = 0;
        for _ in 0..submissions {
            let mut layers = 0;
            let (_, exhausted) = self.submission(letters, &init, &mut |left| {
                layers += 1;
                steps += pairs;
                left > forgotten && steps <= most
            });
            depth.layers.push(layers);
            if steps > most {
                return None;
            }
            if exhausted.iter().sum::<f64>() <= forgotten {
                break;
            }
            init = exhausted;
        }
        Some(depth)
    }

    /// Products of one step of the recursion.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.attempts.states.iter().map(|state| state.full + 2).sum()
    }

    /// The outcomes of a course.
    #[must_use]
    pub fn run<R: Ring>(&self, letters: &Letters<R>, course: Course, depth: &Depth) -> Ends<R> {
        let mut ends = Ends {
            completed: R::ZERO,
            exhausted: R::ZERO,
            no_capacity: R::ZERO,
            timed_out: R::ZERO,
        };
        let mut init = vec![R::ZERO; self.attempts.states.len()];
        init[self.start] = R::ONE;
        match course {
            Course::Standard | Course::FlexStart => {
                self.safely(letters, &init, &mut ends);
                if course == Course::FlexStart {
                    ends.no_capacity = letters.no_capacity;
                }
            }
            // Refused before it comes here.
            Course::SpotUntilDeadline | Course::Mixed | Course::Base => {}
            Course::Spot | Course::SpotResubmit | Course::SpotThenStandard => {
                for (index, &layers) in depth.layers.iter().enumerate() {
                    let mut left = layers;
                    let (completed, exhausted) = self.submission(letters, &init, &mut |_| {
                        left = left.saturating_sub(1);
                        left > 0
                    });
                    ends.completed = ends.completed.plus(completed);
                    if course == Course::SpotThenStandard {
                        let asking: Vec<R> =
                            exhausted.iter().map(|end| end.times(letters.fallback)).collect();
                        self.safely(letters, &asking, &mut ends);
                    } else if index + 1 == depth.layers.len() {
                        ends.exhausted = exhausted.iter().fold(R::ZERO, |sum, &end| sum.plus(end));
                    } else {
                        init = exhausted.iter().map(|end| end.times(letters.resubmit)).collect();
                    }
                }
            }
        }
        ends
    }

    /// The rest on capacity that is never preempted.
    fn safely<R: Ring>(&self, letters: &Letters<R>, from: &[R], ends: &mut Ends<R>) {
        for (state, &asking) in from.iter().enumerate() {
            let end = asking.times(letters.safe_wait).times(letters.safe[state]);
            if self.safe_times_out[state] {
                ends.timed_out = ends.timed_out.plus(end);
            } else {
                ends.completed = ends.completed.plus(end);
            }
        }
    }

    /// One Spot submission from states `init`: completed, and by state exhausted. `go_on` is told
    /// after every step what is left to follow, and ends it.
    fn submission<R: Ring>(
        &self,
        letters: &Letters<R>,
        init: &[R],
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> (R, Vec<R>) {
        match self.ladder.counts {
            Counts::Job => self.over_the_job(letters, init, go_on),
            Counts::Preemption => self.over_preemptions(letters, init, go_on),
        }
    }

    fn over_the_job<R: Ring>(
        &self,
        letters: &Letters<R>,
        init: &[R],
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> (R, Vec<R>) {
        let states = &self.attempts.states;
        let mut completed = R::ZERO;
        let mut exhausted = vec![R::ZERO; states.len()];
        let mut asking = init.to_vec();
        for used in 0.. {
            let last = self.ladder.is_last(used);
            let repeats = self.ladder.repeats(used);
            let gap = letters.gaps.get(self.ladder.gap(used)).copied().unwrap_or(R::ZERO);
            let mut next = vec![R::ZERO; states.len()];
            for (from, state) in states.iter().enumerate() {
                let mut here = asking[from];
                if repeats {
                    // All further attempts without progress at once.
                    let no_progress = letters.preempted(state, from, 0).scaled(1.0 - self.refused);
                    let again = no_progress.plus(R::ONE.scaled(self.refused));
                    here = here.times(again.times(letters.wait).times(gap).repeated());
                }
                let answered = here.times(letters.wait);
                let started = answered.scaled(1.0 - self.refused);
                completed = completed.plus(started.times(letters.done[from]));
                let first = usize::from(repeats);
                if repeats {
                    let onward = started.times(gap);
                    for c in first..=state.full {
                        let to = self.attempts.leads_to(from, c);
                        asking[to] =
                            asking[to].plus(onward.times(letters.preempted(state, from, c)));
                    }
                } else {
                    next[from] = next[from].plus(answered.scaled(self.refused));
                    let full = &letters.full[state.family][..state.full];
                    for (c, &preempted) in full.iter().enumerate() {
                        let to = self.attempts.leads_to(from, c);
                        next[to] = next[to].plus(started.times(preempted));
                    }
                    let to = self.attempts.leads_to(from, state.full);
                    next[to] = next[to].plus(started.times(letters.tail[from]));
                }
            }
            if repeats {
                go_on(0.0);
                break;
            }
            if last {
                exhausted = next;
                go_on(0.0);
                break;
            }
            let left = next.iter().map(|end| end.weight()).sum();
            for value in &mut next {
                *value = value.times(gap);
            }
            asking = next;
            if !go_on(left) {
                break;
            }
        }
        (completed, exhausted)
    }

    /// The count starts anew whenever VMs have started: requests end in a start or in exhaustion,
    /// and preemptions are unlimited.
    fn over_preemptions<R: Ring>(
        &self,
        letters: &Letters<R>,
        init: &[R],
        go_on: &mut dyn FnMut(f64) -> bool,
    ) -> (R, Vec<R>) {
        let states = &self.attempts.states;
        let first = self.requests(letters, 0);
        let later = self.requests(letters, 1);
        let never_again = self.ladder.is_last(0);
        let gap = letters.gaps.first().copied().unwrap_or(R::ZERO);
        let mut completed = R::ZERO;
        let mut exhausted = vec![R::ZERO; states.len()];
        let mut preempted = vec![R::ZERO; states.len()];
        for (from, state) in states.iter().enumerate() {
            let mut started = init[from].times(first.started);
            exhausted[from] = exhausted[from].plus(init[from].times(first.exhausted));
            let no_progress = letters.preempted(state, from, 0);
            if never_again {
                exhausted[from] = exhausted[from].plus(started.times(no_progress));
            } else {
                started = started.plus(preempted[from].times(later.started));
                started = started.times(no_progress.times(gap).times(later.started).repeated());
                let asking = preempted[from].plus(started.times(no_progress).times(gap));
                exhausted[from] = exhausted[from].plus(asking.times(later.exhausted));
            }
            completed = completed.plus(started.times(letters.done[from]));
            for c in 1..=state.full {
                let to = self.attempts.leads_to(from, c);
                let end = started.times(letters.preempted(state, from, c));
                if never_again {
                    exhausted[to] = exhausted[to].plus(end);
                } else {
                    preempted[to] = preempted[to].plus(end.times(gap));
                }
            }
        }
        go_on(0.0);
        (completed, exhausted)
    }

    /// Requests until VMs start, or until none is left, when `used` restarts are used.
    fn requests<R: Ring>(&self, letters: &Letters<R>, used: usize) -> Requests<R> {
        let mut requests = Requests { started: R::ZERO, exhausted: R::ZERO };
        let mut asking = R::ONE;
        let mut left = 1.0;
        for used in used.. {
            let answered = asking.times(letters.wait);
            let refused = answered.scaled(self.refused);
            let gap = letters.gaps.get(self.ladder.gap(used)).copied().unwrap_or(R::ZERO);
            if self.ladder.repeats(used) {
                let again = letters.wait.scaled(self.refused).times(gap).repeated();
                requests.started =
                    requests.started.plus(answered.scaled(1.0 - self.refused).times(again));
                break;
            }
            requests.started = requests.started.plus(answered.scaled(1.0 - self.refused));
            if self.ladder.is_last(used) {
                requests.exhausted = refused;
                break;
            }
            left *= self.refused;
            if left <= FORGOTTEN {
                break;
            }
            asking = refused.times(gap);
        }
        requests
    }
}

struct Requests<R> {
    started: R,
    exhausted: R,
}

impl<R: Ring> Letters<R> {
    /// A preemption in interval `c` of an attempt from a state.
    fn preempted(&self, state: &State, from: usize, c: usize) -> R {
        if c < state.full { self.full[state.family][c] } else { self.tail[from] }
    }
}
