#![allow(clippy::unwrap_used)]
//! The server through a real client.

use super::faults::{Fault, Rule};
use super::*;
use chrono::TimeDelta;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Hpa;
use kube::api::{Api, ListParams, Patch, PatchParams, PostParams, WatchParams};
use kube::core::WatchEvent;
use kube::runtime::watcher;
use serde_json::json;

fn server() -> Server {
    let clock = Clock::starting_at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
    Server::new(clock, 1)
}

fn hpa(name: &str, spec: &Value) -> Hpa {
    let mut whole =
        json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 10});
    json_patch::merge(&mut whole, spec);
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": whole})).unwrap()
}

fn hpas(server: &Server) -> Api<Hpa> {
    Api::default_namespaced(server.client("admin", "default"))
}

fn floor(n: i32, metadata: &Value) -> Patch<Value> {
    let mut body = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": {"minReplicas": n}});
    json_patch::merge(&mut body["metadata"], metadata);
    Patch::Apply(body)
}

fn json_patch_of(operations: &Value) -> Patch<()> {
    Patch::Json(serde_json::from_value(operations.clone()).unwrap())
}

fn status(result: kube::Result<Hpa>) -> (u16, String) {
    match result.unwrap_err() {
        kube::Error::Api(status) => (status.code, status.message),
        other => panic!("{other}"),
    }
}

async fn created(server: &Server) -> (Api<Hpa>, Hpa) {
    let api = hpas(server);
    let params = PostParams { field_manager: Some("creator".into()), ..PostParams::default() };
    let made = api.create(&params, &hpa("web", &json!({}))).await.unwrap();
    (api, made)
}

#[tokio::test(start_paused = true)]
async fn the_creator_owns_even_the_default_and_force_takes_it() {
    let server = server();
    let (api, made) = created(&server).await;
    assert_eq!(made.spec.unwrap().min_replicas, Some(1));
    let ours = PatchParams::apply("floorcast");
    let (code, message) = status(api.patch("web", &ours, &floor(5, &json!({}))).await);
    assert_eq!(code, 409);
    assert_eq!(
        message,
        "Apply failed with 1 conflict: conflict with \"creator\" using autoscaling/v2: .spec.minReplicas"
    );
    let held = api.patch("web", &ours.clone().force(), &floor(5, &json!({}))).await.unwrap();
    assert_eq!(held.spec.unwrap().min_replicas, Some(5));
    let again = api.patch("web", &ours, &floor(5, &json!({}))).await.unwrap();
    assert_eq!(again.metadata.resource_version, held.metadata.resource_version, "an unchanged apply writes nothing");
}

#[tokio::test(start_paused = true)]
async fn uid_and_resource_version_are_preconditions() {
    let server = server();
    let (api, _) = created(&server).await;
    let ours = PatchParams::apply("floorcast").force();
    let other = json!({"uid": "00000000-0000-0000-0000-000000000000"});
    let refused = status(api.patch("web", &ours, &floor(5, &other)).await);
    assert_eq!(refused.0, 422);
    assert!(refused.1.contains("field is immutable"), "{}", refused.1);
    let stale = json!({"resourceVersion": "1"});
    assert_eq!(status(api.patch("web", &ours, &floor(5, &stale)).await).0, 409);
    let missing = status(api.patch("nope", &ours, &floor(5, &other)).await);
    assert_eq!(missing.0, 400, "the body names another object");
    assert_eq!(status(api.patch("web", &ours, &floor(50, &json!({}))).await).0, 422);
}

