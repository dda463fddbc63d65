//! Scheduled floors: windows that open by the wall clock and need so many replicas, whatever any forecast says.
//!
//! A window is a cron expression for its start, a length, a zone and replicas. All of it is wall clock: a window of 22:00 that
//! lasts 8 h ends when the clock shows 06:00, be the night 7, 8 or 9 hours long. Where the clock is put back, a start that it
//! shows twice opens at the first and an end that it shows twice closes at the second; where it is put forward, a start that is
//! skipped opens at the moment of the change and an end that is skipped closes where it would have been. So no window is ever
//! shorter than its owner can have meant, and a window within the skipped hour is still one.

mod ahead;
mod cron;

pub use ahead::Ahead;
pub use cron::{Cron, CronFault};

use crate::calendar::{Calendar, DAY};
use crate::units::Replicas;
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::{fmt, sync::Arc};

/// No clock is ever put forward or back by more: Samoa and Tokelau skipped a whole day in 2011.
const LONGEST_CHANGE: TimeDelta = TimeDelta::hours(26);

/// When something recurs by a wall clock, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// When it begins, by the wall clock.
    pub start: Cron,
    /// How long the wall clock runs until it ends; above zero.
    pub lasts: TimeDelta,
    /// Whose wall clock.
    pub zone: Tz,
}

/// One recurring window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it is open.
    pub when: Recurrence,
    /// Replicas needed while it is open.
    pub replicas: Replicas,
    /// The window as its author wrote it, for reasons.
    pub text: Arc<str>,
}

/// A window as it opens once: from one instant to another. Occurrences that touch are one opening.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// The first instant of it.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
    /// Replicas needed in between.
    pub replicas: Replicas,
    /// The window as its author wrote it.
    pub text: Arc<str>,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Every opening that touches `[from, to)`, by their begin.
pub fn openings(windows: &[Window], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Opening> {
    let mut found = Vec::new();
    for window in windows {
        found.extend(window.when.between(from, to).into_iter().map(|(from, to)| Opening {
            from,
            to,
            replicas: window.replicas,
            text: Arc::clone(&window.text),
        }));
    }
    found.sort_by_key(|opening| (opening.from, opening.to));
    found
}

impl Recurrence {
    /// The stretches that touch `[from, to)`, in order. One that began before may be told from its last occurrence on.
    pub fn between(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<(DateTime<Utc>, DateTime<Utc>)> {
        let reach = 2 * DAY + self.lasts.num_seconds();
        let calendar = Calendar::new(self.zone, from.timestamp() - reach, to.timestamp() + reach);
        let shown = |t: DateTime<Utc>| naive(calendar.local(t.timestamp()));
        let (Some(first), Some(last)) = (shown(from), shown(to)) else { return Vec::new() };
        let spans = self.spans(first - LONGEST_CHANGE, last + LONGEST_CHANGE);
        let instants = |(start, end): (NaiveDateTime, NaiveDateTime)| {
            let (begins, _) = calendar.instants(start.and_utc().timestamp());
            let (_, ends) = calendar.instants(end.and_utc().timestamp());
            Some((DateTime::from_timestamp(begins, 0)?, DateTime::from_timestamp(ends, 0)?))
        };
        let touches = |(begins, ends): &(DateTime<Utc>, DateTime<Utc>)| *begins < to && *ends > from && begins < ends;
        spans.into_iter().filter_map(instants).filter(touches).collect()
    }

    /// The same on a wall clock that is never changed: stretches that touch `[from, to)`, those that touch one another as one.
    ///
    /// It goes from end to end, not from start to start: a window that opens every minute for a month is one step, not 43,200.
    fn spans(&self, from: NaiveDateTime, to: NaiveDateTime) -> Vec<(NaiveDateTime, NaiveDateTime)> {
        let mut spans = Vec::new();
        // Of all that began before, the last reaches farthest.
        let begun = self.start.last_until(from).filter(|start| *start + self.lasts > from);
        let mut next = begun.or_else(|| self.start.next_after(from));
        while let Some(start) = next.filter(|start| *start < to) {
            let mut end = start + self.lasts;
            while end < to
                && let Some(last) = self.start.last_until(end)
                && last + self.lasts > end
            {
                end = last + self.lasts;
            }
            spans.push((start, end));
            next = self.start.next_after(end);
        }
        spans
    }
}

fn naive(seconds: i64) -> Option<NaiveDateTime> {
    DateTime::from_timestamp(seconds, 0).map(|t| t.naive_utc())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
