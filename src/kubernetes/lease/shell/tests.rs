#![allow(clippy::unwrap_used)]

use super::*;
use crate::kubernetes::recorded::{Answer as Scripted, Script};
use serde_json::json;

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/floorcast/leases";

fn lease(holder: &str, version: &str, transitions: u32) -> Scripted {
    let body = json!({"metadata": {"uid": "l1", "resourceVersion": version},
        "spec": {"holderIdentity": holder, "leaseTransitions": transitions, "renewTime": version}});
    (200, Vec::new(), body)
}

fn settings() -> Settings {
    let began = Instant::now();
    let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    Settings {
        namespace: "floorcast".to_owned(),
        name: "floorcast".to_owned(),
        identity: "me".to_owned(),
        timing: Timing::default(),
        now: Arc::new(move || start + began.elapsed()),
    }
}

async fn until(leadership: &mut watch::Receiver<Leadership>, leads: bool) -> Leadership {
    leadership.wait_for(|l| l.leads() == leads).await.unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_free_lease_is_taken_renewed_and_given_up() {
    let script = Script::of([lease("", "1", 6), lease("me", "2", 7), lease("me", "3", 7), lease("", "4", 7)]);
    let elector = Elector::start(&script.clients().lease, settings()).unwrap();
    let mut leadership = elector.leadership();
    let leader = until(&mut leadership, true).await;
    assert_eq!(leader.epoch(), Some(7));
    assert_eq!(leader.holder().unwrap().lease_uid, "l1");
    tokio::time::sleep(Duration::from_secs(3)).await;
    elector.leave(Duration::from_secs(5)).await;
    assert!(!leadership.borrow().leads());

    let sent = script.sent();
    let shapes: Vec<_> = sent.iter().map(|s| (s.method.as_str(), s.path.clone(), s.mime.as_str())).collect();
    let one = format!("{LEASES}/floorcast");
    let merge = "application/merge-patch+json";
    let patch = ("PATCH", one.clone(), merge);
    assert_eq!(shapes, [("GET", one, "application/json"), patch.clone(), patch.clone(), patch]);
    let take = &sent[1].body;
    assert_eq!(take["metadata"], json!({"uid": "l1", "resourceVersion": "1"}));
    assert_eq!(take["spec"]["leaseTransitions"], 7);
    assert_eq!(take["spec"]["leaseDurationSeconds"], 15);
    assert_eq!(take["spec"]["acquireTime"], "2027-01-15T08:00:00.000000Z");
    assert!(sent[2].body["spec"].get("acquireTime").is_none(), "a renewal acquires nothing");
    assert_eq!(sent[3].body["spec"]["holderIdentity"], "");
}

#[tokio::test(start_paused = true)]
async fn leadership_ends_on_time_when_the_server_falls_silent() {
    let script = Script::of([lease("", "1", 0), lease("me", "2", 1)]);
    let elector = Elector::start(&script.clients().lease, settings()).unwrap();
    let mut leadership = elector.leadership();
    let begun = Instant::now();
    until(&mut leadership, true).await;
    until(&mut leadership, false).await;
    let held = begun.elapsed().as_secs_f64();
    assert!((11.9..12.2).contains(&held), "15 s less a margin of 3 s: {held}");
}

#[tokio::test(start_paused = true)]
async fn a_missing_lease_that_may_not_be_made_is_told_with_the_remedy() {
    let missing = || (404, Vec::new(), json!({"kind": "Status"}));
    let script =
        Script::of([missing(), (403, Vec::new(), json!({})), missing(), lease("", "1", 0), lease("me", "2", 1)]);
    let elector = Elector::start(&script.clients().lease, settings()).unwrap();
    let mut leadership = elector.leadership();
    let told = leadership.wait_for(|l| l.problem.is_some()).await.unwrap().clone();
    assert!(told.problem.unwrap().contains("deploy/manifests/lease.yaml"));
    let leader = until(&mut leadership, true).await;
    assert_eq!(leader.problem, None, "made by somebody else meanwhile");
    assert_eq!(script.sent()[1].method, "POST");
    assert_eq!(script.sent()[1].path, LEASES);
}

#[tokio::test(start_paused = true)]
async fn a_standby_sees_who_leads() {
    let script = Script::of([lease("other", "1", 4)]);
    let elector = Elector::start(&script.clients().lease, settings()).unwrap();
    let mut leadership = elector.leadership();
    let standby = leadership.wait_for(|l| l.other.is_some()).await.unwrap().clone();
    assert_eq!((standby.leads(), standby.other.as_deref()), (false, Some("other")));
}

#[test]
fn two_lives_of_a_pod_have_two_names() {
    assert_ne!(identity("pod"), identity("pod"));
    assert!(identity("pod").starts_with("pod_"));
}
