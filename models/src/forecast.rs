//! Demand ahead: the forecast as a value, and the names of the models that can make one.

pub mod anchors;
pub mod bridge;
pub mod corrected;
pub mod elementary;
pub mod ensemble;
pub mod half;
pub mod hole;
pub mod levels;
pub mod loads;
pub mod mixture;
pub mod model;
mod opens;
pub mod part;
pub mod past;
pub mod persistence;
pub mod regressed;
pub mod ridge;
pub mod samples;
pub mod season;
pub mod space;
pub mod stretch;
pub mod turns;

use chrono::{DateTime, TimeDelta, Utc};
use std::{fmt, str::FromStr};

/// Demand ahead on the grid of its history: finite, not negative, `lower ≤ point ≤ upper`.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Start of the first step: the end of the newest interval before the forecast was made.
    pub origin: DateTime<Utc>,
    /// Distance of two steps.
    pub step: TimeDelta,
    /// Quantile of `upper`, 0.5 to 0.999.
    pub level: f64,
    /// Length of the windows whose maximum `upper` covers.
    pub lead: TimeDelta,
    /// Expected load (median) of `[origin + i·step, origin + (i+1)·step)`.
    pub point: Vec<f64>,
    /// `level`-quantile of the **maximum** load over `[origin + i·step, origin + i·step + lead)`, calibrated on realised maxima.
    pub upper: Vec<f64>,
    /// `1 − level`-quantile of the load of step `i`.
    pub lower: Vec<f64>,
}

impl Forecast {
    /// Number of steps.
    pub fn len(&self) -> usize {
        self.point.len()
    }

    /// No steps at all.
    pub fn is_empty(&self) -> bool {
        self.point.is_empty()
    }

    /// Start of step `i`.
    pub fn time(&self, i: usize) -> DateTime<Utc> {
        self.origin + self.step * i32::try_from(i).unwrap_or(i32::MAX)
    }

    /// End of the last step: nothing is said from here on.
    pub fn end(&self) -> DateTime<Utc> {
        self.time(self.len())
    }

    /// Number of the step that contains `t`.
    pub fn position(&self, t: DateTime<Utc>) -> Option<usize> {
        let seconds = (t - self.origin).num_seconds();
        let i = usize::try_from(seconds.div_euclid(self.step.num_seconds().max(1))).ok()?;
        (t >= self.origin && i < self.len()).then_some(i)
    }

    /// Expected load at `t`.
    pub fn point_at(&self, t: DateTime<Utc>) -> Option<f64> {
        self.point.get(self.position(t)?).copied()
    }

    /// Upper quantile of the maximum over `[t, t + lead]`. Inside a step the window reaches into one step more, so the
    /// larger of both steps' values counts.
    pub fn upper_at(&self, t: DateTime<Utc>) -> Option<f64> {
        let i = self.position(t)?;
        let here = self.upper[i];
        let inside = t > self.time(i);
        Some(match self.upper.get(i + 1) {
            Some(next) if inside => here.max(*next),
            _ => here,
        })
    }
}

/// Which model forecasts a workload: the mixture of all, or one pinned by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Choice {
    /// The mixture that weighs every model by its recent errors.
    #[default]
    Auto,
    /// Median of the same slot over the weeks, with residual correction.
    Profile,
    /// Weighted weeks in log space, with residual correction; heard only where it is pinned.
    Weeks,
    /// Last week as it was, with residual correction.
    LastWeek,
    /// Same slot of the last days, with residual correction.
    Days,
    /// Smoothed weeks and days for noisy loads, with residual correction.
    Smooth,
    /// Same slot of the last fortnight's days, no neighbour taken in, with residual correction.
    Slots,
    /// Harmonic regression, with residual correction; four hours ahead and more, and nearer only where it is pinned.
    Harmonics,
    /// Recent means without any season.
    Recent,
    /// The last value.
    Persistence,
    /// MSTL decomposition (augurs), with residual correction; heard only where it is pinned.
    Mstl,
    /// The same with augurs' automatic exponential smoothing for its trend.
    MstlEts,
    /// Prophet (augurs), with residual correction; only in builds with the feature `prophet`, and heard only where it is pinned.
    #[cfg(feature = "prophet")]
    Prophet,
}

impl Choice {
    /// Every choice, in the order of the documentation.
    pub const ALL: [Self; 12 + cfg!(feature = "prophet") as usize] = [
        Self::Auto,
        Self::Profile,
        Self::Weeks,
        Self::LastWeek,
        Self::Days,
        Self::Smooth,
        Self::Slots,
        Self::Harmonics,
        Self::Recent,
        Self::Persistence,
        Self::Mstl,
        Self::MstlEts,
        #[cfg(feature = "prophet")]
        Self::Prophet,
    ];

    /// Whether it is fitted anew each day, which takes a thousand times as long as a sample takes the others.
    pub const fn is_fitted(self) -> bool {
        match self {
            Self::Mstl | Self::MstlEts => true,
            #[cfg(feature = "prophet")]
            Self::Prophet => true,
            _ => false,
        }
    }

    /// Whether it takes longer than all others together, and is measured only where it is named.
    pub fn is_slow(self) -> bool {
        self.is_fitted() && self != Self::Mstl
    }

    /// The word of the annotation `floorcast.io/model` and of metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Profile => "profile",
            Self::Weeks => "weeks",
            Self::LastWeek => "last-week",
            Self::Days => "days",
            Self::Smooth => "smooth",
            Self::Slots => "slots",
            Self::Harmonics => "harmonics",
            Self::Recent => "recent",
            Self::Persistence => "persistence",
            Self::Mstl => "mstl",
            Self::MstlEts => "mstl-ets",
            #[cfg(feature = "prophet")]
            Self::Prophet => "prophet",
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that no model has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no model {:?}; known are {}", .0, Choice::ALL.map(Choice::as_str).join(", "))]
pub struct UnknownModel(pub String);

impl UnknownModel {
    /// What to build where the model exists and is only not part of this build.
    pub fn left_out(&self) -> Option<&'static str> {
        (self.0 == "prophet").then_some("prophet is part of builds with `--features prophet` only")
    }
}

impl FromStr for Choice {
    type Err = UnknownModel;

    fn from_str(name: &str) -> Result<Self, UnknownModel> {
        Self::ALL.into_iter().find(|c| c.as_str() == name).ok_or_else(|| UnknownModel(name.to_owned()))
    }
}
