//! Direct regression per horizon on features of the origin, shared by every model that learns coefficients.
//!
//! A coefficient set per anchor, fitted to what really came that far ahead ("direct" multi-step forecasting, Ben Taieb and
//! Hyndman 2014), instead of one set iterated step by step.

use super::{
    anchors::{Anchors, Window},
    ridge::{Prior, Ridge},
};
use crate::calendar::DAY;

/// Regressions for all anchors on `N` features, and the features of the origins whose windows are still open. The last feature is
/// always [`CONSTANT`] and is not kept.
#[derive(Clone, Debug)]
pub struct Regressed<const N: usize> {
    anchors: Vec<Anchor<N>>,
    opens: Vec<Opens>,
}

/// The last feature: the same at every origin, of a size that suits the others.
pub const CONSTANT: f32 = 0.1;

#[derive(Clone, Debug)]
struct Anchor<const N: usize> {
    ridge: Ridge<N>,
    prior: Prior<N>,
    keep: f32,
    opens: usize,
    every: i64,
    /// Learned samples between two solutions.
    solve_every: i64,
}

/// Features by origin, shared by all anchors that are asked as often: they do not depend on what is asked.
#[derive(Clone, Debug)]
struct Opens {
    every: i64,
    width: usize,
    rows: Box<[f32]>,
}

impl Opens {
    /// Where the row of an origin lies.
    fn row(&self, origin: i64) -> std::ops::Range<usize> {
        let rows = (self.rows.len() / self.width) as i64;
        let slot = self.width * origin.div_euclid(self.every).rem_euclid(rows) as usize;
        slot..slot + self.width
    }
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
        let mut opens: Vec<Opens> = Vec::new();
        let made = anchors.windows().iter().enumerate().map(|(a, window)| {
            let every = anchors.every(a);
            let memory = (pace.memory / (step * every)).max(100) as f32;
            let rows = (window.ahead + window.len) / every as usize + 2;
            let found = opens.iter().position(|o| o.every == every).unwrap_or_else(|| {
                opens.push(Opens { every, width: N - 1, rows: Box::default() });
                opens.len() - 1
            });
            if opens[found].rows.len() < rows * (N - 1) {
                opens[found].rows = vec![f32::NAN; rows * (N - 1)].into_boxed_slice();
            }
            let prior = prior(window, every);
            Anchor {
                ridge: Ridge::new(&prior),
                prior,
                keep: 1.0 - 1.0 / memory,
                opens: found,
                every,
                solve_every: (pace.solve / (step * every)).max(1),
            }
        });
        let anchors = made.collect();
        Self { anchors, opens }
    }

    /// Keeps the features at the present origin (the number of the next sample) for all anchors that are asked from it.
    pub fn remember(&mut self, anchors: &Anchors, origin: i64, features: &[f32; N]) {
        for opens in &mut self.opens {
            if anchors.is_turn(opens.every, origin) {
                let row = opens.row(origin);
                opens.rows[row].copy_from_slice(&features[..N - 1]);
            }
        }
    }

    /// Learns that anchor `a` from `origin` came out as `target`.
    pub fn learn(&mut self, a: usize, origin: i64, target: f32) {
        let anchor = &mut self.anchors[a];
        let opens = &self.opens[anchor.opens];
        let mut features = [CONSTANT; N];
        features[..N - 1].copy_from_slice(&opens.rows[opens.row(origin)]);
        anchor.ridge.learn(&features, target, anchor.keep);
        if (origin / anchor.every + a as i64) % anchor.solve_every == 0 {
            anchor.ridge.solve(&anchor.prior);
        }
    }

    /// Prediction of anchor `a`.
    pub fn at(&self, a: usize, features: &[f32; N]) -> f32 {
        self.anchors[a].ridge.predict(features)
    }

    /// Prediction between two anchors.
    pub fn between(&self, (a, b, share): (usize, usize, f64), features: &[f32; N]) -> f32 {
        let low = self.at(a, features);
        if share == 0.0 { low } else { low + (self.at(b, features) - low) * share as f32 }
    }
}
