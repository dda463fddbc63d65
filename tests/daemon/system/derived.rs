//! Scenario 10: the load is derived from the HPA's own CPU target, by cAdvisor's and kube-state-metrics' real series.

use std::time::Duration;

use chrono::{TimeDelta, Utc};
use floorcast_testbed::curve::Humps;
use floorcast_testbed::replay::Replay;
use floorcast_testbed::workload::{Shape, floor_of};
use floorcast_testbed::{Cluster, cluster, prometheus};
use serde_json::json;

use crate::system::ground::{Ground, Past, SECOND};
use crate::system::record::{Record, floor};

/// From the start of the cluster to the beginning of the peak.
const PEAK_IN: TimeDelta = TimeDelta::minutes(4);

#[tokio::test]
async fn scenario_10_a_load_of_cpu_is_derived_from_the_hpa_and_met_before_it_comes() {
    if floorcast_testbed::left_out() {
        return;
    }
    let cluster = Cluster::start(cluster::Options::default()).await.unwrap();
    let begins = Utc::now() + PEAK_IN;
    // 4 replicas' worth of a target of 50 % of 100m, 16 for 20 minutes of each day.
    let daily = Humps {
        every: TimeDelta::days(1),
        level: 0.19,
        peak: 0.76,
        begins,
        rise: Duration::from_mins(4),
        lasts: Duration::from_mins(20),
        noise: 0.02,
    };
    let replay = Replay::new("shop", "web", move |t| daily.at(t));
    // Counters of every pod a minute apart: 5-minute rates of them need no more.
    let past = Past { every: TimeDelta::minutes(1), ..Past::days(&replay) };
    let ground = Ground::on(cluster, &[past], prometheus::Options::default()).await;
    let web = ground.workload(&replay, &Shape::default().annotated("floorcast.io/mode", "live")).await;
    let record = Record::start(ground.cluster.client().await.unwrap(), "shop", "web");
    let daemon = ground.daemon("floorcast", &json!({"defaults": {"step": "1m", "leadTime": "4m"}})).await;

    let top = replay.replicas(begins + TimeDelta::minutes(8));
    let wait = (begins - Utc::now()).to_std().unwrap_or_default() + 60 * SECOND;
    let raised = web
        .wait_hpa("a floor above what the load of now needs", wait, |hpa| match floor(hpa) {
            Some(floor) if floor >= top * 2 / 3 => Ok(()),
            other => Err(format!("floor {other:?} for {top}, minReplicas {}", floor_of(hpa))),
        })
        .await;
    let told = daemon.ask("workloads/shop/web").await.unwrap();
    let raised = raised.unwrap_or_else(|error| panic!("{error}; {told:#}"));
    let needed = replay.replicas(Utc::now());
    assert!(floor_of(&raised) >= needed + 4, "{} when the load needed {needed} already", floor_of(&raised));

    // The load is the HPA's own metric, and the replicas of the past prove it.
    let load = &told["loads"][0];
    let query = load["query"].as_str().unwrap_or_default();
    assert!(query.contains("container_cpu_usage_seconds_total") && query.contains("namespace=\"shop\""), "{query}");
    assert!((load["perReplica"].as_f64().unwrap_or(0.0) - 0.05).abs() < 1e-9, "{load:#}");
    let notes = told["notes"].to_string();
    assert!(!notes.contains("Derivation"), "{notes}");

    // The real HPA controller goes there, and nobody but us touched anything of ours.
    web.wait_at_least(floor_of(&raised), 30 * SECOND).await.unwrap();
    let needed = replay.replicas(Utc::now());
    assert!(needed < floor_of(&raised), "the load was there first: it needs {needed}");
    assert_eq!(record.foreign_changes(), Vec::<String>::new());
}
