//! `models::hpa` agrees with every fact about the upstream controller in `hpa-cases`.
#![allow(missing_docs, unreachable_pub, clippy::trivially_copy_pass_by_ref, clippy::unwrap_used, clippy::expect_used)]

#[path = "facts/facts.rs"]
mod facts;

use serde_json::{Value, json};

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
    for (text, told) in
        [("<html>", "not JSON"), ("", "not JSON"), ("3", "neither a list"), (r#"{"cases": []}"#, "no case in it")]
    {
        assert!(facts::run(text).unwrap_err().contains(told), "{text}");
    }
}

/// A slip in any field of any case is told: it neither panics nor passes for want of anything to compare.
#[test]
fn a_slip_in_any_field_is_told_and_never_panics() {
    let slips = [json!(null), json!("x"), json!(-1), json!(i64::MAX), json!([])];
    for text in [include_str!("hpa-cases/replica_calculator.json"), include_str!("hpa-cases/behavior.json")] {
        let file: Value = serde_json::from_str(text).unwrap();
        for case in file["cases"].as_array().unwrap() {
            for (key, slip) in pointers(case).iter().flat_map(|key| slips.iter().map(move |slip| (key, slip))) {
                let mut wrong = case.clone();
                *wrong.pointer_mut(key).unwrap() = slip.clone();
                let report = facts::run(&json!([wrong]).to_string()).unwrap();
                assert_eq!(report.passed + report.disagreements.len(), 1);
            }
            let mut hollow = case.clone();
            hollow["expect"] = json!({});
            let report = facts::run(&json!([hollow]).to_string()).unwrap();
            assert_eq!(report.passed, usize::from(case["group"] == "pod_requests" && case["pod"].is_null()), "{case}");
        }
    }
}

/// JSON pointers of a case's fields, and of those of the first item of its lists.
fn pointers(case: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (key, value) in case.as_object().unwrap() {
        found.push(format!("/{key}"));
        let (at, inner) = match value {
            Value::Array(items) => (format!("/{key}/0"), items.first()),
            other => (format!("/{key}"), Some(other)),
        };
        let inner = inner.and_then(Value::as_object).into_iter().flatten();
        found.extend(inner.map(|(field, _)| format!("{at}/{field}")));
    }
    found
}
