//! Weighted weeks in log space: the last weeks at the same wall clock, lifted to the present level, each counting 0.7 of the one
//! after it.
//!
//! Geometric weights are simple exponential smoothing per slot (Holt and Winters' seasonal factors); the logarithm makes
//! growth multiply the season instead of shifting it. `ln(y + 0.2·mean)` stays calm near zero.

use super::{Seen, Weighted};
use crate::forecast::past::WEEKS;

/// Weight of a week relative to the one after it.
const FADE: f64 = 0.7;

/// The weighted weeks for sample `i`; NaN with less than one earlier week.
pub(super) fn at(seen: Seen<'_>, i: i64) -> f64 {
    let (mut mean, mut weight) = (Weighted::default(), 1.0);
    for week in 1..=WEEKS {
        mean.add(seen.lifted(seen.past.days_before(i, 7 * week), 300 / seen.past.step()), weight);
        weight *= FADE;
    }
    seen.load(mean.mean())
}
