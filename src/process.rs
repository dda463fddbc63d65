//! The process around the daemon: configuration, clients, election, HTTP, signals; everything wired, started and ended.

mod outages;

use crate::{
    config::{self, Config, ConfigError, Current},
    daemon::{Clock, Connect, Daemon, LearnOn, Wiring},
    datasource::{DatasourceSettings, Datasources, Observer},
    http::{self, BindError, Pulse, Sources, api::Snapshot},
    kubernetes::{
        self, Clients, ConnectError, Source,
        apply::Writer,
        events::Recorder,
        lease::{self, Elector},
        observe::{Cluster, Scope, Settings},
        permissions,
    },
    metrics::Metrics,
};
use chrono::Utc;
use kube::Client;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long giving up the lease may take at the end; the whole end takes less than 10 s.
const LEAVE: Duration = Duration::from_secs(3);
/// How long a tick under way may still take at the end.
const LAST_TICK: Duration = Duration::from_secs(5);
/// The namespace of the pod's service account; absent outside of a pod.
const POD_NAMESPACE: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
/// Seed of the back-off's jitter where nobody needs to repeat it.
const JITTER: u64 = 0x5eed;

/// What `run` is told on the command line.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The configuration file; absent: defaults.
    pub config: Option<PathBuf>,
    /// The cluster.
    pub source: Source,
    /// Namespace of Lease and kill switch, where told ([`own_namespace`]).
    pub own_namespace: Option<String>,
    /// Identity of the process; absent: `$POD_NAME`, else the host's name.
    pub identity: Option<String>,
}

/// Why the process could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The cluster.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// An address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// A datasource of the configuration.
    #[error("{0}")]
    Datasource(String),
    /// The metrics registry, the signals or the sockets.
    #[error("the process cannot start: {0}")]
    System(String),
}

/// Runs the daemon until SIGTERM, SIGINT or `stop`. Floors stay: they carry their own expiry.
pub async fn run(options: Options, config: Config, stop: CancellationToken) -> Result<(), StartError> {
    let clients = kubernetes::connect(&options.source).await?;
    let clock: Clock = Arc::new(Utc::now);
    let metrics = Arc::new(Metrics::new(config.metrics.workloads.get() as usize).map_err(system)?);
    let listeners = http::bind(&config.http).await?;
    let (listen, api) = listeners.addresses().map_err(system)?;
    let (publish, configuration) = watch::channel(Current { config: Arc::new(config), refused: None });
    let config = Arc::clone(&configuration.borrow().config);
    let snapshot = watch::Sender::new(Arc::new(Snapshot::default()));
    let pulse = Arc::new(Pulse::new(clock(), config.timing.tick.std()));
    let identity = lease::identity(&options.identity.clone().unwrap_or_else(pod_name));
    let namespace = own_namespace(options.own_namespace.as_deref(), &config);
    let elector = Elector::start(&clients.lease, election(&config, &namespace, &identity, &clock))?;
    let elector = Arc::new(elector);
    tracing::info!(
        version = crate::build::VERSION, revision = crate::build::REVISION, identity, namespace,
        cluster = clients.address, listen = %listen, api = %api, "floorcast starts"
    );
    let at_least = Arc::clone(&elector);
    let reviewed = watch::Sender::new(Vec::new());
    let wiring = Wiring {
        cluster: Cluster::start(clients.watch.clone(), watching(&config, &namespace)),
        writer: writer(&config, &clients, &clock).following(elector.leadership()),
        leadership: elector.leadership(),
        at_least: Box::new(move |epoch| at_least.at_least(epoch)),
        recorder: Recorder::start(clients.watch.clone(), &identity, Arc::clone(&clock)),
        config: configuration,
        connect: datasources(Arc::clone(&metrics)),
        metrics: Arc::clone(&metrics),
        snapshot: snapshot.clone(),
        pulse: Arc::clone(&pulse),
        clock,
        identity,
        always_study: false,
        learn_on: LearnOn::Threads,
        forbidden: reviewed.subscribe(),
    };
    if config.datasources.is_empty() {
        tracing::warn!(
            "no datasource is configured: nothing is forecast, only schedules are followed; name one under datasources in the \
             file given with --config"
        );
    }
    let outages = tokio::spawn(outages::tell(snapshot.subscribe()));
    let reviews = tokio::spawn(review(clients.watch.clone(), Arc::clone(&config), namespace, reviewed));
    let mut daemon = Daemon::new(wiring).map_err(StartError::Datasource)?;
    let sources = Sources { snapshot: snapshot.subscribe(), metrics, pulse };
    let server = tokio::spawn(listeners.serve(sources, stop.clone()));
    let reload = options.config.map(|path| tokio::spawn(config::watch(path, publish)));
    let signalled = tokio::spawn(until_signal(stop.clone()));
    work(&mut daemon, &stop).await;
    drop(daemon);
    end(elector).await;
    signalled.abort();
    reviews.abort();
    outages.abort();
    if let Some(reload) = reload {
        reload.abort();
    }
    let served = server.await.map_err(system)?;
    tracing::info!("floorcast ends; floors stay until they expire or another process takes over");
    served.map_err(system)
}

