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
    /// `spec.containers`.
    pub containers: Vec<Container>,
    /// `spec.initContainers`.
    pub init_containers: Vec<InitContainer>,
    /// `spec.resources.requests` of the pod itself, with its overhead; empty where there are none.
    pub pod_requests: Requests,
}

impl Pod {
    /// What decides about how the pod counts.
    pub fn vitals(&self) -> Vitals {
        Vitals { phase: self.phase, deleted: self.deleted, started: self.started, ready: self.ready }
    }

    /// Running and Ready: what multiplies the ratio of value metrics.
    pub fn is_ready(&self) -> bool {
        self.phase == Phase::Running && self.ready.is_some_and(|r| r.status == ConditionStatus::True)
    }

    /// What the pod requests of `resource`, milli-units: the named container's, else the pod's own, else the sum over
    /// containers and restartable init containers. A container without a request fails it: it is not zero.
    pub fn request(&self, resource: &str, container: Option<&str>, pod_level: bool) -> Result<i64, MetricError> {
        if let Some(name) = container {
            return self.container_request(resource, name);
        }
        if pod_level && !self.pod_requests.is_empty() {
            return self.own_request(resource);
        }
        self.counted().try_fold(0_i64, |sum, c| Ok(sum.wrapping_add(self.request_of(c, resource)?)))
    }

    /// Of a pod with requests of its own. Where they leave this resource out, what its containers need together: then a
    /// container without a request *is* zero, and start-up counts with what an init container needs.
    fn own_request(&self, resource: &str) -> Result<i64, MetricError> {
        let of = |c: &Container| c.requests.get(resource);
        let larger = |a: Option<i64>, b: Option<i64>| a.max(b);
        let both = |a: Option<i64>, b: Option<i64>| match (a, b) {
            (Some(a), Some(b)) => Some(a.wrapping_add(b)),
            (a, b) => a.or(b),
        };
        let running = self.counted().map(of).fold(None, both);
        let (mut beside, mut starting) = (None, None);
        for init in &self.init_containers {
            let needs = both(of(&init.container), beside);
            starting = larger(starting, needs);
            beside = if init.restart_always { needs } else { beside };
        }
        let missing = || MetricError::NoPodRequest { resource: resource.to_owned(), pod: self.name.clone() };
        self.pod_requests.get(resource).or(larger(running, starting)).ok_or_else(missing)
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
        container.requests.get(resource).ok_or_else(|| MetricError::NoRequest {
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
}

/// The condition `Ready`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ready {
    /// Its status.
    pub status: ConditionStatus,
    /// `lastTransitionTime`.
    pub since: DateTime<Utc>,
}

/// Status of a condition. `Unknown` is neither ready nor unready: the rules of start-up ask for `False`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConditionStatus {
    /// It holds.
    True,
    /// It does not.
    False,
    /// Nobody knows.
    Unknown,
}

impl ConditionStatus {
    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }

    /// From the word in the API.
    pub fn of(word: &str) -> Option<Self> {
        [Self::True, Self::False, Self::Unknown].into_iter().find(|s| s.as_str() == word)
    }
}

impl From<bool> for ConditionStatus {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// A container's name and its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// `resources.requests`.
    pub requests: Requests,
}

/// Requests by resource, milli-units.
///
/// ```
/// use floorcast_models::hpa::Requests;
/// let requests = Requests::of([("cpu", 500)]);
/// assert_eq!((requests.get("cpu"), requests.get("memory")), (Some(500), None));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests(Vec<(String, i64)>);

impl Requests {
    /// These requests: resource and milli-units.
    pub fn of<'a>(requests: impl IntoIterator<Item = (&'a str, i64)>) -> Self {
        Self(requests.into_iter().map(|(resource, milli)| (resource.to_owned(), milli)).collect())
    }

    /// The request of one resource; `None` where there is none: it is not zero.
    pub fn get(&self, resource: &str) -> Option<i64> {
        self.0.iter().find(|(name, _)| name == resource).map(|(_, milli)| *milli)
    }

    /// Nothing is requested.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
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
        Container { name: name.to_owned(), requests: Requests::of(request.map(|milli| ("cpu", milli))) }
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
            pod_requests: Requests::of([("cpu", 800)]),
        }
    }

    #[test]
    fn requests_by_container_by_pod_and_by_sum() {
        assert_eq!(pod().request("cpu", None, false).unwrap(), 160);
        assert_eq!(pod().request("cpu", None, true).unwrap(), 800);
        assert_eq!(pod().request("cpu", Some("mesh"), true).unwrap(), 10);
    }

    #[test]
    fn requests_of_the_pod_that_leave_a_resource_out_are_filled_from_its_containers() {
        let mut partly = pod();
        partly.pod_requests = Requests::of([("memory", 1)]);
        partly.containers[1].requests = Requests::default();
        // 100 of the app and 10 of the sidecar; to start, the migration needs its 10 only.
        assert_eq!(partly.request("cpu", None, true).unwrap(), 110);
        partly.init_containers[0].container.requests = Requests::of([("cpu", 700)]);
        assert_eq!(partly.request("cpu", None, true).unwrap(), 700);
        let error = partly.request("gpu", None, true).unwrap_err().to_string();
        assert_eq!(error, "missing pod-level request for gpu in Pod p");
        assert!(partly.request("cpu", None, false).unwrap_err().to_string().contains("container proxy"));
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut bare = pod();
        bare.containers[1].requests = Requests::default();
        let error = bare.request("cpu", None, false).unwrap_err().to_string();
        assert!(error.contains("missing request for cpu in container proxy of Pod p"), "{error}");
        let error = pod().request("cpu", Some("db"), false).unwrap_err().to_string();
        assert!(error.contains("container db not found in Pod p"), "{error}");
    }

    #[test]
    fn phases_survive_the_way_through_words() {
        assert_eq!(Phase::of("Running"), Some(Phase::Running));
        assert_eq!(Phase::of("running"), None);
        assert_eq!(ConditionStatus::of("Unknown"), Some(ConditionStatus::Unknown));
        assert_eq!(ConditionStatus::of("true"), None);
    }
}
