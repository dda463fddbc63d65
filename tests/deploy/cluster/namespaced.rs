//! A second release, by Helm 3, under another name and for two namespaces only; in one of them a right is missing.

use super::{SECOND, Stage, hold, install, kubelet};
use crate::chart::CHART;
use floorcast_testbed::daemon::Daemon;
use floorcast_testbed::{cluster::client_of, wait};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

const NAMESPACE: &str = "regional";
const RELEASE: &str = "team";
const FULL: &str = "team-floorcast";

pub(super) async fn one_forbidden_namespace_stops_no_other(stage: &Stage) {
    let (north, south) = (stage.web("north").await, stage.web("south").await);
    let set =
        format!("rbac.scope=namespaced,rbac.namespaces={{north,south}},datasource.url={}", stage.prometheus.url());
    let release = |verb| [verb, RELEASE, CHART, "-n", NAMESPACE, "--create-namespace", "--set", &set];
    stage.helm3(&release("install")).await.unwrap();
    let doctor = tested(stage).await.unwrap();
    assert!(doctor.contains("warn  HPAs: 2 HPAs, none opted in") && doctor.contains(", 0 failed"), "{doctor}");

    for web in [&north, &south] {
        web.annotate("floorcast.io/mode", Some("shadow")).await.unwrap();
    }
    stage.bed.kubectl(&["-n", "south", "delete", "rolebinding", "team-floorcast-workloads"]).await.unwrap();
    let doctor = wait::until("the right's end", 30 * SECOND, || async {
        tested(stage).await.err().ok_or_else(|| "helm test passes".to_owned())
    })
    .await
    .unwrap();
    assert!(doctor.contains("FAIL  HPAs in namespace south: cannot be listed"), "{doctor}");
    assert!(doctor.contains("ok    HPAs: 1 of 1 are opted in") && doctor.contains("HPA north/web: "), "{doctor}");

    let mut daemon = install::daemon(stage, NAMESPACE, FULL).await;
    daemon.wait_leader(30 * SECOND).await.unwrap();
    sees(&daemon, &["north/web"], "may not list horizontalpodautoscalers.autoscaling in namespace south").await;

    stage.helm3(&release("upgrade")).await.unwrap();
    sees(&daemon, &["north/web", "south/web"], "").await;

    narrowed(stage, &north.namespace).await;
    let account = stage.bed.service_account_kubeconfig(NAMESPACE, FULL).await.unwrap();
    let uid = stage.get(NAMESPACE, "lease", FULL).await["metadata"]["uid"].clone();
    hold::write(&account, &south, uid.as_str().unwrap()).await.unwrap();
    let uninstall = ["uninstall", RELEASE, "-n", NAMESPACE, "--timeout", "90s"];
    let hook = format!("{FULL}-uninstall");
    let (uninstalled, released) = tokio::join!(stage.helm3(&uninstall), kubelet::job(stage, NAMESPACE, &hook));
    released.unwrap_or_else(|e| panic!("{e}\n{}", daemon.log()));
    uninstalled.unwrap();
    hold::is_gone(&south).await;
    daemon.kill();
    install::nothing_is_left(stage, RELEASE).await;
}

/// What `helm test` finds.
async fn tested(stage: &Stage) -> Result<String, String> {
    let (test, pod) = (["test", RELEASE, "-n", NAMESPACE, "--timeout", "90s"], format!("{FULL}-test"));
    let (tested, doctor) = tokio::join!(stage.helm3(&test), kubelet::test_pod(stage, NAMESPACE, &pod));
    assert_eq!(tested.is_ok(), doctor.is_ok(), "{tested:?}\n{doctor:?}");
    doctor
}

/// The workloads that the daemon knows, and the first thing that it says it may not.
async fn sees(daemon: &Daemon, workloads: &[&str], forbidden: &str) {
    wait::until(&format!("{workloads:?}"), 60 * SECOND, || async {
        let known = daemon.ask("workloads").await.map_err(|e| e.to_string())?;
        let status = daemon.ask("status").await.map_err(|e| e.to_string())?;
        let all = known["workloads"].as_array().into_iter().flatten();
        let keys: Vec<String> = all.map(|w| format!("{}/{}", w["namespace"], w["hpa"]).replace('"', "")).collect();
        let said = status["forbidden"][0].as_str().unwrap_or_default();
        // What may be done is asked every ten minutes: what was forbidden may be told for longer than it is true.
        let told = forbidden.is_empty() || said.contains(forbidden);
        if keys == workloads && told { Ok(()) } else { Err(format!("{keys:?}, {said:?}")) }
    })
    .await
    .unwrap_or_else(|e| panic!("{e}\n{}", daemon.log()));
}

/// The admission policy of the release has its own name and binds its own account.
async fn narrowed(stage: &Stage, namespace: &str) {
    let account = stage.bed.service_account_kubeconfig(NAMESPACE, FULL).await.unwrap();
    let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(client_of(&account).await.unwrap(), namespace);
    let more: Value = json!({"spec": {"maxReplicas": 50}});
    let refused = hpas.patch("web", &PatchParams::default(), &Patch::Merge(&more)).await.unwrap_err().to_string();
    let policy = format!("ValidatingAdmissionPolicy '{FULL}'");
    assert!(refused.contains(&policy) && refused.contains("no field of the spec but minReplicas"), "{refused}");
}
