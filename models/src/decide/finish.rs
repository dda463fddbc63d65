//! From a proposal and its grant to the decision: runaway limit, raise or lower, bounds, `until`.

use super::propose::there;
use super::{Course, Decision, Limit, Memory, Proposal, Reason, Situation, State};
use crate::budget::Grant;
use crate::guard::{Lowering, band, binds, ramp_step};
use crate::policy::Mode;
use crate::target::Hold;
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// The decision, once the budgets have granted their part. Total: never an error, never above the bounds.
pub fn finish(situation: &Situation<'_>, proposal: Proposal, grant: Grant, memory: Memory) -> (Decision, Memory) {
    let now = situation.now;
    let mut memory = memory.of(situation.target, now);
    if let (Hold::Held(held), Some(floor)) = (&situation.target.hold, proposal.held) {
        memory.seed(now, held, floor);
    }
    let mut draft = Drawing { situation, proposal, grant };
    let floor = match draft.proposal.course {
        Course::Nothing => None,
        Course::Keep => draft.proposal.held,
        Course::Drain => draft.drain(&memory),
        Course::Follow { always_ramp } => draft.follow(&mut memory, always_ramp),
    };
    let floor = draft.bound(floor);
    draft.remember(&mut memory);
    let until = draft.until(floor, &memory);
    let state = draft.state(floor);
    let Proposal { base, raw, deadline, mut reasons, .. } = draft.proposal;
    if situation.policy.mode == Mode::Shadow {
        reasons.push(Reason::ShadowMode);
    }
    (Decision { floor, base, raw, until, deadline, reasons, state }, memory)
}

struct Drawing<'a, 'b> {
    situation: &'a Situation<'b>,
    proposal: Proposal,
    grant: Grant,
}

impl Drawing<'_, '_> {
    fn say(&mut self, reason: Reason) {
        self.proposal.reasons.push(reason);
    }

    /// After the plan: up at once and whole, else down by hold and ramp.
    fn follow(&mut self, memory: &mut Memory, always_ramp: bool) -> Option<Replicas> {
        let now = self.situation.now;
        let Proposal { base, held, due, ahead, .. } = self.proposal;
        memory.needs.push(now, ahead);
        let standing = held.unwrap_or(base);
        if due > standing {
            return self.raise(memory, standing).or(held);
        }
        if let Some(floor) = held {
            if ahead.saturating_add(band(floor)) >= floor {
                memory.needed_at = Some(now);
            }
            return Some(self.lower(memory, floor, always_ramp));
        }
        self.say(Reason::NeedWithinBase { need: self.proposal.raw, base });
        None
    }

    fn raise(&mut self, memory: &Memory, standing: Replicas) -> Option<Replicas> {
        let Proposal { mut want, asked, deadline, .. } = self.proposal;
        if let Some(by) = self.grant.limited_by.filter(|_| self.grant.floor < want) {
            let allowed = self.grant.floor.max(standing);
            self.say(Reason::Limited { by, want, allowed });
            want = allowed;
        }
        let ahead = self.proposal.ahead;
        if asked > ahead {
            self.say(Reason::Limited { by: Limit::Runaway, want: asked, allowed: ahead });
        }
        let rails = self.situation.policy.rails;
        if want > standing && memory.writes.count(self.situation.now) >= rails.writes_for_raising() {
            self.say(Reason::Limited { by: Limit::WriteBudget, want, allowed: standing });
            want = standing;
        }
        if want <= standing {
            return None;
        }
        self.say(Reason::Raised { from: standing, to: want, deadline });
        Some(want)
    }

