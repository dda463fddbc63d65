//! The keys under `floorcast.io/`, and the nearest one for a misspelt key.

use super::{On, Warning};
use crate::config::nearest;
use std::collections::BTreeMap;

/// What all our keys begin with.
pub const PREFIX: &str = "floorcast.io/";

/// Keys that floorcast writes itself; they are never the user's mistake.
const WRITTEN: [&str; 10] =
    ["base", "floor", "floor-before", "until", "holder", "epoch", "reason", "v", "released-until", "managed"];

/// A key that users set: what may be said, and what counts where nothing is; docs/annotations.md is made of these words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// `shadow` (forecast and tell, change nothing) · `live` (write floors) · `off`
    ///
    /// not opted in, unless a rule of the configuration says so
    Mode,
    /// a load template of the configuration, `requests(service=web)`, or `auto`
    ///
    /// `auto`: derived from the HPA's own metrics
    Load,
    /// PromQL for one series, the **total** load; only where the administrator allows it
    ///
    /// –
    Query,
    /// load that one replica should carry, in the load's unit
    ///
    /// derived from the HPA
    TargetPerReplica,
    /// `auto` or a duration, `1m` to `2h`
    ///
    /// `auto`: measured from pod start-up and past raises; for a CPU load, which a rate shows late, its range and half of it are added
    /// (at most 5 min)
    LeadTime,
    /// `0.5` to `0.999` of the window maximum to be covered
    ///
    /// `0.95`
    Quantile,
    /// the base you want
    ///
    /// `spec.minReplicas` as found
    MinReplicas,
    /// highest floor allowed
    ///
    /// `maxReplicas` less the headroom
    MaxFloor,
    /// windows with absolute floors (see *Schedules*), or `none`
    ///
    /// the configuration's `schedules`
    Schedule,
    /// countries (ISO 3166, national public holidays) and days, `DE, 2026-12-24`, or `none`
    ///
    /// the configuration's `holidays`
    Holidays,
    /// IANA name
    ///
    /// the configuration's
    Timezone,
    /// a model's name, or `auto`
    ///
    /// `auto`
    Model,
}

impl Key {
    /// Every key, in the order of the documentation.
    pub const ALL: [Self; 12] = [
        Self::Mode,
        Self::Load,
        Self::Query,
        Self::TargetPerReplica,
        Self::LeadTime,
        Self::Quantile,
        Self::MinReplicas,
        Self::MaxFloor,
        Self::Schedule,
        Self::Holidays,
        Self::Timezone,
        Self::Model,
    ];

    /// The key without the prefix.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mode => "mode",
            Self::Load => "load",
            Self::Query => "query",
            Self::TargetPerReplica => "target-per-replica",
            Self::LeadTime => "lead-time",
            Self::Quantile => "quantile",
            Self::MinReplicas => "min-replicas",
            Self::MaxFloor => "max-floor",
            Self::Schedule => "schedule",
            Self::Holidays => "holidays",
            Self::Timezone => "timezone",
            Self::Model => "model",
        }
    }

    /// A value that is right.
    pub const fn example(self) -> &'static str {
        match self {
            Self::Mode => "shadow",
            Self::Load => "requests(service=web)",
            Self::Query => "sum(rate(http_requests_total{service=\"web\"}[5m]))",
            Self::TargetPerReplica => "50",
            Self::LeadTime => "5m",
            Self::Quantile => "0.95",
            Self::MinReplicas => "3",
            Self::MaxFloor => "40",
            Self::Schedule => "0 18 * * 5, 3h, 12",
            Self::Holidays => "DE, 2026-12-24",
            Self::Timezone => "Europe/Berlin",
            Self::Model => "auto",
        }
    }

    /// The whole key of the annotation.
    pub fn annotation(self) -> String {
        format!("{PREFIX}{}", self.as_str())
    }
}

/// A warning for every key under our prefix that nobody knows.
pub(super) fn unknown(annotations: &BTreeMap<String, String>, on: On) -> Vec<Warning> {
    annotations
        .keys()
        .filter_map(|key| key.strip_prefix(PREFIX))
        .filter(|key| !WRITTEN.contains(key) && Key::ALL.iter().all(|known| known.as_str() != *key))
        .map(|key| Warning::UnknownKey {
            on,
            key: super::text::shown(key),
            nearest: nearest(key, Key::ALL.map(Key::as_str), 2),
        })
        .collect()
}
