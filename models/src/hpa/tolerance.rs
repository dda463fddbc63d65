//! How far the usage ratio may stray from 1 before the HPA acts.

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
    fn directions_are_independent() {
        let lopsided = Tolerance { down: 0.5, up: 0.01, two_sided: true };
        assert!(lopsided.within(0.6));
        assert!(!lopsided.within(1.02));
    }
}
