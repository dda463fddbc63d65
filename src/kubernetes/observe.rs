//! A pruned, watched copy of the cluster, read synchronously.

mod area;

use self::area::Area;
use super::cache::{Cache, Key, key};
use super::control::Control;
use super::parse;
use super::pods::{self, PodFacts, PodsError};
use super::slim::{ConfigMap, Hpa};
use super::workload::{Scaled, TargetKind, TargetRef, Workload};
use chrono::TimeDelta;
use futures::StreamExt;
use kube::runtime::WatchStreamExt;
use kube::runtime::utils::Backoff;
use kube::runtime::watcher::{self, Config, DefaultBackoff, Event, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// What to watch.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Namespaces.
    pub scope: Scope,
    /// Namespace of the kill switch.
    pub control_namespace: String,
    /// Name of its `ConfigMap` ([`super::CONTROL`]).
    pub control: String,
    /// `--horizontal-pod-autoscaler-downscale-stabilization` of the controller, for HPAs that do not say their own.
    pub stabilisation: TimeDelta,
}

/// Namespaces that are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All of them; needs a `ClusterRole`.
    Cluster,
    /// These; a Role in each is enough.
    Namespaces(Vec<String>),
}

/// The state of one watch.
#[derive(Clone, Debug)]
pub struct Watch {
    /// `horizontalpodautoscalers`, or `horizontalpodautoscalers in shop`.
    pub what: String,
    /// One list was whole.
    pub listed: bool,
    /// Failing without a break since then, and why.
    pub failing: Option<(Instant, String)>,
}

/// The watched cluster. Watching ends when the last clone is dropped.
#[derive(Clone)]
pub struct Cluster {
    seen: Arc<Seen>,
    client: Client,
    _tasks: Arc<JoinSet<()>>,
}

struct Seen {
    areas: Vec<Area>,
    control: Arc<Cache<ConfigMap>>,
    watches: Arc<Mutex<BTreeMap<String, Watch>>>,
    changes: watch::Sender<u64>,
    control_key: Key,
    stabilisation: Mutex<TimeDelta>,
    built: Mutex<BTreeMap<Key, Built>>,
    wrote: Mutex<BTreeMap<Key, Wrote>>,
    latest: Mutex<Option<Latest>>,
}

/// The workloads as last put together, and the count of events they were made from.
struct Latest {
    events: u64,
    workloads: Vec<Arc<Workload>>,
}

/// A workload with the objects it was made from: it is made again only when one of them has changed.
struct Built {
    hpa: Arc<Hpa>,
    scaled: Option<Arc<Scaled>>,
    others: Vec<String>,
    workload: Arc<Workload>,
}

/// Our last write to an HPA.
struct Wrote {
    uid: String,
    resource_version: String,
}

impl Cluster {
    /// Begins to watch; returns at once. Must be called on a tokio runtime.
    pub fn start(client: Client, settings: Settings) -> Self {
        let mut tasks = JoinSet::new();
        let watches = Arc::default();
        let changes = watch::Sender::new(0);
        let mut start = Start {
            client: client.clone(),
            scope: settings.scope,
            tasks: &mut tasks,
            watches: Arc::clone(&watches),
            changes: changes.clone(),
        };
        let control_key = (settings.control_namespace, settings.control);
        let seen = Seen {
            areas: start.areas(),
            control: start.control(&control_key),
            watches,
            changes,
            control_key,
            stabilisation: Mutex::new(settings.stabilisation),
            built: Mutex::default(),
            wrote: Mutex::default(),
            latest: Mutex::default(),
        };
        Self { seen: Arc::new(seen), client, _tasks: Arc::new(tasks) }
    }

    /// Has every watch listed everything once? A namespace that may not be read is not waited for where there are others: it may be
    /// gone for good, and its workloads are left alone.
    pub fn ready(&self) -> bool {
        let Seen { areas, control, .. } = &*self.seen;
        control.listed() && areas.iter().any(Area::whole) && areas.iter().all(|a| a.whole() || a.withheld())
    }

