//! One attempt as intervals of the lifetime: which lifetimes lead to which saved work, and what an
//! interval adds to a quantity.
//!
//! An attempt that starts with work saved leads, if its gang lives from `cuts[c]` to `cuts[c + 1]`,
//! to `c` more units of saved work. The cuts are the same for all attempts of a family (without a
//! save to restore, or with one); an attempt that needs less uptime just ends earlier. That is what
//! makes the solution fast.

use super::law::Survival;
use super::reward::Reward;
use super::ring::Jet;
use crate::model::billing::BillingRules;
use crate::model::checkpoint::Program;
use crate::model::workload::JobModel;
use crate::units::SimDuration;

/// Where a job can stand between two attempts.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// Uptime that a Spot attempt needs from here.
    pub needed: SimDuration,
    /// The same for VMs that are never preempted.
    pub safe_needed: SimDuration,
    /// 1 where a save exists, else 0: which cuts apply.
    pub family: usize,
    /// Intervals that end before `needed`.
    pub full: usize,
}

/// Every attempt of a job.
#[derive(Clone, Debug)]
pub struct Attempts {
    /// By work saved; state 0 has none and is where a job starts.
    pub states: Vec<State>,
    /// By family: the lifetimes \[h\] at which one more unit of work is saved, from 0 on.
    pub cuts: [Vec<f64>; 2],
    /// The gang's lifetime.
    pub survival: Survival,
    /// Work that one state stands for \[h\], where saved work is on a grid; else zero.
    pub work_step: f64,
    program: Program,
    billing: BillingRules,
}

/// What a lifetime L adds to a quantity, on an interval.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// Always this.
    Constant(f64),
    /// weight · (L − origin), in hours.
    Linear {
        /// Where it is zero.
        origin: f64,
        /// Per hour.
        weight: f64,
    },
    /// weight · billed time of L.
    Billed {
        /// Per hour.
        weight: f64,
    },
}

/// An interval of the lifetime and what it adds.
#[derive(Clone, Copy, Debug)]
pub struct Piece {
    /// From this lifetime \[h\].
    pub from: f64,
    /// Up to this one \[h\].
    pub to: f64,
    /// What it adds.
    pub value: Value,
}

/// More increments than this in one attempt are taken as a continuum.
const MOST_INCREMENTS: f64 = 200_000.0;

/// How finely saved work is told apart where it is continuous.
#[derive(Clone, Copy, Debug)]
pub struct Fineness {
    /// At least this many states.
    pub states: i64,
}

impl Attempts {
    /// The attempts of a job, `None` where it has more than `most` states.
    #[must_use]
    pub fn new(
        job: &JobModel,
        billing: &BillingRules,
        fineness: Fineness,
        most: usize,
    ) -> Option<Self> {
        let gang = job.market.gang(job.nodes);
        let survival = Survival { lifetime: job.market.lifetime, gang };
        let mut attempts = Self {
            states: Vec::new(),
            cuts: [Vec::new(), Vec::new()],
            survival,
            work_step: 0.0,
            program: job.program,
            billing: *billing,
        };
        match job.program.notice {
            Some(notice) => attempts.on_grid(job, notice, fineness.states, most)?,
            None => attempts.by_saves(job, most)?,
        }
        for index in 0..attempts.states.len() {
            let state = attempts.states[index];
            let needed = state.needed.hours();
            let cuts = &attempts.cuts[state.family];
            // The cut after the last interval is beyond every uptime.
            let full = cuts.iter().skip(1).take_while(|cut| **cut <= needed).count();
            attempts.states[index].full = full;
        }
        Some(attempts)
    }

    /// Saves at fixed intervals: one state per save.
    fn by_saves(&mut self, job: &JobModel, most: usize) -> Option<()> {
        let program = &job.program;
        let (every, states) = match program.every {
            Some(every) => (every, (job.work.micros() - 1) / every.micros() + 1),
            None => (job.work, 1),
        };
        if states > i64::try_from(most).ok()? {
            return None;
        }
        let cycle = every + program.save;
        for family in 0..2 {
            let before = program.before_work(family == 1);
            self.cuts[family] = (0..states)
                .map(|c| if c == 0 { 0.0 } else { (before + cycle.times(c)).hours() })
                .collect();
        }
        for saved in 0..states {
            let left = job.work.saturating_sub(every.times(saved));
            self.push(job, left, saved > 0);
        }
        Some(())
    }

    /// Saves on notice: saved work on a grid. State 0 has no save, state 1 + i has about i steps
    /// saved.
    fn on_grid(
        &mut self,
        job: &JobModel,
        notice: SimDuration,
        states: i64,
        most: usize,
    ) -> Option<()> {
        let program = &job.program;
        let work = job.work.hours();
        // A whole number of steps between two saves, so that full pieces are on the grid.
        let step = match program.every {
            Some(every) if every < job.work => {
                let per_piece = (states * every.micros() / job.work.micros()).max(4);
                every.hours() / per_piece as f64
            }
            _ => work / states as f64,
        };
        let steps = (work / step - 1e-9).ceil();
        if steps + 2.0 > most as f64 {
            return None;
        }
        self.work_step = step;
        for family in 0..2 {
            let start = program.before_work(family == 1).hours() + notice.hours();
            // Work `done` when the notice comes; saves were made on the way.
            let at = |done: f64| {
                let saves = program.every.map_or(0.0, |every| (done / every.hours()).floor());
                start + done + saves * program.save.hours()
            };
            let mut cuts = vec![0.0];
            if family == 0 {
                cuts.push(start);
            }
            cuts.extend((1..=steps as i64).map(|c| at((c as f64 - 0.5) * step)));
            self.cuts[family] = cuts;
        }
        self.push(job, job.work, false);
        for i in 0..=steps as i64 {
            // The last cell is cut off by the end of the work.
            let left = (work - i as f64 * step).max(0.25 * step);
            self.push(job, SimDuration::from_hours_nearest(left).max(SimDuration::SHORTEST), true);
        }
        Some(())
    }

