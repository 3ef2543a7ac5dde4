//! Conditions on results: `spot.saving < 20 %` for `--fail-if`, `deadline_probability >= 0.99` for
//! `--subject-to`.

use super::measure::{self, Named, Parts};
use crate::model::plan::Plan;
use crate::montecarlo::PlanAnswer;
use crate::scenario::keys::{self, For};
use crate::scenario::resolved::Scenario;
use crate::scenario::source::{Place, Problems, nearest};
use crate::units::{Currency, Decimal, split_unit};

/// How a value is compared with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
}

impl Order {
    /// As it is written.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Below => "<",
            Self::AtMost => "<=",
            Self::Above => ">",
            Self::AtLeast => ">=",
        }
    }

    /// Whether `value` stands so to `bound`.
    #[must_use]
    pub fn holds(self, value: f64, bound: f64) -> bool {
        match self {
            Self::Below => value < bound,
            Self::AtMost => value <= bound,
            Self::Above => value > bound,
            Self::AtLeast => value >= bound,
        }
    }
}

/// `PLAN.MEASURE[.PART] ORDER NUMBER`; without a plan it is about every plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// As it was written.
    pub text: String,
    /// Which plan.
    pub plan: Option<Plan>,
    /// Which result.
    pub measure: &'static Named,
    /// Which part of it.
    pub part: &'static str,
    /// How it is compared.
    pub order: Order,
    /// With what.
    pub bound: f64,
}

/// Whether a constraint is met, as far as the simulation can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Met {
    /// The whole confidence interval meets it.
    Met,
    /// The value meets it, its interval not entirely or it has none.
    Uncertain,
    /// The value does not meet it.
    NotMet,
}

/// Reads a condition about one plan. `None` where it is wrong, which is reported.
pub fn read_of_plan(
    option: &str,
    text: &str,
    of: For,
    problems: &mut Problems,
) -> Option<Condition> {
    read(option, text, of, true, problems)
}

/// Reads a condition about every plan. `None` where it is wrong, which is reported.
pub fn read_of_all(
    option: &str,
    text: &str,
    of: For,
    problems: &mut Problems,
) -> Option<Condition> {
    read(option, text, of, false, problems)
}

fn read(
    option: &str,
    text: &str,
    of: For,
    names_plan: bool,
    problems: &mut Problems,
) -> Option<Condition> {
    let source = problems.add_source(option, text);
    let place = |span| Place { source, span };
    let example = if names_plan { "spot.saving < 20 %" } else { "deadline_probability >= 99 %" };
    let Some(at) = text.find(['<', '>', '=', '!']) else {
        problems.error(
            &place(0..text.len()),
            "no comparison in this condition",
            format!("write <, <=, > or >=, such as '{example}'"),
        );
        return None;
    };
    let rest = &text[at..];
    let symbol = &rest[..rest.find(|c| !"<>=!".contains(c)).unwrap_or(rest.len())];
    let order = match symbol {
        "<" => Order::Below,
        "<=" => Order::AtMost,
        ">" => Order::Above,
        ">=" => Order::AtLeast,
        _ => {
            problems.error(
                &place(at..at + symbol.len()),
                format!("`{symbol}` is not a comparison"),
                format!("write <, <=, > or >=, such as '{example}'"),
            );
            return None;
        }
    };
    let (plan, measure, part) = name(&text[..at], of, names_plan, &place(0..at), problems)?;
    let after = at + symbol.len();
    let bound = number(&text[after..], measure, &place(after..text.len()), problems)?;
    Some(Condition { text: text.trim().to_owned(), plan, measure, part, order, bound })
}

fn name(
    text: &str,
    of: For,
    names_plan: bool,
    at: &Place,
    problems: &mut Problems,
) -> Option<(Option<Plan>, &'static Named, &'static str)> {
    let mut words = text.trim().split('.');
    let mut plan = None;
    if names_plan {
        let word = words.next().unwrap_or_default();
        plan = Plan::of_name(word);
        if plan.is_none() {
            let names = || Plan::ALL.iter().map(|plan| plan.name());
            let (message, help) = if measure::find(word, of).is_ok() {
                (
                    "this condition names no plan".to_owned(),
                    format!("write the plan before it, such as spot.{}", text.trim()),
                )
            } else {
                let help = nearest(word, names()).map_or_else(
                    || format!("the plans are {}", keys::one_of(names())),
                    |near| format!("did you mean \"{near}\"?"),
                );
                (format!("there is no plan `{word}`"), help)
            };
            problems.error(at, message, help);
            return None;
        }
    }
    let word = words.next().unwrap_or_default();
    let measure = match measure::find(word, of) {
        Ok(measure) => measure,
        Err(help) => {
            if !names_plan && Plan::of_name(word).is_some() {
                problems.error(
                    at,
                    "this condition names a plan",
                    "it is about every plan: leave the plan out, or list the plans in --set compare.plans",
                );
            } else {
                problems.error(at, format!("there is no result `{word}`"), help);
            }
            return None;
        }
    };
    let parts = measure.parts.names();
    let part = match words.next() {
        None => parts.first(),
        Some(word) => parts.iter().find(|part| **part == word),
    };
    let (Some(part), None) = (part, words.next()) else {
        problems.error(
            at,
            format!("`{}` is not a part of {}", text.trim(), measure.name),
            format!("{} has {}", measure.name, parts.join(", ")),
        );
        return None;
    };
    Some((plan, measure, part))
}

