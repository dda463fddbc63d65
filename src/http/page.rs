//! The web page: what the daemon published last, as HTML for people. It only reads, needs no script, and loads nothing from elsewhere.

mod curves;
mod filter;
mod fleet;
mod frame;
mod link;
mod one;
mod words;

use super::{Sources, api::Snapshot};
use axum::{
    Router,
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::Utc;
use filter::Filter;
use frame::{Frame, Remedy};
use maud::Markup;
use std::sync::Arc;

/// Nothing but our own style sheet, script and icon, and our own address for forms and for what the script fetches.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// The page's own rules; those of the charts follow.
const STYLE: &str = include_str!("page/style.css");
const SCRIPT: &str = include_str!("page/live.js");
const ICON: &str = include_str!("page/icon.svg");

/// The page's routes, beside those of the API.
pub(super) fn routes() -> Router<Sources> {
    Router::new()
        .route("/", get(fleet))
        .route("/workloads/{namespace}/{hpa}", get(workload))
        .route(
            "/style.css",
            get(async || asset("text/css; charset=utf-8", STYLE.to_owned() + crate::html::CHART_STYLE)),
        )
        .route("/live.js", get(async || asset("text/javascript; charset=utf-8", SCRIPT.to_owned())))
        .route("/icon.svg", get(async || asset("image/svg+xml", ICON.to_owned())))
}

/// Parts of a query string, in its order; what is no UTF-8 or no pair is refused by the extractor.
type Pairs = Query<Vec<(String, String)>>;

async fn fleet(
    State(sources): State<Sources>,
    pairs: Result<Pairs, axum::extract::rejection::QueryRejection>,
) -> Response {
    let snapshot = latest(&sources);
    let asked = pairs.map_err(|_| Remedy::BAD_QUERY).and_then(|Query(pairs)| Filter::read(&pairs));
    match asked {
        Ok(filter) => page(StatusCode::OK, fleet::page(&snapshot, &filter, Utc::now())),
        Err(remedy) => stopped(&snapshot, StatusCode::BAD_REQUEST, &remedy),
    }
}

async fn workload(State(sources): State<Sources>, Path((namespace, hpa)): Path<(String, String)>) -> Response {
    let snapshot = latest(&sources);
    match snapshot.workloads.get(&format!("{namespace}/{hpa}")) {
        Some(found) => {
            let workload = found.as_ref().clone().as_of(snapshot.last_tick);
            page(StatusCode::OK, one::page(&snapshot, &workload, Utc::now()))
        }
        None => stopped(&snapshot, StatusCode::NOT_FOUND, &Remedy::no_workload(&namespace, &hpa)),
    }
}

/// The answer to an address that is no page.
pub(super) fn nowhere(sources: &Sources) -> Response {
    stopped(&latest(sources), StatusCode::NOT_FOUND, &Remedy::NOWHERE)
}

fn latest(sources: &Sources) -> Arc<Snapshot> {
    sources.snapshot.borrow().clone()
}

fn stopped(snapshot: &Snapshot, status: StatusCode, remedy: &Remedy) -> Response {
    page(status, Frame { snapshot, title: &remedy.title, now: Utc::now() }.stopped(remedy))
}

fn page(status: StatusCode, markup: Markup) -> Response {
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
    ];
    (status, headers, markup.into_string()).into_response()
}

fn asset(kind: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}

#[cfg(test)]
#[path = "page/tests.rs"]
mod tests;
