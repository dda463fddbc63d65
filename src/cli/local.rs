//! `--local`: what a daemon would say, recomputed by the command. The daemon's own code, wired to a leadership that never
//! comes: it looks, learns and decides, and writes nothing at all.

use super::{Exit, Failure, Global};
use crate::{
    config::{Config, Current},
    daemon::{Clock, Daemon, LearnOn, Wiring},
    datasource::Datasources,
    http::{Pulse, api::Snapshot},
    kubernetes::{
        self, Clients,
        events::Recorder,
        lease::Leadership,
        observe::{Cluster, Scope, Settings},
    },
    metrics::Metrics,
    process,
};
use chrono::Utc;
use std::{io::IsTerminal, sync::Arc, time::Duration};
use tokio::sync::watch;

/// Identity of the process in what it tells: no pod is called that.
pub const IDENTITY: &str = "local";

/// Makes the datasources of a configuration: real ones, or a simulation's.
pub type Connect = Box<dyn Fn(&Config) -> Result<Datasources, String> + Send + Sync>;

/// What a look needs.
pub struct Look {
    /// The cluster.
    pub clients: Clients,
    /// What to watch of it.
    pub watching: Settings,
    /// The configuration.
    pub config: Config,
    /// The datasources.
    pub connect: Connect,
    /// The wall clock.
    pub clock: Clock,
}

/// What a look found.
pub struct Seen {
    /// As the daemon publishes it.
    pub snapshot: Arc<Snapshot>,
    /// The watched cluster, for checks that need more than the snapshot.
    pub cluster: Cluster,
    /// The time was over before everything was known.
    pub cut_short: bool,
}

/// Looks at the cluster of the command line; with a namespace, at that alone.
///
/// # Errors
/// The cluster could not be reached or listed in time.
pub async fn look(
    global: &Global,
    config: Config,
    namespace: Option<&str>,
    patience: Duration,
) -> Result<Seen, Failure> {
    Look::of(global, config, namespace).await?.take(patience, std::io::stderr().is_terminal()).await
}

impl Look {
    /// What is needed for a look at the cluster of the command line; with a namespace, at that alone.
    ///
    /// # Errors
    /// The cluster could not be reached.
    pub async fn of(global: &Global, config: Config, namespace: Option<&str>) -> Result<Self, Failure> {
        let clients = kubernetes::connect(&global.source()).await.map_err(|e| Failure::unreachable(e.to_string()))?;
        let mut watching = process::watching(&config, &global.own_namespace(&config));
        if let Some(namespace) = namespace {
            watching.scope = Scope::Namespaces(vec![namespace.to_owned()]);
        }
        let metrics = Arc::new(Metrics::new(0).map_err(|e| Failure::new(Exit::No, e.to_string()))?);
        let connect = process::datasources(metrics);
        Ok(Self { clients, watching, config, connect, clock: Arc::new(Utc::now) })
    }

    /// Ticks until everything that can be known now is known, or the time is over.
    ///
    /// # Errors
    /// The datasources cannot be made, or the cluster was not listed in time: with what stands in the way.
    pub async fn take(self, patience: Duration, progress: bool) -> Result<Seen, Failure> {
        let cluster = Cluster::start(self.clients.watch.clone(), self.watching.clone());
        let (snapshot, mut daemon, held) = self.wire(cluster.clone())?;
        let until = tokio::time::Instant::now() + patience;
        if tokio::time::timeout_at(until, cluster.wait_ready()).await.is_err() {
            return Err(unlisted(&cluster, patience));
        }
        let mut cut_short = false;
        loop {
            daemon.tick().await;
            if progress {
                eprint!("\r{} ", told(&snapshot.borrow()));
            }
            if !daemon.is_busy() {
                break;
            }
            if tokio::time::timeout_at(until, daemon.settle()).await.is_err() {
                cut_short = true;
                break;
            }
        }
        if progress {
            eprint!("\r{:48}\r", "");
        }
        drop((daemon, held));
        let snapshot = snapshot.borrow().clone();
        Ok(Seen { snapshot, cluster, cut_short })
    }

    /// A daemon that never leads. What it must not outlive comes along.
    fn wire(self, cluster: Cluster) -> Result<(watch::Receiver<Arc<Snapshot>>, Daemon, impl Sized), Failure> {
        let Self { clients, config, connect, clock, .. } = self;
        let failed = |e: String| Failure::new(Exit::No, e);
        let snapshot = watch::Sender::new(Arc::new(Snapshot::default()));
        let seen = snapshot.subscribe();
        let nobody = watch::Sender::new(Leadership::unknown());
        let allowed = watch::Sender::new(Vec::new());
        let pulse = Arc::new(Pulse::new(clock(), config.timing.tick.std()));
        let writer = process::writer(&config, &clients, &clock);
        let (publish, current) = watch::channel(Current { config: Arc::new(config), refused: None });
        let wiring = Wiring {
            cluster,
            writer,
            leadership: nobody.subscribe(),
            at_least: Box::new(|_| {}),
            recorder: Recorder::start(clients.watch.clone(), IDENTITY, Arc::clone(&clock)),
            config: current,
            connect,
            metrics: Arc::new(Metrics::new(0).map_err(|e| failed(e.to_string()))?),
            snapshot,
            pulse,
            clock,
            identity: IDENTITY.to_owned(),
            forbidden: allowed.subscribe(),
            always_study: true,
            learn_on: LearnOn::Threads,
        };
        let daemon = Daemon::new(wiring).map_err(failed)?;
        Ok((seen, daemon, (nobody, allowed, publish)))
    }
}

