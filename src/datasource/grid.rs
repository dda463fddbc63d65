//! Ranges on the grid of a step: aligned, cut into requests, and points put back in their places.

use super::error::Fault;
use super::settings::Limits;
use chrono::{DateTime, TimeDelta, Utc};

/// Evaluations of one request: `first`, `first + step`, … `last`, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// A range on its grid. The sample of the interval `[t, t + step)` is the evaluation at `t + step`: what `rate(…[step])`
/// says at that moment is about that interval, and a sample is there only after its interval has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    pub(crate) start: i64,
    pub(crate) step: i64,
    pub(crate) len: usize,
}

impl Grid {
    /// `[start, end)`, both rounded down to the step.
    pub(crate) fn new(start: DateTime<Utc>, end: DateTime<Utc>, step: TimeDelta) -> Result<Self, Fault> {
        let bad = |why: String| Fault::BadRange { why };
        let seconds = step.num_seconds();
        if seconds < 1 || TimeDelta::seconds(seconds) != step || seconds > 86_400 {
            return Err(bad(format!("a step of {} ms", step.num_milliseconds())));
        }
        let from = start.timestamp().div_euclid(seconds) * seconds;
        let to = end.timestamp().div_euclid(seconds) * seconds;
        let len = usize::try_from((to - from) / seconds).unwrap_or(0);
        if len == 0 {
            return Err(bad(format!(
                "{} to {} holds no whole step of {seconds} s",
                start.to_rfc3339(),
                end.to_rfc3339()
            )));
        }
        if len > floorcast_models::series::LONGEST {
            return Err(bad(format!(
                "{len} samples are more than the {} that are ever held",
                floorcast_models::series::LONGEST
            )));
        }
        Ok(Self { start: from, step: seconds, len })
    }

    /// Requests of at most `most` evaluations; each begins with the last evaluation of the one before it.
    pub(crate) fn chunks(&self, most: usize) -> Vec<Chunk> {
        let most = most.max(2);
        let at = |i: usize| self.start + (i as i64 + 1) * self.step;
        let mut chunks = Vec::new();
        let mut first = 0;
        loop {
            let last = (first + most - 1).min(self.len - 1);
            chunks.push(Chunk { first: at(first), last: at(last) });
            if last == self.len - 1 {
                return chunks;
            }
            first = last;
        }
    }

    /// Evaluations per request under these limits.
    pub(crate) fn per_request(&self, limits: &Limits) -> usize {
        let by_range = limits.longest_range.as_secs() as i64 / self.step;
        (limits.points_per_query as usize).min(usize::try_from(by_range).unwrap_or(usize::MAX)).max(2)
    }

    /// Place of the evaluation at `millis`, if it is one of this grid's.
    fn position(&self, millis: i64) -> Option<usize> {
        let step = self.step * 1000;
        let offset = millis - self.start * 1000 - step;
        // Servers write stamps with milliseconds; one of them is rounding.
        let nearest = (offset + step / 2).div_euclid(step);
        let off = (offset - nearest * step).abs();
        (off <= 1).then_some(nearest).and_then(|n| usize::try_from(n).ok()).filter(|n| *n < self.len)
    }

    /// Puts a chunk's points in their places; stamps outside the chunk or off the grid are refused, and where an earlier
    /// chunk has been already, the two must agree to 1 part in 1,000.
    pub(crate) fn place(&self, chunk: Chunk, points: &[(i64, f32)], into: &mut [f32]) -> Result<(), Fault> {
        for &(millis, value) in points {
            let stray = || Fault::Malformed {
                why: format!(
                    "a sample at {:.3}, which is not one of the asked times {} to {} every {} s",
                    millis as f64 / 1000.0,
                    chunk.first,
                    chunk.last,
                    self.step
                ),
            };
            if millis < chunk.first * 1000 - 1 || millis > chunk.last * 1000 + 1 {
                return Err(stray());
            }
            let place = self.position(millis).and_then(|i| into.get_mut(i)).ok_or_else(stray)?;
            if !place.is_nan() && !agree(*place, value) {
                let at = DateTime::from_timestamp_millis(millis).unwrap_or_default();
                return Err(Fault::Inconsistent { at, first: *place, second: value });
            }
            *place = value;
        }
        Ok(())
    }
}

