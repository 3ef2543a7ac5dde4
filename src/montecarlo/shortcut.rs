//! The common case without a record: jobs on Spot VMs that complete in their first submission.
//!
//! Such a replication is the same under every Spot plan but `spot-until-deadline`, and nothing of it
//! needs to be kept but its sums. The replications of a run go through their attempts in step: all first attempts, then the
//! second ones of those that need one, and so on. Whether an attempt finishes is a coin toss that no
//! processor foresees, so it is not branched on; draws that wait for nothing overlap.
//!
//! It asks the same market for the same luck and goes by the same program, restart and billing rules
//! as the engine; whatever is not this simple (exhausted restarts, a timeout, the limit of time) is
//! left to the engine, from the beginning. That both say the same is tested.

use crate::luck::{Shared, Together};
use crate::model::billing::{BillingRules, Metered};
use crate::model::capacity::Answers;
use crate::model::checkpoint::Cycle;
use crate::model::plan::Course;
use crate::model::restart::{Counts, MOST_ATTEMPTS, RestartCount};
use crate::model::workload::JobModel;
use crate::units::SimDuration;

/// The most replications in a run: a power of two, and a place fits a byte.
pub const RUN: usize = 128;

/// A job, its hazard and how its time is billed.
#[derive(Clone, Copy, Debug)]
pub struct Shortcut<'a> {
    model: &'a JobModel,
    rules: BillingRules,
    relief: f64,
    /// Uptime of an attempt that finds nothing saved and finishes \[µs\].
    needed_at_first: i64,
    /// What its attempts repeat, where that is simple.
    cycle: Option<Cycle>,
}

/// The replications of a run, by their place: what is known of them after each attempt \[µs\].
#[derive(Clone, Debug)]
pub struct Run {
    /// Completed. Of the others nothing is to be believed: the engine must tell.
    pub is_done: [bool; RUN],
    /// Waits, refused ones included.
    pub waited: [u64; RUN],
    /// Work lost at preemptions.
    pub lost: [u64; RUN],
    /// Attempts after the first.
    pub restarts: [u64; RUN],
    /// Preemptions.
    pub preemptions: [u64; RUN],
    /// When the last attempt ended; in the end, the makespan.
    pub now: [i64; RUN],
    /// Billed time.
    pub billed: [i64; RUN],
    /// The part of it that is waived.
    pub waived: [i64; RUN],
    /// When the next attempt asks.
    asked: [i64; RUN],
    limit: [i64; RUN],
    /// Work left.
    left: [i64; RUN],
    /// Uptime that the next attempt needs to finish.
    needed: [i64; RUN],
    /// Restarts used in the current count.
    used: [u32; RUN],
    /// Uptime of the last attempt.
    uptime: [i64; RUN],
    /// Those whose last attempt started, and those of them that were preempted, by their place.
    granted: [u8; RUN],
    preempted: [u8; RUN],
    preempted_len: usize,
    luck: Together,
    /// Those that go on, by their place, and what their next attempts meet.
    going_on: [u8; RUN],
    going_on_len: usize,
    answers: Answers,
    /// The gaps before the first restarts of a count, as far as they were needed.
    gaps: Vec<i64>,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            is_done: [false; RUN],
            waited: [0; RUN],
            lost: [0; RUN],
            restarts: [0; RUN],
            preemptions: [0; RUN],
            now: [0; RUN],
            billed: [0; RUN],
            waived: [0; RUN],
            asked: [0; RUN],
            limit: [0; RUN],
            left: [0; RUN],
            needed: [0; RUN],
            used: [0; RUN],
            uptime: [0; RUN],
            granted: [0; RUN],
            preempted: [0; RUN],
            preempted_len: 0,
            luck: Together::default(),
            going_on: [0; RUN],
            going_on_len: 0,
            answers: Answers::default(),
            gaps: Vec::new(),
        }
    }
}

impl Run {
    /// What is billed of the replication at a place.
    #[inline]
    #[must_use]
    pub const fn metered(&self, place: usize) -> Metered {
        Metered::spot(self.billed[place], self.waived[place], self.now[place])
    }

    /// All that is set before the first attempt.
    fn start(&mut self, shortcut: &Shortcut<'_>, first: u64, count: usize) {
        assert!(count <= RUN, "a run is short");
        self.is_done.fill(false);
        self.waited.fill(0);
        self.lost.fill(0);
        self.preemptions.fill(0);
        self.asked.fill(0);
        self.billed.fill(0);
        self.waived.fill(0);
        self.limit.fill(shortcut.model.give_up_after.micros());
        self.left.fill(shortcut.model.work.micros());
        self.needed.fill(shortcut.needed_at_first);
        self.used.fill(0);
        self.luck.start(first, count);
        self.going_on = std::array::from_fn(|place| place as u8);
        self.going_on_len = count;
    }
}

