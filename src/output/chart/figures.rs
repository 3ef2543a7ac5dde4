//! The figures that charts read: from an estimate, or from its JSON.

use serde_json::Value;

use crate::model::plan::Plan;
use crate::montecarlo::Estimate;
use crate::montecarlo::estimate::{Probability, Saving, Summary};
use crate::montecarlo::observe::Measure;
use crate::montecarlo::spread::PlanSpread;
use crate::output::numbers;
use crate::scenario::resolved::Scenario;
use crate::stats::quantiles::Quantiles;

/// Where figures come from: the footer of every chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct About {
    /// The scenario's name.
    pub scenario: String,
    /// The machine in words.
    pub machine: String,
    /// Replications; `None` where nothing was simulated or nobody knows.
    pub replications: Option<u64>,
    /// The seed.
    pub seed: Option<u64>,
    /// Level of the intervals; `None` where nobody knows.
    pub confidence: Option<f64>,
    /// The currency.
    pub currency: String,
    /// What savings are measured against, in words; empty for the standard price.
    pub against: String,
    /// Which prices, such as `prices of 2026-07-16`; empty where nobody knows.
    pub prices: String,
    /// The program's version.
    pub version: String,
}

impl About {
    /// Of a scenario that is run here.
    #[must_use]
    pub fn of(scenario: &Scenario, replications: Option<u64>) -> Self {
        Self {
            scenario: scenario.name.clone(),
            machine: scenario.machine.clone(),
            replications,
            seed: Some(scenario.seed),
            confidence: Some(scenario.level.value()),
            currency: scenario.currency.to_string(),
            against: scenario.against().to_owned(),
            prices: prices(scenario.prices_as_of.as_deref()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    /// Of the JSON of `estimate`.
    ///
    /// # Errors
    /// What is missing.
    pub fn of_json(root: &Value) -> Result<Self, String> {
        let words = |key: &str| root.get(key).and_then(Value::as_str).map(str::to_owned);
        let against = root.pointer("/baseline/words").and_then(Value::as_str);
        Ok(Self {
            scenario: words("scenario").unwrap_or_default(),
            machine: words("machine").unwrap_or_default(),
            replications: root.get("replications").and_then(Value::as_u64),
            seed: root.get("seed").and_then(Value::as_u64),
            confidence: root.get("confidence").and_then(Value::as_f64),
            currency: words("currency").ok_or("it names no `currency`")?,
            against: against.unwrap_or_default().to_owned(),
            prices: prices(words("prices_as_of").as_deref()),
            version: words("stockout").unwrap_or_default(),
        })
    }

    /// What savings are measured against, in words.
    #[must_use]
    pub fn against(&self) -> &str {
        if self.against.is_empty() { "standard" } else { &self.against }
    }

    /// The footer.
    #[must_use]
    pub fn footer(&self) -> String {
        let mut parts = vec![numbers::clipped(&self.scenario, 60)];
        if !self.machine.is_empty() {
            parts.push(self.machine.clone());
        }
        if let Some(count) = self.replications {
            let plural = if count == 1 { "" } else { "s" };
            parts.push(format!("{} replication{plural}", numbers::whole(count)));
        }
        if let Some(seed) = self.seed {
            parts.push(format!("seed {seed}"));
        }
        if let Some(level) = self.confidence {
            parts.push(format!("{} % intervals", numbers::significant(level * 100.0, 6)));
        }
        if !self.prices.is_empty() {
            parts.push(self.prices.clone());
        }
        if !self.version.is_empty() {
            parts.push(format!("stockout {}", self.version));
        }
        parts.join(" · ")
    }
}

/// Which prices, by the day of the oldest.
#[must_use]
pub fn prices(as_of: Option<&str>) -> String {
    as_of.map_or_else(|| "own prices".to_owned(), |day| format!("prices of {day}"))
}

/// The figures of one plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanFigures {
    /// Which plan.
    pub plan: Plan,
    /// Why it has no figures, or what to know about it.
    pub reason: Option<String>,
    /// Cost of a replication; empty where it has no figures.
    pub cost: Summary,
    /// The saving against standard.
    pub saving: Option<Saving>,
    /// Share of completed replications.
    pub completion: Option<Probability>,
    /// Share of those completed by the deadline.
    pub on_time: Option<Probability>,
    /// Makespan of completed replications \[h\].
    pub makespan: Summary,
    /// The mean cost by what it is paid for.
    pub items: Vec<(String, f64)>,
    /// How replications spread: whole, or the quantiles of the summaries.
    pub spread: PlanSpread,
}

/// What the charts of plans show.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Where they come from.
    pub about: About,
    /// Whether there is a makespan.
    pub is_job: bool,
    /// When the job is due \[h\].
    pub deadline_h: Option<f64>,
    /// The plans in their order.
    pub plans: Vec<PlanFigures>,
}

impl Figures {
    /// Of an estimate and its distributions, in the order of its plans.
    #[must_use]
    pub fn of(scenario: &Scenario, answer: &Estimate, spreads: &[PlanSpread]) -> Self {
        let plans = answer.plans.iter().enumerate().map(|(index, answer)| {
            let plan = answer.listed.plan;
            let estimate = answer.estimate.as_ref();
            let timed = estimate.filter(|_| scenario.times_known(plan));
            let mut items: Vec<(String, f64)> = Vec::new();
            for item in estimate.iter().flat_map(|estimate| &estimate.line_items) {
                let name = item.component.name();
                match items.iter_mut().find(|(known, _)| known == name) {
                    Some((_, sum)) => *sum += item.amount,
                    None => items.push((name.to_owned(), item.amount)),
                }
            }
            let summary = |measure, of: Option<&crate::montecarlo::estimate::PlanEstimate>| {
                of.map_or_else(Summary::default, |estimate| estimate.measure(measure))
            };
            let mut figures = PlanFigures {
                plan,
                reason: answer.listed.reason().map(str::to_owned),
                cost: summary(Measure::Cost, estimate),
                saving: estimate.and_then(|estimate| estimate.saving),
                completion: timed.and_then(|estimate| estimate.completion),
                on_time: timed.and_then(|estimate| estimate.on_time),
                makespan: summary(Measure::Makespan, timed),
                items,
                spread: spreads.get(index).cloned().unwrap_or_default(),
            };
            if timed.is_none() {
                figures.spread.makespan_h = Quantiles::default();
            }
            figures
        });
        Self {
            about: About::of(scenario, answer.replications),
            is_job: scenario.workload.ends(),
            deadline_h: scenario.deadline.map(|deadline| deadline.hours()),
            plans: plans.collect(),
        }
    }

