//! The common case without a record: jobs on Spot VMs that complete in their first submission.
//!
//! Such a replication is the same under every Spot plan but `spot-until-deadline`, and nothing of it
//! needs to be kept but its sums. The replications of a run go through their attempts in step, as
//! columns of whole numbers: all first attempts, then the second ones of those that need one, and so
//! on. Whether an attempt finishes is a coin toss that no processor foresees, so it is not branched on.
//!
//! It asks the same market for the same luck and goes by the same program, restart and billing rules
//! as the engine; whatever is not this simple (exhausted restarts, a timeout, the limit of time) is
//! left to the engine, from the beginning. That both say the same is tested.

use multiversion::multiversion;

use crate::columns::{larger, smaller};
use crate::luck::{Shared, Together};
use crate::model::billing::{BillingRules, ColumnRules};
use crate::model::capacity::Answers;
use crate::model::checkpoint::Cycle;
use crate::model::plan::Course;
use crate::model::restart::{Counts, MOST_ATTEMPTS, RestartCount};
use crate::model::workload::JobModel;
use crate::units::{Share, SimDuration};

/// The most replications in a run: a power of two, and a place fits a byte.
pub const RUN: usize = 128;

/// One quantity of all replications of a run.
pub type Column = [f64; RUN];

/// No replication lasts longer \[µs\], 17 years: all sums stay where columns are exact.
const LONGEST: i64 = 1 << 49;

/// A job, its hazard and how its time is billed.
#[derive(Clone, Copy, Debug)]
pub struct Shortcut<'a> {
    model: &'a JobModel,
    rules: ColumnRules,
    relief: f64,
    /// Uptime of an attempt that finds nothing saved and finishes \[µs\].
    needed_at_first: f64,
    /// What its attempts repeat, where that is simple.
    cycle: Option<Cycle>,
}

/// Sums over the attempts of replications \[µs\].
#[derive(Clone, Debug)]
pub struct Sums {
    /// Waits, refused ones included.
    pub waited: Column,
    /// Work lost at preemptions.
    pub lost: Column,
    /// Preemptions.
    pub preemptions: Column,
    /// Billed time.
    pub billed: Column,
    /// The part of it that is waived.
    pub waived: Column,
    /// When the last attempt ended; in the end, the makespan.
    pub now: Column,
}

impl Sums {
    const ZERO: Self = Self {
        waited: [0.0; RUN],
        lost: [0.0; RUN],
        preemptions: [0.0; RUN],
        billed: [0.0; RUN],
        waived: [0.0; RUN],
        now: [0.0; RUN],
    };
}

/// The replications of a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Completed, by place. Of the others nothing is to be believed: the engine must tell.
    pub is_done: [bool; RUN],
    /// Of those that are, by place.
    pub sums: Sums,
    /// Of those that are, by place: attempts after the first.
    pub restarts: Column,
    /// Those that go on.
    lanes: Lanes,
    luck: Together,
    answers: Answers,
    /// The gaps before the first restarts of a count, as far as they were needed.
    gaps: Vec<f64>,
}

/// The replications that go on, closed up, in the order of their places.
#[derive(Clone, Debug)]
struct Lanes {
    count: usize,
    places: [u8; RUN],
    sums: Sums,
    /// When the next attempt asks.
    asked: Column,
    limit: Column,
    /// Work left.
    left: Column,
    /// Uptime that the next attempt needs to finish.
    needed: Column,
    /// Restarts used in the current count, where it is not the same for all.
    used: [u32; RUN],
    /// What became of the last attempt: one of the following.
    ended: Column,
}

/// Preempted or refused: another attempt follows.
const TRIES_AGAIN: f64 = 0.0;
/// The job is done.
const DONE: f64 = 1.0;
/// Out of time or of restarts: left to the engine.
const GIVEN_UP: f64 = 2.0;

