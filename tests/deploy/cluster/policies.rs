//! The optional admission policies of deploy/policy, each against the daemon's own reading of the same annotations.

use super::{SECOND, Stage, valid::try_out};
use crate::files;
use floorcast::annotations::{self, Key, PREFIX, Warning};
use floorcast::config::Config;
use floorcast_models::forecast::Choice;
use floorcast_testbed::wait;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// What users write: key without the prefix, value. Right and wrong ones; the daemon decides which is which.
pub(crate) const SAID: [(&str, &str); 46] = [
    ("mode", "shadow"),
    ("mode", " live "),
    ("mode", "Live"),
    ("mode", "on"),
    ("mode", ""),
    ("quantile", "0.95"),
    ("quantile", "0.5"),
    ("quantile", "0.999"),
    ("quantile", "9.5e-1"),
    ("quantile", "0.4999"),
    ("quantile", "1"),
    ("quantile", "95%"),
    ("quantile", "nan"),
    ("lead-time", "auto"),
    ("lead-time", "1m"),
    ("lead-time", "2h"),
    ("lead-time", "1h30m"),
    ("lead-time", "90s"),
    ("lead-time", "59s"),
    ("lead-time", "2h1m"),
    ("lead-time", "1d"),
    ("lead-time", "5"),
    ("lead-time", "5 minutes"),
    ("min-replicas", "1"),
    ("min-replicas", "20"),
    ("min-replicas", "0"),
    ("min-replicas", "-3"),
    ("min-replicas", "3.0"),
    ("min-replicas", "three"),
    ("max-floor", "1000000"),
    ("max-floor", "1000001"),
    ("max-floor", "0"),
    ("max-floor", ""),
    ("target-per-replica", "50"),
    ("target-per-replica", "0.25"),
    ("target-per-replica", "1e15"),
    ("target-per-replica", "0"),
    ("target-per-replica", "2e15"),
    ("target-per-replica", "50rps"),
    ("load", "auto"),
    ("load", "requests(service=web)"),
    ("load", "requests(service=web"),
    ("timezone", "Europe/Berlin"),
    ("quantil", "0.95"),
    ("maxFloor", "10"),
    ("enabled", "true"),
];

/// Templates as a configuration has them, so that the daemon refuses nothing that only a configuration can tell.
fn config() -> Config {
    let text =
        "templates: {requests: {query: 'sum(up{service=\"$service\"})', arguments: [service], targetPerReplica: 1}}";
    Config::parse(text, Path::new("test.yaml")).unwrap()
}

/// What the daemon would say; `None` if it is content.
pub(crate) fn daemon_says(key: &str, value: &str) -> Option<String> {
    let mut said = BTreeMap::from([(format!("{PREFIX}mode"), "shadow".to_owned())]);
    said.insert(format!("{PREFIX}{key}"), value.to_owned());
    let none = BTreeMap::new();
    let read = annotations::read(&said, &none, &config(), "shop", &none);
    let unknown = read.warnings.iter().find(|w| matches!(w, Warning::UnknownKey { .. })).map(ToString::to_string);
    read.settings.err().map(|errors| errors[0].to_string()).or(unknown)
}

fn hpa(annotations: &BTreeMap<String, String>) -> Value {
    json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web", "namespace": "policies", "annotations": annotations},
        "spec": {"maxReplicas": 20, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    })
}

/// What the API server says to it; `None` if it is taken.
async fn server_says(stage: &Stage, key: &str, value: &str) -> Option<String> {
    let said = BTreeMap::from([(format!("{PREFIX}{key}"), value.to_owned())]);
    let client = stage.bed.client().await.unwrap();
    try_out(&client, &hpa(&said)).await.err().map(|e| e.to_string())
}

async fn install(stage: &Stage, policy: &str) {
    let file = files::path(&format!("deploy/policy/{policy}.yaml")).display().to_string();
    stage.bed.kubectl(&["apply", "-f", &file]).await.unwrap();
}

