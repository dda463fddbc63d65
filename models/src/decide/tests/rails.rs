use super::*;
use crate::policy::{Mode, Rails};
use crate::target::{Held, Hold, Target};
use crate::testing::{held, holding, target};

#[test]
fn need_against_base_and_room() {
    // Base 3, max 50 (headroom 5): need → floor
    for (need, floor, state) in [
        (0, 0, State::Idle),
        (2, 0, State::Idle),
        (3, 0, State::Idle),
        (4, 4, State::Holding),
        (20, 20, State::Holding),
        (45, 45, State::Holding),
        (46, 45, State::Holding),
        (1000, 45, State::Holding),
    ] {
        assert_eq!(Case::new(target(), need).outcome(), (floor, state), "need {need}");
    }
}

#[test]
fn a_raise_goes_to_what_is_needed_within_two_ramp_steps() {
    let grows = [5, 6, 7, 8, 9, 10, 11];
    assert_eq!(Case::new(target(), 0).needs(&grows).outcome(), (6, State::Holding), "steps at 0 and 5 min");
    let later = [3, 20, 20, 20];
    assert_eq!(Case::new(target(), 0).needs(&later).outcome(), (0, State::Idle), "not due yet");
}

#[test]
fn what_stops_everything_and_in_which_order() {
    let stopped = |change: &dyn Fn(&mut Case), target: Target| {
        let mut case = Case::new(target, 20);
        change(&mut case);
        case.outcome()
    };
    let paused = |case: &mut Case| case.target.current = n(0);
    let pinned = |case: &mut Case| (case.target.min, case.target.max) = (n(20), n(20));
    let off = |case: &mut Case| case.policy.mode = Mode::Off;
    let freeze = |case: &mut Case| case.directive = Directive::Freeze;
    let release = |case: &mut Case| case.directive = Directive::Release;
    let peace = |case: &mut Case| case.target.released_until = Some(time(1));
    let newer = |case: &mut Case| case.target.hold = Hold::Newer { version: "2".into() };
    let damaged = |case: &mut Case| case.target.hold = Hold::Damaged { base: Some(n(3)), why: "until".into() };
    for (change, free, while_held) in [
        (&paused as &dyn Fn(&mut Case), (0, State::Paused), (0, State::Paused)),
        (&pinned, (0, State::Pinned), (15, State::Lowering)),
        (&off, (0, State::Off), (0, State::Off)),
        (&freeze, (0, State::Frozen), (15, State::Frozen)),
        (&release, (0, State::Released), (0, State::Released)),
        (&peace, (0, State::Released), (9, State::Draining)),
        (&newer, (0, State::Superseded), (0, State::Superseded)),
        (&damaged, (0, State::Damaged), (0, State::Damaged)),
        (
            &|case: &mut Case| {
                off(case);
                freeze(case);
            },
            (0, State::Frozen),
            (15, State::Frozen),
        ),
        (
            &|case: &mut Case| {
                off(case);
                release(case);
            },
            (0, State::Off),
            (0, State::Off),
        ),
        (
            &|case: &mut Case| {
                paused(case);
                release(case);
            },
            (0, State::Released),
            (0, State::Released),
        ),
        (
            &|case: &mut Case| {
                paused(case);
                case.plan = None;
            },
            (0, State::Paused),
            (0, State::Paused),
        ),
    ] {
        assert_eq!(stopped(change, target()), free);
        if while_held.1 != State::Lowering {
            assert_eq!(stopped(change, holding(15, 60)), while_held);
        }
    }
}

#[test]
fn pinned_is_judged_by_the_base_while_we_hold() {
    let mut case = Case::new(holding(15, 60), 20);
    case.target.max = n(15);
    assert_ne!(case.outcome().1, State::Pinned, "min equals max only because of our own floor");
    if let Hold::Held(Held { base, .. }) = &mut case.target.hold {
        *base = n(15);
    }
    assert_eq!(case.outcome().1, State::Pinned);
}

