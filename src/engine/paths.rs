//! What the zones of a market go through in one replication: regimes that change, shocks that strike.
//!
//! A path is generated as far as somebody asks, from luck of its own: it is the same under every
//! plan and at every design point. Since it does not depend on what is run, an attempt is still one
//! step: a VM dies when its cumulative hazard along the path reaches its own unit-exponential draw,
//! or at the first shock that strikes it. A change of regime moves that moment and draws nothing.

use libm::{exp, expm1, log1p};

use super::replay::{Places, Replayed};
use super::vm::{Answer, Request};
use crate::luck::{Luck, Purpose};
use crate::model::availability::{Replay, Values};
use crate::model::capacity::{Market, Wait};
use crate::model::lifetime::Lifetime;
use crate::model::zone::{HazardByHour, Regime, RegimeStart, Shocks, WhenScarce, Zone, Zones};
use crate::units::{Share, SimDuration, SimTime};

/// The paths of all zones in one replication, and where every slot has been refused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paths {
    zones: Vec<Path>,
    /// Spot requests refused since VMs last ran, by slot.
    refusals: Vec<u32>,
    /// Where paths end: from then on all zones stay as they are, and there are no shocks.
    end: SimTime,
    /// No attempt runs for longer: of a longer lifetime only that is told.
    longest: SimDuration,
    /// VMs that one request asks for.
    vms: u32,
    /// When what is known of the market ends: the end of a window that does not begin anew.
    known_until: SimTime,
    /// Which of the instances that a trace has capacity for each slot has, or waits for.
    places: Places,
}

/// The path of one zone.
#[derive(Clone, Debug, Default, PartialEq)]
struct Path {
    starts_scarce: bool,
    /// When the regime changes.
    changes: Vec<SimTime>,
    /// When shocks strike.
    shocks: Vec<SimTime>,
    /// Whether the first interval is known, and with it whether it is scarce.
    is_begun: bool,
    /// Chance that a shock strikes at least one VM of a gang.
    hits: f64,
    /// Where it is in a trace, where it replays one.
    replayed: Replayed,
}

impl Paths {
    /// Forgets the last replication. `vms` is the size of the gang that one request asks for, and
    /// nothing is asked about what is later than `end`.
    #[inline]
    pub fn begin(&mut self, market: &Market, vms: u32, end: SimTime) {
        match &market.zones {
            None => {
                self.zones.clear();
                self.known_until = SimTime::NEVER;
            }
            Some(zones) => self.begin_zones(zones, vms, end),
        }
    }

    fn begin_zones(&mut self, zones: &Zones, vms: u32, end: SimTime) {
        self.zones.resize_with(zones.zones.len(), Path::default);
        for (path, zone) in self.zones.iter_mut().zip(&zones.zones) {
            path.changes.clear();
            path.shocks.clear();
            path.is_begun = false;
            path.hits = zone.shocks.map_or(0.0, |shocks| struck(shocks.hits, vms));
            path.replayed.begin();
        }
        self.vms = vms;
        let span = zones.replay().and_then(|replay| replay.span);
        self.known_until = span.map_or(SimTime::NEVER, |span| SimTime::START + span);
        self.places.clear();
        self.refusals.clear();
        self.end = end;
        self.longest = SimDuration::NEVER;
    }

    /// Says that no attempt runs for longer than this, so that a lifetime need not be followed any
    /// further: how much longer than that it is may be told wrong.
    pub fn follow_for(&mut self, longest: SimDuration) {
        self.longest = longest;
    }

    /// When what is known of the market ends: where a replayed window does that does not begin anew.
    #[must_use]
    pub const fn known_until(&self) -> SimTime {
        self.known_until
    }

    /// A slot's attempt has ended: another may have its place among the instances of a trace.
    #[inline]
    pub fn release(&mut self, slot: u32) {
        self.places.release(slot);
    }

