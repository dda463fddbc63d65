//! The server behind the reader's transport.

use super::Prometheus;
use super::answer::failure;
use super::faults::Fault;
use crate::datasource::{Reply, Request, Transport, TransportError};
use futures::future::BoxFuture;
use http::HeaderMap;
use http::header::{CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use std::time::Duration;

const LOGIN_PAGE: &str = "<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form></body></html>";

impl Transport for Prometheus {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(self.clone().answered(request))
    }
}

impl Prometheus {
    async fn answered(self, request: Request) -> Result<Reply, TransportError> {
        let query = request.ask.query().unwrap_or_default();
        let fault = self.lock().strike(query, self.clock.now());
        match fault {
            Some(Fault::Down) => {
                return Err(TransportError::Unreachable("connection refused".to_owned()));
            }
            Some(Fault::Silent) => std::future::pending::<()>().await,
            Some(Fault::Slow(s)) => tokio::time::sleep(Duration::from_secs(s.into())).await,
            _ => {}
        }
        Ok(self.dated(self.reply(&request, fault)))
    }

    fn reply(&self, request: &Request, fault: Option<Fault>) -> Reply {
        let (status, body) = match fault {
            Some(Fault::Status(status)) => failure(status, kind_of(status), "injected"),
            Some(Fault::TooManyRequests(seconds)) => {
                let mut reply = Reply::json(429, "too many requests");
                reply.headers.insert(RETRY_AFTER, seconds.into());
                return reply;
            }
            Some(Fault::Html) => return login_page(),
            _ => self.lock().answer(&request.ask, fault, self.clock.now()),
        };
        let mut text = body.to_string();
        if fault == Some(Fault::Truncated) {
            // Cut at a byte count; the answer is ASCII.
            text.truncate(text.len() / 2);
        }
        Reply::json(status, text)
    }

    fn dated(&self, mut reply: Reply) -> Reply {
        let now = self.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
        if let Ok(date) = HeaderValue::from_str(&now) {
            reply.headers.insert(DATE, date);
        }
        reply
    }
}

fn login_page() -> Reply {
    let mut reply = Reply::json(200, LOGIN_PAGE);
    reply.headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("text/html"))]);
    reply
}

fn kind_of(status: u16) -> &'static str {
    match status {
        400 => "bad_data",
        422 => "execution",
        503 => "timeout",
        _ => "internal",
    }
}
