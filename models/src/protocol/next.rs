//! From a decision to the one write that carries it out.

use super::{Action, Identity, Next, Stance, Urgency, Write, stance};
use crate::decide::{Barrier, Decision, Memory, Reason, State};
use crate::policy::{Mode, Policy};
use crate::target::{Held, Hold, Target};
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// Reverts closer together than this belong to one fight; five deploys a day do not (`hpa.md` 3.3).
const FIGHT: TimeDelta = TimeDelta::minutes(10);
/// So many reverts in a row are a fight lost.
const ROUNDS: usize = 5;
/// After a lost fight, one attempt an hour.
const TRUCE: TimeDelta = TimeDelta::hours(1);
/// A copy of our floor that shows up so soon after we gave it back is an applier's race, and is put right.
const RACE: TimeDelta = TimeDelta::minutes(10);

/// What is to be written now, if anything. Pure: the same arguments give the same action.
pub fn next(
    now: DateTime<Utc>,
    target: &Target,
    decision: &Decision,
    policy: &Policy,
    identity: &Identity,
    memory: Memory,
) -> (Next, Memory) {
    let mut memory = memory.of(target, now);
    let scene = Scene { now, target, decision, policy, identity };
    let mut next = scene.withheld(&mut memory).unwrap_or_else(|| scene.act(&mut memory));
    if next.action == Action::None {
        next.urgency = Urgency::Idle;
    }
    memory.seen = Some((target.resource_version.clone(), target.min));
    (next, memory)
}

struct Scene<'a> {
    now: DateTime<Utc>,
    target: &'a Target,
    decision: &'a Decision,
    policy: &'a Policy,
    identity: &'a Identity,
}

