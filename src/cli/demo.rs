//! `demo`: days of a simulated cluster in seconds, with the HPA alone and with floorcast beside it.

mod answer;
mod curves;
mod table;
mod verdict;

use super::{Exit, Failure, Global, output, paint::Paint, spark::Ink};
use crate::{
    simulated::{
        demo::{self, Comparison},
        replay::Scenario,
    },
    trace::{self, FileError},
};
use answer::Answer;
use chrono::TimeDelta;
use clap::Args;
use floorcast_models::trace::Trace;
use indicatif::{ProgressBar, ProgressStyle};
use std::path::{Path, PathBuf};

/// Ticks of the progress bar.
const TICKS: u64 = 1_000;

/// Days of a simulated cluster in seconds: the HPA alone, and with floorcast.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// Replay this load: CSV rows of `timestamp_unix_seconds,value`; its last days are replayed, those before are history
    #[arg(long, value_name = "FILE.csv")]
    pub trace: Option<PathBuf>,
    /// Decides every chance: the same seed gives the same days
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Days to replay, 1 to 28
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=28))]
    pub days: u32,
}

/// Replays and prints.
pub async fn run(global: &Global, command: Demo) -> Result<Exit, Failure> {
    let scenario = scenario(&command)?;
    let replayed = scenario.clone();
    // A thread of its own: the replay has a runtime of its own, whose time is not ours.
    let comparison = tokio::task::spawn_blocking(move || compare(&replayed)).await.map_err(|e| {
        Failure::new(Exit::No, format!("the replay ended badly: {e}; please report it with the seed"))
    })??;
    let answer = Answer::new(&command, &scenario, &comparison);
    let program = std::env::args().next().unwrap_or_else(|| "floorcast".to_owned());
    let look = table::Look { ink: Ink::of_environment(), paint: Paint::of_environment(), program };
    output::print(&global.output, &answer, |answer| table::text(answer, &look))?;
    Ok(Exit::Done)
}

fn compare(scenario: &Scenario) -> Result<Comparison, Failure> {
    // indicatif draws nothing where stderr is no terminal.
    let bar = ProgressBar::new(TICKS).with_style(style());
    bar.set_message(format!("replaying {}", table::days(scenario.length.num_days())));
    let done = demo::compare(scenario, |share| bar.set_position((share * TICKS as f64) as u64));
    bar.finish_and_clear();
    done.map_err(|e| Failure::new(Exit::No, e.to_string()))
}

fn style() -> ProgressStyle {
    ProgressStyle::with_template("{msg} [{bar:30}] {percent} %")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ")
}

/// What the arguments ask for.
fn scenario(command: &Demo) -> Result<Scenario, Failure> {
    match &command.trace {
        None => Ok(demo::shop(command.seed, command.days)),
        Some(file) => Ok(demo::of_trace(read(file, "--trace")?, command.seed, command.days)),
    }
}

/// Reads a trace given by this option.
pub(super) fn read(file: &Path, option: &str) -> Result<Trace, Failure> {
    let trace = trace::read(file).and_then(|trace| {
        let lasting = trace.lasting(TimeDelta::days(2), "one to learn from, one to replay");
        lasting.map_err(|why| FileError::wrong(file, why))
    });
    trace.map_err(|e| Failure::misused(format!("{option} {e}")))
}

#[cfg(test)]
mod tests;
