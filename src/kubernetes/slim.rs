//! The API's objects, cut down to what is used: what is not named here is never kept in memory.
//!
//! A map of texts takes more than 500 bytes however few it holds, so that those of an object are shared with the workloads made
//! of it.

use super::{
    parse,
    workload::{Scaled, Texts},
};
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ManagedFieldsEntry, Time};
use kube::api::ObjectMeta;
use kube::core::Resource;
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

/// Declares an API object with `metadata` that the watcher can list and watch.
macro_rules! resource {
    ($name:ident, $group:literal, $version:literal, $kind:literal, $plural:literal) => {
        impl Resource for $name {
            type DynamicType = ();
            type Scope = NamespaceResourceScope;
            fn kind((): &()) -> Cow<'_, str> {
                $kind.into()
            }
            fn group((): &()) -> Cow<'_, str> {
                $group.into()
            }
            fn version((): &()) -> Cow<'_, str> {
                $version.into()
            }
            fn plural((): &()) -> Cow<'_, str> {
                $plural.into()
            }
            fn meta(&self) -> &ObjectMeta {
                &self.metadata
            }
            fn meta_mut(&mut self) -> &mut ObjectMeta {
                &mut self.metadata
            }
        }
    };
}

resource!(Hpa, "autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers");
resource!(Deployment, "apps", "v1", "Deployment", "deployments");
resource!(StatefulSet, "apps", "v1", "StatefulSet", "statefulsets");
resource!(ConfigMap, "", "v1", "ConfigMap", "configmaps");

/// However it was read, it is cut down at once: nobody can forget to.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "WholeHpa")]
pub(super) struct Hpa {
    /// Without labels and annotations, which stand beside it.
    pub(super) metadata: ObjectMeta,
    pub(super) labels: Texts,
    /// Ours alone.
    pub(super) annotations: Texts,
    /// There are annotations, ours or others.
    pub(super) annotated: bool,
    pub(super) spec: HpaSpec,
    pub(super) status: HpaStatus,
    /// What is kept of `metadata.managedFields`.
    pub(super) managers: Vec<Manager>,
}

#[derive(Deserialize)]
struct WholeHpa {
    #[serde(default)]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: HpaSpec,
    #[serde(default)]
    status: HpaStatus,
}

impl From<WholeHpa> for Hpa {
    /// Keeps who owns `spec.minReplicas`, and our own entries.
    fn from(whole: WholeHpa) -> Self {
        let WholeHpa { mut metadata, spec, mut status } = whole;
        let entries = metadata.managed_fields.take().unwrap_or_default();
        let managers = entries.into_iter().filter_map(|entry| {
            let owns_min = owns_min(&entry);
            Some(Manager { owns_min, time: entry.time, name: entry.manager? })
        });
        let mut managers: Vec<Manager> = managers.filter(|m| m.owns_min || m.name == super::FIELD_MANAGER).collect();
        managers.shrink_to_fit();
        status.conditions.retain(|c| matches!(c.kind.as_str(), "ScalingLimited" | "ScalingActive"));
        let labels = Arc::new(metadata.labels.take().unwrap_or_default());
        let annotated = metadata.annotations.as_ref().is_some_and(|all| !all.is_empty());
        let annotations = annotations(&mut metadata);
        let (uid, creation_timestamp) = (metadata.uid.take(), metadata.creation_timestamp.take());
        let owner_references = metadata.owner_references.take();
        let metadata = ObjectMeta { uid, creation_timestamp, owner_references, ..identity(metadata) };
        Self { metadata, labels, annotations, annotated, spec, status, managers }
    }
}

/// A manager of fields: ourselves, or somebody who owns `spec.minReplicas`.
#[derive(Clone, Debug)]
pub(super) struct Manager {
    pub(super) name: String,
    pub(super) owns_min: bool,
    pub(super) time: Option<Time>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HpaSpec {
    pub(super) scale_target_ref: CrossRef,
    pub(super) min_replicas: Option<i32>,
    pub(super) max_replicas: i32,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) metrics: Vec<MetricSpec>,
    pub(super) behavior: Option<Behavior>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CrossRef {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) name: String,
}

