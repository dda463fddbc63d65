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
    anchors: Vec<Anchor<N>>,
}

#[derive(Clone, Debug)]
struct Anchor<const N: usize> {
    ridge: Ridge<N>,
    open: Vec<[f32; N]>,
    every: i64,
    /// Learned samples between two solutions.
    solve_every: i64,
}

/// How a regression forgets and how often it is solved.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Seconds of evidence remembered.
    pub memory: i64,
    /// Seconds between two solutions: coefficients move slowly.
    pub solve: i64,
}

impl Pace {
    /// A week's memory.
    pub const WEEK: Self = Self { memory: 7 * DAY, solve: 2 * 3600 };
    /// A fortnight's memory, for many coefficients.
    pub const FORTNIGHT: Self = Self { memory: 14 * DAY, solve: 6 * 3600 };
}

impl<const N: usize> Regressed<N> {
    /// Nothing learned yet.
    ///
    /// `prior` says what to believe of a window before any evidence.
    pub fn new(anchors: &Anchors, step: i64, pace: Pace, prior: impl Fn(&Window, i64) -> Prior<N>) -> Self {
        let made = anchors.windows().iter().enumerate().map(|(a, window)| {
            let every = anchors.every(a);
            let memory = (pace.memory / (step * every)).max(100) as f64;
            let open = (window.ahead + window.len) / every as usize + 2;
            Anchor {
                ridge: Ridge::new(memory, prior(window, every)),
                open: vec![[f32::NAN; N]; open],
                every,
                solve_every: (pace.solve / (step * every)).max(1),
            }
        });
        Self { anchors: made.collect() }
    }

    /// Keeps the features of an anchor at the present origin (the number of the next sample).
    pub fn remember(&mut self, a: usize, origin: i64, features: &[f64; N]) {
        let anchor = &mut self.anchors[a];
        let slot = anchor.slot(origin);
        anchor.open[slot] = features.map(|f| f as f32);
    }

    /// Learns that anchor `a` from `origin` came out as `target`.
    pub fn learn(&mut self, a: usize, origin: i64, target: f64) {
        let anchor = &mut self.anchors[a];
        let features = anchor.open[anchor.slot(origin)].map(f64::from);
        anchor.ridge.learn(&features, target);
        if (origin / anchor.every + a as i64) % anchor.solve_every == 0 {
            anchor.ridge.solve();
        }
    }

    /// Prediction of anchor `a`.
    pub fn at(&self, a: usize, features: &[f64; N]) -> f64 {
        self.anchors[a].ridge.predict(features)
    }

    /// Prediction between two anchors.
    pub fn between(&self, anchors: &Anchors, kind: Kind, ahead: usize, features: &[f64; N]) -> f64 {
        let (a, b, share) = anchors.between(kind, ahead);
        let (low, high) = (self.at(a, features), self.at(b, features));
        low + (high - low) * share
    }
}

impl<const N: usize> Anchor<N> {
    fn slot(&self, origin: i64) -> usize {
        origin.div_euclid(self.every).rem_euclid(self.open.len() as i64) as usize
    }
}
