//! Conditions of an HPA: four types, each with a closed set of reasons.

/// The conditions as a set; `None` is a condition that is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conditions {
    /// `AbleToScale`.
    pub able: Option<Able>,
    /// `ScalingActive`.
    pub active: Option<Active>,
    /// `ScalingLimited`: its status and reason.
    pub limited: Option<(bool, Limit)>,
    /// `ScaledToZero`.
    pub scaled_to_zero: Option<bool>,
}

impl Conditions {
    /// The conditions as (type, status, reason), as `kubectl describe` would show them.
    ///
    /// ```
    /// use floorcast_models::hpa::condition::{Able, Conditions};
    /// let conditions = Conditions { able: Some(Able::Rescaled), ..Conditions::default() };
    /// assert_eq!(conditions.list(), [("AbleToScale", true, "SucceededRescale")]);
    /// ```
    pub fn list(&self) -> Vec<(&'static str, bool, &'static str)> {
        let able = self.able.map(|a| ("AbleToScale", a.status(), a.as_str()));
        let active = self.active.map(|a| ("ScalingActive", a.status(), a.as_str()));
        let limited = self.limited.map(|(status, l)| ("ScalingLimited", status, l.as_str()));
        let zero = self.scaled_to_zero.map(|z| ("ScaledToZero", z, if z { "ScaledToZero" } else { "NotScaledToZero" }));
        [able, active, limited, zero].into_iter().flatten().collect()
    }
}

/// Reasons of `AbleToScale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Able {
    /// `/scale` could not be read.
    FailedGetScale,
    /// `/scale` could not be written.
    FailedUpdateScale,
    /// `/scale` was read, nothing further was decided.
    GotScale,
    /// The raw proposal stands.
    Ready,
    /// An older, lower proposal holds the size down.
    UpStabilised,
    /// An older, higher proposal holds the size up.
    DownStabilised,
    /// A new size was set.
    Rescaled,
}

impl Able {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::FailedGetScale,
        Self::FailedUpdateScale,
        Self::GotScale,
        Self::Ready,
        Self::UpStabilised,
        Self::DownStabilised,
        Self::Rescaled,
    ];

    /// The word in the condition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FailedGetScale => "FailedGetScale",
            Self::FailedUpdateScale => "FailedUpdateScale",
            Self::GotScale => "SucceededGetScale",
            Self::Ready => "ReadyForNewScale",
            Self::UpStabilised => "ScaleUpStabilized",
            Self::DownStabilised => "ScaleDownStabilized",
            Self::Rescaled => "SucceededRescale",
        }
    }

    /// The condition's status.
    pub const fn status(self) -> bool {
        !matches!(self, Self::FailedGetScale | Self::FailedUpdateScale)
    }
}

/// Reasons of `ScalingActive`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Active {
    /// At least one metric gave a size.
    ValidMetric,
    /// The target is at zero and must not be woken.
    Disabled,
    /// The target's selector is empty or does not parse.
    InvalidSelector,
    /// Another HPA selects the same pods.
    AmbiguousSelector,
    /// The first failing metric is of type Resource.
    FailedResource,
    /// The first failing metric is of type `ContainerResource`.
    FailedContainerResource,
    /// The first failing metric is of type Pods.
    FailedPods,
    /// The first failing metric is of type Object.
    FailedObject,
    /// The first failing metric is of type External.
    FailedExternal,
    /// The first failing metric is of an unknown type.
    InvalidMetricType,
}

impl Active {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::ValidMetric,
        Self::Disabled,
        Self::InvalidSelector,
        Self::AmbiguousSelector,
        Self::FailedResource,
        Self::FailedContainerResource,
        Self::FailedPods,
        Self::FailedObject,
        Self::FailedExternal,
        Self::InvalidMetricType,
    ];

    /// The word in the condition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ValidMetric => "ValidMetricFound",
            Self::Disabled => "ScalingDisabled",
            Self::InvalidSelector => "InvalidSelector",
            Self::AmbiguousSelector => "AmbiguousSelector",
            Self::FailedResource => "FailedGetResourceMetric",
            Self::FailedContainerResource => "FailedGetContainerResourceMetric",
            Self::FailedPods => "FailedGetPodsMetric",
            Self::FailedObject => "FailedGetObjectMetric",
            Self::FailedExternal => "FailedGetExternalMetric",
            Self::InvalidMetricType => "InvalidMetricSourceType",
        }
    }

    /// The condition's status.
    pub const fn status(self) -> bool {
        matches!(self, Self::ValidMetric)
    }
}

/// Reasons of `ScalingLimited`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Limit {
    /// The stabilised size is allowed.
    WithinRange,
    /// `spec.minReplicas` holds the size up: the floor binds.
    TooFewReplicas,
    /// `spec.maxReplicas` holds the size down.
    TooManyReplicas,
    /// The scale-up rate holds the size down.
    ScaleUpLimit,
    /// The scale-down rate holds the size up.
    ScaleDownLimit,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::WithinRange, Self::TooFewReplicas, Self::TooManyReplicas, Self::ScaleUpLimit, Self::ScaleDownLimit];

    /// The word in the condition.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WithinRange => "DesiredWithinRange",
            Self::TooFewReplicas => "TooFewReplicas",
            Self::TooManyReplicas => "TooManyReplicas",
            Self::ScaleUpLimit => "ScaleUpLimit",
            Self::ScaleDownLimit => "ScaleDownLimit",
        }
    }
}