/// Boxed, because one of the five is there: 64 bytes in place of 850, four times each, as vectors grow.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MetricSpec {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) resource: Option<Box<ResourceMetric>>,
    pub(super) container_resource: Option<Box<ResourceMetric>>,
    pub(super) pods: Option<Box<NamedMetric>>,
    pub(super) object: Option<Box<NamedMetric>>,
    pub(super) external: Option<Box<NamedMetric>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ResourceMetric {
    pub(super) name: String,
    pub(super) container: Option<String>,
    pub(super) target: MetricTarget,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NamedMetric {
    pub(super) metric: MetricName,
    pub(super) described_object: CrossRef,
    pub(super) target: MetricTarget,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MetricName {
    pub(super) name: String,
    pub(super) selector: Option<LabelSelector>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct MetricTarget {
    pub(super) average_utilization: Option<i32>,
    pub(super) average_value: Option<String>,
    pub(super) value: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Behavior {
    pub(super) scale_up: Option<Rules>,
    pub(super) scale_down: Option<Rules>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Rules {
    pub(super) stabilization_window_seconds: Option<i32>,
    pub(super) select_policy: Option<String>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) policies: Vec<Policy>,
    pub(super) tolerance: Option<String>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Policy {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) value: i32,
    pub(super) period_seconds: i32,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct HpaStatus {
    pub(super) current_replicas: Option<i32>,
    pub(super) desired_replicas: Option<i32>,
    #[serde(deserialize_with = "null_is_empty")]
    pub(super) conditions: Vec<Condition>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) status: String,
    pub(super) reason: String,
}

/// Cut down as it is read to what a workload knows of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "WholeScaled")]
pub(super) struct Deployment {
    /// Namespace, name and version.
    pub(super) metadata: ObjectMeta,
    pub(super) scaled: Arc<Scaled>,
}

/// As [`Deployment`].
#[derive(Clone, Debug, Deserialize)]
#[serde(from = "WholeScaled")]
pub(super) struct StatefulSet {
    pub(super) metadata: ObjectMeta,
    pub(super) scaled: Arc<Scaled>,
}

/// A Deployment or StatefulSet as the API writes it.
#[derive(Deserialize)]
pub(super) struct WholeScaled {
    #[serde(default)]
    pub(super) metadata: ObjectMeta,
    #[serde(default)]
    pub(super) spec: ScaledSpec,
    #[serde(default)]
    pub(super) status: ScaledStatus,
}

impl From<WholeScaled> for Deployment {
    fn from(mut whole: WholeScaled) -> Self {
        let scaled = Arc::new(parse::scaled(&mut whole));
        Self { metadata: identity(whole.metadata), scaled }
    }
}

impl From<WholeScaled> for StatefulSet {
    fn from(whole: WholeScaled) -> Self {
        let Deployment { metadata, scaled } = whole.into();
        Self { metadata, scaled }
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ScaledSpec {
    pub(super) replicas: Option<i32>,
    pub(super) selector: LabelSelector,
    pub(super) template: Template,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ScaledStatus {
    pub(super) ready_replicas: Option<i32>,
}

/// A pod template, kept as its fingerprint.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Template(pub(super) u64);

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut hasher = DefaultHasher::new();
        serde_json::Value::deserialize(deserializer)?.to_string().hash(&mut hasher);
        Ok(Self(hasher.finish()))
    }
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct ConfigMap {
    #[serde(default)]
    pub(super) metadata: ObjectMeta,
    #[serde(default, deserialize_with = "null_is_empty")]
    pub(super) data: BTreeMap<String, String>,
}

/// The API writes absent lists and maps as `null` now and then.
fn null_is_empty<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// Where an object lives, and its version: what a watch needs of its metadata.
fn identity(metadata: ObjectMeta) -> ObjectMeta {
    let ObjectMeta { namespace, name, resource_version, .. } = metadata;
    ObjectMeta { namespace, name, resource_version, ..ObjectMeta::default() }
}

/// Takes out the annotations that are ours; those of others, large ones of appliers among them, are not kept.
pub(super) fn annotations(metadata: &mut ObjectMeta) -> Texts {
    let mut annotations = metadata.annotations.take().unwrap_or_default();
    annotations.retain(|key, _| key.starts_with(super::PREFIX));
    Arc::new(annotations)
}

/// Does this manager own `spec.minReplicas`?
fn owns_min(entry: &ManagedFieldsEntry) -> bool {
    entry.fields_v1.as_ref().is_some_and(|f| f.0.pointer("/f:spec/f:minReplicas").is_some())
}
