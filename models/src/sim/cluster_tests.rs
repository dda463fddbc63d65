#![allow(clippy::unwrap_used)]
use super::*;
use crate::hpa::{Container, MetricSpec, Observation, Pod, PodUsage, Requests, Sample};
use crate::sim::{Nodes, Outcome, Seasonal, StartUp};
use crate::units::PerReplica;
use proptest::prelude::*;

const START: i64 = 1_800_000_000;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(START + second, 0).unwrap()
}

fn workload() -> Workload {
    let start_up = StartUp { spread: 0.0, ..StartUp::of(TimeDelta::seconds(90)) };
    Workload { start_up, ..Workload::of(PerReplica::new(10.0).unwrap()) }
}

/// `before` until ten minutes have passed, then `after`.
fn jump(before: f64, after: f64) -> impl Load + Clone {
    move |t: DateTime<Utc>| if t < at(600) { before } else { after }
}

fn minutes(n: i64) -> TimeDelta {
    TimeDelta::minutes(n)
}

#[test]
fn a_steady_load_moves_nothing() {
    let mut cluster = Cluster::new(at(0), workload(), |_: DateTime<Utc>| 100.0, 1);
    cluster.step(minutes(120));
    let outcome = cluster.outcome();
    assert_eq!((cluster.current().get(), outcome.rescales, outcome.starved_seconds), (10, 0, 0.0));
    assert!((outcome.pod_hours - 20.0).abs() < 1e-6);
}

#[test]
fn the_hpa_alone_starves_until_the_pods_it_asked_for_are_ready() {
    let mut cluster = Cluster::new(at(0), workload(), jump(100.0, 300.0), 1);
    cluster.step(minutes(60));
    let outcome = cluster.outcome();
    assert!(cluster.current().get() >= 30 && cluster.ready() == cluster.current());
    // At least the start-up time; CPU saturates at 125 %, so the rise takes several rounds of start-up.
    assert!(outcome.starved_seconds > 100.0 && outcome.starved_minutes() < 15.0, "{outcome:?}");
    assert!(outcome.starved_load_ratio > 0.01 && outcome.longest_starved_seconds <= outcome.starved_seconds);
}

#[test]
fn a_floor_ahead_of_the_load_starves_nobody() {
    let mut cluster = Cluster::new(at(0), workload(), jump(100.0, 300.0), 1);
    cluster.step(minutes(7));
    cluster.set_min_replicas(Replicas::new(30));
    cluster.step(minutes(53));
    let outcome = cluster.outcome();
    assert_eq!((outcome.starved_seconds, outcome.floor_writes), (0.0, 1));
    assert_eq!(cluster.ready().get(), 30);
    cluster.set_min_replicas(Replicas::new(2));
    cluster.step(minutes(10));
    assert_eq!(cluster.current().get(), 30, "the load is still there");
}

#[test]
fn a_known_rate_rises_faster_than_saturated_cpu() {
    let starved = |metric| {
        let mut cluster = Cluster::new(at(0), Workload { metric, ..workload() }, jump(100.0, 300.0), 1);
        cluster.step(minutes(60));
        cluster.outcome().starved_seconds
    };
    assert!(starved(Metric::Rate) < starved(Metric::Cpu { utilization: 70 }));
}

#[test]
fn nodes_that_must_come_first_starve_longer_and_cost_hours() {
    let run = |nodes| {
        let mut cluster =
            Cluster::new(at(0), Workload { nodes, metric: Metric::Rate, ..workload() }, jump(100.0, 300.0), 1);
        cluster.step(minutes(60));
        cluster.outcome()
    };
    let (endless, slow) = (run(None), run(Some(Nodes::of(4, minutes(4)))));
    assert!(slow.starved_seconds > endless.starved_seconds + 120.0, "{slow:?} {endless:?}");
    assert!(slow.node_hours > 3.0 && endless.node_hours == 0.0);
}

#[test]
fn nodes_that_come_at_once_change_nothing_but_their_hours() {
    let ups_and_downs = |t: DateTime<Utc>| 200.0 + 150.0 * ((t - at(0)).as_seconds_f64() / 1800.0).sin();
    for seed in 0..20 {
        let run = |nodes| {
            let mut cluster = Cluster::new(at(0), Workload { nodes, ..workload() }, ups_and_downs, seed);
            cluster.step(minutes(600));
            cluster.outcome()
        };
        let (endless, counted) = (run(None), run(Some(Nodes::of(4, minutes(0)))));
        assert!(counted.node_hours > counted.pod_hours / 4.0);
        assert_eq!(Outcome { node_hours: 0.0, ..counted }, endless, "seed {seed}");
    }
}

