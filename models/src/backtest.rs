//! How good the forecasts were on the past: scores of rolling origins, and what they are worth in trust.

mod rises;
mod trust;

use crate::{
    calendar::DAY,
    forecast::{model::Realised, past::Past},
    interval::{Errors, Margins, Outlook, Plain, Sizes, pinball},
};
use rises::{RIVALS, Rises, Said};
pub use trust::Trust;

/// Scores over the rolling origins of the last week (or what there is), each forecast made from the past only.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Mean absolute error one hour ahead, in units of the error of "same time last season" (below 1 is better).
    pub mase: f64,
    /// Absolute error one hour ahead, as a share of the load.
    pub wape: f64,
    /// Pinball loss of the upper quantile on the maximum over the lead window, as a share of the mean load.
    pub pinball: f64,
    /// Share of lead windows whose maximum stayed within the upper quantile.
    pub coverage: f64,
    /// Origins scored.
    pub origins: usize,
}

/// What was claimed at one origin, to be held against what came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claim {
    /// Value an hour ahead.
    pub(crate) point: f64,
    /// Upper quantile of the maximum over the lead window.
    pub(crate) upper: f64,
    /// Persistence's prediction of that maximum.
    pub(crate) persistence: f64,
    /// The recent means' prediction of that maximum.
    pub(crate) recent: f64,
    /// Usual error of the forecast of that maximum.
    pub(crate) noise: f64,
    /// Mean load.
    pub(crate) mean: f64,
}

/// Claims of the origins still open and the running scores of those that were closed in about the last week.
#[derive(Clone, Debug)]
pub struct Evidence {
    level: f64,
    keep: f64,
    open: Vec<Option<Open>>,
    /// Those who react: their margins widen with the errors just seen and with the height of the load, as ours do, but know no
    /// hour and no disagreement of models.
    reacting: [Errors; REACTING],
    resting: Plain,
    usual: Usual,
    /// The margin of the usual maximum, renewed every half an hour.
    margin: f64,
    renew: i64,
    lead: usize,
    hour: usize,
    sums: Sums,
    rises: Rises,
}

/// A claim and what the calendar-less rivals said at the same origin.
#[derive(Clone, Copy, Debug)]
struct Open {
    claim: Claim,
    sizes: [Sizes; REACTING],
    margins: [Margins; REACTING],
    rivals: [f64; RIVALS],
}

/// Rivals that react: the last value and the recent means.
const REACTING: usize = 2;

/// Running mean of the window maxima over about half a week: all that somebody knows who knows neither time nor trend.
#[derive(Clone, Copy, Debug)]
struct Usual {
    value: f64,
    seen: f64,
    memory: f64,
}

impl Usual {
    fn push(&mut self, came: f64) {
        self.seen = (self.seen + 1.0).min(self.memory);
        self.value += (came - self.value) / self.seen;
    }
}

/// So many usual errors above the load at hand are noise, more is a rise.
const NOISE: f64 = 2.0;

/// Discounted sums over closed origins.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    origins: f64,
    load: f64,
    covered: f64,
    pinball: f64,
    points: f64,
    point_load: f64,
    point_error: f64,
    naive_error: f64,
}

impl Evidence {
    /// No claims yet.
    pub(crate) fn new(step: i64, level: f64) -> Self {
        Self {
            level,
            keep: 1.0 - 1.0 / (7 * DAY / step).max(100) as f64,
            open: Vec::new(),
            reacting: std::array::from_fn(|_| Errors::new(0, step).asked(level)),
            resting: Plain::new(step),
            usual: Usual { value: 0.0, seen: 0.0, memory: (7 * DAY / step).max(100) as f64 / 2.0 },
            margin: 0.0,
            renew: (1800 / step).max(1),
            lead: 1,
            hour: 0,
            sums: Sums::default(),
            rises: Rises::default(),
        }
    }

