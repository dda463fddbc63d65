//! The level of each day: what a week is divided by before it speaks about another week.
//!
//! A week of holidays, or the week before a launch, has the right shape at the wrong height. Classical decomposition takes the
//! height away with a moving average over the season (Kendall and Stuart); here it is the mean logarithm over seven days,
//! centred on the sample, kept by days so that one look-up costs O(1).

use super::past::Past;
use crate::calendar::DAY;

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

    /// How far a logarithm at sample `j` of an earlier week has to be moved to stand at the present level; 0 if unknown.
    pub fn shift(&self, j: i64) -> f64 {
        // Between the middles of two days, so that no level jumps at midnight.
        let from = 2 * j - self.per_day;
        let day = from.div_euclid(2 * self.per_day);
        let share = from.rem_euclid(2 * self.per_day) as f64 / (2 * self.per_day) as f64;
        let (a, b) = (f64::from(self.around[slot(day)]), f64::from(self.around[slot(day + 1)]));
        let then = if a.is_nan() {
            b
        } else if b.is_nan() {
            a
        } else {
            a + (b - a) * share
        };
        let shift = f64::from(self.now) - then;
        if shift.is_nan() { 0.0 } else { shift }
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

    #[test]
    fn a_week_of_half_the_load_is_lifted_to_the_present() {
        let past = Past::new(3600, 0, Calendar::new(chrono_tz::UTC, 0, 90 * DAY));
        let mut levels = Levels::new(&past);
        assert_eq!(levels.shift(5), 0.0);
        for i in 0..28 * 24 {
            let load: f64 = if i < 14 * 24 { 50.0 } else { 100.0 };
            levels.push(i, load.ln());
        }
        levels.push(28 * 24, f64::NAN);
        assert!((levels.shift(7 * 24) - 2.0_f64.ln()).abs() < 1e-5);
        assert!(levels.shift(21 * 24).abs() < 1e-5);
        // In the middle of the change the seven days around are half of each.
        assert!((levels.shift(14 * 24) - 0.5 * 2.0_f64.ln()).abs() < 0.02);
    }
}
