//! The history that a cluster's Prometheus would hold of a workload: cAdvisor's CPU counters and kube-state-metrics'
//! facts, made from a load curve and an ideal HPA.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use crate::metrics_api::Curve;
use crate::prometheus::Series;

/// A Deployment `name` with an HPA of the same name, and its load.
#[derive(Clone)]
pub struct Replay {
    /// Its namespace.
    pub namespace: String,
    /// Name of the Deployment and of the HPA.
    pub name: String,
    /// Name of its one container.
    pub container: String,
    /// The total load, in cores or requests per second.
    pub load: Curve,
    /// What the load is.
    pub unit: Unit,
    /// `minReplicas`.
    pub min: u32,
    /// `maxReplicas`.
    pub max: u32,
    /// Labels of every series, such as `cluster`.
    pub labels: Vec<(String, String)>,
}

/// What a load is, and what of it one replica carries at the HPA's target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Unit {
    /// CPU in cores; the HPA's target is a percentage of the request.
    Cpu {
        /// CPU request of a pod in cores.
        request: f64,
        /// The HPA's target, percent of the request.
        target_percent: u32,
    },
    /// Requests per second, as a gauge `http_requests_per_second{namespace, workload}`.
    Requests {
        /// Requests per second of one replica.
        per_replica: f64,
    },
}

impl Replay {
    /// The usual test workload: 100m requests, target 50 %, 2 to 20 replicas.
    pub fn new(namespace: &str, name: &str, load: impl Fn(DateTime<Utc>) -> f64 + Send + Sync + 'static) -> Self {
        Self {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            container: "main".to_owned(),
            load: Arc::new(load),
            unit: Unit::Cpu { request: 0.1, target_percent: 50 },
            min: 2,
            max: 20,
            labels: Vec::new(),
        }
    }

    /// The same with requests per second as the load, 10 to a replica.
    pub fn requests(namespace: &str, name: &str, load: impl Fn(DateTime<Utc>) -> f64 + Send + Sync + 'static) -> Self {
        Self { unit: Unit::Requests { per_replica: 10.0 }, ..Self::new(namespace, name, load) }
    }

    /// Load that one replica carries at the HPA's target.
    pub fn per_replica(&self) -> f64 {
        match self.unit {
            Unit::Cpu { request, target_percent } => request * f64::from(target_percent) / 100.0,
            Unit::Requests { per_replica } => per_replica,
        }
    }

