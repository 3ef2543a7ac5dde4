//! Survival without a model: Kaplan–Meier, Nelson–Aalen, and what dropping the censored rows does.

use libm::{exp, sqrt};
use serde::Serialize;

use super::observations::Observations;
use crate::luck::ln;
use crate::model::distribution::normal_upper_quantile;
use crate::stats::interval::Level;
use crate::units::SimDuration;

/// Estimates at one age.
///
/// Sources: E. L. Kaplan, P. Meier, J. Am. Stat. Assoc. 53 (1958), 457–481; M. Greenwood, Reports on
/// Public Health 33 (1926); the interval on the scale of ln(−ln S): J. D. Kalbfleisch, R. L. Prentice,
/// The Statistical Analysis of Failure Time Data (2002), section 1.4; W. Nelson (1972), O. Aalen,
/// Ann. Stat. 6 (1978): H = Σ d/n with the variance Σ d/n², its interval on the scale of ln H.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The age \[h\].
    pub age_h: f64,
    /// VMs that ran at least so long.
    pub at_risk: u64,
    /// Preempted up to this age.
    pub events: u64,
    /// Stopped for another reason up to this age.
    pub censored: u64,
    /// P(lifetime > age) by Kaplan–Meier.
    pub survival: f64,
    /// Its interval; `None` where nothing survives, and at age 0. Before the first preemption its lower
    /// end is the survival at which none of those still at risk would have been preempted with the
    /// chance 1 − level.
    pub interval: Option<(f64, f64)>,
    /// The cumulative hazard by Nelson–Aalen.
    pub cumulative_hazard: f64,
    /// Its interval; `None` at age 0.
    pub hazard_interval: Option<(f64, f64)>,
}

/// Sums over the steps so far.
#[derive(Clone, Copy)]
struct Running {
    level: Level,
    z: f64,
    now: Estimate,
    /// Greenwood's sum: Σ d / (n (n − d)).
    greenwood: f64,
    /// Aalen's sum: Σ d / n².
    aalen: f64,
}

impl Running {
    fn new(level: Level, at_risk: u64) -> Self {
        Self {
            level,
            z: normal_upper_quantile(0.5 - 0.5 * level.value()),
            now: Estimate {
                age_h: 0.0,
                at_risk,
                events: 0,
                censored: 0,
                survival: 1.0,
                interval: None,
                cumulative_hazard: 0.0,
                hazard_interval: None,
            },
            greenwood: 0.0,
            aalen: 0.0,
        }
    }

    fn step(&mut self, at_risk: u64, events: u64, censored: u64) {
        let (n, d) = (at_risk as f64, events as f64);
        self.now.at_risk = at_risk - events - censored;
        self.now.events += events;
        self.now.censored += censored;
        if events > 0 {
            self.now.survival *= (n - d) / n;
            self.greenwood += d / (n * (n - d));
            self.now.cumulative_hazard += d / n;
            self.aalen += d / (n * n);
        }
    }

    /// The estimates of now, with their intervals; `leaving` VMs leave at the very age.
    fn shown(&self, age_h: f64, leaving: u64) -> Estimate {
        let mut shown = Estimate { age_h, ..self.now };
        let at_risk = shown.at_risk + leaving;
        if shown.events == 0 && age_h > 0.0 && at_risk > 0 {
            let most = self.level.poisson_of_none() / at_risk as f64;
            shown.interval = Some((exp(-most), 1.0));
            shown.hazard_interval = Some((0.0, most));
        }
        let survival = shown.survival;
        if survival > 0.0 && survival < 1.0 {
            let log = ln(survival);
            let spread = self.z * sqrt(self.greenwood) / -log;
            // S^e^(±spread): the power with the larger exponent is the lower end.
            shown.interval = Some((exp(log * exp(spread)), exp(log * exp(-spread))));
        }
        let hazard = shown.cumulative_hazard;
        if hazard > 0.0 {
            let spread = self.z * sqrt(self.aalen) / hazard;
            shown.hazard_interval = Some((hazard * exp(-spread), hazard * exp(spread)));
        }
        shown
    }
}

