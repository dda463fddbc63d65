use super::*;
use crate::target::Holder;

#[test]
fn frozen_and_newer_are_left_alone() {
    let frozen = Decision { state: State::Frozen, ..decision(20) };
    for found in [target(), holding(12, 60), Target { min: n(5), ours: false, ..holding(20, 60) }] {
        let (next, _) = next(time(0), &found, &frozen, &Policy::live(), &identity(), Memory::default());
        assert_eq!(next.action, Action::None);
    }
    let newer = Target { hold: Hold::Newer { version: "2".into() }, ..holding(20, 60) };
    for mode in [Mode::Live, Mode::Shadow, Mode::Off] {
        let next = next_of(&newer, 30, &Policy { mode, ..Policy::live() }, Memory::default()).0;
        assert_eq!((next.action, next.state), (Action::None, State::Superseded), "{mode:?}");
    }
}

#[test]
fn whose_lease() {
    // (namespace, lease uid, epoch, until) → action for a raise, state
    for (namespace, lease, epoch, until, wanted, state) in [
        ("floorcast", "lease-1", 0, 60, "hold", State::Holding),
        ("floorcast", "lease-1", 1, 60, "hold", State::Holding),
        ("floorcast", "lease-1", 2, 60, "none", State::Superseded),
        ("floorcast", "lease-0", 99, 60, "hold", State::Holding), // the Lease was deleted and created again
        ("elsewhere", "lease-1", 0, 60, "none", State::Foreign),
        ("elsewhere", "lease-9", 0, 1, "none", State::Foreign),
        ("elsewhere", "lease-9", 0, 0, "hold", State::Holding),
        ("elsewhere", "lease-9", 9, -1, "hold", State::Holding),
    ] {
        let holder = Holder { namespace: namespace.into(), lease_uid: lease.into(), identity: "x".into() };
        let found = changed(holding(20, until), |held| (held.holder, held.epoch) = (holder.clone(), epoch));
        let next = plain(&found, 30);
        assert_eq!(
            (next.action.as_str(), next.state),
            (wanted, state),
            "{namespace}/{lease}, epoch {epoch}, until {until}"
        );
        let shadow = next_of(&found, 0, &Policy { mode: Mode::Off, ..Policy::live() }, Memory::default()).0;
        assert_eq!(shadow.action == Action::None, wanted == "none", "nor is a foreign floor given back");
    }
}

#[test]
fn a_takeover_writes_our_own_lease_and_epoch() {
    let theirs = Holder { namespace: "floorcast".into(), lease_uid: "lease-0".into(), identity: "gone".into() };
    let found = changed(holding(20, 60), |held| (held.holder, held.epoch) = (theirs.clone(), 41));
    let next = plain(&found, 30);
    let held = &next.action.write().unwrap().held;
    assert_eq!((held.holder.clone(), held.epoch), (identity().holder, 1));
}

#[test]
fn five_close_reverts_are_contended() {
    let reverted = Target { min: n(3), ours: false, owners: vec!["argocd".into()], ..holding(20, 60) };
    let fight = |minutes: &[i64]| {
        let mut memory = Memory::default();
        let mut last = None;
        for minute in minutes {
            let mut found = reverted.clone();
            found.resource_version = (1000 + minute).to_string();
            let (next, after_next) = next(time(*minute), &found, &decision(20), &Policy::live(), &identity(), memory);
            let reply = Reply::Done { resource_version: found.resource_version };
            memory = after(time(*minute), &next.action, &reply, after_next);
            last = Some(next);
        }
        last.unwrap()
    };
    for (minutes, word) in [
        (&[0, 1, 2, 3][..], "acquire"),
        (&[0, 1, 2, 3, 4], "clean"),
        (&[0, 9, 18, 27, 36], "clean"),
        (&[0, 10, 20, 30, 40], "acquire"),
        (&[0, 1, 2, 3, 13], "acquire"),
        (&[0, 1, 2, 13, 14, 15, 16], "acquire"),
        (&[0, 1, 2, 13, 14, 15, 16, 17], "clean"),
    ] {
        assert_eq!(fight(minutes).action.as_str(), word, "{minutes:?}");
    }
    let lost = fight(&[0, 1, 2, 3, 4]);
    assert_eq!(lost.state, State::Contended);
    let Action::Clean { released_until, .. } = lost.action else { panic!() };
    assert_eq!(released_until, Some(time(64)), "an hour's truce, on the object");
    assert!(lost.reasons[0].to_string().contains("argocd"), "{}", lost.reasons[0]);
}

#[test]
fn a_revert_is_counted_once_however_often_it_is_seen() {
    let reverted = Target { min: n(3), ours: false, ..holding(20, 60) };
    let mut memory = Memory::default();
    for second in 0..20 {
        let now = time(0) + chrono::TimeDelta::seconds(15 * second);
        let (next, after_next) = next(now, &reverted, &decision(20), &Policy::live(), &identity(), memory);
        assert_eq!(next.reasons, [Reason::Reverted { value: n(3), floor: n(20), times: 1 }]);
        memory = after(now, &next.action, &Reply::NotSent, after_next);
    }
}
