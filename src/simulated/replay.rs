//! Days of a cluster replayed: the same load once with the HPA alone, once with the daemon beside it.
//!
//! The daemon is the real one: its tick, its planner, its guard and its writer, wired to the in-memory API server and to the
//! in-memory Prometheus. Nothing in it knows that the days are simulated.

use super::api::Server;
use super::api::kind::Kind;
use super::api::refusal::Refusal;
use super::api::request::Request;
use super::clock::Clock;
use super::cluster::{Cluster, Deployed, Minute, Past, Tally, scrape};
use super::prometheus::Prometheus;
use crate::config::{Config, Current};
use crate::daemon::{self, Daemon, LearnOn, Wiring};
use crate::datasource::{DatasourceSettings, Datasources, Reader, Transport};
use crate::http::{Pulse, api::Snapshot};
use crate::kubernetes::lease::{self, Elector};
use crate::kubernetes::observe::Cluster as Observed;
use crate::kubernetes::{CONTROL, Clients, LEASE, apply::Writer, events::Recorder};
use crate::metrics::Metrics;
use crate::process;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where Lease and kill switch of the simulated daemon are.
pub const NAMESPACE: &str = "floorcast";
/// The daemon's user at the simulated API server.
pub const USER: &str = "system:serviceaccount:floorcast:floorcast";
/// A [`Course`] has one point every so often.
pub const COURSE_STEP: TimeDelta = TimeDelta::minutes(15);

/// The configuration of the simulated daemon. A simulated lease is never contended, so it is renewed rarely.
const CONFIGURATION: &str = "
datasources: [{name: simulation, url: 'http://prometheus.simulation.invalid'}]
kubernetes: {ownNamespace: floorcast}
timing: {leaseDuration: 5m, leaseRenewDeadline: 4m, leaseRetry: 1m}
";

/// What is replayed.
#[derive(Clone)]
pub struct Scenario {
    /// Decides every chance.
    pub seed: u64,
    /// The first instant that is replayed; everything before it is history.
    pub start: DateTime<Utc>,
    /// How long.
    pub length: TimeDelta,
    /// The workloads.
    pub workloads: Vec<Deployed>,
}

/// One workload over the replayed time.
#[derive(Clone, Debug)]
pub struct Course {
    /// Namespace and name.
    pub workload: String,
    /// Counts.
    pub tally: Tally,
    /// `spec.minReplicas`, every 15 minutes.
    pub floors: Vec<u32>,
    /// `spec.replicas`, every 15 minutes.
    pub replicas: Vec<u32>,
    /// Total load, every 15 minutes, in the load's unit.
    pub load: Vec<f64>,
    /// Writes of the daemon that changed its HPA.
    pub floor_writes: u32,
}

impl Course {
    /// Starved minutes of every 15 minutes.
    pub fn starved(&self) -> Vec<u32> {
        let count = |minutes: &[Minute]| minutes.iter().filter(|m| m.starved > 0.0).count() as u32;
        self.tally.minutes().chunks(COURSE_STEP.num_minutes() as usize).map(count).collect()
    }
}

/// One replay.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// One per workload, in the scenario's order.
    pub courses: Vec<Course>,
    /// What the daemon said last of each workload: empty for the HPA alone.
    pub last: Arc<Snapshot>,
}

/// Why a replay ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The simulated API server refused something that the simulated cluster did.
    #[error("the simulated API server refused: {0}; this is a bug of floorcast, please report it")]
    Refused(String),
    /// The daemon could not be wired.
    #[error("the simulated daemon cannot start: {0}; this is a bug of floorcast, please report it")]
    Start(String),
}

impl From<Refusal> for ReplayError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal.body["message"].as_str().unwrap_or_default().to_owned())
    }
}

fn start(error: impl std::fmt::Display) -> ReplayError {
    ReplayError::Start(error.to_string())
}

impl Scenario {
    /// The load with the HPA alone. Needs a tokio runtime with paused time.
    ///
    /// # Errors
    /// Only where the simulation itself is at fault.
    pub async fn alone(&self, progress: impl FnMut(DateTime<Utc>)) -> Result<Outcome, ReplayError> {
        let server = Server::new(Clock::starting_at(self.start), self.seed);
        self.replay(server, &[], progress).await
    }

