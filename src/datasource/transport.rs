//! The seam to the server: a question goes out as a value, status, headers and a stream of bytes come back.
//!
//! Behind it stand the real HTTP client ([`super::http`]) and the in-memory Prometheus of the simulation. Everything that
//! can be got wrong about an answer (caps, decoding, alignment, back-off) is in front of it and thus in both.

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use http::HeaderMap;
use std::time::Duration;

/// One question to the server.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What is asked.
    pub ask: Ask,
    /// How long the server may work on it.
    pub timeout: Duration,
    /// `limit`: the server stops after this many series and says so in `warnings`.
    pub limit: Option<u32>,
    /// A parameter that forbids partial answers, where the server knows one.
    pub no_partial: Option<(&'static str, &'static str)>,
}

/// What can be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// `/api/v1/query_range`: evaluated at `start`, `start + step`, … up to and including `end`.
    Range {
        /// `PromQL`.
        query: String,
        /// First evaluation, a whole second on the grid of `step`.
        start: DateTime<Utc>,
        /// Last evaluation.
        end: DateTime<Utc>,
        /// Whole seconds.
        step: TimeDelta,
    },
    /// `/api/v1/query`.
    Instant {
        /// `PromQL`.
        query: String,
        /// When.
        at: DateTime<Utc>,
    },
    /// `/api/v1/label/<label>/values`.
    LabelValues {
        /// Label; `__name__` for metric names.
        label: String,
        /// `match[]`, one selector; all series where absent.
        matching: Option<String>,
        /// From.
        start: DateTime<Utc>,
        /// To.
        end: DateTime<Utc>,
    },
    /// `/api/v1/status/<page>`: `buildinfo`, `runtimeinfo`, `flags`, `tsdb`.
    Status(StatusPage),
}

/// Pages under `/api/v1/status/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusPage {
    /// Version of the server.
    BuildInfo,
    /// Start time and retention.
    RuntimeInfo,
}

impl StatusPage {
    /// Last part of its path.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuildInfo => "buildinfo",
            Self::RuntimeInfo => "runtimeinfo",
        }
    }
}

impl Ask {
    /// The `PromQL` of it, for errors.
    pub fn query(&self) -> Option<&str> {
        match self {
            Self::Range { query, .. } | Self::Instant { query, .. } => Some(query),
            Self::LabelValues { .. } | Self::Status(_) => None,
        }
    }
}

/// A stream of body bytes.
pub type Body = BoxStream<'static, Result<Bytes, TransportError>>;

/// What came back; the body has not been read yet.
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers: `Content-Type`, `Date`, `Retry-After`, `Location`, `Content-Encoding` are looked at.
    pub headers: HeaderMap,
    /// The body, as it arrives.
    pub body: Body,
}

impl Reply {
    /// A whole JSON answer at once, as the simulation gives it.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        let bytes = body.into();
        Self { status, headers, body: Box::pin(stream::once(async move { Ok(bytes) })) }
    }
}

/// No answer, or it broke off.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// DNS, refused, reset, closed early.
    #[error("{0}")]
    Unreachable(String),
    /// Certificate or handshake.
    #[error("{0}")]
    Tls(String),
    /// Connecting or reading took too long.
    #[error("no whole answer in time")]
    TimedOut,
    /// A credential or certificate file that cannot be used.
    #[error("{0}")]
    Credentials(String),
}

/// Sends questions. Implementations neither retry nor interpret.
pub trait Transport: Send + Sync + 'static {
    /// Sends one question and returns as soon as the headers are there.
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, TransportError>>;

    /// The server said 401 or 403: read the credentials again, whatever their file's time stamp says.
    fn refresh_credentials(&self) {}
}
