//! The syncs of the real controller, from the API server's audit log and the metrics API's record.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use floorcast_models::hpa::Scale;
use floorcast_testbed::cluster::Request;
use floorcast_testbed::metrics_api::{Asked, Question};
use serde_json::Value;

use crate::stage::{NAMESPACE, Stage};

/// One sync of one HPA: what the controller read and wrote.
#[derive(Clone, Debug)]
pub(crate) struct Sync {
    /// When it read the scale, and when it had it.
    pub(crate) began: DateTime<Utc>,
    pub(crate) read: DateTime<Utc>,
    /// The scale, or the HTTP status of its failure.
    pub(crate) scale: Result<Scale, u16>,
    /// Metrics asked for, in order.
    pub(crate) asked: Vec<Asked>,
    /// The last write of the size.
    pub(crate) size: Option<Write<i32>>,
    /// The write of the status: the whole HPA as the controller had it.
    pub(crate) status: Option<Write<Value>>,
    /// When the next sync of this HPA began.
    pub(crate) next: DateTime<Utc>,
}

/// A write of the controller.
#[derive(Clone, Debug)]
pub(crate) struct Write<T> {
    pub(crate) sent: DateTime<Utc>,
    pub(crate) done: DateTime<Utc>,
    pub(crate) code: u16,
    pub(crate) value: T,
}

impl<T> Write<T> {
    pub(crate) fn landed(&self) -> bool {
        self.code < 300
    }
}

/// What the API server and the metrics API wrote down.
pub(crate) struct Record {
    log: Vec<Request>,
    asked: Vec<Asked>,
}

impl Record {
    /// All up to now.
    pub(crate) fn of(stage: &Stage) -> Self {
        // Questions last: every sync that the log shows as finished has all of its own.
        let mut log = stage.cluster.audit().unwrap();
        log.retain(|request| request.object_ref.namespace == NAMESPACE);
        log.sort_by(|a, b| a.request_received_timestamp.cmp(&b.request_received_timestamp));
        Self { log, asked: stage.cluster.metrics().script().asked() }
    }

    /// The finished syncs of every HPA, in order.
    pub(crate) fn syncs(&self) -> BTreeMap<String, Vec<Sync>> {
        let mut all: BTreeMap<String, Vec<Sync>> = BTreeMap::new();
        for request in &self.log {
            take(all.entry(request.object_ref.name.clone()).or_default(), request);
        }
        for (name, syncs) in &mut all {
            let theirs: Vec<&Asked> = self.asked.iter().filter(|a| app(&a.question) == *name).collect();
            attribute(syncs, &theirs);
            // The last one may be under way.
            syncs.pop();
        }
        all
    }
}

fn take(syncs: &mut Vec<Sync>, request: &Request) {
    let (sent, done) = (time(&request.request_received_timestamp), time(&request.stage_timestamp));
    let (resource, verb) = (request.object_ref.resource.as_str(), request.verb.as_str());
    match (resource, verb, syncs.last_mut()) {
        // After a refused write the controller reads the scale once more: still the same sync.
        ("replicationcontrollers", "get", Some(Sync { size: Some(size), status: None, .. })) if !size.landed() => {}
        ("replicationcontrollers", "get", _) => {
            let scale = scale(request);
            let (asked, next) = (Vec::new(), DateTime::<Utc>::MAX_UTC);
            if let Some(last) = syncs.last_mut() {
                last.next = sent;
            }
            syncs.push(Sync { began: sent, read: done, scale, asked, size: None, status: None, next });
        }
        ("replicationcontrollers", _, Some(sync)) => {
            let value = request.request_object.as_ref().and_then(|o| o.pointer("/spec/replicas")?.as_i64());
            sync.size = Some(Write { sent, done, code: request.code(), value: value.unwrap_or(0) as i32 });
        }
        (_, _, Some(sync)) => {
            let value = request.request_object.clone().unwrap_or_default();
            sync.status = Some(Write { sent, done, code: request.code(), value });
        }
        (_, _, None) => {}
    }
}

fn scale(request: &Request) -> Result<Scale, u16> {
    let body = request.response_object.as_ref().filter(|_| request.code() < 300).ok_or(request.code())?;
    // The API leaves zeros out.
    let number = |at: &str| body.pointer(at).and_then(Value::as_i64).unwrap_or(0) as i32;
    Ok(Scale { spec_replicas: number("/spec/replicas"), status_replicas: number("/status/replicas") })
}

fn attribute(syncs: &mut [Sync], asked: &[&Asked]) {
    for sync in syncs {
        sync.asked = asked.iter().filter(|a| sync.began <= a.at && a.at < sync.next).map(|a| (*a).clone()).collect();
    }
}

/// Whose question it is: names of metrics end with the HPA's name and their position.
fn app(question: &Question) -> &str {
    let of = |metric: &'_ str| -> (usize, usize) {
        let begin = metric.find('-').map_or(0, |at| at + 1);
        (begin, metric.rfind('-').unwrap_or(metric.len()))
    };
    match question {
        Question::Cpu { workload } | Question::Pods { workload, .. } => workload,
        Question::Object { metric, .. } | Question::External { metric } => {
            let (begin, end) = of(metric);
            &metric[begin..end]
        }
    }
}

fn time(stamp: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(stamp).map_or(DateTime::<Utc>::MIN_UTC, |at| at.to_utc())
}
