//! `demo`: days of a simulated cluster in seconds, with the HPA alone and with floorcast beside it.

mod answer;
mod curves;
mod paint;
mod table;
mod verdict;

use super::{Exit, Failure, Global, output, spark::Ink};
use crate::{
    config::period::quoted,
    simulated::{
        demo::{self, Comparison},
        replay::Scenario,
        trace::Trace,
    },
};
use answer::Answer;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use paint::Paint;
use std::path::{Path, PathBuf};

/// Ticks of the progress bar.
const TICKS: u64 = 1_000;
/// A larger file is no load trace: a year of minutes takes 12 MB.
const LARGEST: u64 = 256 << 20;

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
    output::print(global.output, &answer, |answer| table::text(answer, &look))?;
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
    let name = quoted(&file.display().to_string());
    let refused = |why: String| Failure::misused(format!("{option} {name}: {why}"));
    let size = std::fs::metadata(file).map_err(|e| refused(unreadable(&e)))?.len();
    if size > LARGEST {
        return Err(refused(format!("{} MiB are no load trace; at most {} are read", size >> 20, LARGEST >> 20)));
    }
    let text = std::fs::read_to_string(file).map_err(|e| refused(unreadable(&e)))?;
    Trace::parse(&text).map_err(|e| refused(e.to_string()))
}

fn unreadable(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::InvalidData => {
            "it is no text; give a CSV file with rows of timestamp_unix_seconds,value".to_owned()
        }
        _ => format!("it cannot be read: {error}; check the path and its permissions"),
    }
}

#[cfg(test)]
mod tests;
