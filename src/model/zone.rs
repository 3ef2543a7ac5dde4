//! A market with memory: zones that are normal or scarce for a while, shocks that strike many VMs at
//! once, and hazards that follow the hours of the week.
//!
//! Owns what a zone is and what it does to the hazard; when it does so in one replication is told by
//! [`crate::engine::paths`]. A [`Market`](super::capacity::Market) without zones has no memory: its
//! requests and lifetimes are independent.

use super::availability::Replay;
use super::capacity::Wait;
use super::lifetime::Lifetime;
use crate::units::{Share, SimDuration, SimTime};

/// The zones of a market, all in one region and at one price.
#[derive(Clone, Debug, PartialEq)]
pub struct Zones {
    /// In the order in which they were written; never empty.
    pub zones: Vec<Zone>,
    /// Which one is asked first.
    pub placement: Placement,
    /// How the hazard of all of them follows the week; `None` where it does not.
    pub hours: Option<HazardByHour>,
    /// The zones by their place, in the order in which they are asked.
    order: Vec<usize>,
}

/// One zone: what those who ask for Spot VMs meet in it.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone {
    /// Its name, such as us-central1-a.
    pub name: String,
    /// Time to preemption of one Spot VM while the zone is normal, shocks left aside.
    pub lifetime: Lifetime,
    /// Wait for Spot capacity.
    pub wait: Wait,
    /// Chance that a request is refused after its wait while the zone is normal.
    pub no_capacity_probability: Share,
    /// How it becomes scarce; `None` where it never does.
    pub regime: Option<Regime>,
    /// Preemptions of many VMs at one instant; `None` where there are none.
    pub shocks: Option<Shocks>,
    /// The trace that is all of its capacity: VMs live until it drops, whatever `lifetime`, `regime`
    /// and `shocks` say; `None` where there is none.
    pub replay: Option<Replay>,
}

/// A zone that is normal and scarce in turns: an alternating renewal process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Regime {
    /// How long it stays normal.
    pub normal: Wait,
    /// How long it stays scarce.
    pub scarce: Wait,
    /// The hazard of a running VM while it is scarce, in units of that while it is normal.
    pub hazard_factor: f64,
    /// What becomes of a request in a scarce zone.
    pub when_scarce: WhenScarce,
    /// What it is at time 0.
    pub start: RegimeStart,
}

/// What becomes of a request whose wait ends in a scarce zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenScarce {
    /// It is refused.
    Refuse,
    /// It waits until the zone is normal.
    Queue,
}

/// What a zone is at time 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RegimeStart {
    /// In the midst of its life: scarce as often as in the long run, and for as long as it still is
    /// when somebody comes at any time.
    Stationary,
    /// Normal since just now.
    Normal,
    /// Scarce since just now.
    Scarce,
}

/// Instants at which each running VM of a zone is preempted with the same chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shocks {
    /// Mean time between two; they are a Poisson process.
    pub mean: SimDuration,
    /// Chance that one strikes a running VM.
    pub hits: Share,
}

/// Which zone is asked first. After a refusal the next one is asked, and after the last the first;
/// once VMs have run, the first one again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// The first one written.
    First,
    /// Slot *i* begins with the *i*-th, round and round.
    Spread,
    /// Where a VM-hour is preempted least in the long run: with one price in the region, that is
    /// where a job costs least.
    Cheapest,
}

/// Factors of the hazard by the hour of the week.
#[derive(Clone, Debug, PartialEq)]
pub struct HazardByHour {
    /// One for each of the 168 hours from Monday 00:00.
    factors: Vec<f64>,
    /// How far into the week time 0 is.
    offset: SimDuration,
}

/// Hours of a week.
pub const HOURS_OF_WEEK: usize = 168;

const HOUR: i64 = SimDuration::from_hours(1).micros();

impl HazardByHour {
    /// From 24 factors, the same every day, or from 168; time 0 is `offset` after Monday 00:00.
    /// `None` for any other number of factors.
    #[must_use]
    pub fn new(factors: &[f64], offset: SimDuration) -> Option<Self> {
        if !matches!(factors.len(), 24 | HOURS_OF_WEEK) {
            return None;
        }
        let factors = factors.iter().copied().cycle().take(HOURS_OF_WEEK).collect();
        Some(Self { factors, offset })
    }

    /// The factor at a time, and when its hour ends.
    #[must_use]
    pub fn at(&self, time: SimTime) -> (f64, SimTime) {
        let of_week = (time.since_start() + self.offset).micros();
        let hour = of_week.div_euclid(HOUR);
        let ends = SimDuration::from_micros((hour + 1) * HOUR - of_week);
        (self.factors[hour.rem_euclid(HOURS_OF_WEEK as i64) as usize], time + ends)
    }

    /// The mean factor of a week.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.factors.iter().sum::<f64>() / self.factors.len() as f64
    }
}

impl Regime {
    /// The share of time in which the zone is scarce, in the long run: E\[scarce\] ÷ (E\[normal\] +
    /// E\[scarce\]).
    #[must_use]
    pub fn scarce_share(&self) -> f64 {
        let (normal, scarce) = (self.normal.mean_h(), self.scarce.mean_h());
        match (normal.is_finite(), scarce.is_finite()) {
            (true, true) => scarce / (normal + scarce),
            (true, false) => 1.0,
            (false, true) => 0.0,
            (false, false) => 0.5,
        }
    }
}

