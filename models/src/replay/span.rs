//! Which days of a recording are learned from, tuned on and judged.

use super::{Recorded, equal::Service};
use chrono::{DateTime, TimeDelta, Utc};

/// The times of a backtest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// First moment that is replayed; what comes before is only learned from.
    pub from: DateTime<Utc>,
    /// First moment of the days that equal service is judged on; the days from `from` to it are tuned on.
    pub judged_from: DateTime<Utc>,
    /// End.
    pub until: DateTime<Utc>,
}

impl Span {
    /// What is learned from before the first replayed moment, which lies on the grid of `step`: a quarter, at least a day, at most a
    /// week; or all but the last `days`.
    pub fn of(load: &Recorded, step: TimeDelta, days: Option<u32>) -> Self {
        let length = load.end() - load.start();
        let learned = TimeDelta::days((length.num_days() / 4).clamp(1, 7));
        let aligned = |t: DateTime<Utc>| {
            let step = step.num_seconds();
            DateTime::from_timestamp((t.timestamp() + step - 1).div_euclid(step) * step, 0).unwrap_or(t)
        };
        let from = match days {
            Some(days) => (load.end() - TimeDelta::days(days.into())).max(load.start() + learned),
            None => load.start() + learned,
        };
        let from = aligned(from);
        let half = TimeDelta::days(((load.end() - from).num_days() / 2).max(1));
        Self { from, judged_from: (from + half).min(load.end()), until: load.end() }
    }

    /// The days that are tuned on, and how much of them may starve.
    pub fn tuning(&self, budget: f64) -> Service {
        Service { from: self.from, until: self.judged_from, budget }
    }

    /// A day at least to tune by, and another to judge on.
    pub fn has_days_to_judge(&self) -> bool {
        self.until - self.judged_from >= TimeDelta::days(1)
    }
}
