//! What the shipped manifests promise, without a cluster: the golden list of rights, and a configuration that parses.
#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::path::{Path, PathBuf};

fn documents(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(path(file)).unwrap();
    let documents = text.split("\n---\n").map(|d| serde_saphyr::from_str::<Value>(d).unwrap());
    documents.filter(|d| !d.is_null()).collect()
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/manifests").join(file)
}

fn words(value: &Value) -> String {
    let list = value.as_array().into_iter().flatten();
    list.map(|w| w.as_str().unwrap()).collect::<Vec<_>>().join(",")
}

/// Every right, one line each: a new one must be written here too, and be thought about.
#[test]
fn the_accounts_have_these_rights_and_no_others() {
    let mut rights = Vec::new();
    for role in documents("rbac.yaml") {
        for rule in role["rules"].as_array().into_iter().flatten() {
            let (kind, name) = (role["kind"].as_str().unwrap(), role["metadata"]["name"].as_str().unwrap());
            let (resources, verbs) = (words(&rule["resources"]), words(&rule["verbs"]));
            rights.push(format!("{kind} {name}: {resources} {} {verbs}", words(&rule["resourceNames"])));
        }
    }
    let golden = [
        "ClusterRole floorcast: horizontalpodautoscalers  get,list,watch,patch",
        "ClusterRole floorcast: deployments,statefulsets  get,list,watch",
        "ClusterRole floorcast: pods  get,list",
        "ClusterRole floorcast: events  create,patch",
        "ClusterRole floorcast-janitor: horizontalpodautoscalers  get,list,patch",
        "ClusterRole floorcast-janitor: events  create,patch",
        "Role floorcast: leases floorcast get,patch",
        "Role floorcast: configmaps floorcast-control get,list,watch",
        "Role floorcast-janitor: configmaps floorcast-control get,list,watch",
    ];
    assert_eq!(rights, golden);
}

#[test]
fn the_shipped_configuration_is_one() {
    let map = documents("config.yaml").remove(0);
    let text = map["data"]["config.yaml"].as_str().unwrap();
    let config = floorcast::config::Config::parse(text, Path::new("config.yaml")).unwrap();
    assert_eq!(config.datasources.len(), 1);
}

/// Applying the manifests again must neither end a leader's term nor undo a kill switch.
#[test]
fn lease_and_kill_switch_are_shipped_empty() {
    assert!(documents("lease.yaml")[0].get("spec").is_none());
    assert!(documents("control.yaml")[0].get("data").is_none());
}

#[test]
fn every_pod_is_restricted() {
    let deployment = documents("deployment.yaml").remove(0);
    let janitor = documents("janitor.yaml").remove(0);
    let pods = [&deployment["spec"]["template"]["spec"], &janitor["spec"]["jobTemplate"]["spec"]["template"]["spec"]];
    for pod in pods {
        assert_eq!(pod["automountServiceAccountToken"], false);
        assert_eq!(pod["enableServiceLinks"], false);
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true);
        assert!(pod["securityContext"]["runAsUser"].as_u64().unwrap() >= 10_000);
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault");
        let container = &pod["containers"][0]["securityContext"];
        assert_eq!(container["allowPrivilegeEscalation"], false);
        assert_eq!(container["readOnlyRootFilesystem"], true);
        assert_eq!(words(&container["capabilities"]["drop"]), "ALL");
        assert!(pod["containers"][0]["resources"]["limits"].get("cpu").is_none(), "a throttled leader loses its Lease");
    }
}
