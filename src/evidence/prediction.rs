//! A frozen prediction: what was said of a scenario, when, at which prices, and how far it may be off.
//!
//! The record holds all that is needed to make it again (the scenario as run, the price file, seed and
//! version) and all that a bill is held against later: mean, spread and skewness of one run, and the
//! bands of one run and of a month. It is plain JSON; what it does not say is `null`.

use serde::{Deserialize, Serialize};

use crate::decision::month::{self, HOURS};
use crate::model::distribution::normal_upper_quantile;
use crate::model::lifetime::{FAMILIES, Lifetime};
use crate::model::workload::Workload;
use crate::montecarlo::estimate::{PlanEstimate, cost_at_spot_price};
use crate::montecarlo::observe::Measure;
use crate::montecarlo::spread::PlanSpread;
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::read::Assumption;
use crate::scenario::resolved::Scenario;
use crate::scenario::uncertain::Described;

/// What the field `document` says.
pub const DOCUMENT: &str = "prediction";
/// Version of the names.
pub const SCHEMA_VERSION: u32 = 1;

/// The band of every figure: from its 5th percentile to its 95th.
pub const TAIL: f64 = 0.05;

/// A frozen prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// Version of the names.
    pub schema_version: u32,
    /// `prediction`.
    pub document: String,
    /// The program's version.
    pub stockout: String,
    /// The day it was made, `YYYY-MM-DD`.
    pub date: String,
    /// The scenario's name.
    pub scenario: String,
    /// The hash that names the run.
    pub scenario_sha256: String,
    /// `job`, `batch` or `endpoint`.
    pub kind: String,
    /// The machine in words.
    pub machine: String,
    /// The machine type, where the scenario names one.
    pub machine_type: Option<String>,
    /// The GPU attached to it and how many, where the scenario names one.
    pub accelerator: Option<(String, u32)>,
    /// The region, where the scenario names one.
    pub region: Option<String>,
    /// Whose billing rules apply.
    pub service: String,
    /// VMs of a run.
    pub nodes: u32,
    /// The currency of every amount.
    pub currency: String,
    /// The oldest price's day.
    pub prices_as_of: Option<String>,
    /// Chooses the luck.
    pub seed: u64,
    /// Replications of every plan.
    pub replications: Option<u64>,
    /// The plan that was recommended; `None` where none does what is required.
    pub recommended: Option<String>,
    /// How long VMs were taken to live.
    pub lifetime: PredictedLifetime,
    /// What an undisturbed run is up for \[h per VM\]; `None` of what does not end.
    pub undisturbed_h: Option<f64>,
    /// Runs in a month of 730 h; `None` where nobody said.
    pub runs_per_month: Option<f64>,
    /// Every plan that can be bought.
    pub plans: Vec<PredictedPlan>,
    /// What nobody supplied.
    pub assumptions: Vec<PredictedAssumption>,
    /// Inputs that are ranges or distributions: every figure is at their centres, and no band holds
    /// what is not known of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncertain: Vec<PredictedInput>,
    /// The scenario as run, with every setting, as TOML.
    pub scenario_toml: String,
    /// The prices of the user's own, as CSV.
    pub prices_csv: Option<String>,
}

/// How long VMs were taken to live.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedLifetime {
    /// The family's name; `piecewise` for a hazard in pieces.
    pub model: String,
    /// The family's parameters in its order, durations in hours; empty of `piecewise`.
    pub parameters: Vec<(String, f64)>,
    /// The mean \[h\]; `None` where VMs are never preempted.
    pub mean_h: Option<f64>,
    /// VM-hours seen, where that stands for a lifetime.
    pub observed_h: Option<f64>,
    /// Preemptions in them.
    pub observed_preemptions: Option<u64>,
    /// Whether nobody said.
    pub is_assumed: bool,
    /// Hazard of all VMs of a run together ÷ that of one of them: 1 of a single VM.
    pub gang_hazard: f64,
}

