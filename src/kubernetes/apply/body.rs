//! The shapes of the requests (`hpa.md` 3.3).

use crate::kubernetes::FIELD_MANAGER;
use crate::kubernetes::hold;
use crate::kubernetes::workload::Workload;
use chrono::{DateTime, Utc};
use floorcast_models::protocol::{Action, Write};
use floorcast_models::units::Replicas;
use http::Method;
use serde_json::{Map, Value, json};

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Patch {
    pub(super) method: Method,
    pub(super) path: String,
    /// Without `timeout`; empty for a read.
    pub(super) query: String,
    pub(super) mime: &'static str,
    pub(super) body: Vec<u8>,
    /// The `spec.minReplicas` that the answer should show.
    pub(super) value: Option<Replicas>,
}

const APPLY: &str = "application/apply-patch+yaml";
const JSON_PATCH: &str = "application/json-patch+json";

/// The first request of an action.
pub(super) fn first(workload: &Workload, action: &Action) -> Option<Patch> {
    match action {
        Action::None => None,
        Action::Acquire { write, resource_version } => Some(apply(workload, write, Some(resource_version))),
        Action::Hold { write } => Some(apply(workload, write, None)),
        Action::GiveBack { uid, resource_version, floor, base, released_until } => {
            let marks = Marks { uid, resource_version, released_until: *released_until };
            Some(give_back(workload, &marks, *floor, Some(*base)))
        }
        Action::Clean { uid, resource_version, value, released_until } => {
            let marks = Marks { uid, resource_version, released_until: *released_until };
            Some(give_back(workload, &marks, *value, None))
        }
    }
}

/// Removes our managedFields entries from the object as last read; `None` where there are none.
pub(super) fn disown(workload: &Workload, object: &Value) -> Option<Patch> {
    let entries = object.pointer("/metadata/managedFields")?.as_array()?;
    let ours: Vec<usize> = (0..entries.len())
        .filter(|i| entries[*i].get("manager").and_then(Value::as_str) == Some(FIELD_MANAGER))
        .collect();
    if ours.is_empty() {
        return None;
    }
    let version = object.pointer("/metadata/resourceVersion")?.as_str()?;
    let uid = object.pointer("/metadata/uid")?.as_str()?;
    let mut operations = tests(uid, version);
    if ours.len() == entries.len() {
        // The API server takes an empty list for "unchanged", and a list of one empty entry for "none".
        operations.push(json!({"op": "replace", "path": "/metadata/managedFields", "value": [{}]}));
    } else {
        // From the last to the first, so that each index still means what it meant.
        operations.extend(ours.iter().rev().map(|i| remove(&format!("/metadata/managedFields/{i}"))));
    }
    Some(json_patch(workload, operations, None))
}

/// Reads the object.
pub(super) fn read(workload: &Workload) -> Patch {
    Patch {
        method: Method::GET,
        path: path(workload),
        query: String::new(),
        mime: "application/json",
        body: Vec::new(),
        value: None,
    }
}

/// Value and book-keeping in one server-side apply; with a version it takes the field by force.
fn apply(workload: &Workload, write: &Write, version: Option<&str>) -> Patch {
    let mut metadata = json!({
        "name": workload.hpa,
        "namespace": workload.namespace,
        "uid": write.uid,
        "labels": {(hold::MANAGED): "true"},
        "annotations": hold::write(&write.held),
    });
    if let Some(version) = version {
        metadata["resourceVersion"] = Value::from(version);
    }
    let body = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": {"minReplicas": write.held.floor.to_api()},
    });
    let force = if version.is_some() { "&force=true" } else { "" };
    Patch {
        method: Method::PATCH,
        path: path(workload),
        query: format!("fieldManager={FIELD_MANAGER}{force}"),
        mime: APPLY,
        body: body.to_string().into_bytes(),
        value: Some(write.held.floor),
    }
}

struct Marks<'a> {
    uid: &'a str,
    resource_version: &'a str,
    released_until: Option<DateTime<Utc>>,
}

/// Tests identity, version and value; restores the base where one is given; removes our marks.
fn give_back(workload: &Workload, marks: &Marks<'_>, value: Replicas, base: Option<Replicas>) -> Patch {
    let mut operations = tests(marks.uid, marks.resource_version);
    operations.push(json!({"op": "test", "path": "/spec/minReplicas", "value": value.to_api()}));
    if let Some(base) = base {
        operations.push(json!({"op": "replace", "path": "/spec/minReplicas", "value": base.to_api()}));
    }
    operations.extend(unmark(workload, marks.released_until));
    json_patch(workload, operations, Some(base.unwrap_or(value)))
}

/// Our marks out, as far as they are there: the version that was tested is the version they were read from.
fn unmark(workload: &Workload, released_until: Option<DateTime<Utc>>) -> Vec<Value> {
    let there = |key: &&str| workload.hpa_annotations.contains_key(*key);
    let mut operations: Vec<Value> = hold::BOOK.iter().filter(|k| there(k)).map(|k| remove(&annotation(k))).collect();
    let key = hold::RELEASED_UNTIL;
    match released_until {
        Some(until) if !workload.annotated => {
            let map = Map::from_iter([(key.to_owned(), Value::from(hold::stamp(until)))]);
            operations.push(json!({"op": "add", "path": "/metadata/annotations", "value": map}));
        }
        Some(until) => operations.push(json!({"op": "add", "path": annotation(key), "value": hold::stamp(until)})),
        None if there(&key) => operations.push(remove(&annotation(key))),
        None => {}
    }
    if workload.hpa_labels.contains_key(hold::MANAGED) {
        operations.push(remove(&format!("/metadata/labels/{}", escaped(hold::MANAGED))));
    }
    operations
}

fn tests(uid: &str, version: &str) -> Vec<Value> {
    vec![
        json!({"op": "test", "path": "/metadata/uid", "value": uid}),
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": version}),
    ]
}

fn json_patch(workload: &Workload, operations: Vec<Value>, value: Option<Replicas>) -> Patch {
    Patch {
        method: Method::PATCH,
        path: path(workload),
        query: format!("fieldManager={FIELD_MANAGER}"),
        mime: JSON_PATCH,
        body: Value::Array(operations).to_string().into_bytes(),
        value,
    }
}

fn path(workload: &Workload) -> String {
    format!("/apis/autoscaling/v2/namespaces/{}/horizontalpodautoscalers/{}", workload.namespace, workload.hpa)
}

fn annotation(key: &str) -> String {
    format!("/metadata/annotations/{}", escaped(key))
}

/// A key as a JSON pointer's token (RFC 6901).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn remove(path: &str) -> Value {
    json!({"op": "remove", "path": path})
}
