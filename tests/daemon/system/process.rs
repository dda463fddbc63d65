//! Scenario 7: processes die, freeze and come back.

use std::time::Duration;

use floorcast_testbed::Cluster;
use floorcast_testbed::daemon::Daemon;
use floorcast_testbed::wait;
use floorcast_testbed::workload::{Workload, floor_of};
use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use crate::system::ground::{ACCOUNT, Ground, JANITOR, Past, SECOND, busy_now, live, run};
use crate::system::record::{Record, floor, mark, traces};

/// A floor held by the first of two daemons.
struct Two {
    ground: Ground,
    web: Workload,
    daemons: [Daemon; 2],
}

impl Two {
    async fn start(changes: Value) -> Self {
        let replay = busy_now("shop");
        let ground = Ground::start(&[Past::days(&replay)]).await;
        let web = ground.workload(&replay, &live()).await;
        let first = ground.daemon("first", &changes).await;
        first.wait_leader(30 * SECOND).await.unwrap();
        let second = ground.daemon("second", &changes).await;
        let two = Self { ground, web, daemons: [first, second] };
        two.web.wait_hpa("a floor", 120 * SECOND, |hpa| floor(hpa).map(|_| ()).ok_or("no floor".into())).await.unwrap();
        two
    }
}

#[tokio::test]
async fn scenario_7_the_standby_goes_on_where_the_killed_leader_was() {
    if floorcast_testbed::left_out() {
        return;
    }
    let mut two = Two::start(json!({})).await;
    let before = two.web.hpa().await.unwrap();
    let writes = two.ground.hpa_writes("shop").len();
    two.daemons[0].kill();
    two.daemons[1].wait_leader(30 * SECOND).await.unwrap();
    // An unchanged plan costs no write, whoever leads.
    wait::throughout("the floor stays", 5 * SECOND, || async {
        let hpa = two.web.hpa().await.map_err(|e| e.to_string())?;
        if floor_of(&hpa) >= floor_of(&before) { Ok(()) } else { Err(format!("minReplicas {}", floor_of(&hpa))) }
    })
    .await
    .unwrap();
    assert!(two.ground.hpa_writes("shop").len() <= writes + 1);
    // The successor knows the base from the annotations alone.
    two.web.annotate("floorcast.io/mode", Some("shadow")).await.unwrap();
    two.web.wait_min_replicas(2, 30 * SECOND).await.unwrap();
}

#[tokio::test]
async fn scenario_7_a_thawed_leader_writes_nothing_of_its_old_epoch() {
    if floorcast_testbed::left_out() {
        return;
    }
    let two = Two::start(json!({})).await;
    let record = Record::start(two.ground.cluster.client().await.unwrap(), "shop", "web");
    let epoch = epoch_of(&two.web).await;
    two.daemons[0].freeze();
    two.daemons[1].wait_leader(30 * SECOND).await.unwrap();
    // Something to write for the new leader: its epoch is on the object now.
    two.web.annotate("floorcast.io/max-floor", Some("6")).await.unwrap();
    let lowered = two.web.wait_hpa("a floor of the new epoch", 60 * SECOND, |hpa| {
        let now: u64 = mark(hpa, "epoch").and_then(|e| e.parse().ok()).unwrap_or(0);
        if now > epoch { Ok(()) } else { Err(format!("epoch {now}")) }
    });
    lowered.await.unwrap();
    two.daemons[0].thaw();
    tokio::time::sleep(10 * SECOND).await;
    let epochs = record.epochs();
    assert!(epochs.is_sorted(), "a lower epoch landed: {epochs:?}");
    assert!(epochs.last().is_some_and(|last| *last > epoch), "{epochs:?}");
    // The daemons' own account, not something stronger, did all this.
    assert!(!two.ground.writes_of(ACCOUNT).is_empty());
}

