//! What the server was asked to change, by whom, and what it answered.

use super::request::{Request, Verb};
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One mutating request.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// What was asked.
    pub request: Request,
    /// HTTP status code; 0 where the client never learned the answer.
    pub code: u16,
    /// The object before it, where there was one.
    pub before: Option<Arc<Value>>,
    /// The object after it; the one before where nothing changed.
    pub after: Option<Arc<Value>>,
}

impl Entry {
    /// Whether it changed something, answered or not.
    pub fn changed(&self) -> bool {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => !Arc::ptr_eq(before, after),
            (None, None) => false,
            _ => true,
        }
    }
}

/// The audit log: each mutating request whole, the others counted.
#[derive(Clone, Debug, Default)]
pub struct Audit {
    entries: Vec<Entry>,
    counts: BTreeMap<(Verb, &'static str), u64>,
}

impl Audit {
    /// The mutating requests, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Requests of this verb for this plural, mutating or not, refused or not.
    pub fn count(&self, verb: Verb, plural: &str) -> u64 {
        self.counts.iter().filter(|((v, p), _)| *v == verb && *p == plural).map(|(_, n)| n).sum()
    }

    pub(super) fn drain(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    pub(super) fn counted(&mut self, request: &Request) {
        let key = (request.verb, request.kind.plural());
        *self.counts.entry(key).or_default() += 1;
    }

    pub(super) fn record(&mut self, entry: Entry) {
        self.entries.push(entry);
    }
}
