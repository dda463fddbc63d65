//! What runs behind the API server: Deployments whose pods take time to start, the HPA controller, and the load on them.
//!
//! The controller is [`floorcast_models::hpa`], which upstream's own test facts hold to the real one. Everything that it and
//! the pods do goes through the in-memory API server, where the daemon sees it as it would in a real cluster.

mod controller;
mod manifests;
mod past;
mod pods;
mod tally;

use super::api::Server;
use super::api::kind::Kind;
use super::api::refusal::Refusal;
use super::clock::Clock;
use super::prometheus::{Prometheus, Sample};
use chrono::{DateTime, TimeDelta, Utc};
use controller::Autoscaler;
use floorcast_models::hpa;
use past::HPA_METRICS;
pub use past::Past;
use pods::Pods;
pub use tally::{Minute, SATURATION, Tally};

/// What the cluster looks at the world this often.
const STEP: TimeDelta = TimeDelta::seconds(5);
/// A workload has been there this long when the simulation begins.
const AGE: TimeDelta = TimeDelta::days(60);
/// `rate(…[5m])` of a load is its mean over five minutes.
const RATE_WINDOW: TimeDelta = TimeDelta::minutes(5);

/// A workload to be deployed: a Deployment with an HPA on CPU.
#[derive(Clone)]
pub struct Deployed {
    /// Its namespace.
    pub namespace: String,
    /// Name of Deployment and HPA.
    pub name: String,
    /// Total load in cores.
    pub load: Sample,
    /// `resources.requests.cpu` of its one container, in thousandths of a core.
    pub request_millicores: u32,
    /// `averageUtilization` of the HPA, percent of the request.
    pub utilization: u32,
    /// `spec.minReplicas`.
    pub min: u32,
    /// `spec.maxReplicas`.
    pub max: u32,
    /// Pods at the start, all ready.
    pub replicas: u32,
    /// From a pod's creation to Ready.
    pub pod_start: TimeDelta,
    /// Annotations of the HPA.
    pub annotations: Vec<(String, String)>,
}

impl Deployed {
    /// The load that one replica should carry: cores at the HPA's target.
    pub fn per_replica(&self) -> f64 {
        f64::from(self.request_millicores) / 1000.0 * f64::from(self.utilization) / 100.0
    }
}

struct Running {
    spec: Deployed,
    pods: Pods,
    autoscaler: Autoscaler,
    tally: Tally,
}

/// The cluster.
pub struct Cluster {
    server: Server,
    running: Vec<Running>,
    controller: hpa::Controller,
    seed: u64,
}

impl Cluster {
    /// A cluster without workloads behind this server.
    pub fn new(server: Server, seed: u64) -> Self {
        Self { server, running: Vec::new(), controller: hpa::Controller::default(), seed }
    }

    /// The clock of its server.
    pub fn clock(&self) -> Clock {
        self.server.clock()
    }

    /// Creates the namespace where needed, Deployment, `ReplicaSet`, HPA and ready pods.
    ///
    /// # Errors
    /// What the API server refuses, for example a name that is taken.
    pub fn deploy(&mut self, spec: &Deployed) -> Result<(), Refusal> {
        let now = self.clock().now();
        if self.server.get(Kind::Namespace, "", &spec.namespace).is_none() && spec.namespace != "default" {
            self.server.create("kubectl", manifests::namespace(&spec.namespace))?;
        }
        let since = now - AGE;
        self.server.create_at("kubectl", manifests::deployment(spec), since)?;
        self.server.create_at("deployment-controller", manifests::replica_set(spec), since)?;
        self.server.create_at("kubectl", manifests::autoscaler(spec), since)?;
        let mut pods = Pods::new(&spec.name, spec.pod_start);
        pods.begin(&self.server, spec, now)?;
        // Phases differ per HPA, as the controller's queue makes them.
        let phase = TimeDelta::seconds(5 * ((self.seed + self.running.len() as u64) % 3) as i64);
        self.running.push(Running {
            pods,
            autoscaler: Autoscaler::starting(now + phase),
            tally: Tally::new(spec.per_replica(), now),
            spec: spec.clone(),
        });
        Ok(())
    }

