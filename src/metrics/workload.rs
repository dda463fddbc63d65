//! Series of each workload. They are no gauges that a tick would have to set: the page is written from the last snapshot when
//! it is asked for, so that ticks cost nothing for it, and what is not in the snapshot leaves no series behind.

use super::PREFIX;
use crate::http::api::{Load, Snapshot, Workload};
use chrono::{DateTime, Utc};
use std::fmt::Write;

/// Name, labels in the order of the page, and help.
const FAMILIES: [(&str, &[&str], &str); 17] = [
    ("workload_mode", &["hpa", "mode", "namespace"], "1 for the mode the workload is opted in with."),
    ("workload_base_replicas", PLAIN, "The user's own floor."),
    ("workload_floor_replicas", PLAIN, "The floor held, or that would be held in shadow mode."),
    ("workload_needed_replicas", PLAIN, "Replicas that the plan needs now, before any guard rail."),
    ("workload_current_replicas", PLAIN, "Replicas of the target as the HPA saw it."),
    ("workload_max_replicas", PLAIN, "The HPA's maxReplicas."),
    ("workload_load", OF_LOAD, "The newest sample of the load."),
    ("workload_expected_load", OF_LOAD, "Load that is expected now: what lies in the forecast's band."),
    (
        "workload_forecast_load",
        &["hpa", "load", "namespace", "quantile"],
        "Upper quantile of the maximum load over the lead time from now.",
    ),
    ("workload_forecast_error_ratio", OF_LOAD, "Weighted absolute percentage error of the backtest."),
    ("workload_forecast_coverage_ratio", OF_LOAD, "Share of past windows that the upper quantile covered."),
    ("workload_newest_sample_age_seconds", OF_LOAD, "Age of the newest sample of the load."),
    ("workload_lead_time_seconds", PLAIN, "How far ahead pods are asked for."),
    ("workload_state", &["hpa", "namespace", "state"], "1 for the state the workload is in."),
    ("workload_model_weight", &["hpa", "load", "model", "namespace"], "A model's share in the forecast."),
    ("workload_limited_by", &["hpa", "limit", "namespace"], "1 for each limit that holds the floor below the need."),
    ("workload_capped_timestamp_seconds", PLAIN, "When forecast or schedule will first need more than the caps allow."),
];
/// Labels of a workload.
const PLAIN: &[&str] = &["hpa", "namespace"];
/// Labels of one load of a workload.
const OF_LOAD: &[&str] = &["hpa", "load", "namespace"];

/// Every family, for the documentation.
pub(super) fn families() -> impl Iterator<Item = super::Family> {
    FAMILIES.iter().map(|(name, labels, help)| super::Family {
        name: format!("{PREFIX}_{name}"),
        kind: "gauge",
        labels: labels.iter().map(|&label| label.to_owned()).collect(),
        help: (*help).to_owned(),
    })
}

/// Writes every family's series of the first `most` workloads, in the text format of version 0.0.4.
pub(super) fn write(out: &mut String, snapshot: &Snapshot, most: usize) {
    for (family, _, help) in FAMILIES {
        let before = out.len();
        // Writing into a string cannot fail.
        let _ = writeln!(out, "# HELP {PREFIX}_{family} {help}\n# TYPE {PREFIX}_{family} gauge");
        let head = out.len();
        for workload in snapshot.workloads.values().take(most) {
            series(&mut Family { out, name: family }, workload, snapshot.last_tick);
        }
        if out.len() == head {
            out.truncate(before);
        }
    }
}

/// One family being written.
struct Family<'a> {
    out: &'a mut String,
    name: &'static str,
}

impl Family<'_> {
    /// One sample; a missing value is no sample, and never zero. `before` and `after` are labels whose names sort before and
    /// after `namespace`: a page is in the order of its labels.
    fn put(
        &mut self,
        workload: &Workload,
        before: &[(&str, &str)],
        after: &[(&str, &str)],
        value: impl Into<Option<f64>>,
    ) {
        let Some(value) = value.into().filter(|v| v.is_finite()) else { return };
        let own = [("hpa", workload.hpa.as_str())];
        let place = [("namespace", workload.namespace.as_str())];
        let labels = own.iter().chain(before).chain(&place).chain(after);
        let _ = write!(self.out, "{PREFIX}_{}", self.name);
        for (i, (label, text)) in labels.enumerate() {
            let _ = write!(self.out, "{}{label}=\"", if i == 0 { '{' } else { ',' });
            escape(self.out, text);
            self.out.push('"');
        }
        let _ = writeln!(self.out, "}} {value}");
    }
}

/// A label's value as the text format wants it.
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            c => out.push(c),
        }
    }
}

/// The series of one workload in one family.
fn series(family: &mut Family<'_>, workload: &Workload, tick: Option<DateTime<Utc>>) {
    let whole = |n: Option<u32>| n.map(f64::from);
    match family.name {
        "workload_base_replicas" => family.put(workload, &[], &[], whole(workload.base)),
        "workload_floor_replicas" => family.put(workload, &[], &[], whole(workload.floor)),
        "workload_needed_replicas" => family.put(workload, &[], &[], whole(workload.need)),
        "workload_current_replicas" => family.put(workload, &[], &[], whole(workload.current)),
        "workload_max_replicas" => family.put(workload, &[], &[], whole(workload.max)),
        "workload_lead_time_seconds" => {
            family.put(workload, &[], &[], workload.decided.map(|_| workload.lead.seconds as f64));
        }
        "workload_mode" => {
            let known = (!workload.mode.is_empty()).then_some(1.0);
            family.put(workload, &[("mode", &workload.mode)], &[], known);
        }
        "workload_state" => {
            let known = (!workload.state.is_empty()).then_some(1.0);
            family.put(workload, &[], &[("state", &workload.state)], known);
        }
        "workload_capped_timestamp_seconds" => {
            family.put(workload, &[], &[], workload.capped.map(|capped| capped.at.timestamp() as f64));
        }
        "workload_limited_by" => {
            workload.limited_by.iter().for_each(|limit| family.put(workload, &[("limit", limit)], &[], 1.0));
        }
        _ => workload.loads.iter().for_each(|load| of_load(family, workload, load, tick)),
    }
}

/// The series of one load in one family.
fn of_load(family: &mut Family<'_>, workload: &Workload, load: &Load, tick: Option<DateTime<Utc>>) {
    let name = ("load", load.name.as_str());
    match family.name {
        "workload_load" => family.put(workload, &[name], &[], load.now),
        "workload_expected_load" => {
            family.put(workload, &[name], &[], tick.and_then(|tick| load.expected_at(tick)));
        }
        "workload_forecast_load" => {
            let quantile = workload.quantile.to_string();
            let upper = tick.and_then(|tick| load.upper_at(tick));
            family.put(workload, &[name], &[("quantile", &quantile)], upper);
        }
        "workload_forecast_error_ratio" => family.put(workload, &[name], &[], load.score.map(|s| s.wape)),
        "workload_forecast_coverage_ratio" => family.put(workload, &[name], &[], load.coverage),
        "workload_newest_sample_age_seconds" => {
            family.put(workload, &[name], &[], load.age(tick).map(|age| age.num_seconds() as f64));
        }
        "workload_model_weight" => {
            for weight in &load.weights {
                family.put(workload, &[name, ("model", &weight.model)], &[], weight.weight);
            }
        }
        _ => {}
    }
}
