//! Evidence → the values that a scenario can have from it, each with where it comes from.

use super::history::{History, ListKind, Requests};
use super::mix::MixRow;
use super::past_job::{Capacity, FailureClass};
use super::replica_series::{Availability, ReplicaSeries};
use super::waits::{WaitLaw, Waits};
use crate::scenario::source::Place;
use crate::scenario::tree::{Entry, Node, Value};
use crate::stats::interval::Level;
use crate::units::{Share, SimDuration};

/// A scenario in the making.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// Rows read, used and skipped, and why; a line each.
    pub account: Vec<String>,
    /// What the evidence says as a whole, a paragraph each.
    pub about: Vec<String>,
    /// Its values.
    pub values: Vec<Suggested>,
    /// What it cannot say and the user must, with why: key, what to write.
    pub open: Vec<(&'static str, String)>,
    /// What may be written in place of the values: why, then lines of TOML.
    pub instead: Vec<String>,
}

/// A value that the evidence suggests.
#[derive(Clone, Debug, PartialEq)]
pub struct Suggested {
    /// Its key, dotted.
    pub path: &'static str,
    /// The value.
    pub value: Value,
    /// Where it comes from, and from how many.
    pub why: String,
}

impl Draft {
    pub(super) fn put(&mut self, path: &'static str, value: Value, why: impl Into<String>) {
        self.values.push(Suggested { path, value, why: why.into() });
    }

    pub(super) fn say(&mut self, paragraph: impl Into<String>) {
        self.about.push(paragraph.into());
    }

    /// The values as if they had been written in a file.
    #[must_use]
    pub fn to_tree(&self, at: &Place) -> Node {
        let mut root = Node::table(at.clone());
        for Suggested { path, value, .. } in &self.values {
            root.set(path, Node { value: value.clone(), at: at.clone() });
        }
        root
    }
}

