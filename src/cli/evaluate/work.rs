//! The replays, spread over the processors. Each is pure; which thread does which changes no figure.

use floorcast_models::{
    evaluate::{Reference, Score, Span, score, unlearnable},
    forecast::{Choice, anchors::Kind},
};
use std::{
    ops::ControlFlow,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

/// Origins between two messages to the progress bar.
const BATCH: u64 = 32;

/// A trace that is ready to be replayed.
#[derive(Clone, Debug)]
pub(super) struct Laid {
    /// As given.
    pub name: String,
    /// Laid out by the protocol.
    pub span: Span,
    /// What came, and the reference.
    pub reference: Reference,
}

/// One replay: a trace, a model, a lead window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Job {
    trace: usize,
    model: Choice,
    lead: usize,
}

/// What came of one.
#[derive(Clone, Debug)]
pub(super) struct Scored {
    /// Number of the trace.
    pub trace: usize,
    /// The model.
    pub model: Choice,
    /// Of each target that was spoken of.
    pub scores: Vec<Score>,
}

impl Laid {
    pub(super) fn new(file: &Path, span: Span) -> Self {
        Self { name: file.display().to_string(), reference: Reference::new(&span), span }
    }

    /// What a person should know before reading the figures.
    pub(super) fn notes(&self) -> Vec<String> {
        let step = self.span.series().step_seconds();
        let targets =
            self.span.targets().iter().filter(|t| t.kind == Kind::Value && t.horizon.num_seconds() % step != 0);
        let rounded: Vec<String> = targets
            .map(|t| {
                let asked = super::answer::span(t.horizon);
                format!("{asked} counts as {}", super::answer::span(self.span.series().step() * t.ahead as i32))
            })
            .collect();
        let mut notes = Vec::new();
        if !rounded.is_empty() {
            notes.push(format!("{}: its step is {step} s, so {}", self.name, rounded.join(", ")));
        }
        if self.reference.scores(&self.span).iter().all(|s| s.n == 0) {
            let scored = self.span.scored().len() as i64 * step / 86_400;
            notes.push(format!(
                "{}: no week lies before the {scored} days scored, so nothing is relative to last week; a longer trace, and \
                 from 8 days on fewer --days, would have it",
                self.name
            ));
        }
        notes
    }
}

/// Of traces on which no model said anything that could be scored: why.
pub(super) fn silent(laid: &[Laid], scores: &[Scored]) -> Vec<String> {
    let nothing = |trace: usize| scores.iter().filter(|s| s.trace == trace).flat_map(|s| &s.scores).all(|s| s.n == 0);
    let why = |trace: usize| {
        let why = unlearnable(&laid[trace].span, scores.iter().find(|s| s.trace == trace)?.model)?;
        Some(format!("{}: nothing can be forecast: {why}", laid[trace].name))
    };
    (0..laid.len()).filter(|trace| nothing(*trace)).filter_map(why).collect()
}

impl Job {
    /// How many steps it replays.
    pub(super) fn steps(self, laid: &[Laid]) -> usize {
        laid[self.trace].span.steps().len()
    }
}

/// All replays, the long ones first so that the processors end together.
pub(super) fn jobs(laid: &[Laid], models: &[Choice]) -> Vec<Job> {
    let of = |trace: usize| {
        let leads = laid[trace].span.leads().iter();
        leads.flat_map(move |&lead| models.iter().map(move |&model| Job { trace, model, lead }))
    };
    let mut jobs: Vec<Job> = (0..laid.len()).flat_map(of).collect();
    jobs.sort_by_key(|job| (!job.model.is_fitted(), std::cmp::Reverse(job.steps(laid))));
    jobs
}

/// Does them all; `done` hears of origins replayed. `None` once `stop` is set.
pub(super) fn all(laid: &[Laid], jobs: &[Job], stop: &AtomicBool, done: impl Fn(u64) + Sync) -> Option<Vec<Scored>> {
    let next = AtomicUsize::new(0);
    let scored = Mutex::new(Vec::with_capacity(jobs.len()));
    let worker = || {
        while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(scores) = one(laid, *job, stop, &done) else { return };
            let mut scored = scored.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            scored.push(Scored { trace: job.trace, model: job.model, scores });
        }
    };
    thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, Into::into).min(jobs.len());
        for _ in 0..threads {
            scope.spawn(worker);
        }
    });
    let scored = scored.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    (scored.len() == jobs.len()).then_some(scored)
}

fn one(laid: &[Laid], job: Job, stop: &AtomicBool, done: impl Fn(u64)) -> Option<Vec<Score>> {
    let Laid { span, reference, .. } = &laid[job.trace];
    let mut told = 0;
    let mut origins = 0;
    let scores = score(span, reference, job.model, job.lead, || {
        origins += 1;
        if origins - told == BATCH {
            done(BATCH);
            told = origins;
        }
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    done(origins - told);
    scores
}
