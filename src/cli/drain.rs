//! `drain`: floors handed back by the ramp. Of many by the kill switch, which the daemon carries out; of one by a mark on
//! the object, which keeps the daemon from raising again, and by the command's own steps, whether a daemon runs or not.

use super::{
    Exit, Failure, Global,
    control::{Switch, Told, answer, refused},
    near,
    release::{Peace, peace, person, told},
};
use crate::{
    config::{self, Config, period},
    hand_back::{self, How},
    kubernetes::{
        self, Clients, Workload,
        held::{ask_for_peace, held},
    },
    process,
};
use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use floorcast_models::{policy::Directive, protocol::Action, target::Hold, units::Replicas};
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
        None => {
            Switch { global, config: &config, clients: &clients, dry_run: command.dry_run }.turn(Directive::Drain).await
        }
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
            return Err(near::unheld(&self.clients.watch, &self.namespace, &self.name).await);
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
        ask_for_peace(&self.clients.write, &workload, Some(until)).await.map_err(|e| refused(&key, &e))?;
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
