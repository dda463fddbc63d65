//! `explain --at` against a real Prometheus that holds what the daemon's metrics said over six hours.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_testbed::prometheus::{Options, Prometheus, Series};
use serde_json::Value;
use std::process::{Command, Output};

const HOUR: i64 = 3_600;

/// What one process told of shop/web until three hours ago, and since then.
fn process(now: i64, instance: &str, leads: f64, then: [f64; 2], since: [f64; 2]) -> Vec<Series> {
    let at = |s| DateTime::from_timestamp(s, 0).unwrap();
    let told = move |name: &str, more: &[(&str, &str)], value: &dyn Fn(bool) -> Option<f64>| {
        let place = [("cluster", "c"), ("job", "floorcast"), ("instance", instance)];
        Series::new(&format!("floorcast_{name}"), &[&place[..], more].concat()).sampled(
            at(now - 6 * HOUR),
            at(now),
            TimeDelta::minutes(1),
            |t| value(t.timestamp() < now - 3 * HOUR),
        )
    };
    let web = [("namespace", "shop"), ("hpa", "web")];
    let of = |more: &[(&'static str, &'static str)]| [&web[..], more].concat();
    vec![
        told("leader", &[], &|_| Some(leads)),
        told("workload_base_replicas", &web, &|_| Some(2.0)),
        told("workload_floor_replicas", &web, &|early| Some(if early { then[0] } else { since[0] })),
        told("workload_needed_replicas", &web, &|early| Some(if early { then[1] } else { since[1] })),
        told("workload_state", &of(&[("state", "Holding")]), &|early| early.then_some(1.0)),
        told("workload_state", &of(&[("state", "Idle")]), &|early| (!early).then_some(1.0)),
        told("workload_limited_by", &of(&[("limit", "MaxFloor")]), &|early| early.then_some(1.0)),
        told("workload_load", &of(&[("load", "cpu")]), &|_| Some(0.75)),
    ]
}

fn explained(url: &str, arguments: &[&str]) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("datasources: [{{name: main, url: '{url}'}}]\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_floorcast"));
    command.arg("explain").args(arguments).arg("--config").arg(file.path()).env_clear();
    command.output().unwrap()
}

#[tokio::test]
async fn a_past_floor_is_explained_by_what_the_leader_told_then() {
    if floorcast_testbed::left_out() {
        return;
    }
    let now = Utc::now().timestamp() / 60 * 60;
    // A standby tells wrong floors of the workload; nobody may listen to it.
    let history =
        [process(now, "one", 1.0, [12.0, 15.0], [2.0, 2.0]), process(now, "two", 0.0, [50.0, 50.0], [50.0, 50.0])];
    let server = Prometheus::start(Options { history: history.concat(), ..Options::default() }).await.unwrap();

    let output = explained(&server.url(), &["shop/web", "--at", "4h", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let past: Value = serde_json::from_slice(&output.stdout).unwrap();
    let number = |word: &str| past["numbers"][word].as_f64();
    assert_eq!(["base", "floor", "need", "max"].map(number), [Some(2.0), Some(12.0), Some(15.0), None], "{past:#}");
    assert_eq!(past["labelled"]["state"], serde_json::json!({"Holding": 1.0}), "{past:#}");

    let text = |at: &str| {
        let output = explained(&server.url(), &["web", "-n", "shop", "--at", at]);
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let then = text("4h");
    for part in ["base 2 · floor 12 · need 15", "state: Holding", "limited by: MaxFloor", "load: cpu 0.750"] {
        assert!(then.contains(part), "{part}: {then}");
    }
    let since = text(&(Utc::now() - TimeDelta::hours(2)).to_rfc3339());
    assert!(since.contains("floor 2 · need 2") && since.contains("state: Idle"), "{since}");
    assert!(!since.contains("limited by"), "{since}");

    // Before anybody told anything, and of nobody's workload.
    for arguments in [["shop/web", "--at", "9h"], ["shop/wbe", "--at", "4h"]] {
        let output = explained(&server.url(), &arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("has no floorcast metrics of shop/w") && said.contains("floorcast doctor"), "{said}");
    }
}
