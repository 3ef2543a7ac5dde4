//! A sequential test of a rate: watch until enough events, or few enough, have been seen.
//!
//! Events of a Poisson process are watched from time 0. After time t with n events the logarithm of
//! the likelihood ratio of a high rate h to a low one l is n·ln(h ÷ l) − (h − l)·t, so Wald's test
//! stops at two parallel lines in the plane of t and n: at n ≥ a + s·t for the high rate, at
//! n ≤ s·t − b for the low one, with s = (h − l) ÷ ln(h ÷ l). Source: A. Wald, Sequential Analysis
//! (1947); A. Dvoretzky, J. Kiefer, J. Wolfowitz, Ann. Math. Statist. 24 (1953), 254–264.
//!
//! Here the test also ends at a greatest number of events, so that its length is bounded, and a and b
//! are not Wald's approximations: they are chosen so that both error rates, computed exactly, are
//! those asked for. What happens between two points where a line is crossed at a whole number is a
//! pure birth process, whose probabilities are Poisson's: chances, mean lengths and mean counts are
//! finite sums, without any discretisation.

use libm::{exp, log};

/// The two rates to be told apart and the errors that are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// The high rate, events per unit of time.
    pub high: f64,
    /// The low rate, above 0.
    pub low: f64,
    /// The chance to decide for the low rate where the rate is the high one.
    pub alpha: f64,
    /// The chance to decide for the high rate where the rate is the low one.
    pub beta: f64,
}

/// A test: where it stops.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    /// What it tells apart.
    pub asked: Asked,
    /// Events per unit of time along both lines.
    pub slope: f64,
    /// How many events ahead of the slope decide for the high rate.
    pub ahead: f64,
    /// How many events behind the slope decide for the low rate.
    pub behind: f64,
    /// So many events decide for the high rate at any time.
    pub most: u32,
}

/// What becomes of a test under one rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Course {
    /// The chance to decide for the low rate.
    pub says_low: f64,
    /// The chance to decide for the high rate.
    pub says_high: f64,
    /// Mean time watched from the start.
    pub time: f64,
}

/// Where a test stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stand {
    /// It goes on.
    Open,
    /// It has decided for the high rate.
    High,
    /// It has decided for the low rate.
    Low,
}

impl Test {
    /// The `events`-th event decides for the high rate if it comes by then; `None` where it never
    /// does alone, infinite where it always does.
    #[must_use]
    pub fn high_by(&self, events: u32) -> Option<f64> {
        if events >= self.most {
            return Some(f64::INFINITY);
        }
        let by = (f64::from(events) - self.ahead) / self.slope;
        (by > 0.0).then_some(by)
    }

    /// No more than `events` events by then decide for the low rate.
    #[must_use]
    pub fn low_at(&self, events: u32) -> f64 {
        (f64::from(events) + self.behind) / self.slope
    }

    /// The longest that it takes.
    #[must_use]
    pub fn longest(&self) -> f64 {
        self.low_at(self.most.saturating_sub(1))
    }

    /// Where it stands when so many events have been seen after so much time, and nobody looked
    /// before. The lines decide, not the greatest number: that one only bounds what is still to come.
    #[must_use]
    pub fn stand(&self, time: f64, events: u64) -> Stand {
        let line = self.slope * time;
        if events as f64 >= line + self.ahead {
            Stand::High
        } else if events as f64 <= line - self.behind {
            Stand::Low
        } else {
            Stand::Open
        }
    }

    /// What becomes of it under a rate, watched from the beginning.
    #[must_use]
    pub fn course(&self, rate: f64) -> Course {
        let mut states = vec![0.0; self.most as usize];
        states[0] = 1.0;
        self.go_on(rate, 0.0, states)
    }

    /// What becomes of it from where it stands; it must be open there, and before its end.
    #[must_use]
    pub fn course_from(&self, rate: f64, time: f64, events: u32) -> Course {
        let mut states = vec![0.0; self.most as usize];
        if let Some(state) = states.get_mut(events as usize) {
            *state = 1.0;
        }
        self.go_on(rate, time, states)
    }

    /// What becomes of it under a rate where nobody looks before a time, over all that may be seen by
    /// then. The mean time is that beyond the first look.
    #[must_use]
    pub fn course_with_first_look(&self, rate: f64, time: f64) -> Course {
        let mut states = vec![0.0; self.most as usize];
        let (mut low, mut high) = (0.0, 0.0);
        let mean = rate * time;
        let mut seen = 0.0;
        for events in 0..self.most {
            // The mean may be so large that the chance of no event is no number any more.
            let n = f64::from(events);
            let term = if mean > 0.0 {
                exp(n * log(mean) - mean - libm::lgamma(n + 1.0))
            } else {
                f64::from(u8::from(events == 0))
            };
            match self.stand(time, u64::from(events)) {
                Stand::Open => states[events as usize] = term,
                Stand::High => high += term,
                Stand::Low => low += term,
            }
            seen += term;
        }
        high += (1.0 - seen).max(0.0);
        let course = self.go_on(rate, time, states);
        Course {
            says_low: course.says_low + low,
            says_high: course.says_high + high,
            time: course.time,
        }
    }

