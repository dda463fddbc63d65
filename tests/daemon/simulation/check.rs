//! The invariants of `failures.md` 2.0, checked on every mutating request of the daemon and on the objects after every step.

use super::facts::{self, BOOK, LABEL, MANAGER, Said, annotation, differences, is_live, is_marked, max, min};
use super::ledger::{Digest, Leases, Watched};
use super::trouble::{Kind as Trouble_, Trouble};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast::simulated::api::Server;
use floorcast::simulated::api::audit::Entry;
use floorcast::simulated::api::kind::Kind;
use floorcast::simulated::replay::USER;
use serde_json::Value;
use std::collections::BTreeMap;

/// Backoffs of watches and pauses of writers after the API server failed: up to a minute each, one after the other.
const RECOVERY: TimeDelta = TimeDelta::minutes(4);
/// The daemon reacts to a change within a gathering second and one write; the next look is a tick later.
const REACTION: TimeDelta = TimeDelta::seconds(15);
/// A tick, and the step in which the simulation looks.
const TICK: TimeDelta = TimeDelta::seconds(75);
/// Two steps and a minute: how old a sample may be to be acted on; with the step in which it was taken and a study's spread.
const FRESH: TimeDelta = TimeDelta::minutes(2 * 15 + 1 + 15 + 1);
/// A person's or tool's value is answered by a release, a fight or a new base: for two ramp steps a fall may be his.
const TOUCHED: TimeDelta = TimeDelta::minutes(10);
const DRAIN_WITHIN: TimeDelta = TimeDelta::minutes(5);
const WRITES_PER_HOUR: usize = 12;
const EVENTS_PER_HOUR: usize = 600;
/// Budgets of the simulation's configuration: replicas above base.
const WORKLOAD: u32 = 30;
const NAMESPACE: u32 = 40;
const CLUSTER: u32 = 60;

/// Namespace and name of an HPA.
pub(crate) type Key = (String, String);

pub(crate) struct Checker {
    pub(crate) hpas: BTreeMap<Key, Watched>,
    pub(crate) leases: Leases,
    pub(crate) violations: Vec<String>,
    pub(crate) course: Vec<String>,
    pub(crate) floors_raised: u32,
    pub(crate) writes: u32,
    pub(crate) digest: Digest,
    /// What the kill switch says, and since when.
    pub(crate) switch: (&'static str, DateTime<Utc>),
    troubles: Vec<Trouble>,
    events: Vec<DateTime<Utc>>,
    seed: u64,
}

impl Checker {
    pub(crate) fn new(seed: u64, troubles: &[Trouble]) -> Self {
        Self {
            hpas: BTreeMap::new(),
            leases: Leases::default(),
            violations: Vec::new(),
            course: Vec::new(),
            floors_raised: 0,
            writes: 0,
            digest: Digest::new(),
            switch: ("run", DateTime::UNIX_EPOCH),
            troubles: troubles.to_vec(),
            events: Vec::new(),
            seed,
        }
    }

    pub(crate) fn violated(&mut self, invariant: &str, now: DateTime<Utc>, object: &str, what: &str) {
        let seed = self.seed;
        let on: Vec<_> = self.troubles.iter().filter(|t| t.was_on(now, RECOVERY)).map(|t| t.kind.as_str()).collect();
        self.violations.push(format!(
            "{invariant} violated by seed {seed} at {now} on {object}: {what}\n  troubles then: {}\n  replay: FLOORCAST_SIM_SEED={seed} cargo test --test daemon one_seed -- --nocapture",
            on.join(", ")
        ));
    }

    /// A trouble of this kind on this workload now, or within the last `while_`.
    fn was_on(&self, now: DateTime<Utc>, while_: TimeDelta, fits: impl Fn(&Trouble) -> bool) -> bool {
        self.troubles.iter().any(|t| t.was_on(now, while_) && fits(t))
    }

    pub(crate) fn api_is_sound(&self, now: DateTime<Utc>) -> bool {
        !self.was_on(now, RECOVERY, |t| t.kind.is_api())
    }

    /// Since when no sample can have reached the daemon, if that is so.
    fn blind_since(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let mut since = None;
        let mut at = now;
        while let Some(trouble) = self.troubles.iter().find(|t| t.kind.blinds() && t.from < at && at <= t.until) {
            at = trouble.from;
            since = Some(at);
        }
        since
    }

