//! The Prometheus reader against real sockets: small hostile servers on loopback, certificates of every kind, and a real
//! Prometheus with a past.
#![allow(clippy::unwrap_used)]

#[path = "wire/derivation.rs"]
mod derivation;
#[path = "wire/http.rs"]
mod http;
#[path = "wire/past.rs"]
mod past;
#[path = "wire/prometheus.rs"]
mod prometheus;
#[path = "wire/report.rs"]
mod report;
#[path = "wire/server.rs"]
mod server;
#[path = "wire/tls.rs"]
mod tls;

use chrono::{DateTime, TimeDelta, Utc};
use floorcast::datasource::http::Http;
use floorcast::datasource::{Answer, DatasourceSettings, Fault, RangeQuery, Reader, Unobserved};
use std::sync::Arc;
use std::time::Duration;

/// A reader over HTTP.
fn reader(url: &str, change: impl FnOnce(&mut DatasourceSettings)) -> Reader {
    let mut settings = DatasourceSettings::new("main", url);
    settings.limits.total = Duration::from_secs(10);
    change(&mut settings);
    Reader::new(&settings, Arc::new(Http::new(&settings).unwrap()), Arc::new(Unobserved), 1)
}

/// Ten minutes, minute by minute, long ago; the server's stamps are 1000020, 1000080, … 1000560.
fn ten_minutes(query: &str) -> RangeQuery {
    range(query, 999_960, 1_000_560, 60)
}

fn range(query: &str, from: i64, to: i64, step: i64) -> RangeQuery {
    let at = |s| DateTime::from_timestamp(s, 0).unwrap();
    RangeQuery { query: query.to_owned(), start: at(from), end: at(to), step: TimeDelta::seconds(step) }
}

/// One question, its fault without the envelope.
async fn ask(reader: &Reader, query: RangeQuery) -> Result<Answer, Fault> {
    reader.range(Utc::now(), &[query]).await.remove(0).map_err(|e| e.fault)
}
