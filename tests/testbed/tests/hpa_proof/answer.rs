//! Answers of the metrics APIs: what goes out, and the same as the simulator takes it.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::hpa::{MetricError, MetricSpec, Pod, PodUsage, ResourceTarget, Sample, ValueTarget};
use floorcast_models::sim::Random;
use floorcast_testbed::metrics_api::{Question, Verbatim};

use crate::manifest::amount;
use crate::plan::{RESOURCES, below};

/// One answer, whatever the metric that asks for it.
#[derive(Clone, Debug)]
pub(crate) enum Told {
    /// An HTTP status.
    Failed(u16),
    /// Usage by pod, container and resource, milli-units.
    Usage(Vec<Usage>),
    /// A value per pod, milli-units.
    Values(Vec<(String, i64)>),
    /// Values of an object or an external metric, milli-units.
    Numbers(Vec<i64>),
}

/// What is told of one pod.
#[derive(Clone, Debug)]
pub(crate) struct Usage {
    pod: String,
    at: DateTime<Utc>,
    window: TimeDelta,
    containers: Vec<(String, Vec<(&'static str, i64)>)>,
}

/// The question that a metric of this HPA asks.
pub(crate) fn question(metric: &MetricSpec, app: &str) -> Question {
    let workload = app.to_owned();
    match metric {
        MetricSpec::Resource { .. } | MetricSpec::ContainerResource { .. } | MetricSpec::Unknown { .. } => {
            Question::Cpu { workload }
        }
        MetricSpec::Pods { metric, .. } => Question::Pods { workload, metric: metric.clone() },
        MetricSpec::Object { metric, .. } => {
            Question::Object { resource: "services".to_owned(), name: metric.clone(), metric: metric.clone() }
        }
        MetricSpec::External { metric, .. } => Question::External { metric: metric.clone() },
    }
}

/// How loaded the pods are, and what is wrong with the samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weather {
    /// Load over target.
    pub(crate) factor: f64,
    /// Share of pods without a sample.
    missing: f64,
    /// Share of containers without the resource, or not there at all.
    gaps: f64,
    /// Age of the samples, seconds.
    age: i64,
    /// A sample of a pod that nobody knows.
    stranger: bool,
    /// An HTTP status instead of an answer.
    fails: Option<u16>,
    /// No sample at all.
    empty: bool,
}

impl Weather {
    /// Any weather.
    pub(crate) fn any(random: &mut Random) -> Self {
        // The edges of the tolerance and the target itself come often; else anything from idle to triple.
        let factor = match below(random, 8) {
            0 => 1.0,
            1 => 1.1,
            2 => 0.9,
            3 => random.between(0.85, 1.2),
            _ => random.between(0.0, 2.6),
        };
        Self {
            factor,
            missing: if random.chance(0.3) { random.between(0.1, 0.9) } else { 0.0 },
            gaps: if random.chance(0.1) { 0.3 } else { 0.0 },
            age: [0, 1, 4, 9, 120][below(random, 5)],
            stranger: random.chance(0.1),
            fails: random.chance(0.1).then(|| [404, 500, 503][below(random, 3)]),
            empty: random.chance(0.03),
        }
    }
}

/// An answer to the question of `metric`, in this weather, for these pods.
pub(crate) fn told(metric: &MetricSpec, weather: Weather, pods: &[Pod], size: i32, random: &mut Random) -> Told {
    if let Some(status) = weather.fails {
        return Told::Failed(status);
    }
    let size = f64::from(size.max(1));
    let scaled = |target: i64, pods: f64| (target as f64 * weather.factor * pods).round() as i64;
    match metric {
        MetricSpec::Resource { .. } | MetricSpec::ContainerResource { .. } | MetricSpec::Unknown { .. } => {
            Told::Usage(usages(metric, weather, pods, random))
        }
        MetricSpec::Pods { average, .. } => {
            let names = names(weather, pods, random);
            let mut value = |name: String| {
                let wobble = if random.chance(0.5) { 1.0 } else { random.between(0.5, 1.5) };
                (name, (scaled(*average, 1.0) as f64 * wobble).round() as i64)
            };
            let values: Vec<_> = names.into_iter().map(&mut value).collect();
            Told::Values(if weather.empty { Vec::new() } else { values })
        }
        MetricSpec::Object { target, .. } => Told::Numbers(match (weather.empty, target) {
            (true, _) => Vec::new(),
            (_, ValueTarget::Total(target)) => vec![scaled(*target, 1.0)],
            (_, ValueTarget::Average(target)) => vec![scaled(*target, size)],
        }),
        MetricSpec::External { target, .. } => {
            let sum = match target {
                ValueTarget::Total(target) => scaled(*target, 1.0),
                ValueTarget::Average(target) => scaled(*target, size),
            };
            Told::Numbers(match below(random, 12) {
                _ if weather.empty => Vec::new(),
                // Beyond 64 bits, and below zero: taken for each other. (With `value`, from zero, the result would be the
                // processor's, not Kubernetes'.)
                0 if matches!(target, ValueTarget::Average(_)) => vec![i64::MAX / 2, i64::MAX / 2, 5000],
                1 => vec![-sum, 3],
                2..=5 => vec![sum / 3, sum - sum / 3],
                _ => vec![sum],
            })
        }
    }
}

/// Pods that have a sample, known or not.
fn names(weather: Weather, pods: &[Pod], random: &mut Random) -> Vec<String> {
    let seen = pods.iter().filter(|_| !random.chance(weather.missing)).map(|pod| pod.name.clone());
    seen.chain(weather.stranger.then(|| "nobody-knows-me".to_owned())).collect()
}

fn usages(metric: &MetricSpec, weather: Weather, pods: &[Pod], random: &mut Random) -> Vec<Usage> {
    if weather.empty {
        return Vec::new();
    }
    let now = Utc::now();
    let names = names(weather, pods, random);
    names
        .into_iter()
        .map(|pod| {
            let age = TimeDelta::seconds(weather.age + below(random, 2) as i64);
            // Whole seconds: the API knows no others.
            let at = DateTime::from_timestamp((now - age).timestamp(), 0).unwrap_or(now);
            let containers = containers(metric, weather, random);
            Usage { pod, at, window: TimeDelta::seconds([5, 15][below(random, 2)]), containers }
        })
        .collect()
}

fn containers(metric: &MetricSpec, weather: Weather, random: &mut Random) -> Vec<(String, Vec<(&'static str, i64)>)> {
    let wobble = if random.chance(0.5) { 1.0 } else { random.between(0.6, 1.4) };
    // 5/4 of the request of `app` is what both containers request together.
    let of = |resource: &str, request: i64, share: f64| {
        let full = match metric {
            MetricSpec::Resource { resource: r, target: ResourceTarget::Average(target) }
            | MetricSpec::ContainerResource { resource: r, target: ResourceTarget::Average(target), .. }
                if r == resource =>
            {
                *target as f64
            }
            MetricSpec::Resource { target: ResourceTarget::Utilization(percent), .. }
            | MetricSpec::ContainerResource { target: ResourceTarget::Utilization(percent), .. } => {
                request as f64 * 1.25 * f64::from(*percent) / 100.0
            }
            _ => request as f64,
        };
        let milli = (full * share * weather.factor * wobble).round() as i64;
        // Whole bytes of memory.
        if resource == "memory" { milli / 1000 * 1000 } else { milli }
    };
    let mut told = Vec::new();
    for (name, share) in [("app", 0.8), ("side", 0.2)] {
        if random.chance(weather.gaps) {
            continue;
        }
        let amounts =
            RESOURCES.iter().filter(|_| !random.chance(weather.gaps)).map(|(r, request)| (*r, of(r, *request, share)));
        told.push((name.to_owned(), amounts.collect()));
    }
    told
}

/// What goes out for it.
pub(crate) fn verbatim(told: &Told, metric: &MetricSpec) -> Verbatim {
    let now = Utc::now();
    let name = match metric {
        MetricSpec::Pods { metric, .. } | MetricSpec::Object { metric, .. } | MetricSpec::External { metric, .. } => {
            metric
        }
        _ => "",
    };
    match told {
        Told::Failed(status) => Verbatim::failing(*status),
        Told::Usage(pods) => Verbatim::items(pods.iter().map(usage_item).collect()),
        Told::Values(values) => {
            Verbatim::items(values.iter().map(|(pod, milli)| Verbatim::value(pod, name, now, *milli)).collect())
        }
        Told::Numbers(numbers) => {
            let external = matches!(metric, MetricSpec::External { .. });
            let item = |milli: &i64| {
                if external { Verbatim::external(name, now, *milli) } else { Verbatim::value(name, name, now, *milli) }
            };
            Verbatim::items(numbers.iter().map(item).collect())
        }
    }
}

fn usage_item(usage: &Usage) -> serde_json::Value {
    let amounts = |list: &[(&'static str, i64)]| {
        list.iter().map(|(resource, milli)| ((*resource).to_owned(), amount(resource, *milli))).collect::<Vec<_>>()
    };
    let containers: Vec<_> = usage.containers.iter().map(|(name, list)| (name.clone(), amounts(list))).collect();
    Verbatim::pod(&usage.pod, usage.at, usage.window, &containers)
}

/// The same as the simulator takes it.
pub(crate) fn sample(told: &Told, metric: &MetricSpec) -> Result<Sample, MetricError> {
    match (told, metric) {
        (Told::Failed(status), _) => Err(MetricError::Api(format!("HTTP {status}"))),
        (Told::Usage(pods), MetricSpec::Resource { resource, .. } | MetricSpec::ContainerResource { resource, .. }) => {
            Ok(Sample::Resource(pods.iter().map(|usage| pod_usage(usage, resource)).collect()))
        }
        (Told::Values(values), _) => Ok(Sample::Pods(values.clone())),
        (Told::Numbers(numbers), MetricSpec::Object { metric, .. }) => match numbers.as_slice() {
            [one] => Ok(Sample::Object(*one)),
            _ => Err(MetricError::NoMetrics { metric: metric.clone() }),
        },
        (Told::Numbers(numbers), _) => Ok(Sample::External(numbers.clone())),
        _ => Err(MetricError::NotObserved),
    }
}

fn pod_usage(usage: &Usage, resource: &str) -> PodUsage {
    let of = |list: &[(&'static str, i64)]| list.iter().find(|(name, _)| *name == resource).map(|(_, milli)| *milli);
    let containers = usage.containers.iter().map(|(name, list)| (name.clone(), of(list))).collect();
    PodUsage { pod: usage.pod.clone(), at: usage.at, window: usage.window, containers }
}
