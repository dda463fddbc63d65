//! The objects of the proof as the API takes them.

use chrono::{DateTime, SecondsFormat, Utc};
use floorcast_models::hpa::{
    ConditionStatus, Container, InitContainer, MetricSpec, Phase, Pod, Ready, Requests, ResourceTarget, Select,
    ValueTarget,
};
use serde_json::{Map, Value, json};

use crate::plan::{Plan, PodShape, RESOURCES, Side, Written, word};

/// The HPA.
pub(crate) fn hpa(namespace: &str, plan: &Plan) -> Value {
    let metrics: Vec<Value> = plan.spec.metrics.iter().map(metric).collect();
    let mut spec = json!({
        "scaleTargetRef": {"apiVersion": "v1", "kind": "ReplicationController", "name": plan.name},
        "maxReplicas": plan.spec.max, "metrics": metrics,
    });
    if let Some(min) = plan.spec.min {
        spec["minReplicas"] = min.into();
    }
    if let Some(written) = &plan.behavior {
        spec["behavior"] = behavior(written);
    }
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"namespace": namespace, "name": plan.name}, "spec": spec,
    })
}

fn metric(metric: &MetricSpec) -> Value {
    match metric {
        MetricSpec::Resource { resource, target } => {
            json!({"type": "Resource", "resource": {"name": resource, "target": resource_target(*target, resource)}})
        }
        MetricSpec::ContainerResource { resource, container, target } => {
            let target = resource_target(*target, resource);
            let source = json!({"name": resource, "container": container, "target": target});
            json!({"type": "ContainerResource", "containerResource": source})
        }
        MetricSpec::Pods { metric, average } => {
            let target = json!({"type": "AverageValue", "averageValue": milli(*average)});
            json!({"type": "Pods", "pods": {"metric": {"name": metric}, "target": target}})
        }
        MetricSpec::Object { metric, target } => {
            let object = json!({"apiVersion": "v1", "kind": "Service", "name": metric});
            let source =
                json!({"metric": {"name": metric}, "describedObject": object, "target": value_target(*target)});
            json!({"type": "Object", "object": source})
        }
        MetricSpec::External { metric, target } => {
            json!({"type": "External", "external": {"metric": {"name": metric}, "target": value_target(*target)}})
        }
        MetricSpec::Unknown { kind } => json!({"type": kind}),
    }
}

fn resource_target(target: ResourceTarget, resource: &str) -> Value {
    match target {
        ResourceTarget::Average(milli) => json!({"type": "AverageValue", "averageValue": amount(resource, milli)}),
        ResourceTarget::Utilization(percent) => json!({"type": "Utilization", "averageUtilization": percent}),
    }
}

fn value_target(target: ValueTarget) -> Value {
    match target {
        ValueTarget::Total(value) => json!({"type": "Value", "value": milli(value)}),
        ValueTarget::Average(value) => json!({"type": "AverageValue", "averageValue": milli(value)}),
    }
}

fn milli(value: i64) -> String {
    format!("{value}m")
}

/// An amount of a resource as the API writes it: memory in whole bytes.
pub(crate) fn amount(resource: &str, milli_units: i64) -> String {
    if resource == "memory" { (milli_units / 1000).to_string() } else { milli(milli_units) }
}

fn behavior(written: &Written) -> Value {
    let mut sides = Map::new();
    for (name, side) in [("scaleUp", &written.up), ("scaleDown", &written.down)] {
        if let Some(side) = side {
            sides.insert(name.to_owned(), rules(side));
        }
    }
    Value::Object(sides)
}

fn rules(side: &Side) -> Value {
    let mut rules = Map::new();
    let mut put = |name: &str, value: Option<Value>| value.map(|value| rules.insert(name.to_owned(), value));
    put("stabilizationWindowSeconds", side.window.map(Value::from));
    put("selectPolicy", side.select.map(|select| Value::from(select_word(select))));
    put(
        "policies",
        side.policies.as_ref().map(|policies| {
            let policy = |policy: &floorcast_models::hpa::Policy| {
                let (kind, value) = word(policy.amount);
                json!({"type": kind, "value": value, "periodSeconds": policy.period.num_seconds()})
            };
            policies.iter().map(policy).collect()
        }),
    );
    put("tolerance", side.tolerance.map(|thousandths| Value::from(milli(thousandths))));
    Value::Object(rules)
}