/// The estimates at some ages \[h\], which rise. `at_risk` counts who runs at the age or longer, as in
/// a risk table.
#[must_use]
pub fn at_ages(seen: &Observations, ages_h: &[f64], level: Level) -> Vec<Estimate> {
    let mut running = Running::new(level, seen.count());
    let mut steps = seen.steps().peekable();
    ages_h
        .iter()
        .map(|&age_h| {
            let mut leaving = 0;
            while let Some(step) = steps.next_if(|step| step.age.hours() <= age_h) {
                running.step(step.at_risk, step.events, step.censored);
                leaving = if step.age.hours() == age_h { step.events + step.censored } else { 0 };
            }
            let mut shown = running.shown(age_h, leaving);
            shown.at_risk += leaving;
            shown
        })
        .collect()
}

/// The curve: a point after every age with a preemption, and the last age; where there are more than
/// `most`, those are left out between which less than 1/`most` of the VMs are lost. What is kept is
/// exact.
#[must_use]
pub fn curve(seen: &Observations, most: usize, level: Level) -> Vec<Estimate> {
    let mut running = Running::new(level, seen.count());
    let mut points = vec![running.shown(0.0, 0)];
    let least = if seen.events() as usize > most { 1.0 / most as f64 } else { 0.0 };
    let (mut last, mut last_hazard) = (1.0, 0.0);
    let mut steps = seen.steps().peekable();
    while let Some(step) = steps.next() {
        running.step(step.at_risk, step.events, step.censored);
        let is_last = steps.peek().is_none();
        let lost = last - running.now.survival;
        // Beyond S = 1/most a tail of a few VMs would be left out: the hazard still tells it.
        let gained = running.now.cumulative_hazard - last_hazard;
        if is_last || (step.events > 0 && (lost >= least || gained >= 0.02)) {
            points.push(running.shown(step.age.hours(), 0));
            (last, last_hazard) = (running.now.survival, running.now.cumulative_hazard);
        }
    }
    points
}

/// The age that a share of the VMs is preempted by, with its interval: where the curve and the ends of
/// its interval reach 1 − `share`.
///
/// Source: R. Brookmeyer, J. Crowley, Biometrics 38 (1982), 29–41, with the interval of
/// [`Estimate`]. `None` where they do not.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantile {
    /// The age \[h\].
    pub age_h: Option<f64>,
    /// The lower end \[h\].
    pub low_h: Option<f64>,
    /// The upper end \[h\].
    pub high_h: Option<f64>,
}

/// The ages that shares of the VMs are preempted by.
#[must_use]
pub fn quantiles(seen: &Observations, shares: &[f64], level: Level) -> Vec<Quantile> {
    let none = Quantile { age_h: None, low_h: None, high_h: None };
    let mut found = vec![none; shares.len()];
    let mut running = Running::new(level, seen.count());
    for step in seen.steps().filter(|step| step.events > 0) {
        // Who was censored between two preemptions has left the number at risk already.
        running.step(step.at_risk, step.events, 0);
        let shown = running.shown(step.age.hours(), 0);
        for (quantile, share) in found.iter_mut().zip(shares) {
            let reaches = |value: f64| value <= 1.0 - share + 1e-12;
            let first = |slot: &mut Option<f64>, value: Option<f64>| {
                if slot.is_none() && value.is_some_and(reaches) {
                    *slot = Some(shown.age_h);
                }
            };
            first(&mut quantile.age_h, Some(shown.survival));
            first(&mut quantile.low_h, shown.interval.map(|ends| ends.0));
            first(&mut quantile.high_h, shown.interval.map(|ends| ends.1));
        }
    }
    found
}

