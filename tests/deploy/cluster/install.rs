//! A release's life: installed with defaults, used by the daemon under its account, upgraded, refused, rolled back, tested,
//! and uninstalled while a floor is held.

use super::{SECOND, Stage, documented, first, kubelet};
use crate::chart::CHART;
use floorcast_testbed::cluster::client_of;
use floorcast_testbed::daemon::Daemon;
use floorcast_testbed::wait;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use std::time::Instant;

const NAMESPACE: &str = "floorcast";
const RELEASE: &str = "floorcast";

pub(super) async fn from_the_first_install_to_the_last_floor(stage: &Stage) {
    let url = format!("datasource.url={}", stage.prometheus.url());
    let common = ["-n", NAMESPACE, "--set", &url];
    let begun = Instant::now();
    let notes = stage.helm(&[&["install", RELEASE, CHART][..], &common].concat()).await.unwrap();
    assert!(notes.contains("helm test floorcast -n floorcast"), "{notes}");
    let mut daemon = daemon(stage).await;
    leads(&daemon).await;
    first::forecast_is_told(stage, &daemon, begun).await;

    throw_the_switch(stage, "\"freeze\"").await;
    let holder = holder(stage).await;
    stage.helm(&[&["upgrade", RELEASE, CHART, "--set", "replicaCount=3"][..], &common].concat()).await.unwrap();
    assert_eq!(replicas(stage).await, 3);
    assert_eq!(switch(stage).await, json!({"cluster": "freeze"}), "an upgrade never undoes the switch");
    assert_eq!(holder, self::holder(stage).await, "an upgrade never ends a leader's term");
    throw_the_switch(stage, "null").await;

    let wrong = stage.helm(&["upgrade", RELEASE, CHART, "-n", NAMESPACE, "--set", "replicaCuont=5"]).await.unwrap_err();
    assert!(wrong.contains("replicaCuont"), "{wrong}");
    assert_eq!(replicas(stage).await, 3);
    stage.helm(&["rollback", RELEASE, "1", "-n", NAMESPACE]).await.unwrap();
    assert_eq!(replicas(stage).await, 2);

    let test = ["test", RELEASE, "-n", NAMESPACE, "--timeout", "90s"];
    let (tested, doctor) = tokio::join!(stage.helm(&test), kubelet::test_pod(stage, NAMESPACE, "floorcast-test"));
    let doctor = doctor.unwrap();
    assert!(tested.unwrap().contains("Succeeded"));
    assert!(doctor.contains("datasource prometheus: it answers") && doctor.contains("0 failed"), "{doctor}");

    documented::commands_do_what_the_pages_say(stage, &daemon).await;
    throw_the_switch(stage, "null").await;
    uninstalled_with_a_floor_held(stage, &mut daemon).await;
}

/// The daemon under exactly the rendered account and configuration; only its addresses are the test's.
async fn daemon(stage: &Stage) -> Daemon {
    let map = stage.get(NAMESPACE, "configmap", "floorcast-config").await;
    let settings: Value = serde_saphyr::from_str(map["data"]["config.yaml"].as_str().unwrap()).unwrap();
    assert_eq!(settings["datasources"][0]["url"], stage.prometheus.url());
    let deployment = stage.get(NAMESPACE, "deployment", "floorcast").await;
    let account = deployment["spec"]["template"]["spec"]["serviceAccountName"].as_str().unwrap();
    let kubeconfig = stage.bed.service_account_kubeconfig(NAMESPACE, account).await.unwrap();
    Daemon::start_ready(stage.bed.folder(), "floorcast-0", kubelet::program(), &kubeconfig, &settings).await.unwrap()
}

async fn leads(daemon: &Daemon) {
    wait::until("leadership", 30 * SECOND, || async {
        match daemon.metric("floorcast_leader").await {
            Ok(Some(leads)) if leads > 0.5 => Ok(()),
            other => Err(format!("{other:?}")),
        }
    })
    .await
    .unwrap();
}

