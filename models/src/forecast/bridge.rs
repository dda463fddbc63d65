//! What lies between the samples around one that is missing: a scrape that failed moves no season.

use super::past::Past;

/// So many missing in a row are bridged: more are a hole, which is filled once it is over.
pub(super) const LONGEST: i64 = 2;

impl Past {
    /// Sample `i` for learning; where it is missing from among samples that are there, what lies between them.
    pub fn bridged(&self, i: i64) -> f32 {
        let clean = self.clean(i);
        if clean.is_nan() { self.bridge(i) } else { clean }
    }

    /// What a hole was filled with, or what lies on the line between the samples nearest to one that is missing. NaN of a sample that is
    /// there, masked or not, and where too many are missing in a row.
    pub(super) fn bridge(&self, i: i64) -> f32 {
        if let Some(load) = self.filled(i) {
            return load;
        }
        if !self.raw(i).is_nan() {
            return f32::NAN;
        }
        let near = |side: i64| (1..=LONGEST).find(|k| !self.clean(i + side * k).is_nan());
        let (Some(before), Some(after)) = (near(-1), near(1)) else {
            return f32::NAN;
        };
        if before + after > LONGEST + 1 {
            return f32::NAN;
        }
        let share = before as f32 / (before + after) as f32;
        let (low, high) = (self.clean(i - before), self.clean(i + after));
        low + (high - low) * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{Calendar, DAY};

    const GONE: f32 = f32::NAN;

    fn past(loads: &[f32]) -> Past {
        let mut past = Past::new(300, 0, Calendar::new(chrono_tz::UTC, 0, DAY));
        for load in loads {
            past.push(*load, false);
        }
        past
    }

    #[test]
    fn what_is_missing_lies_on_the_line_between_its_neighbours() {
        let past = past(&[10.0, GONE, 20.0, GONE, GONE, 50.0]);
        let seen: Vec<f32> = (0..6).map(|i| past.bridged(i)).collect();
        assert_eq!(seen, [10.0, 15.0, 20.0, 30.0, 40.0, 50.0]);
    }

    #[test]
    fn an_outage_the_newest_samples_and_what_is_masked_are_not_bridged() {
        let mut past = past(&[10.0, GONE, GONE, GONE, 50.0, 60.0, 70.0, GONE]);
        past.set_masked(5, true);
        assert!([1, 2, 3, 5, 7].into_iter().all(|i| past.bridged(i).is_nan()));
    }

    #[test]
    fn a_mean_on_a_slope_stays_where_it_was() {
        let whole = past(&[10.0, 20.0, 30.0, 40.0, 50.0]);
        let gone = past(&[10.0, 20.0, 30.0, GONE, 50.0]);
        assert_eq!((whole.around(2, 1), gone.around(2, 1)), (30.0, 30.0));
        assert_eq!(gone.around(3, 0), 40.0);
    }
}
