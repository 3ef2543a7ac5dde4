//! A market made of an availability trace: what was seen of Spot capacity, replayed.
//!
//! Owns the trace and where in it a replication begins. Leaves to [`crate::engine::paths`] to follow
//! it through a replication. A replayed trace is another market, not a lifetime: VMs start only while
//! it shows capacity, and die when it drops.

use std::sync::Arc;

use super::zone::WhenScarce;
use crate::luck::{Luck, Purpose};
use crate::units::SimDuration;

/// What the numbers of a trace are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// 1 or 0: whether a request for Spot capacity would have been granted. It says nothing of how
    /// many VMs, so it holds for all that are asked for.
    Capacity,
    /// How many VMs ran: so many can run at once.
    Instances,
}

/// What was seen, over one or more windows of time.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What its numbers are.
    pub values: Values,
    /// In the order of the file; never empty.
    windows: Vec<Window>,
}

/// A window of a trace: a number that holds until the next.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// When each number begins \[µs\]; the first is 0.
    starts: Vec<i64>,
    /// The least and the greatest number of a step, then of each [`FAN`] steps, of each FAN of those
    /// …: what finds the next drop without a look at every step.
    extremes: Vec<Vec<(u32, u32)>>,
    length: SimDuration,
}

/// Steps under one pair of extremes.
const FAN: usize = 16;
/// The most steps of a trace: past this a file is refused.
pub const MOST_STEPS: usize = 10_000_000;
/// The largest number in a trace.
pub const MOST_INSTANCES: u32 = 100_000;

impl Window {
    /// Numbers, each with how long it holds; those that hold for no time are left out. `None` where
    /// nothing is left, or all of it is longer than 1,000 years.
    #[must_use]
    pub fn new(runs: impl IntoIterator<Item = (u32, SimDuration)>) -> Option<Self> {
        let (mut starts, mut counts, mut length) = (Vec::new(), Vec::new(), 0_i64);
        for (count, holds) in runs {
            if holds <= SimDuration::ZERO {
                continue;
            }
            if counts.last() != Some(&(count, count)) {
                starts.push(length);
                counts.push((count, count));
            }
            length = length.checked_add(holds.micros())?;
        }
        if counts.is_empty() || length > SimDuration::LONGEST.micros() {
            return None;
        }
        let mut extremes = vec![counts];
        while let Some(last) = extremes.last().filter(|last| last.len() > FAN) {
            let both = |steps: &[(u32, u32)]| {
                steps
                    .iter()
                    .fold((u32::MAX, 0), |(low, high), step| (low.min(step.0), high.max(step.1)))
            };
            let above = last.chunks(FAN).map(both).collect();
            extremes.push(above);
        }
        Some(Self { starts, extremes, length: SimDuration::from_micros(length) })
    }

    /// How long it is.
    #[must_use]
    pub const fn length(&self) -> SimDuration {
        self.length
    }

    /// Numbers, each with how long it holds; two neighbours differ.
    pub fn runs(&self) -> impl Iterator<Item = (u32, SimDuration)> + '_ {
        let ends = self.starts.iter().skip(1).copied().chain([self.length.micros()]);
        let steps = self.starts.iter().zip(&self.extremes[0]);
        steps.zip(ends).map(|((start, step), end)| (step.0, SimDuration::from_micros(end - start)))
    }

    /// The first moment from `from` on \[µs\] at which there are at least `need`, or (`!shows`)
    /// fewer; `None` where that is not before its end.
    #[must_use]
    pub fn first(&self, from: i64, need: u32, shows: bool) -> Option<i64> {
        let mut index = self.starts.partition_point(|start| *start <= from) - 1;
        let mut level = 0;
        loop {
            let (low, high) = *self.extremes[level].get(index)?;
            if if shows { high >= need } else { low < need } {
                if level == 0 {
                    return Some(self.starts[index].max(from));
                }
                level -= 1;
                index *= FAN;
                continue;
            }
            index += 1;
            while index.is_multiple_of(FAN) && level + 1 < self.extremes.len() {
                index /= FAN;
                level += 1;
            }
        }
    }
}

