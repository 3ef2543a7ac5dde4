//! A month of runs: what it costs under each plan, how many fail or come late, how much is there at
//! once and which quota that needs.
//!
//! A month has 730 h, as list prices have. The number of runs in it is taken as given, not as luck;
//! their moments are random (Poisson), which matters for what is there at once. Runs are independent
//! of each other: means, variances and third central moments of their costs add up, and the band is
//! the Cornish–Fisher expansion of the sum's quantiles to the third moment, and never below what
//! the cheapest runs add up to. Source: E. A. Cornish,
//! R. A. Fisher, Revue de l'Institut International de Statistique 5 (1938), 307–320.

use std::collections::BTreeMap;

use super::peak::{Load, Peak};
use super::price_years;
use super::quota::{self, Quota};
use crate::model::billing::Meter;
use crate::model::distribution::normal_upper_quantile;
use crate::model::plan::{Course, Plan};
use crate::montecarlo::estimate::{Estimated, PlanEstimate, cost_at_spot_price};
use crate::montecarlo::observe::Measure;
use crate::montecarlo::{Estimate, PlanAnswer};
use crate::scenario::resolved::Scenario;
use crate::stats::estimator::Estimator;
use crate::stats::interval::Level;
use crate::units::Money;

/// Hours in a month. Source: Google Cloud price pages quote months of 730 h.
pub const HOURS: f64 = 730.0;
/// The share of time in which no more is there at once than is reported.
pub const SELDOM: f64 = 0.99;
/// Of fewer runs the band is rough.
pub const FEW: f64 = 30.0;

/// A month under every plan.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Month {
    /// Runs in the month.
    pub runs: f64,
    /// Hours of the month.
    pub hours: f64,
    /// The Spot prices at whose extremes the money is shown.
    pub spot_prices: Option<Days>,
    /// Whether any run has a deadline.
    pub has_deadline: bool,
    /// Whether the Spot price moves: the money is that of runs spread over the time, which meet one
    /// price.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub price_moves: bool,
    /// The plans, in their order.
    pub plans: Vec<PlanMonth>,
}

/// The days from which prices are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Days {
    /// The first.
    pub from: &'static str,
    /// The last.
    pub to: &'static str,
}

/// A month under one plan. What does not exist is `None`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct PlanMonth {
    /// Which plan.
    pub plan: &'static str,
    /// Why it cannot be bought for all runs.
    pub reason: Option<String>,
    /// What is billed.
    pub money: Option<Band>,
    /// What is billed in a year, where the Spot price moves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub year: Option<Band>,
    /// The mean at the lowest Spot price of the last twelve months.
    pub money_at_spot_low: Option<f64>,
    /// The mean at the highest Spot price of the last twelve months.
    pub money_at_spot_high: Option<f64>,
    /// 1 − Σ cost per completion ÷ Σ standard's, over the runs.
    pub saving: Option<Estimated>,
    /// Runs that do not complete.
    pub failed_runs: Option<f64>,
    /// Runs not completed by their deadline, the failed ones included; `None` without a deadline.
    pub late_runs: Option<f64>,
    /// Submissions that end without completing: where a run is submitted again, more than runs.
    pub failed_submissions: Option<f64>,
    /// What late runs cost; `None` where nobody says.
    pub late_cost: Option<f64>,
    /// What failed submissions cost; `None` where nobody says.
    pub engineer_cost: Option<f64>,
    /// The bill with both; `None` where neither is said.
    pub all_in: Option<f64>,
    /// Runs from submission to the end, gaps between submissions included.
    pub runs_at_once: Option<AtOnce>,
    /// VMs asked for or running.
    pub vms_at_once: Option<AtOnce>,
    /// What those VMs count against.
    pub quotas: Vec<QuotaNeed>,
}

/// A month's total.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Band {
    /// Mean.
    pub mean: f64,
    /// Half-width of its confidence interval: simulation error.
    pub half_width: Option<f64>,
    /// Standard deviation from month to month.
    pub sd: Option<f64>,
    /// 5th percentile of months.
    pub p05: Option<f64>,
    /// 95th percentile of months.
    pub p95: Option<f64>,
}

/// How much is there at once.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct AtOnce {
    /// On average.
    pub mean: f64,
    /// Not exceeded in 99 % of the time, and enough for the largest run alone.
    pub p99: u64,
    /// Whether that follows exactly from the mean stay; else from a normal distribution.
    pub exact: bool,
}

impl From<Peak> for AtOnce {
    fn from(peak: Peak) -> Self {
        Self { mean: peak.mean, p99: peak.most, exact: peak.exact }
    }
}