    fn push(&mut self, job: &JobModel, left: SimDuration, save_exists: bool) {
        self.states.push(State {
            needed: job.program.uptime_needed(left, save_exists),
            safe_needed: job.standard_program.uptime_needed(left, save_exists),
            family: usize::from(save_exists),
            full: 0,
        });
    }

    /// Where interval `c` of an attempt from state `from` leads.
    #[must_use]
    pub fn leads_to(&self, from: usize, c: usize) -> usize {
        (from + c).min(self.states.len() - 1)
    }

    /// The interval `c` of a family, up to `end` \[h\]; a family's last interval has no other end.
    #[must_use]
    pub fn interval(&self, family: usize, c: usize, end: f64) -> (f64, f64) {
        let cuts = &self.cuts[family];
        let from = cuts[c];
        (from, cuts.get(c + 1).map_or(end, |cut| cut.min(end)).max(from))
    }

    /// The parts of an interval on which a quantity grows by one law.
    #[must_use]
    pub fn pieces(&self, reward: &Reward, family: usize, (from, to): (f64, f64)) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut add = |from: f64, to: f64, value: Value| {
            if to > from {
                pieces.push(Piece { from, to, value });
            }
        };
        if reward.elapsed != 0.0 {
            add(from, to, Value::Linear { origin: 0.0, weight: reward.elapsed });
        } else if reward.paid != 0.0 || reward.waived != 0.0 {
            let free = self.billing.free_if_preempted_within.hours().clamp(from, to);
            add(from, free, Value::Billed { weight: reward.waived });
            add(free, to, Value::Billed { weight: reward.paid });
        } else if reward.lost != 0.0 && self.program.notice.is_none() {
            let before = self.program.before_work(family == 1).hours();
            let origin = if from == 0.0 { before.min(to) } else { from };
            add(from, origin, Value::Constant(0.0));
            let every = self.program.every.map_or(f64::INFINITY, SimDuration::hours);
            let worked = (origin + every).min(to);
            add(origin, worked, Value::Linear { origin, weight: reward.lost });
            add(worked, to, Value::Constant(reward.lost * every));
        } else {
            add(from, to, Value::Constant(reward.preemption));
        }
        pieces
    }

    /// P(from ≤ L < to).
    #[must_use]
    pub fn mass(&self, from: f64, to: f64) -> f64 {
        (self.survival.at(from) - self.survival.at(to)).max(0.0)
    }

    /// Probability and moments of a piece.
    #[must_use]
    pub fn jet(&self, piece: &Piece) -> Jet {
        let Piece { from, to, value } = *piece;
        match value {
            Value::Constant(amount) => Jet::fixed(self.mass(from, to), amount),
            Value::Linear { origin, weight } => self.linear(from, to, origin, weight),
            Value::Billed { weight: 0.0 } => Jet::fixed(self.mass(from, to), 0.0),
            Value::Billed { weight } => self.billed(from, to, weight),
        }
    }

    fn linear(&self, from: f64, to: f64, origin: f64, weight: f64) -> Jet {
        let (s, t) = (self.survival.at(from), self.survival.at(to));
        let [whole, centred] = self.survival.integrals(from, to, origin);
        let (a, b) = (from - origin, to - origin);
        Jet {
            mass: (s - t).max(0.0),
            first: weight * (a * s - b * t + whole),
            second: weight * weight * (a * a * s - b * b * t + 2.0 * centred),
        }
    }

    /// Billed time is constant between two multiples of the increment.
    fn billed(&self, from: f64, to: f64, weight: f64) -> Jet {
        let increment = self.billing.increment.hours();
        let minimum = self.billing.minimum.hours();
        let mut sum = Jet::default();
        let mut add = |jet: Jet| {
            sum.mass += jet.mass;
            sum.first += jet.first;
            sum.second += jet.second;
        };
        // Up to the last multiple of the increment within it, the minimum is billed.
        let below = ((minimum / increment + 1e-9).floor() * increment).clamp(from, to);
        add(Jet::fixed(self.mass(from, below), weight * minimum));
        if (to - below) / increment > MOST_INCREMENTS {
            let Jet { mass, first, second } = self.linear(below, to, 0.0, 1.0);
            add(Jet {
                mass,
                first: weight * (first + 0.5 * increment * mass),
                second: weight
                    * weight
                    * (second + increment * first + increment * increment / 3.0 * mass),
            });
            return sum;
        }
        let mut start = below;
        let mut survives = self.survival.at(start);
        let mut count = (start / increment + 1e-9).floor() + 1.0;
        while start < to {
            let end = (count * increment).min(to);
            let next = self.survival.at(end);
            add(Jet::fixed((survives - next).max(0.0), weight * count * increment));
            (start, survives, count) = (end, next, count + 1.0);
        }
        sum
    }

    /// The longest uptime \[h\] that is billed at most `hours`; zero where none is.
    #[must_use]
    pub fn billed_at_most(&self, hours: f64) -> f64 {
        if hours < self.billing.minimum.hours() {
            return 0.0;
        }
        let increment = self.billing.increment.hours();
        (hours / increment + 1e-9).floor() * increment
    }
}
