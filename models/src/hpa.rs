//! The `HorizontalPodAutoscaler` controller, exactly: autoscaling/v2 as upstream implements it up to the 1.37 cycle.
//!
//! Pure: a sync takes the moment, the spec, what was observed and what is remembered, and returns a verdict. The
//! expressions (integers in milli-units, `f64` ratios, strict comparisons at the edges of windows) are upstream's, because
//! rounding decides at the edges. Behaviour was established from the controller of the 1.37 cycle and is held by the
//! facts in `models/tests/hpa-cases`.

mod backcast;
pub mod behavior;
mod calculator;
pub mod combine;
pub mod condition;
mod controller;
pub mod enqueue;
mod error;
mod flags;
mod grouping;
mod history;
mod observation;
mod pod;
pub mod quantity;
mod quotient;
mod spec;
mod sync;
mod tally;
mod tolerance;
mod verdict;
mod version;

pub use backcast::{Bounds, Replay, wish};
pub use calculator::{Samples, Scene, by_pods, by_resource, by_value, propose, samples_of};
pub use controller::Controller;
pub use error::MetricError;
pub use flags::Flags;
pub use grouping::{Group, group};
pub use history::{Events, Log, Recommendation, ScaleEvent};
pub use observation::{Observation, PodSample, PodUsage, Sample, Scale, Scaled, Selector};
pub use pod::{ConditionStatus, Container, InitContainer, Phase, Pod, Ready, Requests, Vitals};
pub use quotient::per_replica;
pub use spec::{Amount, Behavior, MetricSpec, Policy, ResourceTarget, Rules, Select, Spec, ValueTarget};
pub use sync::{State, sync, sync_with};
pub use tally::{Current, Proposal, Tally};
pub use tolerance::Tolerance;
pub use verdict::{Event, RescaleReason, SyncError, Verdict};
pub use version::{Gates, Version};
