//! Errors of a rival that is given a margin of its own, and nothing more: their quantile over a rolling week.

use super::{MEMORY_DAYS, Mean, WEEK_DAYS, scores::Scores};
use crate::calendar::DAY;

/// Realised errors and their quantile.
#[derive(Clone, Debug)]
pub struct Plain {
    usual: Mean,
    scores: Scores<1>,
    memory: f32,
}

impl Plain {
    /// Nothing realised yet; `spacing` seconds lie between two.
    pub fn new(spacing: i64) -> Self {
        let per_day = DAY as f64 / spacing as f64;
        let window = (WEEK_DAYS * per_day).max(100.0) as usize;
        Self {
            usual: Mean::default(),
            scores: Scores::fading(window / 2),
            memory: (MEMORY_DAYS * per_day).max(50.0) as f32,
        }
    }

    /// Takes a realised error.
    pub fn learn(&mut self, error: f64) {
        if error.is_finite() {
            if self.usual.seen > 0.0 {
                self.scores.push(error, [self.usual.value()]);
            }
            self.usual.push(error.abs(), self.memory);
        }
    }

    /// The error that a share `level` of errors stays below; 0 before anything was realised.
    pub fn quantile(&self, level: f64) -> f64 {
        let [score] = self.scores.quantiles(0, [level]);
        score * self.usual.value()
    }
}
