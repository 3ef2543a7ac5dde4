//! Many design points: each estimated, and compared with the first under the same luck.
//!
//! Slot 3 of replication 7 meets the same luck at every point, so a difference between two points is
//! taken replication by replication and its error is small. Points that differ in prices alone are
//! simulated once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::observe::{self, Measure, Observation};
use super::replicate::{BLOCK, Experiment, RunError, Tally, Watch};
use super::{Estimate, PlanAnswer, estimate, experiment, stopping};
use crate::engine::endpoint::Endpoint;
use crate::engine::job::Job;
use crate::engine::trajectory::{EndpointTrajectory, JobTrajectory};
use crate::luck::Luck;
use crate::model::plan::{Course, Plan};
use crate::model::workload::Workload;
use crate::scenario::resolved::{Scenario, Stop};
use crate::stats::interval::Level;
use crate::stats::wide::Wide;

/// Design points in their order, each made when it is needed.
pub trait Points {
    /// How many there are.
    fn count(&self) -> usize;
    /// A point, from 0.
    fn scenario(&self, point: usize) -> Scenario;
}

impl Points for [Scenario] {
    fn count(&self) -> usize {
        self.len()
    }

    fn scenario(&self, point: usize) -> Scenario {
        self[point].clone()
    }
}

/// What is compared between two points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The mean of a measure; of the makespan, over completed replications.
    Mean(Measure),
    /// Share of completed replications.
    Completion,
    /// Share of replications completed by the deadline.
    OnTime,
    /// Mean cost ÷ share completed, or ÷ mean serving hours.
    CostPerGain,
    /// Useful ÷ billed VM-hours of a job.
    Goodput,
    /// What is saved against the standard plan of the same point.
    Saving,
}

impl Target {
    /// What is compared with the first point for every row.
    #[must_use]
    pub const fn of(workload: &Workload) -> &'static [Self] {
        match workload {
            Workload::Job(_) => &[
                Self::Mean(Measure::Cost),
                Self::Saving,
                Self::CostPerGain,
                Self::Mean(Measure::Makespan),
                Self::Completion,
                Self::OnTime,
            ],
            Workload::Endpoint(_) => &[
                Self::Mean(Measure::Cost),
                Self::Saving,
                Self::CostPerGain,
                Self::Mean(Measure::AvailabilityAny),
                Self::Mean(Measure::AvailabilityMin),
            ],
        }
    }

    /// How many sums it needs: a mean, a ratio of two, or a ratio of ratios.
    const fn width(self) -> usize {
        match self {
            Self::Mean(Measure::Makespan) | Self::CostPerGain | Self::Goodput => 2,
            Self::Mean(_) | Self::Completion | Self::OnTime => 1,
            Self::Saving => 4,
        }
    }
}

/// A paired difference of two points.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Difference {
    /// The first less the second; `None` where one of them does not exist.
    pub value: Option<f64>,
    /// Half-width of its confidence interval; `None` where it is unknown.
    pub half_width: Option<f64>,
}

impl Difference {
    const NONE: Self = Self { value: None, half_width: None };
    const ZERO: Self = Self { value: Some(0.0), half_width: Some(0.0) };
}

/// A point that is finished.
pub struct Finished<'a> {
    /// Which, from 0.
    pub point: usize,
    /// What it is.
    pub scenario: &'a Scenario,
    /// Its estimate.
    pub estimate: &'a Estimate,
    /// For each plan and each of [`Target::of`]: this point less the first one.
    pub changes: &'a [Vec<Difference>],
}

/// Why the points were not all finished.
#[derive(Debug)]
pub enum Stopped<E> {
    /// A point could not be simulated, or the watch ended it.
    Run {
        /// Which point, from 0.
        point: usize,
        /// Why.
        error: RunError,
    },
    /// The reader of the finished points had enough.
    Each(E),
}

/// Points looked at beyond the next one, for the same simulation under other prices.
const AHEAD: usize = 64;
/// Points of one simulation.
const TOGETHER: usize = 16;

/// A point not yet handed over.
struct Waiting {
    scenario: Scenario,
    estimate: Option<Estimate>,
}

