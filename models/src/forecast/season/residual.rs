//! How far the load has been from its base lately, as features of a regression: very recently, over an hour, over a day.

use crate::{
    calendar::DAY,
    forecast::{half::Half, past::Past},
};

/// Number of features.
pub const FEATURES: usize = 3;
/// Blocks that make the day.
const DAY_BLOCKS: usize = 24;
/// Blocks that make the hour, at most: a sample each down to a step of 5 min.
const HOUR_BLOCKS: usize = 12;

/// Running means of residuals. Missing residuals leave them as they are.
#[derive(Clone, Debug)]
pub struct Residual {
    now: f32,
    hour: Blocks<HOUR_BLOCKS>,
    day: Blocks<DAY_BLOCKS>,
}

/// Mean over the last so many samples that were there, in `N` blocks or fewer: as good as exact, in a fraction of the room. Silence
/// teaches nothing and forgets nothing.
#[derive(Clone, Debug)]
struct Blocks<const N: usize> {
    /// 0 where there is none yet.
    means: [Half; N],
    /// Number of blocks in use, whole ones, and the next to be replaced.
    used: u8,
    whole: u8,
    at: u8,
    whole_sum: f32,
    open_sum: f32,
    open: f32,
    per: f32,
}

impl Residual {
    /// Nothing seen.
    pub fn new(past: &Past) -> Self {
        Self { now: 0.0, hour: Blocks::new(past.samples_in(3600)), day: Blocks::new(past.samples_in(DAY)) }
    }

    /// Takes the newest residual; NaN is missing. One of a burst that may prove to be one-off (`suspect`) moves only what is
    /// forgotten within the hour.
    pub fn push(&mut self, residual: f32, suspect: bool) {
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
        let hour = if self.hour.is_empty() { day } else { self.hour.mean() };
        [self.now, hour, day].map(f64::from)
    }
}

impl<const N: usize> Blocks<N> {
    fn new(samples: usize) -> Self {
        let blocks = samples.clamp(1, N);
        Self {
            means: [Half::ZERO; N],
            used: blocks as u8,
            whole: 0,
            at: 0,
            whole_sum: 0.0,
            open_sum: 0.0,
            open: 0.0,
            per: (samples as f32 / blocks as f32).max(1.0),
        }
    }

    fn push(&mut self, value: f32) {
        self.open_sum += value;
        self.open += 1.0;
        if self.open >= self.per {
            self.means[usize::from(self.at)] = Half::new(self.open_sum / self.open);
            self.at = (self.at + 1) % self.used;
            self.whole = (self.whole + 1).min(self.used);
            // Anew each time, so that rounding cannot pile up.
            self.whole_sum = self.means.iter().map(|m| m.get()).sum();
            (self.open_sum, self.open) = (0.0, 0.0);
        }
    }

    fn is_empty(&self) -> bool {
        self.whole == 0 && self.open == 0.0
    }

    fn forget(&mut self) {
        *self = Self { used: self.used, per: self.per, ..Self::new(1) };
    }

    fn mean(&self) -> f32 {
        let n = f32::from(self.whole) + self.open / self.per;
        if n > 0.0 { (self.whole_sum + self.open_sum / self.per) / n } else { 0.0 }
    }
}
