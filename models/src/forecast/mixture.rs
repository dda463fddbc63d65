//! The mixture: models weighted by their recent errors, separately for every anchor.
//!
//! Exponentially weighted average forecaster with discounted losses and sleeping experts (Cesa-Bianchi and Lugosi,
//! *Prediction, Learning, and Games*, ch. 2; Devaine et al. 2013): weight ∝ exp(−η·(loss ÷ best loss − 1)).

use crate::calendar::DAY;

/// How sharply a model is punished for a loss above the best one's.
const ETA: f64 = 20.0;

/// Weights of `experts` models for one anchor.
#[derive(Clone, Debug)]
pub struct Mixture {
    losses: Vec<f64>,
    seen: Vec<f64>,
    weights: Vec<f64>,
    keep: f64,
}

impl Mixture {
    /// All models weigh the same until they have been seen at work.
    pub fn new(experts: usize, step: i64) -> Self {
        let memory = (DAY * 7 / 4 / step).max(60) as f64;
        Self {
            losses: vec![0.0; experts],
            seen: vec![0.0; experts],
            weights: vec![1.0; experts],
            keep: 1.0 - 1.0 / memory,
        }
    }

    /// Learns what each model's prediction was off by; a NaN prediction was no opinion.
    pub fn learn(&mut self, predictions: &[f32], target: f64) {
        for (k, p) in predictions.iter().enumerate() {
            let loss = (f64::from(*p) - target).abs();
            if loss.is_finite() {
                self.losses[k] = self.losses[k] * self.keep + loss;
                self.seen[k] = self.seen[k] * self.keep + 1.0;
            }
        }
    }

    /// Recomputes the weights from the losses; call it now and then.
    pub fn weigh(&mut self) {
        let mean = |k: usize| self.losses[k] / self.seen[k];
        let best = (0..self.losses.len()).filter(|&k| self.seen[k] >= 12.0).map(mean).fold(f64::INFINITY, f64::min);
        if !best.is_finite() {
            return;
        }
        for k in 0..self.losses.len() {
            let worse = mean(k) / best.max(f64::MIN_POSITIVE) - 1.0;
            self.weights[k] = if self.seen[k] < 12.0 {
                0.0
            } else if mean(k) <= best {
                1.0
            } else {
                (-ETA * worse).exp()
            };
        }
    }

    /// Weight of model `k`, not normalised.
    pub fn weight(&self, k: usize) -> f64 {
        self.weights[k]
    }

    /// The weighted mean of the opinions; NaN if there is none.
    pub fn combine(&self, predictions: &[f32]) -> f64 {
        let pairs = self.weights.iter().zip(predictions);
        weighted(pairs.map(|(w, p)| (*w, f64::from(*p))))
    }
}

/// Weighted mean of what is not NaN; the plain mean if all that remains has no weight.
pub fn weighted(opinions: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (w, p) in opinions.clone().filter(|(_, p)| !p.is_nan()) {
        sum += w * p;
        weights += w;
    }
    if weights > 0.0 {
        return sum / weights;
    }
    let (mut sum, mut n) = (0.0, 0.0);
    for (_, p) in opinions.filter(|(_, p)| !p.is_nan()) {
        sum += p;
        n += 1.0;
    }
    sum / n
}
