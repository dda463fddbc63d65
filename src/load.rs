//! From an HPA's metrics to a total load and the share that one replica should carry.
//!
//! [`derive`] is a function of facts: the HPA as observed, its live pods, what the user and the administrator chose. It
//! asks nobody. What cannot be right is a [`Refusal`]; what may be wrong is a note on the [`Load`]. Every query can be
//! pasted into Prometheus as it is.

mod cpu;
mod members;
mod metric;
pub mod queries;
mod refusal;
mod template;

pub use refusal::Refusal;

use crate::annotations::LoadChoice;
use crate::config::{Config, Template};
use crate::datasource::promql::{Matcher, literal};
use crate::kubernetes::pods::PodFacts;
use crate::kubernetes::workload::{Aim, Metric, Workload};
use chrono::TimeDelta;
use cpu::Cpu;
use floorcast_models::units::PerReplica;
use members::Members;
use metric::Named;
use std::collections::BTreeMap;

/// The API's default where an HPA names no metric.
const DEFAULT_UTILISATION: u32 = 80;
/// A rate needs four scrapes to survive a missed one; the usual interval is 30 s.
const SHORTEST_RATE: TimeDelta = TimeDelta::minutes(2);

/// One load of a workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Its name within the workload; label `load` of the metrics.
    pub name: String,
    /// The datasource to ask.
    pub datasource: String,
    /// `PromQL` of the total, one series.
    pub query: String,
    /// `cores`, or empty where only the user knows.
    pub unit: &'static str,
    /// Load that one replica should carry.
    pub per_replica: PerReplica,
    /// How much later than the load itself the query shows it.
    pub late: TimeDelta,
    /// What may be wrong with it.
    pub minds: Vec<String>,
    /// How it comes about, line by line.
    pub explain: Vec<String>,
    /// Namespace of the workload.
    namespace: String,
    /// HPA.
    hpa: String,
}

impl Load {
    fn new(
        source: &Source<'_>,
        name: String,
        query: String,
        unit: &'static str,
        per_replica: PerReplica,
        minds: Vec<String>,
        explain: Vec<String>,
    ) -> Self {
        let text = |s: &str| s.to_owned();
        let (datasource, namespace, hpa) = (text(source.datasource), text(source.namespace), text(source.hpa));
        let late = TimeDelta::zero();
        Self { name, datasource, query, unit, per_replica, late, minds, explain, namespace, hpa }
    }

    /// The recording rule that makes four weeks of this load cheap, as YAML for Prometheus. A JSON string is a YAML string.
    pub fn recording_rule(&self) -> String {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        format!(
            "groups:\n- name: floorcast\n  rules:\n  - record: floorcast:load\n    labels: {{namespace: {}, hpa: {}, load: {}}}\n    expr: {}\n",
            quoted(&self.namespace),
            quoted(&self.hpa),
            quoted(&self.name),
            quoted(&self.query)
        )
    }

    /// The query that reads that rule's series, for a template.
    pub fn recorded_query(&self) -> String {
        format!(
            "sum(floorcast:load{{namespace={},hpa={},load={}}})",
            literal(&self.namespace),
            literal(&self.hpa),
            literal(&self.name)
        )
    }
}

/// Every load of a workload, and the metrics that give none.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// At least one; the floor is the maximum over them.
    pub loads: Vec<Load>,
    /// Metrics that were left out. Were one of them binding, the back-cast shows it.
    pub left_out: Vec<Refusal>,
}

/// What was chosen and what is known, besides the workload itself.
#[derive(Clone, Debug)]
pub struct LoadConfig<'a> {
    /// What the annotations say.
    pub choice: &'a LoadChoice,
    /// `target-per-replica`, or the template's.
    pub target_per_replica: Option<PerReplica>,
    /// The configuration's templates.
    pub templates: &'a BTreeMap<String, Template>,
    /// Datasource of derived queries.
    pub datasource: &'a str,
    /// Matchers that every derived selector carries.
    pub required: &'a [Matcher],
    /// kube-state-metrics speaks of this namespace (see [`queries::kube_state_metrics`]).
    pub kube_state_metrics: bool,
    /// Range of `rate`; see [`rate_window`].
    pub rate: TimeDelta,
    /// CPU of pods younger than this is left out (needs kube-state-metrics): what a start burns is no demand, and would
    /// be learned one lead time earlier every week. The measured start-up time is right; longer loses real demand.
    pub settling: Option<TimeDelta>,
}

impl<'a> LoadConfig<'a> {
    /// From the configuration, for derived queries on its default datasource. `required` is that datasource's.
    pub fn new(config: &'a Config, datasource: &'a str, required: &'a [Matcher], choice: &'a LoadChoice) -> Self {
        Self {
            choice,
            target_per_replica: None,
            templates: &config.templates,
            datasource,
            required,
            kube_state_metrics: false,
            rate: SHORTEST_RATE,
            settling: None,
        }
    }
}

/// The range of `rate` for samples every `step`: all of the step, so that no request falls between two samples, and long
/// enough for a missed scrape.
pub fn rate_window(step: TimeDelta) -> TimeDelta {
    step.max(SHORTEST_RATE)
}

