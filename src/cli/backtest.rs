//! `backtest`: what floorcast would have done for a workload, beside what people do without it, and what each would have cost.

mod cluster;
mod equal;
mod html;
mod patch;
mod progress;
mod ranking;
mod recommend;
mod report;
mod source;
mod table;
mod terms;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
mod verdict;
mod work;

use super::{Exit, Failure, Global, output, plan, spark::Ink};
use crate::config::period;
use chrono::TimeDelta;
use clap::{Args, ValueEnum};
use cluster::Wanted;
use floorcast_models::replay::Measure;
use progress::Progress;
use std::path::PathBuf;

/// What floorcast would have done: starved minutes and pod-hours, beside the HPA alone and what people do without forecasts.
///
/// For an HPA of the cluster (NAME), for all of a namespace or of the cluster (-n or -A: a ranking of who would gain most), for a
/// PromQL query, or for a recording. Nobody needs to have opted in, and nothing is written.
#[derive(Clone, Debug, Args)]
pub struct Backtest {
    /// An HPA of the cluster, as NAME or NAMESPACE/NAME: its load comes from Prometheus, its settings from the cluster
    #[arg(conflicts_with_all = ["csv", "query"])]
    pub hpa: Option<String>,
    /// The load: CSV rows of `timestamp_unix_seconds,value`
    #[arg(long, value_name = "FILE.csv", conflicts_with = "query")]
    pub csv: Option<PathBuf>,
    /// The load: one series of PromQL, asked of a datasource of --config
    #[arg(long, value_name = "PROMQL", requires = "config")]
    pub query: Option<String>,
    /// Datasource of --query, by its name in the configuration; absent: the first
    #[arg(long, value_name = "NAME", requires = "query")]
    pub datasource: Option<String>,
    /// The daemon's configuration: datasources, templates, step and length of the history
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Longest time that listing the cluster and asking Prometheus may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=3600), hide_short_help = true)]
    pub timeout: u64,
    /// From a pod's creation to ready, the median; absent: what the HPA's lead time says, else 90s
    #[arg(long, value_name = "TIME", value_parser = pod_start)]
    pub pod_start: Option<TimeDelta>,
    /// Replicas that the mean load needs, which fixes the load that one replica should carry; absent: the HPA's target, else 10
    #[arg(long, value_name = "N", value_parser = above_zero, conflicts_with = "target_per_replica")]
    pub replicas_at_mean: Option<f64>,
    /// Load that one replica should carry, in the load's unit; absent: by --replicas-at-mean
    #[arg(long, value_name = "LOAD", value_parser = above_zero)]
    pub target_per_replica: Option<f64>,
    /// Target utilisation of a pod's capacity, percent: 80 leaves a headroom of 25 % above the target; absent: the HPA's for CPU,
    /// else 80
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u32).range(5..=100))]
    pub utilisation: Option<u32>,
    /// What the HPA measures; absent: what it does, else load
    #[arg(long, value_enum, value_name = "METRIC")]
    pub metric: Option<Metric>,
    /// `minReplicas`, the base; absent: the HPA's, else 2
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub min_replicas: Option<u32>,
    /// `maxReplicas`; absent: the HPA's, else twice what the highest load needs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_replicas: Option<u32>,
    /// Share of lead windows whose highest load the floor must cover, 0.5 to 0.999; absent: the HPA's annotation, else 0.95
    #[arg(long, value_name = "SHARE", value_parser = quantile)]
    pub quantile: Option<f64>,
    /// Distance of the samples that floorcast learns from, 15s to 1h, a whole part of a day; absent: the configuration's, no
    /// less than 1m, else 5m
    #[arg(long, value_name = "TIME", value_parser = step)]
    pub step: Option<TimeDelta>,
    /// Replay the last days only; absent: everything after the first quarter, at most two weeks, which is only learned from
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
    /// Write a page too: load, forecast, floor and replicas, the worst moments, all settings; in one file that needs no network
    #[arg(long, value_name = "FILE.html")]
    pub html: Option<PathBuf>,
    /// Print nothing but what is recommended, as a patch of the HPA for Git (strategic merge, as kustomize takes it)
    #[arg(long, requires = "hpa", conflicts_with_all = ["no_equal_service"])]
    pub patch: bool,
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
    let subject = if let Some(csv) = &command.csv {
        source::csv(csv)?
    } else if let Some(query) = &command.query {
        source::query(query, &command).await?
    } else if let Some(name) = &command.hpa {
        let (namespace, hpa) = global.named(name)?;
        let namespace = match namespace {
            Some(namespace) => namespace,
            None => plan::context_namespace(global).await,
        };
        let found = cluster::subjects(global, &command, &Wanted::One(namespace.clone(), hpa.clone())).await?;
        let nobody = || Failure::new(Exit::No, format!("there is no HPA {namespace}/{hpa}; see kubectl get hpa -A"));
        found.into_iter().next().ok_or_else(nobody)?.subject.map_err(|why| Failure::new(Exit::No, why))?
    } else if global.all_namespaces || global.namespace.is_some() {
        return rank(global, command).await;
    } else {
        return Err(Failure::misused(
            "say what to replay: an HPA (NAME or NAMESPACE/NAME), -A or -n NAMESPACE for all, --csv FILE, or --query PROMQL",
        ));
    };
    let (page, wants_patch) = (command.html.clone(), command.patch);
    let report = computed(move |progress| work::report(&subject, &command, progress)).await??;
    if let Some(page) = page {
        std::fs::write(&page, html::page(&report))
            .map_err(|why| Failure::new(Exit::No, format!("--html {} cannot be written: {why}", page.display())))?;
    }
    if wants_patch {
        return patched(&report);
    }
    output::print(&global.output, &report, |report| table::text(report, Ink::of_environment()))?;
    Ok(Exit::Done)
}

