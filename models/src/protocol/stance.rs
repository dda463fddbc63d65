//! How the object stands to us: whose the value is that we find, and what the base is.

use crate::decide::Memory;
use crate::policy::Policy;
use crate::target::{Held, Hold, Target};
use crate::units::Replicas;
use chrono::{DateTime, Utc};

/// What the value in `spec.minReplicas` means.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Stance {
    /// We hold nothing.
    Free {
        /// The user's floor.
        base: Replicas,
        /// The value is a copy of a floor that we gave back, not the base.
        copied: bool,
    },
    /// Our floor stands.
    Holding {
        /// The user's floor.
        base: Replicas,
        /// What stands: what we wrote, or what admission made of it.
        floor: Replicas,
    },
    /// Set back to the base, or to a floor of ours from before.
    Reverted {
        /// The user's floor.
        base: Replicas,
    },
    /// A person or a tool wants this value: the new base.
    Opinion {
        /// The value.
        value: Replicas,
        /// Our floor.
        floor: Replicas,
    },
    /// Written by a newer floorcast.
    Newer {
        /// Its format.
        version: String,
    },
    /// Our annotations cannot be read whole.
    Damaged {
        /// The base, where it can be read or the user says it.
        base: Option<Replicas>,
        /// What is wrong.
        why: String,
    },
}

/// Reads the object (`decisions.md` 1, 2, 9; `hpa.md` 3.3 "Base").
pub(crate) fn stance(now: DateTime<Utc>, target: &Target, policy: &Policy, memory: &Memory) -> Stance {
    match &target.hold {
        Hold::Free => free(now, target, policy, memory),
        Hold::Held(held) => while_held(now, target, policy, held, memory),
        Hold::Newer { version } => Stance::Newer { version: version.clone() },
        Hold::Damaged { base, why } => Stance::Damaged { base: policy.base.or(*base), why: why.clone() },
    }
}

/// The base is the annotation, else `spec.minReplicas` as found, but never a floor that we wrote ourselves within a day.
fn free(now: DateTime<Utc>, target: &Target, policy: &Policy, memory: &Memory) -> Stance {
    let given = memory.given.map(|(_, base)| base);
    let copied = given.is_some_and(|base| base != target.min) && memory.wrote(now, target.min);
    let found = given.filter(|_| copied).unwrap_or(target.min);
    Stance::Free { base: policy.base.unwrap_or(found).min(target.max), copied }
}

fn while_held(now: DateTime<Utc>, target: &Target, policy: &Policy, held: &Held, memory: &Memory) -> Stance {
    let base = policy.base.unwrap_or(held.base).min(target.max);
    let value = target.min;
    if value == held.floor {
        return Stance::Holding { base, floor: value };
    }
    let never_an_opinion = value == held.base
        || policy.base == Some(value)
        || held.floor_before == Some(value)
        || memory.wrote(now, value);
    if target.ours && value < held.floor && value > base {
        // Ours, yet not what we asked for: an admission policy clamped it (`hpa.md` 3.3).
        Stance::Holding { base, floor: value }
    } else if never_an_opinion {
        Stance::Reverted { base }
    } else {
        Stance::Opinion { value, floor: held.floor }
    }
}

impl Stance {
    /// The user's floor; `None` where it cannot be known.
    pub(crate) fn base(&self) -> Option<Replicas> {
        match self {
            Self::Free { base, .. } | Self::Holding { base, .. } | Self::Reverted { base } => Some(*base),
            Self::Opinion { value, .. } => Some(*value),
            Self::Newer { .. } => None,
            Self::Damaged { base, .. } => *base,
        }
    }

    /// What of ours stands above the base now, `value` being what is found on the object.
    pub(crate) fn standing(&self, value: Replicas) -> Option<Replicas> {
        match self {
            Self::Holding { floor, .. } => Some(*floor),
            Self::Reverted { base } => (value > *base).then_some(value),
            Self::Free { .. } | Self::Opinion { .. } | Self::Newer { .. } | Self::Damaged { .. } => None,
        }
    }
}
