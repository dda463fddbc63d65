//! Scenario 5: a loop that reverts our field.

use std::time::Duration;

use floorcast_testbed::wait;
use floorcast_testbed::workload::{Shape, floor_of};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::{ListParams, Patch, PatchParams};
use serde_json::json;

use crate::system::ground::{Ground, Past, SECOND, busy_now, live};

#[tokio::test]
async fn scenario_5_a_loop_that_reverts_us_ends_in_contended_after_bounded_writes() {
    if floorcast_testbed::left_out() {
        return;
    }
    let replay = busy_now("shop");
    let ground = Ground::start(&[Past::days(&replay)]).await;
    let web = ground.workload(&replay, &live()).await;
    let daemon = ground.daemon("floorcast", &json!({})).await;
    let base = Shape::default().min;
    let loop_ = tokio::spawn({
        let web = web.clone();
        async move {
            loop {
                if web.min_replicas().await.is_ok_and(|min| min != base) {
                    let body = json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
                        "metadata": {"name": "web"}, "spec": {"minReplicas": base}});
                    let params = PatchParams::apply("gitops").force();
                    let _ = web.hpas().patch("web", &params, &Patch::Apply(&body)).await;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    });
    wait::until("Contended", 120 * SECOND, || async {
        let told = daemon.ask("workloads/shop/web").await.map_err(|e| e.to_string())?;
        if told["state"] == "Contended" { Ok(()) } else { Err(told["state"].to_string()) }
    })
    .await
    .unwrap();
    let writes = || ground.hpa_writes("shop");
    // A write that raced the reverter and answered 409 changed nothing: what landed is counted.
    let count = writes().iter().filter(|r| r.code() == 200).count();
    // Five reverts, each after one raise; and what the last of them needs to clean up.
    assert!((5..=8).contains(&count), "{count} writes: {:#?}", writes().iter().map(|r| r.line()).collect::<Vec<_>>());
    let sent = writes().len();
    wait::throughout("no further write", 15 * SECOND, || async {
        let now = writes().len();
        if now <= sent + 2 { Ok(()) } else { Err(format!("{now} writes after {sent}")) }
    })
    .await
    .unwrap();
    loop_.abort();
    assert_eq!(floor_of(&web.hpa().await.unwrap()), base);

    let events: Api<Event> = Api::namespaced(ground.cluster.client().await.unwrap(), "shop");
    let told = wait::until("an Event", 20 * SECOND, || async {
        let all = events.list(&ListParams::default()).await.map_err(|e| e.to_string())?;
        let reasons: Vec<_> = all.items.iter().filter_map(|e| e.reason.clone()).collect();
        all.items.into_iter().find(|e| e.reason.as_deref() == Some("Contended")).ok_or_else(|| format!("{reasons:?}"))
    })
    .await
    .unwrap();
    let note = told.note.unwrap_or_default();
    assert!(note.contains("gitops"), "the Event names who reverts: {note}");
}
