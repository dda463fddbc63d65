//! Upper and lower quantiles from realised errors, calibrated on the very quantity they must cover.
//!
//! Split conformal prediction on about a week (Vovk et al. 2005; Gibbs and Candès 2021 for drifting data) with errors divided
//! by the size that was to be expected of them (normalised conformal scores; Papadopoulos et al. 2002). What is to be expected
//! has two answers: what is usual, and what a regression makes of what is usual at that hour and at that minute of any hour, of
//! the errors just seen, of the height of the forecast and of how far the models disagree. Each answer has its own history of
//! scores; their quantiles are mixed by their pinball loss, as the models are by theirs.

mod clock;
mod plain;
mod scores;

use crate::{
    calendar::DAY,
    forecast::{
        half::{Half, pack, unpack},
        mixture::DAY_AHEAD,
        part::Part,
        ridge::{Prior, Ridge, rows},
        space::{exp, ln},
    },
};
use clock::{ByClock, DAY_HOURS};
pub use clock::{Minutes, When};
pub use plain::Plain;
use scores::Scores;

/// Ways to say how large an error is to be expected.
pub const WAYS: usize = 2;
/// Features of the regression: the hour, the errors just seen, the height of the forecast, disagreement, the minute; and a constant.
const FEATURES: usize = 6;
/// Those of them that have to be kept until the target comes. What the clock says is looked up again then.
const AT_ORIGIN: usize = 3;
/// Days over which the usual size of errors is remembered: a week, so that each weekday has its say…
const MEMORY_DAYS: f64 = 7.0;
/// …but half of one a day ahead, where a week lost more on some recordings than it gained on others
/// (`docs/forecasting-ablation.md`).
const MEMORY_DAYS_FAR: f64 = 3.5;
/// Share of the allowed misses that is kept in reserve a day ahead.
const RESERVE: f64 = 0.2;
/// Days over which scores, coverage and the ways' losses are remembered.
const WEEK_DAYS: f64 = 7.0;
/// Seconds between two errors that become scores.
const SCORED: f64 = 600.0;
/// Scores between two renewals of their quantiles.
const RENEWED: f32 = 6.0;
/// Seconds over which the errors just seen are averaged.
const RECENT: f64 = 3600.0;
/// Errors of an hour that weigh as much as those of all hours.
const OWN_EVIDENCE: f32 = 24.0;
/// Numbers of errors here are of errors at most so many seconds apart; of rarer ones, which say more each, fewer count as much.
const RARE: f32 = 900.0;
/// Errors between two solutions of the regression.
const SOLVED: f32 = 12.0;
/// Keeps the logarithm of a small size finite, as a share of the usual size.
const CALM: f64 = 0.1;
/// How sharply a way is punished for a loss above the best one's.
const ETA: f64 = 20.0;
/// Level at which the ways are weighed and coverage is watched, whatever level is asked for later: so that a higher level can
/// never mean a lower margin.
const REFERENCE: f64 = 0.95;
/// Largest correction of the level by coverage, as a share of the misses allowed.
const MOST_CORRECTION: f64 = 0.6;
/// Distance from which coverage comes too late to correct by, in seconds.
const FAR: i64 = 3 * 3600;
/// Errors that the belief in the hour's size is worth.
const BELIEF: f32 = 30.0;

/// Realised errors of one kind of forecast, and their quantiles. `H` hours are told apart, all of a day or a single one.
#[derive(Clone, Debug)]
pub struct ErrorsBy<const H: usize> {
    usual: Mean,
    recent: Mean,
    hours: ByClock<H>,
    size: Ridge<FEATURES, { rows(FEATURES) }>,
    scores: Scores<WAYS>,
    losses: [f32; WAYS],
    /// Share of errors within their margins, of as many as `usual` knows but for the first.
    covered: f32,
    /// The largest error (what came less what was forecast), forgotten as `week` says.
    worst: f32,
    memory: Memory,
    far: bool,
    /// The reference level as raised for the distance.
    aim: f32,
    seen: u32,
    /// The scores' quantiles at the calibrated reference level, renewed now and then.
    quantiles: [f32; WAYS],
    /// The level that is asked for with every sample, and its quantiles, renewed with the others.
    asked: f32,
    answers: [f32; WAYS],
    /// Both ways count; without, only the usual size.
    sized: bool,
    /// Coverage corrects the level.
    watched: bool,
}

/// Errors by the hour of the day.
pub type Errors = ErrorsBy<DAY_HOURS>;

/// How many errors are remembered for each purpose, by the seconds between two.
#[derive(Clone, Copy, Debug)]
struct Memory {
    spacing: f32,
    usual: f32,
}