    /// Lets everything that is due by the clock happen.
    ///
    /// # Errors
    /// What the API server refuses, which would be a fault of the simulation.
    pub fn step(&mut self) -> Result<(), Refusal> {
        let now = self.clock().now();
        for running in &mut self.running {
            running.step(&self.server, &self.controller, now)?;
        }
        Ok(())
    }

    /// Runs until the clock shows `end`; `watched` sees the cluster after each step.
    ///
    /// # Errors
    /// As [`Cluster::step`].
    pub async fn run(
        &mut self,
        end: DateTime<Utc>,
        mut watched: impl FnMut(&Self, DateTime<Utc>),
    ) -> Result<(), Refusal> {
        let clock = self.clock();
        let mut next = clock.now();
        while next < end {
            self.step()?;
            watched(self, next);
            next += STEP;
            clock.until(next).await;
        }
        Ok(())
    }

    /// What has been counted of a workload.
    pub fn tally(&self, namespace: &str, name: &str) -> Option<&Tally> {
        let found = self.running.iter().find(|r| r.spec.namespace == namespace && r.spec.name == name);
        found.map(|r| &r.tally)
    }

    /// Loses the HPA controller's memory, as its restart does.
    pub fn restart_controller(&mut self) {
        self.running.iter_mut().for_each(|r| r.autoscaler.restart());
    }
}

impl Running {
    fn step(&mut self, server: &Server, controller: &hpa::Controller, now: DateTime<Utc>) -> Result<(), Refusal> {
        let (namespace, name) = (self.spec.namespace.as_str(), self.spec.name.as_str());
        let wanted = server
            .get(Kind::Deployment, namespace, name)
            .and_then(|d| d.pointer("/spec/replicas").and_then(serde_json::Value::as_u64))
            .unwrap_or(0);
        self.pods.reconcile(server, &self.spec, wanted as usize, now)?;
        let load = (self.spec.load)(now).unwrap_or(0.0);
        self.tally.count(now, load, self.pods.ready(now), self.pods.len());
        if self.autoscaler.sync_if_due(server, controller, &self.spec, &self.pods, now)?.is_some() {
            self.tally.rescaled();
        }
        Ok(())
    }
}

/// Serves what a kubelet and kube-state-metrics would let Prometheus scrape of a workload: its CPU in cores, whose its pods
/// are, and from now on what its HPA says. Give the last of it to [`Past::note`] as time goes by.
pub fn scrape(prometheus: &Prometheus, spec: &Deployed) -> Past {
    let namespace = format!("namespace=\"{}\"", spec.namespace);
    // Pods are told by their names, or by their owner.
    for pods in [format!("{}-", spec.name), format!("owner_name=\"{}\"", spec.name)] {
        let load = spec.load.clone();
        prometheus.serve(&["container_cpu_usage_seconds_total", &namespace, &pods], move |at| mean(&load, at));
    }
    prometheus.serve(&["count(kube_pod_owner", &namespace], |_| Some(1.0));
    let past = Past::default();
    let hpa = format!("horizontalpodautoscaler=\"{}\"", spec.name);
    for (i, metric) in HPA_METRICS.into_iter().enumerate() {
        let past = past.clone();
        prometheus.serve(&[metric, &namespace, &hpa], move |at| past.at(at).map(|values| values[i]));
    }
    past
}

/// Mean over the window of a rate that ends at `at`.
fn mean(load: &Sample, at: DateTime<Utc>) -> Option<f64> {
    let points = 10;
    let each = RATE_WINDOW / points;
    let values: Vec<f64> = (0..points).filter_map(|i| load(at - each * i)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests;
