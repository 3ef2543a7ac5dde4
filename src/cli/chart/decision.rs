//! `chart --kind ladder`, `--kind assumptions` and `--kind uncertainty`: what a decision rests on.

use super::{Arguments, Results, unfit, unreadable, wrong};
use crate::cli::Failure;
use crate::cli::estimate::{threads, unassessed};
use crate::cli::input::{Input, Written, refused};
use crate::cli::mix;
use crate::cli::progress::Progress;
use crate::decision::choice::Rules;
use crate::decision::uncertainty::Asked;
use crate::decision::{self, Case, mix_verdict};
use crate::model::plan::Plan;
use crate::montecarlo;
use crate::montecarlo::replicate::RunError;
use crate::output::chart::assumptions::{self, Assumed};
use crate::output::chart::decided;
use crate::output::chart::figures::{self, About};
use crate::output::chart::ladder::{self, Ladder};
use crate::output::chart::scene::Scene;
use crate::output::chart::uncertainty::{self, Split};
use crate::scenario::resolved::Scenario;

/// The saving by mean lifetime.
pub fn ladder(arguments: &Arguments, results: Option<Results>) -> Result<Scene, Failure> {
    let width = arguments.drawing.width();
    if let Some(text) = of_estimate(arguments, results)? {
        let of = decided::ladder(&text).map_err(|message| unreadable(arguments, &message))?;
        return Ok(ladder::ladder(&of, width));
    }
    let input = &arguments.input;
    input.require()?;
    let prices = input.own_prices()?;
    let written = input.read()?;
    if mix::is_mix(&written) {
        return Ok(ladder::ladder(&of_mix(arguments, written, &*prices)?, width));
    }
    decided(arguments, written, &*prices, |case, scenario, _, plan| {
        let plan = preempted(plan.ok_or_else(|| no_spot(scenario))?)?;
        let found = decision::laddered(case, scenario, plan).map_err(failed)?;
        let found = found.ok_or_else(|| no_ladder(scenario, plan))?;
        let breakeven = found.breakeven.as_ref();
        let of = Ladder::of(scenario, &found.ladder, breakeven, found.replications);
        Ok(ladder::ladder(&of.ok_or_else(|| no_ladder(scenario, plan))?, width))
    })
}

/// What each assumption is worth.
pub fn assumptions(arguments: &Arguments, results: Option<Results>) -> Result<Scene, Failure> {
    let width = arguments.drawing.width();
    if let Some(text) = of_estimate(arguments, results)? {
        let read = decided::assumptions(&text).map_err(|message| unreadable(arguments, &message));
        let (rows, plan, about) = read?;
        return Ok(assumptions::assumptions(&rows, &plan, &about, width));
    }
    let input = &arguments.input;
    input.require()?;
    let prices = input.own_prices()?;
    let written = input.read()?;
    if mix::is_mix(&written) {
        return Err(wrong(
            "the assumptions of a list of jobs have no effects of their own",
            "give one of its jobs as a scenario, or write --kind ladder",
        ));
    }
    decided(arguments, written, &*prices, |case, scenario, rules, plan| {
        let plan = plan.ok_or_else(|| no_spot(scenario))?;
        let (register, replications) =
            decision::effects(case, scenario, rules, Some(plan)).map_err(failed)?;
        let about = About::of(scenario, Some(replications));
        Ok(assumptions::assumptions(&Assumed::of(&register), plan.name(), &about, width))
    })
}

