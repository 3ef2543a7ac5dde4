//! Asking for a machine: the wait, the refusal, and how long it lives once it runs.
//!
//! Owns what a request for capacity meets. Leaves to [`super::restart`] what is done after a
//! refusal, and to the engine what is done with a machine that runs.

use libm::{exp, expm1};

use super::distribution::{
    Dimension, Family, Parameter, normal_survival, normal_upper_quantile, number, time,
};
use super::lifetime::{Lifetime, gang_hazard};
use super::zone::Zones;
use crate::luck::{Luck, Purpose, Shared, Together, ln, table};
use crate::units::{Share, SimDuration};

/// A distribution of the time from asking for a VM until it starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Wait {
    /// Always the same.
    Fixed(SimDuration),
    /// Memoryless.
    Exponential {
        /// Mean wait \[h\].
        mean_h: f64,
    },
    /// ln(wait) is normal with mean ln(median).
    LogNormal {
        /// Median wait \[h\].
        median_h: f64,
        /// Standard deviation of ln(wait).
        sigma: f64,
    },
}

/// The families of waits a scenario may name.
pub static FAMILIES: &[Family<Wait>] = &[
    Family {
        name: "fixed",
        about: "always the same wait",
        parameters: &[Parameter {
            name: "value",
            dimension: Dimension::Time,
            about: "the wait",
            range: (0.0, super::distribution::LONGEST_H),
        }],
        build: |p| Wait::Fixed(SimDuration::from_hours_nearest(p[0])),
    },
    Family {
        name: "exponential",
        about: "memoryless: having waited tells nothing",
        parameters: &[time("mean", "mean wait")],
        build: |p| Wait::Exponential { mean_h: p[0] },
    },
    Family {
        name: "lognormal",
        about: "the logarithm of the wait is normal: mostly short, sometimes very long",
        parameters: &[
            time("median", "half of the waits are shorter"),
            number("sigma", "standard deviation of the logarithm", 0.001, 20.0),
        ],
        build: |p| Wait::LogNormal { median_h: p[0], sigma: p[1] },
    },
];

impl Wait {
    /// No wait at all.
    pub const NONE: Self = Self::Fixed(SimDuration::ZERO);

    /// Whether every draw is the same.
    #[must_use]
    pub const fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// P(wait ≤ `t`), t in hours.
    #[must_use]
    pub fn at_most(&self, t: f64) -> f64 {
        match *self {
            Self::Fixed(fixed) => f64::from(u8::from(fixed.hours() <= t)),
            _ if t <= 0.0 => 0.0,
            Self::Exponential { mean_h } => -expm1(-t / mean_h),
            Self::LogNormal { median_h, sigma } => normal_survival(-ln(t / median_h) / sigma),
        }
    }

    /// The mean \[h\].
    #[must_use]
    pub fn mean_h(&self) -> f64 {
        match *self {
            Self::Fixed(fixed) => fixed.hours(),
            Self::Exponential { mean_h } => mean_h,
            Self::LogNormal { median_h, sigma } => median_h * exp(0.5 * sigma * sigma),
        }
    }

    /// The time \[h\] that a wait exceeds with probability `beyond`; infinite where no time is.
    #[must_use]
    pub fn exceeded_with(&self, beyond: f64) -> f64 {
        match *self {
            Self::Fixed(fixed) => fixed.hours(),
            Self::Exponential { mean_h } => -mean_h * ln(beyond),
            Self::LogNormal { median_h, sigma } => {
                median_h * exp(sigma * normal_upper_quantile(beyond))
            }
        }
    }

    /// The wait at an address of luck; rounded down to the microsecond.
    #[inline]
    #[must_use]
    pub fn draw(&self, luck: Luck<'_>, purpose: Purpose, slot: u32, attempt: u32) -> SimDuration {
        match *self {
            Self::Fixed(wait) => wait,
            Self::Exponential { mean_h } => {
                SimDuration::from_hours_f64(mean_h * luck.unit_exponential(purpose, slot, attempt))
            }
            Self::LogNormal { median_h, sigma } => {
                lognormal(median_h, sigma, luck.uniform(purpose, slot, attempt))
            }
        }
    }

    /// The waits \[µs\] at the first `count` uniform numbers of whole blocks, in their place, as
    /// [`Self::draw`] makes them.
    fn draw_all(&self, uniforms: &mut [f64], count: usize) {
        match *self {
            Self::Fixed(wait) => uniforms.fill(wait.micros() as f64),
            Self::Exponential { mean_h } => {
                table::minus_ln_all(uniforms);
                SimDuration::multiples(mean_h, (1.0, SimDuration::ZERO), uniforms);
            }
            Self::LogNormal { median_h, sigma } => uniforms[..count].iter_mut().for_each(|draw| {
                *draw = lognormal(median_h, sigma, *draw).micros() as f64;
            }),
        }
    }
}

