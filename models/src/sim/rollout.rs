//! Rolling updates: old pods give way to new ones, as the Deployment controller has it.

use crate::sim::Random;
use crate::sim::fleet::{Fleet, Young};

/// A rolling update under way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rollout {
    /// `maxSurge`, a share of the size.
    surge: f64,
    /// `maxUnavailable`, a share of the size.
    unavailable: f64,
    /// Settled pods of the old template.
    pub(crate) old: u32,
}

impl Fleet {
    /// Begins a rolling update: all pods of now are old.
    pub(crate) fn roll_out(&mut self, surge: f64, unavailable: f64, now: i64, random: &mut Random) {
        self.young.iter_mut().for_each(|pod| pod.old = true);
        self.rollout = Some(Rollout { surge, unavailable, old: self.settled });
        self.advance(now, random);
    }

    /// Pods that may exist beyond the wanted ones: old ones only.
    pub(crate) fn surge(&self) -> u32 {
        self.limits().map_or(0, |(surge, _)| surge.min(self.old()))
    }

    fn old(&self) -> u32 {
        self.rollout.map_or(0, |rollout| rollout.old) + self.young.iter().filter(|pod| pod.old).count() as u32
    }

    /// Surge, rounded up, and pods that may be missing, rounded down; not both zero, or nothing would ever happen.
    fn limits(&self) -> Option<(u32, u32)> {
        let rollout = self.rollout?;
        let share = |share: f64| share.clamp(0.0, 1.0) * f64::from(self.wanted);
        let (surge, missing) = (share(rollout.surge).ceil() as u32, share(rollout.unavailable).floor() as u32);
        Some((surge, if surge == 0 { missing.max(1) } else { missing }))
    }

    /// One move of the update, if there is one to make: says whether it made one.
    pub(crate) fn roll(&mut self, now: i64, random: &mut Random) -> bool {
        let Some((surge, missing)) = self.limits() else { return false };
        let old = self.old();
        if old == 0 {
            // It ends when the last new one is ready.
            self.rollout = self.rollout.filter(|_| self.ready() < self.wanted);
            return false;
        }
        let new = self.existing() - old;
        if new < self.wanted && self.existing() < self.wanted + surge {
            self.create(random);
            return true;
        }
        let least = self.wanted.saturating_sub(missing);
        self.remove_unready(now, least) || (self.ready() > least && self.remove_ready())
    }

    /// An old pod that is not ready goes, unless the new ones that are not ready need its place.
    fn remove_unready(&mut self, now: i64, least: u32) -> bool {
        let ready = |pod: &Young| pod.placed.is_some_and(|placed| placed.ready <= now);
        let starting = self.young.iter().filter(|pod| !pod.old && !ready(pod)).count() as u32;
        if self.existing() <= least + starting {
            return false;
        }
        let unready = self.young.iter().position(|pod| pod.old && !ready(pod));
        unready.map(|i| self.young.remove(i)).is_some()
    }

    fn remove_ready(&mut self) -> bool {
        if self.rollout.is_some_and(|rollout| rollout.old > 0) {
            self.drop_settled();
            return true;
        }
        let old = self.young.iter().position(|pod| pod.old);
        old.map(|i| self.young.remove(i)).is_some()
    }

    /// A settled pod goes, an old one first.
    pub(crate) fn drop_settled(&mut self) {
        self.settled = self.settled.saturating_sub(1);
        if let Some(rollout) = &mut self.rollout {
            rollout.old = rollout.old.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Nodes, StartUp};
    use chrono::TimeDelta;
    use proptest::prelude::*;

    fn fleet(pods: u32, nodes: Option<Nodes>) -> (Fleet, Random) {
        let start_up = StartUp { spread: 0.0, ..StartUp::of(TimeDelta::seconds(90)) };
        (Fleet::new(pods, start_up, 300_000, nodes), Random::new(1))
    }

    #[test]
    fn a_quarter_at_a_time() {
        let (mut fleet, mut random) = fleet(8, None);
        fleet.roll_out(0.25, 0.25, 0, &mut random);
        // Two may be missing, so two go at once; four new ones start beside the six.
        assert_eq!((fleet.existing(), fleet.ready()), (10, 6));
        fleet.advance(90_000, &mut random);
        assert_eq!((fleet.existing(), fleet.ready()), (10, 6));
        for wave in 2..10 {
            fleet.advance(90_000 * wave, &mut random);
        }
        assert_eq!((fleet.existing(), fleet.ready(), fleet.rollout), (8, 8, None));
    }

    #[test]
    fn without_room_for_a_surge_new_pods_wait_for_a_node() {
        let nodes = Nodes::of(4, TimeDelta::seconds(120));
        let (mut fleet, mut random) = fleet(4, Some(nodes));
        fleet.roll_out(0.25, 0.0, 0, &mut random);
        assert_eq!((fleet.existing(), fleet.placed(), fleet.ready()), (5, 4, 4));
        fleet.advance(120_000, &mut random);
        assert_eq!((fleet.placed(), fleet.nodes()), (5, 2));
    }

    proptest! {
        /// However the size changes on the way: never fewer ready pods than the strategy allows, once that many were
        /// ready, never more pods than the surge, and an end.
        #[test]
        fn within_its_limits_and_it_ends(size in 1_u32..30, surge in 0.0..1.0, missing in 0.0..1.0, more in 0_u32..20) {
            let (mut fleet, mut random) = fleet(size, None);
            fleet.roll_out(surge, missing, 0, &mut random);
            for step in 1..200_i64 {
                if step == 20 {
                    fleet.scale(size + more, 10_000 * step, &mut random);
                }
                let (surge, missing) = fleet.limits().unwrap_or_default();
                let ready = if step < 30 { 0 } else { fleet.wanted.saturating_sub(missing) };
                prop_assert!(fleet.existing() <= fleet.wanted + surge);
                prop_assert!(fleet.ready() >= ready.min(size), "{} ready of {ready}", fleet.ready());
                fleet.advance(10_000 * step, &mut random);
            }
            for step in 200..4000_i64 {
                fleet.advance(10_000 * step, &mut random);
            }
            prop_assert_eq!((fleet.rollout, fleet.existing(), fleet.ready()), (None, size + more, size + more));
        }
    }
}
