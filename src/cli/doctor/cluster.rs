//! Checks of the API server: reachable, new enough, and we may do what we need to.

use super::{Finding, hpas, switch};
use crate::{
    cli::Global,
    config::Config,
    kubernetes::{self, observe::Scope, permissions},
};
use k8s_openapi::api::{autoscaling::v2::HorizontalPodAutoscaler, coordination::v1::Lease};
use kube::{Api, Client};
use std::time::Duration;

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Every finding about the cluster, and its HPAs where it answers and they may be listed.
pub(super) async fn findings(
    global: &Global,
    config: &Config,
    own: &str,
) -> (Vec<Finding>, Option<Vec<HorizontalPodAutoscaler>>) {
    let clients = match kubernetes::connect(&global.source()).await {
        Ok(clients) => clients,
        Err(error) => {
            let remedy = "give --kubeconfig and --context of a cluster, as for kubectl";
            return (vec![Finding::unreachable("API server", error.to_string(), remedy)], None);
        }
    };
    let mut findings = vec![version(&clients.watch, &clients.address).await];
    if findings.iter().any(|f| f.unreachable) {
        return (findings, None);
    }
    findings.extend(allowed(&clients.watch, config, own).await);
    findings.push(lease(&clients.watch, own, &config.kubernetes.lease).await);
    findings.push(switch::switch(&clients.watch, own, &config.kubernetes.control).await);
    findings.push(switch::overdue(&clients.watch, config).await);
    let (of_hpas, hpas) = hpas::findings(&clients.watch, config).await;
    findings.extend(of_hpas);
    (findings, hpas)
}

async fn version(client: &Client, address: &str) -> Finding {
    const NAME: &str = "API server";
    match tokio::time::timeout(PATIENCE, client.apiserver_version()).await {
        Ok(Ok(info)) => Finding::ok(NAME, format!("{} at {address}", info.git_version)),
        Ok(Err(error)) => Finding::unreachable(
            NAME,
            format!("{address}: {error}"),
            "check the address and the credentials with kubectl version",
        ),
        Err(_) => Finding::unreachable(
            NAME,
            format!("{address} did not answer within {} s", PATIENCE.as_secs()),
            "check network policies and proxies between here and there",
        ),
    }
}

async fn allowed(client: &Client, config: &Config, own: &str) -> Vec<Finding> {
    let namespaces = &config.kubernetes.namespaces;
    let scope = if namespaces.is_empty() { Scope::Cluster } else { Scope::Namespaces(namespaces.clone()) };
    let asked = permissions::needed(&permissions::Needs {
        scope: &scope,
        own_namespace: own,
        lease: &config.kubernetes.lease,
        control: &config.kubernetes.control,
        write: true,
    });
    let count = asked.len();
    let mut findings: Vec<Finding> = permissions::review(client, asked)
        .await
        .into_iter()
        .filter_map(|(permission, verdict)| {
            let what = match verdict {
                permissions::Verdict::Allowed => return None,
                permissions::Verdict::Denied(why) if why.is_empty() => {
                    format!("not allowed; without it {}", permission.purpose)
                }
                permissions::Verdict::Denied(why) => format!("not allowed ({why}); without it {}", permission.purpose),
                permissions::Verdict::Unknown(why) => format!("could not be asked: {why}"),
            };
            let remedy = format!("apply the role of deploy/ that allows {permission}");
            let name = format!("permission {permission}");
            Some(if permission.vital { Finding::fail(name, what, remedy) } else { Finding::warn(name, what, remedy) })
        })
        .collect();
    if findings.is_empty() {
        findings.push(Finding::ok("permissions", format!("all {count} are granted to this account")));
    }
    findings
}

async fn lease(client: &Client, own: &str, called: &str) -> Finding {
    let name = format!("Lease {own}/{called}");
    match Api::<Lease>::namespaced(client.clone(), own).get_opt(called).await {
        Ok(Some(lease)) => {
            let holder = lease.spec.and_then(|s| s.holder_identity).filter(|h| !h.is_empty());
            holder.map_or_else(
                || Finding::warn(name.as_str(), "nobody holds it", "start floorcast run, or look at its log"),
                |holder| Finding::ok(name.as_str(), format!("held by {holder}")),
            )
        }
        Ok(None) => Finding::fail(name, "it does not exist", "apply the manifests of deploy/, which create it"),
        Err(error) => Finding::fail(name, error.to_string(), "check --floorcast-namespace and the permissions above"),
    }
}