fn number(text: &str, measure: &Named, at: &Place, problems: &mut Problems) -> Option<f64> {
    let (digits, unit) = split_unit(text);
    let Ok(value) = Decimal::parse(digits) else {
        problems.error(
            at,
            format!("`{}` is not a number", text.trim()),
            if measure.is_share { "write a number such as 0.2, or 20 %" } else { "write a number" },
        );
        return None;
    };
    let value = value.to_f64();
    match unit {
        "" => Some(value),
        "%" if measure.is_share => Some(value / 100.0),
        "h" if measure.name.ends_with("_h") && !measure.is_money => Some(value),
        _ => {
            let help = if measure.is_share {
                format!("write {digits} or {digits} %")
            } else if measure.name.ends_with("_h") && !measure.is_money {
                "write a number of hours".to_owned()
            } else {
                format!("write {digits}, without a unit")
            };
            problems.error(at, format!("`{unit}` is not a unit of {}", measure.name), help);
            None
        }
    }
}

/// One row of results: column names and values, blank where there is none.
pub type Row = [(String, String)];

/// A number in a row; `None` where the column is blank or absent.
#[must_use]
pub fn value_in(row: &Row, column: &str) -> Option<f64> {
    row.iter().find(|(name, _)| name == column)?.1.parse().ok()
}

impl Condition {
    /// The value it is about, in a row of its plan.
    #[must_use]
    pub fn value(&self, row: &Row, currency: Currency) -> Option<f64> {
        value_in(row, &self.measure.column(self.part, currency))
    }

    /// Whether a plan meets it, as far as its confidence interval tells. `None` where the value does
    /// not exist.
    #[must_use]
    pub fn met_by(&self, scenario: &Scenario, answer: &PlanAnswer) -> Option<Met> {
        self.met_of(&|part| self.measure.of_plan(part, scenario, answer))
    }

    /// Whether a row meets it, as far as its confidence interval tells. `None` where the value does
    /// not exist.
    #[must_use]
    pub fn met(&self, row: &Row, currency: Currency) -> Option<Met> {
        self.met_of(&|part| value_in(row, &self.measure.column(part, currency)))
    }

    fn met_of(&self, part: &dyn Fn(&str) -> Option<f64>) -> Option<Met> {
        let value = part(self.part)?;
        if !self.order.holds(value, self.bound) {
            return Some(Met::NotMet);
        }
        let is_main = self.part == self.measure.parts.names()[0];
        let ends = match self.measure.parts {
            _ if !is_main => None,
            Parts::Probability => part("low").zip(part("high")),
            Parts::Plain => None,
            _ => part("half_width").map(|error| (value - error, value + error)),
        };
        let certain = ends.is_some_and(|(low, high)| {
            self.order.holds(low, self.bound) && self.order.holds(high, self.bound)
        });
        Some(if certain { Met::Met } else { Met::Uncertain })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::source::Severity;

    fn read(text: &str) -> Condition {
        let mut problems = Problems::default();
        let read = read_of_plan("--fail-if", text, For::Job, &mut problems);
        read.unwrap_or_else(|| panic!("{}", problems.render(Severity::Error)))
    }

    #[test]
    fn a_condition_names_plan_measure_part_and_bound() {
        let condition = read("spot.saving < 20 %");
        assert_eq!((condition.plan, condition.bound), (Some(Plan::Spot), 0.2));
        assert_eq!(condition.measure.column(condition.part, Currency::USD), "saving_mean");
        let condition = read(" spot-resubmit.makespan_h.p95>=24 h");
        assert_eq!(condition.measure.column(condition.part, Currency::USD), "makespan_h_p95");
        assert_eq!((condition.order, condition.bound), (Order::AtLeast, 24.0));
        let condition = read("standard.cost_per_completion > 3.5");
        assert_eq!(
            condition.measure.column(condition.part, Currency::USD),
            "cost_per_completion_usd"
        );
        assert_eq!(read("spot.makespan > 1").measure.name, "makespan_h");
    }

    #[test]
    fn what_is_wrong_says_what_to_write() {
        for (text, words) in [
            ("spot.saving", "write <, <=, > or >="),
            ("spot.saving == 0.2", "`==` is not a comparison"),
            ("saving < 0.2", "write the plan before it, such as spot.saving"),
            ("sport.saving < 0.2", "did you mean \"spot\"?"),
            ("spot.savings < 0.2", "did you mean `saving`?"),
            ("spot.saving.p50 < 0.2", "saving has mean, half_width, p05, p95"),
            ("spot.saving < ", "is not a number"),
            ("spot.saving < 20 h", "write 20 or 20 %"),
            ("spot.cost < 20 %", "without a unit"),
            ("spot.availability_any < 1", "it belongs to endpoints"),
            ("", "no comparison"),
        ] {
            let mut problems = Problems::default();
            assert!(read_of_plan("--fail-if", text, For::Job, &mut problems).is_none(), "{text}");
            let shown = problems.render(Severity::Error);
            assert!(shown.contains(words), "{text}:\n{shown}");
        }
    }

    /// 0.995 with the interval 0.985…0.999 against 0.99: met by the value, not for certain.
    #[test]
    fn a_constraint_is_met_for_certain_where_its_interval_meets_it() {
        let mut problems = Problems::default();
        let text = "deadline_probability >= 99 %";
        let condition = read_of_all("--subject-to", text, For::Job, &mut problems).unwrap();
        let met = |value: &str, low: &str, high: &str| {
            let columns =
                ["deadline_probability", "deadline_probability_low", "deadline_probability_high"];
            let row: Vec<(String, String)> = columns
                .iter()
                .zip([value, low, high])
                .map(|(a, b)| (a.to_string(), b.to_string()))
                .collect();
            condition.met(&row, Currency::USD)
        };
        assert_eq!(met("0.995", "0.991", "0.999"), Some(Met::Met));
        assert_eq!(met("0.995", "0.985", "0.999"), Some(Met::Uncertain));
        assert_eq!(met("0.98", "0.97", "0.999"), Some(Met::NotMet));
        assert_eq!(met("", "", ""), None);
    }
}
