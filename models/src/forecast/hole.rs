//! Holes of the past: what the load would have been while it was missing or masked.
//!
//! A week with a hole would say nothing of those hours, and the weeks before it would speak alone, which may be of another time. So
//! once a hole is over, bases that look back on it are told the shape of the weeks before at the height of the hours around it (the
//! ratio-to-season of its edges, carried across on a line; compare the seasonal adjustment of `na.interp` in Hyndman's *forecast*).
//! So is whoever asks for a mean over neighbours. What is scored, learned from or shown stays missing.

use super::{
    bridge,
    past::Past,
    season::{Seen, shape},
};
use std::ops::Range;

/// Longest hole that is filled, in seconds: what was away for longer is not like the hours around it.
const LONGEST: i64 = 6 * 3600;
/// The heights before a hole and after it are those of so many seconds…
const AROUND: i64 = 3600;
/// …and of so many samples at least: more than it takes to tell that a burst is over, whose mask comes only then.
const FEWEST: i64 = 4;
/// How many times its season the load around a hole may be taken to be, or how small a part of it.
const MOST_OFF: f64 = 4.0;

/// What a hole is filled with: a load for each of its samples.
#[derive(Clone, Debug)]
pub struct Fill {
    from: i64,
    loads: Box<[f32]>,
}

impl Fill {
    /// Fills the hole that has been over for just as long as it takes to know the height after it, if there is one.
    pub fn due(seen: Seen<'_>) -> Option<Self> {
        let around = (AROUND / seen.past.step()).max(FEWEST);
        let hole = ended_at(seen.past, seen.past.next() - around)?;
        let before = height(seen, hole.start - around..hole.start)?;
        let after = height(seen, hole.end..hole.end + around)?;
        let len = (hole.end - hole.start) as f64;
        let load = |i: i64| {
            let share = ((i - hole.start) as f64 + 0.5) / len;
            (shape(seen, i) * (before + (after - before) * share)) as f32
        };
        Some(Self { from: hole.start, loads: hole.clone().map(load).collect() })
    }

    /// The load of sample `i`; `None` outside of the hole, NaN where no season knows it.
    pub fn at(&self, i: i64) -> Option<f32> {
        self.loads.get(usize::try_from(i - self.from).ok()?).copied()
    }

    /// Number of the first sample of the hole.
    pub fn from(&self) -> i64 {
        self.from
    }

    /// How many samples the hole has.
    pub fn count(&self) -> usize {
        self.loads.len()
    }

    /// Number of the first sample behind the hole.
    pub fn end(&self) -> i64 {
        self.from + self.loads.len() as i64
    }
}

/// The hole whose first sample behind it is `end`, if it is neither so short that it is bridged nor too long.
fn ended_at(past: &Past, end: i64) -> Option<Range<i64>> {
    if past.clean(end).is_nan() || !past.clean(end - 1).is_nan() {
        return None;
    }
    let start = (end - LONGEST / past.step()..end).rev().find(|i| !past.clean(i - 1).is_nan())?;
    (end - start > bridge::LONGEST).then_some(start..end)
}

