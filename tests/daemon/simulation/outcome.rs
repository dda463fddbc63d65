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

    /// Nothing is known of its load yet.
    pub(crate) fn is_learning(&self) -> bool {
        self.state == "Learning"
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
        // Whoever takes over holds what he finds for a window: he cannot know when it was needed last. (In shadow there is nothing to
        // find.)
        let kept = self.mode != "live" || new.floor >= self.floor;
        let alike =
            near(self.need, new.need) && (by_trust || (self.state == new.state && near(self.floor, new.floor) && kept));
        (!same || !(alike || misled)).then(|| {
            let told =
                |o: &Self| format!("{} {} base {:?}, floor {:?}, need {:?}", o.mode, o.state, o.base, o.floor, o.need);
            format!("{}; a fresh daemon: {}", told(self), told(new))
        })
    }
}
