//! An app's own chart, upgraded by real Helm while floorcast holds a floor over its HPA: what docs/how-to/gitops.md says of Helm.

use super::{Stage, hold};
use floorcast_testbed::workload::Workload;
use std::path::PathBuf;

const NAMESPACE: &str = "charted";
const HPA: &str = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: '{{ .Release.Name }}'}
spec:
  {{- with .Values.min }}
  minReplicas: {{ . }}
  {{- end }}
  maxReplicas: {{ .Values.max }}
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: '{{ .Release.Name }}'}
";

/// A chart of one HPA.
fn chart(stage: &Stage) -> PathBuf {
    let folder = stage.bed.folder().path().join("app");
    std::fs::create_dir_all(folder.join("templates")).unwrap();
    std::fs::write(folder.join("Chart.yaml"), "{apiVersion: v2, name: app, version: 1.0.0}").unwrap();
    std::fs::write(folder.join("templates/hpa.yaml"), HPA).unwrap();
    folder
}

/// What a release's HPA has.
async fn bounds(stage: &Stage, release: &str) -> (u64, u64) {
    let spec = stage.get(NAMESPACE, "hpa", release).await["spec"].clone();
    (spec["minReplicas"].as_u64().unwrap(), spec["maxReplicas"].as_u64().unwrap())
}

async fn held(stage: &Stage, release: &str) {
    let web = Workload::at(stage.bed.client().await.unwrap(), NAMESPACE, release);
    hold::write(stage.bed.kubeconfig(), &web, "some-lease").await.unwrap();
    assert_eq!(bounds(stage, release).await.0, 9);
}

pub(super) async fn an_apps_own_chart_leaves_a_held_floor_alone(stage: &Stage) {
    let chart = chart(stage).display().to_string();
    let chart = chart.as_str();
    let args = |verb, release, set| [verb, release, chart, "-n", NAMESPACE, "--create-namespace", "--set", set];
    // Helm 4 applies on the server: it refuses what somebody else owns, and leaves alone what it does not name.
    stage.helm(&args("install", "four", "min=2,max=20")).await.unwrap();
    held(stage, "four").await;
    for same_or_other in ["min=2,max=20", "min=3,max=25"] {
        let upgrade = args("upgrade", "four", same_or_other);
        let refused = stage.helm(&upgrade[..]).await.unwrap_err();
        assert!(refused.contains("conflict with \"floorcast\"") && refused.contains(".spec.minReplicas"), "{refused}");
    }
    assert_eq!(bounds(stage, "four").await, (9, 20));
    stage.helm(&args("upgrade", "four", "max=25")).await.unwrap();
    assert_eq!(bounds(stage, "four").await, (9, 25), "the floor stays, the rest is Helm's");
    // Helm 3 writes, at every upgrade, what its chart names and what is otherwise on the object.
    stage.helm3(&args("install", "three", "max=20")).await.unwrap();
    held(stage, "three").await;
    stage.helm3(&args("upgrade", "three", "max=25")).await.unwrap();
    assert_eq!(bounds(stage, "three").await, (9, 25), "what the chart does not name stays");
    stage.helm3(&args("install", "named", "min=2,max=20")).await.unwrap();
    held(stage, "named").await;
    stage.helm3(&args("upgrade", "named", "min=2,max=25")).await.unwrap();
    assert_eq!(bounds(stage, "named").await, (2, 25), "an unchanged value too is written");
    held(stage, "named").await;
    stage.helm3(&args("upgrade", "named", "max=25")).await.unwrap();
    assert_eq!(bounds(stage, "named").await, (1, 25), "what it named before is taken away, and the API's default is 1");
}
