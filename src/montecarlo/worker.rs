//! One thread's share of the replications: blocks of them, group by group.
//!
//! The replications of one group in one block make a run. A run is simulated first, then metered,
//! priced and summed as columns of numbers: the same integers as one by one, and much faster.

use super::compare::{CostAndGain, relative_all};
use super::observe::{self, Measure};
use super::replicate::{BLOCK, Experiment, RunError};
use super::shortcut::{self, RUN, Shortcut};
use super::tally::Tally;
use crate::columns;
use crate::engine::batch::Batch;
use crate::engine::elastic::ElasticJob;
use crate::engine::endpoint::Endpoint;
use crate::engine::job::Job;
use crate::engine::trajectory::{
    Attempt, BatchTrajectory, ElasticTrajectory, EndpointTrajectory, JobTrajectory,
};
use crate::luck::{Luck, Shared};
use crate::model::billing::{BillingRules, Metered, MeteredColumns};
use crate::model::plan::{Course, Outcome, Plan};
use crate::model::workload::{JobModel, Workload};
use crate::stats::estimator::{GROUPS, group};
use crate::stats::quantity::Quantity;

// Under lattice sampling a group is a shift.
const _: () = assert!(GROUPS as u64 == crate::luck::lattice::SHIFTS);

const _: () = assert!(RUN == BLOCK as usize / GROUPS);

/// Values of one quantity in a run, by the place of the replication.
type Column = [u64; RUN];

/// One thread's working memory.
pub struct Worker<'a> {
    experiment: &'a Experiment,
    /// The replications made.
    pub tally: Tally,
    /// By group.
    shared: Vec<Shared>,
    /// The courses of the tally, each simulated once per replication.
    courses: Vec<CourseRun>,
    /// For a job on Spot VMs that is billed by one set of rules.
    shortcut: Option<Shortcut<'a>>,
    /// A run by the shortcut.
    short: shortcut::Run,
    /// What standard plans cost and gain, by their place: one value where they are certain.
    standard: Vec<Vec<CostAndGain>>,
    /// The standard plan that each plan is set against, by its place.
    against: Vec<Option<usize>>,
    job: JobTrajectory,
    elastic: ElasticJob,
    elastic_trajectory: ElasticTrajectory,
    batch: Batch,
    batch_trajectory: BatchTrajectory,
    endpoint: Endpoint,
    endpoint_trajectory: EndpointTrajectory,
    /// One of its columns at a time.
    column: Vec<u64>,
}

/// A run of one course.
struct CourseRun {
    course: Course,
    /// No luck is involved: every replication is the same.
    is_certain: bool,
    /// As [`super::tally::CourseTally::quantities`].
    columns: Vec<Column>,
    /// What was bought.
    gains: Column,
    /// Those that have no makespan, by their place.
    incomplete: Vec<usize>,
    /// As [`super::tally::CourseTally::failed_submissions`], of the whole run.
    failed_submissions: u64,
    /// As [`super::tally::CourseTally::ended_without`], of the whole run.
    ended_without: u128,
    meters: Vec<Meter>,
}

impl CourseRun {
    /// Takes over what the shortcut says.
    fn take(&mut self, short: &shortcut::Run) {
        let shortcut::Sums { waited, lost, restarts, preemptions, billed, waived, now } =
            &short.sums;
        for (mine, theirs) in
            self.columns.iter_mut().zip([waited, lost, restarts, preemptions, now])
        {
            columns::wholes(theirs, mine, |whole| whole);
        }
        self.gains.fill(1);
        for meter in &mut self.meters {
            meter.metered.set_spot(billed, waived, now);
        }
    }
}

/// What is billed of a run by one set of rules: plans that differ in price alone are metered once.
struct Meter {
    rules: BillingRules,
    metered: MeteredColumns,
    /// How many parts of the workload are metered apart.
    parts: usize,
    /// By their place in the experiment and in the tally.
    plans: Vec<usize>,
}

