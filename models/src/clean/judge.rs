//! Judges each new sample against its season and masks what was no demand: online, so that it cannot see the future.

mod low;

use super::{Note, Recognised};
use crate::{
    calendar::{DAY, WEEK},
    forecast::past::Past,
};
use chrono::{DateTime, Utc};
use low::{Low, TakenFor, slack, sleeps_on, slept_before, unmask};
use std::ops::Range;

/// Below this share of the season a load has collapsed.
const COLLAPSED: f64 = 0.2;
/// Steps for which it must have.
const COLLAPSED_STEPS: i64 = 3;
/// Where the load is so uneven that one low sample says nothing, it must have for so many times the longest such run of late.
const COLLAPSED_RUNS: f32 = 3.0;
/// A collapse that lasts longer is the new level: days.
const BELIEVED_AFTER_DAYS: i64 = 4;
/// A rise counts as a burst once it stands so many times the usual deviation above the season, that of several samples together
/// measured in the deviation of their sum…
const BURST_DEVIATIONS: f64 = 8.0;
/// …and each this many times the season.
const BURST_FACTOR: f64 = 1.6;
/// Samples in a row, below that or missing, that end it.
const BURST_LULL: i64 = 3;
/// A burst that lasts longer is a change of level: seconds.
const BURST_LONGEST: i64 = 3 * 3600;
/// Seconds of the shorter memory of the load's level.
const HOUR: i64 = 3600;
/// Notes kept.
const NOTES: usize = 64;

/// What the newest samples are a run of.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Run {
    Normal,
    Low(Low),
    High(High),
    Gap { since: i64 },
}

/// A run of samples far above the season.
#[derive(Clone, Copy, Debug, PartialEq)]
struct High {
    since: i64,
    peak: i64,
    /// The newest sample that was above.
    newest: i64,
    /// By how much all samples of the run are above what was expected.
    excess: f64,
    /// More than chance makes.
    sure: bool,
}

/// Running judgement over one history.
#[derive(Clone, Debug)]
pub(crate) struct Judge {
    excluded: Vec<Range<i64>>,
    run: Run,
    /// The season at the level of the last day, and at that of the last hour.
    levels: [Level; 2],
    /// The longest run of samples next to nothing that was no outage, forgotten within weeks.
    longest_low: f32,
    believed_until: i64,
    notes: Vec<Note>,
}

