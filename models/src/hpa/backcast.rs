//! The HPA's arithmetic over a total load and a target per replica: what it would have made of a history.

use crate::hpa::behavior::{self, Change};
use crate::hpa::{Behavior, Events, Flags, Log, Tolerance};
use crate::units::{Demand, PerReplica, Replicas};
use chrono::{DateTime, Utc};

/// The size that the metrics ask for when `current` replicas share `load`: `ceil(load / per_replica)`, or `current`
/// while the ratio is within the tolerance. No bounds, no stabilisation.
///
/// The average-value form of the HPA; for CPU it is the same with all pods ready and measured. A quotient that exceeds
/// a whole number only by float noise (1e-9) does not cost a replica.
///
/// ```
/// use floorcast_models::hpa::{self, Tolerance};
/// use floorcast_models::units::{Demand, PerReplica, Replicas};
/// let per = PerReplica::new(10.0).unwrap();
/// let wish = |load| hpa::wish(Demand::new(load).unwrap(), per, Replicas::new(10), Tolerance::default()).get();
/// assert_eq!((wish(109.0), wish(111.0)), (10, 12));
/// ```
pub fn wish(load: Demand, per_replica: PerReplica, current: Replicas, tolerance: Tolerance) -> Replicas {
    let needed = load.get() / per_replica.get();
    let ratio = needed / f64::from(current.get());
    if current > Replicas::ZERO && tolerance.within(ratio) {
        return current;
    }
    // `as` saturates: an absurd quotient is the largest size, never a wrap to a small one.
    Replicas::new((needed * (1.0 - 1e-9)).ceil() as u32)
}

/// Bounds in force at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// `spec.minReplicas` of that moment, floors of ours included.
    pub min: Replicas,
    /// `spec.maxReplicas` of that moment.
    pub max: Replicas,
}

/// Replays an HPA over a sequence of loads: tolerance, stabilisation, behaviour policies and bounds, with the size that
/// it would itself have set carried from step to step.
///
/// Feed it moments in order of time; a gap is simply not fed, and the log ages over it.
#[derive(Clone, Debug)]
pub struct Replay {
    flags: Flags,
    behavior: Option<Behavior>,
    tolerance: Tolerance,
    current: Option<Replicas>,
    log: Log,
    ups: Events,
    downs: Events,
}

impl Replay {
    /// A controller that has seen nothing yet. `behavior` is the HPA's, if it has one.
    pub fn new(flags: Flags, behavior: Option<Behavior>, tolerance: Tolerance) -> Self {
        let (log, ups, downs) = (Log::default(), Events::default(), Events::default());
        Self { flags, behavior, tolerance, current: None, log, ups, downs }
    }

    /// Starts from a known size, as the controller does from `scale.spec.replicas` at its first sync.
    #[must_use]
    pub fn starting_at(mut self, at: DateTime<Utc>, current: Replicas) -> Self {
        self.set_current(at, current);
        self
    }

    /// Corrects the carried size by an observed one (someone else scaled, or a floor jump was seen).
    pub fn observe(&mut self, at: DateTime<Utc>, current: Replicas) {
        self.set_current(at, current);
    }

    /// The size carried from the last step.
    pub fn current(&self) -> Option<Replicas> {
        self.current
    }

    /// One sync: the largest wish over `loads`, stabilised, limited and bounded. Without any load the bounds alone act.
    ///
    /// The first step without a known size starts from the bare need within the bounds.
    pub fn step(&mut self, at: DateTime<Utc>, loads: &[(Demand, PerReplica)], bounds: Bounds) -> Replicas {
        let max = bounds.max.max(Replicas::ONE);
        let Some(current) = self.current else {
            let start = self.largest_wish(loads, Replicas::ZERO).unwrap_or(bounds.min).max(bounds.min).min(max);
            self.set_current(at, start);
            return start;
        };
        let next = if current > max {
            max
        } else if current < bounds.min {
            bounds.min
        } else {
            self.largest_wish(loads, current).map_or(current, |wish| self.normalise(at, current, wish, bounds))
        };
        self.store(at, current, next);
        self.current = Some(next);
        next
    }

    fn set_current(&mut self, at: DateTime<Utc>, current: Replicas) {
        self.current = Some(current);
        if self.log.entries().is_empty() {
            self.log = Log::of(vec![crate::hpa::Recommendation { replicas: current.to_api(), at }]);
        }
    }

    fn largest_wish(&self, loads: &[(Demand, PerReplica)], current: Replicas) -> Option<Replicas> {
        loads.iter().map(|&(load, per)| wish(load, per, current, self.tolerance)).max()
    }

    fn normalise(&mut self, now: DateTime<Utc>, current: Replicas, wish: Replicas, bounds: Bounds) -> Replicas {
        let change = Change {
            now,
            current: current.to_api(),
            desired: wish.to_api(),
            min: bounds.min.to_api(),
            max: bounds.max.to_api(),
        };
        let verdict =
            behavior::normalise(change, self.behavior.as_ref(), &self.flags, &mut self.log, (&self.ups, &self.downs));
        Replicas::from_api(verdict.replicas).unwrap_or(current)
    }

