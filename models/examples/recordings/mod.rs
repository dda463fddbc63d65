//! What examples share that score forecasts: recordings from CSV files, how to score them, and work on all cores.

use crate::{
    asked::{self, files, refuse},
    traces::{KIND, trace},
};
use chrono::TimeDelta;
use floorcast_models::{
    evaluate::{self, Mean, Protocol, Reference, Score, Span, Target, score, word},
    forecast::Choice,
    trace::Trace,
};
use std::{num::NonZeroU32, ops::ControlFlow, sync::Mutex, thread};

/// A trace of no more is not shortened: a day to learn from, a week to score, and what the reference looks back on.
const LEAST: TimeDelta = TimeDelta::days(17);

/// A recording, whole or without its last weeks.
pub(crate) struct Recording {
    /// The name of its file.
    source: String,
    /// The same, and behind it how many weeks were left out.
    pub(crate) name: String,
    pub(crate) trace: Trace,
}

/// What was asked for: [`OPTIONS`] and files.
pub(crate) struct Asked {
    pub(crate) model: Choice,
    pub(crate) protocol: Protocol,
    pub(crate) recordings: Vec<Recording>,
}

impl Asked {
    pub(crate) fn read() -> Self {
        let (mut model, mut protocol, mut weeks) = (Choice::Auto, Protocol::default(), false);
        let files = files(OPTIONS, KIND, |asked| {
            match asked.option {
                "--model" => model = asked.value(),
                "--days" => protocol.days = Some(asked.value()),
                "--every" => protocol.every = asked.value::<NonZeroU32>().get(),
                "--step" => protocol.step = Some(TimeDelta::seconds(asked.value::<NonZeroU32>().get().into())),
                "--weeks" => weeks = true,
                _ => return asked::Taken::Unknown,
            }
            asked::Taken::Known
        });
        let recordings = files.iter().flat_map(|file| cuts(file, weeks)).collect();
        Self { model, protocol, recordings }
    }
}

const OPTIONS: &str = "[--model NAME] [--step SECONDS] [--days N] [--every N] [--weeks]";

/// The recording in `file`, and where `weeks` is said what is left of it without its last week, its last two and so on.
fn cuts(file: &str, weeks: bool) -> Vec<Recording> {
    let (name, whole) = trace(file);
    let left = |weeks: i64| {
        let end = whole.end() - TimeDelta::weeks(weeks);
        let cut = whole.before(end).filter(|_| end - whole.start() > LEAST)?;
        Some(Recording { source: name.to_owned(), name: format!("{name}-{weeks:02}"), trace: cut })
    };
    let mut cuts: Vec<_> = if weeks { (1..).map_while(left).collect() } else { Vec::new() };
    cuts.insert(0, Recording { source: name.to_owned(), name: name.to_owned(), trace: whole });
    cuts
}

/// Scores of all targets of a recording.
pub(crate) fn scores(recording: &Recording, model: Choice, protocol: &Protocol) -> Vec<Score> {
    let span = Span::new(&recording.trace, protocol);
    let span = span.unwrap_or_else(|why| refuse(&format!("{}: {why}", recording.name)));
    let reference = Reference::new(&span);
    let go_on = || ControlFlow::Continue(());
    span.leads().iter().flat_map(|lead| score(&span, &reference, model, *lead, go_on).unwrap()).collect()
}

/// Means over recordings, each of which counts alike however many weeks of it are scored.
pub(crate) fn means(recordings: &[Recording], scores: &[Vec<Score>], model: Choice) -> Vec<Mean> {
    let mut sources: Vec<&str> = recordings.iter().map(|recording| recording.source.as_str()).collect();
    sources.dedup();
    let of = |source: &str| {
        let own = recordings.iter().zip(scores).filter(|(recording, _)| recording.source == source);
        evaluate::means(own.flat_map(|(_, scores)| scores).map(|score| (model.as_str(), score)))
    };
    let one = |Mean { target, relative, coverage, .. }| Score {
        target,
        relative,
        coverage,
        n: 0,
        wape: None,
        pinball: None,
        mase: None,
    };
    let means: Vec<Score> = sources.into_iter().flat_map(of).map(one).collect();
    evaluate::means(means.iter().map(|score| (model.as_str(), score)))
}

/// A target in few letters.
pub(crate) fn short(target: &Target) -> String {
    format!("{}m {}", target.horizon.num_minutes(), word(target.kind).trim_start_matches("window_"))
}

/// Works at all items on all cores; answers in their order.
pub(crate) fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let answers = Mutex::new(Vec::new());
    let waiting = Mutex::new(items.iter().enumerate());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, Into::into) {
            scope.spawn(|| {
                loop {
                    let Some((i, item)) = waiting.lock().unwrap().next() else { return };
                    let answer = work(item);
                    answers.lock().unwrap().push((i, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap();
    answers.sort_by_key(|(i, _)| *i);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
