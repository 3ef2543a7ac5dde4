//! Whether groups differ: the log-rank test.

use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::linear::Symmetric;
use super::observations::{Observations, Row};
use crate::units::SimDuration;

/// The test that all groups have one survival curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LogRank {
    /// Chi-square distributed with [`Self::freedom`] degrees if they have.
    pub statistic: f64,
    /// Groups − 1, those left out in which nobody was at risk at a preemption.
    pub freedom: u64,
    /// The chance of such a statistic or a larger one if they have.
    pub p: f64,
    /// Preemptions that each group would have had.
    pub expected: Vec<f64>,
}

/// The log-rank test of groups; `None` of fewer than two that can be compared.
///
/// At each age with a preemption every group at risk expects its share of the preemptions; the
/// differences are set against their hypergeometric covariance. Source: N. Mantel, Cancer Chemother.
/// Rep. 50 (1966), 163–170; R. Peto, J. Peto, J. R. Stat. Soc. A 135 (1972), 185–207.
#[must_use]
pub fn log_rank(groups: &[&Observations]) -> Option<LogRank> {
    let count = groups.len();
    let mut rest: Vec<&[Row]> = groups.iter().map(|group| group.rows()).collect();
    let mut expected = vec![0.0; count];
    let mut observed = vec![0.0; count];
    let mut covariance = Symmetric::zero(count);
    while let Some(age) = next_age(&rest) {
        let at_risk: Vec<f64> = rest.iter().map(|rows| rows.len() as f64).collect();
        let mut events = 0.0;
        for (group, rows) in rest.iter_mut().enumerate() {
            let same = rows.iter().take_while(|row| row.duration() == age).count();
            let preempted = rows[..same].iter().filter(|row| row.is_preempted()).count() as f64;
            observed[group] += preempted;
            events += preempted;
            *rows = &rows[same..];
        }
        if events == 0.0 {
            continue;
        }
        let n: f64 = at_risk.iter().sum();
        // With one VM at risk there is nothing left to chance.
        let spread = if n > 1.0 { events * (n - events) / (n - 1.0) } else { 0.0 };
        for (i, &own) in at_risk.iter().enumerate() {
            let share = own / n;
            expected[i] += events * share;
            for (j, &its) in at_risk[..=i].iter().enumerate() {
                let other = its / n;
                let unit = if i == j { share * (1.0 - share) } else { -share * other };
                covariance.add(i, j, spread * unit);
            }
        }
    }
    let difference: Vec<f64> = observed.iter().zip(&expected).map(|(o, e)| o - e).collect();
    let (statistic, freedom) = covariance.quadratic_of_inverse(&difference);
    if freedom == 0 {
        return None;
    }
    let p = ChiSquared::new(freedom as f64).ok()?.sf(statistic);
    Some(LogRank { statistic, freedom, p, expected })
}

/// The smallest duration that is left.
fn next_age(rest: &[&[Row]]) -> Option<SimDuration> {
    rest.iter().filter_map(|rows| rows.first()).map(|row| row.duration()).min()
}
