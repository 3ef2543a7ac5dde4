//! Means, ratios of means and their differences, each with its simulation error.
//!
//! Replications are dealt to [`GROUPS`] groups in turn. Groups are alike and independent of each
//! other, whatever ties the replications inside one together: under lattice sampling a group is one
//! random shift of the whole lattice. So the spread of the groups is the error of the estimate, and
//! one rule serves every way of sampling.

use super::interval::Level;

/// Groups to which replications are dealt.
pub const GROUPS: usize = 32;

/// The group of a replication.
#[inline]
#[must_use]
pub const fn group(replication: u64) -> usize {
    (replication % GROUPS as u64) as usize
}

/// Counts and sums of one quantity, by group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Grouped {
    counts: [u64; GROUPS],
    sums: [u128; GROUPS],
}

impl Grouped {
    /// Adds a value `times` times to a group.
    #[inline]
    pub fn add(&mut self, group: usize, value: u64, times: u64) {
        self.counts[group] += times;
        self.sums[group] += u128::from(value) * u128::from(times);
    }

    /// Adds `count` values with this sum to a group.
    #[inline]
    pub const fn add_sum(&mut self, group: usize, count: u64, sum: u128) {
        self.counts[group] += count;
        self.sums[group] += sum;
    }

    /// Adds all of another's values.
    pub fn merge(&mut self, other: &Self) {
        for group in 0..GROUPS {
            self.counts[group] += other.counts[group];
            self.sums[group] += other.sums[group];
        }
    }

    /// How many values.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Their sum.
    #[must_use]
    pub fn sum(&self) -> u128 {
        self.sums.iter().sum()
    }
}

/// An estimate with what each group contributes to its error: the groups' deviations, to first
/// order. What is computed from estimates is an estimate again, paired group by group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimator {
    /// The estimate.
    pub value: f64,
    /// Deviation due to each group; they add up to 0.
    deviations: [f64; GROUPS],
    /// Groups that have replications.
    groups: u64,
}

impl Estimator {
    /// A number known without error.
    #[must_use]
    pub const fn exact(value: f64) -> Self {
        Self { value, deviations: [0.0; GROUPS], groups: GROUPS as u64 }
    }

    /// The mean of a quantity; `None` of no values.
    #[must_use]
    pub fn mean(values: &Grouped) -> Option<Self> {
        let (n, sum) = (values.count(), values.sum());
        if n == 0 {
            return None;
        }
        let mut deviations = [0.0; GROUPS];
        for (group, deviation) in deviations.iter_mut().enumerate() {
            // n·Σ_g − n_g·Σ over n², the difference exact: constants deviate by nothing. At most
            // 2³⁰ values of 2⁶³: each product is below 2¹²⁴.
            let (part, count) = (values.sums[group], values.counts[group]);
            let difference = (part * u128::from(n)) as i128 - (sum * u128::from(count)) as i128;
            *deviation = difference as f64 / n as f64 / n as f64;
        }
        let groups = values.counts.iter().filter(|&&count| count > 0).count() as u64;
        Some(Self { value: sum as f64 / n as f64, deviations, groups })
    }

    /// What each group contributes to the error; all add up to 0.
    #[must_use]
    pub const fn deviations(&self) -> &[f64; GROUPS] {
        &self.deviations
    }

