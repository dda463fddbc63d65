//! What `demo` found, as `-o json` has it.

use super::{Demo, curves::Curves, verdict::Verdict};
use crate::http::api::{Snapshot, VERSION, Workload};
use crate::simulated::{
    cluster::SATURATION,
    demo::{Comparison, PolicyFigures},
    replay::Scenario,
};
use chrono::{DateTime, Utc};
use serde::Serialize;
use std::sync::Arc;

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Answer {
    /// Version of this form.
    pub version: &'static str,
    /// The trace, as given; `null`: the simulated shop.
    pub trace: Option<String>,
    /// As given.
    pub seed: u64,
    /// Days that were replayed; a short trace has fewer than were asked for.
    pub days: i64,
    /// The first instant replayed.
    pub start: DateTime<Utc>,
    /// A minute is starved when load > ready replicas × target per replica × this.
    pub saturation: f64,
    /// All workloads together: `hpa`, then `floorcast`.
    pub policies: [PolicyFigures; 2],
    /// Each workload.
    pub workloads: Vec<Replayed>,
    /// What came of it.
    pub verdict: Verdict,
    /// What the daemon said at the end against a floor, or against its forecast.
    pub notes: Vec<String>,
}

/// One workload both ways.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Replayed {
    /// Namespace and name.
    pub workload: String,
    /// Its own figures.
    pub policies: [PolicyFigures; 2],
    /// Its curves.
    #[serde(skip)]
    pub curves: Curves,
}

impl Answer {
    /// Of a replay.
    pub(super) fn new(command: &Demo, scenario: &Scenario, comparison: &Comparison) -> Self {
        let policies = comparison.policies();
        let workloads = comparison.workloads().map(|(alone, with, policies)| Replayed {
            workload: alone.workload.clone(),
            policies,
            curves: Curves::of(alone, with),
        });
        Self {
            version: VERSION,
            trace: command.trace.as_ref().map(|file| file.display().to_string()),
            seed: command.seed,
            days: scenario.length.num_days(),
            start: scenario.start,
            saturation: SATURATION,
            verdict: Verdict::of(&policies),
            policies,
            workloads: workloads.collect(),
            notes: notes(&comparison.with.last),
        }
    }
}

fn notes(last: &Snapshot) -> Vec<String> {
    let of = |(name, workload): (&String, &Arc<Workload>)| {
        let blocking = workload.notes.iter().filter(|n| n.blocks).map(|n| format!("{name}: {}: {}", n.code, n.text));
        let distrust = workload.loads.iter().filter_map(|load| load.trust.as_ref().filter(|t| !t.trusted));
        let distrust = distrust.map(|trust| format!("{name}: the forecast is not trusted: {}", trust.why));
        blocking.chain(distrust).collect::<Vec<_>>()
    };
    last.workloads.iter().flat_map(of).collect()
}