fn told(snapshot: &Snapshot) -> String {
    let known = snapshot.workloads.values().filter(|w| !w.loads.is_empty() || !w.notes.is_empty()).count();
    format!("looking: {known} of {} workloads", snapshot.workloads.len())
}

fn unlisted(cluster: &Cluster, patience: Duration) -> Failure {
    let waiting = cluster.watches().into_iter().filter(|w| !w.listed);
    let waiting: Vec<String> = waiting
        .map(|w| match w.failing {
            Some((_, why)) => format!("{}: {why}", w.what),
            None => w.what,
        })
        .collect();
    Failure::unreachable(format!(
        "the cluster was not listed within {} s: {}; list and watch on these are needed, see floorcast doctor",
        patience.as_secs(),
        waiting.join("; ")
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use super::*;
    use crate::{
        datasource::{DatasourceSettings, Reader, Unobserved},
        simulated::{
            api::Server,
            clock::Clock as Simulated,
            cluster::{Cluster as Controllers, scrape},
            demo::shop,
            prometheus::Prometheus,
            replay::{NAMESPACE, install},
        },
    };
    use chrono::TimeDelta;
    use std::path::Path;

    const CONFIG: &str = "datasources: [{name: simulation, url: 'http://prometheus.simulation.invalid'}]";

    /// A look at a simulated cluster.
    pub(in crate::cli) fn of(server: &Server, prometheus: &Prometheus) -> Look {
        let config = Config::parse(CONFIG, Path::new("test")).unwrap();
        let transport = prometheus.clone();
        let connect = move |config: &Config| {
            let reader =
                |d| Reader::new(&DatasourceSettings::from(d), Arc::new(transport.clone()), Arc::new(Unobserved), 1);
            Ok(Datasources::of(config.datasources.iter().map(reader)))
        };
        Look {
            clients: Clients::from_service(&server.connect("somebody"), NAMESPACE),
            watching: process::watching(&config, NAMESPACE),
            config,
            connect: Box::new(connect),
            clock: Arc::new(server.clock().reader()),
        }
    }

    /// The demo's shop, ten minutes old, with weeks of history.
    pub(in crate::cli) async fn shops() -> (Server, Prometheus) {
        let scenario = shop(1, 1);
        let server = Server::new(Simulated::starting_at(scenario.start), 1);
        let prometheus = Prometheus::new(server.clock(), 1);
        install(&server).unwrap();
        let mut controllers = Controllers::new(server.clone(), 1);
        for workload in &scenario.workloads {
            scrape(&prometheus, workload);
            controllers.deploy(workload).unwrap();
        }
        controllers.run(scenario.start + TimeDelta::minutes(10), |_, _| {}).await.unwrap();
        (server, prometheus)
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_knows_the_plan_and_writes_nothing() {
        let (server, prometheus) = shops().await;
        let by_somebody = |server: &Server| {
            server.audit_log().into_iter().filter(|e| e.request.user == "somebody").collect::<Vec<_>>()
        };
        let seen = of(&server, &prometheus).take(Duration::from_mins(1), false).await.unwrap();
        tokio::time::sleep(Duration::from_mins(5)).await;
        assert!(!seen.cut_short);
        assert_eq!(seen.snapshot.workloads.len(), 2);
        for workload in seen.snapshot.workloads.values() {
            assert!(!workload.plan.is_empty(), "{workload:?}");
            assert!(workload.decided.is_some());
        }
        assert!(!seen.snapshot.status.leader);
        assert!(by_somebody(&server).is_empty(), "{:?}", by_somebody(&server));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_that_cannot_be_listed_is_told() {
        let clock = Simulated::starting_at(chrono::DateTime::UNIX_EPOCH);
        let server = Server::new(clock, 1);
        let prometheus = Prometheus::new(server.clock(), 1);
        let look = of(&server, &prometheus);
        let dead = tower::service_fn(|_: http::Request<kube::client::Body>| async {
            std::future::pending::<Result<http::Response<kube::client::Body>, std::convert::Infallible>>().await
        });
        let look = Look { clients: Clients::from_service(&dead, NAMESPACE), ..look };
        let failure = look.take(Duration::from_secs(5), false).await.err().unwrap();
        assert_eq!(failure.exit, Exit::Unreachable);
        assert!(failure.message.contains("horizontalpodautoscalers"), "{failure}");
    }
}
