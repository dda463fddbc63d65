//! Every object of every value file against the API's types of each Kubernetes that the chart takes, as structured-merge-diff's
//! own program judges them: a field or a type that one of them does not know is refused.

use crate::chart::{Helm, value_files};
use crate::files;
use floorcast_testbed::tools::{KUBERNETES_VERSIONS, Module};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Policies that are asked for where they cannot be served: the value file and the versions that refuse it.
fn refused(file: &str, version: &str) -> bool {
    file.ends_with("/policies-values.yaml") && version < "1.34"
}

/// `io.k8s.api.rbac.v1.Role` for a `Role` of `rbac.authorization.k8s.io/v1`; none for a custom resource.
fn type_name(object: &Value) -> Option<String> {
    let (api, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let (group, version) = api.split_once('/').unwrap_or(("core", api));
    let own = !group.contains('.') || group.ends_with(".k8s.io");
    own.then(|| format!("io.k8s.api.{}.{version}.{kind}", group.split('.').next().unwrap()))
}

/// One document that holds all objects, and a type that says what each of them is: the program is started once.
struct Case {
    objects: BTreeMap<String, Value>,
    fields: Vec<String>,
}

impl Case {
    fn of(objects: Vec<(String, Value)>) -> Self {
        let mut case = Self { objects: BTreeMap::new(), fields: Vec::new() };
        let mut seen = std::collections::BTreeSet::new();
        for (file, object) in objects {
            // Most value files change one object of twenty.
            let Some(named) = type_name(&object).filter(|_| seen.insert(object.to_string())) else { continue };
            let place = format!("{file}: {} {} #{}", object["kind"], object["metadata"]["name"], seen.len());
            case.fields.push(json!({"name": place, "type": {"namedType": named}}).to_string());
            case.objects.insert(place, object);
        }
        case
    }

    /// What is wrong, in the program's words.
    async fn judged(&self, version: &str, schemas: &Path) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let schema = std::fs::read_to_string(schemas.join(format!("{version}.yaml"))).unwrap();
        let all = format!("{{name: all, map: {{fields: [{}]}}}}", self.fields.join(", "));
        std::fs::write(path("schema.yaml"), format!("{}\n- {all}\n", schema.trim_end())).unwrap();
        std::fs::write(path("objects.yaml"), serde_json::to_string(&self.objects).unwrap()).unwrap();
        let mut smd = tokio::process::Command::new(schemas.join("smd"));
        smd.arg("--schema").arg(path("schema.yaml")).args(["--type-name", "all"]);
        let out = smd.arg("--validate").arg(path("objects.yaml")).output().await.unwrap();
        let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
        if out.status.success() { Ok(()) } else { Err(said) }
    }
}

/// What the chart makes for this version, and the files in which the plain manifests lie.
async fn made(helm: &Helm, version: &str) -> Vec<(String, Value)> {
    let mut objects = Vec::new();
    for file in value_files() {
        let made = helm.template(&["-f", &file, "--kube-version", &format!("{version}.0")]).await;
        match made {
            Ok(made) => {
                assert!(!refused(&file, version), "{file} is not refused by {version}");
                objects.extend(made.into_iter().map(|object| (file.clone(), object)));
            }
            Err(said) => {
                assert!(refused(&file, version), "{file}, {version}: {said}");
                assert!(said.contains("needs Kubernetes 1.3") && said.contains("set it to false"), "{said}");
            }
        }
    }
    for name in files::names("deploy/manifests", ".yaml") {
        // As its first lines say, this one needs 1.30.
        if name != "policy.yaml" || version >= "1.30" {
            let file = format!("deploy/manifests/{name}");
            objects.extend(files::documents(&files::text(&file)).into_iter().map(|object| (file.clone(), object)));
        }
    }
    objects
}

#[tokio::test]
async fn every_object_has_the_types_of_every_kubernetes_that_the_chart_takes() {
    if floorcast_testbed::left_out() {
        return;
    }
    let (helm, schemas) = (Helm::built().await, Module::Schemas.built().await.unwrap());
    for version in KUBERNETES_VERSIONS {
        let case = Case::of(made(&helm, version).await);
        case.judged(version, &schemas).await.unwrap_or_else(|said| panic!("Kubernetes {version}: {said}"));
        println!("{version}: {} objects", case.objects.len());
    }
}

/// The judge finds what it is there to find: a field that came with a later version, a misspelt one, a wrong type.
#[tokio::test]
async fn a_field_or_a_type_that_a_version_does_not_know_is_told() {
    if floorcast_testbed::left_out() {
        return;
    }
    let schemas = Module::Schemas.built().await.unwrap();
    let hpa = |spec: Value| {
        let object = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": spec,
        });
        Case::of(vec![("web.yaml".to_owned(), object)])
    };
    let tolerant = hpa(json!({"maxReplicas": 3, "behavior": {"scaleUp": {"tolerance": "0"}}}));
    assert!(tolerant.judged("1.28", &schemas).await.unwrap_err().contains("tolerance"), "it came with 1.33");
    tolerant.judged("1.33", &schemas).await.unwrap();
    for (spec, named) in [(json!({"maxReplica": 3}), "maxReplica"), (json!({"maxReplicas": "three"}), "maxReplicas")] {
        let said = hpa(spec).judged("1.36", &schemas).await.unwrap_err();
        assert!(said.contains(named), "{said}");
    }
}
