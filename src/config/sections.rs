//! The sections of the configuration that steer work, each with defaults that are safe as they are.

use super::{Count, Number, Period, Quantile, zone::Zone};
use floorcast_models::forecast::Choice;
use floorcast_models::policy::{LeadTime, Ramp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{borrow::Cow, collections::BTreeMap, fmt};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
const WEEK: i64 = 7 * DAY;

/// What holds for a workload whose annotations say nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Defaults {
    /// Share of lead windows whose maximum the floor must cover.
    pub quantile: Quantile,
    /// How far ahead to ask: `auto` (measured) or a duration from 1m to 2h.
    pub lead_time: Lead,
    /// The seasons' wall clock.
    pub timezone: Zone,
    /// Name of the forecasting model, or `auto`.
    pub model: String,
    /// Distance of two samples of history; must divide a day.
    pub step: Period<1_000, HOUR>,
    /// How much history to learn from.
    pub history: Period<HOUR, { 12 * WEEK }>,
}

impl Defaults {
    /// The forecasting model; its name was checked when the file was read.
    pub fn choice(&self) -> Choice {
        self.model.parse().unwrap_or_default()
    }
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            quantile: Quantile::thousandths(950),
            lead_time: Lead(LeadTime::Auto),
            timezone: Zone(chrono_tz::Tz::UTC),
            model: "auto".to_owned(),
            step: Period::seconds(300),
            history: Period::millis(4 * WEEK),
        }
    }
}

/// `auto` or a duration from 1m to 2h.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lead(pub LeadTime);

/// The longest and shortest lead time a person may ask for.
pub type LeadPeriod = Period<60_000, { 2 * HOUR }>;

impl std::str::FromStr for Lead {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self(LeadTime::Auto));
        }
        text.parse::<LeadPeriod>().map(|p| Self(LeadTime::Fixed(p.get())))
    }
}

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            LeadTime::Auto => f.write_str("auto"),
            LeadTime::Fixed(span) => f.write_str(&super::period::written(span)),
        }
    }
}

impl fmt::Debug for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Lead {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Lead {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for Lead {
    fn schema_name() -> Cow<'static, str> {
        "Lead".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "auto, or a duration from 1m to 2h" })
    }
}

/// How many replicas all floors together may add; they limit raises only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Budgets {
    /// Replicas above base for one workload.
    pub workload: Count<0, 100_000>,
    /// Replicas above base for all workloads of one namespace.
    pub namespace: Count<0, 100_000>,
    /// The same for single namespaces, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub namespaces: BTreeMap<String, Count<0, 100_000>>,
    /// Replicas above base for the whole cluster.
    pub cluster: Count<0, 1_000_000>,
    /// Pods per minute that all raises together may ask for.
    pub new_pods_per_minute: Count<1, 100_000>,
}

impl Default for Budgets {
    fn default() -> Self {
        Self {
            workload: Count::of(100),
            namespace: Count::of(300),
            namespaces: BTreeMap::new(),
            cluster: Count::of(1_000),
            new_pods_per_minute: Count::of(200),
        }
    }
}

/// The guard rails between a forecast and a floor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Guard {
    /// No floor above this multiple of the most ever needed in the training window.
    pub runaway_factor: Number<1_000, 10_000>,
    /// Highest floor of any workload; absent: only maxReplicas less the headroom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_floor: Option<Count<1, 1_000_000>>,
    /// Share of maxReplicas, at least one replica, that floors leave to the HPA.
    pub headroom: Number<0, 900>,
    /// Largest fall of a floor per minute, as a share of it.
    pub ramp_per_minute: Number<1, 1_000>,
    /// Shortest time between two lowering writes.
    pub ramp_step: Period<1_000, HOUR>,
    /// A person's edit below our floor is respected for this long.
    pub respect: Period<1_000, DAY>,
    /// Farthest `until` ahead.
    pub longest_hold: Period<10_000, DAY>,
    /// Writes per HPA and hour; handing back is never limited.
    pub writes_per_hour: Count<2, 240>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            runaway_factor: Number::thousandths(1_500),
            max_floor: None,
            headroom: Number::thousandths(100),
            ramp_per_minute: Number::thousandths(100),
            ramp_step: Period::seconds(300),
            respect: Period::millis(HOUR),
            longest_hold: Period::millis(6 * HOUR),
            writes_per_hour: Count::of(12),
        }
    }
}

impl Guard {
    /// The ramp as the core wants it.
    pub fn ramp(&self) -> Ramp {
        Ramp { per_minute: self.ramp_per_minute.get(), step: self.ramp_step.get() }
    }
}

/// How often things happen. Lower bounds are stated so that tests may shorten them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Timing {
    /// From one decision to the next.
    pub tick: Period<200, { 5 * 60_000 }>,
    /// From one learning to the next, per workload.
    pub learn: Period<10_000, WEEK>,
    /// Share of `learn` by which workloads are spread at random.
    pub learn_jitter: Number<0, 500>,
    /// How long the Lease is good after its last renewal.
    pub lease_duration: Period<1_000, { 5 * 60_000 }>,
    /// Without a renewal for this long the leader stops; shorter than the duration.
    pub lease_renew_deadline: Period<500, { 5 * 60_000 }>,
    /// From one try at the Lease to the next; shorter than the deadline.
    pub lease_retry: Period<100, 60_000>,
    /// Longest time one write to the API server may take.
    pub write_timeout: Period<100, 60_000>,
    /// Longest time one query may take.
    pub query_timeout: Period<100, { 5 * 60_000 }>,
    /// From one look at the configuration file to the next.
    pub reload: Period<100, HOUR>,
    /// From one check of our permissions to the next.
    pub permissions: Period<1_000, DAY>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            tick: Period::seconds(15),
            learn: Period::millis(DAY),
            learn_jitter: Number::thousandths(100),
            lease_duration: Period::seconds(15),
            lease_renew_deadline: Period::seconds(10),
            lease_retry: Period::seconds(2),
            write_timeout: Period::seconds(5),
            query_timeout: Period::seconds(30),
            reload: Period::seconds(10),
            permissions: Period::seconds(600),
        }
    }
}

/// The HPA controller's flags, which cannot be read from the cluster; its defaults are ours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct HpaController {
    /// `--horizontal-pod-autoscaler-tolerance`.
    pub tolerance: Number<0, 1_000>,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    pub downscale_stabilisation: Period<0, HOUR>,
    /// `--horizontal-pod-autoscaler-sync-period`.
    pub sync_period: Period<1_000, HOUR>,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    pub cpu_initialization_period: Period<0, HOUR>,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    pub initial_readiness_delay: Period<0, HOUR>,
}

impl Default for HpaController {
    fn default() -> Self {
        Self {
            tolerance: Number::thousandths(100),
            downscale_stabilisation: Period::seconds(300),
            sync_period: Period::seconds(15),
            cpu_initialization_period: Period::seconds(300),
            initial_readiness_delay: Period::seconds(30),
        }
    }
}
