//! The mixture: models weighted by their recent errors, separately for every anchor.
//!
//! Exponentially weighted average forecaster with discounted losses and sleeping experts (Cesa-Bianchi and Lugosi,
//! *Prediction, Learning, and Games*, ch. 2; Devaine et al. 2013): weight ∝ exp(−η·(loss ÷ best loss − 1)).
//!
//! A day ahead, who is right depends on the day: "as yesterday" wins from Tuesday to Friday and loses on Saturday. So far
//! anchors also remember each weekday's losses for weeks, and both count.

use super::{anchors::FAR, elementary::exp, half::Half};
use crate::calendar::DAY;
use std::array;

/// Most models that a line-up has.
pub const MODELS: usize = 8;
/// What the models of a line-up predict; NaN is no opinion, and stands where there is no model.
pub type Opinions = [f32; MODELS];
/// What is punished by more has no weight: e⁻⁸⁷ is the smallest there is.
const NOTHING_LEFT: f32 = 87.0;

/// How sharply a model is punished for a loss above the best one's.
const ETA: f32 = 10.0;
/// The same far ahead.
const ETA_FAR: f32 = 5.0;
/// Opinions to have seen before a model is weighed.
const LEAST: u16 = 4;
/// Distance from which a target is a day ahead, and its weekday counts, in seconds.
pub const DAY_AHEAD: i64 = 10 * 3600;
/// Days for which losses are remembered.
const MEMORY: f64 = 1.75;
/// The same between now and [`DAY_AHEAD`]: after a change of level the models that follow it must soon be heard alone.
const MEMORY_SOON: f64 = 0.75;
/// Weeks for which a weekday's losses are remembered.
const WEEKDAY_MEMORY: f64 = 1.0;

/// What is known of one model: the discounted mean of its absolute losses, how many of its opinions are in it, and the weight that
/// follows, to 0.4 %.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    loss: f32,
    seen: u16,
    weight: Half,
}

impl Standing {
    /// Not normalised.
    pub fn weight(self) -> f32 {
        self.weight.get()
    }

    /// Takes a loss into the mean of the last `memory`.
    fn learn(&mut self, loss: f32, memory: u16) {
        if loss.is_finite() {
            self.seen = self.seen.saturating_add(1).min(memory);
            self.loss += (loss - self.loss) / f32::from(self.seen);
        }
    }

    fn mean(self) -> f32 {
        if self.seen >= LEAST { self.loss } else { f32::NAN }
    }
}

/// By how much each model is worse than the best, as a share of the best's loss; NaN of one that was seen too little.
fn worse(standings: &[Standing]) -> [f32; MODELS] {
    let mut means = [f32::NAN; MODELS];
    means.iter_mut().zip(standings).for_each(|(mean, standing)| *mean = standing.mean());
    let best = means.into_iter().fold(f32::NAN, f32::min);
    means.map(|mean| if mean <= best { 0.0 } else { mean / best.max(f32::MIN_POSITIVE) - 1.0 })
}

