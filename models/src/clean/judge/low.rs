//! Runs of samples that are next to nothing: an outage, or a load that is asleep.

use super::{slack, unmask};
use crate::forecast::past::Past;
use std::ops::Range;

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
pub(super) fn slept_before(past: &mut Past, run: Range<i64>, low: f64) -> Option<i64> {
    let same = |past: &Past, i, days| was_low(past, past.days_before(i, days), low);
    let found = [1, 7, 14].into_iter().find(|days| {
        let end = past.days_before(run.end - 1, *days) + 1;
        run.clone().all(|i| same(past, i, *days)) && was_back(past, end..run.start, low)
    })?;
    run.for_each(|i| wake(past, past.days_before(i, found)));
    Some(found)
}

/// Whether sample `i` goes on with a habit of so many days ago; the mask of what it was then comes off.
pub(super) fn sleeps_on(past: &mut Past, i: i64, days: i64, low: f64) -> bool {
    let before = past.days_before(i, days);
    let same = was_low(past, before, low);
    if same {
        wake(past, before);
    }
    same
}

/// Whether a sample within the slack of number `i` is below `low`.
fn was_low(past: &Past, i: i64, low: f64) -> bool {
    let slack = slack(past);
    (i - slack..=i + slack).any(|j| f64::from(past.raw(j)) < low)
}

/// Whether a quarter of these samples and more are sound and not below `low`: an outage that flickers is not back.
fn was_back(past: &Past, between: Range<i64>, low: f64) -> bool {
    let count = between.end - between.start;
    let sound = between.filter(|i| f64::from(past.clean(*i)) >= low).count() as i64;
    4 * sound >= count
}

/// Takes the mask off all samples within the slack of number `i`.
fn wake(past: &mut Past, i: i64) {
    let slack = slack(past);
    (i - slack..=i + slack).for_each(|j| unmask(past, j));
}
