#![allow(clippy::unwrap_used)]
use super::*;
use std::collections::BTreeSet;

fn text(metrics: &Metrics) -> String {
    String::from_utf8(metrics.encode()).unwrap()
}

fn sample(hpa: &str) -> WorkloadSample {
    WorkloadSample {
        namespace: "shop".to_owned(),
        hpa: hpa.to_owned(),
        base: Some(3),
        floor: Some(12),
        needed: Some(12),
        current: Some(10),
        max: Some(40),
        lead_seconds: Some(300.0),
        state: "Holding",
        limited_by: vec!["Headroom"],
        loads: vec![LoadSample {
            name: "cpu".to_owned(),
            now: Some(4.5),
            forecast: Some(("0.95".to_owned(), 9.0)),
            error_ratio: Some(0.1),
            coverage_ratio: Some(0.96),
            newest_sample_age_seconds: Some(20.0),
            weights: vec![("profile".to_owned(), 0.7)],
        }],
    }
}

#[test]
fn every_documented_name_is_there_once() {
    let metrics = Metrics::new(10).unwrap();
    metrics.step("decide", Duration::from_millis(3));
    metrics.datasource_up("main", true);
    metrics.datasource_request("main", "200", Duration::from_millis(3));
    metrics.samples_dropped("nan", 2);
    metrics.decision("Raised");
    metrics.write("done");
    metrics.kubernetes_request("patch", "200", Duration::from_millis(3));
    metrics.workloads(&[sample("web")]);
    let text = text(&metrics);
    let names: BTreeSet<&str> =
        text.lines().filter_map(|l| l.strip_prefix("# TYPE floorcast_")?.split(' ').next()).collect();
    let documented = "build_info leader last_tick_timestamp_seconds tick_duration_seconds tick_workloads \
        config_last_reload_successful prometheus_up prometheus_request_duration_seconds prometheus_samples_dropped_total \
        decisions_total writes_total kubernetes_request_duration_seconds workload_base_replicas workload_floor_replicas \
        workload_needed_replicas workload_current_replicas workload_max_replicas workload_load workload_forecast_load \
        workload_forecast_error_ratio workload_forecast_coverage_ratio workload_newest_sample_age_seconds \
        workload_lead_time_seconds workload_state workload_model_weight workload_limited_by workloads_without_series";
    assert_eq!(names, documented.split_whitespace().collect());
    assert!(
        text.contains(r#"floorcast_workload_forecast_load{hpa="web",load="cpu",namespace="shop",quantile="0.95"} 9"#)
    );
}

#[test]
fn a_vanished_workload_leaves_no_series() {
    let metrics = Metrics::new(10).unwrap();
    metrics.workloads(&[sample("web"), sample("api")]);
    metrics.workloads(&[sample("api")]);
    assert!(!text(&metrics).contains("web"));
    assert!(text(&metrics).contains(r#"hpa="api""#));
}

#[test]
fn an_old_state_and_a_missing_value_leave_no_series() {
    let metrics = Metrics::new(10).unwrap();
    metrics.workloads(&[sample("web")]);
    metrics.workloads(&[WorkloadSample { state: "Idle", floor: None, ..sample("web") }]);
    let text = text(&metrics);
    assert!(text.contains(r#"state="Idle""#) && !text.contains("Holding"));
    assert!(!text.contains("floorcast_workload_floor_replicas{"), "missing is never zero");
}

#[test]
fn beyond_the_limit_workloads_are_counted_only() {
    let metrics = Metrics::new(1).unwrap();
    metrics.workloads(&[sample("a"), sample("b"), sample("c")]);
    let text = text(&metrics);
    assert!(text.contains("floorcast_workloads_without_series 2"));
    assert!(!text.contains(r#"hpa="b""#));
}
