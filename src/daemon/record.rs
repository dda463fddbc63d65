//! What a tick leaves behind for people and programs: the snapshot of `/api/v1`, and the samples of `/metrics`.

use super::entry::{Entry, Key, Outcome, Shown};
use super::roster::Entries;
use super::study::Trouble;
use super::write::Written;
use crate::{
    config::Config,
    datasource::{Datasources, Reader},
    http::api,
    kubernetes::{apply::WriteResult, control::Control, lease::Leadership},
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    decide::Reason,
    lead_time::Lead,
    plan::FloorPlan,
    protocol::Action,
    schedule::{Ahead, Opening},
    target::Hold,
    units::Replicas,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// How far ahead the API shows the plan.
const AHEAD: TimeDelta = TimeDelta::hours(24);
/// Most steps of a plan that the API shows.
const STEPS: usize = 400;

/// One workload as it is published: the same as before where nothing that it shows has changed.
pub(super) fn shown(key: &Key, entry: &mut Entry, now: DateTime<Utc>) -> Arc<api::Workload> {
    entry.see(now);
    if let Some(shown) = entry.shown.as_ref().filter(|shown| now < shown.until) {
        return Arc::clone(&shown.view);
    }
    let ahead = entry.ahead(lead_of(entry));
    let planned = ahead.plan.map(|plan| same_until(plan, now));
    let until = planned.into_iter().chain(ahead.turns_after(now)).min().unwrap_or(DateTime::<Utc>::MAX_UTC);
    let view = Arc::new(view(key, entry, now));
    entry.shown = Some(Shown { view: Arc::clone(&view), until });
    view
}

/// The lead time of the last decision.
fn lead_of(entry: &Entry) -> TimeDelta {
    entry.last.as_ref().map_or(TimeDelta::zero(), |last| last.lead.value)
}

/// Up to here a plan says of now what it says now: its need changes at and right after the points of its grid.
fn same_until(plan: &FloorPlan, now: DateTime<Utc>) -> DateTime<Utc> {
    let step = plan.step().num_milliseconds().max(1);
    let into = (now - plan.origin()).num_milliseconds().rem_euclid(step);
    now + TimeDelta::milliseconds(if into == 0 { 1 } else { step - into })
}

/// One workload as the API shows it.
fn view(key: &Key, entry: &Entry, now: DateTime<Utc>) -> api::Workload {
    let target = &entry.workload.target;
    let settings = entry.settings();
    let last = entry.last.as_ref();
    let (base, floor, until) = held(entry, last);
    let ahead = entry.ahead(lead_of(entry));
    api::Workload {
        namespace: key.namespace.to_string(),
        hpa: key.hpa.to_string(),
        target: entry.workload.target_ref.to_string(),
        mode: entry.opt_in.mode.map_or("invalid", floorcast_models::policy::Mode::as_str).to_owned(),
        state: state(entry, last).to_owned(),
        base: Some(base.get()),
        floor: floor.map(Replicas::get),
        need: ahead.need_at(now).map(Replicas::get),
        current: Some(target.current.get()),
        ready: target.ready.map(Replicas::get),
        recent: entry.recent.clone(),
        min: Some(target.min.get()),
        max: Some(target.max.get()),
        until,
        peak: ahead.peak(now, now + AHEAD).map(|(at, need)| api::Peak { at, need: need.get() }),
        lead: last.map(|l| lead(&l.lead)).unwrap_or_default(),
        quantile: settings.map(|s| s.policy.quantile).unwrap_or_default(),
        timezone: settings.map(|s| s.policy.zone.name().to_owned()).unwrap_or_default(),
        loads: entry.study.findings.loads.iter().map(|found| found.view.clone()).collect(),
        plan: steps(ahead, now),
        schedule: ahead.openings.iter().filter(|o| o.from <= now + AHEAD && o.to > now).map(opening).collect(),
        reasons: last.map(|l| l.reasons.iter().map(reason).collect()).unwrap_or_default(),
        limited_by: limits(last),
        capped: last.and_then(capped),
        history: entry.changes.iter().cloned().collect(),
        notes: notes(entry),
        decided: last.map(|l| l.at),
    }
}

fn state(entry: &Entry, last: Option<&Outcome>) -> &'static str {
    if !entry.workload.refusals.is_empty() {
        return "Refused";
    }
    last.map_or("Learning", |l| l.state.as_str())
}

