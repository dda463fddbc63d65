//! `drain`: floors handed back by the ramp. Of many by the kill switch, which the daemon carries out; of one by a mark on
//! the object, which keeps the daemon from raising again, and by the command's own steps, whether a daemon runs or not.

use super::{
    Exit, Failure, Global, output,
    release::{Peace, peace, person, told},
};
use crate::{
    config::{self, Config, period},
    hand_back::{self, How},
    kubernetes::{
        self, Clients, Workload,
        control::Control,
        held::{ask_for_peace, held},
    },
    process,
};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use floorcast_models::{policy::Directive, protocol::Action, target::Hold, units::Replicas};
use k8s_openapi::api::{coordination::v1::Lease, core::v1::ConfigMap};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde::Serialize;
use serde_json::json;
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Failed writes in a row before the command gives up; its mark stays.
const TRIES: u32 = 5;

/// Hand floors back by the ramp.
///
/// One workload: marks it (floorcast.io/released-until), so that no floor is raised before --for has passed, and lowers its
/// floor step by step until the base is back. With --all: sets the kill switch to `drain`; the daemon does the rest.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("which").required(true).args(["hpa", "all"]))]
pub struct Drain {
    /// The HPA, as NAME or NAMESPACE/NAME
    pub hpa: Option<String>,
    /// All floors, of one namespace with -n: by the kill switch
    #[arg(long)]
    pub all: bool,
    /// No floor is raised again for this long; of one workload
    #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = peace, conflicts_with = "all")]
    pub peace: Peace,
    /// Only mark the workload, and leave the steps to a running daemon
    #[arg(long, conflicts_with = "all")]
    pub no_wait: bool,
    /// The configuration, for the ramp and for floorcast's namespace
    #[arg(long, short, value_name = "FILE", env = "FLOORCAST_CONFIG")]
    pub config: Option<PathBuf>,
    /// Tell what would be done, write nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// What `-o json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    /// What was written, where.
    what: String,
    /// What follows from it.
    then: String,
    /// How to undo it.
    undo: String,
}

/// Drains one workload, or sets the switch.
pub async fn run(global: &Global, command: &Drain) -> Result<Exit, Failure> {
    let config = match &command.config {
        Some(file) => config::load(file)?,
        None => Config::default(),
    };
    let named = command.hpa.as_deref().map(|hpa| global.named(hpa)).transpose()?;
    let clients = kubernetes::connect(&global.source()).await.map_err(|e| Failure::unreachable(e.to_string()))?;
    match named {
        Some((namespace, name)) => {
            let namespace = namespace.unwrap_or_else(|| clients.namespace.clone());
            let one = One { clients: &clients, config: &config, namespace, name, global, command };
            one.drain().await
        }
        None => switch(global, command, &config, &clients).await,
    }
}

/// One workload that is drained.
struct One<'a> {
    clients: &'a Clients,
    config: &'a Config,
    namespace: String,
    name: String,
    global: &'a Global,
    command: &'a Drain,
}

impl One<'_> {
    fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    async fn look(&self) -> Result<Option<Workload>, Failure> {
        let flag = self.config.hpa_controller.downscale_stabilisation.get();
        let found = held(&self.clients.watch, Some(&self.namespace), flag).await;
        let found = found.map_err(|e| Failure::unreachable(kubernetes::chain(&e)))?;
        Ok(found.into_iter().find(|w| w.hpa == self.name))
    }

    async fn drain(&self) -> Result<Exit, Failure> {
        let key = self.key();
        let Some(workload) = self.look().await? else {
            return Err(Failure::new(Exit::No, format!("no floor is held on {key}; see floorcast status")));
        };
        let Hold::Held(held) = &workload.target.hold else {
            return Err(Failure::new(
                Exit::No,
                format!("the marks on {key} cannot be read; use floorcast release {key}"),
            ));
        };
        let (floor, base) = (workload.target.min, held.base);
        let until = Utc::now() + self.command.peace.get();
        if self.command.dry_run {
            let steps = self.steps(floor, base);
            return self.tell(format!("would lower {key} from {floor} to {base}, {steps}"), until);
        }
        ask_for_peace(&self.clients.write, &workload, until).await.map_err(|e| refused(&key, &e))?;
        if self.command.no_wait {
            return self.tell(format!("{key} is marked: a running daemon lowers it from {floor} to {base}"), until);
        }
        eprintln!("{key}: {floor} → {base}, {}; Ctrl-C leaves the rest to a running daemon", self.steps(floor, base));
        let value = self.lower(floor).await?;
        self.tell(format!("{key}: minReplicas is {value}; no floor is held"), until)
    }

    fn steps(&self, floor: Replicas, base: Replicas) -> String {
        let ramp = self.config.guard.ramp();
        let count = floorcast_models::janitor::steps(floor, base, &ramp);
        format!("in {count} step{} of {}", if count == 1 { "" } else { "s" }, period::written(ramp.step))
    }

    /// Steps down until nothing of ours stands; gives the value that is left. The ramp's clock is on the object, so that a
    /// daemon that steps too does no harm.
    async fn lower(&self, mut floor: Replicas) -> Result<Replicas, Failure> {
        let pause = (self.config.guard.ramp().step / 4).clamp(TimeDelta::seconds(1), TimeDelta::seconds(15));
        let pause = pause.to_std().unwrap_or(Duration::from_secs(5));
        let writer = process::writer(self.config, self.clients, &(Arc::new(Utc::now) as crate::daemon::Clock));
        let who = person(self.config, self.global);
        let mut failures = 0;
        while let Some(workload) = self.look().await? {
            if workload.target.min != floor {
                floor = workload.target.min;
                eprintln!("{}: {floor}", self.key());
            }
            let next = hand_back::order(Utc::now(), &workload, How::Drain, &who, self.config);
            let Some(sent) = hand_back::send(&writer, &workload, &next).await else {
                tokio::time::sleep(pause).await;
                continue;
            };
            let (outcome, failed) = told(&sent.reply);
            failures = if failed { failures + 1 } else { 0 };
            if failures >= TRIES {
                return Err(Failure::new(Exit::No, format!("{}: {outcome}; its mark stays", self.key())));
            }
            match &next.action {
                Action::GiveBack { base, .. } if !failed => return Ok(*base),
                Action::Clean { value, .. } if !failed => return Ok(*value),
                _ => tokio::time::sleep(pause).await,
            }
        }
        Ok(floor)
    }

    fn tell(&self, what: String, until: DateTime<Utc>) -> Result<Exit, Failure> {
        let key = crate::kubernetes::hold::RELEASED_UNTIL;
        let until = crate::kubernetes::hold::stamp(until);
        let then = format!("no floor is raised before {until} (annotation {key})");
        let undo = format!("kubectl annotate hpa -n {} {} {key}-", self.namespace, self.name);
        answer(self.global, &Told { what, then, undo })
    }
}