/// A quota and how much of it is used.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct QuotaNeed {
    /// Its name.
    pub name: String,
    /// Where; empty where no region is named.
    pub region: String,
    /// quoted or inferred: how sure the name is.
    pub confidence: &'static str,
    /// GPUs or CPUs on average.
    pub mean: f64,
    /// Not exceeded in 99 % of the time, and enough for the largest run alone.
    pub p99: u64,
}

/// The month of a scenario that says how often it runs; `None` of any other.
#[must_use]
pub fn of_estimate(scenario: &Scenario, answer: &Estimate) -> Option<Month> {
    let runs = scenario.budget.runs?;
    let mut ledger = Ledger::new(scenario.level);
    ledger.add(scenario, answer, runs.per_hour(), "");
    Some(ledger.month())
}

/// The month under one plan of a scenario that says how often it runs; `None` of any other.
#[must_use]
pub fn of_plan(scenario: &Scenario, answer: &PlanAnswer) -> Option<PlanMonth> {
    let runs = scenario.budget.runs?.per_hour();
    let mut sums = Sums::new(answer.listed.plan);
    sums.add(scenario, answer, runs, "");
    let paths = Paths::of(scenario);
    Some(sums.month(scenario.level, runs * HOURS, scenario.deadline.is_some(), paths.as_ref()))
}

/// Adds up kinds of runs.
pub struct Ledger {
    level: Level,
    per_hour: f64,
    has_deadline: bool,
    spot_prices: Option<Days>,
    paths: Option<Paths>,
    plans: Vec<Sums>,
}

/// Mean prices over a month and over a year along paths of the Spot price, in units of that at the
/// start.
struct Paths {
    month: Vec<f64>,
    year: Vec<f64>,
}

impl Paths {
    fn of(scenario: &Scenario) -> Option<Self> {
        let prices = scenario.spot_prices.as_ref()?;
        let over = |hours| price_years::factors(prices, hours, scenario.seed);
        Some(Self { month: over(HOURS), year: over(price_years::YEAR_H) })
    }
}

/// The sums of one plan, per hour.
struct Sums {
    plan: Plan,
    /// Why it cannot be bought for some of the runs.
    reason: Option<String>,
    money: Estimator,
    /// Variance and third central moment of the money; `None` where some are not known.
    variance: Option<f64>,
    third: Option<f64>,
    /// What the money is at least.
    least: f64,
    /// Of the money, what is paid for Spot machines, and what it would be at the price of the start.
    spot_paid: f64,
    spot_at_first: f64,
    /// Means at the lowest and at the highest Spot price.
    low: f64,
    high: f64,
    pays_spot: bool,
    /// Cost per completion, and that of the standard plan.
    per_completion: Option<(Estimator, Estimator)>,
    failed: Option<f64>,
    late: Option<f64>,
    failed_submissions: Option<f64>,
    late_cost: Option<f64>,
    engineer_cost: Option<f64>,
    /// Whether anybody says what trouble costs.
    trouble_costs: (bool, bool),
    in_progress: Option<f64>,
    vms: Option<Load>,
    quotas: BTreeMap<Quota, Load>,
}

impl Sums {
    fn new(plan: Plan) -> Self {
        Self {
            plan,
            reason: None,
            money: Estimator::exact(0.0),
            variance: Some(0.0),
            third: Some(0.0),
            least: 0.0,
            spot_paid: 0.0,
            spot_at_first: 0.0,
            low: 0.0,
            high: 0.0,
            pays_spot: false,
            per_completion: Some((Estimator::exact(0.0), Estimator::exact(0.0))),
            failed: Some(0.0),
            late: Some(0.0),
            failed_submissions: Some(0.0),
            late_cost: Some(0.0),
            engineer_cost: Some(0.0),
            trouble_costs: (false, false),
            in_progress: Some(0.0),
            vms: Some(Load::default()),
            quotas: BTreeMap::new(),
        }
    }
}

/// A sum of which some parts may not exist.
fn plus(sum: Option<f64>, more: Option<f64>) -> Option<f64> {
    Some(sum? + more?)
}

impl Ledger {
    /// Nothing yet; intervals have this level.
    #[must_use]
    pub const fn new(level: Level) -> Self {
        Self {
            level,
            per_hour: 0.0,
            has_deadline: false,
            spot_prices: None,
            paths: None,
            plans: Vec::new(),
        }
    }

