//! From a load to replicas and back: the HPA's own arithmetic turned round.
//!
//! The HPA holds `load ÷ replicas ≤ target per replica`, so a load needs `ceil(load ÷ target)` replicas
//! (Kubernetes documentation, "Horizontal Pod Autoscaling", algorithm details).

use crate::units::{Demand, PerReplica, Replicas};

/// Relative distance within which a quotient counts as the whole number beside it.
///
/// `0.3 ÷ 0.1` is `2.9999999999999996` and `0.7 ÷ 0.1` is `6.999999999999999`, but `1.1 ÷ 0.1` is `11.000000000000002`: without this,
/// a load that fits eleven replicas exactly would ask for twelve. 1e-9 is far above the error of a few additions in
/// `f64` (1e-16 each) and far below a milli-unit on ten thousand replicas.
const FUZZ: f64 = 1e-9;

/// Replicas that carry `load` with at most `per` each: the quotient rounded up, saturating at [`Replicas::MAX`].
///
/// ```
/// use floorcast_models::{capacity::replicas_for, units::{Demand, PerReplica, Replicas}};
/// let (load, per) = (Demand::new(1.1).unwrap(), PerReplica::new(0.1).unwrap());
/// assert_eq!(replicas_for(load, per), Replicas::new(11)); // not 12, although 1.1 / 0.1 > 11 in f64
/// ```
pub fn replicas_for(load: Demand, per: PerReplica) -> Replicas {
    let quotient = load.get() / per.get();
    let nearest = quotient.round();
    let whole = if (quotient - nearest).abs() <= FUZZ * nearest { nearest } else { quotient.ceil() };
    // `as` saturates: +Inf (an enormous load over a tiny target) becomes u32::MAX, then Replicas::MAX.
    Replicas::new(whole as u32)
}

/// The largest load that `replicas` carry with `per` each; the inverse of [`replicas_for`].
///
/// Finite for every input: `i32::MAX × f64::MAX` is held at `f64::MAX`.
pub fn load_for(replicas: Replicas, per: PerReplica) -> Demand {
    let load = f64::from(replicas.get()) * per.get();
    Demand::new(load.min(f64::MAX)).unwrap_or_default()
}

/// `share` of `replicas`, rounded up with the same care for float fuzz; a share that is no number or negative counts as none.
pub fn share_of(replicas: Replicas, share: f64) -> Replicas {
    let load = Demand::new(f64::from(replicas.get()) * share).unwrap_or_default();
    PerReplica::new(1.0).map_or(Replicas::ZERO, |one| replicas_for(load, one))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn need(load: f64, per: f64) -> u32 {
        replicas_for(Demand::new(load).unwrap(), PerReplica::new(per).unwrap()).get()
    }

    #[test]
    fn table_of_loads() {
        let max = i32::MAX as u32;
        for (load, per, wanted) in [
            (0.0, 1.0, 0),
            (1e-12, 1.0, 1),
            (0.999, 1.0, 1),
            (1.0, 1.0, 1),
            (1.000_001, 1.0, 2),
            (0.3, 0.1, 3),
            (0.7, 0.1, 7),
            (1.1, 0.1, 11),
            (2.2, 0.2, 11),
            (100.0, 3.0, 34),
            (1e9, 1.0, 1_000_000_000),
            (3e9, 1.0, max),
            (f64::MAX, f64::MIN_POSITIVE, max),
            (f64::MIN_POSITIVE, f64::MAX, 0),
        ] {
            assert_eq!(need(load, per), wanted, "{load} over {per}");
        }
    }

    #[test]
    fn shares_round_up_without_fuzz() {
        for (n, share, wanted) in
            [(10, 0.1, 1), (11, 0.1, 2), (30, 0.1, 3), (70, 0.1, 7), (7, 1.5, 11), (3, f64::NAN, 0), (3, -1.0, 0)]
        {
            assert_eq!(share_of(Replicas::new(n), share).get(), wanted, "{share} of {n}");
        }
    }

    proptest! {
        #[test]
        fn inverse_of_whole_replicas(n in 0u32..100_000, per in 1e-6f64..1e6) {
            let per = PerReplica::new(per).unwrap();
            prop_assert_eq!(replicas_for(load_for(Replicas::new(n), per), per), Replicas::new(n));
        }

        #[test]
        fn enough_and_not_one_more(load in 0.0f64..1e6, per in 1e-2f64..1e4) {
            let n = f64::from(need(load, per));
            prop_assert!(n * per >= load * (1.0 - 2.0 * FUZZ), "{n} × {per} does not carry {load}");
            prop_assert!(n == 0.0 || (n - 1.0) * per < load, "{n} is one more than {load} needs at {per}");
        }

        #[test]
        fn never_falls_as_load_rises(load in 0.0f64..1e12, more in 0.0f64..1e12, per in 1e-9f64..1e9) {
            prop_assert!(need(load + more, per) >= need(load, per));
        }
    }
}
