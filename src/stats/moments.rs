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

/// Sums of two quantities of the same replications, and of their products.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    count: u64,
    sums: [u128; 2],
    /// Σxx, Σxy, Σyy.
    products: [Wide; 3],
}

impl Pair {
    /// Adds one replication.
    #[inline]
    pub fn add(&mut self, x: u64, y: u64) {
        self.count += 1;
        self.sums[0] += u128::from(x);
        self.sums[1] += u128::from(y);
        self.products[0].add_product(x, x);
        self.products[1].add_product(x, y);
        self.products[2].add_product(y, y);
    }

    /// Adds all of another's replications.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for (sum, other) in self.sums.iter_mut().zip(other.sums) {
            *sum += other;
        }
        for (product, other) in self.products.iter_mut().zip(other.products) {
            product.add(other);
        }
    }

    /// E\[x\] ÷ E\[y\]; `None` where no y is above 0.
    #[must_use]
    pub fn ratio(&self) -> Option<Ratio> {
        let [x, y] = self.sums;
        if y == 0 {
            return None;
        }
        let value = x as f64 / y as f64;
        if self.count < 2 {
            return Some(Ratio { value, standard_error: f64::NAN });
        }
        let n = self.count as f64;
        let cov =
            |product: usize, a: u128, b: u128| covariance(self.count, self.products[product], a, b);
        // Var(x − value·y) ÷ (n·E[y]²).
        let residual = cov(0, x, x) - 2.0 * value * cov(1, x, y) + value * value * cov(2, y, y);
        let mean_y = y as f64 / n;
        Some(Ratio { value, standard_error: (residual.max(0.0) / n).sqrt() / mean_y })
    }
}

/// Sums over paired replications of a plan and its baseline: cost and yield of each.
///
/// The yield is what is bought: completions of a job, serving time of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paired {
    count: u64,
    /// Cost and yield of the plan, cost and yield of the baseline.
    sums: [u128; 4],
    /// The upper triangle of the products, row by row.
    products: [Wide; 10],
}

impl Paired {
    /// Adds one replication: (cost, yield) of the plan, then of the baseline.
    #[inline]
    pub fn add(&mut self, plan: (u64, u64), baseline: (u64, u64)) {
        let values = [plan.0, plan.1, baseline.0, baseline.1];
        self.count += 1;
        let mut index = 0;
        for i in 0..4 {
            self.sums[i] += u128::from(values[i]);
            for j in i..4 {
                self.products[index].add_product(values[i], values[j]);
                index += 1;
            }
        }
    }

    /// Adds all of another's replications.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        for (sum, other) in self.sums.iter_mut().zip(other.sums) {
            *sum += other;
        }
        for (product, other) in self.products.iter_mut().zip(other.products) {
            product.add(other);
        }
    }

    /// (plan's cost ÷ plan's yield) ÷ (baseline's cost ÷ baseline's yield), ratios of means, with
    /// the standard error by the delta method on the pairs. `None` where a mean it divides by is 0.
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
        let n = self.count as f64;
        let signs = [1.0, -1.0, -1.0, 1.0];
        let (mut variance, mut index) = (0.0, 0);
        for i in 0..4 {
            for j in i..4 {
                let weight = if i == j { 1.0 } else { 2.0 } * signs[i] * signs[j];
                let relative =
                    covariance(self.count, self.products[index], self.sums[i], self.sums[j])
                        / (self.sums[i] as f64 / n)
                        / (self.sums[j] as f64 / n);
                variance += weight * relative;
                index += 1;
            }
        }
        Some(Ratio { value, standard_error: value * (variance.max(0.0) / n).sqrt() })
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
        let mut pair = Pair::default();
        for (x, y) in [(2, 1), (4, 1), (6, 2)] {
            pair.add(x, y);
        }
        let ratio = pair.ratio().unwrap();
        assert_eq!(ratio.value, 3.0);
        assert!((ratio.standard_error - (1.0_f64 / 3.0).sqrt() * 0.75).abs() < 1e-12);
    }

    /// With a constant baseline and certain completion the relative cost is a scaled mean.
    #[test]
    fn a_relative_cost_against_a_constant_is_a_mean() {
        let mut paired = Paired::default();
        let mut moments = Moments::default();
        for cost in [30, 40, 50, 90] {
            paired.add((cost, 1), (100, 1));
            moments.add(cost);
        }
        let ratio = paired.relative_cost().unwrap();
        assert!((ratio.value - 0.525).abs() < 1e-15);
        let expected = (moments.variance().unwrap() / 4.0).sqrt() / 100.0;
        assert!((ratio.standard_error - expected).abs() < 1e-12);
    }

    #[test]
    fn merging_is_adding() {
        let (mut whole, mut left, mut right) =
            (Paired::default(), Paired::default(), Paired::default());
        for i in 0..100_u64 {
            let (plan, base) = ((i * i + 7, i % 3), (i + 50, 1));
            whole.add(plan, base);
            if i % 7 == 0 { left.add(plan, base) } else { right.add(plan, base) }
        }
        left.merge(&right);
        assert_eq!(whole, left);
    }
}
