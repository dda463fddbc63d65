//! The one cluster, Prometheus and daemon that harmless scenarios share.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_testbed::cluster::Options;
use floorcast_testbed::daemon::Daemon;
use floorcast_testbed::replay::Replay;
use floorcast_testbed::workload::{Workload, floor_of};
use floorcast_testbed::{Cluster, Error, prometheus};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Hpa;
use serde_json::json;
use tokio::sync::OnceCell;

use crate::system::ground::{Ground, Past, SECOND, busy_now, peak_at};
use crate::system::record::floor;

/// Namespaces of workloads that are busy from the start for hours: a floor is held as long as a scenario needs one.
/// Histories are loaded at Prometheus' start, so every scenario's namespace is named here.
pub(crate) const BUSY: [&str; 19] = [
    "client-side",
    "server-side",
    "server-side-without",
    "posted",
    "dropped",
    "argo",
    "flux",
    "flux-ignoring",
    "argo-settings",
    "raised-by-hand",
    "lowered-by-hand",
    "lowered-max",
    "recreated",
    "frozen",
    "drained",
    "released",
    "opted-out",
    "paused",
    "looked-at",
];

/// From the start of the shared cluster to the beginning of the peak.
const PEAK_IN: TimeDelta = TimeDelta::seconds(120);

pub(crate) struct Shared {
    pub(crate) ground: Ground,
    pub(crate) daemon: Daemon,
    pub(crate) peak: Replay,
    pub(crate) peak_begins: DateTime<Utc>,
    busy: Vec<Replay>,
}

impl Shared {
    /// The replay of a busy namespace.
    pub(crate) fn busy(&self, namespace: &str) -> &Replay {
        self.busy.iter().find(|r| r.namespace == namespace).expect("the namespace is named in BUSY")
    }

    /// Waits for a floor of at least `least`; the error says what the daemon makes of the workload.
    pub(crate) async fn wait_floor(&self, web: &Workload, least: u32) -> Result<Hpa, Error> {
        let wanted = |hpa: &Hpa| match floor(hpa) {
            Some(floor) if floor >= least && floor_of(hpa) == floor => Ok(()),
            other => Err(format!("floor {other:?}, minReplicas {}", floor_of(hpa))),
        };
        match web.wait_hpa(&format!("a floor of at least {least}"), 150 * SECOND, wanted).await {
            Ok(hpa) => Ok(hpa),
            Err(error) => Err(Error::Unexpected(format!("{error}; {}", self.told(&web.namespace).await))),
        }
    }

    /// What the daemon says of a workload, for messages of failed tests.
    pub(crate) async fn told(&self, namespace: &str) -> String {
        match self.daemon.ask(&format!("workloads/{namespace}/web")).await {
            Ok(told) => format!("state {}, reasons {:#}", told["state"], told["reasons"]),
            Err(error) => error.to_string(),
        }
    }
}

/// Starts everything at the first call; nothing if the cluster tests are left out.
pub(crate) async fn shared() -> Option<&'static Shared> {
    static SHARED: OnceCell<Shared> = OnceCell::const_new();
    if floorcast_testbed::left_out() {
        return None;
    }
    Some(SHARED.get_or_init(start).await)
}

async fn start() -> Shared {
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let peak_begins = Utc::now() + PEAK_IN;
    let peak = peak_at("peak", peak_begins);
    let busy: Vec<Replay> = BUSY.iter().map(|namespace| busy_now(namespace)).collect();
    let pasts: Vec<Past> = busy.iter().map(Past::days).chain([Past::weeks(&peak)]).collect();
    let ground = Ground::on(cluster, &pasts, prometheus::Options::default()).await;
    let daemon = ground.daemon("floorcast", &json!({})).await;
    Shared { ground, daemon, peak, peak_begins, busy }
}

/// Shows the end of the shared daemon's log when its scenario panics: a static is never dropped and cannot do so itself.
pub(crate) struct ShowLog(pub(crate) &'static Shared, pub(crate) String);

impl Drop for ShowLog {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            return;
        }
        let log = self.0.daemon.log();
        let about: Vec<&str> =
            log.lines().filter(|l| l.contains(&self.1) || l.contains("WARN") || l.contains("ERROR")).collect();
        eprintln!("--- the daemon on {} ---\n{}", self.1, about[about.len().saturating_sub(40)..].join("\n"));
    }
}