    /// Of the JSON of `estimate`.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn of_json(text: &str) -> Result<Self, String> {
        let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if root.get("kind").and_then(Value::as_str) == Some("jobs") {
            return Err("it is the month of a list of jobs, whose runs are not in it; of its \
                        scenario `--kind ladder` can be drawn"
                .into());
        }
        let list = root.get("plans").and_then(Value::as_array);
        let list = list.ok_or("it has no list `plans`: it is not the JSON of `estimate`")?;
        let words = |key: &str| root.get(key).and_then(Value::as_str);
        let about = About::of_json(&root)?;
        let plans: Result<Vec<PlanFigures>, String> = list.iter().map(plan_of_json).collect();
        Ok(Self {
            about,
            is_job: words("kind") != Some("endpoint"),
            deadline_h: root.get("deadline_h").and_then(Value::as_f64),
            plans: plans?,
        })
    }

    /// The plans that have figures.
    pub fn with_figures(&self) -> impl Iterator<Item = &PlanFigures> {
        self.plans.iter().filter(|plan| plan.cost.mean.is_some())
    }

    /// A note on the plans without figures; empty where all have some.
    #[must_use]
    pub fn without_figures(&self) -> String {
        let missing = self.plans.iter().filter(|plan| plan.cost.mean.is_none());
        let notes: Vec<String> = missing
            .map(|plan| {
                let reason = plan.reason.as_deref().unwrap_or("it has no figures");
                format!("{} is not shown: {}.", plan.plan.name(), reason.trim_end_matches('.'))
            })
            .collect();
        notes.join(" ")
    }
}

fn plan_of_json(plan: &Value) -> Result<PlanFigures, String> {
    let name = plan.get("plan").and_then(Value::as_str).ok_or("a plan has no name")?;
    let known = Plan::of_name(name).ok_or_else(|| format!("`{name}` is no plan known here"))?;
    let number = |of: &Value, key: &str| of.get(key).and_then(Value::as_f64);
    let summary = |key: &str| {
        plan.get(key).map_or_else(Summary::default, |of| Summary {
            mean: number(of, "mean"),
            half_width: number(of, "half_width"),
            sd: number(of, "sd"),
            p05: number(of, "p05"),
            p50: number(of, "p50"),
            p95: number(of, "p95"),
            p99: number(of, "p99"),
        })
    };
    let probability = |key: &str| {
        let of = plan.get(key)?;
        let value = number(of, "value")?;
        let (low, high) = (number(of, "low"), number(of, "high"));
        Some(Probability { value, low: low.unwrap_or(value), high: high.unwrap_or(value) })
    };
    let saving = plan.get("saving").and_then(|of| {
        let mean = number(of, "mean")?;
        let [half_width, p05, p95] = ["half_width", "p05", "p95"].map(|key| number(of, key));
        Some(Saving { mean, half_width, p05, p95 })
    });
    let items = plan.get("line_items").and_then(Value::as_array);
    let items = items.into_iter().flatten().filter_map(|item| {
        let component = item.get("component").and_then(Value::as_str)?;
        Some((component.to_owned(), number(item, "amount")?))
    });
    let (cost, makespan) = (summary("cost"), summary("makespan_h"));
    let completion = probability("completion_probability");
    let share = completion.map_or(1.0, |completion| completion.value);
    let points = |of: &Summary, share: f64| {
        let points = [(0.05, of.p05), (0.5, of.p50), (0.95, of.p95), (0.99, of.p99)];
        let points: Vec<(f64, f64)> =
            points.into_iter().filter_map(|(p, value)| Some((p, value?))).collect();
        Quantiles { points, share }
    };
    let of_saving = Summary {
        p05: saving.and_then(|saving: Saving| saving.p05),
        p95: saving.and_then(|saving: Saving| saving.p95),
        ..Summary::default()
    };
    Ok(PlanFigures {
        plan: known,
        reason: plan.get("reason").and_then(Value::as_str).map(str::to_owned),
        saving,
        completion,
        on_time: probability("deadline_probability"),
        items: items.collect(),
        spread: PlanSpread {
            cost: points(&cost, 1.0),
            makespan_h: points(&makespan, share),
            saving: points(&of_saving, 1.0),
            skewness: Vec::new(),
        },
        cost,
        makespan,
    })
}
