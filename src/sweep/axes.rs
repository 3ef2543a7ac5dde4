//! What is varied, as written: `KEY=V1,V2,…`, `KEY=LO..HI:lin|log:N`, or a row of `[sweep]`.
//!
//! Owns the values of an axis and their text, which `--set` reads back to the same value. Whether a
//! value is allowed is for [`crate::scenario`] to say, at each design point.

use std::ops::Range;

use super::design::MOST_POINTS;
use crate::luck::ln;
use crate::scenario::keys::{self, Kind};
use crate::scenario::source::{Place, Problems, nearest};
use crate::scenario::tree::{self, Node, Value};
use crate::units::{Decimal, div_half_even, split_unit};

/// A key and the values it takes, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// The key, such as `market.lifetime.mean`.
    pub key: String,
    /// Its values, each once.
    pub values: Vec<Setting>,
    /// The ends, where it was written as a range.
    pub span: Option<Span>,
}

/// One value of a key.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// As `--set` reads it back.
    pub shown: String,
    /// What it is.
    pub node: Node,
}

/// Two numbers of one unit, such as `2 h..48 h`.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// The first.
    pub from: Decimal,
    /// The last.
    pub to: Decimal,
    /// The unit of both, empty for a plain number.
    pub unit: String,
    /// Only whole numbers are allowed.
    pub whole: bool,
    /// Where it was written.
    pub at: Place,
}

/// Help for a range that is not one.
const WRITE_RANGE: &str =
    "write LO..HI:lin:N for N even steps or LO..HI:log:N for even ratios, such as 2 h..48 h:log:8";

/// Reads `--vary KEY=VALUES`. `None` where it is wrong, which is reported.
pub fn read_vary(option: &str, problems: &mut Problems) -> Option<Axis> {
    let source = problems.add_source("--vary", option);
    let place = |span| Place { source, span };
    let Some((key, text)) = option.split_once('=') else {
        problems.error(
            &place(0..option.len()),
            "no `=` in this axis",
            "write --vary KEY=V1,V2,… or --vary KEY=LO..HI:lin:N, such as --vary checkpoint.every=\"15 min,30 min\"",
        );
        return None;
    };
    let name = key.trim();
    let known = check_key(name, &place(0..key.len()), problems);
    let values = read_values(name, text, &place(key.len() + 1..option.len()), true, problems);
    known.then_some(())?;
    axis(name, values?, problems)
}

/// Reads the axes of `[sweep]`, and takes the table out of the scenario.
pub fn take_table(root: &mut Node, problems: &mut Problems) -> Vec<Axis> {
    let Some(table) = root.get(keys::SWEEP).cloned() else { return Vec::new() };
    root.remove(keys::SWEEP);
    if !matches!(table.value, Value::Table(_)) {
        problems.error(
            &table.at,
            format!("`sweep` is {}, not a table", table.kind()),
            "write [sweep] on a line of its own and its keys below",
        );
        return Vec::new();
    }
    let mut axes = Vec::new();
    for entry in table.entries() {
        if !entry.key.contains('.') && matches!(entry.node.value, Value::Table(_)) {
            let inner = entry.node.entries().first().map_or("key", |inner| inner.key.as_str());
            problems.error(
                &entry.at,
                format!("`{}` is a table in [sweep]", entry.key),
                format!("write the whole key in quotes, such as \"{}.{inner}\" = […]", entry.key),
            );
            continue;
        }
        let known = check_key(&entry.key, &entry.at, problems);
        let values = match &entry.node.value {
            Value::Text(text) => read_values(&entry.key, text, &entry.node.at, false, problems),
            Value::Array(items) if !items.is_empty() => Some(Values {
                list: items.iter().map(|item| setting_of(&entry.key, item.clone())).collect(),
                span: None,
            }),
            _ => {
                problems.error(
                    &entry.node.at,
                    format!("sweep.\"{}\" is neither a list nor a range", entry.key),
                    format!(
                        "write a list, such as [{}], or a range in quotes: {WRITE_RANGE}",
                        entry.node.to_toml()
                    ),
                );
                None
            }
        };
        if let (true, Some(values)) = (known, values) {
            axes.extend(axis(&entry.key, values, problems));
        }
    }
    axes
}