/// Base, floor and `until` as they stand on the object, or as they would in shadow mode.
fn held(entry: &Entry, last: Option<&Outcome>) -> (Replicas, Option<Replicas>, Option<DateTime<Utc>>) {
    if let Hold::Held(held) = &entry.workload.target.hold {
        return (held.base, Some(held.floor), Some(held.until));
    }
    let base = last.map_or(entry.workload.target.min, |l| l.decision.base);
    let floor = last.and_then(|l| l.decision.floor);
    (base, floor, floor.and(last.map(|l| l.decision.until)))
}

fn limits(last: Option<&Outcome>) -> Vec<String> {
    let mut limits: Vec<String> =
        last.into_iter().flat_map(|l| &l.reasons).filter_map(Reason::limit).map(|l| l.as_str().to_owned()).collect();
    limits.dedup();
    limits
}

fn capped(last: &Outcome) -> Option<api::Capped> {
    last.reasons.iter().find_map(|reason| match reason {
        Reason::CappedAhead { at, need, limit, .. } => {
            Some(api::Capped { at: *at, need: need.get(), limit: limit.get() })
        }
        _ => None,
    })
}

fn lead(lead: &Lead) -> api::Lead {
    api::Lead { seconds: lead.value.num_seconds(), source: lead.source.as_str().to_owned() }
}

/// A reason as the API shows it.
pub(super) fn reason(reason: &Reason) -> api::Reason {
    api::Reason { code: reason.as_str().to_owned(), text: reason.to_string() }
}

fn opening(opening: &Opening) -> api::Opening {
    let Opening { from, to, replicas, text } = opening;
    api::Opening { from: *from, to: *to, replicas: replicas.get(), window: text.to_string() }
}

/// What is needed from now on.
fn steps(ahead: Ahead<'_>, now: DateTime<Utc>) -> Vec<api::PlanStep> {
    let steps = ahead.steps(now, now + AHEAD).into_iter().take(STEPS);
    steps.map(|(at, need)| api::PlanStep { at, need: need.get() }).collect()
}

fn notes(entry: &Entry) -> Vec<api::Note> {
    let note = |code: &str, text: String, blocks| api::Note { code: code.to_owned(), text, blocks };
    let mut notes: Vec<api::Note> =
        entry.workload.refusals.iter().map(|r| note(r.as_str(), r.to_string(), true)).collect();
    let errors = entry.opt_in.settings.as_ref().err().into_iter().flatten();
    notes.extend(errors.map(|e| note("InvalidAnnotation", e.to_string(), true)));
    notes.extend(entry.opt_in.warnings.iter().map(|w| note("Annotation", w.to_string(), false)));
    notes.extend(entry.study.findings.troubles.iter().map(trouble));
    notes
}

fn trouble(trouble: &Trouble) -> api::Note {
    api::Note { code: trouble.code.to_owned(), text: trouble.text.clone(), blocks: trouble.blocks }
}

/// A write as `explain` shows it.
pub(super) fn change(now: DateTime<Utc>, written: &Written, last: Option<&Outcome>) -> api::Change {
    let target = &written.order.workload.target;
    let to = match &written.order.next.action {
        Action::Acquire { write, .. } | Action::Hold { write } => Some(write.held.floor.get()),
        _ => None,
    };
    let from = match &target.hold {
        Hold::Held(held) => Some(held.floor.get()),
        _ => None,
    };
    let reasons = last.map(|l| l.reasons.iter().map(reason).collect()).unwrap_or_default();
    let outcome = match written.sent.result {
        WriteResult::Done => "written".to_owned(),
        other => other.as_str().to_owned(),
    };
    api::Change { at: now, from, to, reasons, outcome }
}

