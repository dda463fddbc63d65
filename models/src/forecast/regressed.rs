//! Direct regression per horizon on features of the origin, shared by every model that learns coefficients.
//!
//! A coefficient set per anchor, fitted to what really came that far ahead ("direct" multi-step forecasting, Ben Taieb and
//! Hyndman 2014), instead of one set iterated step by step.

use super::{
    anchors::{Anchors, Window},
    half::Half,
    ridge::{Prior, Ridge},
    turns::Turn,
};

/// Regressions for all anchors on `N` features, and the features of the origins whose windows are still open. The last feature is
/// always [`CONSTANT`] and is not kept. `R` is [`rows`](super::ridge::rows) of `N`, `K` one less than `N`.
#[derive(Clone, Debug)]
pub struct Regressed<const N: usize, const R: usize, const K: usize> {
    ridges: Box<[Ridge<N, R>]>,
    rows: Box<[[Half; K]]>,
}

/// The last feature: the same at every origin, of a size that suits the others.
pub const CONSTANT: f32 = 0.1;

impl<const N: usize, const R: usize, const K: usize> Regressed<N, R, K> {
    /// Nothing learned yet.
    ///
    /// `prior` says what to believe of a window before any evidence.
    pub fn new(anchors: &Anchors, prior: impl Fn(&Window, i64) -> Prior<N>) -> Self {
        const { assert!(K + 1 == N) }
        let windows = anchors.windows().iter().enumerate();
        let ridges = windows.map(|(a, window)| Ridge::new(&prior(window, anchors.every(a)))).collect();
        Self { ridges, rows: vec![[Half::NAN; K]; anchors.opens().rows()].into() }
    }

    /// Keeps the features at the present origin for all windows that are asked about from it.
    pub fn remember(&mut self, due: &[Turn], features: &[f32; N]) {
        let packed = std::array::from_fn(|k| Half::new(features[k]));
        for window in due {
            self.rows[window.row] = packed;
        }
    }

    /// Learns that a window came out as `target`; `prior` is what was believed of it.
    pub fn learn(&mut self, window: &Turn, target: f32, prior: impl Fn() -> Prior<N>) {
        let mut features = [CONSTANT; N];
        for (feature, kept) in features.iter_mut().zip(self.rows[window.row]) {
            *feature = kept.get();
        }
        let ridge = &mut self.ridges[window.anchor];
        ridge.learn(&features, target, window.keep);
        if window.is_solved {
            ridge.solve(&prior());
        }
    }

    /// Prediction of anchor `a`.
    pub fn at(&self, a: usize, features: &[f32; N]) -> f32 {
        self.ridges[a].predict(features)
    }

    /// Prediction between two anchors.
    pub fn between(&self, (a, b, share): (usize, usize, f32), features: &[f32; N]) -> f32 {
        let low = self.at(a, features);
        if share == 0.0 { low } else { low + (self.at(b, features) - low) * share }
    }
}