/// The patch alone on stdout, what to know of it on stderr.
fn patched(report: &report::Report) -> Result<Exit, Failure> {
    let Some(recommendation) = &report.recommendation else {
        let why = if report.equal_service.is_empty() {
            work::TOO_SHORT
        } else {
            "no setting of any policy keeps the budget on the days before; --starved-budget allows more"
        };
        return Err(Failure::new(Exit::No, why));
    };
    let Some(patch) = &recommendation.patch else {
        return Err(Failure::new(Exit::No, recommendation.text.clone()));
    };
    eprintln!("{}", recommendation.text);
    for note in &recommendation.notes {
        eprintln!("note: {note}");
    }
    patch.print()?;
    Ok(Exit::Done)
}

/// All HPAs, those first that would gain most.
async fn rank(global: &Global, command: Backtest) -> Result<Exit, Failure> {
    if command.html.is_some() {
        return Err(Failure::misused("--html shows one load; name an HPA beside it, or leave it out for a ranking"));
    }
    let wanted = global.namespace.clone().map_or(Wanted::All, Wanted::Namespace);
    let found = cluster::subjects(global, &command, &wanted).await?;
    if found.is_empty() {
        let place = global.namespace.as_ref().map_or("the cluster".to_owned(), |name| format!("namespace {name}"));
        return Err(Failure::new(Exit::No, format!("there is no HPA in {place}; see kubectl get hpa -A")));
    }
    let ranking = computed(move |progress| ranking::Ranking::of(found, &command, progress)).await?;
    output::print(&global.output, &ranking, ranking::Ranking::text)?;
    Ok(Exit::Done)
}

/// With a progress bar, on a thread of its own: minutes of computing are not for the async ones, and an interrupt must not wait
/// for them.
async fn computed<T: Send + 'static>(work: impl FnOnce(&Progress) -> T + Send + 'static) -> Result<T, Failure> {
    let told = move || {
        let progress = Progress::begin();
        let result = work(&progress);
        progress.end();
        result
    };
    tokio::select! {
        done = tokio::task::spawn_blocking(told) => {
            done.map_err(|e| Failure::new(Exit::No, format!("the backtest ended badly: {e}; please report it")))
        }
        _ = tokio::signal::ctrl_c() => interrupted(),
    }
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

fn step(text: &str) -> Result<TimeDelta, String> {
    let step = period::parse(text)?;
    let fits = (TimeDelta::seconds(15)..=TimeDelta::hours(1)).contains(&step);
    let divides = step.subsec_nanos() == 0 && 86_400 % step.num_seconds().max(1) == 0;
    if fits && divides { Ok(step) } else { Err("it must be 15s to 1h and divide a day: 1m, 5m or 15m".to_owned()) }
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
