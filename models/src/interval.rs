//! Upper and lower quantiles from realised errors, calibrated on the very quantity they must cover.
//!
//! Split conformal prediction on a rolling window (Vovk et al. 2005; Gibbs and Candès 2021 for drifting data) with errors
//! scaled by their usual size at that hour of the day. Errors live in a histogram that forgets over a week: its quantiles are
//! monotone in the level by construction, and one sample costs O(1).

use crate::calendar::DAY;
use std::sync::LazyLock;

/// Bins on either side of zero.
const HALF: usize = 96;
/// Largest scaled error told apart.
const LARGEST: f64 = 60.0;
/// Mean age of remembered errors in days: that of a rolling window of twice as many.
const MEMORY_DAYS: f64 = 3.5;
/// Share of an hour's own error size in its scale, where there is enough of it.
const OWN_EVIDENCE: f64 = 24.0;

/// Realised errors of one kind of forecast, and their quantiles.
#[derive(Clone, Debug)]
pub struct Errors {
    bins: Vec<f32>,
    total: f64,
    weight: f64,
    grow: f64,
    scale: Scale,
}

/// Mean size of errors by hour of the day.
#[derive(Clone, Debug)]
struct Scale {
    hours: [Mean; 24],
    all: Mean,
    memory: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: f64,
    seen: f64,
}

impl Mean {
    fn push(&mut self, value: f64, memory: f64) {
        self.seen = (self.seen + 1.0).min(memory);
        self.value += (value - self.value) / self.seen;
    }
}

impl Errors {
    /// Nothing realised yet; `step` seconds lie between two.
    pub fn new(step: i64) -> Self {
        let memory = (MEMORY_DAYS * DAY as f64 / step as f64).max(100.0);
        Self {
            bins: vec![0.0; 2 * HALF + 1],
            total: 0.0,
            weight: 1.0,
            grow: 1.0 / (1.0 - 1.0 / memory),
            scale: Scale { hours: [Mean::default(); 24], all: Mean::default(), memory },
        }
    }

    /// Takes a realised error (what came less what was forecast) for a target at `hour` of the day.
    pub fn learn(&mut self, hour: usize, error: f64) {
        if !error.is_finite() {
            return;
        }
        if self.scale.all.seen < 1.0 {
            self.scale.learn(hour, error, 0.0);
        }
        let usual = self.scale.at(hour);
        self.bins[bin(ratio(error, usual))] += self.weight as f32;
        self.total += self.weight;
        self.weight *= self.grow;
        if self.weight > 1e6 {
            self.renormalise();
        }
        self.scale.learn(hour, error, usual);
    }

    /// The error that a share `level` of errors at `hour` stays below; 0 before anything was realised.
    pub fn quantile(&self, hour: usize, level: f64) -> f64 {
        if self.total <= 0.0 {
            return 0.0;
        }
        // The conformal correction for few samples: the n-th of n errors covers n/(n+1).
        let seen = self.total / self.weight;
        let wanted = (level * (1.0 + 1.0 / seen.max(1.0))).min(1.0) * self.total;
        let score = if level >= 0.5 { self.score_above(self.total - wanted) } else { self.score_below(wanted) };
        score * self.scale.at(hour)
    }

    /// The usual size of errors over all hours.
    pub fn usual(&self) -> f64 {
        self.scale.all.value
    }

    fn score_below(&self, wanted: f64) -> f64 {
        let mut below = 0.0;
        for (i, n) in self.bins.iter().map(|n| f64::from(*n)).enumerate() {
            if n > 0.0 && below + n >= wanted {
                let share = ((wanted - below) / n).clamp(0.0, 1.0);
                return between(i, share);
            }
            below += n;
        }
        LARGEST
    }

    /// The score that `wanted` of the scores lie above: from the top, because high levels are what is asked for.
    fn score_above(&self, wanted: f64) -> f64 {
        let mut above = 0.0;
        for (i, n) in self.bins.iter().map(|n| f64::from(*n)).enumerate().rev() {
            if n > 0.0 && above + n > wanted {
                return between(i, 1.0 - ((wanted - above) / n).clamp(0.0, 1.0));
            }
            above += n;
        }
        -LARGEST
    }

    fn renormalise(&mut self) {
        let by = 1.0 / self.weight;
        for n in &mut self.bins {
            *n = (f64::from(*n) * by) as f32;
        }
        self.total = self.bins.iter().map(|n| f64::from(*n)).sum();
        self.weight = 1.0;
    }
}

impl Scale {
    /// The usual size of errors at `hour`, drawn towards that of all hours while there is little evidence; half of it and of
    /// its neighbours', because an hour's border means nothing to a load.
    fn at(&self, hour: usize) -> f64 {
        let near = [(hour, 0.5), ((hour + 1) % 24, 0.25), ((hour + 23) % 24, 0.25)];
        let (mut sum, mut weights) = (OWN_EVIDENCE * self.all.value, OWN_EVIDENCE);
        for (h, share) in near {
            let seen = share * self.hours[h].seen.min(self.memory / 24.0);
            sum += seen * self.hours[h].value;
            weights += seen;
        }
        sum / weights
    }

