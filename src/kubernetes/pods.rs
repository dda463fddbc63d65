//! The pods of a workload: requests for the derivation of the load, start-up times for the lead time.

use super::parse::{controller, instant};
use super::quantity::Quantity;
use super::workload::{Owner, Workload};
use chrono::{DateTime, Utc};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::Client;
use kube::api::ObjectMeta;
use kube::core::ListMeta;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::time::Duration;

/// One pod, as far as it matters.
#[derive(Clone, Debug, PartialEq)]
pub struct PodFacts {
    /// Name.
    pub name: String,
    /// `status.phase`.
    pub phase: String,
    /// `metadata.creationTimestamp`.
    pub created: Option<DateTime<Utc>>,
    /// `status.startTime`: the kubelet has taken the pod.
    pub started: Option<DateTime<Utc>>,
    /// When it first became ready; `None` if it never did, or if a container restarted since (then nobody knows).
    pub first_ready: Option<DateTime<Utc>>,
    /// Condition Ready.
    pub ready: bool,
    /// When the condition Ready last changed.
    pub ready_changed: Option<DateTime<Utc>>,
    /// Containers and init containers.
    pub containers: Vec<ContainerFacts>,
    /// `spec.resources.requests.cpu` of the pod as a whole, cores.
    pub pod_cpu_request: Option<f64>,
    /// It is being deleted.
    pub deleted: bool,
    /// Its controller: a `ReplicaSet`'s or `StatefulSet`'s name fixes the pattern of its pods' names.
    pub owner: Option<Owner>,
}

/// One container.
#[derive(Clone, Debug, PartialEq)]
pub struct ContainerFacts {
    /// Name.
    pub name: String,
    /// `resources.requests.cpu`, cores.
    pub cpu_request: Option<f64>,
    /// What kind of container it is.
    pub kind: ContainerKind,
}

/// Kinds of containers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContainerKind {
    /// Runs all the time.
    Main,
    /// An init container with `restartPolicy: Always`: runs all the time and counts as the HPA counts.
    Sidecar,
    /// Runs once before the others: never counts.
    Init,
}

/// Why the pods could not be listed.
#[derive(Debug, thiserror::Error)]
pub enum PodsError {
    /// There is nothing to select by.
    #[error("{key}: the target has an empty selector or does not exist, so its pods are unknown")]
    NoSelector {
        /// `namespace/hpa`.
        key: String,
    },
    /// The API server refused or did not answer.
    #[error("pods of {key}: {why}")]
    Api {
        /// `namespace/hpa`.
        key: String,
        /// The cause.
        why: String,
    },
}

const PAGE: u32 = 500;
/// All pages together; learning can wait for its next turn.
const PATIENCE: Duration = Duration::from_secs(30);

/// Lists the pods of a workload, page by page.
pub(super) async fn list(client: &Client, workload: &Workload) -> Result<Vec<PodFacts>, PodsError> {
    let key = workload.key();
    let scaled = workload.scaled.as_ref().filter(|s| !s.selector.is_empty());
    let Some(scaled) = scaled else {
        return Err(PodsError::NoSelector { key });
    };
    let path = format!("/api/v1/namespaces/{}/pods", workload.namespace);
    let selector = scaled.selector.to_string();
    match tokio::time::timeout(PATIENCE, pages(client, &path, &selector)).await {
        Ok(Ok(pods)) => Ok(pods),
        Ok(Err(why)) => Err(PodsError::Api { key, why: super::chain(&why) }),
        Err(_) => Err(PodsError::Api { key, why: format!("no whole answer within {} s", PATIENCE.as_secs()) }),
    }
}

