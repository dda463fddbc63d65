//! The only state carried from tick to tick; a fresh one plus the annotations converges to the same decisions.

mod recent;

pub(crate) use recent::{Recent, SlidingMaximum};

use crate::target::{Held, Target};
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// A value that we wrote within this time is never taken for anybody's opinion (`hpa.md` 3.3).
const REMEMBERED: TimeDelta = TimeDelta::hours(24);

/// What one workload's decisions and writes remember. Bounded, and rebuildable from the object's annotations.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(clippy::struct_excessive_bools)] // independent facts, each with its own end
pub struct Memory {
    /// Object that all of this is about; another uid forgets it.
    pub(crate) uid: Option<String>,
    /// When this memory first saw the object.
    pub(crate) since: Option<DateTime<Utc>>,
    /// Guarded needs of the past, for the hold before lowering.
    pub(crate) needs: SlidingMaximum,
    /// Last moment at which the plan, as we saw it ourselves, needed (nearly) the floor.
    pub(crate) needed_at: Option<DateTime<Utc>>,
    /// Since when a raise is wanted and not yet there.
    pub(crate) wanted_since: Option<DateTime<Utc>>,
    /// Since when fewer replicas are there than the floor.
    pub(crate) short_since: Option<DateTime<Utc>>,
    /// Writes of the last hour.
    pub(crate) writes: Recent,
    /// Raises of the last hour that came soon after a lower.
    pub(crate) turns: Recent,
    /// When the last write went down, if it did.
    pub(crate) fell_at: Option<DateTime<Utc>>,
    /// When we last wrote.
    pub(crate) wrote_at: Option<DateTime<Utc>>,
    /// Floors of the last 24 h, newest last.
    pub(crate) floors: Vec<(DateTime<Utc>, Replicas)>,
    /// The base given back last, and when.
    pub(crate) given: Option<(DateTime<Utc>, Replicas)>,
    /// Reverts in a row.
    pub(crate) reverts: Vec<DateTime<Utc>>,
    /// The revert that stands now is counted.
    pub(crate) counted: bool,
    /// Reverted too often; tried hourly until a floor survives.
    pub(crate) contended: bool,
    /// The peace that stands on the object is a person's override.
    pub(crate) overridden: bool,
    /// Version and value last observed by the protocol.
    pub(crate) seen: Option<(String, Replicas)>,
    /// Our own write that is not yet observed: version observed before, version written, when.
    pub(crate) barrier: Option<Barrier>,
    /// A held write met a co-owner: take the field by force.
    pub(crate) force: bool,
    /// The manager that the last conflict named.
    pub(crate) rival: Option<String>,
    /// Refused writes: next attempt, times in a row, what the server said.
    pub(crate) refused: Option<Refusal>,
}

/// Waiting until an own write is visible.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Barrier {
    pub(crate) seen: Option<String>,
    pub(crate) wrote: Option<String>,
    pub(crate) until: DateTime<Utc>,
}

/// Backing off after a refusal.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) until: DateTime<Utc>,
    pub(crate) times: u32,
    pub(crate) why: String,
}

impl Memory {
    /// The object's own memory: this one, or a fresh one where it was about another uid.
    #[must_use]
    pub(crate) fn of(self, target: &Target, now: DateTime<Utc>) -> Self {
        if self.uid.as_ref() == Some(&target.uid) {
            return self;
        }
        Self { uid: Some(target.uid.clone()), since: Some(now), ..Self::default() }
    }

    /// Whether it is about this object.
    pub(crate) fn is_of(&self, target: &Target) -> bool {
        self.uid.as_ref() == Some(&target.uid)
    }

    /// A fresh memory cannot know when the plan last needed the floor that it finds: until now, or until `until` where that
    /// has passed. So a restart holds at most one window longer, and never past `until`.
    pub(crate) fn seed(&mut self, now: DateTime<Utc>, held: &Held, floor: Replicas) {
        if self.needs.is_empty() && self.wrote_at.is_none() {
            self.needs.push(held.until.min(now), floor);
        }
    }

    /// We wrote this value within the last day: it is nobody's opinion.
    pub(crate) fn wrote(&self, now: DateTime<Utc>, value: Replicas) -> bool {
        self.floors.iter().any(|(at, floor)| *floor == value && now - *at < REMEMBERED)
    }

    /// Keeps a floor that was written, each value once, at most 64.
    pub(crate) fn keep_floor(&mut self, now: DateTime<Utc>, floor: Replicas) {
        self.floors.retain(|(at, kept)| *kept != floor && now - *at < REMEMBERED);
        if self.floors.len() >= 64 {
            self.floors.remove(0);
        }
        self.floors.push((now, floor));
    }

    /// Writes of the last hour.
    pub fn writes_last_hour(&self, now: DateTime<Utc>) -> usize {
        self.writes.count(now)
    }

    /// Somebody reverts our field again and again.
    pub fn is_contended(&self) -> bool {
        self.contended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{n, target, time};

    #[test]
    fn another_uid_forgets_everything() {
        let mut memory = Memory::default().of(&target(), time(0));
        memory.contended = true;
        memory.keep_floor(time(0), n(20));
        let mut other = target();
        other.uid = "u2".into();
        assert!(memory.clone().of(&target(), time(1)).contended);
        let fresh = memory.of(&other, time(1));
        assert_eq!(fresh, Memory { uid: Some("u2".into()), since: Some(time(1)), ..Memory::default() });
    }

    #[test]
    fn floors_are_remembered_a_day_and_bounded() {
        let mut memory = Memory::default();
        for i in 0..1000u32 {
            memory.keep_floor(time(i64::from(i)), n(i));
        }
        assert_eq!(memory.floors.len(), 64);
        assert!(memory.wrote(time(1000), n(999)) && !memory.wrote(time(1000), n(900)));
        assert!(!memory.wrote(time(999 + 24 * 60), n(999)), "a day later it is an opinion like any other");
    }
}