impl Zone {
    /// Preemptions per running VM and hour in the long run, where the hours of a week have the mean
    /// factor `hours`; exact for exponential lifetimes of VMs that run all the time.
    #[must_use]
    pub fn long_run_hazard(&self, hours: f64) -> f64 {
        let regime = self.regime.as_ref().map_or(1.0, |regime| {
            let scarce = regime.scarce_share();
            1.0 - scarce + scarce * regime.hazard_factor
        });
        let shocks = self.shocks.map_or(0.0, |shocks| shocks.hits.fraction() / shocks.mean.hours());
        hours * regime / self.lifetime.mean_h() + shocks
    }

    /// The chance that a request at any time is refused.
    #[must_use]
    pub fn refused(&self) -> f64 {
        if let Some(replay) = &self.replay {
            let scarce = match replay.when_scarce {
                WhenScarce::Refuse => 1.0 - replay.trace.share(1),
                WhenScarce::Queue => 0.0,
            };
            return 1.0 - (1.0 - scarce) * (1.0 - self.no_capacity_probability.fraction());
        }
        let scarce = match self.regime {
            Some(regime) if regime.when_scarce == WhenScarce::Refuse => regime.scarce_share(),
            _ => 0.0,
        };
        1.0 - (1.0 - scarce) * (1.0 - self.no_capacity_probability.fraction())
    }
}

impl Zones {
    /// Zones in the order in which they were written.
    ///
    /// # Panics
    /// Without any zone.
    #[must_use]
    pub fn new(zones: Vec<Zone>, placement: Placement, hours: Option<HazardByHour>) -> Self {
        assert!(!zones.is_empty(), "a market has a zone");
        let mut order: Vec<usize> = (0..zones.len()).collect();
        if placement == Placement::Cheapest {
            let factor = hours.as_ref().map_or(1.0, HazardByHour::mean);
            let hazards: Vec<f64> = zones.iter().map(|zone| zone.long_run_hazard(factor)).collect();
            order.sort_by(|&a, &b| hazards[a].total_cmp(&hazards[b]));
        }
        Self { zones, placement, hours, order }
    }

    /// The trace that is replayed, where the market is one.
    #[must_use]
    pub fn replay(&self) -> Option<&Replay> {
        self.zones.iter().find_map(|zone| zone.replay.as_ref())
    }

    /// The place of the zone that a slot asks after so many refusals since its VMs ran.
    #[must_use]
    pub fn asked(&self, slot: u32, refusals: u32) -> usize {
        let first = if self.placement == Placement::Spread { u64::from(slot) } else { 0 };
        let turn = first + u64::from(refusals);
        self.order[(turn % self.order.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: f64) -> SimTime {
        SimTime::START + SimDuration::from_hours_f64(hours)
    }

    /// Time 0 is Sunday 23:30: the last hour of the week for 30 min, then the first.
    #[test]
    fn the_week_begins_anew() {
        let factors: Vec<f64> = (0..168).map(f64::from).collect();
        let offset = SimDuration::from_secs(167 * 3_600 + 1_800);
        let hours = HazardByHour::new(&factors, offset).unwrap();
        assert_eq!(hours.at(at(0.0)), (167.0, at(0.5)));
        assert_eq!(hours.at(at(0.25)), (167.0, at(0.5)));
        assert_eq!(hours.at(at(0.5)), (0.0, at(1.5)));
        assert_eq!(hours.at(at(168.75)), (0.0, at(169.5)));
        assert_eq!(hours.mean(), 83.5);
        // The hours of a day, on every day.
        let daily = HazardByHour::new(&factors[..24], SimDuration::ZERO).unwrap();
        assert_eq!(daily.at(at(24.0 * 3.0 + 5.5)), (5.0, at(24.0 * 3.0 + 6.0)));
        assert_eq!(HazardByHour::new(&factors[..7], offset), None);
    }

    /// 1/10 per hour for 3 of 4 h and twice that for the fourth, and a shock of 50 % every 20 h: 0.125 +
    /// 0.025 per hour. Refused with 1 − (1 − 1/4)(1 − 20 %) = 40 %.
    #[test]
    fn the_long_run_is_a_mean_over_both_regimes() {
        let fixed = |hours| Wait::Fixed(SimDuration::from_hours(hours));
        let mut zone = Zone {
            name: "a".into(),
            lifetime: Lifetime::Exponential { mean_h: 10.0 },
            wait: Wait::NONE,
            no_capacity_probability: Share::percent(20),
            regime: Some(Regime {
                normal: fixed(3),
                scarce: fixed(1),
                hazard_factor: 2.0,
                when_scarce: WhenScarce::Refuse,
                start: RegimeStart::Stationary,
            }),
            shocks: Some(Shocks { mean: SimDuration::from_hours(20), hits: Share::percent(50) }),
            replay: None,
        };
        assert!((zone.long_run_hazard(1.0) - 0.15).abs() < 1e-12);
        assert!((zone.long_run_hazard(2.0) - 0.275).abs() < 1e-12);
        assert!((zone.refused() - 0.4).abs() < 1e-12);
        zone.regime.as_mut().unwrap().when_scarce = WhenScarce::Queue;
        assert!((zone.refused() - 0.2).abs() < 1e-12);
        zone.lifetime = Lifetime::Never;
        assert!((zone.long_run_hazard(1.0) - 0.025).abs() < 1e-12);
    }
}
