//! What `floorcast demo` replays, and what it tells of it.

use super::cluster::{Deployed, Tally};
use super::curve::Curve;
use super::replay::{Course, Outcome, ReplayError, Scenario};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::trace::Trace;
use serde::Serialize;
use std::sync::Arc;

/// Tuesday, a month after nothing in particular.
const START: i64 = 1_772_496_000;
/// The highest load of a trace asks for this many replicas.
const TRACE_PEAK_REPLICAS: f64 = 30.0;

/// Both replays of one scenario.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The HPA alone.
    pub alone: Outcome,
    /// The HPA with floorcast beside it.
    pub with: Outcome,
}

/// One policy's figures, as `-o json` has them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PolicyFigures {
    /// `hpa` or `floorcast`.
    pub policy: &'static str,
    /// Minutes in which some workload's load was above what its ready pods can carry.
    pub starved_minutes: u32,
    /// Share of the whole load that no ready pod could carry.
    pub starved_load_ratio: f64,
    /// Pods times hours.
    pub pod_hours: f64,
    /// Most pods at once of any one workload.
    pub peak_replicas: u32,
    /// Changes of size by the HPA.
    pub rescales: u32,
    /// Writes that changed an HPA.
    pub floor_writes: u32,
}

impl PolicyFigures {
    /// The figures of these courses together. Each workload's starved share of its load counts alike.
    pub fn of(policy: &'static str, courses: &[Course]) -> Self {
        let tallies = || courses.iter().map(|c| &c.tally);
        let workloads = courses.len().max(1) as f64;
        Self {
            policy,
            starved_minutes: tallies().map(Tally::starved_minutes).sum(),
            starved_load_ratio: tallies().map(Tally::starved_load_ratio).sum::<f64>() / workloads,
            pod_hours: tallies().map(Tally::pod_hours).sum(),
            peak_replicas: tallies().map(Tally::peak).max().unwrap_or(0),
            rescales: tallies().map(Tally::rescales).sum(),
            floor_writes: courses.iter().map(|c| c.floor_writes).sum(),
        }
    }

    fn both(alone: &[Course], with: &[Course]) -> [Self; 2] {
        [Self::of("hpa", alone), Self::of("floorcast", with)]
    }
}

impl Comparison {
    /// The figures of both, `hpa` first.
    pub fn policies(&self) -> [PolicyFigures; 2] {
        PolicyFigures::both(&self.alone.courses, &self.with.courses)
    }

    /// The courses of each workload, alone and with floorcast, and the figures of both.
    pub fn workloads(&self) -> impl Iterator<Item = (&Course, &Course, [PolicyFigures; 2])> {
        let pairs = self.alone.courses.iter().zip(&self.with.courses);
        pairs.map(|(a, w)| (a, w, PolicyFigures::both(std::slice::from_ref(a), std::slice::from_ref(w))))
    }
}

/// Two workloads of a shop: one whose morning comes in minutes, one whose evening does.
pub fn shop(seed: u64, days: u32) -> Scenario {
    let start = DateTime::from_timestamp(START, 0).unwrap_or_default();
    let workload = |name: &str, seed, peak, shift| {
        let curve = Curve { seed, night: peak * 0.1, peak, noise: 0.03, shift };
        deployed(name, curve.at(start), move |at| Some(curve.at(at)))
    };
    let workloads = vec![workload("checkout", seed, 7.2, 0.0), workload("search", seed ^ 0x5ea, 4.5, 1.5)];
    Scenario { seed, start, length: TimeDelta::days(days.into()), workloads }
}

/// A measured load on one workload. Its last `days` are replayed, but at most half of it; what is before them is history.
pub fn of_trace(trace: Trace, seed: u64, days: u32) -> Scenario {
    let half = (trace.end() - trace.start()).num_days() / 2;
    let length = TimeDelta::days(i64::from(days).min(half).max(1));
    let start = trace.end() - length;
    let unit = TRACE_PEAK_REPLICAS * PER_REPLICA / trace.peak().max(f64::MIN_POSITIVE);
    let first = trace.at(start).unwrap_or(0.0) * unit;
    let load = move |at: DateTime<Utc>| trace.at(at).map(|v| v * unit);
    Scenario { seed, start, length, workloads: vec![deployed("trace", first, load)] }
}

/// Cores of one replica at its target: 60 % of half a core.
const PER_REPLICA: f64 = 0.3;

fn deployed(name: &str, first: f64, load: impl Fn(DateTime<Utc>) -> Option<f64> + Send + Sync + 'static) -> Deployed {
    Deployed {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        load: Arc::new(load),
        request_millicores: 500,
        utilization: 60,
        min: 3,
        max: 40,
        replicas: ((first / PER_REPLICA).ceil() as u32).clamp(3, 40),
        pod_start: TimeDelta::seconds(150),
        annotations: vec![("floorcast.io/mode".to_owned(), "live".to_owned())],
    }
}

/// Replays a scenario both ways, on a runtime of its own with paused time. `progress` gets a share from 0 to 1.
///
/// # Errors
/// Only where the simulation itself is at fault.
pub fn compare(scenario: &Scenario, mut progress: impl FnMut(f64)) -> Result<Comparison, ReplayError> {
    let length = scenario.length.num_seconds().max(1) as f64;
    let share = |now: DateTime<Utc>| (now - scenario.start).num_seconds() as f64 / length;
    // The daemon's half takes nearly all the time.
    let alone = on_paused_time(scenario.alone(|now| progress(0.05 * share(now))))?;
    let with = on_paused_time(scenario.with_floorcast(|now| progress(0.05 + 0.95 * share(now))))?;
    progress(1.0);
    Ok(Comparison { alone, with })
}

fn on_paused_time<T>(work: impl Future<Output = Result<T, ReplayError>>) -> Result<T, ReplayError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .map_err(|e| ReplayError::Start(e.to_string()))?;
    runtime.block_on(work)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn floorcast_starves_less_than_the_hpa_alone_and_writes_little() {
        let comparison = compare(&shop(1, 1), |_| {}).unwrap();
        let [alone, with] = comparison.policies();
        assert!(alone.starved_minutes > 0, "a morning within minutes starves an HPA with slow pods: {alone:?}");
        assert!(with.starved_minutes < alone.starved_minutes, "{with:?} against {alone:?}");
        assert!(with.floor_writes > 0 && alone.floor_writes == 0);
        // I7: at most 12 writes per HPA and hour.
        assert!(with.floor_writes <= 2 * 24 * 12, "{with:?}");
    }

    #[test]
    fn the_same_seed_gives_the_same_figures() {
        let figures = |seed| compare(&shop(seed, 1), |_| {}).unwrap().alone.courses[0].tally.pod_hours();
        assert_eq!(figures(3), figures(3));
        assert_ne!(figures(3), figures(4));
    }
}