    /// Goes on from a time with the chances of every number of events seen.
    fn go_on(&self, rate: f64, from: f64, mut states: Vec<f64>) -> Course {
        // Where what an event decides, or what no event decides, changes.
        let mut stops: Vec<(f64, Option<u32>)> = Vec::with_capacity(2 * states.len());
        for events in 0..self.most {
            stops.push((self.low_at(events), Some(events)));
            if let Some(by) = self.high_by(events) {
                stops.push((by, None));
            }
        }
        stops.retain(|(at, _)| *at > from);
        stops.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut low, mut high, mut time) = (0.0, 0.0, 0.0);
        let mut now = from;
        let mut next = vec![0.0; states.len()];
        let mut chances = Vec::new();
        for (at, decides_low) in stops {
            let length = at - now;
            if length > 0.0 {
                // An event that brings the number to the first one with `high_by` ≥ `at` decides.
                let limit = (1..self.most)
                    .find(|&events| self.high_by(events).is_some_and(|by| by >= at))
                    .unwrap_or(self.most) as usize;
                let first = states.iter().position(|p| *p > 0.0).unwrap_or(limit).min(limit);
                poisson(rate * length, limit - first, &mut chances);
                next.fill(0.0);
                for start in first..states.len() {
                    let chance = states[start];
                    if chance == 0.0 {
                        continue;
                    }
                    if start >= limit {
                        // It decided when it came there.
                        high += chance;
                        continue;
                    }
                    let (mut stays, mut mean_time) = (0.0, 0.0);
                    for more in 0..limit - start {
                        next[start + more] += chance * chances[more];
                        stays += chances[more];
                        // ∫ of Poisson's chance of `more` events is the chance of still more ÷ rate.
                        mean_time += (1.0 - stays).max(0.0);
                    }
                    high += chance * (1.0 - stays).max(0.0);
                    let mean_time =
                        if rate * length < 1e-9 { length } else { (mean_time / rate).min(length) };
                    time += chance * mean_time;
                }
                std::mem::swap(&mut states, &mut next);
                now = at;
            }
            if let Some(events) = decides_low {
                low += std::mem::take(&mut states[events as usize]);
            }
        }
        Course { says_low: low, says_high: high, time }
    }
}

/// Poisson's chances of 0, 1, … events, so many of them.
fn poisson(mean: f64, count: usize, chances: &mut Vec<f64>) {
    chances.clear();
    let mut term = exp(-mean);
    for events in 0..count {
        chances.push(term);
        term *= mean / (events + 1) as f64;
    }
}

/// A plan without stopping early: how long to watch, and the most events that speak for the low rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed {
    /// How long.
    pub time: f64,
    /// The most events.
    pub events: u32,
}

/// More events than this are not planned for: the rates are too close.
const MOST_EVENTS: u32 = 400;
/// Halvings of a bracket: a relative error of 10⁻⁹.
const STEPS: u32 = 34;

/// The shortest plan without stopping early that keeps both error rates; `None` where the rates are
/// too close.
#[must_use]
pub fn fixed(asked: &Asked) -> Option<Fixed> {
    for events in 0..MOST_EVENTS {
        // The mean at which so few events have the chance α.
        let (mut near, mut far) = (0.0, 2.0 * f64::from(events) + 60.0);
        for _ in 0..60 {
            let middle = 0.5 * (near + far);
            if at_most(events, middle) > asked.alpha {
                near = middle;
            } else {
                far = middle;
            }
        }
        let time = far / asked.high;
        if 1.0 - at_most(events, time * asked.low) <= asked.beta {
            return Some(Fixed { time, events });
        }
    }
    None
}

/// The chance of at most so many events.
fn at_most(events: u32, mean: f64) -> f64 {
    let mut chances = Vec::new();
    poisson(mean, events as usize + 1, &mut chances);
    chances.iter().sum()
}

