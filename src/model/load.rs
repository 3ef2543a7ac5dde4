//! Requests over time: what an endpoint has to serve.
//!
//! Owns the rate at every moment, as steps. Leaves to [`super::scaling`] how many replicas it calls
//! for, and to the engine what is served of it.

use libm::cos;

use crate::units::{RequestRate, Share, SimDuration, SimTime};

/// The most steps of a load.
pub const MOST_STEPS: usize = 100_000;
/// How long the rate of a daily or weekly shape stays the same.
pub const STEP: SimDuration = SimDuration::from_secs(15 * 60);
const DAY: SimDuration = SimDuration::from_hours(24);
const DAYS_OF_WEEK: i64 = 7;

/// A rate of requests over time, constant between its steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Load {
    /// When a rate begins, the first at 0, each later than the one before.
    steps: Vec<(SimDuration, RequestRate)>,
    /// After so long it begins anew; `None` where the last rate stays.
    repeats: Option<SimDuration>,
}

/// A load that rises and falls with the hours of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// At the busiest time.
    pub busiest: RequestRate,
    /// At the quietest time, twelve hours away from it, as a share of the busiest.
    pub quietest: Share,
    /// The busiest time of day, from midnight.
    pub busiest_at: SimDuration,
    /// Saturdays and Sundays as a share of the other days; all of it where every day is alike.
    pub weekend: Share,
}

impl Load {
    /// Always the same.
    #[must_use]
    pub fn constant(rate: RequestRate) -> Self {
        Self { steps: vec![(SimDuration::ZERO, rate)], repeats: None }
    }

    /// From steps, in order of time; `None` where there is none or too many, where the first is not
    /// at 0, where one is not later than the one before, or not before it all begins anew.
    #[must_use]
    pub fn of_steps(
        steps: Vec<(SimDuration, RequestRate)>,
        repeats: Option<SimDuration>,
    ) -> Option<Self> {
        let begins = steps.first().is_some_and(|first| first.0 == SimDuration::ZERO);
        let rises = steps.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let fits = repeats.is_none_or(|repeats| steps.last().is_some_and(|last| last.0 < repeats));
        (begins && rises && fits && steps.len() <= MOST_STEPS).then_some(Self { steps, repeats })
    }

    /// A daily or weekly shape that is at `offset` after Monday 00:00 when the simulation starts: a
    /// cosine over the day in steps of [`STEP`], each at the rate of its middle.
    ///
    /// low + (high − low) · ½·(1 + cos 2π·(t − busiest)/24 h)
    #[must_use]
    pub fn of_shape(shape: &Shape, offset: SimDuration) -> Self {
        let alike = shape.weekend == Share::ONE;
        let days = if alike { 1 } else { DAYS_OF_WEEK };
        let (period, step) = (DAY.micros() * days, STEP.micros());
        let high = shape.busiest.millionths() as f64;
        let low = high * shape.quietest.fraction();
        let rate = |of_week: i64| {
            let middle = (of_week + step / 2 - shape.busiest_at.micros()) as f64;
            let turn = std::f64::consts::TAU * middle / DAY.micros() as f64;
            let weekend = !alike && of_week / DAY.micros() >= 5;
            let share = if weekend { shape.weekend.fraction() } else { 1.0 };
            let millionths = share * (low + (high - low) * 0.5 * (1.0 + cos(turn)));
            RequestRate::from_millionths((millionths + 0.5).floor().max(0.0) as i64)
        };
        let offset = offset.micros() % period;
        // Steps begin at whole quarters of an hour of the clock, and one at the start.
        let mut steps: Vec<(SimDuration, RequestRate)> = Vec::new();
        let mut at = 0;
        while at < period {
            let of_week = (at + offset) % period;
            let begins = of_week - of_week % step;
            let found = rate(begins);
            if steps.last().is_none_or(|(_, last)| *last != found) {
                steps.push((SimDuration::from_micros(at), found));
            }
            at += step - of_week % step;
        }
        let repeats = (steps.len() > 1).then(|| SimDuration::from_micros(period));
        Self { steps, repeats }
    }

    /// The rate from time 0 on, to be followed.
    #[must_use]
    pub const fn start(&self) -> Cursor {
        Cursor { step: 0, round: SimDuration::ZERO }
    }

    /// The largest rate.
    #[must_use]
    pub fn largest(&self) -> RequestRate {
        self.steps.iter().map(|(_, rate)| *rate).max().unwrap_or_default()
    }

    /// When the last rate begins; a shorter horizon never meets it.
    #[must_use]
    pub fn last_step(&self) -> SimDuration {
        self.steps.last().map_or(SimDuration::ZERO, |(at, _)| *at)
    }

    /// Whether it begins anew again and again.
    #[must_use]
    pub const fn is_periodic(&self) -> bool {
        self.repeats.is_some()
    }

    /// Whether there is a time without any request.
    #[must_use]
    pub fn is_ever_zero(&self) -> bool {
        self.steps.iter().any(|(_, rate)| *rate == RequestRate::ZERO)
    }

    /// Its steps before a horizon, in order.
    #[must_use]
    pub fn before(&self, horizon: SimDuration) -> Steps<'_> {
        Steps { load: self, cursor: Some(self.start()), horizon: SimTime::START + horizon }
    }

    /// Requests before a horizon, in 10⁻¹² of one.
    #[must_use]
    pub fn offered(&self, horizon: SimDuration) -> u128 {
        let mut steps = self.before(horizon).peekable();
        let mut offered = 0;
        while let Some((from, rate)) = steps.next() {
            let to = steps.peek().map_or(SimTime::START + horizon, |(next, _)| *next);
            offered += (to - from).micros() as u128 * rate.millionths() as u128;
        }
        offered
    }
}