impl Judge {
    /// `excluded` are windows in seconds since the epoch that must not be learned from.
    pub(crate) fn new(excluded: Vec<Range<i64>>) -> Self {
        Self {
            excluded,
            run: Run::Normal,
            levels: [Level::default(); 2],
            longest_low: 0.0,
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
        if self.excludes(past.stamp(i)) || expected.is_nan() {
            return;
        }
        self.longest_low *= 1.0 - 1.0 / past.samples_in(WEEK) as f32;
        let usual = self.usual(expected);
        self.continue_run(past, i, load, &usual);
        if !self.is_trouble(past, i) {
            let [day, hour] = &mut self.levels;
            day.follow(load, expected, past.samples_in(DAY), past.samples_in(DAY));
            hour.follow(load, expected, past.samples_in(HOUR), past.samples_in(DAY));
        }
    }

    /// The newest samples look like trouble so far that is not yet masked: a one-off burst, which will be unless it lasts, or an
    /// outage that has just begun.
    pub(crate) fn suspects(&self, past: &Past) -> bool {
        match self.run {
            Run::Low(low) => low.is_suspect(),
            _ => self.suspects_burst(past),
        }
    }

    /// The newest sample looks like part of a one-off burst so far: it will be masked unless it lasts.
    pub(crate) fn suspects_burst(&self, past: &Past) -> bool {
        match self.run {
            Run::High(high) => high.sure && high.newest + 1 == past.next() && !is_long(past, &high, high.newest),
            _ => false,
        }
    }

    /// Number of the first sample of a burst that may yet prove to be one-off.
    pub(crate) fn suspect_since(&self, past: &Past) -> Option<i64> {
        match self.run {
            Run::High(high) if high.sure && !is_long(past, &high, past.next() - 1) => Some(high.since),
            _ => None,
        }
    }

    /// How many times its season the load was over the last day.
    pub(crate) fn level(&self) -> f64 {
        self.levels[0].shift()
    }

    /// Number of the first sample of an outage that is not over.
    pub(crate) fn collapsed_since(&self) -> Option<i64> {
        match self.run {
            Run::Low(low) => low.is_outage().then_some(low.since),
            _ => None,
        }
    }

    /// What the season makes usual at the level of the last day; a fall must be one from the level of the last hour too.
    fn usual(&self, season: f64) -> Usual {
        let [day, hour] = &self.levels;
        let most = season * day.shift();
        Usual { least: most.min(season * hour.shift()), most, deviation: day.deviation, known: day.seen > KNOWN }
    }

    /// The newest sample says nothing of what is usual.
    fn is_trouble(&self, past: &Past, i: i64) -> bool {
        match self.run {
            Run::Normal | Run::Gap { .. } => false,
            Run::Low(low) => low.is_suspect() || low.is_outage(),
            Run::High(high) => high.sure && !is_long(past, &high, i),
        }
    }

    fn continue_run(&mut self, past: &mut Past, i: i64, load: f64, usual: &Usual) {
        let low = i >= self.believed_until && past.age() > 2 * DAY && load < COLLAPSED * usual.least;
        let high = usual.known && load > BURST_FACTOR * usual.most;
        let clear = low && usual.least - load > 3.0 * usual.deviation;
        self.run = match self.run {
            Run::Low(run) if low => self.collapsed(past, Low { clear: run.clear || clear, ..run }, i, usual),
            Run::High(run) if high || i - run.newest < BURST_LULL => {
                Run::High(run.with(past, i, load - usual.most, high)).unless_nothing(past, i, usual)
            }
            run => {
                self.end_run(past, run, i);
                if low {
                    self.collapsed(past, Low::new(i, clear), i, usual)
                } else if high {
                    let run = High { since: i, peak: i, newest: i, excess: 0.0, sure: false };
                    Run::High(run.with(past, i, load - usual.most, true)).unless_nothing(past, i, usual)
                } else {
                    Run::Normal
                }
            }
        };
    }

    /// The load has been low up to `i`: masks it once that is long enough to be an outage and no habit, believes it once too long.
    fn collapsed(&mut self, past: &mut Past, run: Low, i: i64, usual: &Usual) -> Run {
        let day = past.samples_in(DAY) as i64;
        let (since, length) = (run.since, i + 1 - run.since);
        if run.is_outage() && length > BELIEVED_AFTER_DAYS * day {
            unmask(past, &self.excluded, since..i + 1);
            self.note(past, Recognised::LevelShift, since, i + 1);
            self.believed_until = i + 14 * day;
            return Run::Normal;
        }
        let low = COLLAPSED * usual.least;
        let uneven = past.age() > WEEK && length as f32 > COLLAPSED_RUNS * self.longest_low;
        match run.taken_for {
            TakenFor::Outage => past.set_masked(i, true),
            TakenFor::Habit(days) if sleeps_on(past, &self.excluded, (i, days), low) => {}
            // It was awake by now.
            TakenFor::Habit(_) => return Run::Low(Low::new(i, run.clear)),
            TakenFor::Nothing if length >= COLLAPSED_STEPS && (run.clear || uneven) => {
                let slept = slept_before(past, &self.excluded, since..i + 1, low);
                let taken_for = slept.map_or(TakenFor::Outage, TakenFor::Habit);
                if taken_for == TakenFor::Outage {
                    mask(past, since..i + 1);
                }
                return Run::Low(Low { taken_for, ..run });
            }
            TakenFor::Nothing => {}
        }
        Run::Low(run)
    }

    fn end_run(&mut self, past: &mut Past, run: Run, i: i64) {
        match run {
            Run::Low(low) if low.is_outage() => self.note(past, Recognised::Outage, low.since, i),
            Run::Low(low) if low.taken_for == TakenFor::Nothing => {
                self.longest_low = self.longest_low.max((i - low.since) as f32);
            }
            Run::High(high) if high.sure => self.end_burst(past, &high),
            _ => {}
        }
    }

    fn end_burst(&mut self, past: &mut Past, run: &High) {
        let (since, end) = (run.since, run.newest + 1);
        if is_long(past, run, end) {
            return self.note(past, Recognised::LevelShift, since, end);
        }
        if recurs(past, &self.excluded, since..end, run.peak) {
            return;
        }
        mask(past, since..end);
        self.note(past, Recognised::Burst, since, end);
    }

    fn missing(&mut self, past: &mut Past, i: i64) {
        match self.run {
            Run::Gap { .. } => {}
            // What fell and then went silent is one outage; it ends when samples come back.
            Run::Low(low) if low.is_outage() => {}
            // A sample or two that are missing say nothing of a rise: it may go on behind them.
            Run::High(high) if i - high.newest < BURST_LULL => {}
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

/// What is usual at a moment.
#[derive(Clone, Copy, Debug)]
struct Usual {
    least: f64,
    most: f64,
    deviation: f64,
    known: bool,
}

/// The level at which the season is followed, and how far loads are from it.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    load: f64,
    season: f64,
    deviation: f64,
    seen: f64,
}

/// Samples from which a level is known.
const KNOWN: f64 = 24.0;

impl Level {
    /// How much higher than its season the load has been.
    fn shift(&self) -> f64 {
        if self.season > 0.0 && self.seen > KNOWN { (self.load / self.season).clamp(0.1, 10.0) } else { 1.0 }
    }

    /// Follows level and usual deviation of what is taken for demand, over so many samples each.
    fn follow(&mut self, load: f64, season: f64, level: usize, deviation: usize) {
        let off = (load - season * self.shift()).abs();
        let known = self.seen > KNOWN;
        let most = if known { 4.0 * self.deviation.max(0.01 * season * self.shift()) } else { f64::INFINITY };
        self.seen = (self.seen + 1.0).min(deviation.max(KNOWN as usize + 1) as f64);
        self.deviation += (off.min(most) - self.deviation) / self.seen;
        let share = 1.0 / self.seen.min(level.max(3) as f64);
        self.load += (load - self.load) * share;
        self.season += (season - self.season) * share;
    }
}

impl High {
    fn with(self, past: &Past, i: i64, excess: f64, above: bool) -> Self {
        Self {
            peak: if past.raw(i) > past.raw(self.peak) { i } else { self.peak },
            newest: if above { i } else { self.newest },
            excess: self.excess + excess,
            ..self
        }
    }
}

impl Run {
    /// A rise is none as long as chance makes as much, and is over where it comes to nothing.
    fn unless_nothing(self, past: &Past, i: i64, usual: &Usual) -> Self {
        let Self::High(run) = self else { return self };
        let chance = usual.deviation * ((i + 1 - run.since) as f64).sqrt();
        let run = High { sure: run.sure || run.excess > BURST_DEVIATIONS * chance, ..run };
        let over = !run.sure && (run.excess <= 0.0 || is_long(past, &run, i));
        if over { Self::Normal } else { Self::High(run) }
    }
}

fn is_long(past: &Past, run: &High, i: i64) -> bool {
    (i - run.since) * past.step() > BURST_LONGEST
}

fn mask(past: &mut Past, samples: Range<i64>) {
    samples.for_each(|i| past.set_masked(i, true));
}

/// Mean load of the day before sample `i`.
fn day_before(past: &Past, i: i64) -> f64 {
    let half = past.samples_in(DAY / 2) as i64;
    past.around(i - half, half)
}

/// Whether a burst like that of `run` happened at the same wall clock yesterday or in an earlier week: then it is a habit,
/// and the earlier one's mask comes off.
fn recurs(past: &mut Past, excluded: &[Range<i64>], run: Range<i64>, peak: i64) -> bool {
    let height = f64::from(past.raw(peak));
    for days in [1, 7, 14] {
        let before = past.days_before(peak, days);
        let slack = slack(past);
        // As high as this one, and not because the whole day was higher then.
        let then = (day_before(past, before) / day_before(past, peak)).max(1.0);
        let found = (before - slack..=before + slack).any(|j| f64::from(past.raw(j)) > 0.6 * height * then);
        if found {
            let moved = peak - before;
            unmask(past, excluded, run.start - moved - slack..run.end - moved + slack);
            return true;
        }
    }
    false
}
