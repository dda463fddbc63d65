//! The chart as files and as real Helm renders it: what is generated is up to date, what it makes by default is what the plain
//! manifests and the overlays are, and what nobody can mean is refused.

mod ports;
mod rights;
mod schema;
mod setups;

use crate::files;
use floorcast_testbed::{command, tools::Module};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub(crate) const CHART: &str = "deploy/helm/floorcast";

/// Copies inside the chart, which can read nothing outside of itself: source and copy.
fn copies() -> Vec<(String, String)> {
    let mut copies = vec![
        ("deploy/alerts/floorcast.rules.yaml".to_owned(), "floorcast.rules.yaml".to_owned()),
        ("deploy/manifests/policy.yaml".to_owned(), "policy/accounts.yaml".to_owned()),
    ];
    for (folder, into, end) in [("deploy/policy", "policy", ".yaml"), ("deploy/dashboards", "dashboards", ".json")] {
        copies.extend(files::names(folder, end).into_iter().map(|n| (format!("{folder}/{n}"), format!("{into}/{n}"))));
    }
    copies
}

#[test]
fn the_chart_carries_the_rules_dashboards_and_policies_as_they_are() {
    for (from, to) in copies() {
        files::up_to_date(&format!("{CHART}/files/{to}"), &files::text(&from));
    }
}

#[test]
fn the_values_schema_and_the_readme_are_made_of_the_values() {
    let values = files::text(&format!("{CHART}/values.yaml"));
    files::up_to_date(&format!("{CHART}/values.schema.json"), &schema::schema(&values));
    files::up_to_date(&format!("{CHART}/README.md"), &schema::readme(&values));
}

#[test]
fn the_versions_of_program_chart_and_manifests_are_one() {
    let chart = files::yaml(&format!("{CHART}/Chart.yaml"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!((&chart["version"], &chart["appVersion"]), (&json!(version), &json!(version)));
    let image = format!("ghcr.io/floorcast/floorcast:{version}");
    assert!(chart["annotations"]["artifacthub.io/images"].as_str().unwrap().contains(&image));
    for manifest in ["deployment", "janitor"] {
        let text = files::text(&format!("deploy/manifests/{manifest}.yaml"));
        assert!(text.contains(&format!("image: {image}\n")), "{manifest}.yaml does not run {image}");
    }
}

/// Real Helm, with folders of its own, so that the tester's are left alone.
pub(crate) struct Helm {
    program: PathBuf,
    home: tempfile::TempDir,
}

impl Helm {
    pub(crate) async fn built() -> Self {
        Self::of(Module::Helm).await
    }

    pub(crate) async fn of(module: Module) -> Self {
        let program = module.built().await.unwrap().join("helm");
        Self { program, home: tempfile::tempdir().unwrap() }
    }

    /// Runs it in the repository's root.
    pub(crate) async fn run(&self, kubeconfig: Option<&Path>, args: &[&str]) -> Result<String, String> {
        let mut command = tokio::process::Command::new(&self.program);
        for kind in ["CACHE", "CONFIG", "DATA"] {
            command.env(format!("HELM_{kind}_HOME"), self.home.path().join(kind));
        }
        command.env("KUBECONFIG", kubeconfig.unwrap_or_else(|| Path::new("/dev/null")));
        command.current_dir(files::path(".")).args(args);
        command::run(command, None).await.map_err(|e| e.to_string())
    }

    /// The objects of a release `floorcast` in `floorcast`, hooks among them.
    pub(crate) async fn template(&self, args: &[&str]) -> Result<Vec<Value>, String> {
        let all = [&["template", "floorcast", CHART, "-n", "floorcast"], args].concat();
        self.run(None, &all).await.map(|text| files::documents(&text))
    }
}

/// All value files: those for common set-ups, and those that turn every knob once.
pub(crate) fn value_files() -> Vec<String> {
    let of =
        |folder: &str| files::names(folder, ".yaml").into_iter().map(|n| format!("{folder}/{n}")).collect::<Vec<_>>();
    [of("deploy/helm/values"), of(&format!("{CHART}/ci")), vec![LOCAL.to_owned()]].concat()
}

/// Two files, as Helm takes them: where Prometheus is, then how small the cluster is.
pub(crate) const LOCAL: &str = "deploy/helm/values/kube-prometheus-stack.yaml,deploy/helm/values/local.yaml";

/// The first object of a kind.
fn of_kind<'a>(objects: &'a [Value], kind: &str) -> &'a Value {
    objects.iter().find(|object| object["kind"] == kind).unwrap_or_else(|| panic!("no {kind}"))
}

/// Objects by what they are, without what Helm adds: its labels and hooks; a configuration as what it says.
fn by_name(objects: Vec<Value>) -> BTreeMap<String, Value> {
    let hook = |o: &Value| o["metadata"]["annotations"].get("helm.sh/hook").is_some();
    let plain = objects.into_iter().filter(|o| !hook(o) && o["kind"] != "Namespace");
    plain
        .map(|mut object| {
            let metadata = object["metadata"].as_object_mut().unwrap();
            metadata.remove("labels");
            let place = metadata.get("namespace").cloned().unwrap_or_default();
            let key = format!("{} {place}/{}", object["kind"].as_str().unwrap(), object["metadata"]["name"]);
            if let Some(text) = object["data"]["config.yaml"].as_str() {
                object["data"]["config.yaml"] = serde_saphyr::from_str(text).unwrap();
            }
            if object["kind"].as_str().is_some_and(|kind| kind.ends_with("AdmissionPolicy")) {
                collapse(&mut object);
            }
            (key, object)
        })
        .collect()
}

