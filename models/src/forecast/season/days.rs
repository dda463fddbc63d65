//! Daily season: the median of the same time of day over the last seven days that are known.
//!
//! All there is in the first two weeks; later it follows what changed this week before the weekly bases notice. Where steps are short a
//! day says the mean of three neighbours.

use super::{SHORT, Seen, profile::median};
use crate::forecast::stretch::{LONGEST, Numbers, Stretch};
use std::array;

/// Days looked back on.
const DAYS: usize = 7;
/// The forecast may reach two days ahead: the first days back are then not known yet.
const FARTHEST: usize = DAYS + 2;

/// The daily profile for a stretch, from the day so many days before it; NaN with less than a day of history before it.
pub(super) fn at(seen: Seen<'_>, stretch: Stretch, from: i64) -> Option<Numbers> {
    let mut days = [[f32::NAN; LONGEST]; FARTHEST];
    let (mut read, reach) = (0, i64::from(seen.past.step() <= SHORT));
    for day in from..=FARTHEST as i64 {
        days[read] = seen.around(stretch, day, reach)?;
        read += 1;
        if read == DAYS && is_known(&days[..DAYS], stretch.len) {
            let newest = array::from_fn(|day| days[day]);
            return Some(medians(newest));
        }
    }
    Some(array::from_fn(|k| of_those_known(&days[..read], k)))
}

fn is_known(days: &[Numbers], len: usize) -> bool {
    days.iter().all(|day| day[..len].iter().all(|load| !load.is_nan()))
}

/// Median of the first seven that are known.
fn of_those_known(days: &[Numbers], k: usize) -> f32 {
    let (mut known, mut n) = ([0.0; DAYS], 0);
    for load in days.iter().map(|day| day[k]).filter(|load| !load.is_nan()).take(DAYS) {
        known[n] = load;
        n += 1;
    }
    median(&mut known[..n])
}

/// Medians of seven that are all known, by the exchanges of Paeth's network (*Graphics Gems*, 1990), for all samples at once.
fn medians(mut days: [Numbers; DAYS]) -> Numbers {
    const EXCHANGES: [(usize, usize); 13] =
        [(0, 5), (0, 3), (1, 6), (2, 4), (0, 1), (3, 5), (2, 6), (2, 3), (3, 6), (4, 5), (1, 4), (1, 3), (3, 4)];
    for (low, high) in EXCHANGES {
        let (lows, highs) = (days[low], days[high]);
        for (k, (a, b)) in lows.into_iter().zip(highs).enumerate() {
            (days[low][k], days[high][k]) = if a < b { (a, b) } else { (b, a) };
        }
    }
    days[DAYS / 2]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_network_finds_the_middle_one(days in prop::array::uniform7(0.0_f32..10.0)) {
            let mut sorted = days;
            sorted.sort_unstable_by(f32::total_cmp);
            prop_assert_eq!(medians(days.map(|day| [day; LONGEST]))[0], sorted[3]);
        }
    }
}
