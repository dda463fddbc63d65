//! The replay: what would have been said at each origin.

use super::protocol::{Span, Target};
use crate::{
    calendar::DAY,
    forecast::{Choice, anchors::Kind},
    learn::{Learned, Learning, Unlearnable, learn},
    series::Series,
};
use chrono::TimeDelta;
use std::ops::ControlFlow;

/// A day is always forecast, as the daemon does, whatever is scored: figures must not hang on what else is asked for.
const LEAST_HORIZON: TimeDelta = TimeDelta::hours(24);

/// What was said of one target from one origin.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Said {
    /// Number of the target in [`Span::targets`].
    pub target: usize,
    /// Median.
    pub point: f64,
    /// The protocol's quantile.
    pub upper: f64,
}

/// Replays a model with one lead window over all origins of a span: learned anew at the first and at every midnight (UTC), fed
/// with each sample between. `each` hears at every step the number of the first sample not yet seen and what was said, which is
/// nothing where the step is no origin or nothing could be learned; it may end the replay.
pub fn replay(
    span: &Span,
    model: Choice,
    lead: usize,
    mut each: impl FnMut(usize, &[Said]) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let series = span.series();
    let how = learning(span, model, lead);
    let spoken: Vec<usize> = span.spoken(lead).collect();
    let mut learned: Option<Learned> = None;
    let mut said = Vec::with_capacity(spoken.len());
    for next in span.steps() {
        let newest = next.saturating_sub(1);
        if let Some(learned) = &mut learned {
            learned.observe(series.time(newest), series.at(series.time(newest)));
        }
        if learned.is_none() || series.time(next).timestamp() % DAY == 0 {
            // As the daemon does: where nothing can be learned nothing is said, until it can.
            learned = history(span, next).and_then(|history| learn(&history, &how).ok());
        }
        said.clear();
        if let Some(learned) = learned.as_ref().filter(|_| span.is_origin(next)) {
            said.extend(spoken.iter().map(|&i| speak(learned, span, next, i)));
        }
        each(next, &said)?;
    }
    ControlFlow::Continue(())
}

/// Why a model can say nothing at all at the end of a span, where nothing can be learned from the history before it.
pub fn unlearnable(span: &Span, model: Choice) -> Option<Unlearnable> {
    let lead = span.leads().first().copied().unwrap_or(1);
    learn(&history(span, span.steps().end)?, &learning(span, model, lead)).err()
}

fn learning(span: &Span, model: Choice, lead: usize) -> Learning {
    let protocol = span.protocol();
    Learning {
        model,
        quantile: protocol.quantile,
        lead: span.series().step() * i32::try_from(lead).unwrap_or(i32::MAX),
        zone: protocol.zone,
        horizon: protocol.horizons.iter().copied().max().unwrap_or(LEAST_HORIZON).max(LEAST_HORIZON),
        excluded: Vec::new(),
        holidays: Vec::new(),
        without: protocol.without,
    }
}

/// The samples before an origin, and no others.
fn history(span: &Span, next: usize) -> Option<Series> {
    let series = span.series();
    let from = next.saturating_sub(span.count(span.protocol().history));
    Series::new(series.time(from), series.step(), series.values()[from..next].to_vec()).ok()
}

fn speak(learned: &Learned, span: &Span, next: usize, target: usize) -> Said {
    let Target { kind, ahead, len, .. } = span.targets()[target];
    let (point, upper) = match kind {
        Kind::Value => learned.value_quantile(ahead - 1, span.protocol().quantile),
        // The window that begins at the origin: what the floor of this moment is made of.
        Kind::Maximum => {
            let forecast = learned.forecast(span.series().time(next));
            (learned.maximum_point(ahead - len), forecast.upper.first().copied().unwrap_or(f64::NAN))
        }
    };
    Said { target, point, upper }
}
