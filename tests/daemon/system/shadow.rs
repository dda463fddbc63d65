//! Scenario 2: shadow mode changes nothing.

use chrono::{TimeDelta, Utc};
use floorcast_testbed::cluster::Options;
use floorcast_testbed::workload::Workload;
use floorcast_testbed::{Cluster, prometheus, wait};
use serde_json::{Value, json};

use crate::system::ground::{ACCOUNT, Ground, Past, SECOND, peak_at, run, settings, shadow};
use crate::system::record::{Record, traces};

#[tokio::test]
async fn scenario_2_shadow_mode_writes_nothing_but_its_lease_and_events() {
    if floorcast_testbed::left_out() {
        return;
    }
    let cluster = Cluster::start(Options::default()).await.unwrap();
    let begins = Utc::now() + TimeDelta::seconds(100);
    let replay = peak_at("shop", begins);
    let ground = Ground::on(cluster, &[Past::weeks(&replay)], prometheus::Options::default()).await;
    let web = ground.workload(&replay, &shadow()).await;
    let record = Record::start(ground.cluster.client().await.unwrap(), "shop", "web");
    let daemon = ground.daemon("floorcast", &json!({})).await;
    // It would raise: it says so, and that is all.
    let told = wait::until("a floor that would be held", 120 * SECOND, || async {
        let told = daemon.ask("workloads/shop/web").await.map_err(|e| e.to_string())?;
        let seen = format!("state {}, floor {}, reasons {}", told["state"], told["floor"], told["reasons"]);
        if told["floor"].as_u64().unwrap_or(0) >= 12 { Ok(told) } else { Err(seen) }
    })
    .await
    .unwrap();
    assert_eq!(told["mode"], "shadow");
    let ranking = backtested(&ground).await;
    let report = &ranking["workloads"][0]["report"];
    let policies: Vec<&str> =
        report["policies"].as_array().unwrap().iter().filter_map(|p| p["policy"].as_str()).collect();
    assert_eq!(policies[..2], ["hpa", "floorcast"], "{ranking:#}");
    assert_eq!((report["settings"]["min_replicas"].as_u64(), report["trace"].as_str()), (Some(2), Some("shop/web")));
    // Over the peak, through the time in which it would have lowered something.
    let rest = (begins - Utc::now()).to_std().unwrap_or_default() + 30 * SECOND;
    wait::throughout("the HPA stays the user's", rest, || async {
        let hpa = web.hpa().await.map_err(|e| e.to_string())?;
        if traces(&hpa).is_empty() { Ok(()) } else { Err(format!("{:?}", traces(&hpa))) }
    })
    .await
    .unwrap();
    let writes: Vec<String> = ground.writes_of(ACCOUNT).iter().map(floorcast_testbed::cluster::Request::line).collect();
    assert_eq!(writes, Vec::<String>::new());
    assert_eq!(record.floors(), [2]);
    assert_eq!(record.foreign_changes(), Vec::<String>::new());
    // The log is not silent for want of looking: the Lease is there.
    let audit = ground.cluster.audit().unwrap();
    assert!(audit.iter().any(|r| r.user.username == ACCOUNT && r.object_ref.resource == "leases" && r.mutating()));
    drop(daemon);
    the_patch_is_taken(&ground, &web).await;
}

/// The recommendation as `--patch` prints it: kustomize merges it into the HPA of Git, and the API server takes and keeps all of it.
async fn the_patch_is_taken(ground: &Ground, web: &Workload) {
    let patch = ground
        .commanded(&[
            "backtest",
            "web",
            "-n",
            "shop",
            "--days",
            "6",
            "--step",
            "5m",
            "--starved-budget",
            "2%",
            "--patch",
        ])
        .await;
    let wanted: Value = serde_saphyr::from_str(&patch).unwrap_or_else(|why| panic!("{why}: {patch}"));
    assert_eq!((&wanted["kind"], &wanted["metadata"]["name"]), (&json!("HorizontalPodAutoscaler"), &json!("web")));
    let (folder, before) = (ground.cluster.folder(), web.hpa().await.unwrap());
    let mut git = before.clone();
    (git.metadata.managed_fields, git.metadata.resource_version, git.metadata.uid, git.status) = Default::default();
    std::fs::create_dir(folder.path().join("git")).unwrap();
    folder.write("git/hpa.yaml", serde_json::to_string(&git).unwrap()).unwrap();
    folder.write("git/patch.yaml", &patch).unwrap();
    let kustomization = json!({"resources": ["hpa.yaml"], "patches": [{"path": "patch.yaml"}]});
    let kustomization = folder.write("git/kustomization.yaml", kustomization.to_string()).unwrap();
    let git = kustomization.parent().unwrap().display().to_string();
    ground.cluster.kubectl(&["apply", "--server-side", "--force-conflicts", "-k", &git]).await.unwrap();
    let after = serde_json::to_value(web.hpa().await.unwrap()).unwrap();
    assert_ne!(after["spec"], json!(before.spec), "the patch changes something: {patch}");
    assert_within(&after, &wanted, "");
}

/// Everything of `part` is in `whole`; a list of it is the whole list, for a patch replaces lists.
fn assert_within(whole: &Value, part: &Value, at: &str) {
    match part {
        Value::Object(fields) => {
            fields.iter().for_each(|(key, part)| assert_within(&whole[key], part, &format!("{at}.{key}")));
        }
        Value::Array(items) => {
            assert_eq!(whole.as_array().map(Vec::len), Some(items.len()), "{at}");
            items.iter().enumerate().for_each(|(i, part)| assert_within(&whole[i], part, &format!("{at}[{i}]")));
        }
        _ => assert_eq!(whole, part, "{at}"),
    }
}

/// What the command would have done for all of the namespace.
async fn backtested(ground: &Ground) -> Value {
    let told =
        ground.commanded(&["backtest", "--namespace", "shop", "--days", "3", "--step", "5m", "--output", "json"]).await;
    serde_json::from_str(&told).unwrap_or_else(|why| panic!("{why}: {told}"))
}

impl Ground {
    /// What a command says that asks the same cluster and Prometheus under the same account.
    async fn commanded(&self, args: &[&str]) -> String {
        let config = settings(&self.prometheus.url(), &json!({}));
        let file = self.cluster.folder().write("backtest.yaml", config.to_string()).unwrap();
        let output = run(args, &file, &self.account).await;
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }
}