    /// What a Spot request meets in a market made of a trace: the wait, then capacity or none, then
    /// its chance of a refusal. VMs live until the trace drops.
    fn replayed(
        &mut self,
        request: &Request,
        (zones, place): (&Zones, usize),
        replay: &Replay,
        luck: Luck<'_>,
    ) -> Answer {
        let Request { asked, slot, attempt, .. } = *request;
        let zone = &zones.zones[place];
        let before = match replay.trace.values {
            Values::Capacity => 0,
            Values::Instances => self.places.take(slot),
        };
        let need = replay.trace.need(before, self.vms);
        let at = (replay, place as u32, luck, self.end);
        let path = &mut self.zones[place].replayed;
        let mut wait = zone.wait.draw(luck, Purpose::Wait, slot, attempt);
        let mut refused = zone.no_capacity_probability > Share::ZERO
            && luck.uniform(Purpose::Refusal, slot, attempt)
                < zone.no_capacity_probability.fraction();
        let ready = asked + wait;
        let starts = match replay.when_scarce {
            WhenScarce::Queue => path.first(at, ready, need, true),
            // When there is capacity again does not matter.
            WhenScarce::Refuse => {
                (path.first(at, ready, need, false) != Some(ready)).then_some(ready)
            }
        };
        if starts != Some(ready) {
            match replay.when_scarce {
                WhenScarce::Refuse => refused = true,
                WhenScarce::Queue => {
                    wait = starts.map_or(SimDuration::NEVER, |starts| starts - asked);
                }
            }
        }
        let zone = place as u16;
        if refused {
            self.places.release(slot);
            return Answer::Refused { wait, zone };
        }
        let Some(starts) = starts else {
            return Answer::Granted { wait, lifetime: SimDuration::NEVER, zone };
        };
        let ends = path.first(at, starts, need, false);
        let lifetime = ends.map_or(SimDuration::NEVER, |ends| ends - starts);
        Answer::Granted { wait, lifetime, zone }
    }

    /// What a Spot request meets: the wait, then the regime of the zone, then its chance of a refusal.
    pub(super) fn answer(
        &mut self,
        request: &Request,
        zones: &Zones,
        relief: f64,
        luck: Luck<'_>,
    ) -> Answer {
        let Request { asked, slot, attempt, .. } = *request;
        let index = slot as usize;
        if self.refusals.len() <= index {
            self.refusals.resize(index + 1, 0);
        }
        let place = zones.asked(slot, self.refusals[index]);
        let zone = &zones.zones[place];
        if let Some(replay) = &zone.replay {
            return self.replayed(request, (zones, place), replay, luck);
        }
        let mut market = self.conditions(zones, place as u16, luck);
        let mut wait = zone.wait.draw(luck, Purpose::Wait, slot, attempt);
        let mut refused = zone.no_capacity_probability > Share::ZERO
            && luck.uniform(Purpose::Refusal, slot, attempt)
                < zone.no_capacity_probability.fraction();
        if let Some(regime) = &zone.regime
            && let Some(normal_again) = market.scarce_until(regime, asked + wait)
        {
            match regime.when_scarce {
                WhenScarce::Refuse => refused = true,
                WhenScarce::Queue => wait = normal_again - asked,
            }
        }
        let place = place as u16;
        if refused {
            self.refusals[index] += 1;
            return Answer::Refused { wait, zone: place };
        }
        self.refusals[index] = 0;
        let lifetime = self.lifetime(zones, place, asked + wait, (slot, attempt), relief, luck);
        Answer::Granted { wait, lifetime, zone: place }
    }

    /// How long Spot VMs live that start in a zone: `slot` and `attempt` are the address of their
    /// luck.
    #[inline]
    pub(super) fn lifetime(
        &mut self,
        zones: &Zones,
        place: u16,
        started: SimTime,
        (slot, attempt): (u32, u32),
        relief: f64,
        luck: Luck<'_>,
    ) -> SimDuration {
        let hazard = luck.unit_exponential(Purpose::Lifetime, slot, attempt) * relief;
        let mut market = self.conditions(zones, place, luck);
        let lifetime = market.lifetime(started, hazard);
        market.first_shock(started, lifetime, slot)
    }

    /// How long after a start in a zone the cumulative hazard of one VM along its path reaches
    /// `hazard`; shocks are left aside.
    pub(super) fn age_at(
        &mut self,
        zones: &Zones,
        place: u16,
        started: SimTime,
        hazard: f64,
        luck: Luck<'_>,
    ) -> SimDuration {
        self.conditions(zones, place, luck).lifetime(started, hazard)
    }

    #[inline]
    fn conditions<'a, 'l>(
        &'a mut self,
        zones: &'a Zones,
        place: u16,
        luck: Luck<'l>,
    ) -> Conditions<'a, 'l> {
        let index = usize::from(place);
        Conditions {
            zone: &zones.zones[index],
            hours: zones.hours.as_ref(),
            place: place.into(),
            path: &mut self.zones[index],
            end: self.end,
            longest: self.longest,
            luck,
        }
    }

