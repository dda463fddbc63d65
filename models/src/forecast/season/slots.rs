//! Slot by slot: the last fortnight's days at exactly the same minute, no neighbour taken in.
//!
//! What cron starts comes at fixed minutes; a base that smooths over neighbours spreads it out. Every day speaks, each
//! counting 0.85 of the day after it, the same weekday of last week and of the week before with 1.5 more.

use super::{Seen, Weighted};
use crate::forecast::stretch::{Numbers, Stretch};

/// Days looked back on.
const DAYS: i64 = 14;
/// Weight of a day relative to the one after it.
const FADE: f32 = 0.85;
/// What the same weekday counts more.
const SAME_WEEKDAY: f32 = 1.5;

/// The slots' means for a stretch, from the day so many days before it; NaN with less than a day of history.
pub(super) fn at(seen: Seen<'_>, stretch: Stretch, from: i64) -> Option<Numbers> {
    let (mut mean, mut weight) = (Weighted::default(), 1.0);
    for day in from..=DAYS {
        let more = if day % 7 == 0 { SAME_WEEKDAY } else { 0.0 };
        mean.add(seen.logs_around(stretch, day, 0)?, weight + more);
        weight *= FADE;
    }
    Some(seen.loads(mean.means()))
}
