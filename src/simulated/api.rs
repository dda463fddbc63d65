//! The Kubernetes API in memory: a tower service that takes the place of the network under [`kube::Client`].
//!
//! It answers as kube-apiserver 1.36 does for the kinds of [`kind::Kind`]: lists with pages, watches with bookmarks and 410,
//! optimistic locking, server-side apply with `managedFields`, JSON and merge patches, `status` and `scale`, validation and
//! defaults of HPAs. Faults strike by rule and seed, and each mutating request is in the audit log.
//!
//! Not imitated: a list's later pages show objects as they are then, not as they were at the first; more than ten updaters of
//! one object are not folded into `ancient-changes`; labels and names are not checked for their syntax.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use floorcast::simulated::{api::Server, clock::Clock};
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kube::Api;
//!
//! let clock = Clock::starting_at(chrono::DateTime::UNIX_EPOCH);
//! let server = Server::new(clock, 7);
//! let maps: Api<ConfigMap> = Api::namespaced(server.client("admin", "default"), "default");
//! assert!(maps.list(&Default::default()).await?.items.is_empty());
//! # Ok(())
//! # }
//! ```

pub mod apply;
pub mod audit;
pub mod compare;
pub mod defaults;
pub mod faults;
pub mod fields;
pub mod kind;
pub mod ownership;
mod page;
pub mod patch;
pub mod refusal;
pub mod request;
mod scale;
pub mod schema;
mod selector;
pub mod serve;
mod service;
pub mod store;
mod validate;
mod watch;

use super::clock::Clock;
use audit::{Audit, Entry};
use chrono::{DateTime, Utc};
use faults::Faults;
use kind::Kind;
use refusal::Refusal;
use request::{Request, Verb};
use serde_json::Value;
use serve::State;
pub use service::Connection;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What all connections share.
pub struct Shared {
    state: Mutex<State>,
    /// Wakes the watches in the order in which they wait; a watch channel would wake them in a random one.
    changed: tokio::sync::Notify,
    clock: Clock,
}

/// The server's user for what the control plane does by itself.
const CONTROL_PLANE: &str = "system:control-plane";

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    // The state is whole after every statement that can panic, so a poisoned lock is still good.
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The server. Cheap to clone; all clones are one server.
#[derive(Clone)]
pub struct Server {
    shared: Arc<Shared>,
}

impl Server {
    /// An empty cluster. The seed decides uids and chances of faults.
    pub fn new(clock: Clock, seed: u64) -> Self {
        let (state, changed) = (Mutex::new(State::new(seed)), tokio::sync::Notify::new());
        Self { shared: Arc::new(Shared { state, changed, clock }) }
    }

    /// The clock that stamps its objects.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// A connection as `user`: the tower service itself.
    pub fn connect(&self, user: &str) -> Connection {
        Connection::new(self.shared.clone(), user)
    }

    /// A client as `user`. Call it inside a tokio runtime.
    pub fn client(&self, user: &str, namespace: &str) -> kube::Client {
        kube::Client::new(self.connect(user), namespace)
    }

