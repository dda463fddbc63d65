//! A seasonal base corrected by how far off it has been lately: `prediction(t + h) = base(t + h) + β_h · residuals(t)`, in loads or
//! in logarithms.
//!
//! Any base gains most from this (a base alone is worse than the last value for a quarter of an hour ahead); see
//! [`super::regressed`] for the method.

use super::{
    Choice,
    anchors::{Anchors, MOST, Window},
    model::{Asked, Context, Model, Realised},
    part::Part,
    regressed::{CONSTANT, Regressed},
    ridge::{Prior, rows},
    season::{Base, FEATURES},
    space::Space,
    turns::Turn,
};

/// Features: recent residuals and a constant, for the bias of a maximum.
const ALL: usize = FEATURES + 1;

/// One base, or none, with its corrections.
#[derive(Clone, Debug)]
pub struct Corrected {
    choice: Choice,
    /// `None`: the load's own recent means, without any season.
    base: Option<Base>,
    space: Space,
    /// The base as it is; never of what has none and is nothing but corrections.
    bare: bool,
    corrections: Regressed<ALL, { rows(ALL) }, FEATURES>,
}

impl Corrected {
    /// The model of that name on that base.
    pub fn new(choice: Choice, base: Option<Base>, anchors: &Anchors, without: &[Part]) -> Self {
        Self::hearing(choice, base, anchors, without, |_| true)
    }

    /// The same, with opinions about what lies far ahead only: nearer it costs nothing.
    pub fn far_only(choice: Choice, base: Base, anchors: &Anchors, without: &[Part]) -> Self {
        Self::hearing(choice, Some(base), anchors, without, |a| anchors.is_far(a))
    }

    fn hearing(
        choice: Choice,
        base: Option<Base>,
        anchors: &Anchors,
        without: &[Part],
        hears: impl Fn(usize) -> bool,
    ) -> Self {
        let space = base.map_or(Space::Load, |base| base.space(without));
        let bare = base.is_some() && without.contains(&Part::Correction);
        let prior = |window: &Window, every: i64| belief(window, every, anchors.step());
        Self { choice, base, space, bare, corrections: Regressed::new(anchors, hears, prior) }
    }

    /// What the base says of each window; 0 without one.
    fn bases(&self, seen: &Context<'_>, windows: &[Turn]) -> [f32; MOST] {
        self.base.map_or([0.0; MOST], |base| seen.basis(base).over_each(windows))
    }

    fn features(&self, seen: &Context<'_>) -> [f32; ALL] {
        let off = match self.base {
            Some(base) => seen.residuals(base),
            None => *seen.recent,
        };
        let unit = self.space.unit(seen.past);
        let [now, hour, day] = off.map(|off| (off / unit) as f32);
        if self.bare { [0.0; ALL] } else { [now, hour, day, CONSTANT] }
    }

    /// For anchor `a`: a residual to come is none that was not seen lately, while a load without a season may be any.
    fn correction(&self, a: usize, features: &[f32; ALL]) -> f32 {
        if self.base.is_some() { self.corrections.within(a, features) } else { self.corrections.at(a, features) }
    }

    /// Between two anchors; where there is no regression for the nearer one, that of the other.
    fn between(&self, (a, b, share): (usize, usize, f32), features: &[f32; ALL]) -> f32 {
        if share == 0.0 {
            return self.correction(a, features);
        }
        let (low, high) = (self.correction(a, features), self.correction(b, features));
        if low.is_nan() { high } else { low + (high - low) * share }
    }

    /// Whether one of these windows is any of its business.
    fn hears_any(&self, windows: &[Turn]) -> bool {
        windows.iter().any(|window| self.corrections.hears(window.anchor))
    }

    fn unit(&self, seen: &Context<'_>) -> f32 {
        self.space.unit(seen.past) as f32
    }
}

/// Before any evidence: soon, the residual stays what it just was; later, four fifths of the day's mean residual. What lies far
/// ahead gives few independent windows, so the belief is firmer there.
fn belief(window: &Window, every: i64, step: i64) -> Prior<ALL> {
    let hours = (window.ahead as i64 * step) as f64 / 3600.0;
    let soon = (-hours).exp();
    let samples = 12.0 + window.ahead as f64 / every as f64;
    Prior { coefficients: [0.8 * soon, 0.0, 0.8 * (1.0 - soon), 0.0], samples }
}

impl Model for Corrected {
    fn choice(&self) -> Choice {
        self.choice
    }

    fn learn(&mut self, seen: &Context<'_>, realised: &Realised) {
        let windows = seen.completed();
        if !self.hears_any(windows) {
            return;
        }
        let mut loads = [0.0; MOST];
        for (load, window) in loads.iter_mut().zip(windows) {
            *load = realised.of(seen.anchors.kind(window.anchor)) as f32;
        }
        let residuals = self.space.residuals(&loads, &self.bases(seen, windows), seen.offset as f32);
        let unit = self.unit(seen);
        for (window, residual) in windows.iter().zip(residuals) {
            if !self.corrections.hears(window.anchor) {
                continue;
            }
            let prior = || belief(&window.window, seen.anchors.every(window.anchor), seen.anchors.step());
            self.corrections.learn(window, residual / unit, prior);
        }
    }

    fn predict(&mut self, seen: &Context<'_>, out: &mut [f32]) {
        let windows = seen.due();
        if !self.hears_any(windows) {
            return;
        }
        let features = self.features(seen);
        self.corrections.remember(windows, &features);
        let (unit, mut corrections) = (self.unit(seen), [0.0; MOST]);
        for (correction, window) in corrections.iter_mut().zip(windows) {
            *correction = self.correction(window.anchor, &features) * unit;
        }
        let loads = self.space.apply_each(&self.bases(seen, windows), &corrections, seen.offset as f32);
        let largest = seen.largest();
        // Of what is not heard the correction is NaN, and so is the load.
        for (window, load) in windows.iter().zip(loads) {
            out[window.anchor] = load.clamp(0.0, largest);
        }
    }

    fn ahead(&self, seen: &Context<'_>, asked: &Asked) -> f32 {
        if !self.corrections.hears(asked.between.1) {
            return f32::NAN;
        }
        let correction = self.between(asked.between, &self.features(seen)) * self.unit(seen);
        let base = self.base.map_or(0.0, |base| seen.basis(base).over(asked.stored));
        self.space.apply(base, correction, seen.offset as f32).clamp(0.0, seen.largest())
    }

    fn boxed(&self) -> Box<dyn Model> {
        Box::new(self.clone())
    }
}
