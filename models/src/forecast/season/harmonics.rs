//! Harmonic regression: one smooth curve of the day and one of the week, fitted to four weeks of logarithms once a day.
//!
//! A Fourier series in ordinary least squares (dynamic harmonic regression; Hyndman and Athanasopoulos, *Forecasting: Principles and
//! Practice*, 3rd ed., ch. 10.5). Where all hours of the week are known the columns are orthogonal, so that each coefficient is a
//! projection of the mean week: no equations are solved. It is the only base in which what is known of one weekday speaks of all
//! others, and says most where the rest has least to go on: hours ahead.

use super::{Seen, is_weekly_known};
use crate::{
    calendar::{DAY, WEEK},
    forecast::{
        elementary::ln,
        past::{Past, WEEKS},
        stretch::{LONGEST, Numbers, Stretch},
    },
};
use std::{array, f64::consts::TAU, sync::LazyLock};

/// Length of a slot that is averaged before it is fitted, in seconds.
const SLOT: i64 = 3600;
const SLOTS: usize = (WEEK / SLOT) as usize;
const DAY_SLOTS: usize = (DAY / SLOT) as usize;
/// Cycles in a day, at most: waves of 2.4 h.
const DAILY: usize = 10;
/// Cycles in a week, at most: waves of 34 h, so that none is a daily one.
const WEEKLY: usize = 5;

/// A wave: what its cosine and its sine are multiplied by.
type Wave = [f32; 2];

/// The newest fit.
#[derive(Clone, Debug)]
pub(super) struct Harmonics {
    /// Mean logarithm; NaN before the first fit.
    mean: f32,
    daily: [Wave; DAILY],
    weekly: [Wave; WEEKLY],
}

impl Harmonics {
    /// Nothing fitted yet.
    pub(super) const fn new() -> Self {
        Self { mean: f32::NAN, daily: [[0.0; 2]; DAILY], weekly: [[0.0; 2]; WEEKLY] }
    }

    /// Fits anew where a day ends, and as soon as a week is known; says whether it did.
    pub(super) fn refit_if_due(&mut self, seen: Seen<'_>) -> bool {
        let day = seen.past.samples_in(DAY) as i64;
        let is_due = seen.past.next() % day == 0 || self.mean.is_nan();
        if !is_due || !is_weekly_known(seen.past) {
            return false;
        }
        self.fit(&mean_week(seen), seen.past.step());
        true
    }

    fn fit(&mut self, week: &[f64; SLOTS], step: i64) {
        let mean = week.iter().sum::<f64>() / SLOTS as f64;
        // All days one upon the other: what repeats in a day is left, what repeats in a week only is gone.
        let day: [f64; DAY_SLOTS] = array::from_fn(|h| (0..7).map(|d| week[d * DAY_SLOTS + h]).sum::<f64>() / 7.0);
        self.mean = mean as f32;
        self.daily = array::from_fn(|k| wave(&day, k + 1, DAY, step));
        self.weekly = array::from_fn(|k| wave(week, k + 1, WEEK, step));
    }

    /// The curve over a stretch; `None` where the clock is changed or a holiday begins within it.
    pub(super) fn at(&self, seen: Seen<'_>, stretch: Stretch) -> Option<Numbers> {
        let (step, from) = (seen.past.step(), second_of_week(seen.past, stretch.from));
        let more = stretch.len as i64 - 1;
        if (second_of_week(seen.past, stretch.from + more) - from - more * step) % WEEK != 0 {
            return None;
        }
        // A sample is the mean over its step: the curve is read in the middle of it.
        let middle = from as f64 + 0.5 * step as f64;
        let (day, week) = (turns(middle, step, DAY), turns(middle, step, WEEK));
        let (daily, weekly) = (series(&self.daily, &day), series(&self.weekly, &week));
        Some(seen.loads(array::from_fn(|k| self.mean + daily[k] + weekly[k])))
    }
}

