//! Everything that is learned about one load: its past, the seasonal bases, the models, their weights and their errors.
//!
//! One sample goes through [`Ensemble::push`], whether it is replayed from history or has just been scraped. So what a replay
//! leaves behind is at the same time the fitted state, the rolling-origin backtest and the calibration: at each origin the
//! forecast was made before the target was seen.

mod ask;
mod outage;
mod pending;

use super::{
    Choice,
    anchors::{Anchors, Kind, MOST, Replay},
    corrected::Corrected,
    hole::Fill,
    levels::Levels,
    mixture::{MODELS, Mixture, Opinions},
    model::{Context, Model, Realised},
    part::Part,
    past::Past,
    persistence::Persistence,
    season::{Base, Residual, Seen, Track, WEEKLY_FROM_DAYS},
    space::{log, offset},
    turns::{Turn, Turns},
};
use crate::{
    backtest::{Evidence, Foreseen},
    calendar::DAY,
    clean::{Judge, Note},
    interval::{Errors, Minutes, Outlook, Packed, When, nominal},
};
pub use ask::Ask;
use pending::{Pending, Row};

/// The learned state of one load.
#[derive(Clone, Debug)]
pub struct Ensemble {
    past: Past,
    levels: Levels,
    tracks: Box<[Track]>,
    loads: Residual,
    recent: [f64; 3],
    anchors: Anchors,
    judge: Judge,
    models: Box<[Box<dyn Model>]>,
    pinned: Option<usize>,
    /// Which models know a season.
    seasonal: [bool; MODELS],
    mixtures: Box<[Mixture]>,
    errors: Box<[Errors]>,
    /// What the clock says of the errors of single values, and of those of maxima.
    minutes: [Minutes; 2],
    pending: Pending,
    evidence: Evidence,
    level: f64,
    without: &'static [Part],
}

/// Days of a replay that are learned from, if there are more…
const LEARNED_DAYS: i64 = 20;
/// …and its last days, learned from in full: fewer where steps are short and neighbours say nearly the same.
const DENSE_DAYS: i64 = 13;
const DENSE_DAYS_SHORT: i64 = 10;
/// Longest step that is short, in seconds.
const SHORT: i64 = 300;

/// So many usual errors above the load at hand are noise, more is a rise.
const NOISE: f64 = 2.0;

/// Bases that are always followed: the daily and weekly ones also judge what is an outage. The daily one comes first.
const BASES: [Base; 5] = [Base::Days, Base::Profile, Base::LastWeek, Base::Smooth, Base::Slots];
/// Followed beside them, unless another model is pinned that is in no other line-up.
const LAST_BASE: Base = Base::Harmonics;

impl Ensemble {
    /// Nothing seen yet. `level` is the quantile to calibrate for.
    pub(crate) fn new(
        past: Past,
        anchors: Anchors,
        judge: Judge,
        choice: Choice,
        level: f64,
        without: &'static [Part],
    ) -> Self {
        let step = past.step();
        let mut bases = BASES.to_vec();
        bases.push(only_pinned(choice).unwrap_or(LAST_BASE));
        let tracks = bases.into_iter().map(|b| Track::new(b, &past, &anchors, without)).collect();
        let models = line_up(&anchors, choice, without);
        let pinned = models.iter().position(|m| m.choice() == choice);
        let mut seasonal = [false; MODELS];
        for (seasonal, model) in seasonal.iter_mut().zip(&models) {
            *seasonal = !matches!(model.choice(), Choice::Recent | Choice::Persistence);
        }
        let windows = anchors.windows();
        let spacing = |a: usize| anchors.every(a) * step;
        let mixture = |a: usize| Mixture::new(models.len(), windows[a].ahead as i64 * step, spacing(a));
        let errors = |a: usize| Errors::new(windows[a].ahead as i64 * step, spacing(a)).asked(level).without(without);
        let all = 0..windows.len();
        Self {
            mixtures: all.clone().map(mixture).collect(),
            errors: all.map(errors).collect(),
            minutes: [Minutes::NONE; 2],
            pending: Pending::new(&anchors),
            evidence: Evidence::new(step, anchors.every(anchors.later()), level),
            levels: Levels::new(&past),
            loads: Residual::new(&past),
            recent: [0.0; 3],
            past,
            tracks,
            anchors,
            judge,
            models,
            pinned,
            seasonal,
            level,
            without,
        }
    }