impl Trace {
    /// Windows in their order.
    ///
    /// # Panics
    /// Without any.
    #[must_use]
    pub fn new(values: Values, windows: Vec<Window>) -> Self {
        assert!(!windows.is_empty(), "a trace has a window");
        Self { values, windows }
    }

    /// Its windows.
    #[must_use]
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }

    /// The share of its time in which it shows capacity for `need` VMs.
    #[must_use]
    pub fn share(&self, need: u32) -> f64 {
        let (mut shown, mut all) = (0_i128, 0_i128);
        for (count, holds) in self.windows.iter().flat_map(Window::runs) {
            all += i128::from(holds.micros());
            shown += if count >= need { i128::from(holds.micros()) } else { 0 };
        }
        shown as f64 / all as f64
    }

    /// The mean number over its time.
    #[must_use]
    pub fn mean(&self) -> f64 {
        let (mut sum, mut all) = (0_i128, 0_i128);
        for (count, holds) in self.windows.iter().flat_map(Window::runs) {
            all += i128::from(holds.micros());
            sum += i128::from(count) * i128::from(holds.micros());
        }
        sum as f64 / all as f64
    }

    /// The greatest number in it.
    #[must_use]
    pub fn most(&self) -> u32 {
        self.windows.iter().flat_map(Window::runs).map(|(count, _)| count).max().unwrap_or(0)
    }

    /// What it must show for `vms` VMs that come after `before` others.
    #[must_use]
    pub const fn need(&self, before: u32, vms: u32) -> u32 {
        match self.values {
            Values::Capacity => 1,
            Values::Instances => before.saturating_add(vms),
        }
    }

    /// The shortest and the longest of its windows.
    #[must_use]
    pub fn lengths(&self) -> (SimDuration, SimDuration) {
        let lengths = || self.windows.iter().map(Window::length);
        (lengths().min().unwrap_or_default(), lengths().max().unwrap_or_default())
    }

    /// All its time together \[h\].
    #[must_use]
    pub fn hours(&self) -> f64 {
        self.windows.iter().map(|window| window.length().hours()).sum()
    }
}

/// Where replications begin in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starts {
    /// Every window in turn: those of the file, each from its start, or of a file that is one series
    /// those that begin so far apart.
    All {
        /// Time between the starts of two windows of one series.
        every: SimDuration,
    },
    /// At any moment alike.
    Random,
    /// At any moment alike, and after so long at another: a block bootstrap.
    ///
    /// Source: with `wraps` the circular one of D. N. Politis and J. P. Romano (1992), in which every
    /// moment is as likely as any other; else the moving one of H. R. Künsch, Ann. Statist. 17 (1989),
    /// 1217–1241, in which the ends of a window are less likely.
    Blocks {
        /// How long each block is.
        length: SimDuration,
    },
}

/// How a trace is replayed.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// What is replayed.
    pub trace: Arc<Trace>,
    /// Where replications begin in it.
    pub starts: Starts,
    /// Whether a window begins anew after its end. Else it is followed for `span`, and what comes
    /// then is not known.
    pub wraps: bool,
    /// How long a replication follows it; `None` for as long as it takes.
    pub span: Option<SimDuration>,
    /// What becomes of a request while it shows no capacity.
    pub when_scarce: WhenScarce,
    /// Moments at which something may begin, summed over the windows so far \[µs\].
    reach: Vec<i64>,
    /// Windows that are replayed in turn.
    in_turn: u64,
    /// The least and the greatest number of the trace.
    extremes: (u32, u32),
}

/// Where a replication, or a block of one, begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The place of the window.
    pub window: u32,
    /// How far into it \[µs\].
    pub offset: i64,
}

