//! `reconcile`: a frozen prediction against the bill and the jobs that there were.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};

use super::Failure;
use super::input::{read_list, read_text, refused, shell_word};
use super::pilot::day;
use super::write::{Destination, complain};
use crate::evidence::billing_export::{self, Bill, Wanted};
use crate::evidence::history::{self, History, ListKind};
use crate::evidence::prediction::Prediction;
use crate::evidence::reconcile::{Asked, Reconciliation, reconcile};
use crate::evidence::timestamp::Timestamp;
use crate::evidence::{self, Kind};
use crate::model::plan::Plan;
use crate::model::tariff::Service;
use crate::output::{Format, reconcile as shown};
use crate::scenario::source::{Problems, Severity};

/// Arguments of `reconcile`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "PREDICTION is what `stockout pilot SCENARIO --freeze prediction.json` wrote. The bill is the\n\
                  Cloud Billing export to BigQuery, as CSV; the jobs are what\n\
                  `gcloud ai custom-jobs list --format=json` prints.\n\n  \
                  bq query --format=csv --max_rows=1000000 --use_legacy_sql=false '\n    \
                  SELECT service.description AS service_description,\n           \
                  sku.description AS sku_description, usage_start_time, usage_end_time,\n           \
                  TO_JSON_STRING(labels) AS labels, cost, currency,\n           \
                  usage.amount AS usage_amount, usage.unit AS usage_unit,\n           \
                  TO_JSON_STRING(credits) AS credits, cost_type, export_time\n    \
                  FROM `PROJECT.DATASET.gcp_billing_export_v1_ACCOUNT`\n    \
                  WHERE invoice.month = \"202611\"' > export.csv"
)]
pub struct Arguments {
    /// The frozen prediction
    #[arg(value_name = "PREDICTION")]
    prediction: PathBuf,
    /// The billing export, as CSV
    #[arg(long, value_name = "FILE")]
    billing: PathBuf,
    /// The jobs that there were, as JSON
    #[arg(long, value_name = "FILE")]
    jobs: PathBuf,
    /// The plan that was followed [default: the one that was recommended]
    #[arg(
        long,
        value_name = "PLAN",
        value_parser = PossibleValuesParser::new(Plan::ALL.map(Plan::name))
            .map(|name| Plan::of_name(&name).expect("a plan is chosen from its names"))
    )]
    plan: Option<Plan>,
    /// Preemptions that were counted [default: inferred from the hours billed]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000_000_000))]
    preemptions: Option<u64>,
    /// Only rows of the bill with this label, such as team=ranking [repeatable]
    #[arg(long, value_name = "KEY=VALUE", value_parser = label)]
    label: Vec<(String, String)>,
    /// The first day of the period, in UTC [default: the first of the bill]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    from: Option<String>,
    /// The last day of the period, in UTC [default: the last of the bill]
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    to: Option<String>,
    /// Preemptions that a predicted lifetime is worth as evidence, where it was not seen itself
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    prior_weight: u32,
    /// Form of the result
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// No notes, only results, warnings and errors
    #[arg(short, long)]
    quiet: bool,
    #[command(flatten)]
    destination: Destination,
}

fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("a label is written key=value".to_owned()),
    }
}

/// Runs `reconcile`.
pub fn run(arguments: &Arguments) -> Result<(), Failure> {
    let files = [&arguments.prediction, &arguments.billing, &arguments.jobs];
    if files.into_iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::Input("error: only one of the files can be standard input".into()));
    }
    let prediction = read_prediction(arguments)?;
    let asked = asked(arguments, &prediction)?;
    let bill = read_bill(arguments, &prediction, asked.days)?;
    let history = read_jobs(arguments)?;
    let found = reconcile(&prediction, &bill, &history, &asked)
        .map_err(|message| cannot(&message, &bill, &history))?;
    if !arguments.quiet {
        older(&prediction, &found);
    }
    let name = &prediction.scenario;
    arguments.destination.write(&match arguments.format {
        Format::Table => shown::text(&prediction, &found, &go_on(arguments)),
        Format::Markdown => shown::markdown(&prediction, &found),
        Format::Json => shown::json(&prediction, &found),
        Format::Csv => shown::csv(name, &found),
    })
}

fn wrong(message: &str, help: &str) -> Failure {
    Failure::Input(format!("error: {message}\nhelp: {help}"))
}

