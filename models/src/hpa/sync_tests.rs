#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]
use super::*;
use crate::hpa::condition::Limit;
use crate::hpa::{Behavior, ConditionStatus, Phase, Pod, Policy, Ready, Requests, Rules, Sample, ValueTarget, Version};
use proptest::prelude::*;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

/// An HPA on an external metric of 1 per replica.
fn spec(min: i32, max: i32) -> Spec {
    let target = ValueTarget::Average(1000);
    Spec {
        min: Some(min),
        max,
        metrics: vec![MetricSpec::External { metric: "load".to_owned(), target }],
        behavior: None,
    }
}

fn seen(current: i32, load: i64) -> Observation {
    Observation {
        target: Scaled::sound(current, current),
        pods: vec![],
        samples: vec![Ok(Sample::External(vec![load * 1000]))],
    }
}

fn controller() -> Controller {
    Controller::of(Version::V1_36)
}

fn failing(current: i32) -> Observation {
    Observation { samples: vec![Err(MetricError::Api("503".to_owned()))], ..seen(current, 0) }
}

#[test]
fn below_the_floor_nothing_else_is_looked_at() {
    let mut frozen = spec(20, 30);
    frozen.behavior = Some(Behavior {
        scale_up: Rules { select: crate::hpa::Select::Disabled, ..Rules::default_up() },
        scale_down: Rules::default_down(),
    });
    let mut ambiguous = failing(5);
    ambiguous.target.selector = Selector::Ambiguous;
    let mut state = State::default();
    let verdict = sync(at(0), &frozen, &controller(), &ambiguous, &mut state);
    assert_eq!((verdict.rescaled_to, verdict.reason), (Some(20), Some(RescaleReason::BelowMin)));
    assert_eq!(verdict.conditions.list(), [("AbleToScale", true, "SucceededRescale")]);
    assert_eq!(verdict.error, None);
    // The jump was stored as an event, but no recommendation was logged besides the first size.
    assert_eq!(state.ups.entries().len(), 1);
    assert_eq!(state.log.unwrap().entries().len(), 1);
}

#[test]
fn a_floor_never_wakes_a_target_at_zero() {
    for version in [Version::V1_32, Version::V1_36, Version::V1_37] {
        let verdict = sync(at(0), &spec(3, 30), &Controller::of(version), &seen(0, 9), &mut State::default());
        assert_eq!((verdict.rescaled_to, verdict.desired), (None, 0), "{version:?}");
        assert_eq!(verdict.conditions.active, Some(Active::Disabled));
    }
}

#[test]
fn what_the_hpa_put_to_zero_wakes_at_least_to_the_floor() {
    let controller = Controller::of(Version::V1_37);
    let mut state = State::default();
    let mut recent = State { log: Some(Log::default()), ..State::default() };
    let down = sync(at(0), &spec(0, 30), &controller, &seen(2, 0), &mut recent);
    assert_eq!((down.rescaled_to, down.conditions.scaled_to_zero), (Some(0), Some(true)));
    state.conditions = recent.conditions;
    let up = sync(at(15), &spec(3, 30), &controller, &seen(0, 1), &mut state);
    assert_eq!((up.rescaled_to, up.conditions.scaled_to_zero), (Some(3), Some(false)));
}

#[test]
fn versions_differ_at_the_edge_of_the_tolerance_and_at_zero() {
    // 11 over 10 is a ratio of 1.1: outside for |1 − r| ≤ 0.1, inside for r ≤ 1 + 0.1.
    let at_edge =
        |version| sync(at(0), &spec(1, 30), &Controller::of(version), &seen(10, 11), &mut State::default()).rescaled_to;
    assert_eq!((at_edge(Version::V1_32), at_edge(Version::V1_33)), (Some(11), None));
    // Before 1.36 with the gate on, a floor of 0 was enough to be woken, and there was no condition.
    let mut old = Controller::of(Version::V1_35);
    old.gates.scale_to_zero = true;
    let verdict = sync(at(0), &spec(0, 30), &old, &seen(0, 3), &mut State::default());
    assert_eq!((verdict.rescaled_to, verdict.conditions.scaled_to_zero), (Some(3), None));
    assert_eq!(sync(at(0), &spec(1, 30), &old, &seen(0, 3), &mut State::default()).rescaled_to, None);
}

