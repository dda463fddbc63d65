//! Flash crowds: load that comes within a minute or two, that nobody announced and no season holds.

use crate::sim::{Load, Random};
use chrono::{DateTime, TimeDelta, Utc};

/// A load with one sudden crowd on it.
///
/// ```
/// use chrono::{DateTime, TimeDelta, Utc};
/// use floorcast_models::sim::{FlashCrowd, Load};
/// let begins = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
/// let crowd = FlashCrowd::new(|_: DateTime<Utc>| 10.0, begins, TimeDelta::minutes(20), 3.0);
/// assert_eq!(crowd.at(begins), 10.0);
/// assert_eq!(crowd.at(begins + TimeDelta::minutes(10)), 30.0);
/// ```
#[derive(Clone, Debug)]
pub struct FlashCrowd<L> {
    base: L,
    begins: DateTime<Utc>,
    /// Time of the rise, the stay and the fall.
    rise: TimeDelta,
    stays: TimeDelta,
    fall: TimeDelta,
    factor: f64,
}

impl<L: Load> FlashCrowd<L> {
    /// `factor` times the load, reached within a minute after `begins`, for as long as it stays, and gone within ten.
    pub fn new(base: L, begins: DateTime<Utc>, stays: TimeDelta, factor: f64) -> Self {
        Self { base, begins, rise: TimeDelta::minutes(1), stays, fall: TimeDelta::minutes(10), factor: factor.max(0.0) }
    }

    /// A crowd of 2 to 6 times the load, up within half a minute to three, for 5 to 45 minutes, somewhere in the time
    /// given: the same seed gives the same crowd.
    pub fn by_seed(base: L, seed: u64, from: DateTime<Utc>, within: TimeDelta) -> Self {
        let mut random = Random::of(seed, 0xf1a5);
        let mut span = |low: f64, high: f64| TimeDelta::milliseconds((random.between(low, high) * 1000.0) as i64);
        let begins = from + span(0.0, within.num_seconds().max(0) as f64);
        let (rise, stays, fall) = (span(30.0, 180.0), span(300.0, 2700.0), span(120.0, 1200.0));
        let factor = random.between(2.0, 6.0);
        Self { base, begins, rise, stays, fall, factor }
    }

    /// Its share at a moment: 0 before and after, 1 at its height.
    fn share(&self, t: DateTime<Utc>) -> f64 {
        let part = |of: TimeDelta, length: TimeDelta| of.as_seconds_f64() / length.as_seconds_f64().max(1e-3);
        let leaves = self.begins + self.rise + self.stays;
        part(t - self.begins, self.rise).min(1.0 - part(t - leaves, self.fall)).clamp(0.0, 1.0)
    }
}

impl<L: Load> Load for FlashCrowd<L> {
    fn at(&self, t: DateTime<Utc>) -> f64 {
        self.base.at(t) * (1.0 + (self.factor - 1.0) * self.share(t))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn flat(_: DateTime<Utc>) -> f64 {
        10.0
    }

    #[test]
    fn it_comes_stays_and_goes() {
        let crowd = FlashCrowd::new(flat, at(600), TimeDelta::minutes(20), 4.0);
        // Up over 60 s, there until 600 + 60 + 1200 = 1860, gone over 600 s.
        let seen = [0, 600, 630, 660, 1860, 2160, 2460, 9999].map(|second| crowd.at(at(second)));
        assert_eq!(seen, [10.0, 10.0, 25.0, 40.0, 40.0, 25.0, 10.0, 10.0]);
    }

    #[test]
    fn the_seed_decides() {
        let highest = |seed| {
            let crowd = FlashCrowd::by_seed(flat, seed, at(0), TimeDelta::hours(2));
            (0..14_400).map(|second| crowd.at(at(second))).fold(0.0, f64::max)
        };
        assert_eq!(highest(3), highest(3));
        for seed in 0..20 {
            assert!((20.0..60.0).contains(&highest(seed)), "seed {seed}: {}", highest(seed));
        }
    }
}
