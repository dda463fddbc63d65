#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]
use super::*;
use crate::hpa::{ConditionStatus, Container, Phase, Ready, Requests, Version};
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
        ready: Some(Ready { status: ConditionStatus::True, since: at(-3500) }),
        containers: vec![Container { name: "app".to_owned(), requests: Requests::of([("cpu", 1000)]) }],
        init_containers: vec![],
        pod_requests: Requests::default(),
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
    bare.containers[0].requests = Requests::default();
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

#[test]
fn what_does_not_count_is_dropped_before_requests_are_asked_for() {
    let mut starting = pod(0);
    (starting.ready, starting.containers[0].requests) = (None, Requests::default());
    assert_eq!(with(&[starting], 1, |s| cpu(s, &[usage(0, 1)])), Err(MetricError::NoSamples));
}

#[test]
fn an_absent_container_is_a_missing_sample_since_1_33() {
    let pods = [pod(0), pod(1)];
    let mut other = usage(1, 500);
    other.containers = vec![("sidecar".to_owned(), Some(7))];
    let half = [usage(0, 1000), other];
    let size = |version| {
        let controller = Controller::of(version);
        let scale = Scale { spec_replicas: 2, status_replicas: 2 };
        let (now, tolerance) = (at(0), Tolerance::both(0.1));
        let scene = Scene { now, controller: &controller, tolerance, scale, pods: &pods };
        by_resource(&scene, "cpu", Some("app"), ResourceTarget::Average(250), &half).map(|p| p.replicas)
    };
    // 1000 of 250 over one; the other is taken as idle: 500 of 250 over two.
    assert_eq!(size(Version::V1_33), Ok(4));
    assert!(matches!(size(Version::V1_32), Err(MetricError::ContainerNotMeasured { .. })));
}

#[test]
fn external_sums_guard_against_overflow_in_two_ways() {
    let size = |target, values: &[i64]| {
        let metric = MetricSpec::External { metric: "m".to_owned(), target };
        with(&[pod(0), pod(1)], 2, |s| propose(s, &metric, &Sample::External(values.to_vec()))).unwrap().replicas
    };
    let (total, average) = (ValueTarget::Total(1000), ValueTarget::Average(1000));
    //           target, values, expected
    let table: [(_, &[i64], _); 7] = [
        (total, &[2000, 1000], 6),
        (total, &[i64::MAX, 1], i32::MAX),
        // What comes after an overflow is not looked at.
        (total, &[i64::MAX, 1, -i64::MAX], i32::MAX),
        (total, &[-3000], -6),
        (average, &[2000, 1000], 3),
        (average, &[i64::MAX, 1], i32::MAX),
        // A negative sum is taken for an overflow.
        (average, &[-1, 5000], i32::MAX),
    ];
    for (target, values, expected) in table {
        assert_eq!(size(target, values), expected, "{target:?} {values:?}");
    }
}

#[test]
fn values_within_the_tolerance_do_not_ask_for_pods() {
    assert_eq!(with(&[], 3, |s| by_value(s, ValueTarget::Total(1000), 1050)).unwrap().replicas, 3);
    assert_eq!(with(&[], 3, |s| by_value(s, ValueTarget::Total(1000), 1500)), Err(MetricError::NoPods));
    // No pod of the status: 0 of 0 is no ratio, anything else an infinite one.
    assert_eq!(with(&[], 3, |s| by_value(s, ValueTarget::Average(1000), 0)).unwrap().replicas, 0);
    assert_eq!(with(&[], 3, |s| by_value(s, ValueTarget::Average(1000), 1500)).unwrap().replicas, 2);
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
