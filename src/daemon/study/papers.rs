//! Histories and models of one workload's loads, from run to run.

use crate::{
    config::Config,
    datasource::{Answer, History, ReadError},
    load::{Derived, Load, Refusal},
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    backcast::Verdict,
    backtest::Trust,
    forecast::Choice,
    learn::{Learned, Learning, Unlearnable, learn},
    policy::Policy,
};
use std::{
    ops::Range,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// A model that panicked is not tried again for this long.
const AFTER_PANIC: TimeDelta = TimeDelta::minutes(10);
/// A history that teaches nothing yet is looked at again this often: a day of samples is not there a minute later.
const AFTER_UNLEARNABLE: TimeDelta = TimeDelta::minutes(15);
/// A model that is not trusted is made anew after this long.
const AFTER_DISTRUST: TimeDelta = TimeDelta::hours(1);

/// Everything that a workload's runs share.
#[derive(Default)]
pub(in crate::daemon) struct Papers {
    /// The loads, in the order of the HPA's metrics.
    pub(super) loads: Vec<Paper>,
    /// Metrics of the HPA that give no load.
    pub(super) left_out: Vec<Refusal>,
    /// The pod template they were derived for.
    pub(super) template: Option<u64>,
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
    pub(super) learned: Option<Learned>,
    /// Whether the forecast is worth a floor, judged at each learning with the verdict that stood before.
    pub(super) trust: Option<Trust>,
    /// Why they teach nothing.
    pub(super) unlearnable: Option<Unlearnable>,
    /// Why the last question was not answered.
    pub(super) unread: Option<ReadError>,
    /// The server's warnings about the last answer.
    pub(super) partial: Option<String>,
    /// Why the query selects nothing, where it never gave a sample.
    pub(super) nothing: Option<String>,
    /// The server's clock less ours, as of the last answer.
    pub(super) skew: Option<TimeDelta>,
    /// When to learn again.
    pub(super) learn_at: Option<DateTime<Utc>>,
    /// The window length that was learned for.
    pub(super) lead: Option<TimeDelta>,
}

impl Papers {
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
            learned: None,
            trust: None,
            unlearnable: None,
            unread: None,
            partial: None,
            nothing: None,
            skew: None,
            learn_at: None,
            lead: None,
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
            Ok(absorbed) if absorbed.disagrees => self.learn_at = None,
            Ok(_) => {}
            Err(error) => self.partial = Some(error.to_string()),
        }
    }

    /// Nothing was ever answered: a typo, a wrong matcher, or a metric that does not exist yet.
    pub(super) fn never_seen(&self) -> bool {
        self.unread.is_none() && self.history.series().is_some_and(|series| series.newest().is_none())
    }

    /// Learns if it is due, else gives the models the new samples. Milliseconds of computing: not for an async thread.
    pub(super) fn learn(&mut self, now: DateTime<Utc>, how: &Learning, every: TimeDelta) {
        let Some(series) = self.history.series() else { return };
        if self.learn_at.is_some_and(|at| now < at) {
            if let Some(learned) = &mut self.learned {
                let from = learned.newest().unwrap_or(series.start());
                let first = series.position(from).unwrap_or(series.len());
                for i in first..series.len() {
                    learned.observe(series.time(i), series.at(series.time(i)));
                }
            }
            self.doubt(now);
            return;
        }
        match catch_unwind(AssertUnwindSafe(|| learn(series, how))) {
            Ok(Ok(learned)) => {
                let before = self.trust.as_ref().map(|trust| trust.trusted);
                self.trust = Some(learned.trust_after(before));
                self.learned = Some(learned);
                self.unlearnable = None;
                self.lead = Some(how.lead);
                self.learn_at = Some(now + every);
                self.doubt(now);
            }
            Ok(Err(why)) => {
                self.learned = None;
                self.unlearnable = Some(why);
                self.learn_at = Some(now + AFTER_UNLEARNABLE.min(every));
            }
            Err(_) => {
                let why = "it panicked; this is a bug of floorcast, please report it".to_owned();
                self.learned = None;
                self.unlearnable = Some(Unlearnable::Model { model: how.model.as_str(), why });
                self.learn_at = Some(now + AFTER_PANIC.min(every));
            }
        }
    }
}

impl Paper {
    /// Distrust is looked into again soon: a bad day that is over must not keep floors away until the next daily learning.
    fn doubt(&mut self, now: DateTime<Utc>) {
        if self.learned.as_ref().is_some_and(|learned| !learned.trust().trusted) {
            let soon = now + AFTER_DISTRUST;
            self.learn_at = self.learn_at.map(|at| at.min(soon));
        }
    }
}

/// How a workload's load is to be learned, by its policy and the configuration.
pub(super) fn learning(policy: &Policy, config: &Config, namespace: &str, lead: TimeDelta) -> Learning {
    let excluded: Vec<Range<DateTime<Utc>>> =
        config.exclude.iter().filter(|e| e.concerns(namespace)).map(|e| e.from..e.to).collect();
    Learning {
        // The annotation was checked when it was read.
        model: policy.model.parse::<Choice>().unwrap_or_default(),
        quantile: policy.quantile,
        lead,
        zone: policy.zone,
        horizon: TimeDelta::hours(24) + lead,
        excluded,
    }
}
