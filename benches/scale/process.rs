//! The daemon as a process of its own, under the shipped service account, against a real API server with a thousand HPAs and a
//! real Prometheus with four weeks of their loads: what belongs to it, and nothing else, is in its memory and its CPU time.
//!
//! The control plane's controllers are stopped, so that the objects stand still; loads are steady, so that nothing changes.

use crate::{number, usage, workloads};
use chrono::{TimeDelta, Utc};
use floorcast_testbed::{
    Cluster, Prometheus,
    cluster::{Component, Options, Request},
    daemon::Daemon,
    metrics_api::wait_available,
    prometheus,
    workload::{Shape, Workload, deployment, hpa_manifest},
};
use futures::{TryStreamExt, stream};
use k8s_openapi::api::{apps::v1::Deployment, autoscaling::v2::HorizontalPodAutoscaler as Hpa, core::v1::Namespace};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// Workloads of one namespace, which share one series: every workload still asks for itself.
const TOGETHER: usize = 10;
/// Requests to the API server under way at once while the fleet is made.
const AT_ONCE: usize = 16;
/// The account of the shipped manifests.
const ACCOUNT: &str = "system:serviceaccount:floorcast:floorcast";
/// Bases are 2, and the load needs 4: every workload holds a floor, and keeps it.
const LOAD: f64 = 36.0;

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

pub(crate) fn measure() -> crate::Outcome {
    tokio::runtime::Runtime::new()?.block_on(run())
}

async fn run() -> crate::Outcome {
    let count = workloads();
    let cluster = Cluster::start(Options::default()).await?;
    let manifests = floorcast_testbed::manifests().display().to_string();
    cluster.kubectl(&["apply", "-f", &manifests]).await?;
    wait_available(cluster.client().await?).await?;
    cluster.kill(Component::ControllerManager);
    cluster.kill(Component::Kwok);
    let begun = Instant::now();
    create(&cluster.client().await?, count).await?;
    println!("{count} Deployments and HPAs created in {:.0} s", begun.elapsed().as_secs_f64());
    let prometheus = remember(count).await?;
    let account = cluster.service_account_kubeconfig("floorcast", "floorcast").await?;
    // Another build of the daemon than the one beside this harness: `FLOORCAST_BENCH_PROGRAM`.
    let chosen =
        std::env::var("FLOORCAST_BENCH_PROGRAM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_floorcast").to_owned());
    let program = Path::new(&chosen);
    let size = std::fs::metadata(program)?.len() as f64 / 1_048_576.0;
    println!("binary: {size:.1} MiB ({})", program.display());

    let settings = settings(&prometheus.url());
    let begun = Instant::now();
    let mut daemon = Daemon::start(cluster.folder(), "floorcast", program, &account, &settings)?;
    daemon.wait_ready().await?;
    println!("start to ready: {:.2} s", begun.elapsed().as_secs_f64());
    learned(&daemon, count).await?;
    println!("cold start to the last workload learned: {:.0} s", begun.elapsed().as_secs_f64());
    settled(&cluster, count).await?;
    println!("to the last floor written: {:.0} s", begun.elapsed().as_secs_f64());

    let pid = daemon.process().id().ok_or("the daemon is gone")?;
    steady(&cluster, pid).await?;
    notice(&cluster, &daemon).await?;
    let (now, most) = usage::resident(pid);
    println!("resident: {now:.1} MiB, at most {most:.1} MiB");
    Ok(())
}

/// The defaults of production but for budgets that would hold a thousand first raises back for minutes.
fn settings(prometheus: &str) -> Value {
    let template = json!({"requests": {
        "query": "sum(http_requests_per_second{namespace=\"$namespace\"})", "targetPerReplica": 10,
    }});
    json!({
        "datasources": [{"name": "main", "url": prometheus}],
        "templates": template,
        "budgets": {"workload": 10_000, "namespace": 100_000, "cluster": 1_000_000, "newPodsPerMinute": 100_000},
        "log": {"format": "json", "level": "warn"},
    })
}

fn place(i: usize) -> (String, String) {
    (format!("team-{}", i / TOGETHER), format!("service-{i}"))
}

async fn create(client: &Client, count: usize) -> Outcome<()> {
    for i in 0..count.div_ceil(TOGETHER) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("team-{i}")}});
        let namespace: Namespace = serde_json::from_value(namespace)?;
        Api::all(client.clone()).create(&PostParams::default(), &namespace).await?;
    }
    let each = |i| one(client.clone(), i);
    stream::iter((0..count).map(Ok)).try_for_each_concurrent(AT_ONCE, each).await
}

/// A Deployment at 4 with its HPA, as the controllers would show them.
async fn one(client: Client, i: usize) -> Outcome<()> {
    let (namespace, name) = place(i);
    // The last one opts in later, to see how soon that is noticed.
    let mode = if i == 0 { "off" } else { "live" };
    let shape = Shape::default().annotated("floorcast.io/mode", mode).annotated("floorcast.io/load", "requests");
    let mut body = deployment(&namespace, &name, &shape);
    body["spec"]["replicas"] = json!(4);
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), &namespace);
    deployments.create(&PostParams::default(), &serde_json::from_value(body)?).await?;
    let status = json!({"status": {"replicas": 4, "readyReplicas": 4, "availableReplicas": 4, "updatedReplicas": 4}});
    deployments.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await?;
    let hpas: Api<Hpa> = Api::namespaced(client, &namespace);
    hpas.create(&PostParams::default(), &serde_json::from_value(hpa_manifest(&namespace, &name, &shape))?).await?;
    let status = json!({"status": {"currentReplicas": 4, "desiredReplicas": 4}});
    hpas.patch_status(&name, &PatchParams::default(), &Patch::Merge(status)).await?;
    Ok(())
}