#[test]
fn stale_samples_hold_until_and_then_drain() {
    for (until, written, floor, state) in [
        (60, -60, 20, State::Stale),
        (1, -60, 20, State::Stale),
        (0, -60, 12, State::Stale),
        (-30, -60, 12, State::Stale),
        (-30, -4, 20, State::Stale), // the ramp's clock: the last write is 4 min ago
        (-30, -5, 12, State::Stale),
    ] {
        for need in [0, 5, 20, 40] {
            let mut case = Case::new(holding(20, until), need);
            case.target.written_at = Some(time(written));
            case.evidence.newest_sample = Some(time(-12));
            assert_eq!(case.outcome(), (floor, state), "until {until}, written {written}, need {need}");
        }
    }
    let mut free = Case::new(target(), 40);
    free.evidence.newest_sample = None;
    assert_eq!(free.outcome(), (0, State::Stale));
}

#[test]
fn no_plan_is_like_no_samples() {
    let mut case = Case::new(holding(20, 60), 0);
    case.plan = None;
    assert_eq!(case.outcome(), (20, State::Learning));
    case.plan = plan(time(-60), &[40; 12]); // it ended a minute ago
    assert_eq!(case.outcome(), (20, State::Learning), "a plan that is over knows nothing");
    case.target = holding(20, -1);
    assert_eq!(case.outcome(), (12, State::Learning));
    assert_eq!(Case { plan: None, ..Case::new(target(), 0) }.outcome(), (0, State::Learning));
}

#[test]
fn derivation_gates_live_and_not_shadow() {
    for (derivation, live_free, live_held, shadow) in [
        (Derivation::Proven, (20, State::Holding), (20, State::Holding), (20, State::Shadow)),
        (Derivation::Unproven, (20, State::Holding), (20, State::Holding), (20, State::Shadow)),
        (Derivation::Unchecked, (0, State::Unproven), (15, State::Unproven), (20, State::Shadow)),
        (Derivation::Mismatch, (0, State::Unproven), (9, State::Unproven), (20, State::Shadow)),
    ] {
        let decide = |target: Target, mode| {
            let mut case = Case::new(target, 20);
            (case.evidence.derivation, case.policy.mode) = (derivation, mode);
            case.outcome()
        };
        assert_eq!(decide(target(), Mode::Live), live_free, "{derivation:?}");
        assert_eq!(decide(holding(15, 60), Mode::Live), live_held, "{derivation:?}, held");
        assert_eq!(decide(target(), Mode::Shadow), shadow, "{derivation:?}, shadow");
    }
}

#[test]
fn distrust_raises_nothing_and_lowers_only_by_the_ramp() {
    let distrusted = |target: Target, need, wish: Option<u32>| {
        let mut case = Case::new(target, need).remembers(30, 3);
        case.evidence.distrust = Some("coverage 60 %".into());
        case.evidence.own_wish = wish.map(n);
        case.outcome()
    };
    assert_eq!(distrusted(target(), 40, Some(20)), (0, State::Untrusted));
    assert_eq!(distrusted(holding(20, 60), 40, Some(20)), (20, State::Untrusted), "persistence justifies it");
    assert_eq!(distrusted(holding(20, 60), 40, Some(5)), (12, State::Untrusted), "persistence does not");
    assert_eq!(distrusted(holding(20, 60), 3, Some(20)), (12, State::Untrusted), "an under-forecast: by the ramp");
    let mut unbound = Case::new(holding(20, 60), 3).remembers(30, 3);
    unbound.evidence.distrust = Some("x".into());
    (unbound.target.current, unbound.evidence.own_wish) = (n(30), Some(n(30)));
    assert_eq!(unbound.outcome(), (12, State::Untrusted), "by the ramp even where it does not bind");
}

#[test]
fn caps_are_the_last_bound_and_act_at_once() {
    let capped = |target: Target, user: Option<u32>, admin: Option<u32>, need| {
        let mut case = Case::new(target, need);
        (case.policy.max_floor, case.policy.admin_cap) = (user.map(n), admin.map(n));
        case.decide().floor.map_or(0, Replicas::get)
    };
    assert_eq!(capped(target(), Some(10), None, 40), 10);
    assert_eq!(capped(target(), Some(10), Some(8), 40), 8);
    assert_eq!(capped(holding(20, 60), Some(10), None, 40), 10, "no ramp for a person's cap");
    assert_eq!(capped(holding(20, 60), None, Some(7), 40), 7);
    assert_eq!(capped(holding(20, 60), Some(3), None, 40), 0, "a cap at the base leaves no floor");
    assert_eq!(capped(target(), Some(2), None, 40), 0, "nor one below it");
    let mut stale = Case::new(holding(20, 60), 40);
    (stale.evidence.newest_sample, stale.policy.max_floor) = (None, Some(n(9)));
    assert_eq!(stale.outcome(), (9, State::Stale), "also while nothing else may move");
    let mut frozen = Case::new(holding(20, 60), 40);
    (frozen.directive, frozen.policy.max_floor) = (Directive::Freeze, Some(n(9)));
    assert_eq!(frozen.outcome(), (20, State::Frozen), "freeze is no writes at all");
}

