//! Why a floor is what it is: a closed set with numbers, a word for metrics and a sentence for people.

mod limit;

use crate::units::Replicas;
use chrono::{DateTime, SecondsFormat, Utc};
pub use limit::Limit;
use std::{fmt, sync::Arc};

/// One reason of a decision. Closed: the words become metric labels.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// Mode `off`.
    OptedOut,
    /// Mode `shadow`: nothing is written.
    ShadowMode,
    /// The plan needs more than is held: raised at once and whole.
    Raised {
        /// Floor (or base) before.
        from: Replicas,
        /// Floor now.
        to: Replicas,
        /// When the load arrives.
        deadline: DateTime<Utc>,
    },
    /// The floor stays.
    Held {
        /// The floor.
        floor: Replicas,
        /// What the plan needs now.
        need: Replicas,
    },
    /// The plan needs less, but the hold after the last need is not over.
    Stabilising {
        /// The floor.
        floor: Replicas,
        /// What the plan needs now.
        need: Replicas,
        /// When the floor may come down.
        from: DateTime<Utc>,
    },
    /// The floor comes down by the ramp.
    Lowered {
        /// Floor before.
        from: Replicas,
        /// Floor now.
        to: Replicas,
        /// Where the ramp ends.
        goal: Replicas,
    },
    /// The floor does not bind: no ramp needed.
    NotBinding {
        /// The floor.
        floor: Replicas,
        /// Current replicas.
        current: Replicas,
    },
    /// Nothing to hold: the plan needs no more than the base.
    NeedWithinBase {
        /// The need.
        need: Replicas,
        /// The base.
        base: Replicas,
    },
    /// A limit holds the floor below the need.
    Limited {
        /// Which.
        by: Limit,
        /// What was wanted.
        want: Replicas,
        /// What is allowed.
        allowed: Replicas,
    },
    /// A known event takes place, or begins within the lead time: the forecast is multiplied.
    KnownEvent {
        /// By what.
        factor: f64,
        /// When it begins.
        from: DateTime<Utc>,
        /// When it ends.
        to: DateTime<Utc>,
        /// The event as its author wrote it.
        event: Arc<str>,
    },
    /// A window of the schedule is open, or opens within the lead time.
    Scheduled {
        /// Replicas it needs.
        replicas: Replicas,
        /// When it opens.
        from: DateTime<Utc>,
        /// When it closes.
        to: DateTime<Utc>,
        /// The window as its author wrote it.
        window: Arc<str>,
    },
    /// The plan exceeds a limit later on: "capped at 18:00".
    CappedAhead {
        /// When it begins.
        at: DateTime<Utc>,
        /// Most replicas needed then.
        need: Replicas,
        /// What is allowed.
        limit: Replicas,
        /// Whole minutes from now.
        minutes: i64,
    },
    /// No forecast, no action.
    NoForecast,
    /// The newest sample is too old.
    StaleSamples {
        /// Its age in seconds; `None`: there is none.
        age_seconds: Option<i64>,
        /// The limit in seconds.
        limit_seconds: i64,
    },
    /// The forecast is not trusted.
    Distrusted {
        /// Why.
        why: String,
    },
    /// Load over target per replica does not give the HPA's own desired replicas.
    DerivationMismatch,
    /// Load over target per replica was not compared with the HPA yet.
    DerivationUnchecked,
    /// Nothing to compare the derivation with.
    DerivationUnproven,
    /// The most ever needed is not known, so neither is the runaway limit.
    RunawayUnknown,
    /// Past `until`, and nothing speaks for the floor any more.
    Expired {
        /// The recorded `until`.
        until: DateTime<Utc>,
    },
    /// The target is at 0.
    TargetAtZero,
    /// `minReplicas` equals `maxReplicas`.
    MinEqualsMax {
        /// Both.
        replicas: Replicas,
    },
    /// Handed back; nothing is acquired before this time.
    ReleasedUntil {
        /// The time.
        until: DateTime<Utc>,
    },
    /// Somebody set a value below our floor.
    OverriddenByUser {
        /// Their value, now the base.
        value: Replicas,
        /// Our floor.
        floor: Replicas,
        /// Respected until then.
        until: DateTime<Utc>,
    },
    /// Somebody set a value above our floor: it is the new base.
    BaseRaised {
        /// Their value.
        value: Replicas,
        /// Our floor.
        floor: Replicas,
    },
    /// The annotation `floorcast.io/min-replicas` differs from `spec.minReplicas`; it wins at the next floor.
    BaseAnnotationDiffers {
        /// The annotation.
        annotation: Replicas,
        /// `spec.minReplicas`.
        spec: Replicas,
    },
    /// Our field was set back to the base or to our previous floor.
    Reverted {
        /// The value found.
        value: Replicas,
        /// Our floor.
        floor: Replicas,
        /// How many times in a row.
        times: u32,
    },
    /// Reverted too often: backing off.
    Contended {
        /// Next attempt.
        until: DateTime<Utc>,
        /// Field managers that own the field, or that the conflict named.
        owners: String,
    },
    /// An applier copied our floor: not anybody's opinion, the base stays what it was.
    CopiedFloor {
        /// The value found.
        value: Replicas,
        /// The true base.
        base: Replicas,
    },
    /// Another installation holds the floor.
    ForeignHolder {
        /// Namespace of its lease.
        namespace: String,
        /// Its `until`.
        until: DateTime<Utc>,
    },
    /// The floor was written in a later epoch of our own lease: we are not the leader any more.
    NewerEpoch {
        /// The epoch found.
        found: u64,
        /// Ours.
        ours: u64,
    },
    /// The annotations are of a newer format.
    NewerFormat {
        /// The version found.
        version: String,
    },
    /// The annotations are damaged.
    DamagedAnnotations {
        /// What is wrong.
        why: String,
        /// The base that could be read.
        base: Option<Replicas>,
    },
    /// Kill switch `freeze`.
    Frozen,
    /// Drain asked for.
    DrainAsked,
    /// Release asked for.
    ReleaseAsked,
    /// Pods of a raised floor do not come up.
    CapacityUnavailable {
        /// The floor.
        floor: Replicas,
        /// Replicas there.
        there: Replicas,
        /// For how many minutes.
        minutes: i64,
    },
    /// The API server refused the last write.
    WriteRefused {
        /// Next attempt.
        until: DateTime<Utc>,
        /// What it said.
        why: String,
    },
    /// The last write is not yet visible in what we observe.
    AwaitingOwnWrite,
}

