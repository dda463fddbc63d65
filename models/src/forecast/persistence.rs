//! Persistence: whatever it is now, it stays. What a reactive autoscaler believes, and the rival that must be beaten.

use super::{
    Choice,
    anchors::Kind,
    model::{Context, Model, Realised},
};

/// The last value that was there.
#[derive(Clone, Copy, Debug)]
pub struct Persistence {
    last: f64,
}

impl Persistence {
    /// Nothing seen yet.
    pub const fn new() -> Self {
        Self { last: f64::NAN }
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
        let newest = f64::from(seen.past.raw(seen.past.next() - 1));
        if !newest.is_nan() {
            self.last = newest;
        }
    }

    fn predict(&mut self, _: &Context<'_>, out: &mut [f32]) {
        out.fill(self.last as f32);
    }

    fn ahead(&self, _: &Context<'_>, _: Kind, _: usize) -> f64 {
        self.last
    }

    fn boxed(&self) -> Box<dyn Model> {
        Box::new(*self)
    }
}