    /// Adds a kind of run of which `per_hour` are submitted in an hour; `which` names it where
    /// there are several.
    pub fn add(&mut self, scenario: &Scenario, answer: &Estimate, per_hour: f64, which: &str) {
        self.per_hour += per_hour;
        self.has_deadline |= scenario.deadline.is_some();
        // Kinds of runs on several machines meet prices that move alike: the wider band.
        if self.paths.is_none() {
            self.paths = Paths::of(scenario);
        }
        if let Some(range) = &scenario.spot_range {
            let days = self.spot_prices.get_or_insert(Days { from: range.from, to: range.to });
            // Days as YYYY-MM-DD are in the order of time.
            *days = Days { from: days.from.min(range.from), to: days.to.max(range.to) };
        }
        for plan in &answer.plans {
            let known = self.plans.iter().position(|sums| sums.plan == plan.listed.plan);
            let index = known.unwrap_or_else(|| {
                self.plans.push(Sums::new(plan.listed.plan));
                self.plans.len() - 1
            });
            self.plans[index].add(scenario, plan, per_hour, which);
        }
    }

    /// What it adds up to in a month.
    #[must_use]
    pub fn month(self) -> Month {
        let paths = self.paths.as_ref();
        let plan =
            |sums: Sums| sums.month(self.level, self.per_hour * HOURS, self.has_deadline, paths);
        Month {
            price_moves: self.paths.is_some(),
            runs: self.per_hour * HOURS,
            hours: HOURS,
            spot_prices: self.spot_prices,
            has_deadline: self.has_deadline,
            plans: self.plans.into_iter().map(plan).collect(),
        }
    }
}

impl Sums {
    fn add(&mut self, scenario: &Scenario, answer: &PlanAnswer, per_hour: f64, which: &str) {
        let Some(estimate) = &answer.estimate else {
            let reason = answer.listed.reason().unwrap_or("no price");
            self.reason.get_or_insert_with(|| format!("{which}{reason}"));
            return;
        };
        let timed = scenario.times_known(estimate.plan);
        let cost = estimate.measure(Measure::Cost);
        let found = estimate.estimators.measures.iter().find(|(of, _)| *of == Measure::Cost);
        let Some(mean) = found.and_then(|(_, mean)| *mean) else { return };
        self.money = sum(self.money, mean.times(per_hour));
        self.variance = plus(self.variance, cost.sd.map(|sd| per_hour * sd * sd));
        let skewness = estimate.of_runs.and_then(|of_runs| of_runs.cost_skewness);
        let third = skewness.zip(cost.sd).map(|(skewness, sd)| per_hour * skewness * sd * sd * sd);
        self.third = plus(self.third, third);
        self.least += per_hour * estimate.of_runs.map_or(0.0, |of_runs| of_runs.least_cost);
        self.add_spot(answer, estimate, per_hour);
        self.add_range(scenario, answer, estimate, mean.value, per_hour);
        self.add_completions(estimate, per_hour);
        self.add_trouble(scenario, estimate, per_hour, timed);
        self.add_presence(scenario, answer, estimate, per_hour, timed);
    }

    /// What Spot machines are paid, and what they would be at the price of the start.
    fn add_spot(&mut self, answer: &PlanAnswer, estimate: &PlanEstimate, per_hour: f64) {
        let lines = answer.listed.tariff().map_or(&[][..], |tariff| &tariff.lines);
        let moving = lines
            .iter()
            .zip(&estimate.line_items)
            .filter(|(line, _)| line.meter == Meter::SpotOverTime);
        for (line, item) in moving {
            self.spot_paid += per_hour * item.amount;
            self.spot_at_first += per_hour * item.quantity * line.price.rate.per_hour();
        }
    }

    /// The means at the lowest and at the highest Spot price; where a kind has no history, as they
    /// are.
    fn add_range(
        &mut self,
        scenario: &Scenario,
        answer: &PlanAnswer,
        estimate: &PlanEstimate,
        mean: f64,
        per_hour: f64,
    ) {
        let at = |spot| cost_at_spot_price(estimate, answer.listed.tariff()?, spot);
        let ends =
            scenario.spot_range.as_ref().and_then(|range| Some((at(range.low)?, at(range.high)?)));
        self.pays_spot |= ends.is_some();
        let (low, high) = ends.unwrap_or((mean, mean));
        self.low += per_hour * low;
        self.high += per_hour * high;
    }

