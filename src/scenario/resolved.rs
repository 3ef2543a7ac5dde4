//! A scenario as the engine sees it: fixed numbers only, every plan with its tariff.

use super::budget::Budget;
use super::read::Assumption;
use crate::luck::Sampling;
use crate::model::billing::{BillingRules, Tariff};
use crate::model::plan::{Course, Plan};
use crate::model::tariff::{PriceSheet, Service};
use crate::model::workload::Workload;
use crate::prices::machine::SpotRange;
use crate::stats::interval::Level;
use crate::units::{Currency, Share, SimDuration};

/// A validated experiment: fixed numbers only.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name: the file's, without ending.
    pub name: String,
    /// What is run.
    pub workload: Workload,
    /// Whose billing rules apply.
    pub service: Service,
    /// The machine in words, such as "g2-standard-12, us-central1".
    pub machine: String,
    /// How used time becomes billed time.
    pub billing: BillingRules,
    /// What the machine costs.
    pub sheet: PriceSheet,
    /// Spot over the last twelve months, where the bundled table knows it and the price is its.
    pub spot_range: Option<SpotRange>,
    /// The currency of every amount.
    pub currency: Currency,
    /// The oldest price's day, where any price is dated.
    pub prices_as_of: Option<String>,
    /// On time is completed by then.
    pub deadline: Option<SimDuration>,
    /// How often it runs, and what trouble costs.
    pub budget: Budget,
    /// The plans to show, in their order.
    pub plans: Vec<Listed>,
    /// The standard plan, against which savings are measured, listed or not.
    pub standard: Listed,
    /// When there are enough replications.
    pub stop: Stop,
    /// Chooses the luck.
    pub seed: u64,
    /// How the luck of the replications is spread.
    pub sampling: Sampling,
    /// Level of the intervals.
    pub level: Level,
    /// What nobody supplied, the ones that matter most first.
    pub assumptions: Vec<Assumption>,
    /// Every key with the value taken.
    pub settings: Vec<(String, String)>,
}

/// When there are enough replications.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stop {
    /// After this many.
    Replications(u64),
    /// When the half-width of every plan's mean cost is at most this share of it.
    HalfWidth(Share),
}

/// A plan and whether it can be bought.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Which plan.
    pub plan: Plan,
    /// Whether it can be bought.
    pub status: Status,
    /// Something to know about it.
    pub note: Option<String>,
}

/// Whether a plan can be bought.
#[derive(Clone, Debug)]
pub enum Status {
    /// At this tariff.
    Offered(Tariff),
    /// Not, and why.
    NotOffered(String),
    /// A price is missing; what to write.
    PriceUnknown(String),
}

impl Listed {
    /// The tariff, where the plan is offered.
    #[must_use]
    pub const fn tariff(&self) -> Option<&Tariff> {
        match &self.status {
            Status::Offered(tariff) => Some(tariff),
            Status::NotOffered(_) | Status::PriceUnknown(_) => None,
        }
    }

    /// The status in results.
    #[must_use]
    pub const fn status_name(&self) -> &'static str {
        match self.status {
            Status::Offered(_) => "offered",
            Status::NotOffered(_) => "not-offered",
            Status::PriceUnknown(_) => "price-unknown",
        }
    }

    /// Why it is not offered, or what to know about it.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match &self.status {
            Status::Offered(_) => self.note.as_deref(),
            Status::NotOffered(reason) | Status::PriceUnknown(reason) => Some(reason),
        }
    }
}

impl Scenario {
    /// Whether a plan's times are known: flex-start's are not without a `flex_wait`.
    #[must_use]
    pub const fn times_known(&self, plan: Plan) -> bool {
        !matches!(plan.course(), Course::FlexStart) || self.workload.market().flex_wait.is_some()
    }

    /// The value taken of a key, given or default, as it shows itself; `None` where there is none.
    #[must_use]
    pub fn setting(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(of, _)| of == key).map(|(_, value)| value.as_str())
    }

    /// The canonical text of everything that decides the result: hashed to name a run.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        let mut settings = self.settings.clone();
        settings.sort();
        for (key, value) in settings {
            text.push_str(&format!("{key} = {value}\n"));
        }
        for listed in self.plans.iter().chain([&self.standard]) {
            text.push_str(&format!("plan {} {}\n", listed.plan.name(), listed.status_name()));
            for line in listed.tariff().into_iter().flat_map(|tariff| &tariff.lines) {
                text.push_str(&format!(
                    "{} {:?} {} {}/h\n",
                    line.component.name(),
                    line.meter,
                    line.price.rate,
                    self.currency
                ));
            }
        }
        text
    }
}
