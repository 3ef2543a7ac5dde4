//! Cost against what goes wrong: which of many offers are worth it, and the cheapest that does what is
//! required.
//!
//! An offer is a plan at a design point, such as a split of standard and Spot replicas. One is dominated
//! where another costs no more and lacks no more; what is left is the frontier.

use super::condition::{Condition, Met, value_in};
use super::measure::{self, Named};
use super::study::Valued;
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::scenario::keys::For;
use crate::units::Currency;

/// Splits of a mixed plan that are looked at, at most.
const SPLITS: u32 = 13;

/// One plan at one design point.
#[derive(Clone, Debug, PartialEq)]
pub struct Offer {
    /// The plan.
    pub plan: Plan,
    /// The values that are varied; empty where the plan is the same at every point.
    pub settings: Vec<String>,
    /// Mean cost.
    pub cost: Valued,
    /// The share that is dropped, down, late or failed.
    pub lack: Valued,
    /// Another offer costs no more and lacks no more.
    pub is_dominated: bool,
    /// Whether it does what is required; `None` where nothing is.
    pub met: Option<Met>,
}

/// All offers.
#[derive(Clone, Debug, PartialEq)]
pub struct Frontier {
    /// What is lacking: this measure, or what is left of it to the whole where more of it is better.
    pub measure: &'static Named,
    /// The keys that are varied.
    pub keys: Vec<String>,
    /// What is required, as it was written.
    pub required: Vec<String>,
    /// The largest share that is allowed, where that is what is required.
    pub bound: Option<f64>,
    /// The cheapest first.
    pub offers: Vec<Offer>,
    /// The cheapest that does what is required, among the offers.
    pub chosen: Option<usize>,
}

/// Reads a part of a result; `None` where it does not exist.
pub type Part<'a> = Box<dyn Fn(&Named, &str) -> Option<f64> + 'a>;

/// A plan at a design point, before it is an offer.
pub struct Source<'a> {
    /// The plan.
    pub plan: Plan,
    /// The values that are varied, those that say nothing of the plan left out.
    pub settings: Vec<String>,
    /// Its results.
    pub part: Part<'a>,
    /// Whether it meets each of what is required.
    pub met: Vec<Option<Met>>,
}

/// What is lacking where nobody says: requests of a load, else replicas, else completed runs.
const MEASURES: [&str; 4] =
    ["dropped_share", "availability_min", "deadline_probability", "completion_probability"];

impl Frontier {
    /// The offers of rows of points and plans.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub fn of_rows(
        rows: &[Vec<(String, String)>],
        keys: &[String],
        measure: Option<&str>,
        of: For,
        require: &[Condition],
        currency: Currency,
    ) -> Result<Self, String> {
        let source = |row| -> Option<Source<'_>> {
            let row: &Vec<(String, String)> = row;
            let text = |name: &str| row.iter().find(|(of, _)| of == name).map(|(_, value)| value);
            Some(Source {
                plan: Plan::of_name(text("plan")?)?,
                settings: keys.iter().filter_map(|key| text(key).cloned()).collect(),
                part: Box::new(move |named, part| value_in(row, &named.column(part, currency))),
                met: require.iter().map(|condition| condition.met(row, currency)).collect(),
            })
        };
        let sources: Vec<Source<'_>> = rows.iter().filter_map(source).collect();
        Self::of(&sources, keys, measure, of, require)
    }

    /// The offers of plans at points; `measure` is a share, the first there is where nobody says.
    ///
    /// # Errors
    /// Plans that have no such share, or none with a cost.
    pub fn of(
        sources: &[Source<'_>],
        keys: &[String],
        measure: Option<&str>,
        of: For,
        require: &[Condition],
    ) -> Result<Self, String> {
        let has = |named: &Named| sources.iter().any(|source| valued(source, named).is_some());
        let measure = match measure {
            Some(name) => measure::find(name, of)
                .map_err(|help| format!("there is no measure `{name}` here: {help}"))?,
            None => MEASURES
                .iter()
                .filter_map(|name| measure::find(name, of).ok())
                .find(|named| has(named))
                .ok_or("no share of what goes wrong is in it")?,
        };
        if !measure.is_share || measure.name.starts_with("saving") {
            return Err(format!(
                "{} is no share of what goes wrong: write one of {}",
                measure.name,
                MEASURES.join(", ")
            ));
        }
        let cost = measure::find("cost", of)?;
        let mut offers: Vec<Offer> = Vec::new();
        for source in sources {
            let Some((cost, share)) = valued(source, cost).zip(valued(source, measure)) else {
                continue;
            };
            let lack = if measure.less_is_better { share.value } else { 1.0 - share.value };
            offers.push(Offer {
                plan: source.plan,
                settings: source.settings.clone(),
                cost,
                lack: Valued { value: lack.max(0.0), ..share },
                is_dominated: false,
                met: (!require.is_empty())
                    .then(|| source.met.iter().copied().fold(Met::Met, worse)),
            });
        }
        if offers.is_empty() {
            return Err(format!("nothing has both a cost and {}", measure.name));
        }
        offers = without_repetition(offers);
        offers.sort_by(|a, b| {
            let by_cost = a.cost.value.total_cmp(&b.cost.value);
            by_cost.then(a.lack.value.total_cmp(&b.lack.value))
        });
        let mut least = f64::INFINITY;
        for offer in &mut offers {
            offer.is_dominated = offer.lack.value >= least;
            least = least.min(offer.lack.value);
        }
        let is_bound = |condition: &&Condition| condition.measure.name == measure.name;
        let bound = require.iter().find(is_bound).map(|condition| condition.bound);
        let bound = bound.map(|bound| if measure.less_is_better { bound } else { 1.0 - bound });
        let does = |offer: &Offer| matches!(offer.met, Some(Met::Met | Met::Uncertain));
        Ok(Self {
            measure,
            keys: keys.to_vec(),
            required: require.iter().map(|condition| condition.text.clone()).collect(),
            bound,
            chosen: offers.iter().position(does),
            offers,
        })
    }

    /// The next cheapest that does what is required, and is not the same under another name: a mixed
    /// plan without standard replicas is Spot.
    #[must_use]
    pub fn runner_up(&self) -> Option<&Offer> {
        let chosen = self.chosen?;
        let figures = |offer: &Offer| (offer.cost.value, offer.lack.value);
        let best = figures(self.offers.get(chosen)?);
        let after = self.offers.get(chosen + 1..)?;
        after.iter().find(|offer| {
            matches!(offer.met, Some(Met::Met | Met::Uncertain)) && figures(offer) != best
        })
    }
}

