//! How many replicas an autoscaler asks for: the documented rule, and its window.
//!
//! Owns the rule. Leaves to the engine when it is applied and what becomes of the replicas.
//!
//! Source: Scale inference nodes by using autoscaling (Google Cloud, 2026): every 15 seconds, over
//! the last 5 minutes, the target is ⌈current replicas × current utilisation ÷ target utilisation⌉,
//! and the largest target of the window is taken.

use std::collections::VecDeque;

use crate::units::{RequestRate, Share, SimDuration, SimTime};

/// Time between two looks at the utilisation.
pub const EVERY: SimDuration = SimDuration::from_secs(15);
/// Looks in the window: 5 minutes of them, the present one included.
pub const WINDOW: u64 = 20;

/// How a deployed model is scaled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autoscaling {
    /// Utilisation that is aimed at, above 0.
    pub target: Share,
    /// Which replicas "current replicas" are.
    pub counts: Counted,
    /// How it goes down to no replica; `None` where it never does.
    pub to_zero: Option<ToZero>,
}

/// Which replicas the rule multiplies with the utilisation.
///
/// The utilisation is that of serving replicas. Where replicas take minutes to start, counting all
/// those asked for makes the target grow at every look until they serve; counting those that serve
/// does not. Google's page says "current number of replicas" and no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// All that are asked for.
    Requested,
    /// Those that serve; while none does, all that are asked for.
    Serving,
}

impl Counted {
    /// The names in scenarios.
    pub const NAMES: [&'static str; 2] = ["requested", "serving"];
}

/// Scaling down to no replica at all.
///
/// Source: `DedicatedResources.ScaleToZeroSpec` in google/cloud/aiplatform/v1beta1 (2026-08-22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToZero {
    /// How long no request must have come.
    pub idle: SimDuration,
    /// How long replicas stay at least, once they were asked for.
    pub up_for: SimDuration,
}

/// Traffic on the replicas of one deployed model, in 10⁻⁸ of a request per second: a percentage of a
/// rate is a whole number of these.
pub type Traffic = u64;

/// A percentage of a rate.
#[inline]
#[must_use]
pub const fn traffic(rate: RequestRate, percent: u32) -> Traffic {
    rate.millionths() as u64 * percent as u64
}

/// What the rule says of one look.
///
/// utilisation = min(1, load ÷ (serving × capacity of one)), and 1 where none serves and there is load.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Capacity of one replica.
    capacity: Traffic,
    /// The target utilisation as a fraction in lowest terms.
    target: (u64, u64),
    counts: Counted,
}

impl Rule {
    /// The rule of a model whose replicas serve `capacity` each.
    #[must_use]
    pub fn new(scaling: &Autoscaling, capacity: RequestRate) -> Self {
        let (parts, whole) = (scaling.target.parts().max(1) as u64, Share::ONE.parts() as u64);
        let shared = greatest_common_divisor(parts, whole);
        Self {
            capacity: traffic(capacity, 100).max(1),
            target: (parts / shared, whole / shared),
            counts: scaling.counts,
        }
    }

    /// ⌈replicas × utilisation ÷ target⌉, exactly.
    #[inline]
    #[must_use]
    pub fn target(&self, requested: u32, serving: u32, load: Traffic) -> u32 {
        if load == 0 {
            return 0;
        }
        let (numerator, denominator) = self.target;
        let all = u128::from(serving) * u128::from(self.capacity);
        let replicas = match self.counts {
            Counted::Serving if serving > 0 => serving,
            _ => requested,
        };
        let found = if serving == 0 || u128::from(load) >= all {
            ceiling(u128::from(replicas) * u128::from(denominator), u128::from(numerator))
        } else if replicas == serving {
            // The number of replicas cancels.
            let of_one = u128::from(self.capacity) * u128::from(numerator);
            ceiling(u128::from(load) * u128::from(denominator), of_one)
        } else {
            let above = u128::from(replicas) * u128::from(load) * u128::from(denominator);
            ceiling(above, all * u128::from(numerator))
        };
        u32::try_from(found).unwrap_or(u32::MAX)
    }
}