    /// This estimate times a number.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Self {
        self.value *= factor;
        self.deviations.iter_mut().for_each(|deviation| *deviation *= factor);
        self
    }

    /// This estimate and a number.
    #[must_use]
    pub fn plus(mut self, number: f64) -> Self {
        self.value += number;
        self
    }

    /// The product of two estimates.
    #[must_use]
    pub fn by(self, other: &Self) -> Self {
        let (a, b) = (self.value, other.value);
        self.combined(other, a * b, |x, y| b * x + a * y)
    }

    /// The ratio of two estimates; `None` where the other is 0.
    #[must_use]
    pub fn over(self, other: &Self) -> Option<Self> {
        if other.value == 0.0 {
            return None;
        }
        let ratio = self.value / other.value;
        Some(self.combined(other, ratio, |x, y| (x - ratio * y) / other.value))
    }

    /// The difference of two estimates.
    #[must_use]
    pub fn minus(self, other: &Self) -> Self {
        self.combined(other, self.value - other.value, |x, y| x - y)
    }

    fn combined(self, other: &Self, value: f64, deviation: impl Fn(f64, f64) -> f64) -> Self {
        let mut deviations = [0.0; GROUPS];
        for (group, combined) in deviations.iter_mut().enumerate() {
            *combined = deviation(self.deviations[group], other.deviations[group]);
        }
        Self { value, deviations, groups: self.groups.min(other.groups) }
    }

    /// The standard error; `None` where fewer than two groups have replications.
    ///
    /// √(G/(G−1) · Σ d²) for deviations d of G groups: the standard error of a mean of groups.
    #[must_use]
    pub fn standard_error(&self) -> Option<f64> {
        if self.groups < 2 {
            return None;
        }
        let squares: f64 = self.deviations.iter().map(|deviation| deviation * deviation).sum();
        let groups = self.groups as f64;
        let error = (squares * groups / (groups - 1.0)).sqrt();
        // What is left of an exact cancellation is rounding.
        Some(if error <= 1e-14 * self.value.abs() { 0.0 } else { error })
    }

    /// The half-width that the difference to another would have if the two had not met the same luck:
    /// √(a² + b²) of the two standard errors; `None` where one of them is not known.
    #[must_use]
    pub fn unpaired_half_width(&self, other: &Self, level: Level) -> Option<f64> {
        let (a, b) = (self.standard_error()?, other.standard_error()?);
        level.half_width((a * a + b * b).sqrt(), self.groups.min(other.groups))
    }

    /// Degrees of freedom of the standard error.
    #[must_use]
    pub const fn freedom(&self) -> u64 {
        self.groups.saturating_sub(1)
    }

    /// The half-width of the confidence interval, by Student's t over the groups.
    #[must_use]
    pub fn half_width(&self, level: Level) -> Option<f64> {
        level.half_width(self.standard_error()?, self.groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(values: &[u64]) -> Grouped {
        let mut grouped = Grouped::default();
        for (index, &value) in values.iter().enumerate() {
            grouped.add(group(index as u64), value, 1);
        }
        grouped
    }

    /// Four values are four groups: 1, 2, 3, 4 have variance 5/3, so the error is √(5/12).
    #[test]
    fn with_a_value_a_group_the_error_is_the_classical_one() {
        let mean = Estimator::mean(&grouped(&[1, 2, 3, 4])).unwrap();
        assert_eq!((mean.value, mean.freedom()), (2.5, 3));
        assert!((mean.standard_error().unwrap() - (5.0_f64 / 12.0).sqrt()).abs() < 1e-15);
        assert_eq!(Estimator::mean(&grouped(&[7])).unwrap().standard_error(), None);
        assert_eq!(Estimator::mean(&Grouped::default()), None);
    }

    /// By hand: 1, 2, 3, 4 and 3, 5, 7, 9 differ by 2, 3, 4, 5. Variances 5/3, 20/3 and 5/3 of four
    /// values: errors² 5/12 paired, 5/12 + 20/12 = 25/12 unpaired, √5 times the width.
    #[test]
    fn what_goes_together_has_a_narrower_difference_than_what_does_not() {
        let a = Estimator::mean(&grouped(&[3, 5, 7, 9])).unwrap();
        let b = Estimator::mean(&grouped(&[1, 2, 3, 4])).unwrap();
        let level = Level::new(0.95).unwrap();
        let unpaired = a.unpaired_half_width(&b, level).unwrap();
        let paired = a.minus(&b).half_width(level).unwrap();
        assert!((unpaired / paired - 5.0_f64.sqrt()).abs() < 1e-12);
    }

    /// By hand: x = 2, 4, 6; y = 1, 1, 2. R = 12/4 = 3; residuals x − 3y = −1, 1, 0: variance 1;
    /// E y = 4/3; standard error = √(1/3) ÷ (4/3).
    #[test]
    fn a_ratio_of_means_has_the_error_of_its_residuals() {
        let x = Estimator::mean(&grouped(&[2, 4, 6])).unwrap();
        let y = Estimator::mean(&grouped(&[1, 1, 2])).unwrap();
        let ratio = x.over(&y).unwrap();
        assert!((ratio.value - 3.0).abs() < 1e-15);
        assert!((ratio.standard_error().unwrap() - (1.0_f64 / 3.0).sqrt() * 0.75).abs() < 1e-12);
        assert_eq!(x.over(&Estimator::exact(0.0)), None);
    }

    /// x and y as above: x − 2y = 0, 2, 2 with mean 4/3; their product has the relative errors' sum.
    #[test]
    fn differences_and_products_are_paired() {
        let x = Estimator::mean(&grouped(&[2, 4, 6])).unwrap();
        let y = Estimator::mean(&grouped(&[1, 1, 2])).unwrap();
        let difference = x.minus(&y.times(2.0));
        let direct = Estimator::mean(&grouped(&[0, 2, 2])).unwrap();
        assert!((difference.value - direct.value).abs() < 1e-15);
        let errors = (difference.standard_error().unwrap(), direct.standard_error().unwrap());
        assert!((errors.0 - errors.1).abs() < 1e-15);
        let product = x.by(&y).over(&y).unwrap();
        assert!((product.standard_error().unwrap() - x.standard_error().unwrap()).abs() < 1e-14);
    }

    /// 100 values of 2⁶² in 32 groups of three or four; one more by 1 is seen.
    #[test]
    fn constants_have_no_error_and_nothing_cancels() {
        let mut values = vec![1_u64 << 62; 100];
        assert_eq!(Estimator::mean(&grouped(&values)).unwrap().standard_error(), Some(0.0));
        values[5] += 1 << 32;
        let mean = Estimator::mean(&grouped(&values)).unwrap();
        // One value of n is off by δ: the error is close to δ ÷ n.
        assert!(
            (mean.standard_error().unwrap() / ((1_u64 << 32) as f64 / 100.0) - 1.0).abs() < 0.05
        );
        let twice = mean.times(2.0).minus(&mean).minus(&mean);
        assert_eq!(twice.standard_error(), Some(0.0));
    }

    #[test]
    fn merging_is_adding() {
        let values: Vec<u64> = (0..100).map(|i| i * i + 7).collect();
        let mut merged = Grouped::default();
        for (index, &value) in values.iter().enumerate().rev() {
            let mut one = Grouped::default();
            one.add(group(index as u64), value, 1);
            merged.merge(&one);
        }
        assert_eq!(merged, grouped(&values));
    }
}