impl Default for Run {
    fn default() -> Self {
        let lanes = Lanes {
            count: 0,
            places: [0; RUN],
            sums: Sums::ZERO,
            asked: [0.0; RUN],
            limit: [0.0; RUN],
            left: [0.0; RUN],
            needed: [0.0; RUN],
            used: [0; RUN],
            ended: [0.0; RUN],
        };
        Self {
            is_done: [false; RUN],
            sums: Sums::ZERO,
            restarts: [0.0; RUN],
            lanes,
            luck: Together::default(),
            answers: Answers::default(),
            gaps: Vec::new(),
        }
    }
}

impl<'a> Shortcut<'a> {
    /// The shortcut for a job that is billed by these rules; `None` where it may last too long,
    /// or the market has a memory.
    #[must_use]
    pub fn new(model: &'a JobModel, rules: BillingRules) -> Option<Self> {
        let needed_at_first = model.program.uptime_needed(model.work, false);
        let longest = needed_at_first + model.program.restore;
        let is_plain = model.market.zones.is_none();
        let are_short = [longest, model.give_up_after].iter().all(|time| time.micros() <= LONGEST);
        Some(Self {
            model,
            rules: rules.for_columns().filter(|_| is_plain && are_short)?,
            relief: model.relief(),
            needed_at_first: needed_at_first.micros() as f64,
            cycle: model.program.cycle(longest),
        })
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
        assert!(count <= RUN, "a run is short");
        let Self { model, .. } = self;
        let program = &model.program;
        run.is_done.fill(false);
        run.luck.start(first, count);
        run.lanes.start(self, count);
        // The n-th gap of a count is the same for all.
        let mut gaps = RestartCount::default();
        run.gaps.clear();
        let terms = Terms {
            rules: self.rules,
            timeout: model.timeout.unwrap_or(SimDuration::NEVER).micros() as f64,
            give_up_after: model.give_up_after.micros() as f64,
            refuses: model.market.no_capacity_probability > Share::ZERO,
        };
        let work = model.work.micros() as f64;
        let [fresh, resumed] =
            [false, true].map(|saved| program.before_work(saved).micros() as f64);
        for number in 0..MOST_ATTEMPTS {
            let Run { lanes, luck, answers, .. } = run;
            let places = &lanes.places[..lanes.count];
            model.market.ask_all((shared, luck), places, self.relief, number, answers);
            if let Some(cycle) = self.cycle {
                attempt(lanes, answers, &terms, |left: f64, needed: f64, uptime: f64| {
                    let before = if left < work { resumed } else { fresh };
                    let (saves, since) = cycle.whole.divide(larger(uptime - before, 0.0));
                    let left = left - saves * cycle.every;
                    let lost = smaller(smaller(since, cycle.every), left);
                    // Each save is one that the next attempt need not make.
                    let after = if left < work { resumed } else { fresh };
                    (left, needed - before + after - saves * cycle.whole.by, lost)
                });
            } else {
                attempt(lanes, answers, &terms, |left: f64, _: f64, uptime: f64| {
                    let [left, uptime] = [left, uptime].map(|time| time as i64);
                    let [left, uptime] = [left, uptime].map(SimDuration::from_micros);
                    let remains = program.cut(left, left < model.work, uptime, Some(uptime));
                    let left = left.saturating_sub(remains.saved);
                    let needed = program.uptime_needed(left, left < model.work);
                    let of = |time: SimDuration| time.micros() as f64;
                    (of(left), of(needed), of(remains.lost))
                });
            }
            run.gaps.extend(gaps.take(&model.restart).map(|gap| gap.micros() as f64));
            lanes.back_off(model, number, answers, &run.gaps);
            run.close_up(number, &terms);
            if run.lanes.count == 0 {
                break;
            }
        }
    }
}