impl Memory {
    fn new(ahead: i64, spacing: i64) -> Self {
        let days = if ahead >= DAY_AHEAD { MEMORY_DAYS_FAR } else { MEMORY_DAYS };
        Self { spacing: spacing as f32, usual: (days * DAY as f64 / spacing as f64).max(50.0) as f32 }
    }

    fn hour(self) -> f32 {
        clock::memory(f64::from(self.usual) / 24.0)
    }

    fn recent(self) -> f32 {
        (RECENT as f32 / self.spacing).max(2.0)
    }

    fn week(self) -> f32 {
        (WEEK_DAYS as f32 * DAY as f32 / self.spacing).max(100.0)
    }

    /// Errors at the usual distance that one of these is worth.
    fn rare(self) -> f32 {
        (self.spacing / RARE).max(1.0)
    }

    /// Errors between two that become scores: neighbours say nearly the same.
    fn thin(self) -> u32 {
        (SCORED as f32 / self.spacing).max(1.0) as u32
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: f32,
    seen: f32,
}

impl Mean {
    fn push(&mut self, value: f64, memory: f32) {
        self.seen = (self.seen + 1.0).min(memory);
        self.value += (value as f32 - self.value) / self.seen;
    }

    fn value(self) -> f64 {
        f64::from(self.value)
    }

    /// The mean as far as it is known, else what is `usual`: known to a half by `evidence`.
    fn believed(self, usual: f64, evidence: f32) -> f64 {
        let own = f64::from(self.seen / (self.seen + evidence));
        self.value() * own + usual * (1.0 - own)
    }
}

/// What is known of a forecast before its target comes, and says how far off it may be.
#[derive(Clone, Copy, Debug)]
pub struct Outlook {
    /// When the target lies.
    pub when: When,
    /// The forecast as a share of the mean load.
    pub height: f64,
    /// Mean distance of the models from the forecast.
    pub spread: f64,
}

/// The sizes of error to be expected, and those of the features they come from that are known at the origin only.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sizes {
    ways: [f32; WAYS],
    /// The errors just seen, the height and the disagreement.
    features: [f32; AT_ORIGIN],
}

/// Sizes and margins in half the room, to be kept until the target comes.
#[derive(Clone, Copy, Debug)]
pub struct Packed {
    ways: [Half; WAYS],
    features: [Half; AT_ORIGIN],
    margins: [Half; WAYS],
    used: Half,
}

impl Packed {
    /// Nothing expected.
    pub const NONE: Self = Self {
        ways: [Half::ZERO; WAYS],
        features: [Half::ZERO; AT_ORIGIN],
        margins: [Half::ZERO; WAYS],
        used: Half::ZERO,
    };

    /// To 0.4 %.
    pub fn new(sizes: &Sizes, margins: &Margins) -> Self {
        Self {
            ways: pack(sizes.ways),
            features: pack(sizes.features),
            margins: pack(margins.ways),
            used: Half::new(margins.used),
        }
    }

    /// What was packed.
    pub fn unpack(&self) -> (Sizes, Margins) {
        let sizes = Sizes { ways: unpack(self.ways), features: unpack(self.features) };
        (sizes, Margins { ways: unpack(self.margins), used: self.used.get() })
    }
}

/// A forecast's margins before its target came: each way's, and the one that was used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Margins {
    ways: [f32; WAYS],
    used: f32,
}

impl Margins {
    /// The margin to use.
    pub fn used(&self) -> f64 {
        f64::from(self.used)
    }
}

impl<const H: usize> ErrorsBy<H> {
    /// Nothing realised yet, for targets `ahead` seconds away; `spacing` seconds lie between two.
    pub fn new(ahead: i64, spacing: i64) -> Self {
        let memory = Memory::new(ahead, spacing);
        let week = (memory.week() / memory.thin() as f32).max(100.0) as usize;
        // Far ahead one bad day is a seventh of what is known: it must leave whole, and leaves no trace in a window.
        let scores = if ahead >= FAR { Scores::windowed(week) } else { Scores::fading(week / 2) };
        Self {
            usual: Mean::default(),
            recent: Mean::default(),
            hours: ByClock::NONE,
            size: Ridge::new(&prior(1.0)),
            scores,
            losses: [0.0; WAYS],
            covered: 0.0,
            worst: 0.0,
            memory,
            far: ahead >= FAR,
            aim: nominal(REFERENCE, ahead as f64) as f32,
            seen: 0,
            quantiles: [0.0; WAYS],
            asked: REFERENCE as f32,
            answers: [0.0; WAYS],
            sized: true,
            watched: true,
        }
    }