#[tokio::test(start_paused = true)]
async fn handing_back_leaves_the_value_to_nobody() {
    let server = server();
    let (api, _) = created(&server).await;
    let ours = PatchParams::apply("floorcast").force();
    let marks = json!({"annotations": {"floorcast.io/floor": "5"}});
    let held = api.patch("web", &ours, &floor(5, &marks)).await.unwrap();
    let back = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": held.metadata.resource_version},
        {"op": "test", "path": "/spec/minReplicas", "value": 5},
        {"op": "replace", "path": "/spec/minReplicas", "value": 1},
        {"op": "remove", "path": "/metadata/annotations/floorcast.io~1floor"},
    ]);
    let params = PatchParams { field_manager: Some("floorcast".into()), ..PatchParams::default() };
    let given = api.patch("web", &params, &json_patch_of(&back)).await.unwrap();
    assert_eq!(given.metadata.annotations, None);
    let owners = given.metadata.managed_fields.clone().unwrap();
    let ours: Vec<_> = owners.iter().filter(|o| o.manager.as_deref() == Some("floorcast")).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0].operation.as_deref(), Some("Update"));

    let rest: Vec<_> = owners.iter().filter(|o| o.manager.as_deref() != Some("floorcast")).collect();
    let clean = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": given.metadata.resource_version},
        {"op": "replace", "path": "/metadata/managedFields", "value": rest},
    ]);
    api.patch("web", &params, &json_patch_of(&clean)).await.unwrap();
    let users = api.patch("web", &PatchParams::apply("git"), &floor(3, &json!({}))).await.unwrap();
    assert_eq!(users.spec.unwrap().min_replicas, Some(3));
    assert_eq!(status(api.patch("web", &params, &json_patch_of(&back)).await).0, 422, "a failed test");
}

#[tokio::test(start_paused = true)]
async fn status_goes_through_its_own_door() {
    let server = server();
    let (api, _) = created(&server).await;
    let patch = json!({"spec": {"minReplicas": 7}, "status": {"desiredReplicas": 4, "currentReplicas": 4}});
    let at = (Kind::Hpa, "default", "web");
    server.merge("kcm", at, "status", patch.clone()).unwrap();
    let now = api.get("web").await.unwrap();
    assert_eq!(now.spec.as_ref().unwrap().min_replicas, Some(1));
    assert_eq!(now.status.as_ref().unwrap().desired_replicas, 4);
    server.merge("x", at, "", json!({"status": {"desiredReplicas": 9}})).unwrap();
    assert_eq!(api.get("web").await.unwrap().status, now.status);
}

#[tokio::test(start_paused = true)]
async fn lists_come_in_pages_and_expire() {
    let server = server();
    let api = hpas(&server);
    for name in ["a", "b", "c"] {
        api.create(&PostParams::default(), &hpa(name, &json!({}))).await.unwrap();
    }
    let first = api.list(&ListParams::default().limit(2)).await.unwrap();
    assert_eq!(first.items.len(), 2);
    assert_eq!(first.metadata.remaining_item_count, Some(1));
    let token = first.metadata.continue_.unwrap();
    let more = ListParams::default().limit(2).continue_token(&token);
    let second = api.list(&more).await.unwrap();
    assert_eq!(second.items[0].metadata.name.as_deref(), Some("c"));
    api.create(&PostParams::default(), &hpa("d", &json!({}))).await.unwrap();
    server.compact();
    let gone = api.list(&more).await.unwrap_err();
    assert!(matches!(gone, kube::Error::Api(s) if s.code == 410));
}

#[tokio::test(start_paused = true)]
async fn a_watch_tells_changes_bookmarks_and_gone() {
    let server = server();
    let (api, made) = created(&server).await;
    let from = made.metadata.resource_version.unwrap();
    let watch = api.watch(&WatchParams::default(), &from).await.unwrap();
    let mut watch = watch.boxed();
    let at = (Kind::Hpa, "default", "web");
    server.merge("x", at, "", json!({"spec": {"minReplicas": 3}})).unwrap();
    let event = watch.try_next().await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Modified(h) if h.spec.as_ref().unwrap().min_replicas == Some(3)));
    let event = watch.try_next().await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Bookmark(_)), "after a quiet minute");
    server.delete(Kind::Hpa, "default", "web").unwrap();
    let event = watch.try_next().await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Deleted(_)));
    server.close_watches();
    assert!(watch.try_next().await.unwrap().is_none());

    server.compact();
    let mut late = api.watch(&WatchParams::default(), &from).await.unwrap().boxed();
    let event = late.try_next().await.unwrap().unwrap();
    assert!(matches!(event, WatchEvent::Error(s) if s.code == 410));
}

