//! The server's answers to one request after the other: everything but watches, without I/O.

use super::apply::{Applier, apply};
use super::audit::{Audit, Entry};
use super::compare::changes;
use super::faults::Faults;
use super::kind::Kind;
use super::ownership::{Operation, Owner, book_update, owners_of, set_owners, wanted_owners};
use super::patch::{PatchType, json_patched, merge_patched};
use super::refusal::{Cause, Refusal};
use super::request::{Request, Verb};
use super::selector::Selector;
use super::store::{Key, Store};
use super::validate::{check, wrong_type};
use super::{defaults, fields::FieldSet, page, scale};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use std::sync::Arc;

/// Code and body of an answer that says yes.
pub type Answer = (u16, Value);

/// All that the server knows.
#[derive(Debug)]
pub struct State {
    /// The objects.
    pub store: Store,
    /// What goes wrong.
    pub faults: Faults,
    /// What was asked.
    pub audit: Audit,
    /// How often watches were closed on demand.
    pub watch_closings: u64,
}

impl State {
    /// An empty server.
    pub fn new(seed: u64) -> Self {
        Self { store: Store::new(seed), faults: Faults::new(seed), audit: Audit::default(), watch_closings: 0 }
    }

    /// Answers a request, and writes it into the audit log where it could change something.
    ///
    /// # Errors
    /// The server's refusal.
    pub fn answer(&mut self, request: &Request, now: DateTime<Utc>) -> Result<Answer, Refusal> {
        self.audit.counted(request);
        if !request.verb.mutates() {
            return self.read(request);
        }
        let key = key_of(request);
        let before = self.store.get(&key).cloned();
        let answer = self.act(request, now);
        let after = match &answer {
            Ok((201, body)) if key.2.is_empty() => body
                .pointer("/metadata/name")
                .and_then(Value::as_str)
                .and_then(|name| self.store.get(&(key.0, key.1, name.to_owned()))),
            _ => self.store.get(&key),
        };
        self.audit.record(Entry {
            at: now,
            request: request.clone(),
            code: answer.as_ref().map_or_else(|r| r.code, |(code, _)| *code),
            before,
            after: after.cloned(),
        });
        answer
    }

    fn read(&self, request: &Request) -> Result<Answer, Refusal> {
        if request.name.is_empty() {
            return self.list(request);
        }
        let object = self.there(request)?;
        if request.subresource == "scale" {
            return Ok((200, scale::of(object)));
        }
        Ok((200, (**object).clone()))
    }

    fn there(&self, request: &Request) -> Result<&Arc<Value>, Refusal> {
        self.store.get(&key_of(request)).ok_or_else(|| Refusal::not_found(request.kind, &request.name))
    }

    fn list(&self, request: &Request) -> Result<Answer, Refusal> {
        let selector = Selector::parse(request.param("labelSelector"), request.param("fieldSelector"))?;
        let start = page::start(request.param("continue"))?;
        if let Some(start) = &start {
            self.store.kept(start.version).map_err(|_| page::expired())?;
        }
        let version = start.as_ref().map_or(self.store.version(), |s| s.version);
        let matching: Vec<_> = self
            .store
            .list(request.kind, &request.namespace)
            .filter(|(key, object)| start.as_ref().is_none_or(|s| s.is_before(key)) && selector.wants(object))
            .collect();
        Ok((200, page::of(request.kind, &matching, request.param("limit"), version)))
    }

    /// Carries out a request that changes something, without writing it down.
    pub(super) fn act(&mut self, request: &Request, now: DateTime<Utc>) -> Result<Answer, Refusal> {
        if request.subresource == "scale" {
            return self.write_scale(request, now);
        }
        match request.verb {
            Verb::Create => self.create(request, now),
            Verb::Update => self.update(request, now),
            Verb::Delete => self.delete(request, now),
            _ => self.patch(request, now),
        }
    }

    fn create(&mut self, request: &Request, now: DateTime<Utc>) -> Result<Answer, Refusal> {
        if request.kind == Kind::AccessReview {
            return Ok((201, self.review(request, now)));
        }
        let mut object = body_object(request)?;
        if object.pointer("/metadata/name").is_none() {
            let prefix = object.pointer("/metadata/generateName").cloned();
            let prefix = prefix.as_ref().and_then(Value::as_str).unwrap_or_default();
            object["metadata"]["name"] = json!(format!("{prefix}{}", self.store.suffix()));
        }
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let key = (request.kind, request.namespace.clone(), name);
        if self.store.get(&key).is_some() {
            return Err(Refusal::already_exists(request.kind, &key.2));
        }
        let stored = self.insert(request, &key, object, now)?;
        Ok((201, (*stored).clone()))
    }

