//! `enable` and `disable`: opting a workload in and out, on the object or as a patch for Git.

mod answer;
mod object;
mod said;

use self::{
    answer::{Answer, Change},
    object::{Object, Refused},
    said::Said,
};
use super::{Exit, Failure, Global, called, output, patch::Patch};
use crate::{
    annotations::Key,
    config::{self, Config},
    kubernetes,
};
use clap::Args;
use std::{collections::BTreeMap, path::PathBuf};

/// Field manager of the annotations that `enable` sets: `disable` takes back these, and no others.
pub const MANAGER: &str = "floorcast-enable";

/// Opt a workload in: shadow mode unless told otherwise.
///
/// Sets the floorcast.io/ annotations on the HPA by server-side apply, under a field manager of its own, so that nothing of
/// anybody else is touched. Values are checked as the daemon checks them before anything is sent. Where Git owns the HPA, use
/// --print and commit the patch.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    floorcast enable web -n shop                      forecast and tell, change nothing\n  \
    floorcast enable web -n shop --mode live          write floors\n  \
    floorcast enable shop/web --quantile 0.99 --max-floor 40 --dry-run\n  \
    floorcast enable shop/web --mode live --print >> floorcast-patch.yaml    for kustomize")]
pub struct Enable {
    /// The HPA, as NAME or NAMESPACE/NAME
    pub hpa: String,
    /// What is said.
    #[command(flatten)]
    said: Said,
    /// How it is said.
    #[command(flatten)]
    how: How,
}

/// Opt a workload out.
///
/// Takes back the annotations that `enable` set, and only those. A running daemon then hands back the floor it holds, by
/// the ramp. What somebody else set (kubectl annotate, a manifest in Git) stays and is told with its owner.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    floorcast disable web -n shop\n  \
    floorcast disable web -n shop --force-conflicts   also what others set\n  \
    floorcast disable shop/web --print                as a patch that removes every key")]
pub struct Disable {
    /// The HPA, as NAME or NAMESPACE/NAME
    pub hpa: String,
    /// How it is said.
    #[command(flatten)]
    how: How,
}

/// How annotations are written.
#[derive(Debug, Args)]
struct How {
    /// Print a patch for Git instead (strategic merge, as kustomize takes it); asks no cluster, writes nothing
    #[arg(long, conflicts_with_all = ["dry_run", "force_conflicts"])]
    print: bool,
    /// Let the API server check everything and tell what would change, write nothing
    #[arg(long)]
    dry_run: bool,
    /// Also change what another field manager set
    #[arg(long)]
    force_conflicts: bool,
    /// The daemon's configuration: only with it a load template's name can be checked here
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    config: Option<PathBuf>,
}

impl How {
    /// The daemon's configuration; without one, everything is allowed that only the administrator could forbid.
    fn configuration(&self) -> Result<Config, Failure> {
        match &self.config {
            Some(file) => Ok(config::load(file)?),
            None => Ok(Config { allow_query: vec!["*".to_owned()], ..Config::default() }),
        }
    }

    async fn find(&self, global: &Global, hpa: &str, config: &Config) -> Result<Object, Failure> {
        let (namespace, name) = global.named(hpa)?;
        let clients = kubernetes::connect(&global.source()).await.map_err(|e| Failure::unreachable(e.to_string()))?;
        let namespace = namespace.unwrap_or_else(|| clients.namespace.clone());
        Object::find(&clients, &namespace, &name, config.hpa_controller.downscale_stabilisation.get()).await
    }
}

/// Opts in.
pub async fn enable(global: &Global, command: &Enable) -> Result<Exit, Failure> {
    let config = command.how.configuration()?;
    let wanted = command.said.annotations();
    let (namespace, name) = global.named(&command.hpa)?;
    if command.how.print {
        let mut wanted = wanted;
        wanted.entry(Key::Mode).or_insert_with(|| "shadow".to_owned());
        let notes =
            said::checked(&wanted, &BTreeMap::new(), &config, command.how.config.as_ref(), namespace.as_deref())?;
        for note in notes {
            eprintln!("note: {note}");
        }
        return print(namespace.as_deref(), &name, wanted.into_iter().map(|(key, value)| (key, Some(value))));
    }
    // What is wrong in itself is told without a cluster.
    said::checked(&wanted, &BTreeMap::new(), &config, command.how.config.as_ref(), namespace.as_deref())?;
    let object = command.how.find(global, &command.hpa, &config).await?;
    let plan = object.opt_in(wanted, command.how.force_conflicts)?;
    let mut notes = said::checked(
        &plan.all,
        &object.target,
        &config,
        command.how.config.as_ref(),
        Some(&object.workload.namespace),
    )?;
    object.against(&plan.all, &mut notes)?;
    if let Some((mode, by)) = &plan.already {
        let answer =
            Answer::unchanged(format!("{} is opted in already, mode {mode}, set by {by}", object.key()), notes);
        output::print(&global.output, &answer, Answer::text)?;
        return Ok(Exit::Done);
    }
    let after = object.apply(&plan.ours, &command.how).await?;
    let mode = plan.all.get(&Key::Mode).map_or("shadow", String::as_str);
    let would = if command.how.dry_run { "would be" } else { "is" };
    let answer = Answer {
        what: format!("{} {would} opted in, mode {mode}", object.key()),
        dry_run: command.how.dry_run,
        changes: changes(&object.annotations, &after),
        notes,
        then: format!(
            "{} explain {} -n {} tells what the daemon makes of it",
            called(),
            object.workload.hpa,
            object.workload.namespace
        ),
        undo: Some(format!("{} disable {} -n {}", called(), object.workload.hpa, object.workload.namespace)),
    };
    output::print(&global.output, &answer, Answer::text)?;
    Ok(Exit::Done)
}

/// Opts out.
pub async fn disable(global: &Global, command: &Disable) -> Result<Exit, Failure> {
    let config = command.how.configuration()?;
    if command.how.print {
        let (namespace, name) = global.named(&command.hpa)?;
        return print(namespace.as_deref(), &name, Key::ALL.into_iter().map(|key| (key, None)));
    }
    let object = command.how.find(global, &command.hpa, &config).await?;
    let after = object.opt_out(&command.how).await?;
    let stays = object.stays(&after);
    let would = if command.how.dry_run { "would be" } else { "is" };
    let still = after.contains_key(&Key::Mode.annotation());
    let answer = Answer {
        what: if still {
            format!("{} {would} opted in still: others say so too", object.key())
        } else {
            format!("{} {would} opted out", object.key())
        },
        dry_run: command.how.dry_run,
        changes: changes(&object.annotations, &after),
        notes: stays,
        then: object.handed_back(),
        undo: None,
    };
    output::print(&global.output, &answer, Answer::text)?;
    Ok(if still { Exit::No } else { Exit::Done })
}

fn changes(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<Change> {
    let keys = Key::ALL.map(Key::annotation);
    let change = |key: String| {
        let (from, to) = (before.get(&key).cloned(), after.get(&key).cloned());
        (from != to).then_some(Change { key, from, to })
    };
    keys.into_iter().filter_map(change).collect()
}

/// The patch for Git: nothing but annotations.
fn print(
    namespace: Option<&str>,
    name: &str,
    keys: impl Iterator<Item = (Key, Option<String>)>,
) -> Result<Exit, Failure> {
    Patch::new(namespace, name, keys, serde_json::Map::new()).print()?;
    Ok(Exit::Done)
}

/// Why nothing was sent, as exit 1.
fn no(refused: &Refused) -> Failure {
    Failure::new(Exit::No, refused.to_string())
}
