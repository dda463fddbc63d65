//! The one state of a workload: label `state` of `workload_state`.

/// The one state of a workload. Where several hold, the one that stops most is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Not opted in.
    Off,
    /// Forecast and told, nothing written.
    Shadow,
    /// Nothing learned yet: no forecast, no floor.
    Learning,
    /// The plan needs no more than the base.
    Idle,
    /// A floor is held as the plan needs it.
    Holding,
    /// A floor comes down after the plan.
    Lowering,
    /// A floor comes down to the base by command, or because nothing speaks for it any more.
    Draining,
    /// Handed back; not acquired again before a stated time.
    Released,
    /// A person or tool set a value below our floor: respected for a while.
    Overridden,
    /// Somebody reverts our field again and again: tried hourly.
    Contended,
    /// The kill switch stops all writes.
    Frozen,
    /// The target is at 0.
    Paused,
    /// `minReplicas` equals `maxReplicas`: nothing to decide.
    Pinned,
    /// The newest sample is too old: no raise.
    Stale,
    /// The forecast is not trusted.
    Untrusted,
    /// Load over target does not give the HPA's own replicas, or was not compared yet.
    Unproven,
    /// Pods of a raised floor do not come up: no further raise.
    CapacityUnavailable,
    /// Another installation of floorcast holds the floor.
    Foreign,
    /// A newer floorcast, or a newer leader of ours, holds the floor.
    Superseded,
    /// Our annotations are damaged.
    Damaged,
    /// The API server refuses our writes: backing off.
    Refused,
}

impl State {
    /// Every state, for metrics that show all of them.
    pub const ALL: [Self; 21] = [
        Self::Off,
        Self::Shadow,
        Self::Learning,
        Self::Idle,
        Self::Holding,
        Self::Lowering,
        Self::Draining,
        Self::Released,
        Self::Overridden,
        Self::Contended,
        Self::Frozen,
        Self::Paused,
        Self::Pinned,
        Self::Stale,
        Self::Untrusted,
        Self::Unproven,
        Self::CapacityUnavailable,
        Self::Foreign,
        Self::Superseded,
        Self::Damaged,
        Self::Refused,
    ];

    /// The word of metric labels, `status` and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "Off",
            Self::Shadow => "Shadow",
            Self::Learning => "Learning",
            Self::Idle => "Idle",
            Self::Holding => "Holding",
            Self::Lowering => "Lowering",
            Self::Draining => "Draining",
            Self::Released => "Released",
            Self::Overridden => "Overridden",
            Self::Contended => "Contended",
            Self::Frozen => "Frozen",
            Self::Paused => "Paused",
            Self::Pinned => "Pinned",
            Self::Stale => "Stale",
            Self::Untrusted => "Untrusted",
            Self::Unproven => "Unproven",
            Self::CapacityUnavailable => "CapacityUnavailable",
            Self::Foreign => "Foreign",
            Self::Superseded => "Superseded",
            Self::Damaged => "Damaged",
            Self::Refused => "Refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::State;
    use std::collections::BTreeSet;

    #[test]
    fn every_state_has_its_own_word() {
        let words: BTreeSet<_> = State::ALL.iter().map(|s| s.as_str()).collect();
        assert_eq!(words.len(), State::ALL.len());
        assert!(words.iter().all(|w| w.chars().next().is_some_and(char::is_uppercase)));
    }
}