/// What uncertain inputs leave open.
pub fn uncertainty(arguments: &Arguments, results: Option<Results>) -> Result<Scene, Failure> {
    let width = arguments.drawing.width();
    if let Some(text) = of_estimate(arguments, results)? {
        let read = decided::uncertainty(&text).map_err(|message| unreadable(arguments, &message));
        return Ok(uncertainty::uncertainty(&read?, width));
    }
    let input = &arguments.input;
    input.require()?;
    let prices = input.own_prices()?;
    let mut written = input.read()?;
    if mix::is_mix(&written) {
        return Err(wrong(
            "what is uncertain of a list of jobs is taken at its centre",
            "give one of its jobs as a scenario",
        ));
    }
    let uncertain = std::mem::take(&mut written.uncertain);
    if uncertain.is_empty() {
        return Err(wrong(
            "nothing is uncertain here: every value is one number",
            "write a range, such as --set 'market.lifetime.mean={ low = \"5 h\", high = \"20 h\" }', or a \
             fit: --set 'market.lifetime={ from = \"fit.toml\" }'",
        ));
    }
    decided(arguments, written, &*prices, |case, scenario, rules, plan| {
        let mut problems = case.sources.clone();
        uncertain.check_ends(case.name, case.root, case.prices, &mut problems);
        if problems.any_error() {
            return Err(refused(&problems));
        }
        let answer = montecarlo::run(scenario, case.threads, case.watch).map_err(failed)?;
        let verdict = rules.choose(scenario, &answer).plan;
        let asked = Asked { uncertain: &uncertain, draws: None, verdict, subject: plan };
        let open = decision::uncertainty::assess(case, (scenario, &answer), rules, &asked);
        let open = open.map_err(unassessed)?;
        let about = About::of(scenario, answer.replications);
        let of = Split::of(&open, verdict.map(Plan::name), about);
        Ok(uncertainty::uncertainty(&of, width))
    })
}

/// The text of results that hold a decision; `None` where a scenario is to be run.
fn of_estimate(arguments: &Arguments, results: Option<Results>) -> Result<Option<String>, Failure> {
    let text = match results {
        None => return Ok(None),
        Some(Results::Estimate(text)) => text,
        Some(other) => {
            let help = "give a scenario or the JSON of `estimate`, or write --kind sweep";
            return Err(unfit(arguments, &other, help));
        }
    };
    if arguments.which.asked().is_some() {
        return Err(wrong(
            "a decision in results is about one plan",
            "leave out --plan, or give the scenario",
        ));
    }
    Ok(Some(text))
}

