//! Columns of whole numbers in floating point: the same quantity of many replications, one after
//! the other.
//!
//! Whole numbers below 2⁵³ are exact in floating point, and every processor adds, compares and divides
//! several of them at once there, which most do not with 64-bit integers. The functions of this module
//! give what integer arithmetic gives, for numbers in their stated range.

use multiversion::multiversion;

/// Columns are worked on by so many numbers at a time: what stands beyond the end of a column, up to a
/// multiple of this, is worked on too and means nothing. A remainder would be worked on one by one.
pub const LANES: usize = 16;

/// Numbers that are worked on together.
pub type Block = [f64; LANES];

/// A multiple of [`LANES`] that so many numbers fit into.
#[inline]
#[must_use]
pub const fn filled_up(count: usize) -> usize {
    count.next_multiple_of(LANES)
}

/// The whole blocks of a column.
#[inline]
#[must_use]
pub const fn in_blocks<T>(column: &[T]) -> &[T] {
    column.as_chunks::<LANES>().0.as_flattened()
}

/// The whole blocks of a column, to be changed.
#[inline]
#[must_use]
pub const fn in_blocks_mut<T>(column: &mut [T]) -> &mut [T] {
    column.as_chunks_mut::<LANES>().0.as_flattened_mut()
}

/// Adding 2⁵² to a smaller number leaves the nearest whole number in the low bits.
const SHIFT: f64 = (1_u64 << 52) as f64;

/// The largest number that [`floor`] is exact for, 2⁵¹; what is larger stays larger than 2⁵⁰.
pub const LARGEST: f64 = (1_u64 << 51) as f64;

/// The nearest whole number of one from 0 to [`LARGEST`].
#[inline]
#[must_use]
pub const fn nearest(number: f64) -> f64 {
    (number + SHIFT) - SHIFT
}

/// ⌊`number`⌋ for 0 ≤ `number` ≤ [`LARGEST`].
#[inline]
#[must_use]
pub fn floor(number: f64) -> f64 {
    let nearest = nearest(number);
    nearest - if nearest > number { 1.0 } else { 0.0 }
}

/// A whole number below 2⁵² in floating point.
#[inline]
#[must_use]
pub const fn number(whole: u64) -> f64 {
    f64::from_bits(whole | SHIFT.to_bits()) - SHIFT
}

/// A whole number below 2⁵² as an integer.
#[inline]
#[must_use]
pub const fn whole(number: f64) -> u64 {
    (number + SHIFT).to_bits() ^ SHIFT.to_bits()
}

/// Whole numbers below 2⁵² as integers, of the type that `of` makes.
#[multiversion(targets = "simd")]
pub fn wholes<T>(numbers: &[f64], integers: &mut [T], of: impl Fn(u64) -> T) {
    for (integer, &number) in integers.iter_mut().zip(numbers) {
        *integer = of(whole(number));
    }
}

/// The smaller of two numbers, as one instruction.
#[inline]
#[must_use]
pub const fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// The larger of two numbers, as one instruction.
#[inline]
#[must_use]
pub const fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// Division by a whole number below 2⁵⁰, without dividing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Divisor {
    /// The divisor itself.
    pub by: f64,
    inverse: f64,
}

impl Divisor {
    /// Division by `by`, from 1 to 2⁵⁰.
    #[must_use]
    pub const fn new(by: u64) -> Self {
        let by = by as f64;
        Self { by, inverse: 1.0 / by }
    }

    /// ⌊`number` ÷ divisor⌋ of a whole number below 2⁵⁰, and the rest.
    #[inline]
    #[must_use]
    pub fn divide(&self, number: f64) -> (f64, f64) {
        // The product is off by at most a quarter, so that the nearest whole number is the quotient or
        // one more; its product with the divisor is below 2⁵³.
        let nearest = nearest(number * self.inverse);
        let rest = number - nearest * self.by;
        let is_over = rest < 0.0;
        (nearest - if is_over { 1.0 } else { 0.0 }, rest + if is_over { self.by } else { 0.0 })
    }

    /// The least multiple of the divisor that is not below a whole number; both below 2⁵⁰.
    #[inline]
    #[must_use]
    pub fn multiple_from(&self, number: f64) -> f64 {
        self.divide(number + (self.by - 1.0)).0 * self.by
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pseudo-random numbers of every size below 2⁵⁰.
    fn numbers() -> impl Iterator<Item = u64> {
        let mut bits = 1_u64;
        (0..200_000).map(move |at| {
            bits = bits.wrapping_mul(0xd134_2543_de82_ef95).wrapping_add(1);
            bits >> 14 >> (at % 50)
        })
    }

    /// Around every multiple of a hundred, and at random dividends of every size.
    #[test]
    fn a_divisor_divides_as_division_does() {
        for by in [1, 2, 3, 7, 10, 1_000, 999_999, 1_860_000_000, (1 << 49) + 1] {
            let divisor = Divisor::new(by);
            let multiples = (0..100).flat_map(|n| [(n * by).wrapping_sub(1), n * by, n * by + 1]);
            let last = (1 << 50) - 1;
            for number in multiples.chain(numbers()).chain([last, last - last % by]) {
                if number <= last {
                    let (quotient, rest) = divisor.divide(number as f64);
                    let exact = (number / by, number % by);
                    assert_eq!((quotient as u64, rest as u64), exact, "{number} by {by}");
                    if number < 1 << 49 {
                        let multiple = divisor.multiple_from(number as f64) as u64;
                        assert_eq!(multiple, number.div_ceil(by) * by, "{number} by {by}");
                    }
                }
            }
        }
    }

    #[test]
    fn whole_numbers_go_there_and_back() {
        for integer in numbers().chain([0, 1, (1 << 52) - 1]) {
            assert_eq!(number(integer), integer as f64);
            assert_eq!(whole(integer as f64), integer);
            let half = integer as f64 / 8.0;
            assert_eq!(floor(half), half.floor());
        }
        for longer in [LARGEST * 1.5, 1e30, f64::INFINITY] {
            assert!(floor(longer) > LARGEST / 2.0);
        }
    }
}
