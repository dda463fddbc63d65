//! A pod as far as the HPA controller looks at it.

use crate::hpa::MetricError;
use chrono::{DateTime, Utc};

/// One pod of the target's selector.
#[derive(Clone, Debug, PartialEq)]
pub struct Pod {
    /// Its name: samples are matched by it.
    pub name: String,
    /// `status.phase`.
    pub phase: Phase,
    /// It has a `deletionTimestamp`.
    pub deleted: bool,
    /// `status.startTime`; absent before the kubelet saw it.
    pub started: Option<DateTime<Utc>>,
    /// The condition `Ready`; absent before the kubelet saw it.
    pub ready: Option<Ready>,
    /// `spec.containers`, with their requests of the resource at hand.
    pub containers: Vec<Container>,
    /// `spec.initContainers`, likewise.
    pub init_containers: Vec<InitContainer>,
    /// `spec.resources.requests` of the pod itself, milli-units.
    pub pod_request: Option<i64>,
}

impl Pod {
    /// What decides about how the pod counts.
    pub fn vitals(&self) -> Vitals {
        Vitals { phase: self.phase, deleted: self.deleted, started: self.started, ready: self.ready }
    }

    /// Running and Ready: what multiplies the ratio of value metrics.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Running && self.ready.is_some_and(|r| r.status)
    }

    /// What the pod requests of `resource`, milli-units: the named container's, else the pod's own, else the sum over
    /// containers and restartable init containers. A container without a request fails it: it is not zero.
    pub fn request(&self, resource: &str, container: Option<&str>, pod_level: bool) -> Result<i64, MetricError> {
        if let Some(name) = container {
            return self.container_request(resource, name);
        }
        if let Some(request) = self.pod_request.filter(|_| pod_level) {
            return Ok(request);
        }
        self.counted().try_fold(0_i64, |sum, c| Ok(sum.saturating_add(self.request_of(c, resource)?)))
    }

    fn container_request(&self, resource: &str, name: &str) -> Result<i64, MetricError> {
        let found = self.counted().find(|c| c.name == name);
        let missing = || MetricError::NoSuchContainer { container: name.to_owned(), pod: self.name.clone() };
        self.request_of(found.ok_or_else(missing)?, resource)
    }

    /// Containers whose requests count: those of `spec.containers`, and init containers that keep running.
    fn counted(&self) -> impl Iterator<Item = &Container> {
        let sidecars = self.init_containers.iter().filter(|c| c.restart_always).map(|c| &c.container);
        self.containers.iter().chain(sidecars)
    }

    fn request_of(&self, container: &Container, resource: &str) -> Result<i64, MetricError> {
        container.request.ok_or_else(|| MetricError::NoRequest {
            resource: resource.to_owned(),
            container: container.name.clone(),
            pod: self.name.clone(),
        })
    }
}

/// What decides about how a pod counts: all of it but names and requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// `status.phase`.
    pub phase: Phase,
    /// It has a `deletionTimestamp`.
    pub deleted: bool,
    /// `status.startTime`.
    pub started: Option<DateTime<Utc>>,
    /// The condition `Ready`.
    pub ready: Option<Ready>,
}

/// `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Accepted, not all containers started.
    Pending,
    /// At least one container runs.
    Running,
    /// All containers ended well.
    Succeeded,
    /// All containers ended, one of them badly.
    Failed,
    /// The node does not answer.
    Unknown,
}

impl Phase {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Unknown => "Unknown",
        }
    }

    /// From the word in the API.
    pub fn of(word: &str) -> Option<Self> {
        [Self::Pending, Self::Running, Self::Succeeded, Self::Failed, Self::Unknown]
            .into_iter()
            .find(|p| p.as_str() == word)
    }

    /// The pod has ended: its samples no longer count.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed)
    }
}

/// The condition `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its status.
    pub status: bool,
    /// `lastTransitionTime`.
    pub since: DateTime<Utc>,
}

/// A container's name and its request of the resource at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Milli-units; `None` where it requests nothing.
    pub request: Option<i64>,
}

/// An init container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InitContainer {
    /// Name and request.
    pub container: Container,
    /// `restartPolicy: Always`: a sidecar, which keeps running beside the others.
    pub restart_always: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn container(name: &str, request: Option<i64>) -> Container {
        Container { name: name.to_owned(), request }
    }

    fn pod() -> Pod {
        let init = |name: &str, restart_always| InitContainer { container: container(name, Some(10)), restart_always };
        Pod {
            name: "p".to_owned(),
            phase: Phase::Running,
            deleted: false,
            started: None,
            ready: None,
            containers: vec![container("app", Some(100)), container("proxy", Some(50))],
            init_containers: vec![init("migrate", false), init("mesh", true)],
            pod_request: Some(800),
        }
    }

    #[test]
    fn requests_by_container_by_pod_and_by_sum() {
        assert_eq!(pod().request("cpu", None, false).unwrap(), 160);
        assert_eq!(pod().request("cpu", None, true).unwrap(), 800);
        assert_eq!(pod().request("cpu", Some("mesh"), true).unwrap(), 10);
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut bare = pod();
        bare.containers[1].request = None;
        let error = bare.request("cpu", None, false).unwrap_err().to_string();
        assert!(error.contains("missing request for cpu in container proxy of Pod p"), "{error}");
        let error = pod().request("cpu", Some("db"), false).unwrap_err().to_string();
        assert!(error.contains("container db not found in Pod p"), "{error}");
    }

    #[test]
    fn phases_survive_the_way_through_words() {
        assert_eq!(Phase::of("Running"), Some(Phase::Running));
        assert_eq!(Phase::of("running"), None);
        assert!(Phase::Failed.ended() && !Phase::Unknown.ended());
    }
}
