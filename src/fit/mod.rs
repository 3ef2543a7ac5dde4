//! Observed lifetimes → the law of lifetimes: survival analysis with right-censoring.
//!
//! A VM that was not preempted, because its job was done, somebody stopped it, or it still runs, is
//! *censored*: its lifetime is at least what was seen. Dropping such rows is the classic error: what
//! is left are the short lifetimes. Pure statistics: rows in, estimates out; reading files is
//! [`evidence`](crate::evidence)'s, showing them [`output`](crate::output)'s.
//!
//! It is taken as given that what ended a censored run tells nothing about when it would have been
//! preempted; and, within a group, that lifetimes are independent.

pub mod goodness;
pub mod law;
pub(crate) mod linear;
pub mod logrank;
mod maximise;
pub mod model;
pub mod observations;
pub mod price_steps;
pub mod survival;

use serde::Serialize;

use logrank::{LogRank, log_rank};
use model::{Asked, Model, NotFitted};
use observations::Observations;
use survival::{Dropped, Estimate, HazardBand, Quantile};

use crate::stats::interval::Level;

/// Counts of a set of lifetimes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counts {
    /// VMs watched.
    pub rows: u64,
    /// Of them, preempted.
    pub events: u64,
    /// Of them, stopped for another reason or still running.
    pub censored: u64,
    /// VM-hours watched.
    pub exposure_h: f64,
    /// The longest duration \[h\].
    pub longest_h: f64,
}

/// VM-hours for each preemption: the mean lifetime if the hazard is constant.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct MeanLifetime {
    /// The estimate \[h\]; `None` without a preemption.
    pub value_h: Option<f64>,
    /// The lower end \[h\]: one-sided where nothing was preempted.
    pub low_h: f64,
    /// The upper end \[h\]; `None` without a preemption.
    pub high_h: Option<f64>,
}

/// Lifetimes without groups, and what they say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Analysis {
    /// How many.
    pub counts: Counts,
    /// VM-hours for each preemption.
    pub mean_lifetime: MeanLifetime,
    /// Survival at the ages of the table.
    pub table: Vec<Estimate>,
    /// Survival as a curve.
    pub curve: Vec<Estimate>,
    /// The hazard by age.
    pub hazard: Vec<HazardBand>,
    /// The age half of the VMs are preempted by.
    pub median: Quantile,
    /// The area under the curve up to the longest duration \[h\].
    pub restricted_mean_h: f64,
    /// What dropping the censored rows would have claimed.
    pub dropped: Option<Dropped>,
    /// The families that could be fitted.
    pub models: Vec<Model>,
    /// Those that could not.
    pub not_fitted: Vec<NotFitted>,
    /// The choice among the models.
    pub chosen: Option<usize>,
}

/// Lifetimes of one group.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct GroupAnalysis {
    /// Its values of the columns it is grouped by.
    pub name: String,
    /// What its lifetimes say.
    #[serde(flatten)]
    pub analysis: Analysis,
}

/// All that follows from a set of lifetimes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fit {
    /// All rows together.
    #[serde(flatten)]
    pub all: Analysis,
    /// By group, where groups were asked for.
    pub groups: Vec<GroupAnalysis>,
    /// Whether the groups differ; `None` without two groups that can be compared.
    pub log_rank: Option<LogRank>,
}

/// Points of a curve beyond which it is thinned.
const MOST_POINTS: usize = 2_000;

/// The most bands of the hazard by age.
const MOST_BANDS: u64 = 12;

/// What a set of lifetimes says.
#[must_use]
pub fn analyse(seen: &Observations, asked: &Asked) -> Analysis {
    let level = asked.level;
    let fitted = model::fit_all(seen, asked);
    let family =
        model::choose(&fitted, asked).and_then(|at| Some(fitted[at].as_ref().ok()?.family));
    let (mut models, mut not_fitted) = (Vec::new(), Vec::new());
    for result in fitted {
        match result {
            Ok(model) => models.push(model),
            Err(reason) => not_fitted.push(reason),
        }
    }
    Analysis {
        counts: counts(seen),
        mean_lifetime: mean_lifetime(seen, level),
        table: survival::at_ages(seen, &table_ages(seen), level),
        curve: survival::curve(seen, MOST_POINTS, level),
        hazard: survival::hazard_bands(seen, MOST_BANDS, level),
        median: survival::quantiles(seen, &[0.5], level)[0],
        restricted_mean_h: survival::restricted_mean_h(seen, seen.longest_h()),
        dropped: survival::dropped(seen),
        chosen: models.iter().position(|model| Some(model.family) == family),
        models,
        not_fitted,
    }
}

/// What lifetimes say, all and by group.
#[must_use]
pub fn fit(seen: &Observations, groups: &[(String, Observations)], asked: &Asked) -> Fit {
    let all = analyse(seen, asked);
    let each: Vec<&Observations> = groups.iter().map(|(_, group)| group).collect();
    Fit {
        all,
        log_rank: log_rank(&each),
        groups: groups
            .iter()
            .map(|(name, group)| GroupAnalysis {
                name: name.clone(),
                analysis: analyse(group, asked),
            })
            .collect(),
    }
}

fn counts(seen: &Observations) -> Counts {
    Counts {
        rows: seen.count(),
        events: seen.events(),
        censored: seen.censored(),
        exposure_h: seen.exposure_h(),
        longest_h: seen.longest_h(),
    }
}

/// VM-hours for each preemption, with Garwood's interval of the count; without a preemption the bound
/// that a hazard any larger would have shown one at the level: VM-hours ÷ −ln(1 − level).
#[must_use]
pub fn mean_lifetime(seen: &Observations, level: Level) -> MeanLifetime {
    let (time, events) = (seen.exposure_h(), seen.events());
    if events == 0 {
        return MeanLifetime { value_h: None, low_h: time / level.poisson_of_none(), high_h: None };
    }
    let (low, high) = level.poisson(events);
    MeanLifetime {
        value_h: Some(time / events as f64),
        low_h: time / high,
        high_h: Some(time / low),
    }
}

/// Ages of the table \[h\]: round ones up to the longest duration, at most a dozen, and that.
fn table_ages(seen: &Observations) -> Vec<f64> {
    const MINUTE: f64 = 1.0 / 60.0;
    const ROUND: [f64; 25] = [
        MINUTE,
        2.0 * MINUTE,
        5.0 * MINUTE,
        10.0 * MINUTE,
        30.0 * MINUTE,
        1.0,
        2.0,
        3.0,
        6.0,
        9.0,
        12.0,
        18.0,
        24.0,
        36.0,
        48.0,
        72.0,
        120.0,
        168.0,
        336.0,
        720.0,
        1_440.0,
        2_160.0,
        4_380.0,
        8_760.0,
        17_520.0,
    ];
    let longest = seen.longest_h();
    let mut ages: Vec<f64> = ROUND.into_iter().filter(|&age| age < longest).collect();
    let surplus = ages.len().saturating_sub(10);
    ages.drain(..surplus);
    if longest > 0.0 {
        ages.push(longest);
    }
    ages
}

#[cfg(test)]
mod tests;
