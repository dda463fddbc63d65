//! The Lease on the wire.

use super::core::{Seen, Timing};
use chrono::{DateTime, SecondsFormat, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

/// The Lease as the API gives it.
#[derive(Deserialize)]
pub(super) struct Lease {
    metadata: kube::api::ObjectMeta,
    #[serde(default)]
    spec: Option<Spec>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    holder_identity: Option<String>,
    lease_duration_seconds: Option<i32>,
    lease_transitions: Option<i64>,
    renew_time: Option<String>,
}

impl From<Lease> for Seen {
    fn from(lease: Lease) -> Self {
        let spec = lease.spec.unwrap_or_default();
        let seconds = spec.lease_duration_seconds.and_then(|s| u64::try_from(s).ok());
        Self {
            uid: lease.metadata.uid.unwrap_or_default(),
            version: lease.metadata.resource_version.unwrap_or_default(),
            holder: spec.holder_identity.filter(|h| !h.is_empty()),
            transitions: spec.lease_transitions.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            duration: seconds.map(Duration::from_secs),
            renewed: spec.renew_time,
        }
    }
}

/// Body of a merge patch that takes or renews; uid and version make it conditional.
pub(super) fn take(
    (uid, version): (&str, &str),
    (identity, transitions): (&str, u64),
    timing: Timing,
    now: DateTime<Utc>,
    fresh: bool,
) -> Value {
    let mut spec = held(identity, transitions, timing, now);
    if fresh {
        spec["acquireTime"] = stamp(now);
    }
    json!({"metadata": {"uid": uid, "resourceVersion": version}, "spec": spec})
}

/// Body of a merge patch that leaves: the next candidate need not wait.
pub(super) fn leave(uid: &str, version: &str, now: DateTime<Utc>) -> Value {
    let spec = json!({"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": stamp(now)});
    json!({"metadata": {"uid": uid, "resourceVersion": version}, "spec": spec})
}

/// A new Lease, held by us.
pub(super) fn create(
    (namespace, name): (&str, &str),
    (identity, transitions): (&str, u64),
    timing: Timing,
    now: DateTime<Utc>,
) -> Value {
    let mut spec = held(identity, transitions, timing, now);
    spec["acquireTime"] = stamp(now);
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
}

fn held(identity: &str, transitions: u64, timing: Timing, now: DateTime<Utc>) -> Value {
    json!({
        "holderIdentity": identity,
        "leaseDurationSeconds": timing.duration.as_secs().max(1),
        "leaseTransitions": i32::try_from(transitions).unwrap_or(i32::MAX),
        "renewTime": stamp(now),
    })
}

/// The API's `MicroTime`.
fn stamp(at: DateTime<Utc>) -> Value {
    Value::String(at.to_rfc3339_opts(SecondsFormat::Micros, true))
}
