//! Recordings from CSV files.

use crate::asked::refuse;
use floorcast_models::trace::Trace;
use std::fs;

/// What a file of recordings holds.
pub(crate) const KIND: &str = "FILE.csv…, of rows timestamp_unix_seconds,value";

/// The recording in a file, and its name.
pub(crate) fn trace(file: &str) -> (&str, Trace) {
    let text = fs::read_to_string(file).unwrap_or_else(|why| refuse(&format!("{file}: {why}")));
    let trace = Trace::parse(&text).unwrap_or_else(|why| refuse(&format!("{file}: {why}")));
    (file.rsplit('/').next().unwrap_or(file).trim_end_matches(".csv"), trace)
}