/// Why an object of ours could not be changed.
pub(super) fn refused(what: &str, error: &kube::Error) -> Failure {
    let why = kubernetes::chain(error);
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            Failure::new(Exit::No, format!("{what} may not be changed by this account: {why}"))
        }
        kube::Error::Api(status) if status.code == 404 => {
            Failure::new(Exit::No, format!("{what} does not exist: {why}"))
        }
        _ => Failure::unreachable(format!("{what}: {why}")),
    }
}

fn answer(global: &Global, told: &Told) -> Result<Exit, Failure> {
    let text = |t: &Told| format!("{}\nthen: {}\nundo: {}\n", t.what, t.then, t.undo);
    output::print(global.output, told, text)?;
    Ok(Exit::Done)
}

/// Sets the kill switch to `drain` with the rights of whoever calls.
async fn switch(global: &Global, command: &Drain, config: &Config, clients: &Clients) -> Result<Exit, Failure> {
    let own = global.own_namespace(config);
    let name = config.kubernetes.control.as_str();
    let maps: Api<ConfigMap> = Api::namespaced(clients.write.clone(), &own);
    let shown = format!("ConfigMap {own}/{name}");
    let map = maps.get(name).await.map_err(|e| {
        let mut failure = refused(&shown, &e);
        failure
            .message
            .push_str("; it is in deploy/manifests/control.yaml; --floorcast-namespace says where floorcast runs");
        failure
    })?;
    let key = global.namespace.as_ref().map_or_else(|| "cluster".to_owned(), |ns| format!("namespace.{ns}"));
    let before = map.data.as_ref().and_then(|data| data.get(&key));
    let stands = before.map_or("run", String::as_str);
    let single = std::collections::BTreeMap::from([("cluster".to_owned(), stands.to_owned())]);
    if Control::parse(&single).directive("") == Directive::Release {
        let said = format!("{shown}: {key} says release, which is stricter than drain; nothing was changed");
        return Err(Failure::new(Exit::No, said));
    }
    if !command.dry_run {
        let params = PatchParams { field_manager: Some("floorcast-command".to_owned()), ..PatchParams::default() };
        let patch = Patch::Merge(json!({"data": {(key.as_str()): "drain"}}));
        maps.patch(name, &params, &patch).await.map_err(|e| refused(&shown, &e))?;
    }
    let would = if command.dry_run { "would be" } else { "is" };
    let before = json!({"data": {(key.as_str()): before}});
    answer(
        global,
        &Told {
            what: format!("{shown}: {key} {would} drain (was {stands})"),
            then: carried_out(clients, &own, config).await,
            undo: format!("kubectl patch configmap -n {own} {name} --type merge -p '{before}'"),
        },
    )
}

/// Who carries the switch out.
async fn carried_out(clients: &Clients, own: &str, config: &Config) -> String {
    let leases: Api<Lease> = Api::namespaced(clients.watch.clone(), own);
    let lease = leases.get_opt(&config.kubernetes.lease).await.ok().flatten();
    let holder = lease.and_then(|l| l.spec).and_then(|s| s.holder_identity).filter(|h| !h.is_empty());
    let slowly = "and raises nothing while the switch says so";
    holder.map_or_else(
        || {
            "nobody holds the Lease, so no daemon carries it out: floors stand until their `until`, then the janitor lowers \
             them; floorcast release --all hands them back now"
                .to_owned()
        },
        |holder| format!("{holder} lowers every floor by the ramp, {slowly}"),
    )
}
