//! The daemon against the simulated cluster: what a person wrote on an HPA, and what became of it.
#![allow(clippy::unwrap_used)]

use crate::config::Config;
use crate::http::api::Workload;
use crate::simulated::{
    api::{Server, kind::Kind},
    clock::Clock,
    cluster::{Cluster, Deployed, scrape},
    prometheus::Prometheus,
    replay::{Wired, begin, install, wire},
};
use chrono::{DateTime, TimeDelta, Utc};
use std::{path::Path, sync::Arc};
use tokio_util::sync::CancellationToken;

/// No datasource at all. A simulated lease is never contended, so it is renewed rarely.
const NO_PROMETHEUS: &str =
    "kubernetes: {ownNamespace: floorcast}\ntiming: {leaseDuration: 5m, leaseRenewDeadline: 4m, leaseRetry: 1m}\n";

fn web(annotations: &[(&str, &str)]) -> Deployed {
    Deployed {
        namespace: "shop".to_owned(),
        name: "web".to_owned(),
        load: Arc::new(|_| Some(0.3)),
        request_millicores: 500,
        utilization: 60,
        min: 2,
        max: 20,
        replicas: 2,
        pod_start: TimeDelta::seconds(60),
        annotations: annotations.iter().map(|(k, v)| (format!("floorcast.io/{k}"), (*v).to_owned())).collect(),
    }
}

/// Runs the daemon without any Prometheus.
fn floors(start: &str, minutes: i64, annotations: &[(&str, &str)], looked: i64) -> (Vec<(i64, u64)>, Workload) {
    played(&web(annotations), NO_PROMETHEUS, start, minutes, looked)
}

/// Runs the daemon; gives each change of `minReplicas` with its minute since `start`, and what was published at minute `looked`.
fn played(spec: &Deployed, config: &str, start: &str, minutes: i64, looked: i64) -> (Vec<(i64, u64)>, Workload) {
    let start: DateTime<Utc> = start.parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let server = Server::new(Clock::starting_at(start), 1);
        install(&server).unwrap();
        let prometheus = Prometheus::new(server.clock(), 1);
        let past = scrape(&prometheus, spec);
        let config = Config::parse(config, Path::new("f.yaml")).unwrap();
        let mut cluster = Cluster::new(server.clone(), 1);
        cluster.deploy(spec).unwrap();
        let stop = CancellationToken::new();
        let (task, snapshots) = begin(&server, &prometheus, config, "floorcast-0", 1, stop.clone()).unwrap();
        let (mut seen, mut view) = (Vec::new(), None);
        let watched = |_: &Cluster, now: DateTime<Utc>| {
            past.note(&server, spec, now);
            let minute = (now - start).num_minutes();
            let hpa = server.get(Kind::Hpa, "shop", "web").unwrap();
            let floor = hpa.pointer("/spec/minReplicas").and_then(serde_json::Value::as_u64).unwrap();
            if seen.last().is_none_or(|(_, last)| *last != floor) {
                seen.push((minute, floor));
            }
            if minute >= looked && view.is_none() {
                view = snapshots.borrow().workloads.get("shop/web").cloned();
            }
        };
        cluster.run(start + TimeDelta::minutes(minutes), watched).await.unwrap();
        stop.cancel();
        task.await.unwrap();
        (seen, view.unwrap().as_ref().clone())
    })
}

#[test]
fn a_workload_lives_by_its_schedule_alone() {
    // A Friday; 18:00 in Berlin is 17:00 UTC, 60 minutes after the start. The lead time is ten minutes.
    let annotations = [("mode", "live"), ("schedule", "0 18 * * FRI, 1h, Europe/Berlin, 9"), ("lead-time", "10m")];
    let (floors, view) = floors("2026-01-09T16:00:00Z", 180, &annotations, 55);
    assert_eq!(floors, [(0, 2), (50, 9), (120, 6), (125, 4), (130, 3), (135, 2)]);
    assert_eq!((view.state.as_str(), view.need, view.floor), ("Holding", Some(9), Some(9)));
    assert!(view.reasons.iter().any(|reason| reason.code == "Scheduled"), "{:?}", view.reasons);
    let [opening] = view.schedule.as_slice() else { panic!("{:?}", view.schedule) };
    assert_eq!((opening.from.to_rfc3339(), opening.replicas), ("2026-01-09T17:00:00+00:00".to_owned(), 9));
    let needs: Vec<_> = view.plan.iter().map(|step| step.need).collect();
    assert_eq!(needs, [9, 0]);
}

