//! The protocol by tables: what is found on the object → the one action.
#![allow(clippy::unwrap_used)]

mod answers;
mod refusals;

use super::*;
use crate::decide::{Decision, Memory, Reason, State};
use crate::policy::{Mode, Policy};
use crate::target::{Held, Hold, Target};
use crate::testing::{held, holding, identity, n, target, time};

/// A live decision for this floor (0: none), `until` in 60 min.
fn decision(floor: u32) -> Decision {
    Decision {
        floor: (floor > 0).then(|| n(floor)),
        base: n(3),
        raw: n(floor),
        until: time(60),
        deadline: time(5),
        reasons: vec![],
        state: if floor > 0 { State::Holding } else { State::Idle },
    }
}

fn next_of(target: &Target, floor: u32, policy: &Policy, memory: Memory) -> (Next, Memory) {
    next(time(0), target, &decision(floor), policy, &identity(), memory)
}

fn plain(target: &Target, floor: u32) -> Next {
    next_of(target, floor, &Policy::live(), Memory::default()).0
}

/// The action in short: its word and the value that stands afterwards.
fn short(next: &Next) -> (&'static str, u32) {
    let value = match &next.action {
        Action::None => 0,
        Action::Acquire { write, .. } | Action::Hold { write } => write.held.floor.get(),
        Action::GiveBack { base, .. } => base.get(),
        Action::Clean { value, .. } => value.get(),
    };
    (next.action.as_str(), value)
}

fn changed(target: Target, change: impl Fn(&mut Held)) -> Target {
    let hold = match target.hold {
        Hold::Held(mut held) => {
            change(&mut held);
            Hold::Held(held)
        }
        other => other,
    };
    Target { hold, ..target }
}

#[test]
fn free_object() {
    assert_eq!(short(&plain(&target(), 0)), ("none", 0));
    let next = plain(&target(), 20);
    let Action::Acquire { write, resource_version } = &next.action else { panic!("{next:?}") };
    assert_eq!((write.uid.as_str(), resource_version.as_str()), ("u1", "100"));
    assert_eq!(write.held, Held { reason: "Holding".into(), ..held(20, 60) });
    assert_eq!(next.urgency, Urgency::Raise { deadline: time(5) });
}

#[test]
fn held_object() {
    let same = holding(20, 60);
    assert_eq!(short(&plain(&same, 20)), ("none", 0), "an unchanged plan costs no write");
    for (what, target, floor, wanted) in [
        ("raise", holding(20, 60), 30, ("hold", 30)),
        ("lower", holding(20, 60), 12, ("hold", 12)),
        ("longer until", holding(20, 30), 20, ("hold", 20)),
        ("end", holding(20, 60), 0, ("give_back", 3)),
        ("reason alone", changed(holding(20, 60), |held| held.reason = "Lowering".into()), 20, ("none", 0)),
        ("a new leader alone", changed(holding(20, 60), |held| held.holder.identity = "pod-b".into()), 20, ("none", 0)),
        ("an older epoch alone", changed(holding(20, 60), |held| held.epoch = 0), 20, ("none", 0)),
    ] {
        assert_eq!(short(&plain(&target, floor)), wanted, "{what}");
    }
}

#[test]
fn held_writes_have_no_version_and_keep_the_floor_before() {
    let next = plain(&holding(20, 60), 30);
    let Action::Hold { write } = &next.action else { panic!("{next:?}") };
    assert_eq!(write.held.floor_before, Some(n(20)));
    let longer = plain(&changed(holding(20, 30), |held| held.floor_before = Some(n(12))), 20);
    assert_eq!(longer.action.write().unwrap().held.floor_before, Some(n(12)), "only `until` changed");
}

#[test]
fn urgencies_sort_raises_by_deadline_then_releases_then_lowers() {
    let raise = |minute| Urgency::Raise { deadline: time(minute) };
    let mut order = vec![Urgency::Idle, Urgency::Lower, raise(9), Urgency::Release, raise(2)];
    order.sort();
    assert_eq!(order, [raise(2), raise(9), Urgency::Release, Urgency::Lower, Urgency::Idle]);
    assert_eq!(plain(&holding(20, 60), 12).urgency, Urgency::Lower);
    assert_eq!(plain(&holding(20, 60), 0).urgency, Urgency::Lower, "the end of a ramp");
    let shadow = Policy { mode: Mode::Shadow, ..Policy::live() };
    assert_eq!(next_of(&holding(20, 60), 0, &shadow, Memory::default()).0.urgency, Urgency::Release);
    assert_eq!(plain(&holding(20, 30), 20).urgency, Urgency::Lower, "a longer until can wait");
}

