//! Least squares that forgets: normal equations with exponential forgetting and a prior that decays.
//!
//! The same estimate as recursive least squares with forgetting (Ljung, *System Identification*, ch. 11), but kept as sums:
//! nothing winds up, any scale of features works, and one sample costs `N·(N+3)/2` multiplications.

/// What is believed before any evidence, and how firmly.
#[derive(Clone, Copy, Debug)]
pub struct Prior<const N: usize> {
    /// The coefficients believed.
    pub coefficients: [f64; N],
    /// How many samples' worth of evidence that belief has.
    pub samples: f64,
}

/// Regression on `N` features.
#[derive(Clone, Debug)]
pub struct Ridge<const N: usize> {
    products: [[f64; N]; N],
    targets: [f64; N],
    seen: f64,
    keep: f64,
    prior: Prior<N>,
    coefficients: [f64; N],
}

impl<const N: usize> Ridge<N> {
    /// A regression that remembers about `memory` samples.
    pub fn new(memory: f64, prior: Prior<N>) -> Self {
        Self {
            products: [[0.0; N]; N],
            targets: [0.0; N],
            seen: 0.0,
            keep: 1.0 - 1.0 / memory.max(2.0),
            coefficients: prior.coefficients,
            prior,
        }
    }

    /// Learns that `features` were followed by `target`. What is not finite is not learned.
    pub fn learn(&mut self, features: &[f64; N], target: f64) {
        if !target.is_finite() || features.iter().any(|f| !f.is_finite()) {
            return;
        }
        self.seen = self.seen * self.keep + 1.0;
        for i in 0..N {
            for j in 0..=i {
                self.products[i][j] = self.products[i][j] * self.keep + features[i] * features[j];
            }
            self.targets[i] = self.targets[i] * self.keep + features[i] * target;
        }
    }

    /// Recomputes the coefficients from what was learned; call it now and then.
    pub fn solve(&mut self) {
        if self.seen < 2.0 {
            return;
        }
        let solution = self.cholesky();
        if solution.iter().all(|c| c.is_finite()) {
            self.coefficients = solution;
        }
    }

    /// The last solved coefficients.
    pub fn coefficients(&self) -> &[f64; N] {
        &self.coefficients
    }

    /// The prediction for `features`.
    pub fn predict(&self, features: &[f64; N]) -> f64 {
        let pairs = self.coefficients.iter().zip(features);
        pairs.map(|(c, f)| c * f).sum()
    }

    /// Solves `(P + prior) c = t`; a feature that was always zero gets the coefficient 0.
    fn cholesky(&self) -> [f64; N] {
        let pull = self.prior.samples / self.seen + 1e-6;
        let mut l = [[0.0; N]; N];
        let mut y = [0.0; N];
        for i in 0..N {
            for j in 0..=i {
                let p = if i == j { self.products[i][i] * (1.0 + pull) } else { self.products[i][j] };
                let known: f64 = (0..j).map(|k| l[i][k] * l[j][k]).sum();
                l[i][j] = entry(p - known, i == j, self.products[i][i], l[j][j]);
            }
            let known: f64 = (0..i).map(|k| l[i][k] * y[k]).sum();
            let believed = pull * self.products[i][i] * self.prior.coefficients[i];
            y[i] = ratio(self.targets[i] + believed - known, l[i][i]);
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
    } else if rest > 1e-12 * scale {
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
        let mut ridge = Ridge::<2>::new(1e6, NOTHING);
        for i in 0..20_000 {
            let x = f64::from(i % 17) - 8.0;
            let z = f64::from(i % 5) - 2.0;
            ridge.learn(&[x, z], 0.75 * x - 0.5 * z);
        }
        ridge.solve();
        assert!((ridge.coefficients()[0] - 0.75).abs() < 1e-3);
        assert!((ridge.coefficients()[1] + 0.5).abs() < 1e-3);
    }

    #[test]
    fn before_evidence_it_predicts_nothing_and_a_dead_feature_stays_at_zero() {
        let mut ridge = Ridge::<2>::new(100.0, NOTHING);
        assert_eq!(ridge.predict(&[1.0, 1.0]), 0.0);
        for _ in 0..50 {
            ridge.learn(&[0.0, 2.0], 2.0);
        }
        ridge.solve();
        assert_eq!(ridge.coefficients()[0], 0.0);
    }

    proptest! {
        #[test]
        fn never_leaves_the_finite(rows in prop::collection::vec((any::<f64>(), any::<f64>(), any::<f64>()), 0..60)) {
            let mut ridge = Ridge::<2>::new(30.0, NOTHING);
            for (a, b, t) in rows {
                ridge.learn(&[a, b], t);
                ridge.solve();
                prop_assert!(ridge.coefficients().iter().all(|c| c.is_finite()));
            }
        }
    }
}