    /// Down to the highest need of the hold: by the ramp while the floor binds, straight where it does not.
    fn lower(&mut self, memory: &Memory, floor: Replicas, always_ramp: bool) -> Replicas {
        let Situation { now, target, policy, .. } = *self.situation;
        let lowering = Lowering::new(target.scale_down, policy.ramp, memory.turns.count(now));
        let need = self.proposal.ahead;
        let goal = memory.needs.since(now - lowering.hold).unwrap_or(need).max(need);
        if goal > self.proposal.base && goal.saturating_add(band(floor)) >= floor {
            self.say_held(memory, floor, lowering.hold);
            return floor;
        }
        if let Some(from) = self.too_soon(memory) {
            self.say(Reason::Stabilising { floor, need, from });
            return floor;
        }
        if !always_ramp && !binds(target, self.situation.evidence, floor) {
            self.say(Reason::NotBinding { floor, current: target.current });
            return goal;
        }
        self.step_down(floor, goal.max(self.proposal.base))
    }

    fn say_held(&mut self, memory: &Memory, floor: Replicas, hold: TimeDelta) {
        let need = self.proposal.ahead;
        let near = floor.saturating_sub(band(floor));
        let from = memory.needs.last_at_least(near).filter(|_| need < near);
        self.say(match from {
            Some(last) => Reason::Stabilising { floor, need, from: last + hold },
            None => Reason::Held { floor, need },
        });
    }

    /// To the base by the ramp, without any hold: nothing speaks for the floor.
    fn drain(&mut self, memory: &Memory) -> Option<Replicas> {
        let floor = self.proposal.held?;
        if let Some(from) = self.too_soon(memory) {
            self.say(Reason::Stabilising { floor, need: self.proposal.base, from });
            return Some(floor);
        }
        Some(self.step_down(floor, self.proposal.base))
    }

    fn step_down(&mut self, floor: Replicas, goal: Replicas) -> Replicas {
        let to = ramp_step(floor, goal, &self.situation.policy.ramp);
        self.say(Reason::Lowered { from: floor, to, goal });
        to
    }

    /// When the next lower may be written, where that is later than now: the ramp's clock is the time of our own last write on
    /// the object (it survives a restart), or what we remember of it.
    fn too_soon(&self, memory: &Memory) -> Option<DateTime<Utc>> {
        let Situation { now, target, policy, .. } = *self.situation;
        let clock = target.written_at.max(memory.wrote_at).or(memory.since);
        let from = clock.map_or(now, |clock| clock + policy.ramp.step);
        if from > now {
            return Some(from);
        }
        (memory.writes.count(now) >= self.writes_left_to_lower()).then(|| now + policy.ramp.step)
    }

    /// A floor whose `until` is over must come down, whatever this hour has cost already: for it the reserve is there.
    fn writes_left_to_lower(&self) -> usize {
        let rails = self.situation.policy.rails;
        let over = self.recorded().is_some_and(|until| until <= self.situation.now);
        if over { rails.writes_per_hour } else { rails.writes_for_lowering() }
    }

    /// The `until` on the object, where a floor of ours stands.
    fn recorded(&self) -> Option<DateTime<Utc>> {
        match &self.situation.target.hold {
            Hold::Held(held) if self.proposal.held.is_some() => Some(held.until),
            _ => None,
        }
    }

    /// The last rail: `base < floor ≤ cap`, at once. A floor at or below the base is no floor.
    fn bound(&mut self, floor: Option<Replicas>) -> Option<Replicas> {
        let floor = floor?;
        let (by, cap) = self.proposal.cap;
        // A frozen floor is not ours to touch; everything else obeys the caps.
        if self.proposal.state == State::Frozen || self.proposal.state == State::Superseded {
            return Some(floor);
        }
        if floor > cap {
            self.say(Reason::Limited { by, want: floor, allowed: cap.max(self.proposal.base) });
        }
        let bounded = floor.min(cap);
        (bounded > self.proposal.base).then_some(bounded)
    }

    fn remember(&self, memory: &mut Memory) {
        let now = self.situation.now;
        memory.needs.forget_before(now - TimeDelta::hours(2));
        let standing = self.proposal.held.unwrap_or(self.proposal.base);
        let wanted = matches!(self.proposal.course, Course::Follow { .. }) && self.proposal.due > standing;
        memory.wanted_since = wanted.then(|| memory.wanted_since.unwrap_or(now));
        let short = self.proposal.held.is_some_and(|floor| there(self.situation) < floor);
        memory.short_since = short.then(|| memory.short_since.unwrap_or(now));
        if self.situation.target.released_until.is_none_or(|until| until <= now) {
            memory.overridden = false;
        }
    }

