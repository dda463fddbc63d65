//! Predictions of one anchor whose windows are still open: a row per origin, bounded by the distance of the window.

use crate::{
    forecast::anchors::Window,
    interval::{Margins, Sizes},
};

/// The open predictions of an anchor.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// By origin: each model's prediction, then what was made of them.
    loads: Box<[f32]>,
    models: usize,
    rest: Box<[Rest]>,
    every: i64,
}

/// What was expected of the error of a prediction.
#[derive(Clone, Copy, Debug)]
struct Rest {
    /// The low bits of the origin's number: enough to tell a row from the one that it replaced.
    origin: u32,
    sizes: Sizes,
    margins: Margins,
}

/// One open prediction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open<'a> {
    /// What was made of the models' predictions.
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
        let none = Rest { origin: u32::MAX, sizes: Sizes::default(), margins: Margins::default() };
        Self { loads: vec![f32::NAN; len * (models + 1)].into(), models, rest: vec![none; len].into(), every }
    }

    /// Files model `m`'s prediction.
    pub(super) fn put(&mut self, origin: i64, m: usize, prediction: f32) {
        let at = self.slot(origin) * (self.models + 1) + m;
        self.loads[at] = prediction;
    }

    /// The models' predictions at an origin.
    pub(super) fn models(&self, origin: i64) -> impl Iterator<Item = f32> + Clone {
        let from = self.slot(origin) * (self.models + 1);
        self.loads[from..from + self.models].iter().copied()
    }

    /// Files what was made of them.
    pub(super) fn close(&mut self, origin: i64, mixed: f64, sizes: Sizes, margins: Margins) {
        let slot = self.slot(origin);
        self.loads[slot * (self.models + 1) + self.models] = mixed as f32;
        self.rest[slot] = Rest { origin: origin as u32, sizes, margins };
    }

    /// The prediction from an origin, if it was made and is not yet forgotten.
    pub(super) fn at(&self, origin: i64) -> Option<Open<'_>> {
        let slot = self.slot(origin);
        let rest = &self.rest[slot];
        (rest.origin == origin as u32).then(|| Open {
            mixed: f64::from(self.loads[slot * (self.models + 1) + self.models]),
            sizes: &rest.sizes,
            margins: &rest.margins,
        })
    }

    fn slot(&self, origin: i64) -> usize {
        (origin.div_euclid(self.every) as u32 % self.rest.len() as u32) as usize
    }
}
