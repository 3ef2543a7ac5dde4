//! How many replicas keep a number of them serving: the least number for which the share of time with
//! so many serving reaches a bound.
//!
//! A replica meets the same luck however many there are beside it, so one more replica never takes
//! anything from the share, and a search by halves finds the least number. What it would be if
//! replicas were independent stands beside it: a binomial count of replicas, each serving for the
//! share of time that one of them does. Where a zone takes many at once, the two differ.

use serde::Serialize;

use super::axes::Setting;
use super::condition::Met;
use super::study::{NoAnswer, Studied, Study, Valued, written_kind};
use crate::luck::ln;
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::montecarlo::observe::Measure;
use crate::montecarlo::points::Target;
use crate::scenario::keys::For;
use crate::scenario::resolved::Scenario;
use crate::scenario::source::Place;
use crate::scenario::tree::{Node, Value};

const LEAST: &str = "workload.min_replicas";
const MOST: &str = "workload.max_replicas";
const INITIAL: &str = "workload.initial_replicas";
const SERVING: &str = "workload.enough_replicas";
const MODELS: &str = "workload.models";
/// The most replicas that are tried. More are a sign that none are enough.
const MOST_TRIED: u32 = 10_000;

/// One number of replicas that was tried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// Replicas asked for.
    pub replicas: u32,
    /// Share of time with enough of them serving.
    pub share: Valued,
    /// Whether it reaches the bound.
    pub met: Met,
    /// The same if replicas were independent: a binomial count.
    pub if_independent: f64,
    /// Cost over the horizon.
    pub cost: Valued,
}

/// The least number of replicas that are enough.
#[derive(Clone, Debug, Serialize)]
pub struct Enough {
    /// Replicas that are to serve.
    pub serving: u32,
    /// For at least this share of the time.
    pub share: f64,
    /// The least number of replicas.
    pub replicas: u32,
    /// Share of time with enough serving at that number less that at one replica fewer, paired.
    pub more_than_one_fewer: Option<Valued>,
    /// What the last replica costs, paired.
    pub last_replica_costs: Option<Valued>,
    /// Share of time in which one replica serves: of a mixed plan, one on Spot.
    pub one_serves: f64,
    /// The least number if replicas were independent.
    pub replicas_if_independent: Option<u32>,
    /// Standard replicas that serve as many: one each, with what they cost over the horizon.
    pub standard_cost: Option<Valued>,
    /// What is saved against them.
    pub saving: Option<Valued>,
    /// Whether the autoscaling of the scenario was set aside.
    pub fixes_the_number: bool,
    /// Every number that was tried, ascending.
    pub tried: Vec<Tried>,
}

/// Finds the least number of replicas of which `serving` serve for at least a `share` of the time.
///
/// # Errors
/// A scenario that is refused or has no replicas to count, a simulation that fails, a bound that no
/// number of replicas reaches.
pub fn find(study: &Study<'_>, serving: u32, share: f64) -> Result<Enough, NoAnswer> {
    if written_kind(study.root) != For::Endpoint {
        return Err(NoAnswer::Wrong {
            message: "only an endpoint keeps replicas serving".into(),
            help:
                "of a batch, ask which number is done in time: --vary workload.replicas=… --best \
                   cost --subject-to 'deadline_probability >= 99 %'"
                    .into(),
        });
    }
    if study.root.at_path(MODELS).is_some() {
        return Err(NoAnswer::Wrong {
            message: format!("{MODELS}: which of the models should have more replicas?"),
            help: "write a scenario with one of them: min_replicas, max_replicas in [workload]"
                .into(),
        });
    }
    let mut search = Search { study, serving, share, tried: Vec::new() };
    let replicas = search.least()?;
    // One more shows what a reserve is worth.
    if replicas < MOST_TRIED {
        search.at(replicas + 1)?;
    }
    search.tried.sort_by_key(|(replicas, _)| *replicas);
    let of = |replicas: u32| search.tried.iter().find(|(of, _)| *of == replicas).map(|(_, of)| of);
    let Some(found) = of(replicas) else { unreachable!("the answer was tried") };
    let fewer = replicas.checked_sub(1).and_then(of);
    let paired = |target| match fewer {
        Some(fewer) => study.difference(found, fewer, target),
        None => Ok(None),
    };
    let more_than_one_fewer = paired(AVAILABILITY)?;
    let last_replica_costs = paired(COST)?;
    let standard = search.standard()?;
    let independent = Independent::of(found, standard.as_ref());
    let standard_cost = standard.and_then(|standard| standard.value(COST));
    let cost = found.value(COST);
    let saving = cost.zip(standard_cost).filter(|(_, standard)| standard.value > 0.0);
    let tried = search.tried.iter().filter_map(|(replicas, studied)| {
        let reached = studied.value(AVAILABILITY)?;
        Some(Tried {
            replicas: *replicas,
            share: reached,
            met: met(reached, share),
            if_independent: independent.chance(serving, *replicas),
            cost: studied.value(COST)?,
        })
    });
    let fixes_the_number = match &study.scenario(&[]) {
        Ok(scenario) => matches!(&scenario.workload, Workload::Endpoint(of) if of.is_autoscaled()),
        Err(_) => false,
    };
    Ok(Enough {
        serving,
        share,
        replicas,
        more_than_one_fewer,
        last_replica_costs,
        one_serves: independent.one,
        replicas_if_independent: independent.least(serving, share),
        standard_cost,
        saving: saving.map(|(cost, standard)| Valued {
            value: 1.0 - cost.value / standard.value,
            // Standard replicas have no luck but that of their waits.
            half_width: cost.half_width.map(|error| error / standard.value),
        }),
        fixes_the_number,
        tried: tried.collect(),
    })
}

