//! From decisions to writes: raises before lowers, earliest deadline first, each bounded by the lease.

use super::entry::{Entry, Key, Outcome};
use super::judge::Judged;
use super::roster::{Entries, concerned};
use crate::kubernetes::{
    Workload,
    apply::{Authority, Sent, Writer},
    lease::Ours,
};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    decide::{Decision, Reason, State},
    lead_time::Lead,
    protocol::{self, Action, Identity, Next, Urgency},
    target::Hold,
    units::Replicas,
};
use futures::{StreamExt, stream};
use std::sync::Arc;

/// Writes under way at once: more would only queue in the API server's fairness.
const AT_ONCE: usize = 16;
/// Time between two tries at removing ownership that was left behind.
const DISOWN_AGAIN: TimeDelta = TimeDelta::hours(1);

/// One workload's write, or the reason for none.
pub(super) struct Order {
    pub(super) key: Key,
    pub(super) workload: Arc<Workload>,
    pub(super) next: Next,
}

/// A write and its answer.
pub(super) struct Written {
    pub(super) order: Order,
    pub(super) sent: Sent,
}

/// Asks the protocol what each decision, in the order of [`concerned`], needs, and keeps the outcome.
pub(super) fn orders(
    now: DateTime<Utc>,
    identity: &Identity,
    judged: Vec<Judged>,
    entries: &mut Entries,
) -> Vec<Order> {
    let mut orders = Vec::new();
    for ((key, entry), Judged { policy, decision, lead }) in concerned(entries).zip(judged) {
        let memory = std::mem::take(&mut entry.memory);
        let (next, memory) = protocol::next(now, &entry.workload.target, &decision, &policy, identity, memory);
        entry.memory = memory;
        let next = mended(now, entry, next);
        entry.conclude(outcome(now, decision, lead, &next));
        // An old look at our own last write decides nothing.
        if next.action != Action::None && entry.workload.caught_up {
            orders.push(Order { key: key.clone(), workload: Arc::clone(&entry.workload), next });
        }
    }
    orders.sort_by(|a, b| (a.next.urgency, &a.key).cmp(&(b.next.urgency, &b.key)));
    orders
}

/// A base that was given back whose ownership entry could not be removed then: tried again hourly, because it costs the user
/// a `--force-conflicts` as long as it stands.
fn mended(now: DateTime<Utc>, entry: &mut Entry, next: Next) -> Next {
    let target = &entry.workload.target;
    let tried = entry.disowned_at.is_some_and(|at| now - at < DISOWN_AGAIN);
    if next.action != Action::None || !target.ours || target.hold != Hold::Free || tried || next.state == State::Frozen
    {
        return next;
    }
    entry.disowned_at = Some(now);
    let action = Action::Clean {
        uid: target.uid.clone(),
        resource_version: target.resource_version.clone(),
        value: target.min,
        released_until: target.released_until,
    };
    Next { action, urgency: Urgency::Release, ..next }
}

fn outcome(at: DateTime<Utc>, decision: Decision, lead: Lead, next: &Next) -> Outcome {
    let mut reasons = decision.reasons.clone();
    reasons.extend(next.reasons.iter().cloned());
    Outcome { at, state: next.state, decision, lead, reasons }
}

/// Outcomes of decisions that this process does not write: a standby's, or a command's.
pub(super) fn unwritten(now: DateTime<Utc>, judged: Vec<Judged>, entries: &mut Entries) {
    for ((_, entry), Judged { decision, lead, .. }) in concerned(entries).zip(judged) {
        entry.conclude(Outcome { at: now, state: decision.state, reasons: decision.reasons.clone(), decision, lead });
    }
}

/// Sends the writes in their order, a few at once. Each is refused by the writer itself where the lease might not last.
pub(super) async fn send(writer: &Writer, ours: &Ours, orders: Vec<Order>) -> Vec<Written> {
    let authority = Authority::Leader(ours.permit);
    stream::iter(orders)
        .map(|order| async move {
            let sent = writer.send(&order.workload, &order.next.action, order.next.urgency, authority).await;
            Written { order, sent }
        })
        .buffered(AT_ONCE)
        .collect()
        .await
}

/// Folds an answer into the workload's memory; tells the lead-time clock of raises that were written.
pub(super) fn settle(now: DateTime<Utc>, written: &Written, entry: &mut Entry) {
    let memory = std::mem::take(&mut entry.memory);
    entry.memory = protocol::after(now, &written.order.next.action, &written.sent.reply, memory);
    if !matches!(written.sent.reply, protocol::Reply::Done { .. }) {
        return;
    }
    let target = &written.order.workload.target;
    match (&written.order.next.action, written.order.next.urgency) {
        (action, Urgency::Raise { .. }) => {
            if let Some(write) = action.write() {
                entry.lead_times.raised(now, write.held.floor, target);
            }
        }
        (action, _) => {
            let floor = action.write().map_or(Replicas::ONE, |w| w.held.floor);
            entry.lead_times.lowered(floor);
        }
    }
}

/// The epoch that marks on the object carry, where it is newer than ours although the lease is ours: somebody reset it.
pub(super) fn newer_epoch(orders: &[Reason]) -> Option<u64> {
    orders.iter().find_map(|reason| match reason {
        Reason::NewerEpoch { found, .. } => Some(*found),
        _ => None,
    })
}
