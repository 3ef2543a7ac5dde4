//! The cheapest experiment that settles a verdict: how long to watch Spot VMs, and when to stop.
//!
//! The verdict turns at one mean lifetime: below it the plan without Spot VMs is recommended, above it
//! one on them. A pilot runs single VMs of the same machine and counts VM-hours and preemptions; a
//! sequential test ([`crate::stats::sequential`]) tells the hazard at which the verdict turns from one
//! that is comfortably good. In between either answer costs little, and none is promised.
//!
//! Lifetimes that are not exponential have no single hazard. A pilot VM is taken to run as long as an
//! undisturbed attempt of the workload, or until it is preempted, and to be replaced then: what it
//! shows per VM-hour is F(τ) ÷ ∫₀^τ S(t) dt of the law stretched to the mean in question.

use libm::exp;
use serde::Serialize;

use super::breakeven::{self, PLAUSIBLE_H, away};
use super::choice::Rules;
use super::register;
use super::unknown::{Change, Dial};
use super::{Case, shortened};
use crate::luck::{Luck, Purpose, ln};
use crate::model::capacity::Capacity;
use crate::model::lifetime::Lifetime;
use crate::model::plan::Plan;
use crate::model::workload::Workload;
use crate::montecarlo::Estimate;
use crate::montecarlo::replicate::RunError;
use crate::scenario::resolved::{Listed, Observed, Scenario, Status, Stop};
use crate::stats::sequential::{self, Stand, Test};
use crate::units::SimDuration;

/// What an experiment is to keep.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// The chance to move to Spot where the verdict turns.
    pub alpha: f64,
    /// The chance to stay where lifetimes are comfortably long.
    pub beta: f64,
    /// The mean lifetime that is comfortably long \[h\]; `None` to find one.
    pub good_h: Option<f64>,
    /// VMs that are watched at once.
    pub vms: u32,
}

/// The mean lifetime taken where a scenario says that VMs are never preempted \[h\]: a week.
const NEVER_MEANS_H: f64 = 168.0;
/// A comfortable mean lifetime is at least so many times the one at which the verdict turns: two
/// rates that are closer take weeks to tell apart.
pub const LEAST_RATIO: f64 = 2.0;

/// What would settle the verdict.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pilot {
    /// What is recommended at the lifetime taken.
    pub now: Option<&'static str>,
    /// The mean lifetime taken \[h\]; `None` where VMs are never preempted.
    pub taken_h: Option<f64>,
    /// The plan on Spot VMs that is recommended where VMs live long enough; `None` where none is.
    pub spot_plan: Option<&'static str>,
    /// What is recommended where they do not; `None` where no plan does what is required.
    pub other_plan: Option<&'static str>,
    /// The mean lifetime at which the verdict turns \[h\].
    pub turns_at_h: Option<f64>,
    /// The mean lifetime that is comfortably long \[h\].
    pub good_h: Option<f64>,
    /// Why that one, in words.
    pub good_because: Option<String>,
    /// Why no experiment is needed; `None` where one is.
    pub not_needed: Option<String>,
    /// The experiment, where one is needed.
    pub experiment: Option<Experiment>,
    /// What is taken as given.
    pub assumed: Vec<String>,
}

/// An experiment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Experiment {
    /// The chance asked for to move where the verdict turns.
    pub alpha: f64,
    /// The chance asked for to stay where lifetimes are comfortably long.
    pub beta: f64,
    /// VMs watched at once.
    pub vms: u32,
    /// When to stop: a row for every number of preemptions.
    pub rule: Vec<Rule>,
    /// The most VM-hours that are still to be watched.
    pub at_most_h: f64,
    /// So many preemptions end it at any time.
    pub at_most_preemptions: u32,
    /// The most VM-hours without stopping early, and the most preemptions that then speak for Spot.
    pub without_early_stops: (f64, u32),
    /// What was seen before, which counts.
    pub seen: Option<Seen>,
    /// The chance to err where the verdict turns and where lifetimes are comfortably long, computed
    /// exactly over all that may be seen: what was seen before is one of the chances.
    pub errors: (f64, f64),
    /// The same with the law itself instead of Poisson's counts, by simulated pilots; `None` where
    /// lifetimes are exponential, for which those are exact, or where something was seen before.
    pub errors_of_law: Option<(f64, f64)>,
    /// What becomes of it at several mean lifetimes.
    pub courses: Vec<CourseRow>,
    /// Price of a Spot VM-hour, fee and disk included.
    pub spot_per_h: Option<f64>,
    /// Price of a standard VM-hour.
    pub standard_per_h: Option<f64>,
}

