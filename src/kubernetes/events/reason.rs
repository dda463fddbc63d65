//! The closed list of reasons.

/// Is it an event of the ordinary course, or should somebody look?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The ordinary course.
    Normal,
    /// Somebody should look.
    Warning,
}

impl Severity {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "Normal",
            Self::Warning => "Warning",
        }
    }
}

/// What is lost if nobody hears of it. A heavier event never waits for a lighter one, and a share of the pace is its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// The ordinary course: metrics and the next event tell it as well.
    Course,
    /// Trouble: the workload's notes and state say it too.
    Trouble,
    /// Somebody else's tool or object needs a hand, and the cause is seen only now: told late rather than never.
    Must,
}

/// Declares the reasons once: the enum, its words, and what the documentation says of each.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $name:ident $severity:ident;)+) => {
        /// Why an event was sent.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventReason {
            $($(#[doc = $doc])+ $name,)+
        }

        impl EventReason {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// CamelCase, as the API shows it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// Normal or Warning.
            pub const fn severity(self) -> Severity {
                match self {
                    $(Self::$name => Severity::$severity,)+
                }
            }

            /// How much is lost with it.
            pub(super) const fn weight(self) -> Weight {
                match (self, self.severity()) {
                    (Self::Contended | Self::LeftoverOwnership | Self::DamagedMarks, _) => Weight::Must,
                    (_, Severity::Warning) => Weight::Trouble,
                    (_, Severity::Normal) => Weight::Course,
                }
            }

            /// One sentence for the documentation's table.
            pub fn meaning(self) -> String {
                match self {
                    $(Self::$name => [$($doc),+].concat().trim().to_owned(),)+
                }
            }
        }
    };
}

reasons! {
    /// The workload is opted in and its floor is being forecast.
    Activated Normal;
    /// The workload is no longer opted in.
    Deactivated Normal;
    /// The floor was raised ahead of the load.
    FloorRaised Normal;
    /// The floor was lowered along the ramp.
    FloorLowered Normal;
    /// The floor had to be lowered because `maxReplicas` is lower now.
    FloorClamped Warning;
    /// The user's own floor was given back.
    Released Normal;
    /// In shadow mode: the floor that would have been written.
    WouldRaise Normal;
    /// Somebody set another floor; it is respected for a while.
    OverriddenByUser Normal;
    /// The user's own floor changed while ours was held; the new one will be given back.
    BaseChanged Normal;
    /// Another writer keeps reverting our floor; we back off.
    Contended Warning;
    /// Another installation of floorcast holds this object.
    ForeignHolder Warning;
    /// The object carries marks of a newer floorcast and is left alone.
    NewerFormat Warning;
    /// Our marks on the object are damaged; only what can be read is used.
    DamagedMarks Warning;
    /// The base was given back, but our ownership of the field remains; `--force-conflicts` may be needed once.
    LeftoverOwnership Warning;
    /// An annotation under `floorcast.io/` is not known.
    UnknownAnnotation Warning;
    /// An annotation's value cannot be used.
    InvalidAnnotation Warning;
    /// The same key stands on the HPA and on its target with different values.
    DuplicateOptIn Warning;
    /// The load depends on the replicas that carry it, so floors would feed on themselves.
    MetricDependsOnReplicas Warning;
    /// The target stood at `maxReplicas` above its target per replica: demand was higher than measured.
    DemandCensored Warning;
    /// `floorcast.io/min-replicas` and `spec.minReplicas` differ; the annotation wins at the next floor.
    BaseDiffers Warning;
    /// No floor can be written for this workload.
    Refused Warning;
    /// The load cannot be derived from the HPA's metrics.
    Underivable Warning;
    /// The datasource does not answer.
    MetricsUnavailable Warning;
    /// The datasource answers again.
    MetricsRestored Normal;
    /// The datasource rejects the query.
    QueryRejected Warning;
    /// The datasource rejects our credentials.
    DatasourceUnauthorized Warning;
    /// The query gives more than one series.
    AmbiguousSeries Warning;
    /// The query gives no series.
    EmptyResult Warning;
    /// The datasource answered with a part of the data only.
    PartialData Warning;
    /// The datasource's answer cannot be read.
    MalformedResponse Warning;
    /// The newest sample is too old to act on.
    StaleData Warning;
    /// The datasource's clock and ours differ.
    ClockSkew Warning;
    /// There is less history than wanted, or too little.
    HistoryShort Warning;
    /// The derived load does not explain the HPA's own replicas; shadow mode only.
    DerivationMismatch Warning;
    /// Nothing is there to check the derived load against.
    DerivationUnproven Warning;
    /// The forecast is no better than none; no floor.
    NoSkill Warning;
    /// The forecast can be trusted again.
    SkillRegained Normal;
    /// The model failed for this workload.
    ModelFailed Warning;
    /// The need is above what may be written: a cap of the user or the administrator, or the HPA's maximum.
    Capped Warning;
    /// The need is above the most ever needed by so much that it is not believed.
    RunawayLimited Warning;
    /// A budget of the namespace or the cluster limits the raise.
    BudgetExceeded Warning;
    /// Raised pods stay pending.
    CapacityUnavailable Warning;
    /// The minimum equals the maximum, or the target is at zero.
    Pinned Normal;
    /// The API server or an admission policy forbids the write.
    Forbidden Warning;
    /// An admission webhook changed or denied the write.
    WriteDenied Warning;
    /// The kill switch stops writes, or hands floors back.
    KillSwitch Warning;
    /// The configuration file is invalid; the last good one stays in use.
    ConfigInvalid Warning;
    /// The configuration was loaded.
    ConfigLoaded Normal;
    /// This process leads now.
    BecameLeader Normal;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn words_are_camel_case_unique_and_explained() {
        let words: BTreeSet<_> = EventReason::ALL.iter().map(|r| r.as_str()).collect();
        assert_eq!(words.len(), EventReason::ALL.len());
        for reason in EventReason::ALL {
            let word = reason.as_str();
            assert!(word.len() <= 128 && word.chars().all(char::is_alphanumeric), "{word}");
            assert!(word.starts_with(char::is_uppercase), "{word}");
            assert!(reason.meaning().ends_with('.'), "{word}: {}", reason.meaning());
        }
    }
}
