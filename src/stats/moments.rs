//! Means, variances and covariances from exact integer sums, and ratios of means.

use super::wide::Wide;

/// The sums of one quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moments {
    /// Values seen.
    pub count: u64,
    sum: u128,
    squares: Wide,
}

impl Moments {
    /// Adds a value.
    #[inline]
    pub fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum += u128::from(value);
        self.squares.add_product(value, value);
    }

    /// Adds a value `times` times.
    pub fn add_times(&mut self, value: u64, times: u64) {
        self.count += times;
        self.sum += u128::from(value) * u128::from(times);
        self.squares.add(Wide::product(value.into(), value.into()).times(times));
    }

    /// Adds all of another's values.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.sum += other.sum;
        self.squares.add(other.squares);
    }

    /// The exact sum.
    #[must_use]
    pub const fn sum(&self) -> u128 {
        self.sum
    }

    /// The mean; `None` of nothing.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The sample variance; `None` of fewer than two values.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        (self.count > 1).then(|| covariance(self.count, self.squares, self.sum, self.sum))
    }
}

/// (n·Σxy − Σx·Σy) ÷ (n(n − 1)): exact up to the last division.
fn covariance(count: u64, products: Wide, x: u128, y: u128) -> f64 {
    let n = count as f64;
    products.times(count).minus(Wide::product(x, y)) / n / (n - 1.0)
}

/// A ratio of two means with the standard error of the ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// Mean of the numerator ÷ mean of the denominator.
    pub value: f64,
    /// Its standard error, by the delta method.
    pub standard_error: f64,
}

/// Sums of several quantities of the same replications, and of their products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joint<const N: usize> {
    count: u64,
    sums: [u128; N],
    /// Only `products[i][j]` with i ≤ j is kept.
    products: [[Wide; N]; N],
}

impl<const N: usize> Default for Joint<N> {
    fn default() -> Self {
        Self { count: 0, sums: [0; N], products: [[Wide::default(); N]; N] }
    }
}

impl<const N: usize> Joint<N> {
    /// Adds one replication.
    #[inline]
    pub fn add(&mut self, values: [u64; N]) {
        self.count += 1;
        for i in 0..N {
            self.sums[i] += u128::from(values[i]);
            for j in i..N {
                self.products[i][j].add_product(values[i], values[j]);
            }
        }
    }

    /// Adds all of another's replications.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for i in 0..N {
            self.sums[i] += other.sums[i];
            for j in i..N {
                self.products[i][j].add(other.products[i][j]);
            }
        }
    }

    /// Adds the same replication `times` times.
    pub fn add_times(&mut self, values: [u64; N], times: u64) {
        let mut once = Self::default();
        once.add(values);
        self.count += times;
        for i in 0..N {
            self.sums[i] += once.sums[i] * u128::from(times);
            for j in i..N {
                self.products[i][j].add(once.products[i][j].times(times));
            }
        }
    }

    fn covariance(&self, i: usize, j: usize) -> f64 {
        let products = self.products[i.min(j)][i.max(j)];
        covariance(self.count, products, self.sums[i], self.sums[j])
    }

    fn mean(&self, i: usize) -> f64 {
        self.sums[i] as f64 / self.count as f64
    }
}

impl<const N: usize> Joint<N> {
    /// E\[x\] ÷ E\[y\] of the first two quantities; `None` where no y is above 0.
    #[must_use]
    pub fn ratio(&self) -> Option<Ratio> {
        let (x, y) = (self.sums[0], self.sums[1]);
        if y == 0 {
            return None;
        }
        let value = x as f64 / y as f64;
        if self.count < 2 {
            return Some(Ratio { value, standard_error: f64::NAN });
        }
        // Var(x − value·y) ÷ (n·E[y]²).
        let residual = self.covariance(0, 0) - 2.0 * value * self.covariance(0, 1)
            + value * value * self.covariance(1, 1);
        let error = (residual.max(0.0) / self.count as f64).sqrt() / self.mean(1);
        Some(Ratio { value, standard_error: error })
    }
}

