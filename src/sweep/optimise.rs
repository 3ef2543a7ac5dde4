//! The value of a key at which an objective is least, and how flat the optimum is.
//!
//! A grid over the range, then finer grids around the best: under common random numbers the
//! objective is smooth, but a job cut into whole pieces makes it a saw, which a golden section does
//! not survive. What can be told apart from the optimum is decided by paired differences.

use std::collections::BTreeMap;

use serde::Serialize;

use super::axes::{Setting, Span};
use super::study::{NoAnswer, Studied, Study, Valued};
use crate::luck::ln;
use crate::model::workload::Workload;
use crate::montecarlo::observe::Measure;
use crate::montecarlo::points::Target;
use crate::scenario::resolved::Scenario;
use crate::scenario::source::Place;
use crate::units::{Decimal, SimDuration};

/// Values of the first grid.
const COARSE: u32 = 13;
/// Values of every further grid.
const FINE: u32 = 7;
/// Further grids.
const GRIDS: u32 = 2;
/// Steps to the ends of the flat part.
const STEPS: u32 = 4;
/// Digits of the values tried.
const DIGITS: u32 = 3;
/// What counts as flat: this share of the optimum.
const FLAT: f64 = 0.01;

/// What is to be least.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Objective {
    /// Cost per completed run, or per serving hour.
    Cost,
    /// Mean makespan of completed runs.
    Makespan,
    /// Probability of missing the deadline; without one, of not completing.
    Miss,
}

impl Objective {
    /// The name of what is made least, in JSON.
    #[must_use]
    pub const fn name(self, scenario: &Scenario) -> &'static str {
        match (self, &scenario.workload) {
            (Self::Cost, Workload::Job(_) | Workload::Batch(_)) => "cost_per_completion",
            (Self::Cost, Workload::Endpoint(_)) => "cost_per_serving_h",
            (Self::Makespan, _) => "makespan_h",
            (Self::Miss, _) if scenario.deadline.is_some() => "1 - deadline_probability",
            (Self::Miss, _) => "1 - completion_probability",
        }
    }

    /// What is compared, and whether it is one less the objective.
    const fn target(self, scenario: &Scenario) -> (Target, bool) {
        match self {
            Self::Cost => (Target::CostPerGain, false),
            Self::Makespan => (Target::Mean(Measure::Makespan), false),
            Self::Miss if scenario.deadline.is_some() => (Target::OnTime, true),
            Self::Miss => (Target::Completion, true),
        }
    }
}

