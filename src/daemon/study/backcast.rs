//! The back-cast: does load over target per replica give the replicas that the HPA itself wanted? Gates `live`.

use super::{
    Findings, Papers, Trouble, derive,
    run::{Brief, Desk},
};
use crate::{
    config::Config,
    datasource::RangeQuery,
    kubernetes::{
        Workload,
        events::EventReason,
        workload::{self, Behavior},
    },
    load::queries::HpaQueries,
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    backcast::{Arithmetic, History, Verdict, compare},
    feedback::{self, Carried},
    hpa::{self, Amount, Flags, Rules, Select, Tolerance},
    series::Series,
};

/// How far back replicas are compared.
const LONGEST: TimeDelta = TimeDelta::days(14);
/// A back-cast is made again this often, and sooner where nothing could be compared yet.
const EVERY: TimeDelta = TimeDelta::days(1);
const AGAIN: TimeDelta = TimeDelta::minutes(30);

/// The HPA's own past, as kube-state-metrics tells it.
pub(super) struct Past {
    desired: Series,
    min: Series,
    max: Series,
    /// What there was: as far back as the load's history, for what replicas do to it.
    current: Option<Series>,
}

/// Asks for the HPA's own replicas where a back-cast is due; `None` where it is not, or where they cannot be had.
pub(super) async fn fetch(desk: &Desk, brief: &Brief, papers: &mut Papers, now: DateTime<Utc>) -> Option<Past> {
    let asked = papers.loads.first().filter(|_| papers.backcast_at.is_none_or(|at| at <= now))?;
    let learned = papers.loads.iter().all(|paper| paper.history.series().is_some());
    let reader = desk.datasources.get(&asked.load.datasource).ok()?;
    if !learned || !reader.is_up() {
        return None;
    }
    let step = desk.config.defaults.step.get();
    let start = now - LONGEST.min(desk.config.defaults.history.get());
    let required = derive::required(&desk.config, &asked.load.datasource);
    let past = HpaQueries::new(&brief.key.namespace, &brief.key.hpa, &required);
    let whole = now - desk.config.defaults.history.get();
    let queries = [
        (past.desired_replicas(), start),
        (past.min_replicas(), whole),
        (past.max_replicas(), whole),
        (past.current_replicas(), whole),
    ]
    .map(|(query, start)| RangeQuery { query, start, end: now, step });
    let answers = reader.range(now, &queries).await;
    let mut series = answers.into_iter().map(|answer| answer.ok().filter(|a| !a.is_partial()).map(|a| a.series));
    let mut next = || series.next().flatten();
    let past = Some(Past { desired: next()?, min: next()?, max: next()?, current: next() });
    papers.backcast_at = Some(now + EVERY);
    past
}

/// What the replicas do to each load, before anything is learned from it.
pub(super) fn weigh(papers: &mut Papers, past: &Past) {
    let Some(current) = &past.current else { return };
    for paper in &mut papers.loads {
        let Some(load) = paper.history.series() else { continue };
        let carried = Carried { load, replicas: current, min: &past.min };
        let response = feedback::response(&carried, paper.load.per_replica);
        paper.censored = feedback::censored(load, current, &past.max, paper.load.per_replica);
        paper.take_out(response, current);
    }
}

/// Compares, and puts the verdict into the findings. Without a fresh comparison the last verdict stands.
pub(super) fn judge(
    papers: &mut Papers,
    past: Option<Past>,
    workload: &Workload,
    config: &Config,
    now: DateTime<Utc>,
    findings: &mut Findings,
) {
    if let Some(past) = past {
        let verdict = verdict(papers, &past, workload, config);
        if matches!(verdict, Verdict::Unproven { .. }) {
            papers.backcast_at = Some(now + AGAIN.min(EVERY));
        }
        papers.verdict = Some(verdict);
    }
    let Some(verdict) = papers.verdict.clone() else { return };
    findings.derivation = verdict.derivation();
    findings.troubles.extend(trouble(&verdict));
    findings.verdict = Some(verdict);
}

fn verdict(papers: &Papers, past: &Past, workload: &Workload, config: &Config) -> Verdict {
    let loads: Vec<_> =
        papers.loads.iter().filter_map(|paper| Some((paper.history.series()?, paper.load.per_replica))).collect();
    let history = History { loads: &loads, desired: &past.desired, min: &past.min, max: &past.max };
    compare(&history, &arithmetic(workload, config))
}

fn trouble(verdict: &Verdict) -> Option<Trouble> {
    match verdict {
        Verdict::Match { .. } => None,
        Verdict::Unproven { samples, bound } => Some(Trouble {
            code: "DerivationUnproven",
            text: format!(
                "load over target per replica could be compared with the HPA's own wish at {samples} moments only \
                 ({bound} more were bound by min or max): floors are allowed; kube-state-metrics in the same datasource \
                 gives the comparison"
            ),
            event: EventReason::DerivationUnproven,
            blocks: false,
        }),
        Verdict::Mismatch { share, samples, worst } => {
            let worst: Vec<String> = worst.iter().map(ToString::to_string).collect();
            Some(Trouble {
                code: "DerivationMismatch",
                text: format!(
                    "load over target per replica agrees with the HPA's own wish in {:.0} % of {samples} samples, 90 % are \
                     wanted: shadow only; worst: {}; check target-per-replica, the query's labels and the pods' requests",
                    share * 100.0,
                    worst.join(", ")
                ),
                event: EventReason::DerivationMismatch,
                blocks: true,
            })
        }
    }
}

/// How this HPA computes.
pub(crate) fn arithmetic(workload: &Workload, config: &Config) -> Arithmetic {
    let controller = &config.hpa_controller;
    let flags = Flags {
        sync_period: controller.sync_period.get(),
        downscale_stabilisation: controller.downscale_stabilisation.get(),
        tolerance: controller.tolerance.get(),
        cpu_initialization: controller.cpu_initialization_period.get(),
        initial_readiness_delay: controller.initial_readiness_delay.get(),
        ..Flags::default()
    };
    let behavior = workload.behavior.as_ref().map(behavior);
    let mut tolerance = Tolerance::both(flags.tolerance);
    if let Some(behavior) = &behavior {
        tolerance.up = behavior.scale_up.tolerance.unwrap_or(tolerance.up);
        tolerance.down = behavior.scale_down.tolerance.unwrap_or(tolerance.down);
    }
    Arithmetic { flags, behavior, tolerance }
}

/// `spec.behavior` in the core's terms; what is absent has the API server's defaults.
fn behavior(from: &Behavior) -> hpa::Behavior {
    hpa::Behavior {
        scale_up: rules(from.up.as_ref(), Rules::default_up()),
        scale_down: rules(from.down.as_ref(), Rules::default_down()),
    }
}

fn rules(from: Option<&workload::Rules>, default: Rules) -> Rules {
    let Some(from) = from else { return default };
    let policy = |step: &workload::Step| hpa::Policy {
        amount: if step.percent { Amount::Percent(step.value) } else { Amount::Pods(step.value) },
        period: TimeDelta::seconds(i64::from(step.period_seconds)),
    };
    Rules {
        window: from.stabilisation_seconds.map(|s| TimeDelta::seconds(i64::from(s))).or(default.window),
        select: match from.select.as_deref() {
            Some("Min") => Select::Min,
            Some("Disabled") => Select::Disabled,
            _ => Select::Max,
        },
        policies: if from.policies.is_empty() { default.policies } else { from.policies.iter().map(policy).collect() },
        tolerance: from.tolerance,
    }
}
