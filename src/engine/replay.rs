//! Where a zone is in the trace that it replays, and who has which of its instances.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::luck::Luck;
use crate::model::availability::{Replay, Start, Starts};
use crate::units::{SimDuration, SimTime};

/// What is replayed: the trace, the zone's place, the luck of the replication, and the time after
/// which nobody asks.
pub(super) type At<'a> = (&'a Replay, u32, Luck<'a>, SimTime);

/// The path of a zone through its trace, as far as somebody asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Replayed {
    /// Where each block begins; without blocks all of it is one.
    blocks: Vec<Start>,
}

impl Replayed {
    /// Forgets the last replication.
    pub(super) fn begin(&mut self) {
        self.blocks.clear();
    }

    /// The first moment from `time` on at which the trace shows capacity for `need`, or (`!shows`)
    /// does not; `None` where that is not before the end of time or of what is known.
    pub(super) fn first(
        &mut self,
        (replay, place, luck, end): At<'_>,
        time: SimTime,
        need: u32,
        shows: bool,
    ) -> Option<SimTime> {
        if !replay.ever(need, shows) {
            return None;
        }
        let span = replay.span.map_or(end, |span| end.min(SimTime::START + span));
        let mut now = time;
        while now < span {
            let (block, from, until) = match replay.starts {
                Starts::Blocks { length } => {
                    let block = now.since_start().micros() / length.micros();
                    let from = SimTime::START + length.times(block);
                    (block as u32, from, (from + length).min(span))
                }
                Starts::All { .. } | Starts::Random => (0, SimTime::START, span),
            };
            while self.blocks.len() <= block as usize {
                let next = self.blocks.len() as u32;
                self.blocks.push(replay.start(luck, place, next));
            }
            let Start { window, offset } = self.blocks[block as usize];
            let window = &replay.trace.windows()[window as usize];
            let length = window.length().micros();
            let position = (offset + (now - from).micros()) % length;
            // To the end of the window, then once around: nothing else comes.
            let found = match window.first(position, need, shows) {
                Some(found) => Some(found - position),
                None if replay.wraps => {
                    window.first(0, need, shows).map(|found| found + length - position)
                }
                None => None,
            };
            if let Some(found) = found.map(|after| now + SimDuration::from_micros(after))
                && found < until
            {
                return Some(found);
            }
            now = until;
        }
        None
    }

    /// When the trace shows no capacity for `need` before `until`.
    pub(super) fn without(
        &mut self,
        at: At<'_>,
        need: u32,
        until: SimTime,
    ) -> Vec<(SimTime, SimTime)> {
        let (mut found, mut now) = (Vec::new(), SimTime::START);
        while let Some(from) = self.first(at, now, need, false).filter(|from| *from < until) {
            let to = self.first(at, from, need, true).map_or(until, |to| to.min(until));
            found.push((from, to));
            now = to;
        }
        found
    }
}

/// Which of the instances that a trace counts each slot has, or waits for: the lowest that is free
/// when it asks. When the count drops, those above it die: the last to come, as long as nobody else
/// left.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Places {
    /// The place of every slot, one more than it is; 0 where it has none.
    held: Vec<u32>,
    /// Places that were given back, the lowest first.
    free: Lowest,
    /// Places that somebody ever had.
    used: u32,
}

/// Numbers of which the lowest comes first.
#[derive(Clone, Debug, Default)]
struct Lowest(BinaryHeap<Reverse<u32>>);

impl PartialEq for Lowest {
    fn eq(&self, other: &Self) -> bool {
        let sorted = |heap: &BinaryHeap<Reverse<u32>>| heap.clone().into_sorted_vec();
        sorted(&self.0) == sorted(&other.0)
    }
}

