use super::*;
use chrono::TimeDelta;

/// Sends what is next for `found` at `now`, folds the reply in, and says what is next after that for `then`.
fn sequel(found: &Target, reply: &Reply, then: &Target, minutes: i64, floor: u32) -> Next {
    let (first, memory) = next_of(found, floor, &Policy::live(), Memory::default());
    assert_ne!(first.action, Action::None);
    let memory = after(time(0), &first.action, reply, memory);
    next(time(minutes), then, &decision(floor), &Policy::live(), &identity(), memory).0
}

fn done(version: &str) -> Reply {
    Reply::Done { resource_version: version.into() }
}

#[test]
fn nothing_is_written_before_our_own_write_is_seen() {
    let seen = |version: &str, minutes| {
        let then = Target { resource_version: version.into(), ..target() };
        sequel(&target(), &done("105"), &then, minutes, 20).action.as_str()
    };
    assert_eq!(seen("100", 0), "none", "the old version");
    assert_eq!(seen("104", 0), "none", "an older one than ours");
    assert_eq!(seen("105", 0), "acquire", "ours");
    assert_eq!(seen("99999", 0), "acquire", "a newer one, longer as text");
    assert_eq!(seen("1000", 0), "acquire");
    assert_eq!(seen("100", 1), "acquire", "after a minute we act on what we see");
    let odd = |wrote: &str, version: &str| {
        let then = Target { resource_version: version.into(), ..target() };
        sequel(&target(), &done(wrote), &then, 0, 20).action.as_str()
    };
    assert_eq!((odd("x7", "100"), odd("x7", "x7"), odd("x7", "y")), ("none", "acquire", "acquire"), "opaque versions");
}

#[test]
fn a_conflict_on_a_held_write_is_answered_with_force_if_the_value_is_ours() {
    let conflict = Reply::Conflict { owner: Some("argocd".into()) };
    let copied = holding(20, 60);
    assert_eq!(short(&sequel(&copied, &conflict, &copied, 0, 12)), ("acquire", 12));
    let edited = Target { min: n(5), ours: false, ..holding(20, 60) };
    assert_eq!(short(&sequel(&copied, &conflict, &edited, 0, 12)), ("clean", 5), "a person's edit is looked at first");
    let gone = target();
    assert_eq!(short(&sequel(&copied, &conflict, &gone, 0, 12)), ("acquire", 12));
}

#[test]
fn a_conflict_on_acquiring_is_looked_at_again() {
    let conflict = Reply::Conflict { owner: None };
    let moved = Target { resource_version: "101".into(), ..target() };
    let next = sequel(&target(), &conflict, &moved, 0, 20);
    let Action::Acquire { resource_version, .. } = next.action else { panic!("{next:?}") };
    assert_eq!(resource_version, "101");
}

#[test]
fn above_max_waits_for_a_new_look() {
    let same = sequel(&target(), &Reply::AboveMax, &target(), 0, 20);
    assert_eq!(same.action, Action::None);
    let lowered = Target { resource_version: "101".into(), max: n(18), ..target() };
    assert_eq!(sequel(&target(), &Reply::AboveMax, &lowered, 0, 15).action.as_str(), "acquire");
}

#[test]
fn a_refusal_backs_off_up_to_an_hour() {
    let denied = Reply::Denied { message: "admission webhook \"x\" denied\u{7} the request".into() };
    let mut memory = Memory::default();
    let mut now = time(0);
    let mut pauses = vec![];
    for _ in 0..9 {
        let (first, after_next) = next(now, &target(), &decision(20), &Policy::live(), &identity(), memory);
        assert_eq!(first.action.as_str(), "acquire");
        memory = after(now, &first.action, &denied, after_next);
        let sent = now;
        loop {
            now += TimeDelta::minutes(1);
            let (again, kept) = next(now, &target(), &decision(20), &Policy::live(), &identity(), memory);
            memory = kept;
            if again.action != Action::None {
                break;
            }
            assert_eq!(again.state, State::Refused);
            assert!(again.reasons[0].to_string().contains("admission webhook \"x\" denied the request"));
        }
        pauses.push((now - sent).num_minutes());
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
}

#[test]
fn gone_forgets_and_not_sent_tries_again() {
    let next = sequel(&target(), &Reply::NotSent, &target(), 0, 20);
    assert_eq!(next.action.as_str(), "acquire");
    let (first, memory) = next_of(&holding(20, 60), 30, &Policy::live(), Memory::default());
    assert_eq!(after(time(0), &first.action, &Reply::Gone, memory), Memory::default());
}

#[test]
fn an_unknown_outcome_is_looked_for_and_its_value_is_nobodys_opinion() {
    let (first, memory) = next_of(&holding(20, 60), 30, &Policy::live(), Memory::default());
    let memory = after(time(0), &first.action, &Reply::Unknown, memory);
    let (again, memory) = next_of(&holding(20, 60), 30, &Policy::live(), memory);
    assert_eq!(again.action, Action::None, "it may have been written");
    // It had been: the value is ours although the annotations that we see are older.
    let written = Target { min: n(30), ours: false, resource_version: "101".into(), ..holding(20, 60) };
    let (seen, _) = next_of(&written, 30, &Policy::live(), memory);
    assert_eq!(short(&seen), ("acquire", 30), "not taken for a person's 30");
}

#[test]
fn a_copy_of_our_floor_after_giving_back_is_put_right_and_never_the_base() {
    let (first, memory) = next_of(&holding(20, 60), 0, &Policy::live(), Memory::default());
    assert_eq!(short(&first), ("give_back", 3));
    let memory = after(time(0), &first.action, &done("101"), memory);
    let copied = Target { min: n(20), resource_version: "102".into(), owners: vec!["argocd".into()], ..target() };
    let again = |minute, floor| {
        let decided = decision(floor);
        next(time(minute), &copied, &decided, &Policy::live(), &identity(), memory.clone()).0
    };
    assert_eq!(short(&again(1, 0)), ("give_back", 3));
    assert_eq!(short(&again(11, 0)), ("none", 0), "later it is left, lest we fight a person");
    assert_eq!(again(600, 30).action.write().unwrap().held.base, n(3), "but it is not the base");
    let day = 24 * 60;
    assert_eq!(again(day, 30).action.write().unwrap().held.base, n(20), "after a day it is a value like any other");
}

#[test]
fn an_answer_to_nothing_changes_nothing() {
    let memory = next_of(&holding(20, 60), 20, &Policy::live(), Memory::default()).1;
    for reply in [done("9"), Reply::Gone, Reply::AboveMax, Reply::Unknown] {
        assert_eq!(after(time(0), &Action::None, &reply, memory.clone()), memory);
    }
}
