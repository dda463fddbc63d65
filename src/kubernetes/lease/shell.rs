//! The thin async shell around [`super::core`].

use super::core::{Answer, Ask, Core, Moment, Problem, Seen, Timing};
use super::record::{self, Lease};
use super::{Leadership, Ours, Permit};
use crate::kubernetes::connect::{ConnectError, Line};
use chrono::{DateTime, Utc};
use floorcast_models::protocol::Identity;
use floorcast_models::target::Holder;
use http::{Method, Request, StatusCode};
use kube::Client;
use serde_json::Value;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// What the election needs.
#[derive(Clone)]
pub struct Settings {
    /// Namespace of the Lease.
    pub namespace: String,
    /// Name of the Lease ([`crate::kubernetes::LEASE`]).
    pub name: String,
    /// Who we are; must be no other process's name: see [`identity`].
    pub identity: String,
    /// Durations.
    pub timing: Timing,
    /// The wall clock.
    pub now: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
}

/// A name that no other process has, not even our own next life in the same pod: the pod's name and eight random digits.
pub fn identity(pod: &str) -> String {
    identity_by(pod, rand::random())
}

/// The same with digits that the caller draws.
pub fn identity_by(pod: &str, number: u32) -> String {
    format!("{pod}_{number:08x}")
}

/// Takes part in the election until it is dropped or [`Elector::leave`] is called.
pub struct Elector {
    leadership: watch::Receiver<Leadership>,
    orders: mpsc::UnboundedSender<Order>,
    thread: Option<JoinHandle<()>>,
    task: Option<tokio::task::JoinHandle<()>>,
}

/// What the elector is told from outside.
enum Order {
    AtLeast(u64),
    Leave,
}

impl Elector {
    /// Starts the election. A real line gets a thread and a runtime of its own; a given service stays on the
    /// current runtime, whose clock may be paused.
    pub fn start(line: &Line, settings: Settings) -> Result<Self, ConnectError> {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (publish, leadership) = watch::channel(Leadership::unknown());
        let mut elector = Self { leadership, orders, thread: None, task: None };
        if line.is_real() {
            elector.thread = Some(on_thread(line, settings, publish, inbox)?);
        } else {
            let shell = Shell::new(line.open()?, settings, publish, inbox);
            elector.task = Some(tokio::spawn(shell.run()));
        }
        Ok(elector)
    }

    /// Who leads, as it changes.
    pub fn leadership(&self) -> watch::Receiver<Leadership> {
        self.leadership.clone()
    }

    /// Marks on objects carry an epoch of our lease that is higher than the Lease's own, because somebody reset it:
    /// the next renewal goes past it, or the admission policy would refuse our writes for ever.
    pub fn at_least(&self, epoch: u64) {
        // A closed channel means that the election is over.
        let _ = self.orders.send(Order::AtLeast(epoch));
    }