    /// When a zone is scarce in the time before `until`, in order, as far as the path is generated
    /// for that; `luck` is that of the replication.
    #[must_use]
    pub fn scarce(
        &mut self,
        zones: &Zones,
        place: usize,
        until: SimTime,
        luck: Luck<'_>,
    ) -> Vec<(SimTime, SimTime)> {
        if let Some(replay) = &zones.zones[place].replay {
            let need = replay.trace.need(0, self.vms);
            let at = (replay, place as u32, luck, self.end);
            return self.zones[place].replayed.without(at, need, until.min(self.known_until));
        }
        let Some(regime) = &zones.zones[place].regime else { return Vec::new() };
        let path = &mut self.zones[place];
        path.extend(regime, place as u32, luck, until, self.end);
        let (mut from, mut scarce, mut found) = (SimTime::START, path.starts_scarce, Vec::new());
        for change in path.changes.iter().map(|change| (*change).min(until)).chain([until]) {
            if scarce && from < change {
                found.push((from, change));
            }
            (from, scarce) = (change, !scarce);
        }
        found
    }

    /// When shocks strike a zone before `until`, in order.
    #[must_use]
    pub fn shocks(
        &mut self,
        zones: &Zones,
        place: usize,
        until: SimTime,
        luck: Luck<'_>,
    ) -> Vec<SimTime> {
        let Some(shocks) = &zones.zones[place].shocks else { return Vec::new() };
        let path = &mut self.zones[place];
        path.extend_shocks(shocks, place as u32, luck, until, self.end);
        path.shocks.iter().copied().filter(|shock| *shock < until).collect()
    }
}

/// The chance that at least one of `vms` VMs is struck: 1 − (1 − p)^vms.
fn struck(hits: Share, vms: u32) -> f64 {
    -expm1(f64::from(vms) * log1p(-hits.fraction()))
}

impl Path {
    /// Makes sure that the regime at `time` is known, and when it ends, unless `end` comes first.
    fn extend(&mut self, regime: &Regime, place: u32, luck: Luck<'_>, time: SimTime, end: SimTime) {
        if !self.is_begun {
            self.is_begun = true;
            let (scarce, first) = begin(regime, place, luck);
            self.starts_scarce = scarce;
            self.changes.push(SimTime::START + first.max(SimDuration::SHORTEST));
        }
        while let Some(&last) = self.changes.last()
            && last <= time
            && last < end
        {
            let index = self.changes.len() as u32;
            let stays = if self.is_scarce(index as usize) { regime.scarce } else { regime.normal };
            let stays = stays.draw(luck, Purpose::Regime, place, index);
            self.changes.push(last + stays.max(SimDuration::SHORTEST));
        }
    }

    /// Whether the interval of this number is scarce.
    const fn is_scarce(&self, interval: usize) -> bool {
        self.starts_scarce != (interval % 2 == 1)
    }

    /// The number of the interval that `time` is in.
    fn interval(&self, time: SimTime) -> usize {
        self.changes.partition_point(|change| *change <= time)
    }

    /// Makes sure that all shocks up to `time` are known, unless `end` comes first.
    fn extend_shocks(
        &mut self,
        shocks: &Shocks,
        place: u32,
        luck: Luck<'_>,
        time: SimTime,
        end: SimTime,
    ) {
        loop {
            let last = self.shocks.last().copied().unwrap_or(SimTime::START);
            if last > time || last >= end {
                return;
            }
            let index = self.shocks.len() as u32;
            let after = shocks.mean.hours() * luck.unit_exponential(Purpose::Shock, place, index);
            self.shocks.push(last + SimDuration::from_hours_f64(after).max(SimDuration::SHORTEST));
        }
    }
}

/// Whether a zone is scarce at time 0, and for how long it stays what it is.
///
/// In the midst of its life it is in an interval of a kind with a chance in proportion to the mean of
/// that kind, and what is left of it is a uniform part of an interval drawn in proportion to its
/// length. Source: D. R. Cox, Renewal Theory (Methuen, 1962), sections 5.3 and 7.4.
fn begin(regime: &Regime, place: u32, luck: Luck<'_>) -> (bool, SimDuration) {
    let scarce = match regime.start {
        RegimeStart::Normal => false,
        RegimeStart::Scarce => true,
        RegimeStart::Stationary => {
            luck.uniform(Purpose::RegimeStart, place, 0) < regime.scarce_share()
        }
    };
    let stays = if scarce { regime.scarce } else { regime.normal };
    if regime.start != RegimeStart::Stationary {
        return (scarce, stays.draw(luck, Purpose::Regime, place, 0));
    }
    let part = || luck.uniform(Purpose::RegimeStart, place, 1);
    let left = match stays {
        // Memoryless.
        Wait::Exponential { .. } => stays.draw(luck, Purpose::Regime, place, 0),
        Wait::Fixed(stays) => SimDuration::from_hours_f64(stays.hours() * part()),
        // In proportion to its length a log-normal time is log-normal too, its median e^σ² times as
        // long.
        Wait::LogNormal { median_h, sigma } => {
            let longer = Wait::LogNormal { median_h: median_h * exp(sigma * sigma), sigma };
            let whole = longer.draw(luck, Purpose::Regime, place, 0).hours();
            SimDuration::from_hours_f64(whole * part())
        }
    };
    (scarce, left)
}

