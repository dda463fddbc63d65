//! When the windows of a workload's schedule open and its known events take place: looked up once an hour, read at every tick.

use crate::events::{KnownEvent, Occurrence, largest, occurrences};
use crate::schedule::{Opening, Window, openings};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// What anybody asks of: the plan's day, the longest lead time, and the look-ahead of a raise.
const ASKED: TimeDelta = TimeDelta::hours(28);
/// A raise looks so far beyond the lead time.
const LOOK_AHEAD: TimeDelta = TimeDelta::hours(1);
/// Looked up this much farther, so that a tick seldom has to.
const SPARE: TimeDelta = TimeDelta::hours(1);

/// What is known to lie ahead of one workload.
#[derive(Debug, Default)]
pub struct Agenda {
    windows: Arc<[Window]>,
    events: Arc<[KnownEvent]>,
    openings: Vec<Opening>,
    occurrences: Vec<Occurrence>,
    known_until: Option<DateTime<Utc>>,
}

impl Agenda {
    /// Looks up what is missing; costs two comparisons where nothing is.
    pub fn renew(&mut self, now: DateTime<Utc>, windows: &Arc<[Window]>, events: &Arc<[KnownEvent]>) {
        let same = is_same(&self.windows, windows) && is_same(&self.events, events);
        // A clock that was put back by a day or more is looked up anew, too.
        let known = self.known_until.is_some_and(|until| until >= now + ASKED && until <= now + ASKED + SPARE);
        if same && (known || (windows.is_empty() && events.is_empty())) {
            return;
        }
        let until = now + ASKED + SPARE;
        (self.windows, self.events) = (Arc::clone(windows), Arc::clone(events));
        self.occurrences = occurrences(events, now, until);
        self.openings = openings(windows, now, until);
        self.known_until = Some(until);
    }

    /// What is open or opens within the next day, by its begin.
    pub fn openings(&self) -> &[Opening] {
        &self.openings
    }

    /// The known event with the largest factor that takes place now or within the lead time and the look-ahead of a raise.
    pub fn event(&self, now: DateTime<Utc>, lead: TimeDelta) -> Option<Occurrence> {
        largest(&self.occurrences, now, now + lead + LOOK_AHEAD).cloned()
    }
}

fn is_same<T>(a: &Arc<[T]>, b: &Arc<[T]>) -> bool {
    Arc::ptr_eq(a, b) || (a.is_empty() && b.is_empty())
}
