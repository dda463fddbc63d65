//! One workload's floor: what is wanted, why, and until when. Total: a decision is never an error.
//!
//! A tick proposes for every workload, allocates the budgets over all proposals ([`crate::budget`]), then finishes each decision.

mod finish;
mod memory;
mod propose;
mod reason;
mod scheduled;
mod situation;
mod state;

pub use finish::finish;
pub use memory::Memory;
pub(crate) use memory::{Barrier, Refusal};
pub use propose::propose;
pub use reason::{Limit, Reason};
pub use situation::{Derivation, Evidence, Situation};
pub use state::State;

use crate::budget::Claim;
use crate::units::Replicas;
use chrono::{DateTime, Utc};
use std::sync::Arc;

/// What one workload wants before the budgets of namespace and cluster are known.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The user's own floor: what is given back, and the least any floor may be.
    pub base: Replicas,
    /// The floor that we hold now, if any.
    pub held: Option<Replicas>,
    /// Replicas needed by the plan, before any guard rail; the base where there is no plan.
    pub raw: Replicas,
    /// The floor wanted after stale, trust, caps and the runaway limit: what the budgets are asked for.
    pub want: Replicas,
    /// Where the floor goes.
    pub course: Course,
    /// The state so far.
    pub state: State,
    /// Why, in the order of the guard rails.
    pub reasons: Vec<Reason>,
    /// When the load that a raise is for arrives; the order of raises.
    pub deadline: DateTime<Utc>,
    /// A floor would really be written (mode live), so budgets are spent.
    pub live: bool,
    /// Needed now, after the rails so far.
    pub(crate) due: Replicas,
    /// Needed now or within the look-ahead, after all rails but the budgets.
    pub(crate) ahead: Replicas,
    /// The same before the runaway limit.
    pub(crate) asked: Replicas,
    /// The lowest cap, which is also the last bound.
    pub(crate) cap: (Limit, Replicas),
    /// The forecast has a say, not only the schedule.
    pub(crate) speaks: bool,
}

/// Where a floor goes from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Course {
    /// Hold nothing; what is held is given back at once.
    Nothing,
    /// Hold what is held, no more and no less.
    Keep,
    /// To the base by the ramp.
    Drain,
    /// After the plan: up at once, down by window and ramp.
    Follow {
        /// The ramp holds even where the floor does not bind (an untrusted forecast lowers only by the ramp).
        always_ramp: bool,
    },
}

impl Proposal {
    /// The claim on the budgets. Every workload that holds or wants a floor must claim: what is held counts too.
    ///
    /// `workload` must be unique in its namespace: both together are the last key of the order.
    pub fn claim(&self, namespace: Arc<str>, workload: Arc<str>) -> Claim {
        Claim {
            namespace,
            workload,
            base: self.base,
            held: self.held.unwrap_or(self.base),
            want: self.want,
            deadline: self.deadline,
            live: self.live,
        }
    }
}

/// What should stand on one HPA.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The floor to hold; `None`: hold nothing.
    pub floor: Option<Replicas>,
    /// The user's own floor.
    pub base: Replicas,
    /// Replicas needed by the plan before any guard rail.
    pub raw: Replicas,
    /// From this moment nobody needs the floor; written with it. Meaningless where `floor` is `None`.
    pub until: DateTime<Utc>,
    /// When the load arrives that a raise is for.
    pub deadline: DateTime<Utc>,
    /// Why, in the order of the guard rails.
    pub reasons: Vec<Reason>,
    /// The one state of the workload.
    pub state: State,
}

impl Decision {
    /// What held the floor below (or kept it off) what the plan needs: label `limit` of `workload_limited_by`.
    pub fn limits(&self) -> impl Iterator<Item = Limit> + '_ {
        self.reasons.iter().filter_map(Reason::limit)
    }
}

#[cfg(test)]
mod tests;
