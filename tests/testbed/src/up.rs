//! The local control plane of the how-to.

use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Local, TimeDelta, Utc};
use floorcast_testbed::arguments::{API, LISTEN, Up};
use floorcast_testbed::cluster::{HpaTiming, Options};
use floorcast_testbed::curve::Humps;
use floorcast_testbed::daemon::{Daemon, fast_settings};
use floorcast_testbed::metrics_api::{Source, wait_available};
use floorcast_testbed::ports::Port;
use floorcast_testbed::replay::Replay;
use floorcast_testbed::workload::{Shape, Workload, floor_of};
use floorcast_testbed::{Cluster, Error, Prometheus, prometheus};
use serde_json::{Value, json};

/// Namespace and name of the workload.
const WORKLOAD: (&str, &str) = ("shop", "web");

/// Everything that runs.
struct Running {
    cluster: Cluster,
    prometheus: Prometheus,
    replay: Replay,
    kubeconfig: PathBuf,
    config: PathBuf,
    settings: Value,
}

/// Brings it up, prints what to do, tells what happens, and ends on Ctrl-C or when the time is over.
pub(crate) async fn run(wanted: &Up) -> Result<(), Error> {
    println!(
        "Starting etcd, kube-apiserver, kube-controller-manager, kwok and Prometheus (the first time they are built) …"
    );
    let running = start(wanted).await?;
    print_what_to_do(&running, wanted);
    let mut daemon = match wanted.daemon() {
        Some(program) => Some(start_daemon(&running, &program)?),
        None => None,
    };
    let told = tell_what_happens(&running, &mut daemon);
    tokio::select! {
        result = told => result?,
        () = interrupted() => println!("\nStopping."),
        () = tokio::time::sleep(wanted.lasts) => println!("\nThe time is over (--for). Stopping."),
    }
    Ok(())
}

async fn start(wanted: &Up) -> Result<Running, Error> {
    let hpa = HpaTiming { sync: Duration::from_secs(5), stabilization: Duration::from_mins(1), ..HpaTiming::fast() };
    let options = Options { hpa, pod_start: Duration::from_secs(10), ..Options::default() };
    let cluster = Cluster::start(options).await?;
    println!("Control plane ready after {:.1} s.", cluster.start_took().as_secs_f64());
    let replay = replay(Utc::now() + TimeDelta::from_std(wanted.peak_in).unwrap_or_default());
    let prometheus = start_prometheus(&replay).await?;
    println!("Prometheus ready after {:.1} s, with four weeks of history.", prometheus.start_took().as_secs_f64());
    apply_manifests(&cluster).await?;
    wait_available(cluster.client().await?).await?;
    create_workload(&cluster, &replay).await?;
    let kubeconfig = cluster.service_account_kubeconfig("floorcast", "floorcast").await?;
    let settings = settings(&prometheus.url());
    let config = cluster.folder().write("floorcast.yaml", format!("{settings:#}\n"))?;
    Ok(Running { cluster, prometheus, replay, kubeconfig, config, settings })
}

/// 4 replicas' worth of load most of the day; 16 for 20 minutes, the next time when `begins` says.
fn replay(begins: DateTime<Utc>) -> Replay {
    let minutes = |n| Duration::from_mins(n);
    let daily = Humps {
        every: TimeDelta::days(1),
        level: 0.19,
        peak: 0.76,
        begins,
        rise: minutes(4),
        lasts: minutes(20),
        noise: 0.03,
    };
    Replay::new(WORKLOAD.0, WORKLOAD.1, move |t| daily.at(t))
}

async fn start_prometheus(replay: &Replay) -> Result<Prometheus, Error> {
    let now = Utc::now();
    // Tomorrow is in it too: Prometheus shows each sample when its time has come.
    let history = replay.series(now - TimeDelta::days(28), now + TimeDelta::days(1), TimeDelta::minutes(1));
    Prometheus::start(prometheus::Options { history, ..Default::default() }).await
}

async fn apply_manifests(cluster: &Cluster) -> Result<(), Error> {
    let manifests = floorcast_testbed::manifests();
    cluster.kubectl(&["apply", "--server-side", "-f", &manifests.display().to_string()]).await?;
    Ok(())
}