/// The axes of the table with those of the command line over them, and none twice.
pub fn merge(table: Vec<Axis>, vary: Vec<Axis>, problems: &mut Problems) -> Vec<Axis> {
    let mut axes = table;
    for (index, axis) in vary.iter().enumerate() {
        if vary[..index].iter().any(|other| other.key == axis.key) {
            problems.error(
                &axis.values[0].node.at,
                format!("{} is varied twice", axis.key),
                "put all its values into one --vary",
            );
            continue;
        }
        match axes.iter_mut().find(|other| other.key == axis.key) {
            Some(other) => *other = axis.clone(),
            None => axes.push(axis.clone()),
        }
    }
    for (index, axis) in axes.iter().enumerate() {
        for other in &axes[..index] {
            let (long, short) =
                if axis.key.len() > other.key.len() { (axis, other) } else { (other, axis) };
            if long.key.strip_prefix(&short.key).is_some_and(|rest| rest.starts_with('.')) {
                problems.error(
                    &axis.values[0].node.at,
                    format!("{} is part of {}: both cannot vary", long.key, short.key),
                    "vary one of them",
                );
            }
        }
    }
    axes
}

/// Reads `KEY` or `KEY=LO..HI`, what `--breakeven` and `--optimise` take: the key, and the ends
/// where they are given.
pub fn read_span(
    name: &str,
    option: &str,
    problems: &mut Problems,
) -> Option<(String, Option<Span>)> {
    let source = problems.add_source(name, option);
    let (key, text) = match option.split_once('=') {
        Some((key, text)) => (key, Some(text)),
        None => (option, None),
    };
    let trimmed = key.trim();
    let known = check_key(trimmed, &Place { source, span: 0..key.len() }, problems);
    let Some(text) = text else { return known.then(|| (trimmed.to_owned(), None)) };
    let at = Place { source, span: key.len() + 1..option.len() };
    let Some((from, to)) = text.split_once("..") else {
        problems.error(
            &at,
            format!("`{}` is not a range", text.trim()),
            "write LO..HI, such as 2 h..48 h",
        );
        return None;
    };
    // The steps of a sweep's range say nothing here.
    let to = to.split_once(':').map_or(to, |(to, _)| to);
    let span = span(trimmed, from, to, &at, problems)?;
    known.then(|| (trimmed.to_owned(), Some(span)))
}

/// Whether a key can be varied; reports why not.
fn check_key(key: &str, at: &Place, problems: &mut Problems) -> bool {
    let everywhere = keys::in_every_zone(key).or_else(|| keys::in_every_item(key));
    let everywhere = everywhere.as_deref().unwrap_or(key);
    let owner = keys::KEYS.iter().find(|known| {
        known.path == everywhere
            || everywhere.strip_prefix(known.path).is_some_and(|rest| {
                matches!(known.kind, Kind::Lifetime | Kind::Wait | Kind::Backoff)
                    && rest.starts_with('.')
                    && rest.len() > 1
                    && !rest[1..].contains('.')
            })
    });
    if key == "workload.kind" {
        problems.error(
            at,
            "workload.kind cannot be varied: jobs and endpoints have different results",
            "run two sweeps",
        );
        return false;
    }
    if owner.is_some() || keys::is_of_a_model(key) {
        return true;
    }
    if let Some((_, why)) = keys::LATER.iter().find(|(name, _)| *name == key) {
        problems.error(at, format!("`{key}` is not supported yet"), *why);
        return false;
    }
    let names = || keys::KEYS.iter().map(|known| known.path);
    let same_name = keys::KEYS.iter().find(|known| known.name() == key);
    let help = match (same_name, nearest(key, names())) {
        (Some(known), _) => format!("write its table too: {}", known.path),
        (None, Some(near)) => format!("did you mean `{near}`?"),
        (None, None) => "write a table and a key, such as checkpoint.every".to_owned(),
    };
    problems.error(at, format!("there is no key `{key}`"), help);
    false
}

/// What an axis was written with.
struct Values {
    list: Vec<Setting>,
    span: Option<Span>,
}

