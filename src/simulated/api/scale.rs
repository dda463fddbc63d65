//! The `/scale` subresource.

use super::patch::{PatchType, json_patched, merge_patched};
use super::refusal::Refusal;
use super::request::{Request, Verb};
use serde_json::{Value, json};

/// The scale of a workload.
pub(super) fn of(workload: &Value) -> Value {
    let metadata = &workload["metadata"];
    let labels = workload.pointer("/spec/selector/matchLabels");
    let selector: Vec<String> = labels
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default()))
        .collect();
    json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {
            "name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"],
        },
        "spec": {"replicas": workload["spec"]["replicas"]},
        "status": {
            "replicas": workload.pointer("/status/replicas").cloned().unwrap_or(json!(0)),
            "selector": selector.join(","),
        },
    })
}

/// The workload with the size that the request asks for.
///
/// # Errors
/// 405 for other verbs than update and patch, and what the patch itself is refused for.
pub(super) fn written(request: &Request, workload: &Value) -> Result<Value, Refusal> {
    let scale = match request.verb {
        Verb::Update => request.body.clone(),
        Verb::Patch => match PatchType::of(&request.content_type)? {
            PatchType::Json => json_patched(&of(workload), &request.body)?,
            PatchType::Merge | PatchType::Apply => merge_patched(&of(workload), &request.body),
        },
        _ => return Err(Refusal::method_not_allowed()),
    };
    let replicas = scale.pointer("/spec/replicas").and_then(Value::as_i64);
    let replicas = replicas
        .filter(|n| *n >= 0)
        .ok_or_else(|| Refusal::bad_request("spec.replicas must be greater than or equal to 0"))?;
    let mut workload = workload.clone();
    workload["spec"]["replicas"] = json!(replicas);
    if let Some(version) = scale.pointer("/metadata/resourceVersion") {
        workload["metadata"]["resourceVersion"] = version.clone();
    }
    Ok(workload)
}
