//! From values to places on the page, and the round values that an axis names.

use crate::output::numbers;

/// Maps values to pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    logarithmic: bool,
}

impl Scale {
    /// Even steps. Where both values are one, it stands in the middle.
    #[must_use]
    pub const fn linear((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        Self { low, high, from, to, logarithmic: false }
    }

    /// Even ratios; both values are above zero.
    #[must_use]
    pub const fn logarithmic((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        Self { low, high, from, to, logarithmic: true }
    }

    /// Where a value stands.
    #[must_use]
    pub fn at(&self, value: f64) -> f64 {
        let (value, low, high) = if self.logarithmic {
            (libm::log(value), libm::log(self.low), libm::log(self.high))
        } else {
            (value, self.low, self.high)
        };
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        self.from + share * (self.to - self.from)
    }

    /// Where a value stands, not beyond the ends.
    #[must_use]
    pub fn within(&self, value: f64) -> f64 {
        self.at(value.clamp(self.low, self.high))
    }

    /// The least value.
    #[must_use]
    pub const fn low(&self) -> f64 {
        self.low
    }

    /// The largest value.
    #[must_use]
    pub const fn high(&self) -> f64 {
        self.high
    }

    /// The place of the least value.
    #[must_use]
    pub const fn from(&self) -> f64 {
        self.from
    }

    /// The place of the largest value.
    #[must_use]
    pub const fn to(&self) -> f64 {
        self.to
    }

    /// Whether equal ratios are equally far apart.
    #[must_use]
    pub const fn is_logarithmic(&self) -> bool {
        self.logarithmic
    }
}

/// A value that an axis names.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    /// The value.
    pub value: f64,
    /// Its name.
    pub label: String,
}

/// What values are shown in.
#[derive(Clone, Debug, PartialEq)]
pub struct Unit {
    /// Shown is value × factor.
    pub factor: f64,
    /// The unit's name.
    pub name: String,
    /// Steps between ticks, per power of ten.
    steps: &'static [f64],
}

const DECIMAL: &[f64] = &[1.0, 2.0, 5.0];

impl Unit {
    /// The values as they are.
    #[must_use]
    pub fn plain(name: impl Into<String>) -> Self {
        Self { factor: 1.0, name: name.into(), steps: DECIMAL }
    }

    /// Shares in percent.
    #[must_use]
    pub fn percent() -> Self {
        Self { factor: 100.0, name: "%".into(), steps: DECIMAL }
    }

    /// Amounts up to `largest`: thousands and millions where they are.
    #[must_use]
    pub fn money(largest: f64, currency: &str) -> Self {
        let (factor, words) = match largest.abs() {
            size if size >= 2e9 => (1e-9, "thousand million "),
            size if size >= 2e6 => (1e-6, "million "),
            size if size >= 2e4 => (1e-3, "thousand "),
            _ => (1.0, ""),
        };
        Self { factor, name: format!("{words}{currency}"), steps: DECIMAL }
    }

    /// Hours up to `largest`, in the unit a person would choose.
    #[must_use]
    pub fn time(largest_h: f64) -> Self {
        let (factor, name, steps): (f64, _, &[f64]) = match largest_h {
            hours if hours < 1.0 / 40.0 => (3_600.0, "seconds", DECIMAL),
            hours if hours < 1.5 => (60.0, "minutes", DECIMAL),
            hours if hours <= 96.0 => (1.0, "hours", &[1.0, 2.0, 3.0, 6.0]),
            _ => (1.0 / 24.0, "days", DECIMAL),
        };
        Self { factor, name: name.into(), steps }
    }

    /// Round values from `low` to `high`, about `about` of them.
    #[must_use]
    pub fn ticks(&self, low: f64, high: f64, about: f64) -> Vec<Tick> {
        let (low, high) = (low * self.factor, high * self.factor);
        let span = high - low;
        if span <= 0.0 || !span.is_finite() {
            let label = label(low, if low == libm::floor(low) { 0 } else { 2 });
            return vec![Tick { value: low / self.factor, label }];
        }
        let (step, decimals) = self.step(span / about.max(1.0));
        let first = libm::ceil(low / step - 1e-9) as i64;
        let last = libm::floor(high / step + 1e-9) as i64;
        (first..=last.min(first.saturating_add(100)))
            .map(|index| {
                let value = index as f64 * step;
                Tick { value: value / self.factor, label: label(value, decimals) }
            })
            .collect()
    }