fn axis(key: &str, values: Values, problems: &mut Problems) -> Option<Axis> {
    let mut seen = std::collections::HashSet::new();
    for value in &values.list {
        if !seen.insert(value.shown.as_str()) {
            problems.error(
                &value.node.at,
                format!("{key} takes the value {} twice", value.shown),
                "write every value once",
            );
            return None;
        }
    }
    Some(Axis { key: key.to_owned(), values: values.list, span: values.span })
}

/// Reads a list of values, or a range. `at` is the place of `text`, exactly where `exact`.
fn read_values(
    key: &str,
    text: &str,
    at: &Place,
    exact: bool,
    problems: &mut Problems,
) -> Option<Values> {
    let place = |span: Range<usize>| {
        if !exact {
            return at.clone();
        }
        let from = at.span.start;
        Place { source: at.source, span: from + span.start..from + span.end }
    };
    let parts = split_commas(text);
    if find_outside(text, "..").is_some() {
        if parts.len() > 1 {
            problems.error(
                at,
                format!("{key} has a list and a range in one"),
                "write either V1,V2,… or LO..HI:lin:N",
            );
            return None;
        }
        return range(key, text, at, problems);
    }
    let mut list = Vec::new();
    for part in parts {
        let raw = &text[part.clone()];
        let value = raw.trim();
        let start = part.start + (raw.len() - raw.trim_start().len());
        let at = place(start..start + value.len());
        if value.is_empty() {
            problems.error(
                &at,
                format!("{key} has an empty value"),
                "write the values with one comma between them, such as 15 min,30 min",
            );
            return None;
        }
        list.push(setting_of(key, tree::parse_value(value, &at)));
        if list.len() > MOST_POINTS {
            break;
        }
    }
    Some(Values { list, span: None })
}

/// The pieces between commas that are not inside quotes, braces or brackets.
fn split_commas(text: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, c) in outside(text) {
        if c == ',' {
            parts.push(start..at);
            start = at + 1;
        }
    }
    parts.push(start..text.len());
    parts
}

/// Where a word stands that is not inside quotes, braces or brackets.
fn find_outside(text: &str, word: &str) -> Option<usize> {
    outside(text).map(|(at, _)| at).find(|&at| text[at..].starts_with(word))
}

/// The characters that are not inside quotes, braces or brackets.
fn outside(text: &str) -> impl Iterator<Item = (usize, char)> + '_ {
    let (mut depth, mut quote, mut escaped) = (0_u32, None, false);
    text.char_indices().filter(move |&(_, c)| {
        match (quote, c) {
            (Some('"'), '\\') if !escaped => {
                escaped = true;
                return false;
            }
            (Some(open), c) if c == open && !escaped => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth = depth.saturating_sub(1),
            (None, _) => return depth == 0,
        }
        escaped = false;
        false
    })
}

/// One value with the text that `--set` reads back.
fn setting_of(key: &str, node: Node) -> Setting {
    let is_plans = keys::find(key).is_some_and(|key| key.kind == Kind::Plans);
    let shown = match &node.value {
        Value::Text(text) => {
            let plain = !text.is_empty()
                && text.trim() == text
                && !text.contains(',')
                && !text.contains("..")
                && tree::parse_value(text, &node.at).value == node.value;
            if plain { text.clone() } else { node.to_toml() }
        }
        // One plan needs no list.
        Value::Array(items) if is_plans && items.len() == 1 => match &items[0].value {
            Value::Text(text) => text.clone(),
            _ => node.to_toml(),
        },
        _ => node.to_toml(),
    };
    Setting { shown, node }
}

