//! Facts of whole single syncs.

use super::behavior::{events, log, rules};
use super::json::{Case, Malformed, now, object};
use super::pods::pods;
use super::{Found, calculator};
use chrono::TimeDelta;
use floorcast_models::hpa::condition::{Able, Active, Conditions, Limit};
use floorcast_models::hpa::{
    self, Behavior, Controller, MetricError, MetricSpec, Observation, Pod, PodUsage, ResourceTarget, Rules, Sample,
    Scaled, Spec, State, ValueTarget,
};
use serde_json::{Value, json};

/// Group `single_sync`.
pub fn single(case: &Case, settings: &Case) -> Result<Found, Malformed> {
    let controller = controller(case, settings)?;
    let metrics = case.list("metric_specs")?;
    let spec = Spec {
        min: case.opt_small("min_replicas")?,
        max: case.small("max_replicas")?,
        metrics: metrics.iter().map(metric).collect::<Result<_, _>>()?,
        behavior: behavior(case)?,
    };
    let observation = observe(case, &spec)?;
    let current = case.small("spec_replicas")?;
    let mut state = State {
        log: log(case)?,
        ups: events(case, "scale_up_events")?,
        downs: events(case, "scale_down_events")?,
        conditions: conditions(case)?,
        desired: current,
        last_scale: case.opt_float("last_scale_ago_s")?.map(|_| case.ago("last_scale_ago_s")).transpose()?,
    };
    let verdict = hpa::sync(now(), &spec, &controller, &observation, &mut state);
    let listed = verdict.conditions.list().into_iter().map(|(kind, status, reason)| {
        json!({"type": kind, "status": if status { "True" } else { "False" }, "reason": reason})
    });
    Ok(Ok(object([
        ("desired_replicas", json!(verdict.desired)),
        ("scale_updated", json!(verdict.rescaled_to.is_some())),
        ("error", json!(verdict.error.is_some())),
        ("conditions", listed.collect()),
    ])))
}

fn controller(case: &Case, settings: &Case) -> Result<Controller, Malformed> {
    let mut controller = calculator::controller(settings)?;
    if let Some(factor) = case.opt_float("scale_up_limit_factor")? {
        controller.flags.scale_up_factor = factor;
    }
    if let Some(gates) = case.opt_sub("feature_gates") {
        let known = &mut controller.gates;
        for (name, gate) in [
            ("HPAScaleToZero", &mut known.scale_to_zero),
            ("HPAConfigurableTolerance", &mut known.configurable_tolerance),
            ("PodLevelResources", &mut known.pod_level_resources),
            ("HPAGeneration", &mut known.generation),
        ] {
            *gate = gates.opt_bool(name)?.unwrap_or(*gate);
        }
    }
    Ok(controller)
}

fn behavior(case: &Case) -> Result<Option<Behavior>, Malformed> {
    let Some(sides) = case.opt_sub("behavior") else { return Ok(None) };
    Ok(Some(Behavior {
        scale_up: rules(sides.opt_sub("scale_up"), Rules::default_up())?,
        scale_down: rules(sides.opt_sub("scale_down"), Rules::default_down())?,
    }))
}

fn metric(case: &Case) -> Result<MetricSpec, Malformed> {
    let kind = case.text("type")?;
    let name = || Ok::<_, Malformed>(case.opt_text("name")?.unwrap_or_else(|| "metric".to_owned()));
    let resource = || Ok::<_, Malformed>(case.opt_text("resource")?.unwrap_or_else(|| "cpu".to_owned()));
    let average = case.opt_int("target_average_value_m")?;
    let no_target = || Malformed(format!("metric of type {kind} without a target"));
    let of_resource = || ResourceTarget::of(average, case.opt_small("target_utilization_pct")?).ok_or_else(no_target);
    let of_value = || ValueTarget::of(average, case.opt_int("target_value_m")?).ok_or_else(no_target);
    Ok(match kind.as_str() {
        "Resource" => MetricSpec::Resource { resource: resource()?, target: of_resource()? },
        "ContainerResource" => {
            let container = case.text("container")?;
            MetricSpec::ContainerResource { resource: resource()?, container, target: of_resource()? }
        }
        "Pods" => MetricSpec::Pods { metric: name()?, average: average.ok_or_else(no_target)? },
        "Object" => MetricSpec::Object { metric: name()?, target: of_value()? },
        "External" => MetricSpec::External { metric: name()?, target: of_value()? },
        _ => MetricSpec::Unknown { kind },
    })
}