    /// Waits until [`Cluster::ready`].
    pub async fn wait_ready(&self) {
        let mut changes = self.changes();
        while !self.ready() {
            // The sender lives in `self`: it cannot be gone.
            let _ = changes.changed().await;
        }
    }

    /// Each watch, with what stands in its way.
    pub fn watches(&self) -> Vec<Watch> {
        lock(&self.seen.watches).values().cloned().collect()
    }

    /// Counts events: wakes whoever waits for something to change.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.seen.changes.subscribe()
    }

    /// The kill switch as it stands; everything frozen until it was read once.
    pub fn control(&self) -> Control {
        if !self.seen.control.listed() {
            return Control::unread();
        }
        let map = self.seen.control.get(&self.seen.control_key);
        map.map(|m| Control::parse(&m.data)).unwrap_or_default()
    }

    /// Every HPA, by namespace and name.
    pub fn workloads(&self) -> Vec<Arc<Workload>> {
        self.seen.workloads()
    }

    /// Another stabilisation flag of the HPA controller, after a reload of the configuration.
    pub fn set_stabilisation(&self, flag: TimeDelta) {
        let mut current = lock(&self.seen.stabilisation);
        if *current != flag {
            *current = flag;
            lock(&self.seen.built).clear();
            *lock(&self.seen.latest) = None;
        }
    }

    /// Remembers a write of ours: until the watch has brought it, the workload is not [`Workload::caught_up`].
    pub fn wrote(&self, namespace: &str, hpa: &str, uid: &str, resource_version: &str) {
        let key = (namespace.to_owned(), hpa.to_owned());
        let wrote = Wrote { uid: uid.to_owned(), resource_version: resource_version.to_owned() };
        self.seen.wrote(key, wrote);
    }

    /// The pods of a workload now, by the target's selector. One paged list: for learning, not for every tick.
    pub async fn pods_of(&self, workload: &Workload) -> Result<Vec<PodFacts>, PodsError> {
        pods::list(&self.client, workload).await
    }
}

impl Seen {
    fn wrote(&self, at: Key, wrote: Wrote) {
        lock(&self.wrote).insert(at, wrote);
        *lock(&self.latest) = None;
    }

    /// The same as before while no watch brought anything and no write of ours is waited for.
    fn workloads(&self) -> Vec<Arc<Workload>> {
        // Counted before it is put together: what arrives meanwhile is put together again.
        let events = *self.changes.borrow();
        if let Some(latest) = lock(&self.latest).as_ref().filter(|latest| latest.events == events) {
            return latest.workloads.clone();
        }
        let workloads = self.put_together();
        let settled = lock(&self.wrote).is_empty();
        *lock(&self.latest) = settled.then(|| Latest { events, workloads: workloads.clone() });
        workloads
    }

    fn put_together(&self) -> Vec<Arc<Workload>> {
        let hpas: Vec<Arc<Hpa>> = self.areas.iter().flat_map(Area::hpas).collect();
        let sharing = sharing(&hpas);
        let flag = *lock(&self.stabilisation);
        let mut old = std::mem::take(&mut *lock(&self.built));
        let mut fresh = BTreeMap::new();
        for hpa in hpas {
            let others = sharing.others(&hpa);
            let scaled = self.scaled(&hpa);
            let at = key(hpa.as_ref());
            let built = match old.remove(&at) {
                Some(built) if built.is_of(&hpa, scaled.as_ref(), &others) => built,
                _ => Built::new(hpa, scaled, others, flag),
            };
            fresh.insert(at, built);
        }
        self.settle(&mut fresh);
        let workloads = fresh.values().map(|b| Arc::clone(&b.workload)).collect();
        *lock(&self.built) = fresh;
        workloads
    }

