//! Everything that is learned about one load: its past, the seasonal bases, the models, their weights and their errors.
//!
//! One sample goes through [`Ensemble::push`], whether it is replayed from history or has just been scraped. So what a replay
//! leaves behind is at the same time the fitted state, the rolling-origin backtest and the calibration: at each origin the
//! forecast was made before the target was seen.

use super::{
    Choice,
    anchors::{Anchors, Kind, Window},
    corrected::Corrected,
    lags::Lags,
    mixture::{Mixture, weighted},
    model::{Context, Model, Realised},
    past::Past,
    persistence::Persistence,
    regressed::Regressed,
    ridge::Prior,
    season::{Base, FEATURES, Track},
};
use crate::{
    backtest::Evidence,
    clean::{Judge, Note},
    interval::{Errors, nominal},
};

/// The learned state of one load.
#[derive(Clone, Debug)]
pub struct Ensemble {
    past: Past,
    tracks: Vec<Track>,
    anchors: Anchors,
    judge: Judge,
    models: Vec<Box<dyn Model>>,
    pinned: Option<usize>,
    mixtures: Vec<Mixture>,
    errors: Vec<Errors>,
    pending: Vec<Pending>,
    row: Vec<f32>,
    evidence: Evidence,
    level: f64,
}

/// Predictions whose windows are still open, for one anchor: a row per origin, the models' and the mixture's last.
#[derive(Clone, Debug)]
struct Pending {
    rows: Vec<f32>,
    width: usize,
    len: usize,
}

impl Pending {
    fn new(len: usize, width: usize) -> Self {
        Self { rows: vec![f32::NAN; len * width], width, len }
    }

    fn row(&self, origin: i64) -> &[f32] {
        let at = origin.rem_euclid(self.len as i64) as usize * self.width;
        &self.rows[at..at + self.width]
    }

    fn row_mut(&mut self, origin: i64) -> &mut [f32] {
        let at = origin.rem_euclid(self.len as i64) as usize * self.width;
        &mut self.rows[at..at + self.width]
    }
}

/// A holiday is taken for a Sunday and may be none: its margins are so many times as wide.
const HOLIDAY_DOUBT: f64 = 1.5;

/// Samples between two recomputations of an anchor's weights.
const REWEIGH: i64 = 6;

/// Bases that are always followed: the daily and weekly ones also judge what is an outage.
const BASES: [Base; 5] = [Base::Zero, Base::Profile, Base::Days, Base::Smooth, Base::Weeks];

impl Ensemble {
    /// Nothing seen yet. `level` is the quantile to calibrate for.
    pub(crate) fn new(past: Past, anchors: Anchors, judge: Judge, choice: Choice, level: f64) -> Self {
        let step = past.step();
        let reach = anchors.reach(step);
        let mut bases = BASES.to_vec();
        if choice == Choice::Mstl {
            bases.push(Base::Mstl);
        }
        let tracks = bases.into_iter().map(|b| Track::new(b, &past, anchors.lead(), reach)).collect();
        let models = line_up(&anchors, step, choice);
        let pinned = models.iter().position(|m| m.choice() == choice);
        let windows = anchors.windows().to_vec();
        let width = models.len() + 1;
        Self {
            mixtures: windows.iter().map(|w| Mixture::new(models.len(), w.ahead, step)).collect(),
            errors: vec![Errors::new(step); windows.len()],
            pending: windows.iter().map(|w| Pending::new(w.ahead + w.len, width)).collect(),
            row: vec![f32::NAN; windows.len()],
            evidence: Evidence::new(step, level),
            past,
            tracks,
            anchors,
            judge,
            models,
            pinned,
            level,
        }
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
        let expected = self.expected();
        let excluded = self.judge.excludes(self.past.stamp(self.past.next()));
        self.past.push(value, excluded);
        self.judge.judge(&mut self.past, expected);
        let suspect = self.judge.suspects_burst(&self.past);
        for track in &mut self.tracks {
            track.advance(&self.past, suspect);
        }
        self.learn(suspect);
        self.predict();
    }

    /// What the season expects of the next sample: the weekly profile where it is known, else the daily one.
    fn expected(&self) -> f64 {
        let at = |base| self.tracks.iter().find(|t| t.base() == base).map_or(f64::NAN, |t| t.at(self.past.next()));
        let weekly = at(Base::Profile);
        if weekly.is_nan() { at(Base::Days) } else { weekly }
    }

