//! Which fields differ between two versions of an object, and merging an applied part into the whole.

use super::fields::{FieldSet, Path, Step};
use super::schema::{Shape, always_there, item_step, shape};
use serde_json::{Map, Value};

/// What changed from one version to the next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Fields with another value, and new ones.
    pub set: FieldSet,
    /// Fields that are gone.
    pub removed: FieldSet,
}

impl Changes {
    /// Nothing changed.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }
}

/// Field by field, leaving out what the server keeps for itself (name, uid, resourceVersion, managedFields, …).
pub fn changes(old: &Value, new: &Value) -> Changes {
    let mut found = Changes::default();
    walk(&mut Vec::new(), Some(old), Some(new), &mut found);
    found.set = found.set.filter(|p| !kept_by_server(p));
    found.removed = found.removed.filter(|p| !kept_by_server(p));
    found
}

/// Every field that `value` speaks of: what its applier owns afterwards.
pub fn fields_of(value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(&mut Vec::new(), value, &mut set);
    set.filter(|p| !kept_by_server(p))
}

/// Fields outside anybody's ownership.
fn kept_by_server(path: &Path) -> bool {
    let Some(Step::Field(first)) = path.first() else {
        return true;
    };
    match path.get(1) {
        None => matches!(first.as_str(), "apiVersion" | "kind" | "metadata"),
        Some(Step::Field(second)) if first == "metadata" => matches!(
            second.as_str(),
            "name"
                | "namespace"
                | "creationTimestamp"
                | "deletionTimestamp"
                | "selfLink"
                | "uid"
                | "generation"
                | "managedFields"
                | "resourceVersion"
        ),
        Some(_) => false,
    }
}

fn walk(path: &mut Path, old: Option<&Value>, new: Option<&Value>, found: &mut Changes) {
    let old = old.filter(|v| !v.is_null());
    let new = new.filter(|v| !v.is_null());
    match (old, new) {
        (None, None) => {}
        (Some(old), Some(new)) => walk_both(path, old, new, found),
        (None, Some(new)) => added(path, new, &mut found.set),
        (Some(old), None) => added(path, old, &mut found.removed),
    }
}

fn walk_both(path: &mut Path, old: &Value, new: &Value, found: &mut Changes) {
    let shapes = (shape(path, old), shape(path, new));
    if shapes.0 != shapes.1 || shapes.0 == Shape::Whole {
        if old != new {
            found.set.insert(path.clone());
        }
        return;
    }
    let (before, after) = (parts(shapes.0, old), parts(shapes.0, new));
    for (step, value) in &before {
        let other = after.iter().find(|(s, _)| s == step).map(|(_, v)| *v);
        path.push(step.clone());
        walk(path, Some(value), other, found);
        path.pop();
    }
    for (step, value) in &after {
        if !before.iter().any(|(s, _)| s == step) {
            path.push(step.clone());
            walk(path, None, Some(value), found);
            path.pop();
        }
    }
}

/// A part that is on one side only: its leaves, and the container itself where that can be absent.
fn added(path: &mut Path, value: &Value, set: &mut FieldSet) {
    if value.is_null() {
        return;
    }
    let shape = shape(path, value);
    let parts = parts(shape, value);
    let container = shape != Shape::Whole && !always_there(path);
    let owns_itself = container && !matches!(shape, Shape::Keyed(_) | Shape::Set);
    if shape == Shape::Whole || owns_itself {
        set.insert(path.clone());
    }
    for (step, part) in parts {
        path.push(step);
        added(path, part, set);
        path.pop();
    }
}

fn collect(path: &mut Path, value: &Value, set: &mut FieldSet) {
    if value.is_null() {
        return;
    }
    let shape = shape(path, value);
    let parts = parts(shape, value);
    let is_item = matches!(path.last(), Some(Step::Key(_)));
    if shape == Shape::Whole || parts.is_empty() || is_item {
        set.insert(path.clone());
    }
    for (step, part) in parts {
        path.push(step);
        collect(path, part, set);
        path.pop();
    }
}

/// The parts of a container, each with its step.
fn parts(shape: Shape, value: &Value) -> Vec<(Step, &Value)> {
    match (shape, value) {
        (Shape::Fields, Value::Object(map)) => map.iter().map(|(k, v)| (Step::field(k), v)).collect(),
        (Shape::Keyed(_) | Shape::Set, Value::Array(items)) => {
            items.iter().filter_map(|item| Some((item_step(shape, item)?, item))).collect()
        }
        _ => Vec::new(),
    }
}

