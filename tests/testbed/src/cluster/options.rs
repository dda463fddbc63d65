//! What a cluster may differ in.

use std::time::Duration;

/// Options of [`super::Cluster::start`]. The default is a fast cluster for tests.
#[derive(Debug, Clone)]
pub struct Options {
    /// Clocks of the real HPA controller.
    pub hpa: HpaTiming,
    /// Time from a pod's creation to Ready.
    pub pod_start: Duration,
    /// The audit policy, YAML; see [`AUDIT_POLICY`].
    pub audit_policy: String,
    /// Feature gates of the API server and the controllers, such as `HPAScaleToZero=true`.
    pub feature_gates: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            hpa: HpaTiming::fast(),
            pod_start: Duration::ZERO,
            audit_policy: AUDIT_POLICY.into(),
            feature_gates: Vec::new(),
        }
    }
}

/// Flags of kube-controller-manager's HPA controller.
#[derive(Debug, Clone)]
pub struct HpaTiming {
    /// `--horizontal-pod-autoscaler-sync-period`
    pub sync: Duration,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`
    pub stabilization: Duration,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`
    pub cpu_initialization: Duration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`
    pub initial_readiness: Duration,
}

impl HpaTiming {
    /// A sync each second, 20 s of stabilisation: tests end in seconds.
    pub fn fast() -> Self {
        let second = Duration::from_secs(1);
        Self { sync: second, stabilization: 20 * second, cpu_initialization: second, initial_readiness: second }
    }

    /// The controller's defaults: what users have.
    pub fn real() -> Self {
        Self {
            sync: Duration::from_secs(15),
            stabilization: Duration::from_mins(5),
            cpu_initialization: Duration::from_mins(5),
            initial_readiness: Duration::from_secs(30),
        }
    }

    pub(super) fn flags(&self) -> Vec<String> {
        let flag = |name: &str, value: Duration| format!("--horizontal-pod-autoscaler-{name}={}ms", value.as_millis());
        vec![
            flag("sync-period", self.sync),
            flag("downscale-stabilization", self.stabilization),
            flag("cpu-initialization-period", self.cpu_initialization),
            flag("initial-readiness-delay", self.initial_readiness),
        ]
    }
}

impl Options {
    pub(super) fn gates(&self) -> Option<String> {
        let gates = self.feature_gates.join(",");
        (!gates.is_empty()).then(|| format!("--feature-gates={gates}"))
    }
}

/// The default audit policy: all that service accounts ask (reads and watches too, without bodies), every write to an
/// HPA by anyone with its body, other writes without. Reads by the control plane and by the tests are left out.
pub const AUDIT_POLICY: &str = r#"apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: Request
  verbs: [create, update, patch, delete, deletecollection]
  resources:
  - group: autoscaling
    resources: [horizontalpodautoscalers]
- level: Metadata
  userGroups: ["system:serviceaccounts"]
- level: None
  verbs: [get, list, watch]
- level: None
  nonResourceURLs: ["*"]
- level: None
  resources:
  - group: coordination.k8s.io
    resources: [leases]
- level: Metadata
"#;
