//! From the HPA's metrics and its live pods to loads, and from the pods to their start-up times.

use super::{
    Trouble,
    papers::Papers,
    run::{Brief, Desk},
};
use crate::{
    config::Config,
    datasource::promql::Matcher,
    kubernetes::{events::EventReason, pods::PodFacts},
    load::{self, LoadConfig},
};
use chrono::{DateTime, TimeDelta, Utc};

/// Loads are derived again this often: requests change in place, sidecars are injected.
const EVERY: TimeDelta = TimeDelta::days(1);

/// Whether the loads must be derived: at first, when the pod template or the HPA's metrics changed, and daily.
pub(super) fn is_due(brief: &Brief, papers: &Papers, now: DateTime<Utc>) -> bool {
    brief.derive
        || papers.loads.is_empty()
        || papers.template != template(brief)
        || papers.derive_at.is_none_or(|at| at <= now)
}

fn template(brief: &Brief) -> Option<u64> {
    brief.workload.scaled.as_ref().map(|scaled| scaled.template)
}

/// Lists the pods, derives the loads, and returns the pods' start-up times. A load that cannot be derived any more leaves no
/// plan behind: what is held expires.
pub(super) async fn derive(
    desk: &Desk,
    brief: &Brief,
    papers: &mut Papers,
    now: DateTime<Utc>,
) -> Result<Vec<TimeDelta>, Trouble> {
    let pods = desk.cluster.pods_of(&brief.workload).await.map_err(|error| Trouble {
        code: "PodsUnknown",
        text: error.to_string(),
        event: EventReason::Underivable,
        blocks: papers.loads.is_empty(),
    })?;
    let asked = LoadSource::of(desk);
    let mut config = asked.config(desk, brief);
    config.kube_state_metrics = has_kube_state_metrics(desk, brief, &asked, now).await;
    let started = startups(&pods, now);
    papers.settling = settling(&started, desk.config.hpa_controller.cpu_initialization_period.get(), papers.settling);
    config.settling = papers.settling;
    let derived = load::derive(&brief.workload, &pods, &config).map_err(|refusal| {
        papers.loads.clear();
        Trouble { code: refusal.as_str(), text: refusal.to_string(), event: EventReason::Underivable, blocks: true }
    })?;
    papers.derived(derived, desk.config.defaults.step.get(), desk.config.defaults.history.get());
    papers.template = template(brief);
    papers.derive_at = Some(now + EVERY);
    papers.backcast_at = None;
    Ok(started)
}

/// Where derived queries go.
struct LoadSource {
    datasource: String,
    required: Vec<Matcher>,
}

impl LoadSource {
    fn of(desk: &Desk) -> Self {
        let datasource = desk.config.datasource(None).map(|d| d.name.clone()).unwrap_or_default();
        let required = required(&desk.config, &datasource);
        Self { datasource, required }
    }

    fn config<'a>(&'a self, desk: &'a Desk, brief: &'a Brief) -> LoadConfig<'a> {
        let mut config = LoadConfig::new(&desk.config, &self.datasource, &self.required, &brief.settings.load);
        config.target_per_replica = brief.settings.target_per_replica;
        config.rate = load::rate_window(desk.config.defaults.step.get());
        config
    }
}

/// Matchers that every derived selector of a datasource carries.
pub(super) fn required(config: &Config, datasource: &str) -> Vec<Matcher> {
    let of = config.datasource(Some(datasource)).map(|d| &d.matchers);
    of.into_iter().flatten().map(|(label, value)| Matcher::equal(label, value)).collect()
}

/// Whether kube-state-metrics speaks of the namespace; a datasource that does not answer is taken to lack it until the next
/// derivation, and then its queries fail anyway.
async fn has_kube_state_metrics(desk: &Desk, brief: &Brief, asked: &LoadSource, now: DateTime<Utc>) -> bool {
    let Ok(reader) = desk.datasources.get(&asked.datasource) else { return false };
    let query = load::queries::kube_state_metrics(&brief.key.namespace, &asked.required);
    let answers = reader.instant(now, now, &[query]).await;
    answers.into_iter().flatten().flatten().any(|sample| sample.value.is_some_and(|n| n > 0.0))
}

/// How old a pod must be before its CPU counts as demand: nine tenths of the pods are ready by then. Whole minutes, no longer than
/// the HPA's own initialisation period, and unchanged by a minute more or less: another age is another query, whose history must be
/// read anew.
fn settling(started: &[TimeDelta], longest: TimeDelta, before: Option<TimeDelta>) -> Option<TimeDelta> {
    let mut took = started.to_vec();
    took.sort_unstable();
    let Some(slow) = took.get((took.len() * 9 / 10).min(took.len().saturating_sub(1))) else { return before };
    let minutes = TimeDelta::minutes((slow.num_seconds() + 59) / 60).min(longest);
    Some(before.filter(|before| (*before - minutes).abs() <= TimeDelta::minutes(1)).unwrap_or(minutes))
}

/// Creation → first Ready. A pod that never became ready counts with its age once that is longer than a minute: it is slow,
/// not absent.
fn startups(pods: &[PodFacts], now: DateTime<Utc>) -> Vec<TimeDelta> {
    let live = pods.iter().filter(|pod| !pod.deleted && pod.phase != "Succeeded" && pod.phase != "Failed");
    live.filter_map(|pod| {
        let created = pod.created?;
        match pod.first_ready {
            Some(ready) => Some(ready - created),
            None if !pod.ready => Some(now - created).filter(|age| *age > TimeDelta::minutes(1)),
            None => None,
        }
    })
    .map(|took| took.max(TimeDelta::zero()))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_at_which_cpu_counts_is_steady() {
        let of = |seconds: &[i64], before: Option<i64>| {
            let started: Vec<_> = seconds.iter().map(|s| TimeDelta::seconds(*s)).collect();
            settling(&started, TimeDelta::minutes(5), before.map(TimeDelta::minutes)).map(|t| t.num_minutes())
        };
        assert_eq!(of(&[], None), None);
        assert_eq!(of(&[], Some(2)), Some(2));
        assert_eq!(of(&[20, 61, 30], None), Some(2), "whole minutes");
        assert_eq!(of(&[30], Some(2)), Some(2), "a minute less changes nothing");
        assert_eq!(of(&[30], Some(4)), Some(1));
        assert_eq!(of(&[3000], None), Some(5), "no longer than the HPA's own initialisation period");
    }
}