#[test]
fn the_tolerance_of_the_object_counts_where_its_gate_is_on() {
    let mut strict = spec(1, 30);
    let scale_up = Rules { tolerance: Some(0.01), ..Rules::default_up() };
    strict.behavior = Some(Behavior { scale_up, ..Behavior::default() });
    let wish = |version, load| {
        sync(at(0), &strict, &Controller::of(version), &seen(20, load), &mut State::default()).rescaled_to
    };
    assert_eq!((wish(Version::V1_33, 21), wish(Version::V1_35, 21)), (None, Some(21)));
}

#[test]
fn a_negative_proposal_is_none() {
    let mut idle = spec(0, 30);
    idle.metrics = vec![MetricSpec::External { metric: "load".to_owned(), target: ValueTarget::Total(1000) }];
    let pods = |n| (0..n).map(ready_pod).collect();
    let seen = Observation { samples: vec![Ok(Sample::External(vec![-4000]))], pods: pods(3), ..seen(3, 0) };
    let mut state = State { log: Some(Log::default()), ..State::default() };
    let verdict = sync(at(0), &idle, &Controller::of(Version::V1_37), &seen, &mut state);
    assert_eq!((verdict.rescaled_to, verdict.reason), (Some(0), Some(RescaleReason::AllBelow)));
    // The log holds the 0 that was compared, not the −12 of the metric.
    assert_eq!(state.log.unwrap().entries()[0].replicas, 0);
    assert_eq!(verdict.conditions.limited, Some((false, Limit::WithinRange)));
}

fn ready_pod(i: usize) -> Pod {
    Pod {
        name: format!("p{i}"),
        phase: Phase::Running,
        deleted: false,
        started: Some(at(-1000)),
        ready: Some(Ready { status: ConditionStatus::True, since: at(-900) }),
        containers: vec![],
        init_containers: vec![],
        pod_requests: Requests::default(),
    }
}

#[test]
fn the_floor_is_the_reason_where_only_it_wakes_a_target() {
    let conditions = Conditions { scaled_to_zero: Some(true), ..Conditions::default() };
    let mut state = State { conditions, ..State::default() };
    let verdict = sync(at(0), &spec(2, 30), &Controller::of(Version::V1_37), &seen(0, 0), &mut state);
    assert_eq!((verdict.rescaled_to, verdict.reason), (Some(2), Some(RescaleReason::BelowMin)));
    // 1.36 has the condition, behind its gate.
    let off = Controller::of(Version::V1_36);
    let mut state = State { conditions, ..State::default() };
    let verdict = sync(at(0), &spec(0, 30), &off, &seen(0, 9), &mut state);
    assert_eq!((verdict.desired, verdict.conditions.scaled_to_zero), (0, None));
}

#[test]
fn a_failed_sync_keeps_the_old_wish_in_the_status() {
    let mut state = State::default();
    sync(at(0), &spec(1, 30), &controller(), &seen(4, 6), &mut state);
    let verdict = sync(at(15), &spec(1, 30), &controller(), &failing(6), &mut state);
    assert_eq!((verdict.desired, verdict.rescaled_to), (6, None));
    assert_eq!(verdict.conditions.active, Some(Active::FailedExternal));
    let events: Vec<_> = verdict.events.iter().map(|e| e.as_str()).collect();
    assert_eq!(events, ["FailedGetExternalMetric", "FailedComputeMetricsReplicas"]);
    assert!(verdict.error.unwrap().to_string().contains("1 invalid out of 1"));
}

#[test]
fn a_scale_that_cannot_be_read_or_written() {
    let mut unreadable = seen(4, 8);
    unreadable.target.scale = Err("404".to_owned());
    let verdict = sync(at(0), &spec(1, 30), &controller(), &unreadable, &mut State::default());
    assert_eq!(verdict.conditions.list(), [("AbleToScale", false, "FailedGetScale")]);
    let mut unwritable = seen(4, 8);
    unwritable.target.refuses = Some("409".to_owned());
    let mut state = State { desired: 4, ..State::default() };
    let verdict = sync(at(0), &spec(1, 30), &controller(), &unwritable, &mut state);
    assert_eq!((verdict.rescaled_to, verdict.desired), (None, 4));
    assert_eq!(verdict.conditions.able, Some(Able::FailedUpdateScale));
    assert_eq!(verdict.events, [Event::FailedRescale { to: 8, reason: RescaleReason::MetricAbove(0) }]);
}