impl Replay {
    /// A trace with how it is replayed; `None` where no window is long enough to be followed for
    /// `span`, or for a block, without beginning anew.
    #[must_use]
    pub fn new(
        trace: Arc<Trace>,
        starts: Starts,
        wraps: bool,
        span: Option<SimDuration>,
        when_scarce: WhenScarce,
    ) -> Option<Self> {
        let followed = match starts {
            Starts::Blocks { length } => length,
            Starts::All { .. } | Starts::Random => span.unwrap_or_default(),
        };
        let mut reach = Vec::with_capacity(trace.windows.len());
        let mut sum = 0_i64;
        for window in &trace.windows {
            let length = window.length.micros();
            let moments = if wraps { length } else { (length - followed.micros() + 1).max(0) };
            // 1,000 years are 3·10¹⁶ µs, and there are fewer than 10⁷ windows.
            sum = sum.saturating_add(moments);
            reach.push(sum);
        }
        let in_turn = match starts {
            Starts::All { every } if trace.windows.len() == 1 => {
                let step = every.micros().max(1) as u64;
                (sum as u64).div_ceil(step)
            }
            Starts::All { .. } => {
                let long = |window: &&Window| wraps || window.length >= followed;
                trace.windows.iter().filter(long).count() as u64
            }
            Starts::Random | Starts::Blocks { .. } => 0,
        };
        let numbers = || trace.windows.iter().flat_map(Window::runs).map(|(count, _)| count);
        let extremes = (numbers().min().unwrap_or(0), numbers().max().unwrap_or(0));
        (sum > 0).then_some(Self {
            trace,
            starts,
            wraps,
            span,
            when_scarce,
            reach,
            in_turn,
            extremes,
        })
    }

    /// Whether the trace ever shows capacity for `need`, or (`!shows`) none.
    #[must_use]
    pub const fn ever(&self, need: u32, shows: bool) -> bool {
        if shows { self.extremes.1 >= need } else { self.extremes.0 < need }
    }

    /// Windows that are replayed in turn; 0 where they begin at random.
    #[must_use]
    pub const fn in_turn(&self) -> u64 {
        self.in_turn
    }

