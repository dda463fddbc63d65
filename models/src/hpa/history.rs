//! What the controller remembers between syncs: recommendations and scale events.
//!
//! Both lists reuse slots the way the controller does. They are lost when it restarts, kept when the spec changes.

use chrono::{DateTime, TimeDelta, Utc};

/// A size that the metrics asked for, before stabilisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// The raw size.
    pub replicas: i32,
    /// When it was computed.
    pub at: DateTime<Utc>,
}

/// The recommendation log of one HPA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Log(Vec<Recommendation>);

impl Log {
    /// A log with these entries, in slot order.
    pub fn of(entries: Vec<Recommendation>) -> Self {
        Self(entries)
    }

    /// Its entries in slot order, which is not the order of time.
    pub fn entries(&self) -> &[Recommendation] {
        &self.0
    }

    /// Highest size not older than `window` (its edge included), together with `desired`; logs `desired`.
    ///
    /// The stabilisation of HPAs without `behavior`.
    pub fn highest(&mut self, now: DateTime<Utc>, desired: i32, window: TimeDelta) -> i32 {
        let cutoff = now - window;
        let mut highest = desired;
        let mut slot = None;
        for (i, entry) in self.0.iter().enumerate() {
            if entry.at < cutoff {
                slot = Some(i);
            } else {
                highest = highest.max(entry.replicas);
            }
        }
        self.put(slot, Recommendation { replicas: desired, at: now });
        highest
    }

    /// Lowest size younger than `up` and highest size younger than `down` (edges excluded), each together with
    /// `desired`; logs `desired`. The stabilisation of HPAs with `behavior`.
    pub fn range(&mut self, now: DateTime<Utc>, desired: i32, up: TimeDelta, down: TimeDelta) -> (i32, i32) {
        let (up_cutoff, down_cutoff) = (now - up, now - down);
        let (mut lowest, mut highest) = (desired, desired);
        let mut slot = None;
        for (i, entry) in self.0.iter().enumerate() {
            if entry.at > up_cutoff {
                lowest = lowest.min(entry.replicas);
            }
            if entry.at > down_cutoff {
                highest = highest.max(entry.replicas);
            }
            if entry.at < up_cutoff && entry.at < down_cutoff {
                slot = Some(i);
            }
        }
        self.put(slot, Recommendation { replicas: desired, at: now });
        (lowest, highest)
    }

    fn put(&mut self, slot: Option<usize>, entry: Recommendation) {
        match slot {
            Some(i) => self.0[i] = entry,
            None => self.0.push(entry),
        }
    }
}

/// A change of size in one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleEvent {
    /// How many replicas were added (or removed); always positive.
    pub change: i32,
    /// When.
    pub at: DateTime<Utc>,
    /// Older than the longest policy period at some later store: its slot may be reused.
    pub outdated: bool,
}

/// The scale events of one direction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events(Vec<ScaleEvent>);

impl Events {
    /// Events in slot order.
    pub fn of(events: Vec<ScaleEvent>) -> Self {
        Self(events)
    }

    /// Its events in slot order.
    pub fn entries(&self) -> &[ScaleEvent] {
        &self.0
    }

    /// Sum of the changes younger than `period` (its edge excluded).
    pub fn change_within(&self, now: DateTime<Utc>, period: TimeDelta) -> i32 {
        let cutoff = now - period;
        self.0.iter().filter(|e| e.at > cutoff).fold(0, |sum: i32, e| sum.wrapping_add(e.change))
    }

    /// Marks what is older than the longest policy period, then writes into the last marked slot or appends.
    pub fn store(&mut self, now: DateTime<Utc>, change: i32, longest_period: TimeDelta) {
        let cutoff = now - longest_period;
        let mut slot = None;
        for (i, event) in self.0.iter_mut().enumerate() {
            event.outdated |= event.at < cutoff;
            if event.outdated {
                slot = Some(i);
            }
        }
        let event = ScaleEvent { change, at: now, outdated: false };
        match slot {
            Some(i) => self.0[i] = event,
            None => self.0.push(event),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    #[test]
    fn the_last_outdated_slot_is_reused_so_the_log_stays_bounded() {
        let mut log = Log::default();
        for sync in 0..1000 {
            log.highest(at(15 * sync), 3, TimeDelta::minutes(5));
        }
        // 300 s / 15 s + 1 for the edge, + 1 slot that is outdated only when the next is written.
        assert!(log.entries().len() <= 22, "{}", log.entries().len());
    }

    #[test]
    fn edges_are_in_without_behavior_and_out_with_it() {
        let entry = Recommendation { replicas: 9, at: at(-60) };
        let minute = TimeDelta::minutes(1);
        assert_eq!(Log::of(vec![entry]).highest(at(0), 3, minute), 9);
        assert_eq!(Log::of(vec![entry]).range(at(0), 3, minute, minute), (3, 3));
    }

    #[test]
    fn outdated_events_still_count_for_longer_periods() {
        let mut events = Events::default();
        events.store(at(0), 5, TimeDelta::seconds(15));
        events.store(at(5), 2, TimeDelta::seconds(15));
        assert_eq!(events.change_within(at(20), TimeDelta::seconds(30)), 7);
        events.store(at(18), 1, TimeDelta::seconds(15));
        assert_eq!(events.entries().len(), 2);
        assert_eq!(events.change_within(at(20), TimeDelta::seconds(30)), 3);
    }
}
