//! What families of distributions have in common: named parameters, and the normal law.
//!
//! A family is data: its name, its parameters and how it is built. The scenario reader, the schema
//! and the format page all read that data, so that a new family is written in one place only.

use libm::{erfc, exp, sqrt};

use crate::luck::ln;

/// What a parameter measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// A duration, handed to the family in hours.
    Time,
    /// A plain number.
    Number,
}

/// One named parameter of a family.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// The key in the scenario.
    pub name: &'static str,
    /// What it measures.
    pub dimension: Dimension,
    /// What it means, for people.
    pub about: &'static str,
    /// Bounds, both allowed; a duration is bounded in hours.
    pub range: (f64, f64),
}

/// A family of distributions of `T`.
pub struct Family<T: 'static> {
    /// The value of `model` in the scenario.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// Its parameters, in the order in which [`Family::build`] takes them.
    pub parameters: &'static [Parameter],
    /// Makes the distribution from parameters inside their ranges.
    pub build: fn(&[f64]) -> T,
}

/// The shortest duration a parameter may have: 1 µs, in hours.
pub const SHORTEST_H: f64 = 1e-6 / 3600.0;
/// The longest: 1,000 years, in hours.
pub const LONGEST_H: f64 = 365_250.0 * 24.0;

/// A duration parameter of 1 µs to 1,000 years.
pub(super) const fn time(name: &'static str, about: &'static str) -> Parameter {
    Parameter { name, dimension: Dimension::Time, about, range: (SHORTEST_H, LONGEST_H) }
}

/// A plain parameter between two bounds.
pub(super) const fn number(
    name: &'static str,
    about: &'static str,
    low: f64,
    high: f64,
) -> Parameter {
    Parameter { name, dimension: Dimension::Number, about, range: (low, high) }
}

/// P(Z > z) of a standard normal variable.
#[must_use]
pub fn normal_survival(z: f64) -> f64 {
    0.5 * erfc(z * std::f64::consts::FRAC_1_SQRT_2)
}

/// The z with P(Z > z) = `p`, for `p` from 0 to 1.
///
/// Source: P. J. Acklam's rational approximation (2003, relative error 1.15·10⁻⁹), then one step of
/// Halley's method on the complementary error function, which leaves about 10⁻¹⁵.
#[must_use]
pub fn normal_upper_quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -normal_upper_quantile(1.0 - p);
    }
    if p <= 0.0 {
        return f64::INFINITY;
    }
    let estimate = if p < 0.024_25 {
        let q = sqrt(-2.0 * ln(p));
        -(((((-7.784_894_002_430_293e-3 * q - 3.223_964_580_411_365e-1) * q
            - 2.400_758_277_161_838)
            * q
            - 2.549_732_539_343_734)
            * q
            + 4.374_664_141_464_968)
            * q
            + 2.938_163_982_698_783)
            / ((((7.784_695_709_041_462e-3 * q + 3.224_671_290_700_398e-1) * q
                + 2.445_134_137_142_996)
                * q
                + 3.754_408_661_907_416)
                * q
                + 1.0)
    } else {
        let q = 0.5 - p;
        let r = q * q;
        (((((-3.969_683_028_665_376e1 * r + 2.209_460_984_245_205e2) * r
            - 2.759_285_104_469_687e2)
            * r
            + 1.383_577_518_672_69e2)
            * r
            - 3.066_479_806_614_716e1)
            * r
            + 2.506_628_277_459_239)
            * q
            / (((((-5.447_609_879_822_406e1 * r + 1.615_858_368_580_409e2) * r
                - 1.556_989_798_598_866e2)
                * r
                + 6.680_131_188_771_972e1)
                * r
                - 1.328_068_155_288_572e1)
                * r
                + 1.0)
    };
    // Far out, where the density leaves the range of numbers, the approximation stands alone.
    let half_square = 0.5 * estimate * estimate;
    if half_square > 700.0 {
        return estimate;
    }
    let error = normal_survival(estimate) - p;
    let step = error * sqrt(2.0 * std::f64::consts::PI) * exp(half_square);
    // d/dz of the survival is −density: Newton adds `step`, Halley bends it.
    estimate + step / (1.0 - 0.5 * estimate * step)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Golden values: Abramowitz & Stegun, table 26.5 (p = 0.025, 0.005), and SciPy 1.14
    /// `norm.isf` for the far tails.
    #[test]
    fn normal_quantiles_match_published_values() {
        for (p, z) in [
            (0.5, 0.0),
            (0.025, 1.959_963_984_540_054),
            (0.005, 2.575_829_303_548_901),
            (0.975, -1.959_963_984_540_054),
            (1e-6, 4.753_424_308_822_899),
            (1e-15, 7.941_345_326_170_997),
        ] {
            let found = normal_upper_quantile(p);
            assert!((found - z).abs() <= 2e-14 * (1.0 + z.abs()), "{p}: {found}");
        }
    }

    /// To the smallest number there is, 5·10⁻³²⁴: it rises by what ln p asks for, z ≈ √(−2 ln p), and is
    /// never no number.
    #[test]
    fn the_quantile_rises_to_the_end_of_the_numbers() {
        let mut last = 0.0;
        for i in 1..=7_440 {
            let z = normal_upper_quantile(exp(-0.1 * f64::from(i)));
            // Below e^−708 two of these may be the same number.
            assert!(z > last || i < 7 || (i > 7_080 && z == last), "{i}: {z} after {last}");
            last = z;
        }
        assert!((38.4..38.5).contains(&normal_upper_quantile(5e-324)), "{last}");
        assert_eq!(normal_upper_quantile(0.0), f64::INFINITY);
    }

    #[test]
    fn the_quantile_inverts_the_survival_in_both_tails() {
        for i in 1..2_000 {
            let p = exp(-f64::from(i) * 0.04);
            let z = normal_upper_quantile(p);
            assert!((normal_survival(z) / p - 1.0).abs() < 1e-12, "{p}");
        }
    }
}
