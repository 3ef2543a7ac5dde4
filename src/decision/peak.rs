//! How much is there at once: runs that arrive at random moments and stay for a random time.
//!
//! Arrivals are Poisson, so the number present at any moment is Poisson too, with mean rate × mean
//! stay, whatever the distribution of the stay (M/G/∞). Source: L. Takács, Introduction to the
//! Theory of Queues (1962), chapter 3. Runs of several sizes make a compound Poisson sum, whose
//! distribution follows from the recursion of H. H. Panjer, ASTIN Bulletin 12 (1981), 22–26:
//! s·P(s) = Σ_j j·λ_j·P(s − j).

use std::collections::BTreeMap;

use crate::model::distribution::normal_upper_quantile;

/// The number present, as a sum over sizes: so many at a time, with this mean number of runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Load {
    /// Mean number of runs present, by how many units each takes.
    runs: BTreeMap<u64, f64>,
}

/// A quantile of a load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Peak {
    /// The mean number present.
    pub mean: f64,
    /// The least number that is not exceeded in the share of time asked for; of
    /// [`Load::enough`], not less than the largest run takes.
    pub most: u64,
    /// Whether it is exact; else from the normal distribution with the same mean and variance,
    /// skewness corrected.
    pub exact: bool,
}

/// Steps of the recursion that are worth it.
const MOST_STEPS: f64 = 4e6;

impl Load {
    /// Adds runs that take `units` each, of which `mean` are present on average.
    pub fn add(&mut self, units: u64, mean: f64) {
        if units > 0 && mean > 0.0 {
            *self.runs.entry(units).or_insert(0.0) += mean;
        }
    }

    /// The mean number of units present.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.moment(1)
    }

    /// As [`Self::at_most`], and enough for the largest run alone, however seldom it comes: with
    /// less it could never start.
    #[must_use]
    pub fn enough(&self, q: f64) -> Peak {
        let largest = self.runs.keys().next_back().copied().unwrap_or(0);
        let peak = self.at_most(q);
        Peak { most: peak.most.max(largest), ..peak }
    }

    /// Σ λ·units^power: the cumulants of a compound Poisson sum.
    fn moment(&self, power: u32) -> f64 {
        let of = |(&units, &mean): (&u64, &f64)| {
            (0..power).fold(mean, |product, _| product * units as f64)
        };
        self.runs.iter().map(of).sum()
    }

    /// The least number of units that is not exceeded in a share `q` of the time.
    #[must_use]
    pub fn at_most(&self, q: f64) -> Peak {
        let mean = self.mean();
        if self.runs.is_empty() {
            return Peak { mean: 0.0, most: 0, exact: true };
        }
        // Sizes are multiples of a common one: count in that.
        let unit = self.runs.keys().fold(0, |a, &b| greatest_common_divisor(a, b));
        let sizes: Vec<(usize, f64)> = self
            .runs
            .iter()
            .filter_map(|(&units, &mean)| Some((usize::try_from(units / unit).ok()?, mean)))
            .collect();
        let unit = unit as f64;
        let sd = self.moment(2).sqrt() / unit;
        let largest = sizes.iter().map(|(size, _)| *size).max().unwrap_or(1) as f64;
        let end = mean / unit + 12.0 * sd + 40.0 * largest;
        if sizes.len() == self.runs.len() && end * sizes.len() as f64 <= MOST_STEPS {
            let most = quantile(&sizes, end as usize, q);
            return Peak { mean, most: (most as f64 * unit) as u64, exact: true };
        }
        let z = normal_upper_quantile(1.0 - q);
        let skewness = self.moment(3) / (self.moment(2) * self.moment(2).sqrt());
        let above = self.moment(2).sqrt() * (z + (z * z - 1.0) * skewness / 6.0);
        let most = (((mean + above) / unit).ceil().max(0.0) * unit).min(9e18) as u64;
        Peak { mean, most, exact: false }
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if a == 0 { b } else { greatest_common_divisor(b % a, a) }
}

