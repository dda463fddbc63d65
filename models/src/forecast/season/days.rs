//! Daily season: the median of the same time of day over the last seven days that are known.
//!
//! All there is in the first two weeks; later it follows what changed this week before the weekly bases notice.

use super::profile::{median, reach};
use crate::forecast::past::Past;

/// Days looked back on.
const DAYS: usize = 7;

/// The daily profile for sample `i`, from the day so many days before it; NaN with less than a day of history before it.
pub(super) fn at(past: &Past, i: i64, from: i64) -> f64 {
    let back = past.back_from(i);
    let mut seen = [0.0; DAYS];
    let mut n = 0;
    // The forecast may reach two days ahead: the first days back are then not known yet.
    for day in from..=DAYS as i64 + 2 {
        let value = past.around(back.days(day), reach(past));
        if !value.is_nan() && n < DAYS {
            seen[n] = value;
            n += 1;
        }
    }
    median(&mut seen[..n])
}
