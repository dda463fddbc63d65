//! What one sync came to.

use crate::hpa::condition::{Active, Conditions};
use crate::hpa::{Current, MetricError, State};
use std::fmt;

/// The outcome of one sync: the status it writes, the size it sets, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// `status.currentReplicas`; `None` where `/scale` could not be read.
    pub current: Option<i32>,
    /// `status.desiredReplicas`: as it was before, where the sync failed.
    pub desired: i32,
    /// The size to set on the target, if another than the current one.
    pub rescaled_to: Option<i32>,
    /// Why.
    pub reason: Option<RescaleReason>,
    /// `status.conditions`.
    pub conditions: Conditions,
    /// `status.currentMetrics` by position in `spec.metrics`; empty where no metric was read.
    pub currents: Vec<Option<Current>>,
    /// The error that the sync returns; it may have scaled all the same.
    pub error: Option<SyncError>,
    /// Events, in order.
    pub events: Vec<Event>,
}

impl Verdict {
    pub(crate) fn new(current: i32) -> Self {
        Self {
            current: Some(current),
            desired: current,
            rescaled_to: None,
            reason: None,
            conditions: Conditions::default(),
            currents: Vec::new(),
            error: None,
            events: Vec::new(),
        }
    }

    /// A sync that ended early: `status.desiredReplicas` stays as it was.
    pub(crate) fn failed(state: &State, current: Option<i32>, error: SyncError, events: Vec<Event>) -> Self {
        let (desired, conditions) = (state.desired, state.conditions);
        Self { current, desired, conditions, error: Some(error), events, ..Self::new(0) }
    }
}

/// Why the size changed: the words of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RescaleReason {
    /// The size was above `spec.maxReplicas`.
    AboveMax,
    /// The size was below `spec.minReplicas`: a floor jump.
    BelowMin,
    /// The metric at this position of `spec.metrics` is above its target.
    MetricAbove(usize),
    /// All metrics are below their targets.
    AllBelow,
    /// The metrics wish the current size; an older recommendation moved it.
    Stabilised,
}

impl RescaleReason {
    /// A label for metrics and tables.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AboveMax => "above_max",
            Self::BelowMin => "below_min",
            Self::MetricAbove(_) => "metric_above_target",
            Self::AllBelow => "metrics_below_target",
            Self::Stabilised => "stabilised",
        }
    }
}

impl fmt::Display for RescaleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AboveMax => f.write_str("Current number of replicas above Spec.MaxReplicas"),
            Self::BelowMin => f.write_str("Current number of replicas below Spec.MinReplicas"),
            Self::MetricAbove(position) => write!(f, "metric {position} above target"),
            Self::AllBelow => f.write_str("All metrics below target"),
            Self::Stabilised => Ok(()),
        }
    }
}

/// An event that the controller emits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A new size was set.
    SuccessfulRescale {
        /// The size.
        to: i32,
        /// Why.
        reason: RescaleReason,
    },
    /// A new size could not be set.
    FailedRescale {
        /// The size.
        to: i32,
        /// Why it was wanted.
        reason: RescaleReason,
    },
    /// `/scale` could not be read.
    FailedGetScale,
    /// The metrics gave no size.
    FailedComputeMetricsReplicas,
    /// A metric or the selector failed; the event has the reason of the condition.
    Blocked(Active),
}

impl Event {
    /// The event's `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SuccessfulRescale { .. } => "SuccessfulRescale",
            Self::FailedRescale { .. } => "FailedRescale",
            Self::FailedGetScale => "FailedGetScale",
            Self::FailedComputeMetricsReplicas => "FailedComputeMetricsReplicas",
            Self::Blocked(why) => why.as_str(),
        }
    }
}

/// Why a sync returned an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncError {
    /// GET `/scale` failed.
    #[error("failed to query scale subresource: {0}")]
    GetScale(String),
    /// PUT `/scale` failed.
    #[error("failed to rescale: {0}")]
    UpdateScale(String),
    /// The selector cannot be used.
    #[error("the target's selector cannot be used: {}", .0.as_str())]
    Selector(Active),
    /// Some metrics failed, perhaps all.
    #[error("invalid metrics ({invalid} invalid out of {of}), first error is: {cause}")]
    Metrics {
        /// How many failed.
        invalid: usize,
        /// How many there are.
        of: usize,
        /// Position of the first one that failed.
        first: usize,
        /// Why.
        cause: MetricError,
    },
    /// `spec.metrics` is empty; the API server would have filled it in.
    #[error("the HPA has no metrics")]
    NoMetrics,
}
