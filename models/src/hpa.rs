//! The `HorizontalPodAutoscaler` controller, exactly: autoscaling/v2 as upstream implements it up to the 1.37 cycle.
//!
//! Pure: a sync takes the moment, the spec, what was observed and what is remembered, and returns a verdict. The
//! expressions (integers in milli-units, `f64` ratios, strict comparisons at the edges of windows) are upstream's, because
//! rounding decides at the edges. Behaviour was established from the controller of the 1.37 cycle and is held by the
//! facts in `models/tests/hpa-cases`.

mod backcast;
pub mod behavior;
pub mod condition;
mod flags;
mod history;
mod spec;
mod tolerance;
mod version;

pub use backcast::{Bounds, Replay, wish};
pub use flags::Flags;
pub use history::{Events, Log, Recommendation, ScaleEvent};
pub use spec::{Amount, Behavior, MetricSpec, Policy, ResourceTarget, Rules, Select, Spec, ValueTarget};
pub use tolerance::Tolerance;
pub use version::{Gates, Version};
