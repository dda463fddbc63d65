//! The server as a tower service: HTTP in, HTTP out, faults on the way.

use super::faults::Fault;
use super::kind::Kind;
use super::refusal::Refusal;
use super::request::{Request, Route, Verb, query, route};
use super::serve::Answer;
use super::watch::Watch;
use super::{Shared, lock};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::StreamExt;
use futures::future::BoxFuture;
use http::{Method, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use kube::client::Body;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// A connection to the simulated server as one user.
#[derive(Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    user: Arc<str>,
    pod: Arc<str>,
}

impl Connection {
    pub(super) fn new(shared: Arc<Shared>, user: &str) -> Self {
        Self { shared, user: Arc::from(user), pod: Arc::from("") }
    }

    /// The same user, by a token of this pod.
    #[must_use]
    pub fn from_pod(mut self, pod: &str) -> Self {
        self.pod = Arc::from(pod);
        self
    }

    async fn serve(self, request: http::Request<Body>) -> io::Result<Reply> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let request = match self.understood(&head, &body) {
            Ok(Understood::Objects(request)) => request,
            Ok(Understood::Plain(answer)) => return Ok(self.reply(&answer)),
            Err(refusal) => return Ok(self.refuse(&refusal)),
        };
        let fault = lock(&self.shared.state).faults.strike(&request, self.shared.clock.now());
        match fault {
            Some(fault) => self.faulty(request, fault).await,
            None => Ok(self.carry_out(&request)),
        }
    }

    async fn faulty(&self, request: Request, fault: Fault) -> io::Result<Reply> {
        let broken = || io::Error::new(io::ErrorKind::ConnectionReset, "connection reset by peer");
        match fault {
            Fault::TooManyRequests(s) => Ok(self.refuse(&Refusal::too_many_requests(s))),
            Fault::Internal => Ok(self.refuse(&Refusal::internal("etcdserver: leader changed"))),
            Fault::Unavailable => Ok(self.refuse(&Refusal::unavailable())),
            Fault::Forbidden => Ok(self.refuse(&forbidden(&request))),
            Fault::Conflict => Ok(self.refuse(&Refusal::modified(request.kind, &request.name))),
            Fault::Dropped => Err(broken()),
            Fault::Silence => std::future::pending().await,
            Fault::Cut => {
                self.carry_out(&request);
                Err(broken())
            }
            Fault::Lost => {
                self.carry_out(&request);
                std::future::pending().await
            }
            Fault::Slow(ms) => {
                let reply = self.carry_out(&request);
                tokio::time::sleep(Duration::from_millis(ms.into())).await;
                Ok(reply)
            }
        }
    }

    fn carry_out(&self, request: &Request) -> Reply {
        if request.verb == Verb::Watch {
            lock(&self.shared.state).audit.counted(request);
            return match Watch::begin(self.shared.clone(), request) {
                Ok(watch) => self.follow(watch),
                Err(refusal) => self.refuse(&refusal),
            };
        }
        let mut state = lock(&self.shared.state);
        let before = state.store.version();
        let answer = state.answer(request, self.shared.clock.now());
        self.shared.tell(&state, before);
        drop(state);
        match answer {
            Ok(answer) => self.reply(&answer),
            Err(refusal) => self.refuse(&refusal),
        }
    }

    fn understood(&self, head: &http::request::Parts, body: &[u8]) -> Result<Understood, Refusal> {
        let query = query(head.uri.query().unwrap_or_default());
        let (kind, namespace, name, subresource) = match route(head.uri.path())? {
            Route::Objects(kind, namespace, name, sub) => (kind, namespace, name, sub),
            Route::Version => return Ok(Understood::Plain((200, version()))),
            Route::Health => return Ok(Understood::Plain((200, json!("ok")))),
            Route::Discovery(version) => {
                return Ok(Understood::Plain((200, discovery(&version)?)));
            }
        };
        let watching = matches!(query.get("watch").map(String::as_str), Some("true" | "1"));
        let text = |name| {
            let value = head.headers.get(name).and_then(|v| v.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        Ok(Understood::Objects(Request {
            user: self.user.to_string(),
            pod: self.pod.to_string(),
            verb: verb(&head.method, name.is_empty(), watching)?,
            kind,
            namespace,
            name,
            subresource,
            query,
            content_type: text(header::CONTENT_TYPE),
            agent: text(header::USER_AGENT).split('/').next().unwrap_or_default().to_owned(),
            body: json_body(body)?,
        }))
    }

    fn reply(&self, (code, body): &Answer) -> Reply {
        let text = match body {
            Value::String(text) => text.clone(),
            body => body.to_string(),
        };
        self.head(*code, None, Full::new(Bytes::from(text)).boxed_unsync())
    }

    fn refuse(&self, refusal: &Refusal) -> Reply {
        let body = Full::new(Bytes::from(refusal.body.to_string())).boxed_unsync();
        self.head(refusal.code, refusal.retry_after, body)
    }

    fn follow(&self, watch: Watch) -> Reply {
        let frames = watch.stream().map(|lines| Ok(http_body::Frame::data(lines)));
        self.head(200, None, StreamBody::new(frames).boxed_unsync())
    }

    fn head(&self, code: u16, retry_after: Option<u32>, body: UnsyncBoxBody<Bytes, Infallible>) -> Reply {
        let mut reply = Response::new(body);
        *reply.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::OK);
        let headers = reply.headers_mut();
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        if let Ok(date) = http_date(self.shared.clock.now()).parse() {
            headers.insert(header::DATE, date);
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        reply
    }
}

impl tower::Service<http::Request<Body>> for Connection {
    type Response = Reply;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Reply>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(self.clone().serve(request))
    }
}

enum Understood {
    Objects(Request),
    Plain(Answer),
}

fn forbidden(request: &Request) -> Refusal {
    Refusal::forbidden(&request.user, request.verb.as_str(), request.kind, &request.namespace, &request.name)
}

fn verb(method: &Method, many: bool, watching: bool) -> Result<Verb, Refusal> {
    match (method.as_str(), many) {
        ("GET", true) if watching => Ok(Verb::Watch),
        ("GET", true) => Ok(Verb::List),
        ("GET", false) => Ok(Verb::Get),
        ("POST", true) => Ok(Verb::Create),
        ("PUT", false) => Ok(Verb::Update),
        ("PATCH", false) => Ok(Verb::Patch),
        ("DELETE", false) => Ok(Verb::Delete),
        _ => Err(Refusal::method_not_allowed()),
    }
}

fn json_body(body: &[u8]) -> Result<Value, Refusal> {
    if body.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(body)
        .map_err(|e| Refusal::bad_request(format!("couldn't get version/kind; json parse error: {e}")))
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.3", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "simulated", "compiler": "simulated", "platform": "simulated",
    })
}

fn discovery(version: &str) -> Result<Value, Refusal> {
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(|k| k.api_version() == version).collect();
    if kinds.is_empty() {
        return Err(Refusal::no_such_path());
    }
    let resources: Vec<Value> = kinds
        .iter()
        .map(|k| {
            json!({
                "name": k.plural(), "singularName": "", "namespaced": k.namespaced(), "kind": k.as_str(),
                "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
            })
        })
        .collect();
    Ok(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}))
}

fn http_date(now: DateTime<Utc>) -> String {
    now.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
