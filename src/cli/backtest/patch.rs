//! A recommendation as a patch for Git: of the HPA, and nothing that stays as it is.

use super::terms::{Hpa, Terms};
use crate::{
    annotations::Key,
    cli::patch::Patch,
    kubernetes::{
        Metric,
        quantity::Quantity,
        workload::{Aim, Selector},
    },
};
use floorcast_models::{
    hpa::{Amount, Behavior, Rules, Select},
    replay::{Choice, Strategy},
};
use serde_json::{Map, Value, json};

/// What is recommended.
pub(super) struct Wanted<'a> {
    pub(super) strategy: Strategy,
    pub(super) choice: &'a Choice,
    pub(super) quantile: Option<f64>,
    /// What stands now.
    pub(super) now: &'a Choice,
}

/// The patch, and what to know before it is applied.
pub(super) fn of(hpa: &Hpa, terms: &Terms, wanted: &Wanted<'_>) -> (Patch, Vec<String>) {
    let (setting, with) = (&wanted.choice.setting, wanted.strategy == Strategy::Floorcast);
    let (mut keys, mut spec, mut notes) = (Vec::new(), Map::new(), Vec::new());
    let min = setting.min.filter(|min| min.get() != terms.min_replicas);
    if with {
        if !hpa.live {
            keys.push((Key::Mode, Some("live".to_owned())));
        }
        let quantile = wanted.quantile.filter(|q| (q - terms.quantile).abs() > f64::EPSILON);
        keys.extend(quantile.map(|q| (Key::Quantile, Some(q.to_string()))));
        // minReplicas is where floors are written; what the user wants of it is said beside it.
        keys.extend(min.map(|min| (Key::MinReplicas, Some(min.to_string()))));
    } else {
        if hpa.live {
            keys.push((Key::Mode, Some("off".to_owned())));
        }
        spec.extend(min.map(|min| ("minReplicas".to_owned(), json!(min.get()))));
    }
    if let Some(behavior) = &setting.behavior {
        spec.insert("behavior".to_owned(), rules(behavior, setting.tolerance));
        notes.push(
            "behavior.scaleUp.tolerance and scaleDown.tolerance need Kubernetes 1.33 with the feature gate HPAConfigurableTolerance \
             (on by default since 1.35); an older one drops them without a word"
                .to_owned(),
        );
    }
    if min.is_some() {
        notes.push(
            "minReplicas is chosen by load and pod-hours alone: keep yours where it stands for the failure of pods, nodes or zones"
                .to_owned(),
        );
    }
    if setting.utilisation != wanted.now.setting.utilisation {
        let ratio = f64::from(setting.utilisation) / f64::from(wanted.now.setting.utilisation.max(1));
        let own = hpa.target_per_replica.map(|own| ((own * ratio * 1e4).round() / 1e4).to_string());
        keys.extend(own.map(|own| (Key::TargetPerReplica, Some(own))));
        match metrics(&hpa.metrics, ratio) {
            Ok(metrics) => {
                notes.push(format!(
                    "every target of the HPA is multiplied by {ratio:.3} ({} → {} % of a pod's capacity); spec.metrics is replaced as a \
                     whole, as a patch of a list does",
                    wanted.now.setting.utilisation, setting.utilisation
                ));
                spec.insert("metrics".to_owned(), metrics.into());
            }
            Err(why) => notes.push(format!(
                "the target is not in the patch: {why}; multiply it by {ratio:.3} by hand, or without that nothing of what is \
                 said of pod-hours holds"
            )),
        }
    }
    (Patch::new(Some(&hpa.namespace), &hpa.name, keys, spec), notes)
}

fn rules(behavior: &Behavior, tolerance: Option<f64>) -> Value {
    let one = |rules: &Rules| {
        let policies = rules.policies.iter().map(|policy| {
            let (kind, value) = match policy.amount {
                Amount::Pods(value) => ("Pods", value),
                Amount::Percent(value) => ("Percent", value),
            };
            json!({"type": kind, "value": value, "periodSeconds": policy.period.num_seconds()})
        });
        let select = match rules.select {
            Select::Max => "Max",
            Select::Min => "Min",
            Select::Disabled => "Disabled",
        };
        let mut said = json!({"selectPolicy": select, "policies": policies.collect::<Vec<_>>()});
        if let Some(window) = rules.window {
            said["stabilizationWindowSeconds"] = window.num_seconds().into();
        }
        if let Some(tolerance) = rules.tolerance.or(tolerance) {
            said["tolerance"] = quantity(tolerance).into();
        }
        said
    };
    json!({"scaleUp": one(&behavior.scale_up), "scaleDown": one(&behavior.scale_down)})
}

/// `spec.metrics` with every target multiplied, or why that would not be the same for all.
fn metrics(metrics: &[Metric], ratio: f64) -> Result<Vec<Value>, String> {
    // The API server fills in 80 % CPU where an HPA says nothing.
    let usual = [Metric::Resource { name: "cpu".to_owned(), container: None, aim: Aim::Utilization(80) }];
    let metrics = if metrics.is_empty() { &usual } else { metrics };
    metrics.iter().map(|metric| one(metric, ratio)).collect()
}

