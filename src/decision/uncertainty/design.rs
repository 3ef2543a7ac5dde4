//! Which values of the inputs are tried: a Latin hypercube.

use crate::luck::{Luck, Purpose};

/// `draws` points, each a uniform number for every dimension. In every dimension they are the middles
/// of `draws` equal parts, in an order of its own by addressed luck: the same for a seed, whatever else
/// runs. Source: M. D. McKay, R. J. Beckman, W. J. Conover, Technometrics 21 (1979), 239–245.
#[must_use]
pub fn latin(seed: u64, draws: usize, dimensions: usize) -> Vec<Vec<f64>> {
    let mut points = vec![vec![0.5; dimensions]; draws];
    for dimension in 0..dimensions {
        let slot = u32::try_from(dimension).unwrap_or(u32::MAX);
        let mut order: Vec<usize> = (0..draws).collect();
        order.sort_by_key(|&draw| {
            (Luck::new(seed, draw as u64).bits(Purpose::Input, slot, 0), draw)
        });
        for (part, &draw) in order.iter().enumerate() {
            points[draw][dimension] = (part as f64 + 0.5) / draws as f64;
        }
    }
    points
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
        // Dimensions are ordered on their own: 64 draws correlate by 1 ÷ √64 = 0.125 by chance.
        let correlation: f64 =
            points.iter().map(|p| (p[0] - 0.5) * (p[1] - 0.5)).sum::<f64>() / 64.0 * 12.0;
        assert!(correlation.abs() < 0.4, "{correlation}");
        assert_ne!(latin(2, 64, 3), points);
        assert_eq!(latin(1, 64, 2)[5], points[5][..2]);
    }
}