/// The wait whose logarithm is normal, at a uniform number.
fn lognormal(median_h: f64, sigma: f64, uniform: f64) -> SimDuration {
    SimDuration::from_hours_f64(median_h * exp(sigma * normal_upper_quantile(uniform)))
}

/// Where a machine comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capacity {
    /// Can be refused and preempted.
    Spot,
    /// On-demand: can be refused where it is scarce, never preempted.
    Standard,
    /// Queued capacity: waits, then is never preempted.
    FlexStart,
}

/// Standard capacity: how long one waits for it, and the chance that there is none.
///
/// Spot and standard VMs come from the same machines, so that what one lacks the other may lack
/// too. `tied_to_spot` τ is how far one draw decides both at one moment: with τ = 1 the smaller of
/// the two chances to be refused lies inside the larger, with τ = 0 they are independent. Whatever
/// τ is, a request at any moment is refused with `no_capacity_probability` r; right after a refused
/// Spot request (chance p) it is
///
/// ```text
/// P(standard refused | Spot refused) = (1 − τ)·r + τ·min(1, r ÷ p)
/// ```
///
/// Only the first standard request after a refusal is tied: later ones, and those after a
/// preemption or a wait that was given up, are requests at another moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StandardMarket {
    /// Time from asking until the VMs start, or until the refusal.
    pub wait: Wait,
    /// Chance that a request is refused after its wait.
    pub no_capacity_probability: Share,
    /// The same for a request right after a Spot request was refused.
    pub after_spot_refusal: Share,
}

impl StandardMarket {
    /// Capacity that is always there after a wait.
    #[must_use]
    pub const fn abundant(wait: Wait) -> Self {
        Self { wait, no_capacity_probability: Share::ZERO, after_spot_refusal: Share::ZERO }
    }

    /// Capacity that is refused with a chance, tied to the refusals of Spot requests, whose chance
    /// is `spot_refused`.
    #[must_use]
    pub fn scarce(wait: Wait, refused: Share, tied_to_spot: Share, spot_refused: Share) -> Self {
        let (r, p, tied) = (refused.fraction(), spot_refused.fraction(), tied_to_spot.fraction());
        let with_spot = if r < p { r / p } else { 1.0 };
        let after_spot_refusal = if refused == Share::ZERO || tied_to_spot == Share::ZERO {
            refused
        } else {
            Share::from_fraction((1.0 - tied) * r + tied * with_spot)
        };
        Self { wait, no_capacity_probability: refused, after_spot_refusal }
    }

    /// Whether a request can be refused.
    #[must_use]
    pub fn is_scarce(&self) -> bool {
        self.no_capacity_probability > Share::ZERO
    }

    /// Whether what Spot requests met says something about it.
    #[must_use]
    pub fn is_tied(&self) -> bool {
        self.after_spot_refusal != self.no_capacity_probability
    }

    /// The chance that a request is refused.
    #[inline]
    #[must_use]
    pub const fn refused(&self, spot_refused: bool) -> Share {
        if spot_refused { self.after_spot_refusal } else { self.no_capacity_probability }
    }

    /// The time by which VMs have started with a probability, all refusals and the gaps of
    /// `retry_after` after them included; the first request may follow a Spot refusal. `None` where
    /// no time is long enough.
    ///
    /// A sum of waits has no closed form: it is found on a lattice of 2,048 steps, every wait
    /// rounded up, so that the time is never too short, and too long by less than a step per
    /// request. With a fixed wait, or where nothing is refused, it is exact.
    #[must_use]
    pub fn started_by(&self, probability: Share, retry_after: SimDuration) -> Option<SimDuration> {
        let (first, later) =
            (self.after_spot_refusal.fraction(), self.no_capacity_probability.fraction());
        let beyond = 1.0 - probability.fraction();
        if first > 0.0 && probability == Share::ONE {
            return None;
        }
        if let Wait::Fixed(wait) = self.wait {
            let mut refused = first;
            for request in 1..=i64::from(super::restart::MOST_ATTEMPTS) {
                // 0.3 · 0.3 and 1 − 0.91 differ by rounding.
                if refused <= beyond * (1.0 + 1e-12) {
                    return Some(wait.times(request) + retry_after.times(request - 1));
                }
                refused *= later;
            }
            return None;
        }
        let hours = if first == 0.0 {
            self.wait.exceeded_with(beyond)
        } else {
            self.started_by_on_lattice(first, later, beyond, retry_after.hours())?
        };
        let longest = super::distribution::LONGEST_H;
        (hours <= longest).then(|| SimDuration::from_hours_f64(hours) + SimDuration::from_micros(1))
    }

