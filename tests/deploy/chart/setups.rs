//! The value files for common set-ups do what their comments say.

use super::{CHART, Helm, LOCAL, of_kind};
use crate::files;
use floorcast_testbed::command;
use serde_json::{Value, json};

/// Scraped by a monitor and by annotation, every sample would be there twice.
#[tokio::test]
async fn what_a_monitor_scrapes_has_no_annotation_for_it() {
    if floorcast_testbed::left_out() {
        return;
    }
    let helm = Helm::built().await;
    for file in ["kube-prometheus-stack", "google-managed-prometheus"] {
        let objects = helm.template(&["-f", &format!("deploy/helm/values/{file}.yaml")]).await.unwrap();
        let metadata = &of_kind(&objects, "Deployment")["spec"]["template"]["metadata"];
        assert!(metadata.get("annotations").is_none(), "{file}: {metadata}");
    }
}

/// On one node: a single replica that an eviction may end, scraped, with rules and dashboards.
#[tokio::test]
async fn a_local_cluster_has_one_replica_and_everything_to_watch_it_by() {
    if floorcast_testbed::left_out() {
        return;
    }
    let objects = Helm::built().await.template(&["-f", LOCAL]).await.unwrap();
    assert_eq!(of_kind(&objects, "Deployment")["spec"]["replicas"], 1);
    assert!(objects.iter().all(|object| object["kind"] != "PodDisruptionBudget"));
    for kind in ["ServiceMonitor", "PrometheusRule"] {
        assert_eq!(of_kind(&objects, kind)["metadata"]["labels"]["release"], "kube-prometheus-stack", "{kind}");
    }
    let dashboard = |object: &&Value| object["metadata"]["labels"]["grafana_dashboard"] == "1";
    assert_eq!(objects.iter().filter(dashboard).count(), 2);
}

/// The command of the comment makes a value of Prometheus' chart that is our rules, as they are.
#[tokio::test]
async fn our_rules_become_a_value_of_prometheus_own_chart() {
    let text = files::text("deploy/helm/values/prometheus.yaml");
    let make = text.lines().find_map(|line| line.strip_prefix("#   { ")).unwrap();
    let (make, into) = make.split_once("; } > ").unwrap();
    assert!(text.contains(&format!("--reuse-values -f {into}\n")), "what is made is not what is given");
    let mut bash = tokio::process::Command::new("bash");
    bash.args(["-euc", make]).current_dir(files::path("."));
    let made: Value = serde_saphyr::from_str(&command::run(bash, None).await.unwrap()).unwrap();
    let rules = files::yaml("deploy/alerts/floorcast.rules.yaml");
    assert_eq!(made, json!({"serverFiles": {"alerting_rules.yml": rules}}));
}

/// A Secret that does not exist keeps no pod from starting: what runs in it says which file is missing.
#[tokio::test]
async fn a_missing_secret_is_told_by_its_file() {
    if floorcast_testbed::left_out() {
        return;
    }
    let values = format!("{CHART}/ci/secret-values.yaml");
    let objects = Helm::built().await.template(&["-f", &values]).await.unwrap();
    let pod = &of_kind(&objects, "Deployment")["spec"]["template"]["spec"];
    let mut volumes = pod["volumes"].as_array().unwrap().iter();
    let secret = volumes.find_map(|volume| volume.get("secret")).unwrap();
    assert_eq!(secret, &json!({"secretName": "prometheus-credentials", "optional": true}));
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.yaml");
    let text = objects.iter().find_map(|object| object["data"]["config.yaml"].as_str()).unwrap();
    std::fs::write(&config, text).unwrap();
    let mut doctor = tokio::process::Command::new(env!("CARGO_BIN_EXE_floorcast"));
    doctor.args(["doctor", "--config"]).arg(&config).env("KUBECONFIG", "/dev/null");
    let out = doctor.output().await.unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(!out.status.success(), "{said}");
    assert!(
        said.contains("FAIL  datasource main: ") && said.contains("/var/run/secrets/floorcast/ca.crt: No such file"),
        "{said}"
    );
}
