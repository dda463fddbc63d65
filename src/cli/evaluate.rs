//! `evaluate`: forecast accuracy on CSV traces, every model, rolling origins.

mod answer;
mod arguments;
mod table;
mod work;

use super::{Exit, Failure, Global, output, paint::Paint};
use crate::trace;
use answer::Answer;
use arguments::{Quantile, Step};
use chrono::TimeDelta;
use chrono_tz::Tz;
use clap::Args;
use floorcast_models::{
    evaluate::{Protocol, Span},
    forecast::Choice,
};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};
use work::Laid;

type History = crate::config::Period<86_400_000, { 84 * 86_400_000 }>;
type Horizon = crate::config::Period<1_000, { 48 * 3_600_000 }>;

/// Forecast accuracy on traces: every model and `auto`, rolling origins, nothing of the future seen.
///
/// Every step of the last days is an origin. From each speaks what the daemon would have asked: learned once a day from the
/// history before it, fed with each sample since. Missing samples are neither filled nor scored. Figures are relative to the
/// same time last week: 0.5 halves its error.
#[derive(Clone, Debug, Args)]
pub struct Evaluate {
    /// Traces: CSV rows of `timestamp_unix_seconds,value`, stamps at the start of the interval; a missing sample is an absent
    /// row
    #[arg(required = true, value_name = "TRACE.csv")]
    pub traces: Vec<PathBuf>,
    /// Step of the forecasts, a multiple of the trace's, or `native` for the trace's own; absent: 5m, or the trace's own where
    /// that is coarser
    #[arg(long, value_name = "DURATION")]
    pub step: Option<Step>,
    /// Days at the end to score; absent: 7, or 4 where the trace has fewer than 24
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=366))]
    pub days: Option<u32>,
    /// History before an origin that is learned from
    #[arg(long, value_name = "DURATION", default_value = "28d")]
    pub history: History,
    /// How far ahead; up to 2h the maximum over this time is scored beside the value at its end
    #[arg(long, value_name = "DURATION", value_delimiter = ',', default_value = "15m,1h,4h,24h")]
    pub horizon: Vec<Horizon>,
    /// Make only every Nth step since 1970 an origin, to compare with what is too slow to be asked at every step
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub every: u32,
    /// Quantile to be covered, 0.5 to 0.999
    #[arg(long, value_name = "Q", default_value = "0.95")]
    pub quantile: Quantile,
    /// Models; absent: `auto` and every one of its own but `mstl-ets`, which takes as long as all others
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = arguments::model())]
    pub model: Vec<Choice>,
    /// The wall clock of the season, for example Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub timezone: Tz,
}

/// Replays and prints.
pub async fn run(global: &Global, command: Evaluate) -> Result<Exit, Failure> {
    let laid: Arc<[Laid]> = command.traces.iter().map(|file| command.lay(file)).collect::<Result<_, _>>()?;
    for note in laid.iter().flat_map(Laid::notes) {
        eprintln!("note: {note}");
    }
    let models = command.models();
    let stop = Arc::new(AtomicBool::new(false));
    // Threads of its own: hours of computing are not for those that wait for a signal.
    let mut work = {
        let (laid, models, stop) = (Arc::clone(&laid), models.clone(), Arc::clone(&stop));
        tokio::task::spawn_blocking(move || measure(&laid, &models, &stop))
    };
    let measured = tokio::select! {
        measured = &mut work => measured,
        _ = tokio::signal::ctrl_c() => {
            stop.store(true, Ordering::Relaxed);
            work.await
        }
    };
    let measured = measured
        .map_err(|e| Failure::new(Exit::No, format!("the replay ended badly: {e}; please report it with the trace")))?;
    let Some(scores) = measured else {
        return Err(Failure::new(Exit::Interrupted, "interrupted; nothing was measured to its end"));
    };
    for note in work::silent(&laid, &scores) {
        eprintln!("note: {note}");
    }
    let answer = Answer::new(&laid, &models, scores);
    output::print(&global.output, &answer, |answer| table::text(answer, &command, Paint::of_environment()))?;
    Ok(Exit::Done)
}

/// All scores, or `None` where it was interrupted.
fn measure(laid: &[Laid], models: &[Choice], stop: &AtomicBool) -> Option<Vec<work::Scored>> {
    let jobs = work::jobs(laid, models);
    let steps: usize = jobs.iter().map(|job| job.steps(laid)).sum();
    // indicatif draws nothing where stderr is no terminal.
    let bar = ProgressBar::new(steps as u64).with_style(style());
    bar.set_message(format!("{} of {}", counted(models.len(), "model"), counted(laid.len(), "trace")));
    let scores = work::all(laid, &jobs, stop, |steps| bar.inc(steps));
    bar.finish_and_clear();
    scores
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg} [{bar:30}] {percent} %, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

fn counted(n: usize, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

impl Evaluate {
    /// Which models, each once. Slow ones, which are no better, only where they are named.
    fn models(&self) -> Vec<Choice> {
        let usual: Vec<Choice> = Choice::ALL.into_iter().filter(|model| !model.is_slow()).collect();
        let asked = if self.model.is_empty() { &usual } else { &self.model };
        let once = |i: &usize| !asked[..*i].contains(&asked[*i]);
        (0..asked.len()).filter(once).map(|i| asked[i]).collect()
    }

    /// A trace, read and laid out as the arguments ask.
    fn lay(&self, file: &Path) -> Result<Laid, Failure> {
        let trace = trace::read(file).map_err(|e| Failure::misused(e.to_string()))?;
        let mut horizons: Vec<TimeDelta> = self.horizon.iter().map(|h| h.get()).collect();
        horizons.sort_unstable();
        horizons.dedup();
        let step = self.step.map(|step| match step {
            Step::Native => trace.step(),
            Step::Of(step) => step,
        });
        let protocol = Protocol {
            step,
            days: self.days,
            history: self.history.get(),
            horizons,
            every: self.every,
            quantile: self.quantile.0,
            zone: self.timezone,
            ..Protocol::default()
        };
        let span = Span::new(&trace, &protocol)
            .map_err(|e| Failure::misused(format!("{:?}: {e}", file.display().to_string())))?;
        Ok(Laid::new(file, span))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