/// The objective at one value.
#[derive(Clone, Debug, Serialize)]
pub struct At {
    /// The value as `--set` reads it; in words where the scenario has none.
    pub value: String,
    /// The objective.
    #[serde(flatten)]
    pub objective: Valued,
    /// The objective less the least one, paired.
    pub above_best: Option<Valued>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Optimum {
    /// The key.
    pub key: String,
    /// Nothing was missed at any value tried: none is better than another.
    pub nothing_missed: bool,
    /// Where the objective is least; where nothing was missed, the first value tried.
    pub best: At,
    /// The values around it within 1 % of the optimum or within simulation error.
    pub flat: (String, String),
    /// Whether the flat part reaches the ends of the range.
    pub flat_to_end: (bool, bool),
    /// The scenario as written.
    pub as_written: Option<At>,
    /// At Young's interval.
    pub young: Option<At>,
    /// Every value tried, in order.
    pub tried: Vec<At>,
}

/// Finds the value of `key` with the least objective.
///
/// # Errors
/// A scenario that is refused, a simulation that fails, an objective that exists nowhere.
pub fn find(
    study: &Study<'_>,
    key: &str,
    span: Option<&Span>,
    objective: Objective,
) -> Result<Optimum, NoAnswer> {
    let base = study.scenario(&[]);
    let young = base.as_ref().ok().filter(|_| key == "checkpoint.every").and_then(young);
    let span = match (span, &base) {
        (Some(span), _) => span.clone(),
        (None, Ok(base)) => default_range(key, base, young)?,
        (None, Err(_)) => return Err(base.err().unwrap_or(NoAnswer::Because(String::new()))),
    };
    let mut search = Search::new(study, key, span, objective);
    let grid = search.grid(None, COARSE);
    search.try_all(&grid)?;
    for _ in 0..GRIDS {
        let grid = search.grid(search.best()?, FINE);
        search.try_all(&grid)?;
    }
    let Some(best) = search.best()? else {
        return Err(NoAnswer::Because("nothing completes anywhere in the range".into()));
    };
    let (low, low_end) = search.flat(best, false)?;
    let (high, high_end) = search.flat(best, true)?;
    let optimum = search.tried[best].clone();
    let compared = |scenario: Scenario, value: String| -> Result<Option<At>, NoAnswer> {
        let (target, flip) = objective.target(&scenario);
        let studied = study.estimate(scenario)?;
        let Some(found) = studied.value(target) else { return Ok(None) };
        let above_best = search.above(&studied, &optimum.studied)?;
        Ok(Some(At { value, objective: flipped(found, flip), above_best }))
    };
    let as_written = match base {
        Ok(base) => {
            let own =
                base.settings.iter().find(|(of, _)| of == key).map(|(_, value)| value.clone());
            compared(base, own.unwrap_or_else(|| "not set".into()))?
        }
        Err(_) => None,
    };
    let young = match young {
        Some(hours) => {
            let value = minutes(hours);
            compared(study.scenario(&[(key, &value)])?, value.shown)?
        }
        None => None,
    };
    let shown = |at: usize| search.tried[at].setting.shown.clone();
    Ok(Optimum {
        key: key.to_owned(),
        nothing_missed: objective == Objective::Miss
            && search.tried.iter().all(|tried| tried.objective.value <= 0.0),
        best: At {
            value: optimum.setting.shown.clone(),
            objective: optimum.objective,
            above_best: Some(Valued { value: 0.0, half_width: Some(0.0) }),
        },
        flat: (shown(low), shown(high)),
        flat_to_end: (low_end, high_end),
        as_written,
        young,
        tried: search
            .order()
            .into_iter()
            .map(|at| At {
                value: shown(at),
                objective: search.tried[at].objective,
                above_best: search.tried[at].above_best,
            })
            .collect(),
    })
}

fn flipped(found: Valued, flip: bool) -> Valued {
    if flip { Valued { value: 1.0 - found.value, ..found } } else { found }
}

/// Young's interval √(2·save·mean time to preemption) \[h\]; `None` where saves take no time or
/// nothing is preempted.
///
/// Source: J. W. Young, "A first order approximation to the optimum checkpoint interval", Comm. ACM
/// 17 (1974), 530–531.
#[must_use]
pub fn young(scenario: &Scenario) -> Option<f64> {
    let Workload::Job(job) = &scenario.workload else { return None };
    let gang = job.gang();
    let survival = |age_h: f64| libm::exp(-gang * job.market.lifetime.cumulative_hazard(age_h));
    // ∫ S(t) dt with t = e^u: smooth, and zero at both ends.
    let (from, to, steps) = (ln(1e-7), ln(1e8), 4_000_u32);
    let step = (to - from) / f64::from(steps);
    let mean: f64 = (0..=steps)
        .map(|index| {
            let age = libm::exp(from + f64::from(index) * step);
            survival(age) * age * step
        })
        .sum();
    let interval = (2.0 * job.program.save.hours() * mean).sqrt();
    (interval > 0.0 && mean < 1e7).then_some(interval)
}

/// From an eighth of Young's interval to eight times it, within 1 s and the work; without one, from
/// 1 min to the work.
fn default_range(key: &str, base: &Scenario, young: Option<f64>) -> Result<Span, NoAnswer> {
    let job = match &base.workload {
        Workload::Job(job) if key == "checkpoint.every" => job,
        _ => {
            return Err(NoAnswer::Wrong {
                message: format!("no range for {key}"),
                help: format!("write --optimise {key}=LO..HI"),
            });
        }
    };
    let work = job.work.hours();
    let (low, high) = young.map_or((1.0 / 60.0, work), |young| (young / 8.0, young * 8.0));
    let high = high.min(work);
    let low = low.max(1.0 / 3_600.0).min(high / 2.0);
    let unit = Span {
        from: Decimal::new(0, 0),
        to: Decimal::new(0, 0),
        unit: "min".into(),
        whole: false,
        at: Place { source: 0, span: 0..0 },
    };
    let (from, to) = (unit.near(low * 60.0, DIGITS), unit.near(high * 60.0, DIGITS));
    Ok(Span { from, to, ..unit })
}

/// Hours as a value in minutes.
fn minutes(hours: f64) -> Setting {
    let unit = Span {
        from: Decimal::new(0, 0),
        to: Decimal::new(0, 0),
        unit: "min".into(),
        whole: false,
        at: Place { source: 0, span: 0..0 },
    };
    let micros = SimDuration::from_hours_nearest(hours).micros();
    unit.setting(unit.near(micros as f64 / 6e7, 4))
}

/// One value tried.
#[derive(Clone)]
struct Tried {
    setting: Setting,
    number: f64,
    studied: Studied,
    objective: Valued,
    above_best: Option<Valued>,
}

struct Search<'a> {
    study: &'a Study<'a>,
    key: &'a str,
    span: Span,
    objective: Objective,
    is_log: bool,
    tried: Vec<Tried>,
    known: BTreeMap<String, Option<usize>>,
}

impl<'a> Search<'a> {
    fn new(study: &'a Study<'a>, key: &'a str, span: Span, objective: Objective) -> Self {
        let is_log = span.from.to_f64() > 0.0 && span.to.to_f64() > 0.0;
        Self { study, key, span, objective, is_log, tried: Vec::new(), known: BTreeMap::new() }
    }

