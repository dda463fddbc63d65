//! How many events may go out, and which of them belong together.

use super::reason::Weight;
use chrono::{DateTime, TimeDelta, Utc};

/// The same words within this time are only counted; then the count goes out.
pub(super) const WINDOW: TimeDelta = TimeDelta::minutes(6);
/// The same words within this time join the earlier Event as a series. The API server forgets an Event after an hour.
pub(super) const SERIES: TimeDelta = TimeDelta::minutes(50);
/// Ten a minute in the long run.
pub(super) const EVERY: TimeDelta = TimeDelta::seconds(6);
/// A burst that is let through: the first minute of a fleet's opt-in.
const BURST: i32 = 25;

/// A bucket that fills with one token every six seconds.
#[derive(Debug)]
pub(super) struct Bucket {
    tokens: i32,
    filled: DateTime<Utc>,
}

impl Bucket {
    /// A full bucket.
    pub(super) const fn new(now: DateTime<Utc>) -> Self {
        Self { tokens: BURST, filled: now }
    }

    /// Takes a token, if there is one for news of this weight: of 25, the last 5 are for what must be told, the 5 before them
    /// not for the ordinary course.
    pub(super) fn take(&mut self, now: DateTime<Utc>, weight: Weight) -> bool {
        let earned = now.signed_duration_since(self.filled).num_seconds() / EVERY.num_seconds();
        if earned > 0 {
            self.tokens = i32::try_from(earned).unwrap_or(BURST).saturating_add(self.tokens).min(BURST);
            self.filled = now;
        } else if earned < 0 {
            // The wall clock was set back: begin anew, without new tokens.
            self.filled = now;
        }
        let kept = match weight {
            Weight::Course => 10,
            Weight::Trouble => 5,
            Weight::Must => 0,
        };
        let some = self.tokens > kept;
        self.tokens -= i32::from(some);
        some
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Over any pattern of asking, no more than the burst and one every six seconds pass.
        #[test]
        fn ten_a_minute_in_the_long_run(gaps in proptest::collection::vec(0_i64..30, 1..400)) {
            let start = DateTime::UNIX_EPOCH;
            let mut bucket = Bucket::new(start);
            let (mut now, mut passed) = (start, 0);
            for gap in gaps {
                now += TimeDelta::seconds(gap);
                passed += i64::from(bucket.take(now, Weight::Must));
            }
            let allowed = i64::from(BURST) + (now - start).num_seconds() / EVERY.num_seconds();
            prop_assert!(passed <= allowed, "{} of {}", passed, allowed);
        }
    }

    #[test]
    fn an_empty_bucket_fills_again() {
        let start = DateTime::UNIX_EPOCH;
        let mut bucket = Bucket::new(start);
        for _ in 0..BURST {
            assert!(bucket.take(start, Weight::Must));
        }
        assert!(!bucket.take(start, Weight::Must));
        assert!(!bucket.take(start + TimeDelta::seconds(5), Weight::Must));
        assert!(bucket.take(start + TimeDelta::seconds(6), Weight::Must));
        assert!(!bucket.take(start - TimeDelta::hours(1), Weight::Must), "a clock set back gives nothing");
    }

    #[test]
    fn what_must_be_told_has_a_share_of_its_own() {
        let start = DateTime::UNIX_EPOCH;
        let mut bucket = Bucket::new(start);
        let mut passing = |weight| (0..100).filter(|_| bucket.take(start, weight)).count();
        let passed = [Weight::Course, Weight::Trouble, Weight::Must].map(&mut passing);
        assert_eq!(passed, [15, 5, 5]);
    }
}
