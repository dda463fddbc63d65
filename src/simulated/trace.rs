//! Load traces: CSV with `#` header lines, then `timestamp_unix_seconds,value`; a missing sample is an absent row.

use chrono::{DateTime, TimeDelta, Utc};

/// A load as it was measured; stamps mark the start of their interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    stamps: Vec<i64>,
    values: Vec<f64>,
    step: i64,
}

/// Why a trace cannot be read. `line` counts from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// A row that is wrong.
    #[error("line {line}: {why}: {row:?}; each row is timestamp_unix_seconds,value, for example 1772409600,1520.5")]
    Row {
        /// Line in the file.
        line: usize,
        /// What is wrong.
        why: &'static str,
        /// The row, cut to 80 characters.
        row: String,
    },
    /// Too few rows to know a step.
    #[error(
        "{rows} samples are no trace; at least two days of samples are needed, one day to learn from and one to replay"
    )]
    Short {
        /// Rows found.
        rows: usize,
    },
}

impl Trace {
    /// Reads a trace.
    ///
    /// # Errors
    /// The first wrong row, with its line.
    pub fn parse(text: &str) -> Result<Self, TraceError> {
        let (mut stamps, mut values) = (Vec::new(), Vec::new());
        for (i, row) in text.lines().enumerate() {
            if row.trim().is_empty() || row.starts_with('#') {
                continue;
            }
            let wrong = |why| TraceError::Row { line: i + 1, why, row: row.chars().take(80).collect() };
            let (stamp, value) = row.split_once(',').ok_or_else(|| wrong("no comma"))?;
            let stamp: i64 = stamp.trim().parse().map_err(|_| wrong("the stamp is no whole number of seconds"))?;
            let value: f64 = value.trim().parse().map_err(|_| wrong("the value is no number"))?;
            if !value.is_finite() || value < 0.0 {
                return Err(wrong("a load is finite and not negative; leave the row out where nothing was measured"));
            }
            if stamps.last().is_some_and(|last| *last >= stamp) {
                return Err(wrong("stamps must rise"));
            }
            if DateTime::from_timestamp(stamp, 0).is_none() {
                return Err(wrong("the stamp is outside the calendar; milliseconds instead of seconds?"));
            }
            stamps.push(stamp);
            values.push(value);
        }
        let steps = stamps.windows(2).map(|w| w[1] - w[0]);
        let Some(step) = steps.min() else { return Err(TraceError::Short { rows: stamps.len() }) };
        let trace = Self { stamps, values, step };
        if trace.end() - trace.start() < TimeDelta::days(2) {
            return Err(TraceError::Short { rows: trace.stamps.len() });
        }
        Ok(trace)
    }

    /// The first stamp.
    pub fn start(&self) -> DateTime<Utc> {
        self.stamps.first().and_then(|s| DateTime::from_timestamp(*s, 0)).unwrap_or_default()
    }

    /// The end of the last interval.
    pub fn end(&self) -> DateTime<Utc> {
        self.stamps.last().and_then(|s| DateTime::from_timestamp(s + self.step, 0)).unwrap_or_default()
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
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn rows_are_intervals_and_gaps_are_no_zero() {
        let mut text = "# requests per second\n".to_owned();
        for hour in (0..72).filter(|h| *h != 10) {
            writeln!(text, "{},{}", 1_772_409_600 + hour * 3600, hour + 1).unwrap();
        }
        let trace = Trace::parse(&text).unwrap();
        let at = |s: i64| trace.at(DateTime::from_timestamp(1_772_409_600 + s, 0).unwrap());
        assert_eq!(at(3599), Some(1.0));
        assert_eq!(at(3600), Some(2.0));
        assert_eq!(at(10 * 3600 + 5), None);
        assert_eq!(at(-1), None);
        assert_eq!(trace.peak(), 72.0);
    }

    #[test]
    fn each_wrong_row_is_named() {
        for (row, why) in [
            ("1772409600", "no comma"),
            ("noon,1", "whole number"),
            ("1772409600,many", "no number"),
            ("1772409600,-1", "not negative"),
            ("1772409600,NaN", "not negative"),
            ("1772409600,1\n1772409600,2", "must rise"),
            ("99999999999999,1", "milliseconds"),
        ] {
            let error = Trace::parse(&format!("# x\n{row}\n")).unwrap_err().to_string();
            assert!(error.starts_with("line ") && error.contains(why), "{row}: {error}");
        }
        assert_eq!(Trace::parse("# nothing\n"), Err(TraceError::Short { rows: 0 }));
    }
}
