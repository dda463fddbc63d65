//! The world of one history: the object, its load, its people and tools, and our daemon.

use super::super::model::Object;
use super::super::{Action, Next, Reply, after, next};
use crate::budget::{BudgetMemory, Limits, allocate};
use crate::decide::{Decision, Evidence, Memory, Situation, finish, propose};
use crate::plan::FloorPlan;
use crate::policy::{Directive, Policy};
use crate::target::Target;
use crate::testing::{evidence, identity, n, plan, time};
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// One thing that happens between two ticks.
#[derive(Clone, Debug)]
pub(super) enum Event {
    /// Nothing.
    Quiet,
    /// The forecast changes: needs of the coming 5-minute steps, repeated to the horizon.
    Plan(Vec<u32>),
    /// What the HPA itself wants.
    Wish(u32),
    /// A person or a pipeline sets another `minReplicas`.
    Edit(u32),
    /// A client-side applier sets the base back.
    Revert,
    /// An applier (Argo CD) applies the live value that it read so many ticks ago, by force.
    Copy(usize),
    /// Somebody changes `maxReplicas`, if the API server lets him.
    Max(u32),
    /// The user caps the floor, or lets it go.
    Cap(Option<u32>),
    /// Deleted and created again.
    Recreate,
    /// A status write.
    Touch,
    /// Samples stop or come back.
    Samples(bool),
    /// The forecast loses or regains trust.
    Trust(bool),
    /// The kill switch.
    Directive(Directive),
    /// The daemon restarts with nothing in memory.
    Restart,
    /// The watch shows what was so many ticks ago.
    Lag(usize),
    /// The next write is answered so instead, and not done.
    Fault(Reply),
    /// Time passes: so many ticks.
    Wait(usize),
}

/// What a tick did.
#[derive(Clone, Debug)]
pub(super) struct Tick {
    pub(super) now: DateTime<Utc>,
    pub(super) seen: Target,
    pub(super) decision: Decision,
    pub(super) next: Next,
    pub(super) reply: Reply,
    pub(super) stale: bool,
    pub(super) trusted: bool,
    pub(super) directive: Directive,
    /// The user's own floor at that moment.
    pub(super) truth: Replicas,
    /// The user's cap at that moment.
    pub(super) cap: Option<Replicas>,
}

/// Everything.
pub(super) struct World {
    pub(super) now: DateTime<Utc>,
    pub(super) object: Object,
    pub(super) policy: Policy,
    pub(super) evidence: Evidence,
    pub(super) directive: Directive,
    pub(super) needs: Vec<u32>,
    pub(super) memory: Memory,
    budget: BudgetMemory,
    pub(super) limits: Limits,
    /// The user's own floor, as a person would name it.
    pub(super) truth: Replicas,
    pub(super) floors: Vec<Replicas>,
    past: Vec<Replicas>,
    fault: Option<Reply>,
    stale: bool,
    lag: usize,
    views: Vec<Target>,
    made: Option<(i64, Vec<u32>, Option<FloorPlan>)>,
    pub(super) ticks: Vec<Tick>,
}

pub(super) const TICK: TimeDelta = TimeDelta::seconds(30);

impl World {
    pub(super) fn new() -> Self {
        Self {
            now: time(0),
            object: Object::new(3, 50),
            policy: Policy::live(),
            evidence: evidence(),
            directive: Directive::Run,
            needs: vec![3],
            memory: Memory::default(),
            budget: BudgetMemory::default(),
            limits: Limits::default(),
            truth: n(3),
            floors: vec![],
            past: vec![],
            fault: None,
            stale: false,
            lag: 0,
            views: vec![],
            made: None,
            ticks: vec![],
        }
    }

    /// The plan as the forecast of this moment makes it: on the 5-minute grid, 24 h ahead, the needs in a circle.
    fn plan(&mut self) -> Option<FloorPlan> {
        let step = (self.now - time(0)).num_minutes().div_euclid(5);
        if let Some((made, needs, plan)) = &self.made
            && (*made, needs) == (step, &self.needs)
        {
            return plan.clone();
        }
        let at = |i: i64| self.needs[usize::try_from(step + i).unwrap_or(0) % self.needs.len()];
        let needs: Vec<u32> = (0..288).map(at).collect();
        let plan = plan(time(5 * step), &needs);
        self.made = Some((step, self.needs.clone(), plan.clone()));
        plan
    }

    pub(super) fn run(&mut self, events: &[Event]) {
        for event in events {
            self.happen(event);
            self.tick();
        }
    }

