//! Which values of the inputs are tried: a Latin hypercube.

use crate::luck::{Luck, Purpose};

/// Orders of a dimension among which the one is taken that correlates least with those before it.
const ORDERS: u32 = 16;
/// Draws beyond which the first order is good enough: chance correlates them by 1 ÷ √draws.
const MANY: usize = 4_096;

/// `draws` points, each a uniform number for every dimension. In every dimension they are the middles
/// of `draws` equal parts, in an order of its own by addressed luck: the same for a seed, whatever else
/// runs. Source: M. D. McKay, R. J. Beckman, W. J. Conover, Technometrics 21 (1979), 239–245.
#[must_use]
pub fn latin(seed: u64, draws: usize, dimensions: usize) -> Vec<Vec<f64>> {
    let mut columns: Vec<Vec<f64>> = Vec::with_capacity(dimensions);
    for dimension in 0..dimensions {
        let slot = u32::try_from(dimension).unwrap_or(u32::MAX);
        let orders = if dimension == 0 || draws > MANY { 1 } else { ORDERS };
        let found = (0..orders)
            .map(|order| column(seed, draws, (slot, order)))
            .map(|column| {
                let largest =
                    columns.iter().map(|other| product(other, &column).abs()).fold(0.0, f64::max);
                (largest, column)
            })
            .min_by(|a, b| a.0.total_cmp(&b.0));
        columns.extend(found.map(|(_, column)| column));
    }
    (0..draws).map(|draw| columns.iter().map(|column| column[draw]).collect()).collect()
}

/// The middles of equal parts in one order.
fn column(seed: u64, draws: usize, (slot, order): (u32, u32)) -> Vec<f64> {
    let mut sorted: Vec<usize> = (0..draws).collect();
    sorted.sort_by_cached_key(|&draw| {
        (Luck::new(seed, draw as u64).bits(Purpose::Input, slot, order), draw)
    });
    let mut column = vec![0.5; draws];
    for (part, &draw) in sorted.iter().enumerate() {
        column[draw] = (part as f64 + 0.5) / draws as f64;
    }
    column
}

/// Mean product of deviations from the middle.
fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - 0.5) * (b - 0.5)).sum::<f64>() / a.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_every_dimension_is_tried_once() {
        let points = latin(1, 64, 3);
        for dimension in 0..3 {
            let mut values: Vec<f64> = points.iter().map(|point| point[dimension]).collect();
            values.sort_by(f64::total_cmp);
            let middles: Vec<f64> = (0..64).map(|i| (f64::from(i) + 0.5) / 64.0).collect();
            assert_eq!(values, middles);
        }
        // Chance correlates 64 draws by 1 ÷ √64 = 0.125; the best of 16 orders by far less.
        for (a, b, most) in [(0, 1, 0.05), (0, 2, 0.12), (1, 2, 0.12)] {
            let of = |d: usize| points.iter().map(|point| point[d]).collect::<Vec<f64>>();
            let correlation = 12.0 * product(&of(a), &of(b));
            assert!(correlation.abs() < most, "{correlation}");
        }
        assert_ne!(latin(2, 64, 3), points);
        assert_eq!(latin(1, 64, 2)[5], points[5][..2]);
    }
}