/// What was seen before the experiment.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Seen {
    /// VM-hours.
    pub hours: f64,
    /// Preemptions in them.
    pub preemptions: u64,
}

/// When to stop at a number of preemptions; VM-hours include those seen before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rule {
    /// Preemptions so far.
    pub preemptions: u32,
    /// Stay where they came within so many VM-hours; `None` where they never decide so.
    pub stay_within_h: Option<f64>,
    /// Move where no more have come in so many; `None` of the last row, which always stays.
    pub move_after_h: Option<f64>,
}

/// What becomes of an experiment at one mean lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct CourseRow {
    /// Which one: `turns`, `between`, `good`, `taken`.
    pub which: &'static str,
    /// Mean lifetime \[h\].
    pub mean_h: f64,
    /// Chance that it says move; after what was seen, where anything was.
    pub says_move: f64,
    /// Mean VM-hours still to be watched.
    pub hours: f64,
    /// The same in days, with so many VMs at once.
    pub days: f64,
    /// What those VM-hours cost on Spot.
    pub spot_cost: Option<f64>,
    /// What they would cost on standard VMs.
    pub standard_cost: Option<f64>,
}

/// Plans an experiment.
///
/// # Errors
/// A run that fails or is interrupted.
pub fn pilot(
    case: &Case<'_>,
    scenario: &Scenario,
    rules: &Rules,
    asked: &Asked,
) -> Result<Pilot, RunError> {
    let (mut base, _) = shortened(scenario);
    let mut pilot = Pilot {
        now: None,
        taken_h: Some(base.workload.market().lifetime.mean_h()).filter(|mean| mean.is_finite()),
        spot_plan: None,
        other_plan: None,
        turns_at_h: None,
        good_h: None,
        good_because: None,
        not_needed: None,
        experiment: None,
        assumed: Vec::new(),
    };
    let is_replayed = base.workload.market().replay().is_some();
    if pilot.taken_h.is_none() && !is_replayed {
        base.workload.market_mut().set_lifetime(Lifetime::Exponential { mean_h: NEVER_MEANS_H });
        pilot.assumed.push(
            "the scenario says that VMs are never preempted; whether that is so is what a pilot \
             asks: lifetimes are taken as exponential here"
                .into(),
        );
    }
    let taken_h = base.workload.market().lifetime.mean_h();
    let here = case.run(std::slice::from_ref(&base))?;
    let chosen = rules.choose(&base, &here[0]).plan;
    pilot.now = chosen.map(Plan::name);
    let no_spot = base
        .plans
        .iter()
        .filter(|listed| listed.plan.course().uses_spot())
        .all(|listed| listed.tariff().is_none());
    if no_spot {
        let reason = base.plans.iter().find(|listed| listed.plan.course().uses_spot());
        let reason = reason.and_then(Listed::reason).unwrap_or("none is listed in compare.plans");
        pilot.not_needed = Some(format!("no plan on Spot VMs can be bought: {reason}"));
        return Ok(pilot);
    }
    if is_replayed {
        pilot.not_needed = Some(format!(
            "the market is a replayed trace, in which VMs live until it drops: there is no mean lifetime \
             that a pilot could learn. At the trace, {} is recommended",
            chosen.map_or("no plan that does what is required", Plan::name)
        ));
        return Ok(pilot);
    }
    let moves = |scenario: &Scenario, estimate: &Estimate| {
        rules.choose(scenario, estimate).plan.is_some_and(|plan| plan.course().uses_spot())
    };
    let moves_here = moves(&base, &here[0]);
    let same = |scenario: &Scenario, estimate: &Estimate| moves(scenario, estimate) == moves_here;
    let factor = if moves_here { 0.5 } else { 2.0 };
    let turn = away(case, &base, Dial::MeanLifetime, taken_h, factor, &same)?;
    let name = |plan: Option<Plan>| plan.map_or("no plan that does what is required", Plan::name);
    let Some(turn) = turn else {
        pilot.not_needed = Some(if moves_here {
            pilot.spot_plan = chosen.map(Plan::name);
            format!(
                "{} is recommended at every mean lifetime from a minute to the {} taken: no rate of \
                 preemptions that is plausible changes it",
                name(chosen),
                hours(taken_h)
            )
        } else {
            pilot.other_plan = chosen.map(Plan::name);
            format!(
                "{} is recommended at every mean lifetime from the {} taken to {} h: Spot does not \
                 pay however long VMs live",
                name(chosen),
                hours(taken_h),
                PLAUSIBLE_H.end()
            )
        });
        return Ok(pilot);
    };
    pilot.turns_at_h = Some(turn);
    // A little to both sides of the turn: the bracket ends a third of a percent wide.
    let beside = [turn * 1.02, turn / 1.02].map(|mean_h| at(case, &base, mean_h, None));
    let [Some(long), Some(short)] = beside else {
        unreachable!("another mean makes the same scenario");
    };
    let sides = case.run(&[long.clone(), short.clone()])?;
    let spot = rules.choose(&long, &sides[0]).plan.filter(|plan| plan.course().uses_spot());
    let spot = spot.or_else(|| chosen.filter(|plan| plan.course().uses_spot()));
    let other = rules.choose(&short, &sides[1]).plan.filter(|plan| !plan.course().uses_spot());
    let Some(spot) = spot.or_else(|| super::subject(&base, chosen)) else {
        unreachable!("a plan on Spot VMs is offered");
    };
    pilot.spot_plan = Some(spot.name());
    pilot.other_plan = other.map(Plan::name);

    let (good_h, because) = match asked.good_h {
        Some(good) => (good, "as asked".to_owned()),
        None => comfortable(case, &base, spot, turn)?,
    };
    pilot.good_h = Some(good_h);
    pilot.good_because = Some(because);
    if good_h < turn * 1.2 {
        // A caller who asks for one is told; what is found here is farther away.
        pilot.not_needed = Some(format!(
            "a mean lifetime of {} is not to be told from the {} at which the verdict turns; ask for \
             a longer one",
            hours(good_h),
            hours(turn)
        ));
        return Ok(pilot);
    }
    experiment(&base, spot, (turn, good_h), asked, scenario.observed, &mut pilot);
    Ok(pilot)
}