    /// CPU in cores that makes an HPA with this CPU per replica want what this load needs.
    pub fn cores(&self, cores_per_replica: f64) -> impl Fn(DateTime<Utc>) -> f64 + Send + Sync + 'static {
        let (load, factor) = (Arc::clone(&self.load), cores_per_replica / self.per_replica());
        move |t| load(t) * factor
    }

    /// What an ideal HPA (no lag, no tolerance, no stabilisation) would run at this time.
    pub fn replicas(&self, at: DateTime<Utc>) -> u32 {
        // A hair less, so that 0.30000000000000004 / 0.05 is 6 and not 7.
        let needed = ((self.load)(at) / self.per_replica() - 1e-9).ceil().max(0.0);
        (needed as u32).clamp(self.min, self.max)
    }

    /// Every series from `from` until before `to`. `pods` of them exist at most.
    pub fn series(&self, from: DateTime<Utc>, to: DateTime<Utc>, every: TimeDelta) -> Vec<Series> {
        // kube-state-metrics: facts that rarely change need a sample within Prometheus' look-back of 5 minutes only.
        let rarely = every.max(TimeDelta::minutes(4));
        let mut series = match self.unit {
            Unit::Cpu { request, .. } => self.cpu_series(request, from, to, every),
            Unit::Requests { .. } => vec![self.requests_series(from, to, every)],
        };
        series.extend(self.hpa(from, to, rarely));
        series
    }

    fn requests_series(&self, from: DateTime<Utc>, to: DateTime<Utc>, every: TimeDelta) -> Series {
        let labels = [("namespace", self.namespace.as_str()), ("workload", &self.name)];
        self.labelled("http_requests_per_second", &labels).sampled(from, to, every, |t| Some((self.load)(t)))
    }

    fn cpu_series(&self, request: f64, from: DateTime<Utc>, to: DateTime<Utc>, every: TimeDelta) -> Vec<Series> {
        let rarely = every.max(TimeDelta::minutes(4));
        let mut series = self.cpu(from, to, every);
        for pod in 0..self.max {
            series.extend(
                self.pod_facts(pod, request)
                    .into_iter()
                    .map(|(fact, value)| fact.sampled(from, to, rarely, |t| (pod < self.replicas(t)).then_some(value))),
            );
            series.extend(self.pod_times(pod).map(|time| self.since(time, pod, from, to, rarely)));
        }
        let owner = [("owner_kind", "Deployment"), ("owner_name", &self.name), ("owner_is_controller", "true")];
        let replica_set = self.replica_set();
        let owner =
            self.state("kube_replicaset_owner", &[&[("replicaset", replica_set.as_str())], &owner[..]].concat());
        series.push(owner.sampled(from, to, rarely, |_| Some(1.0)));
        series
    }

    fn cpu(&self, from: DateTime<Utc>, to: DateTime<Utc>, every: TimeDelta) -> Vec<Series> {
        let mut used = vec![0.0; self.max as usize];
        let mut counters: Vec<Series> = (0..self.max).map(|pod| self.counter(pod, &self.container)).collect();
        let mut at = from;
        while at < to {
            let replicas = self.replicas(at);
            // The mean over the step that ends here, so that rate() gives the load back.
            let share = (self.load)(at - every / 2) * every.as_seconds_f64() / f64::from(replicas);
            for pod in 0..replicas as usize {
                used[pod] += share;
                counters[pod].samples.push((at, used[pod]));
            }
            at += every;
        }
        // cAdvisor also tells the sum over the pod's containers, without a container label: who adds it counts twice.
        let sums: Vec<Series> = (0..self.max)
            .zip(&counters)
            .map(|(pod, counter)| Series { samples: counter.samples.clone(), ..self.counter(pod, "") })
            .collect();
        counters.into_iter().chain(sums).filter(|s| !s.samples.is_empty()).collect()
    }

    fn counter(&self, pod: u32, container: &str) -> Series {
        let pod = self.pod(pod);
        let mut labels =
            vec![("job", "kubelet"), ("metrics_path", "/metrics/cadvisor"), ("namespace", &self.namespace)];
        labels.extend([("node", crate::cluster::NODE), ("instance", crate::cluster::NODE), ("pod", &pod)]);
        if !container.is_empty() {
            labels.extend([("container", container), ("image", "example.invalid/web:1")]);
        }
        self.labelled("container_cpu_usage_seconds_total", &labels)
    }

    fn pod_facts(&self, pod: u32, cores: f64) -> Vec<(Series, f64)> {
        let (pod, replica_set) = (self.pod(pod), self.replica_set());
        let owner = [
            ("pod", pod.as_str()),
            ("owner_kind", "ReplicaSet"),
            ("owner_name", &replica_set),
            ("owner_is_controller", "true"),
        ];
        let request = [
            ("pod", pod.as_str()),
            ("container", &self.container),
            ("resource", "cpu"),
            ("unit", "core"),
            ("node", crate::cluster::NODE),
        ];
        vec![
            (self.state("kube_pod_owner", &owner), 1.0),
            (self.state("kube_pod_container_resource_requests", &request), cores),
        ]
    }

    /// Facts whose value is the time since when the pod is there; kwok's pods are ready in no time.
    fn pod_times(&self, pod: u32) -> [Series; 3] {
        let pod = self.pod(pod);
        ["kube_pod_created", "kube_pod_start_time", "kube_pod_status_ready_time"]
            .map(|metric| self.state(metric, &[("pod", pod.as_str())]))
    }

    fn since(&self, fact: Series, pod: u32, from: DateTime<Utc>, to: DateTime<Utc>, every: TimeDelta) -> Series {
        let mut since = None;
        fact.sampled(from, to, every, |t| {
            since = (pod < self.replicas(t)).then(|| since.unwrap_or(t));
            since.map(|s| s.timestamp() as f64)
        })
    }

    fn hpa(&self, from: DateTime<Utc>, to: DateTime<Utc>, every: TimeDelta) -> Vec<Series> {
        let one = |metric: &str, value: &dyn Fn(DateTime<Utc>) -> u32| {
            let series = self
                .state(&format!("kube_horizontalpodautoscaler_{metric}"), &[("horizontalpodautoscaler", &self.name)]);
            series.sampled(from, to, every, |t| Some(f64::from(value(t))))
        };
        vec![
            one("status_desired_replicas", &|t| self.replicas(t)),
            one("status_current_replicas", &|t| self.replicas(t)),
            one("spec_min_replicas", &|_| self.min),
            one("spec_max_replicas", &|_| self.max),
        ]
    }

    fn state(&self, metric: &str, labels: &[(&str, &str)]) -> Series {
        let mut all = vec![("job", "kube-state-metrics"), ("namespace", self.namespace.as_str())];
        all.extend(labels);
        self.labelled(metric, &all)
    }

    fn labelled(&self, metric: &str, labels: &[(&str, &str)]) -> Series {
        let mut series = Series::new(metric, labels);
        series.labels.extend(self.labels.iter().cloned());
        series
    }

    fn replica_set(&self) -> String {
        format!("{}-6d4cf56db6", self.name)
    }

    /// Names as the `ReplicaSet` controller makes them: five letters without vowels.
    fn pod(&self, index: u32) -> String {
        const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
        // 5 digits of base 27 of a number that is prime to 27⁵: no two pods below 14 million are called alike.
        let mut number = u64::from(index) * 7_368_787;
        let mut letter = || {
            let digit = number % LETTERS.len() as u64;
            number /= LETTERS.len() as u64;
            char::from(LETTERS[digit as usize])
        };
        let end: String = (0..5).map(|_| letter()).collect();
        format!("{}-{end}", self.replica_set())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_counters_add_up_to_the_load() {
        let replay = Replay::new("shop", "web", |_| 0.3);
        let from = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let every = TimeDelta::minutes(1);
        let series = replay.series(from, from + every * 11, every);
        let named = |s: &&Series, container: bool| {
            s.name == "container_cpu_usage_seconds_total" && s.labels.iter().any(|l| l.0 == "container") == container
        };
        let growth = |s: &Series| s.samples.last().unwrap().1 - s.samples[0].1;
        let total: f64 = series.iter().filter(|s| named(s, true)).map(growth).sum();
        assert!((total - 0.3 * 600.0).abs() < 1e-6, "{total}");
        assert_eq!(series.iter().filter(|s| named(s, false)).count(), 6, "0.3 cores at 0.05 a pod");
    }

    #[test]
    fn pod_names_differ() {
        let replay = Replay::new("shop", "web", |_| 0.0);
        let names: BTreeSet<String> = (0..200).map(|i| replay.pod(i)).collect();
        assert_eq!(names.len(), 200);
    }
}