/// The `q`-quantile of a compound Poisson sum, whose mass beyond `end` does not matter.
fn quantile(sizes: &[(usize, f64)], end: usize, q: f64) -> usize {
    // P(0) may be too small for a float. All terms are positive, so the recursion is stable at any
    // scale, and the sum gives the scale in the end.
    const LARGE: f64 = 1e250;
    let mut masses = Vec::with_capacity(end + 1);
    masses.push(1.0_f64);
    // Those before have become 0.
    let mut first = 0;
    for at in 1..=end {
        let reached = sizes.iter().take_while(|(size, _)| *size <= at);
        let sum: f64 = reached.map(|&(size, mean)| size as f64 * mean * masses[at - size]).sum();
        let mass = sum / at as f64;
        masses.push(mass);
        if mass > LARGE {
            // What becomes 0 here is beyond any digit of the sum.
            masses[first..].iter_mut().for_each(|mass| *mass /= LARGE);
            first += masses[first..].iter().take_while(|mass| **mass == 0.0).count();
        }
    }
    let total: f64 = masses.iter().sum();
    let mut below = 0.0;
    masses
        .iter()
        .position(|mass| {
            below += mass;
            below >= q * total
        })
        .unwrap_or(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(sizes: &[(u64, f64)]) -> Load {
        let mut load = Load::default();
        sizes.iter().for_each(|&(units, mean)| load.add(units, mean));
        load
    }

    /// Poisson of mean 2: cumulative 0.1353, 0.4060, 0.6767, 0.8571, 0.9473, 0.9834, 0.9955; of mean
    /// 0.01: e^−0.01 = 0.99005. Source of the first: Abramowitz & Stegun, table 26.7.
    #[test]
    fn one_size_is_poisson() {
        for (mean, q, most) in
            [(2.0, 0.95, 5), (2.0, 0.99, 6), (2.0, 0.995, 6), (0.01, 0.99, 0), (0.011, 0.99, 1)]
        {
            let peak = load(&[(1, mean)]).at_most(q);
            assert_eq!((peak.most, peak.exact), (most, true), "{mean} {q}");
        }
        // Eight VMs at a time: the same in steps of eight.
        let gang = load(&[(8, 2.0)]).at_most(0.99);
        assert_eq!((gang.most, gang.mean), (48, 16.0));
        assert_eq!(Load::default().at_most(0.99).most, 0);
        // One run in ten thousand moments still needs its VMs.
        let seldom = load(&[(8, 1e-4), (1, 1e-4)]);
        assert_eq!((seldom.at_most(0.99).most, seldom.enough(0.99).most), (0, 8));
    }

    /// By hand, sizes 1 and 2 with means 1 and 0.5, in units of e^−1.5: P(0) = 1; P(1) = 1;
    /// P(2) = 1/2 + 1/2 = 1; P(3) = 1/6 + 1/2 = 2/3; P(4) = 1/24 + 1/4 + 1/8 = 5/12;
    /// P(5) = 1/120 + 1/12 + 1/8 = 13/60. × e^−1.5 = 0.22313 the sums are 0.2231, 0.4463, 0.6694,
    /// 0.8181, 0.9111, 0.9595.
    #[test]
    fn a_mix_of_two_sizes_by_hand() {
        let mix = load(&[(1, 1.0), (2, 0.5)]);
        for (q, most) in [(0.22, 0), (0.23, 1), (0.66, 2), (0.80, 3), (0.91, 4), (0.95, 5)] {
            assert_eq!(mix.at_most(q).most, most, "{q}");
        }
    }

    /// A mean of 10⁶ has P(0) = e^−10⁶: only its ratio to others is ever used. The 99 % quantile of
    /// Poisson(10⁶) is 10⁶ + 2.3263·10³ + (2.3263² − 1)/6 = 1,002,327.1 to less than one.
    #[test]
    fn large_loads_keep_their_scale() {
        let exact = load(&[(1, 1e6)]).at_most(0.99);
        assert!(exact.exact && exact.most.abs_diff(1_002_327) <= 1, "{}", exact.most);
        let normal = load(&[(1, 4e7)]).at_most(0.99);
        assert!(!normal.exact);
        assert!(normal.most.abs_diff(40_014_714) <= 2, "{}", normal.most);
        // Sizes without a common measure, too large for the recursion.
        let wide = load(&[(99_991, 50.0), (7, 3.0)]).at_most(0.99);
        assert!(!wide.exact && wide.most > 6_000_000 && wide.most < 7_500_000);
    }
}
