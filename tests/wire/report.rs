//! `report` against a real Prometheus that holds what the daemon's metrics said over three days.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_testbed::prometheus::{Options, Prometheus, Series};
use serde_json::Value;
use std::process::{Command, Output};

const STEP: i64 = 300;
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// Minutes of three days of one workload: floor and replicas by the seconds of the day since `now`, over a base of 2.
fn workload(now: i64, namespace: &str, mode: &str, day: impl Fn(i64) -> (f64, f64) + Copy) -> Vec<Series> {
    let at = |s| DateTime::from_timestamp(s, 0).unwrap();
    let series = |name: &str, more: &[(&str, &str)], value: &dyn Fn(i64) -> f64| {
        let place =
            [("cluster", "c"), ("job", "floorcast"), ("instance", "one"), ("namespace", namespace), ("hpa", "web")];
        let (from, to) = (at(now - 3 * DAY - HOUR), at(now + HOUR));
        Series::new(&format!("floorcast_workload_{name}"), &[&place[..], more].concat()).sampled(
            from,
            to,
            TimeDelta::minutes(1),
            |t| Some(value((t.timestamp() - now).rem_euclid(DAY))),
        )
    };
    vec![
        series("mode", &[("mode", mode)], &|_| 1.0),
        series("base_replicas", &[], &|_| 2.0),
        series("floor_replicas", &[], &|s| day(s).0),
        series("current_replicas", &[], &|s| day(s).1),
    ]
}

/// 8 from the sixth hour to the twelfth, else 2; shifted by so many seconds.
fn hump(second: i64, early: i64, late: i64) -> f64 {
    if (6 * HOUR - early..12 * HOUR + late).contains(&second) { 8.0 } else { 2.0 }
}

fn history(now: i64) -> Vec<Series> {
    let at = |s| DateTime::from_timestamp(s, 0).unwrap();
    let leader = |instance: &str, value: f64| {
        Series::new("floorcast_leader", &[("cluster", "c"), ("job", "floorcast"), ("instance", instance)]).sampled(
            at(now - 3 * DAY - HOUR),
            at(now + HOUR),
            TimeDelta::minutes(1),
            move |_| Some(value),
        )
    };
    // A standby tells wrong floors of the workload; nobody may listen to it.
    let mut standby = workload(now, "shop", "shadow", |_| (50.0, 50.0));
    for series in &mut standby {
        series.labels.iter_mut().filter(|(label, _)| label == "instance").for_each(|label| label.1 = "two".into());
    }
    [
        vec![leader("one", 1.0), leader("two", 0.0)],
        standby,
        // Ten minutes ahead, ten minutes longer.
        workload(now, "shop", "shadow", |s| (hump(s, 600, 600), hump(s, 0, 0))),
        // The floor comes after the HPA.
        workload(now, "late", "shadow", |s| (hump(s, -600, 0), hump(s, 0, 0))),
        // A floor for nothing.
        workload(now, "idle", "shadow", |s| (hump(s, 0, 0), 2.0)),
        workload(now, "live", "live", |s| (hump(s, 600, 600), hump(s, 600, 600))),
    ]
    .concat()
}

fn report(url: &str, arguments: &[&str]) -> Output {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), format!("datasources: [{{name: main, url: '{url}'}}]\n")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_floorcast"));
    command.args(["report", "--days", "3", "--config"]).arg(file.path()).args(arguments).env_clear();
    command.output().unwrap()
}

#[tokio::test]
async fn a_fleet_in_shadow_mode_is_judged_by_what_the_metrics_said() {
    if floorcast_testbed::left_out() {
        return;
    }
    let now = Utc::now().timestamp() / STEP * STEP;
    let server = Prometheus::start(Options { history: history(now), ..Options::default() }).await.unwrap();

    let output = report(&server.url(), &["-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let figures: Vec<(String, String, [u64; 6])> = answer["workloads"].as_array().unwrap().iter().map(row).collect();
    let row = |namespace: &str, advice: &str, counts| (namespace.to_owned(), advice.to_owned(), counts);
    assert_eq!(
        figures,
        [
            row("shop", "enable", [3, 3, 0, 0, 3, 0]),
            row("late", "not-yet", [3, 0, 0, 3, 3, 0]),
            row("idle", "quiet", [0, 0, 0, 0, 3, 3]),
        ],
        "{answer:#}"
    );
    // 2 all day and 6 more for six hours, three days long; six for twenty minutes a day on top.
    let shop = &answer["workloads"][0];
    for (key, wanted) in
        [("shadowHours", 72.0), ("podHours", 252.0), ("extraPodHours", 6.0), ("extraRatio", 6.0 / 252.0)]
    {
        assert!((shop[key].as_f64().unwrap() - wanted).abs() < 1e-6, "{key}: {shop:#}");
    }
    assert_eq!((&answer["total"]["rises"], &answer["total"]["falseFloors"]), (&6.into(), &3.into()));

    let output = report(&server.url(), &[]);
    let text = String::from_utf8_lossy(&output.stdout);
    for part in ["shop/web  enable", "1 of 3 would gain", "Not yet a week in shadow mode", "--mode live"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let output = report(&server.url(), &["-n", "live"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no floorcast metrics of a workload in shadow mode in namespace live"), "{said}");
    let output = report("http://127.0.0.1:9", &[]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
}

fn row(line: &Value) -> (String, String, [u64; 6]) {
    let counts = ["rises", "ahead", "partly", "missed", "floors", "falseFloors"];
    let text = |key: &str| line[key].as_str().unwrap().to_owned();
    (text("namespace"), text("advice"), counts.map(|key| line[key].as_u64().unwrap()))
}
