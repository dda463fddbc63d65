#![allow(clippy::unwrap_used)]
//! The server through the transport.

use super::faults::Rule;
use super::*;
use crate::datasource::{Ask, Request, StatusPage, Transport, TransportError};
use futures::StreamExt;
use serde_json::Value;
use std::time::Duration;

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_049_600, 0).unwrap()
}

fn server() -> Prometheus {
    let server = Prometheus::new(Clock::starting_at(noon()), 1);
    server.serve(&["requests_total"], |_| Some(1.0));
    server.serve(&["requests_total", "namespace=\"shop\""], |at| Some((noon() - at).num_seconds() as f64));
    server
}

fn range(query: &str, from_minutes: i64, to_minutes: i64) -> Ask {
    Ask::Range {
        query: query.to_owned(),
        start: noon() + TimeDelta::minutes(from_minutes),
        end: noon() + TimeDelta::minutes(to_minutes),
        step: TimeDelta::minutes(5),
    }
}

async fn ask(server: &Prometheus, ask: Ask) -> Result<(u16, String), TransportError> {
    let request = Request { ask, timeout: Duration::from_secs(30), limit: None, no_partial: None };
    let mut reply = server.send(request).await?;
    let mut body = Vec::new();
    while let Some(chunk) = reply.body.next().await {
        body.extend(chunk?);
    }
    Ok((reply.status, String::from_utf8(body).unwrap()))
}

async fn values(server: &Prometheus, asked: Ask) -> Vec<(i64, String)> {
    let (status, body) = ask(server, asked).await.unwrap();
    assert_eq!(status, 200, "{body}");
    let body: Value = serde_json::from_str(&body).unwrap();
    let rows = body.pointer("/data/result/0/values").and_then(Value::as_array);
    let pair = |v: &Value| (v[0].as_i64().unwrap(), v[1].as_str().unwrap().to_owned());
    rows.map_or(Vec::new(), |rows| rows.iter().map(pair).collect())
}

#[tokio::test(start_paused = true)]
async fn the_series_that_names_most_of_the_query_answers() {
    let server = server();
    let query = "sum(rate(requests_total{namespace=\"shop\"}[5m]))";
    let got = values(&server, range(query, -10, 0)).await;
    assert_eq!(got[0], (noon().timestamp() - 600, "600".to_owned()));
    let other = values(&server, range("sum(rate(requests_total[5m]))", 0, 0)).await;
    assert_eq!(other[0].1, "1");
    assert!(values(&server, range("nothing_total", -10, 0)).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_future_is_not_known_and_gaps_are_not_zero() {
    let server = server();
    let got = values(&server, range("requests_total", 0, 30)).await;
    assert_eq!(got.len(), 2, "now, and once more within the look-back");
    server.gap(noon() - TimeDelta::minutes(10)..noon() - TimeDelta::minutes(4));
    assert_eq!(values(&server, range("requests_total", -15, 0)).await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn too_many_points_are_refused_in_the_servers_words() {
    let (status, body) = ask(&server(), range("requests_total", -5 * 11_001, 0)).await.unwrap();
    assert_eq!(status, 400);
    assert!(body.contains("exceeded maximum resolution of 11,000 points"), "{body}");
    let (status, body) = ask(&server(), Ask::Status(StatusPage::BuildInfo)).await.unwrap();
    assert!(status == 200 && body.contains("3.14.0"));
}

#[tokio::test(start_paused = true)]
async fn faults_strike_while_they_last() {
    let server = server();
    let hour = noon()..noon() + TimeDelta::hours(1);
    for (fault, sign) in [
        (Fault::Partial(0.5), "\"0.5\""),
        (Fault::TwoSeries, "\"replica\":\"b\""),
        (Fault::Empty, "\"result\":[]"),
        (Fault::NotANumber, "\"NaN\""),
        (Fault::Infinite, "\"+Inf\""),
        (Fault::Html, "<html>"),
        (Fault::Status(503), "\"status\":\"error\""),
        (Fault::TooManyRequests(7), "too many"),
    ] {
        server.faults(|f| f.rules = vec![Rule::during(fault, hour.clone())]);
        let (_, body) = ask(&server, range("requests_total", -10, 0)).await.unwrap();
        assert!(body.contains(sign), "{fault:?}: {body}");
    }
    server.faults(|f| f.rules = vec![Rule::during(Fault::Truncated, hour.clone())]);
    let (_, body) = ask(&server, range("requests_total", -10, 0)).await.unwrap();
    assert!(serde_json::from_str::<Value>(&body).is_err());
    server.faults(|f| f.rules = vec![Rule::during(Fault::Down, hour.clone())]);
    assert!(ask(&server, range("requests_total", -10, 0)).await.is_err());
    tokio::time::advance(Duration::from_hours(1)).await;
    assert!(ask(&server, range("requests_total", -10, 0)).await.is_ok());
    assert_eq!(server.faults(|f| f.hits().len()), 10);
}
