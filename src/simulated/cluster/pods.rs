//! The pods of one workload: created, ready after a while, deleted newest first.

use super::{Deployed, manifests};
use crate::simulated::api::Server;
use crate::simulated::api::kind::Kind;
use crate::simulated::api::refusal::Refusal;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

struct Pod {
    name: String,
    created: DateTime<Utc>,
    ready_at: DateTime<Utc>,
    told_ready: bool,
}

/// The pods.
pub(super) struct Pods {
    all: Vec<Pod>,
    prefix: String,
    start: TimeDelta,
    serial: u64,
    shown: (usize, u32),
}

impl Pods {
    pub(super) fn new(workload: &str, start: TimeDelta) -> Self {
        Self { all: Vec::new(), prefix: workload.to_owned(), start, serial: 0, shown: (usize::MAX, 0) }
    }

    /// The first pods: as old as they need to be to be ready now.
    pub(super) fn begin(&mut self, server: &Server, spec: &Deployed, now: DateTime<Utc>) -> Result<(), Refusal> {
        let wanted = spec.replicas as usize;
        while self.all.len() < wanted {
            self.create(server, spec, now - self.start)?;
        }
        self.reconcile(server, spec, wanted, now)
    }

    /// Pods that exist.
    pub(super) fn len(&self) -> u32 {
        self.all.len() as u32
    }

    /// Pods that are ready at `at`.
    pub(super) fn ready(&self, at: DateTime<Utc>) -> u32 {
        self.all.iter().filter(|p| p.ready_at <= at).count() as u32
    }

    /// Creates and deletes towards `wanted`, tells who became ready, and writes the Deployment's status where it changed.
    pub(super) fn reconcile(
        &mut self,
        server: &Server,
        spec: &Deployed,
        wanted: usize,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        while self.all.len() < wanted {
            self.create(server, spec, now)?;
        }
        while self.all.len() > wanted {
            self.delete_newest(server, spec)?;
        }
        for pod in self.all.iter_mut().filter(|p| !p.told_ready && p.ready_at <= now) {
            let status = manifests::pod_status(pod.created, Some(pod.ready_at));
            server.merge("kubelet", (Kind::Pod, &spec.namespace, &pod.name), "status", status)?;
            pod.told_ready = true;
        }
        self.show(server, spec, now)
    }

    fn create(&mut self, server: &Server, spec: &Deployed, created: DateTime<Utc>) -> Result<(), Refusal> {
        self.serial += 1;
        // Five characters, as generateName makes them: patterns of pod names rely on it.
        let name = format!("{}-{}", manifests::replica_set_name(spec), letters(self.serial));
        server.create_at("replicaset-controller", manifests::pod(spec, &name), created)?;
        let status = manifests::pod_status(created, None);
        server.merge("kubelet", (Kind::Pod, &spec.namespace, &name), "status", status)?;
        self.all.push(Pod { name, created, ready_at: created + self.start, told_ready: false });
        Ok(())
    }

    /// The controller prefers pods that are not ready, then the newest: both are the last created here.
    fn delete_newest(&mut self, server: &Server, spec: &Deployed) -> Result<(), Refusal> {
        if let Some(pod) = self.all.pop() {
            server.delete(Kind::Pod, &spec.namespace, &pod.name)?;
        }
        Ok(())
    }

    fn show(&mut self, server: &Server, spec: &Deployed, now: DateTime<Utc>) -> Result<(), Refusal> {
        let shown = (self.all.len(), self.ready(now));
        if shown != self.shown {
            let status = json!({"status": {"replicas": shown.0, "readyReplicas": shown.1, "availableReplicas": shown.1, "updatedReplicas": shown.0}});
            server.merge(
                "kube-controller-manager",
                (Kind::Deployment, &spec.namespace, &self.prefix),
                "status",
                status,
            )?;
            self.shown = shown;
        }
        Ok(())
    }
}

fn letters(serial: u64) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut n = serial;
    let mut name = String::new();
    for _ in 0..5 {
        name.push(char::from(LETTERS[(n % LETTERS.len() as u64) as usize]));
        n /= LETTERS.len() as u64;
    }
    name
}
