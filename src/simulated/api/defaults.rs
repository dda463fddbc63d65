//! Defaults that the API fills in, as far as anybody here looks at them.

use super::kind::Kind;
use serde_json::{Map, Value, json};

/// Fills in the defaults of a kind and drops what the API would not store (nulls, empty labels and annotations).
pub fn fill(kind: Kind, object: &mut Value) {
    drop_nulls(object);
    drop_empty(object, "/metadata", &["labels", "annotations"]);
    match kind {
        Kind::Hpa => fill_hpa(object),
        Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet => {
            default(object, "spec", "replicas", &json!(1));
        }
        _ => {}
    }
}

fn fill_hpa(object: &mut Value) {
    default(object, "spec", "minReplicas", &json!(1));
    let cpu = json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]);
    default(object, "spec", "metrics", &cpu);
    if let Some(behavior) = object.pointer_mut("/spec/behavior") {
        fill_behavior(behavior);
    }
    default(object, "", "status", &json!({"desiredReplicas": 0}));
}

/// `hpa.md` 1.6: where `behavior` is present, missing halves and fields are filled in.
fn fill_behavior(behavior: &mut Value) {
    let Some(halves) = behavior.as_object_mut() else {
        return;
    };
    let up = [
        ("stabilizationWindowSeconds", json!(0)),
        ("selectPolicy", json!("Max")),
        (
            "policies",
            json!([{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}]),
        ),
    ];
    let down =
        [("selectPolicy", json!("Max")), ("policies", json!([{"type": "Percent", "value": 100, "periodSeconds": 15}]))];
    fill_half(halves, "scaleUp", &up);
    fill_half(halves, "scaleDown", &down);
}

fn fill_half(halves: &mut Map<String, Value>, half: &str, defaults: &[(&str, Value)]) {
    let rules = halves.entry(half).or_insert_with(|| json!({}));
    let Some(rules) = rules.as_object_mut() else {
        return;
    };
    for (name, value) in defaults {
        rules.entry((*name).to_owned()).or_insert_with(|| value.clone());
    }
}

fn default(object: &mut Value, parent: &str, name: &str, value: &Value) {
    let parent = if parent.is_empty() { object } else { &mut object[parent] };
    if parent.is_null() {
        *parent = json!({});
    }
    if let Some(parent) = parent.as_object_mut() {
        parent.entry(name.to_owned()).or_insert_with(|| value.clone());
    }
}

fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn drop_empty(object: &mut Value, parent: &str, names: &[&str]) {
    let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut) else {
        return;
    };
    for name in names {
        if parent.get(*name).and_then(Value::as_object).is_some_and(Map::is_empty) {
            parent.remove(*name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hpa_without_minimum_gets_one() {
        let mut hpa = json!({"metadata": {"annotations": {}}, "spec": {"minReplicas": null, "maxReplicas": 3}});
        fill(Kind::Hpa, &mut hpa);
        assert_eq!(hpa["spec"]["minReplicas"], 1);
        assert_eq!(hpa["metadata"], json!({}));
        assert!(hpa["spec"].get("behavior").is_none());
    }

    #[test]
    fn half_a_behavior_is_completed() {
        let mut hpa =
            json!({"spec": {"maxReplicas": 3, "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}}});
        fill(Kind::Hpa, &mut hpa);
        let behavior = &hpa["spec"]["behavior"];
        assert_eq!(behavior["scaleUp"]["policies"][0]["value"], 4);
        assert_eq!(behavior["scaleDown"]["stabilizationWindowSeconds"], 60);
        assert_eq!(behavior["scaleDown"]["selectPolicy"], "Max");
    }
}
