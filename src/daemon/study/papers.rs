//! Histories and models of one workload's loads, from run to run.

use crate::{
    annotations::Settings,
    config::Config,
    datasource::{Answer, History, ReadError},
    load::{Derived, Load, Refusal},
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    backcast::Verdict,
    events::{Occurrence, occurrences, over, usual},
    feedback::{Response, without_overhead},
    learn::Learning,
    series::{LONGEST, Series},
    study::Study,
    units::{PerReplica, Replicas},
};

/// A cost of replicas that moved less than this share of the target per replica stays as it is.
const SAME_COST: f64 = 0.05;

/// Everything that a workload's runs share.
#[derive(Default)]
pub(in crate::daemon) struct Papers {
    /// The loads, in the order of the HPA's metrics.
    pub(super) loads: Vec<Paper>,
    /// Metrics of the HPA that give no load.
    pub(super) left_out: Vec<Refusal>,
    /// The pod template they were derived for.
    pub(super) template: Option<u64>,
    /// Pods younger than this are left out of the load.
    pub(super) settling: Option<TimeDelta>,
    /// When they must be derived again.
    pub(super) derive_at: Option<DateTime<Utc>>,
    /// When the back-cast must be made again.
    pub(super) backcast_at: Option<DateTime<Utc>>,
    /// What the last back-cast said.
    pub(super) verdict: Option<Verdict>,
}

/// One load: its history and what was learned from it.
pub(in crate::daemon) struct Paper {
    /// How it is asked for.
    pub(super) load: Load,
    /// Its samples.
    pub(super) history: History,
    /// What they teach.
    pub(super) study: Study,
    /// Why the last question was not answered.
    pub(super) unread: Option<ReadError>,
    /// The server's warnings about the last answer.
    pub(super) partial: Option<String>,
    /// Why the query selects nothing, where it never gave a sample.
    pub(super) nothing: Option<String>,
    /// The server's clock less ours, as of the last answer.
    pub(super) skew: Option<TimeDelta>,
    /// What the replicas do to the load, once that was looked at.
    pub(super) response: Option<Response>,
    /// The replicas of the history, where what they cost is taken out of the load.
    replicas: Option<Series>,
    /// Share of samples at which the demand was higher than what was measured.
    pub(super) censored: f64,
}

impl Papers {
    /// How much later than they come the slowest of the loads is seen.
    pub(super) fn late(&self) -> TimeDelta {
        self.loads.iter().map(|paper| paper.load.late).max().unwrap_or_default()
    }

    /// Takes over freshly derived loads; a load whose query is the same keeps its history.
    pub(super) fn derived(&mut self, derived: Derived, step: TimeDelta, window: TimeDelta) {
        let mut old = std::mem::take(&mut self.loads);
        self.left_out = derived.left_out;
        self.loads = derived
            .loads
            .into_iter()
            .map(|load| match old.iter().position(|paper| paper.load.query == load.query) {
                Some(i) => Paper { load, ..old.swap_remove(i) },
                None => Paper::new(load, step, window),
            })
            .collect();
    }
}

impl Paper {
    fn new(load: Load, step: TimeDelta, window: TimeDelta) -> Self {
        let history = History::new(load.query.clone(), step, window);
        Self {
            load,
            history,
            study: Study::default(),
            unread: None,
            partial: None,
            nothing: None,
            skew: None,
            response: None,
            replicas: None,
            censored: 0.0,
        }
    }

    /// Puts the samples away until the next run: what was learned of them has them too.
    pub(super) fn rest(&mut self) {
        if let Some(learned) = self.study.learned() {
            self.history.rest(|at| learned.sample(at));
        }
    }

    /// Takes them back.
    pub(super) fn wake(&mut self) {
        if let Some(learned) = self.study.learned() {
            self.history.wake(|at| learned.sample(at));
        }
    }

