//! The workload of a replay: what is physical and stays, and what is set.

use super::Recorded;
use crate::hpa::{Behavior, Controller, Version};
use crate::sim::{Excess, Metric, Nodes, Pipeline, StartUp, Workload};
use crate::target::ScaleDown;
use crate::units::{PerReplica, Replicas};
use chrono::TimeDelta;

/// What the HPA measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// CPU of the pods against their requests: blind to load above capacity.
    Cpu,
    /// The offered load itself, as an external metric.
    Load,
}

/// What does not change whatever is set: the pods, the metrics' way, the controller.
#[derive(Clone, Debug, PartialEq)]
pub struct Setup {
    /// Load at which one pod is full, in the load's unit: above zero.
    pub capacity: PerReplica,
    /// What the HPA measures.
    pub measure: Measure,
    /// `spec.minReplicas`, the base.
    pub min: Replicas,
    /// `spec.maxReplicas`, where given; else twice what the highest load needs.
    pub max: Option<Replicas>,
    /// The highest load that may come, for `max`.
    pub peak: f64,
    /// From creation to ready.
    pub start_up: StartUp,
    /// How fresh the metrics are.
    pub pipeline: Pipeline,
    /// Nodes that must be there first, where simulated.
    pub nodes: Option<Nodes>,
    /// What becomes of load above capacity.
    pub excess: Excess,
    /// The controller's tolerance, where it is not the usual 0.1.
    pub tolerance: Option<f64>,
    /// `spec.behavior` as the workload has it.
    pub behavior: Option<Behavior>,
}

/// What can be set.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    /// Target utilisation of a pod's capacity, percent.
    pub utilisation: u32,
    /// Tolerance, where it is not the workload's.
    pub tolerance: Option<f64>,
    /// `spec.behavior`, where it is not the workload's.
    pub behavior: Option<Behavior>,
    /// `spec.minReplicas`, where it is not the workload's.
    pub min: Option<Replicas>,
}

impl Setting {
    /// This target utilisation and nothing else.
    pub const fn of(utilisation: u32) -> Self {
        Self { utilisation, tolerance: None, behavior: None, min: None }
    }
}

impl Setup {
    /// Pods of this capacity that start up so, and everything else as usual: an HPA on the load with two replicas at the least, no nodes to
    /// wait for, what is above capacity is lost.
    pub fn usual(capacity: PerReplica, start_up: TimeDelta, load: &Recorded) -> Self {
        Self {
            capacity,
            measure: Measure::Load,
            min: Replicas::new(2),
            max: None,
            peak: load.peak(load.start(), load.end()),
            start_up: StartUp::of(start_up),
            pipeline: Pipeline::default(),
            nodes: None,
            excess: Excess::Lost,
            tolerance: None,
            behavior: None,
        }
    }

    /// Load that one replica should carry at a target utilisation in percent.
    pub fn per_replica(&self, utilisation: u32) -> PerReplica {
        PerReplica::new(self.capacity.get() * f64::from(utilisation.max(1)) / 100.0).unwrap_or(self.capacity)
    }

    /// `spec.maxReplicas` at a target utilisation.
    pub fn max(&self, utilisation: u32) -> Replicas {
        let twice = (2.0 * self.peak / self.per_replica(utilisation).get()).ceil() as u32;
        self.max.unwrap_or(Replicas::new(twice.max(self.min.get() + 2)))
    }

    /// The workload as simulated.
    pub fn workload(&self, setting: &Setting) -> Workload {
        let utilisation = setting.utilisation.max(1);
        let mut controller = Controller::of(Version::V1_36);
        if let Some(tolerance) = setting.tolerance.or(self.tolerance) {
            controller.flags.tolerance = tolerance;
        }
        Workload {
            per_replica: self.per_replica(utilisation),
            // A pod's request is its capacity, so that the HPA's percentage is that of the capacity.
            metric: match self.measure {
                Measure::Cpu => Metric::Cpu { utilization: utilisation as i32 },
                Measure::Load => Metric::Rate,
            },
            min: setting.min.unwrap_or(self.min),
            max: self.max(utilisation),
            behavior: setting.behavior.as_ref().or(self.behavior.as_ref()).cloned(),
            start_up: self.start_up,
            pipeline: self.pipeline,
            nodes: self.nodes,
            saturation: 100.0 / f64::from(utilisation),
            excess: self.excess,
            controller,
        }
    }

    /// The median start-up that asks for this lead time, [`Setup::lead`] turned round; within 1 s to 2 h.
    pub fn start_up_of(lead: TimeDelta) -> TimeDelta {
        let sync = Controller::of(Version::V1_36).flags.sync_period;
        let usual = StartUp::of(TimeDelta::zero());
        let median = (lead - sync).num_milliseconds() as f64 / (1.2816 * usual.spread).exp();
        TimeDelta::milliseconds(median as i64).clamp(TimeDelta::seconds(1), TimeDelta::hours(2))
    }

    /// How far ahead pods must be asked for: the start-up that nine pods of ten keep, and a sync of the HPA; as the daemon
    /// measures it over the pods' start-ups, within its bounds of 1 to 30 min.
    pub fn lead(&self) -> TimeDelta {
        // The 90 % quantile of the normal distribution is 1.2816.
        let ninth = self.start_up.median.num_milliseconds() as f64 * (1.2816 * self.start_up.spread).exp();
        let lead = TimeDelta::milliseconds(ninth as i64) + Controller::of(Version::V1_36).flags.sync_period;
        lead.clamp(TimeDelta::minutes(1), TimeDelta::minutes(30))
    }
}

/// What the daemon reads of `spec.behavior.scaleDown`.
pub(super) fn scale_down(workload: &Workload) -> ScaleDown {
    let flag = workload.controller.flags.downscale_stabilisation;
    let rules = workload.behavior.as_ref().map(|behavior| &behavior.scale_down);
    ScaleDown {
        stabilisation: rules.and_then(|rules| rules.window).unwrap_or(flag),
        longest_period: rules.map(crate::hpa::Rules::longest_period).unwrap_or_default(),
    }
}
