//! A fake of `metrics.k8s.io`, `custom.metrics.k8s.io` and `external.metrics.k8s.io` that turns a load curve into the
//! usage of the pods that are there, with lag, missing pods and errors at will.
//!
//! Only this is fake: the HPA controller that asks it and the API server that passes the question on are the real ones.

mod answer;
mod register;
mod script;
mod serve;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use kube::Client;

use crate::Error;
use crate::certs::Pair;
use crate::ports::Port;

pub use script::{Asked, Script, Verbatim};

/// A load over time, in the metric's own unit (cores for CPU).
pub type Curve = Arc<dyn Fn(DateTime<Utc>) -> f64 + Send + Sync>;

/// Which question of the HPA controller is answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// CPU of the pods labelled `app: <workload>`; the curve is the total in cores.
    Cpu {
        /// Value of the pods' label `app`.
        workload: String,
    },
    /// A Pods metric of the pods labelled `app: <workload>`; the curve is the total over the pods.
    Pods {
        /// Value of the pods' label `app`.
        workload: String,
        /// The metric's name.
        metric: String,
    },
    /// An Object metric; the curve is its value.
    Object {
        /// Plural, with the group if there is one, such as `ingresses.networking.k8s.io`.
        resource: String,
        /// The object's name.
        name: String,
        /// The metric's name.
        metric: String,
    },
    /// An External metric; the curve is its value.
    External {
        /// The metric's name.
        metric: String,
    },
}

/// How a question is answered.
#[derive(Clone)]
pub struct Source {
    /// The load.
    pub load: Curve,
    /// Age of what is told: the value and its time stamp are from so long ago.
    pub lag: Duration,
    /// So many of the pods have no sample.
    pub missing: usize,
    /// Answer with this HTTP status instead.
    pub error: Option<u16>,
}

impl Source {
    /// Answers exactly and at once.
    pub fn exact(load: impl Fn(DateTime<Utc>) -> f64 + Send + Sync + 'static) -> Self {
        Self { load: Arc::new(load), lag: Duration::ZERO, missing: 0, error: None }
    }

    /// The same load for ever.
    pub fn constant(load: f64) -> Self {
        Self::exact(move |_| load)
    }

    /// Answers late.
    #[must_use]
    pub fn lagging(mut self, lag: Duration) -> Self {
        self.lag = lag;
        self
    }

    /// Leaves pods out.
    #[must_use]
    pub fn without_pods(mut self, missing: usize) -> Self {
        self.missing = missing;
        self
    }

    /// Fails with an HTTP status.
    #[must_use]
    pub fn failing(mut self, status: u16) -> Self {
        self.error = Some(status);
        self
    }
}

/// What is answered, by namespace and question; and what was answered word by word.
#[derive(Clone, Default)]
struct Sources {
    sources: Arc<Mutex<BTreeMap<(String, Question), Source>>>,
    script: Script,
}

impl Sources {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, Question), Source>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, namespace: &str, question: Question) -> Option<Source> {
        self.lock().get(&(namespace.to_owned(), question)).cloned()
    }
}

/// The running fake. It lives on a thread and a runtime of its own, so that tests with runtimes of theirs can share it.
pub struct MetricsApi {
    sources: Sources,
    port: Port,
    _stop: tokio::sync::oneshot::Sender<()>,
}

impl MetricsApi {
    /// Starts serving. It asks the API server for pods with the kubeconfig's rights.
    pub(crate) fn start(pair: &Pair, kubeconfig: &Path) -> Result<Self, Error> {
        let (port, listener) = Port::listen()?;
        let sources = Sources::default();
        let stop = serve::start(pair, kubeconfig, listener, sources.clone())?;
        Ok(Self { sources, port, _stop: stop })
    }

    /// Address of an admission webhook that never answers; its certificate is the cluster's.
    pub fn hanging_webhook(&self) -> String {
        format!("https://localhost:{}/hang", self.port.number())
    }

    /// Answers a question of this namespace from now on so.
    pub fn set(&self, namespace: &str, question: Question, source: Source) {
        self.sources.lock().insert((namespace.to_owned(), question), source);
    }

    /// Total CPU of a workload in cores, answered from now on so.
    pub fn set_cpu(&self, namespace: &str, workload: &str, source: Source) {
        self.set(namespace, Question::Cpu { workload: workload.to_owned() }, source);
    }

    /// Answers given word by word, and the record of when they were given.
    pub fn script(&self) -> &Script {
        &self.sources.script
    }

    /// Forgets a question: it is answered with an empty list, as by a server that has no sample.
    pub fn forget(&self, namespace: &str, question: &Question) {
        self.sources.lock().remove(&(namespace.to_owned(), question.clone()));
    }

    /// Tells the API server where we are.
    pub(crate) async fn register(&self, client: Client) -> Result<(), Error> {
        register::register(client, self.port.number()).await
    }
}

/// Waits until the API server finds the fake metrics APIs available; it looks every few seconds.
pub async fn wait_available(client: Client) -> Result<(), Error> {
    register::wait_available(client).await
}
