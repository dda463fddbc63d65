//! One question and its whole body: leave from the back-off, a place in the bulkhead, a share of the budget, then the cap.

use super::backoff::{Backoff, Leave, date, retry_after};
use super::bulkhead::Bulkhead;
use super::decode;
use super::error::{Fault, sanitised};
use super::settings::{Kind, Limits};
use super::transport::{Ask, Reply, Request, Transport, TransportError};
use ::http::{HeaderMap, header};
use chrono::{DateTime, TimeDelta, Utc};
use futures::StreamExt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Read of an error's body; its text is cut to 512 characters anyway.
const ERROR_BODY: usize = 64 << 10;

/// Told of everything that metrics are made of.
pub trait Observer: Send + Sync + 'static {
    /// One request ended: HTTP status or [`Fault::as_str`] as `code`.
    fn request(&self, datasource: &str, code: &str, took: Duration);
    /// So many samples of an answer were dropped; none, too.
    fn dropped(&self, datasource: &str, reason: &'static str, count: u64);
    /// The datasource answers, or does not.
    fn up(&self, datasource: &str, up: bool);
}

/// Nobody watches.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn request(&self, _: &str, _: &str, _: Duration) {}
    fn dropped(&self, _: &str, _: &'static str, _: u64) {}
    fn up(&self, _: &str, _: bool) {}
}

/// The guarded way to one datasource.
pub(crate) struct Exchange {
    pub(crate) name: String,
    pub(crate) limits: Limits,
    pub(crate) observer: Arc<dyn Observer>,
    kind: Kind,
    transport: Arc<dyn Transport>,
    bulkhead: Bulkhead,
    backoff: Mutex<Backoff>,
    spent: AtomicU32,
    skew: Mutex<Option<TimeDelta>>,
    /// What the server itself failed with last; `None` after a good answer.
    fault: Mutex<Option<Fault>>,
}

/// Ends a probe also when its future is dropped half-way.
struct Probe<'a>(&'a Exchange);

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.0.backoff().abandoned();
    }
}

impl Exchange {
    pub(crate) fn new(
        name: String,
        kind: Kind,
        limits: Limits,
        transport: Arc<dyn Transport>,
        observer: Arc<dyn Observer>,
        seed: u64,
    ) -> Self {
        let bulkhead = Bulkhead::new(limits.concurrency, limits.queue);
        Self {
            name,
            limits,
            observer,
            kind,
            transport,
            bulkhead,
            backoff: Mutex::new(Backoff::new(seed)),
            spent: AtomicU32::new(0),
            skew: Mutex::new(None),
            fault: Mutex::new(None),
        }
    }

    fn backoff(&self) -> MutexGuard<'_, Backoff> {
        self.backoff.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new tick: its budget is whole.
    pub(crate) fn begin_tick(&self) {
        self.spent.store(0, Ordering::Relaxed);
    }

    /// Requests that this tick may still make.
    pub(crate) fn left(&self) -> u32 {
        self.limits.queries_per_tick.saturating_sub(self.spent.load(Ordering::Relaxed))
    }

    /// No failure since the last answer.
    pub(crate) fn is_up(&self) -> bool {
        self.backoff().failures() == 0
    }

    /// Why it does not answer; `None` while it does.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Places in flight.
    pub(crate) fn concurrency(&self) -> u32 {
        self.bulkhead.limit()
    }

    /// The server's clock less ours, as of its last answer; a second of it is rounding.
    pub(crate) fn skew(&self) -> Option<TimeDelta> {
        *self.skew.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, and reads the whole body of a good answer.
    pub(crate) async fn ask(&self, ask: Ask, limit: Option<u32>, now: DateTime<Utc>) -> Result<Vec<u8>, Fault> {
        let _pass = self.bulkhead.enter().await.map_err(|waiting| Fault::Busy { waiting })?;
        let leave = self.backoff().ask(Instant::now());
        if let Leave::Wait(failures, retry_in) = leave {
            let last = self.fault().map(Box::new);
            return Err(Fault::BackingOff { failures, retry_in, last });
        }
        let _probe = (leave == Leave::Probe).then(|| Probe(self));
        self.spend()?;
        let began = Instant::now();
        let request = Request { ask, timeout: self.limits.total, limit, no_partial: self.kind.partial_parameter() };
        let answer = self.bounded(request, now).await;
        self.learn_from(&answer, began);
        answer
    }

    fn spend(&self) -> Result<(), Fault> {
        let limit = self.limits.queries_per_tick;
        let more = |spent: u32| (spent < limit).then_some(spent + 1);
        match self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(_) => Ok(()),
            Err(_) => Err(Fault::BudgetSpent { limit }),
        }
    }

    /// One request within its time; refused credentials are read again once, as a rotated token is the usual cause.
    async fn bounded(&self, request: Request, now: DateTime<Utc>) -> Result<Vec<u8>, Fault> {
        let after = self.limits.total;
        let late = |_| Err(Fault::TimedOut { after });
        let first = tokio::time::timeout(after, self.once(request.clone(), now)).await.unwrap_or_else(late);
        if !matches!(first, Err(Fault::Unauthorized { .. })) {
            return first;
        }
        self.transport.refresh_credentials();
        tokio::time::timeout(after, self.once(request, now)).await.unwrap_or_else(late)
    }

    async fn once(&self, request: Request, now: DateTime<Utc>) -> Result<Vec<u8>, Fault> {
        let after = self.limits.total;
        let broken = |e| broken(&e, after);
        let reply = self.transport.send(request).await.map_err(broken)?;
        if let Some(theirs) = date(&reply.headers) {
            *self.skew.lock().unwrap_or_else(PoisonError::into_inner) = Some(theirs - now);
        }
        match reply.status {
            200..=299 => good(reply, self.limits.body_bytes).await.map_err(|e| e.unwrap_or_else(broken)),
            _ => Err(refused(reply, now).await),
        }
    }