    /// As [`Self::started_by`], in hours.
    fn started_by_on_lattice(
        &self,
        first: f64,
        later: f64,
        beyond: f64,
        retry_h: f64,
    ) -> Option<f64> {
        const POINTS: usize = 2_048;
        let mut end = 2.0 * (self.wait.exceeded_with(0.5 * beyond) + retry_h);
        for _ in 0..100 {
            if !(end > 0.0 && end.is_finite()) || later >= 1.0 {
                return None;
            }
            let step = end / POINTS as f64;
            let at_most = |point: usize| self.wait.at_most(point as f64 * step);
            let waits: Vec<f64> = (0..POINTS)
                .map(|point| if point == 0 { 0.0 } else { at_most(point) - at_most(point - 1) })
                .collect();
            let gap = (retry_h / step).ceil() as usize;
            // After a refusal: the law of the time from then on, gap and all.
            let mut from_later = vec![0.0; POINTS];
            let (mut started, mut found) = (0.0, None);
            for point in 0..POINTS {
                let again: f64 = (1..=point.saturating_sub(gap))
                    .map(|wait| waits[wait] * from_later[point - gap - wait])
                    .sum();
                from_later[point] = (1.0 - later) * waits[point] + later * again;
                started += (1.0 - first) * waits[point] + first * again;
                if found.is_none() && 1.0 - started <= beyond {
                    found = Some(point);
                }
            }
            match found {
                None => end *= 4.0,
                Some(point) if point < POINTS / 2 => end = 1.5 * (point + 1) as f64 * step,
                Some(point) => return Some(point as f64 * step),
            }
        }
        None
    }
}

/// What the world does to those who ask for machines.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    /// Time to preemption of one Spot VM.
    pub lifetime: Lifetime,
    /// Wait for Spot capacity.
    pub wait: Wait,
    /// Chance that a Spot request is refused after its wait.
    pub no_capacity_probability: Share,
    /// Share of the hazard that strikes a whole gang at once.
    pub shared_hazard: Share,
    /// Warning before a preemption.
    pub notice: SimDuration,
    /// Standard capacity.
    pub standard: StandardMarket,
    /// Wait for flex-start capacity; `None` where nobody said.
    pub flex_wait: Option<Wait>,
    /// The longest flex-start waits; `None` for ever.
    pub max_wait: Option<SimDuration>,
    /// The zones of a market with memory; `None` where requests and lifetimes are independent.
    pub zones: Option<Box<Zones>>,
}

/// What became of one request for capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// From asking until the VMs start, or until the refusal.
    pub wait: SimDuration,
    /// Refused: nothing starts.
    pub refused: bool,
}

/// What the market answers to requests of many replications for Spot VMs, as columns.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// From asking until the VMs start, or until the refusal \[µs\].
    pub waits: Vec<f64>,
    /// From the start to the preemption \[µs\]; 0 of those that are refused.
    pub lifetimes: Vec<f64>,
    refusals: Vec<f64>,
}

impl Market {
    /// Gives Spot VMs another lifetime, in every zone that has none of its own.
    pub fn set_lifetime(&mut self, lifetime: Lifetime) {
        let before = std::mem::replace(&mut self.lifetime, lifetime);
        if let Some(zones) = &mut self.zones {
            let mut each = zones.zones.clone();
            for zone in each.iter_mut().filter(|zone| zone.lifetime == before) {
                zone.lifetime = lifetime;
            }
            // Which zone is the cheapest may have changed.
            **zones = Zones::new(each, zones.placement, zones.hours.clone());
        }
    }

    /// What the replications at `places` meet that ask for Spot VMs: [`Self::ask`] and
    /// [`Self::lifetime`] for all of them at once, in slot 0. `count` of them ask; the places, and
    /// the answers, are filled up to whole blocks.
    pub fn ask_all(
        &self,
        (shared, luck): (&Shared, &Together),
        (places, count): (&[u8], usize),
        relief: f64,
        attempt: u32,
        answers: &mut Answers,
    ) {
        let Answers { waits, lifetimes, refusals } = answers;
        if self.wait.is_fixed() {
            waits.resize(places.len(), 0.0);
        } else {
            luck.uniforms(shared, (Purpose::Wait, attempt), places, waits);
        }
        self.wait.draw_all(waits, count);
        luck.uniforms(shared, (Purpose::Lifetime, attempt), places, lifetimes);
        table::minus_ln_all(lifetimes);
        self.lifetime.draw_all(lifetimes, count, relief);
        if self.no_capacity_probability > Share::ZERO {
            luck.uniforms(shared, (Purpose::Refusal, attempt), places, refusals);
            let chance = self.no_capacity_probability.fraction();
            for (lifetime, &refusal) in lifetimes.iter_mut().zip(&*refusals) {
                *lifetime = if refusal < chance { 0.0 } else { *lifetime };
            }
        }
    }