    fn scaled(&self, hpa: &Hpa) -> Option<Arc<Scaled>> {
        let target = parse::target_ref(&hpa.spec.scale_target_ref);
        let at = (hpa.metadata.namespace.clone().unwrap_or_default(), target.name);
        match target.kind {
            TargetKind::Deployment => self.areas.iter().find_map(|a| a.deployment(&at)),
            TargetKind::StatefulSet => self.areas.iter().find_map(|a| a.stateful_set(&at)),
            TargetKind::Other(_) => None,
        }
    }

    /// Marks the workloads whose cached object is older than our last write, and forgets the writes that arrived.
    fn settle(&self, built: &mut BTreeMap<Key, Built>) {
        lock(&self.wrote).retain(|at, wrote| {
            let Some(built) = built.get_mut(at) else {
                return false;
            };
            let target = &built.workload.target;
            let behind = target.uid == wrote.uid && older(&target.resource_version, &wrote.resource_version);
            if built.workload.caught_up == behind {
                Arc::make_mut(&mut built.workload).caught_up = !behind;
            }
            behind
        });
    }
}

impl Built {
    fn new(hpa: Arc<Hpa>, scaled: Option<Arc<Scaled>>, others: Vec<String>, flag: TimeDelta) -> Self {
        let workload = Arc::new(parse::workload(&hpa, scaled.clone(), others.clone(), flag));
        Self { hpa, scaled, others, workload }
    }

    fn is_of(&self, hpa: &Arc<Hpa>, scaled: Option<&Arc<Scaled>>, others: &[String]) -> bool {
        let same_scaled = match (&self.scaled, scaled) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (None, None) => true,
            _ => false,
        };
        Arc::ptr_eq(&self.hpa, hpa) && same_scaled && self.others == others
    }
}

/// Is the cached version older than the written one? Versions are numbers since etcd 3 and are promised to be
/// comparable (KEP-5504); where one is no number, only the very version we wrote counts as seen.
fn older(cached: &str, written: &str) -> bool {
    match (cached.parse::<u64>(), written.parse::<u64>()) {
        (Ok(cached), Ok(written)) => cached < written,
        _ => cached != written,
    }
}

/// Which HPAs scale each target.
struct Sharing(BTreeMap<(String, TargetRef), Vec<String>>);

fn sharing(hpas: &[Arc<Hpa>]) -> Sharing {
    let mut by_target: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for hpa in hpas {
        let (_, name) = key(hpa.as_ref());
        by_target.entry(target_key(hpa)).or_default().push(name);
    }
    by_target.retain(|_, names| names.len() > 1);
    Sharing(by_target)
}

impl Sharing {
    fn others(&self, hpa: &Hpa) -> Vec<String> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let names = self.0.get(&target_key(hpa)).cloned().unwrap_or_default();
        let own = hpa.metadata.name.as_deref();
        names.into_iter().filter(|name| Some(name.as_str()) != own).collect()
    }
}

fn target_key(hpa: &Hpa) -> (String, TargetRef) {
    let namespace = hpa.metadata.namespace.clone().unwrap_or_default();
    (namespace, parse::target_ref(&hpa.spec.scale_target_ref))
}

/// What all watches have in common.
struct Start<'a> {
    client: Client,
    scope: Scope,
    tasks: &'a mut JoinSet<()>,
    watches: Arc<Mutex<BTreeMap<String, Watch>>>,
    changes: watch::Sender<u64>,
}