    /// One wild error must not set an hour's scale: it counts as three times the usual, or as a fiftieth of itself, so that a load
    /// that was constant and begins to move is noticed within hours.
    fn learn(&mut self, hour: usize, error: f64, usual: f64) {
        let size =
            if self.all.seen > 24.0 { error.abs().min((3.0 * usual).max(0.02 * error.abs())) } else { error.abs() };
        self.all.push(size, self.memory);
        self.hours[hour].push(size, (self.memory / 24.0).max(7.0));
    }
}

fn ratio(error: f64, scale: f64) -> f64 {
    if error == 0.0 { 0.0 } else { (error / scale).clamp(-LARGEST, LARGEST) }
}

/// Upper borders of the bins from zero up: narrow near zero and wide far out, equal in the inverse hyperbolic sine.
static BORDERS: LazyLock<[f64; HALF + 1]> =
    LazyLock::new(|| std::array::from_fn(|k| ((k as f64 + 0.5) / HALF as f64 * LARGEST.asinh()).sinh()));

fn bin(score: f64) -> usize {
    let size = score.abs();
    let k = BORDERS.partition_point(|border| *border <= size).min(HALF);
    if score < 0.0 { HALF - k } else { HALF + k }
}

/// The score at a share of bin `i`.
fn between(i: usize, share: f64) -> f64 {
    let border = |i: usize| if i < HALF { -BORDERS[HALF - 1 - i] } else { BORDERS[i - HALF] };
    let low = if i == 0 { -BORDERS[HALF] } else { border(i - 1) };
    low + (border(i) - low) * share
}

/// The level to aim at for a target that lies `seconds` ahead: feedback on far targets comes late and windows are few, so the
/// nominal level is raised, from 4 h on, until at 24 h two fifths of the allowed misses are kept in reserve.
pub fn nominal(level: f64, seconds: f64) -> f64 {
    let far = ((seconds / 14_400.0).ln() / 6.0_f64.ln()).clamp(0.0, 1.0);
    level + (1.0 - level) * 0.4 * far
}

/// Pinball loss of forecasting `upper` as the `level`-quantile of what came out as `target`.
pub fn pinball(level: f64, upper: f64, target: f64) -> f64 {
    let miss = target - upper;
    if miss >= 0.0 { level * miss } else { (level - 1.0) * miss }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_quantile_covers_what_it_says() {
        let mut errors = Errors::new(300);
        // 0, 1, …, 99 in an order that mixes hours: the 95 % quantile lies at 95.
        for i in 0..20_000_usize {
            errors.learn(i % 24, (i * 37 % 100) as f64);
        }
        for (level, wanted) in [(0.5, 50.0), (0.95, 95.0)] {
            let quantile = errors.quantile(3, level);
            assert!((quantile - wanted).abs() < 6.0, "{level}: {quantile}");
        }
    }

    #[test]
    fn quiet_hours_have_narrow_margins() {
        let mut errors = Errors::new(300);
        for i in 0..6000_usize {
            let hour = i / 12 % 24;
            let size = if hour == 12 { 50.0 } else { 1.0 };
            errors.learn(hour, size * ((i * 37 % 100) as f64 / 50.0 - 1.0));
        }
        assert!(errors.quantile(12, 0.95) > 3.0 * errors.quantile(3, 0.95));
    }

    #[test]
    fn nothing_realised_means_no_margin_and_no_error_means_none() {
        let mut errors = Errors::new(300);
        assert_eq!(errors.quantile(0, 0.95), 0.0);
        errors.learn(0, 0.0);
        assert_eq!(errors.quantile(0, 0.95), 0.0);
    }

    #[test]
    fn far_levels_keep_a_reserve() {
        assert_eq!(nominal(0.95, 3600.0), 0.95);
        assert!((nominal(0.95, 86_400.0) - 0.97).abs() < 1e-12);
    }

    #[test]
    fn missing_above_costs_more_than_sparing_below() {
        assert!((pinball(0.95, 10.0, 11.0) - 0.95).abs() < 1e-12);
        assert!((pinball(0.95, 11.0, 10.0) - 0.05).abs() < 1e-12);
    }

    proptest! {
        #[test]
        fn monotone_and_finite(seen in prop::collection::vec(any::<f64>(), 0..200), a in 0.0_f64..1.0, b in 0.0_f64..1.0) {
            let mut errors = Errors::new(3600);
            for (i, e) in seen.iter().enumerate().filter(|(_, e)| e.abs() < 1e300) {
                errors.learn(i % 24, *e);
            }
            let (low, high) = (errors.quantile(5, a.min(b)), errors.quantile(5, a.max(b)));
            prop_assert!(low.is_finite() && high.is_finite() && low <= high, "{} {}", low, high);
        }
    }
}
