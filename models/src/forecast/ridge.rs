//! Least squares that forgets: normal equations with exponential forgetting and a prior that decays.
//!
//! The same estimate as recursive least squares with forgetting (Ljung, *System Identification*, ch. 11), but kept as sums:
//! nothing winds up, any scale of features works, and one sample costs some `N·(N+4)` multiplications.

use super::half::{Half, pack, unpack};
use std::array;

/// What is believed before any evidence, and how firmly.
#[derive(Clone, Copy, Debug)]
pub struct Prior<const N: usize> {
    /// The coefficients believed.
    pub coefficients: [f64; N],
    /// How many samples' worth of evidence that belief has.
    pub samples: f64,
}

/// How many rows of products `n` features make.
pub const fn rows(n: usize) -> usize {
    n / 2 + 1
}

/// Regression on `N` features; `R` is [`rows`] of `N`. Sums are kept in single precision: they are of things known to a few percent,
/// and the belief that is added before they are solved is a thousand times their rounding; coefficients, known to a few percent at best,
/// are kept to 0.4 %. Features are to be of the order of 1.
#[derive(Clone, Debug)]
pub struct Ridge<const N: usize, const R: usize> {
    /// Row `r` holds the products of each feature with the one `r` places further on, the first one following the last: so every row
    /// is as wide as the features, and learned in vector instructions.
    products: [[f32; N]; R],
    targets: [f32; N],
    seen: f32,
    coefficients: [Half; N],
}

impl<const N: usize, const R: usize> Ridge<N, R> {
    /// A regression that has learned nothing.
    pub fn new(prior: &Prior<N>) -> Self {
        const { assert!(R == rows(N)) }
        Self {
            products: [[0.0; N]; R],
            targets: [0.0; N],
            seen: 0.0,
            coefficients: prior.coefficients.map(|c| Half::new(c as f32)),
        }
    }

    /// Learns that `features` were followed by `target`, and keeps the share `keep` of what was learned before. What is not finite,
    /// or far from anything that a load can do, is not learned.
    #[inline]
    pub fn learn(&mut self, features: &[f32; N], target: f32, keep: f32) {
        const MOST: f32 = 1e12;
        // A sum, so that one comparison sees them all, NaN too.
        let size = features.iter().fold(target.abs(), |sum, f| sum + f.abs());
        if size.is_nan() || size >= MOST {
            return;
        }
        self.seen = self.seen * keep + 1.0;
        for (r, products) in self.products.iter_mut().enumerate() {
            for (i, sum) in products.iter_mut().enumerate() {
                *sum = *sum * keep + features[i] * features[(i + r) % N];
            }
        }
        for (sum, feature) in self.targets.iter_mut().zip(features) {
            *sum = *sum * keep + feature * target;
        }
    }

    /// Recomputes the coefficients from what was learned and believed before; call it now and then.
    #[inline(never)]
    pub fn solve(&mut self, prior: &Prior<N>) {
        if self.seen < 2.0 {
            return;
        }
        let solution = self.solution(prior).map(|c| c as f32);
        if solution.iter().all(|c| c.is_finite()) {
            self.coefficients = pack(solution);
        }
    }

    /// The last solved coefficients.
    pub fn coefficients(&self) -> [f32; N] {
        unpack(self.coefficients)
    }

    /// The prediction for `features`.
    #[inline]
    pub fn predict(&self, features: &[f32; N]) -> f32 {
        let pairs = self.coefficients.iter().zip(features);
        pairs.map(|(c, f)| c.get() * f).sum()
    }

    /// The same, where the last feature is a constant and of the others nothing beyond the least and the largest of them, and zero, is to be
    /// believed.
    #[inline]
    pub fn predict_within(&self, features: &[f32; N]) -> f32 {
        let (mut sum, mut least, mut most) = (0.0, 0.0_f32, 0.0_f32);
        for (c, f) in self.coefficients[..N - 1].iter().zip(features) {
            sum += c.get() * f;
            least = least.min(*f);
            most = most.max(*f);
        }
        // The bounds are numbers whatever the features are, and no number stays none.
        sum.clamp(least, most) + self.coefficients[N - 1].get() * features[N - 1]
    }

    /// The matrix of products.
    fn matrix(&self) -> [[f64; N]; N] {
        let mut matrix = [[0.0; N]; N];
        for (r, products) in self.products.iter().enumerate() {
            for (i, product) in products.iter().enumerate() {
                let (j, product) = ((i + r) % N, f64::from(*product));
                (matrix[i][j], matrix[j][i]) = (product, product);
            }
        }
        matrix
    }

