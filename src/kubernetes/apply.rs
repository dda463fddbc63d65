//! Writes to HPAs: each one a raw PATCH of a known shape, sent only while there is time for it to end.

mod body;
mod pace;
mod reply;

pub use pace::Pace;
pub use reply::WriteResult;

use super::lease::{Leadership, Permit};
use super::workload::Workload;
use body::Patch;
use chrono::{DateTime, Utc};
use floorcast_models::protocol::{Action, Reply, Urgency};
use floorcast_models::units::Replicas;
use http::{Request, StatusCode, header};
use kube::Client;
use reply::Answer;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// One request may take this long.
const EACH: Duration = Duration::from_secs(5);
/// Tries of the clean-up that only touches our own managedFields entries.
const TRIES: u32 = 3;
/// A server that asks for patience is believed up to here.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Sends writes.
#[derive(Clone)]
pub struct Writer {
    client: Client,
    pace: Arc<Pace>,
    leadership: Option<watch::Receiver<Leadership>>,
    now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    each: Duration,
}

/// Under whose authority a write is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// A leader's: the write must have ended before its lease could be lost.
    Leader(Permit),
    /// A person's command or the janitor: no lease, each write stands for itself.
    Command,
}

impl Authority {
    /// A leader's, if it leads.
    pub fn of(leadership: &Leadership) -> Option<Self> {
        leadership.ours.as_ref().map(|o| Self::Leader(o.permit))
    }
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    /// For the floor protocol.
    pub reply: Reply,
    /// For the metric `writes_total{result}`.
    pub result: WriteResult,
    /// HTTP status of the deciding answer.
    pub status: Option<u16>,
    /// What the server said, sanitised, at most 512 characters; empty when it said nothing.
    pub message: String,
    /// An admission plugin changed our value: what stands there now.
    pub mutated: Option<Replicas>,
    /// The server asked for a pause of this length; the writer keeps it by itself.
    pub retry_after: Option<Duration>,
    /// The base was given back, but our managedFields entries are still there, for this reason.
    pub leftover: Option<String>,
    /// How long the requests took, for `kubernetes_request_duration_seconds`.
    pub took: Duration,
}

impl Writer {
    /// A writer over the client without retries ([`super::Clients::write`]).
    pub fn new(client: Client, now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>) -> Self {
        Self { client, pace: Arc::default(), leadership: None, now, each: EACH }
    }

    /// With another bound for each request (5 s by default), where the lease is shorter than usual.
    #[must_use]
    pub fn each(mut self, each: Duration) -> Self {
        self.each = each;
        self
    }

    /// With other rates: raises and releases, and lowers, each per second.
    #[must_use]
    pub fn rates(mut self, raises: u32, lowers: u32) -> Self {
        self.pace = Arc::new(Pace::new(raises, lowers));
        self
    }

    /// Follows the election: a leader's later renewals let its queued writes go on, and its end stops them at once.
    #[must_use]
    pub fn following(mut self, leadership: watch::Receiver<Leadership>) -> Self {
        self.leadership = Some(leadership);
        self
    }

    /// Carries out one action. Never fails: every outcome is an answer for the protocol.
    ///
    /// Waits for its turn first: raises and releases go out at up to 50 a second, lowers at 5.
    pub async fn send(&self, workload: &Workload, action: &Action, urgency: Urgency, authority: Authority) -> Sent {
        let Some(patch) = body::first(workload, action) else {
            return not_sent("there is nothing to write");
        };
        self.pace.turn(urgency).await;
        let begun = Instant::now();
        let answer = match self.request(&patch, authority).await {
            Ok(answer) => answer,
            Err(early) => return early,
        };
        let mut sent = reply::judge(&answer, patch.value);
        if let Some(pause) = sent.retry_after {
            self.pace.pause(pause.min(LONGEST_PAUSE));
        }
        if matches!(sent.reply, Reply::Done { .. }) && !action_holds(action) {
            self.disown(workload, &answer, authority, &mut sent).await;
        }
        sent.took = begun.elapsed();
        sent
    }

