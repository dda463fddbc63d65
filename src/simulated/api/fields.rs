//! Sets of field paths, in memory and as the `fieldsV1` of `metadata.managedFields`.
//!
//! A set names the fields that a manager owns. `{"f:spec":{"f:minReplicas":{}}}` owns one leaf; a `"."` beside children owns
//! the container itself. Lists of objects with a key (`containers` by `name`) are addressed by `k:{"name":"app"}`.

use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A field of an object, or a key of a map.
    Field(String),
    /// An item of a list, by its keys: canonical JSON of them.
    Key(String),
    /// An item of a set of scalars: canonical JSON of it.
    Item(String),
}

/// From the root of the object to a field.
pub type Path = Vec<Step>;

/// Fields, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(BTreeSet<Path>);

impl FieldSet {
    /// Adds one path.
    pub fn insert(&mut self, path: Path) {
        self.0.insert(path);
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this very path is in it.
    pub fn contains(&self, path: &[Step]) -> bool {
        self.0.contains(path)
    }

    /// Whether a path below `path` is in it.
    pub fn reaches_below(&self, path: &[Step]) -> bool {
        self.0.range(path.to_vec()..).take_while(|p| p.starts_with(path)).any(|p| p.len() > path.len())
    }

    /// The paths, in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.0.iter()
    }

    /// Paths in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Paths in either.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Paths of `self` that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self(self.0.difference(&other.0).cloned().collect())
    }

    /// Paths that `keep` wants.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&Path) -> bool) -> Self {
        Self(self.0.iter().filter(|p| keep(p)).cloned().collect())
    }

    /// As `fieldsV1`.
    pub fn to_json(&self) -> Value {
        let mut root = Map::new();
        for path in &self.0 {
            self.write(path, &mut root);
        }
        Value::Object(root)
    }

    fn write(&self, path: &Path, root: &mut Map<String, Value>) {
        let mut at = root;
        for step in path {
            let next = at.entry(step.encoded()).or_insert_with(|| json!({}));
            let Value::Object(inner) = next else { return };
            at = inner;
        }
        if self.reaches_below(path) {
            at.insert(".".to_owned(), json!({}));
        }
    }

    /// From `fieldsV1`; `None` where a step is none of ours.
    pub fn from_json(fields: &Value) -> Option<Self> {
        let mut set = Self::default();
        set.read(fields.as_object()?, &mut Vec::new())?;
        Some(set)
    }

    fn read(&mut self, fields: &Map<String, Value>, at: &mut Path) -> Option<()> {
        for (name, inner) in fields {
            if name == "." {
                self.insert(at.clone());
                continue;
            }
            at.push(Step::decoded(name)?);
            let inner = inner.as_object()?;
            if inner.is_empty() {
                self.insert(at.clone());
            }
            self.read(inner, at)?;
            at.pop();
        }
        Some(())
    }
}

impl FromIterator<Path> for FieldSet {
    fn from_iter<T: IntoIterator<Item = Path>>(paths: T) -> Self {
        Self(paths.into_iter().collect())
    }
}

impl Step {
    /// A field step.
    pub fn field(name: &str) -> Self {
        Self::Field(name.to_owned())
    }

    fn encoded(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Key(keys) => format!("k:{keys}"),
            Self::Item(value) => format!("v:{value}"),
        }
    }

    fn decoded(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Self::Field(rest.to_owned())),
            "k" => Some(Self::Key(rest.to_owned())),
            "v" => Some(Self::Item(rest.to_owned())),
            _ => None,
        }
    }
}

/// `.spec.template.spec.containers[name="c"].image`, as the server prints paths.
pub fn dotted(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        // Writing to a String cannot fail.
        let _ = match step {
            Step::Field(name) => write!(text, ".{name}"),
            Step::Key(keys) => write!(text, "[{}]", spelled_keys(keys)),
            Step::Item(value) => write!(text, "[={value}]"),
        };
    }
    text
}

fn spelled_keys(keys: &str) -> String {
    let Ok(Value::Object(keys)) = serde_json::from_str(keys) else {
        return keys.to_owned();
    };
    let each: Vec<String> = keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
    each.join(",")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn fields_v1_survives_the_way_there_and_back() {
        let fields = json!({
            "f:metadata": {"f:annotations": {".": {}, "f:a.b/c": {}}},
            "f:spec": {
                "f:containers": {"k:{\"name\":\"app\"}": {".": {}, "f:image": {}}},
                "f:finalizers": {"v:\"x\"": {}},
                "f:minReplicas": {},
            },
        });
        assert_eq!(FieldSet::from_json(&fields).unwrap().to_json(), fields);
    }

    #[test]
    fn a_path_is_printed_as_the_server_prints_it() {
        let path = vec![
            Step::field("spec"),
            Step::field("containers"),
            Step::Key("{\"name\":\"c\"}".into()),
            Step::field("image"),
        ];
        assert_eq!(dotted(&path), ".spec.containers[name=\"c\"].image");
    }
}