    /// Gives the lease up and waits until that is done, at most `patience`.
    pub async fn leave(mut self, patience: Duration) {
        let _ = self.orders.send(Order::Leave);
        let gone = async { while self.leadership.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(patience, gone).await;
    }
}

impl Drop for Elector {
    fn drop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

fn on_thread(
    line: &Line,
    settings: Settings,
    publish: watch::Sender<Leadership>,
    inbox: mpsc::UnboundedReceiver<Order>,
) -> Result<JoinHandle<()>, ConnectError> {
    let failed = |why: std::io::Error| ConnectError::Setup { address: "the Lease".to_owned(), why: why.to_string() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let client = {
        let _on = runtime.enter();
        line.open()?
    };
    let shell = Shell::new(client, settings, publish, inbox);
    let thread = std::thread::Builder::new().name("lease".to_owned());
    thread.spawn(move || runtime.block_on(shell.run())).map_err(failed)
}

struct Shell {
    client: Client,
    settings: Settings,
    core: Core,
    publish: watch::Sender<Leadership>,
    inbox: mpsc::UnboundedReceiver<Order>,
    began: Instant,
    /// Said once in the log, not at every look.
    told: Option<String>,
}

impl Shell {
    fn new(
        client: Client,
        settings: Settings,
        publish: watch::Sender<Leadership>,
        inbox: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        Self {
            core: Core::new(settings.identity.clone(), settings.timing),
            client,
            settings,
            publish,
            inbox,
            began: Instant::now(),
            told: None,
        }
    }

    async fn run(mut self) {
        loop {
            let next = Instant::now() + self.settings.timing.period;
            self.round().await;
            loop {
                tokio::select! {
                    biased;
                    () = tokio::time::sleep_until(self.wake(next)) => {
                        self.publish();
                        if Instant::now() >= next {
                            break;
                        }
                    }
                    order = self.inbox.recv() => match order {
                        Some(Order::AtLeast(epoch)) => self.core.at_least(epoch),
                        Some(Order::Leave) | None => return self.leave().await,
                    },
                }
            }
        }
    }

    /// The next look or renewal, or the moment our own hold ends, if that comes first.
    fn wake(&self, next: Instant) -> Instant {
        let end = self.core.left(self.moment()).map(|left| Instant::now() + left + Duration::from_millis(1));
        end.map_or(next, |end| end.min(next))
    }

    /// Asks until there is nothing more to be done at once: a look may show a lease that is free now.
    async fn round(&mut self) {
        for _ in 0..3 {
            let begun = self.moment();
            let ask = self.core.ask(begun);
            let answer = self.perform(&ask).await;
            let conflict = answer == Answer::Conflict;
            self.core.answer(&ask, begun, self.moment(), answer);
            self.publish();
            let more = self.core.ask(self.moment()) != Ask::Look;
            let again = conflict || (more && ask == Ask::Look);
            if !again {
                return;
            }
        }
    }

    async fn leave(mut self) {
        let now = self.moment();
        if let Some(ask) = self.core.leave(now) {
            self.publish();
            self.perform(&ask).await;
        }
        self.publish.send_replace(Leadership::unknown());
    }

    async fn perform(&mut self, ask: &Ask) -> Answer {
        let (method, path, body) = self.request(ask);
        let mime = match method {
            Method::PATCH => "application/merge-patch+json",
            _ => "application/json",
        };
        let request = Request::builder().method(method).uri(path).header("content-type", mime).body(body);
        let Ok(request) = request else {
            return Answer::Failed;
        };
        // A renewal that takes longer than a period is begun anew; it may land all the same, which does no harm.
        let limit = self.settings.timing.duration / 3;
        match tokio::time::timeout(limit, send(&self.client, request)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(why)) => {
                tracing::debug!(error = %crate::kubernetes::chain(&why), "the lease could not be asked");
                Answer::Failed
            }
            Err(_) => Answer::Failed,
        }
    }

    fn request(&self, ask: &Ask) -> (Method, String, Vec<u8>) {
        let all = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", self.settings.namespace);
        let one = format!("{all}/{}", self.settings.name);
        let patch = format!("{one}?fieldManager=floorcast");
        let (timing, now) = (self.settings.timing, (self.settings.now)());
        let me = self.settings.identity.as_str();
        match ask {
            Ask::Look => (Method::GET, one, Vec::new()),
            Ask::Create { transitions } => {
                let body =
                    record::create((&self.settings.namespace, &self.settings.name), (me, *transitions), timing, now);
                (Method::POST, format!("{all}?fieldManager=floorcast"), bytes(&body))
            }
            Ask::Take { uid, version, transitions, fresh } => {
                let body = record::take((uid, version), (me, *transitions), timing, now, *fresh);
                (Method::PATCH, patch, bytes(&body))
            }
            Ask::Leave { uid, version } => (Method::PATCH, patch, bytes(&record::leave(uid, version, now))),
        }
    }

    fn moment(&self) -> Moment {
        Moment { monotonic: Instant::now() - self.began, wall_ms: (self.settings.now)().timestamp_millis() }
    }

    fn publish(&mut self) {
        let leadership =
            Leadership { ours: self.ours(), other: self.core.other().map(str::to_owned), problem: self.problem() };
        self.tell(&leadership);
        self.publish.send_if_modified(|old| {
            let changed = *old != leadership;
            *old = leadership;
            changed
        });
    }

    fn ours(&self) -> Option<Ours> {
        let now = self.moment();
        let (mine, left) = (self.core.mine(now)?, self.core.left(now)?);
        let holder = Holder {
            namespace: self.settings.namespace.clone(),
            lease_uid: mine.uid.clone(),
            identity: self.settings.identity.clone(),
        };
        let wall = (self.settings.now)() + chrono::TimeDelta::from_std(left).unwrap_or_default();
        Some(Ours {
            identity: Identity { holder, epoch: mine.epoch },
            permit: Permit { deadline: Instant::now() + left, wall, epoch: mine.epoch },
        })
    }

    fn problem(&self) -> Option<String> {
        let (namespace, name) = (&self.settings.namespace, &self.settings.name);
        Some(match self.core.problem()? {
            Problem::Missing => format!(
                "Lease {namespace}/{name} does not exist and may not be created; apply deploy/manifests/lease.yaml, or allow `create` on leases"
            ),
            Problem::Forbidden => format!(
                "Lease {namespace}/{name} may not be read or written; allow `get` and `patch` on it, as deploy/manifests/rbac.yaml does"
            ),
        })
    }

    fn tell(&mut self, leadership: &Leadership) {
        if self.told != leadership.problem {
            if let Some(problem) = &leadership.problem {
                tracing::warn!("{problem}");
            }
            self.told.clone_from(&leadership.problem);
        }
        let led = self.publish.borrow().leads();
        if led != leadership.leads() {
            let epoch = leadership.epoch();
            tracing::info!(leader = leadership.leads(), ?epoch, other = ?leadership.other, "leadership changed");
        }
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

async fn send(client: &Client, request: Request<Vec<u8>>) -> Result<Answer, kube::Error> {
    let creating = request.method() == Method::POST;
    let response = client.send(request.map(kube::client::Body::from)).await?;
    let status = response.status();
    let body = response.into_body().collect_bytes().await?;
    Ok(match status {
        StatusCode::NOT_FOUND if !creating => Answer::Missing,
        StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => Answer::Conflict,
        StatusCode::FORBIDDEN | StatusCode::UNAUTHORIZED => Answer::Forbidden,
        s if s.is_success() => {
            let lease: Lease = serde_json::from_slice(&body).map_err(kube::Error::SerdeError)?;
            Answer::Lease(Seen::from(lease))
        }
        _ => Answer::Failed,
    })
}

#[cfg(test)]
mod tests;
