//! The daemon against the simulated cluster: what a person wrote on an HPA, and what became of it.
#![allow(clippy::unwrap_used)]

use crate::config::Config;
use crate::http::api::Workload;
use crate::simulated::{
    api::{Server, kind::Kind},
    clock::Clock,
    cluster::{Cluster, Deployed},
    prometheus::Prometheus,
    replay::{begin, install},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;

/// No datasource at all. A simulated lease is never contended, so it is renewed rarely.
const NO_PROMETHEUS: &str =
    "kubernetes: {ownNamespace: floorcast}\ntiming: {leaseDuration: 5m, leaseRenewDeadline: 4m, leaseRetry: 1m}\n";

fn web(annotations: &[(&str, &str)]) -> Deployed {
    Deployed {
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
        load: Arc::new(|_| Some(0.3)),
        request_millicores: 500,
        utilization: 60,
        min: 2,
        max: 20,
        replicas: 2,
        pod_start: TimeDelta::seconds(60),
        annotations: annotations.iter().map(|(k, v)| (format!("floorcast.io/{k}"), (*v).to_owned())).collect(),
    }
}

/// Runs the daemon without any Prometheus; gives each change of `minReplicas` with its minute since `start`, and what `looked` at
/// that minute was published.
fn floors(start: &str, minutes: i64, annotations: &[(&str, &str)], looked: i64) -> (Vec<(i64, u64)>, Workload) {
    let start: DateTime<Utc> = start.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let server = Server::new(Clock::starting_at(start), 1);
        install(&server).unwrap();
        let prometheus = Prometheus::new(server.clock(), 1);
        let config = Config::parse(NO_PROMETHEUS, Path::new("f.yaml")).unwrap();
        let mut cluster = Cluster::new(server.clone(), 1);
        cluster.deploy(&web(annotations)).unwrap();
        let stop = CancellationToken::new();
        let (task, snapshots) = begin(&server, &prometheus, config, "floorcast-0", 1, stop.clone()).unwrap();
        let (mut seen, mut view) = (Vec::new(), None);
        let watched = |_: &Cluster, now: DateTime<Utc>| {
            let minute = (now - start).num_minutes();
            let hpa = server.get(Kind::Hpa, "shop", "web").unwrap();
            let floor = hpa.pointer("/spec/minReplicas").and_then(serde_json::Value::as_u64).unwrap();
            if seen.last().is_none_or(|(_, last)| *last != floor) {
                seen.push((minute, floor));
            }
            if minute >= looked && view.is_none() {
                view = snapshots.borrow().workloads.get("shop/web").cloned();
            }
        };
        cluster.run(start + TimeDelta::minutes(minutes), watched).await.unwrap();
        stop.cancel();
        task.await.unwrap();
        (seen, view.unwrap().as_ref().clone())
    })
}

#[test]
fn a_workload_lives_by_its_schedule_alone() {
    // A Friday; 18:00 in Berlin is 17:00 UTC, 60 minutes after the start. The lead time is ten minutes.
    let annotations = [("mode", "live"), ("schedule", "0 18 * * FRI, 1h, Europe/Berlin, 9"), ("lead-time", "10m")];
    let (floors, view) = floors("2026-01-09T16:00:00Z", 180, &annotations, 55);
    assert_eq!(floors, [(0, 2), (50, 9), (120, 6), (125, 4), (130, 3), (135, 2)]);
    assert_eq!((view.state.as_str(), view.need, view.floor), ("Holding", Some(9), Some(9)));
    assert!(view.reasons.iter().any(|reason| reason.code == "Scheduled"), "{:?}", view.reasons);
    let [opening] = view.schedule.as_slice() else { panic!("{:?}", view.schedule) };
    assert_eq!((opening.from.to_rfc3339(), opening.replicas), ("2026-01-09T17:00:00+00:00".to_owned(), 9));
    let needs: Vec<_> = view.plan.iter().map(|step| step.need).collect();
    assert_eq!(needs, [9, 0]);
}

#[test]
fn a_wrong_schedule_raises_nothing_and_says_why() {
    let (floors, view) = floors("2026-01-09T16:00:00Z", 90, &[("mode", "live"), ("schedule", "0 25 * * 5, 1h, 9")], 5);
    assert_eq!(floors, [(0, 2)]);
    let note = view.notes.iter().find(|note| note.code == "InvalidAnnotation").unwrap();
    assert!(note.blocks && note.text.contains("character 3: \"25\" is no hour"), "{}", note.text);
}

#[test]
fn a_base_above_the_maximum_is_refused_and_says_why() {
    let annotations = [("mode", "live"), ("min-replicas", "21"), ("schedule", "0 0 * * *, 23h, 9")];
    let (floors, view) = floors("2026-01-09T16:00:00Z", 30, &annotations, 5);
    assert_eq!(floors, [(0, 2)]);
    let note = view.notes.iter().find(|note| note.code == "InvalidAnnotation").unwrap();
    assert!(note.blocks && note.text.contains("21 is above maxReplicas 20"), "{}", note.text);
}
