//! Direct regression per horizon on features of the origin, shared by every model that learns coefficients.
//!
//! A coefficient set per anchor, fitted to what really came that far ahead ("direct" multi-step forecasting, Ben Taieb and
//! Hyndman 2014), instead of one set iterated step by step.

use super::{
    anchors::{Anchors, MOST, Window},
    half::Half,
    ridge::{Prior, Ridge},
    turns::Turn,
};
use std::ops::Range;

/// Regressions for all anchors, or for some, on `N` features, and the features of the origins whose windows are still open. The last feature is
/// always [`CONSTANT`] and is not kept. `R` is [`rows`](super::ridge::rows) of `N`, `K` one less than `N`.
#[derive(Clone, Debug)]
pub struct Regressed<const N: usize, const R: usize, const K: usize> {
    ridges: Box<[Ridge<N, R>]>,
    /// A bit for each anchor that has a regression.
    heard: u16,
    /// The first place whose features are kept.
    first_row: u16,
    rows: Box<[[Half; K]]>,
}

/// The last feature: the same at every origin, of a size that suits the others.
pub const CONSTANT: f32 = 0.1;

impl<const N: usize, const R: usize, const K: usize> Regressed<N, R, K> {
    /// Nothing learned yet.
    ///
    /// `hears` says of which anchors there is a regression, `prior` what to believe of a window before any evidence.
    pub fn new(anchors: &Anchors, hears: impl Fn(usize) -> bool, prior: impl Fn(&Window, i64) -> Prior<N>) -> Self {
        const { assert!(K + 1 == N) }
        const { assert!(MOST <= 16) }
        let (mut ridges, mut heard, mut rows) = (Vec::new(), 0, None::<Range<usize>>);
        for (a, window) in anchors.windows().iter().enumerate().filter(|(a, _)| hears(*a)) {
            heard |= 1 << a;
            ridges.push(Ridge::new(&prior(window, anchors.every(a))));
            let span = anchors.opens().span(anchors.pace(a).every);
            rows = Some(rows.map_or(span.clone(), |rows| rows.start.min(span.start)..rows.end.max(span.end)));
        }
        let rows = rows.unwrap_or(0..0);
        Self {
            ridges: ridges.into(),
            heard,
            first_row: rows.start as u16,
            rows: vec![[Half::NAN; K]; rows.len()].into(),
        }
    }

    /// Whether there is a regression for anchor `a`.
    #[inline]
    pub fn hears(&self, a: usize) -> bool {
        self.heard >> a & 1 == 1
    }

    /// Number of the regression for anchor `a`: how many anchors before it have one.
    fn number(&self, a: usize) -> usize {
        (self.heard & ((1 << a) - 1)).count_ones() as usize
    }

    /// Keeps the features at the present origin for all windows that are asked about from it and that there is a regression for.
    pub fn remember(&mut self, due: &[Turn], features: &[f32; N]) {
        let packed = std::array::from_fn(|k| Half::new(features[k]));
        for window in due {
            if self.hears(window.anchor) {
                self.rows[window.row - usize::from(self.first_row)] = packed;
            }
        }
    }

    /// Learns that a window that there is a regression for came out as `target`; `prior` is what was believed of it.
    pub fn learn(&mut self, window: &Turn, target: f32, prior: impl Fn() -> Prior<N>) {
        let mut features = [CONSTANT; N];
        for (feature, kept) in features.iter_mut().zip(self.rows[window.row - usize::from(self.first_row)]) {
            *feature = kept.get();
        }
        let number = self.number(window.anchor);
        let ridge = &mut self.ridges[number];
        ridge.learn(&features, target, window.keep);
        if window.is_solved {
            ridge.solve(&prior());
        }
    }

    /// Prediction of anchor `a`; NaN where there is no regression.
    pub fn at(&self, a: usize, features: &[f32; N]) -> f32 {
        if self.hears(a) { self.ridges[self.number(a)].predict(features) } else { f32::NAN }
    }

    /// The same, with what comes of the features but the constant kept between the least and the largest of them and nothing. A level that
    /// changed would else be made more of than it is: for a day what came lies far off and nothing at its origin said so, and whatever feature stirs
    /// first is given a coefficient of ten.
    pub fn within(&self, a: usize, features: &[f32; N]) -> f32 {
        if self.hears(a) { self.ridges[self.number(a)].predict_within(features) } else { f32::NAN }
    }
}
