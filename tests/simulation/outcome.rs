//! What a daemon made of a workload, to compare with a fresh one (I10).

use floorcast::http::api::Workload;

/// What a daemon made of one workload.
pub(crate) struct Outcome {
    mode: String,
    state: String,
    base: Option<u32>,
    floor: Option<u32>,
    need: Option<u32>,
}

impl Outcome {
    pub(crate) fn of(workload: &Workload) -> Self {
        let Workload { mode, state, base, floor, need, .. } = workload.clone();
        // A fresh daemon has another history of needs, so it may still hold what the old one lowers already.
        let state =
            if ["Idle", "Holding", "Lowering"].contains(&state.as_str()) { "Follows".to_owned() } else { state };
        Self { mode, state, base, floor, need }
    }

    /// Needs and floors come from models learned at different moments: they are near, not the same.
    pub(crate) fn differs(&self, new: &Self, misled: bool) -> Option<String> {
        let near = |a: Option<u32>, b: Option<u32>| {
            let (a, b) = (a.or(self.base).unwrap_or(0), b.or(new.base).unwrap_or(0));
            a.abs_diff(b) <= (a.max(b) / 4).max(2)
        };
        let same = self.mode == new.mode && self.base == new.base;
        // Trust keeps the verdict that stood before, by design: a fresh daemon has none, so it may trust where the old one does
        // not yet. The state and the floor that follow from trust are compared only where both judge alike.
        let untrusted = |o: &Self| o.state == "Untrusted";
        let by_trust = untrusted(self) != untrusted(new);
        // A floor above the need is on its way down by the ramp, and the fresh daemon does not know the needs of the last minutes that
        // kept the old one from lowering it. It may be lower for that, but never below what is needed.
        let on_its_way =
            new.floor.zip(self.floor).is_some_and(|(later, before)| later <= before) && new.floor >= new.need;
        let floors = near(self.floor, new.floor) || on_its_way;
        let alike = near(self.need, new.need) && (by_trust || (self.state == new.state && floors));
        (!same || !(alike || misled)).then(|| {
            let told =
                |o: &Self| format!("{} {} base {:?}, floor {:?}, need {:?}", o.mode, o.state, o.base, o.floor, o.need);
            format!("{}; a fresh daemon: {}", told(self), told(new))
        })
    }
}