/// ⌈above ÷ below⌉; much faster where both fit 64 bits.
#[inline]
fn ceiling(above: u128, below: u128) -> u128 {
    match (u64::try_from(above), u64::try_from(below)) {
        (Ok(above), Ok(below)) => above.div_ceil(below).into(),
        _ => above.div_ceil(below),
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// The largest target of the window, without keeping every look: a target holds until the next
/// look at which something has changed.
#[derive(Clone, Debug, Default)]
pub struct Window {
    /// Targets, each larger than the one after it, and the last look that saw it. The last one
    /// still holds.
    targets: VecDeque<(u32, u64)>,
}

impl Window {
    /// Forgets everything.
    pub fn clear(&mut self) {
        self.targets.clear();
    }

    /// The largest target of the window that ends with the look `look`, which sees `target`; all looks
    /// between the last one told of and this one saw what that one saw.
    #[inline]
    pub fn see(&mut self, look: u64, target: u32) -> u32 {
        if let Some(held) = self.targets.back_mut() {
            held.1 = look - 1;
        }
        while self.targets.back().is_some_and(|(smaller, _)| *smaller <= target) {
            self.targets.pop_back();
        }
        self.targets.push_back((target, look));
        while let Some(&(largest, last)) = self.targets.front() {
            if last + WINDOW > look {
                return largest;
            }
            self.targets.pop_front();
        }
        target
    }

    /// The target that was seen last, and holds; `None` before the first look.
    #[inline]
    #[must_use]
    pub fn held(&self) -> Option<u32> {
        self.targets.back().map(|(target, _)| *target)
    }

    /// The look at which the largest target leaves the window, where it no longer holds.
    #[inline]
    #[must_use]
    pub fn falls_at(&self) -> Option<u64> {
        let &(_, last) = self.targets.front().filter(|_| self.targets.len() > 1)?;
        Some(last + WINDOW)
    }
}

/// The first look at `time` or later; a look sees all that happens at its moment.
#[inline]
#[must_use]
pub const fn look_at(time: SimTime) -> u64 {
    (time.since_start().micros() as u64).div_ceil(EVERY.micros() as u64)
}

/// When a look is.
#[inline]
#[must_use]
pub fn time_of(look: u64) -> SimDuration {
    let looks = i64::try_from(look).unwrap_or(i64::MAX);
    SimDuration::from_micros(looks.saturating_mul(EVERY.micros())).min(SimDuration::NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIXTY: Autoscaling =
        Autoscaling { target: Share::percent(60), counts: Counted::Requested, to_zero: None };

    fn load(per_second: i64) -> Traffic {
        traffic(RequestRate::from_millionths(per_second * 1_000_000), 100)
    }

    /// The vectors of the page: 2 replicas at 100 % with a target of 60 % call for ⌈3.33⌉ = 4, and 10
    /// at 1 % for 1.
    #[test]
    fn the_documented_examples_hold() {
        let rule = Rule::new(&SIXTY, RequestRate::from_millionths(100_000_000));
        assert_eq!(rule.target(2, 2, load(200)), 4);
        assert_eq!(rule.target(10, 10, load(10)), 1);
        // Above capacity the utilisation is 100 %.
        assert_eq!(rule.target(2, 2, load(2_000)), 4);
        // Exactly 60 % is no reason to scale, a millionth more is.
        assert_eq!(rule.target(5, 5, load(300)), 5);
        assert_eq!(rule.target(5, 5, load(300) + 1), 6);
        assert_eq!(rule.target(5, 5, 0), 0);
        // None serves: 100 %.
        assert_eq!(rule.target(3, 0, load(1)), 5);
    }

    /// 3 of 6 replicas serve at 80 %: all asked for call for ⌈6 · 0.8 ÷ 0.6⌉ = 8, those that serve for
    /// ⌈3 · 0.8 ÷ 0.6⌉ = 4.
    #[test]
    fn either_all_replicas_count_or_those_that_serve() {
        let of = |counts| {
            let scaling = Autoscaling { counts, ..SIXTY };
            Rule::new(&scaling, RequestRate::from_millionths(100_000_000))
        };
        assert_eq!(of(Counted::Requested).target(6, 3, load(240)), 8);
        assert_eq!(of(Counted::Serving).target(6, 3, load(240)), 4);
        assert_eq!(of(Counted::Serving).target(6, 0, load(240)), 10);
    }

    /// Against a window that keeps all twenty looks, over targets that stay the same for a while.
    #[test]
    fn a_window_of_changes_is_the_window_of_all_looks() {
        let luck = crate::luck::Luck::new(3, 0);
        let mut random = 0_u32;
        let mut draw = |below: u64| {
            random += 1;
            luck.bits(crate::luck::Purpose::Wait, 0, random) % below
        };
        for _ in 0..50 {
            let mut window = Window::default();
            let mut all: Vec<u32> = Vec::new();
            let mut look = 0;
            while look < 400 {
                let target = draw(12) as u32;
                let is_long = draw(3) == 0;
                let holds = 1 + draw(if is_long { 40 } else { 4 });
                let falls = window.falls_at();
                let (mut told, mut seen) = (false, 0);
                for _ in 0..holds {
                    look += 1;
                    all.push(target);
                    let largest = *all[all.len().saturating_sub(20)..].iter().max().unwrap();
                    if !told || window.falls_at() == Some(look) {
                        seen = window.see(look, target);
                        told = true;
                    }
                    assert_eq!(seen, largest, "look {look}, falls {falls:?}");
                }
            }
        }
    }
}
