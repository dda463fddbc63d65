//! Quantities by type: a load is never mistaken for a number of replicas.

use std::fmt;

/// A number of replicas, `0..=i32::MAX`: the range of `spec.replicas` in the Kubernetes API.
///
/// It cannot be built from a raw `f64`; see [`crate::capacity`] for the one way from load to replicas.
///
/// ```
/// use floorcast_models::units::Replicas;
/// assert_eq!(Replicas::new(u32::MAX).get(), i32::MAX as u32);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replicas(u32);

impl Replicas {
    /// No replicas.
    pub const ZERO: Self = Self(0);
    /// One replica.
    pub const ONE: Self = Self(1);
    /// The largest number the API can hold.
    pub const MAX: Self = Self(i32::MAX as u32);

    /// `n` replicas, saturating at `i32::MAX`.
    pub const fn new(n: u32) -> Self {
        if n > i32::MAX as u32 { Self::MAX } else { Self(n) }
    }

    /// From the API's signed field; a negative number is not a size.
    pub fn from_api(n: i32) -> Option<Self> {
        u32::try_from(n).ok().map(Self)
    }

    /// As the API's signed field.
    pub const fn to_api(self) -> i32 {
        self.0 as i32
    }

    /// The bare number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// `self − other`, never below zero.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// `self + other`, never above [`Replicas::MAX`].
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self::new(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The load that one replica should carry, in the load's own unit: finite and above zero.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct PerReplica(f64);

impl PerReplica {
    /// `None` unless finite and above zero: no arithmetic downstream can divide by nothing.
    pub fn new(load: f64) -> Option<Self> {
        (load.is_finite() && load > 0.0).then_some(Self(load))
    }

    /// The bare number, in the load's unit.
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// A total load: finite and not negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Demand(f64);

impl Demand {
    /// `None` for NaN, ±Inf and negative numbers: a missing load is not zero.
    pub fn new(load: f64) -> Option<Self> {
        (load.is_finite() && load >= 0.0).then_some(Self(load))
    }

    /// The bare number, in the load's unit.
    pub const fn get(self) -> f64 {
        self.0
    }
}
