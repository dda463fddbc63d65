//! Checks of the kill switch, and of floors that should be gone.

use super::Finding;
use crate::{
    config::Config,
    kubernetes::{self, control::Control, held::held},
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::target::Hold;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{Api, Client};

/// The janitor comes every five minutes: a floor this long past its `until` was left behind.
const GRACE: TimeDelta = TimeDelta::minutes(10);
/// Names that one finding lists.
const NAMES: usize = 5;

/// What the kill switch says.
pub(super) async fn switch(client: &Client, own: &str, called: &str) -> Finding {
    let name = format!("kill switch {own}/{called}");
    match Api::<ConfigMap>::namespaced(client.clone(), own).get_opt(called).await {
        Ok(Some(map)) => said(&name, &map.data.unwrap_or_default()),
        Ok(None) => Finding::fail(
            name,
            "the ConfigMap does not exist, so nothing can be stopped by it",
            "apply deploy/manifests/control.yaml, or say with --floorcast-namespace where floorcast runs",
        ),
        Err(error) => {
            let remedy = "check --floorcast-namespace and the permission to get it";
            Finding::fail(name, kubernetes::chain(&error), remedy)
        }
    }
}

fn said(name: &str, data: &std::collections::BTreeMap<String, String>) -> Finding {
    let problems = Control::parse(data).problems;
    if !problems.is_empty() {
        return Finding::fail(name, problems.join("; "), "correct it with kubectl edit configmap");
    }
    let set: Vec<String> = data
        .iter()
        .filter(|(_, value)| value.trim() != "run")
        .map(|(key, value)| format!("{key} says {value}"))
        .collect();
    if set.is_empty() {
        return Finding::ok(name, "run: nothing is stopped");
    }
    Finding::warn(
        name,
        format!("{}: no floor is raised there", set.join(", ")),
        "set the key to run when it has served",
    )
}

/// Floors past their `until`, and marks that cannot be read.
pub(super) async fn overdue(client: &Client, config: &Config) -> Finding {
    const NAME: &str = "floors";
    let namespaces = &config.kubernetes.namespaces;
    let scopes: Vec<Option<&str>> =
        if namespaces.is_empty() { vec![None] } else { namespaces.iter().map(|n| Some(n.as_str())).collect() };
    let mut found = Vec::new();
    for scope in scopes {
        match held(client, scope, config.hpa_controller.downscale_stabilisation.get()).await {
            Ok(some) => found.extend(some),
            Err(error) => {
                return Finding::warn(
                    NAME,
                    kubernetes::chain(&error),
                    "give --kubeconfig of an account that may list HPAs",
                );
            }
        }
    }
    let holds: Vec<(String, Hold)> = found.into_iter().map(|w| (w.key(), w.target.hold)).collect();
    judged(Utc::now(), &holds)
}

fn judged(now: DateTime<Utc>, holds: &[(String, Hold)]) -> Finding {
    const NAME: &str = "floors";
    let late = holds.iter().filter_map(|(key, hold)| match hold {
        Hold::Held(held) if held.until + GRACE < now => {
            Some(format!("{key} ({} min past its until)", (now - held.until).num_minutes()))
        }
        Hold::Damaged { why, .. } => Some(format!("{key} ({why})")),
        _ => None,
    });
    let late: Vec<String> = late.collect();
    if late.is_empty() {
        return Finding::ok(NAME, format!("{} held, none past its until", holds.len()));
    }
    let more = if late.len() > NAMES { ", …" } else { "" };
    let shown = late.iter().take(NAMES).cloned().collect::<Vec<_>>().join(", ");
    Finding::fail(
        NAME,
        format!("{} of {} should be gone: {shown}{more}", late.len(), holds.len()),
        "look at the daemon and at the CronJob floorcast-janitor; floorcast janitor lowers them by the ramp, release at once",
    )
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli::doctor::Verdict;
    use floorcast_models::{
        target::{Held, Holder},
        units::Replicas,
    };
    use std::collections::BTreeMap;

    fn switched(pairs: &[(&str, &str)]) -> Finding {
        said("switch", &pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn the_switch_is_told_as_it_stands() {
        assert_eq!(switched(&[]).verdict, Verdict::Ok);
        assert_eq!(switched(&[("cluster", "run")]).verdict, Verdict::Ok);
        let drained = switched(&[("cluster", "run"), ("namespace.shop", "drain")]);
        assert_eq!((drained.verdict, drained.what.contains("namespace.shop says drain")), (Verdict::Warn, true));
        assert_eq!(switched(&[("cluster", "stop")]).verdict, Verdict::Fail);
        assert_eq!(switched(&[("shop", "freeze")]).verdict, Verdict::Fail);
    }

    #[test]
    fn floors_left_behind_are_named() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(9);
        let held = |minutes: i64| {
            let holder = Holder { namespace: "f".into(), lease_uid: "u".into(), identity: "p".into() };
            let (base, floor, until) = (Replicas::new(2), Replicas::new(9), now + TimeDelta::minutes(minutes));
            Hold::Held(Held { base, floor, floor_before: None, until, holder, epoch: 1, reason: String::new() })
        };
        let fine = [("a/b".to_owned(), held(60)), ("a/c".to_owned(), held(-9))];
        assert_eq!(judged(now, &fine).verdict, Verdict::Ok, "the janitor is given its time");
        let late = judged(now, &[("a/b".to_owned(), held(60)), ("a/c".to_owned(), held(-11))]);
        assert_eq!(late.verdict, Verdict::Fail);
        assert_eq!(late.what, "1 of 2 should be gone: a/c (11 min past its until)");
    }
}
