//! Leader election by a Lease: which process may write, and until when.
//!
//! [`core`] is the state machine, pure; [`shell`] asks and answers for it on a thread, a runtime and a connection of its
//! own, so that neither a full queue of writes nor a busy CPU can make the leader miss a renewal.

pub mod core;
mod record;
mod shell;

pub use shell::{Elector, Settings, identity, identity_by};

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::protocol::Identity;
use floorcast_models::target::Holder;
use std::time::Duration;
use tokio::time::Instant;

/// Who leads, as far as this process knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leadership {
    /// While we lead: under which identity, and until when writes may end.
    pub ours: Option<Ours>,
    /// The other leader's identity, where one is known.
    pub other: Option<String>,
    /// What keeps us from taking part, with the remedy.
    pub problem: Option<String>,
}

/// Our leadership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ours {
    /// Goes into every write.
    pub identity: Identity,
    /// Every write must have ended by then.
    pub permit: Permit,
}

/// Until when writes must have ended. Two clocks: the monotonic one stands still while a machine sleeps, the wall
/// clock can be set; a write needs both to agree that there is time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    /// On the monotonic clock of tokio (paused in simulations).
    pub deadline: Instant,
    /// On the wall clock.
    pub wall: DateTime<Utc>,
    /// The epoch it was given in.
    pub epoch: u64,
}

impl Permit {
    /// May a write begin that ends within `longest`?
    pub fn allows(&self, now: Instant, wall: DateTime<Utc>, longest: Duration) -> bool {
        let wall_longest = TimeDelta::from_std(longest).unwrap_or(TimeDelta::MAX);
        let by_wall = wall.checked_add_signed(wall_longest).is_some_and(|end| end <= self.wall);
        now + longest <= self.deadline && by_wall
    }
}

impl Leadership {
    /// Nothing known yet.
    pub const fn unknown() -> Self {
        Self { ours: None, other: None, problem: None }
    }

    /// Do we lead, going by what the elector last published? Each write checks the permit's time besides.
    pub const fn leads(&self) -> bool {
        self.ours.is_some()
    }

    /// Lease transitions while we lead.
    pub fn epoch(&self) -> Option<u64> {
        self.ours.as_ref().map(|o| o.identity.epoch)
    }

    /// Our holder while we lead.
    pub fn holder(&self) -> Option<&Holder> {
        self.ours.as_ref().map(|o| &o.identity.holder)
    }
}