/// Reads `LO..HI:lin|log:N`.
fn range(key: &str, text: &str, at: &Place, problems: &mut Problems) -> Option<Values> {
    let wrong = |problems: &mut Problems, message: String, help: &str| {
        problems.error(at, format!("{key}: {message}"), help);
    };
    let (from, rest) = text.split_once("..")?;
    let mut parts = rest.split(':');
    let (to, law, count) = (parts.next()?, parts.next(), parts.next());
    let (Some(law), Some(count), None) = (law, count, parts.next()) else {
        let help = format!(
            "write {}..{}:lin:8 for 8 even steps, or {0}..{1}:log:8 for even ratios",
            from.trim(),
            to.trim()
        );
        wrong(problems, format!("the range `{}` has no steps", text.trim()), &help);
        return None;
    };
    let span = span(key, from, to, at, problems)?;
    let count = match count.trim().parse::<u32>() {
        Ok(count) if (2..=MOST_POINTS as u64).contains(&u64::from(count)) => count,
        _ => {
            let message = format!("`{}` is not a number of steps", count.trim());
            wrong(problems, message, "write a whole number from 2 to 1000000");
            return None;
        }
    };
    let numbers = match law.trim() {
        "lin" => span.linear(count),
        "log" if span.from.to_f64() > 0.0 && span.to.to_f64() > 0.0 => span.logarithmic(count),
        "log" => {
            let help = "write a range above 0, or :lin:";
            wrong(problems, "even ratios need ends above 0".into(), help);
            return None;
        }
        other => {
            wrong(problems, format!("`{other}` is not a kind of steps"), "write lin or log");
            return None;
        }
    };
    let Some(numbers) = numbers else {
        wrong(problems, format!("{count} steps do not fit between these ends"), "write fewer");
        return None;
    };
    if span.whole && numbers.iter().any(|number| number.scale() > 0) {
        let mut list: Vec<String> =
            numbers.iter().map(|number| span.nearest_whole(*number)).collect();
        list.dedup();
        if list.len() > 40 {
            list.truncate(40);
            list.push("…".into());
        }
        let help = format!("write them out, such as {key}={}", list.join(","));
        wrong(problems, format!("{count} steps are not whole numbers"), &help);
        return None;
    }
    let list: Vec<Setting> = numbers.into_iter().map(|number| span.setting(number)).collect();
    Some(Values { list, span: Some(span) })
}

/// Reads the ends of a range: two numbers with the same unit.
fn span(key: &str, from: &str, to: &str, at: &Place, problems: &mut Problems) -> Option<Span> {
    let mut number = |text: &str| {
        let (number, unit) = split_unit(text);
        match Decimal::parse(number) {
            Ok(value) if value.scale() <= 12 && value.to_f64().abs() <= 1e12 => {
                Some((value, unit.to_owned()))
            }
            _ => {
                problems.error(
                    at,
                    format!("{key}: `{}` is not an end of a range", text.trim()),
                    "write a decimal number with its unit, such as 2 h..48 h",
                );
                None
            }
        }
    };
    let (from, to) = (number(from), number(to));
    let ((from, unit), (to, other)) = (from?, to?);
    if unit != other {
        problems.error(
            at,
            format!("{key}: the ends of a range have the same unit, not `{unit}` and `{other}`"),
            "write both with one unit, such as 2 h..48 h",
        );
        return None;
    }
    if from.to_f64() == to.to_f64() {
        problems.error(at, format!("{key}: both ends of the range are the same"), WRITE_RANGE);
        return None;
    }
    let kind = keys::find(key).map(|key| key.kind);
    let whole = matches!(kind, Some(Kind::Count(..) | Kind::CountOr(..)));
    Some(Span { from, to, unit, whole, at: at.clone() })
}

impl Span {
    /// A number of this range's unit, as a value of the key.
    #[must_use]
    pub fn setting(&self, number: Decimal) -> Setting {
        let digits = number.to_string();
        let (shown, value) = if self.unit.is_empty() {
            let value = match digits.parse::<i64>() {
                Ok(whole) => Value::Integer(whole),
                Err(_) => Value::Float(number.to_f64()),
            };
            (digits, value)
        } else {
            let text = format!("{digits} {}", self.unit);
            (text.clone(), Value::Text(text))
        };
        Setting { shown, node: Node { value, at: self.at.clone() } }
    }

    /// The nearest value of `digits` significant digits, or the nearest whole one.
    #[must_use]
    pub fn near(&self, number: f64, digits: u32) -> Decimal {
        if self.whole { rounded(number, 0) } else { significant(number, digits) }
    }

    fn nearest_whole(&self, number: Decimal) -> String {
        rounded(number.to_f64(), 0).to_string()
    }

