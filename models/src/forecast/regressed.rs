//! Direct regression per horizon on features of the origin, shared by every model that learns coefficients.
//!
//! A coefficient set per anchor, fitted to what really came that far ahead ("direct" multi-step forecasting, Ben Taieb and
//! Hyndman 2014), instead of one set iterated step by step.

use super::{
    anchors::{Anchors, Kind, Window},
    ridge::{Prior, Ridge},
};
use crate::calendar::DAY;

/// Regressions for all anchors and the features of the origins whose windows are still open.
#[derive(Clone, Debug)]
pub struct Regressed<const N: usize> {
    ridges: Vec<Ridge<N>>,
    origins: Vec<[f32; N]>,
    solve_every: i64,
}

impl<const N: usize> Regressed<N> {
    /// Nothing learned yet.
    ///
    /// `prior` says what to believe of a window before any evidence.
    pub fn new(anchors: &Anchors, step: i64, prior: impl Fn(&Window) -> Prior<N>) -> Self {
        let memory = (7 * DAY / step).max(200) as f64;
        let room = (anchors.horizon() + anchors.lead() + 2).next_power_of_two();
        Self {
            ridges: anchors.windows().iter().map(|w| Ridge::new(memory, prior(w))).collect(),
            origins: vec![[f32::NAN; N]; room],
            solve_every: (3600 / step).max(1),
        }
    }

    /// Keeps the features of the present origin (the number of the next sample).
    pub fn remember(&mut self, origin: i64, features: &[f64; N]) {
        let slot = self.slot(origin);
        self.origins[slot] = features.map(|f| f as f32);
    }

    /// The features of an origin still open.
    pub fn recall(&self, origin: i64) -> [f64; N] {
        self.origins[self.slot(origin)].map(f64::from)
    }

    /// Learns that anchor `a` from `origin` came out as `target`.
    pub fn learn(&mut self, a: usize, origin: i64, target: f64) {
        let features = self.recall(origin);
        self.ridges[a].learn(&features, target);
        // Coefficients move slowly: an hourly solution, anchors taking turns.
        if (origin + a as i64) % self.solve_every == 0 {
            self.ridges[a].solve();
        }
    }

    /// Prediction of anchor `a`.
    pub fn at(&self, a: usize, features: &[f64; N]) -> f64 {
        self.ridges[a].predict(features)
    }

    /// Prediction between two anchors.
    pub fn between(&self, anchors: &Anchors, kind: Kind, ahead: usize, features: &[f64; N]) -> f64 {
        let (a, b, share) = anchors.between(kind, ahead);
        let (low, high) = (self.at(a, features), self.at(b, features));
        low + (high - low) * share
    }

    fn slot(&self, origin: i64) -> usize {
        (origin & (self.origins.len() as i64 - 1)) as usize
    }
}
