//! `load-test`: the closed loop. The same load falls on two real HTTP services whose capacity is their ready replicas; one has the HPA
//! alone, the other floorcast beside it.

mod generator;
mod outcome;
mod service;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Local, TimeDelta, Utc};
use floorcast_testbed::arguments::LoadTest;
use floorcast_testbed::cluster::{HpaTiming, Options};
use floorcast_testbed::curve::Humps;
use floorcast_testbed::daemon::{Daemon, fast_settings};
use floorcast_testbed::metrics_api::{Source, wait_available};
use floorcast_testbed::ports::Port;
use floorcast_testbed::prometheus::{Scrape, Series};
use floorcast_testbed::workload::{Shape, Workload, floor_of};
use floorcast_testbed::{Cluster, Error, Prometheus, prometheus};
use serde_json::{Value, json};
use tokio::time::Instant;

use outcome::{Comparison, Outcome, Pods};
use service::{Service, WORK};

const NAMESPACE: &str = "load";
/// The two Deployments and HPAs, and the paths of their services.
const NAMES: [&str; 2] = ["alone", "floorcast"];
/// CPU request of a pod in cores; a worker that is busy all the time uses it up.
const REQUEST: f64 = 0.1;
/// The HPA's CPU target, percent.
const TARGET: u32 = 60;
/// `minReplicas`, which the quiet minutes need.
const MIN: u32 = 3;
/// From a pod's creation to Ready.
const POD_START: Duration = Duration::from_secs(40);
/// Requests per second on quiet minutes and at the peak: 2.5 and 13.3 replicas at the target.
const LEVEL: f64 = 15.0;
const PEAK: f64 = 80.0;
/// From the beginning of the load to that of the rise.
const QUIET: Duration = Duration::from_mins(3);

/// Everything that runs.
struct Running {
    // Dropped from top to bottom: who asks before who is asked.
    daemon: Daemon,
    workloads: [Workload; 2],
    services: [Arc<Service>; 2],
    curve: Humps,
    address: String,
    server: tokio::task::JoinHandle<()>,
    _port: Port,
    _prometheus: Prometheus,
    _cluster: Cluster,
}

/// Brings it up, sends the load, prints both outcomes.
pub(crate) async fn run(wanted: &LoadTest) -> Result<(), Error> {
    println!(
        "Starting etcd, kube-apiserver, kube-controller-manager, kwok, Prometheus and floorcast (the first time they are built) …"
    );
    let begun = Instant::now();
    let mut running = start(wanted).await?;
    println!(
        "Everything runs after {:.0} s; {} min of load follow.\n",
        begun.elapsed().as_secs_f64(),
        wanted.lasts.as_secs() / 60
    );
    if wanted.load_from_elsewhere {
        println!(
            "Requests are yours to send, such as\n\n  locust -f {}/tests/testbed/locust/locustfile.py --headless --host {}\n",
            floorcast_testbed::repository().display(),
            running.address
        );
    }
    let comparison = running.compare(wanted).await?;
    running.server.abort();
    println!(
        "\nBoth got the same {} min of load, from {LEVEL:.0} to {PEAK:.0} requests per second:\n\n{comparison}",
        wanted.lasts.as_secs() / 60
    );
    Ok(())
}

