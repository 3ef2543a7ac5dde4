//! A distribution on a lattice: shares below a value, and quantiles.

/// The distribution of a quantity, or of that part of it where the job completes.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// From one point to the next; zero where there are only atoms.
    pub step: f64,
    /// P(at most point i).
    cumulative: Vec<f64>,
    /// The quantity takes the lattice's values only; else they are midpoints of cells.
    on_points: bool,
    /// Values with a probability of their own, where they are known exactly.
    atoms: Vec<(f64, f64)>,
    /// P(the quantity exists).
    pub total: f64,
    /// Added to every value.
    offset: f64,
}

impl Spread {
    /// From the masses of a lattice's points.
    #[must_use]
    pub fn new(
        step: f64,
        masses: &[f64],
        on_points: bool,
        atoms: Vec<(f64, f64)>,
        total: f64,
    ) -> Self {
        let mut sum = 0.0;
        let mut highest = 0.0_f64;
        let cumulative = masses
            .iter()
            .map(|mass| {
                sum += mass;
                // Rounding must not make it fall.
                highest = highest.max(sum).min(total);
                highest
            })
            .collect();
        Self { step, cumulative, on_points, atoms, total, offset: 0.0 }
    }

    /// Always one value.
    #[must_use]
    pub fn certain(value: f64, total: f64) -> Self {
        Self {
            step: 0.0,
            cumulative: Vec::new(),
            on_points: false,
            atoms: vec![(value, total)],
            total,
            offset: 0.0,
        }
    }

    /// How far a value may be from the true one: a step.
    #[must_use]
    pub const fn tolerance(&self) -> f64 {
        self.step
    }

    /// Adds a constant to every value.
    pub fn shift(&mut self, by: f64) {
        self.offset += by;
    }

    /// P(the quantity exists and is at most `value`).
    #[must_use]
    pub fn at_most(&self, value: f64) -> f64 {
        self.unshifted_at_most(value - self.offset)
    }

    fn unshifted_at_most(&self, value: f64) -> f64 {
        // Atoms are found again after a detour through other units.
        let slack = 1e-9 * value.abs() + 1e-12;
        if self.cumulative.is_empty() {
            let below = self.atoms.iter().filter(|(at, _)| *at <= value + slack);
            return below.map(|(_, mass)| mass).sum();
        }
        if value < -slack {
            return 0.0;
        }
        let last = self.cumulative.len() - 1;
        if self.on_points {
            let point = (value / self.step + 1e-6).floor().max(0.0) as usize;
            return self.cumulative[point.min(last)];
        }
        // Cell i ends half a step after point i.
        let position = (value / self.step + 0.5).max(0.0);
        let cell = (position as usize).min(last);
        let before = if cell == 0 { 0.0 } else { self.cumulative[cell - 1] };
        let mut share =
            before + (self.cumulative[cell] - before) * (position - cell as f64).clamp(0.0, 1.0);
        for &(at, mass) in &self.atoms {
            // What the lattice made of the atom is taken out, the atom put in.
            let place = at / self.step;
            let (point, rest) = (place.floor(), place - place.floor());
            let smeared = (1.0 - rest) * (position - point).clamp(0.0, 1.0)
                + rest * (position - point - 1.0).clamp(0.0, 1.0);
            share += mass * (f64::from(u8::from(at <= value + slack)) - smeared);
        }
        share.clamp(0.0, self.total)
    }

    /// The smallest value that a share `q` of `of` does not exceed; `None` where that is beyond
    /// everything.
    #[must_use]
    pub fn quantile(&self, q: f64, of: f64) -> Option<f64> {
        Some(self.unshifted_quantile(q, of)? + self.offset)
    }

    fn unshifted_quantile(&self, q: f64, of: f64) -> Option<f64> {
        let goal = q * of - 1e-12;
        if goal > self.total {
            return None;
        }
        if self.cumulative.is_empty() {
            let mut sum = 0.0;
            return self.atoms.iter().find_map(|(at, mass)| {
                sum += mass;
                (sum >= goal).then_some(*at)
            });
        }
        if self.on_points {
            let point = self.cumulative.partition_point(|share| *share < goal);
            return (point < self.cumulative.len()).then_some(point as f64 * self.step);
        }
        let (mut low, mut high) = (-self.step, self.cumulative.len() as f64 * self.step);
        if self.unshifted_at_most(high) < goal {
            return None;
        }
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            if middle <= low || middle >= high {
                break;
            }
            if self.unshifted_at_most(middle) < goal {
                low = middle;
            } else {
                high = middle;
            }
        }
        // Back onto an atom that was met within its slack.
        let near = |at: f64| (at - high).abs() <= 2e-9 * at.abs() + 2e-12;
        let atom = self.atoms.iter().find(|(at, _)| near(*at));
        Some(atom.map_or(high.max(0.0), |(at, _)| *at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half of the mass at 1.25, exactly; a quarter in each of the cells around 3 and 4. The lattice
    /// has split the atom 3:1 between points 1 and 2.
    #[test]
    fn an_atom_is_put_back_where_it_was() {
        let masses = [0.0, 0.375, 0.125, 0.25, 0.25];
        let spread = Spread::new(1.0, &masses, false, vec![(1.25, 0.5)], 1.0);
        assert!((spread.at_most(1.24)).abs() < 1e-12);
        assert!((spread.at_most(1.25) - 0.5).abs() < 1e-12);
        assert!((spread.at_most(3.0) - 0.625).abs() < 1e-12);
        assert_eq!(spread.quantile(0.5, 1.0), Some(1.25));
        assert!((spread.quantile(0.75, 1.0).unwrap() - 3.5).abs() < 1e-9);
        let points = Spread::new(2.0, &[0.5, 0.4], true, Vec::new(), 0.9);
        assert_eq!(points.quantile(0.5, 0.9), Some(0.0));
        assert_eq!(points.quantile(0.51 / 0.9, 0.9), Some(2.0));
        assert_eq!(points.quantile(0.95, 1.0), None);
    }
}
