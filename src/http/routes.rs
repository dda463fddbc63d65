//! The routes of both addresses.

use super::{
    Check, Sources,
    api::{VERSION, WorkloadList},
    page,
};
use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, Uri, header},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use chrono::Utc;
use serde::Deserialize;
use std::{collections::BTreeMap, net::IpAddr};

/// Bytes of path and query.
pub(super) const LONGEST_ADDRESS: usize = 4096;

/// Health and metrics: for the kubelet and the scraper.
pub(super) fn open(sources: Sources) -> Router {
    Router::new()
        .route("/", get(async || "floorcast: /livez /readyz /healthz /metrics\n"))
        .route("/livez", get(live))
        .route("/healthz", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .layer(from_fn(short_address))
        .layer(from_fn(sober))
        .with_state(sources)
}

/// The page and the API: for people, through a port-forward.
pub(super) fn api(sources: Sources) -> Router {
    Router::new()
        .route("/api/v1/status", get(status))
        .route("/api/v1/workloads", get(workloads))
        .route("/api/v1/workloads/{namespace}/{hpa}", get(workload))
        .merge(page::routes())
        .fallback(nowhere)
        .layer(from_fn(short_address))
        .layer(from_fn(known_host))
        .layer(from_fn(sober))
        .with_state(sources)
}

/// `?verbose` and `?namespace=` of a request.
#[derive(Debug, Deserialize)]
struct Wish {
    verbose: Option<String>,
    namespace: Option<String>,
}

async fn live(State(sources): State<Sources>, Query(wish): Query<Wish>) -> Response {
    health(&sources.pulse.checks(Utc::now()), wish.verbose.is_some())
}

async fn ready(State(sources): State<Sources>, Query(wish): Query<Wish>) -> Response {
    let mut checks = sources.pulse.checks(Utc::now());
    let unready = sources.snapshot.borrow().unready.join("; ");
    checks.push(Check { name: "caches", fault: Some(unready).filter(|u| !u.is_empty()) });
    health(&checks, wish.verbose.is_some())
}

/// In the form that the API server uses, so that it reads as people expect.
fn health(checks: &[Check], verbose: bool) -> Response {
    let fine = checks.iter().all(|c| c.fault.is_none());
    let status = if fine { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    if fine && !verbose {
        return (status, "ok\n").into_response();
    }
    let mut text: String = checks
        .iter()
        .map(|check| match &check.fault {
            None => format!("[+]{} ok\n", check.name),
            Some(fault) => format!("[-]{} failed: {fault}\n", check.name),
        })
        .collect();
    text.push_str(if fine { "ok\n" } else { "failed\n" });
    (status, text).into_response()
}

async fn metrics(State(sources): State<Sources>) -> Response {
    ([(header::CONTENT_TYPE, crate::metrics::CONTENT_TYPE)], sources.metrics.encode()).into_response()
}

async fn status(State(sources): State<Sources>) -> Response {
    let snapshot = sources.snapshot.borrow().clone();
    Json(&snapshot.status).into_response()
}

async fn workloads(State(sources): State<Sources>, Query(wish): Query<Wish>) -> Response {
    let snapshot = sources.snapshot.borrow().clone();
    let wanted = |namespace: &str| wish.namespace.as_deref().is_none_or(|w| w == namespace);
    let chosen = snapshot.workloads.values().filter(|w| wanted(&w.namespace));
    let workloads = chosen.map(|w| w.brief().as_of(snapshot.last_tick));
    Json(WorkloadList { version: VERSION.to_owned(), workloads: workloads.collect() }).into_response()
}

async fn workload(State(sources): State<Sources>, Path((namespace, hpa)): Path<(String, String)>) -> Response {
    let snapshot = sources.snapshot.borrow().clone();
    match snapshot.workloads.get(&format!("{namespace}/{hpa}")) {
        Some(found) => Json(found.as_ref().clone().as_of(snapshot.last_tick)).into_response(),
        None => refused(StatusCode::NOT_FOUND, "no HPA of this name is opted in; see floorcast status"),
    }
}

async fn nowhere(State(sources): State<Sources>, uri: Uri) -> Response {
    if uri.path().starts_with("/api") {
        return refused(StatusCode::NOT_FOUND, "there is /api/v1/status and /api/v1/workloads");
    }
    page::nowhere(&sources)
}

fn refused(status: StatusCode, error: &str) -> Response {
    (status, Json(BTreeMap::from([("error", error)]))).into_response()
}

/// A web page that lets its own name resolve to us must not read us: only `localhost` and addresses are our names.
async fn known_host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|h| h.to_str().ok()).unwrap_or_default();
    if is_ours(host) {
        return next.run(request).await;
    }
    refused(
        StatusCode::MISDIRECTED_REQUEST,
        "the Host header is neither localhost nor an address; forward the port (kubectl port-forward) and open http://localhost:8081",
    )
}

/// No page and no answer needs an address of more than two names and a search word.
async fn short_address(request: Request, next: Next) -> Response {
    let length = request.uri().path_and_query().map_or(0, |whole| whole.as_str().len());
    if length <= LONGEST_ADDRESS {
        return next.run(request).await;
    }
    let why = format!("the address is longer than {LONGEST_ADDRESS} bytes; shorten its search word or its names");
    refused(StatusCode::URI_TOO_LONG, &why)
}

/// The host without its port.
fn is_ours(host: &str) -> bool {
    let bare = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok()
}

/// Nothing is to be kept, nothing is to be guessed, nobody is told where a link was; what is no page of ours may load nothing.
async fn sober(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let nothing = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(nothing);
    for (name, value) in [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
