//! The HPA as it stands: who set which of our keys, and what may be changed.

use super::{How, MANAGER, no};
use crate::{
    annotations::{Key, On},
    cli::{Exit, Failure, called, control, near},
    kubernetes::{self, Clients, TargetKind, Workload, held},
};
use chrono::TimeDelta;
use floorcast_models::target::Hold;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{Deployment, StatefulSet},
        autoscaling::v2::HorizontalPodAutoscaler,
    },
    apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry,
};
use kube::{
    Api, Client, Resource,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, fmt};

/// An HPA, its target's annotations, and who owns what.
pub(super) struct Object {
    client: Client,
    /// The HPA as the daemon reads it.
    pub workload: Workload,
    /// Its annotations.
    pub annotations: BTreeMap<String, String>,
    /// Those of its target; empty where it may not be read.
    pub target: BTreeMap<String, String>,
    managers: Vec<ManagedFieldsEntry>,
}

/// What is applied, and what is then said in all.
pub(super) struct Plan {
    /// The keys that are ours after it.
    pub ours: BTreeMap<Key, String>,
    /// Every key that stands on the HPA after it.
    pub all: BTreeMap<Key, String>,
    /// Nothing is to be changed: mode, and who set it.
    pub already: Option<(String, String)>,
}

/// Why nothing was sent.
pub(super) enum Refused {
    /// Others set some of the keys.
    Conflicts { hpa: String, keys: Vec<(Key, String, String)> },
    /// Nobody opted it in by an annotation.
    NotOptedIn { hpa: String },
    /// It is opted in on the target.
    OnTarget { hpa: String, target: String, mode: String },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflicts { hpa, keys } => {
                write!(f, "{hpa} has annotations that others set:")?;
                for (key, value, by) in keys {
                    write!(f, "\n  {}: {value}, set by {by}", key.annotation())?;
                }
                write!(
                    f,
                    "\nand a second writer would be undone or undo them; change them there (--print makes a patch for Git), or \
                     take them over with --force-conflicts"
                )
            }
            Self::NotOptedIn { hpa } => write!(
                f,
                "{hpa} is not opted in by an annotation; if a rule of the configuration does it, {} enable {hpa} --mode off \
                 stands against the rule",
                called()
            ),
            Self::OnTarget { hpa, target, mode } => write!(
                f,
                "{hpa} is opted in on its target {target}, mode {mode}; remove the annotation there, or let the HPA say \
                 otherwise: {} enable {hpa} --mode off",
                called()
            ),
        }
    }
}

impl Object {
    /// Reads it, or says which HPAs there are.
    pub(super) async fn find(
        clients: &Clients,
        namespace: &str,
        name: &str,
        stabilisation: TimeDelta,
    ) -> Result<Self, Failure> {
        let api: Api<HorizontalPodAutoscaler> = Api::namespaced(clients.write.clone(), namespace);
        let found = api.get_opt(name).await.map_err(|e| control::refused(&format!("HPA {namespace}/{name}"), &e))?;
        let Some(hpa) = found else { return Err(near::missing(&clients.write, namespace, name).await) };
        let workload = held::alone(&hpa, stabilisation)
            .map_err(|e| Failure::new(Exit::No, format!("HPA {namespace}/{name} cannot be read: {e}")))?;
        let target = target(&clients.write, &workload).await;
        Ok(Self {
            client: clients.write.clone(),
            workload,
            annotations: hpa.metadata.annotations.unwrap_or_default(),
            target,
            managers: hpa.metadata.managed_fields.unwrap_or_default(),
        })
    }

    /// `namespace/name`.
    pub(super) fn key(&self) -> String {
        self.workload.key()
    }

