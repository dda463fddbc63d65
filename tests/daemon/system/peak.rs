//! Scenario 1: the floor is there before the peak and goes after it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_testbed::replay::Replay;
use floorcast_testbed::wait;
use floorcast_testbed::workload::floor_of;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler as Hpa;

use crate::system::ground::{SECOND, live};
use crate::system::record::{Record, floor, traces};
use crate::system::shared::{ShowLog, shared};

/// The user's own floor.
const BASE: u32 = 2;
/// From the beginning of the peak to its height.
const HEIGHT: TimeDelta = TimeDelta::seconds(90);
/// The HPA's own tolerance: within it the controller would not scale up either.
const TOLERANCE: f64 = 1.1;

#[tokio::test]
async fn scenario_1_the_deployment_is_at_size_before_the_load_and_at_base_after_it() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "peak".to_owned());
    let ground = &shared.ground;
    let web = ground.workload(&shared.peak, &live()).await;
    let record = Record::start(ground.cluster.client().await.unwrap(), "peak", "web");
    let until_peak = (shared.peak_begins - Utc::now()).to_std().expect("the shared cluster started before its peak");

    // Without us the HPA runs what the load of now needs: its base.
    let (before, top) = (shared.peak.replicas(Utc::now()), accepted(&shared.peak, shared.peak_begins + HEIGHT));
    assert!(top >= 14 && before == BASE, "{before} → {top}");
    let whole = |hpa: &Hpa| match floor(hpa) {
        Some(floor) if floor >= top => Ok(()),
        other => Err(format!("floor {other:?} of {top}, minReplicas {}", floor_of(hpa))),
    };
    let hpa = web.wait_hpa("a floor for the whole peak", until_peak, whole).await;
    let hpa = match hpa {
        Ok(hpa) => hpa,
        Err(error) => panic!("{error}; {}", shared.told("peak").await),
    };
    web.wait_at_least(floor_of(&hpa), 20 * SECOND).await.unwrap();
    let now = Utc::now();
    assert!(now < shared.peak_begins, "the Deployment was at size after the peak had begun");
    assert_eq!(shared.peak.replicas(now), BASE, "the load was there before the floor");

    // Nobody carries more than the HPA itself accepts, on the way up and at the top.
    let peak = (shared.peak_begins - Utc::now()).to_std().unwrap_or_default() + Duration::from_secs(270);
    wait::throughout("no replica carries too much", peak, || async {
        let deployment = web.deployments().get("web").await.map_err(|e| e.to_string())?;
        let ready = deployment.status.and_then(|s| s.ready_replicas).unwrap_or(0).unsigned_abs();
        let load = (shared.peak.load)(Utc::now());
        let most = f64::from(ready) * shared.peak.per_replica() * TOLERANCE;
        if load <= most { Ok(()) } else { Err(format!("{load:.1} requests/s on {ready} replicas")) }
    })
    .await
    .unwrap();

    let given_back = |hpa: &Hpa| {
        let left = traces(hpa);
        if left.is_empty() && floor_of(hpa) == BASE { Ok(()) } else { Err(format!("{} with {left:?}", floor_of(hpa))) }
    };
    let back = web.wait_hpa("base given back", Duration::from_mins(10), given_back).await.unwrap();
    record.caught_up(&back).await;

    let floors = record.floors();
    println!("scenario 1: minReplicas over the run {floors:?}");
    let turn = floors.iter().position(|f| f == floors.iter().max().unwrap()).unwrap();
    assert!(floors[..=turn].is_sorted(), "up without a step back: {floors:?}");
    assert!(floors[turn..].is_sorted_by(|a, b| a >= b), "down without a step back: {floors:?}");
    assert!(floors.len() > turn + 2, "the floor fell at once instead of by the ramp: {floors:?}");
    assert_eq!(record.foreign_changes(), Vec::<String>::new());
}

/// Replicas with which the HPA leaves the load of this time alone.
fn accepted(replay: &Replay, at: DateTime<Utc>) -> u32 {
    ((replay.load)(at) / (replay.per_replica() * TOLERANCE)).ceil() as u32
}
