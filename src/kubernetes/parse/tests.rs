#![allow(clippy::unwrap_used)]

use super::*;
use crate::kubernetes::slim::{Deployment, Hpa};
use floorcast_models::target::Hold;
use serde_json::{Value, json};

const FLAG: TimeDelta = TimeDelta::seconds(300);

fn hpa(change: impl FnOnce(&mut Value)) -> Hpa {
    let mut value = json!({
        "metadata": {"namespace": "shop", "name": "web", "uid": "u1", "resourceVersion": "41",
            "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"minReplicas": 2, "maxReplicas": 10,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
        "status": {"currentReplicas": 4, "desiredReplicas": 5},
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn deployment(change: impl FnOnce(&mut Value)) -> Scaled {
    let mut value = json!({
        "metadata": {"uid": "d1", "annotations": {}},
        "spec": {"replicas": 4, "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"image": "a"}]}}},
        "status": {"readyReplicas": 3},
    });
    change(&mut value);
    let object: Deployment = serde_json::from_value(value).unwrap();
    Scaled::clone(&object.scaled)
}

fn read(change: impl FnOnce(&mut Value)) -> Workload {
    workload(&hpa(change), Some(Arc::new(deployment(|_| {}))), Vec::new(), FLAG)
}

#[test]
fn a_plain_hpa() {
    let workload = read(|_| {});
    assert_eq!(workload.key(), "shop/web");
    let target = &workload.target;
    let sizes = [target.min, target.max, target.current, target.desired, target.ready.unwrap()];
    assert_eq!(sizes.map(Replicas::get), [2, 10, 4, 5, 3]);
    assert_eq!((target.hold.clone(), target.ours, target.owners.len()), (Hold::Free, false, 0));
    assert!(workload.refusals.is_empty() && workload.caught_up);
    assert!(target.scaling_active && !target.too_few);
}

#[test]
fn absent_fields_have_the_apis_defaults_and_no_status_is_not_zero() {
    let workload = read(|v| {
        v["spec"].as_object_mut().unwrap().remove("minReplicas");
        v.as_object_mut().unwrap().remove("status");
    });
    assert_eq!(workload.target.min, Replicas::ONE);
    assert_eq!(workload.target.current, Replicas::new(4), "the Deployment knows");
    let no_replicas = deployment(|v| v["spec"]["replicas"] = Value::Null);
    assert_eq!(no_replicas.replicas, Replicas::ONE);
}

#[test]
fn ownership_of_min_replicas_and_the_time_of_our_write() {
    let entry = |manager: &str, time: &str, fields: Value| json!({"manager": manager, "operation": "Apply", "time": time, "fieldsV1": fields});
    let min = json!({"f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}}});
    let other = json!({"f:status": {"f:desiredReplicas": {}}});
    let workload = read(|v| {
        v["metadata"]["managedFields"] = json!([
            entry("floorcast", "2026-01-01T09:00:00Z", min.clone()),
            entry("kubectl", "2026-01-01T08:00:00Z", min.clone()),
            entry("kube-controller-manager", "2026-01-01T10:00:00Z", other),
        ]);
    });
    assert!(workload.target.ours);
    assert_eq!(workload.target.owners, ["kubectl"]);
    assert_eq!(workload.target.written_at.unwrap().to_rfc3339(), "2026-01-01T09:00:00+00:00");
}

#[test]
fn scale_down_rules() {
    for (behavior, stabilisation, period) in [
        (Value::Null, 300, 0),
        (json!({"scaleUp": {}}), 300, 0),
        (json!({"scaleDown": {"stabilizationWindowSeconds": 0}}), 0, 0),
        (
            json!({"scaleDown": {"policies": [{"type": "Pods", "value": 1, "periodSeconds": 60}, {"type": "Percent", "value": 10, "periodSeconds": 600}]}}),
            300,
            600,
        ),
    ] {
        let shown = behavior.to_string();
        let down = read(|v| v["spec"]["behavior"] = behavior).target.scale_down;
        let seconds = (down.stabilisation.num_seconds(), down.longest_period.num_seconds());
        assert_eq!(seconds, (stabilisation, period), "{shown}");
    }
}

#[test]
fn conditions() {
    let with = |conditions: Value| read(|v| v["status"]["conditions"] = conditions).target;
    assert!(with(json!([{"type": "ScalingLimited", "status": "True", "reason": "TooFewReplicas"}])).too_few);
    assert!(!with(json!([{"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}])).too_few);
    assert!(!with(json!([{"type": "ScalingLimited", "status": "False", "reason": "TooFewReplicas"}])).too_few);
    assert!(
        !with(json!([{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric"}]))
            .scaling_active
    );
    assert!(with(Value::Null).scaling_active);
}

#[test]
fn every_kind_of_metric() {
    let workload = read(|v| {
        v["spec"]["metrics"] = json!([
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
            {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app", "target": {"type": "AverageValue", "averageValue": "500m"}}},
            {"type": "Pods", "pods": {"metric": {"name": "rps"}, "target": {"type": "AverageValue", "averageValue": "1k"}}},
            {"type": "Object", "object": {"metric": {"name": "hits"}, "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "s"}, "target": {"type": "Value", "value": "2k"}}},
            {"type": "External", "external": {"metric": {"name": "queue", "selector": {"matchLabels": {"q": "a"}}}, "target": {"type": "AverageValue", "averageValue": "30"}}},
            {"type": "Quantum"},
            {"type": "Pods"},
            {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Value", "value": "lots"}}},
        ]);
    });
    let metrics = workload.hpa_metrics;
    assert!(
        matches!(&metrics[0], Metric::Resource { name, container: None, aim: Aim::Utilization(60) } if name == "cpu")
    );
    assert!(
        matches!(&metrics[1], Metric::Resource { container: Some(c), aim: Aim::AverageValue(q), .. } if c == "app" && q.milli() == 500)
    );
    assert!(matches!(&metrics[2], Metric::Pods { aim: Aim::AverageValue(q), .. } if q.value() == 1000.0));
    assert!(matches!(&metrics[3], Metric::Object { object, aim: Aim::Value(_), .. } if object.kind == "Service"));
    assert!(matches!(&metrics[4], Metric::External { selector, .. } if selector.to_string() == "q=a"));
    for unreadable in &metrics[5..] {
        assert!(matches!(unreadable, Metric::Unreadable { .. }), "{unreadable:?}");
    }
}

#[test]
fn refusals_name_what_stands_against_a_floor() {
    let codes = |workload: &Workload| workload.refusals.iter().map(Refusal::as_str).collect::<Vec<_>>();
    let owner =
        |kind: &str, api: &str| json!([{"apiVersion": api, "kind": kind, "name": "o", "uid": "x", "controller": true}]);
    let owned = read(|v| {
        v["metadata"]["ownerReferences"] = owner("PodAutoscaler", "autoscaling.internal.knative.dev/v1alpha1");
    });
    assert_eq!(codes(&owned), ["controller_owned"]);
    let keda = read(|v| v["metadata"]["ownerReferences"] = owner("ScaledObject", "keda.sh/v1alpha1"));
    assert_eq!(codes(&keda), ["keda_owned"]);
    let label = read(|v| v["metadata"]["labels"] = json!({"scaledobject.keda.sh/name": "web"}));
    assert_eq!(codes(&label), ["keda_owned"]);
    let rollout = read(|v| {
        v["spec"]["scaleTargetRef"] = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"});
    });
    assert_eq!(codes(&rollout), ["unsupported_target"]);
    assert_eq!(codes(&workload(&hpa(|_| {}), None, Vec::new(), FLAG)), ["target_missing"]);
    let shared = workload(&hpa(|_| {}), Some(Arc::new(deployment(|_| {}))), vec!["web-2".to_owned()], FLAG);
    assert_eq!(codes(&shared), ["shared_target"]);
    let sentence = shared.refusals[0].to_string();
    assert!(
        sentence.contains("Deployment/web") && sentence.contains("web-2") && sentence.contains("keep one HPA"),
        "{sentence}"
    );
}

#[test]
fn keys_that_differ_on_both_objects_are_told_and_book_keeping_is_not() {
    let hpa = hpa(|v| {
        v["metadata"]["annotations"] =
            json!({"floorcast.io/mode": "live", "floorcast.io/quantile": "0.9", "floorcast.io/base": "2", "x": "1"});
    });
    let target = deployment(|v| {
        v["metadata"]["annotations"] =
            json!({"floorcast.io/mode": "shadow", "floorcast.io/quantile": "0.9", "floorcast.io/base": "3", "x": "2"});
    });
    assert_eq!(workload(&hpa, Some(Arc::new(target)), Vec::new(), FLAG).duplicates, ["mode"]);
}

#[test]
fn the_templates_fingerprint_changes_with_the_template_only() {
    let plain = deployment(|_| {}).template;
    assert_eq!(deployment(|v| v["spec"]["replicas"] = json!(9)).template, plain);
    assert_ne!(deployment(|v| v["spec"]["template"]["spec"]["containers"][0]["image"] = json!("b")).template, plain);
}

#[test]
fn annotations_of_others_are_not_kept_but_known_to_be_there() {
    let workload = read(|v| {
        v["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b"});
    });
    assert_eq!((workload.hpa_annotations.len(), workload.annotated), (0, true));
    let ours = read(|v| v["metadata"]["annotations"] = json!({"floorcast.io/mode": "live", "a": "b"}));
    assert_eq!(ours.hpa_annotations.keys().collect::<Vec<_>>(), ["floorcast.io/mode"]);
    assert!(!read(|_| {}).annotated);
}
