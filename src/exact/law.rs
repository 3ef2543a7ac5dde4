//! The law of a gang's lifetime and of a wait, as the exact solution needs them: survival, its
//! integrals, moments up to a limit.

use libm::{exp, expm1};

use super::ring::Jet;
use crate::luck::ln;
use crate::model::capacity::Wait;
use crate::model::distribution::normal_survival;
use crate::model::lifetime::Lifetime;

/// The lifetime of a gang: P(L > t) = e^(−g·H(t)).
#[derive(Clone, Copy, Debug)]
pub struct Survival {
    /// One VM's.
    pub lifetime: Lifetime,
    /// The gang's hazard in units of one VM's.
    pub gang: f64,
}

/// Nodes and weights of Gauss's rule of ten points on (−1, 1), one half of them.
/// Source: Abramowitz & Stegun, table 25.4.
const GAUSS: [(f64, f64); 5] = [
    (0.148_874_338_981_631_2, 0.295_524_224_714_752_9),
    (0.433_395_394_129_247_2, 0.269_266_719_309_996_3),
    (0.679_409_568_299_024_4, 0.219_086_362_515_982),
    (0.865_063_366_688_984_5, 0.149_451_349_150_580_6),
    (0.973_906_528_517_171_7, 0.066_671_344_308_688_1),
];

/// Halvings before a panel is taken as it is.
const DEEPEST: u32 = 50;

impl Survival {
    /// P(L > t), t in hours.
    #[must_use]
    pub fn at(&self, t: f64) -> f64 {
        if t <= 0.0 { 1.0 } else { exp(-self.gang * self.lifetime.cumulative_hazard(t)) }
    }

    /// ∫ S(t) dt and ∫ (t − origin) S(t) dt over \[from, to\].
    #[must_use]
    pub fn integrals(&self, from: f64, to: f64, origin: f64) -> [f64; 2] {
        if to <= from {
            return [0.0; 2];
        }
        if self.lifetime == Lifetime::Never {
            let (a, b) = (from - origin, to - origin);
            return [to - from, 0.5 * (b * b - a * a)];
        }
        let whole = self.panel(from, to, origin);
        self.adaptive(from, to, origin, whole, 1e-14 * (to - from), DEEPEST)
    }

    fn adaptive(
        &self,
        from: f64,
        to: f64,
        origin: f64,
        whole: [f64; 2],
        tolerance: f64,
        depth: u32,
    ) -> [f64; 2] {
        let middle = from + 0.5 * (to - from);
        let left = self.panel(from, middle, origin);
        let right = self.panel(middle, to, origin);
        let halves = [left[0] + right[0], left[1] + right[1]];
        if depth == 0 || (halves[0] - whole[0]).abs() <= tolerance {
            return halves;
        }
        let left = self.adaptive(from, middle, origin, left, 0.5 * tolerance, depth - 1);
        let right = self.adaptive(middle, to, origin, right, 0.5 * tolerance, depth - 1);
        [left[0] + right[0], left[1] + right[1]]
    }

    fn panel(&self, from: f64, to: f64, origin: f64) -> [f64; 2] {
        let (centre, half) = (from + 0.5 * (to - from), 0.5 * (to - from));
        let mut sums = [0.0; 2];
        for (node, weight) in GAUSS {
            for t in [centre - half * node, centre + half * node] {
                let survival = weight * self.at(t);
                sums[0] += survival;
                sums[1] += survival * (t - origin);
            }
        }
        [sums[0] * half, sums[1] * half]
    }
}

/// P(wait ≤ `t`), t in hours.
#[must_use]
pub fn wait_at_most(wait: &Wait, t: f64) -> f64 {
    wait.at_most(t)
}

/// P(wait > `t`), t in hours, without cancellation.
#[must_use]
pub fn wait_beyond(wait: &Wait, t: f64) -> f64 {
    match *wait {
        Wait::Fixed(fixed) => f64::from(u8::from(fixed.hours() > t)),
        _ if t <= 0.0 => 1.0,
        Wait::Exponential { mean_h } => exp(-t / mean_h),
        Wait::LogNormal { median_h, sigma } => normal_survival(ln(t / median_h) / sigma),
    }
}

/// Probability and moments of a wait that is at most `limit` \[h\]; the moments times `weight`.
#[must_use]
pub fn wait_jet(wait: &Wait, limit: f64, weight: f64) -> Jet {
    let (mass, first, second) = match *wait {
        Wait::Fixed(fixed) if fixed.hours() <= limit => {
            return Jet::fixed(1.0, weight * fixed.hours());
        }
        Wait::Fixed(_) => (0.0, 0.0, 0.0),
        Wait::Exponential { mean_h: mean } => {
            let x = limit / mean;
            let beyond = exp(-x);
            (
                -expm1(-x),
                mean * (1.0 - beyond * (1.0 + x)),
                mean * mean * (2.0 - beyond * (x * x + 2.0 * x + 2.0)),
            )
        }
        Wait::LogNormal { median_h: median, sigma } => {
            let z = ln(limit / median) / sigma;
            // E[W^k; W < c] = median^k e^(k²σ²/2) Φ(z − kσ).
            let moment = |k: f64| {
                let below = normal_survival(k * sigma - z);
                if below == 0.0 {
                    return 0.0;
                }
                exp(k * ln(median) + 0.5 * k * k * sigma * sigma + ln(below))
            };
            (moment(0.0), moment(1.0), moment(2.0))
        }
    };
    Jet { mass, first: first * weight, second: second * weight * weight }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ∫ e^(−t) over (0, ∞) is 1 and ∫ t e^(−t) is 1: up to 60, both to rounding.
    #[test]
    fn integrals_of_an_exponential_survival_are_its_moments() {
        let law = Survival { lifetime: Lifetime::Exponential { mean_h: 1.0 }, gang: 1.0 };
        let [mean, second] = law.integrals(0.0, 60.0, 0.0);
        assert!((mean - 1.0).abs() < 1e-13 && (second - 1.0).abs() < 1e-12);
    }

    /// A log-normal's mean is median·e^(σ²/2); ninety-nine standard deviations cut nothing off.
    #[test]
    fn moments_of_a_wait_are_its_closed_forms() {
        let wait = Wait::LogNormal { median_h: 2.0, sigma: 0.5 };
        let jet = wait_jet(&wait, 1e12, 1.0);
        assert!((jet.first - 2.0 * exp(0.125)).abs() < 1e-12);
        assert!((jet.second - 4.0 * exp(0.5)).abs() < 1e-12);
        let exponential = wait_jet(&Wait::Exponential { mean_h: 3.0 }, 1e6, 2.0);
        assert!((exponential.first - 6.0).abs() < 1e-12);
        assert!((exponential.second - 72.0).abs() < 1e-11);
    }
}