    /// The same load with the daemon beside the HPA. Needs a tokio runtime of one thread with paused time.
    ///
    /// # Errors
    /// Only where the simulation itself is at fault.
    pub async fn with_floorcast(&self, progress: impl FnMut(DateTime<Utc>)) -> Result<Outcome, ReplayError> {
        let server = Server::new(Clock::starting_at(self.start), self.seed);
        let prometheus = Prometheus::new(server.clock(), self.seed);
        let pasts: Vec<Past> = self.workloads.iter().map(|w| scrape(&prometheus, w)).collect();
        install(&server)?;
        let config = Config::parse(CONFIGURATION, Path::new("simulation")).map_err(start)?;
        let stop = CancellationToken::new();
        let (daemon, snapshot) = begin(&server, &prometheus, config, "floorcast-0", self.seed, stop.clone())?;
        let outcome = self.replay(server, &pasts, progress).await;
        stop.cancel();
        daemon.await.map_err(start)?;
        let last = snapshot.borrow().clone();
        outcome.map(|o| Outcome { last, ..o })
    }

    async fn replay(
        &self,
        server: Server,
        pasts: &[Past],
        mut progress: impl FnMut(DateTime<Utc>),
    ) -> Result<Outcome, ReplayError> {
        let mut cluster = Cluster::new(server.clone(), self.seed);
        for workload in &self.workloads {
            cluster.deploy(workload)?;
        }
        let mut points: Vec<Points> = self.workloads.iter().map(|_| Points::default()).collect();
        let mut next = self.start;
        let watched = |_: &Cluster, now: DateTime<Utc>| {
            self.workloads.iter().zip(pasts).for_each(|(workload, past)| past.note(&server, workload, now));
            if now >= next {
                next += COURSE_STEP;
                for (workload, points) in self.workloads.iter().zip(&mut points) {
                    points.take(&server, workload, now);
                }
                progress(now);
            }
        };
        cluster.run(self.start + self.length, watched).await?;
        let course = |(w, p): (&Deployed, Points)| p.course(w, &cluster, floor_writes(&server, w));
        let courses = self.workloads.iter().zip(points).filter_map(course).collect();
        Ok(Outcome { courses, last: Arc::default() })
    }
}

#[derive(Default)]
struct Points {
    floors: Vec<u32>,
    replicas: Vec<u32>,
    load: Vec<f64>,
}

impl Points {
    fn take(&mut self, server: &Server, workload: &Deployed, now: DateTime<Utc>) {
        let number = |kind, at: &str| {
            let object = server.get(kind, &workload.namespace, &workload.name);
            object.and_then(|o| o.pointer(at).and_then(Value::as_u64)).unwrap_or(0) as u32
        };
        self.floors.push(number(Kind::Hpa, "/spec/minReplicas"));
        self.replicas.push(number(Kind::Deployment, "/spec/replicas"));
        self.load.push((workload.load)(now).unwrap_or(f64::NAN));
    }

    fn course(self, workload: &Deployed, cluster: &Cluster, floor_writes: u32) -> Option<Course> {
        let tally = cluster.tally(&workload.namespace, &workload.name)?.clone();
        let name = format!("{}/{}", workload.namespace, workload.name);
        let Self { floors, replicas, load } = self;
        Some(Course { workload: name, tally, floors, replicas, load, floor_writes })
    }
}

fn floor_writes(server: &Server, workload: &Deployed) -> u32 {
    let ours = |r: &Request| r.kind == Kind::Hpa && r.namespace == workload.namespace && r.name == workload.name;
    server.audit(|audit| audit.entries().iter().filter(|e| ours(&e.request) && e.changed()).count() as u32)
}

