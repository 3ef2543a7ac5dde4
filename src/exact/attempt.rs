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

/// Kinds of states whose attempts have the same cuts.
pub const FAMILIES: usize = 3;
/// Nothing saved: no restore.
pub const NONE_SAVED: usize = 0;
/// A whole number of pieces saved.
pub const AFTER_SAVE: usize = 1;
/// Saved work somewhere in a cell of the grid.
pub const IN_A_CELL: usize = 2;

/// Where a job can stand between two attempts.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// Uptime that a Spot attempt needs from here.
    pub needed: SimDuration,
    /// The same for VMs that are never preempted.
    pub safe_needed: SimDuration,
    /// Which cuts apply: [`NONE_SAVED`], [`AFTER_SAVE`] or [`IN_A_CELL`].
    pub family: usize,
    /// Its cell, where it stands for one.
    cell: usize,
    /// Intervals that end before `needed`.
    pub full: usize,
}

/// Every attempt of a job.
#[derive(Clone, Debug)]
pub struct Attempts {
    /// By work saved; state 0 has none and is where a job starts.
    pub states: Vec<State>,
    /// By family: the lifetimes \[h\] at which one more unit of work is saved, from 0 on.
    pub cuts: [Vec<f64>; FAMILIES],
    /// The states of cells, in their order.
    cells: Vec<usize>,
    /// Cells between two saves.
    per_piece: usize,
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
        let gang = job.gang();
        let survival = Survival { lifetime: job.market.lifetime, gang };
        let mut attempts = Self {
            states: Vec::new(),
            cuts: [Vec::new(), Vec::new(), Vec::new()],
            cells: Vec::new(),
            per_piece: 1,
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
        for family in [NONE_SAVED, AFTER_SAVE] {
            let before = program.before_work(family != NONE_SAVED);
            self.cuts[family] = (0..states)
                .map(|c| if c == 0 { 0.0 } else { (before + cycle.times(c)).hours() })
                .collect();
        }
        for saved in 0..states {
            let left = job.work.saturating_sub(every.times(saved));
            self.push(job, left, if saved > 0 { AFTER_SAVE } else { NONE_SAVED });
        }
        Some(())
    }

    /// Saves on notice: saved work on a grid of cells, a whole number of them between two saves.
    /// Work that is an exact multiple of `every`, zero included, has a state of its own before the
    /// cells that follow it; a cell's state has its middle.
    fn on_grid(
        &mut self,
        job: &JobModel,
        notice: SimDuration,
        states: i64,
        most: usize,
    ) -> Option<()> {
        let program = &job.program;
        let work = job.work.hours();
        let every = program.every.map_or(job.work, |every| every.min(job.work));
        let per_piece = (states * every.micros() / job.work.micros()).max(4);
        let step = every.hours() / per_piece as f64;
        let cells = (work / step - 1e-9).ceil();
        if cells * (1.0 + 1.0 / per_piece as f64) + 2.0 > most as f64 {
            return None;
        }
        let (cells, per_piece) = (cells as usize, per_piece as usize);
        self.work_step = step;
        self.per_piece = per_piece;
        let save = program.save.hours();
        for (family, cuts) in self.cuts.iter_mut().enumerate() {
            let start = program.before_work(family != NONE_SAVED).hours() + notice.hours();
            // The lifetime whose notice comes when so much is done; saves were made on the way.
            let at = |done: f64, saves: usize| start + done * step + saves as f64 * save;
            cuts.push(0.0);
            if family == IN_A_CELL {
                cuts.extend((1..=cells).map(|c| at(c as f64 - 0.5, (2 * c - 1) / (2 * per_piece))));
            } else {
                // Each piece: its cells, then the time of its save.
                for cell in 0..=cells {
                    if cell > 0 && cell % per_piece == 0 {
                        cuts.push(at(cell as f64, cell / per_piece - 1));
                    }
                    cuts.push(at(cell as f64, cell / per_piece));
                }
            }
        }
        for cell in 0..cells {
            if cell % per_piece == 0 {
                let saved = every.times((cell / per_piece) as i64);
                let family = if cell == 0 { NONE_SAVED } else { AFTER_SAVE };
                self.push(job, job.work.saturating_sub(saved), family);
            }
            self.cells.push(self.states.len());
            let end = (cell as f64 + 1.0) * step;
            let left = work - 0.5 * (cell as f64 * step + end.min(work));
            let left = SimDuration::from_hours_nearest(left).max(SimDuration::SHORTEST);
            self.push(job, left, IN_A_CELL);
        }
        Some(())
    }

    fn push(&mut self, job: &JobModel, left: SimDuration, family: usize) {
        let save_exists = family != NONE_SAVED;
        self.states.push(State {
            needed: job.program.uptime_needed(left, save_exists),
            safe_needed: job.standard_program.uptime_needed(left, save_exists),
            family,
            cell: self.cells.len().saturating_sub(1),
            full: 0,
        });
    }

    /// Where interval `c` of an attempt from state `from` leads.
    #[inline]
    #[must_use]
    pub fn leads_to(&self, from: usize, c: usize) -> usize {
        let state = &self.states[from];
        let last = self.states.len() - 1;
        if state.family == IN_A_CELL {
            self.cells.get(state.cell + c).copied().unwrap_or(last)
        } else {
            (from + c).min(last)
        }
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
            let before = self.program.before_work(family != NONE_SAVED).hours();
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

    /// The same for a distribution. Where saved work is on a grid, the uptime that made it is put
    /// on the same grid, so that the sum of both stays what it is: work done is not done again.
    #[must_use]
    pub fn snapped(
        &self,
        reward: &Reward,
        family: usize,
        c: usize,
        (from, to): (f64, f64),
    ) -> Vec<Piece> {
        let Some(notice) = self.program.notice.filter(|_| self.work_step > 0.0) else {
            return self.pieces(reward, family, (from, to));
        };
        let start = self.program.before_work(family != NONE_SAVED).hours() + notice.hours();
        let mut pieces = Vec::new();
        let spread = |from: f64, to: f64, pieces: &mut Vec<Piece>| {
            pieces.extend(self.pieces(reward, family, (from, to.max(from))));
        };
        let snap = |from: f64, to: f64, at: f64, pieces: &mut Vec<Piece>| {
            if to > from {
                let at = SimDuration::from_hours_nearest(at);
                let paid = if at < self.billing.free_if_preempted_within {
                    reward.waived
                } else {
                    reward.paid
                };
                let amount = reward.elapsed * at.hours()
                    + paid * self.billing.billed(at).hours()
                    + reward.preemption;
                pieces.push(Piece { from, to, value: Value::Constant(amount) });
            }
        };
        let half = 0.5 * self.work_step;
        if c == 0 {
            let worked = start.clamp(from, to);
            spread(from, worked, &mut pieces);
            snap(worked, to, start, &mut pieces);
        } else if family == IN_A_CELL {
            // The middle of the interval is a save, where one falls there.
            let save =
                if c.is_multiple_of(self.per_piece) { self.program.save.hours() } else { 0.0 };
            let (first, last) = ((from + half).min(to), (from + half + save).min(to));
            snap(from, first, from + half, &mut pieces);
            spread(first, last, &mut pieces);
            snap(last, to, from + half + save, &mut pieces);
        } else if c.is_multiple_of(self.per_piece + 1) {
            spread(from, to, &mut pieces);
        } else {
            snap(from, to, 0.5 * (from + to), &mut pieces);
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