fn one(metric: &Metric, ratio: f64) -> Result<Value, String> {
    let told = |name: &str, selector: &Selector| {
        let mut told = json!({"name": name});
        if !selector.is_empty() {
            told["selector"] = selects(selector);
        }
        told
    };
    Ok(match metric {
        Metric::Resource { name, container: None, aim } => {
            json!({"type": "Resource", "resource": {"name": name, "target": target(name, aim, ratio)?}})
        }
        Metric::Resource { name, container: Some(container), aim } => json!({
            "type": "ContainerResource",
            "containerResource": {"name": name, "container": container, "target": target(name, aim, ratio)?},
        }),
        Metric::Pods { name, selector, aim } => {
            json!({"type": "Pods", "pods": {"metric": told(name, selector), "target": target(name, aim, ratio)?}})
        }
        Metric::Object { name, selector, object, aim } => json!({
            "type": "Object",
            "object": {
                "metric": told(name, selector),
                "describedObject": {"apiVersion": object.api_version, "kind": object.kind, "name": object.name},
                "target": target(name, aim, ratio)?,
            },
        }),
        Metric::External { name, selector, aim } => {
            json!({"type": "External", "external": {"metric": told(name, selector), "target": target(name, aim, ratio)?}})
        }
        Metric::Unreadable { kind, why } => return Err(format!("a metric of type {kind} cannot be read ({why})")),
    })
}

fn selects(selector: &Selector) -> Value {
    let mut said = Map::new();
    if !selector.labels.is_empty() {
        said.insert("matchLabels".to_owned(), json!(selector.labels));
    }
    if !selector.expressions.is_empty() {
        let expressions = selector.expressions.iter().map(|e| {
            let mut said = json!({"key": e.key, "operator": e.operator});
            if !e.values.is_empty() {
                said["values"] = json!(e.values);
            }
            said
        });
        said.insert("matchExpressions".to_owned(), expressions.collect::<Vec<_>>().into());
    }
    said.into()
}

fn target(name: &str, aim: &Aim, ratio: f64) -> Result<Value, String> {
    match aim {
        Aim::Utilization(percent) => {
            let percent = (f64::from(*percent) * ratio).round().max(1.0) as u32;
            Ok(json!({"type": "Utilization", "averageUtilization": percent}))
        }
        Aim::AverageValue(value) => Ok(json!({"type": "AverageValue", "averageValue": scaled(value, ratio)})),
        // A value of the whole need not grow with the load: what twice of it means, only its owner knows.
        Aim::Value(_) => Err(format!("the metric {name} has a target of type Value")),
    }
}

/// As the API wrote it where it stays, else in thousandths.
fn scaled(value: &Quantity, ratio: f64) -> String {
    if (ratio - 1.0).abs() < f64::EPSILON { value.to_string() } else { quantity(value.value() * ratio) }
}

