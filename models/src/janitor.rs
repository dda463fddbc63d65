//! What a floor past its `until` needs, without any forecast: one step down the ramp, or the base given back.

use crate::policy::Ramp;
use crate::protocol::Action;
use crate::target::Target;
use chrono::{DateTime, Utc};

/// The write that drains a floor past its `until`; [`Action::None`] for every other object.
pub fn drain(_now: DateTime<Utc>, _target: &Target, _ramp: &Ramp) -> Action {
    unimplemented!()
}
