//! Does load over target per replica give the replicas that the HPA itself wanted? (`DerivationMismatch`)
//!
//! The load's history runs through the HPA's own arithmetic ([`crate::hpa`]: tolerance, stabilisation, policies), because a
//! plain `ceil(load ÷ target)` fails correct derivations of bursty loads; the result is held against
//! `kube_horizontalpodautoscaler_status_desired_replicas` wherever that was not bound by min or max (`load.md`).

mod hours;

pub use hours::Hour;

use crate::decide::Derivation;
use crate::hpa::{Behavior, Bounds, Flags, Replay, Tolerance};
use crate::series::Series;
use crate::units::{Demand, PerReplica, Replicas};
use chrono::{DateTime, TimeDelta, Utc};
use hours::Hours;

/// Largest difference that still agrees, as a share of the HPA's own replicas; one replica always agrees.
const SHARE_OFF: f64 = 0.15;
/// Share of samples that must agree.
const SHARE_AGREEING: f64 = 0.90;
/// Less unbound history than this proves nothing.
const SHORTEST: TimeDelta = TimeDelta::hours(3);
/// Most syncs replayed between two samples: enough for a doubling per sync to reach any size.
const MOST_SYNCS: i64 = 20;

/// What is compared, over the time that all series share.
#[derive(Clone, Debug)]
pub struct History<'a> {
    /// Every load of the target with its target per replica.
    pub loads: &'a [(&'a Series, PerReplica)],
    /// The HPA's desired replicas.
    pub desired: &'a Series,
    /// `spec.minReplicas` of the time, floors of ours included.
    pub min: &'a Series,
    /// `spec.maxReplicas` of the time.
    pub max: &'a Series,
}

/// How the HPA computes.
#[derive(Clone, Debug)]
pub struct Arithmetic {
    /// The controller's flags.
    pub flags: Flags,
    /// The HPA's `spec.behavior`, if it has one.
    pub behavior: Option<Behavior>,
    /// Its tolerance.
    pub tolerance: Tolerance,
}

/// What the comparison says.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// At least 90 % of the samples agree.
    Match {
        /// Share of samples that agree, 0 to 1.
        share: f64,
        /// Samples compared.
        samples: usize,
    },
    /// They do not: load or target per replica is wrong.
    Mismatch {
        /// Share of samples that agree, 0 to 1.
        share: f64,
        /// Samples compared.
        samples: usize,
        /// The hours that disagree most, worst first, at most five.
        worst: Vec<Hour>,
    },
    /// Too little to compare.
    Unproven {
        /// Samples that could be compared.
        samples: usize,
        /// Samples at which the HPA stood at its min or max, and so says nothing of its wish.
        bound: usize,
    },
}

impl Verdict {
    /// As the decision needs it.
    pub const fn derivation(&self) -> Derivation {
        match self {
            Self::Match { .. } => Derivation::Proven,
            Self::Mismatch { .. } => Derivation::Mismatch,
            Self::Unproven { .. } => Derivation::Unproven,
        }
    }
}

/// Compares load over target with the HPA's own wish. Samples that any series lacks are left out: missing is never zero.
pub fn compare(history: &History<'_>, arithmetic: &Arithmetic) -> Verdict {
    let replayed = replay(history, arithmetic);
    let mut hours = Hours::default();
    let (mut bound, mut samples, mut agreeing) = (0, 0, 0);
    for (i, point) in replayed.iter().enumerate() {
        let Some(point) = point else { continue };
        if point.desired <= point.bounds.min || point.desired >= point.bounds.max {
            bound += 1;
            continue;
        }
        samples += 1;
        let best = nearest(&replayed, i, point.desired);
        let agrees = agree(best, point.desired);
        agreeing += usize::from(agrees);
        hours.add(point.at, agrees, best, point.desired);
    }
    let step = history.desired.step();
    let compared = step.checked_mul(i32::try_from(samples).unwrap_or(i32::MAX)).unwrap_or(TimeDelta::MAX);
    if compared < SHORTEST {
        return Verdict::Unproven { samples, bound };
    }
    let share = agreeing as f64 / samples as f64;
    if share >= SHARE_AGREEING {
        Verdict::Match { share, samples }
    } else {
        Verdict::Mismatch { share, samples, worst: hours.worst() }
    }
}