/// A duration as `PromQL` writes it.
pub(crate) fn window(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(1);
    match (seconds % 3600, seconds % 60) {
        (0, _) => format!("{}h", seconds / 3600),
        (_, 0) => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// Where a load belongs and who is asked for it.
pub(crate) struct Source<'a> {
    datasource: &'a str,
    namespace: &'a str,
    hpa: &'a str,
}

/// Every load of the workload, or why there is none.
pub fn derive(workload: &Workload, pods: &[PodFacts], config: &LoadConfig<'_>) -> Result<Derived, Refusal> {
    let source = Source { datasource: config.datasource, namespace: &workload.namespace, hpa: &workload.hpa };
    match config.choice {
        LoadChoice::Auto => automatic(workload, pods, config, &source),
        LoadChoice::Query(query) => {
            let load = template::load(&source, "query", query.clone(), config.target_per_replica, "floorcast.io/query");
            Ok(Derived { loads: vec![load?], left_out: Vec::new() })
        }
        LoadChoice::Template { name, arguments } => {
            let load = of_template(workload, config, name, arguments)?;
            Ok(Derived { loads: vec![load], left_out: Vec::new() })
        }
    }
}

fn of_template(
    workload: &Workload,
    config: &LoadConfig<'_>,
    name: &str,
    arguments: &BTreeMap<String, String>,
) -> Result<Load, Refusal> {
    let template = config.templates.get(name).ok_or_else(|| Refusal::NoTemplate { template: name.to_owned() })?;
    let mut all = arguments.clone();
    // The workload's own names are never the user's to choose.
    all.insert("namespace".to_owned(), workload.namespace.clone());
    all.insert("hpa".to_owned(), workload.hpa.clone());
    all.insert("workload".to_owned(), workload.target_ref.name.clone());
    let query = template::fill(template, &all)?;
    let datasource = template.datasource.as_deref().unwrap_or(config.datasource);
    let source = Source { datasource, namespace: &workload.namespace, hpa: &workload.hpa };
    let target = config.target_per_replica.or_else(|| PerReplica::new(template.target_per_replica?.get()));
    template::load(&source, name, query, target, &format!("template {name}"))
}

/// One load per admissible metric of the HPA.
fn automatic(
    workload: &Workload,
    pods: &[PodFacts],
    config: &LoadConfig<'_>,
    source: &Source<'_>,
) -> Result<Derived, Refusal> {
    let default =
        [Metric::Resource { name: "cpu".into(), container: None, aim: Aim::Utilization(DEFAULT_UTILISATION) }];
    let metrics: &[Metric] = if workload.hpa_metrics.is_empty() { &default } else { &workload.hpa_metrics };
    let mut derived = Derived { loads: Vec::new(), left_out: Vec::new() };
    for metric in metrics {
        match of_metric(metric, workload, pods, config, source) {
            Ok(mut load) => {
                load.name = distinct(load.name, &derived.loads);
                derived.loads.push(load);
            }
            Err(refusal) => derived.left_out.push(refusal),
        }
    }
    if derived.loads.is_empty() {
        return Err(derived.left_out.into_iter().next().unwrap_or(Refusal::NoTarget));
    }
    if let ([load], Some(target)) = (derived.loads.as_mut_slice(), config.target_per_replica) {
        load.explain.push(format!("target per replica: {} by annotation, which wins", cpu::short(target.get())));
        load.per_replica = target;
    }
    Ok(derived)
}

fn of_metric(
    metric: &Metric,
    workload: &Workload,
    pods: &[PodFacts],
    config: &LoadConfig<'_>,
    source: &Source<'_>,
) -> Result<Load, Refusal> {
    let by_owner = config.kube_state_metrics;
    let members = || Members::new(&workload.target_ref, &workload.namespace, config.required, by_owner, config.rate);
    let base = || {
        let mut all = vec![Matcher::equal("namespace", &workload.namespace)];
        all.extend(config.required.iter().cloned());
        all
    };
    match metric {
        Metric::Resource { name, container, aim } if name == "cpu" => {
            let (rate, settling) = (config.rate, config.settling);
            let container = container.as_deref();
            Cpu { container, aim, pods, members: &members()?, rate, settling, by_owner }.load(source)
        }
        Metric::Resource { name, .. } if name == "memory" => Err(Refusal::Memory),
        Metric::Resource { name, .. } => Err(Refusal::UnsupportedResource { resource: name.clone() }),
        Metric::Pods { name, selector, aim } => Named { name, selector, aim }.of_pods(&members()?, source),
        Metric::Object { name, selector, object, aim } => {
            Named { name, selector, aim }.of_object(object, &base(), source)
        }
        Metric::External { name, selector, aim } => Named { name, selector, aim }.external(&base(), source),
        Metric::Unreadable { kind, why } => Err(Refusal::Unreadable { kind: kind.clone(), why: why.clone() }),
    }
}

/// `name`, or `name-2` where that is taken.
fn distinct(name: String, taken: &[Load]) -> String {
    let free = |n: &String| taken.iter().all(|l| l.name != *n);
    if free(&name) {
        return name;
    }
    (2..=taken.len() + 2).map(|i| format!("{name}-{i}")).find(free).unwrap_or(name)
}

#[cfg(test)]
mod tests;
