//! `pause` and `resume`: of one workload by a mark on it, of many by the kill switch.

use super::{
    Exit, Failure, Global, called,
    control::{Switch, Told, answer, refused, stopped},
    near,
    release::{Peace, peace},
};
use crate::{
    config::{self, Config},
    kubernetes::{
        self, Clients, Workload,
        held::{alone, ask_for_peace},
        hold,
    },
};
use chrono::Utc;
use clap::Args;
use floorcast_models::{policy::Directive, target::Hold};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use std::path::PathBuf;

/// Stop raising floors for a while.
///
/// One workload: marks it (floorcast.io/released-until), so that no floor is raised before --for has passed; a floor that
/// stands comes down by the ramp. With --all: sets the kill switch to `freeze`, of one namespace with -n; nothing is raised or
/// lowered until resume, and floors that stand stay.
#[derive(Debug, Args)]
#[command(
    group = clap::ArgGroup::new("which").required(true).args(["hpa", "all"]),
    after_help = "Examples:\n  \
        floorcast pause web -n shop --for 4h    one workload, its floor handed back\n  \
        floorcast pause --all -n shop           a namespace, floors as they stand\n  \
        floorcast pause --all                   the whole cluster"
)]
pub struct Pause {
    /// The HPA, as NAME or NAMESPACE/NAME
    pub hpa: Option<String>,
    /// All workloads, of one namespace with -n: by the kill switch, which stays until resume
    #[arg(long)]
    pub all: bool,
    /// No floor is raised for this long; of one workload
    #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = peace, conflicts_with = "all")]
    pub peace: Peace,
    /// The configuration, for floorcast's namespace and the kill switch's name
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Tell what would be done, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Raise floors again after a pause, drain or release.
///
/// One workload: takes the mark of pause, drain or release away. With --all: sets the kill switch to `run`, of one namespace
/// with -n, whatever it said.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["hpa", "all"]))]
pub struct Resume {
    /// The HPA, as NAME or NAMESPACE/NAME
    pub hpa: Option<String>,
    /// All workloads, of one namespace with -n: by the kill switch
    #[arg(long)]
    pub all: bool,
    /// The configuration, for floorcast's namespace and the kill switch's name
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Tell what would be done, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Pauses.
pub async fn pause(global: &Global, command: &Pause) -> Result<Exit, Failure> {
    let at = At::of(global, command.hpa.as_deref(), command.config.as_ref(), command.dry_run).await?;
    let Some((namespace, name)) = &at.named else { return at.switch().turn(Directive::Freeze).await };
    let workload = at.workload(namespace, name).await?;
    let until = Utc::now() + command.peace.get();
    if !command.dry_run {
        let asked = ask_for_peace(&at.clients.write, &workload, Some(until)).await;
        asked.map_err(|e| refused(&workload.key(), &e))?;
    }
    let would = if command.dry_run { "would be" } else { "is" };
    let held = match &workload.target.hold {
        Hold::Held(held) => {
            format!("a running daemon lowers it from {} to {} by the ramp, and", workload.target.min, held.base)
        }
        _ => "no floor is held, and".to_owned(),
    };
    let told = Told {
        what: format!("{} {would} paused until {}", workload.key(), hold::stamp(until)),
        then: format!("{held} none is raised before (annotation {})", hold::RELEASED_UNTIL),
        undo: format!("{} resume {name} -n {namespace}", called()),
    };
    answer(global, &told)
}

/// Resumes.
pub async fn resume(global: &Global, command: &Resume) -> Result<Exit, Failure> {
    let at = At::of(global, command.hpa.as_deref(), command.config.as_ref(), command.dry_run).await?;
    let Some((namespace, name)) = &at.named else { return at.switch().turn(Directive::Run).await };
    let workload = at.workload(namespace, name).await?;
    let switch = stopped(global, &at.config, &at.clients, namespace).await;
    let key = workload.key();
    let Some(mark) = workload.hpa_annotations.get(hold::RELEASED_UNTIL) else {
        let why = switch.map_or_else(
            || format!("see {} explain {name} -n {namespace}", called()),
            |said| format!("{said}; {} resume --all takes it back", called()),
        );
        return Err(Failure::new(
            Exit::No,
            format!("{key} is not paused: it has no annotation {}; {why}", hold::RELEASED_UNTIL),
        ));
    };
    if !command.dry_run {
        ask_for_peace(&at.clients.write, &workload, None).await.map_err(|e| refused(&key, &e))?;
    }
    let would = if command.dry_run { "would be" } else { "is" };
    let told = Told {
        what: format!("{key} {would} resumed (was paused until {mark})"),
        then: switch.map_or_else(
            || "a floor is raised as soon as one is needed".to_owned(),
            |said| format!("{said}: no floor is raised until that is taken back"),
        ),
        undo: format!("{} pause {name} -n {namespace}", called()),
    };
    answer(global, &told)
}

/// What a command is about, and who it asks.
struct At<'a> {
    global: &'a Global,
    config: Config,
    clients: Clients,
    named: Option<(String, String)>,
    dry_run: bool,
}

impl<'a> At<'a> {
    async fn of(global: &'a Global, hpa: Option<&str>, file: Option<&PathBuf>, dry_run: bool) -> Result<Self, Failure> {
        let config = file.map(|file| config::load(file)).transpose()?.unwrap_or_default();
        let named = hpa.map(|hpa| global.named(hpa)).transpose()?;
        let clients = kubernetes::connect(&global.source()).await.map_err(|e| Failure::unreachable(e.to_string()))?;
        let named = named.map(|(namespace, name)| (namespace.unwrap_or_else(|| clients.namespace.clone()), name));
        Ok(Self { global, config, clients, named, dry_run })
    }

    fn switch(&self) -> Switch<'_> {
        Switch { global: self.global, config: &self.config, clients: &self.clients, dry_run: self.dry_run }
    }

    async fn workload(&self, namespace: &str, name: &str) -> Result<Workload, Failure> {
        let api: Api<HorizontalPodAutoscaler> = Api::namespaced(self.clients.write.clone(), namespace);
        let key = format!("HPA {namespace}/{name}");
        let found = api.get_opt(name).await.map_err(|e| refused(&key, &e))?;
        let Some(hpa) = found else { return Err(near::missing(&self.clients.write, namespace, name).await) };
        let flag = self.config.hpa_controller.downscale_stabilisation.get();
        alone(&hpa, flag).map_err(|e| Failure::new(Exit::No, format!("{key} cannot be read: {e}")))
    }
}