impl<'a> Shortcut<'a> {
    /// The shortcut for a job that is billed by these rules.
    #[must_use]
    pub fn new(model: &'a JobModel, rules: BillingRules) -> Self {
        let needed_at_first = model.program.uptime_needed(model.work, false);
        Self {
            model,
            rules,
            relief: model.market.relief(model.nodes),
            needed_at_first: needed_at_first.micros(),
            cycle: model.program.cycle(needed_at_first + model.program.restore),
        }
    }

    /// Whether a replication that is this simple is the same under a course: no Spot VMs are left
    /// before they are preempted or done.
    #[inline]
    #[must_use]
    pub fn knows(course: Course) -> bool {
        course.uses_spot() && course != Course::SpotUntilDeadline
    }

    /// Every [`GROUPS`](crate::stats::estimator::GROUPS)-th replication from `first`, `count` of
    /// them, as far as the shortcut goes.
    pub fn replicate(&self, shared: &Shared, first: u64, count: usize, run: &mut Run) {
        let program = &self.model.program;
        run.start(self, first, count);
        // The n-th gap of a count is the same for all.
        let mut gaps = RestartCount::default();
        run.gaps.clear();
        for attempt in 0..MOST_ATTEMPTS {
            let market = &self.model.market;
            let luck = (shared, &run.luck);
            market.ask_all(
                luck,
                &run.going_on[..run.going_on_len],
                self.relief,
                attempt,
                &mut run.answers,
            );
            run.gaps.extend(gaps.take(&self.model.restart).map(SimDuration::micros));
            self.attempt(run, attempt);
            match self.cycle {
                Some(cycle) => {
                    let [fresh, resumed] =
                        [false, true].map(|saved| program.before_work(saved).micros());
                    let work = self.model.work.micros();
                    run.cut(|left, needed, uptime| {
                        let before = if left < work { resumed } else { fresh };
                        let (saves, since) = cycle.divide((uptime - before).max(0));
                        let saved = saves * cycle.every;
                        let left = left - saved;
                        let lost = since.min(cycle.every).min(left);
                        // Each save is one that the next attempt need not make.
                        let after = if left < work { resumed } else { fresh };
                        (left, needed - before + after - saves * cycle.whole, lost)
                    });
                }
                None => run.cut(|left, _, uptime| {
                    let (left, uptime) =
                        (SimDuration::from_micros(left), SimDuration::from_micros(uptime));
                    let remains = program.cut(left, left < self.model.work, uptime, Some(uptime));
                    let left = left.saturating_sub(remains.saved);
                    let needed = program.uptime_needed(left, left < self.model.work);
                    (left.micros(), needed.micros(), remains.lost.micros())
                }),
            }
            if run.going_on_len == 0 {
                break;
            }
        }
    }

    /// One attempt of all that go on, up to what preemptions leave.
    fn attempt(&self, run: &mut Run, attempt: u32) {
        let Self { model, rules, .. } = self;
        let timeout = model.timeout.unwrap_or(SimDuration::NEVER).micros();
        let give_up_after = model.give_up_after.micros();
        let counts_anew = model.restart.counts == Counts::Preemption;
        let Answers { waits, refused, lifetimes, .. } = &run.answers;
        let (mut going_on, mut granted, mut preempted) = (0, 0, 0);
        for (at, (wait, lifetime)) in waits.iter().zip(lifetimes).enumerate() {
            let place = usize::from(run.going_on[at % RUN]) % RUN;
            run.restarts[place] = attempt.into();
            let mut now = run.asked[place] + wait.micros();
            let mut limit = run.limit[place];
            if now >= limit {
                continue;
            }
            run.waited[place] += wait.micros() as u64;
            let mut goes_on = true;
            if !refused.get(at).is_some_and(|&refused| refused) {
                // The first start sets the limit; a later one would set none where it did not.
                if limit == give_up_after {
                    limit = limit.min(now + timeout);
                    run.limit[place] = limit;
                }
                let uptime = run.needed[place].min(lifetime.micros());
                if uptime > limit - now {
                    continue;
                }
                goes_on = run.needed[place] > lifetime.micros();
                now += uptime;
                run.uptime[place] = uptime;
                run.granted[granted % RUN] = place as u8;
                granted += 1;
                run.preempted[preempted % RUN] = place as u8;
                preempted += usize::from(goes_on);
                run.is_done[place] = !goes_on;
                run.used[place] *= u32::from(!counts_anew);
            }
            run.now[place] = now;
            let Some(gap) = run.gaps.get(run.used[place] as usize) else { continue };
            run.used[place] += 1;
            // Of one that is done, the next attempt never comes.
            run.asked[place] = now + gap;
            run.going_on[going_on % RUN] = place as u8;
            going_on += usize::from(goes_on & (now + gap < limit));
        }
        run.going_on_len = going_on;
        run.preempted_len = preempted;
        for &place in &run.granted[..granted] {
            let place = usize::from(place) % RUN;
            let billed = rules.billed(SimDuration::from_micros(run.uptime[place])).micros();
            run.billed[place] = run.billed[place].saturating_add(billed);
        }
        let free = rules.free_if_preempted_within.micros();
        for &place in &run.preempted[..preempted] {
            let place = usize::from(place) % RUN;
            run.preemptions[place] += 1;
            if run.uptime[place] < free {
                let billed = rules.billed(SimDuration::from_micros(run.uptime[place]));
                run.waived[place] = run.waived[place].saturating_add(billed.micros());
            }
        }
    }
}

