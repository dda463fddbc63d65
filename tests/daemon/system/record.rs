//! Every version of an HPA over a run, and what changed in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use floorcast_testbed::wait;
use futures::TryStreamExt as _;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Hpa;
use kube::api::DynamicObject;
use kube::discovery::ApiResource;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use serde_json::Value;

use crate::system::ground::SECOND;

/// Watches one HPA and keeps each of its versions, untyped, so that no field is lost.
pub(crate) struct Record {
    versions: Arc<Mutex<Vec<Value>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Record {
    pub(crate) fn start(client: Client, namespace: &str, name: &str) -> Self {
        let resource = ApiResource::erase::<Hpa>(&());
        let api: Api<DynamicObject> = Api::namespaced_with(client, namespace, &resource);
        let versions = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&versions);
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let task = tokio::spawn(async move {
            let mut events = std::pin::pin!(watcher(api, config));
            loop {
                match events.try_next().await {
                    Ok(Some(Event::Apply(object) | Event::InitApply(object))) => {
                        let value = serde_json::to_value(object).unwrap();
                        let mut kept = kept.lock().unwrap();
                        if kept.last() != Some(&value) {
                            kept.push(value);
                        }
                    }
                    Ok(Some(_)) => {}
                    Ok(None) => return,
                    Err(_) => tokio::time::sleep(floorcast_testbed::wait::LOOK).await,
                }
            }
        });
        Self { versions, task }
    }

    /// Waits until this version has come by the watch, which lags behind what a read shows: no version up to it is missing then.
    pub(crate) async fn caught_up(&self, hpa: &Hpa) {
        let wanted = revision(hpa.metadata.resource_version.as_deref());
        wait::until("the watch", 30 * SECOND, || async {
            let newest = self.versions().last().and_then(|v| revision(v["metadata"]["resourceVersion"].as_str()));
            if newest >= wanted { Ok(()) } else { Err(format!("version {newest:?} of {wanted:?}")) }
        })
        .await
        .unwrap();
    }

    /// All versions so far.
    pub(crate) fn versions(&self) -> Vec<Value> {
        self.versions.lock().unwrap().clone()
    }

    /// `spec.minReplicas` of each version, without repetitions.
    pub(crate) fn floors(&self) -> Vec<u64> {
        let mut floors: Vec<u64> =
            self.versions().iter().map(|v| v["spec"]["minReplicas"].as_u64().unwrap_or(1)).collect();
        floors.dedup();
        floors
    }

    /// The epochs that were written, in order, without repetitions.
    pub(crate) fn epochs(&self) -> Vec<u64> {
        let mut epochs: Vec<u64> = self
            .versions()
            .iter()
            .filter_map(|v| v["metadata"]["annotations"]["floorcast.io/epoch"].as_str()?.parse().ok())
            .collect();
        epochs.dedup();
        epochs
    }

    /// Every changed field, over all versions, that is neither ours nor the API server's: path, before, after.
    pub(crate) fn foreign_changes(&self) -> Vec<String> {
        let versions = self.versions();
        versions.windows(2).flat_map(|pair| foreign_changes(&pair[0], &pair[1])).collect()
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The number of a version; they ascend.
fn revision(version: Option<&str>) -> Option<u64> {
    version?.parse().ok()
}

/// What differs between two versions of an HPA and is neither ours nor the API server's nor the HPA controller's.
pub(crate) fn foreign_changes(before: &Value, after: &Value) -> Vec<String> {
    let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
    leaves("", before, &mut old);
    leaves("", after, &mut new);
    let paths: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    paths
        .into_iter()
        .filter(|path| old.get(*path) != new.get(*path) && !ours_or_the_servers(path))
        .map(|path| format!("{path}: {:?} → {:?}", old.get(path), new.get(path)))
        .collect()
}

fn ours_or_the_servers(path: &str) -> bool {
    const OURS: [&str; 9] =
        ["base", "floor", "floor-before", "until", "holder", "epoch", "reason", "v", "released-until"];
    let mark = path.strip_prefix("/metadata/annotations/floorcast.io~1");
    path == "/spec/minReplicas"
        || mark.is_some_and(|key| OURS.contains(&key))
        || path == "/metadata/labels/floorcast.io~1managed"
        || ["/status/", "/metadata/managedFields/"].iter().any(|area| path.starts_with(area))
        || ["/metadata/resourceVersion", "/metadata/generation", "/apiVersion", "/kind"].contains(&path)
}

fn leaves(path: &str, value: &Value, into: &mut BTreeMap<String, Value>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                leaves(&format!("{path}/{}", key.replace('~', "~0").replace('/', "~1")), value, into);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                leaves(&format!("{path}/{index}"), value, into);
            }
        }
        leaf => {
            into.insert(path.to_owned(), leaf.clone());
        }
    }
}

/// The managers of an object's fields, as `name/operation`, sorted; a subresource is told.
pub(crate) fn managers(hpa: &Hpa) -> Vec<String> {
    let entries = hpa.metadata.managed_fields.iter().flatten();
    let mut names: Vec<String> = entries
        .map(|e| {
            let operation = e.operation.as_deref().unwrap_or("?");
            let sub = e.subresource.as_deref().map(|s| format!("/{s}")).unwrap_or_default();
            format!("{}/{operation}{sub}", e.manager.as_deref().unwrap_or("?"))
        })
        .collect();
    names.sort();
    names
}

/// The managers that own `spec.minReplicas`.
pub(crate) fn owners(hpa: &Hpa) -> Vec<String> {
    let entries = hpa.metadata.managed_fields.iter().flatten();
    let owning = entries.filter(|e| e.fields_v1.as_ref().is_some_and(|f| !f.0["f:spec"]["f:minReplicas"].is_null()));
    owning.map(|e| e.manager.clone().unwrap_or_default()).collect()
}

/// An annotation of ours.
pub(crate) fn mark<'a>(hpa: &'a Hpa, key: &str) -> Option<&'a str> {
    hpa.metadata.annotations.as_ref()?.get(&format!("floorcast.io/{key}")).map(String::as_str)
}

/// The floor held on an HPA, if one is.
pub(crate) fn floor(hpa: &Hpa) -> Option<u32> {
    mark(hpa, "floor")?.parse().ok()
}

/// What is left of us on an HPA: annotations, label, managed fields. Empty after giving back.
pub(crate) fn traces(hpa: &Hpa) -> Vec<String> {
    let marks = ["base", "floor", "floor-before", "until", "holder", "epoch", "reason", "v"];
    let mut traces: Vec<String> = marks.iter().filter_map(|key| mark(hpa, key).map(|v| format!("{key}={v}"))).collect();
    if hpa.metadata.labels.as_ref().is_some_and(|l| l.contains_key("floorcast.io/managed")) {
        traces.push("label managed".into());
    }
    traces.extend(managers(hpa).into_iter().filter(|m| m.starts_with("floorcast")));
    traces
}
