//! Sending, in the background: a new Event is created, the same words again are patched into its series. The API server
//! lets nothing else of an Event change, the note least of all.

use super::pace::{self, Bucket};
use super::reason::Weight;
use super::{About, EventReason, News, Shared};
use chrono::{DateTime, SecondsFormat, Utc};
use http::{Method, Request, StatusCode};
use kube::Client;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::sync::mpsc;

/// One request may take this long; then its event is lost.
const PATIENCE: Duration = Duration::from_secs(5);
/// So often an event that must be told is sent before it is given up.
const TRIES: usize = 3;
/// Series that are remembered.
const SERIES: usize = 4096;

pub(super) struct Sender {
    client: Client,
    instance: String,
    shared: Arc<Shared>,
    bucket: Bucket,
    series: BTreeMap<(About, EventReason), Series>,
}

/// An Event that is there already and may be repeated.
struct Series {
    name: String,
    note: String,
    count: i32,
    at: DateTime<Utc>,
}

impl Sender {
    pub(super) fn new(client: Client, instance: String, shared: Arc<Shared>) -> Self {
        Self { bucket: Bucket::new((shared.now)()), client, instance, shared, series: BTreeMap::new() }
    }

    /// Sends what comes, what must be told first, until both queues are closed.
    pub(super) async fn run(mut self, mut musts: mpsc::Receiver<News>, mut others: mpsc::Receiver<News>) {
        loop {
            let news = tokio::select! {
                biased;
                Some(news) = musts.recv() => news,
                news = others.recv() => match news {
                    Some(news) => news,
                    None => return,
                },
            };
            let sent = match news.reason.weight() {
                Weight::Must => self.insist(&news).await,
                weight => self.bucket.take((self.shared.now)(), weight) && self.send(&news).await,
            };
            let counter = if sent { &self.shared.sent } else { &self.shared.dropped };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits for its turn, and tries again where the server did not answer; not for ever.
    async fn insist(&mut self, news: &News) -> bool {
        let pause = pace::EVERY.to_std().unwrap_or_default();
        for _ in 0..TRIES {
            while !self.bucket.take((self.shared.now)(), Weight::Must) {
                tokio::time::sleep(pause).await;
            }
            if self.send(news).await {
                return true;
            }
            tokio::time::sleep(pause).await;
        }
        false
    }

    async fn send(&mut self, news: &News) -> bool {
        self.series.retain(|_, s| news.at.signed_duration_since(s.at) < pace::SERIES);
        let key = (news.about.clone(), news.reason);
        if let Some(series) = self.series.get(&key).filter(|s| s.note == news.note) {
            let count = series.count.saturating_add(1).saturating_add(news.unsent);
            let name = series.name.clone();
            match self.patch(&news.about.namespace, &name, &repeated(news, count)).await {
                Some(StatusCode::NOT_FOUND) => {}
                Some(status) if status.is_success() => {
                    self.series.insert(key, Series { name, note: news.note.clone(), count, at: news.at });
                    return true;
                }
                _ => return false,
            }
        }
        let name = name(news);
        let created = self.create(news, &name).await;
        if created && self.series.len() < SERIES {
            self.series.insert(key, Series { name, note: news.note.clone(), count: 1, at: news.at });
        }
        created
    }

    async fn create(&self, news: &News, name: &str) -> bool {
        let body = first(news, name, &self.instance);
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", news.about.namespace);
        let status = self.request(Method::POST, path, "application/json", &body).await;
        // The name is this very event's: where it is there already, an earlier try landed without an answer.
        status.is_some_and(|s| s.is_success() || s == StatusCode::CONFLICT)
    }

    async fn patch(&self, namespace: &str, name: &str, body: &Value) -> Option<StatusCode> {
        let path = format!("/apis/events.k8s.io/v1/namespaces/{namespace}/events/{name}");
        self.request(Method::PATCH, path, "application/merge-patch+json", body).await
    }

    async fn request(&self, method: Method, path: String, mime: &str, body: &Value) -> Option<StatusCode> {
        let request = Request::builder().method(method).uri(path).header("content-type", mime);
        let request = request.body(kube::client::Body::from(body.to_string().into_bytes())).ok()?;
        match tokio::time::timeout(PATIENCE, self.client.send(request)).await {
            Ok(Ok(response)) => {
                let status = response.status();
                // Reading the answer to its end lets the connection be used again.
                let _ = response.into_body().collect_bytes().await;
                Some(status)
            }
            Ok(Err(why)) => {
                tracing::debug!(error = %crate::kubernetes::chain(&why), "an event was lost");
                None
            }
            Err(_) => None,
        }
    }
}

/// `<object>.<nanoseconds in hex>`, as Kubernetes' own recorders name theirs.
fn name(news: &News) -> String {
    let object: String = news.about.name.chars().take(200).collect();
    let nanos = news.at.timestamp_nanos_opt().unwrap_or_default();
    // Two events about one object at one instant (a paused clock) still need two names.
    format!("{object}.{nanos:x}{:02x}", news.reason as u8)
}

fn first(news: &News, name: &str, instance: &str) -> Value {
    let about = &news.about;
    json!({
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"name": name, "namespace": about.namespace},
        "eventTime": micro(news.at),
        "reportingController": "floorcast.io/floorcast",
        "reportingInstance": instance.chars().take(128).collect::<String>(),
        "action": news.reason.as_str(),
        "reason": news.reason.as_str(),
        "type": news.reason.severity().as_str(),
        "note": news.note,
        "regarding": {
            "apiVersion": about.api_version,
            "kind": about.kind,
            "namespace": about.namespace,
            "name": about.name,
            "uid": about.uid,
        },
    })
}

fn repeated(news: &News, count: i32) -> Value {
    json!({"series": {"count": count, "lastObservedTime": micro(news.at)}})
}

fn micro(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}
