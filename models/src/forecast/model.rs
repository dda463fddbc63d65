//! The seam behind which every model lives.

use super::{
    Choice,
    anchors::{Anchors, Kind},
    past::Past,
    season::{Base, Track},
};
use std::fmt::Debug;

/// What a model may look at: the past, the seasonal bases, the windows it is asked about. All of it is at or before the origin.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The samples.
    pub past: &'a Past,
    /// The seasonal bases, up to date with the past.
    pub tracks: &'a [Track],
    /// The windows.
    pub anchors: &'a Anchors,
}

impl<'a> Context<'a> {
    /// The track of a base, if the line-up has it.
    pub fn track(&self, base: Base) -> Option<&'a Track> {
        self.tracks.iter().find(|t| t.base() == base)
    }

    /// A load as a prediction: not negative, at most three times the most ever seen; NaN stays "no opinion".
    pub fn bounded(&self, load: f64) -> f64 {
        if load.is_nan() { load } else { load.clamp(0.0, 3.0 * self.past.most()) }
    }
}

/// The target values that the newest sample has completed; NaN where missing or masked.
#[derive(Clone, Copy, Debug)]
pub struct Realised {
    /// The sample itself.
    pub value: f64,
    /// The largest of the newest samples over one lead window.
    pub maximum: f64,
}

impl Realised {
    /// The target for a kind of window.
    pub const fn of(&self, kind: Kind) -> f64 {
        match kind {
            Kind::Value => self.value,
            Kind::Maximum => self.maximum,
        }
    }
}

/// A model that learns sample by sample and predicts window maxima at any distance.
///
/// Called once per sample, in this order: [`Model::learn`] with what the sample completed, then [`Model::predict`] from the
/// origin after it. Both are O(1) in the length of the history.
pub trait Model: Debug + Send + Sync {
    /// Its name.
    fn choice(&self) -> Choice;

    /// Learns from the windows that the newest sample has completed.
    fn learn(&mut self, seen: &Context<'_>, realised: &Realised);

    /// Predicts every anchor's window from the present origin; NaN is no opinion.
    fn predict(&mut self, seen: &Context<'_>, out: &mut [f32]);

    /// Predicts the window of a kind at any distance from the present origin; NaN is no opinion.
    fn ahead(&self, seen: &Context<'_>, kind: Kind, ahead: usize) -> f64;

    /// A copy behind the same seam.
    fn boxed(&self) -> Box<dyn Model>;
}

impl Clone for Box<dyn Model> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}
