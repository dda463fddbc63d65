//! Series per workload: at most so many, and none left of a workload that is gone.

use super::Make;
use prometheus::{GaugeVec, IntGauge};
use std::collections::{BTreeMap, BTreeSet};

/// One workload's values after a tick; `None` has no series: missing is never zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WorkloadSample {
    /// Namespace.
    pub namespace: String,
    /// Name of the HPA.
    pub hpa: String,
    /// The user's own floor.
    pub base: Option<u32>,
    /// The floor held, or that would be held in shadow mode.
    pub floor: Option<u32>,
    /// Replicas the plan needs now.
    pub needed: Option<u32>,
    /// `status.currentReplicas`.
    pub current: Option<u32>,
    /// `spec.maxReplicas`.
    pub max: Option<u32>,
    /// How far ahead is asked.
    pub lead_seconds: Option<f64>,
    /// The state's word; its series is 1, those of the other states are absent.
    pub state: &'static str,
    /// Words of the limits that hold the floor below the need.
    pub limited_by: Vec<&'static str>,
    /// The loads.
    pub loads: Vec<LoadSample>,
}

/// One load of a workload.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LoadSample {
    /// Its name: label `load`.
    pub name: String,
    /// The newest sample's value.
    pub now: Option<f64>,
    /// The upper quantile of the maximum over the lead time from now, by quantile as written (`0.95`).
    pub forecast: Option<(String, f64)>,
    /// Weighted absolute percentage error of the backtest.
    pub error_ratio: Option<f64>,
    /// Share of past windows that the upper quantile covered.
    pub coverage_ratio: Option<f64>,
    /// The newest sample's age.
    pub newest_sample_age_seconds: Option<f64>,
    /// Weights of the models.
    pub weights: Vec<(String, f64)>,
}

type Labels = Vec<String>;

/// The families, and which of their series are there.
#[derive(Debug)]
pub(super) struct Workloads {
    families: BTreeMap<&'static str, GaugeVec>,
    present: BTreeSet<(&'static str, Labels)>,
    hidden: IntGauge,
    most: usize,
}

const WORKLOAD: [&str; 2] = ["namespace", "hpa"];
const LOAD: [&str; 3] = ["namespace", "hpa", "load"];

/// Name, help, labels.
const FAMILIES: [(&str, &str, &[&str]); 14] = [
    ("workload_base_replicas", "The user's own floor.", &WORKLOAD),
    ("workload_floor_replicas", "The floor held, or that would be held in shadow mode.", &WORKLOAD),
    ("workload_needed_replicas", "Replicas that the plan needs now, before any guard rail.", &WORKLOAD),
    ("workload_current_replicas", "Replicas of the target as the HPA saw it.", &WORKLOAD),
    ("workload_max_replicas", "The HPA's maxReplicas.", &WORKLOAD),
    ("workload_load", "The newest sample of the load.", &LOAD),
    (
        "workload_forecast_load",
        "Upper quantile of the maximum load over the lead time from now.",
        &["namespace", "hpa", "load", "quantile"],
    ),
    ("workload_forecast_error_ratio", "Weighted absolute percentage error of the backtest.", &LOAD),
    ("workload_forecast_coverage_ratio", "Share of past windows that the upper quantile covered.", &LOAD),
    ("workload_newest_sample_age_seconds", "Age of the newest sample of the load.", &LOAD),
    ("workload_lead_time_seconds", "How far ahead pods are asked for.", &WORKLOAD),
    ("workload_state", "1 for the state the workload is in.", &["namespace", "hpa", "state"]),
    ("workload_model_weight", "A model's share in the forecast.", &["namespace", "hpa", "load", "model"]),
    ("workload_limited_by", "1 for each limit that holds the floor below the need.", &["namespace", "hpa", "limit"]),
];

impl Workloads {
    pub(super) fn new(make: &Make<'_>, most: usize) -> prometheus::Result<Self> {
        let mut families = BTreeMap::new();
        for (name, help, labels) in FAMILIES {
            families.insert(name, make.gauges(name, help, labels)?);
        }
        let hidden = make.integer("workloads_without_series", "Workloads beyond the limit of series.")?;
        Ok(Self { families, present: BTreeSet::new(), hidden, most })
    }

    pub(super) fn replace(&mut self, samples: &[WorkloadSample]) {
        let mut now = BTreeSet::new();
        for sample in samples.iter().take(self.most) {
            for (family, labels, value) in series(sample) {
                if let Some(gauge) = self.families.get(family) {
                    gauge.with_label_values(&labels).set(value);
                    now.insert((family, labels));
                }
            }
        }
        for (family, labels) in self.present.difference(&now) {
            if let Some(gauge) = self.families.get(family) {
                // Absent already is what is wanted.
                let _ = gauge.remove_label_values(labels);
            }
        }
        self.present = now;
        self.hidden.set(i64::try_from(samples.len().saturating_sub(self.most)).unwrap_or(i64::MAX));
    }
}

/// Every series of one workload that has a value.
fn series(sample: &WorkloadSample) -> Vec<(&'static str, Labels, f64)> {
    let workload = |more: &[&str]| {
        let mut labels = vec![sample.namespace.clone(), sample.hpa.clone()];
        labels.extend(more.iter().map(|l| (*l).to_owned()));
        labels
    };
    let mut out = Vec::new();
    let mut put = |family, labels, value: Option<f64>| {
        if let Some(value) = value.filter(|v| v.is_finite()) {
            out.push((family, labels, value));
        }
    };
    put("workload_base_replicas", workload(&[]), sample.base.map(f64::from));
    put("workload_floor_replicas", workload(&[]), sample.floor.map(f64::from));
    put("workload_needed_replicas", workload(&[]), sample.needed.map(f64::from));
    put("workload_current_replicas", workload(&[]), sample.current.map(f64::from));
    put("workload_max_replicas", workload(&[]), sample.max.map(f64::from));
    put("workload_lead_time_seconds", workload(&[]), sample.lead_seconds);
    if !sample.state.is_empty() {
        put("workload_state", workload(&[sample.state]), Some(1.0));
    }
    for limit in &sample.limited_by {
        put("workload_limited_by", workload(&[limit]), Some(1.0));
    }
    for load in &sample.loads {
        let name = load.name.as_str();
        put("workload_load", workload(&[name]), load.now);
        if let Some((quantile, value)) = &load.forecast {
            put("workload_forecast_load", workload(&[name, quantile]), Some(*value));
        }
        put("workload_forecast_error_ratio", workload(&[name]), load.error_ratio);
        put("workload_forecast_coverage_ratio", workload(&[name]), load.coverage_ratio);
        put("workload_newest_sample_age_seconds", workload(&[name]), load.newest_sample_age_seconds);
        for (model, weight) in &load.weights {
            put("workload_model_weight", workload(&[name, model]), Some(*weight));
        }
    }
    out
}