    /// Books the owner, checks, and stores a new object.
    fn insert(
        &mut self,
        request: &Request,
        key: &Key,
        mut object: Value,
        now: DateTime<Utc>,
    ) -> Result<Arc<Value>, Refusal> {
        self.namespace_is_there(&key.1)?;
        let empty = json!({"metadata": {}});
        settle_metadata(key, None, &mut object);
        defaults::fill(key.0, &mut object);
        if owners_of(&object).is_none_or(|o| o.is_empty()) {
            let mut owners = Vec::new();
            book_update(&mut owners, writer(request, now), &reset(key.0, "", &changes(&empty, &object)));
            book(key.0, &mut object, owners);
        }
        check(key.0, &key.2, None, &object)?;
        Ok(self.store.create(key, object, now))
    }

    fn namespace_is_there(&self, namespace: &str) -> Result<(), Refusal> {
        let key = (Kind::Namespace, String::new(), namespace.to_owned());
        let known =
            namespace.is_empty() || matches!(namespace, "default" | "kube-system") || self.store.get(&key).is_some();
        if known { Ok(()) } else { Err(Refusal::not_found(Kind::Namespace, namespace)) }
    }

    fn update(&mut self, request: &Request, now: DateTime<Utc>) -> Result<Answer, Refusal> {
        let key = key_of(request);
        let object = body_object(request)?;
        let Some(live) = self.store.get(&key).cloned() else {
            if request.kind.created_by_update() {
                let stored = self.insert(request, &key, object, now)?;
                return Ok((201, (*stored).clone()));
            }
            return Err(Refusal::not_found(request.kind, &request.name));
        };
        let stored = self.put(request, &key, &live, object, now)?;
        Ok((200, (*stored).clone()))
    }

    /// Stores the next state of an object written by anything but apply.
    fn put(
        &mut self,
        request: &Request,
        key: &Key,
        live: &Arc<Value>,
        mut object: Value,
        now: DateTime<Utc>,
    ) -> Result<Arc<Value>, Refusal> {
        fresh(key, live, &object)?;
        settle_metadata(key, Some(live), &mut object);
        keep_other_half(request, live, &mut object);
        defaults::fill(key.0, &mut object);
        let mut owners = wanted_owners(live, &object);
        if !owners.is_empty() {
            let changed = reset(key.0, &request.subresource, &changes(live, &object));
            book_update(&mut owners, writer(request, now), &changed);
        }
        book(key.0, &mut object, owners);
        self.finish(key, live, object, now)
    }

    /// Checks and stores the next state; stores nothing where it is the same.
    fn finish(
        &mut self,
        key: &Key,
        live: &Arc<Value>,
        mut object: Value,
        now: DateTime<Utc>,
    ) -> Result<Arc<Value>, Refusal> {
        check(key.0, &key.2, Some(live), &object)?;
        object["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        if object == **live {
            return Ok(live.clone());
        }
        if key.0.has_generation() && spec_changed(live, &object) {
            let generation = live["metadata"]["generation"].as_i64().unwrap_or(0);
            object["metadata"]["generation"] = json!(generation + 1);
        }
        Ok(self.store.replace(key, object, now))
    }

    fn patch(&mut self, request: &Request, now: DateTime<Utc>) -> Result<Answer, Refusal> {
        let patch = PatchType::of(&request.content_type)?;
        if patch == PatchType::Apply {
            return self.apply(request, now);
        }
        let key = key_of(request);
        let live = self.there(request)?.clone();
        let patched = match patch {
            PatchType::Json => json_patched(&live, &request.body)?,
            PatchType::Merge | PatchType::Apply => merge_patched(&live, &request.body),
        };
        if let Some((field, found)) = wrong_type(request.kind, &patched) {
            let why = format!("json: cannot unmarshal {found} into Go struct field {field}");
            return Err(Refusal::invalid(request.kind, &request.name, &[Cause::invalid("patch", "\"\"", &why)]));
        }
        let stored = self.put(request, &key, &live, patched, now)?;
        Ok((200, (*stored).clone()))
    }

