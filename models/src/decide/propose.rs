//! From a situation to what the workload wants, before the budgets of namespace and cluster are known.

use super::{Course, Derivation, Limit, Memory, Proposal, Reason, Situation, State, scheduled};
use crate::events::Occurrence;
use crate::guard::{self, Draft};
use crate::plan::FloorPlan;
use crate::policy::{Directive, Mode};
use crate::protocol::{Stance, stance};
use crate::target::Hold;
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// Pods of a raised floor that are not there after this long stop further raises (failure M10).
const PATIENCE: TimeDelta = TimeDelta::minutes(10);

/// What one workload wants, before the budgets. Total: every situation has a proposal.
pub fn propose(situation: &Situation<'_>, memory: &Memory) -> Proposal {
    let fresh = Memory::default();
    let memory = if memory.is_of(situation.target) { memory } else { &fresh };
    let stance = stance(situation.now, situation.target, situation.policy, memory);
    let standing = stance.standing(situation.target.min);
    let base = stance.base().unwrap_or(situation.target.min);
    let plan = situation.plan.and_then(|plan| plan.need_at(situation.now).map(|need| (plan, need)));
    let mut proposal = Proposal {
        base,
        held: standing,
        raw: situation.ahead(true).need_at(situation.now).unwrap_or(base),
        want: standing.unwrap_or(base),
        course: Course::Keep,
        state: State::Idle,
        reasons: Vec::new(),
        deadline: memory.wanted_since.unwrap_or(situation.now) + situation.lead,
        live: situation.policy.mode == Mode::Live,
        due: base,
        ahead: base,
        asked: base,
        cap: guard::cap(situation.target, situation.policy, base),
        speaks: false,
    };
    if let Some((course, state, reason)) = stop(situation, &stance, memory) {
        (proposal.course, proposal.state) = (course, state);
        proposal.reasons.push(reason);
    } else {
        match plan {
            Some((plan, need)) => on_evidence(situation, memory, &mut proposal, plan, need),
            None => without_forecast(situation, &mut proposal),
        }
        scheduled::add(situation, memory, &mut proposal);
        tell_capped(situation, &mut proposal);
    }
    tell_annotation(situation, &stance, &mut proposal);
    proposal
}

/// Everything that leaves the plan no say, strictest first.
fn stop(situation: &Situation<'_>, stance: &Stance, memory: &Memory) -> Option<(Course, State, Reason)> {
    let Situation { now, target, policy, directive, .. } = *situation;
    let nothing = |state, reason| Some((Course::Nothing, state, reason));
    if directive == Directive::Freeze {
        return Some((Course::Keep, State::Frozen, Reason::Frozen));
    }
    match stance {
        Stance::Newer { version } => {
            return Some((Course::Keep, State::Superseded, Reason::NewerFormat { version: version.clone() }));
        }
        Stance::Damaged { base, why } => {
            return nothing(State::Damaged, Reason::DamagedAnnotations { why: why.clone(), base: *base });
        }
        _ => {}
    }
    if policy.mode == Mode::Off {
        return nothing(State::Off, Reason::OptedOut);
    }
    if directive == Directive::Release {
        return nothing(State::Released, Reason::ReleaseAsked);
    }
    if let Stance::Opinion { value, floor } = *stance {
        let until = now + policy.respect;
        return if value < floor {
            nothing(State::Overridden, Reason::OverriddenByUser { value, floor, until })
        } else {
            nothing(State::Idle, Reason::BaseRaised { value, floor })
        };
    }
    if let Some(until) = target.released_until.filter(|until| *until > now) {
        // Peace beside a floor that stands is what `drain` of one workload writes; `release` takes the floor in the same write.
        let reason = Reason::ReleasedUntil { until };
        return match stance.standing(target.min) {
            Some(_) => Some((Course::Drain, State::Draining, reason)),
            None => nothing(released_state(memory), reason),
        };
    }
    if target.current == Replicas::ZERO {
        return nothing(State::Paused, Reason::TargetAtZero);
    }
    if stance.base().is_some_and(|base| base >= target.max) || (target.min == target.max && target.hold == Hold::Free) {
        return nothing(State::Pinned, Reason::MinEqualsMax { replicas: target.max });
    }
    (directive == Directive::Drain).then_some((Course::Drain, State::Draining, Reason::DrainAsked))
}

