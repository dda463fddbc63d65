//! A control plane with the shipped manifests, and a daemon's connections to it.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast::kubernetes::apply::{Authority, Sent, Writer};
use floorcast::kubernetes::observe::{Cluster, Scope, Settings};
use floorcast::kubernetes::{self, Clients, Source, Workload};
use floorcast_models::protocol::{Action, Reply, Urgency, Write};
use floorcast_models::target::{Held, Holder};
use floorcast_models::units::Replicas;
use floorcast_testbed::cluster::Options;
use floorcast_testbed::workload::{self, Shape};
use floorcast_testbed::{Cluster as Bed, wait};
use std::sync::Arc;
use std::time::Duration;

pub(super) const SECONDS: Duration = Duration::from_secs(1);

pub(super) fn clock() -> DateTime<Utc> {
    Utc::now()
}

/// Everything that a test needs.
pub(super) struct Stage {
    pub(super) bed: Bed,
    pub(super) clients: Clients,
    pub(super) cluster: Cluster,
    pub(super) writer: Writer,
}

/// One HPA of a test: its namespace; its name is always `web`.
pub(super) struct Web(pub(super) String);

impl Stage {
    pub(super) async fn build() -> Self {
        let bed = Bed::start(Options::default()).await.unwrap();
        let manifests = floorcast_testbed::manifests().display().to_string();
        // Twice: an upgrade applies them again.
        for _ in 0..2 {
            bed.kubectl(&["apply", "-f", &manifests]).await.unwrap();
        }
        let kubeconfig = bed.service_account_kubeconfig("floorcast", "floorcast").await.unwrap();
        let source = Source { kubeconfig: Some(kubeconfig), context: None };
        let clients = kubernetes::connect(&source).await.unwrap();
        let settings = Settings {
            scope: Scope::Cluster,
            control_namespace: "floorcast".to_owned(),
            control: "floorcast-control".to_owned(),
            stabilisation: TimeDelta::seconds(300),
        };
        let cluster = Cluster::start(clients.watch.clone(), settings);
        tokio::time::timeout(20 * SECONDS, cluster.wait_ready()).await.unwrap();
        let writer = Writer::new(clients.write.clone(), Arc::new(clock));
        Self { bed, clients, cluster, writer }
    }

    /// A Deployment and an HPA (2 to 20) made by POST, in a namespace of their own.
    pub(super) async fn posted(&self, namespace: &str) -> Web {
        let client = self.bed.client().await.unwrap();
        workload::Workload::create(client, namespace, "web", &Shape::default()).await.unwrap();
        Web(namespace.to_owned())
    }

    /// The HPA as a manifest of somebody who applies it.
    pub(super) async fn apply(&self, web: &Web, min: Option<u32>, args: &[&str]) -> Result<String, String> {
        let min = min.map_or_else(String::new, |n| format!("minReplicas: {n}, "));
        let manifest = format!(
            "{{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {{name: web, namespace: {}}}, \
             spec: {{{min}maxReplicas: 20, scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}, \
             metrics: [{{type: Resource, resource: {{name: cpu, target: {{type: Utilization, averageUtilization: 50}}}}}}]}}}}",
            web.0
        );
        let mut all = vec!["apply", "-f", "-"];
        all.extend(args);
        let admin = self.bed.kubeconfig().to_owned();
        self.bed.kubectl_with(&admin, &all, Some(&manifest)).await.map_err(|e| e.to_string())
    }

    /// The HPA as the API server has it.
    pub(super) async fn object(&self, web: &Web) -> serde_json::Value {
        let text = self.bed.kubectl(&["-n", &web.0, "get", "hpa", "web", "-o", "json", "--show-managed-fields"]).await;
        serde_json::from_str(&text.unwrap()).unwrap()
    }

    /// The workload as the watch has it, caught up with the API server.
    pub(super) async fn observed(&self, web: &Web) -> Arc<Workload> {
        wait::until("the watch", 20 * SECONDS, || async {
            let version = self.object(web).await["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
            let all = self.cluster.workloads();
            let found = all.into_iter().find(|w| w.namespace == web.0 && w.hpa == "web");
            match found {
                Some(w) if w.target.resource_version == version && w.caught_up && w.scaled.is_some() => Ok(w),
                other => Err(format!("{other:?} instead of version {version}")),
            }
        })
        .await
        .unwrap()
    }

    pub(super) async fn acquire(&self, web: &Web, floor: u32, epoch: u64) -> Sent {
        let action = |workload: &Workload| {
            let resource_version = workload.target.resource_version.clone();
            Action::Acquire { write: write(workload, floor, epoch), resource_version }
        };
        self.act(web, action).await
    }

    pub(super) async fn hold(&self, web: &Web, floor: u32, epoch: u64) -> Sent {
        self.act(web, |workload| Action::Hold { write: write(workload, floor, epoch) }).await
    }

    pub(super) async fn give_back(&self, web: &Web, floor: u32, base: u32) -> Sent {
        let action = |workload: &Workload| Action::GiveBack {
            uid: workload.target.uid.clone(),
            resource_version: workload.target.resource_version.clone(),
            floor: Replicas::new(floor),
            base: Replicas::new(base),
            released_until: None,
        };
        self.act(web, action).await
    }

    /// Does it on a fresh look, and on another where the HPA controller wrote its status between look and write, as the daemon's
    /// next tick would: at most one in 15 s does, so that two looks are enough.
    async fn act(&self, web: &Web, action: impl Fn(&Workload) -> Action) -> Sent {
        let workload = self.observed(web).await;
        let sent = self.send(&workload, &action(&workload)).await;
        if sent.reply != (Reply::Conflict { owner: None }) {
            return sent;
        }
        let workload = self.observed(web).await;
        self.send(&workload, &action(&workload)).await
    }

    pub(super) async fn send(&self, workload: &Workload, action: &Action) -> Sent {
        self.writer.send(workload, action, Urgency::Release, Authority::Command).await
    }
}

pub(super) fn write(workload: &Workload, floor: u32, epoch: u64) -> Write {
    let held = Held {
        base: Replicas::new(2),
        floor: Replicas::new(floor),
        floor_before: None,
        until: clock() + TimeDelta::hours(1),
        holder: Holder {
            namespace: "floorcast".to_owned(),
            lease_uid: "lease-1".to_owned(),
            identity: "floorcast-0_1".to_owned(),
        },
        epoch,
        reason: "forecast".to_owned(),
    };
    Write { uid: workload.target.uid.clone(), held }
}
