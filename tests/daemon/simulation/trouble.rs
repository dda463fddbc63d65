//! Everything that can befall a seed.

use chrono::{DateTime, TimeDelta, Utc};

/// One kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    PrometheusDown,
    PrometheusSilent,
    PrometheusSlow,
    Prometheus503,
    Prometheus429,
    PrometheusPartial,
    PrometheusHalved,
    PrometheusTwoSeries,
    PrometheusEmpty,
    PrometheusNan,
    PrometheusHtml,
    PrometheusTruncated,
    Api429,
    Api500,
    Api503,
    ApiSilence,
    ApiLost,
    ApiCut,
    ApiConflict,
    WatchesClosed,
    WatchesStale,
    Compacted,
    LeaderKilled,
    BothKilled,
    LeaseRecreated,
    ControllerRestarted,
    MinRaised,
    MinLowered,
    MaxLowered,
    Recreated,
    OptedOut,
    Shadowed,
    BadAnnotation,
    Frozen,
    Drained,
    Released,
    Reverted,
    Copied,
}

impl Kind {
    pub(crate) const ALL: [Self; 38] = [
        Self::PrometheusDown,
        Self::PrometheusSilent,
        Self::PrometheusSlow,
        Self::Prometheus503,
        Self::Prometheus429,
        Self::PrometheusPartial,
        Self::PrometheusHalved,
        Self::PrometheusTwoSeries,
        Self::PrometheusEmpty,
        Self::PrometheusNan,
        Self::PrometheusHtml,
        Self::PrometheusTruncated,
        Self::Api429,
        Self::Api500,
        Self::Api503,
        Self::ApiSilence,
        Self::ApiLost,
        Self::ApiCut,
        Self::ApiConflict,
        Self::WatchesClosed,
        Self::WatchesStale,
        Self::Compacted,
        Self::LeaderKilled,
        Self::BothKilled,
        Self::LeaseRecreated,
        Self::ControllerRestarted,
        Self::MinRaised,
        Self::MinLowered,
        Self::MaxLowered,
        Self::Recreated,
        Self::OptedOut,
        Self::Shadowed,
        Self::BadAnnotation,
        Self::Frozen,
        Self::Drained,
        Self::Released,
        Self::Reverted,
        Self::Copied,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::PrometheusDown => "prometheus-down",
            Self::PrometheusSilent => "prometheus-silent",
            Self::PrometheusSlow => "prometheus-slow",
            Self::Prometheus503 => "prometheus-503",
            Self::Prometheus429 => "prometheus-429",
            Self::PrometheusPartial => "prometheus-partial",
            Self::PrometheusHalved => "prometheus-halved",
            Self::PrometheusTwoSeries => "prometheus-two-series",
            Self::PrometheusEmpty => "prometheus-empty",
            Self::PrometheusNan => "prometheus-nan",
            Self::PrometheusHtml => "prometheus-html",
            Self::PrometheusTruncated => "prometheus-truncated",
            Self::Api429 => "api-429",
            Self::Api500 => "api-500",
            Self::Api503 => "api-503",
            Self::ApiSilence => "api-silence",
            Self::ApiLost => "api-lost-answers",
            Self::ApiCut => "api-cut-connections",
            Self::ApiConflict => "api-conflicts",
            Self::WatchesClosed => "watches-closed",
            Self::WatchesStale => "watches-stale",
            Self::Compacted => "watches-410",
            Self::LeaderKilled => "leader-killed",
            Self::BothKilled => "both-killed",
            Self::LeaseRecreated => "lease-recreated",
            Self::ControllerRestarted => "hpa-controller-restarted",
            Self::MinRaised => "user-raises-min",
            Self::MinLowered => "user-lowers-min",
            Self::MaxLowered => "user-lowers-max",
            Self::Recreated => "user-recreates-hpa",
            Self::OptedOut => "user-opts-out-and-in",
            Self::Shadowed => "user-shadow-and-live",
            Self::BadAnnotation => "user-bad-annotation",
            Self::Frozen => "kill-switch-freeze",
            Self::Drained => "kill-switch-drain",
            Self::Released => "kill-switch-release",
            Self::Reverted => "reverting-applier",
            Self::Copied => "copying-applier",
        }
    }

    /// How long it lasts, in minutes: at least and at most. 0: one moment.
    pub(crate) const fn minutes(self) -> (i64, i64) {
        match self {
            Self::PrometheusDown | Self::PrometheusEmpty | Self::PrometheusNan => (20, 480),
            Self::PrometheusSilent
            | Self::PrometheusSlow
            | Self::Prometheus503
            | Self::Prometheus429
            | Self::PrometheusPartial
            | Self::PrometheusHalved
            | Self::PrometheusTwoSeries
            | Self::PrometheusHtml
            | Self::PrometheusTruncated => (20, 240),
            Self::Api429
            | Self::Api500
            | Self::Api503
            | Self::ApiSilence
            | Self::ApiLost
            | Self::ApiCut
            | Self::ApiConflict => (2, 60),
            Self::WatchesClosed | Self::Compacted | Self::WatchesStale => (1, 30),
            Self::LeaderKilled => (1, 20),
            Self::BothKilled => (60, 420),
            Self::LeaseRecreated => (0, 10),
            Self::OptedOut | Self::Shadowed | Self::BadAnnotation => (10, 180),
            Self::Frozen | Self::Drained | Self::Released => (10, 120),
            Self::Reverted | Self::Copied => (30, 180),
            Self::ControllerRestarted | Self::MinRaised | Self::MinLowered | Self::MaxLowered | Self::Recreated => {
                (0, 0)
            }
        }
    }

    /// Whether the API server's answers or watches are not to be relied on meanwhile.
    pub(crate) const fn is_api(self) -> bool {
        matches!(
            self,
            Self::Api429
                | Self::Api500
                | Self::Api503
                | Self::ApiSilence
                | Self::ApiLost
                | Self::ApiCut
                | Self::ApiConflict
                | Self::WatchesClosed
                | Self::WatchesStale
                | Self::Compacted
        )
    }

    /// Whether no sample can reach the daemon meanwhile.
    pub(crate) const fn blinds(self) -> bool {
        matches!(
            self,
            Self::PrometheusDown
                | Self::PrometheusSilent
                | Self::Prometheus503
                | Self::Prometheus429
                | Self::PrometheusPartial
                | Self::PrometheusTwoSeries
                | Self::PrometheusEmpty
                | Self::PrometheusNan
                | Self::PrometheusHtml
                | Self::PrometheusTruncated
        )
    }
}

/// One trouble of one seed.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    pub(crate) kind: Kind,
    pub(crate) from: DateTime<Utc>,
    pub(crate) until: DateTime<Utc>,
    /// Number of the workload it is about, where it is about one.
    pub(crate) workload: usize,
    /// A drawn number, 0 to 1: how hard it hits.
    pub(crate) share: f64,
}

impl Trouble {
    pub(crate) fn is_on(&self, now: DateTime<Utc>) -> bool {
        self.from <= now && now < self.until
    }

    /// Whether it was on at some moment of the last `while_`, `now` included.
    pub(crate) fn was_on(&self, now: DateTime<Utc>, while_: TimeDelta) -> bool {
        self.from <= now && now < self.until.max(self.from + TimeDelta::seconds(1)) + while_
    }
}
