//! −ln u by table: the unit-exponential quantile, several times faster than a logarithm.
//!
//! u and 1 − u are cut into octaves and these into equal cells; in a cell stands the cubic that has
//! the values and the slopes of −ln u at its ends. The pieces meet smoothly, so the table rises and
//! falls as the logarithm does. Its error is at most 10⁻⁹ of the value, h⁴/384 · 6/u⁴ for cells of
//! width h = u/64 (Hermite interpolation); the tails beyond the table are the logarithm's own.

use std::sync::LazyLock;

use libm::log1p;
use multiversion::multiversion;

use super::ln;
use crate::columns::in_blocks_mut;

/// Cells in an octave are 2 to this.
const CELL_BITS: u32 = 6;
/// Octaves on each side: [2⁻¹, 2⁻²), [2⁻², 2⁻³), …
const OCTAVES: u32 = 14;
const SIDE: usize = (OCTAVES as usize) << CELL_BITS;
/// The upper bits of the smallest number of the table, 2^−(OCTAVES + 1).
const FIRST: u64 = ((1_023 - OCTAVES as u64 - 1) << 52) >> (52 - CELL_BITS);

/// Coefficients of 1, x, x², x³, x being the distance from the cell's beginning.
type Cell = [f64; 4];

/// Where the second half begins: a power of two, so that every number finds some cell.
const HALF: usize = SIDE.next_power_of_two();

/// First the cells of u below a half, then those of 1 − u; after each half, some that are not used.
type Cells = [Cell; 2 * HALF];

static CELLS: LazyLock<Box<Cells>> = LazyLock::new(|| {
    let mut cells = vec![[0.0; 4]; 2 * HALF];
    for (index, cell) in cells.iter_mut().enumerate() {
        let start = |place: usize| f64::from_bits((FIRST + place as u64) << (52 - CELL_BITS));
        let place = index % HALF;
        if place >= SIDE {
            continue;
        }
        let (low, high) = (start(place), start(place + 1));
        *cell = if index < HALF {
            hermite(high - low, (-ln(low), -ln(high)), (-1.0 / low, -1.0 / high))
        } else {
            let slopes = (1.0 / (1.0 - low), 1.0 / (1.0 - high));
            hermite(high - low, (-log1p(-low), -log1p(-high)), slopes)
        };
    }
    cells.try_into().expect("as many cells as the type says")
});

/// The cubic over [0, width] with these values and slopes at its ends.
fn hermite(width: f64, values: (f64, f64), slopes: (f64, f64)) -> Cell {
    let rise = (values.1 - values.0) / width;
    let square = (3.0 * rise - 2.0 * slopes.0 - slopes.1) / width;
    let cube = (slopes.0 + slopes.1 - 2.0 * rise) / width / width;
    [values.0, slopes.0, square, cube]
}

/// −ln u for 0 < u < 1.
#[inline]
#[must_use]
pub fn minus_ln(u: f64) -> f64 {
    looked_up(&CELLS, u)
}

/// −ln u of every number u of whole blocks, in its place.
pub fn minus_ln_all(numbers: &mut [f64]) {
    if look_up_all(&CELLS, numbers) {
        for number in numbers {
            if *number < 0.0 {
                *number = exactly(-*number);
            }
        }
    }
}

/// Looks up every number; what the table does not hold is negated. Whether there is any.
#[multiversion(targets = "simd")]
fn look_up_all(cells: &Cells, numbers: &mut [f64]) -> bool {
    let mut any = false;
    for number in in_blocks_mut(numbers) {
        let (value, is_in) = look_up(cells, *number);
        *number = if is_in { value } else { -*number };
        any |= !is_in;
    }
    any
}

#[inline]
fn looked_up(cells: &Cells, u: f64) -> f64 {
    let (value, is_in) = look_up(cells, u);
    if is_in { value } else { exactly(u) }
}

/// −ln u, where the table holds u: whether it does.
#[inline]
fn look_up(cells: &Cells, u: f64) -> (f64, bool) {
    // Both differences are exact for multiples of 2⁻⁵³.
    let rest = 1.0 - u;
    // Which half is a coin toss: not branched on.
    let x = if u < rest { u } else { rest };
    let half = if u > 0.5 { HALF } else { 0 };
    let bits = x.to_bits();
    let place = (bits >> (52 - CELL_BITS)).wrapping_sub(FIRST);
    let start = f64::from_bits(bits >> (52 - CELL_BITS) << (52 - CELL_BITS));
    let distance = x - start;
    let [a, b, c, d] = cells[(place as usize & (HALF - 1)) | half];
    (a + distance * (b + distance * (c + distance * d)), place < SIDE as u64)
}

/// The tails, a half, and what is not between 0 and 1.
#[cold]
fn exactly(u: f64) -> f64 {
    if u > 0.5 { -log1p(u - 1.0) } else { -ln(u) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every cell at 40 places, and both tails: relative error at most 10⁻⁹, never rising.
    #[test]
    fn the_table_is_as_good_as_it_says() {
        let mut last = f64::INFINITY;
        let mut worst = 0.0_f64;
        let mut look = |u: f64| {
            let exact = if u > 0.5 { -log1p(u - 1.0) } else { -ln(u) };
            let found = minus_ln(u);
            worst = worst.max((found / exact - 1.0).abs());
            // Rounding may show in the last bits.
            assert!(found <= last * (1.0 + 1e-15), "not monotone at {u}");
            last = found;
        };
        let steps = 40 << CELL_BITS;
        for octave in (1..=OCTAVES + 6).rev() {
            let low = libm::ldexp(1.0, -(octave as i32) - 1);
            (0..steps).for_each(|step| look(low + low * f64::from(step) / f64::from(steps)));
        }
        for octave in 1..=OCTAVES + 6 {
            let low = libm::ldexp(1.0, -(octave as i32) - 1);
            (0..steps)
                .for_each(|step| look(1.0 - 2.0 * low + low * f64::from(step) / f64::from(steps)));
        }
        assert!(worst <= 1e-9, "{worst}");
    }
}