    fn place(&self, number: f64) -> f64 {
        if self.is_log { ln(number) } else { number }
    }

    fn number(&self, place: f64) -> f64 {
        if self.is_log { libm::exp(place) } else { place }
    }

    /// `count` values over the range, or between the neighbours of a value tried.
    fn grid(&self, around: Option<usize>, count: u32) -> Vec<Decimal> {
        let ends = (self.place(self.span.from.to_f64()), self.place(self.span.to.to_f64()));
        let (from, to) = match around {
            None => ends,
            Some(best) => {
                let order = self.order();
                let at = order.iter().position(|&index| index == best).unwrap_or(0);
                let of = |at: usize| self.place(self.tried[order[at]].number);
                (of(at.saturating_sub(1)), of((at + 1).min(order.len() - 1)))
            }
        };
        (0..count)
            .map(|index| {
                let share = f64::from(index) / f64::from(count - 1);
                match (around, index) {
                    (None, 0) => self.span.from,
                    (None, index) if index == count - 1 => self.span.to,
                    _ => self.span.near(self.number(from + share * (to - from)), DIGITS),
                }
            })
            .collect()
    }

    fn try_all(&mut self, grid: &[Decimal]) -> Result<(), NoAnswer> {
        grid.iter().try_for_each(|number| self.try_one(*number).map(|_| ()))
    }

    /// Tries a value once; `None` where the objective does not exist.
    fn try_one(&mut self, number: Decimal) -> Result<Option<usize>, NoAnswer> {
        let setting = self.span.setting(number);
        if let Some(known) = self.known.get(&setting.shown) {
            return Ok(*known);
        }
        let scenario = self.study.scenario(&[(self.key, &setting)])?;
        let (target, flip) = self.objective.target(&scenario);
        let studied = self.study.estimate(scenario)?;
        let index = studied.value(target).map(|found| {
            let objective = flipped(found, flip);
            let number = number.to_f64();
            let shown = setting.clone();
            self.tried.push(Tried { setting: shown, number, studied, objective, above_best: None });
            self.tried.len() - 1
        });
        self.known.insert(setting.shown, index);
        Ok(index)
    }

    /// The values tried, ascending.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.tried.len()).collect();
        order.sort_by(|&a, &b| self.tried[a].number.total_cmp(&self.tried[b].number));
        order
    }

    fn best(&self) -> Result<Option<usize>, NoAnswer> {
        let best = self.order().into_iter().min_by(|&a, &b| {
            let value = |at: usize| self.tried[at].objective.value;
            value(a).total_cmp(&value(b))
        });
        best.map_or_else(
            || Err(NoAnswer::Because("nothing completes anywhere in the range".into())),
            |best| Ok(Some(best)),
        )
    }

    /// The objective at one value less at the best one, paired.
    fn above(&self, at: &Studied, best: &Studied) -> Result<Option<Valued>, NoAnswer> {
        let (target, flip) = self.objective.target(&at.scenario);
        let (a, b) = if flip { (best, at) } else { (at, best) };
        self.study.difference(a, b, target)
    }

    /// Whether a value tried cannot be told from the best, or is within 1 % of it.
    fn is_flat(&mut self, at: usize, best: usize) -> Result<bool, NoAnswer> {
        let above = match self.tried[at].above_best {
            Some(above) => Some(above),
            None => self.above(&self.tried[at].studied, &self.tried[best].studied)?,
        };
        self.tried[at].above_best = above;
        let Some(above) = above else { return Ok(false) };
        let error = above.half_width.unwrap_or(f64::INFINITY);
        let share = FLAT * self.tried[best].objective.value.abs();
        Ok(above.value <= error.max(share))
    }

    /// The last value in one direction that is flat, and whether that is the end of the range.
    fn flat(&mut self, best: usize, upward: bool) -> Result<(usize, bool), NoAnswer> {
        let mut order = self.order();
        if !upward {
            order.reverse();
        }
        let start = order.iter().position(|&at| at == best).unwrap_or(0);
        let mut inside = best;
        let mut outside = None;
        for &at in &order[start + 1..] {
            if !self.is_flat(at, best)? {
                outside = Some(at);
                break;
            }
            inside = at;
        }
        let Some(mut outside) = outside else { return Ok((inside, true)) };
        for _ in 0..STEPS {
            let middle = 0.5
                * (self.place(self.tried[inside].number) + self.place(self.tried[outside].number));
            let number = self.span.near(self.number(middle), DIGITS);
            match self.try_one(number)? {
                Some(at) if at == inside || at == outside => break,
                Some(at) if self.is_flat(at, best)? => inside = at,
                Some(at) => outside = at,
                None => break,
            }
        }
        Ok((inside, false))
    }
}
