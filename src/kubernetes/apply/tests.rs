#![allow(clippy::unwrap_used)]

use super::*;
use crate::kubernetes::recorded::{Answer as Scripted, Script};
use crate::kubernetes::{parse, slim};
use chrono::TimeDelta;
use floorcast_models::protocol::Write;
use floorcast_models::target::{Held, Holder};
use serde_json::{Value, json};

const PATH: &str = "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web";

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// An HPA as observed, with the given marks.
fn workload(annotations: &Value, labels: &Value) -> Workload {
    let hpa: slim::Hpa = serde_json::from_value(json!({
        "metadata": {"namespace": "shop", "name": "web", "uid": "u1", "resourceVersion": "41",
            "annotations": annotations, "labels": labels},
        "spec": {"minReplicas": 2, "maxReplicas": 10,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}},
    }))
    .unwrap();
    parse::workload(&hpa, None, Vec::new(), TimeDelta::seconds(300))
}

fn write(floor: u32) -> Write {
    Write {
        uid: "u1".to_owned(),
        held: Held {
            base: Replicas::new(2),
            floor: Replicas::new(floor),
            floor_before: None,
            until: start(),
            holder: Holder {
                namespace: "floorcast".to_owned(),
                lease_uid: "l1".to_owned(),
                identity: "pod_1".to_owned(),
            },
            epoch: 3,
            reason: "forecast".to_owned(),
        },
    }
}

fn object(min: u32, version: &str, managers: &[&str]) -> Value {
    let fields: Vec<Value> = managers.iter().map(|m| json!({"manager": m})).collect();
    json!({"kind": "HorizontalPodAutoscaler",
        "metadata": {"uid": "u1", "resourceVersion": version, "managedFields": fields},
        "spec": {"minReplicas": min}})
}

fn ok(body: Value) -> Scripted {
    (200, Vec::new(), body)
}

fn failure(status: u16, message: &str, causes: &Value) -> Scripted {
    let body = json!({"kind": "Status", "status": "Failure", "message": message, "details": {"causes": causes}});
    (status, Vec::new(), body)
}

fn writer(script: &Script) -> Writer {
    Writer::new(script.clients().write, Arc::new(start))
}

async fn send(script: &Script, workload: &Workload, action: &Action) -> Sent {
    writer(script).send(workload, action, Urgency::Release, Authority::Command).await
}

fn acquire() -> Action {
    Action::Acquire { write: write(7), resource_version: "41".to_owned() }
}

fn give_back(released_until: Option<DateTime<Utc>>) -> Action {
    Action::GiveBack {
        uid: "u1".to_owned(),
        resource_version: "41".to_owned(),
        floor: Replicas::new(7),
        base: Replicas::new(2),
        released_until,
    }
}

fn marked() -> Workload {
    let mut annotations = json!({"floorcast.io/mode": "live"});
    for (key, value) in crate::kubernetes::hold::write(&write(7).held) {
        annotations[key] = Value::from(value);
    }
    workload(&annotations, &json!({"floorcast.io/managed": "true"}))
}

#[tokio::test(start_paused = true)]
async fn acquire_applies_by_force_with_uid_and_version() {
    let script = Script::of([ok(object(7, "42", &["floorcast"]))]);
    let sent = send(&script, &workload(&json!({}), &json!({})), &acquire()).await;
    assert_eq!(sent.reply, Reply::Done { resource_version: "42".to_owned() });
    let [request] = &script.sent()[..] else { panic!() };
    assert_eq!((request.method.as_str(), request.path.as_str()), ("PATCH", PATH));
    assert_eq!(request.query, "fieldManager=floorcast&force=true&timeout=5s");
    assert_eq!(request.mime, "application/apply-patch+yaml");
    let expected = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": "web", "namespace": "shop", "uid": "u1", "resourceVersion": "41",
            "labels": {"floorcast.io/managed": "true"},
            "annotations": {
                "floorcast.io/base": "2", "floorcast.io/floor": "7",
                "floorcast.io/until": "2027-01-15T08:00:00Z", "floorcast.io/holder": "floorcast/l1/pod_1",
                "floorcast.io/epoch": "3", "floorcast.io/reason": "forecast", "floorcast.io/v": "1",
            },
        },
        "spec": {"minReplicas": 7},
    });
    assert_eq!(request.body, expected);
}

