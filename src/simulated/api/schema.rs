//! What the server knows of the structure of its objects: which maps and lists are one value, and which lists have keys.
//!
//! Only what server-side apply needs, for the kinds of [`super::kind::Kind`]. Source: the `x-kubernetes-list-type`,
//! `-list-map-keys` and `-map-type` markers of the Kubernetes API types.

use super::fields::{Path, Step};
use serde_json::{Map, Value};

/// How the parts of a value are owned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// As one: scalars, lists without keys, selectors, references.
    Whole,
    /// Key by key.
    Fields,
    /// Item by item, by these keys.
    Keyed(&'static [&'static str]),
    /// Item by item, by value.
    Set,
}

/// The shape of the value at this path.
pub fn shape(path: &[Step], value: &Value) -> Shape {
    match value {
        Value::Object(_) if is_whole_map(path) => Shape::Whole,
        Value::Object(_) => Shape::Fields,
        Value::Array(_) => list_shape(path),
        _ => Shape::Whole,
    }
}

fn last_field(path: &[Step]) -> &str {
    match path.last() {
        Some(Step::Field(name)) => name,
        _ => "",
    }
}

fn is_whole_map(path: &[Step]) -> bool {
    matches!(last_field(path), "selector" | "regarding" | "related" | "valueFrom" | "fieldRef") && path.len() <= 8
}

fn list_shape(path: &[Step]) -> Shape {
    match last_field(path) {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => Shape::Keyed(&["name"]),
        "ports" => Shape::Keyed(&["containerPort", "protocol"]),
        "volumeMounts" => Shape::Keyed(&["mountPath"]),
        "ownerReferences" => Shape::Keyed(&["uid"]),
        "conditions" => Shape::Keyed(&["type"]),
        "finalizers" => Shape::Set,
        _ => Shape::Whole,
    }
}

/// The step that addresses `item` in a list of this shape; `None` where it lacks every key.
pub fn item_step(shape: Shape, item: &Value) -> Option<Step> {
    match shape {
        Shape::Keyed(names) => {
            let keys: Map<String, Value> =
                names.iter().filter_map(|name| Some(((*name).to_owned(), item.get(name)?.clone()))).collect();
            (!keys.is_empty()).then(|| Step::Key(Value::Object(keys).to_string()))
        }
        Shape::Set => Some(Step::Item(item.to_string())),
        Shape::Whole | Shape::Fields => None,
    }
}

/// Containers that every object of its type has, empty or not: nobody ever owns them as such.
pub fn always_there(path: &Path) -> bool {
    let names: Option<Vec<&str>> = path
        .iter()
        .map(|step| match step {
            Step::Field(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    matches!(
        names.as_deref(),
        Some(
            [] | ["metadata" | "spec" | "status"]
                | ["spec", "scaleTargetRef" | "strategy" | "updateStrategy" | "template"]
                | ["spec", "template", "metadata" | "spec"]
        )
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn metrics_are_one_value_and_containers_are_not() {
        let metrics = [Step::field("spec"), Step::field("metrics")];
        assert_eq!(shape(&metrics, &json!([])), Shape::Whole);
        let containers = [Step::field("spec"), Step::field("containers")];
        let by_name = shape(&containers, &json!([]));
        assert_eq!(by_name, Shape::Keyed(&["name"]));
        assert_eq!(
            item_step(by_name, &json!({"name": "app", "image": "i"})),
            Some(Step::Key("{\"name\":\"app\"}".into()))
        );
    }
}
