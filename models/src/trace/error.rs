//! Why a trace cannot be read.

use chrono::TimeDelta;

/// Why a trace cannot be read. `line` counts from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// A row that is wrong.
    #[error("line {line}: {why}: {row:?}; {remedy}")]
    Row {
        /// Line in the file.
        line: usize,
        /// What is wrong.
        why: String,
        /// The row, cut to 80 characters.
        row: String,
        /// How to mend it.
        remedy: &'static str,
    },
    /// No row at all.
    #[error("there is no row in it; {FORM}")]
    Empty,
    /// One row has no step.
    #[error(
        "line {line} is its only row: one sample has no step; two are needed at least, for a forecast days of them"
    )]
    Single {
        /// Line in the file.
        line: usize,
    },
    /// Too short for what it is wanted for.
    #[error(
        "{rows} samples over {} h are too few; {} are needed at least: {for_what}",
        span.num_hours(),
        days(*least)
    )]
    Short {
        /// Rows found.
        rows: usize,
        /// From the first sample to the end of the last.
        span: TimeDelta,
        /// Wanted.
        least: TimeDelta,
        /// What for.
        for_what: &'static str,
    },
    /// Nothing but zeros.
    #[error("all {rows} values are 0: there is no load to replay; check the second column")]
    Silent {
        /// Rows found.
        rows: usize,
    },
}

/// What a row looks like.
pub(super) const FORM: &str = "each row is timestamp_unix_seconds,value, for example 1772409600,1520.5";

fn days(span: TimeDelta) -> String {
    match span.num_days() {
        1 => "one day".to_owned(),
        2 => "two days".to_owned(),
        n => format!("{n} days"),
    }
}