/// Ticks until told to stop; a tick that hangs then is left alone after a few seconds.
async fn work(daemon: &mut Daemon, stop: &CancellationToken) {
    let late = async {
        stop.cancelled().await;
        tokio::time::sleep(LAST_TICK).await;
    };
    tokio::select! {
        () = daemon.run(stop.clone()) => {}
        () = late => tracing::warn!("the last tick did not end in time"),
    }
}

/// Asks every now and then what we may do, and publishes what we may not, as sentences. Nothing crashes for want of a right.
async fn review(client: Client, config: Arc<Config>, namespace: String, publish: watch::Sender<Vec<String>>) {
    let settings = watching(&config, &namespace);
    let needs = permissions::Needs {
        scope: &settings.scope,
        own_namespace: &namespace,
        lease: &config.kubernetes.lease,
        control: &config.kubernetes.control,
        write: true,
    };
    loop {
        let answers = permissions::review(&client, permissions::needed(&needs)).await;
        let denied = answers.into_iter().filter_map(|(permission, verdict)| match verdict {
            permissions::Verdict::Denied(_) => Some(format!("may not {permission}: cannot {}", permission.purpose)),
            _ => None,
        });
        let denied: Vec<String> = denied.collect();
        if publish.borrow().as_slice() != denied.as_slice() {
            for sentence in &denied {
                tracing::warn!("{sentence}; grant it as in the manifests' Roles");
            }
            publish.send_replace(denied);
        }
        tokio::time::sleep(config.timing.permissions.std()).await;
    }
}

/// Gives the lease up, so that a standby need not wait for it to expire.
async fn end(elector: Arc<Elector>) {
    if let Ok(elector) = Arc::try_unwrap(elector) {
        elector.leave(LEAVE).await;
    } else {
        tracing::warn!("the lease could not be given up; it expires by itself");
    }
}

/// Cancels `stop` on SIGTERM or SIGINT.
async fn until_signal(stop: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) else {
        tracing::error!("signals cannot be received");
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        () = stop.cancelled() => {}
    }
    tracing::info!("stopping");
    stop.cancel();
}

/// Makes the datasources of a configuration, observed by the metrics.
pub fn datasources(metrics: Arc<Metrics>) -> Connect {
    Box::new(move |config| {
        let mut settings: Vec<DatasourceSettings> = config.datasources.iter().map(DatasourceSettings::from).collect();
        for one in &mut settings {
            one.limits.total = config.timing.query_timeout.std();
        }
        let observer: Arc<dyn Observer> = Arc::clone(&metrics) as Arc<dyn Observer>;
        Datasources::connect(&settings, &observer, JITTER).map_err(|e| e.to_string())
    })
}

/// The timing of the election, by the configuration.
pub fn election(config: &Config, namespace: &str, identity: &str, clock: &Clock) -> lease::Settings {
    let timing = &config.timing;
    lease::Settings {
        namespace: namespace.to_owned(),
        name: config.kubernetes.lease.clone(),
        identity: identity.to_owned(),
        timing: lease::core::Timing::new(
            timing.lease_duration.std(),
            timing.lease_renew_deadline.std(),
            timing.lease_retry.std(),
        ),
        now: Arc::clone(clock),
    }
}

/// Sends writes as bounded and as fast as the configuration says.
pub fn writer(config: &Config, clients: &Clients, clock: &Clock) -> Writer {
    let rates = &config.kubernetes;
    Writer::new(clients.write.clone(), Arc::clone(clock))
        .each(config.timing.write_timeout.std())
        .rates(rates.raises_per_second.get(), rates.lowers_per_second.get())
}

/// What the cluster watch needs, by the configuration.
pub fn watching(config: &Config, namespace: &str) -> Settings {
    let namespaces = &config.kubernetes.namespaces;
    Settings {
        scope: if namespaces.is_empty() { Scope::Cluster } else { Scope::Namespaces(namespaces.clone()) },
        control_namespace: namespace.to_owned(),
        control: config.kubernetes.control.clone(),
        stabilisation: config.hpa_controller.downscale_stabilisation.get(),
    }
}

/// The namespace of Lease and kill switch, for the daemon and for every command: as told (`--floorcast-namespace` or
/// `$FLOORCAST_NAMESPACE`), else as configured (`kubernetes.ownNamespace`), else the pod's own, else `floorcast`.
///
/// The context's namespace has no say: it is where a person works, not where floorcast runs.
pub fn own_namespace(told: Option<&str>, config: &Config) -> String {
    let configured = || config.kubernetes.own_namespace.clone();
    let own = || std::fs::read_to_string(POD_NAMESPACE).ok().map(|text| text.trim().to_owned());
    let named = told.map(str::to_owned).or_else(configured).or_else(own);
    named.filter(|namespace| !namespace.is_empty()).unwrap_or_else(|| "floorcast".to_owned())
}

fn pod_name() -> String {
    let named = std::env::var("POD_NAME").or_else(|_| std::env::var("HOSTNAME"));
    named.ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "floorcast".to_owned())
}

fn system(error: impl std::fmt::Display) -> StartError {
    StartError::System(error.to_string())
}
