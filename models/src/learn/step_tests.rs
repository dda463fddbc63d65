//! A level that changed for good: what is said of a day ahead while the season still has the old one.

use super::*;

const PER_DAY: usize = 288;
/// Three weeks after a Monday, at midnight.
const CHANGED: usize = 21 * PER_DAY;

fn usual(i: usize) -> f64 {
    let hour = (i % PER_DAY) as f64 / 12.0;
    let x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let noise = (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
    (100.0 + 80.0 * (-(hour - 14.0).powi(2) / 32.0).exp()) * (1.0 + 0.05 * noise)
}

/// Forecasts made every three hours of the three days after the level became so many times the usual one, each for a day ahead, as
/// shares of what came.
fn shares(factor: f64) -> Vec<f64> {
    let start = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
    let series = Series::new(start, TimeDelta::minutes(5), (0..CHANGED).map(|i| usual(i) as f32).collect()).unwrap();
    let mut learned = learn(&series, &Learning { lead: TimeDelta::minutes(15), ..Learning::default() }).unwrap();
    let mut shares = Vec::new();
    for i in CHANGED..CHANGED + 3 * PER_DAY {
        learned.observe(series.time(i), Some(factor * usual(i)));
        if i % 36 == 35 {
            let forecast = learned.forecast(series.time(i + 1));
            shares.push(forecast.point[PER_DAY - 1] / (factor * usual(i + PER_DAY)));
        }
    }
    shares
}

/// For a day all that comes lies by the whole change off what was foreseen of it, which is a reason to follow the change, not to go beyond
/// it: without a bound a fall of two fifths was foreseen to nothing by the second noon.
#[test]
fn a_day_ahead_lies_between_the_old_level_and_the_new() {
    for factor in [0.5, 0.6, 0.8, 1.25, 1.67, 2.5] {
        let shares = shares(factor);
        let old = 1.0 / factor;
        // Yesterday already has the new level, and the change is counted once more while the day before lies by it off.
        let (least, most) = (0.85 * factor.min(old), 1.15 * factor.max(old));
        assert!(shares.iter().all(|share| (least..=most).contains(share)), "{factor}: {shares:.2?}");
    }
}

#[test]
fn within_two_days_it_is_the_new_level() {
    for factor in [0.6, 1.67] {
        let shares = shares(factor);
        assert!(shares[16..].iter().all(|share| (share - 1.0).abs() < 0.25), "{factor}: {shares:.2?}");
    }
}