    fn learn(&mut self, suspect: bool) {
        let next = self.past.next();
        let lead = self.anchors.lead() as i64;
        let value = f64::from(self.past.clean(next - 1));
        let realised =
            Realised { value, maximum: if value.is_nan() { value } else { self.past.maximum(next - lead, next) } };
        let seen = Context { past: &self.past, tracks: &self.tracks, anchors: &self.anchors };
        let nothing = Realised { value: f64::NAN, maximum: f64::NAN };
        for model in &mut self.models {
            model.learn(&seen, if suspect { &nothing } else { &realised });
        }
        if value.is_nan() {
            return;
        }
        let weekday = self.weekday(next - 1);
        let hour = self.target_hour(next - 1);
        for (a, window) in self.anchors.windows().iter().enumerate() {
            let target = realised.of(self.anchors.kind(a));
            let origin = next - (window.ahead + window.len) as i64;
            let row = self.pending[a].row(origin);
            let (mixed, models) = row.split_last().unwrap_or((&f32::NAN, &[]));
            if !suspect {
                self.mixtures[a].learn(weekday, models, target);
            }
            if (next + a as i64) % REWEIGH == 0 {
                self.mixtures[a].weigh();
            }
            self.errors[a].learn(hour, target - f64::from(*mixed));
        }
        self.evidence.learn(next, &realised, &self.past);
    }

    fn predict(&mut self) {
        let next = self.past.next();
        for m in 0..self.models.len() {
            let seen = Context { past: &self.past, tracks: &self.tracks, anchors: &self.anchors };
            self.models[m].predict(&seen, &mut self.row);
            for (a, prediction) in self.row.iter().enumerate() {
                self.pending[a].row_mut(next)[m] = *prediction;
            }
        }
        for a in 0..self.pending.len() {
            let mixed = self.mix(a, self.pending[a].row(next));
            if let Some(last) = self.pending[a].row_mut(next).last_mut() {
                *last = mixed as f32;
            }
        }
        self.record();
    }

    /// Notes what is forecast for the lead window from here and for an hour ahead, to be scored when it has come.
    fn record(&mut self) {
        let next = self.past.next();
        let now = self.anchors.first(Kind::Maximum);
        let hour_ahead = self.anchors.value_near(60, self.past.step());
        let of = |choice| self.models.iter().position(|m| m.choice() == choice);
        let row = self.pending[now].row(next);
        let pick = |m: Option<usize>| m.map_or(f64::NAN, |m| f64::from(row[m]));
        let hour = self.target_hour(next + self.anchors.lead() as i64 - 1);
        let mixed = f64::from(row[self.models.len()]);
        let upper = self.bound(mixed + self.errors[now].quantile(hour, self.level));
        let window = self.anchors.windows()[hour_ahead];
        let point = f64::from(self.pending[hour_ahead].row(next)[self.models.len()]);
        self.evidence.record(
            next,
            self.anchors.lead(),
            window.ahead,
            crate::backtest::Claim {
                point,
                upper,
                persistence: pick(of(Choice::Persistence)),
                recent: pick(of(Choice::Recent)),
                noise: self.errors[now].usual(),
            },
        );
    }

    fn weekday(&self, i: i64) -> usize {
        self.past.weekday(i)
    }

    fn target_hour(&self, i: i64) -> usize {
        self.past.calendar().hour(self.past.stamp(i))
    }

    fn bound(&self, load: f64) -> f64 {
        if load.is_finite() { load.clamp(0.0, 4.0 * self.past.most()) } else { self.past.most() }
    }

    /// The choice's prediction out of a row of all models'.
    fn mix(&self, a: usize, row: &[f32]) -> f64 {
        let models = &row[..self.models.len()];
        match self.pinned.map(|m| f64::from(models[m])) {
            Some(pinned) if !pinned.is_nan() => pinned,
            _ => {
                let window = self.anchors.windows()[a];
                let last = self.past.next() + (window.ahead + window.len) as i64 - 1;
                self.mixtures[a].combine(self.weekday(last), models)
            }
        }
    }

    /// Weights of the models for the maximum over the lead window from now; they sum to 1.
    pub fn weights(&self) -> Vec<(&'static str, f64)> {
        let now = self.anchors.first(Kind::Maximum);
        let row = self.pending[now].row(self.past.next());
        let heard = |m: usize| !row[m].is_nan();
        let raw: Vec<f64> = (0..self.models.len())
            .map(|m| match self.pinned {
                Some(pinned) if heard(pinned) => f64::from(u8::from(m == pinned)),
                _ if heard(m) => self.mixtures[now].weights(0)[m],
                _ => 0.0,
            })
            .collect();
        let sum: f64 = raw.iter().sum();
        let names = self.models.iter().map(|m| m.choice().as_str());
        let mut weights: Vec<_> = names.zip(raw.iter().map(|w| if sum > 0.0 { w / sum } else { 0.0 })).collect();
        weights.sort_by(|a, b| b.1.total_cmp(&a.1));
        weights
    }