    pub(super) fn wait(&mut self, ticks: usize) {
        (0..ticks).for_each(|_| self.tick());
    }

    fn happen(&mut self, event: &Event) {
        match event {
            Event::Plan(needs) => self.needs.clone_from(needs),
            Event::Wish(wish) => self.evidence.own_wish = Some(n(*wish)),
            Event::Edit(value) => self.edit(n(*value)),
            Event::Revert => {
                self.object.update("kubectl", self.truth);
            }
            Event::Copy(ago) => self.copy(*ago),
            Event::Max(max) if n(*max) >= self.object.min && n(*max) > self.truth => {
                self.object.max = n(*max);
                self.object.touch();
            }
            Event::Max(_) | Event::Quiet => {}
            Event::Cap(cap) => self.policy.max_floor = cap.map(n),
            Event::Recreate => self.object.recreate(self.truth),
            Event::Touch => self.object.touch(),
            Event::Samples(there) => self.stale = !there,
            Event::Trust(trusted) => self.evidence.distrust = (!trusted).then(|| "worse than naive".to_owned()),
            Event::Directive(directive) => self.directive = *directive,
            Event::Restart => self.memory = Memory::default(),
            Event::Lag(ticks) => self.lag = *ticks,
            Event::Fault(reply) => self.fault = Some(reply.clone()),
            Event::Wait(ticks) => self.wait(*ticks),
        }
    }

    /// A value equal to one of our floors is by design nobody's opinion, so people here do not choose one.
    fn edit(&mut self, value: Replicas) {
        if !self.floors.contains(&value) && self.object.update("person", value) {
            self.truth = value;
        }
    }

    fn copy(&mut self, ago: usize) {
        let value = self.past.iter().rev().nth(ago).copied().unwrap_or(self.object.min);
        let _ = self.object.apply("argo", value, true);
    }

    /// One tick of the daemon and one sync of the HPA.
    pub(super) fn tick(&mut self) {
        self.past.push(self.object.min);
        self.now += TICK;
        if !self.stale {
            self.evidence.newest_sample = Some(self.now - TimeDelta::minutes(1));
        }
        self.views.push(self.object.observed());
        let seen = self.views[self.views.len().saturating_sub(1 + self.lag)].clone();
        let (decision, next) = self.decide(&seen);
        let reply = match (&next.action, self.fault.take()) {
            (Action::None, fault) => {
                self.fault = fault;
                Reply::NotSent
            }
            (_, Some(fault)) => fault,
            (action, None) => self.object.send(self.now, action),
        };
        // A write whose answer was lost may have been carried out: its floor counts as ours, for the daemon as for people.
        if let (Some(write), Reply::Done { .. } | Reply::Unknown) = (next.action.write(), &reply) {
            self.floors.push(write.held.floor);
        }
        self.memory = after(self.now, &next.action, &reply, std::mem::take(&mut self.memory));
        let (now, directive, trusted) = (self.now, self.directive, self.evidence.distrust.is_none());
        let stale = crate::guard::stale(now, &self.evidence).is_some();
        self.ticks.push(Tick {
            now,
            seen,
            decision,
            next,
            reply,
            stale,
            trusted,
            directive,
            truth: self.truth,
            cap: self.policy.max_floor,
        });
        self.sync();
    }

    fn decide(&mut self, seen: &Target) -> (Decision, Next) {
        let plan = self.plan();
        let situation = Situation {
            now: self.now,
            target: seen,
            policy: &self.policy,
            plan: plan.as_ref(),
            openings: &[],
            evidence: &self.evidence,
            directive: self.directive,
            lead: TimeDelta::minutes(5),
        };
        let memory = std::mem::take(&mut self.memory);
        let proposal = propose(&situation, &memory);
        let claim = proposal.claim("shop".into(), "web".into());
        let grant = allocate(self.now, &[claim], &self.limits, &mut self.budget)[0];
        let (decision, memory) = finish(&situation, proposal, grant, memory);
        let (next, memory) = next(self.now, seen, &decision, &self.policy, &identity(), memory);
        self.memory = memory;
        (decision, next)
    }

    /// The HPA goes where its own wish and its bounds send it.
    fn sync(&mut self) {
        let wish = self.evidence.own_wish.unwrap_or(self.object.current);
        let size = wish.max(self.object.min).min(self.object.max);
        if size != self.object.current {
            self.object.current = size;
            self.object.touch();
        }
    }

    /// Ticks in which something was really written.
    pub(super) fn writes(&self) -> impl Iterator<Item = &Tick> {
        self.ticks.iter().filter(|tick| matches!(tick.reply, Reply::Done { .. }))
    }
}