    /// Changes what goes wrong, or looks at what went wrong.
    pub fn faults<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        change(&mut lock(&self.shared.state).faults)
    }

    /// Looks at the audit log.
    pub fn audit<T>(&self, look: impl FnOnce(&Audit) -> T) -> T {
        look(&lock(&self.shared.state).audit)
    }

    /// Takes the mutating requests since the last time out of the audit log, oldest first.
    pub fn drain_audit(&self) -> Vec<Entry> {
        lock(&self.shared.state).audit.drain()
    }

    /// The mutating requests so far, oldest first.
    pub fn audit_log(&self) -> Vec<Entry> {
        self.audit(|a| a.entries().to_vec())
    }

    /// Forgets old versions: watches and continued lists from them get 410 Gone.
    pub fn compact(&self) {
        let mut state = lock(&self.shared.state);
        state.store.compact();
        state.faults.note("compaction");
    }

    /// Ends every open watch, as an API server does that restarts.
    pub fn close_watches(&self) {
        let mut state = lock(&self.shared.state);
        state.watch_closings += 1;
        state.faults.note("watch-closed");
        self.shared.changed.notify_waiters();
    }

    /// One object.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let key = (kind, namespace.to_owned(), name.to_owned());
        lock(&self.shared.state).store.get(&key).cloned()
    }

    /// All objects of a kind in a namespace, or in all where that is empty.
    pub fn list(&self, kind: Kind, namespace: &str) -> Vec<Arc<Value>> {
        let state = lock(&self.shared.state);
        let objects = state.store.list(kind, namespace);
        objects.map(|(_, object)| object.clone()).collect()
    }

    /// Creates an object as the control plane itself: no faults, no audit.
    ///
    /// # Errors
    /// What the API would refuse.
    pub fn create(&self, manager: &str, object: Value) -> Result<Value, Refusal> {
        self.create_at(manager, object, self.shared.clock.now())
    }

    /// Like [`Server::create`], for an object that has been there since `at`.
    ///
    /// # Errors
    /// What the API would refuse.
    pub fn create_at(&self, manager: &str, object: Value, at: DateTime<Utc>) -> Result<Value, Refusal> {
        let said = |at: &str| object.pointer(at).and_then(Value::as_str).unwrap_or_default();
        let kind = Kind::of(said("/apiVersion"), said("/kind")).ok_or_else(Refusal::no_such_path)?;
        let namespace = said("/metadata/namespace").to_owned();
        let mut request = inside(Verb::Create, kind, &namespace, "", manager);
        request.body = object;
        self.perform_at(&request, at)
    }

    /// Patches an object with a merge patch as the control plane itself; `subresource` may be empty.
    ///
    /// # Errors
    /// What the API would refuse.
    pub fn merge(
        &self,
        manager: &str,
        (kind, namespace, name): (Kind, &str, &str),
        subresource: &str,
        patch: Value,
    ) -> Result<Value, Refusal> {
        let mut request = inside(Verb::Patch, kind, namespace, name, manager);
        subresource.clone_into(&mut request.subresource);
        "application/merge-patch+json".clone_into(&mut request.content_type);
        request.body = patch;
        self.perform(&request)
    }

    /// Deletes an object as the control plane itself.
    ///
    /// # Errors
    /// 404.
    pub fn delete(&self, kind: Kind, namespace: &str, name: &str) -> Result<Value, Refusal> {
        self.perform(&inside(Verb::Delete, kind, namespace, name, CONTROL_PLANE))
    }

    /// Carries out a request without faults and without audit.
    ///
    /// # Errors
    /// What the API would refuse.
    pub fn perform(&self, request: &Request) -> Result<Value, Refusal> {
        self.perform_at(request, self.shared.clock.now())
    }

    fn perform_at(&self, request: &Request, at: DateTime<Utc>) -> Result<Value, Refusal> {
        let mut state = lock(&self.shared.state);
        let before = state.store.version();
        let answer = state.act(request, at);
        self.shared.tell(&state, before);
        answer.map(|(_, body)| body)
    }
}

impl Shared {
    /// Wakes the watches where something changed.
    fn tell(&self, state: &State, before: u64) {
        if state.store.version() != before {
            self.changed.notify_waiters();
        }
    }
}

fn inside(verb: Verb, kind: Kind, namespace: &str, name: &str, manager: &str) -> Request {
    Request {
        user: CONTROL_PLANE.to_owned(),
        pod: String::new(),
        verb,
        kind,
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        subresource: String::new(),
        query: BTreeMap::from([("fieldManager".to_owned(), manager.to_owned())]),
        content_type: "application/json".to_owned(),
        agent: String::new(),
        body: Value::Null,
    }
}

#[cfg(test)]
mod tests;
