//! What is replayed on which terms: the command line's, else those of the HPA, else the usual ones.

use super::{Backtest, Metric as Measured};
use crate::{annotations::Settings, kubernetes::Metric};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    hpa::Behavior,
    learn::Learning,
    replay::{Recorded, STEP, Setup, Wishes},
    series::Series,
    units::{PerReplica, Replicas},
};
use std::sync::Arc;

/// A load, with what is known of its workload.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The name that the report gives it.
    pub(super) name: String,
    /// The load.
    pub(super) series: Series,
    /// The workload's own terms; nothing is known of a recording's.
    pub(super) own: Own,
}

/// A workload's own terms, where known.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    pub(super) pod_start: Option<TimeDelta>,
    pub(super) target_per_replica: Option<f64>,
    pub(super) utilisation: Option<u32>,
    pub(super) metric: Option<Measured>,
    pub(super) min_replicas: Option<u32>,
    pub(super) max_replicas: Option<u32>,
    pub(super) quantile: Option<f64>,
    /// Distance of the daemon's samples.
    pub(super) step: Option<TimeDelta>,
    /// Everything that its annotations and the configuration say of it.
    pub(super) settings: Option<Settings>,
    pub(super) tolerance: Option<f64>,
    pub(super) behavior: Option<Behavior>,
    /// The HPA itself, for a patch of it.
    pub(super) hpa: Option<Hpa>,
    /// What a reader should know of where this comes from.
    pub(super) notes: Vec<String>,
}

/// An HPA as a patch of it needs it.
#[derive(Clone, Debug)]
pub(super) struct Hpa {
    pub(super) namespace: String,
    pub(super) name: String,
    /// `spec.metrics`.
    pub(super) metrics: Vec<Metric>,
    /// floorcast writes its floors already.
    pub(super) live: bool,
    /// `floorcast.io/target-per-replica`, or its template's, where one is said.
    pub(super) target_per_replica: Option<f64>,
}

/// The terms of a replay.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    pub(super) pod_start: TimeDelta,
    pub(super) target: Target,
    pub(super) utilisation: u32,
    pub(super) metric: Measured,
    pub(super) min_replicas: u32,
    pub(super) max_replicas: Option<u32>,
    pub(super) quantile: f64,
    /// Distance of the samples that are learned from.
    pub(super) step: TimeDelta,
    /// What its annotations and the configuration say of days, schedules and caps.
    pub(super) settings: Option<Settings>,
    pub(super) tolerance: Option<f64>,
    pub(super) behavior: Option<Behavior>,
}

/// How the load that one replica should carry is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Target {
    /// In the load's unit.
    PerReplica(f64),
    /// By the replicas that the mean load needs.
    AtMean(f64),
}

impl Terms {
    /// What was said on the command line wins over what the workload has, and that over the usual.
    pub(super) fn of(command: &Backtest, own: &Own) -> Self {
        let said = command.target_per_replica.map(Target::PerReplica).or(command.replicas_at_mean.map(Target::AtMean));
        Self {
            pod_start: command.pod_start.or(own.pod_start).unwrap_or(TimeDelta::seconds(90)),
            target: said.or(own.target_per_replica.map(Target::PerReplica)).unwrap_or(Target::AtMean(10.0)),
            utilisation: command.utilisation.or(own.utilisation).unwrap_or(80),
            metric: command.metric.or(own.metric).unwrap_or_default(),
            min_replicas: command.min_replicas.or(own.min_replicas).unwrap_or(2),
            max_replicas: command.max_replicas.or(own.max_replicas),
            quantile: command.quantile.or(own.quantile).unwrap_or(0.95),
            step: command.step.or(own.step).unwrap_or(STEP),
            settings: own.settings.clone(),
            tolerance: own.tolerance,
            behavior: own.behavior.clone(),
        }
    }

    /// How a history from `from` until `until` is learned at this quantile: by the daemon's own settings of the workload.
    pub(super) fn learning(
        &self,
        quantile: f64,
        lead: TimeDelta,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
    ) -> Learning {
        let horizon = TimeDelta::hours(24) + lead;
        match &self.settings {
            Some(settings) => Learning { quantile, ..settings.learning(lead, from, until) },
            None => Learning { quantile, lead, horizon, ..Learning::default() },
        }
    }

    /// What else the daemon goes by: schedule, caps, guard rails, known events.
    pub(super) fn wishes(&self) -> Wishes {
        let said =
            |settings: &Settings| Wishes { policy: settings.policy.clone(), events: Arc::clone(&settings.events) };
        self.settings.as_ref().map(said).unwrap_or_default()
    }

    /// What does not change whatever is set; `None` for a load that is 0 throughout.
    pub(super) fn setup(&self, load: &Recorded) -> Option<Setup> {
        let target = match self.target {
            Target::PerReplica(target) => target,
            Target::AtMean(replicas) => load.mean(load.start(), load.end())? / replicas,
        };
        let capacity = PerReplica::new(target * 100.0 / f64::from(self.utilisation))?;
        Some(Setup {
            measure: self.metric.into(),
            min: Replicas::new(self.min_replicas),
            max: self.max_replicas.map(Replicas::new),
            tolerance: self.tolerance,
            behavior: self.behavior.clone(),
            ..Setup::usual(capacity, self.pod_start, load)
        })
    }
}