    /// `count` numbers with even steps, rounded to six digits more than the ends have.
    fn linear(&self, count: u32) -> Option<Vec<Decimal>> {
        let scale = self.from.scale().max(self.to.scale()) + 6;
        // At most 10¹² × 10¹⁸ × 10⁶: within 128 bits.
        let (from, to) = (self.from.at_scale(scale)?, self.to.at_scale(scale)?);
        let steps = i128::from(count) - 1;
        let number = |step| shortest(from + div_half_even((to - from) * step, steps), scale);
        Some((0..=steps).map(number).collect())
    }

    /// `count` numbers with even ratios, the ends exact, the others with as many digits as keep the
    /// ratios even to a hundredth of a step, four at least. `None` where that is more than there are.
    fn logarithmic(&self, count: u32) -> Option<Vec<Decimal>> {
        let (from, to) = (self.from.to_f64(), self.to.to_f64());
        let steps = f64::from(count - 1);
        let step = libm::fabs(ln(to / from)) / steps;
        let digits = (3.0 - libm::floor(libm::log10(step))).max(4.0);
        if digits > 15.0 {
            return None;
        }
        let inner = (1..count - 1).map(|index| {
            let share = f64::from(index) / steps;
            let number = libm::exp(ln(from) + share * (ln(to) - ln(from)));
            let number = significant(number, digits as u32);
            // Where a whole number was meant, the last bit must not spoil it.
            if self.whole { whole_if_close(number) } else { number }
        });
        Some(std::iter::once(self.from).chain(inner).chain([self.to]).collect())
    }
}

/// A number that is whole up to rounding, as a whole one.
fn whole_if_close(number: Decimal) -> Decimal {
    let value = number.to_f64();
    let whole = libm::round(value);
    if libm::fabs(value - whole) <= 1e-9 * whole { rounded(value, 0) } else { number }
}

/// A number with `digits` significant digits.
fn significant(number: f64, digits: u32) -> Decimal {
    if number == 0.0 || !number.is_finite() {
        return Decimal::new(0, 0);
    }
    // The exponent that formatting finds is exact.
    let shown = format!("{number:.*e}", digits as usize - 1);
    let exponent: i32 = shown.split_once('e').and_then(|(_, e)| e.parse().ok()).unwrap_or(0);
    let decimals = digits as i32 - 1 - exponent;
    if decimals >= 0 {
        return rounded(number, decimals.min(18) as u32);
    }
    let unit = 10_i128.pow(decimals.unsigned_abs().min(18));
    let whole = rounded(number, 0).times(1).unwrap_or(0);
    Decimal::new(div_half_even(whole, unit) * unit, 0)
}

/// A number with so many digits after the point, trailing zeros left out.
fn rounded(number: f64, decimals: u32) -> Decimal {
    let shown = format!("{number:.*}", decimals as usize);
    let parsed = Decimal::parse(&shown).unwrap_or(Decimal::new(0, 0));
    shortest(parsed.times(10_i128.pow(decimals)).unwrap_or(0), decimals)
}