#[test]
fn a_small_max_leaves_no_room() {
    for (base, max, need, floor) in
        [(1, 2, 9, 0), (1, 3, 9, 2), (2, 3, 9, 0), (1, 10, 99, 9), (9, 10, 99, 0), (1, 11, 99, 9)]
    {
        let mut case = Case::new(target(), need);
        (case.target.min, case.target.max) = (n(base), n(max));
        assert_eq!(case.outcome().0, floor, "base {base}, max {max}");
    }
}

#[test]
fn runaway_is_one_and_a_half_times_the_most_ever_needed() {
    for (most, need, floor) in
        [(20, 25, 25), (20, 30, 30), (20, 31, 30), (20, 40, 30), (21, 40, 32), (1, 40, 0), (0, 40, 0)]
    {
        let mut case = Case::new(target(), need);
        case.evidence.most_needed = Some(n(most));
        assert_eq!(case.outcome().0, floor, "most {most}, need {need}");
    }
    let mut unknown = Case::new(target(), 40);
    unknown.evidence.most_needed = None;
    assert_eq!(unknown.outcome().0, 0, "an unknown limit is not no limit");
    assert!(unknown.words().contains(&"RunawayUnknown"));
    unknown.target = holding(20, 60);
    assert_eq!(unknown.outcome().0, 20);
}

#[test]
fn a_floor_above_the_runaway_limit_comes_down_by_the_ramp() {
    let mut case = Case::new(holding(40, 60), 40).remembers(30, 3);
    case.evidence.most_needed = Some(n(10));
    assert_eq!(case.outcome(), (24, State::Lowering));
}

#[test]
fn the_grant_limits_raises_only() {
    let granted = |target: Target, need, floor| {
        let mut case = Case::new(target, need);
        case.grant = Grant { floor: n(floor), limited_by: Some(Limit::NamespaceBudget) };
        (case.outcome().0, case.decide().limits().collect::<Vec<_>>())
    };
    assert_eq!(granted(target(), 20, 10), (10, vec![Limit::NamespaceBudget]));
    assert_eq!(granted(target(), 20, 3), (0, vec![Limit::NamespaceBudget]));
    assert_eq!(granted(holding(15, 60), 20, 15), (15, vec![Limit::NamespaceBudget]));
    assert_eq!(granted(holding(15, 60), 15, 3), (15, vec![]), "never lowers what is held");
}

#[test]
fn the_rails_speak_in_their_order() {
    let mut case = Case::new(target(), 1000);
    case.policy.max_floor = Some(n(40));
    case.evidence.most_needed = Some(n(20));
    case.evidence.derivation = Derivation::Unproven;
    case.grant = Grant { floor: n(10), limited_by: Some(Limit::ClusterBudget) };
    let decision = case.decide();
    assert_eq!(decision.limits().collect::<Vec<_>>(), [Limit::UserCap, Limit::ClusterBudget, Limit::Runaway]);
    assert_eq!(case.words(), ["DerivationUnproven", "Limited", "CappedAhead", "Limited", "Limited", "Raised"]);
    assert_eq!((decision.floor, decision.raw, decision.base), (Some(n(10)), n(1000), n(3)));
    assert_eq!(case.propose().want, n(30), "no budget is asked for what the runaway limit cuts");
}

#[test]
fn capped_is_told_hours_ahead() {
    let mut needs = vec![5; 288];
    needs[120..132].fill(60);
    let decision = Case::new(target(), 0).needs(&needs).decide();
    let told = decision.reasons.iter().find(|reason| reason.as_str() == "CappedAhead").unwrap();
    assert_eq!(*told, Reason::CappedAhead { at: time(600), need: n(60), limit: n(45), minutes: 600 });
    assert!(
        told.to_string().starts_with("capped at 2026-01-05T10:00:00Z (in 600 min): 60 replicas needed, 45 allowed"),
        "{told}"
    );
    assert_eq!(decision.limits().count(), 0, "nothing is limited yet");
}

