//! floorcast in simulated time: the daemon's own decisions and protocol against the simulated cluster.

use super::{Outlook, Recorded, Wishes, setup::scale_down};
use crate::agenda::Agenda;
use crate::budget::Grant;
use crate::decide::{self, Derivation, Evidence, Memory, Situation};
use crate::events::KnownEvent;
use crate::hpa::{self, Tolerance};
use crate::plan::{Curve, FloorPlan, plan_of};
use crate::policy::{Directive, LeadTime, Mode, Policy};
use crate::protocol::{self, Action, Identity, Reply};
use crate::sim::{Cluster, Workload};
use crate::target::{Hold, Holder, Target};
use crate::units::{Demand, PerReplica};
use chrono::{DateTime, Utc};
use std::ops::Range;
use std::sync::Arc;

/// The daemon beside one workload. Every tick proposes, finishes, asks the protocol for the write and makes it; the API server
/// of the simulation accepts every write.
///
/// Nothing but the budgets over several workloads is left out: there is only one.
#[derive(Debug)]
pub struct Daemon<'a> {
    outlook: &'a Outlook,
    per: PerReplica,
    tolerance: Tolerance,
    policy: Policy,
    events: Arc<[KnownEvent]>,
    agenda: Agenda,
    target: Target,
    memory: Memory,
    identity: Identity,
    /// The look whose plan stands.
    number: Option<usize>,
    plan: Option<FloorPlan>,
    evidence: Evidence,
    dead: Option<Range<DateTime<Utc>>>,
    version: u64,
    writes: u32,
}

impl<'a> Daemon<'a> {
    /// A daemon that has just started.
    pub fn new(outlook: &'a Outlook, workload: &Workload, wishes: &Wishes) -> Self {
        let holder = Holder { namespace: "floorcast".into(), lease_uid: "lease".into(), identity: "replay".into() };
        Self {
            outlook,
            per: workload.per_replica,
            tolerance: workload.spec().tolerance(workload.controller.flags.tolerance, &workload.controller.gates),
            policy: Policy {
                mode: Mode::Live,
                quantile: outlook.quantile(),
                lead: LeadTime::Fixed(outlook.lead()),
                base: None,
                ..wishes.policy.clone()
            },
            events: Arc::clone(&wishes.events),
            agenda: Agenda::default(),
            target: target(workload),
            memory: Memory::default(),
            identity: Identity { holder, epoch: 1 },
            number: None,
            plan: None,
            evidence: Evidence {
                newest_sample: None,
                step: outlook.step(),
                distrust: None,
                own_wish: None,
                most_needed: None,
                event: None,
                derivation: Derivation::Proven,
            },
            dead: None,
            version: 1,
            writes: 0,
        }
    }

    /// Dead for a while: floors stay as they stand, and a successor starts without memory.
    #[must_use]
    pub fn dead_for(self, dead: Range<DateTime<Utc>>) -> Self {
        Self { dead: Some(dead), ..self }
    }

    /// Writes to the HPA so far.
    pub fn writes(&self) -> u32 {
        self.writes
    }

    /// One tick.
    pub fn tick(&mut self, cluster: &mut Cluster<Recorded>) {
        let now = cluster.now();
        if let Some(dead) = self.dead.as_ref().filter(|dead| dead.start <= now) {
            if now < dead.end {
                return;
            }
            (self.memory, self.dead) = (Memory::default(), None);
        }
        self.observe(now, cluster);
        let memory = std::mem::take(&mut self.memory);
        let situation = Situation {
            now,
            target: &self.target,
            policy: &self.policy,
            plan: self.plan.as_ref(),
            openings: self.agenda.openings(),
            evidence: &self.evidence,
            directive: Directive::Run,
            lead: self.outlook.lead(),
        };
        let proposal = decide::propose(&situation, &memory);
        let (decision, memory) = decide::finish(&situation, proposal, Grant::UNLIMITED, memory);
        let (next, memory) = protocol::next(now, &self.target, &decision, &self.policy, &self.identity, memory);
        self.memory = memory;
        if next.action != Action::None {
            self.write(now, &next.action, cluster);
        }
    }

    /// Looks at the cluster and at the newest look.
    fn observe(&mut self, now: DateTime<Utc>, cluster: &Cluster<Recorded>) {
        self.target.current = cluster.current();
        self.target.ready = Some(cluster.ready());
        self.target.desired = cluster.current();
        self.agenda.renew(now, &self.policy.schedule, &self.events);
        self.evidence.event = self.agenda.event(now, self.outlook.lead());
        let number = self.outlook.number(now);
        if number != self.number {
            self.number = number;
            self.study();
        }
        let load = self.number.and_then(|n| self.outlook.look(n).load);
        self.evidence.own_wish = load.map(|load| hpa::wish(load, self.per, self.target.current, self.tolerance));
    }

    fn study(&mut self) {
        let Some(look) = self.number.map(|n| self.outlook.look(n)) else { return };
        let (upper, step) = (self.outlook.curve(look), self.outlook.step());
        let per = self.tolerance.accepted(self.per);
        self.plan = plan_of(&[Curve { origin: look.origin, step, upper, per }]);
        self.evidence.newest_sample = look.newest;
        self.evidence.distrust.clone_from(&look.distrust);
        let most = look.most_seen.and_then(Demand::new);
        self.evidence.most_needed = most.map(|demand| crate::capacity::replicas_for(demand, self.per));
    }

    fn write(&mut self, now: DateTime<Utc>, action: &Action, cluster: &mut Cluster<Recorded>) {
        self.version += 1;
        self.writes += 1;
        match action {
            Action::Acquire { write, .. } | Action::Hold { write } => {
                self.target.min = write.held.floor;
                self.target.hold = Hold::Held(write.held.clone());
                (self.target.ours, self.target.written_at) = (true, Some(now));
            }
            Action::GiveBack { base: value, released_until, .. } | Action::Clean { value, released_until, .. } => {
                self.target.min = *value;
                self.target.hold = Hold::Free;
                (self.target.ours, self.target.written_at) = (false, None);
                self.target.released_until = *released_until;
            }
            Action::None => {}
        }
        cluster.set_min_replicas(self.target.min);
        self.target.resource_version = self.version.to_string();
        let reply = Reply::Done { resource_version: self.target.resource_version.clone() };
        let memory = std::mem::take(&mut self.memory);
        self.memory = protocol::after(now, action, &reply, memory);
    }
}

/// The HPA as the daemon would observe it, before anything happened.
fn target(workload: &Workload) -> Target {
    Target { scale_down: scale_down(workload), ..Target::at_rest("replayed", "1", workload.min, workload.max) }
}
