//! The floor plan: replicas needed at each instant ahead, before any guard rail.

use crate::capacity::replicas_for;
use crate::units::{Demand, PerReplica, Replicas};
use chrono::{DateTime, TimeDelta, Utc};

/// One load's demand ahead, as [`plan_of`] reads it: `upper[i]` is the load that covers `[t_i, t_i + lead]`, in the load's unit.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// Time of `upper[0]`.
    pub origin: DateTime<Utc>,
    /// Distance of two values, above zero.
    pub step: TimeDelta,
    /// Upper quantile of the window maximum; a value that is not finite or is negative is no value.
    pub upper: &'a [f64],
    /// Load that one replica should carry.
    pub per: PerReplica,
}

impl Curve<'_> {
    fn end(&self) -> DateTime<Utc> {
        let steps = i32::try_from(self.upper.len()).unwrap_or(i32::MAX);
        self.step.checked_mul(steps).and_then(|whole| self.origin.checked_add_signed(whole)).unwrap_or(self.origin)
    }

    /// Replicas for the value in force at `t`; `None` outside the curve or where it has no value.
    fn need(&self, t: DateTime<Utc>) -> Option<Replicas> {
        let behind = (t - self.origin).num_milliseconds();
        let index = usize::try_from(behind.checked_div_euclid(self.step.num_milliseconds())?).ok()?;
        Some(replicas_for(Demand::new(*self.upper.get(index)?)?, self.per))
    }
}

/// Lowest safe replicas per instant: the maximum over the target's loads of what each needs over `[t, t + lead]`.
#[derive(Clone, Debug, PartialEq)]
pub struct FloorPlan {
    origin: DateTime<Utc>,
    step: TimeDelta,
    /// `None`: at this step at least one load has no forecast, so the plan does not know.
    needs: Vec<Option<Replicas>>,
}

/// The part of a plan that goes above a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capped {
    /// First moment of the excess.
    pub from: DateTime<Utc>,
    /// End of that first stretch.
    pub to: DateTime<Utc>,
    /// Most replicas needed in the stretch.
    pub need: Replicas,
    /// The limit exceeded.
    pub limit: Replicas,
}

/// The plan of one target with one or more loads. `None` without loads, or where the loads share no instant.
///
/// The grid is the finest step of the loads, from the latest origin to the earliest end: outside, one of them is unknown,
/// and unknown is never zero.
pub fn plan_of(curves: &[Curve<'_>]) -> Option<FloorPlan> {
    let origin = curves.iter().map(|c| c.origin).max()?;
    let end = curves.iter().map(Curve::end).min()?;
    let step = curves.iter().map(|c| c.step).min().filter(|s| *s > TimeDelta::zero())?;
    let steps = (end - origin).num_milliseconds().div_euclid(step.num_milliseconds().max(1));
    let mut needs = Vec::new();
    let mut t = origin;
    for _ in 0..steps {
        needs.push(curves.iter().map(|c| c.need(t)).collect::<Option<Vec<_>>>().and_then(|all| all.into_iter().max()));
        t = t.checked_add_signed(step)?;
    }
    (!needs.is_empty()).then_some(FloorPlan { origin, step, needs })
}

impl FloorPlan {
    /// First instant of the plan.
    pub fn origin(&self) -> DateTime<Utc> {
        self.origin
    }

    /// Distance of two steps.
    pub fn step(&self) -> TimeDelta {
        self.step
    }

    /// End of the last step: from here on the plan knows nothing.
    pub fn valid_until(&self) -> DateTime<Utc> {
        self.time(self.needs.len())
    }

    /// Start and need of every known step, in order of time.
    pub fn steps(&self) -> impl Iterator<Item = (DateTime<Utc>, Replicas)> + '_ {
        self.needs.iter().enumerate().filter_map(|(i, need)| need.map(|n| (self.time(i), n)))
    }

    /// Replicas needed for the lead window that begins at `t`; `None` where the plan does not know.
    ///
    /// Step `i` covers `[t_i, t_i + lead]`. Between two grid points the window reaches past `t_i + lead`, into what only
    /// step `i + 1` covers, so both count: otherwise a peak just past the window would be seen up to one step late.
    pub fn need_at(&self, t: DateTime<Utc>) -> Option<Replicas> {
        let index = self.index(t)?;
        let here = (*self.needs.get(index)?)?;
        let next = self.needs.get(index + 1).copied().flatten();
        Some(match next {
            Some(next) if t > self.time(index) => here.max(next),
            _ => here,
        })
    }

    /// The first moment from which, up to `now + longest`, the plan no longer needs `floor`; never later than `now + longest`,
    /// and `now` itself where it is not needed at all.
    pub fn needed_until(&self, now: DateTime<Utc>, floor: Replicas, longest: TimeDelta) -> DateTime<Utc> {
        let limit = now.checked_add_signed(longest).unwrap_or(now);
        self.steps()
            .filter(|(start, need)| *start < limit && *need >= floor)
            .map(|(start, _)| start + self.step)
            .filter(|end| *end > now)
            .last()
            .map_or(now, |end| end.min(limit))
    }

    /// The highest need in `[from, to)`, and the first moment (not before `from`) at which it is needed.
    pub fn peak(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<(DateTime<Utc>, Replicas)> {
        let mut best: Option<(DateTime<Utc>, Replicas)> = None;
        for (start, need) in self.steps().filter(|(start, _)| *start < to && *start + self.step > from) {
            if best.is_none_or(|(_, most)| need > most) {
                best = Some((start.max(from), need));
            }
        }
        best
    }

    /// The first stretch from `now` on in which more than `limit` replicas are needed: "capped at 18:00", hours ahead.
    pub fn capped(&self, now: DateTime<Utc>, limit: Replicas) -> Option<Capped> {
        let mut found: Option<Capped> = None;
        for (start, need) in self.steps().filter(|(start, _)| *start + self.step > now) {
            match (&mut found, need > limit) {
                (None, true) => found = Some(Capped { from: start.max(now), to: start + self.step, need, limit }),
                (Some(stretch), true) if start <= stretch.to => {
                    stretch.to = start + self.step;
                    stretch.need = stretch.need.max(need);
                }
                (Some(_), _) => break,
                (None, false) => {}
            }
        }
        found
    }

    fn time(&self, index: usize) -> DateTime<Utc> {
        let steps = i32::try_from(index).unwrap_or(i32::MAX);
        self.step
            .checked_mul(steps)
            .and_then(|whole| self.origin.checked_add_signed(whole))
            .unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    fn index(&self, t: DateTime<Utc>) -> Option<usize> {
        let behind = (t - self.origin).num_milliseconds();
        usize::try_from(behind.div_euclid(self.step.num_milliseconds().max(1))).ok()
    }
}
