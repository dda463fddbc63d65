#![allow(clippy::unwrap_used)]

use super::*;
use crate::kubernetes::recorded::{Answer as Scripted, Script};
use serde_json::json;
use tokio::time::Instant;

fn about(name: &str) -> About {
    About {
        api_version: "autoscaling/v2".to_owned(),
        kind: "HorizontalPodAutoscaler".to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        uid: "u1".to_owned(),
    }
}

fn recorder(answers: usize) -> (Script, Recorder) {
    let created: Scripted = (201, Vec::new(), json!({}));
    let script = Script::of(vec![created; answers]);
    let began = Instant::now();
    let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    let now = Arc::new(move || start + began.elapsed());
    let recorder = Recorder::start(script.clients().watch, "floorcast-0", now);
    (script, recorder)
}

async fn minutes(n: u64) {
    tokio::time::sleep(std::time::Duration::from_secs(60 * n)).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_has_the_shape_of_events_v1() {
    let (script, recorder) = recorder(1);
    recorder.tell_about(about("web"), EventReason::FloorRaised, "floor 2 → 7\nuntil 11:00");
    minutes(1).await;
    let [sent] = &script.sent()[..] else { panic!() };
    assert_eq!((sent.method.as_str(), sent.path.as_str()), ("POST", "/apis/events.k8s.io/v1/namespaces/shop/events"));
    assert_eq!(sent.body["reason"], "FloorRaised");
    assert_eq!(sent.body["type"], "Normal");
    assert_eq!(sent.body["note"], "floor 2 → 7 until 11:00");
    assert_eq!(sent.body["regarding"]["kind"], "HorizontalPodAutoscaler");
    assert_eq!(sent.body["eventTime"], "2027-01-15T08:00:00.000000Z");
    for key in ["action", "reportingController", "reportingInstance"] {
        assert!(!sent.body[key].as_str().unwrap().is_empty(), "the API demands {key}");
    }
    assert_eq!((recorder.sent(), recorder.dropped()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn the_same_words_are_counted_and_the_count_goes_out_every_six_minutes() {
    let (script, recorder) = recorder(9);
    for _ in 0..5 {
        recorder.tell_about(about("web"), EventReason::StaleData, "too old");
        minutes(1).await;
    }
    assert_eq!(script.sent().len(), 1);
    minutes(2).await;
    recorder.tell_about(about("web"), EventReason::StaleData, "too old");
    minutes(1).await;
    let [first, again] = &script.sent()[..] else { panic!() };
    assert_eq!((first.method.as_str(), again.method.as_str()), ("POST", "PATCH"));
    assert!(again.path.ends_with(first.body["metadata"]["name"].as_str().unwrap()));
    assert_eq!(again.body["series"]["count"], 6);
    assert!(again.body.get("note").is_none(), "the API server refuses a change of the note");
}

#[tokio::test(start_paused = true)]
async fn new_words_for_the_same_reason_are_a_new_event() {
    let (script, recorder) = recorder(9);
    for floor in 3..5 {
        recorder.tell_about(about("web"), EventReason::FloorRaised, &format!("floor {floor}"));
        minutes(1).await;
    }
    let sent = script.sent();
    assert_eq!(sent.iter().map(|s| s.method.as_str()).collect::<Vec<_>>(), ["POST", "POST"]);
    assert_ne!(sent[0].body["metadata"]["name"], sent[1].body["metadata"]["name"]);
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_cut_and_counted_and_never_waited_for() {
    let (script, recorder) = recorder(1000);
    for i in 0..1000 {
        recorder.tell_about(about(&format!("web-{i}")), EventReason::Activated, "opted in");
    }
    minutes(10).await;
    let sent = script.sent().len();
    assert!(sent <= 25 + 100, "{sent}");
    assert_eq!(recorder.sent() + recorder.dropped(), 1000);
}

#[tokio::test(start_paused = true)]
async fn contended_is_told_however_many_others_there_are() {
    let (script, recorder) = recorder(2000);
    for i in 0..1000 {
        let reason = if i % 2 == 0 { EventReason::Activated } else { EventReason::MetricsUnavailable };
        recorder.tell_about(about(&format!("web-{i}")), reason, "one of many");
    }
    for i in 0..40 {
        recorder.tell_about(about(&format!("fought-{i}")), EventReason::Contended, "kustomize-controller");
    }
    minutes(5).await;
    let told = script.sent().iter().filter(|s| s.body["reason"] == "Contended").count();
    assert_eq!(told, 40, "of 40; {} others were dropped", recorder.dropped());
    assert!(script.sent().len() <= 25 + 50, "and the pace is kept");
}

#[tokio::test(start_paused = true)]
async fn a_dead_server_costs_events_and_nothing_else() {
    let (_script, recorder) = recorder(0);
    recorder.tell_about(about("web"), EventReason::Contended, "kustomize-controller");
    minutes(1).await;
    assert_eq!((recorder.sent(), recorder.dropped()), (0, 1));
}

#[test]
fn notes_are_one_line_of_at_most_a_kilobyte() {
    let note = sanitised(&format!("a\tb\n{}", "ü".repeat(2000)));
    assert!(note.starts_with("a b ü") && note.len() <= 1000);
}
