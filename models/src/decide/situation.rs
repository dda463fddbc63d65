//! Everything a decision may look at.

use crate::events::Occurrence;
use crate::plan::FloorPlan;
use crate::policy::{Directive, Policy};
use crate::schedule::{Ahead, Opening};
use crate::target::Target;
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// One workload at one tick.
#[derive(Clone, Debug)]
pub struct Situation<'a> {
    /// The tick's time.
    pub now: DateTime<Utc>,
    /// What the cluster says.
    pub target: &'a Target,
    /// What user and administrator want.
    pub policy: &'a Policy,
    /// What the forecasts need; `None` before anything was learned, or when nothing may be forecast.
    pub plan: Option<&'a FloorPlan>,
    /// The openings of the policy's schedule, at least as far ahead as anything is planned; empty where there is none.
    pub openings: &'a [Opening],
    /// What speaks for and against the plan.
    pub evidence: &'a Evidence,
    /// What kill switch or command ask.
    pub directive: Directive,
    /// How far ahead of the load pods must be asked for.
    pub lead: TimeDelta,
}

impl<'a> Situation<'a> {
    /// What lies ahead by schedule and, if it may `speak`, by forecast.
    pub(crate) fn ahead(&self, speak: bool) -> Ahead<'a> {
        Ahead { plan: self.plan.filter(|_| speak), openings: self.openings, lead: self.lead }
    }
}

/// What speaks for and against the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// End of the newest sample of the oldest of the target's loads.
    pub newest_sample: Option<DateTime<Utc>>,
    /// Distance of two samples.
    pub step: TimeDelta,
    /// Why the forecast is not trusted; `None` where it is.
    pub distrust: Option<String>,
    /// What the HPA would do by itself now, by our HPA arithmetic on the measured load; `None` where unknown.
    pub own_wish: Option<Replicas>,
    /// Most replicas ever needed in the training window, for the runaway limit. `None` allows no raise: an unknown limit is not "no limit".
    pub most_needed: Option<Replicas>,
    /// The known event with the largest factor that takes place now or within the lead time and the look-ahead of a raise.
    pub event: Option<Occurrence>,
    /// What the back-cast says of load and target per replica.
    pub derivation: Derivation,
}

/// Verdict of the back-cast (`crate::backcast`) as the decision needs it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Derivation {
    /// Not compared yet: no raise until it is.
    #[default]
    Unchecked,
    /// Nothing to compare with (no kube-state-metrics, too short): allowed, with a warning.
    Unproven,
    /// Load over target gives the HPA's own desired replicas.
    Proven,
    /// It does not: shadow only.
    Mismatch,
}

impl Derivation {
    /// The word in metric labels and `explain`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unchecked => "Unchecked",
            Self::Unproven => "Unproven",
            Self::Proven => "Proven",
            Self::Mismatch => "Mismatch",
        }
    }
}