    /// So many errors as if they came often.
    fn often(&self, errors: f32) -> f32 {
        errors / self.memory.rare()
    }

    /// Whether the newest error is one in so many.
    fn is_turn(&self, errors: f32, newest: u32) -> bool {
        newest.is_multiple_of((self.often(errors) as u32).max(1))
    }

    /// The same with `level` as the one for which [`Errors::upper`] is ready.
    #[must_use]
    pub fn asked(mut self, level: f64) -> Self {
        self.asked = level as f32;
        self
    }

    /// The same without these parts: margins by the size of error to be expected, correction by coverage.
    #[must_use]
    pub fn without(mut self, parts: &[Part]) -> Self {
        self.sized = !parts.contains(&Part::Sizes);
        self.watched = !parts.contains(&Part::Coverage);
        self
    }

    /// The sizes of error to be expected.
    pub fn sizes(&self, outlook: &Outlook) -> Sizes {
        let usual = self.usual.value();
        if usual <= 0.0 {
            return Sizes::default();
        }
        let log = |size: f64| ln(size / usual + CALM);
        let features = [log(self.recent.value()), ln(outlook.height + CALM), log(outlook.spread)];
        let features = features.map(|f| finite(f) as f32);
        let modelled = finite(f64::from(self.size.predict(&self.whole(outlook.when, features)))).clamp(-5.0, 5.0);
        let modelled = exp(modelled) * usual;
        let ways = [usual, modelled];
        Sizes { ways: ways.map(|w| w as f32), features }
    }

    /// All features: what is usual at that time of the clock, what is known at the origin, and the constant.
    fn whole(&self, when: When, [recent, height, spread]: [f32; AT_ORIGIN]) -> [f32; FEATURES] {
        let usual = self.usual.value();
        let hour = self.hours.at(when.hour).believed(usual, self.often(OWN_EVIDENCE));
        // Nothing where all minutes are alike: then it is no second constant.
        let clock = [ln(hour / usual + CALM), ln(when.minute + CALM) - ln(1.0 + CALM)];
        let [hour, minute] = clock.map(|f| finite(f) as f32);
        [hour, recent, height, spread, minute, 1.0]
    }

    /// What to add to a forecast for the `level`-quantile, where errors of these sizes are to be expected.
    pub fn margin(&self, sizes: &Sizes, level: f64) -> f64 {
        self.quantile(level).margin(sizes)
    }

    /// The scores' `level`-quantile, to be asked for margins again and again.
    pub fn quantile(&self, level: f64) -> Quantile {
        let weights = self.weights();
        let score = |w: usize| self.scores.quantiles(w, [level])[0] * weights[w];
        Quantile { scores: std::array::from_fn(score), most: self.most() }
    }

    /// The same for the reference level, each way's margin kept to be judged by [`Errors::learn`]. Near ahead the level is
    /// corrected by the coverage of the last days: where margins of late were too small they grow, where too large they shrink.
    /// Far ahead coverage is known too late for that, and corrections would swing.
    pub fn margins(&self, sizes: &Sizes) -> Margins {
        let ways = std::array::from_fn(|w| self.quantiles[w] * sizes.ways[w]);
        Margins { ways, used: self.mix(ways.map(f64::from)).min(self.most()) as f32 }
    }

    /// What to add to a forecast for the level that was announced, corrected by coverage: as of the last renewal.
    pub fn upper(&self, sizes: &Sizes) -> f64 {
        self.mix(std::array::from_fn(|w| f64::from(self.answers[w] * sizes.ways[w]))).min(self.most())
    }

    /// The level to ask for so that `level` is covered: the misses allowed, times what coverage at the reference level teaches.
    pub fn corrected(&self, level: f64) -> f64 {
        let allowed = 1.0 - REFERENCE;
        (1.0 - (1.0 - level) * (1.0 - self.corrected_reference()) / allowed).min(0.9995)
    }

    fn corrected_reference(&self) -> f64 {
        if self.far || !self.watched || f64::from(self.usual.seen - 1.0) < f64::from(self.memory.week()) / WEEK_DAYS {
            return REFERENCE;
        }
        let most = MOST_CORRECTION * (1.0 - REFERENCE);
        REFERENCE + (REFERENCE - f64::from(self.covered)).clamp(-most, most)
    }

