//! What the server refuses with 422, worded as it words it.

use super::kind::Kind;
use super::refusal::{Cause, Refusal};
use serde_json::Value;

/// Annotations of one object together, in bytes (apimachinery's `TotalAnnotationSizeLimitB`).
const ANNOTATION_BYTES: usize = 256 * 1024;

/// Refuses an object that the API would not store. `old` is what stands there now.
pub(super) fn check(kind: Kind, name: &str, old: Option<&Value>, new: &Value) -> Result<(), Refusal> {
    let mut causes = Vec::new();
    if let Some(old) = old {
        check_identity(old, new, &mut causes);
    }
    check_annotations(new, &mut causes);
    match kind {
        Kind::Hpa => check_hpa(new, &mut causes),
        Kind::Event => check_event(old, new, &mut causes),
        Kind::Lease => check_lease(new, &mut causes),
        _ => {}
    }
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(kind, name, &causes)) }
}

/// The real server reports a changed uid twice: it validates the metadata's update twice.
fn check_identity(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    let (was, is) = (text(old, "/metadata/uid").unwrap_or_default(), text(new, "/metadata/uid").unwrap_or_default());
    if was != is {
        let cause = Cause::invalid("metadata.uid", &format!("\"{is}\""), "field is immutable");
        causes.extend([cause.clone(), cause]);
    }
}

fn check_annotations(new: &Value, causes: &mut Vec<Cause>) {
    let Some(annotations) = new.pointer("/metadata/annotations").and_then(Value::as_object) else {
        return;
    };
    let size: usize = annotations.iter().map(|(k, v)| k.len() + v.as_str().map_or(0, str::len)).sum();
    if size > ANNOTATION_BYTES {
        causes.push(Cause {
            reason: "FieldValueTooLong",
            field: "metadata.annotations".to_owned(),
            message: format!("Too long: may not be more than {ANNOTATION_BYTES} bytes"),
        });
    }
}

fn check_hpa(hpa: &Value, causes: &mut Vec<Cause>) {
    let min = number(hpa, "/spec/minReplicas").unwrap_or(1);
    let max = number(hpa, "/spec/maxReplicas").unwrap_or(0);
    if min < 1 {
        let why = "must be greater than or equal to 1";
        causes.push(Cause::invalid("spec.minReplicas", &min.to_string(), why));
    }
    if max < 1 {
        causes.push(Cause::required("spec.maxReplicas", "must be set and greater than 0"));
    }
    if max < min {
        let why = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", &max.to_string(), why));
    }
    for part in ["kind", "name"] {
        let there = text(hpa, &format!("/spec/scaleTargetRef/{part}"));
        if there.is_none_or(str::is_empty) {
            causes.push(Cause::required(&format!("spec.scaleTargetRef.{part}"), ""));
        }
    }
    if text(hpa, "/spec/scaleTargetRef/apiVersion").is_none_or(str::is_empty) {
        let why = "apiVersion must specify API group";
        causes.push(Cause::invalid("spec.scaleTargetRef.apiVersion", "\"\"", why));
    }
    if min == 0 {
        causes.push(Cause {
            reason: "FieldValueForbidden",
            field: "spec.metrics".to_owned(),
            message:
                "Forbidden: must specify at least one Object or External metric to support scaling to zero replicas"
                    .to_owned(),
        });
    }
}

/// Source: `events.k8s.io/v1` validation: everything but `series` is immutable, and the fields have lengths.
fn check_event(old: Option<&Value>, new: &Value, causes: &mut Vec<Cause>) {
    for field in ["reportingController", "reportingInstance", "reason"] {
        if text(new, &format!("/{field}")).is_none_or(str::is_empty) {
            causes.push(Cause::required(field, ""));
        }
    }
    for (field, most) in [("action", 128), ("reason", 128), ("note", 1024)] {
        if text(new, &format!("/{field}")).is_some_and(|t| t.len() > most) {
            let why = format!("can have at most {most} characters");
            causes.push(Cause::invalid(field, "\"\"", &why));
        }
    }
    let kind = text(new, "/type").unwrap_or_default();
    if !matches!(kind, "Normal" | "Warning") {
        let why = format!("has invalid value: {kind}");
        causes.push(Cause::invalid("type", "\"\"", &why));
    }
    if text(new, "/eventTime").is_none() {
        causes.push(Cause::required("eventTime", ""));
    }
    let fixed = ["eventTime", "reason", "action", "note", "type", "regarding", "reportingController"];
    for field in fixed.iter().filter(|f| old.is_some_and(|old| old.get(**f) != new.get(**f))) {
        causes.push(Cause::invalid(field, "\"\"", "field is immutable"));
    }
}

fn check_lease(lease: &Value, causes: &mut Vec<Cause>) {
    if number(lease, "/spec/leaseDurationSeconds").is_some_and(|n| n < 1) {
        let why = "must be greater than 0";
        causes.push(Cause::invalid("spec.leaseDurationSeconds", "0", why));
    }
    if number(lease, "/spec/leaseTransitions").is_some_and(|n| n < 0) {
        let why = "must be greater than or equal to 0";
        causes.push(Cause::invalid("spec.leaseTransitions", "-1", why));
    }
}

/// Fields that must be whole numbers where they are there; the decoder refuses them before anything else looks.
pub(super) fn wrong_type(kind: Kind, object: &Value) -> Option<(&'static str, &'static str)> {
    let fields: &[&str] = match kind {
        Kind::Hpa => &["/spec/minReplicas", "/spec/maxReplicas"],
        Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet => &["/spec/replicas"],
        Kind::Lease => &["/spec/leaseDurationSeconds", "/spec/leaseTransitions"],
        _ => &[],
    };
    fields.iter().find_map(|field| match object.pointer(field)? {
        Value::Null => None,
        Value::Number(n) if n.is_i64() || n.is_u64() => None,
        Value::String(_) => Some((*field, "string")),
        Value::Bool(_) => Some((*field, "bool")),
        _ => Some((*field, "object")),
    })
}

fn text<'a>(object: &'a Value, at: &str) -> Option<&'a str> {
    object.pointer(at).and_then(Value::as_str)
}

fn number(object: &Value, at: &str) -> Option<i64> {
    object.pointer(at).and_then(Value::as_i64)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hpa(min: i64, max: i64) -> Value {
        json!({"metadata": {"uid": "a"}, "spec": {"minReplicas": min, "maxReplicas": max,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}})
    }

    #[test]
    fn a_minimum_above_the_maximum_is_refused_in_the_servers_words() {
        let refused = check(Kind::Hpa, "web", None, &hpa(20, 10)).unwrap_err();
        assert_eq!(refused.code, 422);
        assert_eq!(
            refused.body["message"],
            "HorizontalPodAutoscaler.autoscaling \"web\" is invalid: spec.maxReplicas: Invalid value: 10: must be greater than or equal to `minReplicas`"
        );
    }

    #[test]
    fn another_uid_is_refused() {
        let mut other = hpa(1, 2);
        other["metadata"]["uid"] = json!("b");
        let refused = check(Kind::Hpa, "web", Some(&hpa(1, 2)), &other).unwrap_err();
        assert_eq!(refused.body["details"]["causes"][0]["field"], "metadata.uid");
        assert!(check(Kind::Hpa, "web", Some(&hpa(1, 2)), &hpa(1, 3)).is_ok());
    }
}
