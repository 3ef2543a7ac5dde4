//! The replicas of one deployed model: their slots, and the autoscaler that says how many.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::{Replica, State};
use crate::model::scaling::{Rule, ToZero, Traffic, Window, look_at};
use crate::model::workload::DeployedModel;
use crate::units::SimTime;

/// The replicas of one model.
#[derive(Default)]
pub struct Fleet {
    /// Its first slot.
    pub first: u32,
    /// Replicas asked for.
    pub requested: u32,
    /// The next look that can see something new.
    pub wakes: u64,
    /// Slots given back, all below `fresh`.
    free: BinaryHeap<Reverse<u32>>,
    /// The first slot never used.
    fresh: u32,
    most: u32,
    scaler: Option<Scaler>,
    window: Window,
}

/// What an autoscaler goes by.
#[derive(Clone, Copy)]
struct Scaler {
    rule: Rule,
    least: u32,
    initial: u32,
    to_zero: Option<ToZero>,
    /// The last look taken.
    last: u64,
    /// Since when there has been no request; `None` while there are some.
    idle_since: Option<SimTime>,
    /// When replicas were asked for after there were none.
    up_since: SimTime,
}

/// How soon a replica is released: the largest first, and of equal ones that in the highest slot.
pub type Rank = u64;

/// The rank of a slot without a replica.
pub const UNUSED: Rank = 0;

/// Bits of a time in a rank: 73,000 years in µs.
const TIME_BITS: u32 = 61;

/// Those that are gone first, then those that do not serve yet, then those that serve; among these
/// those above before the standard ones below, and the youngest first.
#[inline]
pub fn rank(replica: &Replica) -> Rank {
    let (soon, since) = match replica.state {
        State::Unused => return UNUSED,
        State::Gone => (3, replica.asked),
        State::Idle | State::Waiting | State::Starting => (2, replica.asked),
        State::Serving => (1, replica.started),
    };
    let since = (since.since_start().micros() as u64).min((1 << TIME_BITS) - 1);
    soon << (TIME_BITS + 1) | u64::from(replica.is_above) << TIME_BITS | since
}

impl Fleet {
    /// No replica is asked for yet; its slots begin at `first`.
    pub fn begin(&mut self, model: &DeployedModel, first: u32) {
        self.first = first;
        self.requested = 0;
        self.wakes = u64::MAX;
        self.free.clear();
        self.fresh = first;
        self.most = model.most;
        self.window.clear();
        self.scaler = model.scaling.zip(model.capacity).map(|(scaling, capacity)| Scaler {
            rule: Rule::new(&scaling, capacity),
            least: model.least,
            initial: model.initial,
            to_zero: scaling.to_zero,
            last: 0,
            idle_since: None,
            up_since: SimTime::START,
        });
    }

    /// The lowest free slot, from now on taken.
    pub fn take_slot(&mut self) -> u32 {
        self.requested += 1;
        match self.free.pop() {
            Some(Reverse(slot)) => slot,
            None => {
                self.fresh += 1;
                self.fresh - 1
            }
        }
    }

    /// A slot that is free again.
    pub fn give_back(&mut self, slot: u32) {
        self.requested -= 1;
        self.free.push(Reverse(slot));
    }

    /// Something has changed at `now`: the next look sees it, where it makes a difference.
    #[inline]
    pub fn touch(&mut self, serving: u32, traffic: Traffic, now: SimTime) {
        let Some(scaler) = &mut self.scaler else { return };
        if traffic > 0 {
            scaler.idle_since = None;
        } else if scaler.idle_since.is_none() {
            scaler.idle_since = Some(now);
        }
        // A look that sees the target of the one before changes nothing.
        if scaler.to_zero.is_none() {
            let target = scaler.rule.target(self.requested, serving, traffic);
            if self.window.held() == Some(target) {
                return;
            }
        }
        self.wakes = self.wakes.min(look_at(now).max(scaler.last + 1));
    }

    /// How many replicas a look says there should be.
    pub fn look(&mut self, look: u64, now: SimTime, serving: u32, traffic: Traffic) -> u32 {
        let Some(scaler) = &mut self.scaler else {
            self.wakes = u64::MAX;
            return self.requested;
        };
        scaler.last = look;
        let target = scaler.rule.target(self.requested, serving, traffic);
        let largest = self.window.see(look, target);
        self.wakes = self.window.falls_at().unwrap_or(u64::MAX);
        let Some(to_zero) = scaler.to_zero else {
            return largest.clamp(scaler.least, self.most);
        };
        if self.requested == 0 {
            if traffic == 0 {
                return 0;
            }
            scaler.up_since = now;
            return scaler.initial;
        }
        if let Some(idle_since) = scaler.idle_since {
            let rests = (idle_since + to_zero.idle).max(scaler.up_since + to_zero.up_for);
            if now >= rests {
                return 0;
            }
            self.wakes = self.wakes.min(look_at(rests));
        }
        largest.clamp(1, self.most)
    }

    /// Chooses `count` of its replicas to be released, the first to go first; their slots have the
    /// rank of unused ones from now on.
    pub fn choose(&self, ranks: &mut [Rank], count: u32, chosen: &mut Vec<u32>) {
        chosen.clear();
        let used = &mut ranks[self.first as usize..self.fresh as usize];
        if count as usize > FEW {
            let all = used.iter().zip(self.first..).filter(|(rank, _)| **rank != UNUSED);
            let mut all: Vec<(Rank, u32)> = all.map(|(rank, slot)| (*rank, slot)).collect();
            all.sort_unstable_by(|a, b| b.cmp(a));
            chosen.extend(all.iter().take(count as usize).map(|(_, slot)| *slot));
            for slot in &*chosen {
                used[(slot - self.first) as usize] = UNUSED;
            }
            return;
        }
        for _ in 0..count {
            let (mut largest, mut place) = (UNUSED, 0);
            for (at, &rank) in used.iter().enumerate() {
                if rank >= largest {
                    (largest, place) = (rank, at);
                }
            }
            if largest == UNUSED {
                return;
            }
            used[place] = UNUSED;
            chosen.push(self.first + place as u32);
        }
    }
}

/// So many are chosen one by one, more of them by sorting.
const FEW: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::luck::{Luck, Purpose};

    /// One by one or by sorting: the largest ranks, of equal ones the highest slot first, never a slot
    /// without a replica, and each slot once.
    #[test]
    fn the_largest_ranks_are_chosen_however_many() {
        let luck = Luck::new(5, 0);
        for round in 0..200 {
            let rank = |slot| luck.bits(Purpose::Wait, slot, round) % 9;
            let before: Vec<Rank> = (0..30).map(rank).collect();
            let fleet = Fleet { first: 3, fresh: 3 + round % 27, ..Fleet::default() };
            let slots = fleet.first..fleet.fresh;
            let mut order: Vec<u32> =
                slots.filter(|slot| before[*slot as usize] != UNUSED).collect();
            order.sort_by_key(|slot| Reverse((before[*slot as usize], *slot)));
            for count in 0..8 {
                let (mut ranks, mut chosen) = (before.clone(), vec![99]);
                fleet.choose(&mut ranks, count, &mut chosen);
                assert_eq!(chosen, order[..order.len().min(count as usize)], "{count} in {round}");
                for slot in 0..30 {
                    let expected =
                        if chosen.contains(&slot) { UNUSED } else { before[slot as usize] };
                    assert_eq!(ranks[slot as usize], expected);
                }
            }
        }
    }
}
