//! The floor protocol: from a decision to the one write that carries it out, and back from the API server's answer.
//!
//! Acquire with force, hold without, give the base back in one shape; base never inferred from our own floors.

mod action;

pub use action::{Action, Identity, Next, Reply, Urgency, Write};

use crate::decide::{Decision, Memory};
use crate::policy::Policy;
use crate::target::Target;
use chrono::{DateTime, Utc};

/// What is to be written now, if anything. Pure: the same arguments give the same action.
pub fn next(
    _now: DateTime<Utc>,
    _target: &Target,
    _decision: &Decision,
    _policy: &Policy,
    _identity: &Identity,
    _memory: Memory,
) -> (Next, Memory) {
    unimplemented!()
}

/// Folds the answer of a write into the memory. Every action that was sent must be answered, also with [`Reply::Unknown`].
pub fn after(_now: DateTime<Utc>, _action: &Action, _reply: &Reply, _memory: Memory) -> Memory {
    unimplemented!()
}