impl Meter {
    /// Adds what a Spot price that moves makes of the attempts: the same for all its plans.
    #[inline]
    fn pay(
        &self,
        experiment: &Experiment,
        attempts: &[Attempt],
        luck: Luck<'_>,
        metered: &mut Metered,
    ) {
        if let Some(&first) = self.plans.first() {
            experiment.plans[first].pay(attempts, luck, metered);
        }
    }
}

/// Whether some plan of a course meets another Spot price in every replication.
fn pays_by_luck(experiment: &Experiment, tally: &Tally, course: usize) -> bool {
    let mut plans = tally.plans.iter().zip(&experiment.plans);
    plans.any(|(plan, priced)| plan.course == course && priced.has_random_price())
}

impl<'a> Worker<'a> {
    /// A worker that has made no replication yet.
    #[must_use]
    pub fn new(experiment: &'a Experiment) -> Self {
        let workload = &experiment.workload;
        let has_standard = experiment.plans.iter().any(|priced| priced.plan == Plan::Standard);
        // What is paired with an uncertain standard plan must be paired replication by replication.
        let may_be_certain = !has_standard || workload.is_certain(Course::Standard);
        let tally = Tally::new(experiment);
        let courses = tally.courses.iter().enumerate().map(|(index, course)| CourseRun {
            course: course.course,
            is_certain: may_be_certain
                && workload.is_certain(course.course)
                && !pays_by_luck(experiment, &tally, index),
            columns: vec![[0; RUN]; course.quantities.len()],
            gains: [0; RUN],
            incomplete: Vec::new(),
            failed_submissions: 0,
            ended_without: 0,
            meters: meters(experiment, &tally, index),
        });
        let courses: Vec<CourseRun> = courses.collect();
        let mut rules = courses
            .iter()
            .filter(|run| Shortcut::knows(run.course))
            .flat_map(|run| run.meters.iter().map(|meter| meter.rules));
        let shortcut = match (workload, rules.next()) {
            // What a price over time costs depends on when each attempt was.
            (Workload::Job(model), Some(first))
                if model.elastic.is_none()
                    && rules.all(|rules| rules == first)
                    && experiment.plans.iter().all(|priced| priced.spot_prices.is_none()) =>
            {
                Shortcut::new(model, first)
            }
            _ => None,
        };
        Self {
            experiment,
            tally,
            shared: experiment.shared_by_group(),
            courses,
            shortcut,
            short: shortcut::Run::default(),
            standard: vec![Vec::new(); experiment.plans.len()],
            against: experiment.baselines(),
            job: JobTrajectory::default(),
            elastic: ElasticJob::default(),
            elastic_trajectory: ElasticTrajectory::default(),
            batch: Batch::default(),
            batch_trajectory: BatchTrajectory::default(),
            endpoint: Endpoint::default(),
            endpoint_trajectory: EndpointTrajectory::default(),
            column: Vec::new(),
        }
    }

    /// Makes the replications of one block, group by group. What is the same in all of a group is
    /// made once.
    ///
    /// # Errors
    /// The first one, with its replication.
    pub fn block(&mut self, start: u64, end: u64) -> Result<(), (u64, RunError)> {
        for first in start..end.min(start + GROUPS as u64) {
            self.run(first, end).map_err(|error| (first, error))?;
        }
        self.tally.replications += end - start;
        Ok(())
    }

    /// Every 32nd replication from `first`, before `end`.
    fn run(&mut self, first: u64, end: u64) -> Result<(), RunError> {
        let group = group(first);
        let shared = self.shared[group].clone();
        let times = u32::try_from((end - first).div_ceil(GROUPS as u64)).expect("a run is short");
        // The standard plan comes first, and is certain where any plan is.
        for index in 0..self.courses.len() {
            if self.courses[index].is_certain {
                self.simulate(index, shared.luck(first), 0, times)?;
                self.add(index, group, 1, times)?;
            }
        }
        let count = times as usize;
        // Sums have no order: those that the shortcut completes come first, under every course.
        if let Some(shortcut) = self.shortcut {
            shortcut.replicate(&shared, first, count, &mut self.short);
        }
        for index in 0..self.courses.len() {
            let run = &mut self.courses[index];
            if run.is_certain {
                continue;
            }
            let is_short = self.shortcut.is_some() && Shortcut::knows(run.course);
            let mut done = 0;
            if is_short {
                run.take(&self.short);
                done = self.short.done;
                self.tally.courses[index].outcomes[Outcome::Completed as usize] += done as u64;
            }
            for at in done..count {
                let place = match self.shortcut {
                    Some(_) => u64::from(self.short.places[at]),
                    None => at as u64,
                };
                self.simulate(index, shared.luck(first + place * GROUPS as u64), at, 1)?;
            }
            self.add(index, group, count, 1)?;
        }
        Ok(())
    }