    fn apply(&mut self, request: &Request, now: DateTime<Utc>) -> Result<Answer, Refusal> {
        let config = applicable(request)?;
        let key = key_of(request);
        let live = self.store.get(&key).cloned();
        if let (None, Some(uid)) = (&live, config.pointer("/metadata/uid").and_then(Value::as_str)) {
            return Err(Refusal::uid_of_nothing(request.kind, &request.name, uid));
        }
        let who = Applier {
            manager: request.param("fieldManager"),
            api_version: request.kind.api_version(),
            subresource: &request.subresource,
            force: request.flag("force"),
            now,
        };
        let mut object = apply(live.as_deref(), &config, &who, |o| {
            defaults::fill(request.kind, o);
        })?;
        let Some(live) = live else {
            let stored = self.insert(request, &key, object, now)?;
            return Ok((201, (*stored).clone()));
        };
        fresh(&key, &live, &object)?;
        settle_metadata(&key, Some(&live), &mut object);
        keep_other_half(request, &live, &mut object);
        let stored = self.finish(&key, &live, object, now)?;
        Ok((200, (*stored).clone()))
    }

    fn delete(&mut self, request: &Request, now: DateTime<Utc>) -> Result<Answer, Refusal> {
        let live = self.there(request)?;
        preconditions(request, live)?;
        let uid = live["metadata"]["uid"].clone();
        self.store.delete(&key_of(request), now);
        let mut details = json!({"name": request.name, "kind": request.kind.plural(), "uid": uid});
        if !request.kind.group().is_empty() {
            details["group"] = json!(request.kind.group());
        }
        let body =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details});
        Ok((200, body))
    }

    fn write_scale(&mut self, request: &Request, now: DateTime<Utc>) -> Result<Answer, Refusal> {
        let key = key_of(request);
        let live = self.there(request)?.clone();
        let object = scale::written(request, &live)?;
        let stored = self.put(request, &key, &live, object, now)?;
        Ok((200, scale::of(&stored)))
    }

    fn review(&self, request: &Request, now: DateTime<Utc>) -> Value {
        let asked = |name: &str| {
            let at = format!("/spec/resourceAttributes/{name}");
            let text = request.body.pointer(&at).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let kind = Kind::ALL.into_iter().find(|k| k.group() == asked("group") && k.plural() == asked("resource"));
        let verbs = [Verb::Get, Verb::List, Verb::Watch, Verb::Create, Verb::Update, Verb::Patch, Verb::Delete];
        let verb = verbs.into_iter().find(|v| v.as_str() == asked("verb"));
        let allowed = match (kind, verb) {
            (Some(kind), Some(verb)) => {
                let would = Request { kind, verb, namespace: asked("namespace"), ..request.clone() };
                !self.faults.forbids(&would, now)
            }
            _ => true,
        };
        let mut review = request.body.clone();
        review["status"] = json!({"allowed": allowed});
        review
    }
}

fn key_of(request: &Request) -> Key {
    (request.kind, request.namespace.clone(), request.name.clone())
}

fn writer(request: &Request, now: DateTime<Utc>) -> Owner {
    Owner {
        manager: request.manager().to_owned(),
        operation: Operation::Update,
        api_version: request.kind.api_version().to_owned(),
        subresource: request.subresource.clone(),
        time: Some(now),
        fields: FieldSet::default(),
    }
}

fn book(kind: Kind, object: &mut Value, owners: Vec<Owner>) {
    let owners = if kind.tracks_fields() { owners } else { Vec::new() };
    set_owners(object, owners);
}

/// Nobody owns through one endpoint what only the other can write.
fn reset(kind: Kind, subresource: &str, changed: &super::compare::Changes) -> super::compare::Changes {
    let other = match subresource {
        "status" => "spec",
        _ if kind.has_status() => "status",
        _ => return changed.clone(),
    };
    let keep = |path: &super::fields::Path| path.first() != Some(&super::fields::Step::field(other));
    super::compare::Changes { set: changed.set.filter(keep), removed: changed.removed.filter(keep) }
}

fn spec_changed(old: &Value, new: &Value) -> bool {
    let annotations = "/metadata/annotations";
    old.get("spec") != new.get("spec") || old.pointer(annotations) != new.pointer(annotations)
}

/// The body as an object of the request's kind.
fn body_object(request: &Request) -> Result<Value, Refusal> {
    let body = &request.body;
    let kind = request.kind;
    let said = |key: &str| body.get(key).and_then(Value::as_str);
    if !body.is_object()
        || said("kind").is_some_and(|k| k != kind.as_str())
        || said("apiVersion").is_some_and(|v| v != kind.api_version())
    {
        return Err(Refusal::bad_request(format!(
            "the object provided is unrecognized (must be of type {})",
            kind.as_str()
        )));
    }
    if let Some((field, found)) = wrong_type(kind, body) {
        return Err(Refusal::bad_request(format!(
            "{} in version \"{}\" cannot be handled as a {}: json: cannot unmarshal {found} into Go struct field {field}",
            kind.as_str(),
            kind.api_version(),
            kind.as_str()
        )));
    }
    named_as_in_path(request, body)?;
    let mut object = body.clone();
    object["apiVersion"] = json!(kind.api_version());
    object["kind"] = json!(kind.as_str());
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    Ok(object)
}

