#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::{Value, json};

fn listed() -> Area {
    let area = Area::default();
    area.hpas.apply(Event::InitDone);
    area.deployments.apply(Event::InitDone);
    area.stateful_sets.apply(Event::InitDone);
    area
}

fn seen() -> Seen {
    Seen {
        areas: vec![listed()],
        control: Arc::default(),
        watches: Arc::default(),
        changes: watch::Sender::new(0),
        control_key: ("floorcast".to_owned(), "floorcast-control".to_owned()),
        stabilisation: Mutex::new(TimeDelta::seconds(300)),
        built: Mutex::default(),
        wrote: Mutex::default(),
        latest: Mutex::default(),
    }
}

/// As the watch counts what it brought.
fn arrived(seen: &Seen) {
    seen.changes.send_modify(|n| *n += 1);
}

fn object<K: DeserializeOwned>(value: Value) -> K {
    serde_json::from_value(value).unwrap()
}

fn put_hpa(seen: &Seen, name: &str, target: &str, version: &str) {
    let hpa = json!({"metadata": {"namespace": "shop", "name": name, "uid": format!("u-{name}"), "resourceVersion": version},
        "spec": {"maxReplicas": 5, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": target}}});
    seen.areas[0].hpas.apply(Event::Apply(object(hpa)));
    arrived(seen);
}

fn put_deployment(seen: &Seen, name: &str, replicas: u32) {
    let deployment = json!({"metadata": {"namespace": "shop", "name": name},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}}});
    seen.areas[0].deployments.apply(Event::Apply(object(deployment)));
    arrived(seen);
}

#[test]
fn only_what_changed_is_built_again() {
    let seen = seen();
    for name in ["a", "b"] {
        put_hpa(&seen, name, name, "1");
        put_deployment(&seen, name, 1);
    }
    let (first, again) = (seen.workloads(), seen.workloads());
    assert!(first.iter().zip(&again).all(|(x, y)| Arc::ptr_eq(x, y)));
    put_deployment(&seen, "b", 3);
    let third = seen.workloads();
    assert!(Arc::ptr_eq(&first[0], &third[0]));
    assert_eq!(third[1].target.current.get(), 3);
}

#[test]
fn two_hpas_on_one_target_refuse_each_other_until_one_goes() {
    let seen = seen();
    put_deployment(&seen, "web", 1);
    put_hpa(&seen, "a", "web", "1");
    put_hpa(&seen, "b", "web", "2");
    assert!(seen.workloads().iter().all(|w| w.refusals.len() == 1));
    let gone: Hpa = object(json!({"metadata": {"namespace": "shop", "name": "b"}}));
    seen.areas[0].hpas.apply(Event::Delete(gone));
    arrived(&seen);
    assert!(seen.workloads()[0].refusals.is_empty());
}

fn wrote(seen: &Seen, uid: &str, version: &str) {
    let wrote = Wrote { uid: uid.to_owned(), resource_version: version.to_owned() };
    seen.wrote(("shop".to_owned(), "a".to_owned()), wrote);
}

#[test]
fn after_a_write_an_old_look_decides_nothing() {
    let seen = seen();
    put_hpa(&seen, "a", "web", "99");
    wrote(&seen, "u-a", "101");
    assert!(!seen.workloads()[0].caught_up);
    put_hpa(&seen, "a", "web", "100");
    assert!(!seen.workloads()[0].caught_up, "an event from before our write");
    put_hpa(&seen, "a", "web", "101");
    assert!(seen.workloads()[0].caught_up);
    assert!(lock(&seen.wrote).is_empty());
}

#[test]
fn a_write_to_a_former_object_holds_nothing_up() {
    let seen = seen();
    put_hpa(&seen, "a", "web", "1");
    wrote(&seen, "u-former", "9");
    assert!(seen.workloads()[0].caught_up);
    wrote(&seen, "u-a", "9");
    assert!(!seen.workloads()[0].caught_up);
    seen.areas[0].hpas.apply(Event::Delete(object(json!({"metadata": {"namespace": "shop", "name": "a"}}))));
    arrived(&seen);
    seen.workloads();
    assert!(lock(&seen.wrote).is_empty(), "deleted: nothing to wait for");
}

#[test]
fn versions_are_compared_as_numbers_where_they_are() {
    for (cached, written, expected) in
        [("9", "10", true), ("10", "10", false), ("11", "10", false), ("x", "y", true), ("y", "y", false)]
    {
        assert_eq!(older(cached, written), expected, "{cached} {written}");
    }
}

#[test]
fn a_watch_waits_longer_and_longer_but_never_too_long() {
    let waits: Vec<Duration> = Soon::default().take(12).collect();
    assert!(waits[0] < Duration::from_secs(2), "{waits:?}");
    assert!(waits.iter().all(|wait| *wait <= LONGEST_WAIT), "{waits:?}");
    assert_eq!(waits[11], LONGEST_WAIT);
}

#[test]
fn an_hpa_is_told_when_its_namespace_is_known() {
    let seen = Seen { areas: vec![Area::default()], ..seen() };
    put_hpa(&seen, "a", "web", "1");
    seen.areas[0].hpas.forbid();
    assert!(seen.workloads().is_empty(), "it would seem to lack its target");
    put_deployment(&seen, "web", 1);
    seen.areas[0].hpas.apply(Event::Init);
    let hpa = json!({"metadata": {"namespace": "shop", "name": "a"}, "spec": {"maxReplicas": 5, "scaleTargetRef":
        {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
    seen.areas[0].hpas.apply(Event::InitApply(object(hpa)));
    seen.areas[0].hpas.apply(Event::InitDone);
    seen.areas[0].stateful_sets.apply(Event::InitDone);
    arrived(&seen);
    assert!(seen.workloads().is_empty(), "Deployments were not listed yet");
    seen.areas[0].deployments.apply(Event::Init);
    seen.areas[0].deployments.apply(Event::InitDone);
    arrived(&seen);
    assert_eq!(seen.workloads().len(), 1);
}

#[test]
fn only_a_forbidden_list_is_not_waited_for() {
    let failed = |code| {
        let status = kube::core::Status::failure("no", "reason").with_code(code).boxed();
        watcher::Error::InitialListFailed(kube::Error::Api(status))
    };
    assert!(is_forbidden(&failed(403)));
    assert!(!is_forbidden(&failed(503)) && !is_forbidden(&watcher::Error::NoResourceVersion));
}
