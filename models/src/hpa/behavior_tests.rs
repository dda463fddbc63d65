#![allow(clippy::unwrap_used)]
use super::*;
use crate::hpa::{Policy, Recommendation};
use chrono::TimeDelta;

fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
}

fn change(current: i32, desired: i32) -> Change {
    Change { now: at(0), current, desired, min: 1, max: 100 }
}

#[test]
fn without_behavior_one_sync_doubles_or_reaches_four() {
    let flags = Flags::default();
    //           current, desired, replicas, reason
    let table = [
        (1, 50, 4, Limit::ScaleUpLimit),
        (10, 50, 20, Limit::ScaleUpLimit),
        (10, 15, 15, Limit::WithinRange),
        (60, 500, 100, Limit::TooManyReplicas),
        (5, 0, 1, Limit::TooFewReplicas),
    ];
    for (current, desired, replicas, reason) in table {
        assert_eq!(clamp_plain(change(current, desired), &flags), (replicas, reason), "{current} to {desired}");
    }
}

#[test]
fn the_down_window_counts_its_edge_only_without_behavior() {
    let entry = || Log::of(vec![Recommendation { replicas: 9, at: at(-300) }]);
    let flags = Flags::default();
    let plain = stabilise_plain(change(9, 3), &flags, &mut entry());
    let ruled = stabilise(change(9, 3), &Behavior::default(), &flags, &mut entry());
    assert_eq!(plain, (9, Able::DownStabilised));
    assert_eq!(ruled, (3, Able::Ready));
}

#[test]
fn policies_count_from_the_start_of_their_period() {
    let rules = Rules { policies: vec![Policy::percent(100, 60)], ..Rules::default_up() };
    let ups = |ago| Events::of(vec![event(15, ago)]);
    // 20 now, 15 of them added 15 s ago: the period began at 5, and doubled that is 10, which 20 already exceeds.
    assert_eq!(scale_up_limit(at(0), 20, &rules, (&ups(15), &Events::default())), 10);
    // Exactly 60 s ago is outside: 20 doubled.
    assert_eq!(scale_up_limit(at(0), 20, &rules, (&ups(60), &Events::default())), 40);
    assert_eq!(clamp(change(20, 60), &with_up(rules), (&ups(15), &Events::default())), (20, Limit::ScaleUpLimit));
}

#[test]
fn a_fall_right_after_a_raise_is_not_slowed_by_its_policy() {
    let rules = Rules { policies: vec![Policy::percent(10, 60)], ..Rules::default_down() };
    let ups = Events::of(vec![event(15, 30)]);
    // 20 − 15 = 5 at the start of the period, less 10 % is 4: the fall from 20 to 5 is free.
    assert_eq!(scale_down_limit(at(0), 20, &rules, (&ups, &Events::default())), 4);
    assert_eq!(scale_down_limit(at(0), 20, &rules, (&Events::default(), &Events::default())), 18);
}

#[test]
fn disabled_holds_the_size_and_select_picks_by_change() {
    let none = Events::default();
    let both = vec![Policy::pods(4, 15), Policy::percent(50, 15)];
    let down = |select| Rules { select, policies: both.clone(), ..Rules::default_down() };
    let found =
        [Select::Disabled, Select::Max, Select::Min].map(|s| scale_down_limit(at(0), 20, &down(s), (&none, &none)));
    assert_eq!(found, [20, 10, 16]);
    let found =
        [Select::Disabled, Select::Max, Select::Min].map(|s| scale_up_limit(at(0), 20, &down(s), (&none, &none)));
    assert_eq!(found, [20, 30, 24]);
}

#[test]
fn no_limit_written_as_the_largest_number_allows_nothing() {
    let none = Events::default();
    let endless = Rules { policies: vec![Policy::pods(i32::MAX, 15)], ..Rules::default_up() };
    assert_eq!(scale_up_limit(at(0), 5, &endless, (&none, &none)), i32::MIN + 4);
    let change = Change { now: at(0), current: 5, desired: 9, min: 1, max: 20 };
    assert_eq!(clamp(change, &with_up(endless), (&none, &none)), (5, Limit::ScaleUpLimit));
}

#[test]
fn the_flag_is_whole_seconds_with_behavior_only() {
    let flags = Flags { downscale_stabilisation: TimeDelta::milliseconds(10_900), ..Flags::default() };
    let log = || Log::of(vec![crate::hpa::Recommendation { replicas: 9, at: at(0) - TimeDelta::milliseconds(10_500) }]);
    let change = Change { now: at(0), current: 9, desired: 3, min: 1, max: 20 };
    let none = Events::default();
    let size = |behavior: Option<&Behavior>| normalise(change, behavior, &flags, &mut log(), (&none, &none)).replicas;
    assert_eq!((size(None), size(Some(&Behavior::default()))), (9, 3));
}

#[test]
fn events_of_both_directions_are_kept_apart() {
    let (mut ups, mut downs) = (Events::default(), Events::default());
    for sizes in [(5, 20), (20, 12), (12, 12)] {
        store_event(at(0), sizes, &Behavior::default(), (&mut ups, &mut downs));
    }
    assert_eq!(ups.change_within(at(1), TimeDelta::seconds(15)), 15);
    assert_eq!(downs.change_within(at(1), TimeDelta::seconds(15)), 8);
}

fn with_up(scale_up: Rules) -> Behavior {
    Behavior { scale_up, ..Behavior::default() }
}

fn event(change: i32, ago: i64) -> crate::hpa::ScaleEvent {
    crate::hpa::ScaleEvent { change, at: at(-ago), outdated: false }
}
