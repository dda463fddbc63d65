//! What a backtest found: one value, for people, for programs and for pages.

use super::recommend::Recommendation;
use super::verdict::Verdict;
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::replay::{Outlook, Played, Strategy};
use serde::Serialize;

/// The whole answer, as `-o json` has it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Report {
    /// Version of this form.
    pub version: &'static str,
    /// The load's name.
    pub trace: String,
    /// Everything that the figures depend on.
    pub settings: Settings,
    /// All policies at the same setting.
    pub policies: Vec<Figures>,
    /// Each policy at its own setting, tuned before on the same service; empty where it was left out.
    pub equal_service: Vec<EqualService>,
    /// floorcast at its own setting, dead for an hour at the highest load of the judged days.
    pub floorcast_dead_at_peak: Option<DeadHour>,
    /// What the forecasts were worth.
    pub forecast: ForecastFigures,
    /// In one sentence.
    pub verdict: Verdict,
    /// The settings to use and what each of them buys, where equal service was compared.
    pub recommendation: Option<Recommendation>,
    /// Load, floors and sizes, every 15 minutes.
    pub curves: Curves,
}

impl Report {
    /// A policy's figures at the common setting.
    pub(super) fn figures(&self, policy: Strategy) -> Option<&Figures> {
        self.policies.iter().find(|figures| figures.policy == policy.as_str())
    }
}

/// Everything that the figures depend on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Settings {
    /// First moment of the recording.
    pub start: DateTime<Utc>,
    /// First moment that is replayed; everything before is only learned from.
    pub from: DateTime<Utc>,
    /// End of the replay.
    pub until: DateTime<Utc>,
    /// First moment of the days that equal service is judged on; the days from `from` to it are tuned on.
    pub judged_from: DateTime<Utc>,
    /// Step of the recording.
    pub step_seconds: i64,
    /// Distance of the samples that floorcast learned from.
    pub learned_step_seconds: i64,
    /// Noise added to steps of 5 min and more: deviation from minute to minute and over ten minutes, as shares of the load.
    pub noise: [f64; 2],
    /// From a pod's creation to ready, the median.
    pub pod_start_seconds: i64,
    /// How far ahead pods are asked for.
    pub lead_seconds: i64,
    /// Mean load of the recording ÷ target per replica.
    pub replicas_at_mean: f64,
    /// Load that one replica should carry.
    pub target_per_replica: f64,
    /// Target utilisation of a pod's capacity, percent.
    pub utilisation: u32,
    /// A minute is starved when load > ready replicas × target per replica × this.
    pub saturation: f64,
    /// What the HPA measures.
    pub metric: &'static str,
    /// `minReplicas`.
    pub min_replicas: u32,
    /// `maxReplicas`.
    pub max_replicas: u32,
    /// Share of lead windows whose highest load the floor must cover.
    pub quantile: f64,
    /// Share of minutes that may starve at equal service.
    pub starved_budget: f64,
    /// Decides every chance.
    pub seed: u64,
    /// What a reader should know of where the load and these settings come from.
    pub notes: Vec<String>,
}

/// One policy's figures at the common setting.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Figures {
    /// The policy.
    pub policy: &'static str,
    /// Time with load above what the ready replicas can carry, minutes.
    pub starved_minutes: f64,
    /// Load above what the ready replicas can carry, as a share of all load.
    pub starved_load_ratio: f64,
    /// Longest such time, seconds.
    pub longest_starved_seconds: f64,
    /// Pods times hours, starting ones included.
    pub pod_hours: f64,
    /// Most replicas at once.
    pub peak_replicas: u32,
    /// Changes of size by the HPA.
    pub rescales: u32,
    /// Writes to the HPA.
    pub floor_writes: u32,
    /// Time at `maxReplicas`, minutes.
    pub minutes_at_max: f64,
}

impl Figures {
    pub(super) fn of(strategy: Strategy, played: &Played) -> Self {
        let outcome = &played.course.outcome;
        Self {
            policy: strategy.as_str(),
            starved_minutes: rounded(outcome.starved_minutes(), 2),
            starved_load_ratio: rounded(outcome.starved_load_ratio, 8),
            longest_starved_seconds: rounded(outcome.longest_starved_seconds, 1),
            pod_hours: rounded(outcome.pod_hours, 2),
            peak_replicas: outcome.peak.get(),
            rescales: outcome.rescales,
            floor_writes: played.writes,
            minutes_at_max: rounded(outcome.seconds_at_max / 60.0, 2),
        }
    }
}

