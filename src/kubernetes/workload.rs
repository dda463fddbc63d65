//! One HPA and its target, as plain values.

use super::quantity::Quantity;
use chrono::{DateTime, Utc};
use floorcast_models::target::Target;
use floorcast_models::units::Replicas;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Labels or annotations, shared by all who read them.
pub type Texts = Arc<BTreeMap<String, String>>;

/// One HPA with what is known of its target. Cheap to share: `observe` hands out `Arc<Workload>`.
#[derive(Clone, Debug, PartialEq)]
pub struct Workload {
    /// Namespace of the HPA and of its target.
    pub namespace: String,
    /// Name of the HPA.
    pub hpa: String,
    /// What the HPA scales.
    pub target_ref: TargetRef,
    /// The HPA as the pure core sees it.
    pub target: Target,
    /// `spec.metrics`, in order; an HPA without any has the API's default of 80 % CPU.
    pub hpa_metrics: Vec<Metric>,
    /// `spec.behavior`, where set.
    pub behavior: Option<Behavior>,
    /// Our annotations on the HPA: opt-in and book-keeping.
    pub hpa_annotations: Texts,
    /// The HPA has annotations, ours or others.
    pub annotated: bool,
    /// Labels of the HPA.
    pub hpa_labels: Texts,
    /// When the HPA was created.
    pub created: Option<DateTime<Utc>>,
    /// The target object; `None` while it does not exist or its kind is not supported.
    pub scaled: Option<Arc<Scaled>>,
    /// `ownerReference` with `controller: true` on the HPA.
    pub controller: Option<Owner>,
    /// Why no floor may be written, whatever is annotated. Empty: nothing stands against it.
    pub refusals: Vec<Refusal>,
    /// Opt-in keys (without prefix) that stand on both objects with different values; the HPA's win.
    pub duplicates: Vec<String>,
    /// `false` while our last write to this HPA is not yet in the cache: decide nothing on this old look.
    pub caught_up: bool,
}

impl Workload {
    /// `namespace/name`, as users write it.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.hpa)
    }

    /// Annotations of the target; empty where it is not known.
    pub fn target_annotations(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.scaled.as_ref().map_or(&NONE, |s| &s.annotations)
    }
}

/// The Deployment or StatefulSet that the HPA scales.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaled {
    /// Identity of the object.
    pub uid: String,
    /// Our annotations on it.
    pub annotations: Texts,
    /// `spec.selector`.
    pub selector: Selector,
    /// `spec.replicas`; absent is the API's default of 1.
    pub replicas: Replicas,
    /// `status.readyReplicas`; absent is 0, as the API leaves zero out.
    pub ready: Replicas,
    /// Changes exactly when the pod template does: time to list the pods again.
    pub template: u64,
}

/// `spec.scaleTargetRef`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetRef {
    /// `apps/v1`.
    pub api_version: String,
    /// Kind, where supported.
    pub kind: TargetKind,
    /// Name in the HPA's namespace.
    pub name: String,
}

impl fmt::Display for TargetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.name)
    }
}

/// Kinds of targets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// `apps` Deployment.
    Deployment,
    /// `apps` StatefulSet.
    StatefulSet,
    /// Anything else, by its kind.
    Other(String),
}

impl TargetKind {
    /// The API's kind.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::Other(kind) => kind,
        }
    }
}

/// An owner reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// API version, `apps/v1`.
    pub api_version: String,
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// One entry of `spec.metrics`.
#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    /// `Resource`, or `ContainerResource` where `container` is given.
    Resource {
        /// `cpu` or `memory`.
        name: String,
        /// The one container that counts.
        container: Option<String>,
        /// Target.
        aim: Aim,
    },
    /// `Pods`: an average over the pods.
    Pods {
        /// Metric name.
        name: String,
        /// Metric selector.
        selector: Selector,
        /// Target.
        aim: Aim,
    },
    /// `Object`: a metric of another object.
    Object {
        /// Metric name.
        name: String,
        /// Metric selector.
        selector: Selector,
        /// The described object.
        object: Owner,
        /// Target.
        aim: Aim,
    },
    /// `External`: a metric of no Kubernetes object.
    External {
        /// Metric name.
        name: String,
        /// Metric selector.
        selector: Selector,
        /// Target.
        aim: Aim,
    },
    /// A kind or target that we cannot read.
    Unreadable {
        /// `type` as found.
        kind: String,
        /// What is wrong.
        why: String,
    },
}

/// The target of one metric.
#[derive(Clone, Debug, PartialEq)]
pub enum Aim {
    /// `averageUtilization`, percent of the request.
    Utilization(u32),
    /// `averageValue`, per pod.
    AverageValue(Quantity),
    /// `value`, of the whole.
    Value(Quantity),
}