/// CEL minds no white space, and kustomize writes folded lines with other breaks than they were read with.
fn collapse(value: &mut Value) {
    match value {
        Value::String(text) => *text = text.split_whitespace().collect::<Vec<_>>().join(" "),
        Value::Array(list) => list.iter_mut().for_each(collapse),
        Value::Object(map) => map.values_mut().for_each(collapse),
        _ => {}
    }
}

fn same(left: Vec<Value>, right: Vec<Value>, what: &str) {
    let (left, right) = (by_name(left), by_name(right));
    assert_eq!(left.keys().collect::<Vec<_>>(), right.keys().collect::<Vec<_>>(), "{what}");
    for (name, object) in &left {
        assert_eq!(object, &right[name], "{what}: {name}");
    }
}

#[tokio::test]
async fn chart_manifests_and_overlays_make_the_same_objects() {
    if floorcast_testbed::left_out() {
        return;
    }
    let helm = Helm::built().await;
    let kubectl = Module::Kubernetes.built().await.unwrap().join("kubectl");
    let kustomized = async |folder: &str| {
        let mut command = tokio::process::Command::new(&kubectl);
        command.arg("kustomize").arg(files::path(folder));
        files::documents(&command::run(command, None).await.unwrap())
    };
    let plain = files::names("deploy/manifests", ".yaml");
    let plain = plain.iter().flat_map(|name| files::documents(&files::text(&format!("deploy/manifests/{name}"))));
    same(plain.collect(), kustomized("deploy/manifests").await, "deploy/manifests and its Kustomization");
    let cases: [(&str, &[&str]); 4] = [
        ("deploy/manifests", &[]),
        ("deploy/kustomize/namespaced", &["--set", "rbac.scope=namespaced,rbac.namespaces={shop}"]),
        ("deploy/kustomize/without-janitor", &["--set", "janitor.enabled=false"]),
        ("deploy/kustomize/monitoring", &["--set", "metrics.serviceMonitor.enabled=true"]),
    ];
    for (folder, args) in cases {
        same(kustomized(folder).await, helm.template(args).await.unwrap(), folder);
    }
}

#[tokio::test]
async fn helm_3_and_helm_4_make_the_same_objects() {
    if floorcast_testbed::left_out() {
        return;
    }
    let (three, four) = (Helm::of(Module::Helm3).await, Helm::built().await);
    for file in value_files() {
        // Each would take another version of Kubernetes for the one it was built with.
        let args = ["--values", &file, "--kube-version", "1.36.3"];
        let (old, new) = (three.template(&args).await.unwrap(), four.template(&args).await.unwrap());
        assert!(!old.is_empty(), "{file}");
        let named = |objects: Vec<Value>| -> BTreeMap<String, Value> {
            objects.into_iter().map(|o| (format!("{} {}", o["kind"], o["metadata"]), o)).collect()
        };
        assert_eq!(named(old), named(new), "{file}");
    }
}

#[tokio::test]
async fn what_nobody_can_mean_is_refused_with_its_name() {
    if floorcast_testbed::left_out() {
        return;
    }
    let helm = Helm::built().await;
    // A misspelt key, one of the configuration, a wrong type, a word that is none, a number out of range.
    for (wrong, named) in [
        ("replicaCuont=3", "replicaCuont"),
        ("metrics.serviceMonitor.enable=true", "enable"),
        ("config.guard.headrom=0.2", "headrom"),
        ("datasource.knd=thanos", "knd"),
        ("replicaCount=many", "replicaCount"),
        ("rbac.scope=everything", "scope"),
        ("policy.annotations.action=Refuse", "action"),
        ("config.defaults.quantile=1.5", "quantile"),
        ("datasource.url=", "datasource/url"),
        ("datasource.url=prometheus:9090", "datasource/url"),
        ("datasource.url=https://", "datasource/url"),
        ("datasource.url=http://prometheus:9090?tenant=a", "datasource/url"),
        ("config.http.listen=9999", "http/listen"),
    ] {
        let refused = helm.template(&["--set", wrong]).await.expect_err(wrong);
        assert!(refused.contains(named) && refused.contains("don't meet the specifications"), "{wrong}: {refused}");
    }
    let password = helm.template(&["--set", "datasource.url=http://me:canary@prometheus"]).await.unwrap_err();
    // Before it stands the command line.
    let (_, said) = password.split_once("Error: ").unwrap();
    assert!(said.contains("datasource prometheus holds a user or password") && !said.contains("canary"), "{said}");
}

#[tokio::test]
async fn every_rendered_configuration_is_one_and_every_pod_is_restricted() {
    if floorcast_testbed::left_out() {
        return;
    }
    let helm = Helm::built().await;
    helm.run(None, &["lint", "--strict", "--quiet", CHART]).await.unwrap();
    for file in value_files() {
        for object in helm.template(&["-f", &file]).await.unwrap() {
            if let Some(text) = object["data"]["config.yaml"].as_str() {
                floorcast::config::Config::parse(text, Path::new(&file)).unwrap_or_else(|e| panic!("{file}: {e}"));
            }
            let pod = match object["kind"].as_str().unwrap() {
                "Deployment" | "Job" => &object["spec"]["template"]["spec"],
                "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
                "Pod" => &object["spec"],
                _ => continue,
            };
            crate::manifests::is_restricted(pod, &file);
        }
    }
}