impl Start<'_> {
    /// The cluster, or each namespace.
    fn areas(&mut self) -> Vec<Area> {
        match self.scope.clone() {
            Scope::Cluster => vec![self.area(None)],
            Scope::Namespaces(names) => names.iter().map(|name| self.area(Some(name))).collect(),
        }
    }

    fn area(&mut self, namespace: Option<&str>) -> Area {
        Area::new(
            self.kind("horizontalpodautoscalers", namespace),
            self.kind("deployments", namespace),
            self.kind("statefulsets", namespace),
        )
    }

    fn kind<K>(&mut self, plural: &str, namespace: Option<&str>) -> Arc<Cache<K>>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + Debug
            + DeserializeOwned
            + Send
            + Sync
            + 'static,
    {
        let client = self.client.clone();
        let (what, api) = match namespace {
            Some(namespace) => (format!("{plural} in {namespace}"), Api::namespaced(client, namespace)),
            None => (plural.to_owned(), Api::all(client)),
        };
        self.one(what, api, Config::default())
    }

    fn control(&mut self, (namespace, name): &Key) -> Arc<Cache<ConfigMap>> {
        let api = Api::namespaced(self.client.clone(), namespace);
        let only = Config::default().fields(&format!("metadata.name={name}"));
        let what = format!("configmap {name} in {namespace}");
        self.one(what, api, only)
    }

    fn one<K>(&mut self, what: String, api: Api<K>, config: Config) -> Arc<Cache<K>>
    where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    {
        let cache = Arc::new(Cache::default());
        let state = Watch { what: what.clone(), listed: false, failing: None };
        lock(&self.watches).insert(what.clone(), state);
        let follow = Follow {
            what,
            cache: Arc::clone(&cache),
            watches: Arc::clone(&self.watches),
            changes: self.changes.clone(),
        };
        self.tasks.spawn(follow.run(api, config));
        cache
    }
}

/// Longest wait of a watch. Somebody may opt out while it waits, and has his floor back within 60 s; a listing and a write
/// come after it. A watch that asks six times a minute is nothing to an API server that is coming up.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// kube's backoff of watches (0.8 s, doubled, with jitter), but never longer than [`LONGEST_WAIT`].
#[derive(Default)]
struct Soon(DefaultBackoff);

impl Iterator for Soon {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next().map(|wait| wait.min(LONGEST_WAIT))
    }
}

impl Backoff for Soon {
    fn reset(&mut self) {
        self.0.reset();
    }
}

/// One running watch.
struct Follow<K> {
    what: String,
    cache: Arc<Cache<K>>,
    watches: Arc<Mutex<BTreeMap<String, Watch>>>,
    changes: watch::Sender<u64>,
}

impl<K> Follow<K>
where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    /// Follows the watch for ever: lost connections, 410 and refusals are met by [`Soon`].
    async fn run(self, api: Api<K>, config: Config) {
        let mut events = watcher(api, config).backoff(Soon::default()).boxed();
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => self.take(event),
                Err(why) => self.failed(&why),
            }
        }
    }

    fn take(&self, event: Event<K>) {
        let whole = !matches!(event, Event::Init | Event::InitApply(_));
        self.cache.apply(event);
        if whole {
            self.recovered();
            self.changed();
        }
    }

    fn changed(&self) {
        self.changes.send_modify(|n| *n = n.wrapping_add(1));
    }

    fn failed(&self, why: &watcher::Error) {
        let text = super::chain(why);
        if is_forbidden(why) && self.cache.forbid() {
            self.changed();
        }
        if let Some(watch) = lock(&self.watches).get_mut(&self.what) {
            if watch.failing.is_none() {
                tracing::warn!(watch = %self.what, error = %text, "a watch fails; retrying");
            }
            let since = watch.failing.as_ref().map_or_else(Instant::now, |(since, _)| *since);
            watch.failing = Some((since, text));
        }
    }

    fn recovered(&self) {
        if let Some(watch) = lock(&self.watches).get_mut(&self.what) {
            if watch.failing.take().is_some() {
                tracing::info!(watch = %self.what, "the watch works again");
            }
            watch.listed = true;
        }
    }
}

fn is_forbidden(why: &watcher::Error) -> bool {
    matches!(why, watcher::Error::InitialListFailed(kube::Error::Api(status)) if status.code == 403)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