#[test]
fn shadow_and_off_write_nothing_and_give_back_at_once() {
    for mode in [Mode::Shadow, Mode::Off] {
        let policy = Policy { mode, ..Policy::live() };
        assert_eq!(short(&next_of(&target(), 20, &policy, Memory::default()).0), ("none", 0), "{mode:?}");
        assert_eq!(short(&next_of(&holding(20, 60), 20, &policy, Memory::default()).0), ("give_back", 3), "{mode:?}");
    }
}

#[test]
fn the_value_found_while_we_hold() {
    // Held: base 3, floor 20, before 12. (value, ours, owners) → wanting 20 → wanting nothing
    for (value, ours, raised, ended) in [
        (3, false, ("acquire", 20), ("clean", 3)),
        (12, false, ("acquire", 20), ("give_back", 3)),
        (5, false, ("clean", 5), ("clean", 5)),
        (2, false, ("clean", 2), ("clean", 2)),
        (25, false, ("clean", 25), ("clean", 25)),
        (18, true, ("none", 0), ("give_back", 3)), // admission clamped our 20: asking again for 20 would be clamped again
    ] {
        let found = changed(holding(20, 60), |held| held.floor_before = Some(n(12)));
        let found = Target { min: n(value), ours, ..found };
        assert_eq!(short(&plain(&found, 20)), raised, "{value} found, ours {ours}");
        assert_eq!(short(&plain(&found, 0)), ended, "{value} found, ours {ours}, nothing wanted");
    }
}

#[test]
fn an_opinion_below_the_floor_has_an_hour_of_peace_on_the_object() {
    let peace = |value, respect: i64| {
        let found = Target { min: n(value), ours: false, ..holding(20, 60) };
        let policy = Policy { respect: chrono::TimeDelta::minutes(respect), ..Policy::live() };
        match next_of(&found, 20, &policy, Memory::default()).0.action {
            Action::Clean { released_until, .. } => released_until,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(peace(5, 60), Some(time(60)));
    assert_eq!(peace(5, 2), Some(time(2)), "configurable");
    assert_eq!(peace(25, 60), None, "a raise needs no peace: it is the new base");
}

#[test]
fn a_co_owner_is_met_with_force_and_version() {
    let copied = Target { owners: vec!["argocd-controller".into()], ..holding(20, 60) };
    assert_eq!(short(&plain(&copied, 20)), ("none", 0), "the value is right: nothing to write");
    assert_eq!(short(&plain(&copied, 12)), ("acquire", 12));
    let taken = Target { ours: false, ..copied };
    assert_eq!(short(&plain(&taken, 12)), ("acquire", 12));
    assert_eq!(short(&plain(&taken, 0)), ("give_back", 3));
}

#[test]
fn the_annotation_is_given_back_and_recorded() {
    let policy = Policy { base: Some(n(6)), ..Policy::live() };
    assert_eq!(short(&next_of(&holding(20, 60), 0, &policy, Memory::default()).0), ("give_back", 6));
    let next = next_of(&holding(20, 60), 20, &policy, Memory::default()).0;
    assert_eq!(next.action.write().unwrap().held.base, n(6), "a changed wish is recorded with the floor");
    let free = next_of(&target(), 20, &policy, Memory::default()).0;
    assert_eq!(free.action.write().unwrap().held.base, n(6));
    let huge = Policy { base: Some(n(90)), ..policy };
    assert_eq!(short(&next_of(&holding(20, 60), 0, &huge, Memory::default()).0), ("give_back", 50), "never above max");
}

#[test]
fn damaged_marks_hand_back_what_can_be_read() {
    let damaged = |base: Option<u32>, min, ours| Target {
        hold: Hold::Damaged { base: base.map(n), why: "until is no time".into() },
        min: n(min),
        ours,
        ..target()
    };
    assert_eq!(short(&plain(&damaged(Some(3), 20, true), 20)), ("give_back", 3));
    assert_eq!(short(&plain(&damaged(Some(3), 3, true), 20)), ("clean", 3));
    assert_eq!(short(&plain(&damaged(Some(3), 7, false), 20)), ("clean", 7), "somebody's value stays");
    assert_eq!(short(&plain(&damaged(None, 20, true), 20)), ("none", 0), "a guess would be a ratchet");
    let told = Policy { base: Some(n(4)), ..Policy::live() };
    assert_eq!(short(&next_of(&damaged(None, 20, true), 20, &told, Memory::default()).0), ("give_back", 4));
}

#[test]
fn a_commands_peace_outlives_our_marks() {
    let found = Target { released_until: Some(time(30)), ..holding(20, 60) };
    let Action::GiveBack { released_until, .. } = plain(&found, 0).action else { panic!() };
    assert_eq!(released_until, Some(time(30)));
}