/// Weights of all models for one anchor.
#[derive(Clone, Debug)]
pub struct Mixture {
    eta: f32,
    /// Losses remembered, and those of a weekday.
    memory: u16,
    memory_weekday: u16,
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
        let unseen = Standing { loss: 0.0, seen: 0, weight: Half::new(1.0) };
        let memory = if (1..DAY_AHEAD).contains(&ahead) { MEMORY_SOON } else { MEMORY };
        Self {
            eta: if ahead >= FAR { ETA_FAR } else { ETA },
            memory: (per_day * memory).max(20.0) as u16,
            memory_weekday: (per_day * WEEKDAY_MEMORY).max(f64::from(LEAST) * 2.0) as u16,
            models,
            standings: vec![unseen; models * (1 + days)].into(),
        }
    }

    /// Learns what each model's prediction for a target on `weekday` was off by.
    pub fn learn(&mut self, weekday: usize, opinions: &Opinions, target: f32) {
        let losses = opinions.map(|opinion| (opinion - target).abs());
        let (all, weekdays) = self.standings.split_at_mut(self.models);
        all.iter_mut().zip(losses).for_each(|(standing, loss)| standing.learn(loss, self.memory));
        if let Some(that_day) = weekdays.chunks_exact_mut(self.models).nth(weekday) {
            that_day.iter_mut().zip(losses).for_each(|(standing, loss)| standing.learn(loss, self.memory_weekday));
        }
    }

    /// Recomputes the weights from the losses; call it now and then.
    pub fn weigh(&mut self) {
        let (all, weekdays) = self.standings.split_at_mut(self.models);
        let lately = worse(all);
        if lately.iter().all(|worse| worse.is_nan()) {
            return;
        }
        set(all, &lately.map(|worse| self.eta * worse));
        for standings in weekdays.chunks_exact_mut(self.models) {
            let that_day = worse(standings);
            let both = |m: usize| if that_day[m].is_nan() { lately[m] } else { f32::midpoint(lately[m], that_day[m]) };
            set(standings, &array::from_fn(|m| self.eta * both(m)));
        }
    }

    /// The models with their weights for a target on `weekday`.
    pub fn weights(&self, weekday: usize) -> &[Standing] {
        let set = if self.standings.len() == self.models { 0 } else { 1 + weekday };
        &self.standings[set * self.models..(set + 1) * self.models]
    }

    /// The weighted mean of the opinions about a target on `weekday`; NaN if there is none.
    pub fn combine(&self, weekday: usize, opinions: &Opinions) -> f32 {
        let mut weights = [0.0; MODELS];
        weights.iter_mut().zip(self.weights(weekday)).for_each(|(weight, standing)| *weight = standing.weight());
        weighted(&weights, opinions)
    }
}

/// The weights that follow from how much each model is to be punished; NaN is one that is not weighed.
fn set(standings: &mut [Standing], punished: &[f32; MODELS]) {
    let weights = punished.map(|punished| if punished < NOTHING_LEFT { exp(-punished) } else { 0.0 });
    let nobody = weights.iter().all(|weight| *weight == 0.0);
    for (standing, weight) in standings.iter_mut().zip(weights) {
        standing.weight = Half::new(if nobody { f32::MIN_POSITIVE } else { weight });
    }
}

/// Weighted mean of what is not NaN; the plain mean if all that remains has no weight.
pub fn weighted(weights: &[f32; MODELS], opinions: &Opinions) -> f32 {
    let (mut sum, mut total) = (0.0, 0.0);
    for (weight, opinion) in weights.iter().zip(opinions) {
        let (more, counts) = if opinion.is_nan() { (0.0, 0.0) } else { (weight * opinion, *weight) };
        sum += more;
        total += counts;
    }
    if total > 0.0 || weights.iter().all(|weight| *weight == 1.0) {
        return sum / total;
    }
    weighted(&[1.0; MODELS], opinions)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opinions<const N: usize>(heard: [f32; N]) -> Opinions {
        let mut all = [f32::NAN; MODELS];
        all[..N].copy_from_slice(&heard);
        all
    }

    #[test]
    fn the_better_model_gets_the_weight_and_silence_costs_none() {
        let mut mixture = Mixture::new(3, 0, 300);
        for _ in 0..50 {
            mixture.learn(0, &opinions([10.0, 13.0, f32::NAN]), 11.0);
        }
        mixture.weigh();
        assert_eq!(mixture.weights(0)[0].weight(), 1.0);
        assert!(mixture.weights(0)[1].weight() < 1e-4);
        assert_eq!(mixture.weights(0)[2].weight(), 0.0);
        assert!((mixture.combine(0, &opinions([f32::NAN, 13.0, f32::NAN])) - 13.0).abs() < 1e-6);
        assert!(mixture.combine(0, &opinions([f32::NAN; 3])).is_nan());
    }

    #[test]
    fn a_day_ahead_saturday_has_its_own_favourite() {
        let mut mixture = Mixture::new(2, 287 * 300, 300);
        for i in 0..4 * 7 * 288 {
            let weekday = i / 288 % 7;
            let yesterday = if weekday == 5 { 20.0 } else { 10.1 };
            mixture.learn(weekday, &opinions([yesterday, 11.0]), 10.0);
        }
        mixture.weigh();
        assert!(mixture.weights(2)[0].weight() > mixture.weights(2)[1].weight());
        assert!(mixture.weights(5)[0].weight() < mixture.weights(5)[1].weight());
    }
}
