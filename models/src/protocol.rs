//! The floor protocol: from a decision to the one write that carries it out, and back from the API server's answer.
//!
//! Acquire with force, hold without, give the base back in one shape; base never inferred from our own floors
//! (`hpa.md` 3.3, `decisions.md` 1–10).

mod action;
mod after;
mod next;
mod stance;

pub use action::{Action, Identity, Next, Reply, Urgency, Write};
pub use after::after;
pub use next::next;
pub(crate) use stance::{Stance, stance};

#[cfg(test)]
mod histories;
#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