async fn create_workload(cluster: &Cluster, replay: &Replay) -> Result<(), Error> {
    let load = std::sync::Arc::clone(&replay.load);
    cluster.metrics().set_cpu(WORKLOAD.0, WORKLOAD.1, Source::exact(move |t| load(t)));
    let shape = Shape::default().annotated("floorcast.io/mode", "live");
    Workload::create(cluster.client().await?, WORKLOAD.0, WORKLOAD.1, &shape).await?;
    Ok(())
}

/// As in production, but quick enough to watch. The lead time is given: measured it would be eight minutes before the first
/// raise and four after it, and the floor would fall in between.
fn settings(prometheus: &str) -> Value {
    let changes = json!({
        "defaults": {"step": "1m", "leadTime": "5m"},
        "guard": {"rampPerMinute": 0.3, "rampStep": "1m", "respect": "5m"},
        "timing": {"tick": "5s", "leaseDuration": "15s", "leaseRenewDeadline": "10s", "leaseRetry": "2s", "writeTimeout": "4s"},
        "hpaController": {"downscaleStabilisation": "1m", "syncPeriod": "5s"},
        "http": {"listen": format!("127.0.0.1:{LISTEN}"), "api": format!("127.0.0.1:{API}")},
        "log": {"format": "human", "level": "info"},
    });
    fast_settings(prometheus, &changes)
}

fn start_daemon(running: &Running, program: &Path) -> Result<Daemon, Error> {
    let ports = (Port::prefer(LISTEN)?, Port::prefer(API)?);
    let folder = running.cluster.folder();
    let daemon = Daemon::start_on(ports, folder, "floorcast", program, &running.kubeconfig, &running.settings)?;
    println!(
        "The daemon runs: {0}/metrics, {1} (commands: --server {1}); its log: {2}/floorcast.log\n",
        daemon.url(),
        daemon.api(),
        folder.path().display()
    );
    Ok(daemon)
}

fn print_what_to_do(running: &Running, wanted: &Up) {
    let admin = running.cluster.kubeconfig().display();
    let peak = DateTime::<Local>::from(Utc::now() + TimeDelta::from_std(wanted.peak_in).unwrap_or_default());
    println!(
        "
A Deployment and an HPA {}/{} (2 to 20 replicas, CPU at 50 % of 100m) are opted in: floorcast.io/mode=live.
The load rises from 4 to 16 replicas' worth at {}, as it has every day for four weeks.

  export KUBECONFIG={admin}
  alias kubectl='{} --kubeconfig {admin}'
  kubectl get hpa -n {} -w

Start the daemon, with the rights of the shipped manifests and nothing more:

  cargo run --release -- run --config {} --kubeconfig {}

Prometheus: {}    Everything ends with Ctrl-C, or after {} minutes (--for).
",
        WORKLOAD.0,
        WORKLOAD.1,
        peak.format("%H:%M:%S"),
        running.cluster.kubectl_program().display(),
        WORKLOAD.0,
        running.config.display(),
        running.kubeconfig.display(),
        running.prometheus.url(),
        wanted.lasts.as_secs() / 60
    );
}

/// A line each time something changes.
async fn tell_what_happens(running: &Running, daemon: &mut Option<Daemon>) -> Result<(), Error> {
    let workload = Workload::at(running.cluster.client().await?, WORKLOAD.0, WORKLOAD.1);
    let mut last = String::new();
    loop {
        if let Some(daemon) = daemon {
            daemon.process().check()?;
        }
        // A look that fails is tried again: the user may restart things.
        if let Ok(line) = line(running, &workload).await
            && line != last
        {
            println!("{}  {line}", Local::now().format("%H:%M:%S"));
            last = line;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

async fn line(running: &Running, workload: &Workload) -> Result<String, Error> {
    let hpa = workload.hpa().await?;
    let ready = workload.deployments().get(WORKLOAD.1).await?.status.and_then(|s| s.ready_replicas).unwrap_or(0);
    let annotations = hpa.metadata.annotations.clone().unwrap_or_default();
    let floor = annotations.get("floorcast.io/floor").map_or("–", String::as_str);
    let needed = running.replay.replicas(Utc::now());
    Ok(format!(
        "load needs {needed:>2} replicas   floor {floor:>2}   minReplicas {:>2}   ready {ready:>2}",
        floor_of(&hpa)
    ))
}

async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
