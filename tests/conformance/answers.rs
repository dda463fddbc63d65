//! Answers, made comparable: what differs between any two servers by nature (uids, versions, times) becomes a name.

use crate::script::{Kind, Step};
use http::Request;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Plays steps and writes the answers down.
pub(crate) struct Recorder {
    client: kube::Client,
    /// `{hpa.uid}`, `{hpa.rv}` and their like, as last seen.
    known: BTreeMap<String, String>,
    /// Names of uids and versions, in the order of their appearance.
    names: BTreeMap<String, String>,
    lines: Vec<String>,
}

impl Recorder {
    pub(crate) fn new(client: kube::Client) -> Self {
        Self { client, known: BTreeMap::new(), names: BTreeMap::new(), lines: Vec::new() }
    }

    pub(crate) fn finished(self) -> Vec<String> {
        self.lines
    }

    /// Plays one step.
    pub(crate) async fn play(&mut self, step: &Step) {
        let mut request = Request::builder().method(step.method).uri(self.filled(&step.path));
        if !step.content_type.is_empty() {
            request = request.header("Content-Type", step.content_type);
        }
        let body = if step.body.is_null() { Vec::new() } else { self.filled(&step.body.to_string()).into_bytes() };
        let request = request.body(kube::client::Body::from(body)).unwrap();
        let response = self.client.send(request).await.unwrap();
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let comparable = match step.kind {
            Kind::Object => self.object(step, &text),
            Kind::Watch => Self::events(&text),
            Kind::Code => String::new(),
        };
        self.lines.push(format!("{} {code} {comparable}", step.name.replace(' ', "-")));
    }

    fn filled(&self, text: &str) -> String {
        self.known.iter().fold(text.to_owned(), |text, (key, value)| text.replace(&format!("{{{key}}}"), value))
    }

    fn object(&mut self, step: &Step, text: &str) -> String {
        let Ok(mut body) = serde_json::from_str::<Value>(text) else {
            return text.trim().to_owned();
        };
        if let (Some(name), Some(uid)) = (step.remember, body.pointer("/metadata/uid").and_then(Value::as_str)) {
            self.known.insert(format!("{name}.uid"), uid.to_owned());
        }
        if let (Some(name), Some(rv)) =
            (step.remember, body.pointer("/metadata/resourceVersion").and_then(Value::as_str))
        {
            self.known.insert(format!("{name}.rv"), rv.to_owned());
        }
        if let (Some(name), Some(token)) = (step.remember, body.pointer("/metadata/continue").and_then(Value::as_str)) {
            self.known.insert(format!("{name}.continue"), token.to_owned());
        }
        self.settle(&mut body, "");
        let mut text = body.to_string();
        for (value, name) in &self.names {
            if value.len() > 8 {
                text = text.replace(value.as_str(), name);
            }
        }
        text
    }

    fn events(text: &str) -> String {
        let mut events = Vec::new();
        for line in text.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            let min = event.pointer("/object/spec/minReplicas").cloned();
            let code = event.pointer("/object/code").cloned();
            let name = event.pointer("/object/metadata/name").cloned();
            // Bookmarks come when the server likes.
            if event["type"] != "BOOKMARK" {
                events.push(json!([event["type"], name, min, code]));
            }
        }
        Value::Array(events).to_string()
    }

    /// Names what differs by nature, drops nulls, sorts what has no order.
    fn settle(&mut self, value: &mut Value, key: &str) {
        match value {
            Value::Object(map) => {
                map.retain(|key, v| !v.is_null() && key != "continue");
                for (key, inner) in map.iter_mut() {
                    self.settle(inner, key);
                }
            }
            Value::Array(items) => {
                for item in items.iter_mut() {
                    self.settle(item, key);
                }
                if matches!(key, "managedFields" | "causes") {
                    items.sort_by_key(ToString::to_string);
                }
            }
            Value::String(text) => match key {
                "uid" => *text = self.name("uid", text),
                "resourceVersion" => "<version>".clone_into(text),
                "creationTimestamp" | "time" | "lastTransitionTime" => "<time>".clone_into(text),
                _ => {}
            },
            _ => {}
        }
    }

    fn name(&mut self, what: &str, value: &str) -> String {
        let next = format!("<{what}{}>", self.names.len() + 1);
        self.names.entry(value.to_owned()).or_insert(next).clone()
    }
}