/// Peace on the object, by what we remember of its origin; after a restart all of it is "released".
const fn released_state(memory: &Memory) -> State {
    if memory.contended {
        State::Contended
    } else if memory.overridden {
        State::Overridden
    } else {
        State::Released
    }
}

/// Nothing was learned, or nothing can be: what is held stays until its `until`. A workload with a schedule is not waiting for it.
fn without_forecast(situation: &Situation<'_>, proposal: &mut Proposal) {
    proposal.reasons.push(Reason::NoForecast);
    let lives_by_schedule = !situation.policy.schedule.is_empty();
    hold_or_drain(situation, proposal, if lives_by_schedule { State::Holding } else { State::Learning });
}

/// The rails that speak before any number is looked at: stale, then the derivation, then trust.
fn on_evidence(situation: &Situation<'_>, memory: &Memory, proposal: &mut Proposal, plan: &FloorPlan, need: Replicas) {
    let shadow = situation.policy.mode == Mode::Shadow;
    if let Some(reason) = guard::stale(situation.now, situation.evidence) {
        proposal.reasons.push(reason);
        return hold_or_drain(situation, proposal, State::Stale);
    }
    match situation.evidence.derivation {
        Derivation::Proven => {}
        Derivation::Unproven => proposal.reasons.push(Reason::DerivationUnproven),
        Derivation::Mismatch => proposal.reasons.push(Reason::DerivationMismatch),
        Derivation::Unchecked => proposal.reasons.push(Reason::DerivationUnchecked),
    }
    match situation.evidence.derivation {
        Derivation::Mismatch if !shadow => {
            (proposal.course, proposal.state) = (Course::Drain, State::Unproven);
        }
        Derivation::Unchecked if !shadow => hold_or_drain(situation, proposal, State::Unproven),
        _ => follow(situation, memory, proposal, plan, need),
    }
}

/// The rails of the plan that one workload can pass by itself: trust → capacity → caps → runaway limit.
fn follow(situation: &Situation<'_>, memory: &Memory, proposal: &mut Proposal, plan: &FloorPlan, need: Replicas) {
    let now = situation.now;
    let standing = proposal.held.unwrap_or(proposal.base);
    let look = look_ahead(situation, memory);
    let ahead = plan.peak(now, now + look).map_or(need, |(_, most)| most.max(need));
    let mut draft = Draft { due: need, ahead, reasons: std::mem::take(&mut proposal.reasons) };
    proposal.state = State::Holding;
    if let Some(Occurrence { from, to, factor, text }) = situation.evidence.event.clone() {
        draft.reasons.push(Reason::KnownEvent { factor, from, to, event: text });
    }
    let untrusted = guard::trust(&mut draft, situation.evidence, proposal.base, standing);
    if untrusted {
        proposal.state = State::Untrusted;
    }
    if limit_capacity(situation, memory, &mut draft, standing) {
        proposal.state = State::CapacityUnavailable;
    }
    let (by, cap) = proposal.cap;
    draft.limit(by, cap.max(proposal.base));
    proposal.asked = draft.ahead;
    limit_runaway(situation, &mut draft, standing, proposal.base);
    proposal.speaks = true;
    (proposal.due, proposal.ahead, proposal.reasons) = (draft.due, draft.ahead, draft.reasons);
    proposal.want = if proposal.due > standing { proposal.ahead } else { standing };
    proposal.course = Course::Follow { always_ramp: untrusted };
}

/// Rail 4 already here, without its reason, so that no budget is spent on what it will cut; [`super::finish`] tells it in its place.
fn limit_runaway(situation: &Situation<'_>, draft: &mut Draft, standing: Replicas, base: Replicas) {
    let limit = if let Some(most) = situation.evidence.most_needed {
        guard::runaway(most, situation.policy.rails.runaway * expected(situation)).max(base)
    } else {
        if draft.due > standing {
            draft.reasons.push(Reason::RunawayUnknown);
        }
        standing
    };
    (draft.due, draft.ahead) = (draft.due.min(limit), draft.ahead.min(limit));
}

