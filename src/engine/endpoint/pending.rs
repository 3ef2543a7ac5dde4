//! Pending events of replicas, each of which waits for one thing at a time.
//!
//! A tournament over the slots: changing one's event plays the matches on its way to the root again,
//! and taking one away leaves nothing behind. Where a replica that was released would leave its death
//! in a heap, here there is nothing to be skipped later.

use crate::luck::LARGEST_SLOT;
use crate::units::{SimDuration, SimTime};

/// The pending events of one replication, by slot, ordered by time, then by the order in which they
/// were set.
#[derive(Default)]
pub struct Pending {
    /// The root at 0, the four below `n` from 4n + 1 on, the leaves last: the earliest of what is
    /// below. Time above, then the order, then the slot, as one number: comparing it takes no branch.
    keys: Vec<u128>,
    /// The first leaf.
    first: usize,
    next: u64,
}

/// Bits of a slot.
const SLOT_BITS: u32 = LARGEST_SLOT.count_ones();
/// Half as deep as with two, and the matches of one round wait for nothing.
const WAYS: usize = 4;
/// Nothing is pending: later than everything.
const NONE: u128 = u128::MAX;

impl Pending {
    /// So many slots, and nothing pending.
    pub fn begin(&mut self, slots: usize) {
        let (mut leaves, mut first) = (1, 0);
        while leaves < slots {
            first += leaves;
            leaves *= WAYS;
        }
        self.first = first;
        self.keys.clear();
        self.keys.resize(first + leaves, NONE);
        self.next = 0;
    }

    /// Sets when a slot's event is, in place of the one before.
    #[inline]
    pub fn set(&mut self, slot: u32, at: SimTime) {
        let micros = at.since_start().micros() as u64;
        let order = self.next << SLOT_BITS | u64::from(slot);
        self.next += 1;
        self.play(slot, u128::from(micros) << 64 | u128::from(order));
    }

    /// Takes out a slot's event.
    #[inline]
    pub fn clear(&mut self, slot: u32) {
        self.play(slot, NONE);
    }

    #[inline]
    fn play(&mut self, slot: u32, key: u128) {
        let mut place = self.first + slot as usize;
        self.keys[place] = key;
        while place > 0 {
            place = (place - 1) / WAYS;
            let below = WAYS * place + 1;
            if let [a, b, c, d] = self.keys[below..below + WAYS] {
                self.keys[place] = a.min(b).min(c.min(d));
            }
        }
    }

    /// When the next event is; never where none is pending.
    #[inline]
    pub fn next_time(&self) -> SimTime {
        let micros = (self.keys[0] >> 64).min(SimTime::NEVER.since_start().micros() as u128);
        SimTime::START + SimDuration::from_micros(micros as i64)
    }

    /// The slot of the next event, where one is pending.
    #[inline]
    pub fn first(&self) -> u32 {
        self.keys[0] as u32 & LARGEST_SLOT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::calendar::Calendar;

    /// Against a calendar in which what is set anew has the number of its setting.
    #[test]
    fn events_come_in_the_order_of_a_calendar() {
        for slots in [1, 2, 3, 17] {
            let (mut pending, mut calendar) = (Pending::default(), Calendar::default());
            pending.begin(slots);
            let mut lives = vec![0_u32; slots];
            let (mut seed, mut popped) = (7_u64, 0);
            for round in 0..3_000 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let slot = (seed >> 33) as usize % slots;
                let at = SimTime::START + SimDuration::from_secs(round + (seed >> 58) as i64);
                lives[slot] += 1;
                if seed >> 40 & 7 == 0 {
                    pending.clear(slot as u32);
                } else {
                    pending.set(slot as u32, at);
                    calendar.schedule(at, (slot, lives[slot]));
                }
                if seed >> 50 & 1 == 0 {
                    let next = loop {
                        match calendar.pop() {
                            Some((_, (slot, life))) if lives[slot] != life => {}
                            next => break next,
                        }
                    };
                    let Some((at, (slot, _))) = next else {
                        assert_eq!(pending.next_time(), SimTime::NEVER);
                        continue;
                    };
                    assert_eq!((pending.next_time(), pending.first()), (at, slot as u32));
                    pending.clear(slot as u32);
                    popped += 1;
                }
            }
            assert!(popped > 500, "{slots}: {popped}");
        }
    }
}
