//! The bodies of the three metrics APIs.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::Source;
use super::register::SERVED;

/// A value of the load, and of when it is.
struct Sample {
    value: f64,
    time: String,
}

fn sample(source: &Source, now: DateTime<Utc>) -> Sample {
    let at = now - TimeDelta::from_std(source.lag).unwrap_or_default();
    Sample { value: (source.load)(at), time: at.to_rfc3339_opts(SecondsFormat::Secs, true) }
}

/// The share of the load of each of the ready pods that have a sample.
fn shares<'a>(source: &Source, pods: &'a [Pod], now: DateTime<Utc>) -> (Sample, Vec<&'a Pod>) {
    let ready: Vec<&Pod> = pods.iter().filter(|pod| is_ready(pod)).collect();
    let mut sample = sample(source, now);
    sample.value /= ready.len().max(1) as f64;
    let seen = ready.len().saturating_sub(source.missing);
    (sample, ready.into_iter().take(seen).collect())
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|s| s.conditions.as_deref()).unwrap_or_default();
    pod.metadata.deletion_timestamp.is_none() && conditions.iter().any(|c| c.type_ == "Ready" && c.status == "True")
}

/// `PodMetricsList`: all of a pod's CPU is told on its first container.
pub(super) fn pod_metrics(source: &Source, pods: &[Pod], now: DateTime<Utc>) -> Value {
    let (share, pods) = shares(source, pods, now);
    let items: Vec<Value> = pods.into_iter().map(|pod| pod_metric(pod, &share)).collect();
    json!({"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": {}, "items": items})
}

fn pod_metric(pod: &Pod, share: &Sample) -> Value {
    let names = pod.spec.iter().flat_map(|spec| &spec.containers).map(|c| c.name.as_str());
    let containers: Vec<Value> = names
        .enumerate()
        .map(|(index, name)| {
            let cores = if index == 0 { share.value } else { 0.0 };
            json!({"name": name, "usage": {"cpu": format!("{:.0}n", cores * 1e9), "memory": "100Mi"}})
        })
        .collect();
    json!({
        "metadata": {"name": pod.metadata.name, "namespace": pod.metadata.namespace, "labels": pod.metadata.labels},
        "timestamp": share.time, "window": "30s", "containers": containers,
    })
}

/// `MetricValueList` of a Pods metric.
pub(super) fn pods_values(source: &Source, metric: &str, pods: &[Pod], now: DateTime<Utc>) -> Value {
    let (share, pods) = shares(source, pods, now);
    let items = pods.into_iter().map(|pod| {
        let described =
            json!({"kind": "Pod", "apiVersion": "/v1", "name": pod.metadata.name, "namespace": pod.metadata.namespace});
        value_item(&described, metric, &share)
    });
    value_list(&items.collect::<Vec<_>>())
}

/// `MetricValueList` of an Object metric.
pub(super) fn object_value(source: &Source, namespace: &str, name: &str, metric: &str, now: DateTime<Utc>) -> Value {
    let described = json!({"kind": "Object", "apiVersion": "/v1", "name": name, "namespace": namespace});
    value_list(&[value_item(&described, metric, &sample(source, now))])
}

fn value_item(described: &Value, metric: &str, sample: &Sample) -> Value {
    value_of(described, metric, &sample.time, milli(sample.value))
}

/// An item of `MetricValueList`, thousandths.
pub(super) fn value_of(described: &Value, metric: &str, time: &str, milli: i64) -> Value {
    json!({
        "describedObject": described, "metric": {"name": metric, "selector": null}, "timestamp": time,
        "windowSeconds": 30, "value": format!("{milli}m"),
    })
}

fn value_list(items: &[Value]) -> Value {
    json!({"kind": "MetricValueList", "apiVersion": "custom.metrics.k8s.io/v1beta2", "metadata": {}, "items": items})
}

/// `ExternalMetricValueList` with one value.
pub(super) fn external_value(source: &Source, metric: &str, now: DateTime<Utc>) -> Value {
    let sample = sample(source, now);
    let item = json!({"metricName": metric, "metricLabels": {}, "timestamp": sample.time, "value": format!("{}m", milli(sample.value))});
    json!({"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": {}, "items": [item]})
}

fn milli(value: f64) -> i64 {
    (value * 1000.0).round() as i64
}

/// An empty list: nothing is known.
pub(super) fn nothing(group: &str, version: &str) -> Value {
    list(group, version, &[])
}

/// A list of the group's kind with these items.
pub(super) fn list(group: &str, version: &str, items: &[Value]) -> Value {
    let kind = match group {
        "metrics.k8s.io" => "PodMetricsList",
        "custom.metrics.k8s.io" => "MetricValueList",
        _ => "ExternalMetricValueList",
    };
    json!({"kind": kind, "apiVersion": format!("{group}/{version}"), "metadata": {}, "items": items})
}

/// `APIGroupList`, for discovery.
pub(super) fn groups() -> Value {
    let group = |(group, version): (&str, &str)| {
        let served = json!({"groupVersion": format!("{group}/{version}"), "version": version});
        json!({"name": group, "versions": [served], "preferredVersion": served})
    };
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": SERVED.map(group)})
}

/// `APIResourceList` of one version, for discovery.
pub(super) fn resources(group: &str, version: &str) -> Value {
    let resource = |name: &str, namespaced: bool, kind: &str| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]});
    let resources = match group {
        "metrics.k8s.io" => vec![resource("pods", true, "PodMetrics"), resource("nodes", false, "NodeMetrics")],
        _ => Vec::new(),
    };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{version}"), "resources": resources})
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn pod(name: &str, ready: &str) -> Pod {
        serde_json::from_value(json!({
            "metadata": {"name": name, "namespace": "shop"},
            "spec": {"containers": [{"name": "main"}, {"name": "sidecar"}]},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        }))
        .unwrap()
    }

    #[test]
    fn the_load_is_shared_by_the_ready_pods_only() {
        let pods = [pod("a", "True"), pod("b", "True"), pod("c", "False")];
        let body = pod_metrics(&Source::constant(0.5), &pods, Utc::now());
        let items = body["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0]["containers"][0]["usage"]["cpu"], "250000000n");
        assert_eq!(items[0]["containers"][1]["usage"]["cpu"], "0n");
    }

    #[test]
    fn a_missing_sample_does_not_raise_the_others() {
        let pods = [pod("a", "True"), pod("b", "True")];
        let body = pods_values(&Source::constant(10.0).without_pods(1), "rps", &pods, Utc::now());
        assert_eq!(body["items"].as_array().unwrap().len(), 1);
        assert_eq!(body["items"][0]["value"], "5000m");
    }

    #[test]
    fn lag_tells_the_value_and_the_time_of_then() {
        let now = DateTime::from_timestamp(1_000, 0).unwrap();
        let source = Source::exact(|t| t.timestamp() as f64).lagging(std::time::Duration::from_mins(1));
        let body = external_value(&source, "jobs", now);
        assert_eq!(body["items"][0]["value"], "940000m");
        assert_eq!(body["items"][0]["timestamp"], "1970-01-01T00:15:40Z");
    }
}