/// Estimates the points from `from` on, and hands each to `each` in design order as soon as it is
/// finished. The same bytes on any number of threads, and wherever it starts.
///
/// # Errors
/// As [`super::run`] for the first point that has one, or what `each` said.
pub fn run_points<E>(
    points: &(impl Points + ?Sized),
    from: usize,
    threads: usize,
    watch: &dyn Watch,
    each: &mut dyn FnMut(Finished<'_>) -> Result<(), E>,
) -> Result<(), Stopped<E>> {
    if points.count() == 0 {
        return Ok(());
    }
    let first = points.scenario(0);
    // A half-width decides how often the first point is replicated, and so every pair.
    let mut pairs = match first.stop {
        Stop::Replications(count) => Some(count),
        Stop::HalfWidth(_) => None,
    };
    let mut waiting: VecDeque<Waiting> = VecDeque::new();
    for point in from..points.count() {
        let fail = |error| Stopped::Run { point, error };
        while waiting.len() < AHEAD && point + waiting.len() < points.count() {
            let scenario = points.scenario(point + waiting.len());
            waiting.push_back(Waiting { scenario, estimate: None });
        }
        if waiting[0].estimate.is_none() {
            let group = group(&waiting);
            let scenarios: Vec<&Scenario> =
                group.iter().map(|&index| &waiting[index].scenario).collect();
            let estimates = together(&scenarios, threads, watch).map_err(fail)?;
            for (index, estimate) in group.into_iter().zip(estimates) {
                waiting[index].estimate = Some(estimate);
            }
        }
        let Some(Waiting { scenario, estimate: Some(estimate) }) = waiting.pop_front() else {
            unreachable!("the point was simulated above");
        };
        let targets = Target::of(&scenario.workload);
        let changes = if point == 0 {
            pairs = pairs.or(Some(estimate.replications));
            unchanged(&scenario, &estimate, targets)
        } else {
            let base = match pairs {
                Some(count) => count,
                None => {
                    let count = together(&[&first], threads, watch).map_err(fail)?[0].replications;
                    pairs = Some(count);
                    count
                }
            };
            let replications = match first.stop {
                Stop::Replications(_) => base.max(estimate.replications),
                Stop::HalfWidth(_) => base,
            };
            let plans: Vec<Plan> = scenario.plans.iter().map(|listed| listed.plan).collect();
            let sides = [(&scenario, plans.as_slice()), (&first, plans.as_slice())];
            paired(sides, targets, replications, threads, watch).map_err(fail)?
        };
        each(Finished { point, scenario: &scenario, estimate: &estimate, changes: &changes })
            .map_err(Stopped::Each)?;
    }
    Ok(())
}

/// The changes of the first point against itself.
fn unchanged(scenario: &Scenario, estimate: &Estimate, targets: &[Target]) -> Vec<Vec<Difference>> {
    estimate
        .plans
        .iter()
        .map(|plan| {
            let times_known = scenario.times_known(plan.listed.plan);
            let of = |target: &Target| match &plan.estimate {
                Some(estimate) if exists(estimate, times_known, *target) => Difference::ZERO,
                _ => Difference::NONE,
            };
            targets.iter().map(of).collect()
        })
        .collect()
}

fn exists(estimate: &estimate::PlanEstimate, times_known: bool, target: Target) -> bool {
    let needs_time = match target {
        Target::Mean(measure) => needs_time(measure),
        Target::Completion | Target::OnTime => true,
        _ => false,
    };
    if needs_time && !times_known {
        return false;
    }
    match target {
        Target::Mean(measure) => estimate.measure(measure).mean.is_some(),
        Target::Completion => estimate.completion.is_some(),
        Target::OnTime => estimate.on_time.is_some(),
        Target::CostPerGain => estimate.cost_per_gain.is_some(),
        Target::Goodput => estimate.goodput.is_some(),
        Target::Saving => estimate.saving.is_some(),
    }
}

/// The mean of a target under a plan of `a` less that under a plan of `b`, over the same
/// replications: as many as the larger of both asks for, or as `a` needs for its half-width.
///
/// # Errors
/// As [`super::run`].
pub fn difference(
    a: (&Scenario, Plan),
    b: (&Scenario, Plan),
    target: Target,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Difference, RunError> {
    let replications = match (a.0.stop, b.0.stop) {
        (Stop::Replications(a), Stop::Replications(b)) => a.max(b),
        _ => together(&[a.0], threads, watch)?[0].replications,
    };
    let sides = [(a.0, &[a.1][..]), (b.0, &[b.1][..])];
    let found = paired(sides, &[target], replications, threads, watch)?;
    Ok(found[0][0])
}

// ------------------------------------------------------------------------- one simulation, prices

/// The next point and those after it that have the same simulation.
fn group(waiting: &VecDeque<Waiting>) -> Vec<usize> {
    let next = &waiting[0].scenario;
    let same = |(index, other): (usize, &Waiting)| {
        (other.estimate.is_none() && (index == 0 || same_simulation(next, &other.scenario)))
            .then_some(index)
    };
    waiting.iter().enumerate().filter_map(same).take(TOGETHER).collect()
}

/// Whether two points may share their replications: they differ in the prices of plans other than
/// `standard`, and a fixed number of replications asks neither what the other costs.
fn same_simulation(a: &Scenario, b: &Scenario) -> bool {
    matches!((a.stop, b.stop), (Stop::Replications(a), Stop::Replications(b)) if a == b)
        && a.seed == b.seed
        && a.deadline == b.deadline
        && a.billing == b.billing
        && a.level == b.level
        && a.standard.tariff() == b.standard.tariff()
        && a.workload == b.workload
}

/// The estimates of points that share their simulation.
fn together(
    scenarios: &[&Scenario],
    threads: usize,
    watch: &dyn Watch,
) -> Result<Vec<Estimate>, RunError> {
    let experiments: Vec<Experiment> =
        scenarios.iter().map(|scenario| experiment(scenario)).collect();
    let mut all = experiments[0].clone();
    for other in &experiments[1..] {
        for plan in &other.plans {
            if !all.plans.contains(plan) {
                all.plans.push(plan.clone());
            }
        }
    }
    let (stop, level) = (scenarios[0].stop, scenarios[0].level);
    let tally = stopping::run(&all, stop, level, threads, &Quiet(watch))?;
    Ok(scenarios
        .iter()
        .zip(&experiments)
        .map(|(scenario, own)| answer(scenario, own, &all, &tally))
        .collect())
}

/// One scenario's part of a tally.
fn answer(scenario: &Scenario, own: &Experiment, all: &Experiment, tally: &Tally) -> Estimate {
    let plans = own
        .plans
        .iter()
        .filter_map(|plan| {
            let index = all.plans.iter().position(|other| other == plan)?;
            Some(tally.plans[index].clone())
        })
        .collect();
    let part = Tally { plans, replications: tally.replications };
    let estimates = estimate::estimate(own, &part, scenario.level);
    let find = |plan: Plan| estimates.iter().find(|estimate| estimate.plan == plan);
    let standard = find(Plan::Standard);
    let plans = scenario
        .plans
        .iter()
        .map(|listed| {
            let estimate = find(listed.plan);
            let saving_at_low_and_high = scenario.spot_range.as_ref().and_then(|range| {
                let (plan, tariff, standard) = (estimate?, listed.tariff()?, standard?);
                let at = |spot| estimate::saving_at_spot_price(plan, tariff, standard, spot);
                Some((at(range.low)?, at(range.high)?))
            });
            PlanAnswer {
                listed: listed.clone(),
                estimate: estimate.cloned(),
                saving_at_low_and_high,
            }
        })
        .collect();
    Estimate { plans, replications: tally.replications }
}

/// Passes on what is done, not what one point expects.
struct Quiet<'a>(&'a dyn Watch);

impl Watch for Quiet<'_> {
    fn advanced(&self, done: u64) -> bool {
        self.0.advanced(done)
    }
}