async fn start(wanted: &LoadTest) -> Result<Running, Error> {
    let hpa = HpaTiming { sync: Duration::from_secs(5), stabilization: Duration::from_mins(1), ..HpaTiming::fast() };
    let cluster = Cluster::start(Options { hpa, pod_start: POD_START, ..Options::default() }).await?;
    let (port, listener) = Port::listen()?;
    let address = format!("http://127.0.0.1:{}", port.number());
    let services = NAMES.map(Service::new);
    let load = service::Load::default();
    let server = serve(listener, &services, &load)?;
    let manifests = floorcast_testbed::manifests();
    cluster.kubectl(&["apply", "--server-side", "-f", &manifests.display().to_string()]).await?;
    wait_available(cluster.client().await?).await?;
    let workloads = [deploy(&cluster, &services[0], 0).await?, deploy(&cluster, &services[1], 1).await?];
    for workload in &workloads {
        workload.wait_replicas(MIN, POD_START + Duration::from_mins(1)).await?;
    }
    // Everything that is slow is done: the history ends here, and the next peak is near.
    let curve = curve(Utc::now() + TimeDelta::from_std(QUIET).unwrap_or_default() + TimeDelta::seconds(10));
    load.get_or_init(|| curve);
    let scrape = Scrape {
        job: "load".into(),
        target: format!("127.0.0.1:{}", port.number()),
        path: "/metrics".into(),
        every: Duration::from_secs(5),
        honor_labels: true,
    };
    let prometheus = Prometheus::start(prometheus::Options {
        history: vec![history(&curve, Utc::now())],
        scrape: vec![scrape],
        ..Default::default()
    })
    .await?;
    let kubeconfig = cluster.service_account_kubeconfig("floorcast", "floorcast").await?;
    let settings = settings(&prometheus.url());
    let daemon = daemon(&cluster, &wanted.daemon(), &kubeconfig, &settings).await?;
    Ok(Running {
        daemon,
        workloads,
        services,
        curve,
        address,
        server,
        _port: port,
        _prometheus: prometheus,
        _cluster: cluster,
    })
}

fn serve(
    listener: std::net::TcpListener,
    services: &[Arc<Service>; 2],
    load: &service::Load,
) -> Result<tokio::task::JoinHandle<()>, Error> {
    let spawn = |source| Error::Spawn { name: "the service".into(), source };
    listener.set_nonblocking(true).map_err(spawn)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(spawn)?;
    let router = service::router(services.clone(), Arc::clone(load));
    Ok(tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, router).await {
            eprintln!("the service ended: {error}");
        }
    }))
}

/// The Deployment and its HPA, which sees the CPU that its service really uses.
async fn deploy(cluster: &Cluster, service: &Arc<Service>, number: usize) -> Result<Workload, Error> {
    let name = NAMES[number];
    let measured = Arc::clone(service);
    cluster.metrics().set_cpu(NAMESPACE, name, Source::exact(move |_| measured.busy() * REQUEST));
    let shape = Shape { request_milli: (REQUEST * 1000.0) as u32, target_percent: TARGET, ..Shape::default() };
    let shape = if number == 0 { shape } else { opted_in(shape) }.bounds(MIN, 20);
    Workload::create(cluster.client().await?, NAMESPACE, name, &shape).await
}

fn opted_in(shape: Shape) -> Shape {
    let per_replica = f64::from(TARGET) / 100.0 / WORK.as_secs_f64();
    shape
        .annotated("floorcast.io/mode", "live")
        .annotated("floorcast.io/load", "requests")
        .annotated("floorcast.io/target-per-replica", &per_replica.to_string())
        .annotated("floorcast.io/lead-time", &format!("{}s", POD_START.as_secs() + 30))
}

/// The same rise at the same time every day.
fn curve(begins: DateTime<Utc>) -> Humps {
    Humps {
        every: TimeDelta::days(1),
        level: LEVEL,
        peak: PEAK,
        begins,
        rise: Duration::from_secs(30),
        lasts: Duration::from_mins(4),
        noise: 0.03,
    }
}

/// Four weeks of the counter that the service goes on with.
fn history(curve: &Humps, now: DateTime<Utc>) -> Series {
    let (every, mut count) = (TimeDelta::minutes(1), 0.0);
    Series::new("http_requests_total", &[("workload", NAMES[1]), ("job", "history")]).sampled(
        now - TimeDelta::days(28),
        now,
        every,
        |at| {
            count += curve.at(at) * every.as_seconds_f64();
            Some(count)
        },
    )
}