fn observe(case: &Case, spec: &Spec) -> Result<Observation, Malformed> {
    let resource = spec.metrics.iter().find_map(|metric| match metric {
        MetricSpec::Resource { resource, .. } | MetricSpec::ContainerResource { resource, .. } => {
            Some(resource.clone())
        }
        _ => None,
    });
    let pods = pods(case, resource.as_deref().unwrap_or("cpu"))?;
    let levels = case.ints("reported_levels_m")?;
    let fails: Vec<bool> = case
        .list("metric_specs")?
        .iter()
        .map(|m| Ok(m.opt_bool("fails")?.unwrap_or(false)))
        .collect::<Result<_, Malformed>>()?;
    let answer = |(metric, fails): (&MetricSpec, &bool)| match fails {
        true => Err(MetricError::Api("the API answers with an error".to_owned())),
        false => sample(metric, &levels, &pods),
    };
    let samples = spec.metrics.iter().zip(&fails).map(answer).collect();
    Ok(Observation {
        target: Scaled::sound(case.small("spec_replicas")?, case.small("status_replicas")?),
        pods,
        samples,
    })
}

/// Level *i* belongs to pod *i*, whether or not there is one.
fn sample(metric: &MetricSpec, levels: &[i64], pods: &[Pod]) -> Result<Sample, MetricError> {
    let name = |i: usize| pods.get(i).map_or_else(|| format!("unknown-{i}"), |pod| pod.name.clone());
    match metric {
        MetricSpec::Resource { .. } | MetricSpec::ContainerResource { .. } => {
            Ok(Sample::Resource(levels.iter().enumerate().map(|(i, level)| halves(name(i), *level)).collect()))
        }
        MetricSpec::Pods { .. } => {
            Ok(Sample::Pods(levels.iter().enumerate().map(|(i, level)| (name(i), *level)).collect()))
        }
        MetricSpec::Object { metric, .. } => {
            levels.first().map(|v| Sample::Object(*v)).ok_or_else(|| MetricError::NoMetrics { metric: metric.clone() })
        }
        MetricSpec::External { .. } => Ok(Sample::External(levels.to_vec())),
        MetricSpec::Unknown { kind } => Err(MetricError::UnknownType(kind.clone())),
    }
}

/// A pod whose usage is split evenly over two containers, measured just now over a minute.
fn halves(pod: String, level: i64) -> PodUsage {
    let containers = ["container1", "container2"].map(|name| (name.to_owned(), Some(level / 2))).to_vec();
    PodUsage { pod, at: now(), window: TimeDelta::seconds(60), containers }
}

fn conditions(case: &Case) -> Result<Conditions, Malformed> {
    let mut conditions = Conditions::default();
    for one in case.list("initial_conditions")? {
        let (kind, reason) = (one.text("type")?, one.opt_text("reason")?.unwrap_or_default());
        let status = one.value("status").and_then(Value::as_str) == Some("True");
        match kind.as_str() {
            "AbleToScale" => conditions.able = Able::ALL.into_iter().find(|r| r.as_str() == reason),
            "ScalingActive" => conditions.active = Active::ALL.into_iter().find(|r| r.as_str() == reason),
            "ScalingLimited" => {
                conditions.limited = Limit::ALL.into_iter().find(|r| r.as_str() == reason).map(|r| (status, r));
            }
            "ScaledToZero" => conditions.scaled_to_zero = Some(status),
            other => return Err(Malformed(format!("unknown condition {other:?}"))),
        }
    }
    Ok(conditions)
}
