//! For tests: a service that writes down each request and answers from a script.

#![allow(clippy::unwrap_used)]

use super::connect::Clients;
use http::{Request, Response};
use kube::client::Body;
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// One request as it was sent.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sent {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) mime: String,
    pub(super) body: Value,
}

/// An answer: status, headers, body.
pub(super) type Answer = (u16, Vec<(&'static str, &'static str)>, Value);

/// Requests so far, and answers to come; without one the request hangs, as a dead server does.
#[derive(Clone, Default)]
pub(super) struct Script {
    sent: Arc<Mutex<Vec<Sent>>>,
    answers: Arc<Mutex<VecDeque<Answer>>>,
}

impl Script {
    pub(super) fn of(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Self::default();
        script.answers.lock().unwrap().extend(answers);
        script
    }

    pub(super) fn sent(&self) -> Vec<Sent> {
        self.sent.lock().unwrap().clone()
    }

    pub(super) fn clients(&self) -> Clients {
        let script = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let script = script.clone();
            async move { script.answer(request).await }
        });
        Clients::from_service(&service, "default")
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, std::convert::Infallible> {
        let (parts, body) = request.into_parts();
        let bytes = body.collect_bytes().await.unwrap();
        self.sent.lock().unwrap().push(Sent {
            method: parts.method.to_string(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            mime: parts.headers.get("content-type").map_or_else(String::new, |v| v.to_str().unwrap().to_owned()),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        });
        let next = self.answers.lock().unwrap().pop_front();
        let Some((status, headers, body)) = next else {
            return std::future::pending().await;
        };
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        Ok(response.body(Body::from(body.to_string().into_bytes())).unwrap())
    }
}