/// The scenario at another mean lifetime, with one plan alone where one is named.
fn at(case: &Case<'_>, base: &Scenario, mean_h: f64, plan: Option<Plan>) -> Option<Scenario> {
    let mut scenario = case.with(base, &[&Change::MeanLifetime(mean_h)])?;
    if matches!(base.stop, Stop::Replications(_)) {
        scenario.stop = Stop::Replications(breakeven::fewer(base, mean_h));
    }
    if let Some(plan) = plan {
        scenario.plans.retain(|listed| listed.plan == plan);
    }
    Some(scenario)
}

/// The mean lifetime at which half of the way from the turn's saving to that of VMs that are never
/// preempted is made, and why; at least twice the turn.
fn comfortable(
    case: &Case<'_>,
    base: &Scenario,
    spot: Plan,
    turn: f64,
) -> Result<(f64, String), RunError> {
    let saving = |mean_h: f64| -> Result<Option<f64>, RunError> {
        let Some(scenario) = at(case, base, mean_h, Some(spot)) else { return Ok(None) };
        let estimates = case.run(std::slice::from_ref(&scenario))?;
        let found = register::find(&estimates[0], spot).and_then(|found| found.estimate.as_ref());
        Ok(found.and_then(|found| found.saving).map(|saving| saving.mean))
    };
    let least = turn * LEAST_RATIO;
    let twice = || {
        let because = format!(
            "{LEAST_RATIO:.0} times the one at which the verdict turns: closer ones take long to tell \
             apart"
        );
        (least, because)
    };
    let most = *PLAUSIBLE_H.end();
    let (Some(at_turn), Some(at_most)) = (saving(turn * 1.02)?, saving(most)?) else {
        return Ok(twice());
    };
    let half = 0.5 * (at_turn + at_most);
    if least >= most || saving(least)?.is_some_and(|saving| saving >= half) {
        return Ok(twice());
    }
    let (mut near, mut far) = (least, most);
    for _ in 0..8 {
        let middle = exp(0.5 * (ln(near) + ln(far)));
        if saving(middle)?.is_some_and(|saving| saving >= half) {
            far = middle;
        } else {
            near = middle;
        }
    }
    let because = format!(
        "there {} saves {:.0} %, halfway from the {:.0} % where the verdict turns to the {:.0} % of \
         VMs that live for ever",
        spot.name(),
        half * 100.0,
        at_turn * 100.0,
        at_most * 100.0
    );
    Ok((far, because))
}

