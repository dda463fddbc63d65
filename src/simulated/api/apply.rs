//! Server-side apply: merge, conflicts, shared ownership, and what an applier no longer names.

use super::compare::{changes, fields_of, merged, remove};
use super::fields::{FieldSet, dotted};
use super::ownership::{Operation, Owner, owners_of, set_owners};
use super::refusal::{Cause, Refusal};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Who applies, and how.
#[derive(Clone, Debug)]
pub struct Applier<'a> {
    /// `fieldManager`.
    pub manager: &'a str,
    /// `apiVersion` of the body.
    pub api_version: &'a str,
    /// Subresource, or empty.
    pub subresource: &'a str,
    /// `force=true`.
    pub force: bool,
    /// Now.
    pub now: DateTime<Utc>,
}

/// Applies `config` to `live` (`None`: nothing there yet). `defaulted` fills in the API's defaults.
///
/// # Errors
/// 409 naming every other owner of a field that would change, unless forced.
pub fn apply(
    live: Option<&Value>,
    config: &Value,
    who: &Applier,
    defaulted: impl Fn(&mut Value),
) -> Result<Value, Refusal> {
    let empty = bare(config);
    let before = live.unwrap_or(&empty);
    let mut owners = first_owners(live, who);
    let last = take_own(&mut owners, who);
    let named = without_identity(config);
    let asked = fields_of(&named);

    let mut after = merged(before, &named);
    prune(&mut after, &last, &asked, &owners);
    defaulted(&mut after);

    let change = changes(before, &after);
    let conflicts = conflicts(&owners, &change.set.intersection(&asked));
    if !conflicts.is_empty() && !who.force {
        return Err(Refusal::owned_by_others(&conflicts));
    }
    let lost = change.set.intersection(&asked).union(&change.removed);
    for owner in &mut owners {
        owner.fields = owner.fields.difference(&lost);
    }
    let time = if change.is_empty() { last.time } else { Some(who.now) };
    owners.push(Owner { fields: asked, time, api_version: who.api_version.to_owned(), ..last });
    set_owners(&mut after, owners);
    Ok(after)
}

/// The identity of an object that is created by this apply.
fn bare(config: &Value) -> Value {
    let mut bare = serde_json::json!({"metadata": {}});
    for key in ["apiVersion", "kind"] {
        if let Some(value) = config.get(key) {
            bare[key] = value.clone();
        }
    }
    for key in ["name", "namespace"] {
        if let Some(value) = config.pointer(&format!("/metadata/{key}")) {
            bare["metadata"][key] = value.clone();
        }
    }
    bare
}

/// `config` without what says which object it is, and without managedFields.
fn without_identity(config: &Value) -> Value {
    let mut named = config.clone();
    if let Some(metadata) = named.get_mut("metadata").and_then(Value::as_object_mut) {
        for key in ["managedFields", "creationTimestamp", "generation", "selfLink"] {
            metadata.remove(key);
        }
    }
    named
}

/// The owners so far. What stands on an object that nobody owns belongs, at the first apply, to `before-first-apply`.
fn first_owners(live: Option<&Value>, who: &Applier) -> Vec<Owner> {
    let Some(live) = live else { return Vec::new() };
    let owners = owners_of(live).unwrap_or_default();
    if !owners.is_empty() {
        return owners;
    }
    let nothing = serde_json::json!({"metadata": {}});
    let standing = changes(&nothing, live).set;
    vec![Owner {
        manager: "before-first-apply".to_owned(),
        operation: Operation::Update,
        api_version: who.api_version.to_owned(),
        subresource: String::new(),
        time: Some(who.now),
        fields: standing.filter(|p| p.first() != Some(&super::fields::Step::field("status"))),
    }]
}

/// Takes the applier's own entry out of the list; a new one where it has none.
fn take_own(owners: &mut Vec<Owner>, who: &Applier) -> Owner {
    let fresh = Owner {
        manager: who.manager.to_owned(),
        operation: Operation::Apply,
        api_version: who.api_version.to_owned(),
        subresource: who.subresource.to_owned(),
        time: None,
        fields: FieldSet::default(),
    };
    match owners.iter().position(|o| o.same_as(&fresh)) {
        Some(i) => owners.remove(i),
        None => fresh,
    }
}

/// Takes out what the applier owned, no longer names, and nobody else owns.
fn prune(after: &mut Value, last: &Owner, asked: &FieldSet, others: &[Owner]) {
    let kept = |path: &Vec<_>| {
        asked.contains(path)
            || asked.reaches_below(path)
            || others.iter().any(|o| o.fields.contains(path) || o.fields.reaches_below(path))
    };
    let mut dropped: Vec<_> = last.fields.paths().filter(|p| !kept(p)).collect();
    // Deepest first: a container goes only after what is in it.
    dropped.sort_by_key(|p| std::cmp::Reverse(p.len()));
    for path in dropped {
        remove(after, path);
    }
}