#[tokio::test]
async fn scenario_7_a_recreated_lease_locks_nobody_out() {
    if floorcast_testbed::left_out() {
        return;
    }
    let two = Two::start(json!({})).await;
    let leases: Api<Lease> = Api::namespaced(two.ground.cluster.client().await.unwrap(), "floorcast");
    leases.delete("floorcast", &DeleteParams::default()).await.unwrap();
    reapply(&two.ground.cluster).await;
    wait::until("one leader again", 30 * SECOND, || async {
        let lease = leases.get("floorcast").await.map_err(|e| e.to_string())?;
        let holder = lease.spec.and_then(|s| s.holder_identity);
        holder.filter(|h| !h.is_empty()).ok_or_else(|| "no holder".to_owned())
    })
    .await
    .unwrap();
    // The floor of the old Lease is ours, not a stranger's: opting out hands it back.
    two.web.annotate("floorcast.io/mode", Some("shadow")).await.unwrap();
    two.web.wait_min_replicas(2, 30 * SECOND).await.unwrap();
}

#[tokio::test]
async fn scenario_7_with_everybody_dead_the_floor_stays_until_its_time_and_the_janitor_drains_it() {
    if floorcast_testbed::left_out() {
        return;
    }
    // A floor is planned at most 30 s ahead.
    let mut two = Two::start(json!({"guard": {"longestHold": "30s", "rampStep": "5s"}})).await;
    let janitor = two.ground.cluster.service_account_kubeconfig("floorcast", "floorcast-janitor").await.unwrap();
    for daemon in &mut two.daemons {
        daemon.kill();
    }
    let hpa = two.web.hpa().await.unwrap();
    let until: chrono::DateTime<chrono::Utc> = mark(&hpa, "until").unwrap().parse().unwrap();
    let held = floor_of(&hpa);
    // Before its time the janitor leaves it alone.
    assert_eq!(clean(&two, &janitor).await, 0);
    assert!(chrono::Utc::now() < until, "the floor's time was over before the janitor looked");
    assert_eq!(floor_of(&two.web.hpa().await.unwrap()), held);

    let rest = (until - chrono::Utc::now()).to_std().unwrap_or_default();
    tokio::time::sleep(rest + SECOND).await;
    assert_eq!(floor_of(&two.web.hpa().await.unwrap()), held, "a floor fell without anybody to write");
    let record = Record::start(two.ground.cluster.client().await.unwrap(), "shop", "web");
    let back = wait::until("the base given back by the janitor", 120 * SECOND, || async {
        clean(&two, &janitor).await;
        let hpa = two.web.hpa().await.map_err(|e| e.to_string())?;
        let left = traces(&hpa);
        if left.is_empty() && floor_of(&hpa) == 2 { Ok(hpa) } else { Err(format!("{} with {left:?}", floor_of(&hpa))) }
    });
    record.caught_up(&back.await.unwrap()).await;
    assert!(record.floors().is_sorted_by(|a, b| a >= b), "{:?}", record.floors());
    assert_eq!(record.foreign_changes(), Vec::<String>::new());
    assert!(!two.ground.writes_of(JANITOR).is_empty(), "somebody else gave it back");
}

/// One pass of the janitor under its own account; its exit code.
async fn clean(two: &Two, janitor: &std::path::Path) -> i32 {
    let output = run(&["janitor"], two.daemons[0].config(), janitor).await;
    let code = output.status.code().unwrap_or(-1);
    if code != 0 {
        eprintln!("janitor: {}", String::from_utf8_lossy(&output.stderr));
    }
    code
}

async fn epoch_of(web: &Workload) -> u64 {
    let hpa = web.hpa().await.unwrap();
    mark(&hpa, "epoch").and_then(|e| e.parse().ok()).unwrap()
}

async fn reapply(cluster: &Cluster) {
    let manifests = floorcast_testbed::manifests().display().to_string();
    cluster.kubectl(&["apply", "-f", &manifests]).await.unwrap();
}

#[tokio::test]
async fn scenario_7_sigterm_ends_within_ten_seconds_and_leaves_the_floor() {
    if floorcast_testbed::left_out() {
        return;
    }
    let mut two = Two::start(json!({})).await;
    let before = floor_of(&two.web.hpa().await.unwrap());
    let (took, itself) = two.daemons[0].process().stop(Duration::from_secs(10));
    assert!(itself, "killed after {took:?}");
    // A leader that leaves says so: the standby need not wait for the Lease to run out.
    two.daemons[1].wait_leader(30 * SECOND).await.unwrap();
    assert_eq!(floor_of(&two.web.hpa().await.unwrap()), before);
}
