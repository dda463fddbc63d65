//! What a workload's owner and administrator say of it, as far as a replay follows it.

use crate::events::KnownEvent;
use crate::policy::Policy;
use std::sync::Arc;

/// Settings of the daemon for the replayed workload. Mode, quantile, lead time and base are the replay's own, whatever stands here.
#[derive(Clone, Debug, PartialEq)]
pub struct Wishes {
    /// Schedule, zone, caps and guard rails.
    pub policy: Policy,
    /// Known events: they were known before they came.
    pub events: Arc<[KnownEvent]>,
}

impl Default for Wishes {
    /// Nothing said: everything by default.
    fn default() -> Self {
        Self { policy: Policy::live(), events: Arc::default() }
    }
}
