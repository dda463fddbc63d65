//! Answers of the API server that say no: `Status` objects, worded as the real server words them.

use super::kind::Kind;
use serde_json::{Value, json};

/// One field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldValueRequired`, `FieldManagerConflict`, …
    pub reason: &'static str,
    /// Path of the field.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl Cause {
    /// A value that is not allowed.
    pub fn invalid(field: &str, value: &str, why: &str) -> Self {
        Self { reason: "FieldValueInvalid", field: field.to_owned(), message: format!("Invalid value: {value}: {why}") }
    }

    /// A value that is missing.
    pub fn required(field: &str, why: &str) -> Self {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Self { reason: "FieldValueRequired", field: field.to_owned(), message }
    }
}

/// A refusal: status code and `Status` object.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// HTTP status code.
    pub code: u16,
    /// The `Status` object.
    pub body: Value,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<u32>,
}

impl Refusal {
    fn new(code: u16, reason: &str, message: impl Into<String>, details: Option<Value>) -> Self {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message.into(), "code": code,
        });
        if !reason.is_empty() {
            body["reason"] = json!(reason);
        }
        if let Some(details) = details {
            body["details"] = details;
        }
        Self { code, body, retry_after: None }
    }

    /// 400, or another code without reason for what the server did not expect.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message.into(), None)
    }

    /// 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, "", message.into(), None)
    }

    /// 404 for an object.
    pub fn not_found(kind: Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", kind.qualified_plural());
        Self::new(404, "NotFound", message, Some(details(kind, name, kind.plural())))
    }

    /// 404 for a path.
    pub fn no_such_path() -> Self {
        let message = "the server could not find the requested resource".to_owned();
        Self::new(404, "NotFound", message, Some(json!({})))
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource".to_owned();
        Self::new(405, "MethodNotAllowed", message, Some(json!({})))
    }

    /// 409, the name is taken.
    pub fn already_exists(kind: Kind, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", kind.qualified_plural());
        Self::new(409, "AlreadyExists", message, Some(details(kind, name, kind.plural())))
    }

    /// 409, stale resourceVersion.
    pub fn modified(kind: Kind, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(kind, name, &kind.qualified_plural(), kind.plural(), why)
    }

    /// 409, the body names a uid and there is no such object.
    pub fn uid_of_nothing(kind: Kind, name: &str, uid: &str) -> Self {
        let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
        Self::conflict(kind, name, &kind.qualified_plural(), kind.plural(), &why)
    }

    /// 409, a precondition of a deletion does not hold.
    pub fn precondition(kind: Kind, name: &str, why: &str) -> Self {
        Self::conflict(kind, name, &kind.qualified_kind(), kind.as_str(), why)
    }

    fn conflict(kind: Kind, name: &str, what: &str, detail: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {what} \"{name}\": {why}");
        Self::new(409, "Conflict", message, Some(details(kind, name, detail)))
    }

    /// 409, fields owned by others.
    pub fn owned_by_others(causes: &[Cause]) -> Self {
        let plural = if causes.len() == 1 { "" } else { "s" };
        let message = format!("Apply failed with {} conflict{plural}: {}", causes.len(), conflict_sentence(causes));
        Self::new(409, "Conflict", message, Some(json!({"causes": causes_json(causes)})))
    }

    /// 422, the object would not be valid.
    pub fn invalid(kind: Kind, name: &str, causes: &[Cause]) -> Self {
        let each: Vec<String> = causes.iter().map(|c| format!("{}: {}", c.field, c.message)).collect();
        let mut distinct = each.clone();
        distinct.dedup();
        let list = if distinct.len() == 1 { distinct.remove(0) } else { format!("[{}]", distinct.join(", ")) };
        // Events are served under two groups and named without either.
        let what = if kind == Kind::Event { kind.as_str().to_owned() } else { kind.qualified_kind() };
        let message = format!("{what} \"{name}\" is invalid: {list}");
        let mut details = details(kind, name, kind.as_str());
        details["causes"] = causes_json(causes);
        Self::new(422, "Invalid", message, Some(details))
    }

    /// 422 of a request option.
    pub fn invalid_options(cause: &Cause) -> Self {
        let message = format!("PatchOptions.meta.k8s.io \"\" is invalid: {}: {}", cause.field, cause.message);
        let details =
            json!({"group": "meta.k8s.io", "kind": "PatchOptions", "causes": causes_json(std::slice::from_ref(cause))});
        Self::new(422, "Invalid", message, Some(details))
    }

    /// 422 of a JSON patch whose `test` failed or whose path is not there.
    pub fn patch_failed() -> Self {
        let message = "the server rejected our request due to an error in our request".to_owned();
        Self::new(422, "Invalid", message, Some(json!({})))
    }

    /// 415.
    pub fn unsupported_media() -> Self {
        let message = "415: Unsupported Media Type".to_owned();
        Self::new(415, "UnsupportedMediaType", message, Some(json!({})))
    }

    /// 410, the version asked for is no longer kept.
    pub fn expired(message: impl Into<String>) -> Self {
        Self::new(410, "Expired", message.into(), None)
    }

    /// 403.
    pub fn forbidden(user: &str, verb: &str, kind: Kind, namespace: &str, name: &str) -> Self {
        let scope = if namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{namespace}\"")
        };
        let object = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        let message = format!(
            "{}{object} is forbidden: User \"{user}\" cannot {verb} resource \"{}\" in API group \"{}\" {scope}",
            kind.qualified_plural(),
            kind.plural(),
            kind.group()
        );
        Self::new(403, "Forbidden", message, Some(details(kind, name, kind.plural())))
    }

    /// 429 with `Retry-After`.
    pub fn too_many_requests(seconds: u32) -> Self {
        let message = "Too many requests, please try again later.".to_owned();
        let details = json!({"retryAfterSeconds": seconds});
        let mut refusal = Self::new(429, "TooManyRequests", message, Some(details));
        refusal.retry_after = Some(seconds);
        refusal
    }

    /// 503.
    pub fn unavailable() -> Self {
        let message = "the server is currently unable to handle the request".to_owned();
        Self::new(503, "ServiceUnavailable", message, Some(json!({})))
    }
}

/// `conflict with "a" using v: .x` for one; the server groups several by manager.
fn conflict_sentence(causes: &[Cause]) -> String {
    if let [only] = causes {
        return format!("{}: {}", only.message, only.field);
    }
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for cause in causes {
        match groups.iter_mut().find(|(who, _)| *who == cause.message) {
            Some((_, fields)) => fields.push(&cause.field),
            None => groups.push((&cause.message, vec![&cause.field])),
        }
    }
    let each: Vec<String> = groups
        .iter()
        .map(|(who, fields)| {
            let plural = who.replacen("conflict with", "conflicts with", 1);
            format!("{plural}:\n- {}", fields.join("\n- "))
        })
        .collect();
    each.join("\n")
}

fn causes_json(causes: &[Cause]) -> Value {
    causes.iter().map(|c| json!({"reason": c.reason, "message": c.message, "field": c.field})).collect()
}

fn details(kind: Kind, name: &str, what: &str) -> Value {
    let mut details = json!({"kind": what});
    if !name.is_empty() {
        details["name"] = json!(name);
    }
    if !kind.group().is_empty() && kind != Kind::Event {
        details["group"] = json!(kind.group());
    }
    details
}
