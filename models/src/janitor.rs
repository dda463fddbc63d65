//! What a floor past its `until` needs, without any forecast: one step down the ramp, or the base given back.
//!
//! The CronJob and the daemon at its start do the same thing, with the clock that is on the object: two of them do no harm.

use crate::guard::ramp_step;
use crate::policy::Ramp;
use crate::protocol::{Action, Write};
use crate::target::{Held, Hold, Target};
use crate::units::Replicas;
use chrono::{DateTime, Utc};

/// The write that drains a floor past its `until`; [`Action::None`] for every other object.
///
/// Holder, epoch and `until` stay as recorded: the janitor leads nothing. A value that is not ours any more stays, and only
/// our marks go; damaged marks go with the base where it can be read. Newer formats are left alone.
pub fn drain(now: DateTime<Utc>, target: &Target, ramp: &Ramp) -> Action {
    match &target.hold {
        Hold::Held(held) if held.until <= now => past_until(now, target, held, ramp),
        Hold::Damaged { base: Some(base), .. } if target.ours && *base < target.min => give_back(target, *base),
        Hold::Damaged { base: Some(_), .. } => clean(target),
        Hold::Held(_) | Hold::Damaged { base: None, .. } | Hold::Free | Hold::Newer { .. } => Action::None,
    }
}

/// Writes that the ramp takes from this value to the base, the last one included.
pub fn steps(floor: Replicas, base: Replicas, ramp: &Ramp) -> u32 {
    let (mut value, mut count) = (floor, 0);
    while value > base {
        value = ramp_step(value, base, ramp);
        count += 1;
    }
    count
}

fn past_until(now: DateTime<Utc>, target: &Target, held: &Held, ramp: &Ramp) -> Action {
    let before = held.floor_before == Some(target.min);
    if target.min != held.floor && !before && !target.ours {
        return clean(target);
    }
    if target.min <= held.base {
        return clean(target);
    }
    if target.written_at.is_some_and(|written| now < written + ramp.step) {
        return Action::None;
    }
    let floor = ramp_step(target.min, held.base, ramp);
    if floor <= held.base || floor >= target.max {
        return give_back(target, held.base);
    }
    lower(target, Held { floor, floor_before: Some(target.min), ..held.clone() })
}

/// Unforced; with force and version where somebody co-owns the value, because an unforced change would be a 409.
fn lower(target: &Target, held: Held) -> Action {
    let write = Write { uid: target.uid.clone(), held };
    if target.owners.is_empty() {
        Action::Hold { write }
    } else {
        Action::Acquire { write, resource_version: target.resource_version.clone() }
    }
}

fn give_back(target: &Target, base: Replicas) -> Action {
    Action::GiveBack {
        uid: target.uid.clone(),
        resource_version: target.resource_version.clone(),
        floor: target.min,
        base: base.min(target.max),
        released_until: None,
    }
}

fn clean(target: &Target) -> Action {
    Action::Clean {
        uid: target.uid.clone(),
        resource_version: target.resource_version.clone(),
        value: target.min,
        released_until: None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::{held, holding, n, target, time};

    fn act(target: &Target) -> (&'static str, u32) {
        let action = drain(time(0), target, &Ramp::default());
        let value = match &action {
            Action::None => 0,
            Action::Acquire { write, .. } | Action::Hold { write } => write.held.floor.get(),
            Action::GiveBack { base, .. } => base.get(),
            Action::Clean { value, .. } => value.get(),
        };
        (action.as_str(), value)
    }

    #[test]
    fn only_floors_past_until_are_touched() {
        for (until, wanted) in [(60, ("none", 0)), (1, ("none", 0)), (0, ("hold", 12)), (-600, ("hold", 12))] {
            assert_eq!(act(&holding(20, until)), wanted, "until {until}");
        }
        assert_eq!(act(&target()), ("none", 0));
        let newer = Target { hold: Hold::Newer { version: "2".into() }, ..holding(20, -60) };
        assert_eq!(act(&newer), ("none", 0));
    }

    #[test]
    fn by_the_ramp_to_the_base() {
        for (floor, wanted) in
            [(50, ("hold", 30)), (12, ("hold", 8)), (5, ("give_back", 3)), (4, ("give_back", 3)), (3, ("clean", 3))]
        {
            assert_eq!(act(&holding(floor, -60)), wanted, "floor {floor}");
        }
    }

    #[test]
    fn the_clock_is_on_the_object() {
        for (written, wanted) in [(-4, "none"), (-5, "hold"), (0, "none"), (1, "none")] {
            let found = Target { written_at: Some(time(written)), ..holding(20, -60) };
            assert_eq!(act(&found).0, wanted, "written {written} min ago");
        }
        assert_eq!(
            act(&Target { written_at: None, ..holding(20, -60) }).0,
            "hold",
            "no clock: the floor is past its time anyway"
        );
    }

    #[test]
    fn a_lower_keeps_holder_epoch_and_until() {
        let Action::Hold { write } = drain(time(0), &holding(20, -60), &Ramp::default()) else { panic!() };
        let wanted = Held { floor: n(12), floor_before: Some(n(20)), ..held(20, -60) };
        assert_eq!(write.held, wanted);
    }

    #[test]
    fn somebody_elses_value_stays_and_co_owners_are_met_with_force() {
        for (value, ours, owners, wanted) in [
            (7, false, vec!["kubectl"], ("clean", 7)),
            (3, false, vec!["kubectl"], ("clean", 3)),
            (18, true, vec![], ("hold", 11)),
            (20, true, vec!["argocd"], ("acquire", 12)),
            (20, false, vec!["argocd"], ("acquire", 12)),
        ] {
            let owners: Vec<String> = owners.into_iter().map(str::to_owned).collect();
            let found = Target { min: n(value), ours, owners, ..holding(20, -60) };
            assert_eq!(act(&found), wanted, "{value} found, ours {ours}");
        }
    }

    #[test]
    fn damaged_marks() {
        let damaged = |base: Option<u32>, min, ours| Target {
            hold: Hold::Damaged { base: base.map(n), why: "x".into() },
            min: n(min),
            ours,
            ..target()
        };
        assert_eq!(act(&damaged(Some(3), 20, true)), ("give_back", 3));
        assert_eq!(act(&damaged(Some(3), 20, false)), ("clean", 20));
        assert_eq!(act(&damaged(Some(3), 3, true)), ("clean", 3));
        assert_eq!(act(&damaged(None, 20, true)), ("none", 0));
    }

    #[test]
    fn passes_of_a_cron_job_end_at_the_base() {
        let mut found = holding(40, 0);
        let mut values = vec![];
        for pass in 0..30 {
            let now = time(5 * pass);
            match drain(now, &found, &Ramp::default()) {
                Action::Hold { write } => {
                    found =
                        Target { min: write.held.floor, hold: Hold::Held(write.held), written_at: Some(now), ..found };
                }
                Action::GiveBack { base, .. } => found = Target { min: base, hold: Hold::Free, ..found },
                Action::None => break,
                other => panic!("{other:?}"),
            }
            values.push(found.min.get());
        }
        assert_eq!(values, [24, 15, 9, 6, 4, 3]);
        assert_eq!(steps(n(40), n(3), &Ramp::default()), 6, "what is announced is what happens");
        assert_eq!(steps(n(3), n(3), &Ramp::default()), 0);
    }
}