    /// Back-off, concurrency and metrics follow from how it ended.
    fn learn_from(&self, answer: &Result<Vec<u8>, Fault>, began: Instant) {
        let now = Instant::now();
        let code = answer.as_ref().err().map_or("200", Fault::as_str);
        self.observer.request(&self.name, code, now - began);
        match answer {
            Err(fault) if fault.is_of_the_server() => {
                let wanted = if let Fault::Throttled { retry_after, .. } = fault { *retry_after } else { None };
                self.backoff().failed(began, now, wanted);
                *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault.clone());
                if matches!(fault, Fault::Throttled { .. } | Fault::TimedOut { .. }) {
                    self.bulkhead.overloaded();
                }
            }
            _ => {
                self.backoff().succeeded(began);
                if self.is_up() {
                    *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
                }
                self.bulkhead.recovered();
            }
        }
        self.observer.up(&self.name, self.is_up());
    }
}

/// The name of a failure below HTTP.
fn broken(error: &TransportError, after: Duration) -> Fault {
    let why = sanitised(&error.to_string(), 512);
    match error {
        TransportError::Unreachable(_) => Fault::Unreachable { why },
        TransportError::Tls(_) => Fault::Tls { why },
        TransportError::TimedOut => Fault::TimedOut { after },
        TransportError::Credentials(_) => Fault::Credentials { why },
    }
}

/// A fault, or a broken stream that is still to be named.
enum Unread {
    Fault(Fault),
    Broken(TransportError),
}

impl Unread {
    fn unwrap_or_else(self, name: impl FnOnce(TransportError) -> Fault) -> Fault {
        match self {
            Self::Fault(fault) => fault,
            Self::Broken(error) => name(error),
        }
    }
}

/// The body of a 2xx answer, if it is plain JSON under the cap.
async fn good(reply: Reply, cap: usize) -> Result<Vec<u8>, Unread> {
    if let Some(encoding) = text_of(&reply.headers, header::CONTENT_ENCODING).filter(|e| e != "identity") {
        let content = format!("a body compressed with {}", sanitised(&encoding, 40));
        return Err(Unread::Fault(Fault::NotJson { content }));
    }
    let kind = text_of(&reply.headers, header::CONTENT_TYPE).unwrap_or_default();
    let body = read(reply, cap).await?;
    let first = body.iter().find(|b| !b.is_ascii_whitespace());
    let json = kind.is_empty() || kind.to_ascii_lowercase().contains("json");
    match first {
        Some(b'<') => Err(Unread::Fault(Fault::LoginPage { title: title(&body) })),
        _ if json => Ok(body),
        _ => Err(Unread::Fault(Fault::NotJson { content: sanitised(&kind, 80) })),
    }
}

/// Reads up to `cap` bytes and stops there: dropping the stream closes the connection.
async fn read(reply: Reply, cap: usize) -> Result<Vec<u8>, Unread> {
    let too_large = || Unread::Fault(Fault::TooLarge { cap });
    let announced = text_of(&reply.headers, header::CONTENT_LENGTH).and_then(|l| l.parse::<u64>().ok()).unwrap_or(0);
    if announced > cap as u64 {
        return Err(too_large());
    }
    let mut body: Vec<u8> = Vec::new();
    let mut stream = reply.body;
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(Unread::Broken)?;
        let length = body.len() + piece.len();
        if length > cap {
            return Err(too_large());
        }
        if length > body.capacity() {
            // Doubling, but never beyond the cap: the whole answer costs no more than it.
            body.reserve_exact(length.max((body.capacity() * 2).min(cap)) - body.len());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What a status outside 2xx means.
async fn refused(reply: Reply, now: DateTime<Utc>) -> Fault {
    let status = reply.status;
    let retry_after = retry_after(&reply.headers, now);
    let to = text_of(&reply.headers, header::LOCATION).unwrap_or_default();
    // The words are a courtesy: a body that is too long or breaks off is as good as none.
    let body = read(reply, ERROR_BODY).await.unwrap_or_default();
    match status {
        300..=399 => Fault::Redirected { status, to: sanitised(to.split(['?', '#']).next().unwrap_or_default(), 200) },
        401 | 403 | 407 => Fault::Unauthorized { status },
        404 | 405 => Fault::WrongAddress { status },
        429 | 503 | 504 => Fault::Throttled { status, retry_after, text: words(&body) },
        400 | 422 if !starts_html(&body) => Fault::QueryRejected { text: words(&body) },
        _ => Fault::Failed { status, text: words(&body) },
    }
}

/// The server's own words: the API's `error`, or the start of a plain text.
fn words(body: &[u8]) -> String {
    if let Some((_, error)) = decode::api_error(body) {
        return error;
    }
    if starts_html(body) {
        return format!("an HTML page {:?}", title(body));
    }
    match sanitised(&String::from_utf8_lossy(body), 512) {
        text if text.is_empty() => "no further words".to_owned(),
        text => text,
    }
}

fn starts_html(body: &[u8]) -> bool {
    body.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<')
}

/// Text of an HTML page's title.
fn title(body: &[u8]) -> String {
    let head = String::from_utf8_lossy(&body[..body.len().min(8192)]).into_owned();
    let lower = head.to_ascii_lowercase();
    let text = lower.find("<title").and_then(|from| {
        let start = from + lower[from..].find('>')? + 1;
        let end = start + lower[start..].find('<')?;
        head.get(start..end)
    });
    sanitised(text.unwrap_or_default(), 80)
}

fn text_of(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.trim().to_owned())
}
