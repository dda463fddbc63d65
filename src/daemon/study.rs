//! What is known of one workload's load: fetched, learned and forecast beside the ticks, read by them.
//!
//! A study runs as a task of its own: no tick ever waits for Prometheus or for learning. While it runs the daemon decides
//! by the findings of the last one, whose age the guard rails know.

mod backcast;
mod derive;
mod papers;
mod run;

pub(crate) use backcast::arithmetic;
pub(super) use papers::Papers;
pub(super) use run::{Brief, Desk, Report, run};

use crate::{annotations::OptIn, http::api};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    backcast::Verdict,
    decide::Derivation,
    hpa::{self, Tolerance},
    plan::FloorPlan,
    units::{Demand, PerReplica, Replicas},
};

/// One workload's study between two runs.
#[derive(Default)]
pub(super) struct Study {
    /// Histories and models; away while a run has them.
    papers: Option<Papers>,
    /// What the last run found.
    pub(super) findings: Findings,
    /// When to look again; `None`: at once.
    next: Option<DateTime<Utc>>,
    /// A run is under way.
    away: bool,
    /// What the next run must do besides looking for new samples.
    derive_again: bool,
    learn_again: bool,
}

/// What a run found; all that a tick needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    /// Replicas needed ahead.
    pub(super) plan: Option<FloorPlan>,
    /// The loads, in the order of the HPA's metrics.
    pub(super) loads: Vec<Found>,
    /// How much later than they come the slowest of them is seen.
    pub(super) late: TimeDelta,
    /// What stands against a forecast, or should be known.
    pub(super) troubles: Vec<Trouble>,
    /// What the back-cast says.
    pub(super) verdict: Option<Verdict>,
    /// Whether the back-cast was tried.
    pub(super) derivation: Derivation,
}

/// One load as found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// As the API shows it, without what changes from tick to tick.
    pub(super) view: api::Shared<api::Load>,
    /// What one replica should carry.
    pub(super) per_replica: PerReplica,
    /// What of that is left for demand, where replicas cost something whatever they serve; else the same.
    pub(super) useful: PerReplica,
    /// The newest sample.
    pub(super) now: Option<Demand>,
    /// End of its interval.
    pub(super) newest: Option<DateTime<Utc>>,
    /// The largest load that was learned from.
    pub(super) most_seen: Option<f64>,
    /// Why the forecast is not trusted.
    pub(super) distrust: Option<String>,
}

/// Something that stands against a floor, or that should be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// Its word.
    pub(super) code: &'static str,
    /// The sentence, with its remedy.
    pub(super) text: String,
    /// The event that tells it.
    pub(super) event: crate::kubernetes::events::EventReason,
    /// Whether it keeps floorcast from acting.
    pub(super) blocks: bool,
}

impl Study {
    /// Whether a run should begin now.
    pub(super) fn is_due(&self, now: DateTime<Utc>) -> bool {
        !self.away && self.next.is_none_or(|next| next <= now)
    }

    /// When to look again; `None`: at once.
    pub(super) fn next(&self) -> Option<DateTime<Utc>> {
        self.next
    }

    /// Hands out the papers for a run. The caller must bring them back by [`Study::back`].
    pub(super) fn begin(&mut self) -> (Papers, bool, bool) {
        self.away = true;
        let again = (std::mem::take(&mut self.derive_again), std::mem::take(&mut self.learn_again));
        (self.papers.take().unwrap_or_default(), again.0, again.1)
    }

    /// Takes in what a run found, and when to look again.
    pub(super) fn back(&mut self, papers: Option<Papers>, findings: Findings, next: DateTime<Utc>) {
        self.away = false;
        self.papers = papers;
        self.findings = findings;
        self.next = Some(next);
    }

    /// A run that was under way vanished: what was found before stays, the papers are made anew later.
    pub(super) fn lost(&mut self, trouble: Trouble, next: DateTime<Utc>) {
        if std::mem::take(&mut self.away) {
            self.papers = None;
            self.findings.troubles = vec![trouble];
            self.next = Some(next);
        }
    }

    /// The HPA's metrics changed: another load, another target per replica.
    pub(super) fn derive_again(&mut self) {
        self.derive_again = true;
        self.next = None;
    }

