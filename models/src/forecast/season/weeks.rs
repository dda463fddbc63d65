//! Weighted weeks in log space: the last weeks at the same wall clock, lifted to the present level, each counting 0.7 of the one
//! after it.
//!
//! Geometric weights are simple exponential smoothing per slot (Holt and Winters' seasonal factors); the logarithm makes
//! growth multiply the season instead of shifting it. `ln(y + 0.2·mean)` stays calm near zero.

use super::{Seen, Weighted};
use crate::forecast::{
    past::WEEKS,
    stretch::{Numbers, Stretch},
};

/// Weight of a week relative to the one after it.
const FADE: f32 = 0.7;

/// The weighted weeks for a stretch; NaN with less than one earlier week.
pub(super) fn at(seen: Seen<'_>, stretch: Stretch) -> Option<Numbers> {
    let (mut mean, mut weight) = (Weighted::default(), 1.0);
    for week in 1..=WEEKS {
        mean.add(seen.lifted(seen.around(stretch, 7 * week, 300 / seen.past.step())?, stretch, 7 * week)?, weight);
        weight *= FADE;
    }
    Some(seen.loads(mean.means()))
}
