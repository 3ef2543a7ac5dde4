//! Sums of products in 256 bits: exact where 128 bits would not be enough.

/// A non-negative integer below 2²⁵⁶.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wide {
    // The order of the fields makes the derived order the numeric one.
    high: u128,
    low: u128,
}

impl From<u128> for Wide {
    fn from(low: u128) -> Self {
        Self { high: 0, low }
    }
}

impl Wide {
    /// Adds `a · b`.
    #[inline]
    pub fn add_product(&mut self, a: u64, b: u64) {
        let (low, carry) = self.low.overflowing_add(u128::from(a) * u128::from(b));
        self.low = low;
        self.high += u128::from(carry);
    }

    /// Adds another sum.
    pub fn add(&mut self, other: Self) {
        let (low, carry) = self.low.overflowing_add(other.low);
        self.low = low;
        self.high += other.high + u128::from(carry);
    }

    /// The product of two 128-bit integers.
    #[must_use]
    pub const fn product(a: u128, b: u128) -> Self {
        const MASK: u128 = u64::MAX as u128;
        let (a1, a0, b1, b0) = (a >> 64, a & MASK, b >> 64, b & MASK);
        let low = a0 * b0;
        // Each partial sum stays below 2¹²⁸.
        let middle = a1 * b0 + (low >> 64);
        let cross = a0 * b1 + (middle & MASK);
        Self { high: a1 * b1 + (middle >> 64) + (cross >> 64), low: (cross << 64) | (low & MASK) }
    }

    /// This times `n`, for sums far below 2²⁵⁶ ÷ n.
    #[must_use]
    pub const fn times(self, n: u64) -> Self {
        let low = Self::product(self.low, n as u128);
        Self { high: self.high * n as u128 + low.high, low: low.low }
    }

    /// `self − other` as a floating-point number, rounded after the exact subtraction.
    #[must_use]
    pub fn minus(self, other: Self) -> f64 {
        if self < other {
            return -other.minus(self);
        }
        let (low, borrow) = self.low.overflowing_sub(other.low);
        let high = self.high - other.high - u128::from(borrow);
        // 2¹²⁸ is exact in binary floating point.
        high as f64 * 340_282_366_920_938_463_463_374_607_431_768_211_456.0 + low as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_exact() {
        let max = Wide::product(u128::MAX, u128::MAX);
        // (2¹²⁸ − 1)² = 2²⁵⁶ − 2¹²⁹ + 1.
        assert_eq!(max, Wide { high: u128::MAX - 1, low: 1 });
        for (a, b) in [(7, 9), (u64::MAX, u64::MAX), (1 << 63, 3)] {
            let mut sum = Wide::default();
            sum.add_product(a, b);
            assert_eq!(sum, Wide::product(a.into(), b.into()));
        }
    }

    #[test]
    fn sums_carry_and_differences_keep_their_sign() {
        let mut sum = Wide::default();
        for _ in 0..5 {
            sum.add_product(u64::MAX, u64::MAX);
        }
        let mut one = Wide::default();
        one.add_product(u64::MAX, u64::MAX);
        assert_eq!(sum, one.times(5));
        assert_eq!(one.minus(sum), -sum.minus(one));
        assert_eq!(Wide::product(12, 1).minus(Wide::product(5, 1)), 7.0);
    }
}
