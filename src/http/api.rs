//! What `/api/v1` tells: plain values, published by the daemon, read by `status`, `plan` and `explain`.

mod counts;
mod points;
mod recent;
mod shared;
pub use counts::Counts;
pub use points::{ForecastPoint, Points};
pub use recent::Recent;
pub use shared::Shared;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, sync::Arc};

/// Version of the API's form, in every answer.
pub const VERSION: &str = "v1";

/// Everything the daemon publishes after a tick. Workloads are keyed by `namespace/hpa`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// The process.
    pub status: Status,
    /// Each workload that is opted in, or wanted to be.
    pub workloads: BTreeMap<String, Arc<Workload>>,
    /// What stands against being ready; empty: ready.
    pub unready: Vec<String>,
    /// The last tick's end by the wall clock; `None` before the first.
    pub last_tick: Option<DateTime<Utc>>,
}

/// The process and what it depends on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// Version of floorcast.
    pub version: String,
    /// Git revision it was built from, where known.
    pub revision: String,
    /// Identity of the process (pod name).
    pub identity: String,
    /// Whether this process writes.
    pub leader: bool,
    /// Identity of the leader, where known.
    pub leader_identity: Option<String>,
    /// Lease transitions.
    pub epoch: u64,
    /// When the process began.
    pub started: Option<DateTime<Utc>>,
    /// The last tick's end.
    pub last_tick: Option<DateTime<Utc>>,
    /// How long the last tick took.
    pub tick_seconds: Option<f64>,
    /// The kill switch over the cluster: `run`, `freeze`, `drain`, `release`.
    pub control: String,
    /// The kill switch of single namespaces, where it is not `run`.
    pub control_namespaces: BTreeMap<String, String>,
    /// Whether the configuration file on disk is in force.
    pub config_in_force: bool,
    /// The Prometheus-like servers.
    pub datasources: Vec<Datasource>,
    /// Budgets and what is spent of them.
    pub budgets: Budgets,
    /// Verbs that we lack, as sentences.
    pub forbidden: Vec<String>,
}

/// One Prometheus-like server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Datasource {
    /// Its name in the configuration.
    pub name: String,
    /// Whether the last query was answered.
    pub up: bool,
    /// Why not, where it was not; without addresses or secrets.
    pub error: Option<String>,
}

/// Replicas above base, allowed and spent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budgets {
    /// The cluster's.
    pub cluster: Budget,
    /// The namespaces', where something is spent.
    pub namespaces: BTreeMap<String, Budget>,
}

/// One budget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Replicas above base that may be held.
    pub allowed: u32,
    /// Replicas above base that are held.
    pub spent: u32,
}

/// One workload as of the last tick.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Workload {
    /// Namespace.
    pub namespace: String,
    /// Name of the HPA.
    pub hpa: String,
    /// What the HPA scales, as `Deployment/web`.
    pub target: String,
    /// `off`, `shadow` or `live`.
    pub mode: String,
    /// The one state, as in the label `state` of `floorcast_workload_state`.
    pub state: String,
    /// The user's own floor.
    pub base: Option<u32>,
    /// The floor held now (live), or that would be held (shadow).
    pub floor: Option<u32>,
    /// Replicas the plan needs now, before any guard rail.
    pub need: Option<u32>,
    /// `status.currentReplicas`.
    pub current: Option<u32>,
    /// Ready pods, where known.
    pub ready: Option<u32>,
    /// `status.currentReplicas` of the last 12 h, as far as this process saw them; of each five minutes the highest.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub recent: Counts,
    /// `spec.minReplicas` as it stands.
    pub min: Option<u32>,
    /// `spec.maxReplicas`.
    pub max: Option<u32>,
    /// Nobody needs the floor from here on.
    pub until: Option<DateTime<Utc>>,
    /// The highest need in the next 24 h and when.
    pub peak: Option<Peak>,
    /// How far ahead is asked, and where that is known from.
    pub lead: Lead,
    /// Share of lead windows whose maximum is covered.
    pub quantile: f64,
    /// The seasons' zone.
    pub timezone: String,
    /// The loads; the floor is the maximum over them.
    pub loads: Vec<Shared<Load>>,
    /// The floor's plan for the next 24 h: need from each instant on.
    pub plan: Vec<PlanStep>,
    /// The windows of the schedule that are open or open within the next 24 h.
    #[serde(default)]
    pub schedule: Vec<Opening>,
    /// Why the floor is what it is, in the order of the guard rails.
    pub reasons: Vec<Reason>,
    /// What limits the floor, as in the label `limit` of `floorcast_workload_limited_by`.
    pub limited_by: Vec<String>,
    /// The first stretch ahead in which more is needed than the caps allow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capped: Option<Capped>,
    /// The last decisions that changed something, newest first.
    pub history: Vec<Shared<Change>>,
    /// What stands against a floor, or should be known: refusals, wrong annotations, warnings.
    pub notes: Vec<Note>,
    /// When this was decided.
    pub decided: Option<DateTime<Utc>>,
}

/// A need at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Peak {
    /// When.
    pub at: DateTime<Utc>,
    /// How many replicas.
    pub need: u32,
}

/// More is needed than is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Capped {
    /// From when.
    pub at: DateTime<Utc>,
    /// How many replicas are needed then.
    pub need: u32,
    /// How many are allowed.
    pub limit: u32,
}