/// The scenario that a list of past jobs amounts to. `rows` are its mix, of jobs within `alike`;
/// `file` is the name of the file that they are written to.
#[must_use]
pub fn from_history(
    history: &History,
    rows: &[MixRow<'_>],
    alike: Share,
    file: &str,
    level: Level,
) -> Draft {
    let mut draft = Draft { account: history.account.lines(), ..Draft::default() };
    for (reason, count) in history.left_out() {
        draft.account.push(format!("  {count} used, but not in the mix of jobs: {reason}"));
    }
    draft.say(format!("A list of {}s.", history.kind.name()));
    let states: Vec<String> =
        history.states().iter().map(|(state, count)| format!("{count} {state}")).collect();
    if !states.is_empty() {
        draft.say(format!("States of the rows used: {}.", states.join(", ")));
    }
    say_failures(&mut draft, history, level);
    put_mix(&mut draft, history, file);
    say_rows(&mut draft, rows, alike);
    put_machine(&mut draft, history);
    put_market(&mut draft, history, level);
    draft.open.push((
        "market.lifetime",
        "[market] lifetime = { model = \"exponential\", mean = \"10 h\" }, where you know it: a list \
         of jobs does not tell it, since a job keeps its first startTime when it is restarted. \
         Without it `estimate` answers for many lifetimes"
            .into(),
    ));
    draft
}

fn say_failures(draft: &mut Draft, history: &History, level: Level) {
    let failures = history.failures();
    for capacity in [Capacity::Spot, Capacity::Standard, Capacity::FlexStart] {
        let requests = history.requests(capacity);
        if requests.ended == 0 {
            continue;
        }
        let count = |class| failures.get(&(capacity, class)).copied().unwrap_or(0);
        let classes = [
            FailureClass::Stockout,
            FailureClass::Insufficient,
            FailureClass::Quota,
            FailureClass::Other,
        ];
        let listed: Vec<String> = classes
            .into_iter()
            .filter(|class| count(*class) > 0)
            .map(|class| format!("{} {}", count(class), class.name()))
            .collect();
        let listed = if listed.is_empty() { "none".into() } else { listed.join(", ") };
        let Requests { refused, lost, ended, .. } = requests;
        draft.say(format!(
            "{} jobs: {ended} ended; failures: {listed}. For want of machines: {refused} before \
             they started, {lost} after: {} of those that ended.",
            capacity.name(),
            with_interval(refused + lost, ended, level),
        ));
    }
    let spot_hours = history.spot_hours();
    if spot_hours > 0.0 {
        draft.say(format!(
            "Spot jobs were between their first start and their end for {} machine-hours. How often \
             they were preempted within is not in the list, so no lifetime follows from it, not \
             even a bound: only jobs whose restarts were exhausted show.",
            significant(spot_hours)
        ));
    }
}

fn put_mix(draft: &mut Draft, history: &History, file: &str) {
    let (mut total, mut spot, mut work) = (0_u64, 0_u64, 0_i128);
    for (job, duration) in history.mix() {
        total += 1;
        spot += u64::from(job.capacity == Capacity::Spot);
        work += i128::from(duration.micros()) * i128::from(job.nodes);
    }
    draft.put("workload.kind", Value::Text("job".into()), "");
    if total == 0 {
        draft.say("No job is done and has its work: there is no mix of jobs to run.");
        draft.open.push((
            "workload.work",
            "[workload] work = \"8 h\": hours of uninterrupted computing".into(),
        ));
        return;
    }
    let hours = significant(work as f64 / 3.6e9);
    let jobs = if total == 1 { "job that is" } else { "jobs that are" };
    let mut why = match history.kind {
        ListKind::CustomJobs => format!(
            "the {total} {jobs} done, {hours} machine-hours. Work is the time from first running to \
             the end: startup is in it, so it is an upper bound; leave workload.startup at 0 s or \
             take it off."
        ),
        ListKind::BatchPredictionJobs => format!(
            "the {total} {jobs} done, {hours} replica-hours. Work is resourcesConsumed.replicaHours \
             ÷ startingReplicaCount: startup may be in it. The replicas are taken for a gang; a \
             real batch slows down when one of them stops."
        ),
    };
    if history.kind == ListKind::CustomJobs && spot > 0 {
        why.push_str(&format!(
            " {spot} of them ran on Spot VMs: gaps and repeated work are in it too."
        ));
    }
    let lost = history.requests(Capacity::Spot);
    if lost.refused + lost.lost > 0 {
        why.push_str(
            " Spot jobs that failed are missing from it, and long ones fail more often: it leans \
             to the short ones.",
        );
    }
    let shares = history.use_of_replicas();
    if let (Some(low), Some(high)) = (shares.first(), shares.last()) {
        // Nearest rank.
        let median = shares[(shares.len() - 1) / 2];
        why.push_str(&format!(
            " Replica-hours ÷ (replicas × time from start to end): median {}, from {} to {} \
             (n = {}).",
            significant(median),
            significant(*low),
            significant(*high),
            shares.len()
        ));
    }
    let (items, took) = history.items();
    if items > 0 && took > 0.0 {
        why.push_str(&format!(
            " {items} items were worked on, {} per replica-hour.",
            significant(items as f64 / took)
        ));
    }
    draft.put("workload.jobs", Value::Text(file.into()), why);
    if let Some((first, last)) = history.span
        && let Some(over) = first.until(last)
        && (SimDuration::SHORTEST..=SimDuration::LONGEST).contains(&over)
    {
        let why = format!(
            "from the first to the last moment in the list: {first} to {last}. Write the time it \
             covers, where that is another."
        );
        draft.put("workload.jobs_over", Value::Text(span(over)), why);
    } else {
        draft.open.push((
            "workload.jobs_over",
            "[workload] jobs_over = \"30 d\": the time that the list covers".into(),
        ));
    }
}

fn say_rows(draft: &mut Draft, rows: &[MixRow<'_>], alike: Share) {
    let jobs: u64 = rows.iter().map(|row| row.count).sum();
    if jobs == rows.len() as u64 {
        return;
    }
    let what = if alike == Share::ZERO {
        "of the same work".to_owned()
    } else {
        format!("whose work is within {} of the shortest of them", percent(alike.fraction()))
    };
    draft.say(format!(
        "The mix has {} rows: jobs of one machine, region and number of nodes {what} are one, with \
         their mean work.",
        rows.len()
    ));
}

fn put_machine(draft: &mut Draft, history: &History) {
    let service = match history.kind {
        ListKind::CustomJobs => "vertex-training",
        ListKind::BatchPredictionJobs => "vertex-inference",
    };
    let why = format!("a list of {}s", history.kind.name());
    draft.put("machine.service", Value::Text(service.into()), why);
    let total = history.mix().count();
    // A blank cell of the mix would take what stands here, and every job of it names its machine.
    if let (0, Some((machine, count))) = (total, history.commonest()) {
        let why = format!("{count} of {} jobs ran on it", history.jobs.len());
        draft.put("machine.type", Value::Text(machine.name.clone()), why);
        if let Some((model, count)) = &machine.attached {
            draft.put("machine.accelerator", Value::Text(model.clone()), "");
            draft.put("machine.accelerator_count", Value::Integer(*count), "");
        }
    }
    let regions = history.regions();
    match regions.iter().next() {
        Some(Some(region)) if regions.len() == 1 => {
            let why = "the region of all jobs, in their resource names";
            draft.put("machine.region", Value::Text((*region).to_owned()), why);
        }
        // Every job names its own.
        Some(Some(_)) if total > 0 => {}
        _ => draft.open.push((
            "machine.region",
            "[machine] region = \"us-central1\", or give --region us-central1".into(),
        )),
    }
    let disks: Vec<i64> = history.mix().filter_map(|(job, _)| job.boot_disk).collect();
    if let (Some(low), Some(high)) = (disks.iter().min(), disks.iter().max()) {
        if low == high && disks.len() == total {
            let why = format!("the same in all {total} jobs of the mix");
            draft.put("machine.boot_disk", Value::Text(format!("{low} GB")), why);
        } else {
            draft.say(format!(
                "Boot disks of {low} to {high} GB; the mix has no column for them, so \
                 machine.boot_disk is left at its default."
            ));
        }
    }
}

fn put_market(draft: &mut Draft, history: &History, level: Level) {
    let requests = history.requests(Capacity::Spot);
    for (capacity, path) in [
        (Capacity::Spot, "market.wait"),
        (Capacity::Standard, "market.standard_wait"),
        (Capacity::FlexStart, "market.flex_wait"),
    ] {
        let Some(waits) = history.waits(capacity) else { continue };
        let mut why = format!("createTime to startTime of {}", in_figures(&waits, capacity));
        if capacity == Capacity::Spot {
            why.push_str(" Requests refused before the first start are in it.");
        }
        draft.put(path, law(&waits), why);
    }
    let asked = requests.started + requests.refused;
    if asked == 0 {
        draft.say(
            "No job asked for Spot VMs: the list tells neither their wait nor their refusals.",
        );
        return;
    }
    let mut why = format!(
        "of {asked} Spot jobs {} failed for want of machines before they started: {}. This counts \
         jobs, not attempts.",
        requests.refused,
        with_interval(requests.refused, asked, level)
    );
    if (1..asked).contains(&requests.refused) {
        // Seven attempts: the first and six restarts.
        let each = libm::pow(requests.refused as f64 / asked as f64, 1.0 / 7.0);
        why.push_str(&format!(
            " Had each of them used up its seven attempts, the chance per attempt would be {}.",
            percent(each)
        ));
    }
    let share = percent(requests.refused as f64 / asked as f64);
    draft.put("market.no_capacity_probability", Value::Text(share), why);
}

// ---------------------------------------------------------------------------- a series of counts

/// The deployment that a series of replica counts amounts to.
#[must_use]
pub fn from_replicas(series: &ReplicaSeries, level: Level) -> Draft {
    let mut draft = Draft { account: series.account.lines(), ..Draft::default() };
    let seen = series.availability();
    draft.say("A series of available replicas: each count holds until the next one.");
    if series.left_out > 0 {
        draft.say(format!(
            "{} rows have a status without its count: taken as 0, which JSON of the API leaves out \
             (inferred).",
            series.left_out
        ));
    }
    draft.put("workload.kind", Value::Text("endpoint".into()), "");
    let asked = i64::from(seen.asked.max(1));
    let why = if series.min_replicas.is_some() {
        "minReplicaCount in the series"
    } else {
        "the largest count in the series: it does not say how many were asked for"
    };
    draft.put("workload.min_replicas", Value::Integer(asked), why);
    draft.put("workload.max_replicas", Value::Integer(asked), "");
    let Some((first, last)) = series.span().filter(|(first, last)| first < last) else {
        draft.say("All counts are of one moment: nothing follows from them.");
        draft.open.push(horizon_open());
        draft.open.push(lifetime_open(""));
        return draft;
    };
    say_availability(&mut draft, &seen);
    if seen.observed <= SimDuration::LONGEST {
        let why = format!(
            "as long as the series, {first} to {last}, so that the estimate can be held to it; \
             \"30 d\" gives a month"
        );
        draft.put("workload.horizon", Value::Text(span(seen.observed)), why);
    } else {
        draft.open.push(horizon_open());
    }
    let service = Value::Text("vertex-inference".into());
    draft.put("machine.service", service, "a series of replicas of an endpoint");
    match &series.machine {
        Some(machine) => {
            draft.put(
                "machine.type",
                Value::Text(machine.name.clone()),
                "machineSpec in the series",
            );
            if let Some((model, count)) = &machine.attached {
                draft.put("machine.accelerator", Value::Text(model.clone()), "");
                draft.put("machine.accelerator_count", Value::Integer(*count), "");
            }
        }
        None => draft.open.push((
            "machine.type",
            "[machine] type = \"g2-standard-12\", or give --machine g2-standard-12".into(),
        )),
    }
    match &series.region {
        Some(region) => {
            draft.put(
                "machine.region",
                Value::Text(region.clone()),
                "a resource name in the series",
            );
        }
        None => draft.open.push((
            "machine.region",
            "[machine] region = \"us-central1\", or give --region us-central1".into(),
        )),
    }
    put_lifetime(&mut draft, &seen, level);
    put_recovery(&mut draft, &seen);
    draft
}

fn horizon_open() -> (&'static str, String) {
    ("workload.horizon", "[workload] horizon = \"30 d\": how long the deployment is up".into())
}

fn lifetime_open(why: &str) -> (&'static str, String) {
    let line = format!(
        "[market] lifetime = {{ model = \"exponential\", mean = \"10 h\" }}, where you know it{why}"
    );
    ("market.lifetime", line)
}

fn say_availability(draft: &mut Draft, seen: &Availability) {
    let share = |part: SimDuration| {
        // One of both is no time at all where the series has none.
        percent(part.micros() as f64 / seen.observed.micros() as f64)
    };
    draft.say(format!(
        "Over {}: at least one replica {} of the time, all {} {}. Longest time with none: {}; \
         longest time between two counts: {}.",
        about(seen.observed),
        share(seen.any),
        seen.asked,
        share(seen.all),
        about(seen.longest_outage),
        about(seen.longest_step),
    ));
    let spells = |name: &str, ended: u64, total: SimDuration, is_open: bool| {
        let count = ended + u64::from(is_open);
        if count == 0 {
            return format!("Never {name}.");
        }
        let mean = match i64::try_from(ended) {
            Ok(ended @ 1..) => {
                format!(", mean {}", about(SimDuration::from_micros(total.micros() / ended)))
            }
            _ => String::new(),
        };
        let plural = if count == 1 { "" } else { "s" };
        let last = if is_open { "; the last has not ended" } else { "" };
        format!("{count} time{plural} {name}: {} in all{mean}{last}.", about(total))
    };
    let fewer = seen.observed.saturating_sub(seen.all);
    draft.say(format!(
        "{} {}",
        spells("all serving", seen.up_ended, seen.all, seen.is_up_at_end),
        spells("fewer", seen.down_ended, fewer, !seen.is_up_at_end),
    ));
}

fn put_lifetime(draft: &mut Draft, seen: &Availability, level: Level) {
    let hours = seen.replica_hours;
    if seen.drops == 0 {
        let bound = hours / level.poisson_of_none();
        let why = format!(
            "; no replica was lost in {} replica-hours, so the mean is at least {} h at {}",
            significant(hours),
            significant(bound),
            percent(level.value())
        );
        draft.open.push(lifetime_open(&why));
        return;
    }
    let mean = hours / seen.drops as f64;
    let (low, high) = level.poisson(seen.drops);
    let mut why = format!(
        "{} replica-hours ÷ {} replicas lost: {} ({} to {} h at {}, if losses are independent; \
         they came at {} moments). What drops and recovers between two counts is not seen.",
        significant(hours),
        seen.drops,
        about(SimDuration::from_hours_nearest(mean)),
        significant(hours / high),
        significant(hours / low),
        percent(level.value()),
        seen.drop_moments,
    );
    if seen.drops_above > 0 {
        why.push_str(&format!(
            " {} of the losses left {} or more: scaling in looks the same.",
            seen.drops_above, seen.asked
        ));
    }
    draft.put("market.lifetime", exponential(SimDuration::from_hours_nearest(mean)), why);
}

fn put_recovery(draft: &mut Draft, seen: &Availability) {
    if seen.recoveries == 0 {
        if seen.missing_hours > 0.0 {
            draft.say(format!(
                "Replicas were missing for {} replica-hours and none came back: the wait is not \
                 known.",
                significant(seen.missing_hours)
            ));
        }
        return;
    }
    let mean = seen.missing_hours / seen.recoveries as f64;
    let why = format!(
        "{} missing replica-hours ÷ {} replicas that came (back): startup is in it, so leave \
         workload.startup at 0 s or take it off; what is still missing at the end counts",
        significant(seen.missing_hours),
        seen.recoveries
    );
    draft.put("market.wait", exponential(SimDuration::from_hours_nearest(mean)), why);
}

// ------------------------------------------------------------------------------------ in words

/// Waits in figures: `17 Spot jobs: mean 7.3 min, median 5 min, 95 % within 21 min.`
fn in_figures(waits: &Waits, capacity: Capacity) -> String {
    let law = match (&waits.law, waits.n) {
        (WaitLaw::Fixed, _) => "all the same",
        (WaitLaw::Exponential, ..10) => "too few to tell a shape",
        (WaitLaw::Exponential, _) => "exponential fits better than lognormal",
        (WaitLaw::Lognormal { .. }, _) => "lognormal fits better than exponential",
    };
    format!(
        "{} {} job{}: mean {}, median {}, 95 % within {} ({law}).",
        waits.n,
        capacity.name(),
        if waits.n == 1 { "" } else { "s" },
        about(waits.mean),
        about(waits.median),
        about(waits.p95)
    )
}

/// A law of a wait as a scenario writes it.
fn law(waits: &Waits) -> Value {
    match &waits.law {
        WaitLaw::Fixed => Value::Text(about(waits.mean)),
        WaitLaw::Exponential => exponential(waits.mean),
        WaitLaw::Lognormal { median, sigma } => distribution(
            "lognormal",
            vec![
                ("median", Value::Text(about(*median))),
                ("sigma", Value::Float((sigma * 1e3).round() / 1e3)),
            ],
        ),
    }
}

fn exponential(mean: SimDuration) -> Value {
    let mean = mean.clamp(SimDuration::SHORTEST, SimDuration::LONGEST);
    distribution("exponential", vec![("mean", Value::Text(about(mean)))])
}

fn distribution(model: &str, parameters: Vec<(&str, Value)>) -> Value {
    let at = Place { source: 0, span: 0..0 };
    let all = std::iter::once(("model", Value::Text(model.into()))).chain(parameters);
    Value::Table(
        all.map(|(key, value)| Entry {
            key: key.into(),
            at: at.clone(),
            node: Node { value, at: at.clone() },
        })
        .collect(),
    )
}

/// A share with its interval: `12 % (2.1 % to 47 % at 95 %)`.
fn with_interval(part: u64, whole: u64, level: Level) -> String {
    let share = if whole == 0 { 0.0 } else { part as f64 / whole as f64 };
    match level.wilson(part, whole) {
        Some((low, high)) => format!(
            "{} ({} to {} at {})",
            percent(share),
            percent(low),
            percent(high),
            percent(level.value())
        ),
        None => percent(share),
    }
}

fn percent(share: f64) -> String {
    format!("{} %", significant(100.0 * share))
}

/// A figure of 0 or more to three significant digits, without an exponent; 0 where it is below
/// 10⁻⁹.
fn significant(value: f64) -> String {
    rounded(value, 100.0)
}

/// A figure to as many digits as `bound` has, without an exponent, at most nine decimals.
pub(super) fn rounded(value: f64, mut bound: f64) -> String {
    let mut decimals = 0_usize;
    while value < bound && decimals < 9 {
        bound /= 10.0;
        decimals += 1;
    }
    let text = format!("{value:.decimals$}");
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A duration to three significant digits in the unit that suits, as a scenario takes it.
fn about(duration: SimDuration) -> String {
    let seconds = duration.micros() as f64 / 1e6;
    let (value, unit) = if seconds >= 3_600.0 {
        (seconds / 3_600.0, "h")
    } else if seconds >= 60.0 {
        (seconds / 60.0, "min")
    } else {
        (seconds, "s")
    };
    format!("{} {unit}", significant(value))
}

/// A span of time as a scenario takes it: exact where that is short to write, else to five
/// significant digits.
fn span(duration: SimDuration) -> String {
    let exact = duration.to_string();
    let (number, unit) = exact.split_once(' ').unwrap_or_default();
    let is_short = matches!(unit, "d" | "h") && number.len() <= 5;
    if is_short || duration < SimDuration::from_secs(60) {
        return exact;
    }
    match duration.hours() {
        hours if hours < 48.0 => format!("{} h", rounded(hours, 1e4)),
        hours => format!("{} d", rounded(hours / 24.0, 1e4)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_rounded_to_what_is_read() {
        for (value, shown) in [
            (0.0, "0"),
            (1e-12, "0"),
            (0.000_123_456, "0.000123"),
            (1.0, "1"),
            (9.996, "10"),
            (12.345, "12.3"),
            (123.45, "123"),
            (98_765.4, "98765"),
        ] {
            assert_eq!(significant(value), shown);
        }
        assert_eq!(percent(0.1428), "14.3 %");
        assert_eq!(about(SimDuration::from_secs(439)), "7.32 min");
        assert_eq!(about(SimDuration::from_secs(7_200)), "2 h");
        assert_eq!(about(SimDuration::ZERO), "0 s");
        assert_eq!(span(SimDuration::from_hours(4)), "4 h");
        assert_eq!(span(SimDuration::from_hours(240)), "10 d");
        assert_eq!(span(SimDuration::from_secs(622_797)), "7.2083 d");
        assert_eq!(span(SimDuration::SHORTEST), "0.001 ms");
        assert_eq!(span(SimDuration::from_secs(100)), "0.027778 h");
    }
}
