//! The HPAs of the proof: all metric types and targets, with and without behavior, by seed.

use chrono::TimeDelta;
use floorcast_models::hpa::{Amount, Behavior, MetricSpec, Policy, ResourceTarget, Rules, Select, Spec, ValueTarget};
use floorcast_models::sim::Random;

/// One HPA and its target.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Name of the HPA, its target, and the value of its pods' label `app`.
    pub(crate) name: String,
    /// The HPA as it is created.
    pub(crate) spec: Spec,
    /// `spec.behavior` as it is written: with gaps that the API server fills.
    pub(crate) behavior: Option<Written>,
    /// What its pods request.
    pub(crate) pods: PodShape,
    /// `spec.replicas` of the target at first.
    pub(crate) replicas: i32,
}

/// `spec.behavior` before the API server fills it in.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) up: Option<Side>,
    pub(crate) down: Option<Side>,
}

/// One side, any field of which may be left out.
#[derive(Clone, Debug)]
pub(crate) struct Side {
    pub(crate) window: Option<i64>,
    pub(crate) select: Option<Select>,
    pub(crate) policies: Option<Vec<Policy>>,
    /// Thousandths.
    pub(crate) tolerance: Option<i64>,
}

/// Requests of a pod's containers `app` and `side`, of its sidecar `init`, and of the pod itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PodShape {
    /// Two containers with requests.
    Plain,
    /// And an init container that keeps running, and one that does not.
    Sidecar,
    /// And requests of the pod itself.
    PodLevel,
    /// The second container requests nothing.
    Lacking,
}

/// The resources of a container, and what `app` requests of each, milli-units.
pub(crate) const RESOURCES: [(&str, i64); 2] = [("cpu", 400), ("memory", 64_000_000_000)];

/// All HPAs of a seed.
pub(crate) fn plans(seed: u64, count: usize) -> Vec<Plan> {
    (0..count).map(|i| plan(&mut Random::of(seed, i as u64), i)).collect()
}

fn plan(random: &mut Random, i: usize) -> Plan {
    // Writes to the scale of such targets are refused.
    let name = if i % 32 == 31 { format!("h{i:03}-refused") } else { format!("h{i:03}") };
    // Each kind in turn, so that all are there whatever the seed; further metrics by chance.
    let mut metrics = vec![metric(random, i % KINDS, &name, 0)];
    while metrics.len() < 3 && random.chance(0.3) {
        let kind = below(random, KINDS);
        metrics.push(metric(random, kind, &name, metrics.len()));
    }
    let behavior = random.chance(0.6).then(|| written(random));
    let spec = Spec { min: None, max: 1, metrics, behavior: behavior.as_ref().map(filled) };
    let (min, max) = bounds(random, &spec);
    let pods = match below(random, 8) {
        0 => PodShape::Lacking,
        1 => PodShape::PodLevel,
        2 => PodShape::Sidecar,
        _ => PodShape::Plain,
    };
    let replicas = 1 + below(random, 8) as i32;
    Plan { name, spec: Spec { min, max, ..spec }, behavior, pods, replicas }
}

/// Bounds that the API server accepts: 0 only with a metric from outside the pods.
pub(crate) fn bounds(random: &mut Random, spec: &Spec) -> (Option<i32>, i32) {
    let min = match below(random, 6) {
        0 if spec.measures_from_outside() => 0,
        0 | 1 => 1,
        _ => 1 + below(random, 8) as i32,
    };
    let max = min.max(1) + below(random, 20) as i32;
    ((min != 1 || random.chance(0.5)).then_some(min), max)
}

const KINDS: usize = 12;

fn metric(random: &mut Random, kind: usize, name: &str, position: usize) -> MetricSpec {
    let percent = 20 + below(random, 130) as i32;
    let named = |what: &str| format!("{what}-{name}-{position}");
    let milli = 500 + 100 * below(random, 80) as i64;
    let (cpu, memory) = ("cpu".to_owned(), "memory".to_owned());
    let bytes = 1_000_000_000 * (10 + below(random, 60) as i64);
    let container = ["app", "side"][below(random, 2)].to_owned();
    match kind {
        0 | 1 => MetricSpec::Resource { resource: cpu, target: ResourceTarget::Utilization(percent) },
        2 => MetricSpec::Resource { resource: cpu, target: ResourceTarget::Average(milli / 10) },
        3 => MetricSpec::Resource { resource: memory, target: ResourceTarget::Utilization(percent) },
        4 => MetricSpec::Resource { resource: memory, target: ResourceTarget::Average(bytes) },
        5 => MetricSpec::ContainerResource { resource: cpu, container, target: ResourceTarget::Utilization(percent) },
        6 => MetricSpec::ContainerResource { resource: memory, container, target: ResourceTarget::Average(bytes) },
        7 => MetricSpec::Pods { metric: named("rate"), average: milli },
        8 => MetricSpec::Object { metric: named("queue"), target: ValueTarget::Total(milli) },
        9 => MetricSpec::Object { metric: named("queue"), target: ValueTarget::Average(milli) },
        10 => MetricSpec::External { metric: named("jobs"), target: ValueTarget::Total(milli) },
        _ => MetricSpec::External { metric: named("jobs"), target: ValueTarget::Average(milli) },
    }
}

fn written(random: &mut Random) -> Written {
    let mut maybe = || random.chance(0.75).then(|| side(random));
    Written { up: maybe(), down: maybe() }
}

fn side(random: &mut Random) -> Side {
    const WINDOWS: [i64; 5] = [0, 3, 5, 8, 14];
    let select = [Select::Max, Select::Min, Select::Max, Select::Min, Select::Disabled][below(random, 5)];
    let count = 1 + below(random, 3);
    let policies = (0..count).map(|_| policy(random)).collect();
    Side {
        window: random.chance(0.6).then(|| WINDOWS[below(random, WINDOWS.len())]),
        select: random.chance(0.6).then_some(select),
        policies: random.chance(0.7).then_some(policies),
        tolerance: random.chance(0.3).then(|| 10 * below(random, 30) as i64),
    }
}

fn policy(random: &mut Random) -> Policy {
    const PERIODS: [u32; 4] = [3, 5, 7, 12];
    let period = PERIODS[below(random, PERIODS.len())];
    match below(random, 10) {
        // "No limit" as people write it; 32-bit integers overflow.
        0 => Policy::pods(i32::MAX, period),
        1..=5 => Policy::pods(1 + below(random, 5) as i32, period),
        _ => Policy::percent(10 + 10 * below(random, 15) as i32, period),
    }
}

/// What the API server makes of it.
fn filled(written: &Written) -> Behavior {
    let rules = |side: Option<&Side>, default: Rules| match side {
        None => default,
        Some(side) => Rules {
            window: side.window.map(TimeDelta::seconds).or(default.window),
            select: side.select.unwrap_or(default.select),
            policies: side.policies.clone().unwrap_or(default.policies),
            tolerance: side.tolerance.map(|milli| milli as f64 * 0.001),
        },
    };
    Behavior {
        scale_up: rules(written.up.as_ref(), Rules::default_up()),
        scale_down: rules(written.down.as_ref(), Rules::default_down()),
    }
}

/// Uniform below `n`.
pub(crate) fn below(random: &mut Random, n: usize) -> usize {
    (random.next() % n as u64) as usize
}

/// `type` of a policy in the API.
pub(crate) const fn word(amount: Amount) -> (&'static str, i32) {
    match amount {
        Amount::Pods(value) => ("Pods", value),
        Amount::Percent(value) => ("Percent", value),
    }
}