/// One policy at its own setting, tuned on the days before the judged ones.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct EqualService {
    /// The policy.
    pub policy: &'static str,
    /// Target utilisation of a pod's capacity, percent; `null` where it is no setting of the policy.
    pub utilisation: Option<u32>,
    /// What else was set.
    pub setting: String,
    /// Whether the budget was kept on the days that were tuned on.
    pub tuned_within_budget: bool,
    /// Starved time on the judged days, minutes.
    pub starved_minutes: f64,
    /// Load above capacity there, as a share of all load.
    pub starved_load_ratio: f64,
    /// Longest such time, seconds.
    pub longest_starved_seconds: f64,
    /// Pods times hours.
    pub pod_hours: f64,
    /// Nodes of ten pods times hours, each from the first pod without room until it was spare for ten minutes.
    pub node_hours: f64,
    /// Pod-hours spared, as a share of those of `hpa`.
    pub saved_vs_hpa: f64,
    /// The same, of those of `hpa-tuned`.
    pub saved_vs_tuned: f64,
    /// Nine of ten resamplings of the judged days saved between these against `hpa`.
    pub saved_vs_hpa_90: [f64; 2],
    /// The same against `hpa-tuned`.
    pub saved_vs_tuned_90: [f64; 2],
}

/// floorcast with an hour in which it is dead: floors stay as they stand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct DeadHour {
    /// It dies.
    pub from: DateTime<Utc>,
    /// A successor starts.
    pub until: DateTime<Utc>,
    /// Starved time on the judged days, minutes.
    pub starved_minutes: f64,
    /// Longest such time, seconds.
    pub longest_starved_seconds: f64,
    /// Pods times hours.
    pub pod_hours: f64,
}

/// What the forecasts were worth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct ForecastFigures {
    /// Share of the replayed time in which the forecast was trusted.
    pub trusted_share: f64,
    /// The last reason why not.
    pub distrust: Option<String>,
    /// Why nothing was forecast at the end, if nothing was.
    pub unlearnable: Option<String>,
}

/// Curves with one value every 15 minutes.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Curves {
    /// In the load's unit.
    pub load: Vec<f64>,
    /// Upper quantile of the highest load of the lead window, as it was forecast one lead time before; `null` without a forecast.
    pub forecast: Vec<Option<f64>>,
    /// Of the HPA alone and of floorcast.
    pub policies: Vec<Curve>,
}

/// One policy's curves.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(super) struct Curve {
    /// The policy.
    pub policy: &'static str,
    /// `spec.minReplicas`.
    pub floor: Vec<u32>,
    /// `spec.replicas`.
    pub replicas: Vec<u32>,
    /// Starved seconds of each 15 minutes.
    pub starved_seconds: Vec<f64>,
}

impl Curves {
    /// Minutes between two points of a curve.
    pub(super) const MINUTES: i64 = 15;

    /// When the point of this number was taken, over a replay that begins `from`.
    pub(super) fn time(from: DateTime<Utc>, number: usize) -> DateTime<Utc> {
        from + TimeDelta::minutes(Self::MINUTES * (number as i64 + 1))
    }

    pub(super) fn of(played: &[(Strategy, Played)], outlook: &Outlook, from: DateTime<Utc>) -> Self {
        let shown = |strategy: Strategy| matches!(strategy, Strategy::Hpa | Strategy::Floorcast);
        let policies = played.iter().filter(|(strategy, _)| shown(*strategy)).map(|(strategy, played)| {
            let points = &played.course.points;
            Curve {
                policy: strategy.as_str(),
                floor: points.iter().map(|p| p.floor).collect(),
                replicas: points.iter().map(|p| p.replicas).collect(),
                starved_seconds: points.iter().map(|p| rounded(p.starved_seconds, 1)).collect(),
            }
        });
        let points = played.first().map_or(&[][..], |(_, played)| &played.course.points);
        let load = points.iter().map(|p| p.load).collect();
        let said = |i: usize| outlook.said(Self::time(from, i), outlook.lead());
        Self { policies: policies.collect(), load, forecast: (0..points.len()).map(said).collect() }
    }
}

/// Rounded to so many places: figures of a simulation have no more.
pub(super) fn rounded(value: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    (value * scale).round() / scale
}

/// Days in words, the last half rounded up.
pub(super) fn days(days: f64) -> String {
    match days.round() {
        1.0 => "1 day".to_owned(),
        days => format!("{days:.0} days"),
    }
}
