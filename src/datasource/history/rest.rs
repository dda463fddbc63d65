//! A history between two looks: the models keep the same samples, so only what differs from theirs is kept here.
//!
//! Theirs are rounded to one part in two thousand, or kept here where they are rounded by more. So are the samples that wake; they
//! round to themselves from then on, and two answers of a datasource may differ by twice as much before they disagree.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::series::Series;

/// Share of the samples that may differ: beyond, 8 bytes for each that does are no saving worth the work (4 for each of all).
const DIFFERENT: usize = 8;

/// What the models' rounding may make of a sample: 2⁻¹¹ of it at most.
const ROUNDED: f32 = 1.0 / 2000.0;

/// Where the samples are, and those that the copy has otherwise: revised since it took them in, or forgotten by it.
#[derive(Clone, Debug)]
pub(super) struct Rest {
    start: DateTime<Utc>,
    step: TimeDelta,
    len: usize,
    different: Vec<(u32, f32)>,
}

impl Rest {
    /// What is left to keep of `series` beside `copy`; `None` where that is more than an eighth.
    pub(super) fn of(series: &Series, copy: impl Fn(DateTime<Utc>) -> f32) -> Option<Self> {
        let most = series.len() / DIFFERENT;
        let mut different = Vec::new();
        for (i, &value) in series.values().iter().enumerate() {
            if !is_same(value, copy(series.time(i))) {
                if different.len() == most {
                    return None;
                }
                different.push((u32::try_from(i).ok()?, value));
            }
        }
        different.shrink_to_fit();
        Some(Self { start: series.start(), step: series.step(), len: series.len(), different })
    }

    /// The series as it was, but for the rounding.
    pub(super) fn series(self, copy: impl Fn(DateTime<Utc>) -> f32) -> Option<Series> {
        let time = |i: usize| self.start + self.step * i32::try_from(i).unwrap_or(i32::MAX);
        let mut values: Vec<f32> = (0..self.len).map(|i| copy(time(i))).collect();
        for (i, value) in self.different {
            values[i as usize] = value;
        }
        Series::new(self.start, self.step, values).ok()
    }
}

fn is_same(a: f32, b: f32) -> bool {
    (a - b).abs() <= ROUNDED * a || a.is_nan() && b.is_nan()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use floorcast_models::learn::{Learned, Learning, learn};
    use proptest::prelude::*;

    fn at(i: usize) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 300 * i as i64, 0).unwrap()
    }

    fn series(values: Vec<f32>) -> Series {
        Series::new(at(0), TimeDelta::minutes(5), values).unwrap()
    }

    /// A day's curve with a gap, as a datasource tells it.
    fn load(i: usize) -> f32 {
        let hour = (i % 288) as f32 / 12.0;
        if i % 1000 == 7 { f32::NAN } else { 3.0 + hour * (24.0 - hour) / 20.0 + (i * 7919 % 100) as f32 / 300.0 }
    }

    fn learned(series: &Series) -> Learned {
        learn(series, &Learning::default()).unwrap()
    }

    #[test]
    fn four_weeks_rest_in_what_was_learned_of_them_and_wake_whole() {
        let whole = series((0..8064).map(load).collect());
        let mut learned = learned(&whole);
        let rest = Rest::of(&whole, |t| learned.sample(t)).unwrap();
        assert!(rest.different.is_empty(), "{:?}", rest.different);
        // What the models take in meanwhile moves nothing of it.
        learned.observe(at(8064), Some(5.0));
        let woken = rest.series(|t| learned.sample(t)).unwrap();
        assert_eq!((woken.start(), woken.len()), (whole.start(), whole.len()));
        assert!(woken.values().iter().zip(whole.values()).all(|(a, b)| is_same(*b, *a)));
    }

    #[test]
    fn what_was_learned_of_something_else_lets_nothing_rest() {
        let whole = series((0..8064).map(load).collect());
        let other = learned(&series((0..8064).map(|i| 0.8 * load(i)).collect()));
        assert!(Rest::of(&whole, |t| other.sample(t)).is_none());
    }

    proptest! {
        #[test]
        fn what_rests_wakes_as_it_was(
            values in prop::collection::vec(prop::option::weighted(0.9, 0.0f32..1e6), 16..200),
            revised in prop::collection::vec((0usize..200, prop::option::of(0.0f32..1e6)), 0..40),
        ) {
            let copy: Vec<f32> = values.iter().map(|v| v.unwrap_or(f32::NAN)).collect();
            let mut ours = copy.clone();
            for (i, value) in revised {
                if let Some(slot) = ours.get_mut(i) {
                    *slot = value.unwrap_or(f32::NAN);
                }
            }
            let read = |t: DateTime<Utc>| copy[((t - at(0)).num_minutes() / 5) as usize];
            let ours = series(ours);
            if let Some(rest) = Rest::of(&ours, read) {
                prop_assert!(rest.different.len() <= ours.len() / DIFFERENT);
                let woken = rest.series(read).unwrap();
                prop_assert_eq!((woken.start(), woken.len()), (ours.start(), ours.len()));
                prop_assert!(ours.values().iter().zip(woken.values()).all(|(a, b)| is_same(*a, *b)));
            }
        }
    }
}
