//! Load traces: CSV with `#` header lines, then `timestamp_unix_seconds,value`; a missing sample is an absent row.
//!
//! One reader for all who read traces. Whatever is not certain is refused with the line and the remedy: a row that is guessed
//! at would be a load that nobody had.

mod error;
mod rows;

pub use error::TraceError;

use crate::series::{LONGEST, Series, SeriesError};
use chrono::{DateTime, TimeDelta, Utc};

/// A load as it was measured; stamps mark the start of their interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    stamps: Vec<i64>,
    values: Vec<f64>,
    step: i64,
}

impl Trace {
    /// Reads a trace. Comments (`#`), empty lines, one heading, a byte order mark and CRLF are fine.
    ///
    /// ```
    /// let trace = floorcast_models::trace::Trace::parse("# requests/s\n0,10\n300,12\n900,11\n").unwrap();
    /// assert_eq!((trace.len(), trace.step().num_seconds()), (3, 300));
    /// ```
    ///
    /// # Errors
    /// The first wrong row, with its line; a file without a row or without a step.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let rows = rows::read(text)?;
        let step = rows::step(&rows)?;
        let (stamps, values) = rows.into_iter().map(|row| (row.stamp, row.value)).unzip();
        Ok(Self { stamps, values, step })
    }

    /// Rows that are there.
    pub fn len(&self) -> usize {
        self.stamps.len()
    }

    /// Never: a trace has two rows at least.
    pub fn is_empty(&self) -> bool {
        self.stamps.is_empty()
    }

    /// Distance of two samples where none is missing.
    pub fn step(&self) -> TimeDelta {
        TimeDelta::seconds(self.step)
    }

    /// The first stamp.
    pub fn start(&self) -> DateTime<Utc> {
        self.stamps.first().map_or(DateTime::UNIX_EPOCH, |s| instant(*s))
    }

    /// The end of the last interval.
    pub fn end(&self) -> DateTime<Utc> {
        self.stamps.last().map_or(DateTime::UNIX_EPOCH, |s| instant(s + self.step))
    }

    /// The highest value.
    pub fn peak(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max)
    }

    /// The value in whose interval `at` lies; `None` in a gap and outside.
    pub fn at(&self, at: DateTime<Utc>) -> Option<f64> {
        let i = self.stamps.partition_point(|s| *s <= at.timestamp()).checked_sub(1)?;
        (at.timestamp() - self.stamps[i] < self.step).then(|| self.values[i])
    }

    /// Whether it lasts as long as `least` and is a load at all, for those who replay it `for_what`.
    ///
    /// # Errors
    /// [`TraceError::Short`], [`TraceError::Silent`].
    pub fn lasting(self, least: TimeDelta, for_what: &'static str) -> Result<Self, TraceError> {
        let span = self.end() - self.start();
        if span < least {
            return Err(TraceError::Short { rows: self.len(), span, least, for_what });
        }
        if self.peak() <= 0.0 {
            return Err(TraceError::Silent { rows: self.len() });
        }
        Ok(self)
    }

    /// What was measured before `end`; `None` where that is less than the two rows of a trace.
    pub fn before(&self, end: DateTime<Utc>) -> Option<Self> {
        let kept = self.stamps.partition_point(|s| s + self.step <= end.timestamp());
        let (stamps, values) = (self.stamps.get(..kept)?.to_vec(), self.values.get(..kept)?.to_vec());
        (kept >= 2).then_some(Self { stamps, values, step: self.step })
    }

    /// Means over a step that is a multiple of the trace's, from the first sample at or after `from`. A mean of less than half
    /// of its samples is missing. Stamps that lie between two multiples of their step count as the multiple before.
    ///
    /// # Errors
    /// A step that is no multiple, or more samples than a series holds.
    pub fn series(&self, from: DateTime<Utc>, step: TimeDelta) -> Result<Series, SeriesError> {
        let coarse = step.num_seconds();
        if coarse < self.step || coarse % self.step != 0 {
            let why = format!("{coarse} s is not a multiple of the trace's step of {} s", self.step);
            return Err(SeriesError::Mismatch(why));
        }
        let first = self.stamps.partition_point(|s| *s < from.timestamp()).min(self.stamps.len() - 1);
        let bucket = |stamp: i64| stamp.div_euclid(coarse);
        let start = bucket(self.stamps[first]);
        let count = (bucket(self.stamps[self.stamps.len() - 1]) - start + 1) as usize;
        if count > LONGEST {
            return Err(SeriesError::TooLong(count));
        }
        let mut sums = vec![(0.0, 0_i64); count];
        for (stamp, value) in self.stamps[first..].iter().zip(&self.values[first..]) {
            let (sum, n) = &mut sums[(bucket(*stamp) - start) as usize];
            *sum += value;
            *n += 1;
        }
        let per = coarse / self.step;
        let mean = |(sum, n): (f64, i64)| if n > 0 && 2 * n >= per { (sum / n as f64) as f32 } else { f32::NAN };
        Series::new(instant(start * coarse), step, sums.into_iter().map(mean).collect())
    }
}

fn instant(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
