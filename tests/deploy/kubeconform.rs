//! Manifests, policies and everything that the chart renders as kubeconform judges them, strictly: a field that Kubernetes does not
//! know is refused, and so is a key written twice.
//!
//! The schemas it takes are made here from the OpenAPI document of the control plane's own Kubernetes and the definitions of the
//! Prometheus Operator, so that nothing is fetched and nothing is left out.

use crate::chart::{CHART, Helm, value_files};
use crate::files;
use floorcast_testbed::tools::Module;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const REFERENCE: &str = "#/definitions/";
/// Google's own kind, whose definition is in none of the modules that are built here.
const SKIPPED: &str = "PodMonitoring";

/// Every object with named fields has no others.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            map.values_mut().for_each(closed);
            let open = ["additionalProperties", "x-kubernetes-preserve-unknown-fields"];
            if map.get("properties").is_some_and(Value::is_object) && !open.iter().any(|key| map.contains_key(*key)) {
                map.insert("additionalProperties".to_owned(), json!(false));
            }
        }
        Value::Array(all) => all.iter_mut().for_each(closed),
        _ => {}
    }
}

/// The definitions that a schema refers to, and those that they do.
fn referred(schema: &Value, all: &Map<String, Value>, found: &mut BTreeSet<String>) {
    let next: Vec<&Value> = match schema {
        Value::Object(map) => {
            let name = map.get("$ref").and_then(Value::as_str).and_then(|r| r.strip_prefix(REFERENCE));
            let new = name.filter(|name| found.insert((*name).to_owned())).map(|name| &all[name]);
            map.values().chain(new).collect()
        }
        Value::Array(values) => values.iter().collect(),
        _ => Vec::new(),
    };
    for value in next {
        referred(value, all, found);
    }
}

/// `role-rbac-v1.json`, as the template `{{.ResourceKind}}{{.KindSuffix}}.json` names it.
fn file_name(group: &str, version: &str, kind: &str) -> String {
    let group = group.split('.').next().filter(|group| !group.is_empty()).map(|group| format!("-{group}"));
    format!("{kind}{}-{version}.json", group.unwrap_or_default()).to_lowercase()
}

/// The API's own kinds, each a schema that stands alone.
fn builtin(openapi: &Value, folder: &Path) {
    let mut definitions = openapi["definitions"].clone();
    // The document says "string" where the API takes a number too.
    for (name, other) in [("util.intstr.IntOrString", "integer"), ("api.resource.Quantity", "number")] {
        definitions[format!("io.k8s.apimachinery.pkg.{name}")] = json!({"type": ["string", other]});
    }
    closed(&mut definitions);
    let all = definitions.as_object().unwrap();
    for (name, schema) in all {
        let Some(kinds) = schema["x-kubernetes-group-version-kind"].as_array() else { continue };
        let mut needed = BTreeSet::from([name.clone()]);
        referred(schema, all, &mut needed);
        let needed: Map<String, Value> = needed.into_iter().map(|n| (n.clone(), all[&n].clone())).collect();
        let alone = json!({"$ref": format!("{REFERENCE}{name}"), "definitions": needed}).to_string();
        for kind in kinds {
            let of = |key: &str| kind[key].as_str().unwrap();
            std::fs::write(folder.join(file_name(of("group"), of("version"), of("kind"))), &alone).unwrap();
        }
    }
}

/// The custom resources' kinds.
fn custom(resources: &str, folder: &Path) {
    for resource in files::documents(resources) {
        let spec = &resource["spec"];
        for version in spec["versions"].as_array().unwrap() {
            let mut schema = version["schema"]["openAPIV3Schema"].clone();
            closed(&mut schema);
            let of = |value: &Value| value.as_str().unwrap().to_owned();
            let name = file_name(&of(&spec["group"]), &of(&version["name"]), &of(&spec["names"]["kind"]));
            std::fs::write(folder.join(name), schema.to_string()).unwrap();
        }
    }
}

