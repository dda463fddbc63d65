//! Reading objects and requests of the API.

use chrono::{DateTime, Utc};
use floorcast::simulated::api::request::Request;
use serde_json::Value;

pub(crate) const MANAGER: &str = "floorcast";
pub(crate) const LABEL: &str = "floorcast.io/managed";
/// What we write on an HPA, beside `released-until` and the label.
pub(crate) const BOOK: [&str; 8] = ["base", "floor", "floor-before", "until", "holder", "epoch", "reason", "v"];
/// What must be there whenever any of it is.
const WHOLE: [&str; 7] = ["base", "floor", "until", "holder", "epoch", "reason", "v"];

pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get("annotations")?.get(format!("floorcast.io/{key}"))?.as_str()
}

pub(crate) fn number(object: &Value, key: &str) -> Option<u32> {
    annotation(object, key)?.parse().ok()
}

pub(crate) fn moment(object: &Value, key: &str) -> Option<DateTime<Utc>> {
    Some(DateTime::parse_from_rfc3339(annotation(object, key)?).ok()?.to_utc())
}

pub(crate) fn min(object: &Value) -> u32 {
    object.pointer("/spec/minReplicas").and_then(Value::as_u64).unwrap_or(1) as u32
}

pub(crate) fn max(object: &Value) -> u32 {
    object.pointer("/spec/maxReplicas").and_then(Value::as_u64).unwrap_or(1) as u32
}

pub(crate) fn is_live(object: &Value) -> bool {
    annotation(object, "mode") == Some("live")
}

/// Whether any of our book-keeping is there.
pub(crate) fn is_marked(object: &Value) -> bool {
    BOOK.iter().any(|key| annotation(object, key).is_some())
}

/// The part of the book-keeping that is missing although another is there.
pub(crate) fn missing_mark(object: &Value) -> Option<&'static str> {
    let is_missing = |key: &&&str| annotation(object, key).is_none();
    WHOLE.iter().filter(|_| is_marked(object)).find(is_missing).copied()
}

/// Whether managedFields has an entry of ours.
pub(crate) fn is_ours(object: &Value) -> bool {
    let entries = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    entries.into_iter().flatten().any(|entry| entry["manager"] == MANAGER)
}

/// What one request of ours to an HPA says of identity and version.
pub(crate) struct Said {
    pub(crate) uid: bool,
    pub(crate) version: bool,
    pub(crate) force: bool,
    pub(crate) apply: bool,
}

impl Said {
    pub(crate) fn of(request: &Request) -> Self {
        let apply = request.content_type.starts_with("application/apply-patch");
        let has = |key: &str| match &request.body {
            Value::Array(operations) => operations.iter().any(|o| {
                o["op"] == "test" && o["path"].as_str().is_some_and(|path| path == format!("/metadata/{key}"))
            }),
            body => body["metadata"].get(key).is_some(),
        };
        Self { uid: has("uid"), version: has("resourceVersion"), force: request.flag("force"), apply }
    }
}

/// The paths, as JSON pointers, in which two objects differ.
pub(crate) fn differences(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    differ("", before, after, &mut found);
    found
}

fn differ(path: &str, before: &Value, after: &Value, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(b), Value::Object(a)) => {
            let keys: std::collections::BTreeSet<_> = b.keys().chain(a.keys()).collect();
            for key in keys {
                let at = format!("{path}/{key}");
                // A map that came or went is told key by key.
                let (left, right) = (b.get(key), a.get(key));
                let empty = Value::Object(serde_json::Map::new());
                match (left, right) {
                    (Some(left), Some(right)) => differ(&at, left, right, found),
                    (Some(one @ Value::Object(_)), None) => differ(&at, one, &empty, found),
                    (None, Some(one @ Value::Object(_))) => differ(&at, &empty, one, found),
                    _ => found.push(at),
                }
            }
        }
        (before, after) if before != after => found.push(path.to_owned()),
        _ => {}
    }
}