fn named_as_in_path(request: &Request, body: &Value) -> Result<(), Refusal> {
    let said = body.pointer("/metadata/name").and_then(Value::as_str);
    match said {
        Some(name) if !request.name.is_empty() && name != request.name => Err(Refusal::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            request.name
        ))),
        _ => Ok(()),
    }
}

/// The body of an apply, which may be partial.
fn applicable(request: &Request) -> Result<Value, Refusal> {
    if request.param("fieldManager").is_empty() {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        return Err(Refusal::invalid_options(&cause));
    }
    if let Some((field, found)) = wrong_type(request.kind, &request.body) {
        return Err(Refusal::internal(format!(
            "failed to create typed patch object (/{}; {}, Kind={}): {}: expected numeric (int or float), got {found}",
            request.name,
            request.kind.api_version(),
            request.kind.as_str(),
            field.replace('/', ".")
        )));
    }
    let has_owners = request.body.pointer("/metadata/managedFields");
    if has_owners.is_some_and(|m| m.as_array().is_some_and(|a| !a.is_empty())) {
        return Err(Refusal::bad_request("metadata.managedFields must be nil"));
    }
    let mut config = body_object(request)?;
    config["metadata"]["name"] = json!(request.name);
    if request.kind.namespaced() {
        config["metadata"]["namespace"] = json!(request.namespace);
    }
    Ok(config)
}

/// 409 where the body names a version that is not the newest.
fn fresh(key: &Key, live: &Value, object: &Value) -> Result<(), Refusal> {
    let said = object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
    let is = live["metadata"]["resourceVersion"].as_str();
    match said {
        None | Some("") => Ok(()),
        said if said == is => Ok(()),
        Some(_) => Err(Refusal::modified(key.0, &key.2)),
    }
}

/// Puts back what a writer cannot choose. A uid that he names stays, for [`check`] to refuse where it is another.
fn settle_metadata(key: &Key, live: Option<&Arc<Value>>, object: &mut Value) {
    object["metadata"]["name"] = json!(key.2);
    if key.0.namespaced() {
        object["metadata"]["namespace"] = json!(key.1);
    }
    for field in ["creationTimestamp", "generation", "resourceVersion"] {
        let value = live.and_then(|l| l["metadata"].get(field)).cloned();
        set_or_remove(&mut object["metadata"], field, value);
    }
    let named = object.pointer("/metadata/uid").and_then(Value::as_str);
    if live.is_none() || named.is_none_or(str::is_empty) {
        let uid = live.and_then(|l| l["metadata"].get("uid")).cloned();
        set_or_remove(&mut object["metadata"], "uid", uid);
    }
}

fn set_or_remove(map: &mut Value, field: &str, value: Option<Value>) {
    let Some(map) = map.as_object_mut() else {
        return;
    };
    match value {
        Some(value) => map.insert(field.to_owned(), value),
        None => map.remove(field),
    };
}

/// `/status` writes only the status, everything else only the rest.
fn keep_other_half(request: &Request, live: &Value, object: &mut Value) {
    if !request.kind.has_status() || request.subresource == "scale" {
        return;
    }
    let half = if request.subresource == "status" { "spec" } else { "status" };
    set_or_remove(object, half, live.get(half).cloned());
}

fn preconditions(request: &Request, live: &Value) -> Result<(), Refusal> {
    let said = |field: &str| {
        let at = format!("/preconditions/{field}");
        request.body.pointer(&at).and_then(Value::as_str)
    };
    let is = |field: &str| live["metadata"][field].as_str().unwrap_or_default();
    if let Some(uid) = said("uid").filter(|uid| *uid != is("uid")) {
        let why = format!(
            "the UID in the precondition ({uid}) does not match the UID in record ({}). The object might have been deleted and then recreated",
            is("uid")
        );
        return Err(Refusal::precondition(request.kind, &request.name, &why));
    }
    if let Some(version) = said("resourceVersion").filter(|v| *v != is("resourceVersion")) {
        let why = format!(
            "the ResourceVersion in the precondition ({version}) does not match the ResourceVersion in record ({}). The object might have been modified",
            is("resourceVersion")
        );
        return Err(Refusal::precondition(request.kind, &request.name, &why));
    }
    Ok(())
}
