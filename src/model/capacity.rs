//! Asking for a machine: the wait, the refusal, and how long it lives once it runs.
//!
//! Owns what a request for capacity meets. Leaves to [`super::restart`] what is done after a
//! refusal, and to the engine what is done with a machine that runs.

use libm::exp;

use super::distribution::{Dimension, Family, Parameter, normal_upper_quantile, number, time};
use super::lifetime::{Lifetime, gang_hazard};
use crate::luck::{Luck, Purpose, Shared, Together, table};
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

    /// The waits at many uniform numbers, as [`Self::draw`] makes them; the numbers are used up.
    fn draw_all(&self, uniforms: &mut [f64], waits: &mut Vec<SimDuration>) {
        waits.clear();
        match *self {
            Self::Fixed(wait) => waits.resize(uniforms.len(), wait),
            Self::Exponential { mean_h } => {
                table::minus_ln_all(uniforms);
                uniforms.iter_mut().for_each(|draw| *draw *= mean_h);
                SimDuration::from_hours_all(uniforms, waits);
            }
            Self::LogNormal { median_h, sigma } => {
                waits.extend(uniforms.iter().map(|&uniform| lognormal(median_h, sigma, uniform)));
            }
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
    /// On-demand: never refused, never preempted.
    Standard,
    /// Queued capacity: waits, then is never preempted.
    FlexStart,
}

/// What the world does to those who ask for machines.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    /// Wait for standard capacity.
    pub standard_wait: Wait,
    /// Wait for flex-start capacity; `None` where nobody said.
    pub flex_wait: Option<Wait>,
    /// The longest flex-start waits; `None` for ever.
    pub max_wait: Option<SimDuration>,
}

/// What became of one request for capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// From asking until the VMs start, or until the refusal.
    pub wait: SimDuration,
    /// Refused: nothing starts.
    pub refused: bool,
}

/// What the market answers to requests of many replications for Spot VMs.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// From asking until the VMs start, or until the refusal.
    pub waits: Vec<SimDuration>,
    /// Whether nothing starts; empty where nobody is ever refused.
    pub refused: Vec<bool>,
    /// From the start to the preemption, of those that are not refused.
    pub lifetimes: Vec<SimDuration>,
    draws: Vec<f64>,
}

impl Market {
    /// What the replications at `places` meet that ask for Spot VMs: [`Self::ask`] and
    /// [`Self::lifetime`] for all of them at once, in slot 0.
    pub fn ask_all(
        &self,
        (shared, luck): (&Shared, &Together),
        places: &[u8],
        relief: f64,
        attempt: u32,
        answers: &mut Answers,
    ) {
        let Answers { waits, refused, lifetimes, draws } = answers;
        let draw = |purpose, draws: &mut Vec<f64>| {
            luck.uniforms(shared, (purpose, attempt), places, draws);
        };
        if self.wait.is_fixed() {
            draws.clear();
            draws.resize(places.len(), 0.0);
        } else {
            draw(Purpose::Wait, draws);
        }
        self.wait.draw_all(draws, waits);
        refused.clear();
        if self.no_capacity_probability > Share::ZERO {
            draw(Purpose::Refusal, draws);
            let chance = self.no_capacity_probability.fraction();
            refused.extend(draws.iter().map(|&uniform| uniform < chance));
        }
        draw(Purpose::Lifetime, draws);
        table::minus_ln_all(draws);
        self.lifetime.draw_all(draws, relief, lifetimes);
    }

    /// What a request meets at an address of luck.
    #[inline]
    #[must_use]
    pub fn ask(&self, luck: Luck<'_>, capacity: Capacity, slot: u32, attempt: u32) -> Answer {
        match capacity {
            Capacity::Spot => Answer {
                wait: self.wait.draw(luck, Purpose::Wait, slot, attempt),
                refused: self.no_capacity_probability > Share::ZERO
                    && luck.uniform(Purpose::Refusal, slot, attempt)
                        < self.no_capacity_probability.fraction(),
            },
            Capacity::Standard => Answer {
                wait: self.standard_wait.draw(luck, Purpose::StandardWait, slot, attempt),
                refused: false,
            },
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
                self.lifetime == Lifetime::Never
                    && self.wait.is_fixed()
                    && self.no_capacity_probability == Share::ZERO
            }
            Capacity::Standard => self.standard_wait.is_fixed(),
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

    #[test]
    fn flex_start_gives_up_at_its_longest_wait() {
        let market = Market {
            lifetime: Lifetime::Never,
            wait: Wait::NONE,
            no_capacity_probability: Share::ZERO,
            shared_hazard: Share::ONE,
            notice: SimDuration::ZERO,
            standard_wait: Wait::NONE,
            flex_wait: Some(Wait::Fixed(SimDuration::from_hours(30))),
            max_wait: Some(SimDuration::from_hours(24)),
        };
        let answer = market.ask(Luck::new(1, 0), Capacity::FlexStart, 0, 0);
        assert_eq!(answer, Answer { wait: SimDuration::from_hours(24), refused: true });
        let patient = Market { max_wait: None, ..market };
        assert!(!patient.ask(Luck::new(1, 0), Capacity::FlexStart, 0, 0).refused);
    }
}
