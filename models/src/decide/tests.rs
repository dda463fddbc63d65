//! One decision at a time: each guard rail by a table of situations.
#![allow(clippy::unwrap_used)]

mod rails;
mod scheduled;
mod until;

use super::*;
use crate::budget::Grant;
use crate::plan::FloorPlan;
use crate::policy::{Directive, Policy};
use crate::schedule::Opening;
use crate::target::Target;
use crate::testing::{evidence, n, plan, time};
use chrono::TimeDelta;

/// A situation that owns what it refers to; `time(0)`, plan of constant need for 24 h unless changed.
struct Case {
    target: Target,
    policy: Policy,
    plan: Option<FloorPlan>,
    openings: Vec<Opening>,
    evidence: Evidence,
    directive: Directive,
    memory: Memory,
    grant: Grant,
}

impl Case {
    fn new(target: Target, need: u32) -> Self {
        Self {
            target,
            policy: Policy::live(),
            plan: plan(time(0), &[need; 288]),
            openings: Vec::new(),
            evidence: evidence(),
            directive: Directive::Run,
            memory: Memory::default(),
            grant: Grant::UNLIMITED,
        }
    }

    fn needs(mut self, needs: &[u32]) -> Self {
        self.plan = plan(time(0), needs);
        self
    }

    /// Remembers a need of the past, as a daemon that has run all the while does.
    fn remembers(mut self, minutes_ago: i64, need: u32) -> Self {
        self.memory = self.memory.of(&self.target, time(-minutes_ago));
        self.memory.needs.push(time(-minutes_ago), n(need));
        self
    }

    fn situation(&self) -> Situation<'_> {
        Situation {
            now: time(0),
            target: &self.target,
            policy: &self.policy,
            plan: self.plan.as_ref(),
            openings: &self.openings,
            evidence: &self.evidence,
            directive: self.directive,
            lead: TimeDelta::minutes(5),
        }
    }

    fn propose(&self) -> Proposal {
        propose(&self.situation(), &self.memory)
    }

    fn decide(&self) -> Decision {
        let proposal = self.propose();
        finish(&self.situation(), proposal, self.grant, self.memory.clone()).0
    }

    /// The floor (0: none) and the state.
    fn outcome(&self) -> (u32, State) {
        let decision = self.decide();
        (decision.floor.map_or(0, Replicas::get), decision.state)
    }

    fn words(&self) -> Vec<&'static str> {
        self.decide().reasons.iter().map(Reason::as_str).collect()
    }
}