    /// Simulates a replication of a course that stands for `times`, by the engine.
    fn simulate(
        &mut self,
        index: usize,
        luck: Luck<'_>,
        place: usize,
        times: u32,
    ) -> Result<(), RunError> {
        let run = &mut self.courses[index];
        let observation = match &self.experiment.workload {
            Workload::Job(model @ JobModel { elastic: Some(elastic), .. }) => {
                let trajectory = &mut self.elastic_trajectory;
                self.elastic.run(model, *elastic, run.course, luck, trajectory);
                for meter in &mut run.meters {
                    let mut metered =
                        observe::elastic_metered(trajectory, &meter.rules, model.nodes);
                    meter.pay(self.experiment, &trajectory.attempts, luck, &mut metered);
                    meter.metered.set(place, metered);
                }
                run.failed_submissions += u64::from(trajectory.failed_submissions);
                if trajectory.outcome != Outcome::Completed {
                    run.incomplete.push(place);
                    run.ended_without += trajectory.ended.since_start().micros() as u128;
                }
                observe::elastic(trajectory)
            }
            Workload::Job(model) => {
                Job::new(model, run.course, luck, &mut self.job).run();
                for meter in &mut run.meters {
                    let mut metered = observe::job_metered(&self.job, &meter.rules);
                    meter.pay(self.experiment, &self.job.attempts, luck, &mut metered);
                    meter.metered.set(place, metered);
                }
                let observation = observe::job(&self.job);
                // What the shortcut knows completes in its first submission, and adds nothing here.
                run.failed_submissions += u64::from(self.job.failed_submissions);
                if observation.makespan.is_none() {
                    run.incomplete.push(place);
                    run.ended_without += self.job.ended.since_start().micros() as u128;
                }
                observation
            }
            Workload::Batch(model) => {
                let trajectory = &mut self.batch_trajectory;
                self.batch.run(model, run.course, luck, trajectory);
                for meter in &mut run.meters {
                    let mut metered =
                        observe::batch_metered(trajectory, &meter.rules, model, run.course);
                    meter.pay(self.experiment, &trajectory.attempts, luck, &mut metered);
                    meter.metered.set(place, metered);
                }
                let observation = observe::batch(trajectory, model, run.course);
                if observation.makespan.is_none() {
                    run.failed_submissions += 1;
                    run.incomplete.push(place);
                    run.ended_without += trajectory.ended.since_start().micros() as u128;
                }
                observation
            }
            Workload::Endpoint(model) => {
                let trajectory = &mut self.endpoint_trajectory;
                self.endpoint.run(model, run.course, luck, trajectory)?;
                for meter in &mut run.meters {
                    let mut metered =
                        observe::endpoint_metered(trajectory, &meter.rules, model, run.course);
                    meter.pay(self.experiment, &trajectory.attempts, luck, &mut metered);
                    meter.metered.set(place, metered);
                    let parts = observe::parts_metered(
                        trajectory,
                        &meter.rules,
                        model,
                        run.course,
                        meter.parts,
                    );
                    meter.metered.set_parts(place, &parts);
                }
                observe::endpoint(trajectory)
            }
        };
        self.tally.courses[index].outcomes[observation.outcome as usize] += u64::from(times);
        for (column, &value) in run.columns.iter_mut().zip(&observation.values) {
            column[place] = value;
        }
        run.gains[place] = observation.gain;
        Ok(())
    }