/// A label selector.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// `matchLabels`.
    pub labels: BTreeMap<String, String>,
    /// `matchExpressions`.
    pub expressions: Vec<Requirement>,
}

impl Selector {
    /// Selects everything: never what one workload's pods are chosen by.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.expressions.is_empty()
    }
}

/// As the `labelSelector` query parameter wants it.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts: Vec<String> = self.labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        parts.extend(self.expressions.iter().map(Requirement::to_string));
        f.write_str(&parts.join(","))
    }
}

/// One of `matchExpressions`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// Label key.
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`.
    pub operator: String,
    /// Values of `In` and `NotIn`.
    pub values: Vec<String>,
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values = self.values.join(",");
        match self.operator.as_str() {
            "NotIn" => write!(f, "{} notin ({values})", self.key),
            "Exists" => f.write_str(&self.key),
            "DoesNotExist" => write!(f, "!{}", self.key),
            _ => write!(f, "{} in ({values})", self.key),
        }
    }
}

/// `spec.behavior`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Behavior {
    /// `scaleUp`.
    pub up: Option<Rules>,
    /// `scaleDown`.
    pub down: Option<Rules>,
}

/// One direction of `spec.behavior`; absent fields have the controller's defaults (`hpa.md` 1.6).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// `stabilizationWindowSeconds`.
    pub stabilisation_seconds: Option<i32>,
    /// `selectPolicy`: `Max`, `Min`, `Disabled`.
    pub select: Option<String>,
    /// `policies`.
    pub policies: Vec<Step>,
    /// `tolerance`, a ratio (1.33 and later).
    pub tolerance: Option<f64>,
}

/// One scaling policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `Percent` if true, `Pods` if not.
    pub percent: bool,
    /// `value`.
    pub value: i32,
    /// `periodSeconds`.
    pub period_seconds: i32,
}

/// Why no floor may be written to an HPA, whatever is annotated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another controller owns the HPA and would revert us.
    ControllerOwned(Owner),
    /// KEDA owns the HPA.
    KedaOwned {
        /// Name of the ScaledObject.
        scaled_object: String,
    },
    /// More than one HPA scales the same target.
    SharedTarget {
        /// The target, `Deployment/web`.
        target: String,
        /// The other HPAs, by name.
        others: Vec<String>,
    },
    /// Neither Deployment nor StatefulSet.
    UnsupportedTarget {
        /// The target, `Rollout/web`.
        target: String,
    },
    /// The target does not exist.
    TargetMissing {
        /// The target, `Deployment/web`.
        target: String,
    },
}

impl Refusal {
    /// Code for metric labels and events.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::ControllerOwned(_) => "controller_owned",
            Self::KedaOwned { .. } => "keda_owned",
            Self::SharedTarget { .. } => "shared_target",
            Self::UnsupportedTarget { .. } => "unsupported_target",
            Self::TargetMissing { .. } => "target_missing",
        }
    }

    /// How to mend it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::ControllerOwned(_) => {
                "set the minimum where that controller takes it from, or remove the owner reference"
            }
            Self::KedaOwned { .. } => {
                "set `minReplicaCount` of the ScaledObject yourself; floors for KEDA are not written yet"
            }
            Self::SharedTarget { .. } => {
                "keep one HPA per target, with all metrics in it; Kubernetes stops scaling with two"
            }
            Self::UnsupportedTarget { .. } => "floors are written for Deployments and StatefulSets",
            Self::TargetMissing { .. } => "create the target, or correct `spec.scaleTargetRef` of the HPA",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ControllerOwned(o) => {
                write!(f, "the HPA belongs to {} {} ({}), which reverts other writers", o.kind, o.name, o.api_version)?;
            }
            Self::KedaOwned { scaled_object } => write!(
                f,
                "the HPA belongs to KEDA's ScaledObject {scaled_object}, which reverts other writers within milliseconds"
            )?,
            Self::SharedTarget { target, others } => {
                write!(f, "{target} is also scaled by the HPA {}", others.join(", "))?;
            }
            Self::UnsupportedTarget { target } => write!(f, "the HPA scales {target}")?,
            Self::TargetMissing { target } => write!(f, "{target} does not exist")?,
        }
        write!(f, "; {}", self.remedy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selector_reads_as_the_query_parameter() {
        let selector = Selector {
            labels: BTreeMap::from([("app".to_owned(), "web".to_owned())]),
            expressions: [("In", "tier"), ("NotIn", "env"), ("Exists", "x"), ("DoesNotExist", "y")]
                .map(|(operator, key)| Requirement {
                    key: key.to_owned(),
                    operator: operator.to_owned(),
                    values: if operator.ends_with("In") { vec!["a".to_owned(), "b".to_owned()] } else { Vec::new() },
                })
                .to_vec(),
        };
        assert_eq!(selector.to_string(), "app=web,tier in (a,b),env notin (a,b),x,!y");
    }
}
