//! What a workload's owner and administrator say of it, as far as a replay follows it.

use crate::events::KnownEvent;
use crate::forecast;
use crate::policy::{LeadTime, Mode, Policy, Rails, Ramp};
use chrono::TimeDelta;
use chrono_tz::Tz;
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
        let policy = Policy {
            mode: Mode::Live,
            quantile: 0.95,
            lead: LeadTime::Auto,
            base: None,
            max_floor: None,
            admin_cap: None,
            zone: Tz::UTC,
            model: forecast::Choice::Auto,
            ramp: Ramp::default(),
            respect: TimeDelta::hours(1),
            longest_hold: TimeDelta::hours(6),
            rails: Rails::default(),
            schedule: Arc::default(),
        };
        Self { policy, events: Arc::default() }
    }
}
