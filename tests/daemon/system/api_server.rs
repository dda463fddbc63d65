//! Scenario 8: the API server is stopped and restarted while a floor is held, and says "too many requests".

use floorcast_testbed::cluster::Component;
use floorcast_testbed::daemon::Daemon;
use floorcast_testbed::replay::Replay;
use floorcast_testbed::wait;
use floorcast_testbed::workload::floor_of;
use k8s_openapi::ByteString;
use serde_json::json;

use crate::system::ground::{ACCOUNT, Ground, Past, SECOND, busy_now, live};
use crate::system::record::{Record, floor, traces};

#[tokio::test]
async fn scenario_8_an_api_server_that_goes_and_comes_back_costs_nothing() {
    if floorcast_testbed::left_out() {
        return;
    }
    let replay = busy_now("shop");
    let ground = Ground::start(&[Past::days(&replay)]).await;
    let web = ground.workload(&replay, &live()).await;
    let mut daemon = ground.daemon("floorcast", &json!({})).await;
    let hpa = web.wait_hpa("a floor", 120 * SECOND, |hpa| floor(hpa).map(|_| ()).ok_or("no floor".into()));
    let held = floor_of(&hpa.await.unwrap());
    let record = Record::start(ground.cluster.client().await.unwrap(), "shop", "web");
    let writes = ground.hpa_writes("shop").len();

    ground.cluster.kill(Component::ApiServer);
    // Longer than the Lease: the daemon is no leader any more, and lives.
    tokio::time::sleep(8 * SECOND).await;
    assert!(daemon.process().running(), "{}", daemon.process().tail(20));
    ground.cluster.restart(Component::ApiServer).await.unwrap();

    daemon.wait_leader(60 * SECOND).await.unwrap();
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(web.min_replicas().await.unwrap(), held);
    let burst = ground.hpa_writes("shop").len() - writes;
    assert!(burst <= 1, "{burst} writes after the return, with nothing to write");
    assert!(record.epochs().is_sorted());
    web.annotate("floorcast.io/mode", Some("shadow")).await.unwrap();
    web.wait_min_replicas(2, 30 * SECOND).await.unwrap();
}

/// The API server's own flow control: one request at a time for our patches, no queue, and a prisoner holds the seat.
const JAIL: &str = "apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: jail}
spec: {type: Limited, limited: {nominalConcurrencyShares: 0, lendablePercent: 0, borrowingLimitPercent: 0, limitResponse: {type: Reject}}}
---
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: FlowSchema
metadata: {name: jail}
spec:
  priorityLevelConfiguration: {name: jail}
  matchingPrecedence: 2
  rules:
  - subjects: [{kind: ServiceAccount, serviceAccount: {name: floorcast, namespace: floorcast}}]
    resourceRules: [{verbs: [patch], apiGroups: [autoscaling], resources: [horizontalpodautoscalers], namespaces: ['*']}]
  - subjects: [{kind: User, user: {name: prisoner}}]
    resourceRules: [{verbs: [create], apiGroups: [''], resources: [configmaps], namespaces: [jail]}]
---
apiVersion: v1
kind: Namespace
metadata: {name: jail}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: prisoner, namespace: jail}
rules: [{apiGroups: [''], resources: [configmaps], verbs: [create]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: prisoner, namespace: jail}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: prisoner}
subjects: [{kind: User, name: prisoner}]
";

/// A webhook that never answers makes each of the prisoner's requests last for 30 s.
fn webhook(ground: &Ground) -> String {
    let ca = ByteString(ground.cluster.certificates().ca.clone().into_bytes());
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": "jail"},
        "webhooks": [{
            "name": "jail.floorcast.test", "admissionReviewVersions": ["v1"], "sideEffects": "None",
            "timeoutSeconds": 30, "failurePolicy": "Ignore",
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "jail"}},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}],
            "clientConfig": {"url": ground.cluster.metrics().hanging_webhook(), "caBundle": ca},
        }],
    })
    .to_string()
}

/// Keeps the seat busy for half a minute or a little more.
async fn prisoner(ground: &Ground) {
    let begun = std::time::Instant::now();
    // The first tries may pass at once: the API server needs a moment to know its new webhook.
    for number in 0.. {
        let name = format!("seat-{number}");
        // It ends when the webhook's time is over; how, does not matter.
        let _ = ground.cluster.kubectl(&["create", "configmap", &name, "-n", "jail", "--as", "prisoner"]).await;
        if begun.elapsed() > 15 * SECOND {
            return;
        }
    }
}

#[tokio::test]
async fn scenario_8_too_many_requests_are_waited_out_with_bounded_tries() {
    if floorcast_testbed::left_out() {
        return;
    }
    let replay = busy_now("shop");
    let ground = Ground::start(&[Past::days(&replay)]).await;
    let admin = ground.cluster.kubeconfig();
    for manifest in [JAIL.to_owned(), webhook(&ground)] {
        ground.cluster.kubectl_with(admin, &["apply", "-f", "-"], Some(&manifest)).await.unwrap();
    }
    let daemon = ground.daemon("floorcast", &json!({})).await;
    let ((), ()) = tokio::join!(prisoner(&ground), refused(&ground, &daemon, &replay));
}

/// While the seat is taken: refused, and patient. After that: the floor.
async fn refused(ground: &Ground, daemon: &Daemon, replay: &Replay) {
    let jailed = || {
        let audit = ground.cluster.audit().unwrap();
        audit.iter().filter(|r| r.user.username == ACCOUNT && r.verb == "patch" && r.code() == 429).count()
    };
    wait::until("the seat to be taken", 15 * SECOND, || async {
        let dump = ["get", "--raw", "/debug/api_priority_and_fairness/dump_priority_levels"];
        let levels = ground.cluster.kubectl(&dump).await.map_err(|e| e.to_string())?;
        let jail = levels.lines().find(|l| l.starts_with("jail,")).unwrap_or_default().to_owned();
        // Name, active queues, idle, quiescing, waiting, executing, …
        if jail.split(',').nth(5).is_some_and(|n| n.trim() == "1") { Ok(()) } else { Err(jail) }
    })
    .await
    .unwrap();
    let web = ground.workload(replay, &live()).await;
    wait::until("a 429", 20 * SECOND, || async { if jailed() > 0 { Ok(()) } else { Err("none yet".into()) } })
        .await
        .unwrap();
    let before = jailed();
    tokio::time::sleep(5 * SECOND).await;
    let tries = jailed() - before;
    assert!(tries <= 6, "{tries} tries in 5 s against a server that says it is too many");
    assert!(daemon.metric("floorcast_leader").await.unwrap() > Some(0.5), "429s on HPAs cost the Lease");
    let seen = web.hpa().await.unwrap();
    assert_eq!(traces(&seen), Vec::<String>::new());
    web.wait_hpa("the floor at last", 90 * SECOND, |hpa| floor(hpa).map(|_| ()).ok_or("no floor".into()))
        .await
        .unwrap();
}
