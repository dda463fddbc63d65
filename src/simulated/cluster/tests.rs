#![allow(clippy::unwrap_used)]
//! A workload through a morning.

use super::*;
use serde_json::json;
use std::sync::Arc;

fn shop(load: impl Fn(DateTime<Utc>) -> f64 + Send + Sync + 'static) -> Deployed {
    Deployed {
        namespace: "shop".into(),
        name: "web".into(),
        load: Arc::new(move |at| Some(load(at))),
        request_millicores: 500,
        utilization: 60,
        min: 2,
        max: 20,
        replicas: 2,
        pod_start: TimeDelta::seconds(90),
        annotations: Vec::new(),
    }
}

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000, 0).unwrap()
}

fn replicas(server: &Server) -> i64 {
    let web = server.get(Kind::Deployment, "shop", "web").unwrap();
    web.pointer("/spec/replicas").unwrap().as_i64().unwrap()
}

#[tokio::test(start_paused = true)]
async fn the_hpa_follows_the_load_and_starves_while_pods_start() {
    let server = Server::new(Clock::starting_at(start()), 1);
    let mut cluster = Cluster::new(server.clone(), 1);
    // 0.3 cores a replica: 0.5 cores fit 2, 3 cores need 10.
    cluster.deploy(&shop(|at| if at < start() + TimeDelta::minutes(10) { 0.5 } else { 3.0 })).unwrap();
    cluster.run(start() + TimeDelta::minutes(9), |_, _| {}).await.unwrap();
    assert_eq!(replicas(&server), 2);
    cluster.run(start() + TimeDelta::minutes(30), |_, _| {}).await.unwrap();
    assert_eq!(replicas(&server), 10);
    let tally = cluster.tally("shop", "web").unwrap();
    assert!((2..8).contains(&tally.starved_minutes()), "{}", tally.starved_minutes());
    assert_eq!(server.list(Kind::Pod, "shop").len(), 10);
    let hpa = server.get(Kind::Hpa, "shop", "web").unwrap();
    assert_eq!(hpa.pointer("/status/desiredReplicas"), Some(&json!(10)));
}

#[tokio::test(start_paused = true)]
async fn a_raised_minimum_is_there_one_sync_later() {
    let server = Server::new(Clock::starting_at(start()), 1);
    let mut cluster = Cluster::new(server.clone(), 1);
    cluster.deploy(&shop(|_| 0.5)).unwrap();
    cluster.run(start() + TimeDelta::minutes(5), |_, _| {}).await.unwrap();
    let at = (Kind::Hpa, "shop", "web");
    server.merge("someone", at, "", json!({"spec": {"minReplicas": 9}})).unwrap();
    cluster.run(start() + TimeDelta::minutes(5) + TimeDelta::seconds(20), |_, _| {}).await.unwrap();
    assert_eq!(replicas(&server), 9);
    let web = server.get(Kind::Deployment, "shop", "web").unwrap();
    assert_eq!(web.pointer("/status/readyReplicas"), Some(&json!(2)), "their pods are still starting");
}
