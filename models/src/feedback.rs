//! Does the load depend on the replicas that carry it? What that does to floors, and how it is taken out again.
//!
//! A load with an overhead of b per replica is learned as `demand + b × replicas`; every floor then raises what the next one is
//! learned from, and the floor settles at m(1−ρ)/(1−mρ) times the true need (ρ = b ÷ target per replica, m the margin), or
//! nowhere. A load that is divided by the replicas falls as they rise, and its floors swing.
//!
//! Replicas that the HPA set follow the load, so they say nothing of what they do to it. Only stretches in which a floor set them
//! count (`replicas = minReplicas`): there they follow a plan made before. Of both, second differences of quarter-hour means take
//! out level and slope, and the difference from the day before takes out the season's bends; what is left of the load is regressed
//! on what is left of the replicas, of the same quarter and of the one before, as pods start and rates are averaged over minutes
//! (a distributed lag; Almon 1965). Beside it stands a bound that needs no regression: demand is never negative, so no replica
//! costs more than the least load per replica.

use crate::{
    calendar::DAY,
    capacity::replicas_for,
    series::Series,
    units::{Demand, PerReplica, Replicas},
};
use std::fmt;

/// Length of the means that are compared, in seconds.
const QUARTER: i64 = 900;
/// Second differences of replicas that must be there before anything is said.
const LEAST_MOVES: usize = 12;
/// An estimate counts less so many standard errors.
const ERRORS: f64 = 2.0;
/// What a replica costs is taken out of a history: that takes more. Of 1,500 honest loads with bursts none was told a cost at 3.5
/// standard errors, twelve at 3 and 24 at 2.5 (of 20,000 at 3.5, 52); of 6,000 floors on a load with overhead three ended above 1.1 times
/// the fair one (by 0.008 at most), one and none.
const COST_ERRORS: f64 = 3.5;
/// Overhead of one replica as a share of its target from which it is taken out of the load, if it may be as high: where it seemed lower
/// by chance, seven of those 6,000 floors ended too high.
pub const OVERHEAD_FROM: f64 = 0.2;
/// Share of samples that may lie below the least load per replica: outages and pods that are not ready yet.
const LEAST_QUANTILE: f64 = 0.02;
/// A load whose change in percent is this much of the replicas' falls with them; the quotient of both has −1.
const FALLS: f64 = -0.5;

/// A load, the replicas that carried it, and the floor of the time, on any grids; samples that one lacks are left out.
#[derive(Clone, Copy, Debug)]
pub struct Carried<'a> {
    /// The total load.
    pub load: &'a Series,
    /// `status.currentReplicas`.
    pub replicas: &'a Series,
    /// `spec.minReplicas` of the time, floors of ours included.
    pub min: &'a Series,
}

/// What is known of what a replica does to the load.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Response {
    /// Too few changes of replicas that a floor made.
    Unknown {
        /// Changes seen.
        moves: usize,
    },
    /// The load does not depend on the replicas, as far as can be told.
    Independent,
    /// Every replica adds to the load.
    Overhead {
        /// How much, in the load's unit.
        per_replica: f64,
        /// The same as a share of the target per replica.
        share: f64,
        /// The share that it may be as well, two standard errors above.
        at_most: f64,
    },
    /// The load falls as replicas rise: it is no total.
    Falls {
        /// Change of the load in percent for one percent more replicas.
        elasticity: f64,
    },
}

impl fmt::Display for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { moves } => write!(
                f,
                "what replicas do to the load is not known yet: {moves} changes by a floor, {LEAST_MOVES} are wanted"
            ),
            Self::Independent => f.write_str("the load does not depend on the replicas"),
            Self::Overhead { share, .. } => {
                write!(f, "each replica costs {:.0} % of its target whatever it serves", share * 100.0)
            }
            Self::Falls { elasticity } => {
                write!(f, "the load changes by {elasticity:.1} % where replicas rise by 1 %: it is no total load")
            }
        }
    }
}

impl Response {
    /// What one replica costs, where that must be taken out of the load.
    pub fn overhead(&self) -> Option<f64> {
        match self {
            Self::Overhead { per_replica, at_most, .. } if *at_most > OVERHEAD_FROM => Some(*per_replica),
            _ => None,
        }
    }
}

/// What a replica does to this load.
///
/// That it falls may be seen in all stretches: where the HPA sets the replicas they rise with the load, which hides a fall and never
/// makes one up.
pub fn response(carried: &Carried<'_>, per: PerReplica) -> Response {
    let all = quarters(carried, false);
    if let Some((elasticity, error)) = fit(all.len(), |i| bend(&all, i, f64::ln))
        && elasticity + ERRORS * error < 0.0
        && elasticity < FALLS
    {
        return Response::Falls { elasticity };
    }
    let quarters = quarters(carried, true);
    let day = (DAY / QUARTER.max(carried.load.step_seconds())) as usize;
    let against_yesterday = |i: usize| {
        let (today, yesterday) = (bend(&quarters, i, |mean| mean)?, bend(&quarters, i.checked_sub(day)?, |mean| mean)?);
        Some((today.0 - yesterday.0, today.1 - yesterday.1))
    };
    let moves = (0..quarters.len()).filter_map(against_yesterday).filter(|(_, moved)| moved.abs() > 1e-9).count();
    let Some((slope, error)) = fit(quarters.len(), against_yesterday).filter(|_| moves >= LEAST_MOVES) else {
        return Response::Unknown { moves };
    };
    let cost = slope.min(least_per_replica(carried));
    if cost > 0.05 * per.get() && slope > COST_ERRORS * error {
        // Nothing that a replica could still be asked to serve would be left above nine tenths.
        let per_replica = cost.min(0.9 * per.get());
        let share = per_replica / per.get();
        return Response::Overhead { per_replica, share, at_most: share + ERRORS * error / per.get() };
    }
    Response::Independent
}

