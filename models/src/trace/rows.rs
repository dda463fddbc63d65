//! From text to rows, and from rows to their step.

use super::error::{FORM, TraceError};
use std::collections::BTreeMap;

/// Stamps that are seconds of a calendar: 1970 to 2199. Milliseconds of this century are far above.
const CALENDAR: std::ops::Range<i64> = 0..7_258_118_400;
/// Longest step in seconds.
const LONGEST_STEP: i64 = 86_400;
/// Equal distances of several steps in a row that no chance brings about: from here on the trace has another step.
const RUN: usize = 20;

const GAP: &str = "leave the row out where nothing was measured: a missing sample is an absent row";
const STAMP: &str = "a stamp is whole seconds since 1970 in UTC; comments begin with #";
const ORDER: &str = "sort the rows by their stamp, one row each";
const GRID: &str =
    "a trace has one step: bring it to one (means over the longest), or give each part a file of its own";

/// A sample and where it stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Row {
    /// Line in the file, from 1.
    pub line: usize,
    /// Start of its interval, seconds since 1970.
    pub stamp: i64,
    /// The load.
    pub value: f64,
}

/// What is wrong with a row, and how to mend it.
type Wrong = (String, &'static str);

fn wrong(why: &str, remedy: &'static str) -> Wrong {
    (why.to_owned(), remedy)
}

/// All rows of a text, stamps rising.
pub(super) fn read(text: &str) -> Result<Vec<Row>, TraceError> {
    let mut rows: Vec<Row> = Vec::new();
    let mut begun = false;
    // Spreadsheets begin UTF-8 with a byte order mark.
    for (i, text) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if text.trim().is_empty() || text.trim_start().starts_with('#') {
            continue;
        }
        let line = i + 1;
        let refused = |(why, remedy)| TraceError::Row { line, why, row: text.chars().take(80).collect(), remedy };
        if !std::mem::replace(&mut begun, true) && is_heading(text) {
            heading(text).map_err(refused)?;
            continue;
        }
        let (stamp, value) = sample(text).map_err(refused)?;
        follows(rows.last(), stamp).map_err(refused)?;
        rows.push(Row { line, stamp, value });
    }
    Ok(rows)
}

/// A cell as spreadsheets write it.
fn bare(cell: &str) -> &str {
    let cell = cell.trim();
    cell.strip_prefix('"').and_then(|c| c.strip_suffix('"')).unwrap_or(cell).trim()
}

/// Whether a first row names its columns: words only, no number among them.
fn is_heading(row: &str) -> bool {
    row.split([',', ';', '\t']).all(|cell| {
        let cell = bare(cell);
        cell.starts_with(char::is_alphabetic) && cell.parse::<f64>().is_err()
    })
}

fn heading(row: &str) -> Result<(), Wrong> {
    let cells: Vec<String> = row.split(',').map(|cell| bare(cell).to_lowercase()).collect();
    let is_time = |name: &str| ["time", "ts", "date", "stamp", "unix", "epoch"].iter().any(|t| name.starts_with(t));
    match &cells[..] {
        [stamp, value] if is_time(value) && !is_time(stamp) => Err(wrong("the columns are the wrong way round", FORM)),
        [_, _] => Ok(()),
        [_] => Err(wrong("no comma between the names of two columns", FORM)),
        _ => Err((format!("{} columns instead of two", cells.len()), FORM)),
    }
}

/// Stamp and value of a row.
fn sample(row: &str) -> Result<(i64, f64), Wrong> {
    let cells: Vec<&str> = row.splitn(4, ',').map(bare).collect();
    let [stamp, value] = cells[..] else {
        return Err(match cells.len() {
            1 => wrong("no comma", FORM),
            _ => wrong("more than two columns", FORM),
        });
    };
    Ok((instant(stamp)?, load(value)?))
}

/// Whole seconds; programs that know only floats write them with `.0`.
fn instant(text: &str) -> Result<i64, Wrong> {
    let whole = |seconds: f64| (seconds.fract() == 0.0 && seconds.abs() < 1e15).then_some(seconds as i64);
    let stamp = text.parse().ok().or_else(|| whole(text.parse().ok()?));
    let stamp = stamp.ok_or_else(|| wrong("the stamp is no whole number of seconds", STAMP))?;
    if CALENDAR.contains(&stamp) {
        return Ok(stamp);
    }
    let why = if stamp > 0 { "; milliseconds instead of seconds?" } else { "" };
    Err((format!("the stamp is outside the years 1970 to 2199{why}"), STAMP))
}

fn load(text: &str) -> Result<f64, Wrong> {
    if text.is_empty() {
        return Err(wrong("there is no value", GAP));
    }
    let value: f64 = text.parse().map_err(|_| wrong("the value is no number", GAP))?;
    match value {
        v if v.is_nan() => Err(wrong("the value is no number, and a load is one", GAP)),
        v if v.is_sign_negative() && v != 0.0 => Err(wrong("a load is not negative", GAP)),
        v if v > f64::from(f32::MAX) => Err(wrong("a load is finite and at most 3.4e38", GAP)),
        v => Ok(v),
    }
}

fn follows(last: Option<&Row>, stamp: i64) -> Result<(), Wrong> {
    match last {
        Some(last) if last.stamp == stamp => Err((format!("the stamp of line {} again", last.line), ORDER)),
        Some(last) if last.stamp > stamp => Err((format!("stamps must rise, line {} is later", last.line), ORDER)),
        _ => Ok(()),
    }
}

/// The step: the commonest distance of two rows. All others are multiples of it, and are gaps.
pub(super) fn step(rows: &[Row]) -> Result<i64, TraceError> {
    let distances = || rows.windows(2).map(|w| (w[1].stamp - w[0].stamp, w[1]));
    let mut seen = BTreeMap::new();
    for (distance, _) in distances() {
        *seen.entry(distance).or_insert(0_usize) += 1;
    }
    // The shorter of two that are as common.
    let Some(step) = seen.into_iter().min_by_key(|(distance, n)| (usize::MAX - n, *distance)).map(|(step, _)| step)
    else {
        return Err(rows.first().map_or(TraceError::Empty, |row| TraceError::Single { line: row.line }));
    };
    let refused = |row: Row, why| TraceError::Row {
        line: row.line,
        why,
        row: format!("{},{}", row.stamp, row.value),
        remedy: GRID,
    };
    let mut run = (0, 0);
    for (distance, row) in distances() {
        if step > LONGEST_STEP {
            return Err(refused(row, format!("{step} s from row to row; a step is at most a day")));
        }
        if distance % step != 0 {
            return Err(refused(row, format!("{distance} s after the row before, where the step is {step} s")));
        }
        run = if run.0 == distance { (distance, run.1 + 1) } else { (distance, 1) };
        if distance > step && run.1 == RUN {
            return Err(refused(row, format!("the step of {step} s has become {distance} s, for {RUN} rows by now")));
        }
    }
    Ok(step)
}