#[tokio::test(start_paused = true)]
async fn hold_applies_without_force_and_without_version() {
    let script = Script::of([ok(object(8, "43", &["floorcast"]))]);
    let mut write = write(8);
    write.held.floor_before = Some(Replicas::new(7));
    send(&script, &marked(), &Action::Hold { write }).await;
    let [request] = &script.sent()[..] else { panic!() };
    assert_eq!(request.query, "fieldManager=floorcast&timeout=5s");
    assert_eq!(request.body["metadata"]["uid"], "u1");
    assert!(request.body["metadata"].get("resourceVersion").is_none());
    assert_eq!(request.body["metadata"]["annotations"]["floorcast.io/floor-before"], "7");
}

#[tokio::test(start_paused = true)]
async fn giving_back_is_two_patches_that_test_what_they_change() {
    let script = Script::of([
        ok(object(2, "42", &["kubectl", "floorcast", "kcm", "floorcast"])),
        ok(object(2, "43", &["kubectl", "kcm"])),
    ]);
    let sent = send(&script, &marked(), &give_back(Some(start()))).await;
    assert_eq!(sent.reply, Reply::Done { resource_version: "43".to_owned() });
    assert_eq!(sent.leftover, None);
    let [first, second] = &script.sent()[..] else { panic!() };
    for request in [first, second] {
        assert_eq!(request.mime, "application/json-patch+json");
        assert_eq!(request.query, "fieldManager=floorcast&timeout=5s");
    }
    let remove = |key: &str| json!({"op": "remove", "path": format!("/metadata/annotations/floorcast.io~1{key}")});
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "u1"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "41"},
        {"op": "test", "path": "/spec/minReplicas", "value": 7},
        {"op": "replace", "path": "/spec/minReplicas", "value": 2},
        remove("base"), remove("floor"), remove("until"), remove("holder"), remove("epoch"), remove("reason"), remove("v"),
        {"op": "add", "path": "/metadata/annotations/floorcast.io~1released-until", "value": "2027-01-15T08:00:00Z"},
        {"op": "remove", "path": "/metadata/labels/floorcast.io~1managed"},
    ]);
    assert_eq!(first.body, expected);
    let expected = json!([
        {"op": "test", "path": "/metadata/uid", "value": "u1"},
        {"op": "test", "path": "/metadata/resourceVersion", "value": "42"},
        {"op": "remove", "path": "/metadata/managedFields/3"},
        {"op": "remove", "path": "/metadata/managedFields/1"},
    ]);
    assert_eq!(second.body, expected);
}

#[tokio::test(start_paused = true)]
async fn clean_keeps_the_value() {
    let script = Script::of([ok(object(4, "42", &["kubectl", "floorcast"])), ok(object(4, "43", &["kubectl"]))]);
    let action = Action::Clean {
        uid: "u1".to_owned(),
        resource_version: "41".to_owned(),
        value: Replicas::new(4),
        released_until: None,
    };
    let sent = send(&script, &marked(), &action).await;
    assert!(matches!(sent.reply, Reply::Done { .. }));
    let first = &script.sent()[0].body;
    assert_eq!(first[2], json!({"op": "test", "path": "/spec/minReplicas", "value": 4}));
    assert!(first.as_array().unwrap().iter().all(|o| o["op"] != "replace"));
}

#[tokio::test(start_paused = true)]
async fn an_object_without_annotations_gets_the_map_with_the_mark() {
    let script = Script::of([ok(object(2, "42", &["kubectl"]))]);
    send(&script, &workload(&json!(null), &json!(null)), &give_back(Some(start()))).await;
    let last = script.sent()[0].body.as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["path"], "/metadata/annotations");
    assert_eq!(last["value"]["floorcast.io/released-until"], "2027-01-15T08:00:00Z");
}

/// An HPA whose only annotation is an applier's: the map is added to, not put in its place.
#[tokio::test(start_paused = true)]
async fn annotations_of_others_outlive_the_mark() {
    let script = Script::of([ok(object(2, "42", &["kubectl"]))]);
    let applied = workload(&json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"}), &json!(null));
    send(&script, &applied, &give_back(Some(start()))).await;
    let last = script.sent()[0].body.as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["path"], "/metadata/annotations/floorcast.io~1released-until");
    assert_eq!(last["value"], "2027-01-15T08:00:00Z");
}

