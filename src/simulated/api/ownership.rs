//! `metadata.managedFields`: who owns which field, kept as the server keeps it.
//!
//! Source: the structured-merge-diff updater and the field managers of apimachinery; what a real kube-apiserver 1.36.3 answered
//! decides where the two leave room.

use super::fields::FieldSet;
use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

/// How a manager writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Anything else.
    Update,
}

impl Operation {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// One entry of `managedFields`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Name of the manager.
    pub manager: String,
    /// How it writes; an applier and an updater of one name are two owners.
    pub operation: Operation,
    /// The version that it spoke.
    pub api_version: String,
    /// `status`, `scale`, or empty.
    pub subresource: String,
    /// When it last changed something. An applier who only joined in owning a value has none.
    pub time: Option<DateTime<Utc>>,
    /// What it owns.
    pub fields: FieldSet,
}

impl Owner {
    /// Whether both are the same owner, whatever they own.
    pub fn same_as(&self, other: &Self) -> bool {
        self.manager == other.manager
            && self.operation == other.operation
            && self.subresource == other.subresource
            && (self.operation == Operation::Apply || self.api_version == other.api_version)
    }

    /// As the server names it in a conflict.
    pub fn named(&self) -> String {
        let mut name = format!("conflict with \"{}\"", self.manager);
        if !self.subresource.is_empty() {
            name.push_str(&format!(" with subresource \"{}\"", self.subresource));
        }
        if self.operation == Operation::Update {
            name.push_str(&format!(" using {}", self.api_version));
        }
        if let (Operation::Update, Some(time)) = (self.operation, self.time)
            && self.subresource == "status"
        {
            name.push_str(&format!(" at {}", stamp(time)));
        }
        name
    }

    fn to_json(&self) -> Value {
        let mut entry = json!({
            "manager": self.manager, "operation": self.operation.as_str(), "apiVersion": self.api_version,
            "fieldsType": "FieldsV1", "fieldsV1": self.fields.to_json(),
        });
        if let Some(time) = self.time {
            entry["time"] = json!(stamp(time));
        }
        if !self.subresource.is_empty() {
            entry["subresource"] = json!(self.subresource);
        }
        entry
    }

    fn from_json(entry: &Value) -> Option<Self> {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let operation = match text("operation") {
            "Apply" => Operation::Apply,
            "Update" => Operation::Update,
            _ => return None,
        };
        if text("fieldsType") != "FieldsV1" {
            return None;
        }
        Some(Self {
            manager: text("manager").to_owned(),
            operation,
            api_version: text("apiVersion").to_owned(),
            subresource: text("subresource").to_owned(),
            time: text("time").parse().ok(),
            fields: FieldSet::from_json(entry.get("fieldsV1")?)?,
        })
    }
}

/// A time as metadata has it: whole seconds, UTC.
pub fn stamp(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// What an object's `managedFields` say; `None` where an entry cannot be read.
pub fn owners_of(object: &Value) -> Option<Vec<Owner>> {
    match object.pointer("/metadata/managedFields") {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(entries)) => entries.iter().map(Owner::from_json).collect(),
        Some(_) => None,
    }
}

/// What a writer wants the `managedFields` to be before its own change is booked.
///
/// Absent or unreadable: as they were. An empty list, or a list of one empty entry: nobody owns anything.
pub fn wanted_owners(live: &Value, new: &Value) -> Vec<Owner> {
    let as_they_were = || owners_of(live).unwrap_or_default();
    match new.pointer("/metadata/managedFields") {
        None | Some(Value::Null) => as_they_were(),
        Some(Value::Array(entries)) if entries.is_empty() => Vec::new(),
        Some(Value::Array(entries)) if matches!(entries.as_slice(), [e] if *e == json!({})) => Vec::new(),
        Some(_) => owners_of(new).unwrap_or_else(as_they_were),
    }
}

