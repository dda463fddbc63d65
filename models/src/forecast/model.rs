//! The seam behind which every model lives.

use super::{
    Choice,
    anchors::{Anchors, Kind, MOST},
    past::Past,
    season::{Base, Stored, Track},
    turns::{Turn, Turns},
};
use std::fmt::Debug;

/// What a model may look at: the past, the seasonal bases, the windows it is asked about. All of it is at or before the origin.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The samples.
    pub past: &'a Past,
    /// The seasonal bases, up to date with the past; the daily one and the weekly profile come first.
    pub tracks: &'a [Track],
    /// Means of the load itself: just now, of an hour, of a day.
    pub recent: &'a [f64; 3],
    /// The windows.
    pub anchors: &'a Anchors,
    /// Those of them whose turn it is.
    pub turns: &'a Turns,
    /// What is added to a load before its logarithm is taken.
    pub offset: f64,
}

impl<'a> Context<'a> {
    /// The track of a base, if the line-up has it.
    pub fn track(&self, base: Base) -> Option<&'a Track> {
        self.tracks.iter().find(|t| t.base() == base)
    }

    /// A base, to be asked for many windows.
    #[inline]
    pub fn basis(&self, base: Base) -> Basis<'a> {
        Basis { own: self.track(base), tracks: self.tracks }
    }

    /// Recent residuals of a base, in its own space: very recently, over an hour, over a day.
    pub fn residuals(&self, base: Base) -> [f64; 3] {
        self.track(base).map_or([0.0; 3], Track::features)
    }

    /// The largest load that a prediction may be: three times the most ever seen.
    pub fn largest(&self) -> f32 {
        (3.0 * self.past.most()) as f32
    }

    /// Windows that the newest sample completed and whose turn it was at their origin.
    pub fn completed(&self) -> &'a [Turn] {
        self.turns.completed()
    }

    /// Windows that are to be predicted from the present origin.
    pub fn due(&self) -> &'a [Turn] {
        self.turns.due()
    }
}

/// A base, and what speaks where it knows nothing itself: the weekly profile, else the daily one.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    own: Option<&'a Track>,
    tracks: &'a [Track],
}

impl Basis<'_> {
    /// Its largest value over a window; NaN where nothing is known.
    #[inline]
    pub fn over(&self, window: Stored) -> f32 {
        let own = self.own.map_or(f32::NAN, |track| track.over(window));
        if own.is_nan() { self.others(window) } else { own }
    }

    /// The same for many windows.
    pub fn over_each(&self, windows: &[Turn]) -> [f32; MOST] {
        let mut all = match self.own {
            Some(track) => track.over_each(windows),
            None => [f32::NAN; MOST],
        };
        for (base, window) in all.iter_mut().zip(windows) {
            if base.is_nan() {
                *base = self.others(window.stored);
            }
        }
        all
    }

    #[cold]
    fn others(&self, window: Stored) -> f32 {
        let track = |base| self.tracks.iter().find(|t| t.base() == base);
        let tracks = [Base::Profile, Base::Days].into_iter().filter_map(track);
        tracks.map(|track| track.over(window)).find(|load| !load.is_nan()).unwrap_or(f32::NAN)
    }
}

/// A window at any distance from the present origin.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// Samples between the origin and the window's first.
    pub ahead: usize,
    /// The anchors that it lies between ([`Anchors::between`]).
    pub between: (usize, usize, f32),
    /// Where bases keep it.
    pub stored: Stored,
}

impl Asked {
    /// The window of a kind that starts `ahead` samples after the `next` one.
    pub fn new(anchors: &Anchors, next: i64, kind: Kind, ahead: usize) -> Self {
        let stored = Stored::new(anchors, next + ahead as i64, anchors.window(kind, ahead).len);
        Self { ahead, between: anchors.between(kind, ahead), stored }
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

    /// Predicts the windows that are [due](Context::due) from the present origin; NaN is no opinion.
    fn predict(&mut self, seen: &Context<'_>, out: &mut [f32]);

    /// Predicts a window at any distance from the present origin; NaN is no opinion.
    fn ahead(&self, seen: &Context<'_>, asked: &Asked) -> f32;

    /// A copy behind the same seam.
    fn boxed(&self) -> Box<dyn Model>;
}

impl Clone for Box<dyn Model> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}
