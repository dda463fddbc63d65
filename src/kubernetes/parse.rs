//! From the API's objects to [`Workload`]: pure, and never more than what the objects say.

use super::hold;
use super::quantity::Quantity;
use super::slim;
use super::workload::{
    Aim, Behavior, Metric, Owner, Refusal, Requirement, Rules, Scaled, Selector, Step, TargetKind, TargetRef, Workload,
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::target::{ScaleDown, Target};
use floorcast_models::units::Replicas;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, OwnerReference, Time};
use kube::api::ObjectMeta;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One workload from its HPA, its target, and the names of the other HPAs on that target.
pub(super) fn workload(hpa: &slim::Hpa, scaled: Option<Arc<Scaled>>, others: Vec<String>, flag: TimeDelta) -> Workload {
    let target_ref = target_ref(&hpa.spec.scale_target_ref);
    let controller = controller(&hpa.metadata);
    Workload {
        namespace: hpa.metadata.namespace.clone().unwrap_or_default(),
        hpa: hpa.metadata.name.clone().unwrap_or_default(),
        target: target(hpa, scaled.as_deref(), flag),
        hpa_metrics: metrics(&hpa.spec.metrics),
        behavior: hpa.spec.behavior.as_ref().map(behavior),
        hpa_labels: Arc::clone(&hpa.labels),
        created: hpa.metadata.creation_timestamp.as_ref().and_then(instant),
        refusals: refusals(&target_ref, controller.as_ref(), hpa, scaled.is_some(), others),
        duplicates: duplicates(&hpa.annotations, scaled.as_deref()),
        hpa_annotations: Arc::clone(&hpa.annotations),
        annotated: hpa.annotated,
        target_ref,
        controller,
        scaled,
        caught_up: true,
    }
}

/// The part of a Deployment or StatefulSet that is kept, taken out of it.
pub(super) fn scaled(whole: &mut slim::WholeScaled) -> Scaled {
    let slim::ScaledSpec { replicas, selector: selects, template } = std::mem::take(&mut whole.spec);
    Scaled {
        uid: whole.metadata.uid.take().unwrap_or_default(),
        annotations: slim::annotations(&mut whole.metadata),
        selector: selector(Some(&selects)),
        replicas: api_replicas(replicas, Replicas::ONE),
        ready: api_replicas(whole.status.ready_replicas, Replicas::ZERO),
        template: template.0,
    }
}

/// What the HPA points at.
pub(super) fn target_ref(reference: &slim::CrossRef) -> TargetRef {
    let apps = reference.api_version.starts_with("apps/");
    let kind = match reference.kind.as_str() {
        "Deployment" if apps => TargetKind::Deployment,
        "StatefulSet" if apps => TargetKind::StatefulSet,
        other => TargetKind::Other(other.to_owned()),
    };
    TargetRef { api_version: reference.api_version.clone(), kind, name: reference.name.clone() }
}

/// The API's time as chrono's.
pub(super) fn instant(time: &Time) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(time.0.as_second(), time.0.subsec_nanosecond().unsigned_abs())
}

fn target(hpa: &slim::Hpa, scaled: Option<&Scaled>, flag: TimeDelta) -> Target {
    let (ours, others): (Vec<_>, Vec<_>) = hpa.managers.iter().partition(|m| m.name == super::FIELD_MANAGER);
    let observed = api_replicas(hpa.status.current_replicas, Replicas::ZERO);
    Target {
        uid: hpa.metadata.uid.clone().unwrap_or_default(),
        resource_version: hpa.metadata.resource_version.clone().unwrap_or_default(),
        // A new HPA has no status yet, which is not "paused": the target itself knows better.
        current: scaled.map_or(observed, |s| s.replicas),
        desired: api_replicas(hpa.status.desired_replicas, Replicas::ZERO),
        min: api_replicas(hpa.spec.min_replicas, Replicas::ONE),
        max: api_replicas(Some(hpa.spec.max_replicas), Replicas::ZERO),
        scale_down: scale_down(hpa.spec.behavior.as_ref(), flag),
        too_few: hpa
            .status
            .conditions
            .iter()
            .any(|c| c.kind == "ScalingLimited" && c.status == "True" && c.reason == "TooFewReplicas"),
        scaling_active: !hpa.status.conditions.iter().any(|c| c.kind == "ScalingActive" && c.status == "False"),
        ready: scaled.map(|s| s.ready),
        hold: hold::read(&hpa.annotations),
        ours: ours.iter().any(|m| m.owns_min),
        owners: others.iter().filter(|m| m.owns_min).map(|m| m.name.clone()).collect(),
        written_at: ours.iter().filter_map(|m| m.time.as_ref().and_then(instant)).max(),
        released_until: hpa.annotations.get(hold::RELEASED_UNTIL).and_then(|text| hold::moment(text)),
    }
}

