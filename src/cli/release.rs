//! `release` and `janitor`: floors handed back by the command itself, whether a daemon runs or not.

use super::{Exit, Failure, Global, control, near, output, output::Table};
use crate::{
    config::{self, Config, Period},
    hand_back::{self, How, Who},
    kubernetes::{self, Workload, held::held},
    process,
};
use chrono::Utc;
use clap::Args;
use floorcast_models::{
    policy::Directive,
    protocol::{Action, Reply},
    target::Hold,
};
use serde::Serialize;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// With `--switch`: passes at most, a daemon may be writing at the same time.
const PASSES: u32 = 10;
/// Time between two of them.
const BETWEEN: Duration = Duration::from_secs(2);

/// How long a released workload is left in peace: one second to a week.
pub(super) type Peace = Period<1_000, { 7 * 86_400_000 }>;

/// Hand floors back at once.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["hpa", "all"]))]
pub struct Release {
    /// The HPA, as NAME or NAMESPACE/NAME; absent: with --all, all that are looked at
    pub hpa: Option<String>,
    /// All floors, of one namespace with -n
    #[arg(long)]
    pub all: bool,
    /// No floor is acquired again for this long
    #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = peace)]
    pub peace: Peace,
    /// Set the kill switch to `release` first, so that a running daemon raises nothing again, and go on until no floor is
    /// held: for uninstalling
    #[arg(long, requires = "all", conflicts_with = "dry_run")]
    pub switch: bool,
    /// The configuration, for floorcast's namespace and the kill switch's name
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Tell what would be written, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// One pass that lowers floors whose `until` has passed; for a CronJob.
#[derive(Debug, Args)]
pub struct Janitor {
    /// The configuration, for the ramp
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Tell what would be written, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

pub(super) fn peace(text: &str) -> Result<Peace, String> {
    text.parse::<Peace>().map_err(|message| message.replace('\n', "; "))
}

/// What became of one floor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    hpa: String,
    floor: u32,
    to: u32,
    outcome: String,
    #[serde(skip)]
    failed: bool,
}

/// Hands back at once.
pub async fn run(global: &Global, command: &Release) -> Result<Exit, Failure> {
    let how = How::Release { peace: command.peace.get() };
    let (namespace, name) = match &command.hpa {
        Some(hpa) => global.named(hpa).map(|(namespace, name)| (namespace, Some(name)))?,
        None => (global.namespace.clone(), None),
    };
    let config = configuration(command.config.as_ref())?;
    let scope = Scope { namespace, name, person: true };
    if command.switch {
        throw(global, &config).await?;
    }
    let passes = if command.switch { PASSES } else { 1 };
    for _ in 1..passes {
        if pass(global, &scope, how, &config, command.dry_run).await? == Exit::Done {
            return Ok(Exit::Done);
        }
        tokio::time::sleep(BETWEEN).await;
    }
    pass(global, &scope, how, &config, command.dry_run).await
}

fn configuration(file: Option<&PathBuf>) -> Result<Config, Failure> {
    Ok(match file {
        Some(file) => config::load(file)?,
        None => Config::default(),
    })
}

/// Sets the kill switch to `release` with the rights of whoever calls.
async fn throw(global: &Global, config: &Config) -> Result<(), Failure> {
    let clients =
        kubernetes::connect(&global.source()).await.map_err(|e| Failure::unreachable(kubernetes::chain(&e)))?;
    let own = global.own_namespace(config);
    control::set(&clients, &own, &config.kubernetes.control, "cluster", &Directive::Release.as_str().into()).await
}

/// One pass of the janitor.
pub async fn janitor(global: &Global, command: &Janitor) -> Result<Exit, Failure> {
    let config = configuration(command.config.as_ref())?;
    let scope = Scope { namespace: global.namespace.clone(), name: None, person: false };
    pass(global, &scope, How::Expired, &config, command.dry_run).await
}

/// Which floors are looked at, and for whom.
struct Scope {
    namespace: Option<String>,
    name: Option<String>,
    person: bool,
}

async fn pass(global: &Global, scope: &Scope, how: How, config: &Config, dry: bool) -> Result<Exit, Failure> {
    let unreachable = |e: &(dyn std::error::Error + 'static)| Failure::unreachable(kubernetes::chain(e));
    let clients = kubernetes::connect(&global.source()).await.map_err(|e| unreachable(&e))?;
    let namespace = match (&scope.namespace, &scope.name) {
        (Some(namespace), _) => Some(namespace.clone()),
        (None, Some(_)) => Some(clients.namespace.clone()),
        (None, None) => None,
    };
    let flag = config.hpa_controller.downscale_stabilisation.get();
    let found = held(&clients.watch, namespace.as_deref(), flag).await.map_err(|e| unreachable(&e))?;
    let found: Vec<Workload> =
        found.into_iter().filter(|w| scope.name.as_ref().is_none_or(|name| *name == w.hpa)).collect();
    if let (true, Some(name)) = (found.is_empty(), &scope.name) {
        let namespace = namespace.unwrap_or_default();
        return Err(near::unheld(&clients.watch, &namespace, name).await);
    }
    let who = Who { person: scope.person, ..person(config, global) };
    let writer = process::writer(config, &clients, &(Arc::new(Utc::now) as crate::daemon::Clock));
    let mut lines = Vec::new();
    for workload in &found {
        let next = hand_back::order(Utc::now(), workload, how, &who, config);
        let sent = if dry { None } else { hand_back::send(&writer, workload, &next).await };
        let outcome = match (&sent, &next.action) {
            (Some(sent), _) => told(&sent.reply),
            (None, Action::None) => (format!("left alone: {}", next.state.as_str()), false),
            (None, action) => (format!("would {}", action.as_str()), false),
        };
        lines.push(line(workload, &next.action, outcome));
    }
    output::print(&global.output, &lines, |lines| table(lines))?;
    Ok(if lines.iter().any(|l| l.failed) { Exit::No } else { Exit::Done })
}

/// A person who hands back: floors of every installation.
pub(super) fn person(config: &Config, global: &Global) -> Who {
    let identity = std::env::var("POD_NAME").unwrap_or_else(|_| "floorcast-command".to_owned());
    Who { namespace: global.own_namespace(config), identity, person: true }
}

fn line(workload: &Workload, action: &Action, (outcome, failed): (String, bool)) -> Line {
    let floor = match &workload.target.hold {
        Hold::Held(held) => held.floor,
        _ => workload.target.min,
    };
    let to = match action {
        Action::Acquire { write, .. } | Action::Hold { write } => write.held.floor,
        Action::GiveBack { base, .. } => *base,
        Action::Clean { value, .. } => *value,
        Action::None => workload.target.min,
    };
    Line { hpa: workload.key(), floor: floor.get(), to: to.get(), outcome, failed }
}

/// An answer in words, and whether it is a failure.
pub(super) fn told(reply: &Reply) -> (String, bool) {
    match reply {
        Reply::Done { .. } => ("done".to_owned(), false),
        Reply::Gone => ("gone".to_owned(), false),
        Reply::Conflict { owner: Some(owner) } => {
            (format!("{owner} changed it meanwhile; run the command again"), true)
        }
        Reply::Conflict { owner: None } => ("it changed meanwhile; run the command again".to_owned(), true),
        Reply::AboveMax => ("refused: above maxReplicas; run the command again".to_owned(), true),
        Reply::Denied { message } => (format!("denied: {message}"), true),
        Reply::NotSent => ("not sent; run the command again".to_owned(), true),
        Reply::Unknown => ("no answer; look with floorcast status and run the command again".to_owned(), true),
    }
}

fn table(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "No floor is held.\n".to_owned();
    }
    let mut table = Table::new(&["HPA", "FLOOR", "TO", "OUTCOME"]);
    for line in lines {
        table.row(vec![line.hpa.clone(), line.floor.to_string(), line.to.to_string(), line.outcome.clone()]);
    }
    table.render()
}