/// Within max(1, 15 %) of the HPA's own replicas.
fn agree(replayed: Replicas, desired: Replicas) -> bool {
    let off = f64::from(replayed.get().abs_diff(desired.get()));
    off <= (f64::from(desired.get()) * SHARE_OFF).max(1.0)
}

/// One moment at which everything is known.
struct Point {
    at: DateTime<Utc>,
    desired: Replicas,
    replayed: Replicas,
    bounds: Bounds,
}

/// The replay at the sample itself or beside it, whichever is nearer: the HPA sees a load up to a minute later than the sample
/// that holds it, so the two grids are not aligned better than one step.
fn nearest(points: &[Option<Point>], i: usize, desired: Replicas) -> Replicas {
    let beside = points.iter().take(i + 2).skip(i.saturating_sub(1)).flatten();
    let replays = beside.map(|point| point.replayed);
    replays.min_by_key(|replayed| replayed.get().abs_diff(desired.get())).unwrap_or(desired)
}

/// Runs the loads through the HPA's arithmetic, one entry per sample of `desired`. Every sample starts from the size that the
/// HPA really had before it, so that one difference does not run through all that follow.
fn replay(history: &History<'_>, arithmetic: &Arithmetic) -> Vec<Option<Point>> {
    let Arithmetic { flags, behavior, tolerance } = arithmetic.clone();
    let mut replay = Replay::new(flags, behavior, tolerance);
    let mut previous: Option<Replicas> = None;
    let mut points = Vec::with_capacity(history.desired.len());
    for i in 0..history.desired.len() {
        let at = history.desired.time(i);
        let known = known(history, at);
        points.push(known.as_ref().map(|(loads, desired, bounds)| {
            if let Some(size) = previous {
                replay.observe(at, size);
            }
            let replayed = syncs(&mut replay, at, history.desired.step(), flags, (loads, *bounds));
            Point { at, desired: *desired, replayed, bounds: *bounds }
        }));
        previous = known.map(|(_, desired, _)| desired);
    }
    points
}

type Known = (Vec<(Demand, PerReplica)>, Replicas, Bounds);

fn known(history: &History<'_>, at: DateTime<Utc>) -> Option<Known> {
    let load = |(series, per): &(&Series, PerReplica)| Some((Demand::new(series.at(at)?)?, *per));
    let loads = history.loads.iter().map(load).collect::<Option<Vec<_>>>().filter(|loads| !loads.is_empty())?;
    let count = |series: &Series| series.at(at).map(|n| Replicas::new(n.round() as u32));
    let bounds = Bounds { min: count(history.min)?, max: count(history.max)? };
    Some((loads, count(history.desired)?, bounds))
}

/// The controller syncs many times within one sample; with one sync per sample its scale-up limit would look like a difference.
fn syncs(
    replay: &mut Replay,
    at: DateTime<Utc>,
    step: TimeDelta,
    flags: Flags,
    (loads, bounds): (&[(Demand, PerReplica)], Bounds),
) -> Replicas {
    let period = flags.sync_period.num_milliseconds().max(1);
    let times = (step.num_milliseconds() / period).clamp(1, MOST_SYNCS);
    let apart = TimeDelta::milliseconds(step.num_milliseconds() / times);
    let mut moment = at;
    let mut size = Replicas::ZERO;
    for _ in 0..times {
        size = replay.step(moment, loads, bounds);
        moment += apart;
    }
    size
}

#[cfg(test)]
mod tests;
