//! Loads that repeat, so that the same one can be history in Prometheus, usage in the metrics API and an
//! expectation in a test.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// A hump over a level that comes back again and again, with noise that is the same at every asking.
#[derive(Debug, Clone, Copy)]
pub struct Humps {
    /// From the beginning of one hump to that of the next.
    pub every: TimeDelta,
    /// Load outside the hump.
    pub level: f64,
    /// Load at its top.
    pub peak: f64,
    /// When one of the humps begins.
    pub begins: DateTime<Utc>,
    /// From the level to the top, and from the top back.
    pub rise: Duration,
    /// Time at the top.
    pub lasts: Duration,
    /// Relative size of the noise, such as 0.03. It changes every minute.
    pub noise: f64,
}

impl Humps {
    /// The load at a time.
    pub fn at(&self, time: DateTime<Utc>) -> f64 {
        let since = (time - self.begins).as_seconds_f64().rem_euclid(self.every.as_seconds_f64());
        let (rise, lasts) = (self.rise.as_secs_f64().max(1e-9), self.lasts.as_secs_f64());
        let up = (since / rise).clamp(0.0, 1.0);
        let down = ((since - rise - lasts) / rise).clamp(0.0, 1.0);
        let load = self.level + (self.peak - self.level) * (smooth(up) - smooth(down));
        load * (1.0 + self.noise * noise(time.timestamp().div_euclid(60)))
    }
}

/// An S from 0 to 1 without corners.
fn smooth(x: f64) -> f64 {
    x * x * (3.0 - 2.0 * x)
}

/// A fixed pseudo-random number between −1 and 1 for each minute (the finaliser of splitmix64).
fn noise(minute: i64) -> f64 {
    let mut x = minute.cast_unsigned().wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^= x >> 31;
    (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_hump_begins_lasts_and_repeats() {
        let begins = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let minute = Duration::from_mins(1);
        let humps = Humps {
            every: TimeDelta::days(1),
            level: 1.0,
            peak: 5.0,
            begins,
            rise: 2 * minute,
            lasts: 10 * minute,
            noise: 0.0,
        };
        assert_eq!(humps.at(begins), 1.0);
        assert_eq!(humps.at(begins + TimeDelta::minutes(1)), 3.0);
        assert_eq!(humps.at(begins + TimeDelta::minutes(2)), 5.0);
        assert_eq!(humps.at(begins + TimeDelta::minutes(12)), 5.0);
        assert_eq!(humps.at(begins + TimeDelta::minutes(14)), 1.0);
        assert_eq!(humps.at(begins - TimeDelta::days(27) + TimeDelta::minutes(5)), 5.0);
        assert_eq!(humps.at(begins - TimeDelta::minutes(1)), 1.0);
    }

    #[test]
    fn noise_is_bounded_and_repeatable() {
        let values: Vec<f64> = (0..10_000).map(noise).collect();
        assert!(values.iter().all(|v| v.abs() <= 1.0));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.03, "{mean}");
        assert_eq!(noise(42), noise(42));
    }
}
