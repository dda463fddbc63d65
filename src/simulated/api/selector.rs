//! Label and field selectors.

use super::refusal::Refusal;
use serde_json::Value;

/// Which objects a list or watch wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, bool, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Selector {
    /// From the query parameters, either of which may be empty.
    ///
    /// # Errors
    /// 400 for what cannot be parsed, and for a field that no kind here can be selected by.
    pub(super) fn parse(labels: &str, fields: &str) -> Result<Self, Refusal> {
        Ok(Self {
            labels: split_outside_parentheses(labels).into_iter().map(requirement).collect::<Result<_, _>>()?,
            fields: fields.split(',').filter(|f| !f.is_empty()).map(field).collect::<Result<_, _>>()?,
        })
    }

    /// Whether `object` is wanted.
    pub(super) fn wants(&self, object: &Value) -> bool {
        let label = |key: &str| object.pointer("/metadata/labels").and_then(|l| l.get(key)).and_then(Value::as_str);
        let by_label = self.labels.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => label(key).is_some_and(|v| values.iter().any(|x| x == v)),
            Requirement::NotIn(key, values) => label(key).is_none_or(|v| values.iter().all(|x| x != v)),
            Requirement::Exists(key) => label(key).is_some(),
            Requirement::Missing(key) => label(key).is_none(),
        });
        by_label
            && self.fields.iter().all(|(path, equal, value)| {
                let there = object.pointer(&format!("/{}", path.replace('.', "/"))).and_then(Value::as_str);
                (there.unwrap_or_default() == value) == *equal
            })
    }
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.retain(|p| !p.trim().is_empty());
    parts
}

fn requirement(text: &str) -> Result<Requirement, Refusal> {
    let text = text.trim();
    let owned = |s: &str| s.trim().to_owned();
    if let Some((key, values)) = text.split_once(" notin ") {
        return Ok(Requirement::NotIn(owned(key), list(values)?));
    }
    if let Some((key, values)) = text.split_once(" in ") {
        return Ok(Requirement::In(owned(key), list(values)?));
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(owned(key), vec![owned(value)]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(owned(key), vec![owned(value)]));
    }
    Ok(match text.strip_prefix('!') {
        Some(key) => Requirement::Missing(owned(key)),
        None => Requirement::Exists(owned(text)),
    })
}

fn list(text: &str) -> Result<Vec<String>, Refusal> {
    let inner =
        text.trim().strip_prefix('(').and_then(|t| t.strip_suffix(')')).ok_or_else(|| {
            Refusal::bad_request(format!("unable to parse requirement: found '{text}', expected: '('"))
        })?;
    Ok(inner.split(',').map(|v| v.trim().to_owned()).collect())
}

fn field(text: &str) -> Result<(String, bool, String), Refusal> {
    let (path, equal, value) = if let Some((path, value)) = text.split_once("!=") {
        (path, false, value)
    } else if let Some((path, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (path, true, value)
    } else {
        return Err(Refusal::bad_request(format!("invalid selector: '{text}'; can't understand '{text}'")));
    };
    let known = ["metadata.name", "metadata.namespace", "spec.nodeName", "status.phase"];
    if !known.contains(&path) {
        return Err(Refusal::bad_request(format!(
            "\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\""
        )));
    }
    Ok((path.to_owned(), equal, value.to_owned()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn selectors_select() {
        let pod = json!({"metadata": {"name": "p", "labels": {"app": "web", "tier": "front"}}, "status": {"phase": "Running"}});
        for (labels, fields, wanted) in [
            ("", "", true),
            ("app=web", "", true),
            ("app==web,tier!=back", "", true),
            ("app in (web,api),!gone", "", true),
            ("app notin (web, api)", "", false),
            ("gone", "", false),
            ("", "metadata.name=p,status.phase!=Pending", true),
            ("", "metadata.name=q", false),
        ] {
            let selector = Selector::parse(labels, fields).unwrap();
            assert_eq!(selector.wants(&pod), wanted, "{labels} {fields}");
        }
        assert_eq!(Selector::parse("", "spec.foo=1").unwrap_err().code, 400);
    }
}