#[tokio::test(start_paused = true)]
async fn a_stale_watch_is_late_but_in_order() {
    let server = server();
    let (api, made) = created(&server).await;
    let now = server.clock().now();
    let always = now..now + TimeDelta::days(1);
    server.faults(|f| f.stale.push((always, TimeDelta::seconds(40))));
    let from = made.metadata.resource_version.unwrap();
    let mut watch = api.watch(&WatchParams::default(), &from).await.unwrap().boxed();
    let at = (Kind::Hpa, "default", "web");
    server.merge("x", at, "", json!({"spec": {"minReplicas": 3}})).unwrap();
    watch.try_next().await.unwrap().unwrap();
    assert_eq!(server.clock().now() - now, TimeDelta::seconds(40));
}

#[tokio::test(start_paused = true)]
async fn kubes_watcher_survives_compaction_and_closed_watches() {
    let server = server();
    let (api, _) = created(&server).await;
    let mut events = watcher(api, watcher::Config::default()).boxed();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(events.try_next().await.unwrap().unwrap());
    }
    assert!(matches!(seen[2], watcher::Event::InitDone));
    server.close_watches();
    let at = (Kind::Hpa, "default", "web");
    server.merge("x", at, "", json!({"spec": {"minReplicas": 4}})).unwrap();
    let next = events.try_next().await.unwrap().unwrap();
    assert!(matches!(next, watcher::Event::Apply(h) if h.spec.as_ref().unwrap().min_replicas == Some(4)));
    server.close_watches();
    server.merge("x", at, "", json!({"spec": {"minReplicas": 5}})).unwrap();
    server.compact();
    assert!(events.try_next().await.is_err(), "410 is told once");
    assert!(matches!(events.try_next().await.unwrap().unwrap(), watcher::Event::Init));
}

#[tokio::test(start_paused = true)]
async fn faults_strike_by_rule_and_are_counted() {
    let server = server();
    let (_, _) = created(&server).await;
    let api: Api<Hpa> = Api::default_namespaced(kube::Client::new(server.connect("daemon"), "default"));
    let mut rule = Rule::always(Fault::TooManyRequests(3));
    rule.user = Some("daemon".into());
    rule.verbs = vec![Verb::Patch];
    server.faults(|f| f.rules.push(rule));
    api.get("web").await.unwrap();
    let params = PatchParams::apply("floorcast").force();
    assert_eq!(status(api.patch("web", &params, &floor(5, &json!({}))).await).0, 429);
    server.faults(|f| f.rules[0].fault = Fault::Cut);
    assert!(api.patch("web", &params, &floor(5, &json!({}))).await.is_err());
    let now = api.get("web").await.unwrap();
    assert_eq!(now.spec.unwrap().min_replicas, Some(5), "carried out, but never answered");
    server.faults(|f| {
        assert_eq!(f.hits()["cut"], 1);
        assert_eq!(f.hits()["too-many-requests"], 1);
    });
    let log = server.audit_log();
    assert_eq!(log.len(), 2, "a request that never reached the server is not in its log");
    assert!(log[1].changed());
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_verb_is_said_in_the_access_review() {
    use k8s_openapi::api::authorization::v1::SelfSubjectAccessReview as Review;
    let server = server();
    let mut rule = Rule::always(Fault::Forbidden);
    rule.verbs = vec![Verb::Patch];
    rule.kinds = vec![Kind::Hpa];
    server.faults(|f| f.rules.push(rule));
    let api: Api<Review> = Api::all(server.client("daemon", "default"));
    let ask = |verb: &str| {
        serde_json::from_value::<Review>(json!({"metadata": {}, "spec": {"resourceAttributes":
            {"group": "autoscaling", "resource": "horizontalpodautoscalers", "verb": verb}}}))
        .unwrap()
    };
    for (verb, allowed) in [("patch", false), ("list", true)] {
        let review = api.create(&PostParams::default(), &ask(verb)).await.unwrap();
        assert_eq!(review.status.unwrap().allowed, allowed, "{verb}");
    }
}