    /// Opt-in or settings changed: look again at once, and derive or learn again where it matters.
    pub(super) fn wishes_changed(&mut self, before: &OptIn, after: &OptIn) {
        if let (Ok(before), Ok(after)) = (&before.settings, &after.settings) {
            let other_load = before.load != after.load || before.target_per_replica != after.target_per_replica;
            let (b, a) = (&before.policy, &after.policy);
            let other_model = b.quantile != a.quantile || b.zone != a.zone || b.model != a.model || b.lead != a.lead;
            self.derive_again |= other_load;
            let other_days = before.holidays != after.holidays || before.events != after.events;
            let other_days = other_days || before.excluded != after.excluded;
            self.learn_again |= other_model || other_days;
        }
        self.next = None;
    }

    /// The plan of the last run.
    pub(super) fn plan(&self) -> Option<&FloorPlan> {
        self.findings.plan.as_ref()
    }

    /// End of the newest sample of the oldest of the loads.
    pub(super) fn newest(&self) -> Option<DateTime<Utc>> {
        self.findings.loads.iter().map(|load| load.newest).min().flatten()
    }

    /// How much later than they come the slowest of the loads is seen.
    pub(super) fn late(&self) -> TimeDelta {
        self.findings.late
    }

    /// Why the forecast is not trusted: the first load's reason that has one.
    pub(super) fn distrust(&self) -> Option<String> {
        self.findings.loads.iter().find_map(|load| load.distrust.clone())
    }

    /// What the HPA would do by itself: the largest of what its metrics ask for. `None` while a load is unknown.
    pub(super) fn own_wish(&self, current: Replicas, tolerance: Tolerance) -> Option<Replicas> {
        let wishes = self.findings.loads.iter().map(|l| Some(hpa::wish(l.now?, l.per_replica, current, tolerance)));
        wishes.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Most replicas ever needed in what was learned from.
    pub(super) fn most_needed(&self) -> Option<Replicas> {
        let needs = self.findings.loads.iter().map(|load| {
            let demand = Demand::new(load.most_seen?)?;
            Some(floorcast_models::capacity::replicas_for(demand, load.useful))
        });
        needs.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// What the back-cast says.
    pub(super) fn derivation(&self) -> Derivation {
        self.findings.derivation
    }
}

/// Moment of the next look after a sample that ends at the next multiple of `step`: a little later than the sample, and
/// spread over workloads by their names, so that a thousand of them do not ask at once.
pub(super) fn next_look(now: DateTime<Utc>, step: TimeDelta, spread: u64) -> DateTime<Utc> {
    let step = step.num_milliseconds().max(1);
    let since = now.timestamp_millis().rem_euclid(step);
    // Up to a tenth of the step, at most 20 s.
    let most = (step / 10).clamp(1, 20_000);
    let delay = i64::try_from(spread % most.unsigned_abs()).unwrap_or(0);
    let next = step - since + delay;
    now + TimeDelta::milliseconds(next)
}

/// A number that is the same for a name in every process: FNV-1a.
pub(super) fn spread(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_next_look_is_soon_after_the_next_sample() {
        let now = DateTime::from_timestamp(1_000_000_001, 0).unwrap();
        let step = TimeDelta::minutes(5);
        let next = next_look(now, step, spread("shop/web"));
        let sample = DateTime::from_timestamp(1_000_000_001 / 300 * 300 + 300, 0).unwrap();
        assert!(next >= sample && next <= sample + TimeDelta::seconds(20), "{next}");
    }

    #[test]
    fn workloads_are_spread() {
        let looks: std::collections::BTreeSet<_> = (0..100)
            .map(|i| next_look(DateTime::UNIX_EPOCH, TimeDelta::minutes(5), spread(&format!("a/{i}"))))
            .collect();
        assert!(looks.len() > 90, "{}", looks.len());
    }

    #[test]
    fn a_fresh_study_knows_nothing_and_is_due() {
        let study = Study::default();
        assert!(study.is_due(DateTime::UNIX_EPOCH));
        assert_eq!(study.newest(), None);
        assert_eq!(study.most_needed(), None);
        assert_eq!(study.derivation(), Derivation::Unchecked);
    }
}