    /// A sink for requests: every one of the daemon's, oldest first.
    pub(crate) fn requests(&mut self, server: &Server, entries: &[Entry]) {
        for entry in entries {
            self.digest.take(entry);
        }
        for entry in entries.iter().filter(|e| e.request.user == USER) {
            match entry.request.kind {
                Kind::Hpa => self.hpa(server, entry),
                Kind::Lease if (200..300).contains(&entry.code) => self.leases.renewed(entry),
                Kind::Lease | Kind::AccessReview => {}
                Kind::Event => self.event(entry),
                other => {
                    let what = format!("{} of a {}", entry.request.verb.as_str(), other.as_str());
                    self.violated("I9", entry.at, &entry.request.name, &what);
                }
            }
        }
    }

    fn event(&mut self, entry: &Entry) {
        let now = entry.at;
        self.events.retain(|at| now - *at < TimeDelta::hours(1));
        self.events.push(now);
        if self.events.len() == EVENTS_PER_HOUR {
            self.violated("I12", now, "Events", &format!("{EVENTS_PER_HOUR} within an hour"));
        }
    }

    fn hpa(&mut self, server: &Server, entry: &Entry) {
        let (request, now) = (&entry.request, entry.at);
        let object = format!("{}/{}", request.namespace, request.name);
        let shown = entry.before.as_deref().zip(entry.after.as_deref());
        let (from, to) = shown.map_or((0, 0), |(b, a)| (min(b), min(a)));
        self.course.push(format!("{now} {object} {} {} min {from} → {to}", request.pod, entry.code));
        let said = Said::of(request);
        if !said.uid {
            self.violated("I4", now, &object, &format!("a write without uid: {}", request.body));
        }
        if (said.force || !said.apply) && !said.version {
            self.violated("I4", now, &object, &format!("a forced write without resourceVersion: {}", request.body));
        }
        let (Some(before), Some(after)) = (&entry.before, &entry.after) else { return };
        if !(200..300).contains(&entry.code) {
            return;
        }
        self.writes += 1;
        let mut found = Vec::new();
        self.landed(server, entry, before, after, &mut found);
        for (invariant, what) in found {
            self.violated(invariant, now, &object, &format!("{what}\n  request: {}", request.body));
        }
    }

    fn landed(
        &mut self,
        server: &Server,
        entry: &Entry,
        before: &Value,
        after: &Value,
        found: &mut Vec<(&str, String)>,
    ) {
        let (request, now) = (&entry.request, entry.at);
        let holder = annotation(after, "holder").zip(annotation(after, "epoch").and_then(|e| e.parse().ok()));
        let holder = holder.filter(|_| Said::of(request).apply);
        found.extend(self.leases.wrote(&request.pod, now, holder).map(|what| ("I4", what)));
        if !entry.changed() {
            // After a write without an answer the same is asked once more; and what was seen late is said late.
            if self.api_is_sound(now) {
                found.push(("I7", "a write that changed nothing".to_owned()));
            }
            return;
        }
        let changed = differences(before, after);
        found.extend(foreign(&changed).map(|path| ("I3", format!("{path} changed"))));
        found.extend(robbed(before, after).map(|who| ("I3", format!("the managedFields entry of {who} changed"))));
        if let Some(key) = facts::missing_mark(after) {
            found.push(("I5", format!("floorcast.io/{key} is missing")));
        }
        if changed.iter().all(|p| p == "/metadata/managedFields" || p == "/metadata/resourceVersion") {
            return;
        }
        self.floor(server, entry, before, after, found);
    }

    /// A landed write of value or book-keeping.
    fn floor(
        &mut self,
        server: &Server,
        entry: &Entry,
        before: &Value,
        after: &Value,
        found: &mut Vec<(&str, String)>,
    ) {
        let (request, now) = (&entry.request, entry.at);
        let key = (request.namespace.clone(), request.name.clone());
        let Some(watched) = self.hpas.get(&key).cloned() else { return };
        let held = is_marked(after).then(|| min(after));
        let raised = held.is_some() && min(after) > min(before).max(facts::number(before, "floor").unwrap_or(0));
        let recent = now - watched.touched <= REACTION || !self.api_is_sound(now);
        if let Some(floor) = held {
            self.bounds(&watched, floor, before, after, recent, found);
        } else if annotation(before, "min-replicas").is_none() && min(after) != watched.intended.min(max(before)) {
            found.push(("I1", format!("given back {} where its user wants {}", min(after), watched.intended)));
        }
        if !is_marked(before) && held.is_some() && !is_live(before) {
            found.push(("I9", "a floor on an HPA that is not live".to_owned()));
        }
        if !recent && self.is_frozen(now) {
            found.push(("I9", "a write although the kill switch says freeze".to_owned()));
        }
        if raised {
            self.floors_raised += 1;
            found.extend(spent(server, &key).map(|what| ("I1", what)));
            if let Some(since) = self.blind_since(now).filter(|since| now - *since > FRESH) {
                found.push(("I2", format!("raised although no sample could arrive since {since}")));
            }
        } else if let Some(what) = self.fell(&watched, before, after, now) {
            found.push(("I2", what));
        }
        let watched = self.hpas.get_mut(&key).unwrap();
        let count = watched.wrote(now, held);
        if count > WRITES_PER_HOUR {
            found.push(("I7", format!("{count} writes within an hour")));
        }
    }