    /// Where the block of this number begins in the replication of this luck; without blocks all of
    /// it is the first one.
    #[must_use]
    pub fn start(&self, luck: Luck<'_>, place: u32, block: u32) -> Start {
        if let Starts::All { every } = self.starts {
            let turn = luck.turn(self.in_turn);
            if self.trace.windows.len() == 1 {
                return Start { window: 0, offset: turn as i64 * every.micros().max(1) };
            }
            let moments = |window: usize| {
                self.reach[window] - if window == 0 { 0 } else { self.reach[window - 1] }
            };
            let long = (0..self.trace.windows.len()).filter(|window| moments(*window) > 0);
            let window = if self.in_turn == self.trace.windows.len() as u64 {
                turn as usize
            } else {
                long.clone().nth(turn as usize).unwrap_or(0)
            };
            return Start { window: window as u32, offset: 0 };
        }
        let total = self.reach.last().copied().unwrap_or(1);
        let moment = (luck.uniform(Purpose::Replay, place, block) * total as f64) as i64;
        let moment = moment.min(total - 1);
        let window = self.reach.partition_point(|reach| *reach <= moment);
        let before = if window == 0 { 0 } else { self.reach[window - 1] };
        Start { window: window as u32, offset: moment - before }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hours(hours: i64) -> SimDuration {
        SimDuration::from_hours(hours)
    }

    fn window(runs: &[(u32, i64)]) -> Window {
        Window::new(runs.iter().map(|(count, holds)| (*count, hours(*holds)))).unwrap()
    }

    fn replay(windows: &[&[(u32, i64)]], starts: Starts, wraps: bool, span: i64) -> Option<Replay> {
        let windows = windows.iter().map(|runs| window(runs)).collect();
        let trace = Arc::new(Trace::new(Values::Capacity, windows));
        let span = (!wraps).then(|| hours(span));
        Replay::new(trace, starts, wraps, span, WhenScarce::Queue)
    }

    /// 1 for 3 h, 0 for 2 h (in two pieces), 4 for 1 h.
    #[test]
    fn a_window_is_its_runs() {
        let window = window(&[(1, 3), (0, 1), (0, 1), (7, 0), (4, 1)]);
        let runs: Vec<_> = window.runs().collect();
        assert_eq!(runs, [(1, hours(3)), (0, hours(2)), (4, hours(1))]);
        assert_eq!(window.length(), hours(6));
        let at = |h: i64| hours(h).micros();
        assert_eq!(window.first(at(0), 1, true), Some(0));
        assert_eq!(window.first(at(0), 1, false), Some(at(3)));
        assert_eq!(window.first(at(4), 1, true), Some(at(5)));
        assert_eq!(window.first(at(1), 2, true), Some(at(5)));
        assert_eq!(window.first(at(1), 5, true), None);
        assert_eq!(window.first(at(5), 1, false), None);
        assert_eq!(Window::new([(1, SimDuration::ZERO)]), None);
        assert_eq!(Window::new([(1, SimDuration::LONGEST), (0, SimDuration::LONGEST)]), None);
        let trace = Trace::new(Values::Instances, vec![window]);
        assert!((trace.share(1) - 4.0 / 6.0).abs() < 1e-12);
        assert!((trace.mean() - 7.0 / 6.0).abs() < 1e-12);
        assert_eq!((trace.most(), trace.need(2, 1)), (4, 3));
    }

    proptest! {
        /// The search by extremes finds what a look at every step finds.
        #[test]
        fn the_next_change_is_the_first_one(
            counts in prop::collection::vec(0_u32..5, 1..700),
            from in 0_usize..700,
            need in 1_u32..6,
            shows: bool,
        ) {
            let second = SimDuration::from_secs(1);
            let window = Window::new(counts.iter().map(|count| (*count, second))).unwrap();
            let from = from % counts.len();
            let expected = (from..counts.len()).find(|slot| (counts[*slot] >= need) == shows);
            let found = window.first(from as i64 * second.micros(), need, shows);
            prop_assert_eq!(found, expected.map(|slot| slot as i64 * second.micros()));
        }
    }

    /// A series of 10 h has ten windows an hour apart that wrap, and 10 − 4 + 1 of 4 h that do not;
    /// 120 replications meet each of ten windows twelve times.
    #[test]
    fn all_windows_take_their_turn() {
        let all = Starts::All { every: hours(1) };
        let series: &[(u32, i64)] = &[(1, 6), (0, 4)];
        let wrapped = replay(&[series], all, true, 0).unwrap();
        assert_eq!(wrapped.in_turn(), 10);
        let mut met = [0; 10];
        for replication in 0..120 {
            let start = wrapped.start(Luck::new(1, replication), 0, 0);
            met[(start.offset / hours(1).micros()) as usize] += 1;
        }
        assert_eq!(met, [12; 10]);
        let cut = replay(&[series], all, false, 4).unwrap();
        assert_eq!(cut.in_turn(), 7);
        assert!(replay(&[series], all, false, 11).is_none());
        // Of three windows two are long enough.
        let some = replay(&[&[(1, 2)], series, series], all, false, 4).unwrap();
        assert_eq!(some.in_turn(), 2);
        let window = |replication| some.start(Luck::new(1, replication), 0, 0).window;
        let mut both = [window(0), window(1)];
        both.sort_unstable();
        assert_eq!(both, [1, 2]);
    }

    /// Windows of 2 h and 6 h: a quarter of the moments is in the first. Seed 1, n = 40,000, four
    /// standard deviations: 0.0087. Without wrapping and followed for 2 h, one moment of 4 h of
    /// them: practically none.
    #[test]
    fn random_starts_are_uniform_over_the_moments() {
        let windows: [&[(u32, i64)]; 2] = [&[(1, 2)], &[(1, 3), (0, 3)]];
        let (n, mut first, mut late) = (40_000, 0, 0);
        let wrapped = replay(&windows, Starts::Random, true, 0).unwrap();
        let cut = replay(&windows, Starts::Random, false, 2).unwrap();
        for replication in 0..n {
            let start = wrapped.start(Luck::new(1, replication), 0, 0);
            first += u64::from(start.window == 0);
            let start = cut.start(Luck::new(1, replication), 0, 0);
            assert_eq!(start.window, 1);
            assert!((0..=hours(4).micros()).contains(&start.offset));
            late += u64::from(start.offset > hours(2).micros());
        }
        assert!((first as f64 / n as f64 - 0.25).abs() < 0.0087, "{first}");
        assert!((late as f64 / n as f64 - 0.5).abs() < 0.01, "{late}");
    }
}
