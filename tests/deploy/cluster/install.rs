//! A release's life: installed with defaults, used by the daemon under its account, upgraded, refused, rolled back, tested,
//! and uninstalled while a floor is held.

use super::{SECOND, Stage, documented, first, hold, kubelet};
use crate::chart::CHART;
use floorcast_testbed::daemon::Daemon;
use serde_json::{Value, json};
use std::time::Instant;

const NAMESPACE: &str = "floorcast";
const RELEASE: &str = "floorcast";

pub(super) async fn from_the_first_install_to_the_last_floor(stage: &Stage) {
    let url = format!("datasource.url={}", stage.prometheus.url());
    let common = ["-n", NAMESPACE, "--set", &url];
    let begun = Instant::now();
    let notes = stage.helm(&[&["install", RELEASE, CHART][..], &common].concat()).await.unwrap();
    let mut daemon = daemon(stage, NAMESPACE, "floorcast").await;
    daemon.wait_leader(30 * SECOND).await.unwrap();
    first::forecast_is_told(stage, &daemon, begun, &next(&notes)).await;

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

/// The commands that the notes tell to run next.
fn next(notes: &str) -> Vec<Vec<String>> {
    let commands = notes.lines().filter_map(|line| line.strip_prefix("     "));
    let commands: Vec<&str> = commands.collect();
    let told = [
        "helm test floorcast -n floorcast --logs",
        "kubectl annotate hpa web floorcast.io/mode=shadow -n YOUR-NAMESPACE",
        "floorcast status -A --floorcast-namespace floorcast",
        "kubectl -n floorcast port-forward deploy/floorcast 8081",
    ];
    assert_eq!(commands, told, "{notes}");
    commands.iter().map(|command| command.split(' ').map(str::to_owned).collect()).collect()
}

/// The daemon under exactly the rendered account and configuration; only its addresses are the test's.
pub(super) async fn daemon(stage: &Stage, namespace: &str, full: &str) -> Daemon {
    let map = stage.get(namespace, "configmap", &format!("{full}-config")).await;
    let mut settings: Value = serde_saphyr::from_str(map["data"]["config.yaml"].as_str().unwrap()).unwrap();
    assert_eq!(settings["datasources"][0]["url"], stage.prometheus.url());
    // What the pod reads from its projected volume.
    settings["kubernetes"]["ownNamespace"] = namespace.into();
    let deployment = stage.get(namespace, "deployment", full).await;
    let account = deployment["spec"]["template"]["spec"]["serviceAccountName"].as_str().unwrap();
    let kubeconfig = stage.bed.service_account_kubeconfig(namespace, account).await.unwrap();
    let name = format!("{full}-0");
    Daemon::start_ready(stage.bed.folder(), &name, kubelet::program(), &kubeconfig, &settings).await.unwrap()
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
    let kubeconfig = stage.bed.service_account_kubeconfig(NAMESPACE, "floorcast").await.unwrap();
    let uid = stage.get(NAMESPACE, "lease", "floorcast").await["metadata"]["uid"].clone();
    hold::write(&kubeconfig, &web, uid.as_str().unwrap()).await.unwrap();
    assert_eq!(web.min_replicas().await.unwrap(), 9);
    let uninstall = ["uninstall", RELEASE, "-n", NAMESPACE, "--timeout", "90s"];
    let (uninstalled, released) =
        tokio::join!(stage.helm(&uninstall), kubelet::job(stage, NAMESPACE, "floorcast-uninstall"));
    let released = released.unwrap_or_else(|e| panic!("{e}\n{}", daemon.log()));
    uninstalled.unwrap();
    println!("the hook said:\n{released}");
    assert_eq!(web.min_replicas().await.unwrap(), 2, "the base is back");
    hold::is_gone(&web).await;
    daemon.kill();
    nothing_is_left(stage, RELEASE).await;
}

/// Of a release that was uninstalled.
pub(super) async fn nothing_is_left(stage: &Stage, release: &str) {
    let kinds = "deployment,service,configmap,lease,serviceaccount,role,rolebinding,clusterrole,clusterrolebinding,cronjob,\
                 job,poddisruptionbudget,validatingadmissionpolicy,validatingadmissionpolicybinding";
    let of = format!("app.kubernetes.io/instance={release}");
    let left = stage.bed.kubectl(&["get", kinds, "-A", "-l", &of, "-o", "name"]).await.unwrap();
    assert_eq!(left, "", "left behind");
}
