//! What people and their tools do to the objects.

use super::facts;
use super::ledger::Watched;
use super::trouble::{Kind as Kind_, Trouble};
use super::world::{World, key};
use chrono::{DateTime, Utc};
use floorcast::simulated::api::kind::Kind;
use floorcast::simulated::api::refusal::Refusal;
use floorcast::simulated::api::request::{Request, Verb};
use floorcast::simulated::cluster::Deployed;
use floorcast::simulated::replay::NAMESPACE;
use serde_json::{Value, json};

impl World {
    /// The kill switch as the troubles of now want it; the API takes one word.
    pub(super) fn switch(&mut self, now: DateTime<Utc>) {
        let on = |kind| self.seed.troubles.iter().any(|t| t.kind == kind && t.is_on(now));
        let word = match () {
            () if on(Kind_::Released) => "release",
            () if on(Kind_::Drained) => "drain",
            () if on(Kind_::Frozen) => "freeze",
            () => "run",
        };
        if self.checker.switch.0 != word {
            self.checker.switch = (word, now);
        }
        let control = (Kind::ConfigMap, NAMESPACE, floorcast::kubernetes::CONTROL);
        self.server.merge("kubectl", control, "", json!({"data": {"cluster": word}})).unwrap();
    }

    pub(super) fn hpa(&self, workload: &Deployed) -> Value {
        let object = self.server.get(Kind::Hpa, &workload.namespace, &workload.name);
        (*object.unwrap()).clone()
    }

    pub(super) fn merge(
        &mut self,
        workload: &Deployed,
        who: &str,
        patch: Value,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        let at = (Kind::Hpa, workload.namespace.as_str(), workload.name.as_str());
        self.server.merge(who, at, "", patch)?;
        self.watched(workload).touched = now;
        Ok(())
    }

    pub(super) fn watched(&mut self, workload: &Deployed) -> &mut Watched {
        self.checker.hpas.get_mut(&key(workload)).unwrap()
    }

    pub(super) fn annotate(&mut self, workload: &Deployed, key: &str, value: Value, now: DateTime<Utc>) {
        let patch = json!({"metadata": {"annotations": {(format!("floorcast.io/{key}")): value}}});
        self.merge(workload, "kubectl", patch, now).unwrap();
    }

    /// On-call's edit: never a value of ours, which would be nobody's opinion.
    pub(super) fn edit_min(&mut self, trouble: &Trouble, workload: &Deployed, now: DateTime<Utc>) -> bool {
        let object = self.hpa(workload);
        let (found, max) = (facts::min(&object), facts::max(&object));
        let watched = self.watched(workload);
        let free = |value: &u32| !watched.is_ours(*value) && *value != watched.intended && *value != found;
        let value = match trouble.kind {
            Kind_::MinLowered => (1..watched.intended.max(found)).rev().find(free),
            _ => (watched.intended + 1..max).find(free),
        };
        let Some(value) = value else { return false };
        self.merge(workload, "kubectl", json!({"spec": {"minReplicas": value}}), now).unwrap();
        self.watched(workload).intended = value;
        true
    }

    /// Below the floor it is refused; at the floor it takes the headroom away.
    pub(super) fn lower_max(&mut self, workload: &Deployed, now: DateTime<Utc>) {
        let found = facts::min(&self.hpa(workload));
        if found > 1 {
            let refused = self.merge(workload, "kubectl", json!({"spec": {"maxReplicas": found - 1}}), now);
            assert_eq!(refused.unwrap_err().code, 422);
        }
        let intended = self.watched(workload).intended;
        let max = if found > intended { found } else { intended + 3 };
        self.merge(workload, "kubectl", json!({"spec": {"maxReplicas": max}}), now).unwrap();
    }

    pub(super) fn recreate(&mut self, workload: &Deployed, now: DateTime<Utc>) {
        let object = self.hpa(workload);
        let annotations: serde_json::Map<String, Value> =
            workload.annotations.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let mut spec = object["spec"].clone();
        spec["minReplicas"] = json!(self.watched(workload).intended);
        self.server.delete(Kind::Hpa, &workload.namespace, &workload.name).unwrap();
        let metadata = json!({"name": workload.name, "namespace": workload.namespace, "annotations": annotations});
        let fresh = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec});
        self.server.create("kubectl", fresh).unwrap();
        let watched = self.watched(workload);
        *watched = Watched::new(watched.intended, now);
    }

    /// A tool that sets the base back whenever it sees something else.
    pub(super) fn revert(&mut self, workload: &Deployed, now: DateTime<Utc>) {
        let object = self.hpa(workload);
        let intended = facts::number(&object, "min-replicas").unwrap_or(self.watched(workload).intended);
        if facts::min(&object) != intended && intended <= facts::max(&object) {
            self.merge(workload, "argocd-controller", json!({"spec": {"minReplicas": intended}}), now).unwrap();
        }
    }

    /// Argo CD with `RespectIgnoreDifferences`: it applies by force what it finds.
    pub(super) fn copy(&mut self, workload: &Deployed, now: DateTime<Utc>) {
        let found = facts::min(&self.hpa(workload));
        let body = json!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": workload.name, "namespace": workload.namespace}, "spec": {"minReplicas": found},
        });
        let query = [("fieldManager", "argocd-controller"), ("force", "true")];
        let request = Request {
            user: "argocd".to_owned(),
            pod: String::new(),
            verb: Verb::Patch,
            kind: Kind::Hpa,
            namespace: workload.namespace.clone(),
            name: workload.name.clone(),
            subresource: String::new(),
            query: query.map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
            content_type: "application/apply-patch+yaml".to_owned(),
            agent: "argocd".to_owned(),
            body,
        };
        self.server.perform(&request).unwrap();
        self.watched(workload).touched = now;
    }
}
