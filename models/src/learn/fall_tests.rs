//! A load that falls below its season is expected back for an hour or more; one that was above it is not.

use super::*;

pub(super) const PER_DAY: usize = 288;
const FROM: usize = 21 * PER_DAY + 10 * 12;

/// A smooth day around 100, Monday to Sunday.
pub(super) fn usual(i: usize) -> f64 {
    100.0 + 30.0 * (i as f64 / PER_DAY as f64 * std::f64::consts::TAU).sin()
}

/// Three weeks and ten hours of it.
fn learned() -> (Series, Learned) {
    let start = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
    let values = (0..FROM).map(|i| usual(i) as f32).collect();
    let series = Series::new(start, TimeDelta::minutes(5), values).unwrap();
    let how = Learning { lead: TimeDelta::minutes(15), ..Learning::default() };
    let learned = learn(&series, &how).unwrap();
    (series, learned)
}

/// The next upper quantile as a share of what is usual, after so many samples that are `factor` times usual, and then some as usual.
fn upper_after(factor: f64, samples: usize, then: usize) -> f64 {
    let (series, mut learned) = learned();
    let now = FROM + samples + then;
    for i in FROM..now {
        let factor = if i < FROM + samples { factor } else { 1.0 };
        learned.observe(series.time(i), Some(factor * usual(i)));
    }
    learned.forecast(series.time(now)).upper[0] / usual(now)
}

#[test]
fn a_load_that_fell_is_expected_back_within_the_hour() {
    for samples in [1, 3, 6, 10] {
        let upper = upper_after(0.5, samples, 0);
        assert!(upper > 0.97, "{samples} samples at half the load: {upper:.2}");
    }
}

/// Where a fall was never seen before, what is foreseen an hour ahead takes a while to learn that this one stays.
#[test]
fn what_lasts_is_believed_within_hours() {
    let upper = upper_after(0.5, 60, 0);
    assert!(upper < 0.6, "{upper:.2}");
}

/// Hours into a rise an hour ahead is foreseen as high, or higher.
#[test]
fn a_rise_that_is_over_is_not_remembered() {
    for samples in [24, 36, 60] {
        let upper = upper_after(1.5, samples, 3);
        assert!(upper < 1.15, "a quarter of an hour after {samples} samples at half as much again: {upper:.2}");
    }
}
