//! Seasonal profile: the median of the same slot over the last four weeks, each week first lifted to the present level.
//!
//! Classical seasonal medians (Cleveland's STL replaces them by loess). The median of four weeks ignores one bad week, which
//! is why this base also judges what is an outage or a burst.

use super::Seen;
use crate::forecast::past::{Past, WEEKS};

/// The profile for sample `i`; NaN with less than one earlier week.
pub(super) fn at(seen: Seen<'_>, i: i64) -> f64 {
    let back = seen.past.back_from(i);
    let mut logs = [0.0; WEEKS as usize];
    let mut n = 0;
    for week in 1..=WEEKS {
        let log = seen.lifted(back.days(7 * week), reach(seen.past));
        if !log.is_nan() {
            logs[n] = log;
            n += 1;
        }
    }
    seen.load(median(&mut logs[..n]))
}

/// Neighbours taken in on either side: one, where the step is five minutes or less. More would blunt a sharp rise, and with a
/// lead of one step a rise blunted is a rise missed.
pub(super) fn reach(past: &Past) -> i64 {
    i64::from(past.step() <= 300)
}

/// Median; NaN of nothing.
pub(super) fn median(values: &mut [f64]) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => f64::NAN,
        _ if n % 2 == 1 => values[n / 2],
        _ => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