#[test]
fn the_hold_is_the_longer_of_window_and_period() {
    // The plan needed 20 until some minutes ago, now 3; floor 20, stabilisation 5 min
    for (ago, period, floor) in [(1, 0, 20), (4, 0, 20), (5, 0, 12), (6, 0, 12), (6, 10, 20), (9, 10, 20), (10, 10, 12)]
    {
        let mut case = Case::new(holding(20, 60), 3).remembers(ago, 20);
        case.target.scale_down.longest_period = TimeDelta::minutes(period);
        assert_eq!(case.outcome().0, floor, "{ago} min ago, period {period} min");
    }
}

#[test]
fn down_by_the_ramp_where_it_binds_and_straight_where_it_does_not() {
    // (current, own wish, need) → floor; held 20, base 3
    for (current, wish, need, floor) in [
        (20, Some(5), 3, 12),
        (20, Some(5), 15, 15),
        (20, Some(5), 19, 20), // within a flicker
        (20, Some(20), 3, 0),
        (20, Some(20), 10, 10),
        (30, Some(30), 3, 0),
        (30, Some(30), 10, 10),
        (30, None, 3, 0),
        (20, None, 3, 12),
        (12, Some(4), 3, 12),
    ] {
        let mut case = Case::new(holding(20, 60), need).remembers(30, need);
        (case.target.current, case.evidence.own_wish) = (n(current), wish.map(n));
        assert_eq!(case.outcome().0, floor, "current {current}, wish {wish:?}, need {need}");
    }
}

#[test]
fn a_flicker_is_not_worth_a_write() {
    // (floor, need) → floor: one replica, or 5 %
    for (floor, need, after) in [(20, 19, 20), (20, 18, 18), (40, 38, 40), (40, 37, 37), (5, 4, 5), (4, 3, 0)] {
        let case = Case::new(holding(floor, 60), need).remembers(30, need);
        assert_eq!(case.outcome().0, after, "floor {floor}, need {need}");
    }
}

#[test]
fn pods_that_do_not_come_up_stop_raises_only() {
    let short = |minutes: i64, ready: u32, need| {
        let mut case = Case::new(holding(20, 60), need).remembers(30, 3);
        case.memory.short_since = Some(time(-minutes));
        case.target.ready = Some(n(ready));
        case.outcome()
    };
    assert_eq!(short(10, 8, 30), (30, State::Holding), "not yet more than 10 min");
    assert_eq!(short(11, 8, 30), (20, State::CapacityUnavailable));
    assert_eq!(short(11, 8, 20), (20, State::Holding), "nothing to raise");
    assert_eq!(short(11, 8, 5), (12, State::Lowering), "lowering goes on");
}

#[test]
fn a_foreign_value_is_an_opinion_unless_it_is_ours() {
    // Held: base 3, floor 20, before 12. (value found, ours) → (base, state)
    for (value, ours, base, state) in [
        (20, true, 3, State::Holding),
        (20, false, 3, State::Holding), // a copy took the field, the value is ours
        (3, false, 3, State::Holding),  // a revert
        (12, false, 3, State::Holding), // the floor before
        (5, false, 5, State::Overridden),
        (2, false, 2, State::Overridden),
        (25, false, 25, State::Idle),
        (18, true, 3, State::Holding), // admission clamped it
    ] {
        let mut case = Case::new(holding(20, 60), 20);
        case.target.hold = Hold::Held(Held { floor_before: Some(n(12)), ..held(20, 60) });
        (case.target.min, case.target.ours) = (n(value), ours);
        let decision = case.decide();
        assert_eq!((decision.base, decision.state), (n(base), state), "value {value}, ours {ours}");
    }
}

