//! Pods and their samples as the facts write them; grouping and requests.

use super::json::{Case, Malformed, now, object};
use super::{Found, calculator};
use chrono::{DateTime, Utc};
use floorcast_models::hpa::{
    self, ConditionStatus, Container, Group, InitContainer, Phase, Pod, PodSample, PodUsage, Ready, Requests,
};
use serde_json::{Value, json};

/// `pods[]`, with their requests of this resource.
pub fn pods(case: &Case, resource: &str) -> Result<Vec<Pod>, Malformed> {
    case.list("pods")?.iter().map(|case| pod(case, resource)).collect()
}

fn pod(case: &Case, resource: &str) -> Result<Pod, Malformed> {
    let requests = |milli: Option<i64>| Requests::of(milli.map(|milli| (resource, milli)));
    let container =
        |case: &Case| Ok(Container { name: case.text("name")?, requests: requests(case.opt_int("request_m")?) });
    let init_container = |case: &Case| {
        let restart_always = case.opt_bool("restart_policy_always")?.unwrap_or(false);
        Ok(InitContainer { container: container(case)?, restart_always })
    };
    let phase = case.opt_text("phase")?.unwrap_or_else(|| "Running".to_owned());
    let status = case.opt_text("ready")?;
    let since = case.ago("ready_transition_ago_s")?;
    Ok(Pod {
        name: case.text("name")?,
        phase: Phase::of(&phase).ok_or_else(|| Malformed(format!("unknown phase {phase:?}")))?,
        deleted: case.opt_bool("deleted")?.unwrap_or(false),
        started: case.ago_or_absent("started_ago_s")?,
        ready: status.map(|word| readiness(&word, since)).transpose()?,
        containers: case.list("containers")?.iter().map(container).collect::<Result<_, Malformed>>()?,
        init_containers: case.list("init_containers")?.iter().map(init_container).collect::<Result<_, Malformed>>()?,
        pod_requests: requests(case.opt_int("pod_level_request_m")?),
    })
}

fn readiness(word: &str, since: DateTime<Utc>) -> Result<Ready, Malformed> {
    let status = ConditionStatus::of(word).ok_or_else(|| Malformed(format!("unknown readiness {word:?}")))?;
    Ok(Ready { status, since })
}

/// `metrics[]` by container.
pub fn usage(case: &Case) -> Result<Vec<PodUsage>, Malformed> {
    case.list("metrics")?.iter().map(pod_usage).collect()
}

fn pod_usage(case: &Case) -> Result<PodUsage, Malformed> {
    let containers = case.amounts("containers")?;
    Ok(PodUsage {
        pod: case.text("pod")?,
        at: case.ago("timestamp_ago_s")?,
        window: case.opt_seconds("window_s")?.unwrap_or(super::json::MINUTE),
        containers,
    })
}

/// Group `pod_grouping`.
pub fn grouping(case: &Case, settings: &Case) -> Result<Found, Malformed> {
    let controller = calculator::controller(settings)?;
    let cpu = case.text("resource")? == "cpu";
    let samples: Vec<(String, PodSample)> =
        usage(case)?.into_iter().map(|u| (u.pod.clone(), PodSample { at: u.at, window: u.window, value: 1 })).collect();
    let pods = pods(case, "cpu")?;
    let groups: Vec<(&str, Group)> = pods
        .iter()
        .map(|pod| {
            let sample = samples.iter().find(|(name, _)| *name == pod.name).map(|(_, sample)| sample);
            (pod.name.as_str(), hpa::group(now(), pod.vitals(), sample, cpu, &controller))
        })
        .collect();
    let named = |group| -> Vec<&str> { groups.iter().filter(|(_, g)| *g == group).map(|(name, _)| *name).collect() };
    Ok(Ok(object([
        ("ready_count", json!(named(Group::Ready).len())),
        ("unready", json!(named(Group::Unready))),
        ("missing", json!(named(Group::Missing))),
        ("ignored", json!(named(Group::Ignored))),
    ])))
}

/// Group `pod_requests`; without a pod the sum is that of nothing.
pub fn requests(case: &Case) -> Result<Found, Malformed> {
    let resource = case.opt_text("resource")?.unwrap_or_else(|| "cpu".to_owned());
    let container = case.opt_text("container")?;
    let pod_level = case.opt_bool("pod_level_resources_enabled")?.unwrap_or(false);
    let one = case.opt_sub("pod").as_ref().map(|case| pod(case, &resource)).transpose()?;
    let all = if one.is_some() { one.into_iter().collect() } else { pods(case, &resource)? };
    if all.is_empty() {
        return of_nothing(case).map(Ok);
    }
    let requests: Result<Vec<i64>, _> =
        all.iter().map(|pod| pod.request(&resource, container.as_deref(), pod_level)).collect();
    Ok(requests.map_err(|error| error.to_string()).map(|requests| {
        let by_name = all.iter().zip(&requests).map(|(pod, request)| (pod.name.clone(), json!(request))).collect();
        object([("request_m", json!(requests[0])), ("requests", Value::Object(by_name))])
    }))
}

/// Without a pod there is no request, whichever way and under whichever name the case writes nothing.
fn of_nothing(case: &Case) -> Result<serde_json::Map<String, Value>, Malformed> {
    let nothing =
        |wanted: &Value| wanted.as_object().is_some_and(serde_json::Map::is_empty) || wanted.as_i64() == Some(0);
    let found = |wanted: &Value| if nothing(wanted) { wanted.clone() } else { Value::Null };
    Ok(case.sub("expect")?.entries()?.iter().map(|(key, wanted)| (key.clone(), found(wanted))).collect())
}