/// Finishes the scenario, and draws from it with the plan in question.
fn decided(
    arguments: &Arguments,
    written: Written,
    prices: &dyn crate::scenario::machine::Prices,
    draw: impl FnOnce(&Case<'_>, &Scenario, &Rules, Option<Plan>) -> Result<Scene, Failure>,
) -> Result<Scene, Failure> {
    written.tell_centres(arguments.quiet);
    let (scenario, design, mut problems) = Input::finish(written, arguments.quiet, prices)?;
    let Some(rules) = Rules::read(&scenario, &mut problems) else {
        return Err(refused(&problems));
    };
    let threads = threads(arguments.threads);
    let progress = Progress::new(arguments.quiet);
    let case = Case {
        name: &design.name,
        root: &design.root,
        prices,
        sources: &problems,
        threads,
        watch: &progress,
    };
    let drawn = subject(arguments, &case, &scenario, &rules)
        .and_then(|plan| draw(&case, &scenario, &rules, plan));
    progress.finish();
    drawn
}

/// The plan asked for, else the one that the verdict is about.
fn subject(
    arguments: &Arguments,
    case: &Case<'_>,
    scenario: &Scenario,
    rules: &Rules,
) -> Result<Option<Plan>, Failure> {
    if let Some(asked) = arguments.which.asked() {
        let listed = scenario.plans.iter().find(|listed| listed.plan == asked);
        let Some(listed) = listed else {
            let names: Vec<&str> = scenario.plans.iter().map(|listed| listed.plan.name()).collect();
            return Err(wrong(
                &format!("{} is not among the plans compared", asked.name()),
                &format!("they are {}", names.join(", ")),
            ));
        };
        if listed.tariff().is_none() {
            let reason = listed.reason().unwrap_or("it has no price").to_owned();
            return Err(wrong(&format!("{} has no figures", asked.name()), &reason));
        }
        return Ok(Some(asked));
    }
    let answer = montecarlo::run(scenario, case.threads, case.watch).map_err(failed)?;
    Ok(decision::subject(scenario, rules.choose(scenario, &answer).plan))
}

/// Refuses a plan that lifetimes do not concern.
fn preempted(plan: Plan) -> Result<Plan, Failure> {
    if plan.course().uses_spot() {
        return Ok(plan);
    }
    Err(wrong(
        &format!("{} uses no Spot VMs: how long they live does not change it", plan.name()),
        "name a plan on Spot VMs, such as --plan spot, or leave --plan out",
    ))
}

fn failed(error: RunError) -> Failure {
    match error {
        RunError::Interrupted => Failure::Interrupted,
        error => Failure::Run(error.into()),
    }
}

fn no_spot(scenario: &Scenario) -> Failure {
    let names: Vec<&str> = scenario.plans.iter().map(|listed| listed.plan.name()).collect();
    wrong(
        &format!("no plan on Spot VMs can be bought here; compared are {}", names.join(", ")),
        "list spot or spot-resubmit in compare.plans, on a machine that is offered as Spot",
    )
}

fn no_ladder(scenario: &Scenario, plan: Plan) -> Failure {
    if scenario.workload.market().replay().is_some() {
        return wrong(
            "the market is a replayed trace: there is no mean lifetime to vary",
            "`estimate --against-fit` shows the trace beside the lifetime fitted to it",
        );
    }
    if !scenario.workload.market().lifetime.mean_h().is_finite() {
        return wrong(
            "market.lifetime is never: there is no mean lifetime to vary",
            "give a lifetime with a mean, or leave it out",
        );
    }
    wrong(
        &format!("{} has no saving: there is nothing to compare it with", plan.name()),
        "give price.standard, or a machine whose standard price is known",
    )
}

/// The ladder of a list of jobs.
fn of_mix(
    arguments: &Arguments,
    written: Written,
    prices: &dyn crate::scenario::machine::Prices,
) -> Result<Ladder, Failure> {
    let mix = mix::read(written, &arguments.input, arguments.quiet, prices)?;
    let threads = threads(arguments.threads);
    let kinds = mix.list.kinds.len() as u64;
    let progress = Progress::of_jobs(arguments.quiet, kinds * mix.replications);
    let drawn = mix_ladder(arguments, &mix, threads, &progress);
    progress.finish();
    drawn
}

fn mix_ladder(
    arguments: &Arguments,
    mix: &decision::mix::Mix<'_>,
    threads: usize,
    progress: &Progress,
) -> Result<Ladder, Failure> {
    let failed = |(line, error)| match error {
        RunError::Interrupted => Failure::Interrupted,
        error => {
            let error: anyhow::Error = error.into();
            Failure::Run(error.context(format!("line {line} of the list of jobs")))
        }
    };
    let answer = mix.estimate(threads, progress).map_err(failed)?;
    let verdict = mix_verdict::decide(mix, &answer, threads, progress).map_err(failed)?;
    let subject = verdict.subject.and_then(Plan::of_name);
    let Some(plan) = arguments.which.asked().or(subject) else {
        return Err(no_spot(&answer.first));
    };
    let plan = preempted(plan)?;
    if !answer.month.plans.iter().any(|month| month.plan == plan.name() && month.money.is_some()) {
        return Err(wrong(
            &format!("{} has no figures for this list of jobs", plan.name()),
            "leave --plan out, or name one that `estimate` shows with money",
        ));
    }
    let found = mix_verdict::laddered(mix, &answer, plan.name(), threads, progress);
    let Some(found) = found.map_err(failed)? else {
        return Err(wrong(
            "the ladder of a list of jobs needs an exponential lifetime",
            "write lifetime = { model = \"exponential\", mean = \"24 h\" }",
        ));
    };
    let mut about = About::of(&answer.first, Some(mix_verdict::replications(mix)));
    about.machine = format!("{} jobs of {} kinds", mix.list.jobs, mix.list.kinds.len());
    about.prices = figures::prices(answer.prices_as_of.as_deref());
    Ok(Ladder::of_mix(&answer.first, plan, &found, about))
}
