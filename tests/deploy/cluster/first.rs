//! From `helm install` to the first forecast in `status`, by the commands that a stranger is told: no more than three minutes.

use super::past::{NAMESPACE, load};
use super::{Stage, kubelet};
use floorcast_testbed::daemon::Daemon;
use floorcast_testbed::metrics_api::Source;
use floorcast_testbed::{command, wait};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_mins(3);

/// `begun` is when `helm install` was called, `next` what its notes tell to do; the daemon runs under what it made.
pub(super) async fn forecast_is_told(stage: &Stage, daemon: &Daemon, begun: Instant, next: &[Vec<String>]) {
    let replay = load("web");
    let cores = Arc::clone(&replay.load);
    stage.bed.metrics().set_cpu(NAMESPACE, "web", Source::exact(move |at| cores(at)));
    stage.web(NAMESPACE).await;
    let [_test, annotate, status, _forward] = next else { panic!("{next:?}") };
    let annotate: Vec<&str> = annotate[1..].iter().map(|w| if w == "YOUR-NAMESPACE" { NAMESPACE } else { w }).collect();
    stage.bed.kubectl(&annotate).await.unwrap();
    let told = wait::until("a forecast", LIMIT.saturating_sub(begun.elapsed()), || async {
        let mut typed = tokio::process::Command::new(kubelet::program());
        typed.args(&status[1..]).args(["-o", "json", "--server", &daemon.api()]);
        let said = command::run(typed, None).await.map_err(|e| e.to_string())?;
        let said: Value = serde_json::from_str(&said).map_err(|e| e.to_string())?;
        let mut all = said["workloads"].as_array().into_iter().flatten();
        let web = all.find(|w| w["namespace"] == NAMESPACE && w["hpa"] == "web").ok_or("it is not there yet")?;
        if web["peak"]["need"].is_u64() { Ok(web.clone()) } else { Err(format!("{}: {}", web["state"], web["notes"])) }
    })
    .await
    .unwrap_or_else(|e| panic!("{e}\n{}", daemon.log()));
    println!("from helm install to the first forecast in status: {:.1} s", begun.elapsed().as_secs_f64());
    // 0.56 cores at 50 % of 100m are 12 replicas (11.2); the margin may ask for some more.
    let need = told["peak"]["need"].as_u64().unwrap();
    assert!((11..=14).contains(&need), "{told:#}");
    // Shadow: told, not done.
    let min = stage.get(NAMESPACE, "hpa", "web").await["spec"]["minReplicas"].clone();
    assert_eq!(min, 2);
    stage.bed.kubectl(&["annotate", "hpa", "web", "floorcast.io/mode-", "-n", NAMESPACE]).await.unwrap();
}
