//! A cluster with the shipped manifests, and a Prometheus with a past.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_testbed::cluster::{Options, Request};
use floorcast_testbed::curve::Humps;
use floorcast_testbed::daemon::{Daemon, fast_settings};
use floorcast_testbed::metrics_api::{Source, wait_available};
use floorcast_testbed::replay::Replay;
use floorcast_testbed::workload::{Shape, Workload};
use floorcast_testbed::{Cluster, Prometheus, prometheus};
use serde_json::{Value, json};

/// The daemon's account, as the manifests make it.
pub(crate) const ACCOUNT: &str = "system:serviceaccount:floorcast:floorcast";
/// The janitor's.
pub(crate) const JANITOR: &str = "system:serviceaccount:floorcast:floorcast-janitor";

pub(crate) const SECOND: Duration = Duration::from_secs(1);
/// Samples of a request rate are as far apart as the daemon's step.
const EVERY: TimeDelta = TimeDelta::seconds(10);

/// A cluster with the manifests applied as they are, and a Prometheus.
pub(crate) struct Ground {
    pub(crate) cluster: Cluster,
    pub(crate) prometheus: Prometheus,
    /// Kubeconfig of the shipped service account.
    pub(crate) account: PathBuf,
}

impl Ground {
    /// Starts both; the pasts are what Prometheus knows, and two hours of what is to come.
    pub(crate) async fn start(pasts: &[Past]) -> Self {
        Self::start_with(pasts, prometheus::Options::default()).await
    }

    pub(crate) async fn start_with(pasts: &[Past], options: prometheus::Options) -> Self {
        let cluster = Cluster::start(Options::default()).await.unwrap();
        Self::on(cluster, pasts, options).await
    }

    /// On a cluster that is there: a test may have waited long for it, and its load must begin now.
    pub(crate) async fn on(cluster: Cluster, pasts: &[Past], mut options: prometheus::Options) -> Self {
        let now = Utc::now();
        let series = |past: &Past| past.replay.series(now - past.length, now + TimeDelta::hours(2), past.every);
        options.history.extend(pasts.iter().flat_map(series));
        let prometheus = Prometheus::start(options).await.unwrap();
        let manifests = floorcast_testbed::manifests();
        cluster.kubectl(&["apply", "-f", &manifests.display().to_string()]).await.unwrap();
        wait_available(cluster.client().await.unwrap()).await.unwrap();
        let account = cluster.service_account_kubeconfig("floorcast", "floorcast").await.unwrap();
        Self { cluster, prometheus, account }
    }

    /// Starts the daemon, ready or not.
    pub(crate) fn spawn(&self, name: &str, changes: &Value) -> Daemon {
        let settings = settings(&self.prometheus.url(), changes);
        Daemon::start(self.cluster.folder(), name, program(), &self.account, &settings).unwrap()
    }

    /// Starts the daemon and waits until it is ready.
    pub(crate) async fn daemon(&self, name: &str, changes: &Value) -> Daemon {
        let mut daemon = self.spawn(name, changes);
        daemon.wait_ready().await.unwrap();
        daemon
    }

    /// Creates the replay's Deployment and HPA, and lets its load be.
    pub(crate) async fn workload(&self, replay: &Replay, shape: &Shape) -> Workload {
        self.load(replay);
        let client = self.cluster.client().await.unwrap();
        Workload::create(client, &replay.namespace, &replay.name, shape).await.unwrap()
    }

    /// Creates the replay's Deployment only: the HPA is somebody else's to write.
    pub(crate) async fn deployment(&self, replay: &Replay) -> Workload {
        self.load(replay);
        let client = self.cluster.client().await.unwrap();
        Workload::create_deployment(client, &replay.namespace, &replay.name, &Shape::default()).await.unwrap()
    }

    /// Makes the replay's load that of its pods.
    pub(crate) fn load(&self, replay: &Replay) {
        // The usual shape: a target of 50 % of 100m.
        let cores = Source::exact(replay.cores(0.05));
        self.cluster.metrics().set_cpu(&replay.namespace, &replay.name, cores);
    }

