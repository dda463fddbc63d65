//! A floor as the daemon writes it, and that nothing of it is left.

use floorcast_testbed::cluster::client_of;
use floorcast_testbed::workload::Workload;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use std::path::Path;

/// Base 2, floor 9, for an hour, in the name of this Lease; with the rights of the kubeconfig, and so under the policies that bind
/// its account.
pub(super) async fn write(kubeconfig: &Path, on: &Workload, lease_uid: &str) -> Result<(), kube::Error> {
    let until = chrono::Utc::now() + chrono::TimeDelta::hours(1);
    let floor = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": on.name, "namespace": on.namespace, "labels": {"floorcast.io/managed": "true"},
            "annotations": {
                "floorcast.io/base": "2", "floorcast.io/floor": "9", "floorcast.io/epoch": "1", "floorcast.io/v": "1",
                "floorcast.io/until": until.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                "floorcast.io/holder": format!("floorcast/{lease_uid}/floorcast-0"),
                "floorcast.io/reason": "Raised",
            },
        },
        "spec": {"minReplicas": 9},
    });
    let hpas: Api<HorizontalPodAutoscaler> = Api::namespaced(client_of(kubeconfig).await.unwrap(), &on.namespace);
    hpas.patch(&on.name, &PatchParams::apply("floorcast").force(), &Patch::Apply(&floor)).await.map(drop)
}

/// The base is back, and no mark is left.
pub(super) async fn is_gone(of: &Workload) {
    let hpa = of.hpa().await.unwrap();
    assert_eq!(hpa.spec.unwrap().min_replicas, Some(2), "the base is back");
    let marks: Vec<_> = hpa.metadata.annotations.into_iter().flatten().map(|(key, _)| key).collect();
    assert!(!marks.contains(&"floorcast.io/floor".to_owned()), "{marks:?}");
    assert!(!hpa.metadata.labels.unwrap_or_default().contains_key("floorcast.io/managed"));
}
