//! The seam behind which every model lives.

use super::{
    Choice,
    anchors::{Anchors, Kind, Window},
    past::Past,
    season::{Base, Track},
    space::Space,
};
use std::fmt::Debug;

/// What a model may look at: the past, the seasonal bases, the windows it is asked about. All of it is at or before the origin.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The samples.
    pub past: &'a Past,
    /// The seasonal bases, up to date with the past; the daily one and the weekly profile come first.
    pub tracks: &'a [Track],
    /// How far the load itself has been off zero.
    pub recent: &'a [[f64; 3]; 2],
    /// The windows.
    pub anchors: &'a Anchors,
    /// What is added to a load before its logarithm is taken.
    pub offset: f64,
}

impl<'a> Context<'a> {
    /// The track of a base, if the line-up has it.
    pub fn track(&self, base: Base) -> Option<&'a Track> {
        self.tracks.iter().find(|t| t.base() == base)
    }

    /// A base over a window that starts at sample `from`; where it knows nothing itself the weekly profile, or the daily one.
    pub fn base(&self, base: Base, from: i64, window: Window) -> f64 {
        let of = |base| self.track(base).map_or(f64::NAN, |track| track.over(from, window));
        let known = [base, Base::Profile, Base::Days].into_iter().map(of).find(|load| !load.is_nan());
        known.unwrap_or(f64::NAN)
    }

    /// Recent residuals of a base: very recently, over an hour, over a day.
    pub fn residuals(&self, base: Base, space: Space) -> [f64; 3] {
        self.track(base).map_or([0.0; 3], |track| track.features(space))
    }

    /// The same of the load itself.
    pub fn recent(&self, space: Space) -> [f64; 3] {
        self.recent[usize::from(space == Space::Log)]
    }

    /// A load as a prediction: not negative, at most three times the most ever seen; NaN stays "no opinion".
    pub fn bounded(&self, load: f64) -> f64 {
        if load.is_nan() { load } else { load.clamp(0.0, 3.0 * self.past.most()) }
    }

    /// Origins of the windows that the newest sample completed and whose turn it is, with anchor and start of the window.
    pub fn completed(&self) -> impl Iterator<Item = Completed> + use<'a> {
        let (anchors, next) = (self.anchors, self.past.next());
        anchors.windows().iter().enumerate().filter_map(move |(anchor, window)| {
            let start = next - window.len as i64;
            let origin = start - window.ahead as i64;
            anchors.is_due(anchor, origin).then_some(Completed { anchor, window: *window, start, origin })
        })
    }

    /// Windows that are to be predicted from the present origin, with anchor and start.
    pub fn due(&self) -> impl Iterator<Item = Completed> + use<'a> {
        let (anchors, origin) = (self.anchors, self.past.next());
        let windows = anchors.windows().iter().enumerate();
        windows.filter(move |(a, _)| anchors.is_due(*a, origin)).map(move |(anchor, window)| {
            let start = origin + window.ahead as i64;
            Completed { anchor, window: *window, start, origin }
        })
    }
}

/// A window of an anchor seen from one origin.
#[derive(Clone, Copy, Debug)]
pub struct Completed {
    /// Number of the anchor.
    pub anchor: usize,
    /// Its window.
    pub window: Window,
    /// Number of the window's first sample.
    pub start: i64,
    /// Number of the sample that came next when it was predicted.
    pub origin: i64,
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

    /// Predicts the windows that are [due](Context::due) from the present origin; NaN is no opinion.
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