    /// What is applied for these wishes: with what we set before, without what others set so already.
    pub(super) fn opt_in(&self, mut wanted: BTreeMap<Key, String>, force: bool) -> Result<Plan, Failure> {
        if let Some(refusal) = self.workload.refusals.first() {
            return Err(Failure::new(Exit::No, format!("{} cannot be opted in: {refusal}", self.key())));
        }
        let mode = Key::Mode.annotation();
        if !self.annotations.contains_key(&mode) && !self.target.contains_key(&mode) {
            wanted.entry(Key::Mode).or_insert_with(|| "shadow".to_owned());
        }
        let mut plan = Plan { ours: BTreeMap::new(), all: BTreeMap::new(), already: None };
        let (mut conflicts, mut changed) = (Vec::new(), false);
        for key in Key::ALL {
            let (stands, wish) = (self.annotations.get(&key.annotation()), wanted.get(&key));
            let others = self.others(key);
            if let Some(value) = wish.or(stands) {
                plan.all.insert(key, value.clone());
            }
            let differs = wish.is_some() && wish != stands;
            changed |= differs;
            if differs && !others.is_empty() && !force {
                conflicts.push((key, stands.cloned().unwrap_or_default(), others.join(" and ")));
            }
            if let Some(value) = wish.filter(|_| differs).or_else(|| stands.filter(|_| self.is_ours(key))) {
                plan.ours.insert(key, value.clone());
            }
        }
        if !conflicts.is_empty() {
            return Err(no(&Refused::Conflicts { hpa: self.key(), keys: conflicts }));
        }
        if !changed {
            let on_hpa = self.annotations.get(&mode);
            let value = on_hpa.or_else(|| self.target.get(&mode)).cloned().unwrap_or_default();
            let by = if on_hpa.is_some() { self.owners_said(Key::Mode) } else { "its target's annotation".to_owned() };
            plan.already = Some((value, by));
        }
        Ok(plan)
    }

    /// What only the HPA itself can show: a base above its maximum, keys that its target says otherwise.
    pub(super) fn against(&self, all: &BTreeMap<Key, String>, notes: &mut Vec<String>) -> Result<(), Failure> {
        let max = self.workload.target.max;
        if let Some(base) = all.get(&Key::MinReplicas).and_then(|text| text.parse::<u32>().ok())
            && base > max.get()
        {
            return Err(Failure::misused(format!(
                "floorcast.io/min-replicas on the {}: {base} is above maxReplicas {max} (a floor can never exceed \
                 maxReplicas); lower it, or raise spec.maxReplicas",
                On::Hpa.as_str()
            )));
        }
        for (key, value) in all {
            if let Some(other) = self.target.get(&key.annotation()).filter(|other| *other != value) {
                notes.push(format!(
                    "{} says {}: {other}; the HPA's {value} wins",
                    self.workload.target_ref,
                    key.annotation()
                ));
            }
        }
        Ok(())
    }