/// A lead time and its source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lead {
    /// Seconds.
    pub seconds: i64,
    /// Where it is known from, as a sentence.
    pub source: String,
}

/// One load of a workload.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Load {
    /// Its name: label `load`.
    pub name: String,
    /// The PromQL, to be pasted into Prometheus.
    pub query: String,
    /// The datasource it is asked of.
    pub datasource: String,
    /// What one replica should carry.
    pub per_replica: Option<f64>,
    /// How query and target were derived, as sentences.
    pub explain: Vec<String>,
    /// The newest sample's value.
    pub now: Option<f64>,
    /// The newest sample's age in seconds, put in when it is served.
    pub sample_age_seconds: Option<i64>,
    /// End of the newest sample's interval.
    pub newest: Option<DateTime<Utc>>,
    /// The model that forecasts it.
    pub model: Option<String>,
    /// The mixture's weights, heaviest first.
    pub weights: Vec<Weight>,
    /// Errors in the rolling-origin backtest.
    pub score: Option<Score>,
    /// Whether the forecast is trusted, and why.
    pub trust: Option<Trust>,
    /// Share of past windows that the upper quantile covered.
    pub coverage: Option<f64>,
    /// The load of the last 12 h, a value each quarter of an hour.
    #[serde(default, skip_serializing_if = "Recent::is_empty")]
    pub recent: Recent,
    /// The forecast for the next 24 h, thinned to at most 289 points.
    pub forecast: Points,
    /// What learning noticed: masked outages, short history, censored demand.
    pub notes: Vec<String>,
}

impl Load {
    /// The newest sample's age at an instant.
    pub fn age(&self, at: Option<DateTime<Utc>>) -> Option<TimeDelta> {
        Some(at? - self.newest?)
    }

    /// The expected load at an instant.
    pub fn expected_at(&self, at: DateTime<Utc>) -> Option<f64> {
        self.forecast.at(at).map(|point| f64::from(point.point))
    }

    /// The upper value in force at an instant.
    pub fn upper_at(&self, at: DateTime<Utc>) -> Option<f64> {
        self.forecast.at(at).map(|point| f64::from(point.upper))
    }
}

/// A model's part in the mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Weight {
    /// The model.
    pub model: String,
    /// Its share, 0 to 1.
    pub weight: f64,
}

/// Errors of a backtest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Score {
    /// Mean absolute scaled error; absent where the naive forecast made none.
    #[serde(default)]
    pub mase: Option<f64>,
    /// Weighted absolute percentage error, as a ratio.
    pub wape: f64,
    /// Pinball loss at the quantile.
    pub pinball: f64,
    /// Share of windows covered.
    pub coverage: f64,
}

/// Whether a forecast is trusted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trust {
    /// Whether.
    pub trusted: bool,
    /// Why, as a sentence.
    pub why: String,
}

/// Replicas needed from an instant on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanStep {
    /// From when.
    pub at: DateTime<Utc>,
    /// How many replicas.
    pub need: u32,
}

/// A scheduled window as it opens once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Opening {
    /// When it opens; its replicas are asked for one lead time before.
    pub from: DateTime<Utc>,
    /// When it closes.
    pub to: DateTime<Utc>,
    /// Replicas needed in between.
    pub replicas: u32,
    /// The window as its author wrote it.
    pub window: String,
}

/// One reason of a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Reason {
    /// The word of metrics and events.
    pub code: String,
    /// The sentence with its numbers.
    pub text: String,
}

/// A decision that changed something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// When.
    pub at: DateTime<Utc>,
    /// The floor before.
    pub from: Option<u32>,
    /// The floor after.
    pub to: Option<u32>,
    /// Why.
    pub reasons: Vec<Reason>,
    /// What became of the write: `written`, `shadow`, or the error's class.
    pub outcome: String,
}

/// Something to know about a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Note {
    /// Its word.
    pub code: String,
    /// The sentence, with its remedy.
    pub text: String,
    /// Whether it keeps floorcast from acting.
    pub blocks: bool,
}

/// Answer of `/api/v1/workloads`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadList {
    /// [`VERSION`].
    pub version: String,
    /// By namespace and name; without what was lately, forecast, plan and history.
    pub workloads: Vec<Workload>,
}

impl Workload {
    /// `namespace/hpa`.
    pub fn key(&self) -> String {
        format!("{}/{}", self.namespace, self.hpa)
    }

    /// The zone that the seasons follow; moments are told in it. UTC where none is known.
    pub fn zone(&self) -> Tz {
        self.timezone.parse().unwrap_or(Tz::UTC)
    }

    /// The same without the long parts, for lists.
    #[must_use]
    pub fn brief(&self) -> Self {
        let brief = |load: &Shared<Load>| {
            Load { recent: Recent::default(), forecast: Points::default(), ..Load::clone(load) }.into()
        };
        let loads = self.loads.iter().map(brief).collect();
        Self { loads, recent: Counts::default(), plan: Vec::new(), history: Vec::new(), ..self.clone() }
    }

    /// The same as of the last tick: what only ages is not published anew at every tick.
    #[must_use]
    pub fn as_of(mut self, tick: Option<DateTime<Utc>>) -> Self {
        self.decided = self.decided.and(tick).or(self.decided);
        for load in &mut self.loads {
            let sample_age_seconds = load.age(tick).map(|age| age.num_seconds());
            *load = Load { sample_age_seconds, ..Load::clone(load) }.into();
        }
        self
    }
}
