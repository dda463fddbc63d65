//! Persistence: whatever it is now, it stays. What a reactive autoscaler believes, and the rival that must be beaten.

use super::{
    Choice,
    model::{Asked, Context, Model, Realised},
    season::{Base, Stored},
};

/// Seconds ahead up to which an outage is taken to go on; further ahead the load before it is.
const OUTAGE_GOES_ON: i64 = 1800;

/// Below this share of what the season expected a load may be an outage that has just begun.
const COLLAPSING: f64 = 0.3;

/// The last value that was there, and the last that was no outage.
#[derive(Clone, Copy, Debug)]
pub struct Persistence {
    last: f64,
    sound: f64,
}

impl Persistence {
    /// Nothing seen yet.
    pub const fn new() -> Self {
        Self { last: f64::NAN, sound: f64::NAN }
    }

    fn at(&self, seen: &Context<'_>, ahead: usize) -> f64 {
        let far = ahead as i64 * seen.past.step() > OUTAGE_GOES_ON;
        if far && !self.sound.is_nan() { self.sound } else { self.last }
    }
}

impl Default for Persistence {
    fn default() -> Self {
        Self::new()
    }
}

impl Model for Persistence {
    fn choice(&self) -> Choice {
        Choice::Persistence
    }

    fn learn(&mut self, seen: &Context<'_>, _: &Realised) {
        let newest = seen.past.next() - 1;
        let (raw, clean) = (seen.past.raw(newest), seen.past.clean(newest));
        let expected = f64::from(seen.basis(Base::Profile).over(Stored::new(seen.anchors, newest, 1)));
        if !raw.is_nan() {
            self.last = f64::from(raw);
        }
        let collapsing = f64::from(clean) < COLLAPSING * expected;
        if !clean.is_nan() && !collapsing {
            self.sound = f64::from(clean);
        }
    }

    fn predict(&mut self, seen: &Context<'_>, out: &mut [f32]) {
        for (out, window) in out.iter_mut().zip(seen.anchors.windows()) {
            *out = self.at(seen, window.ahead) as f32;
        }
    }

    fn ahead(&self, seen: &Context<'_>, asked: &Asked) -> f32 {
        self.at(seen, asked.ahead) as f32
    }

    fn boxed(&self) -> Box<dyn Model> {
        Box::new(*self)
    }
}