impl PredictedLifetime {
    fn of(scenario: &Scenario) -> Self {
        let market = scenario.workload.market();
        let law = market.lifetime;
        let (model, values) = match law {
            Lifetime::Exponential { mean_h } => ("exponential", vec![mean_h]),
            Lifetime::Weibull { shape, scale_h } => ("weibull", vec![shape, scale_h]),
            Lifetime::LogNormal { median_h, sigma } => ("lognormal", vec![median_h, sigma]),
            Lifetime::Bathtub { a, tau1_h, tau2_h, b_h, .. } => {
                ("bathtub", vec![a, tau1_h, tau2_h, b_h])
            }
            Lifetime::Piecewise(_) => ("piecewise", Vec::new()),
            Lifetime::Never => ("never", Vec::new()),
        };
        let family = FAMILIES.iter().find(|family| family.name == model);
        let names = family.map_or(&[][..], |family| family.parameters);
        Self {
            model: model.to_owned(),
            parameters: names
                .iter()
                .zip(values)
                .map(|(parameter, value)| (parameter.name.to_owned(), value))
                .collect(),
            mean_h: Some(law.mean_h()).filter(|mean| mean.is_finite()),
            observed_h: scenario.observed.map(|seen| seen.hours),
            observed_preemptions: scenario.observed.map(|seen| seen.preemptions),
            is_assumed: scenario.assumed("market.lifetime").is_some(),
            gang_hazard: market.gang(scenario.workload.gang_size()),
        }
    }

    /// The law, where its parameters are known.
    #[must_use]
    pub fn law(&self) -> Option<Lifetime> {
        let family = FAMILIES.iter().find(|family| family.name == self.model)?;
        let values: Vec<f64> = self.parameters.iter().map(|(_, value)| *value).collect();
        let fits = values.len() == family.parameters.len()
            && family
                .parameters
                .iter()
                .zip(&values)
                .all(|(of, value)| (of.range.0..=of.range.1).contains(value));
        fits.then(|| (family.build)(&values))
    }
}

/// One plan of a prediction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedPlan {
    /// Its name.
    pub plan: String,
    /// One run.
    pub run: Run,
    /// A month of runs; `None` where nobody said how many.
    pub month: Option<PredictedMonth>,
    /// Price of a VM-hour over all lines: the mean cost ÷ the mean billed time.
    pub per_vm_h: f64,
    /// The same at the lowest Spot price of twelve months; `None` where that is not known.
    pub per_vm_h_low: Option<f64>,
    /// The same at the highest.
    pub per_vm_h_high: Option<f64>,
    /// The lines of the bill, each with its price and where that comes from.
    pub prices: Vec<PredictedPrice>,
}

/// One run under a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Money.
    pub cost: Moments,
    /// Billed time over all VMs \[VM-h\].
    pub billed_h: Moments,
    /// Preemptions; a gang's counted once.
    pub preemptions: Moments,
    /// Waits \[h\]; a gang's counted once.
    pub waited_h: Moments,
    /// Mean time from submission to the end, waits and gaps included \[h\]; `None` of what does not end.
    pub in_progress_h: Option<f64>,
    /// The chance to complete; `None` of what does not end.
    pub completes: Option<f64>,
}

/// A quantity of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// Third central moment ÷ sd³.
    pub skewness: f64,
    /// 5th percentile.
    pub p05: f64,
    /// 95th percentile.
    pub p95: f64,
}

/// A band with its mean.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Mean.
    pub mean: f64,
    /// 5th percentile.
    pub p05: f64,
    /// 95th percentile.
    pub p95: f64,
}

impl Band {
    /// Whether a value lies in it; figures that agree to nine digits are the same.
    #[must_use]
    pub fn holds(&self, value: f64) -> bool {
        let slack = 1e-9 * self.p95.abs().max(self.p05.abs());
        value >= self.p05 - slack && value <= self.p95 + slack
    }
}

impl Moments {
    /// The band of the sum of so many independent runs: that of one run of a single one, else the
    /// Cornish–Fisher expansion to the third moment, as the month's.
    #[must_use]
    pub fn of_runs(&self, runs: f64) -> Band {
        if (runs - 1.0).abs() < 1e-9 {
            return Band { mean: self.mean, p05: self.p05, p95: self.p95 };
        }
        let (mean, sd) = (runs * self.mean, self.sd * runs.max(0.0).sqrt());
        let skewness = if runs > 0.0 { self.skewness / runs.sqrt() } else { 0.0 };
        let z = normal_upper_quantile(TAIL);
        let at = |z: f64| month::quantile(mean, sd, skewness, z).max(0.0);
        Band { mean, p05: at(-z), p95: at(z) }
    }
}

