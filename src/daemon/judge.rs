//! Propose, allocate the budgets over all proposals, finish: what should stand on every HPA. Synchronous and total.

use super::{
    entry::{Entry, Key},
    roster::Entries,
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    budget::{self, BudgetMemory, Claim, Limits},
    decide::{self, Decision, Evidence, Memory, Proposal, Situation},
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
    pub(super) key: Key,
    pub(super) policy: Policy,
    pub(super) decision: Decision,
    pub(super) lead: Lead,
}

/// Decides for every workload that opted in or still carries marks of ours.
pub(super) fn judge(
    bench: &Bench<'_>,
    entries: &mut Entries,
    budgets: &mut BudgetMemory,
    directive: impl Fn(&Entry) -> Directive,
) -> Vec<Judged> {
    let drafts: Vec<Draft> = entries
        .iter_mut()
        .filter(|(_, entry)| entry.concerns_us())
        .map(|(key, entry)| {
            let asked = directive(entry);
            Draft::of(bench, key, entry, asked)
        })
        .collect();
    let (proposals, claims): (Vec<_>, Vec<_>) = drafts.iter().map(|draft| draft.propose(bench.now, entries)).unzip();
    let grants = budget::allocate(bench.now, &claims, bench.limits, budgets);
    drafts
        .into_iter()
        .zip(proposals)
        .zip(grants)
        .map(|((draft, proposal), grant)| draft.finish(bench.now, entries, proposal, grant))
        .collect()
}

/// One workload between proposal and decision.
struct Draft {
    key: Key,
    policy: Policy,
    evidence: Evidence,
    directive: Directive,
    lead: Lead,
    memory: Memory,
}

impl Draft {
    fn of(bench: &Bench<'_>, key: &Key, entry: &mut Entry, directive: Directive) -> Self {
        let policy = entry.policy(bench.fallback);
        let lead = entry.lead_times.lead(policy.lead, bench.hpa_period).seen_late(entry.study.late());
        let events = entry.settings().map(|settings| Arc::clone(&settings.events)).unwrap_or_default();
        entry.agenda.renew(bench.now, &policy.schedule, &events);
        Self {
            key: key.clone(),
            evidence: entry.evidence(bench, lead.value),
            memory: std::mem::take(&mut entry.memory),
            directive,
            policy,
            lead,
        }
    }

    fn situation<'a>(&'a self, now: DateTime<Utc>, entry: &'a Entry) -> Situation<'a> {
        let ahead = entry.ahead(self.lead.value);
        Situation {
            now,
            target: &entry.workload.target,
            policy: &self.policy,
            plan: ahead.plan,
            openings: ahead.openings,
            evidence: self.evidence.clone(),
            directive: self.directive,
            lead: self.lead.value,
        }
    }

    fn propose(&self, now: DateTime<Utc>, entries: &Entries) -> (Proposal, Claim) {
        let proposal = decide::propose(&self.situation(now, &entries[&self.key]), &self.memory);
        let claim = proposal.claim(&self.key.namespace, &self.key.to_string());
        (proposal, claim)
    }

    fn finish(mut self, now: DateTime<Utc>, entries: &mut Entries, proposal: Proposal, grant: budget::Grant) -> Judged {
        let memory = std::mem::take(&mut self.memory);
        let (decision, memory) = decide::finish(&self.situation(now, &entries[&self.key]), proposal, grant, memory);
        if let Some(entry) = entries.get_mut(&self.key) {
            entry.memory = memory;
        }
        Judged { key: self.key, policy: self.policy, decision, lead: self.lead }
    }
}