/// Where pods of the floor that stands do not come up, nothing is raised further. Whether that cut anything.
pub(super) fn limit_capacity(
    situation: &Situation<'_>,
    memory: &Memory,
    draft: &mut Draft,
    standing: Replicas,
) -> bool {
    let Some(reason) = short_of_capacity(situation, memory, standing).filter(|_| draft.due > standing) else {
        return false;
    };
    draft.reasons.push(reason);
    (draft.due, draft.ahead) = (standing, draft.ahead.min(standing));
    true
}

/// "Capped at 18:00", hours ahead: what forecast or schedule will need and the caps will not allow.
fn tell_capped(situation: &Situation<'_>, proposal: &mut Proposal) {
    let limit = proposal.cap.1.max(proposal.base);
    if let Some(capped) = situation.ahead(proposal.speaks).capped(situation.now, limit) {
        let minutes = (capped.from - situation.now).num_minutes();
        let reason = Reason::CappedAhead { at: capped.from, need: capped.need, limit: capped.limit, minutes };
        proposal.reasons.push(reason);
    }
}

/// A known event may need so many times the most that was ever needed (failure M2).
fn expected(situation: &Situation<'_>) -> f64 {
    situation.evidence.event.as_ref().map_or(1.0, |event| event.factor.max(1.0))
}

/// A raise goes to the most that is needed within two ramp steps, in one write: many small raises would each be an event of the
/// HPA and spend its scale-up budget (`hpa.md` 1.9). After many writes in an hour it looks an hour ahead.
pub(super) fn look_ahead(situation: &Situation<'_>, memory: &Memory) -> TimeDelta {
    if memory.writes.count(situation.now) >= situation.policy.rails.many_writes() {
        return TimeDelta::hours(1);
    }
    let step = situation.policy.ramp.step;
    step.checked_mul(2).unwrap_or(step)
}

/// A floor whose pods do not come up is not raised further.
fn short_of_capacity(situation: &Situation<'_>, memory: &Memory, standing: Replicas) -> Option<Reason> {
    let waited = situation.now - memory.short_since?;
    let patience = situation.lead.checked_mul(2).unwrap_or(PATIENCE).max(PATIENCE);
    let there = there(situation);
    (waited > patience).then(|| Reason::CapacityUnavailable { floor: standing, there, minutes: waited.num_minutes() })
}

/// Replicas that are really there: ready ones where known, else the target's size.
pub(super) fn there(situation: &Situation<'_>) -> Replicas {
    situation.target.ready.unwrap_or(situation.target.current)
}

/// Nothing may be raised: what is held stays until its `until`, then it is drained.
fn hold_or_drain(situation: &Situation<'_>, proposal: &mut Proposal, state: State) {
    proposal.state = state;
    proposal.course = Course::Keep;
    if let (Some(_), Some(until)) = (proposal.held, expired(situation)) {
        proposal.reasons.push(Reason::Expired { until });
        proposal.course = Course::Drain;
    }
}

fn expired(situation: &Situation<'_>) -> Option<DateTime<Utc>> {
    match &situation.target.hold {
        Hold::Held(held) if held.until <= situation.now => Some(held.until),
        _ => None,
    }
}

/// An annotation that differs from the field wins at the next floor; it is told, and costs no write of its own.
fn tell_annotation(situation: &Situation<'_>, stance: &Stance, proposal: &mut Proposal) {
    if let (Stance::Free { .. }, Some(annotation)) = (stance, situation.policy.base)
        && annotation != situation.target.min
    {
        proposal.reasons.push(Reason::BaseAnnotationDiffers { annotation, spec: situation.target.min });
    }
    if let Stance::Free { base, copied: true } = *stance {
        proposal.reasons.push(Reason::CopiedFloor { value: situation.target.min, base });
    }
    if proposal.reasons.iter().any(|reason| reason.limit() == Some(Limit::Persistence)) && proposal.held.is_none() {
        // Nothing stands, so nothing is held back that a person could see: the distrust itself says it.
        proposal.reasons.retain(|reason| reason.limit() != Some(Limit::Persistence));
    }
}