const fn select_word(select: Select) -> &'static str {
    match select {
        Select::Max => "Max",
        Select::Min => "Min",
        Select::Disabled => "Disabled",
    }
}

/// The target: a `ReplicationController`, whose own controller does not run here. Nobody but the HPA and the test moves it.
pub(crate) fn target(namespace: &str, name: &str, replicas: i32) -> Value {
    let labels = json!({"app": name});
    let container = json!({"name": "app", "image": "example.invalid/web:1"});
    json!({
        "apiVersion": "v1", "kind": "ReplicationController", "metadata": {"namespace": namespace, "name": name},
        "spec": {
            "replicas": replicas, "selector": labels,
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    })
}

/// A pod of this shape, running and ready for long.
pub(crate) fn pod(name: String, shape: PodShape, started: DateTime<Utc>) -> Pod {
    let requests = |share: i64| Requests::of(RESOURCES.map(|(resource, milli)| (resource, milli / share)));
    let container = |name: &str, requests| Container { name: name.to_owned(), requests };
    let side = if shape == PodShape::Lacking { Requests::default() } else { requests(4) };
    let inits = [("init", false), ("mesh", true)]
        .map(|(name, restart_always)| InitContainer { container: container(name, requests(8)), restart_always });
    Pod {
        name,
        phase: Phase::Running,
        deleted: false,
        started: Some(started),
        ready: Some(Ready { status: ConditionStatus::True, since: started }),
        containers: vec![container("app", requests(1)), container("side", side)],
        init_containers: if shape == PodShape::Sidecar { inits.to_vec() } else { Vec::new() },
        pod_requests: if shape == PodShape::PodLevel { Requests::of([("cpu", 900)]) } else { Requests::default() },
    }
}

/// Its object. It names no node: nobody starts it, and its status is what the test says.
pub(crate) fn pod_object(namespace: &str, app: &str, pod: &Pod) -> Value {
    let containers: Vec<Value> = pod.containers.iter().map(container).collect();
    let inits: Vec<Value> = pod.init_containers.iter().map(init_container).collect();
    let mut spec = json!({"containers": containers, "initContainers": inits, "terminationGracePeriodSeconds": 0});
    if !pod.pod_requests.is_empty() {
        spec["resources"] = resources(&pod.pod_requests);
    }
    // The finalizer keeps a deleted pod in sight.
    let metadata = json!({
        "namespace": namespace, "name": pod.name, "labels": {"app": app}, "finalizers": ["example.invalid/proof"],
    });
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

fn container(container: &Container) -> Value {
    let resources = resources(&container.requests);
    json!({"name": container.name, "image": "example.invalid/web:1", "resources": resources})
}

fn init_container(init: &InitContainer) -> Value {
    let mut object = container(&init.container);
    if init.restart_always {
        object["restartPolicy"] = "Always".into();
    }
    object
}

fn resources(requests: &Requests) -> Value {
    let amounts = RESOURCES.iter().filter_map(|(name, _)| Some((*name, requests.get(name)?)));
    let requests: Map<String, Value> =
        amounts.map(|(name, milli)| (name.to_owned(), Value::from(amount(name, milli)))).collect();
    json!({"requests": requests})
}

/// Its status.
pub(crate) fn pod_status(pod: &Pod) -> Value {
    let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let ready = pod.ready.map(
        |ready| json!({"type": "Ready", "status": ready.status.as_str(), "lastTransitionTime": stamp(ready.since)}),
    );
    let conditions: Vec<Value> = ready.into_iter().collect();
    json!({"status": {"phase": pod.phase.as_str(), "startTime": pod.started.map(stamp), "conditions": conditions}})
}
