#![allow(clippy::unwrap_used)]
//! Two days of a shop.

use super::*;
use crate::simulated::curve::Curve;

fn scenario(days: i64) -> Scenario {
    let start = "2026-03-03T00:00:00Z".parse().unwrap();
    let curve = Curve { seed: 1, night: 0.8, peak: 6.0, noise: 0.03, shift: 0.0 };
    let web = Deployed {
        namespace: "shop".into(),
        name: "web".into(),
        load: Arc::new(move |at| Some(curve.at(at))),
        request_millicores: 500,
        utilization: 60,
        min: 3,
        max: 40,
        replicas: 4,
        pod_start: TimeDelta::seconds(120),
        annotations: vec![("floorcast.io/mode".into(), "live".into())],
    };
    Scenario { seed: 1, start, length: TimeDelta::days(days), workloads: vec![web] }
}

#[tokio::test(start_paused = true)]
async fn floorcast_starves_less_than_the_hpa_alone() {
    let scenario = scenario(1);
    let alone = scenario.alone(|_| {}).await.unwrap();
    let with = scenario.with_floorcast(|_| {}).await.unwrap();
    let starved = |o: &Outcome| o.courses[0].tally.starved_minutes();
    assert!(starved(&alone) > 0, "a morning within half an hour starves an HPA with slow pods");
    assert!(with.floor_writes > 0, "{:#?}", with.last);
    assert!(starved(&with) < starved(&alone), "{} against {}", starved(&with), starved(&alone));
    assert_eq!(alone.floor_writes, 0);
}