/// kubeconform with all schemas.
struct Judge {
    program: PathBuf,
    schemas: tempfile::TempDir,
}

impl Judge {
    async fn built() -> Self {
        let built = Module::Kubeconform.built().await.unwrap();
        let operator = Module::Operator.built().await.unwrap();
        let schemas = tempfile::tempdir().unwrap();
        builtin(&serde_json::from_slice(&std::fs::read(built.join("openapi.json")).unwrap()).unwrap(), schemas.path());
        custom(&std::fs::read_to_string(operator.join("resources.yaml")).unwrap(), schemas.path());
        Self { program: built.join("kubeconform"), schemas }
    }

    /// Its summary, or what it refuses.
    async fn judged(&self, paths: &[PathBuf]) -> Result<String, String> {
        let schemas = self.schemas.path().join("{{.ResourceKind}}{{.KindSuffix}}.json");
        let mut kubeconform = tokio::process::Command::new(&self.program);
        kubeconform.args(["-strict", "-summary", "-skip", SKIPPED, "-schema-location"]).arg(schemas).args(paths);
        let ended = kubeconform.output().await.unwrap();
        // It tells its findings on standard output.
        let said = String::from_utf8_lossy(&ended.stdout).into_owned() + &String::from_utf8_lossy(&ended.stderr);
        if ended.status.success() { Ok(said) } else { Err(said) }
    }
}

#[tokio::test]
async fn kubeconform_finds_nothing_in_what_is_shipped_and_rendered() {
    if floorcast_testbed::left_out() {
        return;
    }
    let (judge, helm, rendered) = (Judge::built().await, Helm::built().await, tempfile::tempdir().unwrap());
    for (number, file) in value_files().iter().enumerate() {
        let arguments = ["template", "floorcast", CHART, "-n", "floorcast", "--kube-version", "1.36.0", "-f", file];
        let name = format!("{number}-{}", Path::new(file).file_name().unwrap().to_str().unwrap());
        // As Helm wrote it: a key written twice is lost when it is read.
        std::fs::write(rendered.path().join(name), helm.run(None, &arguments).await.unwrap()).unwrap();
    }
    let mut paths = vec![rendered.path().to_owned()];
    for folder in ["deploy/manifests", "deploy/policy"] {
        paths.extend(files::names(folder, ".yaml").into_iter().map(|name| files::path(folder).join(name)));
    }
    let said = judge.judged(&paths).await.unwrap_or_else(|said| panic!("{said}"));
    assert!(said.contains("Invalid: 0, Errors: 0, Skipped: 1"), "{said}");
}

/// It finds what it is there to find.
#[tokio::test]
async fn kubeconform_refuses_what_kubernetes_does_not_know() {
    if floorcast_testbed::left_out() {
        return;
    }
    let (judge, folder) = (Judge::built().await, tempfile::tempdir().unwrap());
    let hpa = "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n";
    let reference = "  scaleTargetRef: {kind: Deployment, name: web}\n";
    let monitor =
        "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: {name: web}\nspec:\n  selector: {}\n";
    for (text, named) in [
        (format!("{hpa}{reference}  maxReplica: 3\n"), "maxReplica"),
        (format!("{hpa}{reference}  maxReplicas: three\n"), "maxReplicas"),
        (format!("{hpa}{reference}  maxReplicas: 3\n  maxReplicas: 4\n"), "maxReplicas"),
        (format!("{hpa}  maxReplicas: 3\n"), "scaleTargetRef"),
        (format!("{monitor}  podMetricsEndpoint: []\n"), "podMetricsEndpoint"),
        ("apiVersion: v1\nkind: Nonsense\nmetadata: {name: web}\n".to_owned(), "Nonsense"),
    ] {
        let path = folder.path().join("wrong.yaml");
        std::fs::write(&path, &text).unwrap();
        let said = judge.judged(&[path]).await.unwrap_err();
        assert!(said.contains(named), "{text}: {said}");
    }
}