/// `digits × 10^-scale` without trailing zeros.
fn shortest(mut digits: i128, mut scale: u32) -> Decimal {
    while scale > 0 && digits % 10 == 0 {
        digits /= 10;
        scale -= 1;
    }
    Decimal::new(digits, scale)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::source::Severity;

    fn values(option: &str) -> Vec<String> {
        let mut problems = Problems::default();
        let axis = read_vary(option, &mut problems);
        assert!(!problems.any_error(), "{}", problems.render(Severity::Error));
        axis.unwrap().values.into_iter().map(|value| value.shown).collect()
    }

    fn error(option: &str) -> String {
        let mut problems = Problems::default();
        assert!(read_vary(option, &mut problems).is_none(), "{option}");
        problems.render(Severity::Error)
    }

    #[test]
    fn lists_are_split_outside_quotes_and_braces_alone() {
        assert_eq!(values("checkpoint.every=10 min, 30 min"), ["10 min", "30 min"]);
        assert_eq!(
            values("market.lifetime={ model = \"weibull\", shape = 0.5, scale = \"9 h\" },never"),
            ["{ model = \"weibull\", shape = 0.5, scale = \"9 h\" }", "never"]
        );
        assert_eq!(values("machine.type='a,b',\"c\""), ["\"a,b\"", "c"]);
        assert_eq!(values("compare.plans=spot,[\"standard\", \"spot\"]").len(), 2);
        assert_eq!(values("restart.max_restarts=6,unlimited"), ["6", "unlimited"]);
    }

    /// 0.1 steps are exact; thirds have six digits more than the ends.
    #[test]
    fn even_steps_are_finite_decimals() {
        assert_eq!(
            values("price.spot=0.1 USD/h..0.3 USD/h:lin:3"),
            ["0.1 USD/h", "0.2 USD/h", "0.3 USD/h"]
        );
        assert_eq!(
            values("checkpoint.save=0 s..1 s:lin:4"),
            ["0 s", "0.333333 s", "0.666667 s", "1 s"]
        );
        assert_eq!(values("workload.nodes=1..10:lin:4"), ["1", "4", "7", "10"]);
        assert_eq!(values("workload.work=8 h..2 h:lin:3"), ["8 h", "5 h", "2 h"]);
        let huge = "price.spot=0.000000000001 USD/h..999999999999.999999999999 USD/h:lin:1000000";
        assert_eq!(values(huge).last().unwrap(), "999999999999.999999999999 USD/h");
    }

    /// 2·24^(i/9): 2.8470…, 4.0527….
    #[test]
    fn even_ratios_are_readable_and_end_exactly() {
        let found = values("market.lifetime.mean=2 h..48 h:log:10");
        assert_eq!(found[..3], ["2 h", "2.847 h", "4.053 h"]);
        assert_eq!(found[9], "48 h");
        assert_eq!(values("workload.nodes=1..64:log:7"), ["1", "2", "4", "8", "16", "32", "64"]);
        assert_eq!(values("market.lifetime.shape=0.5..2:log:3"), ["0.5", "1", "2"]);
    }

    #[test]
    fn what_is_wrong_says_what_to_write() {
        for (option, words) in [
            ("checkpoint.every", "no `=`"),
            ("checkpoint.evry=1 h", "did you mean `checkpoint.every`?"),
            ("every=1 h", "write its table too: checkpoint.every"),
            ("workload.kind=job,endpoint", "run two sweeps"),
            ("restart.scope=node", "not supported yet"),
            ("checkpoint.every=1 h..2 h", "write 1 h..2 h:lin:8"),
            ("checkpoint.every=1 h..2 h:cubic:3", "write lin or log"),
            ("checkpoint.every=1 h..2 h:lin:1", "whole number from 2"),
            ("checkpoint.every=1 h..120 min:lin:3", "the same unit"),
            ("checkpoint.every=0 h..2 h:log:3", "above 0"),
            ("checkpoint.every=x..2 h:lin:3", "not an end of a range"),
            ("checkpoint.every=1 h..1 h:lin:3", "the same"),
            ("checkpoint.every=1 h,,2 h", "an empty value"),
            ("checkpoint.every=1 h,1 h", "twice"),
            ("checkpoint.every=1 h,2 h..3 h:lin:2", "a list and a range"),
            ("workload.nodes=1..10:lin:5", "workload.nodes=1,3,6,8,10"),
            ("workload.work=1 h..1.0000000000001 h:log:999999", "not an end"),
            ("workload.work=1 h..1.000000000001 h:log:999999", "steps do not fit"),
            ("workload.work=1 h..9999999999999 h:lin:3", "not an end"),
        ] {
            let shown = error(option);
            assert!(shown.contains(words), "{option}:\n{shown}");
        }
    }

    #[test]
    fn every_value_is_read_back_to_itself() {
        for option in [
            "market.lifetime.mean=0.37 h..48 h:log:23",
            "market.lifetime.shape=0.05..7:log:9",
            "price.spot=0.1 USD/h..0.7 USD/h:lin:7",
            "market.lifetime={ mean = \"1 h\" },never,{ model = \"exponential\", mean = \"2 h\" }",
        ] {
            let mut problems = Problems::default();
            for value in read_vary(option, &mut problems).unwrap().values {
                let again = tree::parse_value(&value.shown, &value.node.at);
                assert_eq!(again.to_toml(), value.node.to_toml(), "{option}");
            }
        }
    }
}