/// The mean of the lifetimes up to an age \[h\]: the area under the curve up to there.
///
/// Beyond the longest duration nothing is known, so that there is no mean without a model.
#[must_use]
pub fn restricted_mean_h(seen: &Observations, until_h: f64) -> f64 {
    let (mut survival, mut area, mut before) = (1.0, 0.0, 0.0);
    for step in seen.steps().filter(|step| step.events > 0) {
        let age = step.age.hours();
        if age > until_h {
            break;
        }
        area += survival * (age - before);
        survival *= (step.at_risk - step.events) as f64 / step.at_risk as f64;
        before = age;
    }
    area + survival * (until_h - before)
}

/// What the rows would have claimed with the censored ones dropped.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Dropped {
    /// The age at which both are compared \[h\]: one that half of the preempted VMs reached.
    pub age_h: f64,
    /// Survival there over all rows.
    pub survival: f64,
    /// Survival there over the preempted ones alone.
    pub survival_dropped: f64,
    /// VM-hours for each preemption, all VM-hours counted: the mean of an exponential lifetime.
    pub mean_h: f64,
    /// The mean duration of the preempted ones.
    pub mean_dropped_h: f64,
}

/// What the rows would have claimed with the censored ones dropped; `None` where there are no
/// preemptions or nothing is censored.
#[must_use]
pub fn dropped(seen: &Observations) -> Option<Dropped> {
    if seen.events() == 0 || seen.censored() == 0 {
        return None;
    }
    let rank = seen.events().div_ceil(2) as usize;
    let preempted = || seen.rows().iter().filter(|row| row.is_preempted());
    let age: SimDuration = preempted().nth(rank - 1)?.duration();
    let outlive = preempted().filter(|row| row.duration() > age).count();
    let level = Level::new(0.95)?;
    let events = seen.events() as f64;
    Some(Dropped {
        age_h: age.hours(),
        survival: at_ages(seen, &[age.hours()], level)[0].survival,
        survival_dropped: outlive as f64 / events,
        mean_h: seen.exposure_h() / events,
        mean_dropped_h: seen.exposure_of_events_h() / events,
    })
}

/// Preemptions per VM-hour between two ages.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct HazardBand {
    /// From this age \[h\].
    pub from_h: f64,
    /// Up to this one \[h\], it included.
    pub until_h: f64,
    /// Preemptions seen.
    pub events: u64,
    /// VM-hours seen.
    pub exposure_h: f64,
    /// Preemptions ÷ VM-hours.
    pub hazard: f64,
    /// The lower end, by Garwood's interval of the count.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// The hazard by age, between ages with about as many preemptions each: at most `most` bands.
#[must_use]
pub fn hazard_bands(seen: &Observations, most: u64, level: Level) -> Vec<HazardBand> {
    let events = seen.events();
    let count = (events / 5).clamp(1, most.max(1));
    let mut bands: Vec<HazardBand> = Vec::new();
    let longest = seen.longest_h();
    let (mut from_h, mut before, mut counted, mut exposure, mut done) = (0.0, 0.0, 0, 0.0, 0);
    for step in seen.steps() {
        let age = step.age.hours();
        exposure += step.at_risk as f64 * (age - before);
        before = age;
        counted += step.events;
        let is_full = done + counted >= events * (bands.len() as u64 + 1) / count;
        // The last band goes on to the end, so that nothing watched is left out.
        let is_last = bands.len() as u64 + 1 >= count;
        if (is_full && !is_last && counted > 0 && age < longest) || age >= longest {
            let (low, high) = level.poisson(counted);
            let rate = |count: f64| if exposure > 0.0 { count / exposure } else { 0.0 };
            bands.push(HazardBand {
                from_h,
                until_h: age,
                events: counted,
                exposure_h: exposure,
                hazard: rate(counted as f64),
                low: rate(low),
                high: rate(high),
            });
            done += counted;
            (from_h, counted, exposure) = (age, 0, 0.0);
        }
    }
    bands
}
