//! Up to an hour of samples in a row, looked back from all at once: neighbours share most of what is read, and what is done to one is
//! done to all, which makes it vector instructions.

use super::past::Past;
use std::array;

/// Most samples in a stretch.
pub const LONGEST: usize = 12;
/// Most samples on either side of one that are averaged, and most where steps are not short.
const FARTHEST: usize = 40;
const NEAR: usize = 10;

/// A number for each sample of a stretch, NaN where nothing is known; those behind a shorter stretch's end mean nothing.
pub type Numbers = [f32; LONGEST];

/// Samples in a row, an hour of them at most.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Number of the first.
    pub from: i64,
    /// How many, 1 to [`LONGEST`].
    pub len: usize,
}

impl Stretch {
    /// Sample `i` alone.
    pub const fn one(i: i64) -> Self {
        Self { from: i, len: 1 }
    }

    /// The samples, in order.
    pub fn samples(self) -> impl Iterator<Item = i64> {
        self.from..self.from + self.len as i64
    }
}

/// How many samples are looked ahead at a time: an hour, as far as it is no more than [`LONGEST`].
pub fn longest(step: i64) -> i64 {
    (3600 / step).clamp(1, LONGEST as i64)
}

impl Past {
    /// The stretch that shows the same wall clock `days` days earlier; `None` if that is no stretch: the clock was changed in between,
    /// or one day is a holiday.
    pub fn earlier(&self, stretch: Stretch, days: i64) -> Option<Stretch> {
        let from = self.days_before(stretch.from, days);
        if stretch.len == 1 || self.is_plain(stretch.from) {
            return Some(Stretch { from, ..stretch });
        }
        let more = stretch.len as i64 - 1;
        (self.days_before(stretch.from + more, days) == from + more).then_some(Stretch { from, ..stretch })
    }

    /// [`Past::around`] for each sample of a stretch; `reach` up to 40.
    pub fn around_each(&self, stretch: Stretch, reach: usize) -> Numbers {
        if reach <= NEAR {
            self.means_of::<{ LONGEST + 2 * NEAR }>(stretch, reach)
        } else {
            self.means_of::<{ LONGEST + 2 * FARTHEST }>(stretch, reach.min(FARTHEST))
        }
    }

    fn means_of<const ROOM: usize>(&self, stretch: Stretch, reach: usize) -> Numbers {
        let width = 2 * reach + 1;
        let (loads, complete) = self.bridged_each::<ROOM>(stretch.from - reach as i64, stretch.len + width - 1);
        if complete { means(&loads, width) } else { array::from_fn(|k| mean(&loads[k..k + width])) }
    }

    /// The middle one of each sample of a stretch and its two neighbours: what scatters is calmed, and what leaps at a fixed minute still does
    /// so from one sample to the next, where a mean would make a slope of it.
    pub fn middle_each(&self, stretch: Stretch) -> Numbers {
        let (loads, complete) = self.bridged_each::<{ LONGEST + 2 }>(stretch.from - 1, stretch.len + 2);
        if complete { middles(&loads) } else { array::from_fn(|k| middle_of_known(&loads[k..k + 3])) }
    }

    /// So many samples in a row, single missing ones bridged, and whether none is missing then.
    fn bridged_each<const ROOM: usize>(&self, from: i64, len: usize) -> ([f32; ROOM], bool) {
        let mut loads = [0.0; ROOM];
        let held = self.clean_each(from, &mut loads[..len]);
        if !is_any_missing(&loads) {
            return (loads, true);
        }
        let bridged = loads[held.clone()].iter_mut().zip(from + held.start as i64..);
        bridged.filter(|(load, _)| load.is_nan()).for_each(|(load, i)| *load = self.bridge(i));
        let complete = !is_any_missing(&loads);
        (loads, complete)
    }
}

/// Without a branch for each.
fn is_any_missing<const ROOM: usize>(loads: &[f32; ROOM]) -> bool {
    loads.iter().fold(false, |missing, load| missing | load.is_nan())
}

/// Means of so many loads in a row from each of the first on, all of them known.
fn means<const ROOM: usize>(loads: &[f32; ROOM], width: usize) -> Numbers {
    // Shares are added and not sums divided: no sum of loads is too large for its type.
    let share = 1.0 / width as f32;
    let mut means = [0.0; LONGEST];
    for from in 0..width {
        for (mean, load) in means.iter_mut().zip(&loads[from..from + LONGEST]) {
            *mean += load * share;
        }
    }
    means
}

