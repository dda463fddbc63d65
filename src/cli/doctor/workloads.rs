//! Checks of each opted-in workload: conflicts over its HPA, and what the daemon's own look finds: derivation, history, trust.

use super::{Doctor, Finding};
use crate::{
    cli::{Global, local},
    config::Config,
    http::api,
    kubernetes::Workload,
};
use std::{sync::Arc, time::Duration};

/// Names that the finding of those in good order lists.
const NAMES: usize = 5;
/// Field managers that come back with what they have in Git.
const APPLIERS: [&str; 9] =
    ["argocd", "argo-cd", "flux", "kustomize-controller", "helm-controller", "helm", "terraform", "pulumi", "kapp"];

/// What the daemon's own look finds.
pub(super) async fn findings(global: &Global, command: &Doctor, config: &Config) -> Vec<Finding> {
    let patience = Duration::from_secs(command.timeout);
    let look = local::look(global, config.clone(), global.namespace.as_deref(), patience).await;
    match look {
        Ok(seen) => {
            let all = seen.cluster.workloads();
            let mut findings = of_all(&all, &seen.snapshot, !config.datasources.is_empty());
            if seen.cut_short {
                let what = format!("not every workload was looked at within {} s", patience.as_secs());
                findings.push(Finding::warn("workloads", what, "give more with --timeout, or one namespace with -n"));
            }
            findings
        }
        Err(failure) => {
            let remedy = "grant list and watch as in deploy/manifests/rbac.yaml";
            vec![Finding::fail("workloads", failure.message, remedy)]
        }
    }
}

fn of_all(all: &[Arc<Workload>], snapshot: &api::Snapshot, forecast: bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut good = Vec::new();
    for (key, view) in &snapshot.workloads {
        let Some(workload) = all.iter().find(|w| w.key() == *key) else { continue };
        let found = of_one(workload, view, forecast);
        if found.is_empty() { good.push(key.clone()) } else { findings.extend(found) }
    }
    if !good.is_empty() {
        let more = if good.len() > NAMES { ", …" } else { "" };
        let shown = good.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
        let what = if forecast {
            "nobody contends for minReplicas, the derivation agrees with the HPA, the forecast is trusted"
        } else {
            "nobody contends for minReplicas; without a datasource no more can be checked"
        };
        findings.push(Finding::ok("workloads", format!("{} ({shown}{more}): {what}", good.len())));
    }
    findings
}

fn of_one(workload: &Workload, view: &api::Workload, forecast: bool) -> Vec<Finding> {
    let name = format!("HPA {}", workload.key());
    let explain = format!("floorcast explain {} --local --config FILE shows query, target and samples", workload.key());
    let refusals: Vec<Finding> =
        workload.refusals.iter().map(|r| Finding::fail(&name, r.to_string(), r.remedy())).collect();
    if !refusals.is_empty() {
        return refusals;
    }
    let mut findings: Vec<Finding> = workload.target.owners.iter().filter_map(|o| owner(&name, o)).collect();
    for note in view.notes.iter().filter(|_| forecast) {
        let what = format!("{}: {}", note.code, note.text);
        findings.push(if note.blocks {
            Finding::fail(&name, what, &explain)
        } else {
            Finding::warn(&name, what, &explain)
        });
    }
    for load in view.loads.iter().filter(|_| view.notes.iter().all(|n| !n.blocks)) {
        if let Some(trust) = load.trust.as_ref().filter(|t| !t.trusted) {
            let what = format!("load {}: the forecast is not trusted: {}", load.name, trust.why);
            findings.push(Finding::warn(
                &name,
                what,
                "nothing is raised until it is; floorcast explain shows the backtest",
            ));
        }
    }
    findings
}

/// A manager that comes back with a `minReplicas` of its own.
fn owner(name: &str, manager: &str) -> Option<Finding> {
    let lower = manager.to_lowercase();
    APPLIERS.iter().any(|applier| lower.starts_with(applier)).then(|| {
        Finding::warn(
            name,
            format!("{manager} owns spec.minReplicas, and sets it back or gets a 409 while a floor is held"),
            "leave minReplicas out of what it applies and set floorcast.io/min-replicas, or let it ignore /spec/minReplicas",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appliers_are_known_by_name() {
        for (manager, known) in [
            ("argocd-controller", true),
            ("kustomize-controller", true),
            ("Helm", true),
            ("Terraform", true),
            ("kubectl-client-side-apply", false),
            ("kubectl", false),
            ("web-operator", false),
        ] {
            assert_eq!(owner("HPA a/b", manager).is_some(), known, "{manager}");
        }
    }
}
