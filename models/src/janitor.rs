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
