//! What is simulated: one workload, its pods, its metrics and its controller.

use crate::hpa::{Behavior, Controller, MetricSpec, ResourceTarget, Spec, ValueTarget, Version};
use crate::sim::Random;
use crate::units::{PerReplica, Replicas};
use chrono::TimeDelta;

/// The settings of one simulated workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Load that one replica should carry: the HPA's target.
    pub per_replica: PerReplica,
    /// What the HPA measures.
    pub metric: Metric,
    /// `spec.minReplicas` at the start.
    pub min: Replicas,
    /// `spec.maxReplicas`.
    pub max: Replicas,
    /// `spec.behavior`.
    pub behavior: Option<Behavior>,
    /// How long pods take to become ready.
    pub start_up: StartUp,
    /// How fresh metrics are.
    pub pipeline: Pipeline,
    /// Nodes that must be there before a pod can start; `None`: there are always enough.
    pub nodes: Option<Nodes>,
    /// A replica is full at this multiple of its target load (1.25).
    pub saturation: f64,
    /// What becomes of load above capacity.
    pub excess: Excess,
    /// The HPA controller.
    pub controller: Controller,
}

impl Workload {
    /// CPU at 70 %, 2 to 100 replicas, pods ready in about 90 s, default HPA of Kubernetes 1.36, nodes without end.
    pub fn of(per_replica: PerReplica) -> Self {
        Self {
            per_replica,
            metric: Metric::Cpu { utilization: 70 },
            min: Replicas::new(2),
            max: Replicas::new(100),
            behavior: None,
            start_up: StartUp::of(TimeDelta::seconds(90)),
            pipeline: Pipeline::default(),
            nodes: None,
            saturation: 1.25,
            excess: Excess::Lost,
            controller: Controller::of(Version::V1_36),
        }
    }

    /// The HPA of this workload.
    pub fn spec(&self) -> Spec {
        let metric = match self.metric {
            Metric::Cpu { utilization } => {
                MetricSpec::Resource { resource: "cpu".to_owned(), target: ResourceTarget::Utilization(utilization) }
            }
            Metric::Rate => {
                MetricSpec::External { metric: "load".to_owned(), target: ValueTarget::Average(RATE_TARGET) }
            }
        };
        let (min, max) = (Some(self.min.to_api()), self.max.to_api());
        Spec { min, max, metrics: vec![metric], behavior: self.behavior.clone() }
    }
}

/// The target of a rate in the metric's milli-units: one replica's share of the load is 1000 units.
pub(crate) const RATE_TARGET: i64 = 1_000_000;

/// What the HPA measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// CPU of the pods against their requests: blind to load above capacity, with the rules of start-up.
    Cpu {
        /// `averageUtilization`, percent.
        utilization: i32,
    },
    /// The offered load itself, as an external metric with `averageValue`.
    Rate,
}

/// How long a pod takes from its creation (on a node with room) to Ready: log-normal around the median.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StartUp {
    /// Half of the pods are faster.
    pub median: TimeDelta,
    /// Deviation of the logarithm: 0 for all alike; at 0.2 one pod in twenty takes 1.4 times the median.
    pub spread: f64,
    /// Share of it in phase Pending (scheduling, image pull); the rest it runs without being ready.
    pub pending: f64,
}

impl StartUp {
    /// A median with a spread of 0.2, a third of it pending.
    pub const fn of(median: TimeDelta) -> Self {
        Self { median, spread: 0.2, pending: 1.0 / 3.0 }
    }

    /// Time to running and time to ready of one pod, in milliseconds; ready within 0.2 and 5 times the median, on a whole second:
    /// probes come by the second, and thousands of pods of one raise are then ready at a few hundred moments.
    pub(crate) fn draw(&self, random: &mut Random) -> (i64, i64) {
        let factor = if self.spread == 0.0 { 1.0 } else { (self.spread * random.normal()).exp().clamp(0.2, 5.0) };
        let ready = (self.median.num_milliseconds() as f64 * factor / 1000.0).ceil() as i64 * 1000;
        ((ready as f64 * self.pending) as i64, ready)
    }
}

/// How fresh the metrics are that the HPA reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// A new sample each, averaged over this long.
    pub resolution: TimeDelta,
    /// From the end of a sample's window until the HPA can read it.
    pub lag: TimeDelta,
}

impl Default for Pipeline {
    /// metrics-server as it is usually installed: every 15 s, about 10 s old.
    fn default() -> Self {
        Self { resolution: TimeDelta::seconds(15), lag: TimeDelta::seconds(10) }
    }
}

/// A cluster that grows and shrinks as a cluster autoscaler does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nodes {
    /// Pods of this workload that fit on one node.
    pub pods_per_node: u32,
    /// From a pod that finds no room until its node is there.
    pub provisioning: TimeDelta,
    /// A node is given back when a whole one has been spare for this long.
    pub idle: TimeDelta,
}

impl Nodes {
    /// Nodes that take this long to come and leave after ten idle minutes.
    pub const fn of(pods_per_node: u32, provisioning: TimeDelta) -> Self {
        Self { pods_per_node, provisioning, idle: TimeDelta::minutes(10) }
    }
}

/// What becomes of load above capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Excess {
    /// It is refused.
    Lost,
    /// It waits and is worked off later.
    Queued,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_up_times_lie_around_their_median() {
        let (mut random, start_up) = (Random::new(1), StartUp::of(TimeDelta::seconds(90)));
        let mut ready: Vec<i64> = (0..1001).map(|_| start_up.draw(&mut random).1).collect();
        ready.sort_unstable();
        assert!((85_000..95_000).contains(&ready[500]), "{}", ready[500]);
        assert!(ready[950] > 115_000 && ready[1000] < 450_000);
        let exact = StartUp { spread: 0.0, ..start_up };
        assert_eq!(exact.draw(&mut random), (30_000, 90_000));
    }
}
