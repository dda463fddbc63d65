//! Sending, in the background: a new Event is created, the same words again are patched into its series. The API server
//! lets nothing else of an Event change, the note least of all.

use super::pace::{self, Bucket};
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

    pub(super) async fn run(mut self, mut inbox: mpsc::Receiver<News>) {
        while let Some(news) = inbox.recv().await {
            let sent = self.bucket.take((self.shared.now)()) && self.send(news).await;
            let counter = if sent { &self.shared.sent } else { &self.shared.dropped };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn send(&mut self, news: News) -> bool {
        self.series.retain(|_, s| news.at.signed_duration_since(s.at) < pace::SERIES);
        let key = (news.about.clone(), news.reason);
        if let Some(series) = self.series.get_mut(&key).filter(|s| s.note == news.note) {
            series.count = series.count.saturating_add(1).saturating_add(news.unsent);
            series.at = news.at;
            let (name, body) = (series.name.clone(), repeated(&news, series.count));
            match self.patch(&news.about.namespace, &name, &body).await {
                Some(StatusCode::NOT_FOUND) => {}
                status => return status.is_some_and(|s| s.is_success()),
            }
        }
        let name = name(&news);
        let created = self.create(&news, &name).await;
        if created && self.series.len() < SERIES {
            let at = news.at;
            self.series.insert(key, Series { name, note: news.note, count: 1, at });
        }
        created
    }

    async fn create(&self, news: &News, name: &str) -> bool {
        let body = first(news, name, &self.instance);
        let path = format!("/apis/events.k8s.io/v1/namespaces/{}/events", news.about.namespace);
        let status = self.request(Method::POST, path, "application/json", &body).await;
        status.is_some_and(|s| s.is_success())
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