    fn store(&mut self, at: DateTime<Utc>, from: Replicas, to: Replicas) {
        if let Some(behavior) = &self.behavior {
            behavior::store_event(at, (from.to_api(), to.to_api()), behavior, (&mut self.ups, &mut self.downs));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn load(amount: f64) -> [(Demand, PerReplica); 1] {
        [(Demand::new(amount).unwrap(), PerReplica::new(1.0).unwrap())]
    }

    const BOUNDS: Bounds = Bounds { min: Replicas::new(2), max: Replicas::new(30) };

    #[test]
    fn wish_is_the_need_outside_the_tolerance() {
        //           load, current, wished
        let table =
            [(10.9, 10, 10), (11.1, 10, 12), (9.1, 10, 10), (8.9, 10, 9), (0.0, 10, 0), (7.0, 0, 7), (0.0, 0, 0)];
        for (amount, current, wished) in table {
            let (demand, per) = load(amount)[0];
            let found = wish(demand, per, Replicas::new(current), Tolerance::default());
            assert_eq!(found.get(), wished, "{amount} over {current}");
        }
    }

    #[test]
    fn float_noise_costs_no_replica_and_absurd_loads_saturate() {
        let per = PerReplica::new(0.1).unwrap();
        let size = |x| wish(Demand::new(x).unwrap(), per, Replicas::ZERO, Tolerance::default());
        assert_eq!(size(0.1 + 0.2).get(), 3);
        assert_eq!(size(f64::MAX), Replicas::MAX);
    }

    #[test]
    fn a_fall_waits_for_the_window_and_a_rise_does_not() {
        let mut replay = Replay::new(Flags::default(), None, Tolerance::default()).starting_at(at(0), Replicas::new(5));
        assert_eq!(replay.step(at(15), &load(8.0), BOUNDS).get(), 8);
        assert_eq!(replay.step(at(30), &load(3.0), BOUNDS).get(), 8);
        assert_eq!(replay.step(at(315), &load(3.0), BOUNDS).get(), 8);
        assert_eq!(replay.step(at(331), &load(3.0), BOUNDS).get(), 3);
    }

    #[test]
    fn bounds_act_at_once_even_without_load() {
        let mut replay = Replay::new(Flags::default(), None, Tolerance::default()).starting_at(at(0), Replicas::new(5));
        assert_eq!(replay.step(at(15), &[], Bounds { min: Replicas::new(20), ..BOUNDS }).get(), 20);
        assert_eq!(replay.step(at(30), &[], Bounds { max: Replicas::new(4), ..BOUNDS }).get(), 4);
        assert_eq!(replay.step(at(45), &[], BOUNDS).get(), 4);
    }

    #[test]
    fn a_floor_jump_spends_the_scale_up_budget() {
        use crate::hpa::{Policy, Rules};
        let slow = Rules { policies: vec![Policy::percent(100, 60)], ..Rules::default_up() };
        let behavior = Behavior { scale_up: slow, ..Behavior::default() };
        let mut replay =
            Replay::new(Flags::default(), Some(behavior), Tolerance::default()).starting_at(at(0), Replicas::new(5));
        let floor = Bounds { min: Replicas::new(20), max: Replicas::new(100) };
        let sizes: Vec<u32> = (1..=10)
            .map(|sync| {
                let (demand, bounds) = match sync {
                    1 => (5.0, Bounds { min: Replicas::new(2), ..floor }),
                    2 => (5.0, floor),
                    _ => (60.0, floor),
                };
                replay.step(at(15 * sync), &load(demand), bounds).get()
            })
            .collect();
        // 20 at 30 s; the event of +15 counts until 90 s; 40 then, 60 one period later.
        assert_eq!(sizes, [5, 20, 20, 20, 20, 40, 40, 40, 40, 60]);
    }

    proptest::proptest! {
        /// Within the bounds of the moment, whatever came before; and the light replay of a whole-number load is the
        /// controller's own sync on an external metric.
        #[test]
        fn bounded_and_the_same_as_the_controller(
            steps in proptest::collection::vec((1_u32..20, 0_u32..30, 0_u32..80), 1..60),
            ruled: bool,
        ) {
            use crate::hpa::{Controller, MetricSpec, Observation, Sample, Scaled, Spec, State, ValueTarget, sync};
            let behavior = ruled.then(Behavior::default);
            let mut replay = Replay::new(Flags::default(), behavior.clone(), Tolerance::default());
            let (mut state, mut size) = (State::default(), 5);
            replay.observe(at(0), Replicas::new(5));
            for (second, (min, extra, amount)) in (0..).step_by(15).zip(steps) {
                let bounds = Bounds { min: Replicas::new(min), max: Replicas::new(min + extra) };
                let found = replay.step(at(second), &load(f64::from(amount)), bounds);
                proptest::prop_assert!(bounds.min <= found && found <= bounds.max);
                let target = ValueTarget::Average(1000);
                let metrics = vec![MetricSpec::External { metric: "load".to_owned(), target }];
                let (floor, max) = (Some(bounds.min.to_api()), bounds.max.to_api());
                let spec = Spec { min: floor, max, metrics, behavior: behavior.clone() };
                let samples = vec![Ok(Sample::External(vec![i64::from(amount) * 1000]))];
                let seen = Observation { target: Scaled::sound(size, size), pods: vec![], samples };
                size = sync(at(second), &spec, &Controller::default(), &seen, &mut state).rescaled_to.unwrap_or(size);
                proptest::prop_assert_eq!(found.to_api(), size);
            }
        }
    }
}