/// What those who run VMs in a zone meet along its path.
struct Conditions<'a, 'l> {
    zone: &'a Zone,
    hours: Option<&'a HazardByHour>,
    place: u32,
    path: &'a mut Path,
    end: SimTime,
    longest: SimDuration,
    luck: Luck<'l>,
}

impl Conditions<'_, '_> {
    /// Where the zone is scarce at a time: until when.
    fn scarce_until(&mut self, regime: &Regime, time: SimTime) -> Option<SimTime> {
        self.path.extend(regime, self.place, self.luck, time, self.end);
        let interval = self.path.interval(time);
        let never = || SimTime::START + SimDuration::NEVER;
        self.path
            .is_scarce(interval)
            .then(|| self.path.changes.get(interval).copied().unwrap_or_else(never))
    }

    /// The factor of the hazard at a time, and until when it holds at least; `None` for ever.
    fn factor(&mut self, time: SimTime) -> (f64, Option<SimTime>) {
        let (mut factor, mut until) = (1.0, None);
        if let Some(regime) = &self.zone.regime {
            self.path.extend(regime, self.place, self.luck, time, self.end);
            let interval = self.path.interval(time);
            if self.path.is_scarce(interval) {
                factor = regime.hazard_factor;
            }
            until = self.path.changes.get(interval).copied();
        }
        if let Some(hours) = self.hours {
            let (of_hour, ends) = hours.at(time);
            factor *= of_hour;
            until = Some(until.map_or(ends, |until| until.min(ends)));
        }
        (factor, until)
    }

    /// How long VMs started at a time live until their cumulative hazard reaches `hazard`, that of
    /// one VM in a zone that is always normal being the measure.
    fn lifetime(&mut self, started: SimTime, hazard: f64) -> SimDuration {
        let law = &self.zone.lifetime;
        // Where all of it is shared, a VM has no hazard of its own.
        if *law == Lifetime::Never || hazard.is_infinite() {
            return SimDuration::NEVER;
        }
        let dies_at = |before: f64, left: f64, factor: f64| {
            if factor > 0.0 { law.draw(before + left / factor, 1.0) } else { SimDuration::NEVER }
        };
        // The hazard still to be reached, and the law's cumulative hazard where the factor began.
        let (mut left, mut before) = (hazard, 0.0);
        let (mut factor, mut until) = self.factor(started);
        let mut dies = dies_at(before, left, factor);
        while let Some(changes) = until {
            let age = changes - started;
            if dies <= age || changes >= self.end || age >= self.longest {
                return dies;
            }
            let (next, next_until) = self.factor(changes);
            until = next_until;
            // While nothing changes nothing is computed anew.
            if next.to_bits() == factor.to_bits() {
                continue;
            }
            let reached = law.cumulative_hazard(age.hours());
            left -= factor * (reached - before);
            if left.is_nan() || left <= 0.0 {
                return age;
            }
            (before, factor) = (reached, next);
            dies = dies_at(before, left, factor).max(age);
        }
        dies
    }

    /// When a slot's VMs started at a time end that would live for `lifetime`: by then, or at the
    /// first shock that strikes one of them.
    fn first_shock(&mut self, started: SimTime, lifetime: SimDuration, slot: u32) -> SimDuration {
        let Some(shocks) = &self.zone.shocks else { return lifetime };
        if self.path.hits == 0.0 {
            return lifetime;
        }
        self.path.extend_shocks(shocks, self.place, self.luck, started, self.end);
        let mut index = self.path.shocks.partition_point(|shock| *shock <= started);
        loop {
            if index == self.path.shocks.len() {
                let last = self.path.shocks.last().copied().unwrap_or(SimTime::START);
                self.path.extend_shocks(shocks, self.place, self.luck, last, self.end);
                if index == self.path.shocks.len() {
                    return lifetime;
                }
            }
            let age = self.path.shocks[index] - started;
            if age >= lifetime.min(self.longest) || self.path.shocks[index] >= self.end {
                return lifetime;
            }
            // At one instant a slot has one VM, or one gang.
            let address = (self.place << 24) | index as u32;
            if self.luck.uniform(Purpose::ShockHit, slot, address) < self.path.hits {
                return age;
            }
            index += 1;
        }
    }
}
