//! What is scored: the protocol, and a trace laid out by it.

use crate::{
    calendar::DAY,
    forecast::{anchors::Kind, part::Part},
    series::{Series, SeriesError},
    trace::Trace,
};
use chrono::TimeDelta;
use chrono_tz::Tz;
use std::ops::Range;

/// The step that the daemon works at unless the configuration says otherwise.
const USUAL_STEP: TimeDelta = TimeDelta::minutes(5);
/// Lead time of the replay that speaks of values, so that their figures do not hang on which maxima are asked for.
const VALUE_LEAD: TimeDelta = TimeDelta::minutes(15);
/// Longest lead time, and so the longest window whose maximum is forecast.
const LONGEST_LEAD: TimeDelta = TimeDelta::hours(2);
/// Furthest that is forecast.
const FURTHEST: TimeDelta = TimeDelta::hours(48);
/// What the reference looks back for: a week for its value, another for the errors of that.
const REFERENCE: TimeDelta = TimeDelta::days(15);

/// How a trace is scored.
#[derive(Clone, Debug, PartialEq)]
pub struct Protocol {
    /// Step of the forecasts; `None`: 5 min, or the trace's own where that is coarser.
    pub step: Option<TimeDelta>,
    /// Days at the end whose targets are scored; `None`: 7, or 4 where the trace has fewer than 24.
    pub days: Option<u32>,
    /// History before an origin that is learned from.
    pub history: TimeDelta,
    /// How far ahead; up to 2 h the maximum over this time is scored beside the value at its end.
    pub horizons: Vec<TimeDelta>,
    /// Only every so many-th step since 1970 is an origin: for comparisons with what cannot be asked at every step.
    pub every: u32,
    /// Quantile to be covered, 0.5 to 0.999.
    pub quantile: f64,
    /// The season's wall clock.
    pub zone: Tz,
    /// Parts of the forecast to do without, to measure what they are worth.
    pub without: &'static [Part],
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            step: None,
            days: None,
            history: TimeDelta::days(28),
            horizons: [15, 60, 240, 1440].map(TimeDelta::minutes).to_vec(),
            every: 1,
            quantile: 0.95,
            zone: Tz::UTC,
            without: &[],
        }
    }
}

/// What is forecast from an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The value of one step, or the maximum over the whole horizon.
    pub kind: Kind,
    /// As asked for.
    pub horizon: TimeDelta,
    /// Steps from the origin to the target's end: the horizon in steps, rounded up.
    pub ahead: usize,
    /// Steps in it: 1 for a value.
    pub len: usize,
}

/// The word of a kind of target in answers.
pub const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Value => "value",
        Kind::Maximum => "window_max",
    }
}

/// Why a trace cannot be scored by a protocol.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unscorable {
    /// Too short.
    #[error(
        "{have:.1} days are too few: {want:.1} are needed, a day to learn from, the longest horizon and the days to score; \
         ask for fewer days or a shorter horizon, or bring a longer trace"
    )]
    Short {
        /// Days from the first sample to the last.
        have: f64,
        /// Days wanted.
        want: f64,
    },
    /// The step asked for cannot be made of the trace's.
    #[error("{0}; ask for a step that is, or for none")]
    Step(SeriesError),
    /// More samples than are held.
    #[error(transparent)]
    Series(SeriesError),
    /// A horizon that is not forecast.
    #[error("a horizon of {} s: from 1 s to 48 h are forecast", .0.num_seconds())]
    Horizon(TimeDelta),
}

/// A trace laid out by a protocol.
#[derive(Clone, Debug)]
pub struct Span {
    series: Series,
    protocol: Protocol,
    scored: Range<usize>,
    first: usize,
    targets: Vec<Target>,
    leads: Vec<usize>,
}

