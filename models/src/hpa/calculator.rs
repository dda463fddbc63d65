//! From the samples of one metric to the size it asks for.

use crate::hpa::quotient::{ceil, per_replica};
use crate::hpa::{
    Controller, Current, Gates, Group, MetricError, MetricSpec, Pod, PodSample, PodUsage, Proposal, ResourceTarget,
    Sample, Scale, Tally, Tolerance, ValueTarget, group,
};
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

/// The circumstances of one computation, the same for all metrics of a sync.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The moment of the sync.
    pub now: DateTime<Utc>,
    /// Flags and gates of the controller.
    pub controller: &'a Controller,
    /// Tolerance in force for this HPA.
    pub tolerance: Tolerance,
    /// The target's size.
    pub scale: Scale,
    /// The pods of the target's selector.
    pub pods: &'a [Pod],
}

/// The size that `metric` asks for, given the answer of its metrics API.
pub fn propose(scene: &Scene, metric: &MetricSpec, sample: &Sample) -> Result<Proposal, MetricError> {
    match (metric, sample) {
        (MetricSpec::Resource { resource, target }, Sample::Resource(usage)) => {
            by_resource(scene, resource, None, *target, usage)
        }
        (MetricSpec::ContainerResource { resource, container, target }, Sample::Resource(usage)) => {
            by_resource(scene, resource, Some(container), *target, usage)
        }
        (MetricSpec::Pods { metric, average }, Sample::Pods(values)) => by_pods(scene, metric, *average, values),
        (MetricSpec::Object { target, .. }, Sample::Object(value)) => by_value(scene, *target, *value),
        (MetricSpec::External { metric, target }, Sample::External(values)) => {
            by_value(scene, *target, sum(metric, *target, values)?)
        }
        (MetricSpec::Unknown { kind }, _) => Err(MetricError::UnknownType(kind.clone())),
        _ => Err(MetricError::NotObserved),
    }
}

/// Resource and `ContainerResource`.
pub fn by_resource(
    scene: &Scene,
    resource: &str,
    container: Option<&str>,
    target: ResourceTarget,
    usage: &[PodUsage],
) -> Result<Proposal, MetricError> {
    if usage.is_empty() {
        return Err(MetricError::NoResourceMetrics { resource: resource.to_owned() });
    }
    let samples = samples_of(usage, container, &scene.controller.gates)?;
    let groups = groups(scene, &samples, resource == "cpu")?;
    let requests = requests(scene, resource, container, target)?;
    tally(scene, &samples, &groups, &requests, target).resource(target, scene.scale.spec_replicas, scene.tolerance)
}

/// Pods: a plain average, without the start-up rules of CPU.
pub fn by_pods(scene: &Scene, metric: &str, average: i64, values: &[(String, i64)]) -> Result<Proposal, MetricError> {
    if values.is_empty() {
        return Err(MetricError::NoMetrics { metric: metric.to_owned() });
    }
    let sample = |value| PodSample { at: scene.now, window: chrono::TimeDelta::zero(), value };
    let samples: Samples = values.iter().map(|(pod, value)| (pod.as_str(), sample(*value))).collect();
    let groups = groups(scene, &samples, false)?;
    let target = ResourceTarget::Average(average);
    tally(scene, &samples, &groups, &[], target).average(average, scene.scale.spec_replicas, scene.tolerance)
}

/// Object and External, of either target.
pub fn by_value(scene: &Scene, target: ValueTarget, value: i64) -> Result<Proposal, MetricError> {
    match target {
        ValueTarget::Total(total) => by_total(scene, total, value),
        ValueTarget::Average(average) => Ok(by_average(scene, average, value)),
    }
}

/// The value itself is steered: its ratio multiplies the ready pods.
fn by_total(scene: &Scene, target: i64, value: i64) -> Result<Proposal, MetricError> {
    let ratio = value as f64 / target as f64;
    let current = scene.scale.spec_replicas;
    let replicas = match current {
        0 => ceil(ratio),
        _ if scene.tolerance.within(ratio) => current,
        _ => ceil(ratio * f64::from(ready_pods(scene.pods)?)),
    };
    Ok(Proposal { replicas, current: Current { value: Some(value), ..Current::default() } })
}

/// The value is shared by the replicas that exist, ready or not.
fn by_average(scene: &Scene, target: i64, value: i64) -> Proposal {
    let existing = scene.scale.status_replicas;
    let ratio = value as f64 / (target as f64 * f64::from(existing));
    let replicas = if scene.tolerance.within(ratio) { existing } else { ceil(value as f64 / target as f64) };
    let average = Some(per_replica(value, existing));
    Proposal { replicas, current: Current { average, ..Current::default() } }
}