fn conflicts(owners: &[Owner], wanted: &FieldSet) -> Vec<Cause> {
    let mut named: Vec<(String, FieldSet)> = owners
        .iter()
        .map(|o| (o.named(), o.fields.intersection(wanted)))
        .filter(|(_, fields)| !fields.is_empty())
        .collect();
    named.sort_by(|a, b| a.0.cmp(&b.0));
    named
        .into_iter()
        .flat_map(|(who, fields)| {
            let paths: Vec<_> = fields.paths().map(|p| dotted(p)).collect();
            paths.into_iter().map(move |field| Cause { reason: "FieldManagerConflict", field, message: who.clone() })
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn who(manager: &str, force: bool) -> Applier<'_> {
        Applier {
            manager,
            api_version: "autoscaling/v2",
            subresource: "",
            force,
            now: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        }
    }

    fn min_defaults_to_one(object: &mut Value) {
        if object.pointer("/spec/minReplicas").is_none() {
            object["spec"]["minReplicas"] = json!(1);
        }
    }

    fn put(live: Option<&Value>, manager: &str, force: bool, spec: &Value) -> Result<Value, Refusal> {
        let config = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "web"}, "spec": spec});
        apply(live, &config, &who(manager, force), min_defaults_to_one)
    }

    fn owned(object: &Value, manager: &str) -> Option<Value> {
        let owners = owners_of(object).unwrap();
        owners.iter().find(|o| o.manager == manager).map(|o| o.fields.to_json())
    }

    #[test]
    fn another_value_of_an_owned_field_is_a_conflict_that_names_the_owner() {
        let git = put(None, "git", false, &json!({"minReplicas": 2})).unwrap();
        let refused = put(Some(&git), "floorcast", false, &json!({"minReplicas": 5})).unwrap_err();
        assert_eq!(refused.code, 409);
        assert_eq!(refused.body["message"], "Apply failed with 1 conflict: conflict with \"git\": .spec.minReplicas");
    }

    #[test]
    fn force_moves_the_field() {
        let git = put(None, "git", false, &json!({"minReplicas": 2, "maxReplicas": 9})).unwrap();
        let ours = put(Some(&git), "floorcast", true, &json!({"minReplicas": 5})).unwrap();
        assert_eq!(ours["spec"]["minReplicas"], 5);
        assert_eq!(owned(&ours, "git").unwrap(), json!({"f:spec": {"f:maxReplicas": {}}}));
        assert_eq!(owned(&ours, "floorcast").unwrap(), json!({"f:spec": {"f:minReplicas": {}}}));
    }

    #[test]
    fn the_same_value_is_shared_and_joining_bears_no_time() {
        let git = put(None, "git", false, &json!({"minReplicas": 2})).unwrap();
        let both = put(Some(&git), "argo", false, &json!({"minReplicas": 2})).unwrap();
        assert_eq!(owned(&both, "git"), owned(&both, "argo"));
        let argo = owners_of(&both).unwrap();
        let argo = argo.iter().find(|o| o.manager == "argo").unwrap();
        assert_eq!(argo.time, None);
    }

    #[test]
    fn a_field_that_its_only_owner_drops_falls_to_its_default() {
        let git = put(None, "git", false, &json!({"minReplicas": 4, "maxReplicas": 9})).unwrap();
        let less = put(Some(&git), "git", false, &json!({"maxReplicas": 9})).unwrap();
        assert_eq!(less["spec"]["minReplicas"], 1);
        assert_eq!(owned(&less, "git").unwrap(), json!({"f:spec": {"f:maxReplicas": {}}}));
    }

    #[test]
    fn a_field_that_another_shares_stays() {
        let git = put(None, "git", false, &json!({"minReplicas": 4})).unwrap();
        let both = put(Some(&git), "argo", false, &json!({"minReplicas": 4})).unwrap();
        let argo = put(Some(&both), "git", false, &json!({})).unwrap();
        assert_eq!(argo["spec"]["minReplicas"], 4);
    }

    #[test]
    fn what_nobody_owned_belongs_to_before_first_apply() {
        let live = json!({"metadata": {"name": "web"}, "spec": {"minReplicas": 3}});
        let refused = put(Some(&live), "floorcast", false, &json!({"minReplicas": 4})).unwrap_err();
        assert!(refused.body["message"].as_str().unwrap().contains("\"before-first-apply\" using autoscaling/v2"));
        let same = put(Some(&live), "floorcast", false, &json!({"minReplicas": 3})).unwrap();
        assert_eq!(owned(&same, "before-first-apply"), owned(&same, "floorcast"));
    }
}
