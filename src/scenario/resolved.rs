//! A scenario as the engine sees it: fixed numbers only, every plan with its tariff.

use super::budget::Budget;
use super::pools::Pooled;
use super::read::Assumption;
use super::uncertain::Described;
use crate::luck::Sampling;
use crate::model::billing::{BillingRules, Tariff};
use crate::model::leave::Leave;
use crate::model::plan::{Course, Plan};
use crate::model::spot_price::SpotPrices;
use crate::model::tariff::{PriceSheet, Service};
use crate::model::workload::{JobModel, Workload};
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
    /// The machines of several pools or models, where there are several; none where there is one.
    pub pools: Vec<Pooled>,
    /// How used time becomes billed time.
    pub billing: BillingRules,
    /// What the machine costs; of several pools of a job, a VM in the mean.
    pub sheet: PriceSheet,
    /// The Spot price over time, where it moves.
    pub spot_prices: Option<SpotPrices>,
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
    /// What savings are measured against, where `[baseline]` is written.
    pub baseline: Option<Baseline>,
    /// How plans are judged.
    pub decide: Decide,
    /// What was seen of lifetimes.
    pub observed: Option<Observed>,
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
    /// What is known as a range or a distribution only, in words: the figures here are its centres.
    pub uncertain: Vec<Described>,
    /// Every key with the value taken.
    pub settings: Vec<(String, String)>,
}

/// What savings are measured against.
#[derive(Clone, Debug, PartialEq)]
pub struct Baseline {
    /// Which of the three.
    pub against: Against,
    /// In words, after "against".
    pub words: String,
    /// By one's own bill: per completed run, or per serving hour of a replica.
    pub bill: Option<f64>,
}

/// What savings may be measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Standard VMs, as if no commitment and no sustained-use discount existed.
    Standard,
    /// The standard plan as it is paid now.
    Mine,
    /// A figure by hand.
    CurrentBill,
}

impl Against {
    /// Every one, the first the least.
    pub const ALL: [Self; 3] = [Self::Standard, Self::Mine, Self::CurrentBill];

    /// The name in scenarios and results.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Mine => "mine",
            Self::CurrentBill => "current-bill",
        }
    }

    /// The one of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|against| against.name() == name)
    }
}

/// How plans are judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Decide {
    /// What must hold of a plan, as conditions without a plan.
    pub require: Vec<String>,
    /// What then counts.
    pub prefer: Prefer,
}

/// What counts among plans that do what is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// Cost per completion, or per serving hour.
    Cost,
    /// The time by which 95 % have their result.
    Time,
}

/// Preemptions seen in so many VM-hours on Spot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Observed {
    /// VM-hours.
    pub hours: f64,
    /// Preemptions in them.
    pub preemptions: u64,
}

impl Observed {
    /// Level of the interval of what was seen.
    const LEVEL: f64 = 0.95;

    /// The mean lifetime that fits best \[h\]: hours ÷ preemptions; where none was seen, the one
    /// that would show none as often as not.
    #[must_use]
    pub fn mean_h(&self) -> f64 {
        match self.preemptions {
            0 => self.hours / std::f64::consts::LN_2,
            preemptions => self.hours / preemptions as f64,
        }
    }

    /// The mean lifetimes \[h\] that agree with it at 95 %, two-sided; the upper one is missing where
    /// nothing was seen, and the lower one is then one-sided (hours ÷ 3).
    ///
    /// By [`Level::poisson`] and [`Level::poisson_of_none`].
    #[must_use]
    pub fn interval_h(&self) -> (f64, Option<f64>) {
        let Some(level) = Level::new(Self::LEVEL) else { unreachable!("0.95 is a level") };
        if self.preemptions == 0 {
            return (self.hours / level.poisson_of_none(), None);
        }
        let (least, most) = level.poisson(self.preemptions);
        (self.hours / most, Some(self.hours / least))
    }
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

    /// What savings are measured against, in words.
    #[must_use]
    pub fn against(&self) -> &str {
        self.baseline.as_ref().map_or("standard", |baseline| &baseline.words)
    }

    /// The user's own bill that savings are measured against, per completed run or per serving hour of
    /// a replica.
    #[must_use]
    pub fn bill(&self) -> Option<f64> {
        self.baseline.as_ref()?.bill
    }

    /// What nobody supplied under a key.
    #[must_use]
    pub fn assumed(&self, key: &str) -> Option<&Assumption> {
        self.assumptions.iter().find(|assumption| assumption.key == key)
    }

    /// When a plan leaves Spot, from submission, where nothing is saved and no VMs run by then;
    /// `None` where it sets no moment.
    #[must_use]
    pub fn leaves_spot_after(&self, plan: Plan) -> Option<SimDuration> {
        let (job, leave) = self.leave(plan)?;
        Some(leave.moment(job, SimDuration::ZERO).since_start())
    }

    /// How long a plan that leaves Spot for a deadline allows standard VMs to start.
    #[must_use]
    pub fn standard_wait_allowed(&self, plan: Plan) -> Option<SimDuration> {
        Some(self.leave(plan)?.1.standard_wait)
    }

    fn leave(&self, plan: Plan) -> Option<(&JobModel, Leave)> {
        let Workload::Job(job) = &self.workload else { return None };
        let leave = job.leave.filter(|_| plan.course() == Course::SpotUntilDeadline)?;
        Some((job, leave))
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
                if let Some(pool) = &line.pool {
                    text.push_str(&format!("{} × {}: ", pool.vms, pool.name));
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// No preemption in 12 VM-hours: e^(−12 ÷ m) = 5 % at m = 12 ÷ ln 20 = 4.0058 h. Three in 20 h:
    /// the exact Poisson interval of 3 is 0.61867 to 8.76727 (Garwood 1936, table).
    #[test]
    fn what_was_seen_bounds_the_mean_lifetime() {
        let none = Observed { hours: 12.0, preemptions: 0 };
        let (low, high) = none.interval_h();
        assert!((low - 4.005_8).abs() < 1e-3 && high.is_none(), "{low}");
        let three = Observed { hours: 20.0, preemptions: 3 };
        assert!((three.mean_h() - 20.0 / 3.0).abs() < 1e-12);
        let (low, high) = three.interval_h();
        assert!((low - 20.0 / 8.767_27).abs() < 1e-4, "{low}");
        assert!((high.unwrap() - 20.0 / 0.618_67).abs() < 1e-2, "{high:?}");
    }
}