    /// Requests of an account in the audit log that may change something, but those on its Lease and Events.
    pub(crate) fn writes_of(&self, user: &str) -> Vec<Request> {
        let harmless =
            |r: &Request| matches!(r.object_ref.resource.as_str(), "leases" | "events" | "selfsubjectaccessreviews");
        let mut requests = self.cluster.audit().unwrap();
        requests.retain(|r| r.user.username == user && r.mutating() && !harmless(r));
        requests
    }

    /// The daemon's writes to HPAs of a namespace.
    pub(crate) fn hpa_writes(&self, namespace: &str) -> Vec<Request> {
        let mut writes = self.writes_of(ACCOUNT);
        writes.retain(|r| r.object_ref.resource == "horizontalpodautoscalers" && r.object_ref.namespace == namespace);
        writes
    }
}

/// A replay, and how long it has been going on.
pub(crate) struct Past {
    pub(crate) replay: Replay,
    pub(crate) length: TimeDelta,
    /// Time between two samples.
    pub(crate) every: TimeDelta,
}

impl Past {
    /// Four weeks: what the daemon asks for.
    pub(crate) fn weeks(replay: &Replay) -> Self {
        Self { replay: replay.clone(), length: TimeDelta::days(28), every: EVERY }
    }

    /// Six days: enough for a daily season, and quickly learned.
    pub(crate) fn days(replay: &Replay) -> Self {
        Self { replay: replay.clone(), length: TimeDelta::days(6), every: EVERY }
    }
}

/// The built daemon.
pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_floorcast"))
}

/// What a command of the daemon's program did, under an account.
pub(crate) async fn run(args: &[&str], config: &Path, kubeconfig: &Path) -> std::process::Output {
    let mut command = tokio::process::Command::new(program());
    command.args(args).arg("--config").arg(config).arg("--kubeconfig").arg(kubeconfig).kill_on_drop(true);
    tokio::time::timeout(120 * SECOND, command.output()).await.unwrap().unwrap()
}

/// Durations shortened, and one template for request rates.
pub(crate) fn settings(prometheus: &str, changes: &Value) -> Value {
    let mut settings = fast_settings(
        prometheus,
        &json!({
            "templates": {"requests": {
                "query": "sum(http_requests_per_second{namespace=\"$namespace\", workload=\"$workload\"})",
                "targetPerReplica": 10,
            }},
        }),
    );
    floorcast_testbed::daemon::merge(&mut settings, changes);
    settings
}

/// A load that is at its daily height for hours around now: 3 replicas' worth else, 8 now.
pub(crate) fn busy_now(namespace: &str) -> Replay {
    let begins = Utc::now() - TimeDelta::hours(2);
    daily(namespace, begins, Duration::from_mins(2), Duration::from_hours(5), (28.0, 76.0))
}

/// A load that rises every day from what the base of 2 carries to 16 replicas' worth for four minutes, the next time at
/// `begins`. So short, so that a test sees its beginning and its end.
pub(crate) fn peak_at(namespace: &str, begins: DateTime<Utc>) -> Replay {
    daily(namespace, begins, Duration::from_mins(1), Duration::from_mins(4), (16.0, 156.0))
}

/// A daily hump of requests over a level, in requests per second, 10 to a replica.
pub(crate) fn daily(
    namespace: &str,
    begins: DateTime<Utc>,
    rise: Duration,
    lasts: Duration,
    (level, peak): (f64, f64),
) -> Replay {
    let hump = Humps { every: TimeDelta::days(1), level, peak, begins, rise, lasts, noise: 0.02 };
    Replay::requests(namespace, "web", move |t| hump.at(t))
}

/// Opted in, with request rates as the load.
pub(crate) fn live() -> Shape {
    Shape::default().annotated("floorcast.io/mode", "live").annotated("floorcast.io/load", "requests")
}

/// The same in shadow mode.
pub(crate) fn shadow() -> Shape {
    Shape::default().annotated("floorcast.io/mode", "shadow").annotated("floorcast.io/load", "requests")
}
