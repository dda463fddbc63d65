//! Forecast accuracy on a load that was measured: rolling origins, nothing of the future seen.
//!
//! ```text
//!  ├──────── history: at most 28 days ────────┤o├── horizon ──┤
//!                                              │               └ the target, scored against what came
//!                                              └ origin: every step of the last 7 days and of the horizon before them
//! ```
//!
//! From each origin speaks what the daemon would have asked: [`learn`](crate::learn::learn) once a day on the history before
//! it, [`observe`](crate::learn::Learned::observe) since. Missing samples are neither filled nor scored. The reference is the
//! same time last week with the rolling 7-day quantile of its own errors; `relative` figures are to it, on the same origins.
//! Rolling-origin evaluation: Tashman 2000; WAPE, MASE: Hyndman and Koehler 2006; pinball loss: Koenker and Bassett 1978.

mod origins;
mod protocol;
mod reference;
mod score;
mod summary;

pub use origins::{Said, replay, unlearnable};
pub use protocol::{Protocol, Span, Target, Unscorable, word};
pub use reference::Reference;
pub use score::{Relative, Score, score};
pub use summary::{Mean, means};

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
