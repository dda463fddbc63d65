//! The commands that people change a cluster with, as a plugin of the real kubectl.

use floorcast::cli::jsonpath::Template;
use floorcast_testbed::cluster::{Options, Plugin};
use floorcast_testbed::workload::{Shape, Workload};
use floorcast_testbed::{Cluster, left_out};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Hpa;
use serde_json::{Value, json};

/// A cluster, and kubectl with the plugin on its PATH.
struct Ground {
    bed: Cluster,
    plugin: Plugin,
}

impl Ground {
    async fn start() -> Self {
        let bed = Cluster::start(Options::default()).await.unwrap();
        bed.kubectl(&["apply", "-f", &floorcast_testbed::manifests().display().to_string()]).await.unwrap();
        let plugin = bed.plugin(env!("CARGO_BIN_EXE_floorcast").as_ref()).unwrap();
        Self { bed, plugin }
    }

    async fn workload(&self, name: &str) -> Workload {
        Workload::create(self.bed.client().await.unwrap(), "shop", name, &Shape::default()).await.unwrap()
    }

    /// It is done, and says all of `words`.
    async fn does(&self, arguments: &str, words: &[&str]) {
        self.answers(0, arguments, words).await;
    }

    /// It says no, and all of `words`.
    async fn refuses(&self, arguments: &str, words: &[&str]) {
        self.answers(1, arguments, words).await;
    }

    async fn answers(&self, code: i32, arguments: &str, words: &[&str]) {
        let called = self.plugin.call(arguments).await.unwrap();
        let said = called.said();
        assert_eq!(called.code, code, "{arguments}: {said}");
        for word in words {
            assert!(said.contains(word), "{arguments} does not say {word:?}: {said}");
        }
    }

    /// The word of the kill switch.
    async fn switch(&self, key: &str) -> Option<String> {
        let map = self.bed.kubectl(&["get", "configmap", "floorcast-control", "-n", "floorcast", "-o", "json"]).await;
        let map: Value = serde_json::from_str(&map.unwrap()).unwrap();
        map["data"][key].as_str().map(ToOwned::to_owned)
    }
}

fn said<'a>(hpa: &'a Hpa, key: &str) -> Option<&'a str> {
    hpa.metadata.annotations.as_ref()?.get(&format!("floorcast.io/{key}")).map(String::as_str)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_opts_in_pauses_and_opts_out_with_kubectl() {
    if left_out() {
        return;
    }
    let ground = Ground::start().await;
    let web = ground.workload("web").await;
    let spec = web.hpa().await.unwrap().spec;
    opting_in_and_out(&ground, &web).await;
    what_others_set_is_theirs(&ground, &web).await;
    what_cannot_be_opted_in_is_told(&ground, &web).await;
    a_patch_for_git_is_what_kustomize_takes(&ground).await;
    pausing_one(&ground, &web).await;
    pausing_many(&ground).await;
    what_is_misspelt_is_guessed(&ground).await;
    kubectl_completes(&ground).await;
    templates_are_kubectls(&ground).await;
    assert_eq!(web.hpa().await.unwrap().spec, spec, "annotations and the switch are all that is ever written");
}

async fn opting_in_and_out(ground: &Ground, web: &Workload) {
    ground
        .does("enable web -n shop --dry-run", &["would be opted in, mode shadow", "+ floorcast.io/mode: shadow"])
        .await;
    assert_eq!(said(&web.hpa().await.unwrap(), "mode"), None);

    ground.does("enable web -n shop", &["undo: kubectl floorcast disable web -n shop"]).await;
    let hpa = web.hpa().await.unwrap();
    assert_eq!(said(&hpa, "mode"), Some("shadow"));
    let managers = hpa.metadata.managed_fields.unwrap();
    let ours = managers.iter().find(|m| m.manager.as_deref() == Some("floorcast-enable")).unwrap();
    assert_eq!(ours.operation.as_deref(), Some("Apply"));
    ground
        .does("enable web -n shop", &["opted in already, mode shadow, set by floorcast-enable", "nothing changes"])
        .await;

    // What was said before stays said.
    ground.does("enable shop/web --mode live", &["- floorcast.io/mode: shadow", "+ floorcast.io/mode: live"]).await;
    ground.does("enable shop/web --quantile 0.99", &["mode live", "+ floorcast.io/quantile: 0.99"]).await;
    let hpa = web.hpa().await.unwrap();
    assert_eq!((said(&hpa, "mode"), said(&hpa, "quantile")), (Some("live"), Some("0.99")));

    ground.does("disable web -n shop --dry-run", &["would be opted out", "- floorcast.io/mode: live"]).await;
    assert_eq!(said(&web.hpa().await.unwrap(), "mode"), Some("live"));
    ground.does("disable web -n shop", &["is opted out", "no floor is held"]).await;
    let hpa = web.hpa().await.unwrap();
    assert_eq!((said(&hpa, "mode"), said(&hpa, "quantile")), (None, None));
    ground.refuses("disable web -n shop", &["is not opted in by an annotation"]).await;
}

