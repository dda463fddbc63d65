//! The same time last week, with the quantile of its own recent errors: what everything else is measured against.

use super::protocol::{Span, Target};
use chrono::TimeDelta;

/// Its season, and the window of its errors.
const WEEK: TimeDelta = TimeDelta::weeks(1);

/// What came, and what the reference said, for every origin and target of a span.
#[derive(Clone, Debug)]
pub struct Reference {
    first: usize,
    targets: Vec<Row>,
    scale: Option<f64>,
}

/// One target's.
#[derive(Clone, Debug)]
struct Row {
    target: Target,
    /// Whether the trace reaches back a week before any scored target.
    known: bool,
    came: Vec<f64>,
    said: Vec<(f64, f64)>,
}

/// What came of a target, and what the reference had said of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The value, or the largest value of a window without a missing sample.
    pub came: f64,
    /// Median and quantile of the reference; `None` where the trace does not reach back a week.
    pub reference: Option<(f64, f64)>,
}

impl Reference {
    /// Of a span.
    pub fn new(span: &Span) -> Self {
        let rows = span.targets().iter().map(|target| row(span, *target));
        Self { first: span.steps().start, targets: rows.collect(), scale: scale(span) }
    }

    /// What came of a target from an origin; `None`: a sample is missing, here or a week before, or it is not scored.
    pub fn outcome(&self, next: usize, target: usize) -> Option<Outcome> {
        let row = &self.targets[target];
        let i = next - self.first;
        let came = row.came.get(i).copied().filter(|came| !came.is_nan())?;
        let reference = row.said[i];
        if row.known && reference.0.is_nan() {
            return None;
        }
        Some(Outcome { came, reference: row.known.then_some(reference) })
    }

    /// A target.
    pub fn target(&self, target: usize) -> Target {
        self.targets[target].target
    }

    /// Mean absolute error of the reference on plain values in the history before the scored days: the scale of MASE.
    pub fn scale(&self) -> Option<f64> {
        self.scale
    }
}

fn row(span: &Span, target: Target) -> Row {
    let week = span.count(WEEK);
    let largest = largest(span.series().values(), target.len);
    let last_week = |end: usize| end.checked_sub(week).map_or(f64::NAN, |end| largest[end]);
    let mut errors = Errors::new(span.steps().start, week, |end| largest[end] - last_week(end));
    let mut row = Row { target, known: false, came: Vec::new(), said: Vec::new() };
    for next in span.steps() {
        let end = next + target.ahead - 1;
        let scored = span.scored().contains(&end);
        row.came.push(if scored { largest[end] } else { f64::NAN });
        let point = if scored { last_week(end) } else { f64::NAN };
        row.known |= !point.is_nan();
        row.said.push((point, point + errors.quantile(span.protocol().quantile)));
        errors.advance();
    }
    row
}

/// The largest of the `len` samples that end at each; NaN where one of them is missing.
fn largest(values: &[f32], len: usize) -> Vec<f64> {
    let of = |end: usize| {
        let window = (end + 1).checked_sub(len).map(|from| &values[from..=end]);
        let whole = window.filter(|w| w.iter().all(|v| !v.is_nan()));
        whole.map_or(f64::NAN, |w| f64::from(w.iter().copied().fold(f32::NEG_INFINITY, f32::max)))
    };
    (0..values.len()).map(of).collect()
}

/// The errors of the last week before an origin, sorted.
struct Errors<F> {
    next: usize,
    week: usize,
    error: F,
    sorted: Vec<f64>,
}

impl<F: Fn(usize) -> f64> Errors<F> {
    fn new(next: usize, week: usize, error: F) -> Self {
        let mut sorted: Vec<f64> =
            (next.saturating_sub(week)..next).map(&error).filter(|e: &f64| !e.is_nan()).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        Self { next, week, error, sorted }
    }

    /// One origin on: the sample `next` has been seen, the one a week before it is too old.
    fn advance(&mut self) {
        let place = |sorted: &[f64], e: f64| sorted.partition_point(|s| s.total_cmp(&e).is_lt());
        if let Some(old) = self.next.checked_sub(self.week).map(&self.error).filter(|e| !e.is_nan()) {
            self.sorted.remove(place(&self.sorted, old));
        }
        let new = (self.error)(self.next);
        if !new.is_nan() {
            self.sorted.insert(place(&self.sorted, new), new);
        }
        self.next += 1;
    }

    /// 0 before there was an error.
    fn quantile(&self, level: f64) -> f64 {
        let n = self.sorted.len();
        let k = ((n as f64 * level) as usize).min(n.saturating_sub(1));
        self.sorted.get(k).copied().unwrap_or(0.0)
    }
}

fn scale(span: &Span) -> Option<f64> {
    let values = span.series().values();
    let week = span.count(WEEK);
    let end = span.scored().start;
    let from = end.saturating_sub(span.count(span.protocol().history)).max(week);
    let errors = (from..end).map(|i| f64::from((values[i] - values[i - week]).abs())).filter(|e| !e.is_nan());
    let (sum, n) = errors.fold((0.0, 0_u32), |(sum, n), e| (sum + e, n + 1));
    (n > 0 && sum > 0.0).then(|| sum / f64::from(n))
}