    /// The least round step that is at least so wide, and its decimals.
    fn step(&self, least: f64) -> (f64, usize) {
        let mut power = 1.0;
        let mut decimals = 0_i32;
        while power * 10.0 <= least && decimals > -15 {
            power *= 10.0;
            decimals -= 1;
        }
        while power > least && decimals < 12 {
            power /= 10.0;
            decimals += 1;
        }
        // Hours have twelves and days; beyond and below they are counted in tens too.
        let hours: &[f64] = &[12.0, 24.0, 48.0];
        let own = if least < 0.5 { DECIMAL } else { self.steps };
        let steps = own.iter().copied().chain([10.0]).map(|step| step * power);
        let steps: Vec<f64> = if self.steps.len() > 3 && least > 6.0 && least <= 48.0 {
            hours.to_vec()
        } else {
            steps.collect()
        };
        let step = steps.iter().copied().find(|&step| step >= least * (1.0 - 1e-9));
        let step = step.unwrap_or(10.0 * power);
        // No more decimals than it takes to tell the steps apart.
        let mut fewest = 0;
        let mut scaled = step;
        while fewest < decimals.max(0) as usize
            && (scaled - libm::round(scaled)).abs() > 1e-6 * scaled
        {
            scaled *= 10.0;
            fewest += 1;
        }
        (step, fewest)
    }
}

/// Values 1, 2 and 5 times powers of ten between two ends.
#[must_use]
pub fn logarithmic_ticks(low: f64, high: f64, show: impl Fn(f64) -> String) -> Vec<Tick> {
    let mut ticks = Vec::new();
    let mut power = 1.0;
    // Values beyond are not told from these.
    let low = low.max(1e-30);
    while power > low {
        power /= 10.0;
    }
    while power * 10.0 <= low && power < 1e30 {
        power *= 10.0;
    }
    while power <= high && ticks.len() < 60 {
        for step in [1.0, 2.0, 5.0] {
            let value = step * power;
            if value >= low * (1.0 - 1e-9) && value <= high * (1.0 + 1e-9) {
                ticks.push(Tick { value, label: show(value) });
            }
        }
        power *= 10.0;
    }
    ticks
}

fn label(value: f64, decimals: usize) -> String {
    // Adding zero turns a negative zero into a plain one.
    let shown = numbers::with_decimals(value + 0.0, decimals);
    shown.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(unit: &Unit, low: f64, high: f64) -> Vec<String> {
        unit.ticks(low, high, 5.0).into_iter().map(|tick| tick.label).collect()
    }

    #[test]
    fn ticks_are_round() {
        let usd = |high: f64| labels(&Unit::money(high, "USD"), 0.0, high);
        assert_eq!(usd(9.3), ["0", "2", "4", "6", "8"]);
        assert_eq!(usd(0.031), ["0.00", "0.01", "0.02", "0.03"]);
        assert_eq!(usd(2_345_678.0), ["0.0", "0.5", "1.0", "1.5", "2.0"]);
        assert_eq!(usd(12_000.0), ["0", "5,000", "10,000"]);
        let time = |high: f64| labels(&Unit::time(high), 0.0, high);
        assert_eq!(time(30.0), ["0", "6", "12", "18", "24", "30"].map(String::from)[..].to_vec());
        assert_eq!(time(70.0), ["0", "24", "48"]);
        assert_eq!(time(0.9), ["0", "20", "40"]);
        assert_eq!(labels(&Unit::percent(), -0.31, 0.52), ["−20", "0", "20", "40"]);
    }

    #[test]
    fn one_value_stands_in_the_middle() {
        let scale = Scale::linear((3.0, 3.0), (0.0, 100.0));
        assert_eq!(scale.at(3.0), 50.0);
        assert_eq!(Unit::plain("").ticks(3.0, 3.0, 5.0).len(), 1);
    }

    #[test]
    fn even_ratios_are_even_steps() {
        let scale = Scale::logarithmic((1.0, 100.0), (0.0, 100.0));
        assert!((scale.at(10.0) - 50.0).abs() < 1e-9);
        let ticks = logarithmic_ticks(0.5, 30.0, |value| value.to_string());
        let labels: Vec<&str> = ticks.iter().map(|tick| tick.label.as_str()).collect();
        assert_eq!(labels, ["0.5", "1", "2", "5", "10", "20"]);
    }
}
