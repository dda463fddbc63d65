//! Smoothed season for noisy loads: half-hour means of the same wall clock over the last weeks and days, in log space.
//!
//! Where single samples scatter by tens of percent, averaging neighbours in time lowers the error more than another week would
//! (a kernel smoother over the folded season).

use super::is_weekly_known;
use crate::forecast::past::{Past, WEEKS};

/// Weight of a week relative to the one after it.
const FADE_WEEK: f64 = 0.8;
/// Weight of a day, relative to that of a week, and its fading.
const DAY: f64 = 0.35;
const FADE_DAY: f64 = 0.7;
/// Reach of the half-hour mean on either side, in seconds.
const REACH: i64 = 1200;

/// The smoothed season for sample `i` in log space.
pub(super) fn at(past: &Past, i: i64, offset: f64) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    let mut add = |days: i64, weight: f64| {
        let value = past.around(past.days_before(i, days), (REACH / past.step()).min(16));
        if !value.is_nan() {
            sum += weight * (value + offset).ln();
            weights += weight;
        }
    };
    if is_weekly_known(past) {
        let mut weight = 1.0;
        for week in 1..=WEEKS {
            add(7 * week, weight);
            weight *= FADE_WEEK;
        }
    }
    let mut weight = DAY;
    for day in 1..=6 {
        add(day, weight);
        weight *= FADE_DAY;
    }
    sum / weights
}
