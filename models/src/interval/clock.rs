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

/// The usual size of errors by the minute of any hour, as multiples of the usual one. A burst comes at its minute however far ahead it
/// was forecast, so the nearest forecasts of a kind, of which there are most, speak for all others.
#[derive(Clone, Copy, Debug)]
pub struct Minutes {
    twelfths: ByClock<TWELFTHS>,
    memory: f32,
}

impl Minutes {
    /// Nothing seen; errors come every `step` seconds.
    pub fn new(step: i64) -> Self {
        Self { twelfths: ByClock::NONE, memory: memory(MEMORY_DAYS * DAY as f64 / step as f64 / twelfths(step) as f64) }
    }

    /// The multiple at `stamp` (seconds since the epoch).
    pub fn at(&self, stamp: i64) -> f64 {
        self.twelfths.at(twelfth(stamp)).believed(1.0, OWN_EVIDENCE)
    }

    /// Takes an error of so many times the usual size, realised at `stamp`.
    pub fn learn(&mut self, stamp: i64, multiple: f64) {
        if multiple.is_finite() {
            self.twelfths.push(twelfth(stamp), multiple, self.memory);
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

    #[test]
    fn samples_of_a_coarse_step_fall_into_few_twelfths() {
        assert_eq!([60, 300, 420, 600, 900, 1800, 3600, 86_400].map(twelfths), [12, 12, 12, 6, 4, 2, 1, 1]);
    }
}
