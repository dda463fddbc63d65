//! The settings of `docs/how-to/gitops.md`, word for word: what Argo CD compares and what Flux applies, once they are set.

use floorcast_testbed::workload::{Shape, floor_of, hpa_manifest};
use serde_json::{Value, json};

use crate::system::ground::live;
use crate::system::record::{Record, mark};
use crate::system::shared::{ShowLog, shared};

const PAGE: &str = include_str!("../../../docs/how-to/gitops.md");

/// The one YAML example of the page in which this stands.
fn example(word: &str) -> Value {
    let mut fences = PAGE.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    serde_saphyr::from_str(fences.find(|text| text.contains(word)).unwrap()).unwrap()
}

fn pointers(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|pointer| pointer.as_str().unwrap().to_owned()).collect()
}

/// Argo CD: what is no difference between Git and cluster.
fn ignored_differences() -> Vec<String> {
    let rule = &example("ignoreDifferences")["spec"]["ignoreDifferences"][0];
    assert_eq!((&rule["group"], &rule["kind"]), (&json!("autoscaling"), &json!("HorizontalPodAutoscaler")));
    pointers(&rule["jsonPointers"])
}

/// Argo CD: what is no reason to compare anew.
fn ignored_updates() -> Vec<String> {
    let settings = example("ignoreResourceUpdates");
    let text = &settings["resource.customizations.ignoreResourceUpdates.autoscaling_HorizontalPodAutoscaler"];
    let rule: Value = serde_saphyr::from_str(text.as_str().unwrap()).unwrap();
    pointers(&rule["jsonPointers"])
}

/// Flux: what is neither compared nor applied against another owner.
pub(crate) fn ignored_by_flux() -> Vec<String> {
    let rule = &example("  ignore:")["spec"]["ignore"][0];
    assert_eq!(rule["target"], json!({"kind": "HorizontalPodAutoscaler"}));
    pointers(&rule["paths"])
}

/// The object without the fields of these JSON pointers (RFC 6901).
pub(crate) fn without(object: &Value, pointers: &[String]) -> Value {
    let mut object = object.clone();
    for pointer in pointers {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        let key = key.replace("~1", "/").replace("~0", "~");
        if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.remove(&key);
        }
    }
    object
}

/// Whether every field that Git says has that value in the cluster.
fn in_sync(git: &Value, live: &Value) -> bool {
    match (git, live) {
        (Value::Object(git), Value::Object(live)) => {
            git.iter().all(|(key, value)| live.get(key).is_some_and(|live| in_sync(value, live)))
        }
        (Value::Array(git), Value::Array(live)) => {
            git.len() == live.len() && git.iter().zip(live).all(|(git, live)| in_sync(git, live))
        }
        _ => git == live,
    }
}

/// What Argo CD hashes of an object to tell an update: not what every write changes, nor, as it comes, the status.
fn hashed(version: &Value, ignored: &[String]) -> Value {
    // Of a list, the first versions lack their kind.
    const ALWAYS: [&str; 6] = [
        "/apiVersion",
        "/kind",
        "/metadata/resourceVersion",
        "/metadata/generation",
        "/metadata/managedFields",
        "/status",
    ];
    let mut version = without(&without(version, &ALWAYS.map(String::from)), ignored);
    // A map in which nothing is left is one that is not there.
    for area in ["annotations", "labels"] {
        if version["metadata"][area].as_object().is_some_and(serde_json::Map::is_empty) {
            version["metadata"].as_object_mut().unwrap().remove(area);
        }
    }
    version
}

#[tokio::test]
async fn scenario_3_argo_cd_sees_neither_a_difference_nor_an_update_in_a_floor() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "argo-settings".to_owned());
    let ground = &shared.ground;
    let web = ground.workload(shared.busy("argo-settings"), &live()).await;
    let git = hpa_manifest("argo-settings", "web", &live());
    let record = Record::start(ground.cluster.client().await.unwrap(), "argo-settings", "web");
    let held = shared.wait_floor(&web, 7).await.unwrap();
    assert!(floor_of(&held) > Shape::default().min && mark(&held, "base").is_some());

    let held = serde_json::to_value(&held).unwrap();
    let differences = ignored_differences();
    assert!(!in_sync(&git, &held), "without the setting the floor is a difference: this test can see one");
    assert!(in_sync(&without(&git, &differences), &held), "{git:#} and {held:#}");

    web.annotate("floorcast.io/mode", Some("shadow")).await.unwrap();
    let back = web.wait_min_replicas(Shape::default().min, crate::system::ground::SECOND * 30).await.unwrap();
    record.caught_up(&back).await;
    // Acquired, held, given back: one hash. The opt-out itself is the user's own change.
    let mut ignored = ignored_updates();
    let (plain, mode) = ([], "/metadata/annotations/floorcast.io~1mode".to_owned());
    let count = |ignored: &[String]| {
        let mut hashes: Vec<String> = record.versions().iter().map(|v| hashed(v, ignored).to_string()).collect();
        hashes.dedup();
        hashes
    };
    assert!(count(&plain).len() > 3, "floors were written: {:#?}", count(&plain));
    ignored.push(mode);
    assert_eq!(count(&ignored).len(), 1, "{:#?}", count(&ignored));
}
