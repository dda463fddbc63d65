//! The daemon's two pods: killed without a word, started again.

use floorcast::config::Config;
use floorcast::http::api::Snapshot;
use floorcast::simulated::api::Server;
use floorcast::simulated::prometheus::Prometheus;
use floorcast::simulated::replay;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A coarse step keeps a seed affordable; nine days are a daily season only. The budgets are small enough to be felt.
const CONFIGURATION: &str = "
datasources: [{name: simulation, url: 'http://prometheus.simulation.invalid'}]
kubernetes: {ownNamespace: floorcast}
defaults: {step: 15m, history: 9d}
budgets: {workload: 30, namespace: 40, cluster: 60}
timing: {tick: 1m, leaseDuration: 3m, leaseRenewDeadline: 2m, leaseRetry: 30s}
";

pub(crate) fn configuration() -> Config {
    Config::parse(CONFIGURATION, Path::new("simulation.yaml")).unwrap()
}

/// One process of the daemon.
struct Process {
    task: JoinHandle<()>,
    snapshot: watch::Receiver<Arc<Snapshot>>,
}

/// The pods, by number.
pub(crate) struct Pods {
    server: Server,
    prometheus: Prometheus,
    seed: u64,
    processes: [Option<Process>; 2],
}

pub(crate) const NAMES: [&str; 2] = ["floorcast-0", "floorcast-1"];

impl Pods {
    pub(crate) fn new(server: &Server, prometheus: &Prometheus, seed: u64) -> Self {
        Self { server: server.clone(), prometheus: prometheus.clone(), seed, processes: [None, None] }
    }

    /// Starts a pod that is not running.
    pub(crate) fn start(&mut self, pod: usize) {
        if self.processes[pod].is_none() {
            let (config, stop) = (configuration(), CancellationToken::new());
            let begun = replay::begin(&self.server, &self.prometheus, config, NAMES[pod], self.seed, stop);
            let (task, snapshot) = begun.unwrap();
            self.processes[pod] = Some(Process { task, snapshot });
        }
    }

    /// `kill -9`: whatever was under way never goes on.
    pub(crate) async fn kill(&mut self, pod: usize) -> Result<(), String> {
        let Some(process) = self.processes[pod].take() else { return Ok(()) };
        process.task.abort();
        match process.task.await {
            Err(error) if error.is_panic() => Err(format!("{} panicked: {error}", NAMES[pod])),
            _ => Ok(()),
        }
    }

    pub(crate) fn is_alive(&self, pod: usize) -> bool {
        self.processes[pod].is_some()
    }

    /// A process that ended although nobody ended it.
    pub(crate) fn dead(&self) -> Option<&'static str> {
        let ended = |pod: &usize| self.processes[*pod].as_ref().is_some_and(|p| p.task.is_finished());
        (0..NAMES.len()).find(ended).map(|pod| NAMES[pod])
    }

    /// What a pod said last.
    pub(crate) fn snapshot(&self, pod: usize) -> Option<Arc<Snapshot>> {
        Some(self.processes[pod].as_ref()?.snapshot.borrow().clone())
    }
}