/// Fills in the experiment, or why none is needed after what was seen.
fn experiment(
    base: &Scenario,
    spot: Plan,
    (turn, good_h): (f64, f64),
    asked: &Asked,
    seen: Option<Observed>,
    pilot: &mut Pilot,
) {
    let law = base.workload.market().lifetime;
    let longest = longest_h(&base.workload);
    let is_exponential = matches!(law, Lifetime::Exponential { .. });
    let rate = |mean_h: f64| rate(&law.scaled(mean_h / law.mean_h()), longest);
    let test_of = sequential::Asked {
        high: rate(turn),
        low: rate(good_h),
        alpha: asked.alpha,
        beta: asked.beta,
    };
    let before = seen.map_or((0.0, 0), |seen| (seen.hours, seen.preemptions));
    let beyond = (before.0, u32::try_from(before.1).unwrap_or(u32::MAX / 4));
    assume(base, longest, pilot);
    let (Some(test), Some(fixed)) =
        (sequential::design(&test_of, (0.0, 0)), sequential::fixed(&test_of))
    else {
        pilot.not_needed = Some(format!(
            "mean lifetimes of {} and {} are too close to be told apart with these error rates; allow \
             more errors, or ask for a longer comfortable lifetime",
            hours(turn),
            hours(good_h)
        ));
        return;
    };
    let test = if before.0 > 0.0 {
        match test.stand(before.0, before.1) {
            Stand::Open => sequential::design(&test_of, beyond).unwrap_or(test),
            stand => {
                let verdict = match stand {
                    Stand::Low => format!("move to {}", spot.name()),
                    _ => pilot.other_plan.map_or_else(
                        || "no plan does what is required".to_owned(),
                        |other| format!("stay on {other}"),
                    ),
                };
                pilot.not_needed = Some(format!(
                    "{} preemptions in {} of VM time settle it: {verdict} (errors {:.0} % and {:.0} % at \
                     most)",
                    before.1,
                    SimDuration::from_hours_nearest(before.0),
                    asked.alpha * 100.0,
                    asked.beta * 100.0
                ));
                return;
            }
        }
    } else {
        test
    };
    let per_hour = |listed: Option<&Listed>, capacity| match listed.map(|listed| &listed.status) {
        Some(Status::Offered(tariff)) => Some(tariff.per_hour(capacity).per_hour()),
        _ => None,
    };
    let listed = base.plans.iter().find(|listed| listed.plan == spot);
    let spot_per_h = per_hour(listed, Capacity::Spot);
    let standard_per_h = per_hour(Some(&base.standard), Capacity::Standard);
    let between = (turn * good_h).sqrt();
    let mut means = vec![("turns", turn), ("between", between), ("good", good_h)];
    means.extend(pilot.taken_h.map(|taken| ("taken", taken)));
    let from = u32::try_from(before.1).unwrap_or(u32::MAX);
    let whole = |mean_h: f64| match seen {
        Some(seen) => test.course_with_first_look(rate(mean_h), seen.hours),
        None => test.course(rate(mean_h)),
    };
    let row = |(which, mean_h): (&'static str, f64)| {
        let course = test.course_from(rate(mean_h), before.0, from);
        CourseRow {
            which,
            mean_h,
            says_move: course.says_low,
            hours: course.time,
            days: course.time / 24.0 / f64::from(asked.vms),
            spot_cost: spot_per_h.map(|price| price * course.time),
            standard_cost: standard_per_h.map(|price| price * course.time),
        }
    };
    pilot.experiment = Some(Experiment {
        alpha: asked.alpha,
        beta: asked.beta,
        vms: asked.vms,
        rule: rule(&test, before),
        at_most_h: test.longest() - before.0,
        at_most_preemptions: test.most,
        without_early_stops: (fixed.time, fixed.events),
        seen: seen.map(|seen| Seen { hours: seen.hours, preemptions: seen.preemptions }),
        courses: means.into_iter().map(row).collect(),
        errors: (whole(turn).says_low, whole(good_h).says_high),
        errors_of_law: (!is_exponential && seen.is_none()).then(|| {
            let low = |mean_h: f64| {
                says_low(&test, &law.scaled(mean_h / law.mean_h()), longest, base.seed)
            };
            (low(turn), 1.0 - low(good_h))
        }),
        spot_per_h,
        standard_per_h,
    });
}

