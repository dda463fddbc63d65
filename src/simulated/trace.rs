//! Load traces: CSV with `#` header lines, then `timestamp_unix_seconds,value`; a missing sample is an absent row.

use chrono::{DateTime, TimeDelta, Utc};

/// Stamps that are seconds of a calendar: 1970 to 2199. Milliseconds of this century are far above.
const CALENDAR: std::ops::Range<i64> = 0..7_258_118_400;

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
    /// Too short to learn from and to replay.
    #[error(
        "{rows} samples over {hours} h are too few; two days are needed at least: one to learn from, one to replay"
    )]
    Short {
        /// Rows found.
        rows: usize,
        /// Whole hours from the first to the last.
        hours: i64,
    },
    /// Nothing but zeros.
    #[error("all {rows} values are 0: there is no load to replay; check the second column")]
    Silent {
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
        let mut begun = false;
        // Spreadsheets begin UTF-8 with a byte order mark.
        for (i, row) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            if row.trim().is_empty() || row.starts_with('#') {
                continue;
            }
            if !std::mem::replace(&mut begun, true) && is_heading(row) {
                continue;
            }
            let (stamp, value) = sample(row)
                .and_then(|(stamp, value)| match stamps.last() {
                    Some(last) if *last >= stamp => Err("stamps must rise from row to row"),
                    _ => Ok((stamp, value)),
                })
                .map_err(|why| TraceError::Row { line: i + 1, why, row: row.chars().take(80).collect() })?;
            stamps.push(stamp);
            values.push(value);
        }
        let rows = stamps.len();
        let steps = stamps.windows(2).map(|w| w[1] - w[0]);
        let Some(step) = steps.min() else { return Err(TraceError::Short { rows, hours: 0 }) };
        let trace = Self { stamps, values, step };
        let span = trace.end() - trace.start();
        if span < TimeDelta::days(2) {
            return Err(TraceError::Short { rows, hours: span.num_hours() });
        }
        if trace.peak() <= 0.0 {
            return Err(TraceError::Silent { rows });
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

    /// The distance of two samples: the shortest found.
    pub fn step(&self) -> TimeDelta {
        TimeDelta::seconds(self.step)
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

/// Whether a first row names its columns: two words, no number in either.
fn is_heading(row: &str) -> bool {
    let named = |cell: &str| cell.trim().starts_with(|c: char| c.is_alphabetic()) && cell.parse::<f64>().is_err();
    row.split_once(',').is_some_and(|(stamp, value)| named(stamp) && named(value))
}

/// Stamp and value of a row.
fn sample(row: &str) -> Result<(i64, f64), &'static str> {
    let (stamp, value) = row.split_once(',').ok_or("no comma")?;
    let stamp: i64 =
        stamp.trim().parse().map_err(|_| "the stamp is no whole number of seconds; comments begin with #")?;
    let value: f64 = value.trim().parse().map_err(|_| "the value is no number")?;
    if !value.is_finite() || value < 0.0 {
        return Err("a load is finite and not negative; leave the row out where nothing was measured");
    }
    if !CALENDAR.contains(&stamp) {
        return Err("the stamp is outside the years 1970 to 2199; milliseconds instead of seconds?");
    }
    Ok((stamp, value))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    #[test]
    fn rows_are_intervals_and_gaps_are_no_zero() {
        let mut text = "# requests per second\ntimestamp_unix_seconds,value\n".to_owned();
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
            ("1772409600000,1", "milliseconds"),
            ("-60,1", "1970"),
            ("timestamp_unix_seconds,value\ntime,load", "comments begin with #"),
        ] {
            let error = Trace::parse(&format!("# x\n{row}\n")).unwrap_err().to_string();
            assert!(error.starts_with("line ") && error.contains(why), "{row}: {error}");
        }
        assert_eq!(Trace::parse("# nothing\n"), Err(TraceError::Short { rows: 0, hours: 0 }));
        assert_eq!(Trace::parse("0,1\n3600,2\n"), Err(TraceError::Short { rows: 2, hours: 2 }));
        assert_eq!(Trace::parse("0,0\n172800,0\n"), Err(TraceError::Silent { rows: 2 }));
        assert!(Trace::parse("\u{feff}0,1\r\n172800,2\r\n").is_ok());
    }
}