/// Numbers of standard replicas that are looked at where nobody says which: all, or evenly some.
#[must_use]
pub fn splits(workload: &Workload) -> Vec<u32> {
    let most = match workload {
        Workload::Job(_) => 0,
        Workload::Batch(batch) => batch.replicas,
        Workload::Endpoint(endpoint) => {
            endpoint.models.iter().map(|model| model.most).max().unwrap_or(0)
        }
    };
    let count = SPLITS.min(most.saturating_add(1)).max(2);
    let mut splits: Vec<u32> = (0..count)
        .map(|index| (u64::from(most) * u64::from(index) / u64::from(count - 1)) as u32)
        .collect();
    splits.dedup();
    splits
}

/// A value with the longer side of its interval.
fn valued(source: &Source<'_>, named: &Named) -> Option<Valued> {
    let part = |part: &str| (source.part)(named, part);
    let names = named.parts.names();
    let value = part(names[0])?;
    let half_width = if names.contains(&"low") {
        part("low").zip(part("high")).map(|(low, high)| (high - value).max(value - low))
    } else if names.contains(&"half_width") {
        part("half_width")
    } else {
        None
    };
    Some(Valued { value, half_width })
}

fn worse(a: Met, b: Option<Met>) -> Met {
    match (a, b) {
        (Met::NotMet, _) | (_, None | Some(Met::NotMet)) => Met::NotMet,
        (Met::Uncertain, _) | (_, Some(Met::Uncertain)) => Met::Uncertain,
        (Met::Met, Some(Met::Met)) => Met::Met,
    }
}

/// A plan that is the same at every point is one offer, without settings.
fn without_repetition(offers: Vec<Offer>) -> Vec<Offer> {
    let mut kept: Vec<Offer> = Vec::with_capacity(offers.len());
    for offer in offers {
        let same = |other: &&mut Offer| {
            other.plan == offer.plan
                && other.cost.value == offer.cost.value
                && other.lack.value == offer.lack.value
        };
        match kept.iter_mut().find(same) {
            Some(other) => other.settings.clear(),
            None => kept.push(offer),
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::source::Problems;
    use crate::sweep::condition::read_of_all;

    fn row(plan: &str, split: &str, cost: f64, dropped: f64) -> Vec<(String, String)> {
        [
            ("point", split.to_owned()),
            ("mixed.standard_replicas", split.to_owned()),
            ("plan", plan.to_owned()),
            ("cost_usd_mean", cost.to_string()),
            ("cost_usd_half_width", "1".to_owned()),
            ("dropped_share_mean", dropped.to_string()),
            ("dropped_share_half_width", "0.0001".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// Spot is the same at both points; 2 costs less than standard and drops as little; 1 drops too much.
    #[test]
    fn what_costs_more_and_lacks_as_much_is_dominated() {
        let rows = [
            row("standard", "1", 100.0, 0.001),
            row("spot", "1", 40.0, 0.05),
            row("mixed", "1", 60.0, 0.02),
            row("standard", "2", 100.0, 0.001),
            row("spot", "2", 40.0, 0.05),
            row("mixed", "2", 80.0, 0.001),
            row("mixed", "3", 70.0, 0.03),
        ];
        let mut problems = Problems::default();
        let within = read_of_all("a", "dropped_share <= 1 %", For::Endpoint, &mut problems);
        let usd = Currency::parse("USD").unwrap();
        let keys = ["mixed.standard_replicas".to_owned()];
        let found =
            Frontier::of_rows(&rows, &keys, None, For::Endpoint, &[within.unwrap()], usd).unwrap();
        let told: Vec<(f64, &[String], bool)> = found
            .offers
            .iter()
            .map(|offer| (offer.cost.value, &offer.settings[..], offer.is_dominated))
            .collect();
        let (one, two, three) = (["1".to_owned()], ["2".to_owned()], ["3".to_owned()]);
        let expected: [(f64, &[String], bool); 5] = [
            (40.0, &[], false),
            (60.0, &one, false),
            (70.0, &three, true),
            (80.0, &two, false),
            (100.0, &[], true),
        ];
        assert_eq!(told, expected);
        assert_eq!((found.chosen, found.bound), (Some(3), Some(0.01)));
        assert_eq!(found.runner_up().unwrap().plan, Plan::Standard);
        assert_eq!(found.measure.name, "dropped_share");
    }
}