impl Lanes {
    /// All that is set before the first attempt.
    fn start(&mut self, shortcut: &Shortcut<'_>, count: usize) {
        let Shortcut { model, .. } = shortcut;
        self.count = count;
        self.places = std::array::from_fn(|place| place as u8);
        let Sums { waited, lost, preemptions, billed, waived, now: _ } = &mut self.sums;
        for column in [waited, lost, preemptions, billed, waived, &mut self.asked] {
            column[..count].fill(0.0);
        }
        self.limit[..count].fill(model.give_up_after.micros() as f64);
        self.left[..count].fill(model.work.micros() as f64);
        self.needed[..count].fill(shortcut.needed_at_first);
        self.used[..count].fill(0);
    }

    /// The gaps before the next attempts, where restarts are left.
    fn back_off(&mut self, model: &JobModel, number: u32, answers: &Answers, gaps: &[f64]) {
        let Self { count, sums, asked, limit, used, ended, .. } = self;
        let count = (*count).min(RUN);
        let gap = |used: u32| gaps.get(used as usize).copied().unwrap_or(f64::INFINITY);
        let counts_anew = model.restart.counts == Counts::Preemption;
        if counts_anew && model.market.no_capacity_probability > Share::ZERO {
            for at in 0..count {
                let before = if answers.lifetimes[at] > 0.0 { 0 } else { used[at] };
                used[at] = before + 1;
                asked[at] = sums.now[at] + gap(before);
            }
        } else {
            let gap = gap(if counts_anew { 0 } else { number });
            for (asked, &now) in asked[..count].iter_mut().zip(&sums.now) {
                *asked = now + gap;
            }
        }
        for at in 0..count {
            let is_over = (ended[at] == TRIES_AGAIN) & (asked[at] >= limit[at]);
            ended[at] = if is_over { GIVEN_UP } else { ended[at] };
        }
    }
}

/// What holds for all attempts \[µs\].
struct Terms {
    rules: ColumnRules,
    timeout: f64,
    give_up_after: f64,
    /// Whether a request may be refused.
    refuses: bool,
}

impl Terms {
    /// Whether billed time may be waived.
    fn waives(&self) -> bool {
        self.rules.free_if_preempted_within > 0.0
    }
}

/// One attempt of all. What a preemption leaves follows from the work left, the uptime that it needed
/// and the uptime it had: it is the work then left, the uptime that needs, and the work lost.
#[multiversion(targets = "simd")]
fn attempt(
    lanes: &mut Lanes,
    answers: &Answers,
    terms: &Terms,
    leave: impl Fn(f64, f64, f64) -> (f64, f64, f64),
) {
    let Lanes { count, sums, asked, limit, left, needed, ended, .. } = lanes;
    let count = (*count).min(RUN);
    let (waits, lifetimes) = (&answers.waits[..count], &answers.lifetimes[..count]);
    for at in 0..count {
        let is_granted = lifetimes[at] > 0.0;
        let start = asked[at] + waits[at];
        // The first start sets the limit; a later one would set none where it did not.
        let sets = is_granted & (limit[at] == terms.give_up_after);
        let end = if sets { smaller(limit[at], start + terms.timeout) } else { limit[at] };
        let uptime = if is_granted { smaller(needed[at], lifetimes[at]) } else { 0.0 };
        let now = start + uptime;
        let is_late = (start >= limit[at]) | (now > end);
        let is_preempted = is_granted & (needed[at] > lifetimes[at]);
        let is_done = is_granted & (needed[at] <= lifetimes[at]);
        let on_time = if is_done { DONE } else { TRIES_AGAIN };
        ended[at] = if is_late { GIVEN_UP } else { on_time };
        let billed = if is_granted { terms.rules.billed(uptime) } else { 0.0 };
        let is_waived = is_preempted & (uptime < terms.rules.free_if_preempted_within);
        let (work, needs, lost) = leave(left[at], needed[at], uptime);
        sums.waited[at] += waits[at];
        sums.lost[at] += if is_preempted { lost } else { 0.0 };
        sums.preemptions[at] += if is_preempted { 1.0 } else { 0.0 };
        sums.billed[at] += billed;
        sums.waived[at] += if is_waived { billed } else { 0.0 };
        sums.now[at] = now;
        limit[at] = end;
        left[at] = if is_preempted { work } else { left[at] };
        needed[at] = if is_preempted { needs } else { needed[at] };
    }
}