#[test]
fn the_annotation_is_the_base_and_is_told_once_it_differs() {
    let mut case = Case::new(target(), 4);
    case.policy.base = Some(n(6));
    assert_eq!((case.outcome().0, case.decide().base), (0, n(6)), "the need is within the wanted base");
    assert!(case.words().contains(&"BaseAnnotationDiffers"));
    case.policy.base = Some(n(3));
    assert!(!case.words().contains(&"BaseAnnotationDiffers"));
    case.policy.base = Some(n(90));
    assert_eq!(case.outcome(), (0, State::Pinned), "a base above max is held at max");
}

#[test]
fn shadow_tells_what_live_would_do() {
    let mut case = Case::new(target(), 20);
    case.policy.mode = Mode::Shadow;
    let decision = case.decide();
    assert_eq!((decision.floor, decision.state), (Some(n(20)), State::Shadow));
    assert!(!case.propose().live, "and spends no budget");
    assert_eq!(decision.reasons.last(), Some(&Reason::ShadowMode));
}

#[test]
fn the_deadline_of_a_raise_that_waits_does_not_move() {
    let mut case = Case::new(target(), 20);
    assert_eq!(case.propose().deadline, time(5));
    case.memory = case.memory.clone().of(&case.target, time(-3));
    case.memory.wanted_since = Some(time(-3));
    assert_eq!(case.propose().deadline, time(2));
}

#[test]
fn many_writes_look_further_and_some_are_kept_for_raises_and_for_floors_that_are_over() {
    let mut needs = vec![8; 288];
    needs[10] = 30;
    let written = |count: i64, need: &[u32], target: Target| {
        let mut case = Case::new(target, 0).needs(need).remembers(30, 3);
        (0..count).for_each(|i| case.memory.writes.push(time(-50 + 4 * i)));
        case.outcome().0
    };
    assert_eq!(written(0, &needs, target()), 8);
    assert_eq!(written(6, &needs, target()), 30, "the peak of the next hour in one write");
    assert_eq!(written(9, &needs, target()), 30);
    assert_eq!(written(10, &needs, target()), 0, "the last two are not for raises");
    assert_eq!(written(7, &[3; 20], holding(20, 60)), 12);
    assert_eq!(written(8, &[3; 20], holding(20, 60)), 20, "a lower may not use the last four");
    assert_eq!(written(11, &[3; 20], holding(20, -6)), 12, "but the last of all where the floor's time is over");
    assert_eq!(written(12, &[3; 20], holding(20, -6)), 20, "none left");
}

#[test]
fn writes_that_are_short_make_floors_last() {
    // Writes of the last hour → minutes for which a floor is written that the plan needs for 5 min only.
    for (count, wanted) in [(0, 15), (5, 15), (6, 35), (9, 35)] {
        let mut needs = vec![3; 288];
        needs[0] = 20;
        let mut case = Case::new(target(), 0).needs(&needs).remembers(30, 3);
        (0..count).for_each(|i| case.memory.writes.push(time(-50 + 4 * i)));
        let decision = case.decide();
        assert_eq!((decision.floor, (decision.until - time(0)).num_minutes()), (Some(n(20)), wanted), "{count} writes");
    }
}

#[test]
fn every_budget_of_writes_has_something_for_everybody() {
    for writes_per_hour in 2..=240 {
        let rails = Rails { writes_per_hour, ..Rails::default() };
        assert!(rails.reserve() >= 1 && rails.writes_for_raising() >= 1, "{writes_per_hour}");
        assert!(rails.writes_for_lowering() < rails.writes_for_raising());
        assert_eq!(rails.reserve() + rails.writes_for_raising(), writes_per_hour);
    }
}

#[test]
fn a_known_event_may_need_more_than_was_ever_needed() {
    // 15 is the runaway limit of 10; an event of three times the load may need 45, which is what the headroom leaves.
    let floor = |factor: Option<f64>, need| {
        let mut case = Case::new(target(), need);
        case.evidence.most_needed = Some(n(10));
        case.evidence.event =
            factor.map(|factor| crate::events::Occurrence { from: time(0), to: time(60), factor, text: "sale".into() });
        (case.outcome().0, case.words().contains(&"KnownEvent"))
    };
    assert_eq!(floor(None, 40), (15, false));
    assert_eq!(floor(Some(3.0), 40), (40, true));
    assert_eq!(floor(Some(2.0), 40), (30, true));
    assert_eq!(floor(Some(0.5), 40), (15, true), "a quiet event allows no less than any other day");
}