    /// What a request meets at an address of luck. `spot_refused` says whether the request before
    /// it was a Spot one and refused.
    #[inline]
    #[must_use]
    pub fn ask(
        &self,
        luck: Luck<'_>,
        capacity: Capacity,
        slot: u32,
        attempt: u32,
        spot_refused: bool,
    ) -> Answer {
        match capacity {
            Capacity::Spot => Answer {
                wait: self.wait.draw(luck, Purpose::Wait, slot, attempt),
                refused: self.no_capacity_probability > Share::ZERO
                    && luck.uniform(Purpose::Refusal, slot, attempt)
                        < self.no_capacity_probability.fraction(),
            },
            Capacity::Standard => {
                let refused = self.standard.refused(spot_refused);
                Answer {
                    wait: self.standard.wait.draw(luck, Purpose::StandardWait, slot, attempt),
                    refused: refused > Share::ZERO
                        && luck.uniform(Purpose::StandardRefusal, slot, attempt)
                            < refused.fraction(),
                }
            }
            Capacity::FlexStart => {
                let wait = self.flex_wait.unwrap_or(Wait::NONE).draw(
                    luck,
                    Purpose::FlexWait,
                    slot,
                    attempt,
                );
                match self.max_wait {
                    Some(most) if wait > most => Answer { wait: most, refused: true },
                    _ => Answer { wait, refused: false },
                }
            }
        }
    }

    /// How long the gang started at an address of luck lives. `relief` is from [`Self::relief`].
    #[inline]
    #[must_use]
    pub fn lifetime(
        &self,
        luck: Luck<'_>,
        capacity: Capacity,
        relief: f64,
        slot: u32,
        attempt: u32,
    ) -> SimDuration {
        match capacity {
            Capacity::Spot => {
                self.lifetime.draw(luck.unit_exponential(Purpose::Lifetime, slot, attempt), relief)
            }
            Capacity::Standard | Capacity::FlexStart => SimDuration::NEVER,
        }
    }

    /// The hazard of a gang of `nodes` in units of one VM's.
    #[must_use]
    pub fn gang(&self, nodes: u32) -> f64 {
        gang_hazard(nodes, self.shared_hazard)
    }

    /// One VM's hazard in units of that of a gang of `nodes`.
    #[must_use]
    pub fn relief(&self, nodes: u32) -> f64 {
        1.0 / self.gang(nodes)
    }

