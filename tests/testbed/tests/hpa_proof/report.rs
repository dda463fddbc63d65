//! What came out: counts, what was seen, and every difference.

use std::collections::BTreeMap;
use std::fmt;

use floorcast_models::hpa::MetricSpec;

use crate::book::Book;
use crate::judge::{Judge, Judgement, Why};
use crate::lags::Lags;
use crate::plan::Plan;
use crate::record::Record;
use crate::stage::{Stage, controller};

/// Reasons that must have been seen in compared syncs, or the proof is hollow.
const REASONS: [&str; 20] = [
    "FailedGetScale",
    "FailedUpdateScale",
    "ReadyForNewScale",
    "ScaleUpStabilized",
    "ScaleDownStabilized",
    "SucceededRescale",
    "SucceededGetScale",
    "ValidMetricFound",
    "ScalingDisabled",
    "FailedGetResourceMetric",
    "FailedGetContainerResourceMetric",
    "FailedGetPodsMetric",
    "FailedGetObjectMetric",
    "FailedGetExternalMetric",
    "DesiredWithinRange",
    "TooFewReplicas",
    "TooManyReplicas",
    "ScaleUpLimit",
    "ScaleDownLimit",
    "NotScaledToZero",
];

#[derive(Default)]
pub(crate) struct Report {
    pub(crate) syncs: usize,
    pub(crate) compared: usize,
    pub(crate) rescales: usize,
    pub(crate) differences: Vec<String>,
    unclear: BTreeMap<Why, usize>,
    reasons: BTreeMap<&'static str, usize>,
    kinds: BTreeMap<&'static str, usize>,
}

impl Report {
    pub(crate) fn of(stage: &Stage, plans: &[Plan], books: &[Book], record: &Record) -> Self {
        let syncs = record.syncs();
        let lags = Lags::of(syncs.values().flatten());
        let mut report = Self::default();
        for (plan, book) in plans.iter().zip(books) {
            let mut judge = Judge::new(stage, book, &lags, controller());
            for (i, sync) in syncs.get(&plan.name).into_iter().flatten().enumerate() {
                report.syncs += 1;
                match judge.judge(sync) {
                    Judgement::Equal(seen, verdict) => {
                        report.compared += 1;
                        report.rescales += usize::from(verdict.rescaled_to.is_some());
                        for (_, _, reason) in seen.conditions.list() {
                            *report.reasons.entry(reason).or_default() += 1;
                        }
                        for metric in plan.spec.metrics.iter().filter(|_| !verdict.currents.is_empty()) {
                            *report.kinds.entry(kind(metric)).or_default() += 1;
                        }
                    }
                    Judgement::Unclear(why) => *report.unclear.entry(why).or_default() += 1,
                    Judgement::Differs(account) => {
                        report.compared += 1;
                        report.differences.push(format!("{} sync {i} {account}", plan.name));
                    }
                }
            }
        }
        report
    }

    pub(crate) fn not_comparable(&self) -> usize {
        self.unclear.values().sum()
    }

    pub(crate) fn unseen(&self) -> Vec<&'static str> {
        let of = |seen: &BTreeMap<&str, usize>, all: &[&'static str]| -> Vec<&'static str> {
            all.iter().copied().filter(|name| !seen.contains_key(name)).collect()
        };
        [of(&self.reasons, &REASONS), of(&self.kinds, &KINDS)].concat()
    }

    /// The first differences in full.
    pub(crate) fn explained(&self) -> String {
        let first: Vec<&str> = self.differences.iter().take(5).map(String::as_str).collect();
        format!("{} differences; the first:\n{}", self.differences.len(), first.join("\n"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { syncs, compared, rescales, differences, unclear, reasons, kinds } = self;
        writeln!(f, "{syncs} syncs, {compared} compared, {} differences, {rescales} rescales", differences.len())?;
        writeln!(f, "  not comparable {unclear:?}")?;
        writeln!(f, "  reasons {reasons:?}")?;
        write!(f, "  metrics {kinds:?}")
    }
}

const KINDS: [&str; 5] = ["Resource", "ContainerResource", "Pods", "Object", "External"];

const fn kind(metric: &MetricSpec) -> &'static str {
    match metric {
        MetricSpec::Resource { .. } => "Resource",
        MetricSpec::ContainerResource { .. } => "ContainerResource",
        MetricSpec::Pods { .. } => "Pods",
        MetricSpec::Object { .. } => "Object",
        MetricSpec::External { .. } => "External",
        MetricSpec::Unknown { .. } => "Unknown",
    }
}
