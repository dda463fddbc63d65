//! The JSON of Prometheus' HTTP API.

use super::faults::Fault;
use super::{Served, State};
use crate::datasource::{Ask, StatusPage};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

/// Points of one series that the real server refuses to exceed.
const MOST_POINTS: i64 = 11_000;

/// Status and body of an answer.
pub(super) type Answer = (u16, Value);

pub(super) fn failure(status: u16, kind: &str, why: &str) -> Answer {
    (status, json!({"status": "error", "errorType": kind, "error": why}))
}

fn success(data: &Value, fault: Option<Fault>) -> Answer {
    let mut body = json!({"status": "success", "data": data});
    if let Some(Fault::Partial(_)) = fault {
        let warning = "receive series from Addr: store-1:10901: rpc error: code = Unavailable";
        body["warnings"] = json!([warning]);
    }
    (200, body)
}

impl State {
    /// The answer to a question asked at `now`, with what a fault does to its content.
    pub(super) fn answer(&mut self, ask: &Ask, fault: Option<Fault>, now: DateTime<Utc>) -> Answer {
        match ask {
            Ask::Range { query, start, end, step } => self.range(query, (*start, *end, *step), fault, now),
            Ask::Instant { query, at } => self.instant(query, *at, fault, now),
            Ask::LabelValues { label, .. } => success(&self.label_values(label), None),
            Ask::Status(page) => success(&status_page(*page), None),
        }
    }

    fn range(
        &mut self,
        query: &str,
        (start, end, step): (DateTime<Utc>, DateTime<Utc>, TimeDelta),
        fault: Option<Fault>,
        now: DateTime<Utc>,
    ) -> Answer {
        let seconds = step.num_seconds().max(1);
        let points = (end - start).num_seconds() / seconds;
        if points < 0 {
            return failure(400, "bad_data", "invalid parameter \"end\": end timestamp must not be before start time");
        }
        if points > MOST_POINTS {
            let why = "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)";
            return failure(400, "bad_data", why);
        }
        let grid: Vec<_> = (0..=points).map(|i| start + TimeDelta::seconds(i * seconds)).collect();
        let result: Vec<Value> =
            self.meant_with(query, fault).iter().filter_map(|served| self.row(served, &grid, fault, now)).collect();
        success(&json!({"resultType": "matrix", "result": result}), fault)
    }

    /// One series on the grid; nothing where it has no sample there.
    fn row(
        &mut self,
        served: &Served,
        grid: &[DateTime<Utc>],
        fault: Option<Fault>,
        now: DateTime<Utc>,
    ) -> Option<Value> {
        let mut values: Vec<Value> =
            grid.iter().filter_map(|at| Some(pair(*at, self.evaluated(served, *at, now)?, fault))).collect();
        self.points += values.len() as u64;
        if fault == Some(Fault::Unsorted) {
            values.reverse();
        }
        (!values.is_empty()).then(|| json!({"metric": served.labels, "values": values}))
    }

    fn instant(&mut self, query: &str, at: DateTime<Utc>, fault: Option<Fault>, now: DateTime<Utc>) -> Answer {
        let result: Vec<Value> = self
            .meant_with(query, fault)
            .iter()
            .filter_map(|served| {
                let value = self.evaluated(served, at, now)?;
                Some(json!({"metric": served.labels, "value": pair(at, value, fault)}))
            })
            .collect();
        self.points += result.len() as u64;
        success(&json!({"resultType": "vector", "result": result}), fault)
    }

    fn meant_with(&self, query: &str, fault: Option<Fault>) -> Vec<Served> {
        let mut meant = self.meant(query);
        match fault {
            Some(Fault::Empty) => meant.clear(),
            Some(Fault::TwoSeries) if !meant.is_empty() => {
                let mut second = meant[0].clone();
                meant[0].labels.insert("replica".to_owned(), "a".to_owned());
                second.labels.insert("replica".to_owned(), "b".to_owned());
                meant.push(second);
            }
            _ => {}
        }
        meant
    }

    /// Metric names are the fragments that could be some; other labels, what is served under them.
    fn label_values(&self, label: &str) -> Value {
        let is_name = |f: &&String| f.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'));
        let mut values: Vec<&String> = if label == "__name__" {
            self.served.iter().flat_map(|s| &s.fragments).filter(is_name).collect()
        } else {
            self.served.iter().filter_map(|s| s.labels.get(label)).collect()
        };
        values.sort();
        values.dedup();
        json!(values)
    }
}

fn pair(at: DateTime<Utc>, value: f64, fault: Option<Fault>) -> Value {
    let text = match fault {
        Some(Fault::NotANumber) => "NaN".to_owned(),
        Some(Fault::Infinite) => "+Inf".to_owned(),
        Some(Fault::Partial(share) | Fault::Halved(share)) => (value * share).to_string(),
        _ if value.is_infinite() && value > 0.0 => "+Inf".to_owned(),
        _ if value.is_infinite() => "-Inf".to_owned(),
        _ => value.to_string(),
    };
    // Whole seconds stay integers, as the real server prints them.
    match at.timestamp_subsec_millis() {
        0 => json!([at.timestamp(), text]),
        _ => json!([at.timestamp_millis() as f64 / 1000.0, text]),
    }
}

fn status_page(page: StatusPage) -> Value {
    match page {
        StatusPage::BuildInfo => json!({
            "version": "3.14.0", "revision": "simulated", "branch": "HEAD", "buildUser": "", "buildDate": "", "goVersion": "",
        }),
        StatusPage::RuntimeInfo => json!({
            "startTime": "2020-01-01T00:00:00Z", "CWD": "/", "reloadConfigSuccess": true, "storageRetention": "10y",
        }),
    }
}
