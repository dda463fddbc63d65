//! `backtest`: what floorcast would have done for a workload, beside what people do without it, and what each would have cost.

mod equal;
mod progress;
mod report;
mod source;
mod table;
mod verdict;
mod work;

use super::{Exit, Failure, Global, output, spark::Ink};
use crate::config::period;
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use floorcast_models::replay::Measure;
use progress::Progress;
use std::path::PathBuf;

/// What floorcast would have done: starved minutes and pod-hours, beside the HPA alone and what people do without forecasts.
#[derive(Clone, Debug, Args)]
pub struct Backtest {
    /// The load: CSV rows of `timestamp_unix_seconds,value`
    #[arg(long, value_name = "FILE.csv")]
    pub csv: PathBuf,
    /// From a pod's creation to ready, the median
    #[arg(long, value_name = "TIME", default_value = "90s", value_parser = pod_start)]
    pub pod_start: TimeDelta,
    /// Replicas that the mean load needs: fixes the load that one replica should carry
    #[arg(long, value_name = "N", default_value_t = 10.0, value_parser = above_zero, conflicts_with = "target_per_replica")]
    pub replicas_at_mean: f64,
    /// Load that one replica should carry, in the load's unit; absent: by --replicas-at-mean
    #[arg(long, value_name = "LOAD", value_parser = above_zero)]
    pub target_per_replica: Option<f64>,
    /// Target utilisation of a pod's capacity, percent: 80 leaves a headroom of 25 % above the target
    #[arg(long, value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u32).range(5..=100))]
    pub utilisation: u32,
    /// What the HPA measures
    #[arg(long, value_enum, default_value_t, value_name = "METRIC")]
    pub metric: Metric,
    /// `minReplicas`, the base
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub min_replicas: u32,
    /// `maxReplicas`; absent: twice what the highest load needs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_replicas: Option<u32>,
    /// Share of lead windows whose highest load the floor must cover, 0.5 to 0.999
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = quantile)]
    pub quantile: f64,
    /// Replay the last days only; absent: everything after the first quarter, at most a week, which is only learned from
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub days: Option<u32>,
    /// Share of minutes that may starve at equal service: 0.001 or 0.1%
    #[arg(long, value_name = "SHARE", default_value = "0.1%", value_parser = share)]
    pub starved_budget: f64,
    /// Leave the comparison at equal service out: it tunes each policy on the first half of the days and takes most of the time
    #[arg(long)]
    pub no_equal_service: bool,
    /// Replay steps of 5 min and more as they are, without the noise that such steps hide
    #[arg(long)]
    pub no_noise: bool,
    /// Decides every chance: the same seed gives the same figures
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

/// What the HPA measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Metric {
    /// The load itself, as an external metric with an average value: the HPA at its best
    #[default]
    Load,
    /// CPU of the pods against their requests: blind to load above capacity
    Cpu,
}

impl From<Metric> for Measure {
    fn from(metric: Metric) -> Self {
        match metric {
            Metric::Cpu => Self::Cpu,
            Metric::Load => Self::Load,
        }
    }
}

/// Replays and prints.
pub async fn run(global: &Global, command: Backtest) -> Result<Exit, Failure> {
    let loaded = source::Source::Csv(command.csv.clone()).load()?;
    // A thread of its own: minutes of computing are not for the async ones, and an interrupt must not wait for them.
    let replayed = tokio::task::spawn_blocking(move || work::report(&loaded, &command, &Progress::begin()));
    let report = tokio::select! {
        done = replayed => done.map_err(|e| Failure::new(Exit::No, format!("the backtest ended badly: {e}; please report it")))??,
        _ = tokio::signal::ctrl_c() => interrupted(),
    };
    output::print(global.output, &report, |report| table::text(report, Ink::of_environment()))?;
    Ok(Exit::Done)
}

/// Nothing was written, so nothing is to be undone.
fn interrupted() -> ! {
    eprintln!("interrupted");
    // 128 + SIGINT, as shells expect of a command that a person stopped.
    std::process::exit(130)
}

fn pod_start(text: &str) -> Result<TimeDelta, String> {
    let time = period::parse(text)?;
    let fits = (TimeDelta::seconds(1)..=TimeDelta::hours(2)).contains(&time);
    if fits { Ok(time) } else { Err("a pod starts within 1s to 2h".to_owned()) }
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| format!("{} is no number", period::quoted(text)))?;
    if number.is_finite() && number > 0.0 { Ok(number) } else { Err("it must be above 0".to_owned()) }
}

fn quantile(text: &str) -> Result<f64, String> {
    let number = above_zero(text)?;
    if (0.5..=0.999).contains(&number) { Ok(number) } else { Err("it must lie from 0.5 to 0.999".to_owned()) }
}

fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let share = above_zero(number.trim())? / unit;
    if share < 1.0 { Ok(share) } else { Err("it must be below 1, which is 100%".to_owned()) }
}

#[cfg(test)]
mod tests;