/// The rows that can still be met.
fn rule(test: &Test, (hours, preemptions): (f64, u64)) -> Vec<Rule> {
    (0..=test.most)
        .filter(|&events| u64::from(events) >= preemptions)
        .map(|events| Rule {
            preemptions: events,
            stay_within_h: test
                .high_by(events)
                .map(|by| by.min(test.longest()))
                .filter(|by| *by > hours),
            move_after_h: (events < test.most).then(|| test.low_at(events)),
        })
        .collect()
}

/// What is taken as given.
fn assume(base: &Scenario, longest: f64, pilot: &mut Pilot) {
    let market = base.workload.market();
    let mut say = |words: String| pilot.assumed.push(words);
    say("preemptions of the pilot's VMs are independent of each other, and the weeks to come are like \
         the days watched; VMs that die at one moment count once"
        .into());
    if !matches!(market.lifetime, Lifetime::Exponential { .. }) {
        let runs = if longest.is_finite() {
            format!("{}, as long as an undisturbed run,", hours(longest))
        } else {
            "until it is preempted".to_owned()
        };
        say(format!(
            "lifetimes are not exponential: every VM of the pilot runs {runs} and is replaced; counts \
             are taken as Poisson's at the rate that the stretched law then shows"
        ));
    }
    if market.zones.is_some() {
        say("the market has zones with a memory: shocks and scarce hours bring preemptions together, \
             and the error rates hold for independent ones; spread the pilot over several days"
            .into());
    }
    if base.workload.gang_size() > 1 {
        say("VMs are watched one by one, not as a gang".into());
    }
}

/// How long an undisturbed attempt runs \[h\]; infinite of an endpoint, whose replicas run until they
/// are preempted.
fn longest_h(workload: &Workload) -> f64 {
    match workload {
        Workload::Job(job) => job.program.uptime_needed(job.work, false).hours(),
        Workload::Batch(batch) => batch.undisturbed(SimDuration::ZERO).hours(),
        Workload::Endpoint(_) => f64::INFINITY,
    }
}

