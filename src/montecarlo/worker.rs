//! One thread's share of the replications: blocks of them, group by group.
//!
//! The replications of one group in one block make a run. A run is simulated first, then metered,
//! priced and summed as columns of numbers: the same integers as one by one, and much faster.

use super::compare::{CostAndGain, relative};
use super::observe::{self, Measure, Observation};
use super::replicate::{BLOCK, Experiment, RunError};
use super::shortcut::Shortcut;
use super::tally::Tally;
use crate::engine::endpoint::Endpoint;
use crate::engine::job::Job;
use crate::engine::trajectory::{EndpointTrajectory, JobTrajectory};
use crate::engine::vm::Answer;
use crate::luck::Luck;
use crate::model::billing::{BillingRules, Metered};
use crate::model::plan::{Course, Plan};
use crate::model::workload::Workload;
use crate::stats::estimator::{GROUPS, group};
use crate::stats::quantity::Quantity;

// Under lattice sampling a group is a shift.
const _: () = assert!(GROUPS as u64 == crate::luck::lattice::SHIFTS);

/// The most replications in a run.
const RUN: usize = BLOCK as usize / GROUPS;

/// Values of one quantity in a run.
#[derive(Clone)]
struct Column {
    values: [u64; RUN],
    len: usize,
}

impl Column {
    const EMPTY: Self = Self { values: [0; RUN], len: 0 };

    #[inline]
    fn push(&mut self, value: u64) {
        self.values[self.len] = value;
        self.len += 1;
    }

    #[inline]
    fn values(&self) -> &[u64] {
        &self.values[..self.len]
    }
}

/// One thread's working memory.
pub struct Worker<'a> {
    experiment: &'a Experiment,
    /// The replications made.
    pub tally: Tally,
    /// The courses of the tally, each simulated once per replication.
    courses: Vec<CourseRun>,
    /// For a job on Spot VMs that is billed by one set of rules.
    shortcut: Option<Shortcut<'a>>,
    /// What the first attempts of a run meet.
    first: Vec<Answer>,
    /// What standard plans cost and gain, by their place: one value where they are certain.
    standard: Vec<Vec<CostAndGain>>,
    /// The standard plan that each plan is set against, by its place.
    against: Vec<Option<usize>>,
    job: JobTrajectory,
    endpoint: Endpoint,
    endpoint_trajectory: EndpointTrajectory,
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
    /// As [`super::tally::CourseTally::failed_submissions`], of the whole run.
    failed_submissions: u64,
    /// As [`super::tally::CourseTally::ended_without`], of the whole run.
    ended_without: u128,
    meters: Vec<Meter>,
}

/// What is billed of a run by one set of rules: plans that differ in price alone are metered once.
struct Meter {
    rules: BillingRules,
    metered: Vec<Metered>,
    /// By their place in the experiment and in the tally.
    plans: Vec<usize>,
}

