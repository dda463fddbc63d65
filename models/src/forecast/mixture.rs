//! The mixture: models weighted by their recent errors, separately for every anchor.
//!
//! Exponentially weighted average forecaster with discounted losses and sleeping experts (Cesa-Bianchi and Lugosi,
//! *Prediction, Learning, and Games*, ch. 2; Devaine et al. 2013): weight ∝ exp(−η·(loss ÷ best loss − 1)).

//!
//! A day ahead, who is right depends on the day: "as yesterday" wins from Tuesday to Friday and loses on Saturday. So far
//! anchors also remember each weekday's losses for weeks, and both count.

use crate::calendar::DAY;

/// How sharply a model is punished for a loss above the best one's.
const ETA: f64 = 20.0;
/// The same far ahead.
const ETA_FAR: f64 = 5.0;
/// Opinions to have seen before a model is weighed.
const LEAST: f64 = 4.0;
/// Distance from which a target is far, in seconds.
const FAR: i64 = 4 * 3600 - 900;
/// Distance from which the weekday counts, in seconds.
const DAY_AHEAD: i64 = 10 * 3600;
/// Days for which losses are remembered.
const MEMORY: f64 = 1.75;
/// Weeks for which a weekday's losses are remembered.
const WEEKDAY_MEMORY: f64 = 2.0;

/// Discounted absolute losses of every model.
#[derive(Clone, Debug)]
struct Losses {
    /// Sum of losses and of opinions, by model.
    sums: Box<[(f32, f32)]>,
    keep: f32,
}

impl Losses {
    fn new(models: usize, memory: f64) -> Self {
        Self { sums: vec![(0.0, 0.0); models].into_boxed_slice(), keep: (1.0 - 1.0 / memory) as f32 }
    }

    fn learn(&mut self, predictions: impl Iterator<Item = f32>, target: f32) {
        for ((sum, seen), p) in self.sums.iter_mut().zip(predictions) {
            let loss = (p - target).abs();
            if loss.is_finite() {
                *sum = (*sum * self.keep + loss).min(f32::MAX);
                *seen = *seen * self.keep + 1.0;
            }
        }
    }

    fn mean(&self, k: usize) -> Option<f64> {
        let (sum, seen) = self.sums[k];
        (f64::from(seen) >= LEAST).then(|| f64::from(sum) / f64::from(seen))
    }

    /// The smallest mean loss of any model.
    fn best(&self) -> Option<f64> {
        (0..self.sums.len()).filter_map(|k| self.mean(k)).min_by(f64::total_cmp)
    }

    /// By how much model `k` is worse than the best, as a share of the best's loss.
    fn worse(&self, k: usize, best: f64) -> Option<f64> {
        let mean = self.mean(k)?;
        Some(if mean <= best { 0.0 } else { mean / best.max(f64::MIN_POSITIVE) - 1.0 })
    }
}

/// Weights of all models for one anchor.
#[derive(Clone, Debug)]
pub struct Mixture {
    eta: f64,
    recent: Losses,
    /// By weekday of the target; empty for near anchors.
    weekdays: Box<[Losses]>,
    /// One set, or one for each weekday, end to end.
    weights: Box<[f32]>,
}

impl Mixture {
    /// All models weigh the same until they have been seen at work. The anchor is `ahead` seconds away and learned from every
    /// `spacing` seconds.
    pub fn new(models: usize, ahead: i64, spacing: i64) -> Self {
        let per_day = DAY as f64 / spacing as f64;
        let days = if ahead >= DAY_AHEAD { 7 } else { 0 };
        Self {
            eta: if ahead >= FAR { ETA_FAR } else { ETA },
            recent: Losses::new(models, (per_day * MEMORY).max(20.0)),
            weekdays: vec![Losses::new(models, (per_day * WEEKDAY_MEMORY).max(LEAST * 2.0)); days].into(),
            weights: vec![1.0; models * days.max(1)].into(),
        }
    }

    /// Learns what each model's prediction for a target on `weekday` was off by; a NaN prediction was no opinion.
    pub fn learn(&mut self, weekday: usize, predictions: impl Iterator<Item = f32> + Clone, target: f64) {
        let target = target as f32;
        self.recent.learn(predictions.clone(), target);
        if let Some(losses) = self.weekdays.get_mut(weekday) {
            losses.learn(predictions, target);
        }
    }

    /// Recomputes the weights from the losses; call it now and then.
    pub fn weigh(&mut self) {
        let Some(best) = self.recent.best() else {
            return;
        };
        for (day, weights) in self.weights.chunks_exact_mut(self.recent.sums.len()).enumerate() {
            let losses = self.weekdays.get(day);
            let best_that_day = losses.and_then(Losses::best);
            for (k, weight) in weights.iter_mut().enumerate() {
                let that_day = losses.zip(best_that_day).and_then(|(l, best)| l.worse(k, best));
                *weight = self.recent.worse(k, best).map_or(0.0, |recent| {
                    let worse = that_day.map_or(recent, |w| f64::midpoint(recent, w));
                    (-self.eta * worse).exp() as f32
                });
            }
            if weights.iter().all(|w| *w == 0.0) {
                weights.fill(f32::MIN_POSITIVE);
            }
        }
    }

    /// Weights for a target on `weekday`, not normalised.
    pub fn weights(&self, weekday: usize) -> &[f32] {
        let models = self.recent.sums.len();
        let set = if self.weekdays.is_empty() { 0 } else { weekday };
        &self.weights[set * models..(set + 1) * models]
    }

    /// The weighted mean of the opinions about a target on `weekday`; NaN if there is none.
    pub fn combine(&self, weekday: usize, predictions: impl Iterator<Item = f32> + Clone) -> f64 {
        let pairs = self.weights(weekday).iter().zip(predictions);
        weighted(pairs.map(|(w, p)| (f64::from(*w), f64::from(p))))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_better_model_gets_the_weight_and_silence_costs_none() {
        let mut mixture = Mixture::new(3, 0, 300);
        for _ in 0..50 {
            mixture.learn(0, [10.0, 13.0, f32::NAN].into_iter(), 11.0);
        }
        mixture.weigh();
        assert_eq!(mixture.weights(0)[0], 1.0);
        assert!(mixture.weights(0)[1] < 1e-6);
        assert_eq!(mixture.weights(0)[2], 0.0);
        assert!((mixture.combine(0, [f32::NAN, 13.0, f32::NAN].into_iter()) - 13.0).abs() < 1e-6);
        assert!(mixture.combine(0, [f32::NAN; 3].into_iter()).is_nan());
    }

    #[test]
    fn a_day_ahead_saturday_has_its_own_favourite() {
        let mut mixture = Mixture::new(2, 287 * 300, 300);
        for i in 0..4 * 7 * 288 {
            let weekday = i / 288 % 7;
            let yesterday = if weekday == 5 { 20.0 } else { 10.1 };
            mixture.learn(weekday, [yesterday, 11.0].into_iter(), 10.0);
        }
        mixture.weigh();
        assert!(mixture.weights(2)[0] > mixture.weights(2)[1]);
        assert!(mixture.weights(5)[0] < mixture.weights(5)[1]);
    }
}