/// A month of runs under a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedMonth {
    /// Runs in it.
    pub runs: f64,
    /// Money.
    pub cost: Band,
    /// Billed time over all VMs \[VM-h\].
    pub billed_h: Band,
    /// Preemptions.
    pub preemptions: Band,
    /// Waits \[h\].
    pub waited_h: Band,
}

/// A line of a bill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedPrice {
    /// What it is for.
    pub component: String,
    /// What is sold.
    pub sku: String,
    /// Per VM and hour.
    pub rate: f64,
    /// The day of the price; `None` of the user's own.
    pub as_of: Option<String>,
    /// Where it comes from.
    pub source: String,
}

/// What nobody supplied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedAssumption {
    /// The key.
    pub key: String,
    /// The value taken.
    pub value: String,
    /// Where it comes from.
    pub source: String,
    /// How sure that is.
    pub confidence: String,
}

impl PredictedAssumption {
    fn of(assumption: &Assumption) -> Self {
        Self {
            key: assumption.key.clone(),
            value: assumption.value.clone(),
            source: assumption.source.clone(),
            confidence: assumption.confidence.to_string(),
        }
    }
}

/// An input that is a range or a distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedInput {
    /// The key.
    pub key: String,
    /// What is known of it.
    pub known: String,
    /// The value taken.
    pub centre: String,
}

impl PredictedInput {
    fn of(input: &Described) -> Self {
        Self { key: input.key.clone(), known: input.known.clone(), centre: input.centre.clone() }
    }
}

/// What a prediction is made of.
#[derive(Clone, Copy, Debug)]
pub struct Made<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its answer.
    pub answer: &'a Estimate,
    /// How its plans spread, in the order of the answer.
    pub spreads: &'a [PlanSpread],
    /// The plan that is recommended.
    pub recommended: Option<&'static str>,
    /// The hash that names the run.
    pub sha256: &'a str,
    /// The day, `YYYY-MM-DD`.
    pub date: &'a str,
    /// The scenario as run.
    pub toml: &'a str,
    /// The user's own prices.
    pub prices_csv: Option<&'a str>,
    /// Inputs that are ranges or distributions.
    pub uncertain: &'a [Described],
}

impl Prediction {
    /// Freezes an answer.
    #[must_use]
    pub fn of(made: &Made<'_>) -> Self {
        let Made { scenario, answer, .. } = *made;
        let given = |key: &str| scenario.setting(key).map(str::to_owned);
        let runs = scenario.budget.runs.map(|runs| runs.per_hour() * HOURS);
        let accelerator = given("machine.accelerator");
        let count = given("machine.accelerator_count").and_then(|count| count.parse().ok());
        Self {
            schema_version: SCHEMA_VERSION,
            document: DOCUMENT.to_owned(),
            stockout: env!("CARGO_PKG_VERSION").to_owned(),
            date: made.date.to_owned(),
            scenario: scenario.name.clone(),
            scenario_sha256: made.sha256.to_owned(),
            kind: match scenario.workload {
                Workload::Job(_) => "job",
                Workload::Batch(_) => "batch",
                Workload::Endpoint(_) => "endpoint",
            }
            .to_owned(),
            machine: scenario.machine.clone(),
            machine_type: given("machine.type").filter(|name| !name.starts_with('(')),
            accelerator: accelerator
                .filter(|name| !name.starts_with('('))
                .map(|name| (name, count.unwrap_or(1))),
            region: given("machine.region").filter(|name| !name.starts_with('(')),
            service: scenario.service.name().to_owned(),
            nodes: scenario.workload.vms(),
            currency: scenario.currency.to_string(),
            prices_as_of: scenario.prices_as_of.clone(),
            seed: scenario.seed,
            replications: answer.replications,
            recommended: made.recommended.map(str::to_owned),
            lifetime: PredictedLifetime::of(scenario),
            undisturbed_h: match &scenario.workload {
                Workload::Job(job) => Some(job.program.uptime_needed(job.work, false).hours()),
                Workload::Batch(_) | Workload::Endpoint(_) => None,
            },
            runs_per_month: runs,
            plans: answer
                .plans
                .iter()
                .enumerate()
                .filter_map(|(index, plan)| {
                    predicted(scenario, plan, made.spreads.get(index), runs)
                })
                .collect(),
            assumptions: scenario.assumptions.iter().map(PredictedAssumption::of).collect(),
            uncertain: made.uncertain.iter().map(PredictedInput::of).collect(),
            scenario_toml: made.toml.to_owned(),
            prices_csv: made.prices_csv.map(str::to_owned),
        }
    }