/// What is known of a replication on Spot VMs without the engine.
type Short = (Observation, Metered);

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
            is_certain: may_be_certain && workload.is_certain(course.course),
            columns: vec![Column::EMPTY; course.quantities.len()],
            gains: Column::EMPTY,
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
            (Workload::Job(model), Some(first)) if rules.all(|rules| rules == first) => {
                Some(Shortcut::new(model, first))
            }
            _ => None,
        };
        Self {
            experiment,
            tally,
            courses,
            shortcut,
            first: Vec::new(),
            standard: vec![Vec::new(); experiment.plans.len()],
            against: experiment.baselines(),
            job: JobTrajectory::default(),
            endpoint: Endpoint::default(),
            endpoint_trajectory: EndpointTrajectory::default(),
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
        let shared = self.experiment.sampling.shared(self.experiment.seed, group as u64);
        let times = u32::try_from((end - first).div_ceil(GROUPS as u64)).expect("a run is short");
        // The standard plan comes first, and is certain where any plan is.
        for index in 0..self.courses.len() {
            if self.courses[index].is_certain {
                self.simulate(index, shared.luck(first), None, times)?;
                self.add(index, group, times)?;
            }
        }
        let replications = (first..end).step_by(GROUPS);
        if let Some(shortcut) = self.shortcut {
            // Draws that wait for nothing are made together: the processor overlaps them.
            let answers = replications.clone().map(|at| shortcut.ask(shared.luck(at), 0));
            self.first.clear();
            self.first.extend(answers);
        }
        for (place, replication) in replications.enumerate() {
            let luck = shared.luck(replication);
            let short =
                self.shortcut.and_then(|shortcut| shortcut.replicate(luck, self.first[place]));
            for index in 0..self.courses.len() {
                if !self.courses[index].is_certain {
                    self.simulate(index, luck, short.as_ref(), 1)?;
                }
            }
        }
        for index in 0..self.courses.len() {
            if !self.courses[index].is_certain {
                self.add(index, group, 1)?;
            }
        }
        Ok(())
    }

    /// Simulates a replication of a course that stands for `times`, unless `short` knows what
    /// happens on Spot VMs.
    #[inline]
    fn simulate(
        &mut self,
        index: usize,
        luck: Luck<'_>,
        short: Option<&Short>,
        times: u32,
    ) -> Result<(), RunError> {
        let experiment = self.experiment;
        let run = &mut self.courses[index];
        let outcomes = &mut self.tally.courses[index].outcomes;
        let mut push = |run: &mut CourseRun, observation: &Observation| {
            outcomes[observation.outcome as usize] += u64::from(times);
            // The makespan comes last of a job's measures, and does not always exist.
            let exist = match experiment.workload {
                Workload::Job(_) => run.columns.len() - usize::from(observation.makespan.is_none()),
                Workload::Endpoint(_) => run.columns.len(),
            };
            for (column, &value) in run.columns[..exist].iter_mut().zip(&observation.values) {
                column.push(value);
            }
            run.gains.push(observation.gain);
        };
        match (&experiment.workload, short) {
            (_, Some((observation, metered))) if Shortcut::knows(run.course) => {
                push(run, observation);
                run.meters.iter_mut().for_each(|meter| meter.metered.push(*metered));
            }
            (Workload::Job(model), _) => {
                Job::new(model, run.course, luck, &mut self.job).run();
                let observation = observe::job(&self.job);
                push(run, &observation);
                // What the shortcut knows completes in its first submission, and adds nothing here.
                run.failed_submissions += u64::from(self.job.failed_submissions);
                if observation.makespan.is_none() {
                    run.ended_without += self.job.ended.since_start().micros() as u128;
                }
                for meter in &mut run.meters {
                    meter.metered.push(observe::job_metered(&self.job, &meter.rules));
                }
            }
            (Workload::Endpoint(model), _) => {
                let trajectory = &mut self.endpoint_trajectory;
                self.endpoint.run(model, run.course, luck, trajectory)?;
                push(run, &observe::endpoint(trajectory, model.replicas));
                for meter in &mut run.meters {
                    let (rules, horizon) = (&meter.rules, model.horizon);
                    meter.metered.push(observe::endpoint_metered(
                        trajectory,
                        rules,
                        horizon,
                        model.replicas,
                    ));
                }
            }
        }
        Ok(())
    }

    /// Prices the run of a course and adds it to the tally, each replication `times` times.
    fn add(&mut self, index: usize, group: usize, times: u32) -> Result<(), RunError> {
        let experiment = self.experiment;
        let run = &mut self.courses[index];
        let add = |quantity: &mut Quantity, values: &[u64]| match times {
            1 => quantity.add_all(group, values),
            _ => values.iter().for_each(|&value| quantity.add_times(group, value, times)),
        };
        let (mut costs, mut column) = (Vec::with_capacity(RUN), Vec::with_capacity(RUN));
        for meter in &mut run.meters {
            for &plan in &meter.plans {
                let priced = &experiment.plans[plan];
                let tally = &mut self.tally.plans[plan];
                costs.clear();
                let lines = &mut tally.lines;
                let vms = experiment.workload.gang_size();
                priced.tariff.bill(&meter.metered, vms, &mut costs, |line, quantity, amount| {
                    lines[line].0 += quantity * u128::from(times);
                    lines[line].1 += amount * u128::from(times);
                })?;
                let own = |(&cost, &gain): (&u64, &u64)| CostAndGain { cost, gain };
                let own = costs.iter().zip(run.gains.values()).map(own);
                column.clear();
                if priced.plan == Plan::Standard {
                    self.standard[plan].clear();
                    self.standard[plan].extend(own);
                } else if let Some(index) = self.against[plan] {
                    // One value is everyone's.
                    let standard = self.standard[index].iter().cycle();
                    let pairs = own.zip(standard);
                    column.extend(pairs.filter_map(|(own, standard)| relative(own, *standard)));
                    tally.against_standard.add(&column, times);
                }
                add(&mut tally.cost, &costs);
                column.clear();
                column.extend(meter.metered.iter().map(|metered| metered.total() as u64));
                add(&mut tally.billed, &column);
            }
            meter.metered.clear();
        }
        let tally = &mut self.tally.courses[index];
        let measures = experiment.measures()[2..].iter();
        let count = run.gains.len as u64 * u64::from(times);
        for ((measure, quantity), column) in
            measures.zip(&mut tally.quantities).zip(&mut run.columns)
        {
            let values = column.values();
            add(quantity, values);
            if *measure == Measure::Makespan {
                let of = |completed: usize| u128::from(times) * completed as u128;
                tally.completed.add_sum(group, count, of(values.len()));
                if let Some(deadline) = experiment.deadline {
                    let deadline = deadline.micros() as u64;
                    let on_time = values.iter().filter(|&&makespan| makespan <= deadline).count();
                    tally.on_time.add_sum(group, count, of(on_time));
                }
            }
            column.len = 0;
        }
        if matches!(experiment.workload, Workload::Job(_)) {
            let failed = u128::from(std::mem::take(&mut run.failed_submissions));
            let ended = std::mem::take(&mut run.ended_without);
            tally.failed_submissions.add_sum(group, count, failed * u128::from(times));
            tally.ended_without.add_sum(group, count, ended * u128::from(times));
        }
        run.gains.len = 0;
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
        match meters.iter_mut().find(|meter| meter.rules == rules) {
            Some(meter) => meter.plans.push(index),
            None => meters.push(Meter { rules, metered: Vec::new(), plans: vec![index] }),
        }
    }
    meters
}