/// How many times its season the load was over these samples; `None` where less than half of them are known.
fn height(seen: Seen<'_>, samples: Range<i64>) -> Option<f64> {
    let wanted = samples.end - samples.start;
    let both = samples.map(|i| (f64::from(seen.past.clean(i)), shape(seen, i)));
    let (load, season, n) = both
        .filter(|(load, season)| !load.is_nan() && !season.is_nan())
        .fold((0.0, 0.0, 0), |(loads, seasons, n), (load, season)| (loads + load, seasons + season, n + 1));
    (2 * n >= wanted && season > 0.0).then(|| (load / season).clamp(1.0 / MOST_OFF, MOST_OFF))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        calendar::{Calendar, DAY},
        forecast::{levels::Levels, space},
    };

    const HOUR: i64 = 12;
    const WEEK: i64 = 7 * 24 * HOUR;
    /// Noon of the second day of the fourth week.
    const HOLE: i64 = 3 * WEEK + 36 * HOUR;

    /// Each week has the same shape at another height.
    fn load(i: i64) -> f64 {
        let height = [1.0, 1.4, 0.9, 1.6][(i / WEEK) as usize];
        let day = (i % (24 * HOUR)) as f64 / (24 * HOUR) as f64;
        100.0 * height * (1.5 + (std::f64::consts::TAU * day).sin())
    }

    /// The past until sample `end`, without those that `gone` says; every due hole filled on the way.
    fn past(end: i64, gone: impl Fn(i64) -> bool) -> Past {
        let mut past = Past::new(300, 0, Calendar::new(chrono_tz::UTC, 0, 60 * DAY));
        let mut levels = Levels::new(&past);
        for i in 0..end {
            let load = if gone(i) { f32::NAN } else { load(i) as f32 };
            past.push(load, false);
            let offset = space::offset(&past);
            levels.push(i, space::log(&past, f64::from(load), offset));
            let seen = Seen { past: &past, levels: &levels, offset };
            if let Some(fill) = Fill::due(seen) {
                past.fill(fill);
            }
        }
        past
    }

    fn without(hole: Range<i64>) -> impl Fn(i64) -> bool {
        move |i| hole.contains(&i)
    }

    #[test]
    fn a_hole_has_the_shape_of_the_weeks_before_at_the_height_of_the_hours_around_it() {
        for length in [3, HOUR, 3 * HOUR, 6 * HOUR] {
            let hole = HOLE..HOLE + length;
            let past = past(hole.end + HOUR, without(hole.clone()));
            for i in hole {
                let share = f64::from(past.bridged(i)) / load(i);
                assert!((share - 1.0).abs() < 0.04, "{length} samples, at {}: {share:.3}", i - HOLE);
                assert!(past.raw(i).is_nan() && past.clean(i).is_nan(), "nobody else is told");
            }
        }
    }

    #[test]
    fn in_the_first_week_the_days_before_it_give_the_shape() {
        let hole = 3 * 24 * HOUR..3 * 24 * HOUR + 2 * HOUR;
        let past = past(hole.end + HOUR, without(hole.clone()));
        for i in hole {
            let share = f64::from(past.bridged(i)) / load(i);
            assert!((share - 1.0).abs() < 0.04, "{share:.3}");
        }
    }

    #[test]
    fn one_that_is_not_over_is_too_long_or_has_nothing_before_it_stays() {
        let stays = |hole: Range<i64>, end: i64| past(end, without(hole.clone())).bridged(hole.start + 3).is_nan();
        let hole = HOLE..HOLE + HOUR;
        assert!(stays(hole.clone(), hole.end), "not over");
        assert!(stays(hole.clone(), hole.end + HOUR - 1), "just over");
        assert!(!stays(hole.clone(), hole.end + HOUR), "over for an hour");
        assert!(stays(HOLE..HOLE + 6 * HOUR + 1, HOLE + 10 * HOUR), "longer than six hours");
        assert!(stays(10 * HOUR..11 * HOUR, 20 * HOUR), "no day before it");
        assert!(stays(0..HOUR, 60 * HOUR), "the history begins with it");
    }

    #[test]
    fn one_among_others_has_no_height() {
        let alone = |i: i64| (HOLE - 2 * HOUR..HOLE + 3 * HOUR).contains(&i) && i != HOLE && i != HOLE + HOUR;
        assert!(past(HOLE + 5 * HOUR, alone).bridged(HOLE + 3).is_nan());
    }

    #[test]
    fn what_turns_out_to_have_been_a_load_is_that_load() {
        let hole = HOLE..HOLE + HOUR;
        let mut past = past(hole.end + HOUR, |_| false);
        hole.clone().for_each(|i| past.set_masked(i, true));
        past.fill(Fill { from: hole.start, loads: vec![7.0; HOUR as usize].into() });
        assert_eq!(past.bridged(HOLE + 3), 7.0);
        assert_eq!(past.around_each(crate::forecast::stretch::Stretch::one(HOLE + 3), 0)[0], 7.0);
        past.set_masked(HOLE + 3, false);
        assert_eq!(past.bridged(HOLE + 3), past.raw(HOLE + 3));
    }

    #[test]
    fn one_that_grew_takes_the_place_of_what_it_was() {
        let mut past = past(HOLE + 4 * HOUR, without(HOLE - 5..HOLE + 20));
        let fill = |from: i64, load: f32, count| Fill { from, loads: vec![load; count].into() };
        for fill in [fill(HOLE, 7.0, 3), fill(HOLE + 10, 8.0, 3), fill(HOLE - 2, 9.0, 8)] {
            past.fill(fill);
        }
        past.fill(fill(HOLE + 15, 6.0, 2));
        let seen = [-3, -2, 0, 5, 6, 10, 15, 16, 17].map(|i| past.filled(HOLE + i));
        assert_eq!(seen, [None, Some(9.0), Some(9.0), Some(9.0), None, None, Some(6.0), Some(6.0), None]);
    }

    #[test]
    fn two_days_of_holes_are_kept_and_the_oldest_go_first() {
        let hole = |day: i64| day * 24 * HOUR..day * 24 * HOUR + 3 * HOUR;
        let past = past(27 * 24 * HOUR, |i| (2..26).any(|day| hole(day).contains(&i)));
        let filled: Vec<i64> = (2..26).filter(|day| !past.bridged(hole(*day).start + 3).is_nan()).collect();
        assert_eq!(filled, (10..26).collect::<Vec<_>>());
    }
}
