//! How far the usage ratio may stray from 1 before the HPA acts.

use crate::units::PerReplica;

/// The most of its own tolerance that a floor makes use of: an HPA that tolerates half as much again as its target would have
/// floors of full pods.
const MOST: f64 = 0.1;

/// Tolerance per direction, as a share of the target: 0.1 is 10 %.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Below the target.
    pub down: f64,
    /// Above the target.
    pub up: f64,
    /// `1 − down ≤ r ≤ 1 + up` (1.33 and later) instead of `|1 − r| ≤ up`.
    pub two_sided: bool,
}

impl Tolerance {
    /// The same in both directions, tested as Kubernetes 1.33 and later do.
    ///
    /// ```
    /// use floorcast_models::hpa::Tolerance;
    /// assert!(Tolerance::both(0.1).within(1.1));
    /// ```
    pub const fn both(share: f64) -> Self {
        Self { down: share, up: share, two_sided: true }
    }

    /// Whether ratio `r` is close enough to 1 to leave the size alone. The expressions are the controller's own:
    /// rounding in the last bit decides at the edge, `1 − 1.1 = −0.10000000000000009`.
    pub fn within(&self, r: f64) -> bool {
        if self.two_sided { (1.0 - self.down) <= r && r <= (1.0 + self.up) } else { (1.0 - r).abs() <= self.up }
    }
}

impl Tolerance {
    /// The load per replica that the HPA leaves alone, and that a floor is planned for: `(1 + up) × per`, at most 1.1 × `per`.
    ///
    /// By itself the HPA adds no pod before its target is exceeded by the tolerance, so a floor that did would cost up to a
    /// tenth of all pods on every gentle slope and spare no starved minute (pods are full at 1.25 times their target).
    ///
    /// ```
    /// use floorcast_models::{hpa::Tolerance, units::PerReplica};
    /// let per = PerReplica::new(10.0).unwrap();
    /// assert_eq!(Tolerance::both(0.05).accepted(per).get(), 10.5);
    /// ```
    pub fn accepted(&self, per: PerReplica) -> PerReplica {
        PerReplica::new(per.get() * (1.0 + self.up.clamp(0.0, MOST))).unwrap_or(per)
    }
}

impl Default for Tolerance {
    fn default() -> Self {
        Self::both(0.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_edge_differs_between_versions() {
        let new = Tolerance::both(0.1);
        let old = Tolerance { two_sided: false, ..new };
        //            ratio, ≥ 1.33, ≤ 1.32
        let table = [
            (1.1, true, false),
            (0.9, true, true),
            (1.0, true, true),
            (1.11, false, false),
            (0.89, false, false),
            (f64::NAN, false, false),
            (f64::INFINITY, false, false),
        ];
        for (ratio, at_33, at_32) in table {
            assert_eq!((new.within(ratio), old.within(ratio)), (at_33, at_32), "ratio {ratio}");
        }
    }

    #[test]
    fn a_floor_makes_use_of_a_tenth_at_most() {
        let per = PerReplica::new(100.0).unwrap_or_else(|| unreachable!());
        for (up, wanted) in [(0.0, 100.0), (0.05, 105.0), (0.1, 110.0), (0.5, 110.0), (f64::NAN, 100.0)] {
            let accepted = Tolerance { up, ..Tolerance::default() }.accepted(per).get();
            assert!((accepted - wanted).abs() < 1e-9, "{up}: {accepted}");
        }
    }

    #[test]
    fn directions_are_independent() {
        let lopsided = Tolerance { down: 0.5, up: 0.01, two_sided: true };
        assert!(lopsided.within(0.6));
        assert!(!lopsided.within(1.02));
    }
}
