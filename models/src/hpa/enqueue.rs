//! When an HPA is looked at next.

/// How soon a key is put into the controller's queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Enqueue {
    /// At once.
    Immediate,
    /// One sync period later, unless it already waits for an earlier moment.
    AfterSyncPeriod,
}

impl Enqueue {
    /// The word used in the facts.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "immediate",
            Self::AfterSyncPeriod => "after_sync_period",
        }
    }
}

/// A new HPA was seen. `new_at_once` is [`crate::hpa::Gates::new_at_once`].
pub const fn on_add(new_at_once: bool) -> Enqueue {
    if new_at_once { Enqueue::Immediate } else { Enqueue::AfterSyncPeriod }
}

/// An HPA changed (or was only resynced). Generations are `None` where the object has none or is of an unknown type:
/// then nothing can be concluded from it. `generation_gate` is [`crate::hpa::Gates::generation`].
pub fn on_update(old: Option<i64>, new: Option<i64>, generation_gate: bool) -> Enqueue {
    match (old, new) {
        (Some(old), Some(new)) if generation_gate && old != new => Enqueue::Immediate,
        _ => Enqueue::AfterSyncPeriod,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_changed_spec_behind_its_gate_is_urgent() {
        let table = [
            (Some(1), Some(2), true, Enqueue::Immediate),
            (Some(1), Some(2), false, Enqueue::AfterSyncPeriod),
            (Some(2), Some(2), true, Enqueue::AfterSyncPeriod),
            (Some(1), None, true, Enqueue::AfterSyncPeriod),
            (None, Some(1), true, Enqueue::AfterSyncPeriod),
        ];
        for (old, new, gate, expected) in table {
            assert_eq!(on_update(old, new, gate), expected, "{old:?} to {new:?}, gate {gate}");
        }
        assert_eq!(on_add(false), Enqueue::AfterSyncPeriod);
    }
}