    fn bounds(
        &self,
        watched: &Watched,
        floor: u32,
        before: &Value,
        after: &Value,
        recent: bool,
        found: &mut Vec<(&str, String)>,
    ) {
        let base = facts::number(after, "base").unwrap_or(0);
        let most = max(before);
        let headroom = most.div_ceil(10).max(1);
        let cap = facts::number(before, "max-floor").unwrap_or(u32::MAX).min(most.saturating_sub(headroom));
        let cap = cap.min(base + WORKLOAD);
        if facts::number(after, "floor") != Some(floor) {
            found.push(("I5", format!("minReplicas is {floor}, the annotation says otherwise")));
        }
        if floor < base || (floor > cap && !recent) {
            found.push(("I1", format!("base {base}, floor {floor}, cap {cap} (max {most})")));
        }
        let intended = facts::number(before, "min-replicas").unwrap_or(watched.intended).min(most);
        if base != intended && !recent {
            found.push(("I1", format!("base {base} is recorded, its user wants {intended}")));
        }
    }

    fn is_frozen(&self, now: DateTime<Utc>) -> bool {
        let (word, since) = self.switch;
        word == "freeze" && now - since > REACTION
    }

    /// A floor that fell faster than the ramp although nobody but the missing samples asked for it.
    fn fell(&self, watched: &Watched, before: &Value, after: &Value, now: DateTime<Utc>) -> Option<String> {
        let since = self.blind_since(now).filter(|since| now - *since > FRESH)?;
        let asked = !is_live(before)
            || now - watched.touched <= TOUCHED
            || self.was_on(now, RECOVERY, |t| {
                matches!(t.kind, Trouble_::Released | Trouble_::OptedOut | Trouble_::Shadowed | Trouble_::Reverted)
            });
        let (from, to) = (min(before), min(after));
        // A step of the ramp is worth five minutes of 10 % each, compound, and at least one replica: 0.9⁵ stays.
        let kept = (f64::from(from) * 0.9_f64.powi(5)).ceil().min(f64::from(from) - 1.0) as u32;
        (!asked && to < kept).then(|| format!("{from} → {to} in one write, blind since {since}"))
    }

    /// The objects as they are; `alive`: a leader has the Lease and its process runs.
    pub(crate) fn objects(&mut self, server: &Server, now: DateTime<Utc>, alive: bool) {
        let keys: Vec<Key> = self.hpas.keys().cloned().collect();
        for key in keys {
            let Some(object) = server.get(Kind::Hpa, &key.0, &key.1) else { continue };
            let name = format!("{}/{}", key.0, key.1);
            let sound = alive && self.api_is_sound(now) && !self.was_on(now, TICK, |t| t.kind == Trouble_::Frozen);
            if is_marked(&object) && facts::moment(&object, "until").is_none() {
                self.violated("I6", now, &name, "a held floor without until");
            }
            self.expiry(&key, &name, &object, now, sound);
            self.handing_back(&key, &name, &object, now, sound);
        }
    }

    /// I6: past `until` a drain begins within five minutes of a living daemon.
    fn expiry(&mut self, key: &Key, name: &str, object: &Value, now: DateTime<Utc>, sound: bool) {
        let watched = self.hpas.get_mut(key).unwrap();
        let until = facts::moment(object, "until").filter(|_| is_marked(object));
        let due = until.is_some_and(|until| until < now && watched.wrote.is_none_or(|at| at <= until));
        watched.expired = if due && sound { watched.expired.or(Some(now)) } else { None };
        if let Some(since) = watched.expired.filter(|since| now - *since > DRAIN_WITHIN + TICK) {
            watched.expired = None;
            let what = format!("held past its until {}, unattended since {since}", until.unwrap_or(now));
            self.violated("I6", now, name, &what);
        }
    }