    /// Whether a request for this capacity always meets the same: no luck is involved.
    #[must_use]
    pub fn is_certain(&self, capacity: Capacity) -> bool {
        match capacity {
            Capacity::Spot => {
                self.zones.is_none()
                    && self.lifetime == Lifetime::Never
                    && self.wait.is_fixed()
                    && self.no_capacity_probability == Share::ZERO
            }
            Capacity::Standard => self.standard.wait.is_fixed() && !self.standard.is_scarce(),
            Capacity::FlexStart => self.flex_wait.is_none_or(|wait| wait.is_fixed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seed 1, n = 100,000; sd of the mean is mean/√n for the exponential; level 4 sd (6e-5).
    /// The log-normal is compared at its quartiles: share below ± 4·√(0.25·0.75/n).
    #[test]
    fn waits_have_their_mean_and_their_quartiles() {
        let n = 100_000;
        let exponential = Wait::Exponential { mean_h: 0.5 };
        let lognormal = Wait::LogNormal { median_h: 2.0, sigma: 1.0 };
        // The quartiles of a log-normal: median · e^(±0.6744897501960817 σ).
        let (low, high) = (2.0 * 0.509_416_283_863_277_5, 2.0 / 0.509_416_283_863_277_5);
        let (mut sum, mut below_low, mut below_high) = (0.0, 0, 0);
        for replication in 0..n {
            let luck = Luck::new(1, replication);
            sum += exponential.draw(luck, Purpose::Wait, 0, 0).hours();
            let wait = lognormal.draw(luck, Purpose::Wait, 0, 1).hours();
            below_low += u64::from(wait < low);
            below_high += u64::from(wait < high);
        }
        let n = n as f64;
        assert!((sum / n - 0.5).abs() < 4.0 * 0.5 / n.sqrt());
        let tolerance = 4.0 * (0.25 * 0.75 / n).sqrt();
        assert!((below_low as f64 / n - 0.25).abs() < tolerance);
        assert!((below_high as f64 / n - 0.75).abs() < tolerance);
    }

    /// r = 20 %, p = 50 %: tied to 60 %, a standard request right after a refused Spot one is refused
    /// with 0.4·0.2 + 0.6·(0.2 ÷ 0.5) = 32 %; where it is refused more often than Spot, r = 50 % and
    /// p = 20 %, with 0.4·0.5 + 0.6 = 80 %.
    #[test]
    fn a_tie_says_how_often_both_are_refused() {
        let tied = |r, p, tie| {
            let market = StandardMarket::scarce(
                Wait::NONE,
                Share::percent(r),
                Share::percent(tie),
                Share::percent(p),
            );
            assert_eq!(market.refused(false), Share::percent(r));
            market.refused(true)
        };
        assert_eq!(tied(20, 50, 60), Share::percent(32));
        assert_eq!(tied(50, 20, 60), Share::percent(80));
        assert_eq!(tied(20, 50, 0), Share::percent(20));
        assert_eq!(tied(20, 20, 100), Share::ONE);
        assert_eq!(tied(0, 20, 100), Share::ZERO);
        // Never refused Spot requests are followed by nothing.
        assert_eq!(tied(20, 0, 0), Share::percent(20));
    }

    /// Fixed: 30 % refused, 10 min each and 5 min between: by 10, 25, 40 min have started 70, 91,
    /// 97.3 %. One exponential wait: −m·ln(1 − p). Several: the refusals of exponential waits without
    /// gaps thin a Poisson process, so that the sum is exponential with mean m ÷ (1 − r).
    #[test]
    fn the_time_by_which_vms_have_started_is_never_too_short() {
        let min = |minutes: i64| SimDuration::from_secs(60 * minutes);
        let of =
            |wait, r| StandardMarket::scarce(wait, Share::percent(r), Share::ZERO, Share::ZERO);
        let fixed = of(Wait::Fixed(min(10)), 30);
        for (p, expected) in [(70, 10), (71, 25), (91, 25), (97, 40)] {
            assert_eq!(fixed.started_by(Share::percent(p), min(5)), Some(min(expected)));
        }
        assert_eq!(fixed.started_by(Share::ONE, min(5)), None);
        let certain = StandardMarket::abundant(Wait::Fixed(min(10)));
        assert_eq!(certain.started_by(Share::ONE, min(5)), Some(min(10)));
        let hours = |market: &StandardMarket, p, gap| {
            market.started_by(Share::percent(p), gap).unwrap().hours()
        };
        let exponential = Wait::Exponential { mean_h: 0.5 };
        let once = hours(&of(exponential, 0), 99, min(5));
        assert!((once + 0.5 * ln(0.01)).abs() < 1e-8);
        for (r, p) in [(30, 50), (30, 99), (90, 99)] {
            let found = hours(&of(exponential, r), p, SimDuration::ZERO);
            let exact = -0.5 / (1.0 - r as f64 / 100.0) * ln(1.0 - p as f64 / 100.0);
            assert!(found >= exact && found < 1.02 * exact, "{r} {p}: {found} {exact}");
        }
        let lognormal = Wait::LogNormal { median_h: 1.0, sigma: 2.0 };
        assert!(hours(&of(lognormal, 50), 99, min(5)) > hours(&of(lognormal, 0), 99, min(5)));
        assert_eq!(of(exponential, 100).started_by(Share::percent(50), min(5)), None);
        assert_eq!(of(exponential, 20).started_by(Share::ONE, min(5)), None);
    }

    #[test]
    fn flex_start_gives_up_at_its_longest_wait() {
        let market = Market {
            lifetime: Lifetime::Never,
            wait: Wait::NONE,
            no_capacity_probability: Share::ZERO,
            shared_hazard: Share::ONE,
            notice: SimDuration::ZERO,
            standard: StandardMarket::abundant(Wait::NONE),
            flex_wait: Some(Wait::Fixed(SimDuration::from_hours(30))),
            max_wait: Some(SimDuration::from_hours(24)),
            zones: None,
        };
        let answer = market.ask(Luck::new(1, 0), Capacity::FlexStart, 0, 0, false);
        assert_eq!(answer, Answer { wait: SimDuration::from_hours(24), refused: true });
        let patient = Market { max_wait: None, ..market };
        assert!(!patient.ask(Luck::new(1, 0), Capacity::FlexStart, 0, 0, false).refused);
    }
}