async fn what_others_set_is_theirs(ground: &Ground, web: &Workload) {
    let annotate = ["annotate", "hpa", "web", "-n", "shop", "floorcast.io/mode=live"];
    ground.bed.kubectl(&annotate).await.unwrap();
    ground.refuses("enable web -n shop --mode shadow", &["floorcast.io/mode: live, set by kubectl-annotate"]).await;
    ground.refuses("disable web -n shop", &["set by kubectl-annotate", "--force-conflicts"]).await;
    // Beside theirs, ours; and only ours goes.
    ground.does("enable web -n shop --max-floor 9", &["mode live"]).await;
    ground.refuses("disable web -n shop", &["- floorcast.io/max-floor: 9", "floorcast.io/mode: live stays"]).await;
    let hpa = web.hpa().await.unwrap();
    assert_eq!((said(&hpa, "mode"), said(&hpa, "max-floor")), (Some("live"), None));
    ground.does("enable web -n shop --mode shadow --force-conflicts", &["mode shadow"]).await;
    ground.does("disable web -n shop --force-conflicts", &["is opted out"]).await;
    assert_eq!(said(&web.hpa().await.unwrap(), "mode"), None);
}

async fn what_cannot_be_opted_in_is_told(ground: &Ground, web: &Workload) {
    ground.refuses("enable wbe -n shop", &["no HPA shop/wbe; did you mean web?"]).await;
    ground.answers(2, "enable web -n shop --min-replicas 21", &["21 is above maxReplicas 20"]).await;
    web.edit(&json!({"metadata": {"labels": {"scaledobject.keda.sh/name": "web"}}})).await.unwrap();
    ground.refuses("enable web -n shop", &["KEDA's ScaledObject web", "minReplicaCount"]).await;
    web.edit(&json!({"metadata": {"labels": {"scaledobject.keda.sh/name": null}}})).await.unwrap();
    // The target says so already.
    let annotate = ["annotate", "deployment", "web", "-n", "shop"];
    ground.bed.kubectl(&[&annotate[..], &["floorcast.io/mode=live"]].concat()).await.unwrap();
    ground.does("enable web -n shop", &["opted in already, mode live, set by its target's annotation"]).await;
    ground.refuses("disable web -n shop", &["opted in on its target Deployment/web, mode live"]).await;
    ground.bed.kubectl(&[&annotate[..], &["floorcast.io/mode-"]].concat()).await.unwrap();
    assert_eq!(said(&web.hpa().await.unwrap(), "mode"), None);
}

async fn a_patch_for_git_is_what_kustomize_takes(ground: &Ground) {
    let folder = ground.bed.folder();
    std::fs::create_dir(folder.join("kustomize")).unwrap();
    let hpa = floorcast_testbed::workload::hpa_manifest("shop", "web", &Shape::default());
    folder.write("kustomize/hpa.yaml", hpa.to_string()).unwrap();
    let files = json!({"resources": ["hpa.yaml"], "patches": [{"path": "in.yaml"}]});
    let file = folder.write("kustomize/kustomization.yaml", files.to_string()).unwrap();
    let built = file.parent().unwrap().display().to_string();
    let called = ground.plugin.call("enable shop/web --mode live --quantile 0.99 --print").await.unwrap();
    assert_eq!((called.code, called.err.as_str()), (0, ""));
    folder.write("kustomize/in.yaml", called.out).unwrap();
    let rendered = ground.bed.kubectl(&["kustomize", &built]).await.unwrap();
    assert!(
        rendered.contains("floorcast.io/mode: live") && rendered.contains("floorcast.io/quantile: \"0.99\""),
        "{rendered}"
    );

    let called = ground.plugin.call("disable shop/web --print").await.unwrap();
    folder.write("kustomize/out.yaml", called.out).unwrap();
    let files = json!({"resources": ["hpa.yaml"], "patches": [{"path": "in.yaml"}, {"path": "out.yaml"}]});
    folder.write("kustomize/kustomization.yaml", files.to_string()).unwrap();
    let rendered = ground.bed.kubectl(&["kustomize", &built]).await.unwrap();
    assert!(rendered.contains("name: web") && !rendered.contains("floorcast.io/"), "{rendered}");
}

