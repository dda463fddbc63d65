//! Where histories come from. Secrets are named by file, never written here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt, path::PathBuf};

/// One Prometheus-compatible server.
#[derive(Clone, Serialize, Deserialize, JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Datasource {
    /// Name by which templates and metrics refer to it.
    pub name: String,
    /// Base address, `http://` or `https://`, without user and password; `/api/v1/…` is added.
    #[schemars(regex(pattern = r"^https?://[^/?\s]+(/[^?\s]*)?$"))]
    pub url: String,
    /// What answers there; decides how partial answers are asked for and how errors look.
    #[serde(default)]
    pub kind: Kind,
    /// How to authenticate.
    #[serde(default)]
    pub auth: Auth,
    /// PEM file of certificate authorities to trust instead of the system's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// Accept any certificate. Told as a warning at every start.
    #[serde(default)]
    pub insecure_skip_verify: bool,
    /// Sent as `X-Scope-OrgID` (Mimir, Cortex, Loki-style tenancy).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Further headers; only names that carry no credential are allowed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Label matchers put into every derived selector, such as `cluster: prod` on a global Thanos or Mimir.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub matchers: BTreeMap<String, String>,
}

/// What answers at the address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Prometheus itself.
    #[default]
    Prometheus,
    /// Thanos Query: asked with `partial_response=false`.
    Thanos,
    /// Grafana Mimir or Cortex.
    Mimir,
    /// VictoriaMetrics: 422 for query errors, `+Inf` as a string.
    VictoriaMetrics,
}

impl Kind {
    /// The word of the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Prometheus => "prometheus",
            Self::Thanos => "thanos",
            Self::Mimir => "mimir",
            Self::VictoriaMetrics => "victoriametrics",
        }
    }
}

/// How to authenticate; basic and bearer exclude each other, a client certificate goes with either.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Auth {
    /// HTTP basic authentication.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basic: Option<Basic>,
    /// File that holds a bearer token; read again when it changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bearer_token_file: Option<PathBuf>,
    /// Certificate and key to show to the server.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_certificate: Option<ClientCertificate>,
}

/// HTTP basic authentication.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Basic {
    /// User name.
    pub username: String,
    /// File that holds the password; read again when it changes.
    pub password_file: PathBuf,
}

/// A client certificate for mutual TLS.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClientCertificate {
    /// PEM file with the certificate chain.
    pub cert_file: PathBuf,
    /// PEM file with the private key.
    pub key_file: PathBuf,
}

impl Datasource {
    /// A datasource with everything else at its default: for tests, the demo and `--prometheus URL`.
    pub fn at(name: &str, url: &str) -> Self {
        Self {
            name: name.to_owned(),
            url: url.to_owned(),
            kind: Kind::default(),
            auth: Auth::default(),
            ca_file: None,
            insecure_skip_verify: false,
            tenant: None,
            headers: BTreeMap::new(),
            matchers: BTreeMap::new(),
        }
    }

    /// The same with the values of headers and the tenant hidden, as `config view` prints it.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let hide = |_: &String| "***".to_owned();
        let headers = self.headers.keys().map(|name| (name.clone(), "***".to_owned())).collect();
        Self { tenant: self.tenant.as_ref().map(hide), headers, ..self.clone() }
    }
}

impl fmt::Debug for Datasource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Datasource")
            .field("name", &self.name)
            .field("url", &self.url)
            .field("kind", &self.kind)
            .field("headers", &self.headers.keys())
            .finish_non_exhaustive()
    }
}