#[test]
fn a_binding_floor_shows_once_stabilisation_lets_go() {
    let mut state = State::default();
    let mut limit_at =
        |second| sync(at(second), &spec(5, 30), &controller(), &seen(5, 2), &mut state).conditions.limited;
    assert_eq!(limit_at(0), Some((false, Limit::WithinRange)));
    assert_eq!(limit_at(300), Some((false, Limit::WithinRange)));
    assert_eq!(limit_at(301), Some((true, Limit::TooFewReplicas)));
}

#[test]
fn the_measured_sequence_after_a_floor_jump() {
    let mut with_policy = spec(2, 100);
    let slow = Rules { policies: vec![Policy::percent(100, 60)], ..Rules::default_up() };
    with_policy.behavior = Some(Behavior { scale_up: slow, ..Behavior::default() });
    let (mut state, mut size, mut sizes) = (State::default(), 5, Vec::new());
    for step in 1..=10 {
        with_policy.min = Some(if step >= 2 { 20 } else { 2 });
        let load = if step >= 3 { 60 } else { 5 };
        let verdict = sync(at(15 * step), &with_policy, &controller(), &seen(size, load), &mut state);
        size = verdict.rescaled_to.unwrap_or(size);
        sizes.push(size);
    }
    assert_eq!(sizes, [5, 20, 20, 20, 20, 40, 40, 40, 40, 60]);
}

#[test]
fn a_restart_forgets_the_log_and_keeps_the_status() {
    let mut state = State::default();
    sync(at(0), &spec(1, 30), &controller(), &seen(9, 9), &mut state);
    let mut fresh = state.clone().restarted();
    assert_eq!((fresh.log.clone(), fresh.conditions), (None, state.conditions));
    // The current size is remembered first, so a restart does not let it fall at once.
    let verdict = sync(at(15), &spec(1, 30), &controller(), &seen(9, 3), &mut fresh);
    assert_eq!(verdict.rescaled_to, None);
}

proptest! {
    /// Whatever the load and the bounds do, the size stays within them once a sync has passed, and a second sync on the
    /// same input at the same moment changes nothing.
    #[test]
    fn always_within_bounds(steps in prop::collection::vec((1_i32..20, 0_i32..30, 0_i64..80), 1..60), ruled: bool) {
        let mut state = State::default();
        let mut size = 5;
        for (i, (min, extra, load)) in steps.into_iter().enumerate() {
            let mut spec = spec(min, min + extra);
            spec.behavior = ruled.then(Behavior::default);
            let now = at(15 * i as i64);
            let verdict = sync(now, &spec, &controller(), &seen(size, load), &mut state);
            let before = size;
            size = verdict.rescaled_to.unwrap_or(size);
            prop_assert!((min..=min + extra).contains(&size), "{size} outside {min}..={}", min + extra);
            prop_assert_eq!(verdict.desired, size);
            prop_assert_eq!(verdict.rescaled_to.is_some(), size != before);
        }
    }

    /// Above the current size the floor is reached exactly, and at once; a floor that does not bind changes nothing.
    #[test]
    fn a_floor_is_reached_exactly(current in 1_i32..40, load in 0_i64..60, low in 1_i32..20, more in 0_i32..20) {
        let size = |min| {
            let verdict = sync(at(0), &spec(min, 50), &controller(), &seen(current, load), &mut State::default());
            verdict.rescaled_to.unwrap_or(current)
        };
        let high = low + more;
        if high > current {
            prop_assert_eq!(size(high), high);
        } else {
            prop_assert!(size(low) <= size(high));
        }
    }
}

/// Not monotone: a floor just above the current size costs a steep rise one sync, because the metrics are not read.
#[test]
fn a_small_raise_delays_the_hpas_own_rise_by_one_sync() {
    let (mut state, mut size, mut sizes) = (State::default(), 8, Vec::new());
    for second in [0, 15] {
        size = sync(at(second), &spec(9, 50), &controller(), &seen(size, 16), &mut state).rescaled_to.unwrap_or(size);
        sizes.push(size);
    }
    assert_eq!(sizes, [9, 16]);
}
