//! Whether a fitted law describes what was seen: preemptions seen and expected by age.

use serde::Serialize;
use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::law::Law;
use super::linear::Symmetric;
use super::maximise::slope;
use super::observations::{Observations, Point};
use crate::model::lifetime::Lifetime;

/// Preemptions at some ages, seen and expected.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Band {
    /// From this age \[h\].
    pub from_h: f64,
    /// Up to this one \[h\], it included.
    pub until_h: f64,
    /// Preemptions seen.
    pub observed: u64,
    /// Preemptions the law expects of the VMs that were at risk.
    pub expected: f64,
}

/// The test that the lifetimes follow a law of the family.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Goodness {
    /// The bands of age it compares.
    pub bands: Vec<Band>,
    /// Chi-square distributed with [`Self::freedom`] degrees if they do.
    pub statistic: f64,
    /// The rank of the covariance of seen − expected.
    pub freedom: u64,
    /// The chance of such a statistic or a larger one if they do.
    pub p: f64,
}

/// Preemptions below which there is no test.
pub const FEWEST: u64 = 20;
/// A direction with less variance than this share of the largest is fixed by the fit.
const FIXED: f64 = 1e-4;

/// The test; `None` of fewer than 20 preemptions, or where it cannot be reckoned.
///
/// The ages are cut so that the law expects as many preemptions in each of the bands. What is seen
/// minus what is expected has the covariance diag(E) − D I⁻¹ D′ with D = ∂E/∂θ and the information I:
/// the parameters were fitted to the same rows, which is counted. Source: N. L. Hjort, Ann. Stat. 18
/// (1990), 1221–1258; V. Bagdonavičius, R. Levulienė, M. Nikulin, Lifetime Data Anal. 17 (2011).
#[must_use]
pub fn goodness(
    law: &Law,
    free: &[f64],
    covariance: &Symmetric,
    seen: &Observations,
    points: &[Point],
) -> Option<Goodness> {
    if seen.events() < FEWEST {
        return None;
    }
    let lifetime = law.lifetime_of_free(free)?;
    let events = seen.events() as f64;
    let count = libm::round(2.0 * libm::pow(events, 0.4)).clamp(4.0, 12.0) as usize;
    let cuts = cuts(&lifetime, points, count);
    let expected = expected(&lifetime, points, &cuts);
    let observed = observed(seen, &cuts);
    let size = free.len();
    // D, by the parameter.
    let slopes: Vec<Vec<f64>> = (0..size)
        .map(|k| {
            (0..expected.len())
                .map(|band| {
                    slope(&|step| {
                        let mut free = free.to_vec();
                        free[k] += step;
                        let moved = law.lifetime_of_free(&free);
                        moved.map_or(f64::NAN, |law| expected_in(&law, points, &cuts, band))
                    })
                })
                .collect()
        })
        .collect();
    let mut spread = Symmetric::zero(expected.len());
    for (i, &own) in expected.iter().enumerate() {
        for j in 0..=i {
            let column = |band: usize| slopes.iter().map(|row| row[band]).collect::<Vec<f64>>();
            let known = covariance.product(&column(i), &column(j));
            spread.add(i, j, if i == j { own - known } else { -known });
        }
    }
    let difference: Vec<f64> = observed.iter().zip(&expected).map(|(&o, e)| o as f64 - e).collect();
    let (statistic, freedom) = spread.quadratic_above(&difference, FIXED);
    if freedom == 0 || !statistic.is_finite() {
        return None;
    }
    let p = ChiSquared::new(freedom as f64).ok()?.sf(statistic);
    let mut from_h = 0.0;
    let ends = cuts.iter().copied().chain([seen.longest_h()]);
    let bands = ends.zip(observed).zip(expected).map(|((until_h, observed), expected)| {
        let band = Band { from_h, until_h, observed, expected };
        from_h = until_h;
        band
    });
    Some(Goodness { bands: bands.collect(), statistic, freedom, p })
}

/// Inner ages \[h\] between which the law expects as many preemptions each.
fn cuts(lifetime: &Lifetime, points: &[Point], count: usize) -> Vec<f64> {
    let at = |age: f64| lifetime.cumulative_hazard(age);
    let total: f64 = points.iter().map(|p| (p.events + p.censored) * at(p.age_h)).sum();
    let mut at_risk: f64 = points.iter().map(|p| p.events + p.censored).sum();
    let (mut sum, mut before) = (0.0, 0.0);
    let mut cuts: Vec<f64> = Vec::new();
    for point in points {
        let hazard = at(point.age_h);
        let rise = at_risk * (hazard - before);
        while cuts.len() + 1 < count {
            let target = total * (cuts.len() + 1) as f64 / count as f64;
            if sum + rise < target {
                break;
            }
            let age = lifetime.age_at(before + (target - sum) / at_risk);
            if age >= point.age_h || cuts.last().is_some_and(|&last| age <= last) {
                break;
            }
            cuts.push(age);
        }
        sum += rise;
        before = hazard;
        at_risk -= point.events + point.censored;
    }
    cuts
}

/// Preemptions that the law expects between two cuts.
fn expected_in(lifetime: &Lifetime, points: &[Point], cuts: &[f64], band: usize) -> f64 {
    let from = if band == 0 { 0.0 } else { cuts[band - 1] };
    let until = cuts.get(band).copied().unwrap_or(f64::INFINITY);
    let start = lifetime.cumulative_hazard(from);
    points
        .iter()
        .filter(|point| point.age_h > from)
        .map(|point| {
            let end = lifetime.cumulative_hazard(point.age_h.min(until));
            (point.events + point.censored) * (end - start)
        })
        .sum()
}

fn expected(lifetime: &Lifetime, points: &[Point], cuts: &[f64]) -> Vec<f64> {
    (0..=cuts.len()).map(|band| expected_in(lifetime, points, cuts, band)).collect()
}

fn observed(seen: &Observations, cuts: &[f64]) -> Vec<u64> {
    let mut counts = vec![0; cuts.len() + 1];
    for step in seen.steps() {
        let age = step.age.hours();
        counts[cuts.iter().take_while(|&&cut| cut < age).count()] += step.events;
    }
    counts
}
