//! One machine's life, or one gang's: asked for, waiting, running, gone.
//!
//! The only place where luck becomes an attempt; jobs and endpoints decide what the machine is for.

use super::paths::Paths;
use crate::luck::{Luck, Purpose};
use crate::model::capacity::{Capacity, Market};
use crate::units::{SimDuration, SimTime};

/// A request for a VM, or for a gang that starts and dies as one.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What is asked for.
    pub capacity: Capacity,
    /// When.
    pub asked: SimTime,
    /// Which VM or replica.
    pub slot: u32,
    /// Which of its attempts, from 0: the address of its luck.
    pub attempt: u32,
    /// Whether the request before it was a Spot one and refused.
    pub spot_refused: bool,
}

/// What the market answers to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Nothing starts; the attempt is used up after its wait.
    Refused {
        /// From asking to the refusal.
        wait: SimDuration,
        /// The place of the zone that was asked; 0 in a market without zones.
        zone: u16,
    },
    /// The VMs start after the wait and, if nothing else stops them, live this long.
    Granted {
        /// From asking to the start.
        wait: SimDuration,
        /// From the start to the preemption.
        lifetime: SimDuration,
        /// The place of the zone that was asked; 0 in a market without zones.
        zone: u16,
    },
}

impl Answer {
    /// From asking to the answer.
    #[inline]
    #[must_use]
    pub const fn wait(self) -> SimDuration {
        match self {
            Self::Refused { wait, .. } | Self::Granted { wait, .. } => wait,
        }
    }

    /// The place of the zone that was asked; 0 in a market without zones.
    #[inline]
    #[must_use]
    pub const fn zone(self) -> u16 {
        match self {
            Self::Refused { zone, .. } | Self::Granted { zone, .. } => zone,
        }
    }
}

impl Request {
    /// The market's answer. `relief` is one VM's hazard in units of the gang's; `paths` is what its
    /// zones go through in this replication, from [`Paths::begin`].
    #[inline]
    #[must_use]
    pub fn answer(
        &self,
        market: &Market,
        paths: &mut Paths,
        relief: f64,
        luck: Luck<'_>,
    ) -> Answer {
        if let (Some(zones), Capacity::Spot) = (&market.zones, self.capacity) {
            return paths.answer(self, zones, relief, luck);
        }
        let answer = market.ask(luck, self.capacity, self.slot, self.attempt, self.spot_refused);
        if answer.refused {
            return Answer::Refused { wait: answer.wait, zone: 0 };
        }
        Answer::Granted {
            wait: answer.wait,
            lifetime: market.lifetime(luck, self.capacity, relief, self.slot, self.attempt),
            zone: 0,
        }
    }

    /// How long one more VM lives that starts with those of this request, in the zone that granted
    /// it: the VM of another slot, whose attempt it is.
    #[must_use]
    pub fn lifetime_of(
        &self,
        (slot, attempt): (u32, u32),
        (zone, started): (u16, SimTime),
        (market, paths): (&Market, &mut Paths),
        relief: f64,
        luck: Luck<'_>,
    ) -> SimDuration {
        if let (Some(zones), Capacity::Spot) = (&market.zones, self.capacity) {
            return paths.lifetime(zones, zone, started, (slot, attempt), relief, luck);
        }
        market.lifetime(luck, self.capacity, relief, slot, attempt)
    }
}

/// How long it takes, from the first start of Spot VMs in a zone where none of a gang ran, until what
/// strikes them all at once does so for the `index`-th time; `share` of the hazard does.
#[must_use]
pub fn strike(
    (zone, started): (u16, SimTime),
    (market, paths): (&Market, &mut Paths),
    (share, index): (f64, u32),
    luck: Luck<'_>,
) -> SimDuration {
    if share <= 0.0 {
        return SimDuration::NEVER;
    }
    let draw = luck.unit_exponential(Purpose::Strike, zone.into(), index);
    match &market.zones {
        Some(zones) => paths.age_at(zones, zone, started, draw / share, luck),
        None => market.lifetime.draw(draw, 1.0 / share),
    }
}
