//! Least squares that forgets: normal equations with exponential forgetting and a prior that decays.
//!
//! The same estimate as recursive least squares with forgetting (Ljung, *System Identification*, ch. 11), but kept as sums:
//! nothing winds up, any scale of features works, and one sample costs `N·(N+3)/2` multiplications.

use super::half::{Half, pack, unpack};

/// What is believed before any evidence, and how firmly.
#[derive(Clone, Copy, Debug)]
pub struct Prior<const N: usize> {
    /// The coefficients believed.
    pub coefficients: [f64; N],
    /// How many samples' worth of evidence that belief has.
    pub samples: f64,
}

/// Entries of the lower half of a symmetric matrix.
pub const fn half(n: usize) -> usize {
    n * (n + 1) / 2
}

/// Regression on `N` features; `P` is [`half`] of `N`. Sums are kept in single precision: they are of things known to a few percent,
/// and the belief that is added before they are solved is a thousand times their rounding; coefficients, known to a few percent at best,
/// are kept to 0.4 %. Features are to be of the order of 1.
#[derive(Clone, Debug)]
pub struct Ridge<const N: usize, const P: usize> {
    /// The lower half of the matrix of products, row by row.
    products: [f32; P],
    targets: [f32; N],
    seen: f32,
    coefficients: [Half; N],
}

impl<const N: usize, const P: usize> Ridge<N, P> {
    /// A regression that has learned nothing.
    pub fn new(prior: &Prior<N>) -> Self {
        const { assert!(P == half(N)) }
        Self {
            products: [0.0; P],
            targets: [0.0; N],
            seen: 0.0,
            coefficients: prior.coefficients.map(|c| Half::new(c as f32)),
        }
    }

    /// Learns that `features` were followed by `target`, and keeps the share `keep` of what was learned before. What is not finite,
    /// or far from anything that a load can do, is not learned.
    pub fn learn(&mut self, features: &[f32; N], target: f32, keep: f32) {
        const MOST: f32 = 1e12;
        if !(target.abs() < MOST && features.iter().all(|f| f.abs() < MOST)) {
            return;
        }
        self.seen = self.seen * keep + 1.0;
        for i in 0..N {
            for j in 0..=i {
                let product = &mut self.products[half(i) + j];
                *product = *product * keep + features[i] * features[j];
            }
            self.targets[i] = self.targets[i] * keep + features[i] * target;
        }
    }

    /// Recomputes the coefficients from what was learned and believed before; call it now and then.
    pub fn solve(&mut self, prior: &Prior<N>) {
        if self.seen < 2.0 {
            return;
        }
        let solution = self.cholesky(prior).map(|c| c as f32);
        if solution.iter().all(|c| c.is_finite()) {
            self.coefficients = pack(solution);
        }
    }

    /// The last solved coefficients.
    pub fn coefficients(&self) -> [f32; N] {
        unpack(self.coefficients)
    }

    /// The prediction for `features`.
    pub fn predict(&self, features: &[f32; N]) -> f32 {
        let pairs = self.coefficients.iter().zip(features);
        pairs.map(|(c, f)| c.get() * f).sum()
    }

    fn product(&self, i: usize, j: usize) -> f64 {
        f64::from(self.products[half(i) + j])
    }

    /// Solves `(P + prior) c = t`; a feature that was always zero gets the coefficient 0.
    fn cholesky(&self, prior: &Prior<N>) -> [f64; N] {
        let pull = prior.samples / f64::from(self.seen) + 1e-6;
        let mut l = [[0.0; N]; N];
        let mut y = [0.0; N];
        for i in 0..N {
            let own = self.product(i, i);
            for j in 0..=i {
                let p = if i == j { own * (1.0 + pull) } else { self.product(i, j) };
                let known: f64 = (0..j).map(|k| l[i][k] * l[j][k]).sum();
                l[i][j] = entry(p - known, i == j, own, l[j][j]);
            }
            let known: f64 = (0..i).map(|k| l[i][k] * y[k]).sum();
            let believed = pull * own * prior.coefficients[i];
            y[i] = ratio(f64::from(self.targets[i]) + believed - known, l[i][i]);
        }
        let mut c = [0.0; N];
        for i in (0..N).rev() {
            let known: f64 = (i + 1..N).map(|k| l[k][i] * c[k]).sum();
            c[i] = ratio(y[i] - known, l[i][i]);
        }
        c
    }
}

/// One entry of the triangular factor; a pivot lost to rounding counts as a feature that says nothing.
fn entry(rest: f64, diagonal: bool, scale: f64, pivot: f64) -> f64 {
    if !diagonal {
        ratio(rest, pivot)
    } else if rest > 1e-7 * scale {
        rest.sqrt()
    } else {
        0.0
    }
}

fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOTHING: Prior<2> = Prior { coefficients: [0.0; 2], samples: 12.0 };

    #[test]
    fn finds_the_line_behind_the_points() {
        let mut ridge = Ridge::<2, 3>::new(&NOTHING);
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
    fn before_evidence_it_predicts_nothing_and_a_dead_feature_stays_at_zero() {
        let mut ridge = Ridge::<2, 3>::new(&NOTHING);
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
            let mut ridge = Ridge::<2, 3>::new(&NOTHING);
            for (a, b, t) in rows {
                ridge.learn(&[a, b], t, 0.967);
                ridge.solve(&NOTHING);
                prop_assert!(ridge.coefficients().iter().all(|c| c.is_finite()));
            }
        }
    }
}