impl Run {
    /// Sets down those that are done, and closes the ranks of those that go on.
    fn close_up(&mut self, number: u32, terms: &Terms) {
        let Self { lanes, sums, .. } = self;
        let [mut done, mut places, mut going_on] = [[0_u8; RUN]; 3];
        let (mut done_len, mut going_on_len) = (0, 0);
        for at in 0..lanes.count.min(RUN) {
            done[done_len % RUN] = at as u8;
            places[done_len % RUN] = lanes.places[at];
            done_len += usize::from(lanes.ended[at] == DONE);
            going_on[going_on_len % RUN] = at as u8;
            going_on_len += usize::from(lanes.ended[at] == TRIES_AGAIN);
        }
        let (done, places) = (&done[..done_len], &places[..done_len]);
        for &place in places {
            self.is_done[usize::from(place) % RUN] = true;
            self.restarts[usize::from(place) % RUN] = number.into();
        }
        let set_down = |column: &mut Column, lanes: &Column| {
            for (&at, &place) in done.iter().zip(places) {
                column[usize::from(place) % RUN] = lanes[usize::from(at) % RUN];
            }
        };
        set_down(&mut sums.waited, &lanes.sums.waited);
        set_down(&mut sums.lost, &lanes.sums.lost);
        set_down(&mut sums.billed, &lanes.sums.billed);
        set_down(&mut sums.now, &lanes.sums.now);
        // What is the same for all need not move.
        if terms.refuses {
            set_down(&mut sums.preemptions, &lanes.sums.preemptions);
        } else {
            for &place in places {
                sums.preemptions[usize::from(place) % RUN] = number.into();
            }
        }
        if terms.waives() {
            set_down(&mut sums.waived, &lanes.sums.waived);
        }
        let going_on = &going_on[..going_on_len];
        lanes.count = going_on_len;
        close_ranks(&mut lanes.places, going_on);
        close_ranks(&mut lanes.sums.waited, going_on);
        close_ranks(&mut lanes.sums.lost, going_on);
        close_ranks(&mut lanes.sums.billed, going_on);
        close_ranks(&mut lanes.asked, going_on);
        close_ranks(&mut lanes.left, going_on);
        close_ranks(&mut lanes.needed, going_on);
        if terms.refuses {
            close_ranks(&mut lanes.sums.preemptions, going_on);
            close_ranks(&mut lanes.used, going_on);
        }
        if terms.waives() {
            close_ranks(&mut lanes.sums.waived, going_on);
        }
        if terms.timeout < terms.give_up_after {
            close_ranks(&mut lanes.limit, going_on);
        }
    }
}

/// Moves what stands at these places, which rise, to the front.
#[inline]
fn close_ranks<T: Copy>(column: &mut [T; RUN], places: &[u8]) {
    for (to, &from) in places.iter().enumerate() {
        column[to % RUN] = column[usize::from(from) % RUN];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::job::Job;
    use crate::engine::trajectory::JobTrajectory;
    use crate::model::billing::MeteredColumns;
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
            let shortcut = Shortcut::new(model, rules).expect("a short job");
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
                        let Sums { waited, lost, preemptions, billed, waived, now } = &run.sums;
                        let found = [waited, lost, &run.restarts, preemptions, now]
                            .map(|column| column[place] as u64);
                        assert_eq!(found, observed.values[..5], "{settings:?}: {trajectory:?}");
                        let metered = observe::job_metered(&trajectory, &rules);
                        let [billed, waived, now] =
                            [billed, waived, now].map(|column| &column[place..=place]);
                        let mut found = MeteredColumns::of(1);
                        found.set_spot(billed, waived, now);
                        assert_eq!(found, metered.into(), "{settings:?}: {trajectory:?}");
                    }
                }
            }
        }
    }
}
