//! The API server's audit log: who asked what.

use std::path::Path;

use serde::Deserialize;

use crate::Error;

/// One request, as the API server recorded it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, …
    pub verb: String,
    /// Path and query.
    #[serde(rename = "requestURI")]
    pub uri: String,
    /// Who asked.
    pub user: User,
    /// What it was about; absent for non-resource paths.
    #[serde(default)]
    pub object_ref: Object,
    /// Status of the answer; absent while a watch is open.
    pub response_status: Option<Status>,
    /// The body, where the policy asks for it.
    pub request_object: Option<serde_json::Value>,
    /// The answer's body, where the policy asks for it.
    pub response_object: Option<serde_json::Value>,
    /// When the request came, RFC 3339 with microseconds.
    pub request_received_timestamp: String,
    /// When this stage was reached, likewise: with `ResponseComplete` the moment of the answer.
    #[serde(default)]
    pub stage_timestamp: String,
    /// `ResponseStarted` (watches) or `ResponseComplete`.
    pub stage: String,
}

/// A user.
#[derive(Debug, Clone, Deserialize)]
pub struct User {
    /// Its name, such as `system:serviceaccount:floorcast:floorcast`.
    pub username: String,
}

/// The object of a request; empty strings where there is none.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Object {
    /// Plural, such as `horizontalpodautoscalers`.
    pub resource: String,
    /// Such as `status` or `scale`.
    pub subresource: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
}

/// The answer.
#[derive(Debug, Clone, Deserialize)]
pub struct Status {
    /// HTTP status code.
    pub code: u16,
}

impl Request {
    /// Whether it may change something.
    pub fn mutating(&self) -> bool {
        !matches!(self.verb.as_str(), "get" | "list" | "watch")
    }

    /// HTTP status; 0 while there is no answer.
    pub fn code(&self) -> u16 {
        self.response_status.as_ref().map_or(0, |s| s.code)
    }

    /// One line for messages: who, what, where, with which answer.
    pub fn line(&self) -> String {
        format!(
            "{} {} {} → {} by {}",
            self.request_received_timestamp,
            self.verb,
            self.uri,
            self.code(),
            self.user.username
        )
    }
}

/// Reads the log. A last line that is still being written is left for the next reading.
pub(super) fn read(path: &Path) -> Result<Vec<Request>, Error> {
    let text = std::fs::read_to_string(path).map_err(Error::file("read", path))?;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| serde_json::from_str(line).map_err(Error::from)).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_half_written_line_is_left_for_later() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let line = r#"{"verb":"patch","requestURI":"/x","user":{"username":"u"},"requestReceivedTimestamp":"t","stage":"ResponseComplete"}"#;
        std::fs::write(file.path(), format!("{line}\n{}", &line[..20])).unwrap();
        let requests = read(file.path()).unwrap();
        assert_eq!(requests.len(), 1);
        assert!(requests[0].mutating());
    }
}
