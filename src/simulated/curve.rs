//! A load as people make it: days, weekends, a steep morning, noise; a pure function of seed and time.

use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc, Weekday};

/// Shape of a load. The unit is the caller's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// Decides the noise, and nothing else.
    pub seed: u64,
    /// Load of the deepest night.
    pub night: f64,
    /// Load of the evening peak of a Tuesday.
    pub peak: f64,
    /// Standard deviation of the noise, as a share of the load.
    pub noise: f64,
    /// Hours by which the whole day is shifted.
    pub shift: f64,
}

/// Hour of the day and share of the peak: a night, a morning that comes within minutes, a lunch dip, an evening peak.
const DAY: [(f64, f64); 12] = [
    (0.0, 0.22),
    (2.0, 0.08),
    (4.0, 0.0),
    (6.5, 0.06),
    (8.0, 0.18),
    (8.2, 0.74),
    (10.5, 0.82),
    (12.5, 0.62),
    (15.0, 0.78),
    (18.5, 0.84),
    (19.2, 1.0),
    (21.0, 0.70),
];

impl Curve {
    /// The load at an instant.
    pub fn at(&self, time: DateTime<Utc>) -> f64 {
        let shifted = time + TimeDelta::seconds((self.shift * 3600.0) as i64);
        let hour = f64::from(shifted.num_seconds_from_midnight()) / 3600.0;
        let share = day(hour) * weekday(shifted.weekday());
        let level = self.night + (self.peak - self.night) * share;
        (level * (1.0 + self.noise * self.wobble(time))).max(0.0)
    }

    /// Noise of unit variance or so, continuous: five-minute and one-hour swings.
    fn wobble(&self, time: DateTime<Utc>) -> f64 {
        let swing = |seconds: f64, salt: u64| {
            let at = time.timestamp() as f64 / seconds;
            let (left, share) = (at.floor(), at.fract());
            let value = |i: f64| unit(self.seed ^ salt, i as i64);
            value(left) * (1.0 - share) + value(left + 1.0) * share
        };
        swing(300.0, 0x51) + swing(3600.0, 0xa7)
    }
}

fn day(hour: f64) -> f64 {
    let next = DAY.iter().position(|(h, _)| *h > hour);
    let (from, to) = match next {
        Some(i) => (DAY[i.max(1) - 1], DAY[i]),
        None => (DAY[DAY.len() - 1], (24.0, DAY[0].1)),
    };
    from.1 + (to.1 - from.1) * (hour - from.0) / (to.0 - from.0)
}

fn weekday(day: Weekday) -> f64 {
    match day {
        Weekday::Mon | Weekday::Fri => 0.96,
        Weekday::Sat => 0.55,
        Weekday::Sun => 0.48,
        _ => 1.0,
    }
}

/// A number in [−1.2, 1.2] that depends on seed and position alone (`SplitMix64`, Steele et al. 2014).
fn unit(seed: u64, position: i64) -> f64 {
    let mut x = seed.wrapping_add((position as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    let share = ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64;
    2.4 * share - 1.2
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn curve(seed: u64) -> Curve {
        Curve { seed, night: 10.0, peak: 100.0, noise: 0.03, shift: 0.0 }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn the_evening_is_high_the_night_low_and_sunday_quiet() {
        let curve = curve(1);
        let evening = curve.at(at("2026-03-03T19:12:00Z"));
        assert!((90.0..110.0).contains(&evening), "{evening}");
        assert!(curve.at(at("2026-03-03T04:00:00Z")) < 12.0);
        assert!(curve.at(at("2026-03-08T19:12:00Z")) < 0.6 * evening);
    }

    #[test]
    fn the_seed_decides_the_noise() {
        let noon = at("2026-03-03T12:00:00Z");
        assert_eq!(curve(1).at(noon), curve(1).at(noon));
        assert_ne!(curve(1).at(noon), curve(2).at(noon));
    }

    #[test]
    fn the_load_is_never_negative_nor_jumps() {
        let loud = Curve { noise: 2.0, ..curve(3) };
        let start = at("2026-03-02T00:00:00Z");
        for minute in 0..7 * 1440 {
            assert!(loud.at(start + TimeDelta::minutes(minute)) >= 0.0);
        }
    }
}
