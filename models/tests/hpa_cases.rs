//! `models::hpa` agrees with every fact about the upstream controller in `hpa-cases`.
#![allow(missing_docs, unreachable_pub, clippy::trivially_copy_pass_by_ref, clippy::unwrap_used, clippy::expect_used)]

#[path = "facts/facts.rs"]
mod facts;

fn agrees(text: &str, cases: usize) {
    let report = facts::run(text).unwrap();
    assert!(report.disagreements.is_empty(), "{}", report.disagreements.join("\n"));
    assert_eq!(report.passed, cases);
}

#[test]
fn replica_calculator() {
    agrees(include_str!("hpa-cases/replica_calculator.json"), 69);
}

#[test]
fn behavior() {
    agrees(include_str!("hpa-cases/behavior.json"), 99);
}

#[test]
fn a_wrong_expectation_is_seen() {
    let case = r#"[{"id": "x", "group": "per_pod_usage", "usage_m": 1000, "status_replicas": 3, "expect": {"per_pod_usage_m": 333}}]"#;
    let report = facts::run(case).unwrap();
    assert_eq!(report.disagreements, ["x: per_pod_usage_m: expected 333, found 334"]);
}

#[test]
fn what_cannot_be_run_is_told() {
    let report =
        facts::run(r#"[{"id": "x", "group": "vertical", "expect": {}}, {"id": "y", "group": "per_pod_usage"}]"#);
    let lines = report.unwrap().disagreements;
    assert!(lines[0].contains("unknown group \"vertical\""), "{lines:?}");
    assert!(lines[1].contains("`usage_m` is missing"), "{lines:?}");
    assert!(facts::run("<html>").unwrap_err().contains("not JSON"));
}
