//! What the shipped manifests promise, without a cluster: the golden list of rights, and a configuration that parses.

use crate::files;
use serde_json::Value;
use std::path::Path;

fn documents(file: &str) -> Vec<Value> {
    files::documents(&files::text(&format!("deploy/manifests/{file}")))
}

fn words(value: &Value) -> String {
    let list = value.as_array().into_iter().flatten();
    list.map(|w| w.as_str().unwrap()).collect::<Vec<_>>().join(",")
}

/// Every right of the roles among some objects, one line each: group and resources, names, verbs.
pub(crate) fn rights(objects: &[Value]) -> Vec<String> {
    let roles = objects.iter().filter(|object| ["Role", "ClusterRole"].iter().any(|kind| object["kind"] == *kind));
    let of = |role: &Value| {
        let (kind, metadata) = (role["kind"].as_str().unwrap(), &role["metadata"]);
        let place = metadata["namespace"].as_str().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let name = format!("{kind} {place}{}", metadata["name"].as_str().unwrap());
        let rules = role["rules"].as_array().cloned().unwrap_or_default().into_iter();
        let line = move |rule: Value| {
            let [groups, resources, names, verbs] =
                ["apiGroups", "resources", "resourceNames", "verbs"].map(|key| words(&rule[key]));
            format!("{name}: {groups}/{resources} [{names}] {verbs}")
        };
        rules.map(line).collect::<Vec<_>>()
    };
    roles.flat_map(of).collect()
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
        is_restricted(pod, "deploy/manifests");
    }
}

/// The restricted profile, and what we promise beyond it.
pub(crate) fn is_restricted(pod: &Value, of: &str) {
    assert_eq!(pod["automountServiceAccountToken"], false, "{of}");
    assert_eq!(pod["enableServiceLinks"], false, "{of}");
    assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{of}");
    assert!(pod["securityContext"]["runAsUser"].as_u64().unwrap() >= 10_000, "{of}");
    assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{of}");
    let containers =
        ["initContainers", "containers"].map(|kind| pod[kind].as_array().cloned().unwrap_or_default()).concat();
    assert!(!containers.is_empty(), "{of}");
    for container in containers {
        let security = &container["securityContext"];
        assert_eq!(security["allowPrivilegeEscalation"], false, "{of}");
        assert_eq!(security["readOnlyRootFilesystem"], true, "{of}");
        assert_eq!(words(&security["capabilities"]["drop"]), "ALL", "{of}");
        assert!(container["resources"]["limits"].get("cpu").is_none(), "{of}: a throttled leader loses its Lease");
        assert!(container["resources"]["limits"].get("memory").is_some(), "{of}");
    }
}
