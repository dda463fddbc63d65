//! Direct regression per horizon on features of the origin, shared by every model that learns coefficients.
//!
//! A coefficient set per anchor, fitted to what really came that far ahead ("direct" multi-step forecasting, Ben Taieb and
//! Hyndman 2014), instead of one set iterated step by step.

use super::{
    anchors::{Anchors, Window, turn},
    half::Half,
    model::Completed,
    ridge::{Prior, Ridge},
};

/// Regressions for all anchors on `N` features, and the features of the origins whose windows are still open. The last feature is
/// always [`CONSTANT`] and is not kept. `P` is [`half`](super::ridge::half) of `N`, `K` one less than `N`.
#[derive(Clone, Debug)]
pub struct Regressed<const N: usize, const P: usize, const K: usize> {
    ridges: Box<[Ridge<N, P>]>,
    opens: Opens,
    rows: Box<[[Half; K]]>,
}

/// The last feature: the same at every origin, of a size that suits the others.
pub const CONSTANT: f32 = 0.1;

/// Where features lie by origin: anchors that are asked as often share them, for they do not depend on what is asked.
#[derive(Clone, Copy, Debug, Default)]
struct Opens {
    groups: [Group; GROUPS],
}

/// How many different distances there can be between two origins of an anchor.
const GROUPS: usize = 3;

#[derive(Clone, Copy, Debug, Default)]
struct Group {
    /// Samples between two origins; 0 is no group.
    every: u32,
    first: u32,
    rows: u32,
}

impl Opens {
    fn new(anchors: &Anchors) -> Self {
        let mut groups = [Group::default(); GROUPS];
        for (a, window) in anchors.windows().iter().enumerate() {
            let every = anchors.every(a) as u32;
            let rows = (window.ahead + window.len) as u32 / every + 2;
            if let Some(group) = groups.iter_mut().find(|g| g.every == 0 || g.every == every) {
                *group = Group { every, rows: group.rows.max(rows), first: 0 };
            }
        }
        let mut first = 0;
        for group in &mut groups {
            group.first = first;
            first += group.rows;
        }
        Self { groups }
    }

    fn rows(&self) -> usize {
        self.groups.iter().map(|g| g.rows as usize).sum()
    }

    fn of(&self, every: u32) -> &Group {
        self.groups.iter().find(|g| g.every == every).unwrap_or(&self.groups[0])
    }
}

impl Group {
    /// Where the row of an origin lies, by its number among those of the group.
    fn row(&self, turn: u32) -> usize {
        (self.first + turn % self.rows.max(1)) as usize
    }
}

impl<const N: usize, const P: usize, const K: usize> Regressed<N, P, K> {
    /// Nothing learned yet.
    ///
    /// `prior` says what to believe of a window before any evidence.
    pub fn new(anchors: &Anchors, prior: impl Fn(&Window, i64) -> Prior<N>) -> Self {
        const { assert!(K + 1 == N) }
        let windows = anchors.windows().iter().enumerate();
        let ridges = windows.map(|(a, window)| Ridge::new(&prior(window, anchors.every(a)))).collect();
        let opens = Opens::new(anchors);
        Self { ridges, opens, rows: vec![[Half::NAN; K]; opens.rows()].into() }
    }

    /// Keeps the features at the present origin (the number of the next sample) for all anchors that are asked from it.
    pub fn remember(&mut self, anchors: &Anchors, origin: i64, features: &[f32; N]) {
        let packed = std::array::from_fn(|k| Half::new(features[k]));
        for group in self.opens.groups.iter().filter(|g| g.every > 0) {
            if anchors.is_turn(i64::from(group.every), origin) {
                self.rows[group.row(turn(origin, group.every))] = packed;
            }
        }
    }

    /// Learns that a window came out as `target`; `prior` is what was believed of it.
    pub fn learn(&mut self, anchors: &Anchors, window: &Completed, target: f32, prior: impl Fn() -> Prior<N>) {
        let pace = anchors.pace(window.anchor);
        let mut features = [CONSTANT; N];
        for (feature, kept) in features.iter_mut().zip(self.rows[self.opens.of(pace.every).row(window.turn)]) {
            *feature = kept.get();
        }
        let ridge = &mut self.ridges[window.anchor];
        ridge.learn(&features, target, pace.keep);
        if (window.turn + window.anchor as u32).is_multiple_of(pace.solve) {
            ridge.solve(&prior());
        }
    }

    /// Prediction of anchor `a`.
    pub fn at(&self, a: usize, features: &[f32; N]) -> f32 {
        self.ridges[a].predict(features)
    }

    /// Prediction between two anchors.
    pub fn between(&self, (a, b, share): (usize, usize, f64), features: &[f32; N]) -> f32 {
        let low = self.at(a, features);
        if share == 0.0 { low } else { low + (self.at(b, features) - low) * share as f32 }
    }
}