    /// The moment from which the plan itself no longer needs this floor, at most `longest_hold` ahead.
    ///
    /// An unchanged floor keeps its `until` unless the plan extends it and little is left, so an unchanged plan costs no write.
    fn until(&self, floor: Option<Replicas>, memory: &Memory) -> DateTime<Utc> {
        let now = self.situation.now;
        let Some(floor) = floor else { return now };
        let recorded = self.recorded();
        if !matches!(self.proposal.course, Course::Follow { .. }) {
            return recorded.unwrap_or(now);
        }
        let unchanged = self.proposal.held == Some(floor);
        match recorded {
            Some(until) if unchanged && !self.extend(floor, until, memory) => until,
            _ => self.planned(floor, memory, !unchanged || self.writes_are_short(memory)),
        }
    }

    /// Until when the plan as seen now needs the floor. A floor just written lasts at least until the hold after it is over.
    fn planned(&self, floor: Replicas, memory: &Memory, just_written: bool) -> DateTime<Utc> {
        let Situation { now, target, policy, .. } = *self.situation;
        let near = floor.saturating_sub(band(floor));
        let needed = self.situation.ahead(self.proposal.speaks).needed_until(now, near, policy.longest_hold);
        let hold = Lowering::new(target.scale_down, policy.ramp, memory.turns.count(now)).hold;
        let step = policy.ramp.step;
        let least = self.shortest(hold + step + step, memory);
        // A forecast may yet say that it needs the floor after all; a schedule knows when it ends.
        let recently = self.proposal.speaks && memory.needed_at.is_some_and(|at| now - at <= hold);
        let least = if just_written || recently { now + least } else { now };
        needed.max(least).min(now + policy.longest_hold)
    }

    /// Once writes are short, floors that run out must not come faster than the reserve allows; a step more, because the last
    /// one may be used to prolong.
    fn shortest(&self, usual: TimeDelta, memory: &Memory) -> TimeDelta {
        let policy = self.situation.policy;
        if self.writes_are_short(memory) { usual.max(policy.rails.pace() + policy.ramp.step) } else { usual }
    }

    fn writes_are_short(&self, memory: &Memory) -> bool {
        memory.writes.count(self.situation.now) >= self.situation.policy.rails.many_writes()
    }

    /// Little is left and the plan says more: either the floor would run out within a step, or at least a quarter of the
    /// longest hold is gained once less than a quarter is left.
    fn extend(&self, floor: Replicas, until: DateTime<Utc>, memory: &Memory) -> bool {
        let Situation { now, policy, .. } = *self.situation;
        let planned = self.planned(floor, memory, false);
        let (left, gain) = (until - now, planned - until);
        let quarter = policy.longest_hold / 4;
        let runs_out = left < policy.ramp.step;
        let writes = if runs_out { policy.rails.writes_per_hour } else { policy.rails.writes_for_lowering() };
        // A plan that needs the floor no more says "until now", later at every tick: that is no gain worth a write.
        planned > now
            && gain >= policy.ramp.step / 5
            && (runs_out || (left < quarter && gain >= quarter))
            && memory.writes.count(now) < writes
    }

    /// The state that stops most; the ordinary ones are told by what happens to the floor.
    fn state(&self, floor: Option<Replicas>) -> State {
        let state = match (self.proposal.state, self.proposal.held, floor) {
            (State::Holding, _, None) => State::Idle,
            (State::Holding, Some(before), Some(after)) if after < before => State::Lowering,
            (State::Holding, Some(before), _) if self.proposal.ahead.saturating_add(band(before)) < before => {
                State::Lowering
            }
            (other, ..) => other,
        };
        let ordinary = matches!(state, State::Idle | State::Holding | State::Lowering);
        if ordinary && self.situation.policy.mode == Mode::Shadow { State::Shadow } else { state }
    }
}
