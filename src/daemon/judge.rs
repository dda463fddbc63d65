//! Propose, allocate the budgets over all proposals, finish: what should stand on every HPA. Synchronous and total.

use super::{
    entry::{Entry, Key},
    roster::{Entries, concerned},
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    budget::{self, BudgetMemory, Claim, Limits},
    decide::{self, Decision, Evidence, Proposal, Situation},
    hpa::Tolerance,
    lead_time::Lead,
    policy::{Directive, Policy},
};
use std::sync::Arc;

/// What is the same for every workload of one tick.
pub(super) struct Bench<'a> {
    pub(super) now: DateTime<Utc>,
    pub(super) step: TimeDelta,
    pub(super) tolerance: Tolerance,
    pub(super) hpa_period: TimeDelta,
    pub(super) limits: &'a Limits,
    pub(super) fallback: &'a Policy,
}

/// One workload's part of a tick: what was decided, by which policy and with which lead time.
pub(super) struct Judged {
    pub(super) policy: Policy,
    pub(super) decision: Decision,
    pub(super) lead: Lead,
}

/// Decides for every workload that opted in or still carries marks of ours, in the order of [`concerned`].
pub(super) fn judge(
    bench: &Bench<'_>,
    entries: &mut Entries,
    budgets: &mut BudgetMemory,
    directive: impl Fn(&Entry) -> Directive,
) -> Vec<Judged> {
    let drafts: Vec<Draft<'_>> = concerned(entries)
        .map(|(key, entry)| {
            let asked = directive(entry);
            Draft::of(bench, key, entry, asked)
        })
        .collect();
    let (proposals, claims): (Vec<_>, Vec<_>) = drafts.iter().map(|draft| draft.propose(bench.now)).unzip();
    let grants = budget::allocate(bench.now, &claims, bench.limits, budgets);
    let granted = drafts.into_iter().zip(proposals).zip(grants);
    granted.map(|((draft, proposal), grant)| draft.finish(bench.now, proposal, grant)).collect()
}

/// One workload between proposal and decision.
struct Draft<'a> {
    key: &'a Key,
    entry: &'a mut Entry,
    policy: Policy,
    evidence: Evidence,
    directive: Directive,
    lead: Lead,
}

impl<'a> Draft<'a> {
    fn of(bench: &Bench<'_>, key: &'a Key, entry: &'a mut Entry, directive: Directive) -> Self {
        let policy = entry.policy(bench.fallback);
        let lead = entry.lead_times.lead(policy.lead, bench.hpa_period).seen_late(entry.study.late());
        let events = entry.settings().map(|settings| Arc::clone(&settings.events)).unwrap_or_default();
        entry.agenda.renew(bench.now, &policy.schedule, &events);
        let evidence = entry.evidence(bench, lead.value);
        Self { key, entry, policy, evidence, directive, lead }
    }

    fn situation(&self, now: DateTime<Utc>) -> Situation<'_> {
        let ahead = self.entry.ahead(self.lead.value);
        Situation {
            now,
            target: &self.entry.workload.target,
            policy: &self.policy,
            plan: ahead.plan,
            openings: ahead.openings,
            evidence: &self.evidence,
            directive: self.directive,
            lead: self.lead.value,
        }
    }

    fn propose(&self, now: DateTime<Utc>) -> (Proposal, Claim) {
        let proposal = decide::propose(&self.situation(now), &self.entry.memory);
        let claim = proposal.claim(Arc::clone(&self.key.namespace), Arc::clone(&self.key.hpa));
        (proposal, claim)
    }

    fn finish(self, now: DateTime<Utc>, proposal: Proposal, grant: budget::Grant) -> Judged {
        let memory = std::mem::take(&mut self.entry.memory);
        let (decision, memory) = decide::finish(&self.situation(now), proposal, grant, memory);
        self.entry.memory = memory;
        Judged { policy: self.policy, decision, lead: self.lead }
    }
}
