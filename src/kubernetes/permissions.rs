//! Preflight: may we do what we need to do? Asked by `SelfSubjectAccessReview`, at the start, now and then, and by `doctor`.

use super::observe::Scope;
use http::Request;
use kube::Client;
use serde::Deserialize;
use serde_json::json;
use std::fmt;
use std::time::Duration;

/// Longest wait for one review.
const PATIENCE: Duration = Duration::from_secs(5);

/// One permission, and what is lost without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    /// API group, empty for the core.
    pub group: &'static str,
    /// Plural of the resource.
    pub resource: &'static str,
    /// Verb.
    pub verb: &'static str,
    /// In one namespace, or in all.
    pub namespace: Option<String>,
    /// On one object, or on all.
    pub name: Option<String>,
    /// What cannot be done without it.
    pub purpose: &'static str,
    /// Without it nothing works at all; otherwise something is missing.
    pub vital: bool,
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if let Some(name) = &self.name {
            write!(f, " {name}")?;
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => f.write_str(" in all namespaces"),
        }
    }
}

/// The answer to one review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Allowed.
    Allowed,
    /// Not allowed, with the authorizer's reason if it gave one.
    Denied(String),
    /// The review itself failed.
    Unknown(String),
}

/// What the daemon is set up to do.
#[derive(Clone, Debug)]
pub struct Needs<'a> {
    /// Namespaces of the workloads.
    pub scope: &'a Scope,
    /// Namespace of the Lease and the kill switch.
    pub own_namespace: &'a str,
    /// Name of the Lease.
    pub lease: &'a str,
    /// Name of the kill switch's `ConfigMap`.
    pub control: &'a str,
    /// Floors are to be written: not in a pure shadow installation.
    pub write: bool,
}

/// The permissions that it takes.
pub fn needed(needs: &Needs<'_>) -> Vec<Permission> {
    let mut all = Vec::new();
    for namespace in namespaces(needs.scope) {
        let in_scope = |(group, resource, verb, purpose, vital)| Permission {
            group,
            resource,
            verb,
            namespace: namespace.clone(),
            name: None,
            purpose,
            vital,
        };
        all.extend(IN_SCOPE.iter().copied().map(in_scope));
        if needs.write {
            all.push(in_scope(PATCH_HPA));
        }
    }
    let own = |(group, resource, verb, purpose): Own| Permission {
        group,
        resource,
        verb,
        namespace: Some(needs.own_namespace.to_owned()),
        name: Some(if group.is_empty() { needs.control } else { needs.lease }.to_owned()),
        purpose,
        vital: true,
    };
    all.extend(OWN.iter().copied().map(own));
    all
}

type InScope = (&'static str, &'static str, &'static str, &'static str, bool);
type Own = (&'static str, &'static str, &'static str, &'static str);

const SEE_HPAS: &str = "see the HPAs";
const SEE_TARGETS: &str = "see what the HPAs scale";
const IN_SCOPE: [InScope; 9] = [
    ("autoscaling", "horizontalpodautoscalers", "list", SEE_HPAS, true),
    ("autoscaling", "horizontalpodautoscalers", "watch", SEE_HPAS, true),
    ("apps", "deployments", "list", SEE_TARGETS, true),
    ("apps", "deployments", "watch", SEE_TARGETS, true),
    ("apps", "statefulsets", "list", SEE_TARGETS, true),
    ("apps", "statefulsets", "watch", SEE_TARGETS, true),
    ("", "pods", "list", "measure requests and start-up times", true),
    ("events.k8s.io", "events", "create", "tell what happens as Events", false),
    ("events.k8s.io", "events", "patch", "join repeated Events", false),
];
const PATCH_HPA: InScope =
    ("autoscaling", "horizontalpodautoscalers", "patch", "write floors and hand them back", true);
const LEAD: &str = "be the one that writes";
const SWITCH: &str = "obey the kill switch";
const OWN: [Own; 4] = [
    ("coordination.k8s.io", "leases", "get", LEAD),
    ("coordination.k8s.io", "leases", "patch", LEAD),
    ("", "configmaps", "list", SWITCH),
    ("", "configmaps", "watch", SWITCH),
];

fn namespaces(scope: &Scope) -> Vec<Option<String>> {
    match scope {
        Scope::Cluster => vec![None],
        Scope::Namespaces(names) => names.iter().cloned().map(Some).collect(),
    }
}

/// Asks about each permission.
pub async fn review(client: &Client, permissions: Vec<Permission>) -> Vec<(Permission, Verdict)> {
    let mut answers = Vec::new();
    for permission in permissions {
        let verdict = match tokio::time::timeout(PATIENCE, ask(client, &permission)).await {
            Ok(Ok(verdict)) => verdict,
            Ok(Err(why)) => Verdict::Unknown(super::chain(&why)),
            Err(_) => Verdict::Unknown(format!("no answer within {} s", PATIENCE.as_secs())),
        };
        answers.push((permission, verdict));
    }
    answers
}

#[derive(Deserialize)]
struct Review {
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    allowed: bool,
    reason: String,
    evaluation_error: String,
}

async fn ask(client: &Client, permission: &Permission) -> Result<Verdict, kube::Error> {
    let mut attributes = json!({
        "group": permission.group,
        "resource": permission.resource,
        "verb": permission.verb,
    });
    if let Some(namespace) = &permission.namespace {
        attributes["namespace"] = json!(namespace);
    }
    if let Some(name) = &permission.name {
        attributes["name"] = json!(name);
    }
    let body = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    });
    let request = Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
        .header("content-type", "application/json")
        .body(body.to_string().into_bytes())
        .map_err(kube::Error::HttpError)?;
    let review: Review = client.request(request).await?;
    if review.status.allowed {
        return Ok(Verdict::Allowed);
    }
    let said = [review.status.reason, review.status.evaluation_error].into_iter().find(|s| !s.is_empty());
    Ok(Verdict::Denied(said.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needs(scope: &Scope, write: bool) -> Needs<'_> {
        Needs { scope, own_namespace: "own", lease: "floorcast", control: "floorcast-control", write }
    }

    #[test]
    fn a_shadow_installation_needs_no_right_to_write_hpas() {
        let asks = |write| {
            let all = needed(&needs(&Scope::Cluster, write));
            all.iter().any(|p| p.verb == "patch" && p.resource == "horizontalpodautoscalers")
        };
        assert!(asks(true) && !asks(false));
    }

    #[test]
    fn every_namespace_is_asked_for() {
        let scope = Scope::Namespaces(vec!["a".to_owned(), "b".to_owned()]);
        let all = needed(&needs(&scope, true));
        let of = |ns: &str| all.iter().filter(|p| p.namespace.as_deref() == Some(ns)).count();
        assert_eq!((of("a"), of("b"), of("own")), (10, 10, 4));
        assert_eq!(all[0].to_string(), "list horizontalpodautoscalers.autoscaling in namespace a");
    }

    #[test]
    fn nothing_dangerous_is_ever_asked_for() {
        for permission in needed(&needs(&Scope::Cluster, true)) {
            assert!(!["secrets", "horizontalpodautoscalers/scale"].contains(&permission.resource));
            assert!(permission.verb != "delete" && permission.verb != "update", "{permission}");
            assert!(permission.verb != "create" || permission.resource == "events", "{permission}");
        }
    }
}
