//! What the daemon knows of one workload between two ticks. Everything here can be rebuilt from the HPA's annotations and
//! Prometheus: a restart loses nothing that matters.

use super::{judge::Bench, study::Study};
use crate::{
    annotations::{OptIn, Settings},
    http::api,
    kubernetes::Workload,
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    agenda::Agenda,
    decide::{Decision, Evidence, Memory, Reason, State},
    lead_time::{Lead, LeadTimes},
    policy::{Mode, Policy},
    schedule::Ahead,
    target::Hold,
};
use std::{collections::VecDeque, fmt, sync::Arc};

/// Decisions that changed something, kept for `explain`.
const CHANGES: usize = 20;
/// The replicas of the last 12 hours are kept, of every five minutes the highest count.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(5);
/// 12 h of 12 intervals each, and the one that goes on.
const SEEN: usize = 12 * 12 + 1;

/// Identifies a workload: its HPA. Cheap to clone: every tick makes claims on the budgets by it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Namespace of the HPA.
    pub namespace: Arc<str>,
    /// Name of the HPA.
    pub hpa: Arc<str>,
}

impl Key {
    /// The key of an observed workload.
    pub fn of(workload: &Workload) -> Self {
        Self { namespace: workload.namespace.as_str().into(), hpa: workload.hpa.as_str().into() }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.hpa)
    }
}

/// One workload between ticks.
pub(super) struct Entry {
    /// As last observed.
    pub(super) workload: Arc<Workload>,
    /// What its annotations and the configuration ask; read again when either changes.
    pub(super) opt_in: OptIn,
    /// The last settings that were right, for a floor that is held while an annotation is wrong.
    pub(super) last_good: Option<Settings>,
    /// What has been learned.
    pub(super) study: Study,
    /// When the windows of its schedule open.
    pub(super) agenda: Agenda,
    /// State of the decisions.
    pub(super) memory: Memory,
    /// From written floors to ready pods.
    pub(super) lead_times: LeadTimes,
    /// When ownership that was left behind was last tried to be removed.
    pub(super) disowned_at: Option<DateTime<Utc>>,
    /// The last outcome.
    pub(super) last: Option<Outcome>,
    /// The outcome before it.
    pub(super) before: Option<Outcome>,
    /// As last published; made anew when what it shows has changed.
    pub(super) shown: Option<Shown>,
    /// Replicas of the last hours.
    pub(super) recent: api::Counts,
    /// Changes, newest first.
    pub(super) changes: VecDeque<api::Shared<api::Change>>,
}

/// A workload as it is published, and how long the plan's view of now stays true.
pub(super) struct Shown {
    pub(super) view: Arc<api::Workload>,
    pub(super) until: DateTime<Utc>,
}

/// What a tick made of one workload.
pub(super) struct Outcome {
    /// When.
    pub(super) at: DateTime<Utc>,
    /// What should stand.
    pub(super) decision: Decision,
    /// Its lead time.
    pub(super) lead: Lead,
    /// The state, the protocol's word included.
    pub(super) state: State,
    /// Reasons, the protocol's included.
    pub(super) reasons: Vec<Reason>,
}

impl Outcome {
    /// Whether people are shown the same. When a floor that nobody needs would end and by when it would have to stand both move
    /// with every tick, and no view shows them.
    fn is_like(&self, other: &Self) -> bool {
        let (ours, theirs) = (&self.decision, &other.decision);
        let same_floor = ours.floor == theirs.floor && (ours.floor.is_none() || ours.until == theirs.until);
        same_floor
            && ours.base == theirs.base
            && self.lead == other.lead
            && self.state == other.state
            && self.reasons == other.reasons
    }
}

impl Entry {
    /// A workload seen for the first time.
    pub(super) fn new(workload: Arc<Workload>, opt_in: OptIn) -> Self {
        let mut entry = Self {
            workload,
            last_good: None,
            study: Study::default(),
            agenda: Agenda::default(),
            memory: Memory::default(),
            lead_times: LeadTimes::default(),
            disowned_at: None,
            last: None,
            before: None,
            shown: None,
            recent: api::Counts::default(),
            changes: VecDeque::new(),
            opt_in,
        };
        entry.remember_settings();
        entry
    }

    /// Keeps right settings for the time when they are wrong.
    pub(super) fn remember_settings(&mut self) {
        if let Ok(settings) = &self.opt_in.settings {
            self.last_good = Some(settings.clone());
        }
    }

    /// Whether a tick has anything to decide: somebody opted in, or marks of ours stand on the object.
    pub(super) fn concerns_us(&self) -> bool {
        self.opt_in.wanted() || self.workload.target.hold != Hold::Free
    }

    /// Whether its load is worth asking for.
    pub(super) fn wants_study(&self) -> bool {
        self.opt_in.effective_mode() != Mode::Off && self.workload.refusals.is_empty()
    }

    /// The settings in force: the right ones, or the last right ones.
    pub(super) fn settings(&self) -> Option<&Settings> {
        self.opt_in.settings.as_ref().ok().or(self.last_good.as_ref())
    }

    /// The policy to decide by. A refused workload is handed back; one with a wrong annotation keeps the last good
    /// policy, and without a plan it only holds until its `until`. `fallback` is the policy without any annotation.
    pub(super) fn policy(&self, fallback: &Policy) -> Policy {
        let mut policy = self.settings().map_or_else(|| fallback.clone(), |s| s.policy.clone());
        if !self.workload.refusals.is_empty() {
            policy.mode = Mode::Off;
        } else if self.opt_in.settings.is_err() && self.last_good.is_none() {
            policy.mode = match self.workload.target.hold {
                Hold::Free => Mode::Shadow,
                _ => Mode::Live,
            };
        }
        policy
    }

    /// Whether plan and schedule may be acted on: not while an annotation is wrong.
    pub(super) fn plan_counts(&self) -> bool {
        self.opt_in.settings.is_ok() && self.workload.refusals.is_empty()
    }

    /// What lies ahead by forecast and by schedule, with this lead time.
    pub(super) fn ahead(&self, lead: TimeDelta) -> Ahead<'_> {
        let counts = self.plan_counts();
        let openings = if counts { self.agenda.openings() } else { &[] };
        Ahead { plan: self.study.plan().filter(|_| counts), openings, lead }
    }

    /// What speaks for and against the plan.
    pub(super) fn evidence(&self, bench: &Bench<'_>, lead: TimeDelta) -> Evidence {
        Evidence {
            newest_sample: self.study.newest(),
            step: bench.step,
            distrust: self.study.distrust(),
            own_wish: self.study.own_wish(self.workload.target.current, bench.tolerance),
            most_needed: self.study.most_needed(),
            event: self.agenda.event(bench.now, lead),
            derivation: self.study.derivation(),
        }
    }

    /// Notes the replicas that there are now.
    pub(super) fn see(&mut self, now: DateTime<Utc>) {
        let current = self.workload.target.current.get();
        if let Some(recent) = self.recent.with(now, current, SEEN_EVERY, SEEN) {
            self.recent = recent;
            self.shown = None;
        }
    }

    /// Keeps the outcome of a tick, and the one before it.
    pub(super) fn conclude(&mut self, outcome: Outcome) {
        if !self.last.as_ref().is_some_and(|last| last.is_like(&outcome)) {
            self.shown = None;
        }
        self.before = self.last.replace(outcome);
    }

    /// Keeps a change for `explain`.
    pub(super) fn changed(&mut self, change: api::Change) {
        self.shown = None;
        self.changes.push_front(change.into());
        self.changes.truncate(CHANGES);
    }
}
