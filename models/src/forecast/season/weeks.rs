//! Weighted weeks in log space: the last weeks at the same wall clock, each counting 0.7 of the one after it.
//!
//! Geometric weights are simple exponential smoothing per slot (Holt and Winters' seasonal factors); the logarithm makes
//! growth multiply the season instead of shifting it. `ln(y + 0.2·mean)` stays calm near zero.

use crate::forecast::past::{Past, WEEKS};

/// Weight of a week relative to the one after it.
const FADE: f64 = 0.7;

/// The weighted weeks for sample `i` in log space; NaN with less than two weeks of history.
pub(super) fn at(past: &Past, i: i64, offset: f64) -> f64 {
    let (mut sum, mut weights, mut weight) = (0.0, 0.0, 1.0);
    for week in 1..=WEEKS {
        let value = past.around(past.days_before(i, 7 * week), 300 / past.step());
        if !value.is_nan() {
            sum += weight * (value + offset).ln();
            weights += weight;
        }
        weight *= FADE;
    }
    sum / weights
}