/// A Prometheus that has seen four weeks of every namespace's load, and sees hours of what is to come.
async fn remember(count: usize) -> Outcome<Prometheus> {
    let (now, every) = (Utc::now(), TimeDelta::minutes(4));
    let (from, to) = (now - TimeDelta::days(28) - TimeDelta::hours(1), now + TimeDelta::hours(6));
    let series = |i: usize| {
        let name = format!("team-{i}");
        let labels = [("namespace", name.as_str())];
        // Prometheus looks back 5 minutes.
        prometheus::Series::new("http_requests_per_second", &labels).sampled(from, to, every, |at| Some(load(at - now)))
    };
    let history = (0..count.div_ceil(TOGETHER)).map(series).collect();
    Ok(Prometheus::start(prometheus::Options { history, ..Default::default() }).await?)
}

async fn learned(daemon: &Daemon, count: usize) -> Outcome<()> {
    loop {
        let page = daemon.metrics().await?;
        let needed = page.lines().filter(|l| l.starts_with("floorcast_workload_needed_replicas{")).count();
        let forecast = page.lines().filter(|l| l.starts_with("floorcast_workload_forecast_load{")).count();
        if needed.min(forecast) + 1 >= count {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

/// Steady for eight hours on either side of now, as every day at this hour. In between it is less: what never moves is forecast
/// no better than by its last value, and gets no floor.
fn load(since: TimeDelta) -> f64 {
    let hour = since.num_minutes().rem_euclid(24 * 60) / 60;
    if (8..16).contains(&hour) { LOAD / 4.0 } else { LOAD }
}

/// Until every live HPA holds its floor.
async fn settled(cluster: &Cluster, count: usize) -> Outcome<()> {
    let hpas: Api<Hpa> = Api::all(cluster.client().await?);
    loop {
        let list = hpas.list(&kube::api::ListParams::default().labels("floorcast.io/managed=true")).await?;
        if list.items.len() + 1 >= count {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// CPU time of the whole process, and what it asked of the API server, over minutes in which nothing changes.
async fn steady(cluster: &Cluster, pid: u32) -> Outcome<()> {
    let minutes = number("FLOORCAST_BENCH_MINUTES", 10) as u64;
    // What the last writes brought about is over.
    tokio::time::sleep(Duration::from_mins(1)).await;
    let cpu = || usage::process_cpu(pid).ok_or("the daemon is gone");
    let (asked, before) = (cluster.audit()?.len(), cpu()?);
    tokio::time::sleep(Duration::from_mins(minutes)).await;
    let spent = cpu()?.saturating_sub(before);
    let ticks = (60 * minutes / 15) as f64;
    println!(
        "steady, {minutes} min: {:.1} ms CPU a tick of 15 s, studies, lease and watches included ({:.2} % of a core)",
        spent.as_secs_f64() * 1000.0 / ticks,
        spent.as_secs_f64() / (60 * minutes) as f64 * 100.0
    );
    let audit = cluster.audit()?;
    let ours: Vec<&Request> = audit[asked..].iter().filter(|r| r.user.username == ACCOUNT).collect();
    let of = |verb: &str, resource: &str| {
        ours.iter().filter(|r| r.verb == verb && r.object_ref.resource == resource).count()
    };
    let polled = ours.iter().filter(|r| r.verb == "list" && r.object_ref.resource != "pods").count();
    println!(
        "steady: {} writes to HPAs, {polled} polling lists, {} lists of pods, {} watches renewed, {} renewals of the Lease, {} Events",
        ours.iter().filter(|r| r.mutating() && r.object_ref.resource == "horizontalpodautoscalers").count(),
        of("list", "pods"),
        ours.iter().filter(|r| r.verb == "watch").count() / 2,
        of("update", "leases") + of("patch", "leases"),
        ours.iter().filter(|r| r.mutating() && r.object_ref.resource == "events").count(),
    );
    Ok(())
}

/// How soon an opt-in is noticed, and its floor written; how soon an opt-out gives the base back.
async fn notice(cluster: &Cluster, daemon: &Daemon) -> Outcome<()> {
    let (namespace, name) = place(0);
    let web = Workload::at(cluster.client().await?, &namespace, &name);
    let mode = "floorcast.io/mode";
    let begun = Instant::now();
    web.annotate(mode, Some("live")).await?;
    let path = format!("workloads/{namespace}/{name}");
    until(|| async { Ok(daemon.ask(&path).await.is_ok_and(|told| told["mode"] == "live")) }).await?;
    println!("opt-in noticed: {:.2} s", begun.elapsed().as_secs_f64());
    until(|| async { Ok(web.min_replicas().await? > 2) }).await?;
    println!("opt-in to its floor on the HPA: {:.2} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    web.annotate(mode, Some("off")).await?;
    until(|| async { Ok(web.min_replicas().await? == 2) }).await?;
    println!("opt-out to the base on the HPA: {:.2} s", begun.elapsed().as_secs_f64());
    Ok(())
}

async fn until<F: Future<Output = Outcome<bool>>>(mut done: impl FnMut() -> F) -> Outcome<()> {
    let begun = Instant::now();
    while !done().await? {
        if begun.elapsed() > Duration::from_mins(2) {
            return Err("not within two minutes".into());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