    /// Opted out, in shadow, or released by the kill switch: the base is back within 60 s and a tick for a conflict.
    fn handing_back(&mut self, key: &Key, name: &str, object: &Value, now: DateTime<Utc>, sound: bool) {
        let released = self.troubles.iter().any(|t| t.kind == Trouble_::Released && t.is_on(now));
        let fought = self.was_on(now, TICK, |t| matches!(t.kind, Trouble_::Reverted | Trouble_::Copied));
        let bad = self.was_on(now, TICK, |t| t.kind == Trouble_::BadAnnotation);
        let due = is_marked(object) && (released || (!is_live(object) && !bad)) && !fought;
        let watched = self.hpas.get_mut(key).unwrap();
        watched.overdue = if due && sound { watched.overdue.or(Some(now)) } else { None };
        if let Some(since) = watched.overdue.filter(|since| now - *since > TimeDelta::seconds(60) + TICK) {
            watched.overdue = None;
            self.violated("I6", now, name, &format!("it should be handed back since {since}"));
        }
    }
}

/// Changed paths that are none of ours.
fn foreign(changed: &[String]) -> impl Iterator<Item = &String> {
    changed.iter().filter(|path| {
        let ours = match path.strip_prefix("/metadata/annotations/floorcast.io/") {
            Some(key) => BOOK.contains(&key) || key == "released-until",
            None => false,
        };
        let label = path.strip_prefix("/metadata/labels/") == Some(LABEL);
        let booked =
            ["/metadata/managedFields", "/metadata/resourceVersion", "/metadata/generation", "/spec/minReplicas"];
        !ours && !label && !booked.contains(&path.as_str())
    })
}

/// Managers other than us who lost or won more than `spec.minReplicas`.
fn robbed(before: &Value, after: &Value) -> Option<String> {
    let entries = |object: &Value| -> BTreeMap<String, Value> {
        let all = object.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
        let others = all.into_iter().filter(|e| e["manager"] != MANAGER);
        others.map(|e| (format!("{}/{}/{}", e["manager"], e["operation"], e["subresource"]), without_min(e))).collect()
    };
    let (before, after) = (entries(before), entries(after));
    let differs = |(who, entry): &(&String, &Value)| {
        let nothing_left = entry["fieldsV1"].as_object().is_none_or(serde_json::Map::is_empty);
        match after.get(*who) {
            Some(now) => now["fieldsV1"] != entry["fieldsV1"],
            None => !nothing_left,
        }
    };
    let lost = before.iter().find(differs).map(|(who, _)| who.clone());
    lost.or_else(|| after.keys().find(|who| !before.contains_key(*who)).cloned())
}

/// The entry's fields without `minReplicas`, and without the ownership of maps themselves, which the API server drops with the
/// last key of a map, whoever takes it out.
fn without_min(mut entry: Value) -> Value {
    for map in ["/fieldsV1/f:metadata/f:annotations", "/fieldsV1/f:metadata/f:labels"] {
        if let Some(keys) = entry.pointer_mut(map).and_then(Value::as_object_mut) {
            keys.remove(".");
        }
    }
    if let Some(metadata) = entry.pointer_mut("/fieldsV1/f:metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, keys| keys.as_object().is_none_or(|keys| !keys.is_empty()));
        if metadata.is_empty() {
            entry["fieldsV1"].as_object_mut().unwrap().remove("f:metadata");
        }
    }
    if let Some(spec) = entry.pointer_mut("/fieldsV1/f:spec").and_then(Value::as_object_mut) {
        spec.remove("f:minReplicas");
        if spec.is_empty() {
            entry["fieldsV1"].as_object_mut().unwrap().remove("f:spec");
        }
    }
    entry
}

/// Budgets that all floors together exceed.
fn spent(server: &Server, key: &Key) -> Option<String> {
    let above = |namespace: &str| -> u32 {
        let held = server.list(Kind::Hpa, namespace);
        held.iter().filter(|o| is_marked(o)).map(|o| min(o).saturating_sub(facts::number(o, "base").unwrap_or(0))).sum()
    };
    let (namespace, cluster) = (above(&key.0), above(""));
    (namespace > NAMESPACE || cluster > CLUSTER)
        .then(|| format!("{namespace} replicas above base in the namespace, {cluster} in the cluster"))
}
