//! The kill switch, turned with the rights of whoever calls, and what is told after it.

use super::{Exit, Failure, Global, called, output};
use crate::{
    config::Config,
    kubernetes::{self, COMMAND_MANAGER, Clients, control::Control},
};
use floorcast_models::policy::Directive;
use k8s_openapi::api::{coordination::v1::Lease, core::v1::ConfigMap};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What `-o json` prints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Told {
    /// What was written, where.
    pub what: String,
    /// What follows from it.
    pub then: String,
    /// How to undo it.
    pub undo: String,
}

/// Prints what was done.
pub(super) fn answer(global: &Global, told: &Told) -> Result<Exit, Failure> {
    let text = |t: &Told| format!("{}\nthen: {}\nundo: {}\n", t.what, t.then, t.undo);
    output::print(&global.output, told, text)?;
    Ok(Exit::Done)
}

/// The switch of the cluster, or of the namespace that `-n` names.
pub(super) struct Switch<'a> {
    pub global: &'a Global,
    pub config: &'a Config,
    pub clients: &'a Clients,
    pub dry_run: bool,
}

impl Switch<'_> {
    /// Turns it, unless something stricter stands, and tells what follows.
    pub(super) async fn turn(&self, word: Directive) -> Result<Exit, Failure> {
        let own = self.global.own_namespace(self.config);
        let name = self.config.kubernetes.control.as_str();
        let maps: Api<ConfigMap> = Api::namespaced(self.clients.write.clone(), &own);
        let shown = format!("ConfigMap {own}/{name}");
        let map = maps.get(name).await.map_err(|e| missing(refused(&shown, &e)))?;
        let namespace = self.global.namespace.as_deref();
        let key = namespace.map_or_else(|| "cluster".to_owned(), |ns| format!("namespace.{ns}"));
        let data = map.data.unwrap_or_default();
        let before = data.get(&key);
        let stands = before.map_or("run", String::as_str);
        // Only `run` takes a stricter word back.
        if word != Directive::Run && directive(stands) > word {
            let said =
                format!("{shown}: {key} says {stands}, which is stricter than {}; nothing was changed", word.as_str());
            return Err(Failure::new(Exit::No, said));
        }
        if !self.dry_run {
            // A namespace that runs needs no key.
            let value = if word == Directive::Run && namespace.is_some() { Value::Null } else { json!(word.as_str()) };
            set(self.clients, &own, name, &key, &value).await?;
        }
        let would = if self.dry_run { "would be" } else { "is" };
        let undo = json!({"data": {(key.as_str()): before}});
        let told = Told {
            what: format!("{shown}: {key} {would} {} (was {stands})", word.as_str()),
            then: self.follows(word, namespace, &data, &own).await,
            undo: format!("kubectl patch configmap -n {own} {name} --type merge -p '{undo}'"),
        };
        answer(self.global, &told)
    }

    /// Who carries the switch out, and how.
    async fn follows(
        &self,
        word: Directive,
        namespace: Option<&str>,
        data: &BTreeMap<String, String>,
        own: &str,
    ) -> String {
        if word == Directive::Run {
            return still(namespace, data).unwrap_or_else(|| "floors are raised and lowered again".to_owned());
        }
        let leases: Api<Lease> = Api::namespaced(self.clients.watch.clone(), own);
        let lease = leases.get_opt(&self.config.kubernetes.lease).await.ok().flatten();
        let holder = lease.and_then(|l| l.spec).and_then(|s| s.holder_identity).filter(|h| !h.is_empty());
        match (holder, word) {
            (Some(holder), Directive::Drain) => {
                format!("{holder} lowers every floor by the ramp, and raises nothing while the switch says so")
            }
            (Some(holder), _) => format!("{holder} writes nothing while the switch says so: floors stay as they stand"),
            (None, Directive::Drain) => format!(
                "nobody holds the Lease, so no daemon carries it out: floors stand until their `until`, then the janitor \
                 lowers them; {} release --all hands them back now",
                called()
            ),
            (None, _) => "nobody holds the Lease: no daemon is running that could write".to_owned(),
        }
    }
}

/// Writes one key of the switch; null takes it away.
pub(super) async fn set(clients: &Clients, own: &str, name: &str, key: &str, value: &Value) -> Result<(), Failure> {
    let maps: Api<ConfigMap> = Api::namespaced(clients.write.clone(), own);
    let params = PatchParams { field_manager: Some(COMMAND_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(json!({"data": {(key): value}}));
    maps.patch(name, &params, &patch).await.map(drop).map_err(|e| refused(&format!("ConfigMap {own}/{name}"), &e))
}

/// What stands against a namespace, or against single ones, although their own word is `run` again.
fn still(namespace: Option<&str>, data: &BTreeMap<String, String>) -> Option<String> {
    if namespace.is_some() {
        let cluster = data.get("cluster").filter(|word| directive(word) != Directive::Run)?;
        return Some(format!("the cluster's word still counts: {cluster}; resume --all without -n takes it back"));
    }
    let stopped = data.iter().filter(|(key, word)| key.starts_with("namespace.") && directive(word) != Directive::Run);
    let stopped: Vec<String> =
        stopped.map(|(key, word)| format!("{} {word}", key.trim_start_matches("namespace."))).collect();
    (!stopped.is_empty())
        .then(|| format!("floors are raised and lowered again, but in these namespaces: {}", stopped.join(", ")))
}

/// What the switch says of a namespace beside its own word, if it can be read; for a note.
pub(super) async fn stopped(global: &Global, config: &Config, clients: &Clients, namespace: &str) -> Option<String> {
    let own = global.own_namespace(config);
    let maps: Api<ConfigMap> = Api::namespaced(clients.watch.clone(), &own);
    let map = maps.get_opt(&config.kubernetes.control).await.ok().flatten()?;
    let word = Control::parse(&map.data.unwrap_or_default()).directive(namespace);
    (word != Directive::Run).then(|| format!("the kill switch says {} for {namespace}", word.as_str()))
}

/// A word of the switch as the daemon takes it.
fn directive(word: &str) -> Directive {
    Control::parse(&BTreeMap::from([("cluster".to_owned(), word.to_owned())])).directive("")
}

fn missing(mut failure: Failure) -> Failure {
    let remedy = "; it is in deploy/manifests/control.yaml; --floorcast-namespace says where floorcast runs";
    failure.message.push_str(remedy);
    failure
}

/// Why an object of ours could not be changed.
pub(super) fn refused(what: &str, error: &kube::Error) -> Failure {
    let why = kubernetes::chain(error);
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            Failure::new(Exit::No, format!("{what} may not be changed by this account: {why}"))
        }
        kube::Error::Api(status) if status.code == 404 => {
            Failure::new(Exit::No, format!("{what} does not exist: {why}"))
        }
        _ => Failure::unreachable(format!("{what}: {why}")),
    }
}
