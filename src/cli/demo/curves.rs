//! A workload's days as sparklines, one scale for all curves of replicas.

use crate::cli::paint::Paint;
use crate::cli::{
    output,
    spark::{self, Ink},
};
use crate::simulated::replay::{COURSE_STEP, Course};
use chrono::{DateTime, TimeDelta, Utc};

/// Most characters of a sparkline: with label and range it stays below 80.
const WIDTH: usize = 48;
/// Values of a day.
const DAY: usize = (24 * 60 / COURSE_STEP.num_minutes()) as usize;
/// Values in a character: divisors of a day, so that every day is as wide.
const CHUNKS: [usize; 11] = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48];
/// Width of the labels.
const LABEL: usize = 16;

/// The curves, with a value every [`COURSE_STEP`].
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Curves {
    /// In the load's unit.
    pub load: Vec<f64>,
    /// The HPA alone.
    pub alone: Side,
    /// With floorcast.
    pub with: Side,
}

/// One replay's curves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Side {
    /// `spec.minReplicas`.
    pub floors: Vec<f64>,
    /// `spec.replicas`.
    pub replicas: Vec<f64>,
    /// Starved minutes.
    pub starved: Vec<u32>,
}

impl Side {
    fn of(course: &Course) -> Self {
        let numbers = |counts: &[u32]| counts.iter().copied().map(f64::from).collect();
        Self { floors: numbers(&course.floors), replicas: numbers(&course.replicas), starved: course.starved() }
    }
}

impl Curves {
    /// Of both replays of a workload.
    pub(super) fn of(alone: &Course, with: &Course) -> Self {
        Self { load: alone.load.clone(), alone: Side::of(alone), with: Side::of(with) }
    }

    /// The lines, without a heading.
    pub(super) fn lines(&self, start: DateTime<Utc>, ink: Ink, paint: Paint) -> String {
        let chunk = chunk(self.load.len());
        let both = [&self.alone, &self.with];
        let most = both.iter().flat_map(|s| s.replicas.iter().chain(&s.floors)).copied().fold(0.0, f64::max);
        let pen = Pen { chunk, most, ink, paint };
        let peak = self.load.iter().copied().fold(0.0, f64::max);
        let load = spark::scaled(&self.load, chunk, peak, ink);
        let mut text = days(start, self.load.len(), chunk);
        text += &row("load", &load, &format!("peak {} cores", output::load(peak)));
        text + &pen.side("HPA alone", &self.alone) + &pen.side("with floorcast", &self.with)
    }
}

/// How curves are drawn.
struct Pen {
    chunk: usize,
    most: f64,
    ink: Ink,
    paint: Paint,
}

impl Pen {
    fn side(&self, name: &str, side: &Side) -> String {
        let curve =
            |label, values: &[f64]| row(label, &spark::scaled(values, self.chunk, self.most, self.ink), &range(values));
        let marks: String = side.starved.chunks(self.chunk).map(mark).collect();
        let minutes: u32 = side.starved.iter().sum();
        let starved = format!("{marks:<width$}", width = self.load_width(side));
        let starved = row("  starved", &self.paint.bad(&starved), &format!("{minutes} min"));
        format!("{name}\n{}{}{starved}", curve("  replicas", &side.replicas), curve("  floor", &side.floors))
    }

    fn load_width(&self, side: &Side) -> usize {
        side.replicas.len().div_ceil(self.chunk)
    }
}

/// A character that holds starved minutes.
fn mark(minutes: &[u32]) -> char {
    if minutes.iter().any(|m| *m > 0) { '!' } else { ' ' }
}

fn row(label: &str, curve: &str, note: &str) -> String {
    format!("{label:<LABEL$}{curve}  {note}\n")
}

fn range(values: &[f64]) -> String {
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(0.0, f64::max);
    if lowest >= highest { format!("{highest}") } else { format!("{lowest} to {highest}") }
}

/// Values per character.
fn chunk(values: usize) -> usize {
    CHUNKS.into_iter().find(|chunk| values.div_ceil(*chunk) <= WIDTH).unwrap_or(DAY)
}

/// The date above the first character of each day, where it has room; nothing where not.
fn days(start: DateTime<Utc>, values: usize, chunk: usize) -> String {
    let width = DAY / chunk;
    let form = match width {
        11.. => "%a %-d %b",
        4..=10 => "%a",
        3 => "%-d",
        _ => return String::new(),
    };
    let day = |i: usize| (start + TimeDelta::days(i as i64)).format(form).to_string();
    let labels: Vec<String> = (0..values.div_ceil(DAY)).map(|i| format!("{:<width$}", day(i))).collect();
    format!("{:LABEL$}{}\n", "", labels.concat().trim_end())
}