    /// Costs per completion, each beside that of the standard plan: 1 − saving is their ratio.
    fn add_completions(&mut self, estimate: &PlanEstimate, per_hour: f64) {
        let found = &estimate.estimators;
        let standard =
            |own: Estimator, saving: Estimator| own.over(&Estimator::exact(1.0).minus(&saving));
        let pair = found.cost_per_gain.zip(found.saving);
        let pair = pair.and_then(|(own, saving)| Some((own, standard(own, saving)?)));
        self.per_completion = self.per_completion.zip(pair).map(|(sums, (own, standard))| {
            (sum(sums.0, own.times(per_hour)), sum(sums.1, standard.times(per_hour)))
        });
    }

    fn add_trouble(
        &mut self,
        scenario: &Scenario,
        estimate: &PlanEstimate,
        per_hour: f64,
        timed: bool,
    ) {
        let known = |value: Option<f64>| value.filter(|_| timed).map(|value| value * per_hour);
        let failed = known(estimate.failure.map(|failure| failure.value));
        // Without a deadline nothing is late.
        let late = match scenario.deadline {
            Some(_) => known(estimate.on_time.map(|on_time| 1.0 - on_time.value)),
            None => Some(0.0),
        };
        // Of one submission its failure is the run's, whose chance is known better than by counting
        // where it is rare.
        let submissions = match estimate.plan.course() {
            Course::Standard | Course::Spot | Course::FlexStart | Course::Mixed | Course::Base => {
                failed
            }
            Course::SpotResubmit | Course::SpotThenStandard | Course::SpotUntilDeadline => {
                known(estimate.of_runs.map(|of_runs| of_runs.failed_submissions))
            }
        };
        self.failed = plus(self.failed, failed);
        self.late = plus(self.late, late);
        self.failed_submissions = plus(self.failed_submissions, submissions);
        let budget = &scenario.budget;
        self.trouble_costs.0 |= budget.late_cost.is_some();
        self.trouble_costs.1 |= budget.engineer_cost.is_some();
        let costs = |each: Option<Money>, count: Option<f64>| {
            each.map_or(Some(0.0), |each| count.map(|count| count * each.units()))
        };
        self.late_cost = plus(self.late_cost, costs(budget.late_cost, late));
        self.engineer_cost = plus(self.engineer_cost, costs(budget.engineer_cost, submissions));
    }

    /// How long runs are there, and their VMs: waits and uptimes count, gaps do not. Uptime is the
    /// billed one, rounded up to the increment.
    fn add_presence(
        &mut self,
        scenario: &Scenario,
        answer: &PlanAnswer,
        estimate: &PlanEstimate,
        per_hour: f64,
        timed: bool,
    ) {
        let in_progress = estimate.of_runs.and_then(|of_runs| of_runs.in_progress_h);
        let in_progress = in_progress.filter(|_| timed).map(|hours| hours * per_hour);
        self.in_progress = plus(self.in_progress, in_progress);
        let nodes = u64::from(scenario.workload.vms());
        let mean = |measure| estimate.measure(measure).mean;
        let stay = mean(Measure::Waited).zip(mean(Measure::Billed)).filter(|_| timed);
        let Some((waited, billed)) = stay else {
            self.vms = None;
            return;
        };
        let uptime = billed / nodes as f64;
        if let Some(vms) = &mut self.vms {
            vms.add(nodes, per_hour * (waited + uptime));
        }
        let course = estimate.plan.course();
        // What falls back to standard VMs runs under another quota; its wait is counted with Spot's.
        let fallback = match course {
            Course::SpotThenStandard => standard_hours(answer, estimate) / nodes as f64,
            _ => 0.0,
        };
        for (preemptible, stay) in
            [(course != Course::Standard, waited + uptime - fallback), (false, fallback)]
        {
            if let Some((quota, each)) = quota::of_machine(scenario, preemptible) {
                let load = self.quotas.entry(quota).or_default();
                load.add(nodes * u64::from(each), per_hour * stay);
            }
        }
    }

    /// What is billed over a time in which the Spot price moves along one of some paths.
    fn along(&self, factors: &[f64], hours: f64, level: Level) -> Band {
        let money = self.money.times(hours);
        let sd = self.variance.map(|variance| (variance * hours).sqrt());
        let runs = price_years::Runs {
            fixed: money.value - self.spot_paid * hours,
            spot: self.spot_at_first * hours,
            half_width: money.half_width(level),
            sd,
            skewness: self.third.zip(sd).map_or(0.0, |(third, sd)| {
                if sd > 0.0 { third * hours / (sd * sd * sd) } else { 0.0 }
            }),
        };
        price_years::band(&runs, factors, level)
    }

