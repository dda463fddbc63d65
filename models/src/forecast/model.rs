//! The seam behind which every model lives.

use super::{
    Choice,
    anchors::{Anchors, Kind, MOST, Window, turn},
    levels::Levels,
    past::Past,
    season::{Base, Seen, Track},
};
use std::fmt::Debug;

/// What a model may look at: the past, the seasonal bases, the windows it is asked about. All of it is at or before the origin.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The samples.
    pub past: &'a Past,
    /// The level of each day.
    pub levels: &'a Levels,
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
        let seen = Seen { past: self.past, levels: self.levels, offset: self.offset };
        Basis { own: self.track(base), tracks: self.tracks, seen }
    }

    /// Recent residuals of a base, in its own space: very recently, over an hour, over a day.
    pub fn residuals(&self, base: Base) -> [f64; 3] {
        self.track(base).map_or([0.0; 3], Track::features)
    }

    /// A load as a prediction: not negative, at most three times the most ever seen; NaN stays "no opinion".
    pub fn bounded(&self, load: f64) -> f64 {
        if load.is_nan() { load } else { load.clamp(0.0, 3.0 * self.past.most()) }
    }

    /// Windows that the newest sample completed and whose turn it was at their origin.
    pub fn completed(&self) -> &'a [Completed] {
        self.turns.completed()
    }

    /// Windows that are to be predicted from the present origin.
    pub fn due(&self) -> &'a [Completed] {
        self.turns.due()
    }
}

/// A base, and what speaks where it knows nothing itself: the weekly profile, else the daily one.
#[derive(Clone, Copy, Debug)]
pub struct Basis<'a> {
    own: Option<&'a Track>,
    tracks: &'a [Track],
    seen: Seen<'a>,
}

impl Basis<'_> {
    /// Its largest value over a window that starts at sample `from`; NaN where nothing is known.
    #[inline]
    pub fn over(&self, from: i64, window: Window) -> f64 {
        let own = self.own.map_or(f64::NAN, |track| track.over(self.seen, from, window));
        if own.is_nan() { self.others(from, window) } else { own }
    }

    #[cold]
    fn others(&self, from: i64, window: Window) -> f64 {
        let track = |base| self.tracks.iter().find(|t| t.base() == base);
        let tracks = [Base::Profile, Base::Days].into_iter().filter_map(track);
        tracks.map(|track| track.over(self.seen, from, window)).find(|load| !load.is_nan()).unwrap_or(f64::NAN)
    }
}

/// The windows whose turn it is, found once for all models.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns {
    completed: [Completed; MOST],
    completions: usize,
    due: [Completed; MOST],
    dues: usize,
}

impl Turns {
    /// Those of the moment after which sample `next` comes.
    pub fn new(anchors: &Anchors, next: i64) -> Self {
        let mut turns = Self::default();
        for (anchor, window) in anchors.windows().iter().enumerate() {
            let (ahead, len) = (window.ahead as i64, window.len as i64);
            let start = next - len;
            let origin = start - ahead;
            if anchors.is_due(anchor, origin) {
                turns.completed[turns.completions] = Completed {
                    anchor,
                    window: *window,
                    start,
                    origin,
                    turn: turn(origin, anchors.pace(anchor).every),
                };
                turns.completions += 1;
            }
            if anchors.is_due(anchor, next) {
                turns.due[turns.dues] = Completed {
                    anchor,
                    window: *window,
                    start: next + ahead,
                    origin: next,
                    turn: turn(next, anchors.pace(anchor).every),
                };
                turns.dues += 1;
            }
        }
        turns
    }

    /// Windows that sample `next - 1` completed, predicted when it was their turn.
    pub fn completed(&self) -> &[Completed] {
        &self.completed[..self.completions]
    }

    /// Windows that are predicted now.
    pub fn due(&self) -> &[Completed] {
        &self.due[..self.dues]
    }
}

/// A window of an anchor seen from one origin.
#[derive(Clone, Copy, Debug, Default)]
pub struct Completed {
    /// Number of the anchor.
    pub anchor: usize,
    /// Its window.
    pub window: Window,
    /// Number of the window's first sample.
    pub start: i64,
    /// Number of the sample that came next when it was predicted.
    pub origin: i64,
    /// Number of that origin among those of the anchor.
    pub turn: u32,
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
