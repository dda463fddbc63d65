//! From the API server's answer to what is remembered of it.

use super::{Action, Reply};
use crate::decide::{Barrier, Memory, Refusal};
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// So long an own write may stay invisible before we act on what we see.
const BARRIER: TimeDelta = TimeDelta::minutes(1);
/// First pause after a refusal; doubled each time, up to [`LONGEST_REFUSAL`].
const FIRST_REFUSAL: TimeDelta = TimeDelta::minutes(1);
/// Refused for good is tried hourly (failure A10).
const LONGEST_REFUSAL: TimeDelta = TimeDelta::hours(1);
/// A raise less than this after a lower turns the floor round.
const SOON: TimeDelta = TimeDelta::minutes(15);
/// A write of unknown outcome is looked for this long before the next one.
const DOUBT: TimeDelta = TimeDelta::seconds(15);

/// Folds the answer of a write into the memory. Every action that was sent must be answered, also with [`Reply::Unknown`].
pub fn after(now: DateTime<Utc>, action: &Action, reply: &Reply, mut memory: Memory) -> Memory {
    if *action == Action::None {
        return memory;
    }
    match reply {
        Reply::Done { resource_version } => done(now, action, Some(resource_version.clone()), &mut memory),
        Reply::Unknown => {
            done(now, action, None, &mut memory);
            if let Some(barrier) = &mut memory.barrier {
                barrier.until = now + DOUBT;
            }
        }
        Reply::Conflict { owner } => {
            memory.rival = owner.clone().or(memory.rival);
            // The co-owner's value equals the floor (else the next look finds an opinion): take it by force, with the version.
            memory.force = matches!(action, Action::Hold { .. });
        }
        // The cluster has a lower maxReplicas than we observed: nothing to write before it is observed.
        Reply::AboveMax => wait(&mut memory, None, now + BARRIER),
        Reply::Gone => return Memory::default(),
        Reply::Denied { message } => refuse(now, message, &mut memory),
        Reply::NotSent => {}
    }
    memory
}

fn wait(memory: &mut Memory, wrote: Option<String>, until: DateTime<Utc>) {
    let seen = memory.seen.as_ref().map(|(version, _)| version.clone());
    memory.barrier = Some(Barrier { seen, wrote, until });
}

fn done(now: DateTime<Utc>, action: &Action, version: Option<String>, memory: &mut Memory) {
    let before = memory.seen.as_ref().map_or(Replicas::ZERO, |(_, value)| *value);
    wait(memory, version, now + BARRIER);
    memory.refused = None;
    memory.force = false;
    memory.counted = false;
    memory.writes.push(now);
    match action {
        Action::Acquire { write, .. } | Action::Hold { write } => {
            turn(now, before, write.held.floor, memory);
            memory.keep_floor(now, write.held.floor);
            memory.wrote_at = Some(now);
        }
        Action::GiveBack { base, floor, .. } => {
            memory.fell_at = Some(now);
            memory.keep_floor(now, *floor);
            memory.given = Some((now, *base));
            memory.wrote_at = None;
        }
        Action::Clean { .. } => {
            memory.given = None;
            memory.wrote_at = None;
        }
        Action::None => {}
    }
}

/// A raise soon after a lower is a turn: each one within the hour doubles the hold before the next lower. One that comes later
/// is not an oscillation but the next peak: a load that leaps every hour must not be held up all day.
fn turn(now: DateTime<Utc>, before: Replicas, floor: Replicas, memory: &mut Memory) {
    if floor > before {
        if memory.fell_at.take().is_some_and(|fell| now - fell < SOON) {
            memory.turns.push(now);
        }
    } else if floor < before {
        memory.fell_at = Some(now);
    }
}

fn refuse(now: DateTime<Utc>, message: &str, memory: &mut Memory) {
    let times = memory.refused.as_ref().map_or(0, |refusal| refusal.times);
    let pause = FIRST_REFUSAL.checked_mul(1 << times.min(6)).unwrap_or(LONGEST_REFUSAL).min(LONGEST_REFUSAL);
    let why: String = message.chars().filter(|c| !c.is_control()).take(256).collect();
    memory.refused = Some(Refusal { until: now + pause, times: times.saturating_add(1), why });
}