/// A place in a load that is followed in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    step: usize,
    /// When this round began.
    round: SimDuration,
}

impl Cursor {
    /// The rate now.
    #[inline]
    #[must_use]
    pub fn rate(&self, load: &Load) -> RequestRate {
        load.steps[self.step].1
    }

    /// When the next step comes; `None` for never.
    #[inline]
    #[must_use]
    pub fn next_step(&self, load: &Load) -> Option<SimTime> {
        let within = match load.steps.get(self.step + 1) {
            Some((at, _)) => *at,
            None => load.repeats?,
        };
        Some(SimTime::START + self.round + within)
    }

    /// Goes to the next step.
    #[inline]
    pub fn advance(&mut self, load: &Load) {
        self.step += 1;
        if self.step == load.steps.len() {
            self.step = 0;
            self.round += load.repeats.unwrap_or(SimDuration::NEVER);
        }
    }
}

/// The steps of a load before a horizon: when each begins, and its rate.
#[derive(Clone, Debug)]
pub struct Steps<'a> {
    load: &'a Load,
    cursor: Option<Cursor>,
    horizon: SimTime,
}

impl Iterator for Steps<'_> {
    type Item = (SimTime, RequestRate);

    fn next(&mut self) -> Option<Self::Item> {
        let mut cursor = self.cursor?;
        let at = SimTime::START + cursor.round + self.load.steps[cursor.step].0;
        let item = (at, cursor.rate(self.load));
        self.cursor = cursor.next_step(self.load).filter(|next| *next < self.horizon).map(|_| {
            cursor.advance(self.load);
            cursor
        });
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_second: i64) -> RequestRate {
        RequestRate::from_millionths(per_second * 1_000_000)
    }

    const HOUR: SimDuration = SimDuration::from_hours(1);

    /// 10 /s for 1 h and 4 /s for 2 h, again and again: in 7 h two rounds and 1 h of 10 /s, 3,600 ·
    /// (2 · (10 + 8) + 10) = 165,600 requests.
    #[test]
    fn a_load_begins_anew() {
        let steps = vec![(SimDuration::ZERO, rate(10)), (HOUR, rate(4))];
        let load = Load::of_steps(steps.clone(), Some(HOUR.times(3))).unwrap();
        assert_eq!(load.offered(HOUR.times(7)), 165_600 * 1_000_000_000_000);
        let begins: Vec<i64> = load
            .before(HOUR.times(7))
            .map(|(at, _)| at.since_start().micros() / HOUR.micros())
            .collect();
        assert_eq!(begins, [0, 1, 3, 4, 6]);
        // Once: 1 h of 10 /s and 6 h of 4 /s.
        let once = Load::of_steps(steps.clone(), None).unwrap();
        assert_eq!(once.offered(HOUR.times(7)), 3_600 * (10 + 24) * 1_000_000_000_000);
        assert!(Load::of_steps(steps.clone(), Some(HOUR)).is_none());
        assert!(Load::of_steps(steps[1..].to_vec(), None).is_none());
        assert!(Load::of_steps(vec![steps[0], steps[0]], None).is_none());
        assert!(Load::of_steps(Vec::new(), None).is_none());
    }

    /// A cosine over whole days has the mean (low + high) ÷ 2; its steps are mirrored about the
    /// busiest time. A weekend of half: (5 + 2 · ½) ÷ 7 of it.
    #[test]
    fn a_daily_shape_has_the_mean_of_its_ends() {
        let shape = Shape {
            busiest: rate(100),
            quietest: Share::percent(20),
            busiest_at: HOUR.times(14),
            weekend: Share::ONE,
        };
        let daily = Load::of_shape(&shape, SimDuration::ZERO);
        let mean = |load: &Load, days: i64| {
            load.offered(HOUR.times(24 * days)) as f64 / (86_400.0 * days as f64) / 1e12
        };
        assert!((mean(&daily, 3) - 60.0).abs() < 1e-6, "{}", mean(&daily, 3));
        assert!((daily.largest().per_second() - 100.0).abs() < 0.05);
        let weekly = Load::of_shape(
            &Shape { weekend: Share::percent(50), ..shape },
            SimDuration::from_hours(31),
        );
        assert!((mean(&weekly, 14) - 60.0 * 6.0 / 7.0).abs() < 1e-6);
        // 31 h after Monday 00:00 it is Tuesday 07:00: as busy as at 21:00.
        let at_seven = daily.steps.iter().find(|(at, _)| *at == HOUR.times(7)).unwrap();
        assert_eq!(weekly.start().rate(&weekly), at_seven.1);
        // An odd start cuts the first step short, and the week is as long as ever.
        let odd = Load::of_shape(&shape, SimDuration::from_secs(100));
        assert_eq!(odd.steps[1].0, SimDuration::from_secs(800));
        assert!((mean(&odd, 2) - 60.0).abs() < 1e-6);
        // Always the same where the quietest is the busiest.
        let flat = Load::of_shape(&Shape { quietest: Share::ONE, ..shape }, SimDuration::ZERO);
        assert_eq!(flat, Load::constant(rate(100)));
    }
}