async fn pausing_one(ground: &Ground, web: &Workload) {
    ground.does("pause web -n shop --dry-run", &["would be paused until"]).await;
    assert_eq!(said(&web.hpa().await.unwrap(), "released-until"), None);
    ground.does("pause web -n shop --for 2h", &["is paused until", "undo: kubectl floorcast resume web -n shop"]).await;
    assert!(said(&web.hpa().await.unwrap(), "released-until").is_some());
    ground.does("resume web -n shop", &["is resumed"]).await;
    assert_eq!(said(&web.hpa().await.unwrap(), "released-until"), None);
    ground.refuses("resume web -n shop", &["is not paused", "kubectl floorcast explain"]).await;
    ground.refuses("pause nobody -n shop", &["no HPA shop/nobody; there are "]).await;
}

async fn what_is_misspelt_is_guessed(ground: &Ground) {
    for command in ["pause", "resume", "release", "drain", "enable", "disable"] {
        ground.refuses(&format!("{command} wbe -n shop"), &["no HPA shop/wbe; did you mean web?"]).await;
    }
    ground.refuses("pause web -n shpo", &["no HPA shpo/web; did you mean shop/web?"]).await;
    ground.refuses("release web -n shop", &["no floor is held on shop/web"]).await;
}

/// A shell asks kubectl, kubectl asks the plugin, the plugin knows its commands and asks the API server for names.
async fn kubectl_completes(ground: &Ground) {
    for (line, wanted) in [
        ("sta", &["status\tAll workloads", ":4"][..]),
        ("completion z", &["zsh", ":4"][..]),
        ("plan -n shop we", &["web\n", ":4"][..]),
        ("pause shop/", &["shop/web\n", ":4"][..]),
        ("status --conf", &["--config", ":4"][..]),
        ("status --config ", &[":0"][..]),
    ] {
        let called = ground.plugin.complete(line).await.unwrap();
        assert_eq!(called.code, 0, "{line}: {}", called.said());
        assert!(wanted.iter().all(|word| called.out.contains(word)), "{line}: {}", called.said());
    }
}

/// The same template over the same JSON, filled by kubectl and by us.
async fn templates_are_kubectls(ground: &Ground) {
    let asked = async |form: &str| ground.bed.kubectl(&["get", "hpa", "-n", "shop", "-o", form]).await.unwrap();
    let value: Value = serde_json::from_str(&asked("json").await).unwrap();
    for template in [
        "{.items[*].metadata.name}",
        "{.items[0].spec.maxReplicas}",
        "{.items[-1].metadata.namespace}",
        "{.items[0:1].spec.scaleTargetRef}",
        "{.items[0].metadata['name','namespace']}",
        "{.items[?(@.metadata.name==\"web\")].spec.minReplicas}",
        "{.items[?(@.spec.maxReplicas>3)].metadata.labels.app}",
        "{..scaleTargetRef.kind}",
        "{.items[0].nothing}",
        "{$.kind} of {.items[*].spec.maxReplicas}!",
        "{range .items[*]}{.metadata.name}{\"\\t\"}{.spec.scaleTargetRef.name}{'\\n'}{end}",
    ] {
        let ours = template.parse::<Template>().unwrap().fill(&value);
        assert_eq!(ours, asked(&format!("jsonpath={template}")).await, "{template}");
    }
}

async fn pausing_many(ground: &Ground) {
    ground.does("pause --all -n shop --dry-run", &["namespace.shop would be freeze (was run)"]).await;
    assert_eq!(ground.switch("namespace.shop").await, None);
    ground.does("pause --all -n shop", &["namespace.shop is freeze"]).await;
    assert_eq!(ground.switch("namespace.shop").await.as_deref(), Some("freeze"));
    ground.does("pause --all", &["cluster is freeze (was run)"]).await;
    ground.does("resume --all -n shop", &["the cluster's word still counts: freeze"]).await;
    assert_eq!(ground.switch("namespace.shop").await, None);
    ground.does("resume --all", &["cluster is run (was freeze)"]).await;
    // Only resume takes back what is stricter.
    ground.does("drain --all -n shop", &["namespace.shop is drain"]).await;
    ground.refuses("pause --all -n shop", &["stricter than freeze"]).await;
    ground.does("resume --all -n shop", &["was drain"]).await;
    ground
        .refuses("pause --all --floorcast-namespace nowhere", &["nowhere/floorcast-control", "--floorcast-namespace"])
        .await;
}