    /// Point, upper and lower for the step `ahead` of the next sample.
    pub fn at(&self, ahead: usize) -> (f64, f64, f64) {
        let ahead = ahead.min(
            self.anchors.horizon() + self.anchors.reach(self.past.step())
                - self.anchors.horizon()
                - self.anchors.lead()
                - 1,
        );
        let point = self.bound(self.blend(Kind::Value, ahead));
        let most = self.blend(Kind::Maximum, ahead);
        let upper = self.bound(most + self.margin(Kind::Maximum, ahead, self.level));
        let lower = self.bound(point + self.margin(Kind::Value, ahead, 1.0 - self.level));
        (point, upper.max(point), lower.min(point))
    }

    /// Median and `level`-quantile of the plain value of step `ahead`.
    pub fn value_quantile(&self, ahead: usize, level: f64) -> (f64, f64) {
        let point = self.bound(self.blend(Kind::Value, ahead));
        let margin = self.margin(Kind::Value, ahead, level);
        (point, self.bound(point + margin))
    }

    /// Median of the maximum over the lead window that starts at step `ahead`.
    pub fn maximum_point(&self, ahead: usize) -> f64 {
        self.bound(self.blend(Kind::Maximum, ahead))
    }

    fn blend(&self, kind: Kind, ahead: usize) -> f64 {
        let seen = Context { past: &self.past, tracks: &self.tracks, anchors: &self.anchors };
        if let Some(m) = self.pinned {
            let pinned = self.models[m].ahead(&seen, kind, ahead);
            if !pinned.is_nan() {
                return pinned;
            }
        }
        let (a, b, share) = self.anchors.between(kind, ahead);
        let weekday = self.weekday(self.past.next() + ahead as i64);
        let (near, far) = (self.mixtures[a].weights(weekday), self.mixtures[b].weights(weekday));
        let (near_sum, far_sum): (f64, f64) = (near.iter().sum(), far.iter().sum());
        let opinions: Vec<(f64, f64)> = self
            .models
            .iter()
            .enumerate()
            .map(|(m, model)| {
                let weight = near[m] / near_sum * (1.0 - share) + far[m] / far_sum * share;
                (weight, model.ahead(&seen, kind, ahead))
            })
            .collect();
        weighted(opinions.into_iter())
    }

    /// What to add to a prediction for the `level`-quantile.
    fn margin(&self, kind: Kind, ahead: usize, level: f64) -> f64 {
        let (a, b, share) = self.anchors.between(kind, ahead);
        let step = self.past.step();
        let len = if kind == Kind::Maximum { self.anchors.lead() } else { 1 };
        let hour = self.target_hour(self.past.next() + (ahead + len) as i64 - 1);
        let at = |a: usize| {
            let seconds = (self.anchors.windows()[a].ahead as i64 * step) as f64;
            let wanted = if level >= 0.5 { nominal(level, seconds) } else { 1.0 - nominal(1.0 - level, seconds) };
            self.errors[a].quantile(hour, wanted)
        };
        let low = at(a);
        let margin = low + (at(b) - low) * share;
        if self.past.is_holiday(self.past.next() + ahead as i64) { margin * HOLIDAY_DOUBT } else { margin }
    }
}

fn line_up(anchors: &Anchors, step: i64, choice: Choice) -> Vec<Box<dyn Model>> {
    let corrected = |name, base| -> Box<dyn Model> {
        Box::new(Corrected::new(name, base, Regressed::new(anchors, step, |w| residual_prior(w, step))))
    };
    let unused = |_: &Window| Prior { coefficients: [0.0; 9], samples: 0.0 };
    let lags = Lags::new(Regressed::new(anchors, step, unused), anchors.windows().len(), step);
    let mut models = vec![
        corrected(Choice::Profile, Base::Profile),
        corrected(Choice::Weeks, Base::Weeks),
        corrected(Choice::Days, Base::Days),
        corrected(Choice::Smooth, Base::Smooth),
        corrected(Choice::Recent, Base::Zero),
        Box::new(lags),
        Box::new(Persistence::new()),
    ];
    if choice == Choice::Mstl {
        models.push(corrected(Choice::Mstl, Base::Mstl));
    }
    models
}

/// Before any evidence: soon, the residual stays what it just was; later, four fifths of the day's mean residual. What lies far
/// ahead gives few independent windows, so the belief is firmer there.
fn residual_prior(window: &Window, step: i64) -> Prior<FEATURES> {
    let hours = (window.ahead as i64 * step) as f64 / 3600.0;
    let soon = (-hours).exp();
    Prior { coefficients: [0.8 * soon, 0.0, 0.8 * (1.0 - soon), 0.0], samples: 12.0 + window.ahead as f64 }
}
