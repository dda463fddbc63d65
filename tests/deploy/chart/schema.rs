//! values.schema.json and README.md of the chart, made of values.yaml: the types of its defaults, the words of its comments.

use floorcast::config::Config;
use serde_json::{Map, Value, json};

const INTRODUCTION: &str = "# floorcast

Predictive replica floors for HorizontalPodAutoscalers: floorcast forecasts each opted-in workload's load from its Prometheus
history and raises `spec.minReplicas` ahead of the peak. It changes nothing until a workload says `floorcast.io/mode: live`.

```sh
helm install floorcast deploy/helm/floorcast -n floorcast --create-namespace \\
  --set datasource.url=http://prometheus.monitoring.svc:9090
helm test floorcast -n floorcast --logs
kubectl annotate hpa web floorcast.io/mode=shadow -n shop
```

Works with Helm 3 and 4 and Kubernetes 1.28 and later (the admission policy of our own accounts, on by default, is left out before 1.30).
Values files for common set-ups are in [`deploy/helm/values`](../values). `helm uninstall` first hands every floor back
(`uninstall.release`).

## Values

Unknown keys are refused.

| value | default | |
|---|---|---|
";

/// One documented value.
struct Entry {
    path: String,
    about: String,
}

/// The values that a comment beginning with `# --` speaks of, in their order.
fn entries(values: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut path: Vec<(usize, String)> = Vec::new();
    let mut about: Option<String> = None;
    for line in values.lines() {
        let text = line.trim_start();
        let indent = line.len() - text.len();
        if let Some(begun) = text.strip_prefix("# -- ") {
            about = Some(begun.to_owned());
        } else if let Some(more) = text.strip_prefix("# ") {
            about = about.map(|about| format!("{about} {more}"));
        } else if let Some((key, _)) = text.split_once(':').filter(|_| !text.is_empty()) {
            path.retain(|(depth, _)| *depth < indent);
            path.push((indent, key.to_owned()));
            let path = path.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join(".");
            entries.extend(about.take().map(|about| Entry { path, about }));
        }
    }
    entries
}

fn at<'a>(values: &'a Value, path: &str) -> &'a Value {
    path.split('.').fold(values, |value, key| &value[key])
}

/// README.md.
pub(super) fn readme(text: &str) -> String {
    let values: Value = serde_saphyr::from_str(text).unwrap();
    let row = |entry: Entry| {
        let default = at(&values, &entry.path).to_string().replace('|', "\\|");
        format!("| `{}` | `{default}` | {} |\n", entry.path, entry.about.replace('|', "\\|"))
    };
    INTRODUCTION.to_owned() + &entries(text).into_iter().map(row).collect::<String>()
}

/// values.schema.json.
pub(super) fn schema(text: &str) -> String {
    let values: Value = serde_saphyr::from_str(text).unwrap();
    let about = entries(text);
    let mut schema = object(&values, "", &about);
    let mut config = serde_json::to_value(Config::schema()).unwrap();
    let definitions = config.as_object_mut().unwrap().remove("$defs").unwrap();
    config.as_object_mut().unwrap().retain(|key, _| !matches!(key.as_str(), "$schema" | "title"));
    schema["properties"]["config"] = config;
    schema["properties"]["datasource"] = json!({"$ref": "#/$defs/Datasource"});
    // Helm hands `global` to every chart.
    schema["properties"]["global"] = json!({"type": "object"});
    schema["$defs"] = definitions;
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    format!("{schema:#}\n")
}

/// Values that are more than their default's type.
fn narrowed(path: &str) -> Option<Value> {
    let port_or_name = json!({"type": ["integer", "string"]});
    Some(match path {
        "rbac.scope" => json!({"enum": ["cluster", "namespaced"]}),
        "policy.annotations.action" => json!({"enum": ["Deny", "Warn"]}),
        "image.pullPolicy" => json!({"enum": ["IfNotPresent", "Always", "Never"]}),
        "image.digest" => json!({"type": "string", "pattern": "^(sha256:[0-9a-f]{64})?$"}),
        "replicaCount" => json!({"type": "integer", "minimum": 0, "maximum": 10}),
        "service.port" => json!({"type": "integer", "minimum": 1, "maximum": 65535}),
        "uninstall.timeoutSeconds" => json!({"type": "integer", "minimum": 10}),
        "podDisruptionBudget.maxUnavailable" => port_or_name,
        // The API's own types: the API server checks them.
        "resources"
        | "podSecurityContext"
        | "containerSecurityContext"
        | "podAnnotations"
        | "updateStrategy"
        | "startupProbe"
        | "livenessProbe"
        | "readinessProbe"
        | "janitor.resources"
        | "dashboards.labels" => {
            json!({"type": "object"})
        }
        _ => return None,
    })
}

fn object(value: &Value, path: &str, about: &[Entry]) -> Value {
    let mut properties = Map::new();
    for (key, value) in value.as_object().unwrap() {
        let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        let mut property = narrowed(&path).unwrap_or_else(|| typed(value, &path, about));
        if let Some(entry) = about.iter().find(|entry| entry.path == path) {
            property["description"] = json!(entry.about);
        }
        properties.insert(key.clone(), property);
    }
    json!({"type": "object", "additionalProperties": false, "properties": properties})
}

fn typed(value: &Value, path: &str, about: &[Entry]) -> Value {
    match value {
        Value::Object(map) if map.is_empty() => json!({"type": "object"}),
        Value::Object(_) => object(value, path, about),
        Value::Array(_) => json!({"type": "array"}),
        Value::Bool(_) => json!({"type": "boolean"}),
        Value::Number(_) => json!({"type": "integer"}),
        Value::String(_) => json!({"type": "string"}),
        Value::Null => panic!("{path}: a default without a type"),
    }
}
