//! Facts of the arithmetic from metrics to replicas.

use super::Found;
use super::json::{Case, Malformed, now, object};
use super::pods::{pods, usage};
use chrono::TimeDelta;
use floorcast_models::hpa::{
    self, Controller, Flags, Gates, MetricError, Proposal, ResourceTarget, Scale, Scene, ValueTarget, Version,
};
use floorcast_models::hpa::{Pod, quantity};
use serde_json::{Map, Value, json};

/// The controller of the upstream tests: 120 s and 10 s instead of 300 s and 30 s, a factor of 8 instead of 2, and
/// scaling to zero off unless a case says otherwise.
pub fn controller(settings: &Case) -> Result<Controller, Malformed> {
    let period = |key, absent| Ok::<_, Malformed>(settings.opt_seconds(key)?.unwrap_or(TimeDelta::seconds(absent)));
    let flags = Flags {
        cpu_initialization: period("cpu_initialization_period_s", 120)?,
        initial_readiness_delay: period("initial_readiness_delay_s", 10)?,
        scale_up_factor: 8.0,
        ..Flags::default()
    };
    Ok(Controller { flags, gates: Gates { scale_to_zero: false, ..Gates::of(Version::V1_37) } })
}

fn with_scene<T>(
    case: &Case,
    settings: &Case,
    pods: &[Pod],
    then: impl FnOnce(&Scene) -> Result<T, Malformed>,
) -> Result<T, Malformed> {
    let controller = controller(settings)?;
    let current = case.opt_small("current_replicas")?;
    let existing = case.opt_small("status_replicas")?.or(current).unwrap_or_default();
    let scale = Scale { spec_replicas: current.unwrap_or(existing), status_replicas: existing };
    then(&Scene { now: now(), controller: &controller, tolerance: case.tolerance()?, scale, pods })
}

/// Group `resource_utilization`.
pub fn resource(case: &Case, settings: &Case) -> Result<Found, Malformed> {
    let target = ResourceTarget::of(case.opt_int("target_average_value_m")?, case.opt_small("target_utilization_pct")?);
    let target = target.ok_or_else(|| Malformed("no target".to_owned()))?;
    let (resource, container) = (case.text("resource")?, case.opt_text("container")?);
    let usage = usage(case)?;
    with_scene(case, settings, &pods(case, &resource)?, |scene| {
        Ok(found(hpa::by_resource(scene, &resource, container.as_deref(), target, &usage)))
    })
}

/// Group `pods_average_value`.
pub fn pods_average(case: &Case, settings: &Case) -> Result<Found, Malformed> {
    let average = case.int("target_average_value_m")?;
    let sample = |m: &Case| Ok::<_, Malformed>((m.text("pod")?, m.int("value_m")?));
    let values = case.list("metrics")?.iter().map(sample).collect::<Result<Vec<_>, _>>()?;
    with_scene(case, settings, &pods(case, "cpu")?, |scene| Ok(found(hpa::by_pods(scene, "metric", average, &values))))
}

/// Groups `object_value` and `external_value`.
pub fn total(case: &Case, settings: &Case) -> Result<Found, Malformed> {
    by_value(case, settings, ValueTarget::Total(case.int("target_value_m")?))
}

/// Groups `object_average_value` and `external_average_value`.
pub fn per_replica(case: &Case, settings: &Case) -> Result<Found, Malformed> {
    by_value(case, settings, ValueTarget::Average(case.int("target_average_value_m")?))
}

fn by_value(case: &Case, settings: &Case, target: ValueTarget) -> Result<Found, Malformed> {
    let values = match case.opt_int("metric_value_m")? {
        Some(value) => vec![value],
        None => case.ints("metric_values_m")?,
    };
    let spec = hpa::MetricSpec::External { metric: "metric".to_owned(), target };
    let sample = hpa::Sample::External(values);
    with_scene(case, settings, &pods(case, "cpu")?, |scene| Ok(found(hpa::propose(scene, &spec, &sample))))
}

fn found(proposal: Result<Proposal, MetricError>) -> Found {
    let proposal = proposal.map_err(|error| error.to_string())?;
    let mut found = Map::new();
    found.insert("replicas".to_owned(), json!(proposal.replicas));
    let mut put = |key: &str, value: Option<Value>| value.map(|value| found.insert(key.to_owned(), value));
    put("average_value_m", proposal.current.average.map(Value::from));
    put("per_pod_usage_m", proposal.current.average.map(Value::from));
    put("utilization_pct", proposal.current.utilization.map(Value::from));
    put("usage_m", proposal.current.value.map(Value::from));
    Ok(found)
}

/// Group `per_pod_usage`.
pub fn per_pod_usage(case: &Case) -> Result<Found, Malformed> {
    let usage = hpa::per_replica(case.int("usage_m")?, case.small("status_replicas")?);
    Ok(Ok(object([("per_pod_usage_m", json!(usage))])))
}

/// Group `status_quantity`.
pub fn quantity(case: &Case) -> Result<Found, Malformed> {
    let quantity = quantity::status_quantity(&case.text("resource")?, case.int("raw_m")?);
    Ok(Ok(object([("milli_value", json!(quantity.milli)), ("format", json!(quantity.format.as_str()))])))
}