#[test]
fn a_queue_is_worked_off_after_the_burst() {
    let burst = |t: DateTime<Utc>| if (at(600)..at(720)).contains(&t) { 400.0 } else { 100.0 };
    let mut cluster =
        Cluster::new(at(0), Workload { excess: Excess::Queued, max: Replicas::new(12), ..workload() }, burst, 1);
    cluster.step(minutes(12));
    assert!(cluster.backlog > 20_000.0, "{}", cluster.backlog);
    cluster.step(minutes(120));
    assert!(cluster.backlog < 1.0, "{}", cluster.backlog);
}

#[test]
fn the_bounds_of_others_and_their_hands_are_obeyed() {
    let mut cluster = Cluster::new(at(0), workload(), |_: DateTime<Utc>| 100.0, 1);
    cluster.step(minutes(10));
    cluster.set_max_replicas(Replicas::new(6));
    cluster.step(minutes(1));
    assert_eq!((cluster.current().get(), cluster.max().get()), (6, 6));
    cluster.set_replicas(Replicas::ZERO);
    cluster.set_min_replicas(Replicas::new(5));
    cluster.step(minutes(10));
    assert_eq!((cluster.current(), cluster.existing()), (Replicas::ZERO, Replicas::ZERO));
    cluster.restart_controller();
    cluster.set_replicas(Replicas::ONE);
    cluster.step(minutes(1));
    assert_eq!(cluster.current().get(), 5);
    assert!(cluster.verdict().is_some());
}

/// The sums that the simulation hands to the HPA are those of the very pods, put through the whole controller.
#[test]
fn sums_and_pods_come_to_the_same() {
    let mut compared = 0;
    for seed in 0..20 {
        let load = Seasonal::by_seed(seed, 200.0).with_bursts(1.0);
        let mut cluster = Cluster::new(at(0), Workload::of(PerReplica::new(10.0).unwrap()), load, seed);
        for _ in 0..480 {
            cluster.step(TimeDelta::seconds(90));
            compared += u32::from(same_proposal(&mut cluster));
        }
    }
    assert!(compared > 500, "only {compared} syncs with young pods");
}

/// Compares one proposal; whether young pods made it interesting.
fn same_proposal<L: Load>(cluster: &mut Cluster<L>) -> bool {
    let Some(reading) = cluster.meter.read(cluster.now) else { return false };
    let (now, controller) = (cluster.now(), cluster.workload.controller);
    let tolerance = cluster.spec.tolerance(controller.flags.tolerance, &controller.gates);
    let window = cluster.meter.resolution();
    let view = View { now, at: cluster.now, controller, tolerance, reading: Some(reading), window };
    let target = Scaled::sound(cluster.current().to_api(), cluster.existing().to_api());
    let scale = target.scale.clone().unwrap();
    let by_sums = view.measure(&cluster.workload, &cluster.fleet, scale);
    let observation = observe(&view, &cluster.fleet, &cluster.spec, reading, target);
    let Ok(sample) = &observation.samples[0] else { return false };
    let scene = Scene { now, controller: &controller, tolerance, scale, pods: &observation.pods };
    let by_pods = hpa::propose(&scene, &cluster.spec.metrics[0], sample);
    assert_eq!(by_sums, by_pods, "at {now}");
    !cluster.fleet.young.is_empty()
}

fn observe(view: &View, fleet: &Fleet, spec: &Spec, reading: Reading, target: Scaled) -> Observation {
    let [MetricSpec::Resource { target: ResourceTarget::Utilization(percent), .. }] = spec.metrics[..] else {
        panic!()
    };
    let usage = (reading.per_pod / 10.0 * 10.0 * f64::from(percent)).round() as i64;
    let long_ago = Placed { at: 0, running: 0, ready: 0 };
    let settled = (0..fleet.settled).map(|_| Young::placed_at(long_ago));
    let all: Vec<Young> = settled.chain(fleet.young.iter().copied()).collect();
    let mut samples = Vec::new();
    let pods = all.iter().enumerate().map(|(i, young)| {
        let vitals = view.vitals(young);
        let name = format!("p{i}");
        if let Some(sample) = view.sample(young, reading, usage) {
            let containers = vec![("app".to_owned(), Some(sample.value))];
            samples.push(PodUsage { pod: name.clone(), at: sample.at, window: sample.window, containers });
        }
        let containers = vec![Container { name: "app".to_owned(), requests: Requests::of([("cpu", REQUEST)]) }];
        let (phase, deleted, started, ready) = (vitals.phase, vitals.deleted, vitals.started, vitals.ready);
        Pod {
            name,
            phase,
            deleted,
            started,
            ready,
            containers,
            init_containers: vec![],
            pod_requests: Requests::default(),
        }
    });
    let pods = pods.collect();
    Observation { target, pods, samples: vec![Ok(Sample::Resource(samples))] }
}

