//! What is carried from attempt to attempt: a probability together with a sum that grows.
//!
//! The recursion of [`super::chain`] only adds and multiplies. Run on a [`Jet`] it yields a
//! probability with the first two moments of a sum, exactly; run on [`Wave`]s it yields the sum's
//! transform at a few frequencies, of which [`super::grid`] makes its whole distribution.

use rustfft::num_complex::Complex64;

/// Numbers that the recursion can add and multiply.
pub trait Ring: Copy {
    /// Nothing.
    const ZERO: Self;
    /// Certain, with a sum of zero.
    const ONE: Self;
    /// Either of two exclusive events.
    #[must_use]
    fn plus(self, other: Self) -> Self;
    /// Both of two independent events; their sums add up.
    #[must_use]
    fn times(self, other: Self) -> Self;
    /// With another, independent probability.
    #[must_use]
    fn scaled(self, probability: f64) -> Self;
    /// Any number of times, none included: 1 ÷ (1 − x).
    #[must_use]
    fn repeated(self) -> Self;
    /// The probability, where the ring knows it; else 1.
    fn weight(&self) -> f64 {
        1.0
    }
}

impl Ring for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;

    fn plus(self, other: Self) -> Self {
        self + other
    }

    fn times(self, other: Self) -> Self {
        self * other
    }

    fn scaled(self, probability: f64) -> Self {
        self * probability
    }

    fn repeated(self) -> Self {
        1.0 / (1.0 - self)
    }

    fn weight(&self) -> f64 {
        *self
    }
}

/// A probability with the first two moments of a sum on that event.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Jet {
    /// P(event).
    pub mass: f64,
    /// E\[sum; event\].
    pub first: f64,
    /// E\[sum²; event\].
    pub second: f64,
}

impl Jet {
    /// An event on which the sum grows by a fixed amount.
    #[must_use]
    pub const fn fixed(mass: f64, amount: f64) -> Self {
        Self { mass, first: mass * amount, second: mass * amount * amount }
    }

    /// The mean given the event; `None` where it cannot happen.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.mass > 0.0).then(|| self.first / self.mass)
    }

    /// The standard deviation given the event. A variance below 10⁻¹³ of the squared mean is
    /// rounding, and is zero.
    #[must_use]
    pub fn sd(&self) -> Option<f64> {
        let mean = self.mean()?;
        let variance = self.second / self.mass - mean * mean;
        Some(if variance > 1e-13 * mean * mean { libm::sqrt(variance) } else { 0.0 })
    }
}

impl Ring for Jet {
    const ZERO: Self = Self { mass: 0.0, first: 0.0, second: 0.0 };
    const ONE: Self = Self { mass: 1.0, first: 0.0, second: 0.0 };

    fn plus(self, other: Self) -> Self {
        Self {
            mass: self.mass + other.mass,
            first: self.first + other.first,
            second: self.second + other.second,
        }
    }

    fn times(self, other: Self) -> Self {
        Self {
            mass: self.mass * other.mass,
            first: self.mass * other.first + self.first * other.mass,
            second: self.mass * other.second
                + 2.0 * self.first * other.first
                + self.second * other.mass,
        }
    }

    fn scaled(self, probability: f64) -> Self {
        Self {
            mass: self.mass * probability,
            first: self.first * probability,
            second: self.second * probability,
        }
    }

    fn repeated(self) -> Self {
        let mass = 1.0 / (1.0 - self.mass);
        Self {
            mass,
            first: mass * mass * self.first,
            second: mass * mass * (self.second + 2.0 * mass * self.first * self.first),
        }
    }
}

/// Frequencies that are computed together.
pub const LANES: usize = 8;

/// A transform at [`LANES`] neighbouring frequencies.
#[derive(Clone, Copy, Debug)]
pub struct Wave {
    re: [f64; LANES],
    im: [f64; LANES],
}

impl Wave {
    /// The values of a transform from frequency `from` on; zero beyond its end.
    #[must_use]
    pub fn of(transform: &[Complex64], from: usize) -> Self {
        let mut wave = Self::ZERO;
        for (lane, value) in transform.iter().skip(from).take(LANES).enumerate() {
            wave.re[lane] = value.re;
            wave.im[lane] = value.im;
        }
        wave
    }

    /// The value at one of its frequencies.
    #[must_use]
    pub fn lane(&self, lane: usize) -> Complex64 {
        Complex64::new(self.re[lane], self.im[lane])
    }

    /// The same value at every frequency: an amount of zero.
    #[must_use]
    pub const fn constant(mass: f64) -> Self {
        Self { re: [mass; LANES], im: [0.0; LANES] }
    }
}

impl Ring for Wave {
    const ZERO: Self = Self { re: [0.0; LANES], im: [0.0; LANES] };
    const ONE: Self = Self { re: [1.0; LANES], im: [0.0; LANES] };

    #[inline]
    fn plus(self, other: Self) -> Self {
        let mut sum = self;
        for lane in 0..LANES {
            sum.re[lane] += other.re[lane];
            sum.im[lane] += other.im[lane];
        }
        sum
    }

    #[inline]
    fn times(self, other: Self) -> Self {
        let mut product = Self::ZERO;
        for lane in 0..LANES {
            product.re[lane] = self.re[lane] * other.re[lane] - self.im[lane] * other.im[lane];
            product.im[lane] = self.re[lane] * other.im[lane] + self.im[lane] * other.re[lane];
        }
        product
    }

    #[inline]
    fn scaled(self, probability: f64) -> Self {
        let mut scaled = self;
        for lane in 0..LANES {
            scaled.re[lane] *= probability;
            scaled.im[lane] *= probability;
        }
        scaled
    }

    fn repeated(self) -> Self {
        let mut repeated = Self::ZERO;
        for lane in 0..LANES {
            let value = (Complex64::ONE - self.lane(lane)).inv();
            repeated.re[lane] = value.re;
            repeated.im[lane] = value.im;
        }
        repeated
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A geometric number of steps of 2, each with probability 1/4: mass 4/3; given that, the
    /// number has mean 1/3 and second moment 5/9.
    #[test]
    fn repetition_is_the_geometric_law() {
        let jet = Jet::fixed(0.25, 2.0).repeated();
        assert!((jet.mass - 4.0 / 3.0).abs() < 1e-15);
        assert!((jet.mean().unwrap() - 2.0 / 3.0).abs() < 1e-15);
        assert!((jet.second / jet.mass - 4.0 * 5.0 / 9.0).abs() < 1e-14);
    }
}
