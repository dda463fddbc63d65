//! The tree of commands and what holds everywhere.

use super::{
    Failure, Output, backtest, config, demo, doctor, drain, enable, evaluate, explain, form::Forms, pages, pause, plan,
    release, report, run, status,
};
use crate::{
    config::{Config as Configuration, period},
    kubernetes::Source,
    process,
};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Predictive replica floors for Kubernetes HPAs.
///
/// floorcast forecasts each opted-in workload's load from Prometheus and raises its HPA's minReplicas before the load
/// arrives; the HPA stays in charge above the floor.
#[derive(Debug, Parser)]
#[command(
    name = "floorcast",
    version = crate::build::LONG,
    arg_required_else_help = true,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 done, 1 it says no, 2 used wrongly, 3 could not reach something."
)]
pub struct Cli {
    /// What holds everywhere.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds everywhere.
#[derive(Clone, Debug, Default, Args)]
pub struct Global {
    /// Namespace to look at; absent: all for lists, the context's for one workload
    #[arg(short, long, global = true, value_name = "NAMESPACE", conflicts_with = "all_namespaces")]
    pub namespace: Option<String>,
    /// Look at all namespaces
    #[arg(short = 'A', long, global = true)]
    pub all_namespaces: bool,
    /// Context of the kubeconfig; absent: the current one
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// Path of the kubeconfig; absent: $KUBECONFIG, ~/.kube/config, or the pod's service account
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Namespace in which floorcast runs (Lease and kill switch); absent: kubernetes.ownNamespace of the configuration, else
    /// the pod's own, else `floorcast`
    #[arg(long, global = true, value_name = "NAMESPACE", env = "FLOORCAST_NAMESPACE")]
    pub floorcast_namespace: Option<String>,
    /// Form of the answer
    #[arg(short, long, global = true, value_parser = Forms, default_value = "table", value_name = "FORM")]
    pub output: Output,
    /// Least severity to log: error, warn, info, debug, trace, or a filter such as warn,floorcast=debug
    #[arg(long, global = true, env = "FLOORCAST_LOG_LEVEL", value_name = "LEVEL")]
    pub log_level: Option<String>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the daemon
    Run(run::Run),
    /// See it work: days of a simulated cluster in seconds, the HPA alone and with floorcast
    Demo(demo::Demo),
    /// What floorcast would have done for a load, and what it would have cost
    Backtest(backtest::Backtest),
    /// Forecast accuracy on traces: every model, rolling origins
    Evaluate(evaluate::Evaluate),
    /// All workloads: state, base, floor, need
    Status(status::Status),
    /// The next 24 h of one workload
    Plan(plan::Plan),
    /// Why a workload's floor is what it is
    Explain(explain::Explain),
    /// Who of a fleet in shadow mode would gain, and what it would cost
    Report(report::Report),
    /// Opt a workload in: shadow mode unless told otherwise
    Enable(enable::Enable),
    /// Opt a workload out
    Disable(enable::Disable),
    /// Stop raising floors for a while
    Pause(pause::Pause),
    /// Raise floors again
    Resume(pause::Resume),
    /// Hand floors back at once
    Release(release::Release),
    /// Hand floors back by the ramp
    Drain(drain::Drain),
    /// One pass that lowers floors whose `until` has passed; for a CronJob
    Janitor(release::Janitor),
    /// Check the set-up; each finding with its remedy
    Doctor(doctor::Doctor),
    /// Look at, check or describe the configuration
    #[command(subcommand)]
    Config(config::Config),
    /// Completions for a shell
    Completion(pages::Completion),
    /// Man pages
    Man(pages::Man),
}

impl Command {
    /// Whether its answer is about HPAs, so that `-o name` has something to print.
    pub fn names_workloads(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Plan(_) | Self::Explain(_) | Self::Report(_))
    }
}

impl Global {
    /// Where the API server is found.
    pub fn source(&self) -> Source {
        Source { kubeconfig: self.kubeconfig.clone(), context: self.context.clone() }
    }

    /// Where floorcast runs, by the one rule of [`process::own_namespace`].
    pub fn own_namespace(&self, config: &Configuration) -> String {
        process::own_namespace(self.floorcast_namespace.as_deref(), config)
    }

    /// The namespace, where one is said, and the name that a person means by `NAME` or `NAMESPACE/NAME`.
    pub fn named(&self, text: &str) -> Result<(Option<String>, String), Failure> {
        let (namespace, name) = match (text.split_once('/'), &self.namespace) {
            (Some((namespace, _)), Some(other)) if namespace != other => {
                return Err(Failure::misused(format!("{text} and -n {other} name two namespaces; leave one out")));
            }
            (Some((namespace, name)), _) => (Some(namespace.to_owned()), name),
            (None, namespace) => (namespace.clone(), text),
        };
        if self.all_namespaces && namespace.is_none() {
            return Err(Failure::misused(format!(
                "{} with -A may be many; write NAMESPACE/NAME",
                period::quoted(text)
            )));
        }
        if !namespace.as_deref().is_none_or(is_object_name) || !is_object_name(name) {
            return Err(Failure::misused(format!(
                "{} is no name of an HPA; write NAME or NAMESPACE/NAME",
                period::quoted(text)
            )));
        }
        Ok((namespace, name.to_owned()))
    }

    /// Whether a workload's namespace is looked at; without `-n`, all are.
    pub fn wants(&self, namespace: &str) -> bool {
        self.namespace.as_deref().is_none_or(|wanted| wanted == namespace)
    }
}

/// Names of the API have no other characters, so that a path stays a path.
fn is_object_name(name: &str) -> bool {
    (1..=253).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
}
