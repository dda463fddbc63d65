//! What the schedule adds to a proposal: the maximum of both, through the same rails, without those that judge forecasts.

use super::propose::{limit_capacity, look_ahead};
use super::{Course, Memory, Proposal, Reason, Situation, State};
use crate::guard::{Draft, band};
use crate::units::Replicas;

/// Adds the windows that are open, or open within the lead time, to what the forecast proposes.
///
/// A schedule is a person's word: neither stale samples nor distrust nor the runaway limit (all of them doubts of a forecast)
/// cut it; capacity, caps and budgets do. Where the forecast has no say, what is held for it stays until its `until`.
pub(super) fn add(situation: &Situation<'_>, memory: &Memory, proposal: &mut Proposal) {
    let (now, look) = (situation.now, look_ahead(situation, memory));
    let ahead = situation.ahead(false);
    let Some(opening) = ahead.opening_within(now, now + look) else { return };
    let due = ahead.need_at(now).unwrap_or(Replicas::ZERO);
    let (base, standing) = (proposal.base, proposal.held.unwrap_or(proposal.base));
    let nothing_to_do = due <= base && proposal.held.is_none();
    if opening.replicas <= base || (nothing_to_do && !matches!(proposal.course, Course::Follow { .. })) {
        return;
    }
    let mut draft = Draft { due, ahead: opening.replicas, reasons: Vec::new() };
    draft.reasons.push(Reason::Scheduled {
        replicas: opening.replicas,
        from: opening.from,
        to: opening.to,
        window: opening.text.clone(),
    });
    let short = limit_capacity(situation, memory, &mut draft, standing);
    let (by, cap) = proposal.cap;
    draft.limit(by, cap.max(base));
    if follow(proposal, &draft, standing) {
        if short {
            proposal.state = State::CapacityUnavailable;
        }
        let told: Vec<_> = proposal.reasons.iter().filter_map(Reason::limit).collect();
        let news = draft.reasons.into_iter().filter(|reason| reason.limit().is_none_or(|limit| !told.contains(&limit)));
        proposal.reasons.extend(news);
    }
}

/// Whether the schedule has a say in where the floor goes: then the proposal follows the maximum of both.
fn follow(proposal: &mut Proposal, draft: &Draft, standing: Replicas) -> bool {
    match proposal.course {
        Course::Nothing => return false,
        Course::Follow { .. } => {
            proposal.due = proposal.due.max(draft.due);
            proposal.asked = proposal.asked.max(draft.ahead);
            proposal.ahead = proposal.ahead.max(draft.ahead);
        }
        // A forecast's floor well above the schedule, whose forecast is silent: it stays until its `until`.
        Course::Keep if draft.ahead.saturating_add(band(standing)) < standing => return false,
        Course::Keep | Course::Drain => {
            proposal.course = Course::Follow { always_ramp: true };
            (proposal.due, proposal.ahead, proposal.asked) = (draft.due, draft.ahead, draft.ahead);
            if draft.ahead >= standing {
                // The schedule needs all of it: nothing is drained, whatever `until` the floor was written with.
                proposal.reasons.retain(|reason| !matches!(reason, Reason::Expired { .. }));
            }
            if proposal.state == State::Learning {
                proposal.state = State::Holding;
            }
        }
    }
    proposal.want = if proposal.due > standing { proposal.ahead } else { standing };
    true
}
