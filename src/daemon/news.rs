//! What people are told: Events at every change, both edges, each once.

use super::{
    entry::{Entry, Outcome},
    roster::Turn,
    write::Written,
};
use crate::kubernetes::{
    apply::WriteResult,
    events::{EventReason, Recorder},
};
use floorcast_models::{
    decide::{Limit, Reason, State},
    policy::Mode,
    protocol::{Action, Urgency},
};

/// Somebody opted in or out, or asks otherwise.
pub(super) fn of_turn(recorder: &Recorder, entry: &Entry, turn: Turn) {
    let workload = &entry.workload;
    match turn {
        Turn::Out => {
            recorder.tell(workload, EventReason::Deactivated, "no longer opted in; a floor that is held is given back");
            return;
        }
        Turn::In => {
            let mode = entry.opt_in.mode.unwrap_or(Mode::Off).as_str();
            recorder.tell(workload, EventReason::Activated, &format!("opted in, mode {mode}"));
        }
        Turn::Otherwise => {}
    }
    for refusal in &workload.refusals {
        recorder.tell(workload, EventReason::Refused, &refusal.to_string());
    }
    for key in &workload.duplicates {
        let note = format!("floorcast.io/{key} is set on the HPA and on its target; the HPA's value counts");
        recorder.tell(workload, EventReason::DuplicateOptIn, &note);
    }
    for error in entry.opt_in.settings.as_ref().err().into_iter().flatten() {
        recorder.tell(workload, EventReason::InvalidAnnotation, &error.to_string());
    }
    for warning in &entry.opt_in.warnings {
        recorder.tell(workload, EventReason::UnknownAnnotation, &warning.to_string());
    }
}

/// What a tick says that the tick before did not say.
pub(super) fn of_outcome(recorder: &Recorder, entry: &Entry) {
    let Some(now) = &entry.last else { return };
    let before = entry.before.as_ref();
    let known = |reason: &Reason| before.is_some_and(|b| b.reasons.iter().any(|old| same(old, reason)));
    for reason in now.reasons.iter().filter(|r| !known(r)) {
        if let Some(event) = event_of(reason) {
            recorder.tell(&entry.workload, event, &reason.to_string());
        }
    }
    if now.state == State::Shadow {
        would_raise(recorder, entry, now, before);
    }
}

fn would_raise(recorder: &Recorder, entry: &Entry, now: &Outcome, before: Option<&Outcome>) {
    let was = before.and_then(|b| b.decision.floor);
    if let Some(floor) = now.decision.floor.filter(|floor| was.is_none_or(|was| was < *floor)) {
        let note = format!("shadow mode: would raise minReplicas from {} to {floor}", entry.workload.target.min);
        recorder.tell(&entry.workload, EventReason::WouldRaise, &note);
    }
}

/// Reasons carry numbers that move at every tick; it is the word, and for a limit which one, that is news.
fn same(a: &Reason, b: &Reason) -> bool {
    a.as_str() == b.as_str() && a.limit() == b.limit()
}

/// The event that tells a reason; most reasons are everyday and tell nothing.
fn event_of(reason: &Reason) -> Option<EventReason> {
    Some(match reason {
        Reason::Limited { by, .. } => match by {
            Limit::WorkloadBudget | Limit::NamespaceBudget | Limit::ClusterBudget | Limit::PodRate => {
                EventReason::BudgetExceeded
            }
            Limit::Runaway => EventReason::RunawayLimited,
            Limit::Headroom | Limit::UserCap | Limit::AdminCap => EventReason::Capped,
            _ => return None,
        },
        Reason::CappedAhead { .. } => EventReason::Capped,
        Reason::StaleSamples { .. } => EventReason::StaleData,
        Reason::Distrusted { .. } => EventReason::NoSkill,
        Reason::DerivationMismatch => EventReason::DerivationMismatch,
        Reason::DerivationUnproven => EventReason::DerivationUnproven,
        Reason::TargetAtZero | Reason::MinEqualsMax { .. } => EventReason::Pinned,
        Reason::OverriddenByUser { .. } => EventReason::OverriddenByUser,
        Reason::BaseRaised { .. } => EventReason::BaseChanged,
        Reason::BaseAnnotationDiffers { .. } => EventReason::BaseDiffers,
        Reason::Contended { .. } => EventReason::Contended,
        Reason::ForeignHolder { .. } => EventReason::ForeignHolder,
        Reason::NewerFormat { .. } => EventReason::NewerFormat,
        Reason::DamagedAnnotations { .. } => EventReason::DamagedMarks,
        Reason::Frozen | Reason::DrainAsked | Reason::ReleaseAsked => EventReason::KillSwitch,
        Reason::CapacityUnavailable { .. } => EventReason::CapacityUnavailable,
        _ => return None,
    })
}

/// A write and its answer.
pub(super) fn of_write(recorder: &Recorder, written: &Written) {
    let (workload, sent) = (&written.order.workload, &written.sent);
    let told = match sent.result {
        WriteResult::Done => done(&written.order.next.action, written.order.next.urgency, workload.target.min.get()),
        WriteResult::Forbidden => Some((EventReason::Forbidden, sent.message.clone())),
        WriteResult::Denied => Some((EventReason::WriteDenied, sent.message.clone())),
        WriteResult::AboveMax => Some((EventReason::FloorClamped, sent.message.clone())),
        _ => None,
    };
    if let Some((reason, note)) = told {
        recorder.tell(workload, reason, &note);
    }
    if let Some(leftover) = &sent.leftover {
        recorder.tell(workload, EventReason::LeftoverOwnership, leftover);
    }
}

fn done(action: &Action, urgency: Urgency, from: u32) -> Option<(EventReason, String)> {
    match action {
        Action::Acquire { write, .. } | Action::Hold { write } => {
            let (to, base) = (write.held.floor, write.held.base);
            let until = write.held.until.format("%F %H:%M:%S UTC");
            let (reason, verb) = match urgency {
                Urgency::Raise { .. } => (EventReason::FloorRaised, "raised"),
                _ if to.get() < from => (EventReason::FloorLowered, "lowered"),
                // Only `until` or the book-keeping moved: no news.
                _ => return None,
            };
            Some((reason, format!("floor {verb} from {from} to {to} (base {base}), needed until {until}")))
        }
        Action::GiveBack { base, .. } => Some((EventReason::Released, format!("minReplicas is {base} again"))),
        Action::Clean { value, .. } => {
            Some((EventReason::Released, format!("minReplicas stays {value}; our marks are gone")))
        }
        Action::None => None,
    }
}

/// What a study found that the one before did not.
pub(super) fn of_troubles(recorder: &Recorder, entry: &Entry, before: &[super::study::Trouble]) {
    for trouble in &entry.study.findings.troubles {
        if !before.iter().any(|old| old.code == trouble.code) {
            recorder.tell(&entry.workload, trouble.event, &trouble.text);
        }
    }
    let down = |t: &super::study::Trouble| t.event == EventReason::MetricsUnavailable;
    if before.iter().any(down) && !entry.study.findings.troubles.iter().any(down) {
        recorder.tell(&entry.workload, EventReason::MetricsRestored, "the datasource answers again");
    }
}
