//! Pending events, ordered by time, then by the order in which they were scheduled.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::units::SimTime;

/// Names a pending event, to cancel it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventId(u64);

/// The pending events of one replication; kept from one replication to the next without allocating.
#[derive(Clone, Debug)]
pub struct Calendar<E> {
    /// Time and sequence make one key, so equal times keep their order.
    heap: BinaryHeap<Reverse<Entry<E>>>,
    next: u64,
}

#[derive(Clone, Copy, Debug)]
struct Entry<E> {
    key: (SimTime, u64),
    event: E,
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
        Self { heap: BinaryHeap::new(), next: 0 }
    }
}

impl<E: Copy> Calendar<E> {
    /// Puts an event at a time.
    #[inline]
    pub fn schedule(&mut self, at: SimTime, event: E) -> EventId {
        let id = self.next;
        self.next += 1;
        self.heap.push(Reverse(Entry { key: (at, id), event }));
        EventId(id)
    }

    /// Takes out a pending event; it never fires. One that has fired is left alone.
    pub fn cancel(&mut self, id: EventId) {
        self.heap.retain(|Reverse(entry)| entry.key.1 != id.0);
    }

    /// The next event and its time.
    #[inline]
    pub fn pop(&mut self) -> Option<(SimTime, E)> {
        self.heap.pop().map(|Reverse(entry)| (entry.key.0, entry.event))
    }

    /// When the next event is; `None` where none is pending.
    #[inline]
    #[must_use]
    pub fn next_time(&self) -> Option<SimTime> {
        self.heap.peek().map(|Reverse(entry)| entry.key.0)
    }

    /// Forgets all pending events.
    pub fn clear(&mut self) {
        self.heap.clear();
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::SimDuration;

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
        assert_eq!(calendar.pop(), Some((at(2), 2)));
        assert_eq!(calendar.pop(), None);
    }
}
