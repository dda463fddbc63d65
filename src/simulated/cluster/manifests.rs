//! The objects of a simulated workload.

use super::Deployed;
use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

/// Suffix of the `ReplicaSet`'s name, as the Deployment controller hashes one.
const HASH: &str = "7d9c6b5f4d";

pub(super) fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

fn labels(spec: &Deployed) -> Value {
    json!({"app": spec.name})
}

fn template(spec: &Deployed) -> Value {
    let container = json!({
        "name": "app", "image": "registry.invalid/app:1",
        "resources": {"requests": {"cpu": format!("{}m", spec.request_millicores)}},
    });
    json!({"metadata": {"labels": labels(spec)}, "spec": {"containers": [container]}})
}

pub(super) fn deployment(spec: &Deployed) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": spec.name, "namespace": spec.namespace, "labels": labels(spec)},
        "spec": {"replicas": spec.replicas, "selector": {"matchLabels": labels(spec)}, "template": template(spec)},
    })
}

pub(super) fn replica_set(spec: &Deployed) -> Value {
    let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.name, "uid": "simulated", "controller": true}]);
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": replica_set_name(spec), "namespace": spec.namespace, "labels": labels(spec), "ownerReferences": owner},
        "spec": {"replicas": spec.replicas, "selector": {"matchLabels": labels(spec)}, "template": template(spec)},
    })
}

pub(super) fn replica_set_name(spec: &Deployed) -> String {
    format!("{}-{HASH}", spec.name)
}

pub(super) fn autoscaler(spec: &Deployed) -> Value {
    let annotations: Map<String, Value> = spec.annotations.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    let cpu = json!({"name": "cpu", "target": {"type": "Utilization", "averageUtilization": spec.utilization}});
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": spec.name, "namespace": spec.namespace, "annotations": annotations},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": spec.name},
            "minReplicas": spec.min, "maxReplicas": spec.max,
            "metrics": [{"type": "Resource", "resource": cpu}],
        },
    })
}

/// A pod; ready since `ready`, or still starting.
pub(super) fn pod(spec: &Deployed, name: &str) -> Value {
    let owner = json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set_name(spec), "uid": "simulated", "controller": true}]);
    let mut pod = template(spec);
    pod["apiVersion"] = json!("v1");
    pod["kind"] = json!("Pod");
    pod["metadata"]["name"] = json!(name);
    pod["metadata"]["namespace"] = json!(spec.namespace);
    pod["metadata"]["ownerReferences"] = owner;
    pod
}

/// `status` of a pod created at `created`.
pub(super) fn pod_status(created: DateTime<Utc>, ready: Option<DateTime<Utc>>) -> Value {
    let since = ready.unwrap_or(created).to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let state = if ready.is_some() { "True" } else { "False" };
    json!({"status": {
        "phase": "Running",
        "startTime": created.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        "conditions": [{"type": "Ready", "status": state, "lastTransitionTime": since}],
        "containerStatuses": [{"name": "app", "ready": ready.is_some(), "restartCount": 0, "image": "registry.invalid/app:1", "imageID": ""}],
    }})
}
