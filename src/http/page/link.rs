//! Addresses of the page; whatever a name holds, it stays one part of a path or of a query.

use super::filter::Filter;
use crate::http::api::Workload;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What RFC 3986 calls unreserved needs no escape.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The page of one workload.
pub(super) fn workload(w: &Workload) -> String {
    format!("/workloads/{}/{}", part(&w.namespace), part(&w.hpa))
}

/// The same as JSON.
pub(super) fn json(w: &Workload) -> String {
    format!("/api/v1{}", workload(w))
}

/// The workloads of its namespace.
pub(super) fn namespace(w: &Workload) -> String {
    fleet(&Filter { search: format!("{}/", w.namespace), ..Filter::default() })
}

/// The fleet as a filter shows it.
pub(super) fn fleet(filter: &Filter) -> String {
    let pairs: Vec<String> = filter.pairs().iter().map(|(key, value)| format!("{key}={}", part(value))).collect();
    if pairs.is_empty() { "/".to_owned() } else { format!("/?{}", pairs.join("&")) }
}

fn part(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}