impl Reason {
    /// Every word, for metrics and documentation that show all of them.
    pub const WORDS: [&'static str; 39] = [
        "OptedOut",
        "ShadowMode",
        "Raised",
        "Held",
        "Stabilising",
        "Lowered",
        "NotBinding",
        "NeedWithinBase",
        "Limited",
        "KnownEvent",
        "Scheduled",
        "CappedAhead",
        "NoForecast",
        "StaleSamples",
        "Distrusted",
        "DerivationMismatch",
        "DerivationUnchecked",
        "DerivationUnproven",
        "RunawayUnknown",
        "Expired",
        "Paused",
        "Pinned",
        "ReleasedUntil",
        "OverriddenByUser",
        "BaseRaised",
        "BaseAnnotationDiffers",
        "Reverted",
        "Contended",
        "CopiedFloor",
        "ForeignHolder",
        "NewerEpoch",
        "NewerFormat",
        "DamagedAnnotations",
        "Frozen",
        "DrainAsked",
        "ReleaseAsked",
        "CapacityUnavailable",
        "WriteRefused",
        "AwaitingOwnWrite",
    ];

    /// The word of metric labels and of `floorcast.io/reason`.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::OptedOut => "OptedOut",
            Self::ShadowMode => "ShadowMode",
            Self::Raised { .. } => "Raised",
            Self::Held { .. } => "Held",
            Self::Stabilising { .. } => "Stabilising",
            Self::Lowered { .. } => "Lowered",
            Self::NotBinding { .. } => "NotBinding",
            Self::NeedWithinBase { .. } => "NeedWithinBase",
            Self::Limited { .. } => "Limited",
            Self::KnownEvent { .. } => "KnownEvent",
            Self::Scheduled { .. } => "Scheduled",
            Self::CappedAhead { .. } => "CappedAhead",
            Self::NoForecast => "NoForecast",
            Self::StaleSamples { .. } => "StaleSamples",
            Self::Distrusted { .. } => "Distrusted",
            Self::DerivationMismatch => "DerivationMismatch",
            Self::DerivationUnchecked => "DerivationUnchecked",
            Self::DerivationUnproven => "DerivationUnproven",
            Self::RunawayUnknown => "RunawayUnknown",
            Self::Expired { .. } => "Expired",
            Self::TargetAtZero => "Paused",
            Self::MinEqualsMax { .. } => "Pinned",
            Self::ReleasedUntil { .. } => "ReleasedUntil",
            Self::OverriddenByUser { .. } => "OverriddenByUser",
            Self::BaseRaised { .. } => "BaseRaised",
            Self::BaseAnnotationDiffers { .. } => "BaseAnnotationDiffers",
            Self::Reverted { .. } => "Reverted",
            Self::Contended { .. } => "Contended",
            Self::CopiedFloor { .. } => "CopiedFloor",
            Self::ForeignHolder { .. } => "ForeignHolder",
            Self::NewerEpoch { .. } => "NewerEpoch",
            Self::NewerFormat { .. } => "NewerFormat",
            Self::DamagedAnnotations { .. } => "DamagedAnnotations",
            Self::Frozen => "Frozen",
            Self::DrainAsked => "DrainAsked",
            Self::ReleaseAsked => "ReleaseAsked",
            Self::CapacityUnavailable { .. } => "CapacityUnavailable",
            Self::WriteRefused { .. } => "WriteRefused",
            Self::AwaitingOwnWrite => "AwaitingOwnWrite",
        }
    }

    /// The limit at work, for `workload_limited_by{limit}`.
    pub const fn limit(&self) -> Option<Limit> {
        match self {
            Self::Limited { by, .. } => Some(*by),
            Self::CapacityUnavailable { .. } => Some(Limit::Capacity),
            _ => None,
        }
    }
}