/// A replica count of the API; a negative one cannot pass its validation and counts as absent.
fn api_replicas(field: Option<i32>, absent: Replicas) -> Replicas {
    field.and_then(Replicas::from_api).unwrap_or(absent)
}

/// How the HPA goes down; `flag` is the controller's own stabilisation window.
fn scale_down(behavior: Option<&slim::Behavior>, flag: TimeDelta) -> ScaleDown {
    let Some(behavior) = behavior else {
        return ScaleDown { stabilisation: flag, longest_period: TimeDelta::zero() };
    };
    let rules = behavior.scale_down.clone().unwrap_or_default();
    let window = rules.stabilization_window_seconds;
    let longest = rules.policies.iter().map(|p| p.period_seconds).max().unwrap_or(0);
    ScaleDown {
        stabilisation: window.map_or(flag, |s| TimeDelta::seconds(s.into())),
        longest_period: TimeDelta::seconds(longest.into()),
    }
}

fn behavior(behavior: &slim::Behavior) -> Behavior {
    Behavior { up: behavior.scale_up.as_ref().map(rules), down: behavior.scale_down.as_ref().map(rules) }
}

fn rules(rules: &slim::Rules) -> Rules {
    Rules {
        stabilisation_seconds: rules.stabilization_window_seconds,
        select: rules.select_policy.clone(),
        policies: rules.policies.iter().map(step).collect(),
        tolerance: rules.tolerance.as_deref().and_then(Quantity::parse).map(|q| q.value()),
    }
}

fn step(policy: &slim::Policy) -> Step {
    Step { percent: policy.kind == "Percent", value: policy.value, period_seconds: policy.period_seconds }
}

fn metrics(specs: &[slim::MetricSpec]) -> Vec<Metric> {
    specs.iter().map(|spec| metric(spec).unwrap_or_else(|why| unreadable(spec, why))).collect()
}

fn unreadable(spec: &slim::MetricSpec, why: &str) -> Metric {
    Metric::Unreadable { kind: spec.kind.clone(), why: why.to_owned() }
}

fn metric(spec: &slim::MetricSpec) -> Result<Metric, &'static str> {
    const NO_SOURCE: &str = "the block of that type is missing";
    Ok(match spec.kind.as_str() {
        "Resource" => resource(spec.resource.as_ref().ok_or(NO_SOURCE)?)?,
        "ContainerResource" => resource(spec.container_resource.as_ref().ok_or(NO_SOURCE)?)?,
        "Pods" => {
            let pods = spec.pods.as_ref().ok_or(NO_SOURCE)?;
            Metric::Pods {
                name: pods.metric.name.clone(),
                selector: selector(pods.metric.selector.as_ref()),
                aim: aim(&pods.target)?,
            }
        }
        "Object" => {
            let object = spec.object.as_ref().ok_or(NO_SOURCE)?;
            Metric::Object {
                name: object.metric.name.clone(),
                selector: selector(object.metric.selector.as_ref()),
                object: described(&object.described_object),
                aim: aim(&object.target)?,
            }
        }
        "External" => {
            let external = spec.external.as_ref().ok_or(NO_SOURCE)?;
            Metric::External {
                name: external.metric.name.clone(),
                selector: selector(external.metric.selector.as_ref()),
                aim: aim(&external.target)?,
            }
        }
        _ => return Err("metrics of this type are unknown to this version"),
    })
}

