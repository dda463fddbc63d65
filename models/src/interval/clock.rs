//! How large errors usually are by the clock: by the hour of the day, and by the minute of any hour.
//!
//! Machines keep times of their own: jobs and their clients begin at the full hour, at the half, every ten minutes. What comes then is no
//! season of the day, and an hour's usual error would spread the five minutes of a burst over all sixty.

use super::{MEMORY_DAYS, Mean, OWN_EVIDENCE};
use crate::{calendar::DAY, forecast::anchors::common_factor};

const HOUR: i64 = 3600;
/// Hours of a day.
pub(super) const DAY_HOURS: usize = 24;
/// Parts of an hour that are told apart: five minutes each, the usual step.
const TWELFTHS: usize = 12;

/// When a target lies, as far as errors depend on it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct When {
    /// Hour of the day, 0 to 23 by the wall clock; 0 where hours are not told apart.
    pub hour: usize,
    /// The size of errors that is usual at that minute of an hour, as a multiple of the usual one; 1 where minutes are not told apart.
    pub minute: f64,
}

impl When {
    /// No hour and no minute is told from another.
    pub const ANY: Self = Self { hour: 0, minute: 1.0 };
}

/// An error counts as at most so many usual ones: one burst is no habit of its minute.
const MOST: f64 = 10.0;

/// The usual size of errors by the minute of any hour, as multiples of the usual one. A burst comes at its minute however far ahead it
/// was forecast, so the nearest forecasts of a kind, of which there are most, speak for all others.
#[derive(Clone, Copy, Debug)]
pub struct Minutes {
    twelfths: ByClock<TWELFTHS>,
    /// The mean of all of them, renewed with each error: it is asked for with every forecast.
    all: f32,
}

impl Minutes {
    /// Nothing seen.
    pub const NONE: Self = Self { twelfths: ByClock::NONE, all: 0.0 };

    /// The multiple at `stamp` (seconds since the epoch); 1 where all minutes are alike, whatever happened to all of them.
    pub fn at(&self, stamp: i64) -> f64 {
        let all = f64::from(self.all);
        let multiple = self.twelfths.at(twelfth(stamp)).believed(all, OWN_EVIDENCE) / all;
        if multiple.is_finite() { multiple } else { 1.0 }
    }

    /// Takes an error of so many times the usual size, realised at `stamp`; one comes every `step` seconds.
    pub fn learn(&mut self, stamp: i64, step: i64, multiple: f64) {
        if multiple.is_finite() {
            let memory = memory(MEMORY_DAYS * DAY as f64 / step as f64 / twelfths(step) as f64);
            self.twelfths.push(twelfth(stamp), multiple.min(MOST), memory);
            self.all = self.twelfths.mean();
        }
    }
}

fn twelfth(stamp: i64) -> usize {
    (stamp.rem_euclid(HOUR) * TWELFTHS as i64 / HOUR) as usize
}

/// How many twelfths of the hour samples fall into that lie so many seconds apart, in turn.
fn twelfths(step: i64) -> i64 {
    (HOUR / common_factor(step, HOUR)).min(TWELFTHS as i64)
}

/// So many errors remembered at one time of the clock: a whole number, and one that fits a byte.
pub(super) fn memory(errors: f64) -> f32 {
    errors.clamp(14.0, 255.0).floor() as f32
}

/// The usual size of errors at each of `N` times of a clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct ByClock<const N: usize> {
    values: [f32; N],
    seen: [u8; N],
}

impl<const N: usize> ByClock<N> {
    pub(super) const NONE: Self = Self { values: [0.0; N], seen: [0; N] };

    pub(super) fn at(&self, time: usize) -> Mean {
        Mean { value: self.values[time], seen: f32::from(self.seen[time]) }
    }

    /// Of all times; not a number where nothing was seen.
    fn mean(&self) -> f32 {
        let seen = self.seen.map(f32::from);
        let sum: f32 = self.values.iter().zip(seen).map(|(value, seen)| value * seen).sum();
        sum / seen.iter().sum::<f32>()
    }

    pub(super) fn push(&mut self, time: usize, size: f64, memory: f32) {
        let mut mean = self.at(time);
        mean.push(size, memory);
        (self.values[time], self.seen[time]) = (mean.value, mean.seen as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_twelfth_of_an_hour_is_that_of_the_stamp() {
        assert_eq!([0, 299, 300, 3599, 3600, -1].map(twelfth), [0, 0, 1, 11, 0, 11]);
    }

    /// Two weeks at 5 min, in which these errors are five usual ones.
    fn learned(five: impl Fn(i64) -> bool) -> Minutes {
        let mut minutes = Minutes::NONE;
        (0..14 * 288).for_each(|i| minutes.learn(300 * i, 300, if five(i) { 5.0 } else { 1.0 }));
        minutes
    }

    #[test]
    fn a_minute_of_bursts_is_told_from_the_others() {
        // The mean is (5 + 11) / 12 = 1.33; of a week's 168 errors of one twelfth 168 / (168 + 24) = 7/8 is believed.
        let minutes = learned(|i| i % 12 == 0);
        let [burst, calm] = [0, 1800].map(|stamp| minutes.at(stamp));
        assert!((burst - (0.875 * 5.0 / 1.333 + 0.125)).abs() < 0.05, "{burst}");
        assert!((calm - (0.875 / 1.333 + 0.125)).abs() < 0.01, "{calm}");
    }

    #[test]
    fn an_hour_that_is_wild_as_a_whole_makes_no_minute_differ() {
        let minutes = learned(|i| i % 288 / 12 == 9);
        assert!((0..12).all(|t| (minutes.at(300 * t) - 1.0).abs() < 0.02), "{minutes:?}");
    }

    #[test]
    fn one_error_however_large_is_no_habit() {
        let mut minutes = learned(|_| false);
        minutes.learn(0, 300, 1e9);
        assert!(minutes.at(0) < 1.1, "{}", minutes.at(0));
        minutes.learn(0, 300, f64::NAN);
        minutes.learn(0, 300, f64::INFINITY);
        assert!(minutes.at(0) < 1.1, "{}", minutes.at(0));
    }

    #[test]
    fn nothing_seen_tells_no_minute_from_another() {
        assert_eq!(Minutes::NONE.at(0), 1.0);
    }

    #[test]
    fn samples_of_a_coarse_step_fall_into_few_twelfths() {
        assert_eq!([60, 300, 420, 600, 900, 1800, 3600, 86_400].map(twelfths), [12, 12, 12, 6, 4, 2, 1, 1]);
    }
}