// ------------------------------------------------------------------------------ paired differences

/// Sums of both sides' values of one target, and of their products: exact integers.
#[derive(Clone)]
struct Pairs {
    target: Target,
    count: u64,
    sums: [u128; 8],
    products: [[Wide; 8]; 8],
}

impl Pairs {
    fn new(target: Target) -> Self {
        Self { target, count: 0, sums: [0; 8], products: [[Wide::default(); 8]; 8] }
    }

    /// Adds one replication: the values of the first side in 0..4, of the second in 4..8.
    fn add(&mut self, values: [u64; 8]) {
        let width = self.target.width();
        self.count += 1;
        for i in (0..width).chain(4..4 + width) {
            self.sums[i] += u128::from(values[i]);
            for j in (i..width).chain(4.max(i)..4 + width) {
                self.products[i][j].add_product(values[i], values[j]);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for i in 0..8 {
            self.sums[i] += other.sums[i];
            for j in i..8 {
                self.products[i][j].add(other.products[i][j]);
            }
        }
    }

    fn covariance(&self, i: usize, j: usize) -> f64 {
        let n = self.count as f64;
        let products = self.products[i.min(j)][i.max(j)].times(self.count);
        products.minus(Wide::product(self.sums[i], self.sums[j])) / n / (n - 1.0)
    }

    /// A side's value and its slope in each mean. `None` where it does not exist.
    fn side(&self, from: usize, scale: f64) -> Option<(f64, [f64; 4])> {
        let n = self.count as f64;
        let [x, y, u, v] = [0, 1, 2, 3].map(|i| self.sums[from + i] as f64 / n);
        match self.target.width() {
            1 => Some((x * scale, [scale, 0.0, 0.0, 0.0])),
            2 if y > 0.0 => {
                let value = scale * (x / y);
                Some((value, [scale / y, -value / y, 0.0, 0.0]))
            }
            4 if y > 0.0 && u > 0.0 && v > 0.0 => {
                let relative = (x / y) * (v / u);
                let slope = v / (y * u);
                Some((1.0 - relative, [-slope, relative / y, relative / u, -relative / v]))
            }
            _ => None,
        }
    }

    /// The first side less the second, with its half-width by the delta method on the pairs.
    fn difference(&self, scales: [f64; 2], level: Level) -> Difference {
        let (Some((a, da)), Some((b, db))) = (self.side(0, scales[0]), self.side(4, scales[1]))
        else {
            return Difference::NONE;
        };
        if scales[0] == scales[1] && self.sides_are_equal() {
            return Difference::ZERO;
        }
        let mut slope = [0.0; 8];
        for i in 0..4 {
            (slope[i], slope[i + 4]) = (da[i], -db[i]);
        }
        let half_width = (self.count > 1).then(|| {
            let mut variance = 0.0;
            for i in (0..8).filter(|&i| slope[i] != 0.0) {
                for j in (0..8).filter(|&j| slope[j] != 0.0) {
                    variance += slope[i] * slope[j] * self.covariance(i, j);
                }
            }
            level.half_width((variance.max(0.0) / self.count as f64).sqrt(), self.count)
        });
        Difference { value: Some(a - b), half_width: half_width.flatten() }
    }

    /// Whether every replication had the same values on both sides.
    fn sides_are_equal(&self) -> bool {
        let width = self.target.width();
        (0..width).all(|i| {
            self.sums[i] == self.sums[i + 4]
                && self.products[i][i] == self.products[i + 4][i + 4]
                && self.products[i][i] == self.products[i][i + 4]
        })
    }
}

/// What turns a target's integers into what is reported.
fn scale(target: Target, workload: &Workload) -> f64 {
    const HOURS: f64 = 1.0 / 3.6e9;
    match (target, workload) {
        (Target::Mean(Measure::Cost), _) => 1e-9,
        (Target::Mean(Measure::Billed), _) => f64::from(workload.gang_size()) * HOURS,
        (
            Target::Mean(
                Measure::Waited
                | Measure::LostWork
                | Measure::Makespan
                | Measure::Serving
                | Measure::LongestOutage,
            ),
            _,
        ) => HOURS,
        (
            Target::Mean(Measure::AvailabilityAny | Measure::AvailabilityMin),
            Workload::Endpoint(endpoint),
        ) => 1.0 / endpoint.horizon.micros() as f64,
        (Target::CostPerGain, Workload::Endpoint(_)) => 1e-9 / HOURS,
        (Target::CostPerGain, Workload::Job(_)) => 1e-9,
        (Target::Goodput, Workload::Job(job)) => job.work.micros() as f64,
        _ => 1.0,
    }
}

/// Whether a measure depends on when things happen, not on how much is used.
const fn needs_time(measure: Measure) -> bool {
    matches!(
        measure,
        Measure::Waited
            | Measure::Makespan
            | Measure::AvailabilityAny
            | Measure::AvailabilityMin
            | Measure::Serving
            | Measure::LongestOutage
    )
}

/// One point and plans of it, playing replication after replication.
struct Player<'a> {
    scenario: &'a Scenario,
    /// The plans that are offered; `None` where one is not.
    plans: Vec<Option<(Plan, Course)>>,
    /// The courses, each with its latest observation, and whether that never changes.
    courses: Vec<(Course, Option<Observation>, bool)>,
    job: JobTrajectory,
    endpoint: Endpoint,
    trajectory: EndpointTrajectory,
}

impl<'a> Player<'a> {
    fn new(scenario: &'a Scenario, plans: &[Plan]) -> Self {
        let offered = |plan: &Plan| {
            let listed = scenario.plans.iter().find(|listed| listed.plan == *plan)?;
            listed.tariff().map(|_| (*plan, plan.course()))
        };
        let plans: Vec<_> = plans.iter().map(offered).collect();
        let mut courses: Vec<(Course, Option<Observation>, bool)> = Vec::new();
        let standard = scenario.standard.tariff().map(|_| Course::Standard);
        for course in plans.iter().flatten().map(|plan| plan.1).chain(standard) {
            if !courses.iter().any(|known| known.0 == course) {
                courses.push((course, None, scenario.workload.is_certain(course)));
            }
        }
        Self {
            scenario,
            plans,
            courses,
            job: JobTrajectory::default(),
            endpoint: Endpoint::default(),
            trajectory: EndpointTrajectory::default(),
        }
    }

