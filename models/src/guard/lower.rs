//! How a floor comes down (`hpa.md` 3.3): after a hold, by a ramp while it binds, straight where it does not.

use crate::capacity::share_of;
use crate::decide::Evidence;
use crate::policy::Ramp;
use crate::target::{ScaleDown, Target};
use crate::units::Replicas;
use chrono::TimeDelta;

/// Oscillation makes the hold longer, never longer than this.
const LONGEST_HOLD: TimeDelta = TimeDelta::hours(1);
/// A plan within this share below the floor is not worth a write.
const BAND: f64 = 0.05;

/// The numbers that steer one lowering.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lowering {
    /// A floor stays this long after the plan last needed it.
    pub(crate) hold: TimeDelta,
    /// Shortest time since the last write, and largest fall.
    pub(crate) ramp: Ramp,
}

impl Lowering {
    /// The hold is max(stabilisation window, longest scaleDown period), doubled by every time in the last hour that a floor
    /// had to go up again after it had come down: an oscillating plan ends as a held maximum, not as a stream of writes.
    pub(crate) fn new(scale_down: ScaleDown, ramp: Ramp, turns: usize) -> Self {
        let base = scale_down.stabilisation.max(scale_down.longest_period).max(TimeDelta::zero());
        let factor = 1i32 << turns.min(10);
        let longer = base.checked_mul(factor).unwrap_or(LONGEST_HOLD).min(LONGEST_HOLD);
        Self { hold: longer.max(base), ramp }
    }
}

/// How far below `floor` a plan may be without a write: max(1, 5 %), so that a flicker of ±1 changes nothing.
pub(crate) fn band(floor: Replicas) -> Replicas {
    Replicas::new((f64::from(floor.get()) * BAND) as u32).max(Replicas::ONE)
}

/// The floor keeps the HPA up: without it, the HPA would go below. An unknown wish counts as binding, because then the ramp is used.
pub(crate) fn binds(target: &Target, evidence: &Evidence, floor: Replicas) -> bool {
    target.current <= floor && evidence.own_wish.is_none_or(|wish| wish < floor)
}

/// The next lower floor: one step's worth of the ramp, compound, at least one replica, never below `goal`.
///
/// 10 % per minute over a step of 5 min leaves 0.9⁵ = 0.59 of the floor: 20 → 12 → 8 → 5 → 3 → 2 → 1.
pub(crate) fn ramp_step(floor: Replicas, goal: Replicas, ramp: &Ramp) -> Replicas {
    let minutes = ramp.step.num_milliseconds().max(0) as f64 / 60_000.0;
    let kept = share_of(floor, (1.0 - ramp.per_minute.clamp(0.0, 1.0)).powf(minutes));
    kept.min(floor.saturating_sub(Replicas::ONE)).max(goal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{evidence, n, target};
    use proptest::prelude::*;

    #[test]
    fn ramp_of_ten_percent_a_minute() {
        let ramp = Ramp::default();
        let mut floor = n(20);
        let mut seen = vec![];
        while floor > n(1) {
            floor = ramp_step(floor, n(1), &ramp);
            seen.push(floor.get());
        }
        assert_eq!(seen, [12, 8, 5, 3, 2, 1]);
    }

    #[test]
    fn hold_doubles_with_every_turn_up_to_an_hour() {
        let minutes = |turns| Lowering::new(ScaleDown::default(), Ramp::default(), turns).hold.num_minutes();
        assert_eq!([minutes(0), minutes(1), minutes(2), minutes(3), minutes(4), minutes(99)], [5, 10, 20, 40, 60, 60]);
        let long = ScaleDown { stabilisation: TimeDelta::minutes(1), longest_period: TimeDelta::minutes(90) };
        assert_eq!(
            Lowering::new(long, Ramp::default(), 3).hold.num_minutes(),
            90,
            "never shorter than the HPA's own period"
        );
    }

    #[test]
    fn binding_table() {
        // (current, own wish, floor) → binds
        for (current, wish, floor, wanted) in [
            (20, Some(5), 20, true),
            (20, Some(19), 20, true),
            (20, Some(20), 20, false),
            (20, Some(25), 20, false),
            (25, Some(25), 20, false),
            (25, Some(5), 20, false),
            (12, Some(5), 20, true),
            (12, Some(30), 20, false),
            (20, None, 20, true),
            (25, None, 20, false),
        ] {
            let (mut target, mut evidence) = (target(), evidence());
            (target.current, evidence.own_wish) = (n(current), wish.map(n));
            assert_eq!(binds(&target, &evidence, n(floor)), wanted, "current {current}, wish {wish:?}, floor {floor}");
        }
    }

    proptest! {
        #[test]
        fn a_step_always_falls_and_never_too_far(floor in 2u32..100_000, goal in 1u32..100_000, per_minute in 0.0f64..=1.0, seconds in 0i64..3600) {
            let ramp = Ramp { per_minute, step: TimeDelta::seconds(seconds) };
            let goal = goal.min(floor - 1);
            let next = ramp_step(n(floor), n(goal), &ramp).get();
            prop_assert!(next < floor && next >= goal);
            let kept = f64::from(floor) * (1.0 - per_minute).powf(seconds as f64 / 60.0);
            prop_assert!(next == floor - 1 || f64::from(next) >= kept * (1.0 - 1e-9), "{floor} → {next}, the ramp keeps {kept}");
        }
    }
}
