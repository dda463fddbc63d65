//! How large errors usually are by the clock: by the hour of the day, and by the minute of any hour.
//!
//! Machines keep times of their own: jobs and their clients begin at the full hour, at the half, every ten minutes. What comes then is no
//! season of the day, and an hour's usual error would spread the five minutes of a burst over all sixty.

use super::Mean;
use crate::forecast::anchors::common_factor;

const HOUR: i64 = 3600;
/// Hours of a day.
pub(super) const DAY_HOURS: usize = 24;
/// Parts of an hour that are told apart: five minutes each, the usual step.
pub(super) const TWELFTHS: usize = 12;

/// When a target lies, as far as errors depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct When {
    /// Hour of the day, 0 to 23 by the wall clock; 0 where hours are not told apart.
    pub hour: usize,
    /// Twelfth of the hour, 0 to 11; 0 where they are not told apart.
    pub twelfth: usize,
}

impl When {
    /// The target at `stamp` (seconds since the epoch), within that hour of the day.
    pub fn new(stamp: i64, hour: usize) -> Self {
        Self { hour, twelfth: (stamp.rem_euclid(HOUR) * TWELFTHS as i64 / HOUR) as usize }
    }
}

/// How many twelfths of the hour targets fall into that lie so many seconds apart, in turn.
pub(super) fn twelfths(spacing: i64) -> i64 {
    (HOUR / common_factor(spacing, HOUR)).min(TWELFTHS as i64)
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
        let twelfth = |stamp| When::new(stamp, 7).twelfth;
        assert_eq!([0, 299, 300, 3599, 3600, -1].map(twelfth), [0, 0, 1, 11, 0, 11]);
        assert_eq!(When::new(5, 7).hour, 7);
    }

    #[test]
    fn targets_of_a_coarse_step_fall_into_few_twelfths_and_far_ones_into_all_in_turn() {
        let all = [60, 300, 420, 600, 900, 1800, 2100, 3600, 86_400].map(twelfths);
        assert_eq!(all, [12, 12, 12, 6, 4, 2, 12, 1, 1]);
    }
}