/// The test that keeps both error rates with the least mean time, half under each rate, or nearly so:
/// of the tests within a tenth of the least the one that ends after the fewest events. It goes on for more
/// than `beyond` time and events. `None` where the rates are too close.
#[must_use]
pub fn design(asked: &Asked, beyond: (f64, u32)) -> Option<Test> {
    let least = fixed(asked)?.events + 1;
    let mut found: Vec<(Test, f64)> = Vec::new();
    // At its fewest events a test is as long as one without early stops; at thrice as many it is
    // nearly Wald's, which has the least mean times.
    let step = (least / 6).max(1);
    let mut most = least;
    while most <= 3 * least + 6 {
        if let Some(test) = balanced(asked, most) {
            let time = 0.5 * (test.course(asked.high).time + test.course(asked.low).time);
            found.push((test, time));
        }
        most += step;
    }
    let shortest = found.iter().map(|(_, time)| *time).min_by(f64::total_cmp)?;
    let test = found.into_iter().find(|(_, time)| *time <= 1.1 * shortest)?.0;
    // Room for what was seen before: the lines stay.
    let of_time = (beyond.0 * test.slope - test.behind) as u32 + 2;
    let most = if beyond.0 > 0.0 {
        test.most.max(beyond.1 + test.most).max(of_time + test.most)
    } else {
        test.most
    };
    Some(Test { most, ..test })
}