    /// Takes in an answer to the history's question. An answer that cannot be used leaves everything as it was: a gap.
    pub(super) fn absorb(&mut self, now: DateTime<Utc>, answer: Result<Answer, ReadError>) {
        self.partial = None;
        self.unread = None;
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                self.unread = Some(error);
                return;
            }
        };
        self.skew = answer.clock_skew;
        if answer.is_partial() {
            self.partial = Some(answer.warnings.join("; "));
        }
        match self.history.absorb(now, &answer) {
            Ok(absorbed) if absorbed.revised => self.study.revise(),
            Ok(_) => {}
            Err(error) => self.partial = Some(error.to_string()),
        }
    }

    /// Nothing was ever answered: a typo, a wrong matcher, or a metric that does not exist yet.
    pub(super) fn never_seen(&self) -> bool {
        self.unread.is_none() && self.history.series().is_some_and(|series| series.newest().is_none())
    }

    /// Takes over what the replicas do to the load; where what they cost is another than before, it must be learned anew.
    pub(super) fn take_out(&mut self, response: Response, replicas: &Series) {
        let (before, after) = (self.response.and_then(|r| r.overhead()), response.overhead());
        let same = match (before, after) {
            (Some(before), Some(after)) => (before - after).abs() <= SAME_COST * self.load.per_replica.get(),
            (before, after) => before == after,
        };
        // A cost that hardly moved stays as it is: a target that flickers would move every floor.
        if same && before.is_some() {
            self.replicas = Some(replicas.clone());
            return;
        }
        self.replicas = after.map(|_| replicas.clone());
        self.response = Some(response);
        if !same {
            self.study.forget();
        }
    }

    /// Notes the replicas of now, for the samples since the history of replicas was read.
    pub(super) fn count(&mut self, now: DateTime<Utc>, current: Replicas) {
        let Some(replicas) = &mut self.replicas else { return };
        let step = replicas.step();
        let mut values = replicas.values().to_vec();
        while replicas.start() + step * i32::try_from(values.len()).unwrap_or(i32::MAX) <= now && values.len() < LONGEST
        {
            values.push(current.get() as f32);
        }
        if let Ok(longer) = Series::new(replicas.start(), step, values) {
            *replicas = longer;
        }
    }

    /// What one replica has left for demand.
    pub(super) fn useful(&self) -> PerReplica {
        let per = self.load.per_replica;
        let cost = self.response.and_then(|r| r.overhead()).filter(|_| self.replicas.is_some());
        cost.and_then(|cost| PerReplica::new(per.get() - cost)).unwrap_or(per)
    }

    /// Learns if it is due, else gives the models the new samples. Milliseconds of computing: not for an async thread.
    ///
    /// Samples of a known event that goes on are learned as what they would be without it.
    pub(super) fn learn(&mut self, now: DateTime<Utc>, how: &Learning, every: TimeDelta, going_on: &[Occurrence]) {
        let Some(series) = self.history.series() else { return };
        let cost = self.response.and_then(|r| r.overhead()).zip(self.replicas.as_ref());
        let demand = cost.map(|(cost, replicas)| without_overhead(series, replicas, cost));
        let series = demand.as_ref().unwrap_or(series);
        let usual = (!going_on.is_empty()).then(|| usual(series, going_on));
        self.study.look(now, usual.as_ref().unwrap_or(series), how, every);
    }
}

/// The known events that matter for a study: in the history, and as far ahead as is forecast.
pub(super) fn events(settings: &Settings, config: &Config, now: DateTime<Utc>) -> Vec<Occurrence> {
    occurrences(&settings.events, now - config.defaults.history.get(), now + TimeDelta::hours(50))
}

/// How a workload's load is to be learned, by its settings and the configuration.
pub(super) fn learning(
    settings: &Settings,
    config: &Config,
    (now, lead): (DateTime<Utc>, TimeDelta),
    events: &[Occurrence],
) -> Learning {
    let mut how = settings.learning(lead, now - config.defaults.history.get(), now);
    how.excluded.extend(over(events, now));
    how
}