    /// Solves `(P + prior) c = t` by elimination; a feature that was always zero, or whose pivot is lost to rounding, gets the
    /// coefficient 0.
    fn solution(&self, prior: &Prior<N>) -> [f64; N] {
        let pull = prior.samples / f64::from(self.seen) + 1e-6;
        let (mut left, mut right) = (self.matrix(), self.targets.map(f64::from));
        let own: [f64; N] = array::from_fn(|i| left[i][i]);
        for (i, (own, believed)) in own.iter().zip(prior.coefficients).enumerate() {
            left[i][i] += pull * own;
            right[i] += pull * own * believed;
        }
        let mut inverses = [0.0; N];
        for (p, own) in own.into_iter().enumerate() {
            let pivot = left[p][p];
            let inverse = if pivot > 1e-7 * own { 1.0 / pivot } else { 0.0 };
            inverses[p] = inverse;
            let row = left[p];
            for i in p + 1..N {
                let share = left[i][p] * inverse;
                // What lies before the pivot is never read again.
                for (entry, above) in left[i].iter_mut().zip(row) {
                    *entry -= share * above;
                }
                right[i] -= share * right[p];
            }
        }
        let mut solution = [0.0; N];
        for p in (0..N).rev() {
            let known: f64 = (p + 1..N).map(|j| left[p][j] * solution[j]).sum();
            solution[p] = (right[p] - known) * inverses[p];
        }
        solution
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOTHING: Prior<2> = Prior { coefficients: [0.0; 2], samples: 12.0 };

    #[test]
    fn finds_the_line_behind_the_points() {
        let mut ridge = Ridge::<2, 2>::new(&NOTHING);
        for i in 0..20_000 {
            let x = f64::from(i % 17) as f32 - 8.0;
            let z = f64::from(i % 5) as f32 - 2.0;
            ridge.learn(&[x, z], 0.75 * x - 0.5 * z, 1.0 - 1e-6);
        }
        ridge.solve(&NOTHING);
        assert!((ridge.coefficients()[0] - 0.75).abs() < 4e-3);
        assert!((ridge.coefficients()[1] + 0.5).abs() < 4e-3);
    }

    #[test]
    fn nothing_beyond_the_features_is_believed_but_the_constant() {
        let mut ridge = Ridge::<3, 2>::new(&Prior { coefficients: [0.5, 0.0, 0.0], samples: 1.0 });
        // What came was ten times what was seen, and two more.
        for i in 0..500 {
            let [x, z] = [f32::from(i as i16 % 7) - 3.0, f32::from(i as i16 % 5) - 2.0];
            ridge.learn(&[x, z, 0.1], 10.0 * x + 2.0, 1.0);
        }
        ridge.solve(&Prior { coefficients: [0.0; 3], samples: 1e-3 });
        let close = |features: [f32; 3], wanted: f32| {
            assert!((ridge.predict_within(&features) - wanted).abs() < 0.1, "{features:?}: {ridge:?}");
        };
        assert!((ridge.predict(&[-3.0, 0.0, 0.1]) + 28.0).abs() < 0.5);
        close([-3.0, 0.0, 0.1], -1.0);
        close([-3.0, -4.0, 0.1], -2.0);
        close([0.1, 0.0, 0.1], 2.1);
        close([1.0, 4.0, 0.1], 6.0);
        assert!(ridge.predict_within(&[f32::NAN, 0.0, 0.1]).is_nan());
    }

    #[test]
    fn before_evidence_it_predicts_nothing_and_a_dead_feature_stays_at_zero() {
        let mut ridge = Ridge::<2, 2>::new(&NOTHING);
        assert_eq!(ridge.predict(&[1.0, 1.0]), 0.0);
        for _ in 0..50 {
            ridge.learn(&[0.0, 2.0], 2.0, 0.99);
        }
        ridge.solve(&NOTHING);
        assert_eq!(ridge.coefficients()[0], 0.0);
    }

    proptest! {
        #[test]
        fn never_leaves_the_finite(rows in prop::collection::vec((any::<f32>(), any::<f32>(), any::<f32>()), 0..60)) {
            let mut ridge = Ridge::<2, 2>::new(&NOTHING);
            for (a, b, t) in rows {
                ridge.learn(&[a, b], t, 0.967);
                ridge.solve(&NOTHING);
                prop_assert!(ridge.coefficients().iter().all(|c| c.is_finite()));
            }
        }
    }
}