async fn replicas(stage: &Stage) -> u64 {
    stage.get(NAMESPACE, "deployment", "floorcast").await["spec"]["replicas"].as_u64().unwrap()
}

async fn switch(stage: &Stage) -> Value {
    stage.get(NAMESPACE, "configmap", "floorcast-control").await["data"].clone()
}

async fn throw_the_switch(stage: &Stage, value: &str) {
    let patch = format!("{{\"data\":{{\"cluster\":{value}}}}}");
    let args = ["-n", NAMESPACE, "patch", "configmap", "floorcast-control", "--type=merge", "-p", &patch];
    stage.bed.kubectl(&args).await.unwrap();
}

/// Who leads, and since when.
async fn holder(stage: &Stage) -> (Value, Value) {
    let lease = stage.get(NAMESPACE, "lease", "floorcast").await;
    assert!(lease["spec"]["holderIdentity"].is_string(), "{lease}");
    (lease["spec"]["holderIdentity"].clone(), lease["spec"]["acquireTime"].clone())
}

async fn uninstalled_with_a_floor_held(stage: &Stage, daemon: &mut Daemon) {
    let web = stage.web("held").await;
    web.annotate("floorcast.io/mode", Some("live")).await.unwrap();
    hold(stage).await;
    assert_eq!(web.min_replicas().await.unwrap(), 9);
    let uninstall = ["uninstall", RELEASE, "-n", NAMESPACE, "--timeout", "90s"];
    let (uninstalled, released) =
        tokio::join!(stage.helm(&uninstall), kubelet::job(stage, NAMESPACE, "floorcast-uninstall"));
    let released = released.unwrap_or_else(|e| panic!("{e}\n{}", daemon.log()));
    uninstalled.unwrap();
    println!("the hook said:\n{released}");
    assert_eq!(web.min_replicas().await.unwrap(), 2, "the base is back");
    let hpa = web.hpa().await.unwrap();
    let marks: Vec<_> = hpa.metadata.annotations.into_iter().flatten().map(|(key, _)| key).collect();
    assert!(!marks.contains(&"floorcast.io/floor".to_owned()), "{marks:?}");
    assert!(!hpa.metadata.labels.unwrap_or_default().contains_key("floorcast.io/managed"));
    daemon.kill();
    let kinds = "deployment,service,configmap,lease,serviceaccount,role,rolebinding,clusterrole,clusterrolebinding,cronjob,\
                 job,poddisruptionbudget,validatingadmissionpolicy,validatingadmissionpolicybinding";
    let left = ["get", kinds, "-A", "-l", "app.kubernetes.io/instance=floorcast", "-o", "name"];
    assert_eq!(stage.bed.kubectl(&left).await.unwrap(), "", "left behind");
}

/// A floor as the daemon writes it, under the daemon's account and so under the admission policy.
async fn hold(stage: &Stage) {
    let kubeconfig = stage.bed.service_account_kubeconfig(NAMESPACE, "floorcast").await.unwrap();
    let lease = stage.get(NAMESPACE, "lease", "floorcast").await;
    let until = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let floor = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": "web", "namespace": "held", "labels": {"floorcast.io/managed": "true"},
            "annotations": {
                "floorcast.io/base": "2", "floorcast.io/floor": "9", "floorcast.io/epoch": "1", "floorcast.io/v": "1",
                "floorcast.io/until": until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                "floorcast.io/holder": format!("floorcast/{}/floorcast-0", lease["metadata"]["uid"].as_str().unwrap()),
                "floorcast.io/reason": "Raised",
            },
        },
        "spec": {"minReplicas": 9},
    });
    let client = client_of(&kubeconfig).await.unwrap();
    let hpas: kube::Api<k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler> =
        kube::Api::namespaced(client, "held");
    let params = PatchParams::apply("floorcast").force();
    hpas.patch("web", &params, &Patch::Apply(&floor)).await.unwrap();
}