    /// Replays a history: what of it is not worth learning from in full is left out.
    pub(crate) fn replay(&mut self, values: &[f32]) {
        let day = self.past.samples_in(DAY) as i64;
        let (first, len) = (self.past.next(), values.len() as i64);
        let quiet_until = first + (len - LEARNED_DAYS * day).clamp(0, WEEKLY_FROM_DAYS * day);
        let dense = if self.past.step() <= SHORT { DENSE_DAYS_SHORT } else { DENSE_DAYS };
        self.anchors.leave_out(Replay { quiet_until, thin_until: first + len - dense * day });
        for value in values {
            self.push(*value);
        }
    }

    /// Whether the forecast has this part, as it has unless that is to be measured.
    fn has(&self, part: Part) -> bool {
        !self.without.contains(&part)
    }

    /// The samples so far.
    pub fn past(&self) -> &Past {
        &self.past
    }

    /// What was recognised so far.
    pub(crate) fn notes(&self) -> &[Note] {
        self.judge.notes()
    }

    /// Judge of the history, to add notes of its own to.
    pub(crate) fn judge_mut(&mut self) -> (&mut Judge, &Past) {
        (&mut self.judge, &self.past)
    }

    /// Number of the first sample of an outage that is not over.
    pub(crate) fn collapsed_since(&self) -> Option<i64> {
        self.judge.collapsed_since()
    }

    /// The largest load held that is no burst, as far as can be told.
    pub(crate) fn most_sound(&self) -> f64 {
        self.past.most_sound(self.judge.suspect_since(&self.past).unwrap_or(i64::MAX))
    }

    /// Scores of the origins so far.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// Why the fit of a fitted base failed last, if it did.
    pub fn failure(&self) -> Option<String> {
        self.tracks.iter().find_map(|t| t.failure().map(ToString::to_string))
    }

    /// Takes the next sample (NaN: missing): scores what was forecast for it, learns from it, forecasts the anchors anew.
    pub fn push(&mut self, value: f32) {
        let expected = self.season(self.past.next());
        let excluded = self.judge.excludes(self.past.stamp(self.past.next()));
        self.past.push(value, excluded);
        if self.has(Part::Judge) {
            self.judge.judge(&mut self.past, expected);
        }
        if self.has(Part::Holes) {
            self.fill();
        }
        self.follow(self.judge.suspects(&self.past));
        let suspect = self.judge.suspects_burst(&self.past);
        let turns = Turns::new(&self.anchors, &self.past);
        self.learn(&turns, suspect);
        self.predict(&turns);
    }

    /// Fills the hole that is known to be over.
    fn fill(&mut self) {
        let seen = Seen { past: &self.past, levels: &self.levels, offset: offset(&self.past) };
        if let Some(fill) = Fill::due(seen) {
            self.past.fill(fill);
        }
    }

    /// What the season expects of a sample that bases keep: the weekly profile where it is known, else the daily one.
    fn season(&self, i: i64) -> f64 {
        let at = |base| self.tracks.iter().find(|t| t.base() == base).map_or(f64::NAN, |t| t.at(i));
        let weekly = at(Base::Profile);
        if weekly.is_nan() { at(Base::Days) } else { weekly }
    }

    /// The same at the level of the last day.
    fn usual(&self, i: i64) -> f64 {
        self.season(i) * self.judge.level()
    }

    /// Levels, residuals and bases move on to the newest sample.
    fn follow(&mut self, suspect: bool) {
        let i = self.past.next() - 1;
        let offset = offset(&self.past);
        let clean = f64::from(self.past.clean(i));
        let log = log(&self.past, clean, offset);
        self.levels.push(i, if suspect { f64::NAN } else { log });
        let seen = Seen { past: &self.past, levels: &self.levels, offset };
        let quiet = self.anchors.is_quiet(i + 1);
        let season = self.season(i);
        for track in &mut self.tracks {
            let own = track.at(i);
            track.correct(seen, if own.is_nan() { season } else { own }, suspect);
            // Until anything is learned only what judges outages and bursts is followed.
            if quiet && !matches!(track.base(), Base::Days | Base::Profile) {
                track.sleep(&self.past);
            } else {
                track.advance(seen);
            }
        }
        self.loads.push(clean as f32, suspect);
        self.recent = self.loads.features();
    }