/// Mean logarithm of each hour of the week over the weeks known; of an hour never seen, that of the same hour of other days.
fn mean_week(seen: Seen<'_>) -> [f64; SLOTS] {
    let past = seen.past;
    let (mut sums, mut counts) = ([0.0; SLOTS], [0.0; SLOTS]);
    let mut i = past.first().max(past.next() - WEEKS * 7 * past.samples_in(DAY) as i64);
    while i < past.next() {
        let second = second_of_week(past, i);
        let end = (i + (SLOT - second % SLOT + past.step() - 1) / past.step()).min(past.next());
        // Measured before anything is added, so that no load is too large.
        let log = ln(past.mean_of(i, end) as f32 / past.unit() as f32 + seen.offset_in_units());
        if !log.is_nan() {
            let slot = (second / SLOT) as usize;
            sums[slot] += f64::from(log);
            counts[slot] += 1.0;
        }
        i = end;
    }
    let over = |slots: &mut dyn Iterator<Item = usize>| {
        let (sum, n) = slots.fold((0.0, 0.0), |(sum, n), s| (sum + sums[s], n + counts[s]));
        (n > 0.0).then(|| sum / n)
    };
    let known = |s: usize| over(&mut [s].into_iter()).or_else(|| over(&mut (s % DAY_SLOTS..SLOTS).step_by(DAY_SLOTS)));
    let any = over(&mut (0..SLOTS)).unwrap_or(f64::NAN);
    array::from_fn(|s| known(s).unwrap_or(any))
}

/// Second of the wall clock's week at which a sample begins; a holiday is a Sunday.
fn second_of_week(past: &Past, i: i64) -> i64 {
    past.weekday(i) as i64 * DAY + past.calendar().local(past.stamp(i)).rem_euclid(DAY)
}

/// The wave of so many cycles in a season, seen through means of its slots.
fn wave(slots: &[f64], cycles: usize, season: i64, step: i64) -> Wave {
    let angle = |s: usize| cycles * (2 * s + 1) * (ANGLES / (2 * slots.len()));
    let (mut even, mut odd) = (0.0, 0.0);
    for (s, value) in slots.iter().enumerate() {
        even += value * SINES[(angle(s) + ANGLES / 4) % ANGLES];
        odd += value * SINES[angle(s) % ANGLES];
    }
    // Means over a slot flatten a wave by sin x ÷ x, and so do those over a step, which are what is asked for.
    let flattened = |over: i64| {
        let half = 0.5 * TAU * cycles as f64 * over as f64 / season as f64;
        half.sin() / half
    };
    let scale = 2.0 / slots.len() as f64 * flattened(step.min(SLOT)) / flattened(SLOT);
    [even, odd].map(|sum| (sum * scale) as f32)
}

/// Equal parts of a turn: half slots of a week.
const ANGLES: usize = 2 * SLOTS;
static SINES: LazyLock<[f64; ANGLES]> = LazyLock::new(|| array::from_fn(|k| (TAU * k as f64 / ANGLES as f64).sin()));

/// Cosines and sines of the first harmonic at samples a step apart, the first of them `second` seconds into the season.
fn turns(second: f64, step: i64, season: i64) -> [Numbers; 2] {
    let angle = |seconds: f64| (TAU * (seconds / season as f64).fract()).sin_cos();
    let ((mut sin, mut cos), (step_sin, step_cos)) = (angle(second), angle(step as f64));
    let (mut cosines, mut sines) = ([0.0; LONGEST], [0.0; LONGEST]);
    for (even, odd) in cosines.iter_mut().zip(&mut sines) {
        (*even, *odd) = (cos as f32, sin as f32);
        (cos, sin) = (cos * step_cos - sin * step_sin, sin * step_cos + cos * step_sin);
    }
    [cosines, sines]
}

