//! Scenario 1: the floor is there before the peak and goes after it.

use std::time::Duration;

use chrono::Utc;
use floorcast_testbed::wait;
use floorcast_testbed::workload::floor_of;

use crate::ground::{SECOND, live};
use crate::record::{Record, floor, traces};
use crate::shared::{ShowLog, shared};

#[tokio::test]
async fn scenario_1_the_deployment_is_at_size_before_the_load_and_at_base_after_it() {
    let Some(shared) = shared().await else { return };
    let _log = ShowLog(shared, "peak".to_owned());
    let ground = &shared.ground;
    let web = ground.workload(&shared.peak, &live()).await;
    let record = Record::start(ground.cluster.client().await.unwrap(), "peak", "web");
    // Without us the HPA runs what the load of now needs.
    let before = shared.peak.replicas(Utc::now());
    let until_peak = (shared.peak_begins - Utc::now()).to_std().expect("the shared cluster started before its peak");

    let top = shared.peak.replicas(shared.peak_begins + chrono::TimeDelta::seconds(90));
    assert!(top >= 15 && before <= 5, "{before} → {top}");
    let hpa = web
        .wait_hpa("a floor for the peak", until_peak, |hpa| match floor(hpa) {
            // The rest of the way, the HPA goes by itself: a forecast of so short a peak is blurred.
            Some(floor) if floor >= top * 3 / 4 => Ok(()),
            other => Err(format!("floor {other:?}, minReplicas {}", floor_of(hpa))),
        })
        .await;
    let hpa = match hpa {
        Ok(hpa) => hpa,
        Err(error) => panic!("{error}; {}", shared.told("peak").await),
    };
    assert!(shared.peak.replicas(Utc::now()) <= 5, "the load was there before the floor");
    let size = floor_of(&hpa);
    web.wait_at_least(size, 20 * SECOND).await.unwrap();
    assert!(Utc::now() < shared.peak_begins, "the Deployment was at size after the peak had begun");

    // Nobody starves on the way up and at the top: more than 1.25 times the target is starving.
    let peak = (shared.peak_begins - Utc::now()).to_std().unwrap_or_default() + Duration::from_secs(90);
    wait::throughout("no replica starves", peak, || async {
        let deployment = web.deployments().get("web").await.map_err(|e| e.to_string())?;
        let ready = deployment.status.and_then(|s| s.ready_replicas).unwrap_or(0).unsigned_abs();
        let load = (shared.peak.load)(Utc::now());
        let most = f64::from(ready) * shared.peak.per_replica() * 1.25;
        if load <= most { Ok(()) } else { Err(format!("{load:.1} requests/s on {ready} replicas")) }
    })
    .await
    .unwrap();

    // Between peaks the load needs more than the base of 2: the ramp ends at the need, not at the base.
    web.wait_hpa("the floor down at what the load needs", Duration::from_mins(12), |hpa| {
        if floor_of(hpa) <= 5 { Ok(()) } else { Err(format!("{} with {:?}", floor_of(hpa), traces(hpa))) }
    })
    .await
    .unwrap();

    let floors = record.floors();
    println!("scenario 1: minReplicas over the run {floors:?}");
    let turn = floors.iter().position(|f| f == floors.iter().max().unwrap()).unwrap();
    assert!(floors[..=turn].is_sorted(), "up without a step back: {floors:?}");
    assert!(floors[turn..].is_sorted_by(|a, b| a >= b), "down without a step back: {floors:?}");
    assert!(floors.len() > turn + 2, "the floor fell at once instead of by the ramp: {floors:?}");
    assert_eq!(record.foreign_changes(), Vec::<String>::new());
}
