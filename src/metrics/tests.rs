#![allow(clippy::unwrap_used)]
use super::*;
use crate::http::api::{Capped, Load, Points, Score, Weight, Workload};
use chrono::{DateTime, TimeDelta};
use std::collections::BTreeSet;

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.encode()).unwrap()
}

fn workload(hpa: &str) -> Workload {
    let now = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let (from, step) = (now - TimeDelta::minutes(7), TimeDelta::minutes(5));
    Workload {
        namespace: "shop".to_owned(),
        hpa: hpa.to_owned(),
        base: Some(3),
        floor: Some(12),
        need: Some(12),
        current: Some(10),
        max: Some(40),
        decided: Some(now),
        quantile: 0.95,
        mode: "live".to_owned(),
        state: "Holding".to_owned(),
        limited_by: vec!["Headroom".to_owned()],
        capped: Some(Capped { at: now + TimeDelta::hours(6), need: 50, limit: 36 }),
        loads: vec![
            Load {
                name: "cpu".to_owned(),
                now: Some(4.5),
                forecast: Points::new(from, step, [(1.0, 7.0), (6.0, 9.0), (1.0, 8.0)]),
                score: Some(Score { mase: Some(1.0), wape: 0.1, pinball: 0.1, coverage: 0.9 }),
                coverage: Some(0.96),
                newest: Some(now - TimeDelta::seconds(20)),
                weights: vec![Weight { model: "profile".to_owned(), weight: 0.7 }],
                ..Load::default()
            }
            .into(),
        ],
        ..Workload::default()
    }
}

fn show(metrics: &Metrics, workloads: Vec<Workload>) {
    let last_tick = DateTime::from_timestamp(1_800_000_000, 0);
    let workloads = workloads.into_iter().map(|w| (w.key(), Arc::new(w))).collect();
    metrics.workloads(&Arc::new(Snapshot { workloads, last_tick, ..Snapshot::default() }));
}

/// The names of a sample's labels, but a histogram's own `le`, if the line is a sample of the family.
fn labels_of(line: &str, family: &Family) -> Option<Vec<String>> {
    let rest = line.strip_prefix(&family.name)?;
    let rest = rest.strip_prefix("_bucket").unwrap_or(rest);
    let inside = match rest.strip_prefix('{') {
        Some(inside) => inside.split('}').next()?,
        None => return rest.starts_with(' ').then(Vec::new),
    };
    let names = inside.split(',').filter_map(|l| Some(l.split_once('=')?.0.to_owned()));
    Some(names.filter(|name| name != "le").collect())
}

#[test]
fn every_documented_name_is_there_once() {
    let metrics = Metrics::new(10).unwrap();
    metrics.step("decide", Duration::from_millis(3));
    metrics.datasource_up("main", true);
    metrics.datasource_request("main", "200", Duration::from_millis(3));
    metrics.samples_dropped("nan", 2);
    metrics.decisions("Raised", 2);
    metrics.write(WriteResult::Done);
    metrics.kubernetes_request("patch", "200", Duration::from_millis(3));
    show(&metrics, vec![workload("web")]);
    let text = text(&metrics);
    let typed: BTreeSet<(&str, &str)> =
        text.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split_once(' ')).collect();
    let families = metrics.families();
    assert_eq!(typed, families.iter().map(|f| (f.name.as_str(), f.kind)).collect());
    for family in &families {
        let found = text.lines().find_map(|l| labels_of(l, family)).unwrap();
        // A page is in the order of its labels, whatever order they were declared in.
        let mut declared = family.labels.clone();
        declared.sort();
        assert_eq!(found, declared, "{}", family.name);
    }
    assert!(
        text.contains(r#"floorcast_workload_forecast_load{hpa="web",load="cpu",namespace="shop",quantile="0.95"} 9"#)
    );
    assert!(text.contains(r#"floorcast_workload_expected_load{hpa="web",load="cpu",namespace="shop"} 6"#));
}

#[test]
fn a_vanished_workload_leaves_no_series() {
    let metrics = Metrics::new(10).unwrap();
    show(&metrics, vec![workload("web"), workload("api")]);
    show(&metrics, vec![workload("api")]);
    assert!(!text(&metrics).contains("web"));
    assert!(text(&metrics).contains(r#"hpa="api""#));
}

#[test]
fn an_old_state_and_a_missing_value_leave_no_series() {
    let metrics = Metrics::new(10).unwrap();
    show(&metrics, vec![workload("web")]);
    show(&metrics, vec![Workload { state: "Idle".to_owned(), floor: None, ..workload("web") }]);
    let text = text(&metrics);
    assert!(text.contains(r#"state="Idle""#) && !text.contains("Holding"));
    assert!(!text.contains("floorcast_workload_floor_replicas{"), "missing is never zero");
}

#[test]
fn beyond_the_limit_workloads_are_counted_only() {
    let metrics = Metrics::new(1).unwrap();
    show(&metrics, vec![workload("a"), workload("b"), workload("c")]);
    let text = text(&metrics);
    assert!(text.contains("floorcast_workloads_without_series 2"));
    assert!(!text.contains(r#"hpa="b""#));
}

#[test]
fn a_label_cannot_break_out_of_its_quotes() {
    let metrics = Metrics::new(1).unwrap();
    let mut odd = workload("web");
    odd.loads = vec![Load { name: "a\"b\\c\nd".to_owned(), ..Load::clone(&odd.loads[0]) }.into()];
    show(&metrics, vec![odd]);
    assert!(text(&metrics).contains(r#"floorcast_workload_load{hpa="web",load="a\"b\\c\nd",namespace="shop"} 4.5"#));
    assert!(text(&metrics).contains(r"workload_newest_sample_age_seconds{"));
}

/// An alert over the increase of a counter hears of its first event only where the counter stood at 0 before.
#[test]
fn every_result_of_a_write_is_counted_from_zero() {
    let metrics = Metrics::new(10).unwrap();
    for result in WriteResult::ALL {
        let line = |count: u64| format!("floorcast_writes_total{{result=\"{}\"}} {count}\n", result.as_str());
        assert!(text(&metrics).contains(&line(0)), "{result:?}");
        metrics.write(*result);
        assert!(text(&metrics).contains(&line(1)), "{result:?}");
    }
}
