//! A hazard that is constant over pieces of a VM's age.

use libm::{exp, expm1};

use super::distribution::LONGEST_H;

/// The most pieces.
pub const MOST_PIECES: usize = 8;

/// A hazard that is constant over pieces of the age: up to the first age, up to the second, and so
/// on; the last piece has no end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piecewise {
    count: usize,
    until_h: [f64; MOST_PIECES],
    hazard_per_h: [f64; MOST_PIECES],
}

impl Piecewise {
    /// Pieces that end at rising ages \[h\], with a hazard \[1/h\] each and one for what follows; `None`
    /// unless there is one hazard more than ages, at most [`MOST_PIECES`], the ages rise, and no
    /// hazard is negative.
    #[must_use]
    pub fn new(until_h: &[f64], hazard_per_h: &[f64]) -> Option<Self> {
        let count = hazard_per_h.len();
        let rises = until_h.windows(2).all(|pair| pair[0] < pair[1])
            && until_h.iter().all(|&age| age > 0.0 && age.is_finite());
        let fits = (1..=MOST_PIECES).contains(&count) && until_h.len() + 1 == count;
        if !rises || !fits || hazard_per_h.iter().any(|&h| !h.is_finite() || h < 0.0) {
            return None;
        }
        // What is not used is filled alike, so that equal laws are equal.
        let mut law =
            Self { count, until_h: [f64::INFINITY; MOST_PIECES], hazard_per_h: [0.0; MOST_PIECES] };
        law.until_h[..until_h.len()].copy_from_slice(until_h);
        law.hazard_per_h[..count].copy_from_slice(hazard_per_h);
        Some(law)
    }

    /// Where the pieces end \[h\], the last left out.
    #[must_use]
    pub fn until_h(&self) -> &[f64] {
        &self.until_h[..self.count - 1]
    }

    /// The hazards \[1/h\], one for each piece.
    #[must_use]
    pub fn hazard_per_h(&self) -> &[f64] {
        &self.hazard_per_h[..self.count]
    }

    /// The hazard \[1/h\] at an age \[h\]; where two pieces meet, that of the younger.
    #[must_use]
    pub fn hazard(&self, age_h: f64) -> f64 {
        let piece = self.until_h().iter().take_while(|&&until| until < age_h).count();
        self.hazard_per_h[piece]
    }

    /// The cumulative hazard at an age \[h\].
    #[must_use]
    pub fn cumulative_hazard(&self, age_h: f64) -> f64 {
        let (mut from, mut sum) = (0.0, 0.0);
        for (&until, &hazard) in self.until_h.iter().zip(self.hazard_per_h()) {
            if age_h <= until {
                return if hazard > 0.0 { sum + hazard * (age_h - from) } else { sum };
            }
            sum += hazard * (until - from);
            from = until;
        }
        sum
    }

    /// The age \[h\] at which the cumulative hazard reaches `hazard`; infinite where it never does.
    #[must_use]
    pub fn age_at(&self, hazard: f64) -> f64 {
        let (mut from, mut sum) = (0.0, 0.0);
        for (&until, &rate) in self.until_h.iter().zip(self.hazard_per_h()) {
            let next = if rate > 0.0 { sum + rate * (until - from) } else { sum };
            if hazard <= next && rate > 0.0 {
                return from + (hazard - sum) / rate;
            }
            (from, sum) = (until, next);
        }
        f64::INFINITY
    }

    /// The same law on a clock that runs `factor` times as slow.
    #[must_use]
    pub fn scaled(mut self, factor: f64) -> Self {
        self.until_h.iter_mut().for_each(|until| *until *= factor);
        self.hazard_per_h.iter_mut().for_each(|hazard| *hazard /= factor);
        self
    }

    /// The mean \[h\]: ∫ P(L > t) dt, piece by piece; infinite where the last hazard is 0.
    #[must_use]
    pub fn mean_h(&self) -> f64 {
        let (mut from, mut sum, mut mean) = (0.0, 0.0, 0.0);
        for (&until, &hazard) in self.until_h.iter().zip(self.hazard_per_h()) {
            let length = until - from;
            let alive = exp(-sum);
            // Where the hazard is 0 the last piece has no end: 0 · ∞ is no number.
            mean += if hazard <= 0.0 || hazard * length < 1e-12 {
                alive * length
            } else {
                alive * -expm1(-hazard * length) / hazard
            };
            sum += hazard * length.min(LONGEST_H * 1e6);
            from = until;
        }
        mean
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 0.5/h for 1 h, then nothing until 3 h, then 0.1/h. H(2) = 0.5, H(5) = 0.7, H⁻¹(0.6) = 4 h.
    /// Mean: (1 − e^−½)/0.5 + 2e^−½ + e^−½/0.1 = 0.786939 + 1.213061 + 6.065307.
    #[test]
    fn pieces_meet_a_hand_calculation() {
        let law = Piecewise::new(&[1.0, 3.0], &[0.5, 0.0, 0.1]).unwrap();
        assert!((law.cumulative_hazard(2.0) - 0.5).abs() < 1e-15);
        assert!((law.cumulative_hazard(5.0) - 0.7).abs() < 1e-15);
        assert!((law.age_at(0.6) - 4.0).abs() < 1e-12);
        assert!((law.age_at(0.25) - 0.5).abs() < 1e-15);
        assert!((law.mean_h() - 8.065_307).abs() < 1e-6, "{}", law.mean_h());
        assert!((law.scaled(2.0).mean_h() - 16.130_614).abs() < 2e-6);
        assert_eq!((law.hazard(1.0), law.hazard(1.1), law.hazard(9.0)), (0.5, 0.0, 0.1));
    }

    #[test]
    fn a_last_piece_without_hazard_is_never_left() {
        let law = Piecewise::new(&[1.0], &[0.5, 0.0]).unwrap();
        assert_eq!(law.age_at(0.6), f64::INFINITY);
        assert_eq!(law.mean_h(), f64::INFINITY);
        assert_eq!(Piecewise::new(&[2.0, 1.0], &[1.0, 1.0, 1.0]), None);
        assert_eq!(Piecewise::new(&[2.0], &[1.0]), None);
        assert_eq!(Piecewise::new(&[], &[-1.0]), None);
        assert_eq!(Piecewise::new(&[], &[0.25]).unwrap().mean_h(), 4.0);
    }
}