    /// Reads a prediction back.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let prediction: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if prediction.document != DOCUMENT {
            return Err(format!("its `document` is \"{}\"", prediction.document));
        }
        if prediction.schema_version != SCHEMA_VERSION {
            return Err(format!(
                "its `schema_version` is {}, and this program reads {SCHEMA_VERSION}",
                prediction.schema_version
            ));
        }
        let wrong = |of: &Moments| {
            [of.mean, of.sd, of.p05, of.p95].iter().any(|value| !(0.0..1e15).contains(value))
                || !of.skewness.is_finite()
        };
        for plan in &prediction.plans {
            let run = &plan.run;
            let all = [&run.cost, &run.billed_h, &run.preemptions, &run.waited_h];
            if all.into_iter().any(wrong) || !(0.0..1e15).contains(&plan.per_vm_h) {
                return Err(format!("a figure of {} is negative or too large", plan.plan));
            }
        }
        if !(1e-9..1e9).contains(&prediction.lifetime.gang_hazard) || prediction.nodes == 0 {
            return Err("`nodes` or `gang_hazard` is not above 0".into());
        }
        Ok(prediction)
    }

    /// The record as JSON, ending in a line feed.
    #[must_use]
    pub fn json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("plain data becomes JSON");
        text.push('\n');
        text
    }
}

/// Whether a text is a frozen prediction, whether it can be read or not.
#[must_use]
pub fn is_one(text: &str) -> bool {
    text.trim_start().starts_with('{') && text.contains(&format!("\"document\": \"{DOCUMENT}\""))
}

/// One plan with its figures; `None` where it cannot be bought.
fn predicted(
    scenario: &Scenario,
    answer: &PlanAnswer,
    spread: Option<&PlanSpread>,
    runs: Option<f64>,
) -> Option<PredictedPlan> {
    let estimate = answer.estimate.as_ref()?;
    let moments = |measure| moments(estimate, spread, measure);
    let run = Run {
        cost: moments(Measure::Cost)?,
        billed_h: moments(Measure::Billed)?,
        preemptions: moments(Measure::Preemptions)?,
        waited_h: moments(Measure::Waited)?,
        in_progress_h: estimate.of_runs.and_then(|of_runs| of_runs.in_progress_h),
        completes: estimate.completion.map(|completion| completion.value),
    };
    let hours = run.billed_h.mean;
    let per_hour = |cost: f64| if hours > 0.0 { cost / hours } else { 0.0 };
    let at = |spot| Some(per_hour(cost_at_spot_price(estimate, answer.listed.tariff()?, spot)?));
    let ends = scenario.spot_range.as_ref();
    let ends = ends.and_then(|range| Some((at(range.low)?, at(range.high)?)));
    let month = runs.map(|runs| PredictedMonth {
        runs,
        cost: run.cost.of_runs(runs),
        billed_h: run.billed_h.of_runs(runs),
        preemptions: run.preemptions.of_runs(runs),
        waited_h: run.waited_h.of_runs(runs),
    });
    Some(PredictedPlan {
        plan: estimate.plan.name().to_owned(),
        month,
        per_vm_h: per_hour(run.cost.mean),
        per_vm_h_low: ends.map(|(low, _)| low),
        per_vm_h_high: ends.map(|(_, high)| high),
        prices: estimate
            .line_items
            .iter()
            .map(|item| PredictedPrice {
                component: item.component.name().to_owned(),
                sku: item.sku.clone(),
                rate: item.rate,
                as_of: (!item.price_as_of.is_empty()).then(|| item.price_as_of.clone()),
                source: item.source.clone(),
            })
            .collect(),
        run,
    })
}

