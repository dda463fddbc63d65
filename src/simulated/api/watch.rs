//! Watches: the log of changes as a stream of JSON lines.

use super::kind::Kind;
use super::refusal::Refusal;
use super::request::Request;
use super::selector::Selector;
use super::serve::State;
use super::store::{Change, ChangeKind};
use super::{Shared, lock};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::Stream;
use serde_json::{Value, json};
use std::sync::Arc;

/// The server tells of its version this often when nothing else happens.
const BOOKMARK_EVERY: TimeDelta = TimeDelta::seconds(60);
/// A watch lasts this long where the client names no time.
const DEFAULT_TIMEOUT: TimeDelta = TimeDelta::minutes(30);

/// One watch under way.
pub(super) struct Watch {
    shared: Arc<Shared>,
    kind: Kind,
    namespace: String,
    selector: Selector,
    position: u64,
    closings: u64,
    bookmarks: bool,
    next_bookmark: DateTime<Utc>,
    ends: DateTime<Utc>,
    /// Lines to send before anything else.
    first: Vec<u8>,
    over: bool,
}

enum Step {
    Send(Bytes),
    WaitUntil(DateTime<Utc>),
    End,
}

impl Watch {
    /// Begins a watch.
    ///
    /// # Errors
    /// 400 for a bad selector, 500 for a version that is no number, as the real server answers.
    pub(super) fn begin(shared: Arc<Shared>, request: &Request) -> Result<Self, Refusal> {
        let selector = Selector::parse(request.param("labelSelector"), request.param("fieldSelector"))?;
        let asked = request.param("resourceVersion");
        let from: u64 = if asked.is_empty() { 0 } else { asked.parse().map_err(|_| bad_version(asked))? };
        let now = shared.clock.now();
        let timeout = request.param("timeoutSeconds").parse().ok();
        let mut watch = Self {
            kind: request.kind,
            namespace: request.namespace.clone(),
            selector,
            position: from,
            closings: 0,
            bookmarks: request.flag("allowWatchBookmarks"),
            next_bookmark: now + BOOKMARK_EVERY,
            ends: now + timeout.map_or(DEFAULT_TIMEOUT, TimeDelta::seconds),
            first: Vec::new(),
            over: false,
            shared,
        };
        watch.open(from, request.flag("sendInitialEvents"));
        Ok(watch)
    }

    /// Sends the state as it is where the client named no version, or asked for it; refuses a version no longer kept.
    fn open(&mut self, from: u64, initial: bool) {
        let shared = self.shared.clone();
        let state = lock(&shared.state);
        self.closings = state.watch_closings;
        if from > 0 && !initial {
            if let Err(gone) = state.store.kept(from) {
                self.first = line("ERROR", &gone.body);
                self.over = true;
            }
            return;
        }
        self.position = state.store.version();
        for (_, object) in state.store.list(self.kind, &self.namespace) {
            if self.selector.wants(object) {
                self.first.extend(line("ADDED", object));
            }
        }
        if initial {
            let mark = self.bookmark(&json!({"k8s.io/initial-events-end": "true"}));
            self.first.extend(mark);
        }
    }

    fn bookmark(&self, annotations: &Value) -> Vec<u8> {
        let mut metadata = json!({"resourceVersion": self.position.to_string(), "creationTimestamp": null});
        if !annotations.is_null() {
            metadata["annotations"] = annotations.clone();
        }
        let object = json!({"kind": self.kind.as_str(), "apiVersion": self.kind.api_version(), "metadata": metadata});
        line("BOOKMARK", &object)
    }

    /// As a stream of chunks of whole lines.
    pub(super) fn stream(self) -> impl Stream<Item = Bytes> + Send {
        futures::stream::unfold(self, |mut watch| async move {
            let shared = Arc::clone(&watch.shared);
            loop {
                // Listens before it looks, so that no change falls in between.
                let mut changed = std::pin::pin!(shared.changed.notified());
                changed.as_mut().enable();
                match watch.step() {
                    Step::Send(lines) => return Some((lines, watch)),
                    Step::End => return None,
                    Step::WaitUntil(at) => tokio::select! {
                        biased;
                        () = shared.clock.until(at) => {}
                        () = changed => {}
                    },
                }
            }
        })
    }

    fn step(&mut self) -> Step {
        if !self.first.is_empty() {
            return Step::Send(Bytes::from(std::mem::take(&mut self.first)));
        }
        if self.over {
            return Step::End;
        }
        let shared = self.shared.clone();
        let now = shared.clock.now();
        let state = lock(&shared.state);
        if state.watch_closings != self.closings || now >= self.ends {
            return Step::End;
        }
        let (lines, late) = self.news(&state, now);
        if !lines.is_empty() {
            return Step::Send(Bytes::from(lines));
        }
        if self.bookmarks && late.is_none() && now >= self.next_bookmark {
            self.next_bookmark = now + BOOKMARK_EVERY;
            return Step::Send(Bytes::from(self.bookmark(&Value::Null)));
        }
        let next = if self.bookmarks { self.next_bookmark.min(self.ends) } else { self.ends };
        // A bookmark that is due while changes are held back waits with them.
        Step::WaitUntil(late.unwrap_or(next).min(self.ends))
    }

    /// Changes that may be told, and when the next one that is held back may.
    fn news(&mut self, state: &State, now: DateTime<Utc>) -> (Vec<u8>, Option<DateTime<Utc>>) {
        let changes = match state.store.since(self.position) {
            Ok(changes) => changes,
            Err(gone) => {
                self.over = true;
                return (line("ERROR", &gone.body), None);
            }
        };
        let mut lines = Vec::new();
        for change in changes {
            let told_at = change.at + state.faults.watch_delay(change.at);
            if told_at > now {
                return (lines, Some(told_at));
            }
            self.position = change.version;
            if self.concerns(change)
                && let Some(event) = self.event(change)
            {
                lines.extend(line(event, &change.object));
            }
        }
        (lines, None)
    }

    fn concerns(&self, change: &Change) -> bool {
        change.kind == self.kind && (self.namespace.is_empty() || self.namespace == change.namespace)
    }

    /// What the change is to somebody who sees only what the selector wants.
    fn event(&self, change: &Change) -> Option<&'static str> {
        let wanted = change.before.as_ref().is_some_and(|b| self.selector.wants(b));
        let wants = change.what != ChangeKind::Deleted && self.selector.wants(&change.object);
        match (wanted, wants) {
            (false, true) => Some("ADDED"),
            (true, true) => Some("MODIFIED"),
            (true, false) => Some("DELETED"),
            (false, false) => None,
        }
    }
}

fn line(event: &str, object: &Value) -> Vec<u8> {
    let mut line = json!({"type": event, "object": object}).to_string().into_bytes();
    line.push(b'\n');
    line
}

fn bad_version(asked: &str) -> Refusal {
    Refusal::internal(format!(
        "resourceVersion: Invalid value: \"{asked}\": strconv.ParseUint: parsing \"{asked}\": invalid syntax"
    ))
}