fn resource(metric: &slim::ResourceMetric) -> Result<Metric, &'static str> {
    Ok(Metric::Resource {
        name: metric.name.clone(),
        container: metric.container.clone().filter(|c| !c.is_empty()),
        aim: aim(&metric.target)?,
    })
}

fn described(reference: &slim::CrossRef) -> Owner {
    Owner { api_version: reference.api_version.clone(), kind: reference.kind.clone(), name: reference.name.clone() }
}

/// The controller looks at `averageValue` before `averageUtilization` and `value`.
fn aim(target: &slim::MetricTarget) -> Result<Aim, &'static str> {
    const NO_QUANTITY: &str = "its target is no quantity";
    if let Some(text) = &target.average_value {
        return Quantity::parse(text).map(Aim::AverageValue).ok_or(NO_QUANTITY);
    }
    if let Some(percent) = target.average_utilization {
        return u32::try_from(percent).map(Aim::Utilization).map_err(|_| NO_QUANTITY);
    }
    let text = target.value.as_ref().ok_or("it has no target")?;
    Quantity::parse(text).map(Aim::Value).ok_or(NO_QUANTITY)
}

fn selector(selector: Option<&LabelSelector>) -> Selector {
    let Some(selector) = selector else {
        return Selector::default();
    };
    let expressions = selector.match_expressions.iter().flatten();
    Selector {
        labels: selector.match_labels.clone().unwrap_or_default(),
        expressions: expressions
            .map(|e| Requirement {
                key: e.key.clone(),
                operator: e.operator.clone(),
                values: e.values.clone().unwrap_or_default(),
            })
            .collect(),
    }
}

fn owner(reference: &OwnerReference) -> Owner {
    Owner { api_version: reference.api_version.clone(), kind: reference.kind.clone(), name: reference.name.clone() }
}

/// The owner that acts as controller of the object.
pub(super) fn controller(metadata: &ObjectMeta) -> Option<Owner> {
    let owners = metadata.owner_references.as_deref().unwrap_or_default();
    owners.iter().find(|o| o.controller == Some(true)).map(owner)
}

fn refusals(
    target: &TargetRef,
    controller: Option<&Owner>,
    hpa: &slim::Hpa,
    exists: bool,
    others: Vec<String>,
) -> Vec<Refusal> {
    let mut refusals = Vec::new();
    if let Some(scaled_object) = keda(hpa) {
        refusals.push(Refusal::KedaOwned { scaled_object });
    } else if let Some(owner) = controller {
        refusals.push(Refusal::ControllerOwned(owner.clone()));
    }
    if matches!(target.kind, TargetKind::Other(_)) {
        let target = format!("{target} ({})", target.api_version);
        refusals.push(Refusal::UnsupportedTarget { target });
    } else if !exists {
        let target = target.to_string();
        refusals.push(Refusal::TargetMissing { target });
    }
    if !others.is_empty() {
        let target = target.to_string();
        refusals.push(Refusal::SharedTarget { target, others });
    }
    refusals
}

/// The ScaledObject that owns the HPA: by owner reference, or by the label KEDA sets.
fn keda(hpa: &slim::Hpa) -> Option<String> {
    let owners = hpa.metadata.owner_references.as_deref().unwrap_or_default();
    let by_owner = owners.iter().find(|o| o.kind == "ScaledObject" && o.api_version.starts_with("keda.sh/"));
    let label = || hpa.labels.get("scaledobject.keda.sh/name").cloned();
    by_owner.map(|o| o.name.clone()).or_else(label)
}

/// Opt-in keys that say different things on the HPA and on its target. Our own book-keeping is not among them.
fn duplicates(hpa: &BTreeMap<String, String>, scaled: Option<&Scaled>) -> Vec<String> {
    let Some(scaled) = scaled else {
        return Vec::new();
    };
    let ours = |key: &str| hold::BOOK.contains(&key) || key == hold::RELEASED_UNTIL;
    hpa.iter()
        .filter(|(key, value)| !ours(key) && scaled.annotations.get(*key).is_some_and(|other| other != *value))
        .filter_map(|(key, _)| key.strip_prefix(super::PREFIX).map(str::to_owned))
        .collect()
}

#[cfg(test)]
mod tests;
