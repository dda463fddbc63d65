//! Smoothed season for noisy loads: half-hour means of the same wall clock over the last weeks and days, in log space.
//!
//! Where single samples scatter by tens of percent, averaging neighbours in time lowers the error more than another week would
//! (a kernel smoother over the folded season).

use super::{Seen, Weighted, is_weekly_known};
use crate::forecast::{
    past::WEEKS,
    stretch::{Numbers, Stretch},
};

/// Weight of a week relative to the one after it.
const FADE_WEEK: f32 = 0.8;
/// Weight of a day, relative to that of a week, and its fading.
const DAY: f32 = 0.35;
const FADE_DAY: f32 = 0.7;
/// Reach of the half-hour mean on either side, in seconds.
const REACH: i64 = 1200;

/// The smoothed season for a stretch; of days those from so many days before it.
pub(super) fn at(seen: Seen<'_>, stretch: Stretch, from: i64) -> Option<Numbers> {
    let reach = (REACH / seen.past.step()).min(16);
    let mut mean = Weighted::default();
    if is_weekly_known(seen.past) {
        let mut weight = 1.0;
        for week in 1..=WEEKS {
            mean.add(seen.lifted(seen.around(stretch, 7 * week, reach)?, stretch, 7 * week)?, weight);
            weight *= FADE_WEEK;
        }
    }
    let mut weight = DAY;
    for day in 1..=6 {
        if day >= from {
            mean.add(seen.logs_around(stretch, day, reach)?, weight);
        }
        weight *= FADE_DAY;
    }
    Some(seen.loads(mean.means()))
}