/// `live` with everything that `applied` says.
pub fn merged(live: &Value, applied: &Value) -> Value {
    let mut whole = live.clone();
    merge(&mut Vec::new(), &mut whole, applied);
    whole
}

fn merge(path: &mut Path, live: &mut Value, applied: &Value) {
    match (shape(path, applied), &mut *live, applied) {
        (Shape::Fields, Value::Object(live), Value::Object(applied)) => {
            merge_fields(path, live, applied);
        }
        (shape @ (Shape::Keyed(_) | Shape::Set), Value::Array(live), Value::Array(applied)) => {
            merge_items(path, shape, live, applied);
        }
        _ => *live = applied.clone(),
    }
}

fn merge_fields(path: &mut Path, live: &mut Map<String, Value>, applied: &Map<String, Value>) {
    for (name, value) in applied {
        path.push(Step::field(name));
        match live.get_mut(name) {
            Some(there) => merge(path, there, value),
            None => {
                live.insert(name.clone(), value.clone());
            }
        }
        path.pop();
    }
}

fn merge_items(path: &mut Path, shape: Shape, live: &mut Vec<Value>, applied: &[Value]) {
    for value in applied {
        let Some(step) = item_step(shape, value) else {
            continue;
        };
        let found = live.iter_mut().find(|item| item_step(shape, item).as_ref() == Some(&step));
        path.push(step);
        match found {
            Some(there) => merge(path, there, value),
            None => live.push(value.clone()),
        }
        path.pop();
    }
}

/// Takes the field at `path` out of `value`.
pub fn remove(value: &mut Value, path: &[Step]) {
    let Some((step, rest)) = path.split_first() else {
        return;
    };
    match (step, value) {
        (Step::Field(name), Value::Object(map)) if rest.is_empty() => {
            map.remove(name);
        }
        (Step::Field(name), Value::Object(map)) => {
            if let Some(inner) = map.get_mut(name) {
                remove(inner, rest);
            }
        }
        (step, Value::Array(items)) => remove_item(items, step, rest),
        _ => {}
    }
}

fn remove_item(items: &mut Vec<Value>, step: &Step, rest: &[Step]) {
    let Some(i) = items.iter().position(|item| is_item(step, item)) else {
        return;
    };
    if rest.is_empty() {
        items.remove(i);
    } else {
        remove(&mut items[i], rest);
    }
}

fn is_item(step: &Step, item: &Value) -> bool {
    match step {
        Step::Field(_) => false,
        Step::Item(value) => serde_json::to_string(item).is_ok_and(|item| *value == item),
        Step::Key(keys) => match serde_json::from_str(keys) {
            Ok(Value::Object(keys)) => keys.iter().all(|(k, v)| item.get(k) == Some(v)),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::fields::dotted;
    use super::*;
    use serde_json::json;

    fn names(set: &FieldSet) -> Vec<String> {
        set.paths().map(|p| dotted(p)).collect()
    }

    #[test]
    fn a_changed_leaf_a_new_map_and_a_lost_key() {
        let old = json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"min": 1}});
        let new = json!({"metadata": {"labels": {"a": "1"}, "annotations": {"x": "1"}}, "spec": {"min": 2}});
        let found = changes(&old, &new);
        assert_eq!(names(&found.set), [".metadata.annotations", ".metadata.annotations.x", ".spec.min"]);
        assert_eq!(names(&found.removed), [".metadata.labels.b"]);
    }

    #[test]
    fn what_the_server_keeps_is_nobodys() {
        let old = json!({"metadata": {"resourceVersion": "1", "uid": "a"}});
        let new = json!({"metadata": {"resourceVersion": "2", "uid": "a"}});
        assert!(changes(&old, &new).is_empty());
    }

    #[test]
    fn containers_merge_by_name() {
        let live = json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}});
        let applied = json!({"spec": {"containers": [{"name": "b", "image": "2"}, {"name": "c"}]}});
        assert_eq!(
            merged(&live, &applied)["spec"]["containers"],
            json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}, {"name": "c"}])
        );
    }

    #[test]
    fn an_applied_empty_map_is_owned_itself() {
        assert_eq!(names(&fields_of(&json!({"spec": {}}))), [".spec"]);
    }
}