/// Sum of waves at each turn: Horner's scheme in complex numbers, all samples at once.
fn series(waves: &[Wave], [cos, sin]: &[Numbers; 2]) -> Numbers {
    let (mut real, mut imaginary) = ([0.0; LONGEST], [0.0; LONGEST]);
    for [even, odd] in waves.iter().rev() {
        for k in 0..LONGEST {
            let (a, b) = (real[k] + even, imaginary[k] - odd);
            (real[k], imaginary[k]) = (a * cos[k] - b * sin[k], a * sin[k] + b * cos[k]);
        }
    }
    real
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        calendar::Calendar,
        forecast::{levels::Levels, space::offset},
    };

    /// A load with a wave of the day, one of an eighth of it and one of the week, by the second of the wall clock's week.
    fn load(second: i64) -> f64 {
        let day = TAU * second as f64 / DAY as f64;
        100.0 * (0.5 * day.cos() + 0.1 * (8.0 * day).sin() + 0.3 * (day / 7.0).sin()).exp()
    }

    /// Four weeks of it in a zone, and the largest error of the fit over the day that follows, as a share of the load.
    fn off(zone: chrono_tz::Tz, until: i64, step: i64, known: impl Fn(i64) -> bool) -> f64 {
        let calendar = Calendar::new(zone, until - 40 * DAY, until + 40 * DAY);
        let mut past = Past::new(step, until / step - 28 * DAY / step, calendar);
        for i in past.next()..until / step {
            let second = second_of_week(&past, i) + step / 2;
            past.push(if known(second) { load(second) as f32 } else { f32::NAN }, false);
        }
        let levels = Levels::new(&past);
        let seen = Seen { past: &past, levels: &levels, offset: offset(&past) };
        let mut harmonics = Harmonics::new();
        assert!(harmonics.refit_if_due(seen));
        let errors = (past.next()..past.next() + DAY / step).map(|i| {
            let said = harmonics.at(seen, Stretch::one(i)).map_or(f32::NAN, |said| said[0]);
            (f64::from(said) / load(second_of_week(&past, i) + step / 2) - 1.0).abs()
        });
        errors.fold(0.0, |most, error| if error > most || error.is_nan() { error } else { most })
    }

    /// 2026-06-01, a Monday.
    const MONDAY: i64 = 1_780_272_000;

    #[test]
    fn waves_are_found_at_any_step_and_in_zones_of_half_an_hour() {
        for (zone, step) in [
            (chrono_tz::UTC, 300),
            (chrono_tz::UTC, 60),
            (chrono_tz::UTC, 900),
            (chrono_tz::Asia::Kolkata, 300),
            (chrono_tz::Asia::Kathmandu, 300),
        ] {
            let most = off(zone, MONDAY, step, |_| true);
            // What the offset of the logarithm bends is no wave of those that are fitted.
            assert!(most < 0.02, "{zone} {step}: {most}");
        }
    }

    #[test]
    fn the_wall_clock_counts_after_it_was_changed() {
        // 2026-03-29, Berlin's day of 23 hours, three days ago.
        let most = off(chrono_tz::Europe::Berlin, 1_775_001_600, 300, |_| true);
        assert!(most < 0.04, "{most}");
    }

    #[test]
    fn an_hour_never_seen_is_that_of_other_days() {
        let most = off(chrono_tz::UTC, MONDAY, 300, |second| second / 3600 != 30);
        assert!(most < 0.05, "{most}");
    }

    #[test]
    fn many_at_once_are_what_they_are_one_by_one() {
        let waves = [[0.5, -0.25], [0.0, 0.125]];
        let all = series(&waves, &turns(1000.0, 300, DAY));
        for (k, seen) in all.into_iter().enumerate() {
            let x = TAU * (1000.0 + 300.0 * k as f64) / DAY as f64;
            let wanted = 0.5 * x.cos() - 0.25 * x.sin() + 0.125 * (2.0 * x).sin();
            assert!((f64::from(seen) - wanted).abs() < 1e-6, "{k}: {seen} {wanted}");
        }
    }
}