    /// Takes a realised error (what came less what was forecast), with what had been expected of it.
    pub fn learn(&mut self, when: When, error: f64, sizes: &Sizes, margins: &Margins) {
        if !error.is_finite() {
            return;
        }
        self.seen = self.seen.saturating_add(1);
        let known = self.usual.seen > 0.0;
        if known {
            self.judge(error, margins);
        }
        // Each time another of the neighbours, lest always the same minute is heard.
        let thin = self.memory.thin();
        let turn = self.seen / thin;
        let expected = sizes.ways[0] > 0.0;
        if expected && self.seen % thin == turn % 7 % thin {
            self.scores.push(error, sizes.ways.map(f64::from));
            if turn < 100 || self.is_turn(RENEWED, turn) {
                self.renew();
            }
        }
        let usual = self.usual.value();
        let keep = 1.0 - 1.0 / self.memory.week();
        if known && usual > 0.0 {
            self.size.learn(&self.whole(when, sizes.features), ln(error.abs() / usual + CALM) as f32, keep);
            if self.is_turn(SOLVED, self.seen) {
                self.size.solve(&prior(self.often(BELIEF)));
            }
        }
        self.worst = (self.worst * keep).max(error as f32);
        self.usual.push(error.abs(), self.memory.usual);
        self.recent.push(error.abs(), self.memory.recent());
        self.hours.push(when.hour, error.abs(), self.memory.hour());
    }

    /// What a margin is worth at most: what the load was ever above its forecast by, of late. A score is an error in units of what was usual
    /// then; after a change it would be multiplied by what is usual now, and no error was as large as that.
    fn most(&self) -> f64 {
        f64::from(self.worst).max(self.usual.value())
    }

    fn renew(&mut self) {
        let levels = [f64::from(self.aim), f64::from(self.asked)].map(|level| self.corrected(level));
        for w in 0..WAYS {
            [self.quantiles[w], self.answers[w]] = self.scores.quantiles(w, levels).map(|q| q as f32);
        }
    }

    /// The usual size of errors over all hours.
    pub fn usual(&self) -> f64 {
        self.usual.value()
    }

    fn judge(&mut self, error: f64, margins: &Margins) {
        let keep = 1.0 - 1.0 / self.memory.week();
        for (loss, margin) in self.losses.iter_mut().zip(margins.ways) {
            *loss = (*loss * keep + pinball(REFERENCE, f64::from(margin), error) as f32).min(f32::MAX);
        }
        self.covered += (f32::from(u8::from(error <= margins.used())) - self.covered) / self.usual.seen;
    }

    fn mix(&self, ways: [f64; WAYS]) -> f64 {
        ways.iter().zip(self.weights()).map(|(way, weight)| way * weight).sum()
    }

    /// Weights of the ways; they sum to 1.
    fn weights(&self) -> [f64; WAYS] {
        if !self.sized {
            return [1.0, 0.0];
        }
        let losses = self.losses.map(f64::from);
        let best = losses.iter().copied().fold(f64::INFINITY, f64::min);
        let weight = |loss: f64| if loss <= best { 1.0 } else { exp(-ETA * (loss / best.max(1e-300) - 1.0)) };
        let weights = losses.map(weight);
        let sum: f64 = weights.iter().sum();
        weights.map(|w| w / sum)
    }
}

/// A quantile of scores, each way's times its weight.
#[derive(Clone, Copy, Debug, Default)]
pub struct Quantile {
    scores: [f64; WAYS],
    most: f64,
}

impl Quantile {
    /// What to add to a forecast where errors of these sizes are to be expected.
    pub fn margin(&self, sizes: &Sizes) -> f64 {
        self.scores.iter().zip(sizes.ways).map(|(score, size)| score * f64::from(size)).sum::<f64>().min(self.most)
    }
}

/// Before any evidence an error is as large as is usual at that hour, whatever the minute.
fn prior(belief: f32) -> Prior<FEATURES> {
    Prior { coefficients: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0], samples: f64::from(belief) }
}

fn finite(value: f64) -> f64 {
    if value.is_finite() { value } else { 0.0 }
}

/// The level to aim at for a target that lies `seconds` ahead: feedback on far targets comes late and windows are few, so the
/// nominal level is raised, from 4 h on, until at 24 h a fifth of the allowed misses is kept in reserve.
pub fn nominal(level: f64, seconds: f64) -> f64 {
    let far = ((seconds / 14_400.0).ln() / 6.0_f64.ln()).clamp(0.0, 1.0);
    level + (1.0 - level) * RESERVE * far
}

/// Pinball loss of forecasting `upper` as the `level`-quantile of what came out as `target`.
pub fn pinball(level: f64, upper: f64, target: f64) -> f64 {
    let miss = target - upper;
    if miss >= 0.0 { level * miss } else { (level - 1.0) * miss }
}

#[cfg(test)]
mod tests;
