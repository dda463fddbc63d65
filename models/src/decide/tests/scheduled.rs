//! Scheduled floors: with a forecast, against one, and without any.
use super::*;
use crate::policy::Mode;
use crate::testing::{holding, target};

fn opening(from: i64, to: i64, replicas: u32) -> Opening {
    Opening { from: time(from), to: time(to), replicas: n(replicas), text: "0 18 * * 5, 3h, 12".into() }
}

/// A case with openings; no plan where `need` is `None`. The lead time is 5 min.
fn case(target: Target, need: Option<u32>, openings: &[Opening]) -> Case {
    let mut case = Case::new(target, need.unwrap_or(0));
    case.policy.schedule = [crate::schedule::Window {
        when: crate::schedule::Recurrence {
            start: crate::schedule::Cron::parse("0 18 * * 5").unwrap(),
            lasts: TimeDelta::hours(3),
            zone: chrono_tz::Tz::UTC,
        },
        replicas: n(12),
        text: "0 18 * * 5, 3h, 12".into(),
    }]
    .into();
    if need.is_none() {
        case.plan = None;
        case.evidence = Evidence {
            newest_sample: None,
            most_needed: None,
            own_wish: None,
            derivation: Derivation::Unchecked,
            ..evidence()
        };
    }
    case.openings = openings.to_vec();
    case
}

#[test]
fn a_workload_may_live_by_its_schedule_alone() {
    for (from, to, floor, state) in [
        (6, 180, 0, State::Idle), // not yet: asked for one lead time before
        (5, 180, 12, State::Holding),
        (0, 180, 12, State::Holding),
        (-100, 1, 12, State::Holding),
        (-180, 0, 0, State::Idle),
    ] {
        assert_eq!(case(target(), None, &[opening(from, to, 12)]).outcome(), (floor, state), "{from} to {to}");
    }
    let raised = case(target(), None, &[opening(5, 185, 12)]);
    assert_eq!(raised.words(), ["NoForecast", "Scheduled", "Raised"]);
    assert_eq!(raised.decide().until, time(185), "held until the window closes");
    assert_eq!(raised.decide().raw, n(12));
}

#[test]
fn after_the_window_the_floor_comes_down_by_the_ramp() {
    let over = |until| case(holding(12, until), None, &[opening(-180, 0, 12)]).outcome();
    assert_eq!(over(0), (8, State::Lowering), "12 × 0.9⁵, rounded up");
    assert_eq!(over(3), (12, State::Lowering), "not before its until");
    let next = case(holding(12, -1), None, &[opening(-180, 0, 12), opening(3, 60, 10)]);
    assert_eq!(next.outcome(), (12, State::Lowering), "the next window asks for 10: held, then down to it");
}

#[test]
fn a_long_window_prolongs_its_until() {
    let mut long = case(holding(12, 4), None, &[opening(-600, 2000, 12)]);
    assert_eq!((long.outcome(), long.decide().until), ((12, State::Holding), time(360)));
    // A daemon that was away comes back after `until`, within the window.
    long.target = holding(12, -30);
    assert_eq!((long.outcome(), long.decide().until), ((12, State::Holding), time(360)));
    assert_eq!(long.words(), ["NoForecast", "Scheduled", "Held"]);
}

#[test]
fn forecast_and_schedule_are_combined_by_the_maximum() {
    let both = |need, replicas| case(target(), Some(need), &[opening(0, 180, replicas)]).outcome().0;
    assert_eq!([both(20, 12), both(12, 20), both(0, 12), both(12, 2), both(2, 2)], [20, 20, 12, 12, 0]);
    let lowered = case(holding(20, 60), Some(3), &[opening(0, 180, 12)]).remembers(30, 3);
    assert_eq!(lowered.outcome(), (12, State::Lowering), "no further than the schedule");
}

#[test]
fn doubts_of_the_forecast_do_not_touch_the_schedule() {
    let doubted = |change: &dyn Fn(&mut Case)| {
        let mut case = case(target(), Some(40), &[opening(0, 180, 12)]);
        change(&mut case);
        case.outcome()
    };
    assert_eq!(doubted(&|case| case.evidence.newest_sample = None), (12, State::Stale));
    assert_eq!(doubted(&|case| case.evidence.distrust = Some("x".into())), (12, State::Untrusted));
    assert_eq!(doubted(&|case| case.evidence.derivation = Derivation::Mismatch), (12, State::Unproven));
    assert_eq!(doubted(&|case| case.evidence.derivation = Derivation::Unchecked), (12, State::Unproven));
    assert_eq!(doubted(&|case| case.evidence.most_needed = Some(n(4))), (12, State::Holding), "the runaway limit is 6");
    assert_eq!(doubted(&|case| case.evidence.most_needed = None), (12, State::Holding));
}

#[test]
fn a_forecasts_floor_stays_until_its_until_beside_a_smaller_window() {
    let silent = |until| {
        let mut case = case(holding(30, until), Some(30), &[opening(-60, 180, 12)]).remembers(30, 30);
        case.evidence.newest_sample = None;
        (case.outcome(), (case.decide().until - time(0)).num_minutes())
    };
    assert_eq!(silent(60), ((30, State::Stale), 60));
    assert_eq!(silent(0).0, (18, State::Stale), "then by the ramp, towards 12");
    let mut near = case(holding(13, 0), Some(30), &[opening(-60, 180, 12)]);
    near.evidence.newest_sample = None;
    assert_eq!(
        (near.outcome(), near.decide().until),
        ((13, State::Stale), time(180)),
        "one above it is not worth a write"
    );
}

#[test]
fn the_rails_of_people_and_budgets_hold_for_schedules_too() {
    let windowed = |target: Target, replicas| case(target, None, &[opening(0, 180, replicas)]);
    let capped = windowed(target(), 60);
    assert_eq!(
        (capped.outcome().0, capped.words()),
        (45, vec!["NoForecast", "Scheduled", "Limited", "CappedAhead", "Raised"])
    );
    let mut user = windowed(target(), 20);
    user.policy.max_floor = Some(n(8));
    assert_eq!(user.outcome(), (8, State::Holding));
    let budget = Grant { floor: n(7), limited_by: Some(Limit::NamespaceBudget) };
    let mut poor = windowed(target(), 20);
    poor.grant = budget;
    assert_eq!(poor.outcome(), (7, State::Holding));
    let mut shadow = windowed(target(), 12);
    shadow.policy.mode = Mode::Shadow;
    assert_eq!(shadow.outcome(), (12, State::Shadow));
    let mut stopped = windowed(target(), 12);
    stopped.directive = Directive::Drain;
    assert_eq!(stopped.outcome(), (0, State::Draining));
    let mut paused = windowed(target(), 12);
    paused.target.current = n(0);
    assert_eq!(paused.outcome(), (0, State::Paused));
    let mut short = windowed(holding(8, 60), 20);
    (short.target.ready, short.memory) = (Some(n(4)), short.memory.of(&short.target, time(-30)));
    short.memory.short_since = Some(time(-20));
    assert_eq!(short.outcome(), (8, State::CapacityUnavailable));
}

#[test]
fn a_window_above_the_cap_is_told_hours_before() {
    let case = case(target(), None, &[opening(600, 700, 60)]);
    let told = case.decide().reasons;
    let wanted = Reason::CappedAhead { at: time(600), need: n(60), limit: n(45), minutes: 600 };
    assert!(told.contains(&wanted), "{told:?}");
}
