//! Scenario 2: shadow mode changes nothing.

use chrono::{TimeDelta, Utc};
use floorcast_testbed::cluster::Options;
use floorcast_testbed::workload::Shape;
use floorcast_testbed::{Cluster, prometheus, wait};
use serde_json::{Value, json};

use crate::ground::{ACCOUNT, Ground, Past, SECOND, peak_at, program, settings};
use crate::record::{Record, traces};

#[tokio::test]
async fn scenario_2_shadow_mode_writes_nothing_but_its_lease_and_events() {
    if floorcast_testbed::left_out() {
        return;
    }
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let begins = Utc::now() + TimeDelta::seconds(100);
    let replay = peak_at("shop", begins);
    let ground = Ground::on(cluster, &[Past::weeks(&replay)], prometheus::Options::default()).await;
    let shape = Shape::default().annotated("floorcast.io/mode", "shadow").annotated("floorcast.io/load", "requests");
    let web = ground.workload(&replay, &shape).await;
    let record = Record::start(ground.cluster.client().await.unwrap(), "shop", "web");
    let daemon = ground.daemon("floorcast", &json!({})).await;
    // It would raise: it says so, and that is all.
    let told = wait::until("a floor that would be held", 120 * SECOND, || async {
        let told = daemon.ask("workloads/shop/web").await.map_err(|e| e.to_string())?;
        let seen = format!("state {}, floor {}, reasons {}", told["state"], told["floor"], told["reasons"]);
        if told["floor"].as_u64().unwrap_or(0) >= 12 { Ok(told) } else { Err(seen) }
    })
    .await
    .unwrap();
    assert_eq!(told["mode"], "shadow");
    let ranking = backtested(&ground).await;
    let report = &ranking["workloads"][0]["report"];
    let policies: Vec<&str> =
        report["policies"].as_array().unwrap().iter().filter_map(|p| p["policy"].as_str()).collect();
    assert_eq!(policies[..2], ["hpa", "floorcast"], "{ranking:#}");
    assert_eq!((report["settings"]["min_replicas"].as_u64(), report["trace"].as_str()), (Some(2), Some("shop/web")));
    // Over the peak, through the time in which it would have lowered something.
    let rest = (begins - Utc::now()).to_std().unwrap_or_default() + 30 * SECOND;
    wait::throughout("the HPA stays the user's", rest, || async {
        let hpa = web.hpa().await.map_err(|e| e.to_string())?;
        if traces(&hpa).is_empty() { Ok(()) } else { Err(format!("{:?}", traces(&hpa))) }
    })
    .await
    .unwrap();
    let writes: Vec<String> = ground.writes_of(ACCOUNT).iter().map(floorcast_testbed::cluster::Request::line).collect();
    assert_eq!(writes, Vec::<String>::new());
    assert_eq!(record.floors(), [2]);
    assert_eq!(record.foreign_changes(), Vec::<String>::new());
    // The log is not silent for want of looking: the Lease is there.
    let audit = ground.cluster.audit().unwrap();
    assert!(audit.iter().any(|r| r.user.username == ACCOUNT && r.object_ref.resource == "leases" && r.mutating()));
}

/// What the command would have done for all of the namespace: it asks the same cluster and Prometheus under the same account.
async fn backtested(ground: &Ground) -> Value {
    let config = settings(&ground.prometheus.url(), &json!({}));
    let file = ground.cluster.folder().write("backtest.yaml", config.to_string()).unwrap();
    let output = tokio::process::Command::new(program())
        .args(["backtest", "--namespace", "shop", "--days", "3", "--output", "json", "--config"])
        .arg(file)
        .arg("--kubeconfig")
        .arg(&ground.account)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(120 * SECOND, output).await.unwrap().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|why| panic!("{why}: {errors}"))
}