/// Writes the entries into the object, ordered as the server orders them.
pub fn set_owners(object: &mut Value, mut owners: Vec<Owner>) {
    owners.retain(|o| !o.fields.is_empty());
    owners.sort_by(|a, b| order(a).cmp(&order(b)));
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    if owners.is_empty() {
        metadata.remove("managedFields");
    } else {
        let entries = owners.iter().map(Owner::to_json).collect();
        metadata.insert("managedFields".to_owned(), entries);
    }
}

fn order(owner: &Owner) -> (Operation, Option<i64>, &str, &str, &str) {
    (owner.operation, owner.time.map(|t| t.timestamp()), &owner.manager, &owner.api_version, &owner.subresource)
}

/// Books a change by anything but apply: what was set moves to `writer`, what was removed is nobody's.
///
/// An object that nobody ever owned stays so until its first apply, as on the real server.
pub fn book_update(owners: &mut Vec<Owner>, writer: Owner, changes: &super::compare::Changes) {
    let gone = changes.set.union(&changes.removed);
    for owner in owners.iter_mut() {
        owner.fields = owner.fields.difference(&gone);
    }
    if !changes.set.is_empty() {
        match owners.iter_mut().find(|o| o.same_as(&writer)) {
            Some(there) => {
                there.fields = there.fields.union(&changes.set);
                there.time = writer.time;
            }
            None => owners.push(Owner { fields: changes.set.clone(), ..writer }),
        }
    }
    owners.retain(|o| !o.fields.is_empty());
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::super::compare::changes;
    use super::*;

    fn owner(manager: &str, operation: Operation, fields: &Value) -> Owner {
        Owner {
            manager: manager.to_owned(),
            operation,
            api_version: "autoscaling/v2".to_owned(),
            subresource: String::new(),
            time: DateTime::from_timestamp(1_700_000_000, 0),
            fields: FieldSet::from_json(fields).unwrap(),
        }
    }

    #[test]
    fn an_update_takes_what_it_changes_and_leaves_the_rest() {
        let old = json!({"spec": {"minReplicas": 1, "maxReplicas": 9}});
        let new = json!({"spec": {"minReplicas": 2, "maxReplicas": 9}});
        let both = json!({"f:spec": {"f:minReplicas": {}, "f:maxReplicas": {}}});
        let mut owners = vec![owner("git", Operation::Apply, &both)];
        let writer = owner("kubectl-edit", Operation::Update, &json!({}));
        book_update(&mut owners, writer, &changes(&old, &new));
        assert_eq!(owners[0].fields.to_json(), json!({"f:spec": {"f:maxReplicas": {}}}));
        assert_eq!(owners[1].fields.to_json(), json!({"f:spec": {"f:minReplicas": {}}}));
    }

    #[test]
    fn unreadable_entries_leave_the_owners_as_they_were() {
        let min = json!({"f:spec": {"f:minReplicas": {}}});
        let mut live = json!({"metadata": {}});
        set_owners(&mut live, vec![owner("git", Operation::Apply, &min)]);
        let bad = json!({"metadata": {"managedFields": [{"manager": "q", "operation": "Bad"}]}});
        assert_eq!(wanted_owners(&live, &bad).len(), 1);
        let emptied = json!({"metadata": {"managedFields": [{}]}});
        assert!(wanted_owners(&live, &emptied).is_empty());
        assert_eq!(wanted_owners(&live, &json!({"metadata": {}})).len(), 1);
    }

    #[test]
    fn appliers_come_first_then_by_time_and_name() {
        let min = json!({"f:spec": {"f:minReplicas": {}}});
        let mut object = json!({"metadata": {}});
        let update = owner("a", Operation::Update, &min);
        let apply = owner("z", Operation::Apply, &min);
        let joined = Owner { manager: "j".into(), time: None, ..apply.clone() };
        set_owners(&mut object, vec![update, apply, joined]);
        let names: Vec<_> = owners_of(&object).unwrap().into_iter().map(|o| o.manager).collect();
        assert_eq!(names, ["j", "z", "a"]);
    }
}