    /// Prices the run of a course, `count` replications, and adds it to the tally, each of them
    /// `times` times.
    fn add(
        &mut self,
        index: usize,
        group: usize,
        count: usize,
        times: u32,
    ) -> Result<(), RunError> {
        let experiment = self.experiment;
        let run = &mut self.courses[index];
        let add = |quantity: &mut Quantity, values: &[u64]| match times {
            1 => quantity.add_all(group, values),
            _ => values.iter().for_each(|&value| quantity.add_times(group, value, times)),
        };
        let mut costs = [0; RUN];
        let costs = &mut costs[..count];
        let column = &mut self.column;
        for meter in &run.meters {
            for &plan in &meter.plans {
                let priced = &experiment.plans[plan];
                let tally = &mut self.tally.plans[plan];
                let lines = &mut tally.lines;
                let vms = experiment.workload.gang_size();
                priced.tariff.bill_all(&meter.metered, vms, costs, |line, quantity, amount| {
                    lines[line].0 += quantity * u128::from(times);
                    lines[line].1 += amount * u128::from(times);
                })?;
                column.clear();
                if priced.plan == Plan::Standard {
                    let own = costs.iter().zip(&run.gains);
                    self.standard[plan].clear();
                    self.standard[plan]
                        .extend(own.map(|(&cost, &gain)| CostAndGain { cost, gain }));
                } else if let Some(index) = self.against[plan] {
                    let gains = &run.gains[..count];
                    relative_all(costs, gains, &self.standard[index], column);
                    tally.against_standard.add(column, times);
                }
                add(&mut tally.cost, costs);
                column.clear();
                meter.metered.totals(count, column);
                add(&mut tally.billed, column);
            }
        }
        let tally = &mut self.tally.courses[index];
        let measures = experiment.measures()[2..].iter();
        let replications = count as u64 * u64::from(times);
        for ((measure, quantity), column) in
            measures.zip(&mut tally.quantities).zip(&mut run.columns)
        {
            let mut values = &column[..count];
            if *measure == Measure::Makespan {
                // What does not exist makes way for what does; sums have no order.
                let mut exist = count;
                for &place in run.incomplete.iter().rev() {
                    exist -= 1;
                    column.swap(place, exist);
                }
                values = &column[..exist];
                let of = |completed: usize| u128::from(times) * completed as u128;
                tally.completed.add_sum(group, replications, of(exist));
                if let Some(deadline) = experiment.deadline {
                    let deadline = deadline.micros() as u64;
                    let on_time = values.iter().filter(|&&makespan| makespan <= deadline).count();
                    tally.on_time.add_sum(group, replications, of(on_time));
                }
            }
            add(quantity, values);
        }
        if experiment.workload.ends() {
            let failed = u128::from(std::mem::take(&mut run.failed_submissions));
            let ended = std::mem::take(&mut run.ended_without);
            tally.failed_submissions.add_sum(group, replications, failed * u128::from(times));
            tally.ended_without.add_sum(group, replications, ended * u128::from(times));
        }
        run.incomplete.clear();
        Ok(())
    }
}

/// The plans of a course, by the rules that bill them.
fn meters(experiment: &Experiment, tally: &Tally, course: usize) -> Vec<Meter> {
    let mut meters: Vec<Meter> = Vec::new();
    for (index, plan) in tally.plans.iter().enumerate() {
        if plan.course != course {
            continue;
        }
        let rules = experiment.plans[index].billing;
        let parts = experiment.plans[index].tariff.parts();
        let prices = &experiment.plans[index].spot_prices;
        let is_alike = |meter: &&mut Meter| {
            meter.rules == rules
                && meter.parts == parts
                && meter.plans.iter().all(|&other| experiment.plans[other].spot_prices == *prices)
        };
        match meters.iter_mut().find(is_alike) {
            Some(meter) => meter.plans.push(index),
            None => meters.push(Meter {
                rules,
                metered: MeteredColumns::of(RUN).with_parts(parts),
                parts,
                plans: vec![index],
            }),
        }
    }
    meters
}