    /// Server-side apply of exactly these keys as ours; gives the annotations that stand then. The uid keeps an HPA that
    /// was recreated meanwhile from being changed, and one that was deleted from being made anew.
    pub(super) async fn apply(
        &self,
        keys: &BTreeMap<Key, String>,
        how: &How,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let annotations: BTreeMap<String, &String> = keys.iter().map(|(k, v)| (k.annotation(), v)).collect();
        let body = json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {
                "name": self.workload.hpa,
                "namespace": self.workload.namespace,
                "uid": self.workload.target.uid,
                "annotations": annotations,
            },
        });
        let params = PatchParams {
            field_manager: Some(MANAGER.to_owned()),
            force: how.force_conflicts,
            dry_run: how.dry_run,
            ..PatchParams::default()
        };
        self.send(&params, &Patch::Apply(body)).await
    }

    async fn send(&self, params: &PatchParams, patch: &Patch<Value>) -> Result<BTreeMap<String, String>, Failure> {
        let api: Api<HorizontalPodAutoscaler> = Api::namespaced(self.client.clone(), &self.workload.namespace);
        let sent = api.patch(&self.workload.hpa, params, patch).await;
        sent.map(|hpa| hpa.metadata.annotations.unwrap_or_default()).map_err(|e| match &e {
            kube::Error::Api(status) if matches!(status.code, 409 | 422) => {
                Failure::new(Exit::No, format!("{} was not changed: {}", self.key(), kubernetes::chain(&e)))
            }
            _ => control::refused(&format!("HPA {}", self.key()), &e),
        })
    }

    /// Takes our keys back, and with `--force-conflicts` everybody's; gives the annotations that stand then.
    pub(super) async fn opt_out(&self, how: &How) -> Result<BTreeMap<String, String>, Failure> {
        let standing: Vec<Key> =
            Key::ALL.into_iter().filter(|key| self.annotations.contains_key(&key.annotation())).collect();
        let mode = Key::Mode.annotation();
        if standing.is_empty() {
            let hpa = self.key();
            return Err(no(&match self.target.get(&mode) {
                Some(said) => {
                    Refused::OnTarget { hpa, target: self.workload.target_ref.to_string(), mode: said.clone() }
                }
                None => Refused::NotOptedIn { hpa },
            }));
        }
        if how.force_conflicts {
            let nulls: serde_json::Map<String, Value> =
                standing.iter().map(|key| (key.annotation(), Value::Null)).collect();
            let params =
                PatchParams { field_manager: Some(MANAGER.to_owned()), dry_run: how.dry_run, ..PatchParams::default() };
            let body = json!({"metadata": {"uid": self.workload.target.uid, "annotations": nulls}});
            return self.send(&params, &Patch::Merge(body)).await;
        }
        if !standing.iter().any(|key| self.is_ours(*key)) {
            let value = |key: Key| self.annotations.get(&key.annotation()).cloned().unwrap_or_default();
            let keys = standing.iter().map(|key| (*key, value(*key), self.owners_said(*key))).collect();
            return Err(no(&Refused::Conflicts { hpa: self.key(), keys }));
        }
        self.apply(&BTreeMap::new(), how).await
    }

    /// What others set and therefore stays.
    pub(super) fn stays(&self, after: &BTreeMap<String, String>) -> Vec<String> {
        let line = |key: Key| {
            let value = after.get(&key.annotation())?;
            let by = self.others(key);
            let by = if by.is_empty() { "nobody known".to_owned() } else { by.join(" and ") };
            Some(format!("{}: {value} stays, set by {by}; --force-conflicts takes it away too", key.annotation()))
        };
        Key::ALL.into_iter().filter_map(line).collect()
    }

    /// What becomes of the floor.
    pub(super) fn handed_back(&self) -> String {
        match &self.workload.target.hold {
            Hold::Free => "no floor is held; nothing else changes".to_owned(),
            Hold::Held(held) => format!(
                "a running daemon lowers minReplicas from {} to your {} by the ramp; {} release {} -n {} does it at once",
                self.workload.target.min,
                held.base,
                called(),
                self.workload.hpa,
                self.workload.namespace
            ),
            _ => format!("its marks cannot be read; {} release {} takes them away", called(), self.key()),
        }
    }

    fn is_ours(&self, key: Key) -> bool {
        self.owners(key).any(ours)
    }

    fn others(&self, key: Key) -> Vec<String> {
        self.owners(key).filter(|entry| !ours(entry)).map(named).collect()
    }

    fn owners_said(&self, key: Key) -> String {
        let names: Vec<String> = self.owners(key).map(named).collect();
        if names.is_empty() { "nobody known".to_owned() } else { names.join(" and ") }
    }

    fn owners(&self, key: Key) -> impl Iterator<Item = &ManagedFieldsEntry> {
        // A JSON pointer writes the slash of the key as ~1.
        let path = format!("/f:metadata/f:annotations/f:{}", key.annotation().replace('/', "~1"));
        self.managers
            .iter()
            .filter(move |entry| entry.fields_v1.as_ref().is_some_and(|fields| fields.0.pointer(&path).is_some()))
    }
}

fn ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(MANAGER) && entry.operation.as_deref() == Some("Apply")
}

fn named(entry: &ManagedFieldsEntry) -> String {
    entry.manager.clone().unwrap_or_else(|| "a manager without a name".to_owned())
}

/// Annotations of the target; who may not read it opts in all the same.
async fn target(client: &Client, workload: &Workload) -> BTreeMap<String, String> {
    async fn read<K>(client: &Client, workload: &Workload) -> Result<BTreeMap<String, String>, kube::Error>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let api: Api<K> = Api::namespaced(client.clone(), &workload.namespace);
        let found = api.get_metadata_opt(&workload.target_ref.name).await?;
        Ok(found.and_then(|object| object.metadata.annotations).unwrap_or_default())
    }
    let read = match workload.target_ref.kind {
        TargetKind::Deployment => read::<Deployment>(client, workload).await,
        TargetKind::StatefulSet => read::<StatefulSet>(client, workload).await,
        TargetKind::Other(_) => return BTreeMap::new(),
    };
    read.unwrap_or_else(|e| {
        let why = kubernetes::chain(&e);
        eprintln!("warning: what {} itself says is not known: {why}", workload.target_ref);
        BTreeMap::new()
    })
}