const AVAILABILITY: Target = Target::Mean(Measure::AvailabilityMin);
const COST: Target = Target::Mean(Measure::Cost);

fn met(reached: Valued, share: f64) -> Met {
    let error = reached.half_width.unwrap_or(f64::INFINITY);
    if reached.value < share {
        Met::NotMet
    } else if reached.value - error >= share {
        Met::Met
    } else {
        Met::Uncertain
    }
}

/// Replicas that know nothing of each other: those below are standard VMs, which always serve.
struct Independent {
    below: u32,
    /// Share of time in which one of those above serves.
    one: f64,
}

impl Independent {
    /// The same share of time as was simulated, given out evenly.
    fn of(studied: &Studied, standard: Option<&Studied>) -> Self {
        let Workload::Endpoint(endpoint) = &studied.scenario.workload else {
            return Self { below: 0, one: 0.0 };
        };
        let of_all = |studied: &Studied| {
            let serving = studied.estimate.measure(Measure::Serving).mean.unwrap_or_default();
            serving / endpoint.horizon.hours()
        };
        let below = match studied.estimate.plan {
            Plan::Mixed | Plan::Mixed1y | Plan::Mixed3y => {
                endpoint.standard_below.min(endpoint.most())
            }
            _ => 0,
        };
        let each_below = standard.map_or(1.0, |standard| {
            of_all(standard) / f64::from(standard.scenario.workload.vms()).max(1.0)
        });
        let above = f64::from(endpoint.most() - below);
        let serving = of_all(studied) - f64::from(below) * each_below;
        Self { below, one: if above > 0.0 { (serving / above).clamp(0.0, 1.0) } else { 0.0 } }
    }

    /// The chance that so many serve.
    fn chance(&self, serving: u32, replicas: u32) -> f64 {
        let below = self.below.min(replicas);
        at_least(serving.saturating_sub(below), replicas - below, self.one)
    }

    /// The least number of replicas; `None` where no number up to the most tried is enough.
    fn least(&self, serving: u32, share: f64) -> Option<u32> {
        let enough = |replicas: u32| self.chance(serving, replicas) >= share;
        if !enough(MOST_TRIED) {
            return None;
        }
        let (mut below, mut above) = (serving.saturating_sub(1), MOST_TRIED);
        while above - below > 1 {
            let middle = below + (above - below) / 2;
            if enough(middle) { above = middle } else { below = middle }
        }
        Some(above)
    }
}

/// The chance that of `replicas` independent ones, each serving with chance `one`, at least so many
/// serve.
#[must_use]
pub fn at_least(serving: u32, replicas: u32, one: f64) -> f64 {
    if serving == 0 || one >= 1.0 {
        return f64::from(u8::from(replicas >= serving));
    }
    if serving > replicas || one <= 0.0 {
        return 0.0;
    }
    let (all, up, down) = (f64::from(replicas), ln(one), ln(1.0 - one));
    let fewer = (0..serving).map(|count| {
        let count = f64::from(count);
        let ways =
            libm::lgamma(all + 1.0) - libm::lgamma(count + 1.0) - libm::lgamma(all - count + 1.0);
        libm::exp(ways + count * up + (all - count) * down)
    });
    (1.0 - fewer.sum::<f64>()).clamp(0.0, 1.0)
}

struct Search<'a> {
    study: &'a Study<'a>,
    serving: u32,
    share: f64,
    tried: Vec<(u32, Studied)>,
}

