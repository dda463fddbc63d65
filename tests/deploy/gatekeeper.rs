//! The policy of annotations as a template of constraints for Gatekeeper: made of the admission policy, expression for expression,
//! and asked of gator, Gatekeeper's own offline tool.

use crate::{
    cluster::policies::{SAID, daemon_says},
    files,
};
use floorcast_testbed::tools::Module;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const POLICY: &str = "deploy/policy/annotations.yaml";
const TEMPLATE: &str = "deploy/policy/gatekeeper/template.yaml";
const CONSTRAINT: &str = "deploy/policy/gatekeeper/constraint.yaml";

fn template() -> Value {
    let spec = files::documents(&files::text(POLICY)).remove(0)["spec"].clone();
    let source = json!({
        "failurePolicy": spec["failurePolicy"], "matchCondition": spec["matchConditions"],
        "variables": spec["variables"], "validations": spec["validations"],
    });
    json!({
        "apiVersion": "templates.gatekeeper.sh/v1", "kind": "ConstraintTemplate",
        "metadata": {
            "name": "floorcastannotations", "labels": {"app.kubernetes.io/name": "floorcast"},
            "annotations": {"description": "Refuses misspelt and out-of-range floorcast.io/ annotations."},
        },
        "spec": {
            "crd": {"spec": {"names": {"kind": "FloorcastAnnotations"}}},
            "targets": [{
                "target": "admission.k8s.gatekeeper.sh",
                "code": [{"engine": "K8sNativeValidation", "source": source}],
            }],
        },
    })
}

#[test]
fn the_template_says_what_the_policy_says() {
    let made = serde_saphyr::to_string(&template()).unwrap();
    let head = format!(
        "# {POLICY} for Gatekeeper (3.19 and later, engine K8sNativeValidation).\n\
         # Made of it by `UPDATE=1 cargo test --test deploy`; edit it there.\n"
    );
    files::up_to_date(TEMPLATE, &(head + &made));
}

/// The same annotations, right and wrong, as on the real API server: refused where the daemon refuses them.
#[tokio::test]
async fn gator_refuses_what_the_daemon_refuses() {
    if floorcast_testbed::left_out() {
        return;
    }
    let gator = Module::Gator.built().await.unwrap().join("gator");
    let folder = tempfile::tempdir().unwrap();
    let objects = SAID.iter().enumerate().map(|(i, (key, value))| {
        json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {
                "name": format!("case-{i}"), "namespace": "shop",
                "annotations": {(format!("floorcast.io/{key}")): value},
            },
            "spec": {"maxReplicas": 20, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
        })
    });
    let objects: Vec<String> = objects.map(|object| object.to_string()).collect();
    let file = folder.path().join("objects.yaml");
    std::fs::write(&file, objects.join("\n---\n")).unwrap();
    let mut asked = tokio::process::Command::new(gator);
    asked.args(["test", "--output", "json"]);
    for file in [files::path(TEMPLATE), files::path(CONSTRAINT), file] {
        asked.arg("--filename").arg(file);
    }
    // It ends with 1 where something is refused.
    let out = asked.output().await.unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let results: Value = serde_json::from_str(&said)
        .unwrap_or_else(|why| panic!("{why}: {said}{}", String::from_utf8_lossy(&out.stderr)));
    let mut refused: BTreeMap<String, String> = BTreeMap::new();
    for result in results.as_array().unwrap() {
        let name = result["violatingObject"]["metadata"]["name"].as_str().unwrap().to_owned();
        refused.insert(name, result["msg"].as_str().unwrap().to_owned());
    }
    for (i, (key, value)) in SAID.iter().enumerate() {
        let (gator, daemon) = (refused.get(&format!("case-{i}")), daemon_says(key, value));
        assert_eq!(gator.is_some(), daemon.is_some(), "{key}: {value:?}: gator {gator:?}, daemon {daemon:?}");
        if let Some(message) = gator {
            assert!(message.contains(&format!("floorcast.io/{key}")), "{key}: {value:?}: {message}");
        }
    }
}
