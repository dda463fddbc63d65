//! What a node would do with the pods of a hook: run the program with the container's arguments, the mounted configuration and
//! the rights of the pod's account, and tell the API server how it ended.

use super::{SECOND, Stage};
use crate::files;
use floorcast_testbed::wait;
use serde_json::{Value, json};
use std::path::Path;

const CONFIG: &str = "/etc/floorcast/config.yaml";

/// The built program.
pub(super) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_floorcast"))
}

/// Waits for the Job of a hook, runs it, and completes it. Gives what the containers said.
pub(super) async fn job(stage: &Stage, namespace: &str, name: &str) -> Result<String, String> {
    let object = appears(stage, namespace, "job", name).await;
    let begun = now();
    let said = pod(stage, namespace, &object["spec"]["template"]["spec"]).await;
    let ended = now();
    let condition =
        |kind: &str| json!({"type": kind, "status": "True", "lastTransitionTime": ended, "lastProbeTime": ended});
    let status = match &said {
        Ok(_) => json!({
            "startTime": begun, "completionTime": ended, "succeeded": 1,
            "conditions": [condition("SuccessCriteriaMet"), condition("Complete")],
        }),
        Err(_) => {
            json!({"startTime": begun, "failed": 1, "conditions": [condition("FailureTarget"), condition("Failed")]})
        }
    };
    tell(stage, namespace, "job", name, &status).await;
    said
}

/// The same for a Pod.
pub(super) async fn test_pod(stage: &Stage, namespace: &str, name: &str) -> Result<String, String> {
    let object = appears(stage, namespace, "pod", name).await;
    let said = pod(stage, namespace, &object["spec"]).await;
    let phase = if said.is_ok() { "Succeeded" } else { "Failed" };
    tell(stage, namespace, "pod", name, &json!({"phase": phase})).await;
    said
}

async fn appears(stage: &Stage, namespace: &str, kind: &str, name: &str) -> Value {
    wait::until(&format!("{kind} {name}"), 60 * SECOND, || async {
        let text =
            stage.bed.kubectl(&["-n", namespace, "get", kind, name, "-o", "json"]).await.map_err(|e| e.to_string())?;
        serde_json::from_str(&text).map_err(|e| e.to_string())
    })
    .await
    .unwrap()
}

async fn tell(stage: &Stage, namespace: &str, kind: &str, name: &str, status: &Value) {
    let patch = json!({"status": status}).to_string();
    let args = ["-n", namespace, "patch", kind, name, "--subresource=status", "--type=merge", "-p", &patch];
    stage.bed.kubectl(&args).await.unwrap();
}

/// RFC 3339 with seconds, as the API writes times.
fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}

/// Every container of a pod, one after the other; the first failure ends it.
async fn pod(stage: &Stage, namespace: &str, spec: &Value) -> Result<String, String> {
    let account = spec["serviceAccountName"].as_str().unwrap();
    let kubeconfig = stage.bed.service_account_kubeconfig(namespace, account).await.unwrap();
    let config = mounted(stage, namespace, spec).await;
    let mut said = String::new();
    for container in spec["containers"].as_array().unwrap() {
        let args = container["args"].as_array().unwrap().iter().map(|a| a.as_str().unwrap().replace(CONFIG, &config));
        let mut command = tokio::process::Command::new(program());
        command.args(args).env("KUBECONFIG", &kubeconfig).env("POD_NAME", "hook");
        // What the pod reads from its projected volume.
        command.env("FLOORCAST_NAMESPACE", namespace).current_dir(files::path("."));
        let out = command.kill_on_drop(true).output().await.map_err(|e| e.to_string())?;
        said += &String::from_utf8_lossy(&out.stdout);
        if !out.status.success() {
            return Err(format!("{}: {said}{}", out.status, String::from_utf8_lossy(&out.stderr)));
        }
    }
    Ok(said)
}

/// The configuration as the pod's volume would show it.
async fn mounted(stage: &Stage, namespace: &str, spec: &Value) -> String {
    let volumes = spec["volumes"].as_array().unwrap();
    let map = volumes.iter().find_map(|v| v["configMap"]["name"].as_str()).unwrap();
    let map = stage.get(namespace, "configmap", map).await;
    let text = map["data"]["config.yaml"].as_str().unwrap();
    stage.bed.folder().write("mounted.yaml", text).unwrap().display().to_string()
}
