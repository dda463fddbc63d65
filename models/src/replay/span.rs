//! Which days of a recording are learned from, tuned on and judged.

use super::{Recorded, equal::Service};
use chrono::{DateTime, TimeDelta, Utc};

/// Most days that are only learned from: Prometheus keeps 15 unless told otherwise, so that a daemon that has just been
/// installed finds about as many.
const MOST_DAYS_LEARNED: i64 = 14;

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
    /// What is learned from before the first replayed moment, which lies on the grid of `step`: a quarter, at least a day, at most two
    /// weeks; or all but the last `days`.
    pub fn of(load: &Recorded, step: TimeDelta, days: Option<u32>) -> Self {
        let length = load.end() - load.start();
        let learned = TimeDelta::days((length.num_days() / 4).clamp(1, MOST_DAYS_LEARNED));
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{replay::Noise, series::Series};

    const HALF_HOUR: TimeDelta = TimeDelta::minutes(30);
    /// 2026-06-01 00:00.
    const MIDNIGHT: i64 = 1_780_272_000;

    /// A steady load of so many hours.
    fn recorded(start: i64, hours: usize) -> Recorded {
        let start = DateTime::from_timestamp(start, 0).unwrap();
        let series = Series::new(start, HALF_HOUR, vec![5.0; 2 * hours]).unwrap();
        Recorded::new(&series, Noise::NONE, 1).unwrap().unwrap()
    }

    /// Hours learned from, tuned on and judged, of a recording of so many.
    fn spent(of: usize, days: Option<u32>) -> [i64; 3] {
        let load = recorded(MIDNIGHT, of);
        let span = Span::of(&load, HALF_HOUR, days);
        [span.from - load.start(), span.judged_from - span.from, span.until - span.judged_from].map(|t| t.num_hours())
    }

    #[test]
    fn a_quarter_is_learned_from_and_half_of_the_rest_tuned_on_by_whole_days() {
        for (days, wanted) in
            [(2, [1, 1, 0]), (8, [2, 3, 3]), (12, [3, 4, 5]), (28, [7, 10, 11]), (60, [14, 23, 23]), (61, [14, 23, 24])]
        {
            assert_eq!(spent(24 * days, None), wanted.map(|days| 24 * days), "of {days} days");
        }
    }

    #[test]
    fn the_last_days_are_replayed_if_enough_is_left_to_learn_from() {
        assert_eq!(spent(24 * 28, Some(4)), [24, 2, 2].map(|days| 24 * days));
        // Of 28 days seven at least are learned from.
        assert_eq!(spent(24 * 28, Some(27)), spent(24 * 28, None));
    }

    #[test]
    fn a_replay_begins_on_the_grid_of_the_step() {
        let load = recorded(MIDNIGHT + 1800, 24 * 8);
        let span = Span::of(&load, TimeDelta::hours(1), None);
        assert_eq!(span.from, load.start() + TimeDelta::days(2) + HALF_HOUR);
    }

    #[test]
    fn without_a_day_on_either_side_nothing_is_judged() {
        for (hours, enough) in [(30, false), (48, false), (71, false), (72, true), (96, true)] {
            let span = Span::of(&recorded(MIDNIGHT, hours), HALF_HOUR, None);
            assert_eq!(span.has_days_to_judge(), enough, "of {hours} h");
        }
    }
}
