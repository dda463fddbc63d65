//! Scenario 6: Prometheus is gone, refuses us, or answers what it must not.

use std::time::Duration;

use floorcast_testbed::prometheus::{self, PASSWORD, Series, USER};
use floorcast_testbed::replay::Replay;
use floorcast_testbed::wait;
use floorcast_testbed::workload::{Shape, Workload, floor_of};
use serde_json::{Value, json};

use crate::system::ground::{Ground, Past, SECOND, busy_now, live, shadow};
use crate::system::monitoring::Monitoring;
use crate::system::record::{Record, floor, traces};

#[tokio::test]
async fn scenario_6_without_prometheus_a_floor_is_held_then_ramped_down_and_comes_back_with_it() {
    if floorcast_testbed::left_out() {
        return;
    }
    let loads = ["web", "search", "capped"].map(|name| Replay { name: name.to_owned(), ..busy_now("shop") });
    let ground = Ground::start(&loads.each_ref().map(Past::days)).await;
    let web = ground.workload(&loads[0], &live()).await;
    // For the dashboards: one that is told only, and one that needs more than it may have.
    ground.workload(&loads[1], &shadow()).await;
    ground.workload(&loads[2], &live().bounds(2, 5)).await;
    // Fresh enough is 2 × step + 1 min: 80 s. A floor is planned at most 2 min ahead.
    let changes = json!({"guard": {"longestHold": "2m"}});
    let daemon = ground.spawn("floorcast", &changes);
    let monitoring = Monitoring::start(&daemon).await;
    let held = wait_floor(&web, 7).await;
    let record = Record::start(ground.cluster.client().await.unwrap(), "shop", "web");

    ground.prometheus.kill();
    wait::throughout("held while nothing is known", 60 * SECOND, || async {
        let now = web.min_replicas().await.map_err(|e| e.to_string())?;
        if now == held { Ok(()) } else { Err(format!("minReplicas {now} after {held}")) }
    })
    .await
    .unwrap();
    assert_eq!(daemon.metric("floorcast_prometheus_up{datasource=\"main\"}").await.unwrap(), Some(0.0));
    let drained = web.wait_hpa("drained to base", Duration::from_mins(5), |hpa| match traces(hpa) {
        left if left.is_empty() && floor_of(hpa) == 2 => Ok(()),
        left => Err(format!("minReplicas {} with {left:?}", floor_of(hpa))),
    });
    record.caught_up(&drained.await.unwrap()).await;
    let floors = record.floors();
    println!("scenario 6: minReplicas over the outage {floors:?}");
    assert!(floors.is_sorted_by(|a, b| a >= b), "raised while nothing was known: {floors:?}");
    assert!(floors.len() > 2, "the floor fell at once instead of by the ramp: {floors:?}");

    ground.prometheus.restart().await.unwrap();
    wait_floor(&web, 7).await;
    // The log tells the outage's beginning and its end, each once, however many questions failed between.
    let log = daemon.log();
    let told = |what: &str| log.lines().filter(|line| line.contains("datasource main") && line.contains(what)).count();
    assert_eq!((told("WARN"), told("answers again")), (1, 1), "{log}");
    monitoring.fills_every_panel().await;
}

async fn wait_floor(web: &Workload, least: u32) -> u32 {
    let what = format!("a floor of at least {least}");
    let found = web.wait_hpa(&what, 120 * SECOND, |hpa| match floor(hpa) {
        Some(floor) if floor >= least => Ok(()),
        other => Err(format!("floor {other:?}, minReplicas {}", floor_of(hpa))),
    });
    floor(&found.await.unwrap()).unwrap()
}

#[tokio::test]
async fn scenario_6_a_wrong_password_two_series_and_an_empty_answer_stop_nobody_else() {
    if floorcast_testbed::left_out() {
        return;
    }
    let (replay, lost, doubled) = (busy_now("shop"), busy_now("lost"), busy_now("doubled"));
    // A second series of the same name: the query without sum() answers two.
    let twin: Vec<Series> = doubled
        .series(chrono::Utc::now() - chrono::TimeDelta::days(8), chrono::Utc::now(), chrono::TimeDelta::seconds(10))
        .into_iter()
        .filter(|s| s.name == "http_requests_per_second")
        .map(|mut s| {
            s.labels.push(("instance".into(), "twin".into()));
            s
        })
        .collect();
    let options = prometheus::Options { history: twin, password: true, ..Default::default() };
    let ground = Ground::start_with(&[Past::days(&replay), Past::days(&doubled)], options).await;
    let good = ground.workload(&replay, &live()).await;
    let of = |template: &str| {
        Shape::default().annotated("floorcast.io/mode", "live").annotated("floorcast.io/load", template)
    };
    let empty = ground.workload(&lost, &of("requests")).await;
    let double = ground.workload(&doubled, &of("unsummed")).await;

    let password = ground.cluster.folder().write("password", "wrong horse").unwrap();
    let changes = json!({
        "datasources": [{"name": "main", "url": ground.prometheus.url(),
            "auth": {"basic": {"username": USER, "passwordFile": password.display().to_string()}}}],
        "templates": {"unsummed": {
            "query": "http_requests_per_second{namespace=\"$namespace\"}", "targetPerReplica": 10,
        }},
    });
    let daemon = ground.spawn("floorcast", &changes);
    wait::until("the refusal to be told", 60 * SECOND, || async {
        match daemon.metric("floorcast_prometheus_up{datasource=\"main\"}").await {
            Ok(Some(0.0)) => {
                let told = daemon.ask("workloads/shop/web").await.map_err(|e| e.to_string())?["notes"].to_string();
                if told.contains("password") { Ok(()) } else { Err(told) }
            }
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
    for workload in [&good, &empty, &double] {
        assert_eq!(workload.min_replicas().await.unwrap(), 2, "a floor without any sample");
    }
    assert!(!daemon.log().contains("wrong horse"), "the password is in the log");

    // The file is read again: no restart.
    std::fs::write(&password, PASSWORD).unwrap();
    wait_floor(&good, 7).await;
    let told = |namespace: &'static str| {
        let daemon = &daemon;
        async move { daemon.ask(&format!("workloads/{namespace}/web")).await.unwrap_or(Value::Null).to_string() }
    };
    wait::until("the others' reasons", 60 * SECOND, || async {
        let (lost, doubled) = (told("lost").await, told("doubled").await);
        let both = doubled.contains("more than one series") && lost.contains("EmptyResult");
        if both { Ok(()) } else { Err(format!("{lost}\n{doubled}")) }
    })
    .await
    .unwrap();
    assert_eq!(empty.min_replicas().await.unwrap(), 2);
    assert_eq!(double.min_replicas().await.unwrap(), 2);
    assert!(!daemon.log().contains(PASSWORD), "the password is in the log");
}
