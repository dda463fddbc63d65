//! Predictions of one anchor whose windows are still open: a row per origin, bounded by the distance of the window.

use crate::{
    forecast::anchors::Window,
    interval::{Margins, Sizes},
};

/// The open predictions of an anchor.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    models: Vec<f32>,
    width: usize,
    rest: Vec<Rest>,
    every: i64,
}

/// What was made of the models' predictions at an origin.
#[derive(Clone, Copy, Debug)]
struct Rest {
    origin: i64,
    mixed: f32,
    sizes: Sizes,
    margins: Margins,
}

/// One open prediction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open<'a> {
    /// The models'.
    pub(super) models: &'a [f32],
    /// What was made of them.
    pub(super) mixed: f64,
    /// The errors that were to be expected.
    pub(super) sizes: &'a Sizes,
    /// The margins that followed.
    pub(super) margins: &'a Margins,
}

impl Pending {
    /// Nothing predicted yet.
    pub(super) fn new(window: Window, every: i64, models: usize) -> Self {
        let len = (window.ahead + window.len) / every as usize + 2;
        let none = Rest { origin: i64::MIN, mixed: f32::NAN, sizes: Sizes::default(), margins: Margins::default() };
        Self { models: vec![f32::NAN; len * models], width: models, rest: vec![none; len], every }
    }

    /// Files model `m`'s prediction.
    pub(super) fn put(&mut self, origin: i64, m: usize, prediction: f32) {
        let slot = self.slot(origin);
        self.models[slot * self.width + m] = prediction;
    }

    /// The models' predictions at an origin.
    pub(super) fn models(&self, origin: i64) -> &[f32] {
        let slot = self.slot(origin);
        &self.models[slot * self.width..(slot + 1) * self.width]
    }

    /// Files what was made of them.
    pub(super) fn close(&mut self, origin: i64, mixed: f64, sizes: Sizes, margins: Margins) {
        let slot = self.slot(origin);
        self.rest[slot] = Rest { origin, mixed: mixed as f32, sizes, margins };
    }

    /// The prediction from an origin, if it was made and is not yet forgotten.
    pub(super) fn at(&self, origin: i64) -> Option<Open<'_>> {
        let rest = &self.rest[self.slot(origin)];
        (rest.origin == origin).then(|| Open {
            models: self.models(origin),
            mixed: f64::from(rest.mixed),
            sizes: &rest.sizes,
            margins: &rest.margins,
        })
    }

    fn slot(&self, origin: i64) -> usize {
        origin.div_euclid(self.every).rem_euclid(self.rest.len() as i64) as usize
    }
}
