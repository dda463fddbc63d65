//! Slot by slot: the last fortnight's days at exactly the same minute, no neighbour taken in.
//!
//! What cron starts comes at fixed minutes; a base that smooths over neighbours spreads it out. Every day speaks, each
//! counting 0.85 of the day after it, the same weekday of last week and of the week before with 1.5 more.

use super::{Seen, Weighted};

/// Days looked back on.
const DAYS: i64 = 14;
/// Weight of a day relative to the one after it.
const FADE: f64 = 0.85;
/// What the same weekday counts more.
const SAME_WEEKDAY: f64 = 1.5;

/// The slot's mean for sample `i`, from the day so many days before it; NaN with less than a day of history.
pub(super) fn at(seen: Seen<'_>, i: i64, from: i64) -> f64 {
    let back = seen.past.back_from(i);
    let (mut mean, mut weight) = (Weighted::default(), 1.0);
    for day in from..=DAYS {
        let more = if day % 7 == 0 { SAME_WEEKDAY } else { 0.0 };
        let load = f64::from(seen.past.bridged(back.days(day)));
        mean.add(seen.log(load), weight + more);
        weight *= FADE;
    }
    seen.load(mean.mean())
}
