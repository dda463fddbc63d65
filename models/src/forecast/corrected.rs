//! A seasonal base corrected by how far off it has been lately: `prediction(t + h) = base(t + h) + β_h · residuals(t)`.
//!
//! Any base gains most from this (a base alone is worse than the last value for a quarter of an hour ahead); see
//! [`super::regressed`] for the method.

use super::{
    Choice,
    anchors::{Kind, Window},
    model::{Context, Model, Realised},
    past::Past,
    regressed::Regressed,
    season::{Base, FEATURES, Track, is_weekly_known},
};

/// One base with its corrections.
#[derive(Clone, Debug)]
pub struct Corrected {
    choice: Choice,
    base: Base,
    corrections: Regressed<FEATURES>,
}

impl Corrected {
    /// The model of that name on that base.
    pub fn new(choice: Choice, base: Base, corrections: Regressed<FEATURES>) -> Self {
        Self { choice, base, corrections }
    }

    fn silent(&self, past: &Past) -> bool {
        matches!(self.base, Base::Profile | Base::Weeks) && !is_weekly_known(past)
    }

    fn load(seen: &Context<'_>, track: &Track, window: Window, correction: f64) -> f64 {
        let base = track.over(seen.past.next() + window.ahead as i64, window);
        seen.bounded(track.back(seen.past, base + correction))
    }
}

impl Model for Corrected {
    fn choice(&self) -> Choice {
        self.choice
    }

    fn learn(&mut self, seen: &Context<'_>, realised: &Realised) {
        let Some(track) = seen.track(self.base) else {
            return;
        };
        let loads = [Kind::Value, Kind::Maximum].map(|k| track.forward(seen.past, realised.of(k)));
        for (a, window) in seen.anchors.windows().iter().enumerate() {
            let from = seen.past.next() - window.len as i64;
            let load = loads[usize::from(seen.anchors.kind(a) == Kind::Maximum)];
            let target = load - track.over(from, *window);
            self.corrections.learn(a, from - window.ahead as i64, target);
        }
    }

    fn predict(&mut self, seen: &Context<'_>, out: &mut [f32]) {
        let Some(track) = seen.track(self.base) else {
            return out.fill(f32::NAN);
        };
        let features = track.features();
        self.corrections.remember(seen.past.next(), &features);
        let silent = self.silent(seen.past);
        for (a, window) in seen.anchors.windows().iter().enumerate() {
            let correction = self.corrections.at(a, &features);
            out[a] = if silent { f32::NAN } else { Self::load(seen, track, *window, correction) as f32 };
        }
    }

    fn ahead(&self, seen: &Context<'_>, kind: Kind, ahead: usize) -> f64 {
        let Some(track) = seen.track(self.base).filter(|_| !self.silent(seen.past)) else {
            return f64::NAN;
        };
        let correction = self.corrections.between(seen.anchors, kind, ahead, &track.features());
        let len = match kind {
            Kind::Value => 1,
            Kind::Maximum => seen.anchors.lead(),
        };
        Self::load(seen, track, Window { ahead, len }, correction)
    }

    fn boxed(&self) -> Box<dyn Model> {
        Box::new(self.clone())
    }
}
