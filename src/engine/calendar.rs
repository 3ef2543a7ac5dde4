//! Pending events, ordered by time, then by the order in which they were scheduled.
//!
//! Delays that are always the same leave in the order in which they came: such events need no heap,
//! only a [lane](Calendar::follow) each, and a pop looks at the heads of the lanes and of the heap.
//! `benches/fleet.rs` measures it against heaps and a calendar queue.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use crate::units::{SimDuration, SimTime};

/// Names a pending event, to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId(u64);

/// The pending events of one replication; kept from one replication to the next without allocating.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    /// Time and order make one key, so equal times keep their order.
    heap: BinaryHeap<Reverse<Entry<E>>>,
    /// Events of one delay each, in their order.
    lanes: Vec<VecDeque<Entry<E>>>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    /// Time above, order below, as one number: comparing it takes no branch.
    key: u128,
    event: E,
}

impl<E> Entry<E> {
    #[inline]
    fn at(at: SimTime, order: u64, event: E) -> Self {
        let micros = at.since_start().micros() as u64;
        Self { key: u128::from(micros) << 64 | u128::from(order), event }
    }

    #[inline]
    fn time(&self) -> SimTime {
        time_of(self.key)
    }
}

#[inline]
fn time_of(key: u128) -> SimTime {
    SimTime::START + SimDuration::from_micros((key >> 64) as i64)
}

impl<E> PartialEq for Entry<E> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl<E> Eq for Entry<E> {}
impl<E> PartialOrd for Entry<E> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<E> Ord for Entry<E> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<E> Default for Calendar<E> {
    fn default() -> Self {
        Self { heap: BinaryHeap::new(), lanes: Vec::new(), next: 0 }
    }
}

impl<E: Copy> Calendar<E> {
    /// A calendar with so many lanes.
    #[must_use]
    pub fn with_lanes(lanes: usize) -> Self {
        Self { lanes: (0..lanes).map(|_| VecDeque::new()).collect(), ..Self::default() }
    }

    /// Puts an event at a time.
    #[inline]
    pub fn schedule(&mut self, at: SimTime, event: E) -> EventId {
        let id = self.next;
        self.next += 1;
        self.heap.push(Reverse(Entry::at(at, id, event)));
        EventId(id)
    }

    /// Puts an event at a time where `order`, not the sequence, decides among equal times: for
    /// callers whose order must not depend on how many events they skipped.
    #[inline]
    pub fn schedule_as(&mut self, order: u32, at: SimTime, event: E) {
        self.heap.push(Reverse(Entry::at(at, order.into(), event)));
    }

    /// As [`Self::schedule_as`], behind the events of the same delay. One that would come before the
    /// last of them goes to the heap instead, so the order is the same whatever is said here.
    #[inline]
    pub fn follow(&mut self, lane: usize, order: u32, at: SimTime, event: E) {
        let entry = Entry::at(at, order.into(), event);
        match self.lanes.get_mut(lane) {
            Some(lane) if lane.back().is_none_or(|last| last.key <= entry.key) => {
                lane.push_back(entry);
            }
            _ => self.heap.push(Reverse(entry)),
        }
    }

    /// Takes out a pending event; it never fires. One that has fired is left alone.
    pub fn cancel(&mut self, id: EventId) {
        self.heap.retain(|Reverse(entry)| entry.key as u64 != id.0);
    }

    /// When the next event is; `None` where none is pending.
    #[inline]
    #[must_use]
    pub fn next_time(&self) -> Option<SimTime> {
        let heads = self.lanes.iter().filter_map(VecDeque::front);
        let heads = heads.chain(self.heap.peek().map(|Reverse(entry)| entry));
        heads.map(Entry::time).min()
    }

    /// The next event and its time.
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        self.pop_until(SimTime::NEVER)
    }

    /// The next event and its time, unless it is later than `last`: then it stays.
    #[inline]
    pub fn pop_until(&mut self, last: SimTime) -> Option<(SimTime, E)> {
        let mut first = self.heap.peek().map_or(u128::MAX, |Reverse(entry)| entry.key);
        let mut found = None;
        for (index, lane) in self.lanes.iter().enumerate() {
            if let Some(head) = lane.front()
                && head.key < first
            {
                first = head.key;
                found = Some(index);
            }
        }
        // No key is the largest number: times are below 2⁶³.
        if first == u128::MAX || time_of(first) > last {
            return None;
        }
        let entry = match found {
            Some(lane) => self.lanes[lane].pop_front(),
            None => self.heap.pop().map(|Reverse(entry)| entry),
        };
        entry.map(|entry| (entry.time(), entry.event))
    }

    /// Forgets all pending events.
    pub fn clear(&mut self) {
        self.heap.clear();
        self.lanes.iter_mut().for_each(VecDeque::clear);
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> SimTime {
        SimTime::START + SimDuration::from_secs(seconds)
    }

    #[test]
    fn equal_times_fire_in_the_order_they_were_scheduled() {
        let mut calendar = Calendar::default();
        for (seconds, event) in [(5, 'c'), (1, 'a'), (5, 'd'), (1, 'b')] {
            calendar.schedule(at(seconds), event);
        }
        let order: String = std::iter::from_fn(|| calendar.pop().map(|(_, event)| event)).collect();
        assert_eq!(order, "abcd");
    }

    #[test]
    fn a_cancelled_event_never_fires() {
        let mut calendar = Calendar::default();
        let first = calendar.schedule(at(1), 1);
        calendar.schedule(at(2), 2);
        calendar.cancel(first);
        calendar.cancel(first);
        assert_eq!(calendar.pop_until(at(1)), None, "it is later");
        assert_eq!(calendar.pop(), Some((at(2), 2)));
        assert_eq!(calendar.pop(), None);
    }

    /// Whatever lane an event is put in, right or wrong, the order is that of the keys.
    #[test]
    fn lanes_do_not_change_the_order() {
        let mut plain = Calendar::default();
        let mut laned = Calendar::with_lanes(2);
        let mut seed = 1_u64;
        let mut popped = 0;
        for round in 0..2_000_u32 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let (time, lane) =
                (at((seed >> 40) as i64 % 50 + i64::from(round)), round as usize % 3);
            plain.schedule_as(round % 7, time, (time, round % 7));
            laned.follow(lane, round % 7, time, (time, round % 7));
            if seed >> 63 == 1 {
                assert_eq!(plain.next_time(), laned.next_time());
                assert_eq!(plain.pop(), laned.pop());
                popped += 1;
            }
        }
        assert!(popped > 900);
        while let Some(event) = plain.pop() {
            assert_eq!(Some(event), laned.pop());
        }
        assert_eq!(laned.pop(), None);
    }
}
