//! Observed lifetimes in the form that everything is computed from: sorted, eight bytes each.

use libm::exp;

use crate::luck::ln;
use crate::units::SimDuration;

/// One observed lifetime: how long a VM ran, and whether it was preempted then.
///
/// A VM that stopped for another reason, or still runs, is censored: it lived at least so long. Of two
/// rows of one duration the preemption comes first: who was censored at that moment was still at risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row(u64);

impl Row {
    /// A row.
    #[must_use]
    pub const fn new(duration: SimDuration, is_preempted: bool) -> Self {
        // Durations are at most 1,000 years: 55 bits.
        Self((duration.micros() as u64) << 1 | !is_preempted as u64)
    }

    /// How long the VM ran.
    #[must_use]
    pub const fn duration(self) -> SimDuration {
        SimDuration::from_micros((self.0 >> 1) as i64)
    }

    /// Whether it was preempted then.
    #[must_use]
    pub const fn is_preempted(self) -> bool {
        self.0 & 1 == 0
    }
}

/// Rows of one duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The duration.
    pub age: SimDuration,
    /// VMs that ran at least so long.
    pub at_risk: u64,
    /// Of them, preempted at this age.
    pub events: u64,
    /// Of them, stopped for another reason at this age.
    pub censored: u64,
}

/// Rows that stand for each other in a likelihood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Their age \[h\].
    pub age_h: f64,
    /// Preempted at that age.
    pub events: f64,
    /// Stopped for another reason.
    pub censored: f64,
}

/// Observed lifetimes, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    rows: Vec<Row>,
    events: u64,
    exposure_micros: i128,
}

impl From<Vec<Row>> for Observations {
    fn from(mut rows: Vec<Row>) -> Self {
        rows.sort_unstable();
        let events = rows.iter().filter(|row| row.is_preempted()).count() as u64;
        let exposure_micros = rows.iter().map(|row| i128::from(row.duration().micros())).sum();
        Self { rows, events, exposure_micros }
    }
}

/// Distinct durations up to which a likelihood counts each by itself.
const EXACT: usize = 4_096;
/// Bits of a duration below its leading one that tell the bins of [`Observations::points`] apart.
const BIN_BITS: u32 = 9;

impl Observations {
    /// The rows, sorted.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many VMs were watched.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Of them, preempted.
    #[must_use]
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// Of them, stopped for another reason or still running.
    #[must_use]
    pub const fn censored(&self) -> u64 {
        self.count() - self.events
    }

    /// VM-hours watched.
    #[must_use]
    pub fn exposure_h(&self) -> f64 {
        self.exposure_micros as f64 / 3.6e9
    }

    /// VM-hours of those that were preempted.
    #[must_use]
    pub fn exposure_of_events_h(&self) -> f64 {
        let micros: i128 = self
            .rows
            .iter()
            .filter(|row| row.is_preempted())
            .map(|row| i128::from(row.duration().micros()))
            .sum();
        micros as f64 / 3.6e9
    }

    /// The longest duration \[h\]; 0 of none.
    #[must_use]
    pub fn longest_h(&self) -> f64 {
        self.rows.last().map_or(0.0, |row| row.duration().hours())
    }

    /// Those that were preempted, alone: the classic error.
    #[must_use]
    pub fn without_censored(&self) -> Self {
        Self::from(self.rows.iter().copied().filter(|row| row.is_preempted()).collect::<Vec<_>>())
    }

    /// The distinct durations in rising order.
    #[must_use]
    pub fn steps(&self) -> Steps<'_> {
        Steps { rows: &self.rows }
    }

    /// The rows pooled for likelihoods: every distinct duration by itself up to 4,096 of them, beyond
    /// that bins of a relative width below 0.2 %, each at its own geometric mean, so that what is lost
    /// is of the second order: less than 10⁻⁶ of a parameter.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        let mut exact = Vec::new();
        for step in self.steps() {
            if exact.len() == EXACT {
                return self.pooled();
            }
            exact.push(Point {
                age_h: step.age.hours(),
                events: step.events as f64,
                censored: step.censored as f64,
            });
        }
        exact
    }

    fn pooled(&self) -> Vec<Point> {
        let mut points = Vec::new();
        // Of preemptions and of the others: count, and sum of logarithms.
        let mut open = [(0_u64, 0.0); 2];
        let mut bin = 0;
        let mut close = |open: &mut [(u64, f64); 2]| {
            for (kind, (count, logs)) in open.iter_mut().enumerate() {
                if *count > 0 {
                    let (number, age_h) = (*count as f64, exp(*logs / *count as f64));
                    let (events, censored) = if kind == 0 { (number, 0.0) } else { (0.0, number) };
                    points.push(Point { age_h, events, censored });
                }
                (*count, *logs) = (0, 0.0);
            }
        };
        for row in &self.rows {
            let micros = row.duration().micros().max(1) as u64;
            let shift = micros.ilog2().saturating_sub(BIN_BITS);
            let its = u64::from(shift) << 32 | micros >> shift;
            if its != bin {
                close(&mut open);
                bin = its;
            }
            let (count, logs) = &mut open[usize::from(!row.is_preempted())];
            *count += 1;
            *logs += ln(row.duration().hours());
        }
        close(&mut open);
        points
    }
}

/// An iterator over the distinct durations.
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    rows: &'a [Row],
}

impl Iterator for Steps<'_> {
    type Item = Step;

    fn next(&mut self) -> Option<Step> {
        let first = *self.rows.first()?;
        let at_risk = self.rows.len() as u64;
        let age = first.duration();
        let same = self.rows.iter().take_while(|row| row.duration() == age);
        let (mut events, mut censored) = (0, 0);
        for row in same {
            if row.is_preempted() {
                events += 1;
            } else {
                censored += 1;
            }
        }
        self.rows = &self.rows[(events + censored) as usize..];
        Some(Step { age, at_risk, events, censored })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preemption_comes_before_a_stop_of_the_same_age() {
        let hours = SimDuration::from_hours;
        let seen = Observations::from(vec![
            Row::new(hours(2), false),
            Row::new(hours(2), true),
            Row::new(hours(1), true),
            Row::new(hours(3), false),
        ]);
        let steps: Vec<Step> = seen.steps().collect();
        assert_eq!(
            steps,
            [
                Step { age: hours(1), at_risk: 4, events: 1, censored: 0 },
                Step { age: hours(2), at_risk: 3, events: 1, censored: 1 },
                Step { age: hours(3), at_risk: 1, events: 0, censored: 1 },
            ]
        );
        assert_eq!((seen.count(), seen.events(), seen.censored()), (4, 2, 2));
        assert_eq!(
            (seen.exposure_h(), seen.exposure_of_events_h(), seen.longest_h()),
            (8.0, 3.0, 3.0)
        );
        assert_eq!(seen.without_censored().count(), 2);
    }

    #[test]
    fn pooling_keeps_every_count() {
        let rows = (0..50_000_u64)
            .map(|i| Row::new(SimDuration::from_micros(1 + (i * i * 7) as i64), i % 3 == 0));
        let seen = Observations::from(rows.collect::<Vec<_>>());
        let points = seen.points();
        assert!(points.len() < 20_000, "{}", points.len());
        assert_eq!(points.iter().map(|p| p.events).sum::<f64>(), seen.events() as f64);
        assert_eq!(points.iter().map(|p| p.censored).sum::<f64>(), seen.censored() as f64);
    }
}