    /// Files a claim made at origin `next` about `lead` samples from there, and about the value `hour` samples ahead.
    pub(crate) fn record(&mut self, next: i64, lead: usize, hour: usize, claim: Claim) {
        (self.lead, self.hour) = (lead, hour);
        if self.open.is_empty() {
            self.open = vec![None; lead.max(hour + 1) + 1];
        }
        let slot = self.slot(next);
        let said = [claim.persistence, claim.recent];
        let sizes = std::array::from_fn(|r| {
            let height = if claim.mean > 0.0 { said[r] / claim.mean } else { 1.0 };
            self.reacting[r].sizes(&Outlook { hour: 0, height, spread: 0.0 })
        });
        let margins: [Margins; REACTING] = std::array::from_fn(|r| self.reacting[r].margins(&sizes[r]));
        let upper = |r: usize| (said[r] + self.reacting[r].upper(&sizes[r])).max(0.0);
        let rivals = [upper(0), upper(1), (self.usual.value + self.margin).max(0.0)];
        let sound = claim.upper.is_finite() && claim.persistence.is_finite();
        self.open[slot] = sound.then_some(Open { claim, sizes, margins, rivals });
    }

    /// Nothing is claimed at origin `next`.
    pub(crate) fn pass(&mut self, next: i64) {
        if !self.open.is_empty() {
            let slot = self.slot(next);
            self.open[slot] = None;
        }
    }

    /// Holds the claims that the newest sample closes against what came.
    pub(crate) fn learn(&mut self, next: i64, realised: &Realised, past: &Past) {
        if self.open.is_empty() {
            return;
        }
        let window = self.open[self.slot(next - self.lead as i64)];
        if let (Some(open), false) = (window, realised.maximum.is_nan()) {
            self.close_window(&open, realised.maximum, past);
        }
        let point = self.open[self.slot(next - 1 - self.hour as i64)];
        let naive = f64::from(past.raw(past.days_before(next - 1, 7)));
        if let Some(open) = point.filter(|open| open.claim.point.is_finite()) {
            self.close_point(open.claim.point, naive, realised.value);
        }
    }

    fn close_window(&mut self, open: &Open, came: f64, past: &Past) {
        let claim = &open.claim;
        let s = &mut self.sums;
        s.origins = s.origins * self.keep + 1.0;
        s.load = s.load * self.keep + came;
        s.covered = s.covered * self.keep + f64::from(u8::from(came <= claim.upper));
        s.pinball = s.pinball * self.keep + pinball(self.level, claim.upper, came);
        // The first day teaches everybody what errors to expect; it proves nothing.
        if past.age() > DAY {
            if past.next() % self.renew == 0 {
                self.margin = self.resting.quantile(self.level);
            }
            let justified = claim.persistence.max(claim.recent) + NOISE * claim.noise;
            let said = Said { upper: claim.upper, rivals: open.rivals, justified };
            self.rises.close(past.stamp(past.next() - 1), self.level, &said, came);
        }
        let said = [claim.persistence, claim.recent];
        for (r, errors) in self.reacting.iter_mut().enumerate() {
            errors.learn(0, came - said[r], &open.sizes[r], &open.margins[r]);
        }
        self.resting.learn(came - self.usual.value);
        self.usual.push(came);
    }

    fn close_point(&mut self, point: f64, naive: f64, came: f64) {
        let s = &mut self.sums;
        s.points = s.points * self.keep + 1.0;
        s.point_load = s.point_load * self.keep + came;
        s.point_error = s.point_error * self.keep + (came - point).abs();
        if !naive.is_nan() {
            s.naive_error = s.naive_error * self.keep + (came - naive).abs();
        }
    }

    /// The scores as they stand.
    pub fn score(&self) -> Score {
        let s = &self.sums;
        Score {
            mase: share(s.point_error, s.naive_error),
            wape: share(s.point_error, s.point_load),
            pinball: share(s.pinball, s.load),
            coverage: share(s.covered, s.origins),
            origins: s.origins.round() as usize,
        }
    }

    /// Trust as the evidence stands, given the verdict before.
    pub fn trust(&self, previous: Option<bool>) -> Trust {
        Trust::decide(&self.rises.standing(), previous)
    }

    /// Share of lead windows that stayed within the upper quantile; `None` before a day's worth of origins.
    pub fn coverage(&self, step: i64) -> Option<f64> {
        let s = &self.sums;
        (s.origins * step as f64 >= 0.9 * DAY as f64).then(|| share(s.covered, s.origins))
    }

    fn slot(&self, origin: i64) -> usize {
        origin.rem_euclid(self.open.len() as i64) as usize
    }
}

/// `a ÷ b`, 1 where both are nothing: neither is better.
fn share(a: f64, b: f64) -> f64 {
    if b > 0.0 {
        (a / b).min(f64::MAX)
    } else if a > 0.0 {
        f64::MAX
    } else {
        1.0
    }
}
