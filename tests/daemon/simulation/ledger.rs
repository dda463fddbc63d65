//! What the checker keeps of each HPA, of the Lease, and of who wrote last.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast::simulated::api::audit::Entry;
use floorcast::simulated::api::request::Request;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// One HPA.
#[derive(Clone, Debug)]
pub(crate) struct Watched {
    /// The floor that its user wants: the last value that a person gave it.
    pub(crate) intended: u32,
    /// When a person or an applier last touched it.
    pub(crate) touched: DateTime<Utc>,
    /// Landed writes of the last hour.
    pub(crate) writes: VecDeque<DateTime<Utc>>,
    /// Our last landed write.
    pub(crate) wrote: Option<DateTime<Utc>>,
    /// Floors that we wrote, newest last.
    pub(crate) floors: VecDeque<(DateTime<Utc>, u32)>,
    /// Since when it should be free and is not, with everybody alive and well.
    pub(crate) overdue: Option<DateTime<Utc>>,
    /// Since when its `until` has passed, with everybody alive and well.
    pub(crate) expired: Option<DateTime<Utc>>,
}

impl Watched {
    pub(crate) fn new(intended: u32, now: DateTime<Utc>) -> Self {
        Self {
            intended,
            touched: now,
            writes: VecDeque::new(),
            wrote: None,
            floors: VecDeque::new(),
            overdue: None,
            expired: None,
        }
    }

    /// Counts a landed write; gives how many there were within an hour.
    pub(crate) fn wrote(&mut self, now: DateTime<Utc>, floor: Option<u32>) -> usize {
        self.wrote = Some(now);
        self.writes.push_back(now);
        while self.writes.front().is_some_and(|at| now - *at >= TimeDelta::hours(1)) {
            self.writes.pop_front();
        }
        self.floors.extend(floor.map(|floor| (now, floor)));
        while self.floors.front().is_some_and(|(at, _)| now - *at >= TimeDelta::hours(25)) {
            self.floors.pop_front();
        }
        self.writes.len()
    }

    /// Whether we wrote this value within a day: it is then nobody's opinion.
    pub(crate) fn is_ours(&self, value: u32) -> bool {
        self.floors.iter().any(|(_, floor)| *floor == value)
    }
}

/// A fingerprint of everything that was asked of the API server, in its order: FNV-1a.
pub(crate) struct Digest(pub(crate) u64);

impl Digest {
    pub(crate) const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    pub(crate) fn take(&mut self, entry: &Entry) {
        let Entry { at, request, code, .. } = entry;
        let Request { user, pod, verb, kind, namespace, name, subresource, query, body, .. } = request;
        let line =
            format!("{at} {user} {pod} {verb:?} {kind:?} {namespace}/{name}/{subresource} {query:?} {body} {code}");
        self.0 = line.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    }
}

/// The Lease as the API server saw it.
#[derive(Default)]
pub(crate) struct Leases {
    /// Pod → uid of the Lease, when its tenure began, when its hold ends.
    tenures: BTreeMap<String, (String, DateTime<Utc>, DateTime<Utc>)>,
    /// Who holds the Lease now: its uid and the pod.
    holder: Option<(String, String, String)>,
    /// Pod → its last landed write of an HPA.
    wrote: BTreeMap<String, DateTime<Utc>>,
    /// Uid of the Lease and epoch → identity that wrote with it.
    epochs: BTreeMap<(String, u64), String>,
}

impl Leases {
    /// A landed request for the Lease.
    pub(crate) fn renewed(&mut self, entry: &Entry) {
        let Some(after) = entry.after.as_deref() else { return };
        let text = |at: &str| after.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (uid, identity) = (text("/metadata/uid"), text("/spec/holderIdentity"));
        let pod = entry.request.pod.clone();
        if !identity.starts_with(&format!("{pod}_")) {
            return;
        }
        let seconds = after.pointer("/spec/leaseDurationSeconds").and_then(Value::as_i64).unwrap_or(0);
        let ends = entry.at + TimeDelta::seconds(seconds);
        let now = (uid.clone(), pod.clone(), identity);
        let began = match self.tenures.get(&pod) {
            Some((_, began, _)) if self.holder.as_ref() == Some(&now) => *began,
            _ => entry.at,
        };
        self.tenures.insert(pod, (uid, began, ends));
        self.holder = Some(now);
    }

    /// Somebody deleted it.
    pub(crate) fn vanished(&mut self) {
        self.holder = None;
    }

    /// Whether this pod's process holds it at this moment.
    pub(crate) fn holds(&self, pod: &str, now: DateTime<Utc>) -> bool {
        self.holder.as_ref().is_some_and(|(_, holder, _)| holder == pod)
            && self.tenures.get(pod).is_some_and(|(_, _, ends)| now <= *ends)
    }

    /// A landed write of an HPA; what is wrong with it.
    pub(crate) fn wrote(&mut self, pod: &str, now: DateTime<Utc>, holder: Option<(&str, u64)>) -> Option<String> {
        let Some((uid, began, ends)) = self.tenures.get(pod).cloned() else {
            return Some(format!("{pod} wrote and never held the Lease"));
        };
        if now > ends {
            return Some(format!("{pod} wrote after its lease had ended at {ends}"));
        }
        if let Some((held, other, _)) = self.holder.as_ref().filter(|(held, other, _)| *held == uid && other != pod) {
            return Some(format!("{pod} wrote while {other} holds the Lease {held}"));
        }
        let other = self.wrote.iter().find(|(other, at)| *other != pod && **at > began);
        if let Some((other, at)) = other {
            return Some(format!("{pod} leads since {began}, {other} wrote at {at}, and now {pod} again"));
        }
        self.wrote.insert(pod.to_owned(), now);
        let (holder, epoch) = holder?;
        let key = (holder.split('/').nth(1).unwrap_or_default().to_owned(), epoch);
        let first = self.epochs.entry(key).or_insert_with(|| holder.to_owned());
        (first != holder).then(|| format!("{first} and {holder} both wrote in epoch {epoch}"))
    }
}