impl Places {
    /// Nobody has any.
    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.free.0.clear();
        self.used = 0;
    }

    /// The place of a slot: the one it has, else the lowest that is free.
    pub(super) fn take(&mut self, slot: u32) -> u32 {
        let index = slot as usize;
        if self.held.len() <= index {
            self.held.resize(index + 1, 0);
        }
        if self.held[index] == 0 {
            let place = self.free.0.pop().map_or(self.used, |Reverse(place)| place);
            self.used = self.used.max(place + 1);
            self.held[index] = place + 1;
        }
        self.held[index] - 1
    }

    /// Gives back what a slot has.
    #[inline]
    pub(super) fn release(&mut self, slot: u32) {
        if let Some(held) = self.held.get_mut(slot as usize)
            && *held > 0
        {
            self.free.0.push(Reverse(*held - 1));
            *held = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::availability::{Trace, Values, Window};
    use crate::model::zone::WhenScarce;

    fn at(hours: i64) -> SimTime {
        SimTime::START + SimDuration::from_hours(hours)
    }

    fn replay(runs: &[(u32, i64)], starts: Starts, span: Option<i64>) -> Replay {
        let runs = runs.iter().map(|(count, hours)| (*count, SimDuration::from_hours(*hours)));
        let trace = Arc::new(Trace::new(Values::Instances, vec![Window::new(runs).unwrap()]));
        let span = span.map(SimDuration::from_hours);
        Replay::new(trace, starts, span.is_none(), span, WhenScarce::Queue).unwrap()
    }

    /// 2 VMs for 3 h, none for 1 h, one for 2 h; once around is 6 h.
    #[test]
    fn a_window_begins_anew_after_its_end() {
        let one = Starts::All { every: SimDuration::from_hours(6) };
        let replay = replay(&[(2, 3), (0, 1), (1, 2)], one, None);
        let mut path = Replayed::default();
        let of = (&replay, 0, Luck::new(1, 0), at(1_000));
        let mut first = |time, need, shows| path.first(of, at(time), need, shows);
        assert_eq!(first(0, 1, true), Some(at(0)));
        assert_eq!(first(0, 1, false), Some(at(3)));
        assert_eq!(first(4, 1, false), Some(at(9)));
        assert_eq!(first(4, 2, true), Some(at(6)));
        assert_eq!(first(999, 2, true), None, "4 h later, after the end of time");
        assert_eq!(first(0, 3, true), None);
        assert_eq!(path.without(of, 2, at(13)), [(at(3), at(6)), (at(9), at(12))],);
    }

    #[test]
    fn nothing_is_known_after_the_end_of_a_window_that_does_not_begin_anew() {
        let one = Starts::All { every: SimDuration::from_hours(6) };
        let replay = replay(&[(1, 3), (0, 3)], one, Some(6));
        let mut path = Replayed::default();
        let of = (&replay, 0, Luck::new(1, 0), at(1_000));
        assert_eq!(path.first(of, at(2), 1, false), Some(at(3)));
        assert_eq!(path.first(of, at(3), 1, true), None);
        assert_eq!(path.first(of, at(7), 1, false), None);
    }

    /// Each block of 2 h is a piece of the trace: capacity changes within one as the trace does, and
    /// the mean over many blocks is the trace's, here 60 %. Seed 1, 4,000 replications of 10 blocks;
    /// the share of a block has a standard deviation below ½: four of them of the mean are 0.01.
    #[test]
    fn a_bootstrap_keeps_the_mean_availability() {
        let blocks = Starts::Blocks { length: SimDuration::from_hours(2) };
        let replay = replay(&[(1, 6), (0, 4)], blocks, None);
        let (n, mut missing) = (4_000, SimDuration::ZERO);
        for replication in 0..n {
            let mut path = Replayed::default();
            let of = (&replay, 0, Luck::new(1, replication), at(1_000));
            for (from, to) in path.without(of, 1, at(20)) {
                missing += to - from;
            }
            assert!(path.blocks.len() >= 10);
        }
        let share = missing.hours() / (20.0 * n as f64);
        assert!((share - 0.4).abs() < 0.01, "{share}");
    }

    #[test]
    fn a_slot_has_the_lowest_place_that_is_free() {
        let mut places = Places::default();
        assert_eq!([7, 3, 9].map(|slot| places.take(slot)), [0, 1, 2]);
        assert_eq!(places.take(3), 1);
        places.release(7);
        places.release(7);
        places.release(3);
        assert_eq!([5, 3, 7].map(|slot| places.take(slot)), [0, 1, 3]);
    }
}
