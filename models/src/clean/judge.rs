//! Judges each new sample against its season and masks what was no demand: online, so that it cannot see the future.

use super::{Note, Recognised};
use crate::{calendar::DAY, forecast::past::Past};
use chrono::{DateTime, Utc};
use std::ops::Range;

/// Below this share of the season a load has collapsed.
const COLLAPSED: f64 = 0.2;
/// Steps for which it must have.
const COLLAPSED_STEPS: i64 = 3;
/// A collapse that lasts longer is the new level: days.
const BELIEVED_AFTER_DAYS: i64 = 4;
/// A rise counts as a burst above so many times the usual deviation from the season…
const BURST_DEVIATIONS: f64 = 8.0;
/// …and this many times the season.
const BURST_FACTOR: f64 = 1.6;
/// A burst that lasts longer is a change of level: seconds.
const BURST_LONGEST: i64 = 3 * 3600;
/// Notes kept.
const NOTES: usize = 64;

/// What the newest samples are a run of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Run {
    Normal,
    Low { since: i64 },
    High { since: i64, peak: i64 },
    Gap { since: i64 },
}

/// Running judgement over one history.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    excluded: Vec<Range<i64>>,
    run: Run,
    deviation: f64,
    level: f64,
    season: f64,
    seen: f64,
    believed_until: i64,
    notes: Vec<Note>,
}

impl Judge {
    /// `excluded` are windows in seconds since the epoch that must not be learned from.
    pub(crate) fn new(excluded: Vec<Range<i64>>) -> Self {
        Self {
            excluded,
            run: Run::Normal,
            deviation: 0.0,
            level: 0.0,
            season: 0.0,
            seen: 0.0,
            believed_until: i64::MIN,
            notes: Vec::new(),
        }
    }

    /// Whether the user excluded the sample stamped `at`.
    pub(crate) fn excludes(&self, at: i64) -> bool {
        self.excluded.iter().any(|w| w.contains(&at))
    }

    /// What was recognised, oldest first.
    pub(crate) fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// Adds a note from outside.
    pub(crate) fn note(&mut self, past: &Past, what: Recognised, from: i64, to: i64) {
        if self.notes.len() == NOTES {
            self.notes.remove(0);
        }
        let at = |i: i64| DateTime::<Utc>::from_timestamp(past.stamp(i), 0).unwrap_or_default();
        let (from, to) = (at(from), at(to));
        self.notes.push(Note { what, from, to });
    }

    /// Judges the newest sample of `past` against what its season expected (NaN: no opinion), and masks what it completes.
    pub(crate) fn judge(&mut self, past: &mut Past, expected: f64) {
        let i = past.next() - 1;
        let load = f64::from(past.raw(i));
        if load.is_nan() {
            return self.missing(past, i);
        }
        if let Run::Gap { since } = self.run {
            self.end_gap(past, since, i);
        }
        let expected = expected * self.shift();
        if self.excludes(past.stamp(i)) || expected.is_nan() {
            return;
        }
        let low = self.is_low(past, i, load, expected);
        let high = self.is_high(load, expected);
        self.continue_run(past, i, low, high);
        if self.run == Run::Normal || self.is_long(past, i) {
            self.follow(past, load, expected);
        }
    }

    /// The newest samples look like a one-off burst so far: it will be masked unless it lasts.
    pub(crate) fn suspects_burst(&self, past: &Past) -> bool {
        matches!(self.run, Run::High { .. }) && !self.is_long(past, past.next() - 1)
    }

    /// Number of the first sample of a burst that may yet prove to be one-off.
    pub(crate) fn suspect_since(&self, past: &Past) -> Option<i64> {
        match self.run {
            Run::High { since, .. } if self.suspects_burst(past) => Some(since),
            _ => None,
        }
    }

    /// How much higher than its season the load has been over the last day or so.
    fn shift(&self) -> f64 {
        if self.season > 0.0 && self.seen > 24.0 { (self.level / self.season).clamp(0.1, 10.0) } else { 1.0 }
    }

    fn is_low(&self, past: &Past, i: i64, load: f64, expected: f64) -> bool {
        let fell = expected - load;
        i >= self.believed_until && past.age() > 2 * DAY && load < COLLAPSED * expected && fell > 3.0 * self.deviation
    }

    fn is_high(&self, load: f64, expected: f64) -> bool {
        self.seen > 24.0 && load > BURST_FACTOR * expected && load - expected > BURST_DEVIATIONS * self.deviation
    }

