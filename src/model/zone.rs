//! A market with memory: zones that are normal or scarce for a while, shocks that strike many VMs at
//! once, and hazards that follow the hours of the week.
//!
//! Owns what a zone is and what it does to the hazard; when it does so in one replication is told by
//! [`crate::engine::paths`]. A [`Market`](super::capacity::Market) without zones has no memory: its
//! requests and lifetimes are independent.

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
    /// Preemptions per running VM and hour in the long run, hours of the week left aside.
    #[must_use]
    pub fn long_run_hazard(&self) -> f64 {
        let regime = self.regime.as_ref().map_or(1.0, |regime| {
            let scarce = regime.scarce_share();
            1.0 - scarce + scarce * regime.hazard_factor
        });
        let shocks = self.shocks.map_or(0.0, |shocks| shocks.hits.fraction() / shocks.mean.hours());
        regime / self.lifetime.mean_h() + shocks
    }

    /// The chance that a request at any time is refused.
    #[must_use]
    pub fn refused(&self) -> f64 {
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
            order.sort_by(|&a, &b| {
                zones[a].long_run_hazard().total_cmp(&zones[b].long_run_hazard())
            });
        }
        Self { zones, placement, hours, order }
    }

    /// The place of the zone that a slot asks after so many refusals since its VMs ran.
    #[must_use]
    pub fn asked(&self, slot: u32, refusals: u32) -> usize {
        let first = if self.placement == Placement::Spread { u64::from(slot) } else { 0 };
        let turn = first + u64::from(refusals);
        self.order[(turn % self.order.len() as u64) as usize]
    }
}
