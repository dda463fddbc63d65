//! The cluster of the proof: the real controllers with a sync each second, and an audit log of all that the HPA controller
//! reads and writes.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use floorcast_models::hpa::{Controller, Flags, Gates, MetricSpec, Version};
use floorcast_testbed::Cluster;
use floorcast_testbed::cluster::{HpaTiming, Options};
use floorcast_testbed::metrics_api::wait_available;

use crate::answer::{self, Told};

/// Namespace of all objects.
pub(crate) const NAMESPACE: &str = "proof";

/// Scale reads with their answers, scale and status writes with their bodies: what a sync saw and did.
const AUDIT: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: RequestResponse
  users: [kube-controller-manager]
  verbs: [get]
  resources:
  - group: ""
    resources: [replicationcontrollers/scale]
- level: Request
  users: [kube-controller-manager]
  verbs: [update]
  resources:
  - group: ""
    resources: [replicationcontrollers/scale]
  - group: autoscaling
    resources: [horizontalpodautoscalers/status]
- level: None
"#;

/// Refuses every new size of targets whose name says so.
const REFUSAL: &str = r#"apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: refused-sizes}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
    - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [replicationcontrollers/scale]}
  validations:
  - {expression: "!object.metadata.name.endsWith('-refused')", message: told to refuse by the test}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: refused-sizes}
spec: {policyName: refused-sizes, validationActions: [Deny]}
"#;

pub(crate) struct Stage {
    pub(crate) cluster: Cluster,
    pub(crate) client: kube::Client,
    told: Mutex<BTreeMap<usize, Told>>,
}

impl Stage {
    pub(crate) async fn start() -> Self {
        let options = Options {
            hpa: timing(),
            audit_policy: AUDIT.to_owned(),
            feature_gates: vec!["HPAScaleToZero=true".to_owned()],
            ..Options::default()
        };
        let cluster = Cluster::start(options).await.unwrap();
        let client = cluster.client().await.unwrap();
        wait_available(client.clone()).await.unwrap();
        cluster.create_namespace(NAMESPACE).await.unwrap();
        cluster.kubectl_with(cluster.kubeconfig(), &["apply", "-f", "-"], Some(REFUSAL)).await.unwrap();
        Self { cluster, client, told: Mutex::default() }
    }

    /// Lets the metrics API answer a metric of this HPA so from now on.
    pub(crate) fn tell(&self, metric: &MetricSpec, app: &str, told: Told) {
        let verbatim = answer::verbatim(&told, metric);
        // Under the lock: the controller may ask before the number is noted, the judge only later.
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let number = self.cluster.metrics().script().set(NAMESPACE, answer::question(metric, app), verbatim);
        all.insert(number, told);
    }

    /// What was told under this number.
    pub(crate) fn told(&self, number: usize) -> Option<Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner).get(&number).cloned()
    }
}

fn timing() -> HpaTiming {
    let seconds = Duration::from_secs;
    HpaTiming {
        sync: seconds(1),
        stabilization: seconds(8),
        cpu_initialization: seconds(40),
        initial_readiness: seconds(10),
    }
}

/// The simulated controller: version, flags and gates of the real one.
pub(crate) fn controller() -> Controller {
    let timing = timing();
    let delta = |duration: Duration| TimeDelta::milliseconds(duration.as_millis() as i64);
    let flags = Flags {
        sync_period: delta(timing.sync),
        downscale_stabilisation: delta(timing.stabilization),
        cpu_initialization: delta(timing.cpu_initialization),
        initial_readiness_delay: delta(timing.initial_readiness),
        ..Flags::default()
    };
    Controller { flags, gates: Gates { scale_to_zero: true, ..Gates::of(Version::V1_36) } }
}