fn moments(
    estimate: &PlanEstimate,
    spread: Option<&PlanSpread>,
    measure: Measure,
) -> Option<Moments> {
    let summary = estimate.measure(measure);
    let mean = summary.mean?;
    let skewness = spread.and_then(|spread| {
        spread.skewness.iter().find(|(of, _)| *of == measure).map(|(_, skewness)| *skewness)
    });
    Some(Moments {
        mean,
        sd: summary.sd.unwrap_or(0.0),
        skewness: skewness.unwrap_or(0.0),
        p05: summary.p05.unwrap_or(mean),
        p95: summary.p95.unwrap_or(mean),
    })
}

/// A law as TOML, with its parameters to six digits; only of families that [`PredictedLifetime::law`] reads back.
#[must_use]
pub fn law_toml(law: &Lifetime) -> String {
    let of = |model: &str, parameters: &[(&str, f64, bool)]| {
        let parameters: Vec<String> = parameters
            .iter()
            .map(|(name, value, is_time)| {
                if *is_time {
                    format!("{name} = \"{value:.6} h\"")
                } else {
                    format!("{name} = {value:.6}")
                }
            })
            .collect();
        format!("{{ model = \"{model}\", {} }}", parameters.join(", "))
    };
    match *law {
        Lifetime::Exponential { mean_h } => of("exponential", &[("mean", mean_h, true)]),
        Lifetime::Weibull { shape, scale_h } => {
            of("weibull", &[("shape", shape, false), ("scale", scale_h, true)])
        }
        Lifetime::LogNormal { median_h, sigma } => {
            of("lognormal", &[("median", median_h, true), ("sigma", sigma, false)])
        }
        Lifetime::Bathtub { a, tau1_h, tau2_h, b_h, .. } => of(
            "bathtub",
            &[("a", a, false), ("tau1", tau1_h, true), ("tau2", tau2_h, true), ("b", b_h, true)],
        ),
        Lifetime::Piecewise(_) | Lifetime::Never => "{ model = \"never\" }".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 30 exponentials of mean 1: the 5th and 95th percentiles are half those of χ² with 60 degrees of
    /// freedom, 43.188 and 79.082 (Abramowitz & Stegun, table 26.8).
    #[test]
    fn the_band_of_many_runs_is_that_of_their_sum() {
        let one = Moments { mean: 1.0, sd: 1.0, skewness: 2.0, p05: 0.0513, p95: 2.9957 };
        assert_eq!(one.of_runs(1.0), Band { mean: 1.0, p05: 0.0513, p95: 2.9957 });
        let band = one.of_runs(30.0);
        assert!((band.p05 / 21.594 - 1.0).abs() < 2e-3 && (band.p95 / 39.541 - 1.0).abs() < 2e-3);
        assert!(band.holds(30.0) && !band.holds(20.0) && !band.holds(40.0));
        assert_eq!(one.of_runs(0.0), Band { mean: 0.0, p05: 0.0, p95: 0.0 });
    }

    #[test]
    fn what_is_no_prediction_says_why() {
        assert!(Prediction::read("{}").unwrap_err().contains("missing field"));
        assert!(Prediction::read("[1, 2").is_err());
    }

    #[test]
    fn a_law_is_read_back_from_its_parameters() {
        for family in FAMILIES {
            let values: Vec<f64> = match family.name {
                "bathtub" => vec![0.4, 0.9, 0.8, 24.0],
                "weibull" => vec![0.6, 7.0],
                _ => family.parameters.iter().map(|_| 2.0).collect(),
            };
            let lifetime = PredictedLifetime {
                model: family.name.into(),
                parameters: family
                    .parameters
                    .iter()
                    .zip(&values)
                    .map(|(of, value)| (of.name.to_owned(), *value))
                    .collect(),
                mean_h: None,
                observed_h: None,
                observed_preemptions: None,
                is_assumed: false,
                gang_hazard: 1.0,
            };
            assert_eq!(lifetime.law(), Some((family.build)(&values)), "{}", family.name);
        }
    }
}