    /// Removes our managedFields entries, so that the field belongs to nobody: a failure is no harm but told.
    async fn disown(&self, workload: &Workload, given_back: &Answer, authority: Authority, sent: &mut Sent) {
        let mut object = given_back.body.clone();
        for _ in 0..TRIES {
            let Some(patch) = body::disown(workload, &object) else {
                sent.leftover = None;
                return;
            };
            let answer = match self.request(&patch, authority).await {
                Ok(answer) => answer,
                Err(early) => {
                    sent.leftover = Some(early.message);
                    return;
                }
            };
            let outcome = reply::judge(&answer, None);
            if let Reply::Done { .. } = &outcome.reply {
                sent.reply = outcome.reply;
                sent.leftover = None;
                return;
            }
            sent.leftover = Some(outcome.message);
            match self.request(&body::read(workload), authority).await {
                Ok(fresh) if fresh.status.is_success() => object = fresh.body,
                _ => return,
            }
        }
    }

    /// One request, bounded in time; refused where it might end after the authority has.
    async fn request(&self, patch: &Patch, authority: Authority) -> Result<Answer, Sent> {
        if let Authority::Leader(permit) = authority {
            let permit = self.newest(permit).ok_or_else(|| not_sent("the lease is lost"))?;
            if !permit.allows(Instant::now(), (self.now)(), self.each) {
                return Err(not_sent("the lease might be lost before the write ends"));
            }
        }
        let request = self.build(patch).map_err(|why| not_sent(&why.to_string()))?;
        match tokio::time::timeout(self.each, self.exchange(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => Err(unknown(&super::chain(&why))),
            Err(_) => Err(unknown(&format!("no answer within {} ms", self.each.as_millis()))),
        }
    }

    /// The permit as last renewed in its own epoch; `None` where another epoch has begun.
    fn newest(&self, permit: Permit) -> Option<Permit> {
        let Some(leadership) = &self.leadership else {
            return Some(permit);
        };
        let ours = leadership.borrow().ours.as_ref().map(|o| o.permit);
        ours.filter(|newest| newest.epoch == permit.epoch)
    }

    fn build(&self, patch: &Patch) -> Result<Request<kube::client::Body>, http::Error> {
        // The server gives up as well: a write cannot come alive in its queue after we have stopped waiting.
        let limit = format!("timeout={}s", self.each.as_secs().max(1));
        let uri = match patch.query.as_str() {
            "" => patch.path.clone(),
            query => format!("{}?{query}&{limit}", patch.path),
        };
        Request::builder()
            .method(patch.method.clone())
            .uri(uri)
            .header(header::CONTENT_TYPE, patch.mime)
            .header(header::ACCEPT, "application/json")
            .body(kube::client::Body::from(patch.body.clone()))
    }

    async fn exchange(&self, request: Request<kube::client::Body>) -> Result<Answer, kube::Error> {
        let response = self.client.send(request).await?;
        let status = response.status();
        let retry_after = reply::retry_after(response.headers());
        let body = response.into_body().collect_bytes().await?;
        Ok(Answer { status, retry_after, body: serde_json::from_slice(&body).unwrap_or(serde_json::Value::Null) })
    }
}

/// Does the action keep a floor, rather than hand it back?
const fn action_holds(action: &Action) -> bool {
    matches!(action, Action::Acquire { .. } | Action::Hold { .. })
}

fn not_sent(why: &str) -> Sent {
    early(Reply::NotSent, WriteResult::NotSent, why)
}

fn unknown(why: &str) -> Sent {
    early(Reply::Unknown, WriteResult::Unknown, why)
}

fn early(reply: Reply, result: WriteResult, why: &str) -> Sent {
    Sent {
        reply,
        result,
        status: None,
        message: reply::sanitised(why),
        mutated: None,
        retry_after: None,
        leftover: None,
        took: Duration::ZERO,
    }
}

/// Statuses that say "later".
const fn later(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 503)
}

#[cfg(test)]
mod tests;