pub(super) async fn annotations_are_refused_as_the_daemon_refuses_them(stage: &Stage) {
    stage.bed.create_namespace("policies").await.unwrap();
    let misspelt = server_says(stage, "quantil", "0.9").await;
    assert_eq!(misspelt, None, "without the policy it is taken");
    install(stage, "annotations").await;
    let told = wait::until("the policy", 30 * SECOND, || async {
        server_says(stage, "quantil", "0.9").await.ok_or_else(|| "a misspelt key is taken".to_owned())
    })
    .await
    .unwrap();
    assert!(told.contains("unknown annotation floorcast.io/quantil; did you mean floorcast.io/quantile?"), "{told}");
    for (key, value) in SAID {
        let (daemon, server) = (daemon_says(key, value), server_says(stage, key, value).await);
        assert_eq!(daemon.is_some(), server.is_some(), "{key}={value:?}: daemon {daemon:?}, API server {server:?}");
        if let Some(server) = server {
            assert!(server.contains(&format!("{PREFIX}{key}")), "{key}={value:?} is not named: {server}");
        }
    }
    for key in Key::ALL {
        // The example of a template exists in our configuration; a query asks the administrator.
        assert_eq!(server_says(stage, key.as_str(), key.example()).await, None, "{key:?}");
    }
    for model in Choice::ALL {
        assert_eq!(server_says(stage, "model", model.as_str()).await, None);
    }
    let above = server_says(stage, "min-replicas", "21").await.unwrap();
    assert!(above.contains("above maxReplicas 20: lower it, or raise spec.maxReplicas"), "{above}");
    an_old_mistake_stops_nobody(stage).await;
}

/// A mistake that was there before the policy does not keep anybody from changing other things.
async fn an_old_mistake_stops_nobody(stage: &Stage) {
    stage.bed.kubectl(&["delete", "validatingadmissionpolicybinding", "floorcast-annotations"]).await.unwrap();
    wait::until("the policy's end", 30 * SECOND, || async {
        server_says(stage, "quantil", "0.9").await.map_or(Ok(()), Err)
    })
    .await
    .unwrap();
    let web = stage.web("mistaken").await;
    web.annotate("floorcast.io/quantil", Some("0.9")).await.unwrap();
    install(stage, "annotations").await;
    wait::until("the policy", 30 * SECOND, || async {
        server_says(stage, "quantil", "0.9").await.map(|_| ()).ok_or_else(|| "not yet".to_owned())
    })
    .await
    .unwrap();
    web.edit(&json!({"spec": {"maxReplicas": 25}})).await.unwrap();
    let refused = web.annotate("floorcast.io/mode", Some("on")).await.unwrap_err().to_string();
    assert!(refused.contains("\"on\" is no mode: write off, shadow or live"), "{refused}");
    web.annotate("floorcast.io/quantil", None).await.unwrap();
}

pub(super) async fn a_held_floor_follows_a_lowered_maximum(stage: &Stage) {
    let web = stage.web("clamped").await;
    let marks = json!({"floorcast.io/base": "2", "floorcast.io/floor": "9"});
    web.edit(&json!({"metadata": {"annotations": marks}, "spec": {"minReplicas": 9}})).await.unwrap();
    let lower = json!({"spec": {"maxReplicas": 5}});
    let refused = web.edit(&lower).await.unwrap_err().to_string();
    assert!(refused.contains("must be greater than or equal to"), "without the policy it is refused: {refused}");
    install(stage, "clamp").await;
    let hpa = wait::until("the policy", 30 * SECOND, || async { web.edit(&lower).await.map_err(|e| e.to_string()) })
        .await
        .unwrap();
    let spec = hpa.spec.unwrap();
    assert_eq!((spec.min_replicas, spec.max_replicas), (Some(5), 5));
    assert_eq!(hpa.metadata.annotations.unwrap()["floorcast.io/floor"], "5", "the record says the same");
    // A person's own contradiction is still told to him.
    let person = web.edit(&json!({"spec": {"minReplicas": 8}})).await.unwrap_err().to_string();
    assert!(person.contains("must be greater than or equal to"), "{person}");
}

pub(super) async fn a_new_hpa_begins_at_its_base(stage: &Stage) {
    install(stage, "base").await;
    let client = stage.bed.client().await.unwrap();
    let said = BTreeMap::from([(format!("{PREFIX}min-replicas"), "4".to_owned())]);
    let min = async |object: &Value| {
        let answer = try_out(&client, object).await.map_err(|e| e.to_string())?;
        Ok::<_, String>(answer.data["spec"]["minReplicas"].clone())
    };
    wait::until("the policy", 30 * SECOND, || async {
        match min(&hpa(&said)).await? {
            found if found == json!(4) => Ok(()),
            other => Err(format!("minReplicas {other}")),
        }
    })
    .await
    .unwrap();
    let mut own = hpa(&said);
    own["spec"]["minReplicas"] = json!(3);
    assert_eq!(min(&own).await.unwrap(), json!(3), "what the manifest says stays");
    assert_eq!(min(&hpa(&BTreeMap::new())).await.unwrap(), json!(1));
}
