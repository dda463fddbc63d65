//! Pages of a list: `limit` and `continue`.

use super::kind::Kind;
use super::refusal::Refusal;
use super::store::Key;
use serde_json::{Value, json};
use std::sync::Arc;

/// Where a continued list goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Start {
    /// The version that the first page was read at.
    pub(super) version: u64,
    after: (String, String),
}

impl Start {
    /// Whether `key` comes after the page before.
    pub(super) fn is_before(&self, key: &Key) -> bool {
        (&self.after.0, &self.after.1) < (&key.1, &key.2)
    }
}

/// From the `continue` parameter; `None` for a first page.
///
/// # Errors
/// 400 for a token that is none of ours.
pub(super) fn start(token: &str) -> Result<Option<Start>, Refusal> {
    if token.is_empty() {
        return Ok(None);
    }
    let mut parts = token.splitn(3, '/');
    let version = parts.next().and_then(|v| v.parse().ok());
    match (version, parts.next(), parts.next()) {
        (Some(version), Some(namespace), Some(name)) => {
            Ok(Some(Start { version, after: (namespace.to_owned(), name.to_owned()) }))
        }
        _ => Err(Refusal::bad_request("invalid continue token: continue key is not valid")),
    }
}

/// 410 of a continued list whose version is compacted.
pub(super) fn expired() -> Refusal {
    Refusal::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.",
    )
}

/// One page of the matching objects.
pub(super) fn of(kind: Kind, matching: &[(&Key, &Arc<Value>)], limit: &str, version: u64) -> Value {
    let limit = limit.parse().ok().filter(|n| *n > 0).unwrap_or(usize::MAX);
    let page = &matching[..matching.len().min(limit)];
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if let (Some((last, _)), true) = (page.last(), matching.len() > page.len()) {
        metadata["continue"] = json!(format!("{version}/{}/{}", last.1, last.2));
        metadata["remainingItemCount"] = json!(matching.len() - page.len());
    }
    let items: Vec<Value> = page.iter().map(|(_, o)| without_type(o)).collect();
    json!({"kind": format!("{}List", kind.as_str()), "apiVersion": kind.api_version(), "metadata": metadata, "items": items})
}

/// Items of a list carry neither `kind` nor `apiVersion`.
fn without_type(object: &Value) -> Value {
    let mut item = object.clone();
    if let Some(map) = item.as_object_mut() {
        map.remove("kind");
        map.remove("apiVersion");
    }
    item
}