/// One log line for every write: what, from what to what, and what became of it.
pub(super) fn log(written: &Written) {
    let workload = &written.order.workload;
    let action = &written.order.next.action;
    let to = action.write().map(|w| w.held.floor.get());
    let took = written.sent.took.as_millis();
    match written.sent.result {
        WriteResult::Done => tracing::info!(
            ns = workload.namespace, name = workload.hpa, action = action.as_str(),
            from = workload.target.min.get(), to, took_ms = %took, "floor written"
        ),
        result => tracing::warn!(
            ns = workload.namespace,
            name = workload.hpa,
            action = action.as_str(),
            from = workload.target.min.get(),
            to,
            result = result.as_str(),
            message = written.sent.message,
            "floor not written"
        ),
    }
}

/// The process as `/api/v1/status` shows it.
pub(super) struct Process<'a> {
    pub(super) now: DateTime<Utc>,
    pub(super) started: DateTime<Utc>,
    pub(super) identity: &'a str,
    pub(super) leadership: &'a Leadership,
    pub(super) control: &'a Control,
    pub(super) config: &'a Config,
    pub(super) config_in_force: bool,
    pub(super) datasources: &'a Datasources,
    pub(super) entries: &'a Entries,
    pub(super) tick_took: Option<Duration>,
    pub(super) forbidden: &'a [String],
}

/// Puts the process into words.
pub(super) fn status(process: &Process<'_>) -> api::Status {
    let (control, control_namespaces) = super::control_words(process.control, namespaces(process.entries));
    api::Status {
        version: crate::build::VERSION.to_owned(),
        revision: crate::build::REVISION.to_owned(),
        identity: process.identity.to_owned(),
        leader: process.leadership.leads(),
        leader_identity: process
            .leadership
            .holder()
            .map(|h| h.identity.clone())
            .or_else(|| process.leadership.other.clone()),
        epoch: process.leadership.epoch().unwrap_or_default(),
        started: Some(process.started),
        last_tick: Some(process.now),
        tick_seconds: process.tick_took.map(|t| t.as_secs_f64()),
        control,
        control_namespaces,
        config_in_force: process.config_in_force,
        datasources: process.datasources.iter().map(|reader| datasource(reader)).collect(),
        budgets: budgets(process.config, process.entries),
        forbidden: process.forbidden.to_vec(),
    }
}

/// The namespaces of all workloads, each once: keys are in their order.
fn namespaces(entries: &Entries) -> impl Iterator<Item = &str> {
    let mut last = None;
    entries.keys().map(|key| &*key.namespace).filter(move |name| last.replace(*name) != Some(*name))
}

fn datasource(reader: &Reader) -> api::Datasource {
    let error = reader.fault().map(|fault| fault.to_string());
    api::Datasource { name: reader.name().to_owned(), up: reader.is_up(), error }
}

/// Replicas above base that are held, by namespace and over the cluster.
fn budgets(config: &Config, entries: &Entries) -> api::Budgets {
    let mut spent: BTreeMap<&str, u32> = BTreeMap::new();
    for (key, entry) in entries {
        if let Hold::Held(held) = &entry.workload.target.hold {
            *spent.entry(&key.namespace).or_default() += held.floor.saturating_sub(held.base).get();
        }
    }
    let cluster = api::Budget { allowed: config.budgets.cluster.get(), spent: spent.values().sum() };
    let allowed = config.budgets.namespace.get();
    let namespaces = spent.into_iter().map(|(name, spent)| (name.to_owned(), api::Budget { allowed, spent })).collect();
    api::Budgets { cluster, namespaces }
}
