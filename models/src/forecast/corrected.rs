//! A seasonal base corrected by how far off it has been lately: `prediction(t + h) = base(t + h) + β_h · residuals(t)`, in loads or
//! in logarithms.
//!
//! Any base gains most from this (a base alone is worse than the last value for a quarter of an hour ahead); see
//! [`super::regressed`] for the method.

use super::{
    Choice,
    anchors::{Anchors, Kind, Window},
    model::{Context, Model, Realised},
    regressed::{CONSTANT, Regressed},
    ridge::{Prior, half},
    season::{Base, FEATURES},
    space::Space,
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
    corrections: Regressed<ALL, { half(ALL) }, FEATURES>,
}

impl Corrected {
    /// The model of that name on that base.
    pub fn new(choice: Choice, base: Option<Base>, anchors: &Anchors) -> Self {
        let space = base.map_or(Space::Load, Base::space);
        let prior = |window: &Window, every: i64| belief(window, every, anchors.step());
        Self { choice, base, space, corrections: Regressed::new(anchors, prior) }
    }

    /// What the base says of a window that starts at a sample, to be asked again and again.
    fn base<'a>(&self, seen: &Context<'a>) -> impl Fn(i64, Window) -> f64 + use<'a> {
        let basis = self.base.map(|base| seen.basis(base));
        move |from, window| basis.map_or(0.0, |basis| basis.over(from, window))
    }

    fn features(&self, seen: &Context<'_>) -> [f32; ALL] {
        let off = match self.base {
            Some(base) => seen.residuals(base),
            None => *seen.recent,
        };
        let unit = self.space.unit(seen.past);
        let [now, hour, day] = off.map(|off| (off / unit) as f32);
        [now, hour, day, CONSTANT]
    }

    fn load(&self, seen: &Context<'_>, base: f64, correction: f32) -> f64 {
        let correction = f64::from(correction) * self.space.unit(seen.past);
        seen.bounded(self.space.apply(base, correction, seen.offset))
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
        let base = self.base(seen);
        for window in seen.completed() {
            if seen.past.is_masked(window.origin - 1) {
                continue;
            }
            let load = realised.of(seen.anchors.kind(window.anchor));
            let base = base(window.start, window.window);
            let residual = self.space.residual(load, base, seen.offset) / self.space.unit(seen.past);
            let prior = || belief(&window.window, seen.anchors.every(window.anchor), seen.anchors.step());
            self.corrections.learn(seen.anchors, window, residual as f32, prior);
        }
    }

    fn predict(&mut self, seen: &Context<'_>, out: &mut [f32]) {
        let features = self.features(seen);
        self.corrections.remember(seen.anchors, seen.past.next(), &features);
        let base = self.base(seen);
        for window in seen.due() {
            let correction = self.corrections.at(window.anchor, &features);
            out[window.anchor] = self.load(seen, base(window.start, window.window), correction) as f32;
        }
    }

    fn ahead(&self, seen: &Context<'_>, kind: Kind, ahead: usize) -> f64 {
        let correction = self.corrections.between(seen.anchors.between(kind, ahead), &self.features(seen));
        let window = seen.anchors.window(kind, ahead);
        let from = seen.past.next() + ahead as i64;
        let base = self.base.map_or(0.0, |base| seen.basis(base).over(from, window));
        self.load(seen, base, correction)
    }

    fn boxed(&self) -> Box<dyn Model> {
        Box::new(self.clone())
    }
}
