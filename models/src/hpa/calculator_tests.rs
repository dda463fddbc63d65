#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]
use super::*;
use crate::hpa::{Container, Phase, Ready, Version};
use chrono::TimeDelta;
use proptest::prelude::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn pod(i: usize) -> Pod {
    Pod {
        name: format!("p{i}"),
        phase: Phase::Running,
        deleted: false,
        started: Some(at(-3600)),
        ready: Some(Ready { status: true, since: at(-3500) }),
        containers: vec![Container { name: "app".to_owned(), request: Some(1000) }],
        init_containers: vec![],
        pod_request: None,
    }
}

fn usage(i: usize, milli: i64) -> PodUsage {
    let containers = vec![("app".to_owned(), Some(milli))];
    PodUsage { pod: format!("p{i}"), at: at(-10), window: TimeDelta::seconds(15), containers }
}

fn with<T>(pods: &[Pod], spec_replicas: i32, then: impl FnOnce(&Scene) -> T) -> T {
    let controller = Controller::of(Version::V1_36);
    let scale = Scale { spec_replicas, status_replicas: pods.len() as i32 };
    then(&Scene { now: at(0), controller: &controller, tolerance: Tolerance::both(0.1), scale, pods })
}

fn cpu(scene: &Scene, usage: &[PodUsage]) -> Result<Proposal, MetricError> {
    by_resource(scene, "cpu", None, ResourceTarget::Utilization(50), usage)
}

#[test]
fn an_unmeasured_pod_is_missing_and_a_strange_sample_is_not_a_pod() {
    let pods: Vec<Pod> = (0..4).map(pod).collect();
    let three: Vec<PodUsage> = (0..3).map(|i| usage(i, 1000)).collect();
    // 100 % of 50 % over three, 75 % over four: 1.5 · 4.
    assert_eq!(with(&pods, 4, |s| cpu(s, &three)).unwrap().replicas, 6);
    let strange: Vec<PodUsage> = (0..5).map(|i| usage(i, 1000)).collect();
    assert_eq!(with(&pods, 4, |s| cpu(s, &strange)).unwrap().current.average, Some(1000));
}

#[test]
fn every_failure_has_its_name() {
    let pods = [pod(0)];
    let mut bare = pod(0);
    bare.containers[0].request = None;
    let mut going = pod(0);
    going.deleted = true;
    assert!(matches!(with(&pods, 1, |s| cpu(s, &[])), Err(MetricError::NoResourceMetrics { .. })));
    assert_eq!(with(&[], 1, |s| cpu(s, &[usage(0, 1)])), Err(MetricError::NoPods));
    assert!(matches!(with(&[bare], 1, |s| cpu(s, &[usage(0, 1)])), Err(MetricError::NoRequest { .. })));
    assert_eq!(with(&[going], 1, |s| cpu(s, &[usage(0, 1)])), Err(MetricError::NoSamples));
    let resource = MetricSpec::Pods { metric: "m".to_owned(), average: 1 };
    assert_eq!(with(&pods, 1, |s| propose(s, &resource, &Sample::Object(1))), Err(MetricError::NotObserved));
}

#[test]
fn a_value_multiplies_ready_pods_and_an_average_does_not_look_at_them() {
    let mut pods: Vec<Pod> = (0..4).map(pod).collect();
    pods[0].ready = None;
    pods[1].phase = Phase::Pending;
    let total = with(&pods, 4, |s| by_value(s, ValueTarget::Total(1000), 3000)).unwrap();
    let average = with(&pods, 4, |s| by_value(s, ValueTarget::Average(1000), 9500)).unwrap();
    assert_eq!((total.replicas, average.replicas), (6, 10));
    assert_eq!(average.current.average, Some(2375));
}

#[test]
fn from_zero_tolerance_is_ignored() {
    let woken = with(&[], 0, |s| by_value(s, ValueTarget::Total(1000), 50)).unwrap();
    assert_eq!(woken.replicas, 1);
}

proptest! {
    /// More load never asks for fewer replicas, all pods being ready and measured.
    #[test]
    fn monotone_in_load(n in 1_usize..40, low in 0_i64..5000, more in 0_i64..5000) {
        let pods: Vec<Pod> = (0..n).map(pod).collect();
        let size = |milli| {
            let usage: Vec<PodUsage> = (0..n).map(|i| usage(i, milli)).collect();
            with(&pods, n as i32, |s| cpu(s, &usage)).unwrap().replicas
        };
        prop_assert!(size(low) <= size(low + more));
    }

    /// Missing and starting pods never turn a rise into a fall or a fall into a rise.
    #[test]
    fn the_unmeasured_only_dampen(n in 2_usize..20, missing in 0_usize..10, milli in 0_i64..3000) {
        let pods: Vec<Pod> = (0..n + missing).map(pod).collect();
        let current = (n + missing) as i32;
        let usage: Vec<PodUsage> = (0..n).map(|i| usage(i, milli)).collect();
        let size = with(&pods, current, |s| cpu(s, &usage)).unwrap().replicas;
        // 50 % of 1000 m is the target.
        if missing > 0 && milli < 500 { prop_assert!(size <= current); }
        if missing > 0 && milli > 510 { prop_assert!(size >= current); }
    }
}
