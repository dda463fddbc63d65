//! Kubeconfig files: for the administrator, and for a service account exactly as its Role allows.

use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::Error;

/// A kubeconfig as JSON (which is YAML), with the given user entry.
pub(super) fn text(server: &str, ca_file: &str, user: &Value) -> String {
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "testbed",
        "clusters": [{"name": "testbed", "cluster": {"server": server, "certificate-authority": ca_file}}],
        "users": [{"name": "user", "user": user}],
        "contexts": [{"name": "testbed", "context": {"cluster": "testbed", "user": "user"}}],
    });
    format!("{config:#}\n")
}

/// A token of the service account for a day, by the `TokenRequest` API.
pub(super) async fn token(client: Client, namespace: &str, account: &str) -> Result<String, Error> {
    let request: TokenRequest = serde_json::from_value(json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
        "spec": {"audiences": [], "expirationSeconds": 86_400},
    }))?;
    let accounts: Api<ServiceAccount> = Api::namespaced(client, namespace);
    let answer = accounts.create_token_request(account, &kube::api::PostParams::default(), &request).await?;
    answer
        .status
        .map(|status| status.token)
        .ok_or_else(|| Error::Unexpected(format!("no token for the service account {namespace}/{account}")))
}