    fn month(
        self,
        level: Level,
        runs: f64,
        has_deadline: bool,
        paths: Option<&Paths>,
    ) -> PlanMonth {
        let trouble_costs = self.trouble_costs;
        let bought = |value: Option<f64>| value.filter(|_| self.reason.is_none());
        let a_month = |value: Option<f64>| bought(value).map(|value| value * HOURS);
        let money = self.money.times(HOURS);
        let band = self.reason.is_none().then(|| {
            let sd = self.variance.map(|variance| (variance * HOURS).sqrt());
            let skewness = self.third.zip(sd).map_or(0.0, |(third, sd)| {
                if sd > 0.0 { third * HOURS / (sd * sd * sd) } else { 0.0 }
            });
            let least = (self.least * HOURS).min(money.value);
            let quantile = |z| sd.map(|sd| quantile(money.value, sd, skewness, z).max(least));
            let z = normal_upper_quantile(0.05);
            Band {
                mean: money.value,
                half_width: money.half_width(level),
                sd,
                p05: quantile(-z),
                p95: quantile(z),
            }
        });
        let band = match paths {
            Some(paths) => band.map(|_| self.along(&paths.month, HOURS, level)),
            None => band,
        };
        let year = paths.filter(|_| band.is_some());
        let year = year.map(|paths| self.along(&paths.year, price_years::YEAR_H, level));
        let late_cost = a_month(self.late_cost).filter(|_| trouble_costs.0);
        let engineer_cost = a_month(self.engineer_cost).filter(|_| trouble_costs.1);
        let part = |said: bool, cost: Option<f64>| if said { cost } else { Some(0.0) };
        let all_in = plus(part(trouble_costs.0, late_cost), part(trouble_costs.1, engineer_cost));
        let all_in = band.as_ref().zip(all_in).map(|(band, trouble)| band.mean + trouble);
        let saving = self.per_completion.filter(|_| self.reason.is_none() && runs > 0.0);
        let saving = saving.and_then(|(own, standard)| {
            if self.plan == Plan::Standard {
                return Some(Estimated { value: 0.0, half_width: Some(0.0) });
            }
            let saving = Estimator::exact(1.0).minus(&own.over(&standard)?);
            Some(Estimated { value: saving.value, half_width: saving.half_width(level) })
        });
        let runs_at_once = bought(self.in_progress).map(|mean| {
            let mut load = Load::default();
            load.add(1, mean);
            load.enough(SELDOM).into()
        });
        let vms = self.vms.as_ref().filter(|_| self.reason.is_none());
        let quotas = self.quotas.iter().filter(|_| vms.is_some()).map(|(quota, load)| {
            let peak = load.enough(SELDOM);
            QuotaNeed {
                name: quota.name.clone(),
                region: quota.region.clone(),
                confidence: quota.confidence,
                mean: peak.mean,
                p99: peak.most,
            }
        });
        PlanMonth {
            plan: self.plan.name(),
            money: band,
            year,
            money_at_spot_low: a_month(self.pays_spot.then_some(self.low)),
            money_at_spot_high: a_month(self.pays_spot.then_some(self.high)),
            saving,
            failed_runs: a_month(self.failed),
            late_runs: a_month(self.late).filter(|_| has_deadline),
            failed_submissions: a_month(self.failed_submissions),
            late_cost,
            engineer_cost,
            all_in: all_in.filter(|_| trouble_costs.0 || trouble_costs.1),
            runs_at_once,
            vms_at_once: vms.map(|vms| vms.enough(SELDOM).into()),
            quotas: quotas.filter(|quota| quota.mean > 0.0).collect(),
            reason: self.reason,
        }
    }
}

fn sum(a: Estimator, b: Estimator) -> Estimator {
    a.minus(&b.times(-1.0))
}

/// A quantile of a sum of many: z standard deviations from the mean, corrected for skewness.
#[must_use]
pub fn quantile(mean: f64, sd: f64, skewness: f64, z: f64) -> f64 {
    mean + sd * (z + (z * z - 1.0) * skewness / 6.0)
}