/// A number as the API writes it: whole, or in thousandths.
fn quantity(value: f64) -> String {
    let milli = (value * 1000.0).round() as i64;
    if milli % 1000 == 0 { (milli / 1000).to_string() } else { format!("{milli}m") }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{
        cli::backtest::Metric as Measured,
        kubernetes::workload::{Owner, Requirement},
    };
    use floorcast_models::units::Replicas;
    use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerSpec;

    fn cpu(percent: u32) -> Metric {
        Metric::Resource { name: "cpu".to_owned(), container: None, aim: Aim::Utilization(percent) }
    }

    fn hpa(metrics: Vec<Metric>, live: bool) -> Hpa {
        Hpa { namespace: "shop".to_owned(), name: "web".to_owned(), metrics, live, target_per_replica: None }
    }

    fn terms() -> Terms {
        Terms {
            pod_start: chrono::TimeDelta::seconds(90),
            target: super::super::terms::Target::AtMean(10.0),
            utilisation: 50,
            metric: Measured::Cpu,
            min_replicas: 6,
            max_replicas: Some(40),
            quantile: 0.95,
            step: chrono::TimeDelta::minutes(5),
            settings: None,
            tolerance: None,
            behavior: None,
        }
    }

    /// What is recommended at 60 %, min 4, quantile 0.8.
    fn wanted(hpa: &Hpa, strategy: Strategy) -> (Value, Vec<String>) {
        let now = Choice::of(Strategy::Hpa, 50);
        let mut choice = Choice::of(strategy, 60);
        choice.setting.min = Some(Replicas::new(4));
        if strategy == Strategy::HpaTuned {
            choice.setting.tolerance = Some(0.0);
            choice.setting.behavior =
                Some(Behavior { scale_up: Rules::default_up(), scale_down: Rules::default_down() });
        }
        let quantile = (strategy == Strategy::Floorcast).then_some(0.8);
        let (patch, notes) = of(hpa, &terms(), &Wanted { strategy, choice: &choice, quantile, now: &now });
        (serde_json::to_value(patch).unwrap(), notes)
    }

    /// Every key of it is one of the API's: the types of the API read it and write the same.
    fn known(spec: &Value) {
        let mut whole = spec.clone();
        (whole["maxReplicas"], whole["scaleTargetRef"]) = (json!(40), json!({"kind": "Deployment", "name": "web"}));
        let read: HorizontalPodAutoscalerSpec = serde_json::from_value(whole.clone()).unwrap();
        assert_eq!(serde_json::to_value(read).unwrap(), whole);
    }

    #[test]
    fn floorcast_is_set_by_annotations_and_the_target_by_the_spec() {
        let (patch, notes) = wanted(&hpa(vec![cpu(50)], false), Strategy::Floorcast);
        assert_eq!(
            patch,
            json!({
                "apiVersion": "autoscaling/v2",
                "kind": "HorizontalPodAutoscaler",
                "metadata": {
                    "name": "web",
                    "namespace": "shop",
                    "annotations": {
                        "floorcast.io/mode": "live",
                        "floorcast.io/quantile": "0.8",
                        "floorcast.io/min-replicas": "4",
                    },
                },
                "spec": {"metrics": [
                    {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}}},
                ]},
            })
        );
        assert!(notes.iter().any(|note| note.contains("1.200")), "{notes:?}");
        known(&patch["spec"]);
        // Live already: the mode stays, and so does nothing else unsaid.
        let (patch, _) = wanted(&hpa(vec![cpu(50)], true), Strategy::Floorcast);
        assert!(patch["metadata"]["annotations"].get("floorcast.io/mode").is_none(), "{patch}");
    }

    #[test]
    fn the_hpa_alone_is_set_by_its_spec() {
        let (patch, _) = wanted(&hpa(vec![cpu(50)], false), Strategy::Hpa);
        assert!(patch["metadata"].get("annotations").is_none(), "{patch}");
        assert_eq!(patch["spec"]["minReplicas"], 4);
        let (patch, notes) = wanted(&hpa(vec![cpu(50)], true), Strategy::HpaTuned);
        assert_eq!(patch["metadata"]["annotations"], json!({"floorcast.io/mode": "off"}));
        assert_eq!(patch["spec"]["behavior"]["scaleUp"]["tolerance"], "0");
        assert!(notes.iter().any(|note| note.contains("HPAConfigurableTolerance")), "{notes:?}");
        known(&patch["spec"]);
    }

    #[test]
    fn every_kind_of_metric_keeps_what_it_is_and_gets_its_target() {
        let average = |text: &str| Aim::AverageValue(Quantity::parse(text).unwrap());
        let expressions =
            vec![Requirement { key: "tier".to_owned(), operator: "In".to_owned(), values: vec!["a".to_owned()] }];
        let selector = Selector { labels: [("queue".to_owned(), "mail".to_owned())].into(), expressions };
        let object = Owner { api_version: "v1".to_owned(), kind: "Service".to_owned(), name: "web".to_owned() };
        let all = [
            (cpu(50), "60"),
            (
                Metric::Resource { name: "memory".into(), container: Some("web".into()), aim: average("500Mi") },
                "\"629145600\"",
            ),
            (Metric::Pods { name: "rps".into(), selector: Selector::default(), aim: average("100") }, "\"120\""),
            (Metric::External { name: "jobs".into(), selector: selector.clone(), aim: average("250m") }, "\"300m\""),
            (Metric::Object { name: "hits".into(), selector, object, aim: average("0.0007") }, "\"1m\""),
        ];
        for (metric, target) in all {
            let made = metrics(std::slice::from_ref(&metric), 1.2).unwrap();
            assert!(made[0].to_string().contains(target), "{made:?}");
            known(&json!({"metrics": made}));
        }
        // None at all is the API server's default.
        assert!(metrics(&[], 0.5).unwrap()[0].to_string().contains("\"averageUtilization\":40"));
    }

    #[test]
    fn a_target_whose_meaning_only_its_owner_knows_is_left_to_him() {
        let total = Metric::External {
            name: "lag".into(),
            selector: Selector::default(),
            aim: Aim::Value(Quantity::parse("30").unwrap()),
        };
        let (patch, notes) = wanted(&hpa(vec![cpu(50), total], false), Strategy::Floorcast);
        assert!(patch.get("spec").is_none(), "{patch}");
        assert!(notes.iter().any(|note| note.contains("lag has a target of type Value") && note.contains("1.200")));
    }

    #[test]
    fn a_target_of_our_own_follows() {
        let own = Hpa { target_per_replica: Some(12.5), ..hpa(vec![cpu(50)], true) };
        let (patch, _) = wanted(&own, Strategy::Floorcast);
        assert_eq!(patch["metadata"]["annotations"]["floorcast.io/target-per-replica"], "15");
    }
}
