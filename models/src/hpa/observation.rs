//! What one sync sees of the cluster.

use crate::hpa::{MetricError, Pod};
use chrono::{DateTime, TimeDelta, Utc};

/// Everything one sync reads.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The target's `/scale` and what can be done with it.
    pub target: Scaled,
    /// The pods of the target's selector, terminating ones included.
    pub pods: Vec<Pod>,
    /// One per `spec.metrics`, in the same order: the answer of the metrics API.
    pub samples: Vec<Result<Sample, MetricError>>,
}

/// The scale subresource as the controller meets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scaled {
    /// GET `/scale`, or why it failed.
    pub scale: Result<Scale, String>,
    /// Its selector.
    pub selector: Selector,
    /// Why PUT `/scale` would fail, if it would.
    pub refuses: Option<String>,
}

impl Scaled {
    /// A target that can be read, selected and written.
    pub fn sound(spec_replicas: i32, status_replicas: i32) -> Self {
        let scale = Scale { spec_replicas, status_replicas };
        Self { scale: Ok(scale), selector: Selector::Sound, refuses: None }
    }
}

/// The two numbers of `/scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// `spec.replicas`: the current size, for the controller.
    pub spec_replicas: i32,
    /// `status.replicas`: pods that exist.
    pub status_replicas: i32,
}

/// `scale.status.selector`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selector {
    /// It parses, and nobody else selects the same pods.
    Sound,
    /// Empty, or it does not parse.
    Invalid,
    /// Another HPA selects the same pods.
    Ambiguous,
}

/// The answer of the metrics API for one metric. Amounts in milli-units.
#[derive(Clone, Debug, PartialEq)]
pub enum Sample {
    /// Resource usage by pod and container.
    Resource(Vec<PodUsage>),
    /// A custom metric by pod.
    Pods(Vec<(String, i64)>),
    /// A metric of an object.
    Object(i64),
    /// An external metric: every series that matched; they are summed.
    External(Vec<i64>),
}

/// What the resource metrics API says of one pod.
#[derive(Clone, Debug, PartialEq)]
pub struct PodUsage {
    /// The pod's name.
    pub pod: String,
    /// End of the window that was measured.
    pub at: DateTime<Utc>,
    /// Its length.
    pub window: TimeDelta,
    /// Usage by container; `None` where the container's sample lacks the resource, which voids the pod's.
    pub containers: Vec<(String, Option<i64>)>,
}

/// One pod's sample of one metric, summed over what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodSample {
    /// End of the window that was measured.
    pub at: DateTime<Utc>,
    /// Its length.
    pub window: TimeDelta,
    /// Milli-units.
    pub value: i64,
}

impl PodUsage {
    /// The pod's value: the named container's, or the sum over all. `Ok(None)`: the resource was not measured.
    pub fn sample(&self, container: Option<&str>) -> Result<Option<PodSample>, MetricError> {
        let value = match container {
            Some(name) => self.of_container(name)?,
            None if self.containers.is_empty() => None,
            None => self.containers.iter().try_fold(0_i64, |sum, (_, v)| Some(sum.wrapping_add((*v)?))),
        };
        Ok(value.map(|value| PodSample { at: self.at, window: self.window, value }))
    }

    fn of_container(&self, name: &str) -> Result<Option<i64>, MetricError> {
        let found = self.containers.iter().find(|(n, _)| n == name).map(|(_, value)| *value);
        found.ok_or_else(|| MetricError::ContainerNotMeasured { container: name.to_owned(), pod: self.pod.clone() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn usage(containers: &[(&str, Option<i64>)]) -> PodUsage {
        PodUsage {
            pod: "p".to_owned(),
            at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            window: TimeDelta::seconds(30),
            containers: containers.iter().map(|(n, v)| ((*n).to_owned(), *v)).collect(),
        }
    }

    #[test]
    fn a_container_without_the_resource_voids_the_pod() {
        let value = |containers: &[_]| usage(containers).sample(None).unwrap().map(|s| s.value);
        assert_eq!(value(&[("a", Some(1)), ("b", Some(2))]), Some(3));
        assert_eq!(value(&[("a", Some(1)), ("b", None)]), None);
        assert_eq!(value(&[]), None);
    }

    #[test]
    fn a_named_container_must_be_there() {
        let two = usage(&[("a", Some(1)), ("b", None)]);
        assert_eq!(two.sample(Some("a")).unwrap().unwrap().value, 1);
        assert_eq!(two.sample(Some("b")).unwrap(), None);
        assert!(
            two.sample(Some("c")).unwrap_err().to_string().contains("container c not present in metrics for pod p")
        );
    }
}