#[tokio::test(start_paused = true)]
async fn disowning_is_tried_again_on_a_fresh_look_and_its_failure_is_told() {
    let stale = || failure(422, "the server rejected our request due to an error in our request", &Value::Null);
    let first = ok(object(2, "42", &["floorcast", "kubectl"]));
    let script = Script::of([
        first.clone(),
        stale(),
        ok(object(2, "50", &["kubectl", "floorcast"])),
        ok(object(2, "51", &["kubectl"])),
    ]);
    let sent = send(&script, &marked(), &give_back(None)).await;
    assert_eq!(sent.reply, Reply::Done { resource_version: "51".to_owned() });
    assert_eq!(script.sent()[2].method, "GET");
    assert_eq!(script.sent()[3].body[2]["path"], "/metadata/managedFields/1");

    let forbidden = failure(403, "User \"x\" cannot patch", &Value::Null);
    let script = Script::of([first, forbidden.clone(), forbidden]);
    let sent = send(&script, &marked(), &give_back(None)).await;
    assert_eq!(sent.reply, Reply::Done { resource_version: "42".to_owned() }, "the base is back all the same");
    assert!(sent.leftover.unwrap().contains("cannot patch"));
}

/// The answers as a kube-apiserver 1.36.3 gave them.
#[tokio::test(start_paused = true)]
async fn every_refusal_of_the_api_server_is_understood() {
    let conflict = json!([{"reason": "FieldManagerConflict", "message": "conflict with \"oncall\" using autoscaling/v2", "field": ".spec.minReplicas"}]);
    let uid = json!([{"reason": "FieldValueInvalid", "message": "Invalid value: field is immutable", "field": "metadata.uid"}]);
    let max = json!([{"reason": "FieldValueInvalid", "message": "Invalid value: 10: must be greater than or equal to `minReplicas`", "field": "spec.maxReplicas"}]);
    let other = json!([{"reason": "FieldValueInvalid", "message": "Invalid value", "field": "spec.minReplicas"}]);
    let none = Value::Null;
    for (answer, reply, result) in [
        (
            failure(409, "Apply failed with 1 conflict", &conflict),
            "Conflict { owner: Some(\"oncall\") }",
            WriteResult::Conflict,
        ),
        (failure(409, "the object has been modified", &none), "Conflict { owner: None }", WriteResult::Stale),
        (
            failure(409, "uid mismatch: the provided object specified uid x, and no existing object was found", &none),
            "Gone",
            WriteResult::Gone,
        ),
        (failure(404, "not found", &none), "Gone", WriteResult::Gone),
        (failure(422, "is invalid: metadata.uid", &uid), "Gone", WriteResult::Gone),
        (failure(422, "is invalid: spec.maxReplicas", &max), "AboveMax", WriteResult::AboveMax),
        (failure(422, "is invalid", &other), "Denied", WriteResult::Denied),
        (
            failure(422, "the server rejected our request due to an error in our request", &none),
            "Conflict { owner: None }",
            WriteResult::Stale,
        ),
        (failure(403, "User \"x\" cannot patch resource", &none), "Denied", WriteResult::Forbidden),
        (
            failure(403, "ValidatingAdmissionPolicy 'floorcast' denied request: later leader", &none),
            "Denied",
            WriteResult::Denied,
        ),
        (failure(400, "admission webhook \"w\" denied the request", &none), "Denied", WriteResult::Denied),
        (failure(500, "Internal error occurred: failed calling webhook \"w\"", &none), "Denied", WriteResult::Denied),
        (failure(429, "too many requests", &none), "NotSent", WriteResult::Throttled),
        (failure(503, "unavailable", &none), "Unknown", WriteResult::Throttled),
        (failure(504, "timeout", &none), "Unknown", WriteResult::Unknown),
        (ok(json!("not an object")), "Unknown", WriteResult::Unknown),
    ] {
        let shown = format!("{answer:?}");
        let script = Script::of([answer]);
        let sent = send(&script, &workload(&json!({}), &json!({})), &acquire()).await;
        assert!(format!("{:?}", sent.reply).starts_with(reply), "{shown}: {:?}", sent.reply);
        assert_eq!(sent.result, result, "{shown}");
        assert_eq!(script.sent().len(), 1, "no retry of our own: {shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_changed_by_admission_is_reported() {
    let script = Script::of([ok(object(5, "42", &["floorcast"]))]);
    let sent = send(&script, &workload(&json!({}), &json!({})), &acquire()).await;
    assert_eq!((sent.mutated, sent.result), (Some(Replicas::new(5)), WriteResult::Mutated));
    assert!(matches!(sent.reply, Reply::Done { .. }));
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_the_server_wants_holds_the_next_write() {
    let throttled = (429, vec![("retry-after", "7")], json!({"kind": "Status", "message": "slow down"}));
    let script = Script::of([throttled, ok(object(7, "42", &["floorcast"]))]);
    let writer = writer(&script);
    let workload = workload(&json!({}), &json!({}));
    let first = writer.send(&workload, &acquire(), Urgency::Release, Authority::Command).await;
    assert_eq!(first.retry_after, Some(Duration::from_secs(7)));
    let begun = Instant::now();
    writer.send(&workload, &acquire(), Urgency::Release, Authority::Command).await;
    assert!(begun.elapsed() >= Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_is_waited_for_five_seconds_and_the_outcome_is_unknown() {
    let script = Script::default();
    let begun = Instant::now();
    let sent = send(&script, &workload(&json!({}), &json!({})), &acquire()).await;
    assert_eq!((sent.reply, sent.result), (Reply::Unknown, WriteResult::Unknown));
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn nothing_starts_that_might_end_after_the_lease() {
    let workload = workload(&json!({}), &json!({}));
    for (monotonic, wall, starts) in [(6, 6, true), (4, 6, false), (6, 4, false), (6, -60, false)] {
        let script = Script::of([ok(object(7, "42", &["floorcast"]))]);
        let permit = Permit {
            deadline: Instant::now() + Duration::from_secs(monotonic),
            wall: start() + TimeDelta::seconds(wall),
            epoch: 3,
        };
        let sent = writer(&script).send(&workload, &acquire(), Urgency::Release, Authority::Leader(permit)).await;
        assert_eq!(script.sent().len(), usize::from(starts), "{monotonic} {wall}");
        assert_eq!(sent.reply == Reply::NotSent, !starts);
    }
}

/// Waiting for its turn can outlive the lease: the permit is checked after the wait.
#[tokio::test(start_paused = true)]
async fn a_queued_write_is_dropped_when_the_lease_has_run_out_meanwhile() {
    let script = Script::of([ok(object(7, "42", &["floorcast"]))]);
    let writer = writer(&script);
    writer.pace.pause(Duration::from_secs(8));
    let permit =
        Permit { deadline: Instant::now() + Duration::from_secs(12), wall: start() + TimeDelta::hours(1), epoch: 3 };
    let sent =
        writer.send(&workload(&json!({}), &json!({})), &acquire(), Urgency::Lower, Authority::Leader(permit)).await;
    assert_eq!(sent.reply, Reply::NotSent);
    assert!(script.sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn texts_of_others_are_cut_and_cleaned() {
    let long = format!("evil\n\u{1b}[31m{}", "x".repeat(10_000));
    let script = Script::of([failure(400, &long, &Value::Null)]);
    let sent = send(&script, &workload(&json!({}), &json!({})), &acquire()).await;
    assert_eq!(sent.message.chars().count(), 512);
    assert!(!sent.message.chars().any(char::is_control));
}

/// A renewal lets queued writes go on; another epoch, or none, stops them at once.
#[tokio::test(start_paused = true)]
async fn the_writer_follows_the_election() {
    let permit = |seconds, epoch| Permit {
        deadline: Instant::now() + Duration::from_secs(seconds),
        wall: start() + TimeDelta::hours(1),
        epoch,
    };
    let leading = |permit: Permit| Leadership {
        ours: Some(crate::kubernetes::lease::Ours {
            identity: floorcast_models::protocol::Identity { holder: write(7).held.holder, epoch: permit.epoch },
            permit,
        }),
        ..Leadership::unknown()
    };
    for (now, sent) in [
        (leading(permit(12, 3)), 1),
        (leading(permit(12, 4)), 0),
        (leading(permit(4, 3)), 0),
        (Leadership::unknown(), 0),
    ] {
        let script = Script::of([ok(object(7, "42", &["floorcast"]))]);
        let (_publish, leadership) = watch::channel(now);
        let writer = writer(&script).following(leadership);
        let old = Authority::Leader(permit(1, 3));
        writer.send(&workload(&json!({}), &json!({})), &acquire(), Urgency::Release, old).await;
        assert_eq!(script.sent().len(), sent);
    }
}