async fn pages(client: &Client, path: &str, selector: &str) -> Result<Vec<PodFacts>, kube::Error> {
    let mut pods = Vec::new();
    let mut params = kube::api::ListParams::default().labels(selector).limit(PAGE);
    loop {
        let request = kube::core::Request::new(path).list(&params);
        let page: Page = client.request(request.map_err(kube::Error::BuildRequest)?).await?;
        pods.extend(page.items.iter().map(facts));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params = params.continue_token(&token),
            None => return Ok(pods),
        }
    }
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: ListMeta,
    #[serde(default)]
    items: Vec<Pod>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Pod {
    metadata: ObjectMeta,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodSpec {
    containers: Vec<Container>,
    init_containers: Vec<Container>,
    resources: Resources,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Container {
    name: String,
    resources: Resources,
    restart_policy: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Resources {
    requests: Option<BTreeMap<String, String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    phase: String,
    start_time: Option<Time>,
    conditions: Vec<Condition>,
    container_statuses: Vec<ContainerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    last_transition_time: Option<Time>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerStatus {
    restart_count: i32,
}

fn facts(pod: &Pod) -> PodFacts {
    let condition = pod.status.conditions.iter().find(|c| c.kind == "Ready");
    let ready = condition.is_some_and(|c| c.status == "True");
    let ready_changed = condition.and_then(|c| c.last_transition_time.as_ref()).and_then(instant);
    let restarted = pod.status.container_statuses.iter().any(|c| c.restart_count > 0);
    let main = pod.spec.containers.iter().map(|c| container(c, ContainerKind::Main));
    let init = pod.spec.init_containers.iter().map(|c| container(c, init_kind(c)));
    PodFacts {
        name: pod.metadata.name.clone().unwrap_or_default(),
        phase: pod.status.phase.clone(),
        created: pod.metadata.creation_timestamp.as_ref().and_then(instant),
        started: pod.status.start_time.as_ref().and_then(instant),
        first_ready: ready_changed.filter(|_| ready && !restarted),
        ready,
        ready_changed,
        containers: main.chain(init).collect(),
        pod_cpu_request: cpu(&pod.spec.resources),
        deleted: pod.metadata.deletion_timestamp.is_some(),
        owner: controller(&pod.metadata),
    }
}

fn container(container: &Container, kind: ContainerKind) -> ContainerFacts {
    ContainerFacts { name: container.name.clone(), cpu_request: cpu(&container.resources), kind }
}

fn init_kind(container: &Container) -> ContainerKind {
    if container.restart_policy.as_deref() == Some("Always") { ContainerKind::Sidecar } else { ContainerKind::Init }
}

fn cpu(resources: &Resources) -> Option<f64> {
    let text = resources.requests.as_ref()?.get("cpu")?;
    Some(Quantity::parse(text)?.value())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(value: serde_json::Value) -> PodFacts {
        facts(&serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_running_pod_with_sidecar_and_init_container() {
        let pod = parsed(serde_json::json!({
            "metadata": {"name": "web-6d5f-abcde", "creationTimestamp": "2026-01-01T00:00:00Z",
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-6d5f", "uid": "u", "controller": true}]},
            "spec": {
                "containers": [{"name": "app", "resources": {"requests": {"cpu": "250m", "memory": "1Gi"}}}, {"name": "log"}],
                "initContainers": [{"name": "mesh", "restartPolicy": "Always", "resources": {"requests": {"cpu": "100m"}}}, {"name": "migrate"}]},
            "status": {"phase": "Running", "startTime": "2026-01-01T00:00:02Z",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:42Z"}],
                "containerStatuses": [{"restartCount": 0}]}}));
        assert_eq!(pod.owner.unwrap().name, "web-6d5f");
        assert_eq!((pod.first_ready.unwrap() - pod.created.unwrap()).num_seconds(), 42);
        let kinds: Vec<_> = pod.containers.iter().map(|c| (c.name.as_str(), c.kind, c.cpu_request)).collect();
        assert_eq!(
            kinds,
            [
                ("app", ContainerKind::Main, Some(0.25)),
                ("log", ContainerKind::Main, None),
                ("mesh", ContainerKind::Sidecar, Some(0.1)),
                ("migrate", ContainerKind::Init, None),
            ]
        );
    }

    #[test]
    fn a_restarted_pod_does_not_tell_when_it_first_was_ready() {
        let pod = parsed(serde_json::json!({"status": {"phase": "Running",
            "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T09:00:00Z"}],
            "containerStatuses": [{"restartCount": 2}]}}));
        assert!(pod.ready && pod.first_ready.is_none() && pod.ready_changed.is_some());
    }

    #[test]
    fn a_pending_pod_was_never_ready() {
        let pod = parsed(
            serde_json::json!({"status": {"phase": "Pending"}, "spec": {"resources": {"requests": {"cpu": "2"}}}}),
        );
        assert!(!pod.ready && pod.first_ready.is_none() && pod.started.is_none());
        assert_eq!(pod.pod_cpu_request, Some(2.0));
    }
}
