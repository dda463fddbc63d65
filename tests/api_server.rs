//! The API server's side against a real kube-apiserver, under exactly the shipped service account, Role and policy.
#![allow(clippy::unwrap_used)]

#[path = "api_server/commands.rs"]
mod commands;
#[path = "api_server/ownership.rs"]
mod ownership;
#[path = "api_server/stage.rs"]
mod stage;

use chrono::TimeDelta;
use floorcast::kubernetes::events::{EventReason, Recorder};
use floorcast::kubernetes::lease::core::Timing;
use floorcast::kubernetes::lease::{Elector, Leadership, Settings};
use floorcast::kubernetes::observe::Scope;
use floorcast::kubernetes::permissions::{Needs, Verdict, needed, review};
use floorcast_models::policy::Directive;
use floorcast_models::protocol::Reply;
use floorcast_testbed::cluster::Component;
use floorcast_testbed::{left_out, wait};
use serde_json::json;
use stage::{SECONDS, Stage, clock};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::watch;

/// One control plane for all that is said here: what it costs is mostly its start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shipped_account_can_do_its_work_and_nothing_else() {
    if left_out() {
        return;
    }
    let stage = Stage::build().await;
    every_permission_is_granted(&stage).await;
    ownership::whoever_owned_the_field_gets_it_back(&stage).await;
    ownership::an_edit_by_a_person_answers_with_his_name(&stage).await;
    ownership::a_recreated_object_is_never_written(&stage).await;
    the_policy_refuses_an_earlier_epoch(&stage).await;
    our_own_write_is_waited_for(&stage).await;
    pods_tell_requests_and_start_up(&stage).await;
    the_kill_switch_is_seen(&stage).await;
    events_arrive_as_a_series(&stage).await;
    the_lease_changes_hands_and_survives_deletion(&stage).await;
    watches_survive_the_api_server(&stage).await;
}

async fn every_permission_is_granted(stage: &Stage) {
    let scope = Scope::Cluster;
    let needs = Needs {
        scope: &scope,
        own_namespace: "floorcast",
        lease: "floorcast",
        control: "floorcast-control",
        write: true,
    };
    for (permission, verdict) in review(&stage.clients.watch, needed(&needs)).await {
        assert_eq!(verdict, Verdict::Allowed, "{permission}");
    }
    let elsewhere = Needs { own_namespace: "default", ..needs };
    let answers = review(&stage.clients.watch, needed(&elsewhere)).await;
    let denied: Vec<_> = answers.iter().filter(|(_, v)| matches!(v, Verdict::Denied(_))).collect();
    assert_eq!(denied.len(), 4, "Lease and kill switch of another namespace: {denied:?}");
}

async fn the_policy_refuses_an_earlier_epoch(stage: &Stage) {
    let web = stage.posted("fencing").await;
    assert!(matches!(stage.acquire(&web, 5, 7).await.reply, Reply::Done { .. }));
    let late = stage.acquire(&web, 9, 6).await;
    assert!(matches!(&late.reply, Reply::Denied { message } if message.contains("earlier epoch")), "{late:?}");
    let held = stage.hold(&web, 9, 6).await;
    assert!(matches!(held.reply, Reply::Denied { .. }), "{held:?}");
    assert!(matches!(stage.hold(&web, 6, 8).await.reply, Reply::Done { .. }));
    assert!(matches!(stage.give_back(&web, 6, 2).await.reply, Reply::Done { .. }));
}

async fn our_own_write_is_waited_for(stage: &Stage) {
    let web = stage.posted("barrier").await;
    let old = stage.observed(&web).await;
    let sent = stage.acquire(&web, 4, 1).await;
    let Reply::Done { resource_version } = &sent.reply else { panic!("{sent:?}") };
    stage.cluster.wrote(&old.namespace, &old.hpa, &old.target.uid, resource_version);
    let fresh = stage.observed(&web).await;
    assert!(fresh.caught_up && fresh.target.min.get() == 4 && fresh.target.ours, "{:?}", fresh.target);
    assert_eq!(fresh.target.written_at.map(|t| (clock() - t).num_seconds() < 60), Some(true));
    stage.give_back(&web, 4, 2).await;
}

async fn pods_tell_requests_and_start_up(stage: &Stage) {
    let web = stage.posted("pods").await;
    let pods = wait::until("ready pods", 30 * SECONDS, || async {
        let workload = stage.observed(&web).await;
        let pods = stage.cluster.pods_of(&workload).await.map_err(|e| e.to_string())?;
        if pods.len() == 2 && pods.iter().all(|p| p.ready) { Ok(pods) } else { Err(format!("{pods:?}")) }
    })
    .await
    .unwrap();
    for pod in pods {
        assert_eq!(pod.containers[0].cpu_request, Some(0.1));
        assert_eq!(pod.owner.as_ref().unwrap().kind, "ReplicaSet");
        assert!(pod.first_ready.unwrap() >= pod.created.unwrap(), "{pod:?}");
    }
}