/// Preemptions per VM-hour of VMs that run until an age, or until they are preempted, and are
/// replaced: F(τ) ÷ ∫₀^τ S(t) dt.
#[must_use]
pub fn rate(law: &Lifetime, longest_h: f64) -> f64 {
    if let Lifetime::Exponential { mean_h } = law {
        return 1.0 / mean_h;
    }
    if !longest_h.is_finite() {
        return 1.0 / law.mean_h();
    }
    let survival = |age: f64| exp(-law.cumulative_hazard(age));
    // Simpson's rule over u with t = τ·u³: laws with many early deaths are steep at 0.
    const CELLS: u32 = 2_000;
    let width = 1.0 / f64::from(CELLS);
    let mut sum = 0.0;
    for cell in 0..=CELLS {
        let u = f64::from(cell) * width;
        let weight = match cell {
            0 | CELLS => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        sum += weight * 3.0 * u * u * survival(longest_h * u * u * u);
    }
    (1.0 - survival(longest_h)) / (sum * width / 3.0 * longest_h)
}

/// Pilots that are simulated: an error rate of 5 % is known to ± 0.3 points.
const PILOTS: u64 = 20_000;

/// The share of pilots that decide for long lifetimes, with VMs that follow a law, each replaced when it
/// is preempted or reaches an age.
fn says_low(test: &Test, law: &Lifetime, longest_h: f64, seed: u64) -> f64 {
    let mut low = 0_u64;
    for pilot in 0..PILOTS {
        let luck = Luck::new(seed, pilot);
        let (mut now, mut events, mut vm) = (0.0, 0_u32, 0_u32);
        low += u64::from(loop {
            let age = law.age_at(luck.unit_exponential(Purpose::Lifetime, 0, vm));
            vm += 1;
            let ends = now + age.min(longest_h);
            if ends > test.low_at(events) {
                break true;
            }
            now = ends;
            events += u32::from(age <= longest_h);
            if age <= longest_h && test.high_by(events).is_some_and(|by| now <= by) {
                break false;
            }
        });
    }
    low as f64 / PILOTS as f64
}

/// A duration in words.
fn hours(value: f64) -> String {
    if value < 1.5 { format!("{:.0} min", value * 60.0) } else { format!("{value:.1} h") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::montecarlo::replicate::Unwatched;
    use crate::scenario::machine::NoPriceFile;
    use crate::scenario::source::Problems;
    use crate::scenario::{tree, validate};

    const JOB: &str = "
        [workload]
        kind = \"job\"
        work = \"8 h\"
        [machine]
        service = \"compute-engine\"
        [price]
        standard = \"0.60 USD/h\"
        spot = \"0.20 USD/h\"
        [billing]
        free_if_preempted_within = \"0 s\"
        [restart]
        max_restarts = \"unlimited\"
        [market]
        lifetime = { model = \"exponential\", mean = \"10 h\" }
        [compare]
        plans = [\"standard\", \"spot\"]
        [simulation]
        replications = 20_000
    ";
    const ASKED: Asked = Asked { alpha: 0.05, beta: 0.1, good_h: None, vms: 1 };

    fn plan_with(settings: &[&str], asked: &Asked) -> Pilot {
        plan_of(JOB, settings, asked)
    }

    fn plan_of(job: &str, settings: &[&str], asked: &Asked) -> Pilot {
        let mut problems = Problems::default();
        let source = problems.add_source("a", job);
        let mut root = tree::read_toml(source, &mut problems);
        for setting in settings {
            tree::apply_set(&mut root, setting, &mut problems);
        }
        let scenario = validate::validate("a", &root, &NoPriceFile, &mut problems)
            .unwrap_or_else(|| panic!("{:?}", problems.found));
        let rules = Rules::read(&scenario, &mut problems).unwrap();
        let case = Case {
            name: "a",
            root: &root,
            prices: &NoPriceFile,
            sources: &problems,
            threads: 2,
            watch: &Unwatched,
        };
        pilot(&case, &scenario, &rules, asked).unwrap()
    }

    /// Under a path whose only price is the constant one, a VM-hour of the pilot costs 0.20 USD as without.
    #[test]
    fn a_vm_hour_on_a_price_path_costs_its_first_price() {
        let job = JOB.replace("spot = \"0.20 USD/h\"", "");
        let path = "price.path.points=[[\"2026-01-01\", \"0.20 USD/h\"]]";
        let settings = [path, "price.path.then=stay", "simulation.start=2026-02-01"];
        for pilot in [plan_with(&[], &ASKED), plan_of(&job, &settings, &ASKED)] {
            assert_eq!(pilot.experiment.unwrap().spot_per_h, Some(0.2));
        }
    }

    /// All work of w = 8 h is lost at a preemption: the mean billed time is m(e^(w/m) − 1), and Spot is
    /// recommended where it costs a hundredth less than 0.6·8: (e^x − 1)/x = 3/1.01 at x = 1.8918, so
    /// m = 4.229 h.
    #[test]
    fn the_verdict_turns_where_the_closed_form_says() {
        let pilot = plan_with(&[], &ASKED);
        assert_eq!((pilot.spot_plan, pilot.other_plan), (Some("spot"), Some("standard")));
        let turn = pilot.turns_at_h.unwrap();
        assert!((turn / 4.229 - 1.0).abs() < 0.02, "{turn}");
        let experiment = pilot.experiment.unwrap();
        let [turns, between, good, taken] = &experiment.courses[..] else { panic!() };
        assert!(turns.says_move <= 0.05 && turns.says_move > 0.0499, "{turns:?}");
        assert!(good.says_move >= 0.9, "{good:?}");
        assert!(between.hours > turns.hours.min(good.hours));
        assert_eq!(taken.mean_h, 10.0);
        assert!((good.spot_cost.unwrap() - 0.2 * good.hours).abs() < 1e-9);
        assert!((good.standard_cost.unwrap() - 0.6 * good.hours).abs() < 1e-9);
        assert!(good.hours < experiment.without_early_stops.0);
        assert!(experiment.rule.last().unwrap().move_after_h.is_none());
        // More VMs take as many VM-hours and fewer days.
        let many = plan_with(&[], &Asked { vms: 4, ..ASKED }).experiment.unwrap();
        assert_eq!(many.courses[2].hours, good.hours);
        assert!((many.courses[2].days * 4.0 / good.days - 1.0).abs() < 1e-12);
    }

    #[test]
    fn where_spot_always_or_never_pays_no_experiment_is_needed() {
        let never = plan_with(&["price.spot=0.7 USD/h"], &ASKED);
        assert!(never.not_needed.unwrap().contains("however long"), "{:?}", never.experiment);
        let always = plan_with(&["workload.work=5 s"], &ASKED);
        assert!(always.not_needed.unwrap().contains("every mean lifetime"));
        let none = plan_with(&["compare.plans=[\"standard\"]"], &ASKED);
        assert!(none.not_needed.unwrap().contains("no plan on Spot VMs"));
        let sure = plan_with(&["market.lifetime=never"], &ASKED);
        assert!(sure.experiment.is_some() && sure.taken_h.is_none());
    }

    #[test]
    fn what_was_seen_counts() {
        let seen = |hours: &str, preemptions: &str| {
            let hours = format!("market.observed_hours={hours}");
            let preemptions = format!("market.observed_preemptions={preemptions}");
            plan_with(
                &["market={ notice = \"30 s\" }", hours.as_str(), preemptions.as_str()],
                &ASKED,
            )
        };
        let settled = seen("200 h", "5");
        assert!(settled.not_needed.unwrap().contains("move to spot"), "{:?}", settled.experiment);
        let settled = seen("20 h", "12");
        assert!(settled.not_needed.unwrap().contains("stay on standard"));
        let open = seen("10 h", "1").experiment.unwrap();
        let fresh = plan_with(&[], &ASKED).experiment.unwrap();
        assert_eq!(open.rule[0].preemptions, 1);
        let left = |experiment: &Experiment| experiment.courses[2].hours;
        assert!(left(&open) < left(&fresh), "{} {}", left(&open), left(&fresh));
    }

    /// With an exponential law simulated pilots err as computed: 20,000 of them, seed 3, 4 standard
    /// errors. With a Weibull of shape 0.6 whose VMs are replaced after 8 h they err otherwise, and that
    /// is said.
    #[test]
    fn pilots_of_the_law_itself_are_simulated() {
        let asked = sequential::Asked { high: 0.25, low: 0.1, alpha: 0.05, beta: 0.1 };
        let test = sequential::design(&asked, (0.0, 0)).unwrap();
        for (mean_h, chance) in [(4.0, 0.05_f64), (10.0, 0.9)] {
            let found = says_low(&test, &Lifetime::Exponential { mean_h }, 8.0, 3);
            let error = (chance * (1.0 - chance) / PILOTS as f64).sqrt();
            assert!((found - chance).abs() < 4.0 * error, "{mean_h}: {found}");
        }
        let weibull = "market.lifetime={ model = \"weibull\", shape = 0.6, scale = \"7 h\" }";
        let experiment = plan_with(&[weibull], &ASKED).experiment.unwrap();
        let (bad, good) = experiment.errors_of_law.unwrap();
        assert!(bad > 0.02 && bad < 0.15 && good > 0.02 && good < 0.2, "{bad} {good}");
        assert!(plan_with(&[], &ASKED).experiment.unwrap().errors_of_law.is_none());
    }

    /// A Weibull of shape 1 is an exponential; VMs of shape 2 that are replaced early show fewer
    /// preemptions per hour than those that run on.
    #[test]
    fn the_rate_that_replaced_vms_show() {
        let one = rate(&Lifetime::Weibull { shape: 1.0, scale_h: 5.0 }, 8.0);
        assert!((one - 0.2).abs() < 1e-9, "{one}");
        let law = Lifetime::weibull_of_mean(2.0, 5.0);
        assert!(rate(&law, 1.0) < rate(&law, 8.0));
        assert!((rate(&law, 1e4) - 0.2).abs() < 1e-3);
        // Shape ½: S = e^(−√(t/s)), ∫₀^τ S = 2s(1 − (1 + y)e^(−y)) with y = √(τ/s).
        let law = Lifetime::Weibull { shape: 0.5, scale_h: 2.0 };
        let y = 2.0_f64;
        let exact = (1.0 - exp(-y)) / (4.0 * (1.0 - (1.0 + y) * exp(-y)));
        assert!((rate(&law, 8.0) / exact - 1.0).abs() < 1e-6, "{} {exact}", rate(&law, 8.0));
    }
}
