//! What an answer of the API server means for the floor protocol.

use super::{Sent, later};
use floorcast_models::protocol::Reply;
use floorcast_models::units::Replicas;
use http::{HeaderMap, StatusCode, header};
use serde_json::Value;
use std::time::Duration;

/// Longest text taken over from a server, characters.
const LONGEST: usize = 512;

/// An answer as it came.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    /// `Null` where the body is no JSON.
    pub(super) body: Value,
}

/// Label `result` of `writes_total`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WriteResult {
    /// Written as asked.
    Done,
    /// Written, but an admission plugin changed the value.
    Mutated,
    /// 409: the version was out of date.
    Stale,
    /// 409: another field manager owns the field.
    Conflict,
    /// 422: above `maxReplicas`.
    AboveMax,
    /// 404, or another object by now.
    Gone,
    /// 403 by RBAC.
    Forbidden,
    /// An admission policy or webhook refused, or the request was invalid.
    Denied,
    /// 429 or 503 with a pause.
    Throttled,
    /// Not sent.
    NotSent,
    /// No answer: it may have been written.
    Unknown,
}

impl WriteResult {
    /// All of them, for metrics that begin at zero.
    pub const ALL: &'static [Self] = &[
        Self::Done,
        Self::Mutated,
        Self::Stale,
        Self::Conflict,
        Self::AboveMax,
        Self::Gone,
        Self::Forbidden,
        Self::Denied,
        Self::Throttled,
        Self::NotSent,
        Self::Unknown,
    ];

    /// The label's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Mutated => "mutated",
            Self::Stale => "stale",
            Self::Conflict => "conflict",
            Self::AboveMax => "above_max",
            Self::Gone => "gone",
            Self::Forbidden => "forbidden",
            Self::Denied => "denied",
            Self::Throttled => "throttled",
            Self::NotSent => "not_sent",
            Self::Unknown => "unknown",
        }
    }
}

/// Judges an answer; `asked` is the value that should stand there now.
pub(super) fn judge(answer: &Answer, asked: Option<Replicas>) -> Sent {
    let message = sanitised(text(&answer.body));
    let mutated = mutated(answer, asked);
    let (reply, result) = match answer.status.as_u16() {
        200..=299 => done(answer, mutated),
        409 => conflict(&answer.body, &message),
        404 => (Reply::Gone, WriteResult::Gone),
        422 => unprocessable(&answer.body, &message),
        // Never carried out: the server turned it away at the door.
        429 => (Reply::NotSent, WriteResult::Throttled),
        503 => (Reply::Unknown, WriteResult::Throttled),
        500 if message.contains("failed calling webhook") => denied(&message, WriteResult::Denied),
        500..=599 => (Reply::Unknown, WriteResult::Unknown),
        401 | 403 => denied(&message, forbidden(&message)),
        _ => denied(&message, WriteResult::Denied),
    };
    Sent {
        reply,
        result,
        status: Some(answer.status.as_u16()),
        message,
        mutated,
        retry_after: answer.retry_after.or_else(|| later(answer.status).then_some(Duration::from_secs(1))),
        leftover: None,
        took: Duration::ZERO,
    }
}

/// `Retry-After` in seconds; the API server never sends a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// One line, at most 512 characters.
pub(super) fn sanitised(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}

fn text(body: &Value) -> &str {
    let failed = body.get("kind").and_then(Value::as_str) == Some("Status");
    if failed { body.get("message").and_then(Value::as_str).unwrap_or_default() } else { "" }
}

fn done(answer: &Answer, mutated: Option<Replicas>) -> (Reply, WriteResult) {
    let version = answer.body.pointer("/metadata/resourceVersion").and_then(Value::as_str);
    let Some(version) = version else {
        return (Reply::Unknown, WriteResult::Unknown);
    };
    let resource_version = version.to_owned();
    let result = if mutated.is_some() { WriteResult::Mutated } else { WriteResult::Done };
    (Reply::Done { resource_version }, result)
}

fn mutated(answer: &Answer, asked: Option<Replicas>) -> Option<Replicas> {
    let (asked, true) = (asked?, answer.status.is_success()) else {
        return None;
    };
    let found = answer.body.pointer("/spec/minReplicas")?.as_i64()?;
    let found = Replicas::from_api(i32::try_from(found).ok()?)?;
    (found != asked).then_some(found)
}

fn conflict(body: &Value, message: &str) -> (Reply, WriteResult) {
    if message.contains("uid mismatch") {
        return (Reply::Gone, WriteResult::Gone);
    }
    let owners = owners(body);
    if owners.is_empty() {
        return (Reply::Conflict { owner: None }, WriteResult::Stale);
    }
    let owner = Some(owners.join(", "));
    (Reply::Conflict { owner }, WriteResult::Conflict)
}

/// The managers that own what we wanted to change, each once.
fn owners(body: &Value) -> Vec<String> {
    let mut owners: Vec<String> = causes(body)
        .filter(|c| c.get("reason").and_then(Value::as_str) == Some("FieldManagerConflict"))
        .filter_map(|c| c.get("message")?.as_str())
        .map(|m| m.split('"').nth(1).map_or_else(|| sanitised(m), sanitised))
        .collect();
    owners.sort();
    owners.dedup();
    owners
}

fn unprocessable(body: &Value, message: &str) -> (Reply, WriteResult) {
    let field = |name: &str| causes(body).any(|c| c.get("field").and_then(Value::as_str) == Some(name));
    if field("metadata.uid") {
        return (Reply::Gone, WriteResult::Gone);
    }
    if field("spec.maxReplicas") {
        return (Reply::AboveMax, WriteResult::AboveMax);
    }
    // A JSON patch whose `test` does not hold: the object is not as we saw it. The server says no more than this.
    if causes(body).next().is_none() && message.starts_with("the server rejected our request due to an error") {
        return (Reply::Conflict { owner: None }, WriteResult::Stale);
    }
    denied(message, WriteResult::Denied)
}

fn causes(body: &Value) -> impl Iterator<Item = &Value> {
    body.pointer("/details/causes").and_then(Value::as_array).into_iter().flatten()
}

/// RBAC says "User … cannot …"; policies and webhooks say "denied".
fn forbidden(message: &str) -> WriteResult {
    if message.contains("denied") { WriteResult::Denied } else { WriteResult::Forbidden }
}

fn denied(message: &str, result: WriteResult) -> (Reply, WriteResult) {
    let message = message.to_owned();
    (Reply::Denied { message }, result)
}
