//! Normalisation: from the raw proposal of the metrics to the size that is set.
//!
//! Two arithmetics exist upstream, chosen by whether `spec.behavior` is there at all; they differ in edges and memory.

use crate::hpa::condition::{Able, Limit};
use crate::hpa::{Amount, Behavior, Events, Flags, Log, Rules, Select};
use chrono::{DateTime, TimeDelta, Utc};

/// One proposed change of size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// The moment of the sync.
    pub now: DateTime<Utc>,
    /// `scale.spec.replicas`.
    pub current: i32,
    /// What the metrics ask for (or, for the rate limits, what stabilisation left of it).
    pub desired: i32,
    /// Lower bound.
    pub min: i32,
    /// Upper bound.
    pub max: i32,
}

/// The size that normalisation allows, and why it is not another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Normalised {
    /// The size to set.
    pub replicas: i32,
    /// Reason of the condition `AbleToScale`.
    pub able: Able,
    /// Reason of the condition `ScalingLimited`.
    pub limit: Limit,
    /// Status of the condition `ScalingLimited`: the limits changed the stabilised size.
    pub limited: bool,
}

/// Stabilises, then limits, as the presence of `behavior` demands; logs the raw proposal. `events` are (ups, downs).
pub fn normalise(
    change: Change,
    behavior: Option<&Behavior>,
    flags: &Flags,
    log: &mut Log,
    events: (&Events, &Events),
) -> Normalised {
    let (stable, able) = match behavior {
        None => stabilise_plain(change, flags, log),
        Some(rules) => stabilise(change, rules, flags, log),
    };
    let stabilised = Change { desired: stable, ..change };
    let (replicas, limit) = match behavior {
        None => clamp_plain(stabilised, flags),
        Some(rules) => clamp(stabilised, rules, events),
    };
    Normalised { replicas, able, limit, limited: replicas != stable }
}

fn stabilise_plain(change: Change, flags: &Flags, log: &mut Log) -> (i32, Able) {
    let stable = log.highest(change.now, change.desired, flags.downscale_stabilisation);
    (stable, if stable == change.desired { Able::Ready } else { Able::DownStabilised })
}

/// Stabilisation with `behavior`: the current size moves only as far as both windows agree.
pub fn stabilise(change: Change, rules: &Behavior, flags: &Flags, log: &mut Log) -> (i32, Able) {
    let up = rules.scale_up.window.unwrap_or_default();
    // The flag is filled in as whole seconds here, and only here.
    let flag = TimeDelta::seconds(flags.downscale_stabilisation.num_seconds());
    let down = rules.scale_down.window.unwrap_or(flag);
    let (lowest, highest) = log.range(change.now, change.desired, up, down);
    // Not `clamp`: where the windows contradict each other, the later test wins.
    let stable = change.current.max(lowest).min(highest);
    let able = match stable == change.desired {
        true => Able::Ready,
        false if change.desired >= change.current => Able::UpStabilised,
        false => Able::DownStabilised,
    };
    (stable, able)
}

/// Bounds and scale-up limit without `behavior`: at most double, but 4 at once.
pub fn clamp_plain(change: Change, flags: &Flags) -> (i32, Limit) {
    let limit = (flags.scale_up_factor * f64::from(change.current)).max(flags.scale_up_minimum) as i32;
    let (top, reason) =
        if change.max > limit { (limit, Limit::ScaleUpLimit) } else { (change.max, Limit::TooManyReplicas) };
    if change.desired < change.min {
        (change.min, Limit::TooFewReplicas)
    } else if change.desired > top {
        (top, reason)
    } else {
        (change.desired, Limit::WithinRange)
    }
}

/// Bounds and policies with `behavior`.
pub fn clamp(change: Change, rules: &Behavior, events: (&Events, &Events)) -> (i32, Limit) {
    match change.desired.cmp(&change.current) {
        std::cmp::Ordering::Greater => clamp_up(change, &rules.scale_up, events),
        std::cmp::Ordering::Less => clamp_down(change, &rules.scale_down, events),
        std::cmp::Ordering::Equal => (change.desired, Limit::WithinRange),
    }
}

fn clamp_up(change: Change, rules: &Rules, events: (&Events, &Events)) -> (i32, Limit) {
    let limit = scale_up_limit(change.now, change.current, rules, events).max(change.current);
    let (top, reason) =
        if change.max > limit { (limit, Limit::ScaleUpLimit) } else { (change.max, Limit::TooManyReplicas) };
    if change.desired > top { (top, reason) } else { (change.desired, Limit::WithinRange) }
}

fn clamp_down(change: Change, rules: &Rules, events: (&Events, &Events)) -> (i32, Limit) {
    let limit = scale_down_limit(change.now, change.current, rules, events).min(change.current);
    let (bottom, reason) =
        if change.min < limit { (limit, Limit::ScaleDownLimit) } else { (change.min, Limit::TooFewReplicas) };
    if change.desired < bottom { (bottom, reason) } else { (change.desired, Limit::WithinRange) }
}

/// Highest size that the policies allow now. `events` are (ups, downs).
///
/// 32-bit integers that overflow silently, as upstream: `{type: Pods, value: 2147483647}`, meant as "no limit", allows
/// nothing at all.
pub fn scale_up_limit(now: DateTime<Utc>, current: i32, rules: &Rules, events: (&Events, &Events)) -> i32 {
    let reach = rules.policies.iter().map(|policy| {
        let start = period_start(now, current, policy.period, events);
        match policy.amount {
            Amount::Pods(pods) => start.wrapping_add(pods),
            Amount::Percent(percent) => (f64::from(start) * (1.0 + f64::from(percent) / 100.0)).ceil() as i32,
        }
    });
    match rules.select {
        Select::Disabled => current,
        Select::Max => reach.max().unwrap_or(i32::MIN),
        Select::Min => reach.min().unwrap_or(i32::MAX),
    }
}

/// Lowest size that the policies allow now: the *largest* change is the lowest size. `events` are (ups, downs).
pub fn scale_down_limit(now: DateTime<Utc>, current: i32, rules: &Rules, events: (&Events, &Events)) -> i32 {
    let reach = rules.policies.iter().map(|policy| {
        let start = period_start(now, current, policy.period, events);
        match policy.amount {
            Amount::Pods(pods) => start.wrapping_sub(pods),
            Amount::Percent(percent) => (f64::from(start) * (1.0 - f64::from(percent) / 100.0)) as i32,
        }
    });
    match rules.select {
        Select::Disabled => current,
        Select::Max => reach.min().unwrap_or(i32::MAX),
        Select::Min => reach.max().unwrap_or(i32::MIN),
    }
}

/// The size at the start of the period, as the events tell it.
fn period_start(now: DateTime<Utc>, current: i32, period: TimeDelta, (ups, downs): (&Events, &Events)) -> i32 {
    current.wrapping_sub(ups.change_within(now, period)).wrapping_add(downs.change_within(now, period))
}

/// Remembers a change of size `(from, to)` that has been made; floor jumps count like any other.
pub fn store_event(
    now: DateTime<Utc>,
    (from, to): (i32, i32),
    rules: &Behavior,
    (ups, downs): (&mut Events, &mut Events),
) {
    match to.cmp(&from) {
        std::cmp::Ordering::Greater => ups.store(now, to.wrapping_sub(from), rules.scale_up.longest_period()),
        std::cmp::Ordering::Less => downs.store(now, from.wrapping_sub(to), rules.scale_down.longest_period()),
        std::cmp::Ordering::Equal => {}
    }
}

#[cfg(test)]
#[path = "behavior_tests.rs"]
mod tests;
