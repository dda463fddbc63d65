//! Patches of an HPA for Git: one way of making them, for every command that prints one.

use super::{Failure, output};
use crate::annotations::Key;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A strategic merge patch of one HPA by its name, as kustomize takes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub(super) struct Patch(Value);

impl Patch {
    /// Of the annotations (a null takes a key away) and, where there is any, of the spec.
    pub(super) fn new(
        namespace: Option<&str>,
        name: &str,
        annotations: impl IntoIterator<Item = (Key, Option<String>)>,
        spec: Map<String, Value>,
    ) -> Self {
        let annotations: BTreeMap<String, Option<String>> =
            annotations.into_iter().map(|(key, value)| (key.annotation(), value)).collect();
        let mut metadata = json!({"name": name});
        if !annotations.is_empty() {
            metadata["annotations"] = json!(annotations);
        }
        if let Some(namespace) = namespace {
            metadata["namespace"] = namespace.into();
        }
        let mut patch =
            json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": metadata});
        if !spec.is_empty() {
            patch["spec"] = spec.into();
        }
        Self(patch)
    }

    /// As text to be committed.
    ///
    /// # Errors
    /// None that a patch could cause.
    pub(super) fn yaml(&self) -> Result<String, Failure> {
        output::yaml(&self.0)
    }

    /// Prints it, whatever form answers are asked for in: a patch is YAML.
    ///
    /// # Errors
    /// Stdout cannot be written.
    pub(super) fn print(&self) -> Result<(), Failure> {
        output::write(&self.yaml()?).map(drop)
    }
}
