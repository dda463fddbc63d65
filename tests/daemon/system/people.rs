//! Scenario 4: a person edits the HPA while a floor is held, or throws the kill switch.

use floorcast_testbed::wait;
use floorcast_testbed::workload::{Shape, Workload, floor_of};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::system::ground::{SECOND, live};
use crate::system::record::{floor, mark, traces};
use crate::system::shared::{Shared, ShowLog, shared};

/// A workload with a floor of at least 7 over a base of 2.
async fn held(shared: &'static Shared, namespace: &'static str) -> (Workload, u32) {
    let web = shared.ground.workload(shared.busy(namespace), &live()).await;
    let hpa = shared.wait_floor(&web, 7).await.unwrap();
    (web, floor(&hpa).unwrap())
}

#[tokio::test]
async fn scenario_4_a_value_above_the_floor_is_the_new_base() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "raised-by-hand".to_owned());
    let (web, held) = held(shared, "raised-by-hand").await;
    let wanted = held + 3;
    web.edit(&json!({"spec": {"minReplicas": wanted}})).await.unwrap();
    wait::throughout("his value stays", 10 * SECOND, || async {
        let found = web.min_replicas().await.map_err(|e| e.to_string())?;
        if found == wanted { Ok(()) } else { Err(format!("minReplicas {found}")) }
    })
    .await
    .unwrap();
    // Opted out, it is still his.
    web.annotate("floorcast.io/mode", Some("shadow")).await.unwrap();
    let hpa = no_trace(&web).await;
    assert_eq!(floor_of(&hpa), wanted);
}

#[tokio::test]
async fn scenario_4_a_value_below_the_floor_is_respected_and_then_the_base() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "lowered-by-hand".to_owned());
    let (web, held) = held(shared, "lowered-by-hand").await;
    web.edit(&json!({"spec": {"minReplicas": 3}})).await.unwrap();
    // The configuration says 20 s of respect.
    wait::throughout("his value is respected", 15 * SECOND, || async {
        let found = web.min_replicas().await.map_err(|e| e.to_string())?;
        if found == 3 { Ok(()) } else { Err(format!("minReplicas {found}")) }
    })
    .await
    .unwrap();
    let told = shared.told("lowered-by-hand").await;
    assert!(told.contains("\"Overridden\""), "{told}");
    let again = shared.wait_floor(&web, held).await.unwrap();
    assert_eq!(mark(&again, "base"), Some("3"));
}

#[tokio::test]
async fn scenario_4_a_maximum_below_the_floor_is_refused_by_the_api_server() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "lowered-max".to_owned());
    let (web, held) = held(shared, "lowered-max").await;
    let refused = web.edit(&json!({"spec": {"maxReplicas": held - 1}})).await.unwrap_err().to_string();
    assert!(refused.contains("must be greater than or equal to") && refused.contains("spec.maxReplicas"), "{refused}");
    // With the minimum in the same write it passes: a person's opinion below the floor.
    web.edit(&json!({"spec": {"maxReplicas": held - 2, "minReplicas": 2}})).await.unwrap();
    wait::throughout("never above the new maximum less its headroom", 30 * SECOND, || async {
        let hpa = web.hpa().await.map_err(|e| e.to_string())?;
        if floor_of(&hpa) < held - 2 { Ok(()) } else { Err(format!("minReplicas {}", floor_of(&hpa))) }
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn scenario_4_a_recreated_hpa_is_a_new_one() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "recreated".to_owned());
    let (web, held) = held(shared, "recreated").await;
    let before = web.hpa().await.unwrap().metadata.uid;
    web.hpas().delete("web", &DeleteParams::default()).await.unwrap();
    web.create_hpa(&live().bounds(4, 20)).await.unwrap();
    let hpa = shared.wait_floor(&web, held.max(5)).await.unwrap();
    assert_ne!(hpa.metadata.uid, before);
    assert_eq!(mark(&hpa, "base"), Some("4"), "the base of the HPA that is gone must not live on");
    web.annotate("floorcast.io/mode", Some("shadow")).await.unwrap();
    assert_eq!(floor_of(&no_trace(&web).await), 4);
}

#[tokio::test]
async fn scenario_4_the_kill_switch_freezes_releases_and_drains_a_namespace() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "frozen".to_owned());
    let (frozen, drained, released) =
        tokio::join!(held(shared, "frozen"), held(shared, "drained"), held(shared, "released"));

    switch(shared, "frozen", "freeze").await;
    switch(shared, "drained", "drain").await;
    switch(shared, "released", "release").await;

    let hpa = released.0.wait_min_replicas(Shape::default().min, 30 * SECOND).await.unwrap();
    assert!(floor(&hpa).is_none(), "released with {:?}", traces(&hpa));
    // By the ramp: a floor in between is seen before the base is there.
    let between = drained.0.wait_hpa("a floor in between", 60 * SECOND, |hpa| match floor(hpa) {
        Some(floor) if floor < drained.1 => Ok(()),
        other => Err(format!("floor {other:?}")),
    });
    between.await.unwrap();
    drained.0.wait_min_replicas(Shape::default().min, 180 * SECOND).await.unwrap();

    // Frozen: what is held stays, and even an opt-out is not acted on.
    let writes = shared.ground.hpa_writes("frozen").len();
    frozen.0.annotate("floorcast.io/mode", Some("shadow")).await.unwrap();
    wait::throughout("no write while frozen", 10 * SECOND, || async {
        let found = frozen.0.min_replicas().await.map_err(|e| e.to_string())?;
        if found == frozen.1 { Ok(()) } else { Err(format!("minReplicas {found}")) }
    })
    .await
    .unwrap();
    assert_eq!(shared.ground.hpa_writes("frozen").len(), writes);

    // Off again: the opt-out is acted on, and the released one gets a floor again.
    for namespace in ["frozen", "drained", "released"] {
        switch(shared, namespace, "run").await;
    }
    assert_eq!(floor_of(&no_trace(&frozen.0).await), Shape::default().min);
}

async fn switch(shared: &'static Shared, namespace: &str, word: &str) {
    let maps: Api<ConfigMap> = Api::namespaced(shared.ground.cluster.client().await.unwrap(), "floorcast");
    let patch = json!({"data": {format!("namespace.{namespace}"): word}});
    maps.patch("floorcast-control", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

async fn no_trace(web: &Workload) -> k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler {
    web.wait_hpa("no trace of us", 30 * SECOND, |hpa| match traces(hpa) {
        left if left.is_empty() => Ok(()),
        left => Err(format!("minReplicas {} with {left:?}", floor_of(hpa))),
    })
    .await
    .unwrap()
}