/// The test of at most so many events with exactly the error rates asked for, or with fewer errors
/// of the second kind where none has as many; `None` where none has as few.
fn balanced(asked: &Asked, most: u32) -> Option<Test> {
    let slope = (asked.high - asked.low) / log(asked.high / asked.low);
    let of = |ahead: f64| {
        let with = |behind: f64| Test { asked: *asked, slope, ahead, behind, most };
        let (mut near, mut far) = (0.0, 1.0);
        while with(far).course(asked.high).says_low > asked.alpha {
            near = far;
            far *= 2.0;
            if far > 1e4 {
                return None;
            }
        }
        for _ in 0..STEPS {
            let middle = 0.5 * (near + far);
            if with(middle).course(asked.high).says_low > asked.alpha {
                near = middle;
            } else {
                far = middle;
            }
        }
        Some(with(far))
    };
    let holds = |test: &Option<Test>| {
        test.as_ref().is_some_and(|test| test.course(asked.low).says_high <= asked.beta)
    };
    let (mut near, mut far) = (0.0, f64::from(most));
    let mut best = of(far);
    if !holds(&best) {
        return None;
    }
    for _ in 0..STEPS {
        let middle = 0.5 * (near + far);
        let test = of(middle);
        if holds(&test) {
            (far, best) = (middle, test);
        } else {
            near = middle;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::luck::{Luck, Purpose};

    const ASKED: Asked = Asked { high: 1.0, low: 0.25, alpha: 0.05, beta: 0.10 };

    /// 4 × the rate at 5 % and 10 %: c = 3 needs a mean of 7.7537 under the high rate (half the 95 %
    /// point of χ² with 8 degrees of freedom, 15.507) and has 1.938 under the low one, where more than
    /// 3 have the chance 13.3 %; c = 4: 9.1535 (18.307 ÷ 2), 2.288, 7.9 %.
    #[test]
    fn a_plan_without_early_stops_is_by_chi_square() {
        let plan = fixed(&ASKED).unwrap();
        assert_eq!(plan.events, 4);
        assert!((plan.time - 9.1535).abs() < 1e-3, "{}", plan.time);
        assert_eq!(fixed(&Asked { low: 0.99, ..ASKED }), None);
    }

    #[test]
    fn the_errors_are_those_asked_for_and_the_mean_times_are_shorter_than_without_early_stops() {
        for (low, alpha, beta) in [
            (0.25, 0.05, 0.1),
            (0.5, 0.05, 0.1),
            (0.5, 0.01, 0.01),
            (0.1, 0.1, 0.2),
            (0.6, 0.05, 0.1),
        ] {
            let asked = Asked { high: 1.0, low, alpha, beta };
            let test = design(&asked, (0.0, 0)).unwrap();
            let (bad, good) = (test.course(1.0), test.course(low));
            assert!(bad.says_low <= alpha && bad.says_low > 0.999 * alpha, "{asked:?} {bad:?}");
            assert!(good.says_high <= beta && good.says_high > 0.8 * beta, "{asked:?} {good:?}");
            let plain = fixed(&asked).unwrap();
            assert!(bad.time < plain.time && good.time < plain.time, "{test:?}");
            for rate in [0.0, 0.01, low, 0.7, 1.0, 3.0] {
                let course = test.course(rate);
                assert!((course.says_low + course.says_high - 1.0).abs() < 1e-9, "{course:?}");
                assert!(course.time <= test.longest() + 1e-9);
            }
        }
    }

    /// One event decides for the high rate, time T for the low one: the chance of none by T is
    /// e^(−rT), the mean time (1 − e^(−rT)) ÷ r.
    #[test]
    fn a_test_of_one_event_has_closed_forms() {
        let test = Test { asked: ASKED, slope: 0.5, ahead: 9.0, behind: 1.5, most: 1 };
        assert_eq!(test.longest(), 3.0);
        for rate in [0.1, 1.0, 2.5] {
            let course = test.course(rate);
            let none = exp(-3.0 * rate);
            assert!((course.says_low - none).abs() < 1e-14);
            assert!((course.time - (1.0 - none) / rate).abs() < 1e-14);
        }
        assert_eq!(test.course(0.0), Course { says_low: 1.0, says_high: 0.0, time: 3.0 });
    }

    /// Two events decide for the high rate at any time, one by time 1 does; none by 2 and at most one
    /// by 4 decide for the low one. By hand, with r = 1: low = e^(−2) + P(first in (1, 2))·e^(−(4 − 2))
    /// … summed over the first event's time x: ∫₁² e^(−x)·e^(−(4 − x)) dx = e^(−4).
    #[test]
    fn a_test_of_two_events_is_as_by_hand() {
        let test = Test { asked: ASKED, slope: 0.5, ahead: 0.5, behind: 1.0, most: 2 };
        assert_eq!((test.low_at(0), test.low_at(1), test.high_by(1)), (2.0, 4.0, Some(1.0)));
        let course = test.course(1.0);
        assert!((course.says_low - (exp(-2.0) + exp(-4.0))).abs() < 1e-14, "{course:?}");
        // Mean time: ∫₀² e^(−t) dt for "no event yet", and from the first event x in (1, 2) on
        // ∫ₓ⁴ e^(−t) dt = e^(−x) − e^(−4), integrated: (e^(−1) − e^(−2)) − e^(−4).
        let mean = 1.0 - exp(-2.0) + (exp(-1.0) - exp(-2.0)) - exp(-4.0);
        assert!((course.time - mean).abs() < 1e-14, "{} {mean}", course.time);
        // From one event at time 3: no event for one unit of time.
        let later = test.course_from(1.0, 3.0, 1);
        assert!((later.says_low - exp(-1.0)).abs() < 1e-14);
        assert!((later.time - (1.0 - exp(-1.0))).abs() < 1e-14);
    }

    /// 40,000 simulated tests at each of four rates, seed 5, level 4 standard errors. Passing does not
    /// prove Poisson's assumption: events are drawn so.
    #[test]
    fn simulated_tests_end_as_computed() {
        let test = design(&ASKED, (0.0, 0)).unwrap();
        const RUNS: u64 = 40_000;
        for (index, rate) in [0.15, 0.25, 0.5, 1.0].into_iter().enumerate() {
            let expected = test.course(rate);
            let (mut low, mut time, mut squares) = (0_u64, 0.0, 0.0);
            for run in 0..RUNS {
                let luck = Luck::new(5 + index as u64, run);
                let (mut now, mut events) = (0.0, 0_u32);
                let length = loop {
                    let gap = luck.unit_exponential(Purpose::Lifetime, 0, events) / rate;
                    if now + gap > test.low_at(events) {
                        low += 1;
                        break test.low_at(events);
                    }
                    now += gap;
                    events += 1;
                    if test.high_by(events).is_some_and(|by| now <= by) {
                        break now;
                    }
                };
                time += length;
                squares += length * length;
            }
            let n = RUNS as f64;
            let p = expected.says_low;
            let error = (p * (1.0 - p) / n).sqrt();
            assert!((low as f64 / n - p).abs() < 4.0 * error, "{rate}: {low} {p}");
            let mean = time / n;
            let error = ((squares / n - mean * mean) / n).sqrt();
            assert!((mean - expected.time).abs() < 4.0 * error, "{rate}: {mean} {expected:?}");
        }
    }

    /// What was seen before counts: with nobody looking before time 3 both errors stay below those of
    /// a test that looks all the time, but for what the greatest number of events cut off.
    #[test]
    fn a_first_look_later_keeps_the_errors() {
        let test = design(&ASKED, (3.0, 1)).unwrap();
        assert!(test.longest() > 3.0 && test.most > 1);
        let (bad, good) = (
            test.course_with_first_look(ASKED.high, 3.0),
            test.course_with_first_look(ASKED.low, 3.0),
        );
        assert!(bad.says_low <= 1.1 * ASKED.alpha, "{bad:?}");
        assert!(good.says_high <= 1.1 * ASKED.beta, "{good:?}");
        assert!((bad.says_low + bad.says_high - 1.0).abs() < 1e-9);
        assert_eq!(test.stand(100.0, 100), Stand::High);
        assert_eq!(test.stand(100.0, 25), Stand::Low);
        assert_eq!(test.stand(0.0, 0), Stand::Open);
    }
}
