//! How far the load has been from its base lately, as features of a regression: very recently, over an hour, over a day.

use crate::{calendar::DAY, forecast::past::Past};

/// Number of features.
pub const FEATURES: usize = 3;
/// Blocks that make the day.
const BLOCKS: usize = 24;

/// Running means of residuals. Missing residuals leave them as they are.
#[derive(Clone, Debug)]
pub struct Residual {
    now: f64,
    hour: Window,
    day: Blocks,
}

/// Exact mean over the last so many samples that were there: silence teaches nothing and forgets nothing.
#[derive(Clone, Debug)]
struct Window {
    ring: Box<[f32]>,
    at: usize,
    sum: f64,
    n: f64,
}

/// Mean over a day in blocks of an hour: as good as exact, at a twelfth of the memory.
#[derive(Clone, Debug)]
struct Blocks {
    means: [f32; BLOCKS],
    whole: usize,
    at: usize,
    whole_sum: f64,
    open_sum: f64,
    open: f64,
    per: f64,
}

impl Residual {
    /// Nothing seen.
    pub fn new(past: &Past) -> Self {
        let per = (past.samples_in(DAY) as f64 / BLOCKS as f64).max(1.0);
        let day = Blocks { means: [0.0; BLOCKS], whole: 0, at: 0, whole_sum: 0.0, open_sum: 0.0, open: 0.0, per };
        Self { now: 0.0, hour: Window::new(past.samples_in(3600)), day }
    }

    /// Takes the newest residual; NaN is missing. One of a burst that may prove to be one-off (`suspect`) moves only what is
    /// forgotten within the hour.
    pub fn push(&mut self, residual: f64, suspect: bool) {
        if !residual.is_finite() {
            return;
        }
        self.now += (residual - self.now) * 0.5;
        if !suspect {
            self.hour.push(residual);
            self.day.push(residual);
        }
    }

    /// The last hour was an outage: what remains true is the day.
    pub fn forget_the_last_hour(&mut self) {
        self.now = self.day.mean();
        self.hour.forget();
    }

    /// Weighted last residuals (each counting half of the next), mean of an hour, mean of a day.
    pub fn features(&self) -> [f64; FEATURES] {
        let day = self.day.mean();
        let hour = if self.hour.n > 0.5 { self.hour.mean() } else { day };
        [self.now, hour, day]
    }
}

impl Window {
    fn new(len: usize) -> Self {
        Self { ring: vec![f32::NAN; len].into(), at: 0, sum: 0.0, n: 0.0 }
    }

    fn push(&mut self, value: f64) {
        let old = std::mem::replace(&mut self.ring[self.at], value as f32);
        self.add(old, -1.0);
        self.add(self.ring[self.at], 1.0);
        self.at += 1;
        if self.at == self.ring.len() {
            self.at = 0;
            self.recount();
        }
    }

    fn add(&mut self, value: f32, sign: f64) {
        if value.is_finite() {
            self.sum += sign * f64::from(value);
            self.n += sign;
        }
    }

    /// Sums anew once per round, so that rounding cannot pile up.
    fn recount(&mut self) {
        (self.sum, self.n) = (0.0, 0.0);
        for i in 0..self.ring.len() {
            self.add(self.ring[i], 1.0);
        }
    }

    fn forget(&mut self) {
        self.ring.fill(f32::NAN);
        (self.sum, self.n) = (0.0, 0.0);
    }

    fn mean(&self) -> f64 {
        if self.n > 0.5 { self.sum / self.n } else { 0.0 }
    }
}

impl Blocks {
    fn push(&mut self, value: f64) {
        self.open_sum += value;
        self.open += 1.0;
        if self.open >= self.per {
            self.means[self.at] = (self.open_sum / self.open) as f32;
            self.at = (self.at + 1) % BLOCKS;
            self.whole = (self.whole + 1).min(BLOCKS);
            self.whole_sum = self.means[..self.whole].iter().map(|m| f64::from(*m)).sum();
            (self.open_sum, self.open) = (0.0, 0.0);
        }
    }

    fn mean(&self) -> f64 {
        let n = self.whole as f64 + self.open / self.per;
        if n > 0.0 { (self.whole_sum + self.open_sum / self.per) / n } else { 0.0 }
    }
}