async fn the_kill_switch_is_seen(stage: &Stage) {
    assert_eq!(stage.cluster.control().directive("shop"), Directive::Run);
    for (value, directive) in [("\"release\"", Directive::Release), ("null", Directive::Run)] {
        let patch = format!("{{\"data\":{{\"namespace.shop\":{value}}}}}");
        let args = ["-n", "floorcast", "patch", "configmap", "floorcast-control", "--type=merge", "-p", &patch];
        stage.bed.kubectl(&args).await.unwrap();
        wait::until("the switch", 5 * SECONDS, || async {
            let seen = stage.cluster.control().directive("shop");
            if seen == directive { Ok(()) } else { Err(format!("{seen:?}")) }
        })
        .await
        .unwrap();
    }
}

async fn events_arrive_as_a_series(stage: &Stage) {
    let web = stage.posted("events").await;
    let workload = stage.observed(&web).await;
    let minutes = Arc::new(AtomicI64::new(0));
    let passed = Arc::clone(&minutes);
    let now = move || clock() + TimeDelta::minutes(passed.load(Ordering::Relaxed));
    let recorder = Recorder::start(stage.clients.watch.clone(), "floorcast-0", Arc::new(now));
    // Seven minutes pass between the two: what is said again sooner is only counted.
    for note in ["floor 3", "floor 4", "floor 4"] {
        recorder.tell(&workload, EventReason::FloorRaised, note);
    }
    minutes.store(7, Ordering::Relaxed);
    recorder.tell(&workload, EventReason::FloorRaised, "floor 4");
    wait::until("three requests", 10 * SECONDS, || async {
        let (sent, dropped) = (recorder.sent(), recorder.dropped());
        if sent == 3 { Ok(()) } else { Err(format!("{sent} sent, {dropped} lost")) }
    })
    .await
    .unwrap();
    let listed = stage.bed.kubectl(&["-n", "events", "get", "events.events.k8s.io", "-o", "json"]).await.unwrap();
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let items = listed["items"].as_array().unwrap();
    let mut ours: Vec<_> = items.iter().filter(|e| e["reason"] == "FloorRaised").collect();
    ours.sort_by_key(|e| e["note"].to_string());
    assert_eq!(ours.len(), 2, "{ours:?}");
    assert_eq!((&ours[0]["note"], &ours[1]["note"]), (&json!("floor 3"), &json!("floor 4")));
    assert_eq!((&ours[0]["series"], &ours[1]["series"]["count"]), (&json!(null), &json!(3)));
    let described = stage.bed.kubectl(&["-n", "events", "describe", "hpa", "web"]).await.unwrap();
    assert!(described.contains("FloorRaised"), "{described}");
}

fn elector(stage: &Stage, identity: &str) -> (Elector, watch::Receiver<Leadership>) {
    let second = SECONDS;
    let settings = Settings {
        namespace: "floorcast".to_owned(),
        name: "floorcast".to_owned(),
        identity: identity.to_owned(),
        timing: Timing::new(5 * second, 4 * second, second / 2),
        now: Arc::new(clock),
    };
    let elector = Elector::start(&stage.clients.lease, settings).unwrap();
    let leadership = elector.leadership();
    (elector, leadership)
}

async fn leads(leadership: &mut watch::Receiver<Leadership>) -> Leadership {
    let found = tokio::time::timeout(20 * SECONDS, leadership.wait_for(Leadership::leads)).await;
    found.expect("nobody leads").unwrap().clone()
}

async fn the_lease_changes_hands_and_survives_deletion(stage: &Stage) {
    let (first, mut first_seen) = elector(stage, "first");
    let began = leads(&mut first_seen).await;
    let (second, mut second_seen) = elector(stage, "second");
    let other = second_seen.wait_for(|l| l.other.is_some()).await.unwrap().other.clone();
    assert_eq!(other.as_deref(), Some("first"));
    first.leave(5 * SECONDS).await;
    let next = leads(&mut second_seen).await;
    assert_eq!(next.epoch(), began.epoch().map(|e| e + 1));
    assert_eq!(next.holder().unwrap().lease_uid, began.holder().unwrap().lease_uid);

    // The shipped Role does not allow to create the Lease: it is waited for, and the remedy told.
    stage.bed.kubectl(&["-n", "floorcast", "delete", "lease", "floorcast"]).await.unwrap();
    let lost = tokio::time::timeout(10 * SECONDS, second_seen.wait_for(|l| l.problem.is_some() && !l.leads())).await;
    assert!(lost.unwrap().unwrap().problem.as_ref().unwrap().contains("lease.yaml"));
    let lease = floorcast_testbed::manifests().join("lease.yaml");
    stage.bed.kubectl(&["apply", "-f", &lease.display().to_string()]).await.unwrap();
    let again = leads(&mut second_seen).await;
    assert_ne!(again.holder().unwrap().lease_uid, next.holder().unwrap().lease_uid);
    second.leave(5 * SECONDS).await;
}

async fn watches_survive_the_api_server(stage: &Stage) {
    stage.bed.kill(Component::ApiServer);
    wait::until("a failing watch", 30 * SECONDS, || async {
        let failing = stage.cluster.watches().into_iter().find(|w| w.failing.is_some());
        failing.map(|_| ()).ok_or_else(|| "all watches work".to_owned())
    })
    .await
    .unwrap();
    assert!(stage.cluster.ready(), "what was listed stays readable");
    assert!(!stage.cluster.workloads().is_empty());
    stage.bed.restart(Component::ApiServer).await.unwrap();
    let web = stage.posted("after").await;
    assert_eq!(stage.observed(&web).await.target.min.get(), 2);
}