fn read_prediction(arguments: &Arguments) -> Result<Prediction, Failure> {
    let path = &arguments.prediction;
    let help = "`stockout pilot SCENARIO --freeze prediction.json` writes one";
    let text = read_text(path, help, "a prediction")?;
    Prediction::read(&text)
        .map_err(|message| wrong(&format!("{} is no prediction: {message}", path.display()), help))
}

/// What is asked for, with the plan that was recommended where none is named.
fn asked(arguments: &Arguments, prediction: &Prediction) -> Result<Asked, Failure> {
    let recommended = prediction.recommended.as_deref().and_then(Plan::of_name);
    let Some(plan) = arguments.plan.or(recommended) else {
        let names: Vec<&str> = prediction.plans.iter().map(|plan| plan.plan.as_str()).collect();
        return Err(wrong(
            "the prediction recommends no plan, and none is named",
            &format!("write --plan with the one that was followed: {}", names.join(", ")),
        ));
    };
    let day = |day: &Option<String>| {
        let moment = day.as_ref().map(|day| Timestamp::parse(&format!("{day}T00:00:00Z")));
        moment.and_then(Result::ok).map(Timestamp::day)
    };
    let days = (day(&arguments.from), day(&arguments.to));
    if let (Some(from), Some(to)) = days
        && to < from
    {
        return Err(wrong("--to is before --from", "write the first day and the last one"));
    }
    Ok(Asked {
        plan,
        preemptions: arguments.preemptions,
        prior_weight: arguments.prior_weight,
        days,
    })
}

fn read_bill(
    arguments: &Arguments,
    prediction: &Prediction,
    days: (Option<i64>, Option<i64>),
) -> Result<Bill, Failure> {
    let text = read_list(&arguments.billing, "give the billing export, as CSV")?;
    let mut problems = Problems::default();
    let source = problems.add_source(arguments.billing.display().to_string(), text);
    let service = Service::of_name(&prediction.service).ok_or_else(|| {
        wrong(
            &format!("the prediction's service is {}, which is not known here", prediction.service),
            "freeze it again",
        )
    })?;
    let wanted = Wanted {
        service,
        currency: prediction.currency.clone(),
        machine_type: prediction.machine_type.clone(),
        accelerator: prediction.accelerator.clone(),
        labels: arguments.label.clone(),
        days,
    };
    billing_export::read(source, &wanted, &mut problems).ok_or_else(|| refused(&problems))
}

fn read_jobs(arguments: &Arguments) -> Result<History, Failure> {
    let path = &arguments.jobs;
    let text = read_list(path, "give what `gcloud ai custom-jobs list --format=json` prints")?;
    let kind = match evidence::recognise(&text) {
        Some(Kind::Jobs(kind)) => kind,
        Some(other) => {
            return Err(wrong(
                &format!("{} is {}, not a list of jobs", path.display(), other.name()),
                "give what `gcloud ai custom-jobs list --format=json` prints",
            ));
        }
        None => ListKind::CustomJobs,
    };
    let mut problems = Problems::default();
    let source = problems.add_source(path.display().to_string(), text);
    let history = history::read_history(kind, source, &mut problems);
    let warnings = problems.render(Severity::Warning);
    match history {
        Some(history) => {
            if !warnings.is_empty() {
                complain(warnings.trim_end());
            }
            Ok(history)
        }
        None => Err(refused(&problems)),
    }
}

/// Why nothing can be reconciled, with the accounts of what was read.
fn cannot(message: &str, bill: &Bill, history: &History) -> Failure {
    Failure::Input(format!(
        "error: {message}\nthe bill: {}\nthe jobs: {}",
        bill.account.lines().join("\n"),
        history.account.lines().join("\n")
    ))
}

/// Says where the prediction is younger than the bill: it foresaw nothing.
fn older(prediction: &Prediction, found: &Reconciliation) {
    if prediction.date > found.days.0 {
        complain(&format!(
            "note: the prediction is of {}, the bill begins on {}: what it predicts had begun",
            prediction.date, found.days.0
        ));
    }
}

/// Commands to go on with.
fn go_on(arguments: &Arguments) -> Vec<String> {
    let files = [&arguments.prediction, &arguments.billing, &arguments.jobs];
    if files.iter().any(|path| path.as_os_str() == "-") {
        return Vec::new();
    }
    let [prediction, billing, jobs] = files.map(|path| shell_word(&path.display().to_string()));
    vec![
        format!(
            "stockout reconcile {prediction} --billing {billing} \\\n    --jobs {jobs} --format json -o \
             reconciled.json"
        ),
        "stockout chart reconciled.json --kind reconcile -o reconciled.svg".to_owned(),
    ]
}
