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

use crate::columns::{self, Block, LANES, larger, smaller};
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

/// The replications of a run.
#[derive(Clone, Debug)]
pub struct Run {
    /// All replications, by place in the run: first those that completed, in the order in which they
    /// did, then those of which nothing is known, which the engine must tell.
    pub places: [u8; RUN],
    /// How many completed.
    pub done: usize,
    /// Sums over the attempts of those that completed, in that order.
    pub sums: Sums,
    /// Of those that go on.
    lanes: Lanes,
    luck: Together,
    answers: Answers,
    /// The gaps before the first restarts of a count, as far as they were needed.
    gaps: Vec<f64>,
}

/// Sums over the attempts of replications \[µs\].
#[derive(Clone, Debug)]
pub struct Sums {
    /// Waits, refused ones included.
    pub waited: Column,
    /// Work lost at preemptions.
    pub lost: Column,
    /// Attempts after the first.
    pub restarts: Column,
    /// Preemptions.
    pub preemptions: Column,
    /// Billed time.
    pub billed: Column,
    /// The part of it that is waived.
    pub waived: Column,
    /// Makespans.
    pub now: Column,
}

/// The replications that go on, closed up, in the order of their places. Blocks are filled up with
/// what means nothing.
#[derive(Clone, Debug)]
struct Lanes {
    count: usize,
    places: [u8; RUN],
    /// Their columns, block by block.
    blocks: [[Block; COLUMNS]; RUN / LANES],
    /// Restarts used in the current count, where it is not the same for all.
    used: [u32; RUN],
}

/// Columns of a block, and some that are not used: a power of two.
const COLUMNS: usize = 16;

/// Waits so far.
const WAITED: usize = 0;
/// Work lost so far.
const LOST: usize = 1;
/// Billed time so far.
const BILLED: usize = 2;
/// When the next attempt asks; after an attempt that is the last, when it ended.
const NOW: usize = 3;
/// Work left.
const LEFT: usize = 4;
/// Uptime that the next attempt needs to finish.
const NEEDED: usize = 5;
/// Preemptions so far.
const PREEMPTIONS: usize = 6;
/// Waived time so far.
const WAIVED: usize = 7;
/// The end of the time allowed.
const LIMIT: usize = 8;
/// What became of the last attempt: one of the following.
const ENDED: usize = 9;

/// Preempted or refused: another attempt follows.
const TRIES_AGAIN: f64 = 0.0;
/// The job is done.
const DONE: f64 = 1.0;
/// Out of time or of restarts: left to the engine.
const GIVEN_UP: f64 = 2.0;

impl Default for Run {
    fn default() -> Self {
        const COLUMN: Column = [0.0; RUN];
        Self {
            places: [0; RUN],
            done: 0,
            sums: Sums {
                waited: COLUMN,
                lost: COLUMN,
                restarts: COLUMN,
                preemptions: COLUMN,
                billed: COLUMN,
                waived: COLUMN,
                now: COLUMN,
            },
            lanes: Lanes {
                count: 0,
                places: [0; RUN],
                blocks: [[[0.0; LANES]; COLUMNS]; RUN / LANES],
                used: [0; RUN],
            },
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
            relief: model.market.relief(model.nodes),
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
        run.done = 0;
        run.luck.start(first, count);
        run.lanes.start(self, count);
        run.gaps.clear();
        // The n-th gap of a count is the same for all.
        let mut gaps = RestartCount::default();
        let refuses = model.market.no_capacity_probability > Share::ZERO;
        let mut terms = Terms {
            rules: self.rules,
            timeout: model.timeout.unwrap_or(SimDuration::NEVER).micros() as f64,
            give_up_after: model.give_up_after.micros() as f64,
            refuses,
            waives: self.rules.free_if_preempted_within > 0.0,
            // Then the count of those that were refused is their own.
            counts_apart: model.restart.counts == Counts::Preemption && refuses,
            gap: 0.0,
        };
        let work = model.work.micros() as f64;
        let [fresh, resumed] =
            [false, true].map(|saved| program.before_work(saved).micros() as f64);
        let mut given_up = count;
        for number in 0..MOST_ATTEMPTS {
            let Run { lanes, luck, answers, .. } = run;
            let places = &lanes.places[..columns::filled_up(lanes.count)];
            let asking = (places, lanes.count);
            model.market.ask_all((shared, luck), asking, self.relief, number, answers);
            run.gaps.extend(gaps.take(&model.restart).map(|gap| gap.micros() as f64));
            if !terms.counts_apart {
                let used = if model.restart.counts == Counts::Preemption { 0 } else { number };
                terms.gap = run.gaps.get(used as usize).copied().unwrap_or(f64::INFINITY);
            }
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
            if terms.counts_apart {
                lanes.back_off(answers, &run.gaps);
            }
            given_up = run.close_up(number, &terms, given_up);
            if run.lanes.count == 0 {
                break;
            }
        }
        // Those that tried too often.
        let Run { places, lanes, done, .. } = run;
        places[*done..given_up].copy_from_slice(&lanes.places[..lanes.count]);
    }
}

impl Lanes {
    /// All that is set before the first attempt.
    fn start(&mut self, shortcut: &Shortcut<'_>, count: usize) {
        let Shortcut { model, .. } = shortcut;
        self.count = count;
        self.places = std::array::from_fn(|place| place as u8);
        self.used.fill(0);
        let mut start = [0.0; COLUMNS];
        start[LEFT] = model.work.micros() as f64;
        start[NEEDED] = shortcut.needed_at_first;
        start[LIMIT] = model.give_up_after.micros() as f64;
        for block in &mut self.blocks {
            for (column, start) in block[..ENDED].iter_mut().zip(start) {
                *column = [start; LANES];
            }
        }
    }