impl Span {
    /// Lays a trace out.
    ///
    /// # Errors
    /// Where it is too short, or its step does not fit.
    pub fn new(trace: &Trace, protocol: &Protocol) -> Result<Self, Unscorable> {
        if let Some(wrong) = protocol.horizons.iter().find(|h| !(TimeDelta::seconds(1)..=FURTHEST).contains(*h)) {
            return Err(Unscorable::Horizon(*wrong));
        }
        let step = protocol.step.unwrap_or(USUAL_STEP.max(trace.step()));
        let whole = trace.end() - trace.start();
        let furthest = protocol.horizons.iter().max().copied().unwrap_or(step).max(step);
        let days = days(protocol, whole, furthest)?;
        let before = protocol.history.max(REFERENCE) + TimeDelta::days(1);
        let series = trace.series(trace.end() - days - furthest - before, step).map_err(unfit)?;
        let steps = |span: TimeDelta| (span.num_seconds() as u64).div_ceil(step.num_seconds() as u64) as usize;
        let scored = series.len().saturating_sub(steps(days))..series.len();
        let targets = targets(&protocol.horizons, steps);
        let mut leads = vec![steps(VALUE_LEAD)];
        for target in targets.iter().filter(|t| t.kind == Kind::Maximum) {
            if !leads.contains(&target.len) {
                leads.push(target.len);
            }
        }
        // The earliest origin from which a scored target is as far away as any is.
        let first = (scored.start + 1).saturating_sub(steps(furthest));
        Ok(Self { series, protocol: protocol.clone(), scored, first, targets, leads })
    }

    /// The samples, at the protocol's step; those that no origin can need are left out.
    pub fn series(&self) -> &Series {
        &self.series
    }

    /// As it was laid out.
    pub fn protocol(&self) -> &Protocol {
        &self.protocol
    }

    /// Numbers of the samples at which scored targets end.
    pub fn scored(&self) -> &Range<usize> {
        &self.scored
    }

    /// Every step of the replay: numbers of the first sample not yet seen.
    pub fn steps(&self) -> Range<usize> {
        self.first..self.series.len()
    }

    /// Whether a step is an origin, from which something is said.
    pub fn is_origin(&self, next: usize) -> bool {
        let number = self.series.time(next).timestamp() / self.series.step_seconds();
        number % i64::from(self.protocol.every.max(1)) == 0
    }

    /// What is scored, in order of the horizons: values, then maxima.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// Lead windows in steps, each a replay of its own: the lead time is part of what is learned.
    pub fn leads(&self) -> &[usize] {
        &self.leads
    }

    /// Numbers of the targets that the replay with this lead window speaks of; values are spoken of by the first.
    pub fn spoken(&self, lead: usize) -> impl Iterator<Item = usize> {
        let first = self.leads.first() == Some(&lead);
        let wanted = move |t: &Target| if t.kind == Kind::Value { first } else { t.len == lead };
        self.targets.iter().enumerate().filter(move |(_, t)| wanted(t)).map(|(i, _)| i)
    }

    /// Steps in a stretch of time.
    pub(super) fn count(&self, span: TimeDelta) -> usize {
        (span.num_seconds() / self.series.step_seconds()) as usize
    }
}

fn unfit(error: SeriesError) -> Unscorable {
    match error {
        SeriesError::Mismatch(_) => Unscorable::Step(error),
        _ => Unscorable::Series(error),
    }
}

fn days(protocol: &Protocol, whole: TimeDelta, furthest: TimeDelta) -> Result<TimeDelta, Unscorable> {
    // A day to learn from, and what lies between an origin and its target.
    let besides = TimeDelta::days(1) + furthest;
    let usual = if whole < TimeDelta::days(24) { 4 } else { 7 };
    let room = (whole - besides).num_days();
    let days = protocol.days.map_or_else(|| usual.min(room).max(1), i64::from);
    let want = besides + TimeDelta::days(days);
    if whole < want {
        let count = |span: TimeDelta| span.num_seconds() as f64 / DAY as f64;
        return Err(Unscorable::Short { have: count(whole), want: count(want) });
    }
    Ok(TimeDelta::days(days))
}

fn targets(horizons: &[TimeDelta], steps: impl Fn(TimeDelta) -> usize) -> Vec<Target> {
    let target = |kind, horizon: &TimeDelta| {
        let ahead = steps(*horizon).max(1);
        Target { kind, horizon: *horizon, ahead, len: if kind == Kind::Value { 1 } else { ahead } }
    };
    let values = horizons.iter().map(|h| target(Kind::Value, h));
    let maxima = horizons.iter().filter(|h| **h <= LONGEST_LEAD).map(|h| target(Kind::Maximum, h));
    values.chain(maxima).collect()
}
