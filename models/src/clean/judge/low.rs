//! Runs of samples that are next to nothing: an outage, or a load that is asleep.

use crate::forecast::past::Past;
use std::ops::Range;

/// A load that is up for so long without a break is back: seconds.
const BACK: i64 = 1800;

/// A run of samples that are next to nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Low {
    pub(super) since: i64,
    /// Even one of them is far below what is usual.
    pub(super) clear: bool,
    pub(super) taken_for: TakenFor,
}

/// What a run of samples next to nothing is taken for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum TakenFor {
    /// It is too short to tell.
    Nothing,
    /// It is masked.
    Outage,
    /// The load went at the same wall clock so many days ago and came back: it is asleep, as every night or every Sunday.
    Habit(i64),
}

impl Low {
    pub(super) fn new(since: i64, clear: bool) -> Self {
        Self { since, clear, taken_for: TakenFor::Nothing }
    }

    pub(super) fn is_outage(&self) -> bool {
        self.taken_for == TakenFor::Outage
    }

    /// It will be an outage if it lasts.
    pub(super) fn is_suspect(&self) -> bool {
        self.clear && self.taken_for == TakenFor::Nothing
    }
}

/// How many days ago the load was below `low` at the same wall clock, yesterday or in an earlier week, and came back before this run: then it
/// is a habit, and the earlier one's mask comes off.
pub(super) fn slept_before(past: &mut Past, excluded: &[Range<i64>], run: Range<i64>, low: f64) -> Option<i64> {
    let same = |past: &Past, i, days| was_low(past, past.days_before(i, days), low);
    let found = [1, 7, 14].into_iter().find(|days| {
        let end = past.days_before(run.end - 1, *days) + 1;
        run.clone().all(|i| same(past, i, *days)) && was_back(past, end..run.start, low)
    })?;
    run.for_each(|i| wake(past, excluded, past.days_before(i, found)));
    Some(found)
}

/// Whether sample `i` goes on with a habit of so many days ago; the mask of what it was then comes off.
pub(super) fn sleeps_on(past: &mut Past, excluded: &[Range<i64>], (i, days): (i64, i64), low: f64) -> bool {
    let before = past.days_before(i, days);
    let same = was_low(past, before, low);
    if same {
        wake(past, excluded, before);
    }
    same
}

/// Whether a sample within the slack of number `i` is below `low`.
fn was_low(past: &Past, i: i64, low: f64) -> bool {
    let slack = slack(past);
    (i - slack..=i + slack).any(|j| f64::from(past.raw(j)) < low)
}

/// Whether a quarter of these samples and more, or half an hour of them in one piece, are sound and not below `low`: an outage that
/// flickers is not back, while a load may well be up for two hours of a day.
fn was_back(past: &Past, between: Range<i64>, low: f64) -> bool {
    let (count, piece) = (between.end - between.start, (BACK / past.step()).max(1));
    let (mut sound, mut longest, mut run) = (0, 0, 0);
    for i in between {
        run = if f64::from(past.clean(i)) >= low { run + 1 } else { 0 };
        sound += i64::from(run > 0);
        longest = longest.max(run);
    }
    4 * sound >= count || longest >= piece
}

/// Takes the mask off all samples within the slack of number `i`.
fn wake(past: &mut Past, excluded: &[Range<i64>], i: i64) {
    let slack = slack(past);
    unmask(past, excluded, i - slack..i + slack + 1);
}

/// Samples by which a habit may be early or late.
pub(super) fn slack(past: &Past) -> i64 {
    (600 / past.step()).max(1)
}

/// Takes samples for demand again, but for those that the user excluded.
pub(super) fn unmask(past: &mut Past, excluded: &[Range<i64>], samples: Range<i64>) {
    for i in samples {
        let at = past.stamp(i);
        past.set_masked(i, excluded.iter().any(|window| window.contains(&at)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Calendar, DAY};

    const STEP: i64 = 300;
    const PER_DAY: i64 = DAY / STEP;

    /// Two days of 100, on both of which nothing came from ten to twelve; of the first day's it is masked, the later half by hand.
    fn slept() -> (Past, [Range<i64>; 1]) {
        let excluded = Range { start: 11 * 3600, end: 12 * 3600 };
        let calendar = Calendar::new(chrono_tz::UTC, 0, 3 * DAY);
        let mut past = Past::new(STEP, 0, calendar);
        for i in 0..2 * PER_DAY {
            let hour = i * STEP / 3600;
            past.push(if [10, 11].contains(&(hour % 24)) { 0.0 } else { 100.0 }, [10, 11].contains(&hour));
        }
        (past, [excluded])
    }

    fn at(hour: i64) -> i64 {
        hour * 3600 / STEP
    }

    #[test]
    fn what_was_excluded_stays_so_when_the_mask_of_a_habit_comes_off() {
        let (mut past, excluded) = slept();
        assert_eq!(slept_before(&mut past, &excluded, at(34)..at(34) + 3, 20.0), Some(1));
        assert!(!past.is_masked(at(10)) && !past.is_masked(at(10) + 4) && past.is_masked(at(10) + 5));
        for i in at(34) + 3..at(36) {
            assert!(sleeps_on(&mut past, &excluded, (i, 1), 20.0), "{i}");
        }
        let masked: Vec<i64> = (0..2 * PER_DAY).filter(|i| past.is_masked(*i)).collect();
        assert_eq!(masked, (at(11)..at(12)).collect::<Vec<_>>());
        assert!(!sleeps_on(&mut past, &excluded, (at(36) + 2, 1), 20.0), "it was awake by then");
    }

    #[test]
    fn what_did_not_come_back_in_between_is_no_habit() {
        let (mut past, excluded) = slept();
        assert_eq!(slept_before(&mut past, &excluded, at(34)..at(34) + 3, 0.0), None, "nothing is below nothing");
        (at(12)..at(34) - 3).for_each(|i| past.set_masked(i, true));
        assert_eq!(slept_before(&mut past, &excluded, at(34)..at(34) + 3, 20.0), None);
    }
}
