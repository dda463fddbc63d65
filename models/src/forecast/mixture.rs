//! The mixture: models weighted by their recent errors, separately for every anchor.
//!
//! Exponentially weighted average forecaster with discounted losses and sleeping experts (Cesa-Bianchi and Lugosi,
//! *Prediction, Learning, and Games*, ch. 2; Devaine et al. 2013): weight ∝ exp(−η·(loss ÷ best loss − 1)).

//!
//! A day ahead, who is right depends on the day: "as yesterday" wins from Tuesday to Friday and loses on Saturday. So far
//! anchors also remember each weekday's losses for weeks, and both count.

use crate::calendar::DAY;

/// How sharply a model is punished for a loss above the best one's.
const ETA: f32 = 20.0;
/// The same far ahead.
const ETA_FAR: f32 = 5.0;
/// Opinions to have seen before a model is weighed.
const LEAST: f64 = 4.0;
/// Distance from which a target is far, in seconds.
const FAR: i64 = 4 * 3600 - 900;
/// Distance from which the weekday counts, in seconds.
const DAY_AHEAD: i64 = 10 * 3600;
/// Days for which losses are remembered.
const MEMORY: f64 = 1.75;
/// The same between now and [`FAR`]: after a change of level the models that follow it must soon be heard alone.
const MEMORY_SOON: f64 = 0.75;
/// Weeks for which a weekday's losses are remembered.
const WEEKDAY_MEMORY: f64 = 2.0;

/// What is known of one model: discounted sums of its absolute losses and of its opinions, and the weight that follows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    losses: f32,
    seen: f32,
    weight: f32,
}

impl Standing {
    /// Not normalised.
    pub fn weight(&self) -> f64 {
        f64::from(self.weight)
    }

    fn learn(&mut self, loss: f32, keep: f32) {
        if loss.is_finite() {
            self.losses = (self.losses * keep + loss).min(f32::MAX);
            self.seen = self.seen * keep + 1.0;
        }
    }

    fn mean(&self) -> Option<f64> {
        (f64::from(self.seen) >= LEAST).then(|| f64::from(self.losses) / f64::from(self.seen))
    }

    /// By how much the model is worse than the best, as a share of the best's loss.
    fn worse(&self, best: f64) -> Option<f64> {
        let mean = self.mean()?;
        Some(if mean <= best { 0.0 } else { mean / best.max(f64::MIN_POSITIVE) - 1.0 })
    }
}

/// The smallest mean loss of any model.
fn best(standings: &[Standing]) -> Option<f64> {
    standings.iter().filter_map(Standing::mean).min_by(f64::total_cmp)
}

/// Weights of all models for one anchor.
#[derive(Clone, Debug)]
pub struct Mixture {
    eta: f32,
    keep: f32,
    keep_weekday: f32,
    models: usize,
    /// Of all models over all days, and for far anchors by weekday of the target after that, end to end.
    standings: Box<[Standing]>,
}

impl Mixture {
    /// All models weigh the same until they have been seen at work. The anchor is `ahead` seconds away and learned from every
    /// `spacing` seconds.
    pub fn new(models: usize, ahead: i64, spacing: i64) -> Self {
        let per_day = DAY as f64 / spacing as f64;
        let days = if ahead >= DAY_AHEAD { 7 } else { 0 };
        let keep = |memory: f64| (1.0 - 1.0 / memory) as f32;
        let unseen = Standing { weight: 1.0, ..Standing::default() };
        Self {
            eta: if ahead >= FAR { ETA_FAR } else { ETA },
            keep: keep((per_day * if (1..FAR).contains(&ahead) { MEMORY_SOON } else { MEMORY }).max(20.0)),
            keep_weekday: keep((per_day * WEEKDAY_MEMORY).max(LEAST * 2.0)),
            models,
            standings: vec![unseen; models * (1 + days)].into(),
        }
    }

    /// Learns what each model's prediction for a target on `weekday` was off by; a NaN prediction was no opinion.
    pub fn learn(&mut self, weekday: usize, predictions: impl Iterator<Item = f32> + Clone, target: f64) {
        let target = target as f32;
        let (all, weekdays) = self.standings.split_at_mut(self.models);
        for (standing, p) in all.iter_mut().zip(predictions.clone()) {
            standing.learn((p - target).abs(), self.keep);
        }
        if let Some(that_day) = weekdays.chunks_exact_mut(self.models).nth(weekday) {
            for (standing, p) in that_day.iter_mut().zip(predictions) {
                standing.learn((p - target).abs(), self.keep_weekday);
            }
        }
    }

    /// Recomputes the weights from the losses; call it now and then.
    pub fn weigh(&mut self) {
        let (all, weekdays) = self.standings.split_at_mut(self.models);
        let Some(best_of_all) = best(all) else {
            return;
        };
        let weight = |worse: Option<f64>| worse.map_or(0.0, |worse| (-f64::from(self.eta) * worse).exp() as f32);
        for standing in all.iter_mut() {
            standing.weight = weight(standing.worse(best_of_all));
        }
        for that_day in weekdays.chunks_exact_mut(self.models) {
            let best_that_day = best(that_day);
            for (standing, lately) in that_day.iter_mut().zip(&*all) {
                let worse_that_day = best_that_day.and_then(|best| standing.worse(best));
                let worse = lately.worse(best_of_all);
                standing.weight = weight(worse.map(|w| worse_that_day.map_or(w, |d| f64::midpoint(w, d))));
            }
        }
        for set in self.standings.chunks_exact_mut(self.models) {
            if set.iter().all(|s| s.weight == 0.0) {
                for standing in set {
                    standing.weight = f32::MIN_POSITIVE;
                }
            }
        }
    }

    /// The models with their weights for a target on `weekday`.
    pub fn weights(&self, weekday: usize) -> &[Standing] {
        let set = if self.standings.len() == self.models { 0 } else { 1 + weekday };
        &self.standings[set * self.models..(set + 1) * self.models]
    }

    /// The weighted mean of the opinions about a target on `weekday`; NaN if there is none.
    pub fn combine(&self, weekday: usize, predictions: impl Iterator<Item = f32> + Clone) -> f64 {
        let pairs = self.weights(weekday).iter().zip(predictions);
        weighted(pairs.map(|(s, p)| (s.weight(), f64::from(p))))
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
        assert_eq!(mixture.weights(0)[0].weight(), 1.0);
        assert!(mixture.weights(0)[1].weight() < 1e-6);
        assert_eq!(mixture.weights(0)[2].weight(), 0.0);
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
        assert!(mixture.weights(2)[0].weight() > mixture.weights(2)[1].weight());
        assert!(mixture.weights(5)[0].weight() < mixture.weights(5)[1].weight());
    }
}
