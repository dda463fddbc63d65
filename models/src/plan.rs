//! The floor plan: replicas needed at each instant ahead, before any guard rail.

use crate::capacity::replicas_for;
use crate::forecast::Forecast;
use crate::units::{Demand, PerReplica, Replicas};
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::Range;

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

impl<'a> Curve<'a> {
    /// The upper curve of a forecast.
    pub fn of(forecast: &'a Forecast, per: PerReplica) -> Self {
        Self { origin: forecast.origin, step: forecast.step, upper: &forecast.upper, per }
    }

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
    needs: Box<[Need]>,
    /// The most that is needed at any time.
    most: Replicas,
}

/// What one step needs, in four bytes: a thousand plans of a day are kept. No number of replicas is above `i32::MAX`, so what is
/// means that the plan does not know, because at least one load has no forecast there.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Need(u32);

impl Need {
    fn of(replicas: Option<Replicas>) -> Self {
        Self(replicas.map_or(u32::MAX, Replicas::get))
    }

    fn known(self) -> Option<Replicas> {
        (self != Self::of(None)).then(|| Replicas::new(self.0))
    }
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

/// The plan of one target from the forecasts of its loads; see [`plan_of`].
pub fn plan(forecasts: &[(&Forecast, PerReplica)]) -> Option<FloorPlan> {
    let curves: Vec<Curve<'_>> = forecasts.iter().map(|(forecast, per)| Curve::of(forecast, *per)).collect();
    plan_of(&curves)
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
    let mut needs = Vec::with_capacity(usize::try_from(steps).unwrap_or(0));
    let mut t = origin;
    for _ in 0..steps {
        let most = curves.iter().try_fold(Replicas::ZERO, |most, curve| curve.need(t).map(|need| most.max(need)));
        needs.push(Need::of(most));
        t = t.checked_add_signed(step)?;
    }
    let most = needs.iter().filter_map(|need| need.known()).max().unwrap_or(Replicas::ZERO);
    (!needs.is_empty()).then(|| FloorPlan { origin, step, needs: needs.into(), most })
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

    /// The moments within `(from, to)` at which a step begins that needs another number than the step before, or where the plan
    /// begins or ceases to know; in no order.
    pub fn turns(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> impl Iterator<Item = DateTime<Utc>> + '_ {
        let range = self.range(from, to);
        let ends = [self.origin, self.valid_until()].into_iter().filter(move |end| from < *end && *end < to);
        let pairs = self.needs[range.clone()].windows(2).zip(range.start + 1..);
        pairs.filter(|(pair, _)| pair[0] != pair[1]).map(|(_, next)| self.time(next)).chain(ends)
    }

    /// Replicas needed for the lead window that begins at `t`; `None` where the plan does not know.
    ///
    /// Step `i` covers `[t_i, t_i + lead]`. Between two grid points the window reaches past `t_i + lead`, into what only
    /// step `i + 1` covers, so both count: otherwise a peak just past the window would be seen up to one step late.
    pub fn need_at(&self, t: DateTime<Utc>) -> Option<Replicas> {
        let index = self.index(t)?;
        let here = self.known(index)?;
        let next = self.known(index + 1);
        Some(match next {
            Some(next) if t > self.time(index) => here.max(next),
            _ => here,
        })
    }

    /// Replicas needed by the step that holds `t`, and by that alone.
    pub fn step_at(&self, t: DateTime<Utc>) -> Option<Replicas> {
        self.known(self.index(t)?)
    }

    /// The first moment from which, up to `now + longest`, the plan no longer needs `floor`; never later than `now + longest`,
    /// and `now` itself where it is not needed at all.
    pub fn needed_until(&self, now: DateTime<Utc>, floor: Replicas, longest: TimeDelta) -> DateTime<Utc> {
        let limit = now.checked_add_signed(longest).unwrap_or(now);
        let range = self.range(now, limit);
        let last = self.needs[range.clone()].iter().rposition(|need| need.known().is_some_and(|need| need >= floor));
        last.map_or(now, |i| self.time(range.start + i + 1).min(limit))
    }

    /// The highest need in `[from, to)`, and the first moment (not before `from`) at which it is needed.
    pub fn peak(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Option<(DateTime<Utc>, Replicas)> {
        let range = self.range(from, to);
        let ahead = &self.needs[range.clone()];
        let most = ahead.iter().filter_map(|need| need.known()).max()?;
        let first = ahead.iter().position(|need| need.known() == Some(most))?;
        Some((self.time(range.start + first).max(from), most))
    }

    /// The first stretch from `now` on in which more than `limit` replicas are needed: "capped at 18:00", hours ahead.
    pub fn capped(&self, now: DateTime<Utc>, limit: Replicas) -> Option<Capped> {
        // Nearly always: every tick asks.
        if self.most <= limit {
            return None;
        }
        let range = self.range(now, DateTime::<Utc>::MAX_UTC);
        let ahead = &self.needs[range.clone()];
        let above = |need: &Need| need.known().is_some_and(|need| need > limit);
        let first = ahead.iter().position(above)?;
        let stretch = ahead[first..].iter().take_while(|need| above(need)).filter_map(|need| need.known());
        let (steps, need) = stretch.fold((0, limit), |(steps, most), need| (steps + 1, most.max(need)));
        let from = self.time(range.start + first).max(now);
        Some(Capped { from, to: self.time(range.start + first + steps), need, limit })
    }

    fn known(&self, index: usize) -> Option<Replicas> {
        self.needs.get(index)?.known()
    }

    /// The steps that touch `[from, to)`.
    fn range(&self, from: DateTime<Utc>, to: DateTime<Utc>) -> Range<usize> {
        let step = self.step.num_milliseconds().max(1);
        let bound = |t: i64| usize::try_from(t).unwrap_or(0).min(self.needs.len());
        let first = bound((from - self.origin).num_milliseconds().div_euclid(step));
        // Step i begins before `to` where i × step < to − origin: i < ceil((to − origin) ÷ step).
        let end = bound((to - self.origin).num_milliseconds().saturating_add(step - 1).div_euclid(step));
        first..end.max(first)
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::{n, plan, time};

    use proptest::prelude::*;

    /// Start and need of every known step, in order of time.
    fn steps(plan: &FloorPlan) -> impl Iterator<Item = (DateTime<Utc>, Replicas)> + '_ {
        plan.needs.iter().enumerate().filter_map(|(i, need)| need.known().map(|n| (plan.time(i), n)))
    }

    #[test]
    fn need_is_the_step_and_between_steps_the_next_one_too() {
        let plan = plan(time(0), &[3, 5, 9, 2]).unwrap();
        for (minute, wanted) in [
            (-1, None),
            (0, Some(3)),
            (1, Some(5)),
            (5, Some(5)),
            (6, Some(9)),
            (10, Some(9)),
            (14, Some(9)),
            (15, Some(2)),
            (19, Some(2)),
            (20, None),
        ] {
            assert_eq!(plan.need_at(time(minute)), wanted.map(n), "minute {minute}");
        }
        assert_eq!(plan.valid_until(), time(20));
    }

    #[test]
    fn needed_until_is_the_end_of_the_last_step_that_needs_it() {
        let plan = plan(time(0), &[20, 20, 8, 20, 8, 8]).unwrap();
        let hours = TimeDelta::hours;
        assert_eq!(plan.needed_until(time(0), n(20), hours(6)), time(20), "the dip in between does not end it");
        assert_eq!(plan.needed_until(time(0), n(9), hours(6)), time(20));
        assert_eq!(plan.needed_until(time(0), n(8), hours(6)), time(30), "to the end of the plan");
        assert_eq!(plan.needed_until(time(0), n(8), TimeDelta::minutes(12)), time(12), "never further than allowed");
        assert_eq!(plan.needed_until(time(0), n(21), hours(6)), time(0), "not needed at all");
        assert_eq!(plan.needed_until(time(21), n(20), hours(6)), time(21), "not needed any more");
        assert_eq!(plan.needed_until(time(500), n(1), hours(6)), time(500), "the plan is over");
    }

    #[test]
    fn peak_is_the_first_highest_of_the_range() {
        let plan = plan(time(0), &[3, 7, 7, 2]).unwrap();
        assert_eq!(plan.peak(time(0), time(20)), Some((time(5), n(7))));
        assert_eq!(plan.peak(time(7), time(20)), Some((time(7), n(7))), "not before the range begins");
        assert_eq!(plan.peak(time(0), time(5)), Some((time(0), n(3))), "the end is outside");
        assert_eq!(plan.peak(time(16), time(17)), Some((time(16), n(2))));
        assert_eq!(plan.peak(time(30), time(40)), None);
        assert_eq!(plan.peak(time(10), time(5)), None);
    }

    #[test]
    fn capped_tells_the_first_stretch() {
        let plan = plan(time(0), &[3, 12, 15, 4, 20]).unwrap();
        let first = Capped { from: time(5), to: time(15), need: n(15), limit: n(10) };
        assert_eq!(plan.capped(time(0), n(10)), Some(first));
        assert_eq!(plan.capped(time(7), n(10)), Some(Capped { from: time(7), ..first }));
        assert_eq!(
            plan.capped(time(15), n(10)),
            Some(Capped { from: time(20), to: time(25), need: n(20), limit: n(10) })
        );
        assert_eq!(plan.capped(time(0), n(20)), None);
    }

    #[test]
    fn loads_share_the_finest_grid_and_the_common_time() {
        let per = PerReplica::new(2.0).unwrap();
        let slow = Curve { origin: time(0), step: TimeDelta::minutes(10), upper: &[10.0, 40.0], per };
        let fast = Curve { origin: time(5), step: TimeDelta::minutes(5), upper: &[14.0, 14.0, 14.0, 14.0, 14.0], per };
        let plan = plan_of(&[slow, fast]).unwrap();
        let told: Vec<_> = steps(&plan).collect();
        assert_eq!(told, [(time(5), n(7)), (time(10), n(20)), (time(15), n(20))]);
    }

    #[test]
    fn a_missing_value_is_unknown_and_never_zero() {
        fn curve(upper: &[f64], per: PerReplica) -> Curve<'_> {
            Curve { origin: time(0), step: TimeDelta::minutes(5), upper, per }
        }
        let per = PerReplica::new(1.0).unwrap();
        for bad in [f64::NAN, f64::INFINITY, -1.0] {
            let upper = [4.0, bad, 6.0];
            let plan = plan_of(&[curve(&upper, per), curve(&[1.0, 1.0, 1.0], per)]).unwrap();
            assert_eq!([0, 5, 10].map(|m| plan.need_at(time(m))), [Some(n(4)), None, Some(n(6))], "{bad}");
        }
        assert_eq!(plan_of(&[]), None);
        assert_eq!(plan_of(&[curve(&[], per)]), None);
        assert_eq!(plan_of(&[Curve { step: TimeDelta::zero(), ..curve(&[1.0], per) }]), None);
    }

    proptest! {
        #[test]
        fn what_is_needed_lies_before_needed_until(needs in prop::collection::vec(0u32..30, 1..100), at in 0i64..600, floor in 1u32..30, longest in 1i64..400) {
            let plan = plan(time(0), &needs).unwrap();
            let (now, longest) = (time(at), TimeDelta::minutes(longest));
            let until = plan.needed_until(now, n(floor), longest);
            prop_assert!(until >= now && until <= now + longest);
            for (start, need) in steps(&plan).filter(|(start, _)| *start >= until && *start < now + longest) {
                prop_assert!(need < n(floor), "{need} needed at {start}, after {until}");
            }
            if until > now {
                let last = plan.peak(until - TimeDelta::minutes(5), until).unwrap().1;
                prop_assert!(last >= n(floor));
            }
        }

        #[test]
        fn between_two_turns_a_plan_says_the_same(needs in prop::collection::vec(0u32..4, 1..60), from in -50i64..350, minutes in 1i64..350) {
            // Zero stands for what is not known.
            let upper: Vec<f64> = needs.iter().map(|n| if *n == 0 { f64::NAN } else { f64::from(*n) }).collect();
            let curve = Curve { origin: time(0), step: TimeDelta::minutes(5), upper: &upper, per: PerReplica::new(1.0).unwrap() };
            let plan = plan_of(&[curve]).unwrap();
            let turns: Vec<_> = plan.turns(time(from), time(from + minutes)).collect();
            prop_assert!(turns.iter().all(|turn| time(from) < *turn && *turn < time(from + minutes)));
            for minute in from..from + minutes {
                let since = turns.iter().copied().filter(|turn| *turn <= time(minute)).max().unwrap_or(time(from));
                prop_assert_eq!(plan.step_at(time(minute)), plan.step_at(since), "minute {}", minute);
            }
        }

        #[test]
        fn need_covers_both_steps_it_stands_between(needs in prop::collection::vec(0u32..30, 2..50), second in 0i64..15_000) {
            let plan = plan(time(0), &needs).unwrap();
            let t = time(0) + TimeDelta::seconds(second);
            let index = (second / 300) as usize;
            let exact = second % 300 == 0;
            let wanted = needs.get(index).map(|here| needs.get(index + 1).filter(|_| !exact).map_or(*here, |next| *here.max(next)));
            prop_assert_eq!(plan.need_at(t), wanted.map(n));
        }
    }
}