/// Medians of three in a row from each of the first on, all of them known.
fn middles(loads: &[f32; LONGEST + 2]) -> Numbers {
    array::from_fn(|k| middle(loads[k], loads[k + 1], loads[k + 2]))
}

/// Without a branch, so that several are found at once; all are known.
fn middle(a: f32, b: f32, c: f32) -> f32 {
    let sorted = |a: f32, b: f32| if a < b { (a, b) } else { (b, a) };
    let (low, high) = sorted(a, b);
    let (below, _) = sorted(high, c);
    sorted(low, below).1
}

/// The same where some are missing: the one in the middle if it is there, else the mean of the others.
fn middle_of_known(loads: &[f32]) -> f32 {
    match loads {
        [a, b, c] if !(a + b + c).is_nan() => middle(*a, *b, *c),
        [_, b, _] if !b.is_nan() => *b,
        _ => mean(loads),
    }
}

/// Mean of what is known; NaN of nothing.
fn mean(loads: &[f32]) -> f32 {
    let known = loads.iter().filter(|load| !load.is_nan());
    let (sum, n) = known.fold((0.0, 0.0), |(sum, n), load| (sum + f64::from(*load), n + 1.0));
    (sum / n) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Calendar, DAY};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_at_once_is_one_by_one(
            loads in prop::collection::vec(prop_oneof![5 => 1.0_f32..1000.0, 1 => Just(f32::NAN)], 1..300),
            from in -50_i64..350, len in 1_usize..=LONGEST, reach in 0_usize..9, masked in 0_i64..600,
        ) {
            let mut past = Past::new(3600, 0, Calendar::new(chrono_tz::UTC, 0, DAY));
            for load in &loads {
                past.push(*load, false);
            }
            past.set_masked(masked, true);
            let stretch = Stretch { from, len };
            let all = past.around_each(stretch, reach);
            for (seen, i) in all.into_iter().zip(stretch.samples()) {
                let one = past.around(i, reach as i64) as f32;
                prop_assert!(seen.is_nan() == one.is_nan() && (seen.is_nan() || (seen / one - 1.0).abs() < 1e-6), "{} {}", seen, one);
            }
        }
    }

    proptest! {
        #[test]
        fn the_middle_of_three_is_what_sorting_finds(
            loads in prop::collection::vec(1.0_f32..1000.0, 30..60), from in 1_i64..10, len in 1_usize..=LONGEST,
        ) {
            let mut past = Past::new(3600, 0, Calendar::new(chrono_tz::UTC, 0, DAY));
            for load in &loads {
                past.push(*load, false);
            }
            let stretch = Stretch { from, len };
            for (seen, i) in past.middle_each(stretch).into_iter().zip(stretch.samples()) {
                let mut three = [i - 1, i, i + 1].map(|i| past.clean(i));
                three.sort_unstable_by(f32::total_cmp);
                prop_assert_eq!(seen, three[1]);
            }
        }
    }

    /// Four are missing from number 3 on, too many to be bridged.
    #[test]
    fn beside_a_hole_the_middle_one_is_the_sample_itself() {
        let mut past = Past::new(3600, 0, Calendar::new(chrono_tz::UTC, 0, DAY));
        for load in [1.0, 9.0, 5.0, f32::NAN, f32::NAN, f32::NAN, f32::NAN, 7.0, 2.0] {
            past.push(load, false);
        }
        let [one, two, three, _, _, six, seven, ..] = past.middle_each(Stretch { from: 1, len: 8 });
        assert_eq!((one, two, three), (5.0, 5.0, 5.0), "in between, at the hole's edge, and of one neighbour");
        assert_eq!((six, seven), (7.0, 7.0));
    }

    #[test]
    fn a_stretch_over_a_change_of_the_clock_is_none_a_day_earlier() {
        // 2026-03-29 01:00 UTC: Berlin's clock goes from 02:00 to 03:00.
        let change = 1_774_746_000;
        let calendar = Calendar::new(chrono_tz::Europe::Berlin, change - 40 * DAY, change + 40 * DAY);
        let past = Past::new(300, change / 300 - 9000, calendar);
        let earlier = |from: i64| past.earlier(Stretch { from, len: 12 }, 1).map(|s| from - s.from);
        assert_eq!(earlier(change / 300 - 12), Some(288));
        assert_eq!(earlier(change / 300 - 6), None);
        assert_eq!(earlier(change / 300), Some(276));
    }
}