impl Run {
    /// What preemptions leave: it follows from the work left, the uptime that it needed and the
    /// uptime it had. That is the work then left, the uptime that needs, and the work lost.
    #[inline]
    fn cut(&mut self, leave: impl Fn(i64, i64, i64) -> (i64, i64, i64)) {
        for &place in &self.preempted[..self.preempted_len] {
            let place = usize::from(place) % RUN;
            let (left, needed, lost) =
                leave(self.left[place], self.needed[place], self.uptime[place]);
            self.left[place] = left;
            self.needed[place] = needed;
            self.lost[place] += lost as u64;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::job::Job;
    use crate::engine::trajectory::JobTrajectory;
    use crate::model::plan::Outcome;
    use crate::model::workload::Workload;
    use crate::montecarlo::{self, observe};
    use crate::scenario;
    use crate::stats::estimator::GROUPS;

    const SCENARIO: &str = r#"
        workload = { kind = "job", work = "8 h", startup = "2 min", timeout = "none" }
        machine = { service = "compute-engine" }
        price = { standard = "0.60 USD/h", spot = "0.20 USD/h" }
        checkpoint = { every = "30 min", save = "1 min", restore = "3 min" }
        compare = { plans = ["spot"] }
        [market]
        lifetime = { model = "exponential", mean = "10 h" }
        wait = { model = "exponential", mean = "5 min" }
    "#;

    /// Every replication it completes is the engine's to the microsecond, and it completes all that
    /// the engine completes in one submission; 16 runs of 128 or fewer for each.
    #[test]
    fn it_says_what_the_engine_says() {
        let cases: &[&[&str]] = &[
            &[],
            &["simulation.sampling=random", "simulation.seed=7"],
            &["workload.timeout=9 h"],
            &["market.lifetime.mean=1 h", "restart.max_restarts=unlimited"],
            &["market.no_capacity_probability=40 %", "restart.max_restarts=3"],
            &["market.no_capacity_probability=40 %", "restart.counts=preemption"],
            &["restart.backoff={ initial = \"1 min\", factor = 2, max = \"1 h\" }"],
            &["market.lifetime={ model = \"weibull\", shape = 0.6, scale = \"5 h\" }"],
            &["market.wait={ model = \"lognormal\", median = \"5 min\", sigma = 1.5 }"],
            &["market.wait={ model = \"fixed\", value = \"7 min\" }", "checkpoint.save=0 s"],
            &["market.notice=2 min", "checkpoint.on_notice=true"],
            &["billing.increment=1 min", "billing.minimum=10 min", "billing.startup=free"],
            &["market.lifetime.mean=3 min", "workload.work=4 min", "checkpoint.every=7 s"],
        ];
        for settings in cases {
            let scenario = match scenario::from_toml("case", SCENARIO, settings) {
                Ok((scenario, _)) => scenario,
                Err(problems) => panic!("{settings:?}: {:?}", problems.found),
            };
            let experiment = montecarlo::experiment(&scenario);
            let Workload::Job(model) = &experiment.workload else { panic!("a job") };
            let rules = experiment.plans[0].billing;
            let shortcut = Shortcut::new(model, rules);
            let mut run = Run::default();
            let mut trajectory = JobTrajectory::default();
            for group in 0..16_u64 {
                let shared = experiment.sampling.shared(experiment.seed, group);
                let (first, count) = (group + GROUPS as u64 * 77, RUN - group as usize);
                shortcut.replicate(&shared, first, count, &mut run);
                for place in 0..count {
                    let luck = shared.luck(first + (place * GROUPS) as u64);
                    Job::new(model, Course::Spot, luck, &mut trajectory).run();
                    let observed = observe::job(&trajectory);
                    let completed = observed.outcome == Outcome::Completed;
                    assert_eq!(run.is_done[place], completed, "{settings:?}: {trajectory:?}");
                    if completed {
                        let found = [
                            run.waited[place],
                            run.lost[place],
                            run.restarts[place],
                            run.preemptions[place],
                            run.now[place] as u64,
                        ];
                        assert_eq!(found, observed.values[..5], "{settings:?}: {trajectory:?}");
                        let metered = observe::job_metered(&trajectory, &rules);
                        assert_eq!(run.metered(place), metered, "{settings:?}: {trajectory:?}");
                    }
                }
            }
        }
    }
}
