//! What an HPA asks for: bounds, metrics and behaviour, as the API server stores them.

use crate::hpa::{Gates, Tolerance};
use chrono::TimeDelta;

/// The part of `spec` that the controller computes with.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// `spec.minReplicas`; 1 where absent.
    pub min: Option<i32>,
    /// `spec.maxReplicas`.
    pub max: i32,
    /// `spec.metrics`, in order: the first failing one gives the condition its reason.
    pub metrics: Vec<MetricSpec>,
    /// `spec.behavior`; its absence selects the older arithmetic, not merely default rules.
    pub behavior: Option<Behavior>,
}

impl Spec {
    /// `spec.minReplicas` with its default.
    pub fn floor(&self) -> i32 {
        self.min.unwrap_or(1)
    }

    /// Whether a metric exists that can be read without any pod: the condition for waking from zero.
    pub fn measures_from_outside(&self) -> bool {
        self.metrics.iter().any(|m| matches!(m, MetricSpec::Object { .. } | MetricSpec::External { .. }))
    }

    /// The tolerance in force: the flag's, overridden per direction where the gate is on.
    pub fn tolerance(&self, flag: f64, gates: &Gates) -> Tolerance {
        let mut tolerance = Tolerance { down: flag, up: flag, two_sided: gates.two_sided_tolerance };
        let Some(behavior) = self.behavior.as_ref().filter(|_| gates.configurable_tolerance) else {
            return tolerance;
        };
        tolerance.down = behavior.scale_down.tolerance.unwrap_or(flag);
        tolerance.up = behavior.scale_up.tolerance.unwrap_or(flag);
        tolerance
    }
}

/// One entry of `spec.metrics`. Amounts are integers in thousandths of the metric's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetricSpec {
    /// A resource summed over each pod's containers.
    Resource {
        /// `cpu`, `memory`, …
        resource: String,
        /// What one pod should use.
        target: ResourceTarget,
    },
    /// A resource of one container of each pod.
    ContainerResource {
        /// `cpu`, `memory`, …
        resource: String,
        /// The container's name.
        container: String,
        /// What one container should use.
        target: ResourceTarget,
    },
    /// A custom metric of each pod.
    Pods {
        /// Name of the metric.
        metric: String,
        /// `target.averageValue`, milli-units.
        average: i64,
    },
    /// A metric of another object.
    Object {
        /// Name of the metric.
        metric: String,
        /// What it should be.
        target: ValueTarget,
    },
    /// A metric from outside the cluster.
    External {
        /// Name of the metric.
        metric: String,
        /// What it should be.
        target: ValueTarget,
    },
    /// A type that this version of the controller does not know: always fails.
    Unknown {
        /// The word found in `type`.
        kind: String,
    },
}

/// Target of a resource metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResourceTarget {
    /// `averageValue`, milli-units per pod.
    Average(i64),
    /// `averageUtilization`, percent of the request.
    Utilization(i32),
}

impl ResourceTarget {
    /// From the two optional fields of the API; `averageValue` wins. `None` if both are absent.
    pub fn of(average: Option<i64>, utilization: Option<i32>) -> Option<Self> {
        average.map(Self::Average).or(utilization.map(Self::Utilization))
    }
}

/// Target of an object or external metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueTarget {
    /// `value`, milli-units: the metric itself is steered by ratio.
    Total(i64),
    /// `averageValue`, milli-units per replica.
    Average(i64),
}

impl ValueTarget {
    /// From the two optional fields of the API; `averageValue` wins. `None` if both are absent.
    pub fn of(average: Option<i64>, total: Option<i64>) -> Option<Self> {
        average.map(Self::Average).or(total.map(Self::Total))
    }
}

/// `spec.behavior`, both halves filled in as the API server does when one of them is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Behavior {
    /// Rules of scaling up.
    pub scale_up: Rules,
    /// Rules of scaling down.
    pub scale_down: Rules,
}

impl Default for Behavior {
    fn default() -> Self {
        Self { scale_up: Rules::default_up(), scale_down: Rules::default_down() }
    }
}

/// The rules of one direction.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// `stabilizationWindowSeconds`; `None` takes the controller's flag (scaling down only).
    pub window: Option<TimeDelta>,
    /// `selectPolicy`.
    pub select: Select,
    /// `policies`.
    pub policies: Vec<Policy>,
    /// `tolerance`, as a share; `None` takes the controller's flag.
    pub tolerance: Option<f64>,
}

impl Rules {
    /// What the API server fills in for `scaleUp`: no window, the larger of 4 pods and 100 % per 15 s.
    pub fn default_up() -> Self {
        Self {
            window: Some(TimeDelta::zero()),
            select: Select::Max,
            policies: vec![Policy::pods(4, 15), Policy::percent(100, 15)],
            tolerance: None,
        }
    }

    /// What the API server fills in for `scaleDown`: the flag's window, 100 % per 15 s.
    pub fn default_down() -> Self {
        Self { window: None, select: Select::Max, policies: vec![Policy::percent(100, 15)], tolerance: None }
    }

    /// The longest period over its policies; zero without any.
    pub fn longest_period(&self) -> TimeDelta {
        self.policies.iter().map(|p| p.period).max().unwrap_or_default()
    }
}

/// `selectPolicy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Select {
    /// The policy that allows the largest change.
    Max,
    /// The policy that allows the smallest change.
    Min,
    /// No change in this direction.
    Disabled,
}

/// One entry of `policies`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// How much may change within the period.
    pub amount: Amount,
    /// `periodSeconds`.
    pub period: TimeDelta,
}

impl Policy {
    /// `{type: Pods, value, periodSeconds}`.
    pub const fn pods(value: i32, period_seconds: u32) -> Self {
        Self { amount: Amount::Pods(value), period: TimeDelta::seconds(period_seconds as i64) }
    }

    /// `{type: Percent, value, periodSeconds}`.
    pub const fn percent(value: i32, period_seconds: u32) -> Self {
        Self { amount: Amount::Percent(value), period: TimeDelta::seconds(period_seconds as i64) }
    }
}

/// `type` and `value` of a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// A number of pods.
    Pods(i32),
    /// Percent of the size at the start of the period.
    Percent(i32),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hpa::Version;

    #[test]
    fn average_value_wins() {
        assert_eq!(ResourceTarget::of(Some(500), Some(50)), Some(ResourceTarget::Average(500)));
        assert_eq!(ResourceTarget::of(None, Some(50)), Some(ResourceTarget::Utilization(50)));
        assert_eq!(ValueTarget::of(Some(1), Some(2)), Some(ValueTarget::Average(1)));
        assert_eq!(ValueTarget::of(None, None), None);
    }

    #[test]
    fn tolerance_of_the_object_needs_its_gate() {
        let mut behavior = Behavior::default();
        behavior.scale_up.tolerance = Some(0.01);
        let spec = Spec { min: None, max: 5, metrics: vec![], behavior: Some(behavior) };
        let on = spec.tolerance(0.1, &Gates::of(Version::V1_35));
        let off = spec.tolerance(0.1, &Gates::of(Version::V1_33));
        assert_eq!((on.down, on.up), (0.1, 0.01));
        assert_eq!((off.down, off.up), (0.1, 0.1));
        assert_eq!(spec.floor(), 1);
    }
}
