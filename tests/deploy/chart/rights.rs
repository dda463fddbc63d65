//! What the chart's accounts may do, right by right: a new one must be written here too, and be thought about.

use super::{CHART, Helm, value_files};
use crate::manifests::rights;
use serde_json::Value;

const CLUSTER: [&str; 9] = [
    "ClusterRole floorcast: autoscaling/horizontalpodautoscalers [] get,list,watch,patch",
    "ClusterRole floorcast: apps/deployments,statefulsets [] get,list,watch",
    "ClusterRole floorcast: /pods [] get,list",
    "ClusterRole floorcast: events.k8s.io/events [] create,patch",
    "ClusterRole floorcast-janitor: autoscaling/horizontalpodautoscalers [] get,list,patch",
    "ClusterRole floorcast-janitor: events.k8s.io/events [] create,patch",
    "Role floorcast/floorcast: coordination.k8s.io/leases [floorcast] get,patch",
    "Role floorcast/floorcast: /configmaps [floorcast-control] get,list,watch",
    "Role floorcast/floorcast-janitor: /configmaps [floorcast-control] get,list,watch",
];
/// For the time of the uninstallation only.
const HOOK: [&str; 1] = ["Role floorcast/floorcast-uninstall: /configmaps [floorcast-control] patch"];
const IN_SHOP: [&str; 9] = [
    "Role shop/floorcast-workloads: autoscaling/horizontalpodautoscalers [] get,list,watch,patch",
    "Role shop/floorcast-workloads: apps/deployments,statefulsets [] get,list,watch",
    "Role shop/floorcast-workloads: /pods [] get,list",
    "Role shop/floorcast-workloads: events.k8s.io/events [] create,patch",
    "Role shop/floorcast-janitor-workloads: autoscaling/horizontalpodautoscalers [] get,list,patch",
    "Role shop/floorcast-janitor-workloads: events.k8s.io/events [] create,patch",
    "Role floorcast/floorcast: coordination.k8s.io/leases [floorcast] get,patch",
    "Role floorcast/floorcast: /configmaps [floorcast-control] get,list,watch",
    "Role floorcast/floorcast-janitor: /configmaps [floorcast-control] get,list,watch",
];

/// Sorted: Helm puts the objects into an order of its own.
fn sorted<S: Into<String>>(rights: impl IntoIterator<Item = S>) -> Vec<String> {
    let mut rights: Vec<String> = rights.into_iter().map(Into::into).collect();
    rights.sort();
    rights
}

/// Whom each binding gives which role.
fn given(objects: &[Value]) -> Vec<String> {
    let bindings = objects.iter().filter(|o| o["kind"].as_str().is_some_and(|kind| kind.ends_with("RoleBinding")));
    let one = |binding: &Value| {
        let subjects = binding["subjects"].as_array().unwrap();
        assert_eq!(subjects.len(), 1, "{binding}");
        let (role, account) = (&binding["roleRef"], &subjects[0]);
        assert_eq!(account["kind"], "ServiceAccount", "{binding}");
        format!("{} {} to {}/{}", role["kind"], role["name"], account["namespace"], account["name"]).replace('"', "")
    };
    sorted(bindings.map(one))
}

#[tokio::test]
async fn the_charts_accounts_have_these_rights_and_no_others() {
    if floorcast_testbed::left_out() {
        return;
    }
    let helm = Helm::built().await;
    let all = helm.template(&[]).await.unwrap();
    assert_eq!(sorted(rights(&all)), sorted([&CLUSTER[..], &HOOK].concat()));
    assert_eq!(
        given(&all),
        [
            "ClusterRole floorcast to floorcast/floorcast",
            "ClusterRole floorcast-janitor to floorcast/floorcast-janitor",
            "Role floorcast to floorcast/floorcast",
            "Role floorcast-janitor to floorcast/floorcast-janitor",
            "Role floorcast-uninstall to floorcast/floorcast-janitor",
        ]
    );
    let namespaced = helm.template(&["-f", &format!("{CHART}/ci/namespaced-values.yaml")]).await.unwrap();
    assert_eq!(sorted(rights(&namespaced)), sorted([&IN_SHOP[..], &HOOK].concat()));
    assert!(given(&namespaced).iter().all(|given| given.starts_with("Role ")), "no right reaches beyond a namespace");
}

#[tokio::test]
async fn no_value_file_gives_what_is_never_meant() {
    if floorcast_testbed::left_out() {
        return;
    }
    let helm = Helm::built().await;
    for file in value_files() {
        for right in rights(&helm.template(&["-f", &file]).await.unwrap()) {
            let (what, verbs) = right.rsplit_once(' ').unwrap();
            let never = ["*", "secrets", "/scale", "impersonate", "escalate", "bind", "update", "delete"];
            assert!(never.iter().all(|word| !right.contains(word)), "{file}: {right}");
            assert!(!verbs.contains("create") || what.contains("events.k8s.io/events "), "{file}: {right}");
        }
    }
}