#[test]
fn a_wrong_schedule_raises_nothing_and_says_why() {
    let (floors, view) = floors("2026-01-09T16:00:00Z", 90, &[("mode", "live"), ("schedule", "0 25 * * 5, 1h, 9")], 5);
    assert_eq!(floors, [(0, 2)]);
    let note = view.notes.iter().find(|note| note.code == "InvalidAnnotation").unwrap();
    assert!(note.blocks && note.text.contains("character 3: \"25\" is no hour"), "{}", note.text);
}

#[test]
fn a_base_above_the_maximum_is_refused_and_says_why() {
    let annotations = [("mode", "live"), ("min-replicas", "21"), ("schedule", "0 0 * * *, 23h, 9")];
    let (floors, view) = floors("2026-01-09T16:00:00Z", 30, &annotations, 5);
    assert_eq!(floors, [(0, 2)]);
    let note = view.notes.iter().find(|note| note.code == "InvalidAnnotation").unwrap();
    assert!(note.blocks && note.text.contains("21 is above maxReplicas 20"), "{}", note.text);
}

#[test]
fn no_study_begins_that_the_budget_could_not_end() {
    for (left, whole, wanted) in
        [(400, true, 50), (400, false, 50), (8, false, 1), (7, false, 0), (7, true, 1), (0, true, 0), (0, false, 0)]
    {
        assert_eq!(super::affordable(left, whole), wanted, "{left} left, whole {whole}");
    }
}

#[test]
fn a_cpu_load_is_planned_for_earlier_unless_the_lead_time_is_given() {
    let lead = |annotations: &[(&str, &str)]| {
        let spec = Deployed { load: Arc::new(|at| Some(weekly(at))), ..web(annotations) };
        played(&spec, &with_prometheus(""), "2026-01-14T11:00:00Z", 30, 20).1.lead
    };
    let auto = lead(&[("mode", "shadow")]);
    // Pods of 60 s and one sync of 15 s, and the five minutes of the rate's range.
    assert_eq!((auto.seconds, auto.source.as_str()), (60 + 15 + 300, "measured over pod start-ups"));
    assert_eq!(lead(&[("mode", "shadow"), ("lead-time", "10m")]).seconds, 600);
}

/// With a datasource, a whole day of forecasts ahead, and an event or a holiday told.
fn with_prometheus(told: &str) -> String {
    format!("datasources: [{{name: main, url: 'http://prometheus.simulation.invalid'}}]\n{NO_PROMETHEUS}{told}")
}

/// A weekday's load of 1.5 cores at noon, 0.6 on Sundays, 0.3 at night; one replica carries 0.3.
fn weekly(at: DateTime<Utc>) -> f64 {
    use chrono::{Datelike, Timelike, Weekday};
    let hour = f64::from(at.hour()) + f64::from(at.minute()) / 60.0;
    let height = if at.weekday() == Weekday::Sun { 0.3 } else { 1.2 };
    0.3 + height * (-((hour - 12.0) / 3.0).powi(2)).exp()
}

#[test]
fn a_known_event_is_prepared_for_beyond_what_was_ever_seen() {
    let spec =
        Deployed { load: Arc::new(|at| Some(weekly(at))), max: 60, ..web(&[("mode", "live"), ("lead-time", "10m")]) };
    let start = "2026-01-14T11:00:00Z";
    let highest = |told: &str| {
        let (floors, view) = played(&spec, &with_prometheus(told), start, 120, 60);
        (floors.iter().map(|(_, floor)| *floor).max().unwrap(), view)
    };
    let (usual, _) = highest("");
    assert!((5..=8).contains(&usual), "1.5 cores are five replicas: {usual}");
    let (prepared, view) =
        highest("events: [{from: 2026-01-14T11:40:00Z, to: 2026-01-14T12:30:00Z, factor: 3, reason: sale}]\n");
    // 4.5 cores, of which the HPA itself accepts 0.33 per replica.
    assert!((14..=22).contains(&prepared), "three times as many: {prepared}, {:?}", view.reasons);
    let told = view.reasons.iter().find(|reason| reason.code == "KnownEvent").unwrap();
    assert!(told.text.starts_with("3 times the usual load") && told.text.ends_with("(sale)"), "{}", told.text);
}