/// The load without what its replicas cost, never below zero; where the replicas are not known the sample is missing.
pub fn without_overhead(load: &Series, replicas: &Series, per_replica: f64) -> Series {
    let value = |i: usize| {
        let own = load.at(load.time(i)).zip(replicas.at(load.time(i)));
        own.map_or(f32::NAN, |(load, replicas)| (load - per_replica * replicas).max(0.0) as f32)
    };
    let values = (0..load.len()).map(value).collect();
    Series::new(load.start(), load.step(), values).unwrap_or_else(|_| load.clone())
}

/// Share of samples at which the target stood at its `maxReplicas` with each replica above its target: there the demand was higher
/// than what was measured.
pub fn censored(load: &Series, replicas: &Series, max: &Series, per: PerReplica) -> f64 {
    let (mut seen, mut clipped) = (0usize, 0usize);
    for i in 0..load.len() {
        let at = load.time(i);
        let Some(((load, replicas), max)) = load.at(at).zip(replicas.at(at)).zip(max.at(at)) else { continue };
        seen += 1;
        let need = Demand::new(load).map_or(Replicas::ZERO, |load| replicas_for(load, per));
        clipped += usize::from(replicas >= max && f64::from(need.get()) > max);
    }
    if seen == 0 { 0.0 } else { clipped as f64 / seen as f64 }
}

/// Mean load and replicas of a quarter of an hour.
type Quarter = Option<(f64, f64)>;

/// All quarters in which every sample is there; `held`: and in which a floor set the replicas throughout.
fn quarters(carried: &Carried<'_>, held: bool) -> Vec<Quarter> {
    let step = carried.load.step_seconds();
    let each = (QUARTER / step).max(1) as usize;
    let sample = |i: usize| {
        let at = carried.load.time(i);
        let ((load, replicas), min) = carried.load.at(at).zip(carried.replicas.at(at)).zip(carried.min.at(at))?;
        (!held || (replicas - min).abs() < 0.5).then_some((load, replicas))
    };
    // Quarters begin with the clock's, whatever sample the history begins with.
    let first = (carried.load.start().timestamp() / step).rem_euclid(each as i64) as usize;
    let begins = (each - first) % each;
    let quarter = |from: usize| {
        let samples = (from..from + each).map(sample).collect::<Option<Vec<_>>>()?;
        let sum = samples.iter().fold((0.0, 0.0), |sum, s| (sum.0 + s.0, sum.1 + s.1));
        Some((sum.0 / each as f64, sum.1 / each as f64))
    };
    (begins..carried.load.len().saturating_sub(each - 1)).step_by(each).map(quarter).collect()
}

/// Second difference around quarter `i`, of load and replicas.
fn bend(quarters: &[Quarter], i: usize, form: impl Fn(f64) -> f64) -> Option<(f64, f64)> {
    let at = |i: usize| quarters.get(i).copied().flatten();
    let (before, here, after) = (at(i.checked_sub(1)?)?, at(i)?, at(i + 1)?);
    let of = |pick: fn((f64, f64)) -> f64| form(pick(here)) - f64::midpoint(form(pick(before)), form(pick(after)));
    let bend = (of(|q| q.0), of(|q| q.1));
    (bend.0.is_finite() && bend.1.is_finite()).then_some(bend)
}

/// What one more replica adds to the load, at once and a quarter later together, and the standard error of that.
fn fit(quarters: usize, bend: impl Fn(usize) -> Option<(f64, f64)>) -> Option<(f64, f64)> {
    let row = |i: usize| {
        let ((load, now), (_, before)) = (bend(i)?, bend(i - 1)?);
        Some([load, now, before])
    };
    let rows: Vec<[f64; 3]> = (1..quarters).filter_map(row).collect();
    let sum = |f: &dyn Fn(&[f64; 3]) -> f64| rows.iter().map(f).sum::<f64>();
    let (aa, ab, bb) = (sum(&|r| r[1] * r[1]), sum(&|r| r[1] * r[2]), sum(&|r| r[2] * r[2]));
    let (ya, yb) = (sum(&|r| r[0] * r[1]), sum(&|r| r[0] * r[2]));
    let determinant = aa * bb - ab * ab;
    if rows.len() < LEAST_MOVES || determinant <= 1e-9 * aa * bb {
        return None;
    }
    let now = (bb * ya - ab * yb) / determinant;
    let later = (aa * yb - ab * ya) / determinant;
    // Each row's share in the sum of both, 1ᵀ (XᵀX)⁻¹ x. A few bursts make some rows far noisier than others, so every row counts with
    // its own error (White 1980) and not with that of all.
    let share = |r: &[f64; 3]| ((bb - ab) * r[1] + (aa - ab) * r[2]) / determinant;
    let error = sum(&|r| (share(r) * (r[0] - now * r[1] - later * r[2])).powi(2)).sqrt();
    Some((now + later, error))
}

/// The least load per replica that was there for more than an odd moment.
fn least_per_replica(carried: &Carried<'_>) -> f64 {
    let each = (0..carried.load.len()).filter_map(|i| {
        let at = carried.load.time(i);
        let (load, replicas) = carried.load.at(at).zip(carried.replicas.at(at))?;
        (replicas >= 1.0).then_some(load / replicas)
    });
    let mut each: Vec<f64> = each.collect();
    each.sort_unstable_by(f64::total_cmp);
    each.get((each.len() as f64 * LEAST_QUANTILE) as usize).copied().unwrap_or(0.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