/// The tolerance of `Series::merge`: sums in another order differ in their last digits, servers differ by more.
pub(crate) fn agree(a: f32, b: f32) -> bool {
    (a - b).abs() <= 1e-3 * a.abs().max(b.abs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn t(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn grid(from: i64, to: i64, step: i64) -> Grid {
        Grid::new(t(from), t(to), TimeDelta::seconds(step)).unwrap()
    }

    #[test]
    fn start_and_end_are_aligned_down() {
        assert_eq!(grid(301, 1201, 300), Grid { start: 300, step: 300, len: 3 });
        assert_eq!(grid(300, 1200, 300), Grid { start: 300, step: 300, len: 3 });
        assert_eq!(grid(-1, 300, 300), Grid { start: -300, step: 300, len: 2 });
        for (from, to, step) in [(0, 299, 300), (600, 300, 300), (0, 100, 0), (0, 100, -5), (0, i64::from(u32::MAX), 1)]
        {
            assert!(Grid::new(t(from), t(to), TimeDelta::seconds(step)).is_err(), "{from} {to} {step}");
        }
        assert!(Grid::new(t(0), t(100), TimeDelta::milliseconds(1500)).is_err());
    }

    #[test]
    fn two_weeks_of_minutes_are_three_requests() {
        let chunks = grid(0, 14 * 86_400, 60).chunks(10_000);
        assert_eq!(chunks.len(), 3);
        assert_eq!(chunks[0], Chunk { first: 60, last: 600_000 });
        assert_eq!(chunks[1].first, chunks[0].last);
        assert_eq!(chunks[2].last, 14 * 86_400);
    }

    #[test]
    fn points_find_their_places_and_strays_are_refused() {
        let grid = grid(0, 300, 60);
        let whole = grid.chunks(100)[0];
        let mut into = vec![f32::NAN; 5];
        grid.place(whole, &[(60_000, 1.0), (180_001, 3.0)], &mut into).unwrap();
        assert_eq!((into[0], into[2]), (1.0, 3.0));
        assert!(into[1].is_nan() && into[3].is_nan());
        for stray in [0, 30_000, 61_000, 360_000, 9_000_000_000_000] {
            let fault = grid.place(whole, &[(stray, 1.0)], &mut into).unwrap_err();
            assert_eq!(fault.as_str(), "malformed_response", "{stray}");
        }
    }

    #[test]
    fn overlaps_must_agree() {
        let grid = grid(0, 300, 60);
        let mut into = vec![f32::NAN; 5];
        let chunks = grid.chunks(3);
        grid.place(chunks[0], &[(180_000, 100.0)], &mut into).unwrap();
        grid.place(chunks[1], &[(180_000, 100.05)], &mut into).unwrap();
        let fault = grid.place(chunks[1], &[(180_000, 42.0)], &mut into).unwrap_err();
        assert_eq!(fault.as_str(), "inconsistent");
    }

    proptest! {
        #[test]
        fn chunks_cover_every_evaluation_within_their_bound(len in 1i64..50_000, step in 1i64..4000, most in 2usize..11_000) {
            let grid = grid(0, len * step, step);
            let chunks = grid.chunks(most);
            prop_assert_eq!(chunks[0].first, step);
            prop_assert_eq!(chunks[chunks.len() - 1].last, len * step);
            for pair in chunks.windows(2) {
                prop_assert_eq!(pair[0].last, pair[1].first);
            }
            for chunk in &chunks {
                prop_assert!((chunk.last - chunk.first) / step < most as i64);
                prop_assert_eq!(chunk.first % step, 0);
            }
        }
    }
}