    fn context<'a>(&'a self, turns: &'a Turns) -> Context<'a> {
        Context {
            turns,
            past: &self.past,
            tracks: &self.tracks,
            recent: &self.recent,
            anchors: &self.anchors,
            offset: offset(&self.past),
        }
    }

    /// Every model in turn, with what all of them may see.
    fn each_model(&mut self, turns: &Turns, mut what: impl FnMut(usize, &mut dyn Model, &Context<'_>)) {
        let mut models = std::mem::take(&mut self.models);
        let seen = self.context(turns);
        for (m, model) in models.iter_mut().enumerate() {
            what(m, model.as_mut(), &seen);
        }
        self.models = models;
    }

    fn learn(&mut self, turns: &Turns, suspect: bool) {
        let next = self.past.next();
        let lead = self.anchors.lead() as i64;
        let value = f64::from(self.past.clean(next - 1));
        if value.is_nan() {
            return;
        }
        let realised = Realised { value, maximum: self.past.maximum(next - lead, next) };
        if !suspect {
            self.each_model(turns, |_, model, seen| model.learn(seen, &realised));
        }
        let weekday = self.weekday(next - 1);
        let when = [Kind::Value, Kind::Maximum].map(|kind| self.when(kind, next - 1));
        for window in turns.completed() {
            let a = window.anchor;
            let kind = self.anchors.kind(a);
            let target = realised.of(kind);
            let open = self.pending.at(&self.anchors, a, window.origin);
            let Some(open) = open.filter(|_| target.is_finite()) else {
                continue;
            };
            if !suspect {
                self.mixtures[a].learn(weekday, &open.models(), target as f32);
            }
            if window.is_weighed && self.has(Part::Weights) {
                self.mixtures[a].weigh();
            }
            let (sizes, margins) = open.expected();
            let error = target - open.mixed();
            if a == self.anchors.first(kind) {
                let (stamp, step) = (self.past.stamp(next - 1), self.past.step());
                self.minutes[kind as usize].learn(stamp, step, error.abs() / self.errors[a].usual());
            }
            self.errors[a].learn(when[kind as usize], error, &sizes, &margins);
        }
        self.evidence.learn(next, &realised, &self.past);
    }

    fn predict(&mut self, turns: &Turns) {
        let next = self.past.next();
        let mut rows = [[f32::NAN; MODELS]; MOST];
        self.each_model(turns, |m, model, seen| {
            let mut row = [f32::NAN; MOST];
            model.predict(seen, &mut row);
            for (predictions, prediction) in rows.iter_mut().zip(row) {
                predictions[m] = prediction;
            }
        });
        for &Turn { anchor: a, window, .. } in turns.due() {
            let last = next + (window.ahead + window.len) as i64 - 1;
            let mixed = self.mix(a, last, &rows[a]);
            let sizes = self.errors[a].sizes(&Outlook {
                when: self.when(self.anchors.kind(a), last),
                height: self.height(mixed),
                spread: self.spread(&rows[a], mixed),
            });
            let expected = Packed::new(&sizes, &self.errors[a].margins(&sizes));
            self.pending.put(&self.anchors, a, next, &rows[a], mixed, expected);
        }
        self.record();
    }

    /// Notes what is forecast for the lead window from here, for the one an hour later and for an hour ahead, to be scored when it
    /// has come.
    fn record(&mut self) {
        let next = self.past.next();
        let now = self.anchors.first(Kind::Maximum);
        let Some(lead) = self.foreseen(now) else {
            return self.evidence.pass(next);
        };
        let hour_ahead = self.anchors.value_near(60);
        let claim = crate::backtest::Claim {
            point: self.pending.at(&self.anchors, hour_ahead, next).map_or(f64::NAN, Row::mixed),
            hour: self.anchors.windows()[hour_ahead].ahead,
            later: self.foreseen(self.anchors.later()),
            justified: lead.persistence.max(lead.recent) + NOISE * self.errors[now].usual(),
            lead,
            mean: self.past.mean(),
        };
        self.evidence.record(next, &claim);
    }

    /// What was just forecast of anchor `a`'s window.
    fn foreseen(&self, a: usize) -> Option<Foreseen> {
        let next = self.past.next();
        let open = self.pending.at(&self.anchors, a, next)?;
        let (models, (sizes, _)) = (open.models(), open.expected());
        let of = |choice| {
            let model = self.models.iter().position(|m| m.choice() == choice);
            model.map_or(f64::NAN, |m| f64::from(models[m]))
        };
        let window = self.anchors.windows()[a];
        Some(Foreseen {
            end: window.ahead + window.len,
            upper: self.bound(open.mixed() + self.errors[a].upper(&sizes)),
            persistence: of(Choice::Persistence),
            recent: of(Choice::Recent),
        })
    }

    fn weekday(&self, i: i64) -> usize {
        self.past.weekday(i)
    }

    fn when(&self, kind: Kind, i: i64) -> When {
        let stamp = self.past.stamp(i);
        let minute = if self.has(Part::Minutes) { self.minutes[kind as usize].at(stamp) } else { 1.0 };
        When { hour: self.past.calendar().hour(stamp), minute }
    }

    fn height(&self, load: f64) -> f64 {
        let mean = self.past.mean();
        if mean > 0.0 { load / mean } else { 1.0 }
    }

    /// Mean distance from `mixed` of the models that know a season.
    fn spread(&self, opinions: &Opinions, mixed: f64) -> f64 {
        let (mixed, mut sum, mut n) = (mixed as f32, 0.0, 0.0);
        for (opinion, seasonal) in opinions.iter().zip(self.seasonal) {
            let counts = seasonal && !opinion.is_nan();
            sum += if counts { (opinion - mixed).abs() } else { 0.0 };
            n += if counts { 1.0 } else { 0.0 };
        }
        if n > 0.0 { f64::from(sum / n) } else { 0.0 }
    }

    fn bound(&self, load: f64) -> f64 {
        if load.is_finite() { load.clamp(0.0, 4.0 * self.past.most()) } else { self.past.most() }
    }

    /// The choice's prediction of anchor `a` out of all models', for a window whose last sample is `last`.
    fn mix(&self, a: usize, last: i64, opinions: &Opinions) -> f64 {
        let pinned = self.pinned.map(|m| opinions[m]).filter(|pinned| !pinned.is_nan());
        pinned.unwrap_or_else(|| self.mixtures[a].combine(self.weekday(last), opinions)).into()
    }
}

/// The level to aim at so far ahead, above the median or below it.
fn aim(level: f64, seconds: i64) -> f64 {
    let seconds = seconds as f64;
    if level >= 0.5 { nominal(level, seconds) } else { 1.0 - nominal(1.0 - level, seconds) }
}

/// The base of a model that is in the line-up only where it was asked for by name: a library takes too long, and what the weighted weeks
/// know the profile knows too.
fn only_pinned(choice: Choice) -> Option<Base> {
    match choice {
        Choice::Mstl => Some(Base::Mstl),
        Choice::MstlEts => Some(Base::MstlEts),
        #[cfg(feature = "prophet")]
        Choice::Prophet => Some(Base::Prophet),
        Choice::Weeks => Some(Base::Weeks),
        _ => None,
    }
}

fn line_up(anchors: &Anchors, choice: Choice, without: &[Part]) -> Box<[Box<dyn Model>]> {
    let corrected = |name, base| -> Box<dyn Model> { Box::new(Corrected::new(name, base, anchors, without)) };
    let last = match only_pinned(choice) {
        Some(base) => corrected(choice, Some(base)),
        None if choice == Choice::Harmonics => corrected(choice, Some(LAST_BASE)),
        // Nearer it is worth less than what it costs at every sample (`docs/forecasting-ablation.md`).
        None => Box::new(Corrected::far_only(Choice::Harmonics, LAST_BASE, anchors, without)),
    };
    let all: [Box<dyn Model>; MODELS] = [
        corrected(Choice::Profile, Some(Base::Profile)),
        corrected(Choice::LastWeek, Some(Base::LastWeek)),
        corrected(Choice::Days, Some(Base::Days)),
        corrected(Choice::Smooth, Some(Base::Smooth)),
        corrected(Choice::Slots, Some(Base::Slots)),
        corrected(Choice::Recent, None),
        Box::new(Persistence::new()),
        last,
    ];
    all.into_iter().filter(|model| !without.contains(&Part::Model(model.choice()))).collect()
}