    /// Plays one replication of every course.
    fn play(&mut self, replication: u64) -> Result<(), RunError> {
        let luck = Luck::new(self.scenario.seed, replication);
        let billing = &self.scenario.billing;
        for (course, latest, is_certain) in &mut self.courses {
            if *is_certain && latest.is_some() {
                continue;
            }
            *latest = Some(match &self.scenario.workload {
                Workload::Job(model) => {
                    Job::new(model, *course, luck, &mut self.job).run();
                    observe::job(&self.job, billing)
                }
                Workload::Endpoint(model) => {
                    self.endpoint.run(model, *course, luck, &mut self.trajectory)?;
                    observe::endpoint(&self.trajectory, billing, model.horizon, model.replicas)
                }
            });
        }
        Ok(())
    }

    /// Whether a target exists for a plan: without its wait flex-start has no times, without a
    /// deadline nothing is on time.
    fn knows(&self, index: usize, target: Target) -> bool {
        let times = self.plans[index].is_some_and(|(plan, _)| self.scenario.times_known(plan));
        match target {
            Target::OnTime => times && self.scenario.deadline.is_some(),
            Target::Completion => times && matches!(self.scenario.workload, Workload::Job(_)),
            Target::Goodput => matches!(self.scenario.workload, Workload::Job(_)),
            Target::Mean(measure) => times || !needs_time(measure),
            Target::CostPerGain | Target::Saving => true,
        }
    }

