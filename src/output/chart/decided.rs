//! What a decision rests on, read back from the JSON of `estimate`: its ladder, its assumptions, and
//! what uncertain inputs leave open.

use serde_json::Value;

use super::assumptions::{Assumed, End};
use super::figures::About;
use super::ladder::{Even, Known, Ladder, Rung};
use super::uncertainty::{Input, Row, Split};
use crate::model::plan::Plan;

/// The decision, and where its figures come from.
fn decision(text: &str) -> Result<(Value, About), String> {
    let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let mut about = About::of_json(&root)?;
    let decision = root.get("decision").filter(|found| found.is_object());
    let decision = decision.ok_or("it holds no decision: run `estimate` without --quick")?.clone();
    about.replications = decision.get("replications").and_then(Value::as_u64);
    Ok((decision, about))
}

fn number(of: &Value, key: &str) -> Option<f64> {
    of.get(key).and_then(Value::as_f64)
}

fn words(of: &Value, key: &str) -> Option<String> {
    of.get(key).and_then(Value::as_str).map(str::to_owned)
}

/// The value and the half-width under a key.
fn valued(of: &Value, key: &str) -> (Option<f64>, Option<f64>) {
    let of = of.get(key);
    (of.and_then(|of| number(of, "value")), of.and_then(|of| number(of, "half_width")))
}

/// Two numbers under a key; the second may be missing.
fn pair(of: &Value, key: &str) -> Option<(f64, Option<f64>)> {
    let list = of.get(key)?;
    Some((list.get(0)?.as_f64()?, list.get(1).and_then(Value::as_f64)))
}

/// The ladder of a decision.
///
/// # Errors
/// What is missing or wrong.
pub fn ladder(text: &str) -> Result<Ladder, String> {
    let (decision, about) = decision(text)?;
    let found = decision.get("ladder").filter(|found| found.is_object()).ok_or(
        "it holds no ladder: its lifetime was given; the scenario itself can be drawn as one",
    )?;
    let plan = words(found, "plan").ok_or("its ladder names no plan")?;
    let plan = Plan::of_name(&plan).ok_or_else(|| format!("`{plan}` is no plan known here"))?;
    let rungs = found.get("rungs").and_then(Value::as_array).ok_or("its ladder has no rungs")?;
    let rung = |of: &Value| {
        let (saving, half_width) = valued(of, "saving");
        let at_prices = pair(of, "saving_by_price").and_then(|(low, high)| Some((low, high?)));
        let lifetime_h = number(of, "mean_lifetime_h").filter(|hours| *hours > 0.0);
        let lifetime_h = lifetime_h.ok_or("a rung has no lifetime")?;
        Ok(Rung { lifetime_h, saving, half_width, at_prices })
    };
    let rungs: Result<Vec<Rung>, String> = rungs.iter().map(rung).collect();
    let known = |key: &str, words: &str| {
        let (low_h, high_h) = pair(found, key)?;
        Some(Known { low_h, high_h: high_h.unwrap_or(f64::INFINITY), words: words.into() })
    };
    let even = decision.get("breakeven").filter(|found| found.is_object()).map(|found| {
        match (number(found, "mean_lifetime_h"), found.get("pays").and_then(Value::as_bool)) {
            (Some(hours), _) => Even::From(hours),
            (None, Some(true)) => Even::Always,
            (None, _) => Even::Never,
        }
    });
    Ok(Ladder {
        plan,
        rungs: rungs?,
        even,
        known: known("seen_h", "seen, 95 %").or_else(|| known("quoted_h", super::ladder::QUOTED)),
        own_h: None,
        about,
    })
}

/// What uncertain inputs leave open.
///
/// # Errors
/// What is missing or wrong.
pub fn uncertainty(text: &str) -> Result<Split, String> {
    let root: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let about = About::of_json(&root)?;
    let open = root.get("input_uncertainty").filter(|found| found.is_object()).ok_or(
        "it holds no input_uncertainty: its scenario gives every value as one number, or it was run \
         with --quick",
    )?;
    let list = |key: &str| open.get(key).and_then(Value::as_array).into_iter().flatten();
    let rows = list("plans").filter_map(|of| {
        let saving = of.get("saving")?;
        Some(Row {
            plan: Plan::of_name(&words(of, "plan")?)?,
            value: number(saving, "value")?,
            half_width: number(saving, "half_width"),
            ends: (number(saving, "low"), number(saving, "high")),
        })
    });
    let inputs = list("inputs").map(|of| Input {
        key: words(of, "key").unwrap_or_default(),
        known: words(of, "known").unwrap_or_default(),
        share: number(of, "share"),
    });
    let count = |key: &str| open.get(key).and_then(Value::as_u64).unwrap_or(0);
    let variance_of = open.get("variance_of");
    Ok(Split {
        level: number(open, "level").ok_or("its input_uncertainty has no level")?,
        draws: (count("draws"), count("replications")),
        rows: rows.collect(),
        inputs: inputs.collect(),
        together: number(open, "together"),
        variance_of: variance_of.and_then(|of| Some((words(of, "plan")?, words(of, "figure")?))),
        holds: root
            .pointer("/decision/verdict/plan")
            .and_then(Value::as_str)
            .map(str::to_owned)
            .zip(number(open, "verdict_holds")),
        about,
    })
}

/// The assumptions of a decision, the plan that they are about, and where they come from.
///
/// # Errors
/// What is missing or wrong.
pub fn assumptions(text: &str) -> Result<(Vec<Assumed>, String, About), String> {
    let (decision, about) = decision(text)?;
    let plan = words(&decision, "subject").ok_or("its decision is about no plan on Spot VMs")?;
    let register = decision.get("register").and_then(Value::as_array);
    let register = register.ok_or("its decision has no register of assumptions")?;
    let end = |of: &Value| {
        let (effect, half_width) = valued(of, "saving");
        let alternative = words(of, "instead").unwrap_or_default();
        End { alternative, effect, half_width, verdict: words(of, "verdict") }
    };
    let assumed = |of: &Value| Assumed {
        key: words(of, "key").unwrap_or_default(),
        value: words(of, "value").unwrap_or_default(),
        is_choice: of.get("is_choice").and_then(Value::as_bool).unwrap_or(false),
        ends: of.get("effects").and_then(Value::as_array).into_iter().flatten().map(end).collect(),
    };
    Ok((register.iter().map(assumed).collect(), plan, about))
}