    /// The value of a column.
    #[inline]
    fn of(&mut self, at: usize, column: usize) -> &mut f64 {
        &mut flat(&mut self.blocks)[index(at, column)]
    }

    /// The gaps before the next attempts, where each has a count of its own and restarts are left.
    fn back_off(&mut self, answers: &Answers, gaps: &[f64]) {
        for at in 0..self.count {
            if *self.of(at, ENDED) == TRIES_AGAIN {
                let before = if answers.lifetimes[at] > 0.0 { 0 } else { self.used[at] };
                self.used[at] = before + 1;
                *self.of(at, NOW) += gaps.get(before as usize).copied().unwrap_or(f64::INFINITY);
                if *self.of(at, NOW) >= *self.of(at, LIMIT) {
                    *self.of(at, ENDED) = GIVEN_UP;
                }
            }
        }
    }
}

/// The values of all blocks, of which there is a power of two.
#[inline]
fn flat(blocks: &mut [[Block; COLUMNS]; RUN / LANES]) -> &mut [f64; COLUMNS * RUN] {
    blocks.as_flattened_mut().as_flattened_mut().first_chunk_mut().expect("all of them")
}

/// Where the value of a column stands among those of all blocks.
#[inline]
const fn index(at: usize, column: usize) -> usize {
    (at % RUN / LANES * COLUMNS + column % COLUMNS) * LANES + at % LANES
}

/// What holds for all attempts \[µs\].
struct Terms {
    rules: ColumnRules,
    timeout: f64,
    give_up_after: f64,
    /// Whether a request may be refused.
    refuses: bool,
    /// Whether billed time may be waived.
    waives: bool,
    /// Whether the restarts used are not the same for all.
    counts_apart: bool,
    /// The gap before the next attempt; none where the restarts used are not the same for all.
    gap: f64,
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
    let (waits, _) = answers.waits.as_chunks::<LANES>();
    let (lifetimes, _) = answers.lifetimes.as_chunks::<LANES>();
    for (block, (waits, lifetimes)) in lanes.blocks.iter_mut().zip(waits.iter().zip(lifetimes)) {
        let [waited, lost, billed, now, left, needed, preemptions, waived, limit, ended, ..] =
            block;
        for at in 0..LANES {
            let is_granted = lifetimes[at] > 0.0;
            let start = now[at] + waits[at];
            // The first start sets the limit; a later one would set none where it did not.
            let sets = is_granted & (limit[at] == terms.give_up_after);
            let end = if sets { smaller(limit[at], start + terms.timeout) } else { limit[at] };
            let uptime = if is_granted { smaller(needed[at], lifetimes[at]) } else { 0.0 };
            let is_preempted = is_granted & (needed[at] > lifetimes[at]);
            let is_done = is_granted & (needed[at] <= lifetimes[at]);
            let stop = start + uptime;
            let asks = stop + if is_done { 0.0 } else { terms.gap };
            let is_late = (start >= limit[at]) | (stop > end) | (!is_done & (asks >= end));
            let on_time = if is_done { DONE } else { TRIES_AGAIN };
            ended[at] = if is_late { GIVEN_UP } else { on_time };
            let bill = if is_granted { terms.rules.billed(uptime) } else { 0.0 };
            let is_waived = is_preempted & (uptime < terms.rules.free_if_preempted_within);
            let (work, needs, loses) = leave(left[at], needed[at], uptime);
            waited[at] += waits[at];
            lost[at] += if is_preempted { loses } else { 0.0 };
            preemptions[at] += if is_preempted { 1.0 } else { 0.0 };
            billed[at] += bill;
            waived[at] += if is_waived { bill } else { 0.0 };
            now[at] = asks;
            limit[at] = end;
            left[at] = if is_preempted { work } else { left[at] };
            needed[at] = if is_preempted { needs } else { needed[at] };
        }
    }
}

impl Run {
    /// Sets down those that are done after those that were, puts those that are given up at the end,
    /// before those that were, and closes the ranks of those that go on. Where those given up begin.
    fn close_up(&mut self, number: u32, terms: &Terms, mut given_up: usize) -> usize {
        let Self { places, lanes, sums, .. } = self;
        let columns = flat(&mut lanes.blocks);
        let [mut done, mut going_on] = [[0_u8; RUN]; 2];
        let (mut done_len, mut going_on_len) = (0, 0);
        for at in 0..lanes.count.min(RUN) {
            let ended = columns[index(at, ENDED)].to_bits();
            done[done_len % RUN] = at as u8;
            done_len += usize::from(ended == DONE.to_bits());
            going_on[going_on_len % RUN] = at as u8;
            going_on_len += usize::from(ended == TRIES_AGAIN.to_bits());
        }
        if done_len + going_on_len < lanes.count {
            for at in (0..lanes.count).filter(|&at| columns[index(at, ENDED)] == GIVEN_UP) {
                given_up -= 1;
                places[given_up] = lanes.places[at];
            }
        }
        let first_done = self.done;
        self.done += done_len;
        for (to, &at) in (first_done..RUN).zip(&done[..done_len]) {
            let at = usize::from(at);
            places[to] = lanes.places[at % RUN];
            sums.waited[to] = columns[index(at, WAITED)];
            sums.lost[to] = columns[index(at, LOST)];
            sums.billed[to] = columns[index(at, BILLED)];
            sums.now[to] = columns[index(at, NOW)];
        }
        sums.restarts[first_done..self.done].fill(number.into());
        // What is the same for all need not move.
        if terms.refuses | terms.waives {
            for (to, &at) in (first_done..RUN).zip(&done[..done_len]) {
                sums.preemptions[to] = columns[index(at.into(), PREEMPTIONS)];
                sums.waived[to] = columns[index(at.into(), WAIVED)];
            }
        } else {
            sums.preemptions[first_done..self.done].fill(number.into());
        }
        for (to, &at) in going_on[..going_on_len].iter().enumerate() {
            let at = usize::from(at);
            lanes.places[to % RUN] = lanes.places[at % RUN];
            for column in WAITED..=NEEDED {
                columns[index(to, column)] = columns[index(at, column)];
            }
        }
        if terms.refuses | terms.waives | (terms.timeout < terms.give_up_after) {
            for (to, &at) in going_on[..going_on_len].iter().enumerate() {
                lanes.used[to % RUN] = lanes.used[usize::from(at) % RUN];
                for column in PREEMPTIONS..=LIMIT {
                    columns[index(to, column)] = columns[index(at.into(), column)];
                }
            }
        }
        lanes.count = going_on_len;
        // Nobody's places: anybody's luck.
        lanes.places[going_on_len..columns::filled_up(going_on_len)].fill(0);
        given_up
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
                let mut places: Vec<u8> = run.places[..count].to_vec();
                for (at, &place) in run.places[..count].iter().enumerate() {
                    let luck = shared.luck(first + u64::from(place) * GROUPS as u64);
                    Job::new(model, Course::Spot, luck, &mut trajectory).run();
                    let observed = observe::job(&trajectory);
                    let completed = observed.outcome == Outcome::Completed;
                    assert_eq!(at < run.done, completed, "{settings:?}: {trajectory:?}");
                    if completed {
                        let Sums { waited, lost, restarts, preemptions, billed, waived, now } =
                            &run.sums;
                        let found = [waited, lost, restarts, preemptions, now]
                            .map(|column| column[at] as u64);
                        assert_eq!(found, observed.values[..5], "{settings:?}: {trajectory:?}");
                        let metered = observe::job_metered(&trajectory, &rules);
                        let [billed, waived, now] =
                            [billed, waived, now].map(|column| &column[at..=at]);
                        let mut found = MeteredColumns::of(1);
                        found.set_spot(billed, waived, now);
                        assert_eq!(found, metered.into(), "{settings:?}: {trajectory:?}");
                    }
                }
                places.sort_unstable();
                assert!(places.iter().enumerate().all(|(at, &place)| at == usize::from(place)));
            }
        }
    }
}
