//! The sections of the configuration that concern the process: Kubernetes, HTTP, logs, metrics.

use super::Count;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// Where floorcast looks and where it lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Kubernetes {
    /// Namespaces to watch; none: all of them.
    pub namespaces: Vec<String>,
    /// Namespace of the Lease and the kill switch; absent: the pod's own, else `floorcast`. `--floorcast-namespace` wins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub own_namespace: Option<String>,
    /// Name of the Lease.
    pub lease: String,
    /// Name of the ConfigMap with the kill switch.
    pub control: String,
    /// Writes per second for raises and releases, at most.
    pub raises_per_second: Count<1, 1_000>,
    /// Writes per second for lowering, at most.
    pub lowers_per_second: Count<1, 1_000>,
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self {
            namespaces: Vec::new(),
            own_namespace: None,
            lease: "floorcast".to_owned(),
            control: "floorcast-control".to_owned(),
            raises_per_second: Count::of(50),
            lowers_per_second: Count::of(5),
        }
    }
}

/// Addresses to listen on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Http {
    /// `/livez`, `/readyz`, `/healthz` and `/metrics`: for the kubelet and the scraper.
    #[schemars(with = "String", regex(pattern = r"^\S+:[0-9]{1,5}$"))]
    pub listen: SocketAddr,
    /// `/api/v1`: read only, through a port-forward.
    #[schemars(with = "String", regex(pattern = r"^\S+:[0-9]{1,5}$"))]
    pub api: SocketAddr,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([0, 0, 0, 0], 8080)), api: SocketAddr::from(([127, 0, 0, 1], 8081)) }
    }
}

/// How to log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Log {
    /// `auto`: human on a terminal, JSON elsewhere.
    pub format: LogFormat,
    /// Least severity, or a filter such as `info,floorcast=debug`; the flag and the environment win.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
}

/// Form of a log line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Human on a terminal, JSON elsewhere.
    #[default]
    Auto,
    /// One JSON object a line.
    Json,
    /// For people.
    Human,
}

/// What `/metrics` may cost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct MetricsLimits {
    /// Workloads with series of their own; further ones are counted, not shown.
    pub workloads: Count<0, 100_000>,
}

impl Default for MetricsLimits {
    fn default() -> Self {
        Self { workloads: Count::of(2_000) }
    }
}