/// As in production, but for the step and the clocks of the HPA.
fn settings(prometheus: &str) -> Value {
    // The largest, not the sum: for two minutes the history's counter and the service's own are both there.
    let query = "max(rate(http_requests_total{workload=\"$workload\"}[2m]))";
    let changes = json!({
        "defaults": {"step": "1m"},
        "templates": {"requests": {"query": query}},
        "guard": {"rampPerMinute": 0.5, "rampStep": "15s", "respect": "5m"},
        "timing": {"tick": "5s", "leaseDuration": "15s", "leaseRenewDeadline": "10s", "leaseRetry": "2s", "writeTimeout": "4s"},
        "hpaController": {"downscaleStabilisation": "1m", "syncPeriod": "5s"},
        "log": {"format": "human", "level": "info"},
    });
    fast_settings(prometheus, &changes)
}

async fn daemon(cluster: &Cluster, program: &Path, kubeconfig: &Path, settings: &Value) -> Result<Daemon, Error> {
    if !program.is_file() {
        return Err(Error::Unexpected(format!(
            "there is no program {}; make it with cargo build, or name it with --daemon PROGRAM",
            program.display()
        )));
    }
    Daemon::start_ready(cluster.folder(), "floorcast", program, kubeconfig, settings).await
}

impl Running {
    /// Sends the load and looks at the pods meanwhile.
    async fn compare(&mut self, wanted: &LoadTest) -> Result<Comparison, Error> {
        let mut pods = [Pods::default(), Pods::default()];
        self.look(&mut pods, Duration::ZERO).await?;
        let (begun, curve) = (Utc::now(), self.curve);
        let rate = move |seconds: f64| curve.at(begun + TimeDelta::milliseconds((seconds * 1000.0) as i64));
        let addresses = NAMES.iter().map(|name| format!("{}/{name}", self.address)).collect();
        let (lasts, elsewhere) = (wanted.lasts, wanted.load_from_elsewhere);
        let load = tokio::spawn(async move {
            if elsewhere {
                tokio::time::sleep(lasts).await;
                return Ok(());
            }
            generator::send(addresses, rate, lasts).await
        });
        let mut last = Instant::now();
        let mut told = String::new();
        while !load.is_finished() {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = Instant::now();
            let line = self.look(&mut pods, now - last).await?;
            last = now;
            if line != told {
                println!("{}  {line}", Local::now().format("%H:%M:%S"));
                told = line;
            }
        }
        load.await.map_err(|error| Error::Unexpected(format!("the generator: {error}")))??;
        // Those still in line are answered.
        tokio::time::sleep(service::PATIENCE + 2 * WORK).await;
        let [alone, floorcast] = [0, 1].map(|i| Outcome::of(&self.services[i].take(), &pods[i]));
        Ok(Comparison { alone, floorcast })
    }

    /// Gives each service its ready replicas, notes the pods, and says how it stands.
    async fn look(&mut self, pods: &mut [Pods; 2], lasted: Duration) -> Result<String, Error> {
        self.daemon.process().check()?;
        let mut ready = [0; 2];
        for (i, workload) in self.workloads.iter().enumerate() {
            let status = workload.deployments().get(NAMES[i]).await?.status.unwrap_or_default();
            let count = |n: Option<i32>| n.unwrap_or(0).unsigned_abs() as usize;
            ready[i] = count(status.ready_replicas);
            self.services[i].set_ready(ready[i]);
            pods[i].note(count(status.replicas), lasted);
        }
        let floor = floor_of(&self.workloads[1].hpa().await?);
        let needed = (self.curve.at(Utc::now()) * WORK.as_secs_f64() / (f64::from(TARGET) / 100.0)).ceil();
        Ok(format!(
            "the load needs {needed:>2} replicas   HPA alone: {:>2} ready   floorcast: floor {floor:>2}, {:>2} ready",
            ready[0], ready[1]
        ))
    }
}