/// What the shipped manifests install: namespace, Lease, kill switch.
///
/// # Errors
/// Where one of them is there already.
pub fn install(server: &Server) -> Result<(), Refusal> {
    let object = |version: &str, kind: &str, name: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}});
    server.create("kubectl", json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}))?;
    server.create("kubectl", object("coordination.k8s.io/v1", "Lease", LEASE))?;
    let mut control = object("v1", "ConfigMap", CONTROL);
    control["data"] = json!({"cluster": "run"});
    server.create("kubectl", control)?;
    Ok(())
}

/// Wires a daemon to the simulation and lets it tick until `stop`; gives its task and its snapshots.
///
/// # Errors
/// Where it cannot be wired.
pub fn begin(
    server: &Server,
    prometheus: &Prometheus,
    config: Config,
    pod: &str,
    seed: u64,
    stop: CancellationToken,
) -> Result<(tokio::task::JoinHandle<()>, watch::Receiver<Arc<Snapshot>>), ReplayError> {
    let Wired { mut daemon, snapshots, kept, .. } = wire(server, prometheus, config, pod, seed)?;
    let task = tokio::spawn(async move {
        daemon.run(stop).await;
        drop((daemon, kept));
    });
    Ok((task, snapshots))
}

/// A daemon that has not ticked yet, and what must live as long as it.
pub struct Wired {
    /// The daemon.
    pub daemon: Daemon,
    /// What it publishes.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// What its `/metrics` would show.
    pub metrics: Arc<Metrics>,
    /// Its election and its configuration.
    pub kept: Kept,
}

/// Ends election and configuration of a daemon when it is dropped.
pub struct Kept {
    _elector: Arc<Elector>,
    _config: watch::Sender<Current>,
}

/// Wires a daemon to the simulation without letting it tick: for whoever wants to tick himself.
///
/// # Errors
/// Where it cannot be wired.
pub fn wire(
    server: &Server,
    prometheus: &(impl Transport + Clone),
    config: Config,
    pod: &str,
    seed: u64,
) -> Result<Wired, ReplayError> {
    let clients = Clients::from_service(&server.connect(USER).from_pod(pod), NAMESPACE);
    let clock: daemon::Clock = Arc::new(server.clock().reader());
    // One life of a pod begins at one instant: no two have a name, and a replay has the same ones.
    let identity = lease::identity_by(pod, server.clock().now().timestamp_millis() as u32);
    let elector = Elector::start(&clients.lease, process::election(&config, NAMESPACE, &identity, &clock));
    let elector = Arc::new(elector.map_err(start)?);
    let at_least = Arc::clone(&elector);
    let metrics = Arc::new(Metrics::new(config.metrics.workloads.get() as usize).map_err(start)?);
    let (transport, observer) = (prometheus.clone(), Arc::clone(&metrics));
    let connect = move |config: &Config| {
        let reader = |d| Reader::new(&DatasourceSettings::from(d), Arc::new(transport.clone()), observer.clone(), seed);
        Ok(Datasources::of(config.datasources.iter().map(reader)))
    };
    let snapshot = watch::Sender::new(Arc::new(Snapshot::default()));
    let snapshots = snapshot.subscribe();
    let pulse = Arc::new(Pulse::new(clock(), config.timing.tick.std()));
    let writer = Writer::new(clients.write.clone(), Arc::clone(&clock)).each(config.timing.write_timeout.std());
    let watching = process::watching(&config, NAMESPACE);
    let (publish, current) = watch::channel(Current { config: Arc::new(config), refused: None });
    let wiring = Wiring {
        cluster: Observed::start(clients.watch.clone(), watching),
        writer,
        leadership: elector.leadership(),
        at_least: Box::new(move |epoch| at_least.at_least(epoch)),
        recorder: Recorder::start(clients.watch.clone(), &identity, Arc::clone(&clock)),
        config: current,
        connect: Box::new(connect),
        metrics: Arc::clone(&metrics),
        forbidden: watch::Sender::new(Vec::new()).subscribe(),
        snapshot,
        pulse,
        clock,
        identity,
        always_study: false,
        learn_on: LearnOn::OwnTask,
    };
    let daemon = Daemon::new(wiring).map_err(ReplayError::Start)?;
    Ok(Wired { daemon, snapshots, metrics, kept: Kept { _elector: elector, _config: publish } })
}