/// A time as people and `explain --at` read it.
fn stamp(t: DateTime<Utc>) -> String {
    t.to_rfc3339_opts(SecondsFormat::Secs, true)
}

impl fmt::Display for Reason {
    #[allow(clippy::too_many_lines)] // one line per reason of a closed set
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OptedOut => f.write_str("not opted in (floorcast.io/mode is off or absent)"),
            Self::ShadowMode => f.write_str("shadow mode: told, not written; set floorcast.io/mode: live to write floors"),
            Self::Raised { from, to, deadline } => write!(f, "raised from {from} to {to}: the load arrives at {}", stamp(*deadline)),
            Self::Held { floor, need } => write!(f, "held at {floor}: the plan needs {need}"),
            Self::Stabilising { floor, need, from } => {
                write!(f, "held at {floor} although the plan needs {need}: it may come down from {}", stamp(*from))
            }
            Self::Lowered { from, to, goal } => write!(f, "lowered from {from} to {to} by the ramp, towards {goal}"),
            Self::NotBinding { floor, current } => {
                write!(f, "the floor of {floor} does not bind (the HPA itself wants its {current} replicas): no ramp needed")
            }
            Self::NeedWithinBase { need, base } => write!(f, "the plan needs {need}, the base is {base}: nothing to hold"),
            Self::Limited { by, want, allowed } => write!(f, "{want} wanted, {allowed} allowed by {}", by.explanation()),
            Self::CappedAhead { at, need, limit, minutes } => {
                write!(f, "capped at {} (in {minutes} min): {need} replicas needed, {limit} allowed; raise maxReplicas or the cap before then", stamp(*at))
            }
            Self::KnownEvent { factor, from, to, event } => {
                write!(f, "{factor} times the usual load is expected from {} to {} ({event})", stamp(*from), stamp(*to))
            }
            Self::Scheduled { replicas, from, to, window } => {
                write!(f, "{replicas} replicas scheduled from {} to {} ({window})", stamp(*from), stamp(*to))
            }
            Self::NoForecast => f.write_str("no forecast: floors come from the schedule alone, where there is one"),
            Self::StaleSamples { age_seconds: Some(age), limit_seconds } => {
                write!(f, "the newest sample is {age} s old, more than {limit_seconds} s: no raise until samples arrive again")
            }
            Self::StaleSamples { age_seconds: None, .. } => f.write_str("no sample of the load was ever read: no raise; `floorcast doctor` checks the query"),
            Self::Distrusted { why } => write!(f, "the forecast is not trusted: {why}"),
            Self::DerivationMismatch => {
                f.write_str("load over target per replica does not give the HPA's own desired replicas: no floor; `floorcast explain` shows the worst hours")
            }
            Self::DerivationUnchecked => f.write_str("load and target per replica were not yet compared with the HPA's desired replicas: no raise until then"),
            Self::DerivationUnproven => {
                f.write_str("load and target per replica could not be compared with the HPA's desired replicas: install kube-state-metrics to prove them")
            }
            Self::RunawayUnknown => f.write_str("the most replicas ever needed are not known, so neither is the runaway limit: no raise"),
            Self::Expired { until } => write!(f, "past its until of {}: drained", stamp(*until)),
            Self::TargetAtZero => f.write_str("the target is at 0 replicas: a floor would not wake it"),
            Self::MinEqualsMax { replicas } => write!(f, "minReplicas and maxReplicas are both {replicas}: raise maxReplicas to give floors room"),
            Self::ReleasedUntil { until } => write!(f, "handed back: no floor before {}", stamp(*until)),
            Self::OverriddenByUser { value, floor, until } => {
                write!(f, "minReplicas was set to {value} while we held {floor}: respected until {}", stamp(*until))
            }
            Self::BaseRaised { value, floor } => write!(f, "minReplicas was set to {value} while we held {floor}: {value} is the new base"),
            Self::BaseAnnotationDiffers { annotation, spec } => {
                write!(f, "floorcast.io/min-replicas says {annotation}, spec.minReplicas is {spec}: the annotation wins at the next floor")
            }
            Self::Reverted { value, floor, times } => {
                write!(f, "our {floor} was set back to {value} ({times} in a row): if a GitOps tool did it, let it ignore /spec/minReplicas")
            }
            Self::Contended { until, owners } => write!(
                f,
                "somebody ({owners}) sets minReplicas back again and again: next attempt at {}; let them ignore /spec/minReplicas and set floorcast.io/min-replicas",
                stamp(*until)
            ),
            Self::CopiedFloor { value, base } => write!(f, "minReplicas is {value}, a copy of our own floor: the base stays {base}"),
            Self::ForeignHolder { namespace, until } => {
                write!(f, "another floorcast (lease in namespace {namespace}) holds this HPA until {}: run only one, or divide the namespaces", stamp(*until))
            }
            Self::NewerEpoch { found, ours } => write!(f, "written in epoch {found}, ours is {ours}: another replica leads now"),
            Self::NewerFormat { version } => write!(f, "annotations of format {version} are newer than this floorcast: left alone; upgrade it"),
            Self::DamagedAnnotations { why, base: Some(base) } => write!(f, "our annotations are damaged ({why}): handing back the base of {base}"),
            Self::DamagedAnnotations { why, base: None } => {
                write!(f, "our annotations are damaged ({why}) and the base cannot be read: set floorcast.io/min-replicas to the floor you want back")
            }
            Self::Frozen => f.write_str("kill switch `freeze`: no writes"),
            Self::DrainAsked => f.write_str("drain asked for: to the base by the ramp"),
            Self::ReleaseAsked => f.write_str("release asked for: the base is given back at once"),
            Self::CapacityUnavailable { floor, there, minutes } => {
                write!(f, "only {there} of {floor} replicas are ready for {minutes} min: no further raise; look for Pending pods, quota and node capacity")
            }
            Self::WriteRefused { until, why } => write!(f, "the API server refused the write ({why}): next attempt at {}", stamp(*until)),
            Self::AwaitingOwnWrite => f.write_str("our last write is not yet visible in the watch: waiting for it"),
        }
    }
}

#[cfg(test)]
mod tests;
