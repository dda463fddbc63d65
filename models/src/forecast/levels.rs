//! The level of each day: what a week is divided by before it speaks about another week.
//!
//! A week of holidays, or the week before a launch, has the right shape at the wrong height. Classical decomposition takes the
//! height away with a moving average over the season (Kendall and Stuart); here it is the mean logarithm over seven days,
//! centred on the sample, kept by days so that one look-up costs O(1).

use super::{
    past::Past,
    stretch::{Numbers, Stretch},
};
use crate::calendar::DAY;
use std::array;

/// Days kept: four weeks, the half weeks around them, the day that is being filled, and one to come.
const KEPT: usize = 40;
/// Share of a day's samples from which its mean counts.
const ENOUGH: f32 = 0.25;

/// Mean logarithm of the load by day, and of the seven days around each day.
#[derive(Clone, Debug)]
pub struct Levels {
    per_day: i64,
    /// Number of the day being filled, counted from the epoch in days of samples.
    today: i64,
    /// Mean logarithm of each whole day, NaN where too few samples are known.
    days: [f32; KEPT],
    /// Sum and number of today's.
    open: (f32, f32),
    /// Mean over the seven days around each day, as far as they are known.
    around: [f32; KEPT],
    now: f32,
}

/// A shift that changes from one day's middle to the next one's.
#[derive(Clone, Copy, Debug)]
struct Line {
    shift: f32,
    /// Change in half a sample.
    slope: f32,
}

impl Line {
    fn at(self, half_samples: f32) -> f32 {
        self.shift + self.slope * half_samples
    }
}

impl Levels {
    /// Nothing seen.
    pub fn new(past: &Past) -> Self {
        let per_day = past.samples_in(DAY) as i64;
        Self {
            per_day,
            today: past.next().div_euclid(per_day),
            days: [f32::NAN; KEPT],
            open: (0.0, 0.0),
            around: [f32::NAN; KEPT],
            now: f32::NAN,
        }
    }

    /// Takes the logarithm of sample `i`, the newest; NaN is missing.
    pub fn push(&mut self, i: i64, log: f64) {
        let day = i.div_euclid(self.per_day);
        if day != self.today {
            self.turn(day);
        }
        if log.is_finite() {
            self.open.0 += log as f32;
            self.open.1 += 1.0;
        }
    }

    /// How far logarithms at the samples of a stretch of an earlier week have to be moved to stand at the present level; 0 if unknown.
    pub fn shifts(&self, stretch: Stretch) -> Numbers {
        // Between the middles of two days, so that no level jumps at midnight.
        let from = 2 * stretch.from - self.per_day;
        let (day, within) = (from.div_euclid(2 * self.per_day), from.rem_euclid(2 * self.per_day));
        let (here, next) = (self.line(day), self.line(day + 1));
        let (within, width) = (within as f32, (2 * self.per_day) as f32);
        array::from_fn(|k| {
            let within = within + 2.0 * k as f32;
            if within < width { here.at(within) } else { next.at(within - width) }
        })
    }

    /// The shift from the middle of a day on.
    fn line(&self, day: i64) -> Line {
        let (a, b) = (self.around[slot(day)], self.around[slot(day + 1)]);
        let (a, b) = (if a.is_nan() { b } else { a }, if b.is_nan() { a } else { b });
        let shift = self.now - a;
        if shift.is_nan() {
            return Line { shift: 0.0, slope: 0.0 };
        }
        Line { shift, slope: (a - b) / (2 * self.per_day) as f32 }
    }

    /// Midnight: the day that ended counts from now on.
    fn turn(&mut self, day: i64) {
        let (sum, n) = std::mem::take(&mut self.open);
        self.days[slot(self.today)] = if n > ENOUGH * self.per_day as f32 { sum / n } else { f32::NAN };
        for skipped in (self.today + 1..=day).rev().take(KEPT) {
            self.days[slot(skipped)] = f32::NAN;
            self.around[slot(skipped)] = f32::NAN;
        }
        let ended = self.today;
        self.today = day;
        self.now = self.mean(ended - 6, ended);
        for centre in ended - 3..=ended {
            self.around[slot(centre)] = self.mean(centre - 3, (centre + 3).min(ended));
        }
    }

    fn mean(&self, first: i64, last: i64) -> f32 {
        let days = (first..=last).map(|d| self.days[slot(d)]).filter(|mean| !mean.is_nan());
        let (sum, n) = days.fold((0.0, 0.0), |(sum, n), mean| (sum + mean, n + 1.0));
        sum / n
    }
}

fn slot(day: i64) -> usize {
    (day as u32 % KEPT as u32) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;

    fn shift(levels: &Levels, i: i64) -> f64 {
        f64::from(levels.shifts(Stretch::one(i))[0])
    }

    #[test]
    fn a_week_of_half_the_load_is_lifted_to_the_present() {
        let past = Past::new(3600, 0, Calendar::new(chrono_tz::UTC, 0, 90 * DAY));
        let mut levels = Levels::new(&past);
        assert_eq!(shift(&levels, 5), 0.0);
        for i in 0..28 * 24 {
            let load: f64 = if i < 14 * 24 { 50.0 } else { 100.0 };
            levels.push(i, load.ln());
        }
        levels.push(28 * 24, f64::NAN);
        assert!((shift(&levels, 7 * 24) - 2.0_f64.ln()).abs() < 1e-5);
        assert!(shift(&levels, 21 * 24).abs() < 1e-5);
        // In the middle of the change the seven days around are half of each.
        assert!((shift(&levels, 14 * 24) - 0.5 * 2.0_f64.ln()).abs() < 0.02);
    }
}
