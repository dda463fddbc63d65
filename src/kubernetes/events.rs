//! Kubernetes Events: told once, aggregated, and never in anybody's way.
//!
//! A fixed list of reasons; the same words again become a series; at most ten a minute go out in the long run; what does not
//! fit is counted and dropped, the ordinary course first. What must be told (`Contended`) waits for its turn instead.

mod pace;
mod reason;
mod send;

use reason::Weight;
pub use reason::{EventReason, Severity};

use super::workload::Workload;
use chrono::{DateTime, Utc};
use kube::Client;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Events of each queue that wait to be sent; more are dropped, oldest news first out of the door.
const QUEUE: usize = 256;
/// Longest note, bytes. The API allows 1 kB.
const NOTE: usize = 1000;

/// What an event is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct About {
    /// API version.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Namespace; the event lives there.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// UID, where known.
    pub uid: String,
}

impl From<&Workload> for About {
    fn from(workload: &Workload) -> Self {
        Self {
            api_version: "autoscaling/v2".to_owned(),
            kind: "HorizontalPodAutoscaler".to_owned(),
            namespace: workload.namespace.clone(),
            name: workload.hpa.clone(),
            uid: workload.target.uid.clone(),
        }
    }
}

/// Sends events in the background.
#[derive(Clone)]
pub struct Recorder {
    must: mpsc::Sender<News>,
    rest: mpsc::Sender<News>,
    shared: Arc<Shared>,
}

struct Shared {
    /// What was said last about an object for a reason: the same again within six minutes is only counted.
    last: Mutex<BTreeMap<(About, EventReason), Said>>,
    dropped: AtomicU64,
    sent: AtomicU64,
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

struct Said {
    at: DateTime<Utc>,
    note: String,
    /// How often it was said again since.
    again: i32,
}

/// One thing to tell.
#[derive(Clone, Debug)]
struct News {
    about: About,
    reason: EventReason,
    note: String,
    at: DateTime<Utc>,
    /// How often it was said before without being sent.
    unsent: i32,
}

impl Recorder {
    /// Starts the background task; `instance` is the pod's name. Must be called on a tokio runtime.
    pub fn start(client: Client, instance: &str, now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>) -> Self {
        let ((must, musts), (rest, others)) = (mpsc::channel(QUEUE), mpsc::channel(QUEUE));
        let shared =
            Arc::new(Shared { last: Mutex::default(), dropped: AtomicU64::new(0), sent: AtomicU64::new(0), now });
        let sender = send::Sender::new(client, instance.to_owned(), Arc::clone(&shared));
        tokio::spawn(sender.run(musts, others));
        Self { must, rest, shared }
    }

    /// Tells something about a workload. Returns at once; best effort.
    pub fn tell(&self, workload: &Workload, reason: EventReason, note: &str) {
        self.tell_about(About::from(workload), reason, note);
    }

    /// Tells something about any object.
    pub fn tell_about(&self, about: About, reason: EventReason, note: &str) {
        let note = sanitised(note);
        let at = (self.shared.now)();
        let Some(unsent) = self.shared.news(&about, reason, &note, at) else {
            return;
        };
        let news = News { about, reason, note, at, unsent };
        let queue = if reason.weight() == Weight::Must { &self.must } else { &self.rest };
        if queue.try_send(news).is_err() {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Events that were not sent, for a counter metric.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    /// Events that were sent, aggregated ones included.
    pub fn sent(&self) -> u64 {
        self.shared.sent.load(Ordering::Relaxed)
    }
}

impl Shared {
    /// `None`: said within the last six minutes, and only counted. Else how often it was said unsent.
    fn news(&self, about: &About, reason: EventReason, note: &str, at: DateTime<Utc>) -> Option<i32> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.retain(|_, said| at.signed_duration_since(said.at) < pace::SERIES);
        let mut unsent = 0;
        if let Some(said) = last.get_mut(&(about.clone(), reason)).filter(|said| said.note == note) {
            if at.signed_duration_since(said.at) < pace::WINDOW {
                said.again = said.again.saturating_add(1);
                return None;
            }
            unsent = said.again;
        }
        last.insert((about.clone(), reason), Said { at, note: note.to_owned(), again: 0 });
        Some(unsent)
    }
}

/// One line without control characters, at most 1,000 bytes.
fn sanitised(note: &str) -> String {
    let mut text = String::new();
    for c in note.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        if text.len() + c.len_utf8() > NOTE {
            break;
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests;
