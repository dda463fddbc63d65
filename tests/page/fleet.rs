//! A fleet as a large cluster has it: a thousand workloads with days that rise and fall, in every state.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use floorcast::http::api::*;
use floorcast_models::decide::State;
use std::{f64::consts::TAU, sync::Arc};

const NAMESPACES: [&str; 20] = [
    "shop",
    "payments",
    "search",
    "catalogue",
    "accounts",
    "basket",
    "delivery",
    "pricing",
    "media",
    "mail",
    "ads",
    "reviews",
    "fraud",
    "ledger",
    "tax",
    "stores",
    "loyalty",
    "identity",
    "reports",
    "gateway",
];
const NAMES: [&str; 10] =
    ["web", "api", "worker", "checkout", "events", "graphql", "notifier", "images", "sync", "recommendations"];

/// So many workloads, as of `now`.
pub(crate) fn snapshot(count: usize, now: DateTime<Utc>) -> Snapshot {
    let workloads = (0..count).map(|i| workload(i, now)).map(|w| (w.key(), Arc::new(w))).collect();
    let status = Status {
        version: "0.1.0".into(),
        identity: "floorcast-6d5f7c9b8-x2x7k".into(),
        leader: true,
        epoch: 3,
        last_tick: Some(now),
        tick_seconds: Some(0.0118),
        control: "run".into(),
        config_in_force: true,
        budgets: Budgets { cluster: Budget { allowed: 5_000, spent: 1_284 }, ..Budgets::default() },
        ..Status::default()
    };
    Snapshot { status, workloads, unready: Vec::new(), last_tick: Some(now) }
}

/// Mostly well; every state there is now and then.
fn state(i: usize) -> State {
    match i % 10 {
        0..=2 => State::Holding,
        3..=5 => State::Idle,
        6 | 7 => State::Shadow,
        8 => State::Lowering,
        _ => State::ALL[i / 10 % State::ALL.len()],
    }
}

/// The load of a workload by the hour of the day, per second: a low night and two peaks.
fn load_at(i: usize, at: DateTime<Utc>) -> f64 {
    let day = (at.timestamp() as f64 / 86_400.0 + i as f64 / 37.0).fract();
    let size = 120.0 + 90.0 * (i % 17) as f64;
    size * (1.0 - 0.65 * (TAU * day).cos() - 0.25 * (2.0 * TAU * (day + 0.06)).cos()).max(0.15)
}

fn workload(i: usize, now: DateTime<Utc>) -> Workload {
    let state = state(i);
    let start = now.duration_trunc(TimeDelta::minutes(5)).unwrap();
    let per_replica = 40.0;
    let upper = |at| 1.12 * load_at(i, at) + 15.0;
    let need = |at| (upper(at) / per_replica).ceil() as u32;
    let minutes = |m: i64| start + TimeDelta::minutes(m);
    let mut plan: Vec<PlanStep> = (0..288).map(|k| minutes(5 * k)).map(|at| PlanStep { at, need: need(at) }).collect();
    plan.dedup_by_key(|step| step.need);
    let peak = plan.iter().max_by_key(|step| step.need).map(|step| Peak { at: step.at, need: step.need });
    let base = 2 + (i % 4) as u32;
    let learned = state != State::Learning;
    let floor = matches!(state, State::Holding | State::Lowering | State::Shadow).then(|| need(start).max(base));
    let load = Load {
        name: "requests".into(),
        query: format!("sum(rate(http_requests_total{{namespace=\"{}\", service=\"{}\"}}[2m]))", namespace(i), name(i)),
        datasource: "default".into(),
        per_replica: Some(per_replica),
        explain: vec!["external metric http_requests_total of the HPA, averageValue 40".into()],
        now: Some(load_at(i, start)),
        newest: Some(now - TimeDelta::seconds(20)),
        model: learned.then(|| "auto".into()),
        weights: [("harmonic", 0.62), ("profile", 0.31), ("last-week", 0.07)]
            .map(|(model, weight)| Weight { model: model.into(), weight })
            .into(),
        score: learned.then_some(Score { mase: Some(0.41), wape: 0.063, pinball: 4.2, coverage: 0.957 }),
        trust: learned.then(|| trust(state)),
        coverage: learned.then_some(0.949),
        recent: Recent::new(
            minutes(-720),
            TimeDelta::minutes(15),
            (0..49).map(|k| Some(load_at(i, minutes(15 * k - 720)) as f32)),
        ),
        forecast: Points::new(
            start,
            TimeDelta::minutes(5),
            (0..289).map(|k| minutes(5 * k)).map(|at| (load_at(i, at) as f32, upper(at) as f32)),
        ),
        ..Load::default()
    };
    Workload {
        namespace: namespace(i),
        hpa: name(i),
        target: format!("Deployment/{}", name(i)),
        mode: if state == State::Shadow { "shadow" } else { "live" }.into(),
        state: state.as_str().into(),
        base: Some(base),
        floor,
        need: learned.then(|| need(start)),
        current: Some(need(start).max(base)),
        ready: Some(need(start).max(base)),
        // A quarter of an hour behind what was needed, as where the HPA alone scales.
        recent: Counts::new(
            minutes(-720),
            TimeDelta::minutes(5),
            (0..145).map(|k| Some(need(minutes(5 * k - 735)).max(base))),
        ),
        min: floor.or(Some(base)),
        max: Some(60),
        until: floor.map(|_| minutes(95)),
        peak: peak.filter(|_| learned),
        lead: Lead { seconds: 105, source: "measured from 12 starts of pods".into() },
        quantile: 0.95,
        timezone: "Europe/Berlin".into(),
        loads: vec![load.into()],
        plan: if learned { plan } else { Vec::new() },
        reasons: vec![
            reason("Planned", &format!("the plan needs {} replicas within the lead time", need(start))),
            reason("RaisedAtOnce", "a raise is whole and at once"),
        ],
        history: (1..6)
            .map(|k| change(minutes(-120 * k), need(minutes(-120 * (k + 1))), need(minutes(-120 * k))))
            .collect(),
        notes: notes(state),
        decided: Some(now),
        ..Workload::default()
    }
}

fn trust(state: State) -> Trust {
    let trusted = state != State::Untrusted;
    let why = if trusted {
        "over the last 7 days it missed 38 % less of the rises than reacting does"
    } else {
        "over the last 7 days it was no better than reacting: 61 % of the rises missed, 58 % by reacting"
    };
    Trust { trusted, why: why.into() }
}

fn notes(state: State) -> Vec<Note> {
    let text = "the HPA scales on a metric of type Object, from which no total can be derived; name a load template with floorcast.io/load";
    let note = Note { code: "UnsupportedMetric".into(), text: text.into(), blocks: true };
    (state == State::Refused).then_some(note).into_iter().collect()
}

fn change(at: DateTime<Utc>, from: u32, to: u32) -> Shared<Change> {
    let reasons = vec![reason("Planned", &format!("the plan needs {to} replicas within the lead time"))];
    Change { at, from: Some(from), to: Some(to), reasons, outcome: "written".into() }.into()
}

fn reason(code: &str, text: &str) -> Reason {
    Reason { code: code.into(), text: text.into() }
}

fn namespace(i: usize) -> String {
    NAMESPACES[i % NAMESPACES.len()].into()
}

fn name(i: usize) -> String {
    let name = NAMES[i / NAMESPACES.len() % NAMES.len()];
    let part = i / (NAMESPACES.len() * NAMES.len());
    if part == 0 { name.into() } else { format!("{name}-{part}") }
}