impl Search<'_> {
    /// The least number that is enough: the step doubles until one is, then halves.
    fn least(&mut self) -> Result<u32, NoAnswer> {
        let (mut below, mut above) = (None, self.serving);
        let mut step = 1;
        while !self.at(above)? {
            below = Some(above);
            if above >= MOST_TRIED || self.starts_too_late() {
                return Err(self.nothing_is_enough());
            }
            above = above.saturating_add(step).min(MOST_TRIED);
            step *= 2;
        }
        while let Some(low) = below.filter(|low| above - low > 1) {
            let middle = low + (above - low) / 2;
            if self.at(middle)? { above = middle } else { below = Some(middle) }
        }
        Ok(above)
    }

    /// Whether the first startup, in which none serves, is already too long, however many there are.
    fn starts_too_late(&self) -> bool {
        let scenario = self.tried.last().map(|(_, studied)| &studied.scenario.workload);
        let Some(Workload::Endpoint(endpoint)) = scenario else { return false };
        1.0 - endpoint.startup().hours() / endpoint.horizon.hours() < self.share
    }

    /// Whether so many replicas are enough.
    fn at(&mut self, replicas: u32) -> Result<bool, NoAnswer> {
        let known = self.tried.iter().position(|(of, _)| *of == replicas);
        let index = match known {
            Some(index) => index,
            None => {
                let studied =
                    self.study.estimate(with_replicas(self.study, replicas, self.serving)?)?;
                self.tried.push((replicas, studied));
                self.tried.len() - 1
            }
        };
        let reached = self.tried[index].1.value(AVAILABILITY);
        let reached = reached.ok_or_else(|| {
            NoAnswer::Because(format!("{} has no times to count", self.study.plan.name()))
        })?;
        Ok(reached.value >= self.share)
    }

    /// As many standard replicas as are to serve; `None` where they cannot be bought.
    fn standard(&self) -> Result<Option<Studied>, NoAnswer> {
        let study = Study { plan: Plan::Standard, ..*self.study };
        match with_replicas(&study, self.serving, self.serving) {
            Ok(scenario) => study.estimate(scenario).map(Some),
            Err(NoAnswer::Wrong { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn nothing_is_enough(&self) -> NoAnswer {
        let (plan, serving) = (self.study.plan.name(), self.serving);
        let most = |studied: &Studied| studied.value(AVAILABILITY).map(|of| of.value * 100.0);
        let last = self.tried.iter().max_by_key(|(replicas, _)| *replicas);
        let reached = last.and_then(|(replicas, of)| Some((*replicas, most(of)?)));
        let reached = reached.map_or_else(String::new, |(replicas, share)| {
            format!(": {replicas} replicas reach {share:.4} %")
        });
        // Nothing serves before its first startup, on whatever VMs.
        let standard = self.standard().ok().flatten().as_ref().and_then(most);
        let why = match standard.filter(|share| *share < self.share * 100.0) {
            Some(share) => format!(
                "{serving} standard replicas reach {share:.4} %: the first startup counts too, and less \
                 over a longer horizon"
            ),
            None => "what takes all of them at once is not healed by more of them; the plan mixed keeps \
                     some on standard VMs"
                .to_owned(),
        };
        NoAnswer::Because(format!(
            "no number of {plan} replicas keeps {serving} serving so often{reached}; {why}"
        ))
    }
}

/// The scenario with a fixed number of replicas, so many of which are enough.
///
/// # Errors
/// A scenario that is refused, or that has no replicas to keep serving.
pub fn with_replicas(study: &Study<'_>, replicas: u32, serving: u32) -> Result<Scenario, NoAnswer> {
    let (all, serving) = (whole(replicas), whole(serving));
    let mut settings = vec![(LEAST, &all), (MOST, &all), (SERVING, &serving)];
    if study.root.at_path(INITIAL).is_some() {
        settings.push((INITIAL, &all));
    }
    study.scenario(&settings)
}

/// A whole number as a setting.
fn whole(number: u32) -> Setting {
    Setting {
        shown: number.to_string(),
        node: Node { value: Value::Integer(number.into()), at: Place { source: 0, span: 0..0 } },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, one serving with chance 0.9: of two both with 0.81, of three two or more with
    /// 3·0.81·0.1 + 0.729 = 0.972, of four two or more with 1 − 0.0001 − 4·0.9·0.001 = 0.9963.
    #[test]
    fn independent_replicas_are_a_binomial_count() {
        for (replicas, chance) in [(1, 0.0), (2, 0.81), (3, 0.972), (4, 0.9963)] {
            assert!((at_least(2, replicas, 0.9) - chance).abs() < 1e-12, "{replicas}");
        }
        let spot = |one| Independent { below: 0, one };
        let least = [0.81, 0.95, 0.99].map(|share| spot(0.9).least(2, share));
        assert_eq!(least, [2, 3, 4].map(Some));
        assert_eq!((spot(0.0).least(3, 0.99), spot(1.0).least(3, 0.99)), (None, Some(3)));
        // Two of them standard: one of the two above with 1 − 0.1².
        let mixed = Independent { below: 2, one: 0.9 };
        assert!((mixed.chance(3, 4) - 0.99).abs() < 1e-12);
        assert_eq!((mixed.chance(2, 2), mixed.least(2, 0.99)), (1.0, Some(2)));
    }
}
