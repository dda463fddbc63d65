//! `explain --at`: why a floor was what it was, from the daemon's own metrics in Prometheus.

use crate::{
    cli::{Exit, Failure, Global, output, output::load, output::or_dash},
    config::{self, Config},
    datasource::{DatasourceSettings, Reader, Unobserved, http::Http, promql},
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::{collections::BTreeMap, path::Path, sync::Arc};

/// Metrics with one value per workload, and the words a person reads.
const NUMBERS: [(&str, &str); 6] = [
    ("workload_base_replicas", "base"),
    ("workload_floor_replicas", "floor"),
    ("workload_needed_replicas", "need"),
    ("workload_current_replicas", "current"),
    ("workload_max_replicas", "max"),
    ("workload_lead_time_seconds", "lead time in s"),
];
/// Metrics whose series are told by a label: the metric, the label, the words.
const LABELLED: [(&str, &str, &str); 7] = [
    ("workload_state", "state", "state"),
    ("workload_limited_by", "limit", "limited by"),
    ("workload_load", "load", "load"),
    ("workload_forecast_load", "load", "forecast"),
    ("workload_forecast_error_ratio", "load", "backtest error ratio"),
    ("workload_newest_sample_age_seconds", "load", "age of newest sample in s"),
    ("workload_model_weight", "model", "model weight"),
];

/// What the metrics said at a moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Past {
    hpa: String,
    at: DateTime<Utc>,
    numbers: BTreeMap<&'static str, f64>,
    labelled: BTreeMap<&'static str, BTreeMap<String, f64>>,
}

/// Asks Prometheus and prints.
pub(super) async fn run(global: &Global, hpa: &str, at: DateTime<Utc>, file: &Path) -> Result<Exit, Failure> {
    let (namespace, name) = match (hpa.split_once('/'), &global.namespace) {
        (Some((namespace, name)), _) => (namespace, name),
        (None, Some(namespace)) => (namespace.as_str(), hpa),
        (None, None) => return Err(Failure::misused("--at needs the namespace: write NAMESPACE/NAME, or give -n")),
    };
    let reader = reader(&config::load(file)?)?;
    let matchers = format!("namespace={},hpa={}", promql::literal(namespace), promql::literal(name));
    let mut past = Past { hpa: format!("{namespace}/{name}"), at, ..Past::default() };
    for (metric, word) in NUMBERS {
        let samples = ask(&reader, at, &format!("max({})", of_leader(metric, &matchers))).await?;
        if let Some(value) = samples.first().and_then(|s| s.value) {
            past.numbers.insert(word, value);
        }
    }
    for (metric, label, word) in LABELLED {
        let samples = ask(&reader, at, &format!("max by ({label}) ({})", of_leader(metric, &matchers))).await?;
        let values = samples.into_iter().filter_map(|s| Some((s.labels.get(label)?.clone(), s.value?)));
        let values: BTreeMap<String, f64> = values.collect();
        if !values.is_empty() {
            past.labelled.insert(word, values);
        }
    }
    if past.numbers.is_empty() && past.labelled.is_empty() {
        return Err(Failure::new(
            Exit::No,
            format!(
                "datasource {} has no floorcast metrics of {} at {at}; does it scrape floorcast, and was the workload opted in then? see floorcast doctor",
                reader.name(),
                past.hpa
            ),
        ));
    }
    output::print_named(&global.output, &past, &[name], text)?;
    Ok(Exit::Done)
}

async fn ask(reader: &Reader, at: DateTime<Utc>, query: &str) -> Result<Vec<crate::datasource::Sample>, Failure> {
    reader.begin_tick();
    let mut answers = reader.instant(Utc::now(), at, &[query.to_owned()]).await;
    answers.pop().unwrap_or_else(|| Ok(Vec::new())).map_err(|e| Failure::unreachable(e.to_string()))
}

/// One of the daemon's metrics of workloads, as its leader tells it: of two processes only that one decides; as in the recording rules.
pub(in crate::cli) fn of_leader(metric: &str, matchers: &str) -> String {
    format!("floorcast_{metric}{{{matchers}}} and on (cluster, job, instance) (floorcast_leader == 1)")
}

/// A reader of the default datasource.
pub(in crate::cli) fn reader(config: &Config) -> Result<Reader, Failure> {
    let source = config
        .datasource(None)
        .ok_or_else(|| Failure::misused("the configuration names no datasource; add one under datasources"))?;
    crate::kubernetes::connect::install_tls();
    let settings = DatasourceSettings::from(source);
    let transport = Http::new(&settings).map_err(|e| Failure::new(Exit::No, e.to_string()))?;
    Ok(Reader::new(&settings, Arc::new(transport), Arc::new(Unobserved), 0))
}

fn text(past: &Past) -> String {
    // Replicas and seconds are whole.
    let number = |word: &str| or_dash(past.numbers.get(word).map(|v| format!("{v:.0}")));
    let mut text = format!("{} at {}\n", past.hpa, past.at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
    let words: Vec<String> = NUMBERS.iter().map(|(_, word)| format!("{word} {}", number(word))).collect();
    text.push_str(&format!("{}\n", words.join(" · ")));
    for (_, label, word) in LABELLED {
        let Some(values) = past.labelled.get(word) else { continue };
        let one = |(name, value): (&String, &f64)| match label {
            "state" | "limit" => name.clone(),
            _ => format!("{name} {}", load(*value)),
        };
        text.push_str(&format!("{word}: {}\n", values.iter().map(one).collect::<Vec<_>>().join(", ")));
    }
    text
}
