//! The usual load: all that somebody knows who knows neither time nor trend.

/// Running mean of window maxima over about half a week.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    value: f64,
    seen: f64,
    memory: f64,
}

impl Usual {
    /// Nothing seen yet; `memory` windows count.
    pub(super) fn new(memory: f64) -> Self {
        Self { value: 0.0, seen: 0.0, memory }
    }

    pub(super) fn value(&self) -> f64 {
        self.value
    }

    pub(super) fn push(&mut self, came: f64) {
        self.seen = (self.seen + 1.0).min(self.memory);
        self.value += (came - self.value) / self.seen;
    }
}