    fn is_long(&self, past: &Past, i: i64) -> bool {
        match self.run {
            Run::High { since, .. } => (i - since) * past.step() > BURST_LONGEST,
            _ => false,
        }
    }

    /// Follows level and usual deviation of what is taken for demand.
    fn follow(&mut self, past: &Past, load: f64, expected: f64) {
        let season = expected / self.shift();
        self.seen = (self.seen + 1.0).min((DAY / past.step()).max(24) as f64);
        let share = 1.0 / self.seen;
        self.level += (load - self.level) * share;
        self.season += (season - self.season) * share;
        let off = (load - expected).abs();
        let most = if self.seen > 24.0 { 4.0 * self.deviation.max(0.01 * expected) } else { f64::INFINITY };
        self.deviation += (off.min(most) - self.deviation) * share;
    }

    fn continue_run(&mut self, past: &mut Past, i: i64, low: bool, high: bool) {
        match self.run {
            Run::Low { since } if low => self.collapsed(past, since, i),
            Run::High { since, peak } if high => {
                let higher = past.raw(i) > past.raw(peak);
                self.run = Run::High { since, peak: if higher { i } else { peak } };
            }
            run => {
                self.end_run(past, run, i);
                self.run = if low {
                    Run::Low { since: i }
                } else if high {
                    Run::High { since: i, peak: i }
                } else {
                    Run::Normal
                };
            }
        }
    }

    /// The load has been low from `since` to `i`: masks it once that is long enough to be an outage, believes it once too long.
    fn collapsed(&mut self, past: &mut Past, since: i64, i: i64) {
        let day = past.samples_in(DAY) as i64;
        if i - since >= BELIEVED_AFTER_DAYS * day {
            for j in since..=i {
                past.set_masked(j, false);
            }
            self.note(past, Recognised::LevelShift, since, i + 1);
            self.believed_until = i + 14 * day;
            self.run = Run::Normal;
        } else if i + 1 - since == COLLAPSED_STEPS {
            for j in since..=i {
                past.set_masked(j, true);
            }
        } else if i + 1 - since > COLLAPSED_STEPS {
            past.set_masked(i, true);
        }
    }

    fn end_run(&mut self, past: &mut Past, run: Run, i: i64) {
        match run {
            Run::Low { since } if i - since >= COLLAPSED_STEPS => {
                self.note(past, Recognised::Outage, since, i);
            }
            Run::High { since, peak } => self.end_burst(past, since, peak, i),
            _ => {}
        }
    }

    fn end_burst(&mut self, past: &mut Past, since: i64, peak: i64, end: i64) {
        if (end - since) * past.step() > BURST_LONGEST {
            return self.note(past, Recognised::LevelShift, since, end);
        }
        if recurs(past, since, end, peak) {
            return;
        }
        for j in since..end {
            past.set_masked(j, true);
        }
        self.note(past, Recognised::Burst, since, end);
    }

    fn missing(&mut self, past: &mut Past, i: i64) {
        match self.run {
            Run::Gap { .. } => {}
            // What fell and then went silent is one outage; it ends when samples come back.
            Run::Low { since } if i - since >= COLLAPSED_STEPS => {}
            run => {
                self.end_run(past, run, i);
                self.run = Run::Gap { since: i };
            }
        }
    }

    fn end_gap(&mut self, past: &Past, since: i64, i: i64) {
        if i - since > COLLAPSED_STEPS && since > past.first() {
            self.note(past, Recognised::Gap, since, i);
        }
        self.run = Run::Normal;
    }
}

/// Whether a burst like that of `since..end` happened at the same wall clock yesterday or in an earlier week: then it is a habit,
/// and the earlier one's mask comes off.
fn recurs(past: &mut Past, since: i64, end: i64, peak: i64) -> bool {
    let height = past.raw(peak);
    for days in [1, 7, 14] {
        let before = past.days_before(peak, days);
        let slack = (600 / past.step()).max(1);
        let found = (before - slack..=before + slack).any(|j| past.raw(j) > 0.6 * height);
        if found {
            let moved = peak - before;
            for j in since - moved - slack..end - moved + slack {
                let by_hand = past.raw(j).is_nan();
                past.set_masked(j, past.is_masked(j) && by_hand);
            }
            return true;
        }
    }
    false
}