    fn observation(&self, course: Course) -> Option<&Observation> {
        self.courses.iter().find(|known| known.0 == course)?.1.as_ref()
    }

    /// What the standard plan cost and gained.
    fn standard(&self) -> Result<Option<(u64, u64)>, RunError> {
        let (Some(tariff), Some(seen)) =
            (self.scenario.standard.tariff(), self.observation(Course::Standard))
        else {
            return Ok(None);
        };
        let cost = seen.cost(tariff, self.scenario.workload.gang_size(), |_, _, _| {})?;
        Ok(Some((cost, seen.gain)))
    }

    /// A plan's values of each target, in the order of the targets.
    fn values(
        &self,
        index: usize,
        standard: Option<(u64, u64)>,
        targets: &[Target],
        each: &mut dyn FnMut(usize, [u64; 4]),
    ) -> Result<(), RunError> {
        let Some((plan, course)) = self.plans[index] else { return Ok(()) };
        let listed = self.scenario.plans.iter().find(|listed| listed.plan == plan);
        let (Some(tariff), Some(seen)) =
            (listed.and_then(|listed| listed.tariff()), self.observation(course))
        else {
            return Ok(());
        };
        let workload = &self.scenario.workload;
        let cost = seen.cost(tariff, workload.gang_size(), |_, _, _| {})?;
        let measures = match workload {
            Workload::Job(_) => Measure::JOB,
            Workload::Endpoint(_) => Measure::ENDPOINT,
        };
        let of = |measure| {
            measures.iter().position(|known| *known == measure).map_or(0, |at| seen.values[at])
        };
        for (at, target) in targets.iter().enumerate() {
            let values = match *target {
                Target::Mean(Measure::Cost) => [cost, 0, 0, 0],
                Target::Mean(Measure::Makespan) => match seen.makespan {
                    Some(makespan) => [makespan.micros().unsigned_abs(), 1, 0, 0],
                    None => [0; 4],
                },
                Target::Mean(measure) => [of(measure), 0, 0, 0],
                Target::Completion => [seen.gain, 0, 0, 0],
                Target::OnTime => {
                    let met = match (seen.makespan, self.scenario.deadline) {
                        (Some(makespan), Some(deadline)) => makespan <= deadline,
                        _ => false,
                    };
                    [u64::from(met), 0, 0, 0]
                }
                Target::CostPerGain => [cost, seen.gain, 0, 0],
                Target::Goodput => [seen.gain, of(Measure::Billed), 0, 0],
                Target::Saving => match standard {
                    Some((base, gain)) => [cost, seen.gain, base, gain],
                    None => [0; 4],
                },
            };
            each(at, values);
        }
        Ok(())
    }
}

/// The differences of every plan and target between two points, over the same replications.
fn paired(
    sides: [(&Scenario, &[Plan]); 2],
    targets: &[Target],
    replications: u64,
    threads: usize,
    watch: &dyn Watch,
) -> Result<Vec<Vec<Difference>>, RunError> {
    let plans = sides[0].1.len();
    let empty =
        || vec![targets.iter().map(|target| Pairs::new(*target)).collect::<Vec<_>>(); plans];
    let next = AtomicU64::new(0);
    let go_on = AtomicBool::new(true);
    let work = || {
        let mut sums = empty();
        let mut values = vec![[0; 8]; targets.len()];
        let mut players = sides.map(|(scenario, plans)| Player::new(scenario, plans));
        let mut error = None;
        while error.is_none() && go_on.load(Ordering::Relaxed) {
            let start = next.fetch_add(BLOCK, Ordering::Relaxed);
            if start >= replications {
                break;
            }
            let end = replications.min(start + BLOCK);
            error = (start..end)
                .find_map(|replication| {
                    let found = pair(&mut players, replication, targets, &mut values, &mut sums);
                    found.err().map(|error| (replication, error))
                })
                .or((!watch.advanced(end - start)).then_some((u64::MAX, RunError::Interrupted)));
            if error.is_some() {
                go_on.store(false, Ordering::Relaxed);
            }
        }
        (sums, error)
    };
    let parts = spread(threads, &work);
    if let Some((_, error)) = parts.iter().filter_map(|part| part.1).min_by_key(|error| error.0) {
        return Err(error);
    }
    let mut sums = empty();
    for (part, _) in &parts {
        for (mine, theirs) in sums.iter_mut().flatten().zip(part.iter().flatten()) {
            mine.merge(theirs);
        }
    }
    let players = sides.map(|(scenario, plans)| Player::new(scenario, plans));
    Ok(sums
        .iter()
        .enumerate()
        .map(|(plan, sums)| {
            let both = players.iter().all(|player| player.plans[plan].is_some());
            let difference = |pairs: &Pairs| {
                let target = pairs.target;
                let known = both && players.iter().all(|player| player.knows(plan, target));
                if !known {
                    return Difference::NONE;
                }
                let scales = sides.map(|(scenario, _)| scale(target, &scenario.workload));
                pairs.difference(scales, sides[0].0.level)
            };
            sums.iter().map(difference).collect()
        })
        .collect())
}

/// Plays one replication of both sides and adds it to the sums of every plan and target.
fn pair(
    players: &mut [Player<'_>; 2],
    replication: u64,
    targets: &[Target],
    values: &mut [[u64; 8]],
    sums: &mut [Vec<Pairs>],
) -> Result<(), RunError> {
    let mut standard = [None; 2];
    for (player, standard) in players.iter_mut().zip(&mut standard) {
        player.play(replication)?;
        *standard = player.standard()?;
    }
    for (plan, sums) in sums.iter_mut().enumerate() {
        if players.iter().any(|player| player.plans[plan].is_none()) {
            continue;
        }
        for (side, player) in players.iter().enumerate() {
            player.values(plan, standard[side], targets, &mut |target, own| {
                values[target][side * 4..side * 4 + 4].copy_from_slice(&own);
            })?;
        }
        for (pairs, values) in sums.iter_mut().zip(&*values) {
            pairs.add(*values);
        }
    }
    Ok(())
}

/// Runs `work` on each of `threads` threads.
#[cfg(feature = "parallel")]
fn spread<T: Send>(threads: usize, work: &(dyn Fn() -> T + Sync)) -> Vec<T> {
    if threads <= 1 {
        return vec![work()];
    }
    match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
        Ok(pool) => pool.broadcast(|_| work()),
        Err(_) => vec![work()],
    }
}

/// Runs `work` here: this build has one thread.
#[cfg(not(feature = "parallel"))]
fn spread<T: Send>(_threads: usize, work: &(dyn Fn() -> T + Sync)) -> Vec<T> {
    vec![work()]
}