#[test]
fn a_holiday_is_planned_like_a_sunday_and_said_so() {
    let spec =
        Deployed { load: Arc::new(|at| Some(weekly(at))), ..web(&[("mode", "shadow"), ("holidays", "2026-01-14")]) };
    let outage =
        "exclude: [{from: 2026-01-05T10:00:00Z, to: 2026-01-05T12:00:00Z, namespaces: [shop], reason: outage}]\n";
    let (_, view) = played(&spec, &with_prometheus(outage), "2026-01-14T06:00:00Z", 10, 5);
    let noon: DateTime<Utc> = "2026-01-14T12:00:00Z".parse().unwrap();
    let need = view.plan.iter().take_while(|step| step.at <= noon).last().unwrap().need;
    assert!((2..=4).contains(&need), "0.6 cores are two replicas, with a wider margin: {need}");
    let notes = &view.loads[0].notes;
    assert!(notes.iter().any(|note| note.starts_with("2026-01-14 is a holiday")), "{notes:?}");
    let excluded = "excluded by configuration (outage): 2026-01-05 10:00 to 2026-01-05 12:00 UTC";
    assert!(notes.iter().any(|note| note == excluded), "{notes:?}");
}

#[test]
fn a_window_above_the_cap_is_told_hours_before() {
    // max 20, headroom 2: 18 are allowed. The window opens at 17:00 UTC, five hours after the start.
    let annotations = [("mode", "live"), ("schedule", "0 17 * * FRI, 1h, UTC, 30"), ("lead-time", "10m")];
    let (floors, view) = floors("2026-01-09T12:00:00Z", 10, &annotations, 5);
    assert_eq!(floors, [(0, 2)]);
    let capped = view.capped.unwrap();
    assert_eq!((capped.at.to_rfc3339().as_str(), capped.need, capped.limit), ("2026-01-09T17:00:00+00:00", 30, 18));
}

/// A thousand views made anew at every tick would be most of its time.
#[test]
fn what_shows_the_same_is_published_as_it_was() {
    let spec = Deployed { load: Arc::new(|at| Some(weekly(at))), ..web(&[("mode", "live"), ("lead-time", "10m")]) };
    let start: DateTime<Utc> = "2026-01-14T02:00:00Z".parse().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let server = Server::new(Clock::starting_at(start), 1);
        install(&server).unwrap();
        let prometheus = Prometheus::new(server.clock(), 1);
        let _past = scrape(&prometheus, &spec);
        let mut cluster = Cluster::new(server.clone(), 1);
        cluster.deploy(&spec).unwrap();
        let config = Config::parse(&with_prometheus(""), Path::new("f.yaml")).unwrap();
        let Wired { mut daemon, snapshots, kept, .. } = wire(&server, &prometheus, config, "floorcast-0", 1).unwrap();
        let mut views = Vec::new();
        // Five minutes to learn, then five to look.
        for tick in 0..40 {
            daemon.tick().await;
            tokio::time::sleep(std::time::Duration::from_secs(15)).await;
            views.extend(snapshots.borrow().workloads.get("shop/web").cloned().filter(|_| tick >= 20));
        }
        assert!(views.len() == 20 && !views[0].plan.is_empty(), "{views:?}");
        views.dedup_by(|later, before| Arc::ptr_eq(later, before));
        // A new sample, a new step of the plan: each once in five minutes, at its own second.
        assert!(views.len() <= 4, "made anew {} times", views.len());
        drop(kept);
    });
}