impl Scene<'_> {
    fn idle(state: State, reason: Option<Reason>) -> Next {
        Next { action: Action::None, urgency: Urgency::Idle, state, reasons: reason.into_iter().collect() }
    }

    fn send(action: Action, urgency: Urgency, state: State, reason: Option<Reason>) -> Next {
        Next { action, urgency, state, reasons: reason.into_iter().collect() }
    }

    /// Everything that forbids a write, whatever was decided.
    fn withheld(&self, memory: &mut Memory) -> Option<Next> {
        if self.decision.state == State::Frozen {
            return Some(Self::idle(State::Frozen, None));
        }
        if let Hold::Newer { .. } = self.target.hold {
            return Some(Self::idle(State::Superseded, None));
        }
        if let Hold::Held(held) = &self.target.hold
            && let Some(next) = self.somebody_elses(held)
        {
            return Some(next);
        }
        if awaiting(self.now, self.target, memory) {
            return Some(Self::idle(self.decision.state, Some(Reason::AwaitingOwnWrite)));
        }
        let refusal = memory.refused.as_ref().filter(|refusal| refusal.until > self.now)?;
        let reason = Reason::WriteRefused { until: refusal.until, why: refusal.why.clone() };
        Some(Self::idle(State::Refused, Some(reason)))
    }

    /// Another installation's floor binds us until its `until`; a later epoch of our own lease always does.
    /// Our own namespace's lease with a new UID is ours: a Lease deleted and recreated locks nobody out (`decisions.md` 4).
    fn somebody_elses(&self, held: &Held) -> Option<Next> {
        if held.holder.namespace != self.identity.holder.namespace {
            let reason = Reason::ForeignHolder { namespace: held.holder.namespace.clone(), until: held.until };
            return (held.until > self.now).then(|| Self::idle(State::Foreign, Some(reason)));
        }
        let same_lease = held.holder.lease_uid == self.identity.holder.lease_uid;
        (same_lease && held.epoch > self.identity.epoch).then(|| {
            let reason = Reason::NewerEpoch { found: held.epoch, ours: self.identity.epoch };
            Self::idle(State::Superseded, Some(reason))
        })
    }

    fn act(&self, memory: &mut Memory) -> Next {
        let wanted = self.decision.floor.filter(|_| self.policy.mode == Mode::Live);
        let state = self.decision.state;
        let stance = stance(self.now, self.target, self.policy, memory);
        match (stance, wanted) {
            (Stance::Newer { .. }, _) => Self::idle(State::Superseded, None),
            (Stance::Damaged { base: Some(base), .. }, _)
            | (Stance::Reverted { base } | Stance::Holding { base, .. }, None) => self.give_back(base, state, None),
            (Stance::Damaged { base: None, .. }, _) => Self::idle(State::Damaged, None),
            (Stance::Opinion { value, floor }, _) => self.respect(memory, value, floor),
            (Stance::Free { base, copied: true }, None) if raced(self.now, memory) => {
                self.fought(memory, base).unwrap_or_else(|| self.give_back(base, state, None))
            }
            (Stance::Free { .. }, None) => Self::idle(state, None),
            (Stance::Free { base, .. }, Some(floor)) => self.acquire(self.body(memory, base, floor), None),
            (Stance::Reverted { base }, Some(floor)) => {
                let body = self.body(memory, base, floor);
                self.fought(memory, base).unwrap_or_else(|| self.acquire(body, Some(self.reverted(memory))))
            }
            (Stance::Holding { base, .. }, Some(floor)) => self.hold(memory, base, floor),
        }
    }

    fn hold(&self, memory: &mut Memory, base: Replicas, floor: Replicas) -> Next {
        memory.counted = false;
        self.make_peace(memory);
        let body = self.body(memory, base, floor);
        if let Hold::Held(held) = &self.target.hold
            && (held.base, held.floor, held.until) == (body.base, body.floor, body.until)
        {
            return Self::idle(self.decision.state, None);
        }
        // A co-owner of our value (an applier that copied it) would answer an unforced change with 409 (`decisions.md` 2).
        if memory.force || !self.target.owners.is_empty() {
            return self.acquire(body, None);
        }
        let urgency = self.urgency(floor);
        let write = Write { uid: self.target.uid.clone(), held: body };
        Self::send(Action::Hold { write }, urgency, self.decision.state, None)
    }

    fn acquire(&self, held: Held, reason: Option<Reason>) -> Next {
        let urgency = self.urgency(held.floor);
        let write = Write { uid: self.target.uid.clone(), held };
        let action = Action::Acquire { write, resource_version: self.target.resource_version.clone() };
        Self::send(action, urgency, self.decision.state, reason)
    }

    fn urgency(&self, floor: Replicas) -> Urgency {
        if floor > self.target.min { Urgency::Raise { deadline: self.decision.deadline } } else { Urgency::Lower }
    }

    /// The annotations to be: `floor-before` keeps the floor that this write replaces, so that it is never taken for an opinion.
    fn body(&self, memory: &Memory, base: Replicas, floor: Replicas) -> Held {
        let floor_before = match &self.target.hold {
            Hold::Held(held) if held.floor == floor => held.floor_before,
            Hold::Held(held) => Some(held.floor),
            _ => memory.floors.last().map(|(_, last)| *last).filter(|last| memory.wrote(self.now, *last)),
        };
        Held {
            base,
            floor,
            floor_before: floor_before.filter(|before| *before != floor && *before != base),
            until: self.decision.until,
            holder: self.identity.holder.clone(),
            epoch: self.identity.epoch,
            reason: self.decision.state.as_str().to_owned(),
        }
    }

    /// The base back; where it stands already, or somebody else's value stands on damaged marks, only our marks go.
    ///
    /// Peace that somebody asked for on the object (a command's `released-until`) outlives our own marks.
    fn give_back(&self, base: Replicas, state: State, truce: Option<DateTime<Utc>>) -> Next {
        let released_until = truce.max(self.target.released_until.filter(|until| *until > self.now));
        let Target { uid, resource_version, min, max, .. } = self.target;
        let (uid, resource_version) = (uid.clone(), resource_version.clone());
        let base = base.min(*max);
        let foreign = matches!(self.target.hold, Hold::Damaged { .. }) && !self.target.ours;
        let action = if *min == base || foreign {
            Action::Clean { uid, resource_version, value: *min, released_until }
        } else {
            Action::GiveBack { uid, resource_version, floor: *min, base, released_until }
        };
        let by_ramp =
            matches!(state, State::Draining | State::Idle | State::Lowering | State::Stale | State::Untrusted);
        let by_ramp = by_ramp && self.policy.mode == Mode::Live;
        Self::send(action, if by_ramp { Urgency::Lower } else { Urgency::Release }, state, None)
    }

    /// A person's or tool's value stays: our marks go. Below our floor it is left in peace for a while, durably on the object.
    fn respect(&self, memory: &mut Memory, value: Replicas, floor: Replicas) -> Next {
        memory.overridden = value < floor;
        let released_until = (value < floor).then(|| self.now + self.policy.respect);
        let Target { uid, resource_version, .. } = self.target;
        let (uid, resource_version) = (uid.clone(), resource_version.clone());
        let action = Action::Clean { uid, resource_version, value, released_until };
        Self::send(action, Urgency::Release, self.decision.state, None)
    }

    /// Counts a revert once; after the fifth less than 10 min apart (or the first of a truce) we step back for an hour.
    fn fought(&self, memory: &mut Memory, base: Replicas) -> Option<Next> {
        if !memory.counted {
            memory.counted = true;
            if memory.reverts.last().is_some_and(|last| self.now - *last >= FIGHT) {
                memory.reverts.clear();
            }
            memory.reverts.push(self.now);
        }
        if memory.reverts.len() < ROUNDS && !memory.contended {
            return None;
        }
        memory.contended = true;
        memory.reverts.clear();
        let until = self.now + TRUCE;
        let next = self.give_back(base, State::Contended, Some(until));
        let reason = Reason::Contended { until, owners: self.rivals(memory) };
        Some(Next { urgency: Urgency::Release, reasons: vec![reason], ..next })
    }

    /// A floor that stood longer than a fight lasts ends the contention.
    fn make_peace(&self, memory: &mut Memory) {
        if self.target.written_at.or(memory.wrote_at).is_some_and(|at| self.now - at >= FIGHT) {
            memory.contended = false;
            memory.reverts.clear();
        }
    }

    fn reverted(&self, memory: &Memory) -> Reason {
        let floor = match &self.target.hold {
            Hold::Held(held) => held.floor,
            _ => self.target.min,
        };
        let times = u32::try_from(memory.reverts.len()).unwrap_or(u32::MAX);
        Reason::Reverted { value: self.target.min, floor, times }
    }

    fn rivals(&self, memory: &Memory) -> String {
        let named = self.target.owners.iter().map(String::as_str).chain(memory.rival.as_deref());
        let mut named: Vec<&str> = named.collect();
        named.sort_unstable();
        named.dedup();
        if named.is_empty() { "unknown field manager".to_owned() } else { named.join(", ") }
    }
}

fn raced(now: DateTime<Utc>, memory: &Memory) -> bool {
    memory.given.is_some_and(|(at, _)| now - at < RACE)
}

/// Our own last write is not yet in what we observe: acting now would act on the past (failure A6).
fn awaiting(now: DateTime<Utc>, target: &Target, memory: &mut Memory) -> bool {
    let Some(barrier) = memory.barrier.take() else { return false };
    let still = now < barrier.until && !passed(&barrier, &target.resource_version);
    if still {
        memory.barrier = Some(barrier);
    }
    still
}

/// Versions are compared as numbers where they are numbers (KEP-5504 makes that official); else any change counts.
fn passed(barrier: &Barrier, version: &str) -> bool {
    let number = |text: &str| text.parse::<u128>().ok();
    match &barrier.wrote {
        Some(wrote) => match (number(wrote), number(version)) {
            (Some(wrote), Some(seen)) => seen >= wrote,
            _ => wrote == version || barrier.seen.as_deref() != Some(version),
        },
        None => barrier.seen.as_deref() != Some(version),
    }
}