#[test]
fn four_weeks_are_lived_through() {
    let load = Seasonal::by_seed(1, 300.0);
    let mut cluster = Cluster::new(at(0), Workload::of(PerReplica::new(10.0).unwrap()), load, 1);
    cluster.step(TimeDelta::weeks(4));
    let outcome = cluster.outcome();
    assert!((outcome.seconds - 4.0 * 604_800.0).abs() < 1e-3);
    assert!(outcome.rescales > 1000 && outcome.peak > Replicas::new(40), "{outcome:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// The same seed gives the same run, however the time is cut; and the size keeps to the bounds of the moment.
    #[test]
    fn deterministic_and_within_bounds(seed: u64, floors in prop::collection::vec(2_u32..40, 12)) {
        let build = || Cluster::new(at(0), workload(), Seasonal::by_seed(seed, 150.0), seed);
        let (mut whole, mut cut) = (build(), build());
        for floor in floors {
            let floor = Replicas::new(floor);
            whole.set_min_replicas(floor);
            cut.set_min_replicas(floor);
            whole.step(TimeDelta::minutes(15));
            for _ in 0..15 { cut.step(TimeDelta::minutes(1)); }
            prop_assert_eq!(whole.current(), cut.current());
            prop_assert!(whole.current() >= floor && whole.current() <= whole.max());
            prop_assert!(whole.ready() <= whole.existing() && whole.existing() == whole.current());
        }
        let (a, b) = (whole.outcome(), cut.outcome());
        prop_assert_eq!((a.starved_seconds, a.rescales, a.floor_writes), (b.starved_seconds, b.rescales, b.floor_writes));
    }

    /// A floor that carries the highest load from the start never starves anybody. (A merely higher floor may: from it
    /// the tolerance can hold a size that the HPA, coming from below, would have passed.)
    #[test]
    fn a_floor_at_the_peaks_need_starves_nobody(seed in 0_u64..500) {
        let load = Seasonal::by_seed(seed, 150.0);
        let peak = (0..360).map(|minute| load.at(at(60 * minute))).fold(0.0, f64::max);
        let min = Replicas::new((peak / 10.0).ceil() as u32);
        let mut cluster = Cluster::new(at(0), Workload { min, ..workload() }, load, seed);
        cluster.step(TimeDelta::hours(6));
        prop_assert_eq!(cluster.outcome().starved_seconds, 0.0);
    }
}

#[test]
fn a_rollout_replaces_every_pod_and_its_unready_ones_dampen_the_hpa() {
    let mut cluster = Cluster::new(at(0), workload(), |_: DateTime<Utc>| 100.0, 1);
    cluster.step(minutes(10));
    cluster.roll_out(0.25, 0.25);
    cluster.step(TimeDelta::seconds(30));
    // 10 pods: 3 may come beside them, 2 may be missing.
    assert_eq!((cluster.existing().get(), cluster.ready().get()), (13, 8));
    cluster.step(minutes(30));
    assert!(!cluster.rolling_out());
    assert_eq!(cluster.existing(), cluster.ready());
    assert!((10..=13).contains(&cluster.ready().get()), "{:?}", cluster.ready());
}

#[test]
fn a_flash_crowd_starves_whom_no_floor_protects() {
    let crowd = || crate::sim::FlashCrowd::new(|_: DateTime<Utc>| 100.0, at(1800), minutes(30), 4.0);
    let run = |floor: Option<u32>| {
        let mut cluster = Cluster::new(at(0), workload(), crowd(), 1);
        if let Some(floor) = floor {
            cluster.set_min_replicas(Replicas::new(floor));
        }
        cluster.step(minutes(90));
        cluster.outcome().starved_seconds
    };
    assert!(run(None) > 120.0, "{}", run(None));
    assert_eq!(run(Some(40)), 0.0);
}
