//! Seasonal profile: the median of the same slot over the last four weeks, each week first lifted to the present level.
//!
//! Where steps are short each week says the middle one of three neighbours (a running median of three; Tukey, *Exploratory Data Analysis*,
//! 1977). Their mean would blunt a sharp rise, and with a lead of one step a rise blunted is a rise missed.
//!
//! Classical seasonal medians (Cleveland's STL replaces them by loess). The median of four weeks ignores one bad week, which
//! is why this base also judges what is an outage or a burst.

use super::Seen;
use crate::forecast::{
    past::WEEKS,
    stretch::{LONGEST, Numbers, Stretch},
};
use std::array;

/// The profile for a stretch; NaN with less than one earlier week.
pub(super) fn at(seen: Seen<'_>, stretch: Stretch) -> Option<Numbers> {
    let mut weeks = [[f32::NAN; LONGEST]; WEEKS as usize];
    for (logs, week) in weeks.iter_mut().zip(1..) {
        *logs = seen.lifted(seen.middle(stretch, 7 * week)?, stretch, 7 * week)?;
    }
    Some(seen.loads(array::from_fn(|k| of_four(weeks.map(|logs| logs[k])))))
}

/// Median of those weeks that are known.
fn of_four(weeks: [f32; WEEKS as usize]) -> f32 {
    let [a, b, c, d] = weeks;
    if (a + b + c + d).is_nan() {
        let (mut known, mut weeks_known) = ([0.0; WEEKS as usize], 0);
        for log in weeks.into_iter().filter(|log| !log.is_nan()) {
            known[weeks_known] = log;
            weeks_known += 1;
        }
        return median(&mut known[..weeks_known]);
    }
    // Neither the least nor the most is the larger of two lows or the smaller of two highs.
    f32::midpoint(a.min(b).max(c.min(d)), a.max(b).min(c.max(d)))
}

/// Median; NaN of nothing.
pub(super) fn median(values: &mut [f32]) -> f32 {
    values.sort_unstable_by(f32::total_cmp);
    let n = values.len();
    match n {
        0 => f32::NAN,
        _ if n % 2 == 1 => values[n / 2],
        _ => f32::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}