/// Mean VM-hours billed on standard VMs.
fn standard_hours(answer: &PlanAnswer, estimate: &PlanEstimate) -> f64 {
    let lines = answer.listed.tariff().map_or(&[][..], |tariff| &tariff.lines);
    lines
        .iter()
        .zip(&estimate.line_items)
        .filter(|(line, _)| line.is_standard_machine())
        .map(|(_, item)| item.quantity)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::job::Job;
    use crate::engine::trajectory::JobTrajectory;
    use crate::luck::{Luck, Purpose};
    use crate::model::workload::Workload;
    use crate::montecarlo::replicate::Unwatched;
    use crate::montecarlo::{self, exact};
    use crate::scenario::from_toml;

    const JOB: &str = "
        [workload]
        kind = \"job\"
        work = \"8 h\"
        runs = \"40 / week\"
        [machine]
        service = \"compute-engine\"
        [price]
        standard = \"0.60 USD/h\"
        spot = \"0.20 USD/h\"
        [billing]
        free_if_preempted_within = \"0 s\"
        [restart]
        max_restarts = 0
        [market]
        lifetime = { model = \"exponential\", mean = \"10 h\" }
        [compare]
        plans = [\"standard\", \"spot\", \"spot-resubmit\", \"spot-then-standard\"]
        [simulation]
        replications = 200_000
    ";

    fn scenario(settings: &[&str]) -> Scenario {
        from_toml("a", JOB, settings).unwrap_or_else(|wrong| panic!("{:?}", wrong.found)).0
    }

    fn month(settings: &[&str]) -> Month {
        let scenario = scenario(settings);
        let answer = montecarlo::run(&scenario, 2, &Unwatched).unwrap();
        of_estimate(&scenario, &answer).unwrap()
    }

    fn of<'a>(month: &'a Month, plan: &str) -> &'a PlanMonth {
        month.plans.iter().find(|found| found.plan == plan).unwrap()
    }

    fn near(found: f64, expected: f64, relative: f64) {
        assert!((found / expected - 1.0).abs() < relative, "{found}, not {expected}");
    }

    /// 40 runs a week are 40 × 730 ÷ 168 a month; 8 h at 0.6 each. 40 ÷ 168 × 8 = 1.905 are there on
    /// average; Poisson's cumulative at 5 is 0.987, at 6 0.997. Gangs of four: four times as many.
    #[test]
    fn without_preemption_a_month_is_runs_times_price_times_hours() {
        let month = month(&["market.lifetime=never", "workload.nodes=4"]);
        let runs = 40.0 * 730.0 / 168.0;
        near(month.runs, runs, 1e-14);
        for (plan, price) in [("standard", 0.6), ("spot", 0.2), ("spot-resubmit", 0.2)] {
            let plan = of(&month, plan);
            let money = plan.money.unwrap();
            near(money.mean, runs * 8.0 * 4.0 * price, 1e-14);
            assert_eq!((money.half_width, money.sd), (Some(0.0), Some(0.0)));
            assert_eq!((money.p05, money.p95), (Some(money.mean), Some(money.mean)));
            assert_eq!((plan.failed_runs, plan.failed_submissions), (Some(0.0), Some(0.0)));
            assert_eq!((plan.late_runs, plan.all_in), (None, None));
            let (runs, vms) = (plan.runs_at_once.unwrap(), plan.vms_at_once.unwrap());
            near(runs.mean, 320.0 / 168.0, 1e-14);
            near(vms.mean, 4.0 * 320.0 / 168.0, 1e-14);
            assert_eq!((runs.p99, vms.p99), (6, 24));
        }
        near(of(&month, "spot").saving.unwrap().value, 1.0 - 0.2 / 0.6, 1e-14);
    }

    /// One attempt of w = 8 h at a mean life m = 10 h, a = 0.8: p = e^−a completes. Paid is min(L, w):
    /// mean m(1 − p), second moment 2m²(1 − p(1 + a)). Submitted again until done, (1 − p) ÷ p
    /// submissions fail, each after E[L | L < w] = m − w·p ÷ (1 − p), and one hour passes after each.
    #[test]
    fn one_attempt_per_submission_has_closed_forms() {
        let month = month(&["decide.engineer_cost=80 USD", "restart.max_submissions=10000"]);
        let (m, w, a) = (10.0_f64, 8.0_f64, 0.8_f64);
        let p = libm::exp(-a);
        let runs = month.runs;
        let spot = of(&month, "spot");
        let (first, second) = (m * (1.0 - p), 2.0 * m * m * (1.0 - p * (1.0 + a)));
        let money = spot.money.unwrap();
        near(money.mean, runs * 0.2 * first, 1e-3);
        near(money.sd.unwrap(), 0.2 * (runs * (second - first * first)).sqrt(), 3e-3);
        near(spot.failed_runs.unwrap(), runs * (1.0 - p), 3e-3);
        near(spot.engineer_cost.unwrap(), 80.0 * spot.failed_submissions.unwrap(), 1e-14);
        near(spot.all_in.unwrap(), money.mean + spot.engineer_cost.unwrap(), 1e-14);
        // The band is that of a sum whose terms are bounded: nearly normal.
        let z = 1.644_854;
        let ends = (money.mean - z * money.sd.unwrap(), money.mean + z * money.sd.unwrap());
        near(money.p05.unwrap(), ends.0, 2e-3);
        near(money.p95.unwrap(), ends.1, 2e-3);

        let again = of(&month, "spot-resubmit");
        let failed = (1.0 - p) / p;
        let lost = m - w * p / (1.0 - p);
        assert_eq!(again.failed_runs, Some(0.0));
        near(again.failed_submissions.unwrap(), runs * failed, 5e-3);
        let per_hour = 40.0 / 168.0;
        near(again.runs_at_once.unwrap().mean, per_hour * (w + failed * (lost + 1.0)), 5e-3);
        near(again.vms_at_once.unwrap().mean, per_hour * (w + failed * lost), 5e-3);
        near(again.money.unwrap().mean, runs * 0.2 * (w + failed * lost), 5e-3);
        // The fallback happens at most once.
        near(of(&month, "spot-then-standard").failed_submissions.unwrap(), runs * (1.0 - p), 3e-3);
    }

    /// Late is what is not done by the deadline, failed runs included: P(L < w) of the plan that
    /// tries once.
    #[test]
    fn late_runs_cost_what_they_cost() {
        let month = month(&["workload.deadline=8 h", "decide.late_cost=500 USD"]);
        let spot = of(&month, "spot");
        assert_eq!(spot.late_runs, spot.failed_runs);
        near(spot.late_cost.unwrap(), 500.0 * spot.late_runs.unwrap(), 1e-14);
        near(spot.all_in.unwrap(), spot.money.unwrap().mean + spot.late_cost.unwrap(), 1e-14);
        let standard = of(&month, "standard");
        assert_eq!((standard.late_cost, standard.engineer_cost), (Some(0.0), None));
    }

    /// A sum of 30 exponentials of mean 1 is half of a χ² with 60 degrees of freedom: 5 % and 95 % at
    /// 43.188 and 79.082. Source: Abramowitz & Stegun, table 26.8.
    #[test]
    fn the_band_of_thirty_skewed_runs_is_right_to_two_in_a_thousand() {
        let (sd, skewness) = (30.0_f64.sqrt(), 2.0 / 30.0_f64.sqrt());
        let z = normal_upper_quantile(0.05);
        near(quantile(30.0, sd, skewness, -z), 43.188 / 2.0, 2e-3);
        near(quantile(30.0, sd, skewness, z), 79.082 / 2.0, 2e-3);
    }

    /// One run a month of 1 h, which saves every quarter and is seldom preempted: it never costs less
    /// than its hour.
    #[test]
    fn no_month_costs_less_than_its_cheapest_runs() {
        let settings = [
            "workload.runs=1 / month",
            "workload.work=1 h",
            "checkpoint.every=15 min",
            "restart.max_restarts=6",
        ];
        let month = month(&settings);
        let money = of(&month, "spot").money.unwrap();
        let (sd, p05) = (money.sd.unwrap(), money.p05.unwrap());
        assert!(money.mean - sd < 0.2 && (p05 / 0.2 - 1.0).abs() < 2e-4, "{money:?}");
    }

    /// Failed submissions by counting and by the exact chain's identity, with refusals: 200,000
    /// replications, 5 standard errors of about 0.3 % of a count of some thousands.
    #[test]
    fn failed_submissions_are_the_same_solved_and_simulated() {
        let scenario = scenario(&[
            "restart.max_restarts=1",
            "market.no_capacity_probability=20 %",
            "market.wait=5 min",
            "workload.timeout=none",
        ]);
        let simulated = montecarlo::run(&scenario, 2, &Unwatched).unwrap();
        let solved = exact::run(&scenario, 2).unwrap();
        for (a, b) in simulated.plans.iter().zip(&solved.plans) {
            let of = |plan: &PlanAnswer| plan.estimate.as_ref().unwrap().of_runs.unwrap();
            let (counted, exact) = (of(a), of(b));
            let (counted, exact) = (counted.failed_submissions, exact.failed_submissions);
            assert!((counted - exact).abs() <= 0.015 * exact, "{counted} {exact}");
        }
    }

    /// Two kinds: 8 h four times an hour on one VM, 1 h twice an hour on two; standard at 0.6. Per
    /// completion nothing fails, so the saving is that of the sums.
    #[test]
    fn a_mix_of_two_kinds_by_hand() {
        let mut ledger = Ledger::new(scenario(&[]).level);
        for (settings, per_hour) in [
            (["market.lifetime=never", "workload.nodes=1"], 4.0),
            (["workload.work=1 h", "workload.nodes=2"], 2.0),
        ] {
            let scenario = scenario(&settings);
            let answer = montecarlo::run(&scenario, 1, &Unwatched).unwrap();
            ledger.add(&scenario, &answer, per_hour, "");
        }
        let month = ledger.month();
        assert_eq!(month.runs, 6.0 * 730.0);
        let standard = of(&month, "standard");
        near(standard.money.unwrap().mean, 730.0 * 0.6 * (4.0 * 8.0 + 2.0 * 2.0), 1e-12);
        near(standard.runs_at_once.unwrap().mean, 34.0, 1e-12);
        near(standard.vms_at_once.unwrap().mean, 36.0, 1e-12);
        // Poisson(32) + 2 × Poisson(2): variance 32 + 8, skewness (32 + 16) ÷ 40^1.5 = 0.19; 99 % at
        // 36 + 2.326·6.325 + 0.73·0.19·6.325 = 51.6.
        assert!(standard.vms_at_once.unwrap().p99.abs_diff(52) <= 1);
        // The second kind may be preempted within its hour: p = e^−0.1 completes at once.
        let p = libm::exp(-0.1);
        let spot = of(&month, "spot");
        near(spot.failed_runs.unwrap(), 730.0 * 2.0 * failure_of_gang(p), 0.02);
        let saving = spot.saving.unwrap().value;
        assert!(saving > 0.6 && saving < 1.0 - 0.2 / 0.6, "{saving}");
    }

    /// 100,000 gangs of two submitted at random moments, seed 7, played by the engine: the share of
    /// time with at most the reported number of VMs asked for or running is Poisson's, to 0.003. The
    /// same with every gang's gaps between submissions, for runs. Passing does not prove the
    /// arrivals right: they are Poisson here as there.
    #[test]
    fn what_is_there_at_once_is_what_the_engine_plays() {
        let settings = ["workload.nodes=2", "market.wait={ mean = \"1 h\" }", "workload.work=6 h"];
        let scenario = scenario(&settings);
        let month = month(&settings);
        let plan = of(&month, "spot-resubmit");
        let Workload::Job(model) = &scenario.workload else { unreachable!("a job") };
        let rate = scenario.budget.runs.unwrap().per_hour();
        let (mut vms, mut runs, mut now) = (Vec::new(), Vec::new(), 0.0);
        let mut trajectory = JobTrajectory::default();
        for replication in 0..100_000 {
            let luck = Luck::new(7, replication);
            // No job asks for flex-start capacity here: its address is free.
            now += luck.unit_exponential(Purpose::FlexWait, 0, 0) / rate;
            Job::new(model, Course::SpotResubmit, luck, &mut trajectory).run();
            runs.push((now, now + trajectory.ended.since_start().hours()));
            for attempt in &trajectory.attempts {
                let asked = now + attempt.asked.since_start().hours();
                vms.push((asked, asked + (attempt.wait + attempt.uptime).hours()));
            }
        }
        for (stays, peak, each) in
            [(runs, plan.runs_at_once.unwrap(), 1), (vms, plan.vms_at_once.unwrap(), 2)]
        {
            let mut changes: Vec<(f64, i64)> =
                stays.iter().flat_map(|&(from, to)| [(from, each), (to, -each)]).collect();
            changes.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (mut present, mut before, mut within, mut sum) = (0, 0.0, 0.0, 0.0);
            for (at, change) in changes.into_iter().take_while(|(at, _)| *at <= now) {
                within += if present <= peak.p99 as i64 { at - before } else { 0.0 };
                sum += present as f64 * (at - before);
                (present, before) = (present + change, at);
            }
            near(sum / now, peak.mean, 0.02);
            // Poisson's cumulative at the reported number.
            let mean = peak.mean / each as f64;
            let mut term = libm::exp(-mean);
            let mut below = term;
            for k in 1..=peak.p99 / each as u64 {
                term *= mean / k as f64;
                below += term;
            }
            assert!((within / now - below).abs() < 0.003, "{} {below}", within / now);
            assert!((0.99..0.9999).contains(&below), "{below}");
        }
    }

    /// Two VMs share 90 % of the hazard: 1.1 times that of one.
    fn failure_of_gang(p: f64) -> f64 {
        1.0 - libm::pow(p, 1.1)
    }
}