/// Sum of an external metric's series. Upstream guards against overflow in two ways: for `value` a sum that would exceed
/// the top stays there; for `averageValue` *any* negative running sum is taken for an overflow, a truly negative metric
/// too: it asks for as many replicas as may be.
fn sum(metric: &str, target: ValueTarget, values: &[i64]) -> Result<i64, MetricError> {
    if values.is_empty() {
        return Err(MetricError::NoMetrics { metric: metric.to_owned() });
    }
    let add = |sum: i64, value: &i64| match target {
        ValueTarget::Total(_) if *value > 0 => sum.checked_add(*value),
        ValueTarget::Total(_) => Some(sum.wrapping_add(*value)),
        ValueTarget::Average(_) => Some(sum.wrapping_add(*value)).filter(|sum| *sum >= 0),
    };
    Ok(values.iter().try_fold(0, add).unwrap_or(i64::MAX))
}

/// A plain count: terminating pods included, no start-up rules.
fn ready_pods(pods: &[Pod]) -> Result<i32, MetricError> {
    if pods.is_empty() {
        return Err(MetricError::NoPods);
    }
    Ok(i32::try_from(pods.iter().filter(|p| p.is_ready()).count()).unwrap_or(i32::MAX))
}

/// Samples by pod name.
pub type Samples<'a> = BTreeMap<&'a str, PodSample>;

/// One sample per measured pod; a pod whose sample lacks the resource is not measured.
pub fn samples_of<'a>(
    usage: &'a [PodUsage],
    container: Option<&str>,
    gates: &Gates,
) -> Result<Samples<'a>, MetricError> {
    let mut samples = Samples::new();
    for pod in usage {
        let sample = match pod.sample(container) {
            Err(MetricError::ContainerNotMeasured { .. }) if gates.absent_container_is_missing => None,
            other => other?,
        };
        if let Some(sample) = sample {
            samples.insert(&pod.pod, sample);
        }
    }
    Ok(samples)
}

/// The group of each pod, in their order. Fails where no sample is left once those of pods that do not count are dropped.
fn groups(scene: &Scene, samples: &Samples, cpu: bool) -> Result<Vec<Group>, MetricError> {
    if scene.pods.is_empty() {
        return Err(MetricError::NoPods);
    }
    let sample = |pod: &Pod| samples.get(pod.name.as_str());
    let groups: Vec<Group> =
        scene.pods.iter().map(|pod| group(scene.now, pod.vitals(), sample(pod), cpu, scene.controller)).collect();
    let dropped = |(pod, group): (&Pod, &Group)| *group != Group::Ready && sample(pod).is_some();
    let dropped = scene.pods.iter().zip(&groups).filter(|pair| dropped(*pair)).count();
    if dropped == samples.len() { Err(MetricError::NoSamples) } else { Ok(groups) }
}

/// One request per pod, in their order; empty where the target needs none.
fn requests(
    scene: &Scene,
    resource: &str,
    container: Option<&str>,
    target: ResourceTarget,
) -> Result<Vec<i64>, MetricError> {
    if matches!(target, ResourceTarget::Average(_)) {
        return Ok(Vec::new());
    }
    let pod_level = scene.controller.gates.pod_level_resources;
    scene.pods.iter().map(|pod| pod.request(resource, container, pod_level)).collect()
}

/// Sums the pods up. `groups` and `requests` are by position, the latter empty for none.
fn tally(scene: &Scene, samples: &Samples, groups: &[Group], requests: &[i64], target: ResourceTarget) -> Tally {
    let mut tally = Tally::default();
    let mut strangers = samples.clone();
    for (i, (pod, group)) in scene.pods.iter().zip(groups).enumerate() {
        let sample = strangers.remove(pod.name.as_str());
        let request = requests.get(i).copied().unwrap_or(0);
        tally.add(*group, sample.map_or(0, |s| s.value), request, target);
    }
    tally.strangers = i64::try_from(strangers.len()).unwrap_or(i64::MAX);
    tally.stranger_usage = strangers.values().map(|s| i128::from(s.value)).sum();
    tally
}

impl Tally {
    /// Counts one pod in.
    pub fn add(&mut self, group: Group, usage: i64, request: i64, target: ResourceTarget) {
        let wide = i128::from(request);
        match group {
            Group::Ready => {
                self.ready += 1;
                self.usage += i128::from(usage);
                self.request += wide;
            }
            Group::Missing => {
                self.missing += 1;
                self.missing_request += wide;
                self.missing_usage += assumed(request, target);
            }
            Group::Unready => {
                self.unready += 1;
                self.unready_request += wide;
            }
            Group::Ignored => {}
        }
    }
}

/// What a missing pod is taken to use when the others ask for less: its request or, if more, the target's share of it.
fn assumed(request: i64, target: ResourceTarget) -> i128 {
    match target {
        ResourceTarget::Utilization(percent) => i128::from(request.wrapping_mul(percent.max(100).into()) / 100),
        ResourceTarget::Average(_) => 0,
    }
}

#[cfg(test)]
#[path = "calculator_tests.rs"]
mod tests;
