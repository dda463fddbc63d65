//! The policy on our own accounts, on the real API server: with every right that a Role can give, they can still change nothing on
//! an HPA but a floor with its marks. Under the names of another release, as the chart writes them.

use super::{SECOND, Stage};
use crate::chart::CHART;
use floorcast_testbed::cluster::client_of;
use floorcast_testbed::wait;
use floorcast_testbed::workload::{Shape, Workload, hpa_manifest};
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Release and namespace: neither is called floorcast.
const RELEASE: &str = "autopilot";
const NAMESPACE: &str = "platform";
const SHOP: &str = "narrowed";
const LEASE: &str = "platform/4f1c7f0e";

/// What is patched, and what the policy says to it.
fn refused() -> [(Value, &'static str); 12] {
    let spec = "floorcast may change no field of the spec but minReplicas.";
    let annotations = "floorcast may change no annotations but its own marks.";
    let label = "floorcast may change no label but floorcast.io/managed.";
    let metadata = "floorcast may change no metadata but its own annotations and label.";
    let marks = |marks: Value| json!({"metadata": {"annotations": marks}});
    [
        (json!({"spec": {"maxReplicas": 30}}), spec),
        (json!({"spec": {"metrics": null}}), spec),
        (json!({"spec": {"behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}}}}), spec),
        (marks(json!({"example.com/owner": "b"})), annotations),
        (marks(json!({"floorcast.io/max-floor": "20"})), annotations),
        (marks(json!({"example.com/owner": null})), annotations),
        (json!({"metadata": {"labels": {"tier": "back"}}}), label),
        (json!({"metadata": {"labels": {"floorcast.io/managed": "false"}}}), label),
        (json!({"metadata": {"finalizers": ["floorcast.io/held"]}}), metadata),
        (floor(11, 5), "the floor is above floorcast.io/max-floor."),
        (
            json!({"spec": {"minReplicas": 7}}),
            "a floor and its book-keeping (base, floor, until, holder, epoch) must travel in one write.",
        ),
        (floor(8, 4), "a later leader has written this HPA; this write comes from an earlier epoch of the same Lease."),
    ]
}

/// A floor as it is written by the leader of this epoch.
fn floor(replicas: u32, epoch: u32) -> Value {
    json!({
        "metadata": {"labels": {"floorcast.io/managed": "true"}, "annotations": {
            "floorcast.io/base": "2", "floorcast.io/floor": replicas.to_string(), "floorcast.io/epoch": epoch.to_string(),
            "floorcast.io/until": "2126-11-29T12:00:00Z", "floorcast.io/holder": format!("{LEASE}/{RELEASE}-0"),
        }},
        "spec": {"minReplicas": replicas},
    })
}

/// The policy of the rendered release, and its accounts with the rights of an administrator.
async fn set_up(stage: &Stage) -> Value {
    let set = "datasource.url=http://prometheus:9090";
    let template = ["template", RELEASE, CHART, "-n", NAMESPACE, "--set", set, "--show-only", "templates/policy.yaml"];
    let policy = stage.helm(&template).await.unwrap();
    let file = stage.bed.folder().write("accounts.yaml", &policy).unwrap().display().to_string();
    stage.bed.kubectl(&["apply", "-f", &file]).await.unwrap();
    stage.bed.create_namespace(NAMESPACE).await.unwrap();
    for account in accounts() {
        stage.bed.kubectl(&["-n", NAMESPACE, "create", "serviceaccount", &account]).await.unwrap();
        let subject = format!("--serviceaccount={NAMESPACE}:{account}");
        stage
            .bed
            .kubectl(&["create", "clusterrolebinding", &account, "--clusterrole=cluster-admin", &subject])
            .await
            .unwrap();
    }
    let name = format!("{RELEASE}-floorcast");
    serde_json::from_str(&stage.bed.kubectl(&["get", "validatingadmissionpolicy", &name, "-o", "json"]).await.unwrap())
        .unwrap()
}

/// The daemon's and the janitor's.
fn accounts() -> [String; 2] {
    ["", "-janitor"].map(|end| format!("{RELEASE}-floorcast{end}"))
}

/// What the API server says to a refused write.
fn told<T: std::fmt::Debug>(answer: Result<T, kube::Error>, what: &dyn std::fmt::Debug) -> String {
    match answer {
        Err(kube::Error::Api(status)) if status.code == 403 => status.message.clone(),
        other => panic!("{what:?} should be refused: {other:?}"),
    }
}

pub(super) async fn our_accounts_can_do_nothing_but_hold_floors(stage: &Stage) {
    let shape = Shape::default().annotated("floorcast.io/max-floor", "10").annotated("example.com/owner", "a");
    let web = Workload::create(stage.bed.client().await.unwrap(), SHOP, "web", &shape).await.unwrap();
    web.edit(&json!({"metadata": {"labels": {"tier": "front"}}})).await.unwrap();
    let policy = set_up(stage).await;
    let mut said = BTreeSet::new();
    for account in accounts() {
        let kubeconfig = stage.bed.service_account_kubeconfig(NAMESPACE, &account).await.unwrap();
        let ours = Workload::at(client_of(&kubeconfig).await.unwrap(), SHOP, "web").hpas();
        let patch = async |patch: &Value| ours.patch("web", &PatchParams::default(), &Patch::Merge(patch)).await;
        wait::until("the policy", 30 * SECOND, || async {
            let dry = PatchParams { dry_run: true, ..PatchParams::default() };
            let answer = ours.patch("web", &dry, &Patch::Merge(json!({"spec": {"maxReplicas": 30}}))).await;
            answer.map_or(Ok(()), |_| Err("it does not judge yet".to_owned()))
        })
        .await
        .unwrap();
        patch(&floor(6, 5)).await.unwrap_or_else(|e| panic!("{account}: a floor with its marks: {e}"));
        for (change, wanted) in refused() {
            let told = told(patch(&change).await, &change);
            assert!(told.contains(wanted), "{account}: {change}: {told}");
            said.insert(wanted.to_owned());
        }
        let only = "floorcast may only patch HPAs.";
        let new = serde_json::from_value(hpa_manifest(SHOP, "new", &Shape::default())).unwrap();
        let created = told(ours.create(&PostParams::default(), &new).await, &"to create one");
        let deleted = told(ours.delete("web", &DeleteParams::default()).await, &"to delete one");
        let status = json!({"status": {"desiredReplicas": 1, "currentReplicas": 1}});
        let status = ours.patch_status("web", &PatchParams::default(), &Patch::Merge(status)).await;
        for told in [created, deleted, told(status, &"its status")] {
            assert!(told.contains(only), "{account}: {told}");
        }
        said.insert(only.to_owned());
        patch(&floor(7, 5)).await.unwrap_or_else(|e| panic!("{account}: the same leader's next floor: {e}"));
    }
    let rules = policy["spec"]["validations"].as_array().unwrap().iter();
    let rules: BTreeSet<String> = rules.map(|rule| rule["message"].as_str().unwrap().to_owned()).collect();
    assert_eq!(said, rules, "every rule refuses something here");
    // A person's rights are his own.
    web.edit(&json!({"spec": {"maxReplicas": 30}})).await.unwrap();
    stage.bed.kubectl(&["-n", SHOP, "delete", "hpa", "web"]).await.unwrap();
    let name = format!("{RELEASE}-floorcast");
    let kinds = ["validatingadmissionpolicybinding", "validatingadmissionpolicy"];
    for kind in kinds {
        stage.bed.kubectl(&["delete", kind, &name]).await.unwrap();
    }
}