/// Cost and gain of a plan, then of its baseline. The gain is what is bought: completions of a job,
/// serving time of an endpoint.
impl Joint<4> {
    /// (plan's cost ÷ plan's gain) ÷ (baseline's cost ÷ baseline's gain), ratios of means, with the
    /// standard error by the delta method on the pairs. `None` where a mean it divides by is 0.
    #[must_use]
    pub fn relative_cost(&self) -> Option<Ratio> {
        let [cost, gain, base_cost, base_gain] = self.sums.map(|sum| sum as f64);
        if gain == 0.0 || base_cost == 0.0 || base_gain == 0.0 {
            return None;
        }
        let value = (cost / gain) * (base_gain / base_cost);
        if self.count < 2 {
            return Some(Ratio { value, standard_error: f64::NAN });
        }
        if cost == 0.0 {
            return Some(Ratio { value, standard_error: 0.0 });
        }
        // The relative error is that of x₀/E x₀ − x₁/E x₁ − x₂/E x₂ + x₃/E x₃.
        const SIGNS: [f64; 4] = [1.0, -1.0, -1.0, 1.0];
        let mut variance = 0.0;
        for (i, a) in SIGNS.into_iter().enumerate() {
            for (j, b) in SIGNS.into_iter().enumerate() {
                variance += a * b * self.covariance(i, j) / self.mean(i) / self.mean(j);
            }
        }
        let error = value * (variance.max(0.0) / self.count as f64).sqrt();
        Some(Ratio { value, standard_error: error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 1, 2, 3, 4: mean 2.5, sample variance 5/3.
    #[test]
    fn moments_of_a_small_sample() {
        let mut moments = Moments::default();
        (1..=4).for_each(|value| moments.add(value));
        assert_eq!(moments.mean(), Some(2.5));
        assert!((moments.variance().unwrap() - 5.0 / 3.0).abs() < 1e-15);
    }

    /// Values near 2⁶³ that differ by one: a floating-point sum of squares would lose everything.
    #[test]
    fn nothing_cancels() {
        let mut moments = Moments::default();
        moments.add(1 << 62);
        moments.add((1 << 62) + 1);
        assert_eq!(moments.variance(), Some(0.5));
    }

    /// By hand: x = 2, 4, 6; y = 1, 1, 2. R = 12/4 = 3; residuals x − 3y = −1, 1, 0: variance 1;
    /// E y = 4/3; standard error = √(1/3) ÷ (4/3).
    #[test]
    fn a_ratio_of_means_has_the_error_of_its_residuals() {
        let mut pair = Joint::<2>::default();
        for (x, y) in [(2, 1), (4, 1), (6, 2)] {
            pair.add([x, y]);
        }
        let ratio = pair.ratio().unwrap();
        assert_eq!(ratio.value, 3.0);
        assert!((ratio.standard_error - (1.0_f64 / 3.0).sqrt() * 0.75).abs() < 1e-12);
    }

    /// With a constant baseline and certain completion the relative cost is a scaled mean.
    #[test]
    fn a_relative_cost_against_a_constant_is_a_mean() {
        let mut paired = Joint::<4>::default();
        let mut moments = Moments::default();
        for cost in [30, 40, 50, 90] {
            paired.add([cost, 1, 100, 1]);
            moments.add(cost);
        }
        let ratio = paired.relative_cost().unwrap();
        assert!((ratio.value - 0.525).abs() < 1e-15);
        let expected = (moments.variance().unwrap() / 4.0).sqrt() / 100.0;
        assert!((ratio.standard_error - expected).abs() < 1e-12);
    }

    #[test]
    fn adding_times_is_adding_that_often() {
        let (mut often, mut once) = (Moments::default(), Moments::default());
        let (mut joint_often, mut joint_once) = (Joint::<4>::default(), Joint::<4>::default());
        for _ in 0..7 {
            often.add(u64::MAX / 3);
            joint_often.add([u64::MAX / 5, 2, 3, 4]);
        }
        once.add_times(u64::MAX / 3, 7);
        joint_once.add_times([u64::MAX / 5, 2, 3, 4], 7);
        assert_eq!((often, joint_often), (once, joint_once));
    }

    #[test]
    fn merging_is_adding() {
        let (mut whole, mut left, mut right) =
            (Joint::<4>::default(), Joint::default(), Joint::default());
        for i in 0..100_u64 {
            let values = [i * i + 7, i % 3, i + 50, 1];
            whole.add(values);
            if i % 7 == 0 { left.add(values) } else { right.add(values) }
        }
        left.merge(&right);
        assert_eq!(whole, left);
    }
}
