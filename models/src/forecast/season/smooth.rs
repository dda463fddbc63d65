//! Smoothed season for noisy loads: half-hour means of the same wall clock over the last weeks and days, in log space.
//!
//! Where single samples scatter by tens of percent, averaging neighbours in time lowers the error more than another week would
//! (a kernel smoother over the folded season).

use super::{Seen, Weighted, is_weekly_known};
use crate::forecast::past::WEEKS;

/// Weight of a week relative to the one after it.
const FADE_WEEK: f64 = 0.8;
/// Weight of a day, relative to that of a week, and its fading.
const DAY: f64 = 0.35;
const FADE_DAY: f64 = 0.7;
/// Reach of the half-hour mean on either side, in seconds.
const REACH: i64 = 1200;

/// The smoothed season for sample `i`; of days those from so many days before it.
pub(super) fn at(seen: Seen<'_>, i: i64, from: i64) -> f64 {
    let back = seen.past.back_from(i);
    let reach = (REACH / seen.past.step()).min(16);
    let mut mean = Weighted::default();
    if is_weekly_known(seen.past) {
        let mut weight = 1.0;
        for week in 1..=WEEKS {
            mean.add(seen.lifted(back.days(7 * week), reach), weight);
            weight *= FADE_WEEK;
        }
    }
    let mut weight = DAY;
    for day in 1..=6 {
        if day >= from {
            mean.add(seen.log_around(back.days(day), reach), weight);
        }
        weight *= FADE_DAY;
    }
    seen.load(mean.mean())
}
