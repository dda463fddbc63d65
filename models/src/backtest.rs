//! How good the forecasts were on the past: scores of rolling origins, and what they are worth in trust.

mod contest;
mod held;
mod rises;
mod trust;
mod usual;

use crate::{
    calendar::DAY,
    forecast::{model::Realised, past::Past},
    interval::pinball,
};
use contest::Contest;
pub(crate) use contest::Foreseen;
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
    /// So many samples lie between the origin and that value's.
    pub(crate) hour: usize,
    /// The lead window from here on.
    pub(crate) lead: Foreseen,
    /// The same window an hour later, where it is predicted.
    pub(crate) later: Option<Foreseen>,
    /// The largest load of the next window that the load at hand justifies, noise included.
    pub(crate) justified: f64,
    /// Mean load.
    pub(crate) mean: f64,
}

/// Claims of the origins still open and the running scores of those that were closed in about the last week.
#[derive(Clone, Debug)]
pub struct Evidence {
    level: f64,
    keep: f64,
    /// Values an hour ahead of the origins still open, NaN where none was claimed.
    points: Vec<f32>,
    hour: usize,
    sums: Sums,
    lead: Contest,
    later: Contest,
}

/// Seconds between two origins whose later windows are contested: neighbours say nearly the same.
const LATER_EVERY: i64 = 900;

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
    /// No claims yet; later windows are predicted every `later` samples.
    pub(crate) fn new(step: i64, later: i64, level: f64) -> Self {
        Self {
            level,
            keep: 1.0 - 1.0 / (7 * DAY / step).max(100) as f64,
            points: Vec::new(),
            hour: 0,
            sums: Sums::default(),
            lead: Contest::new(0, 1, step, level),
            later: Contest::new(3600, (LATER_EVERY / step).max(later), step, level),
        }
    }

    /// Files a claim made at origin `next`.
    pub(crate) fn record(&mut self, next: i64, claim: &Claim) {
        if self.points.is_empty() {
            self.hour = claim.hour;
            self.points = vec![f32::NAN; claim.hour + 2];
        }
        let slot = self.slot(next);
        self.points[slot] = claim.point as f32;
        self.lead.record(next, &claim.lead, claim.justified, claim.mean);
        if let Some(later) = &claim.later {
            self.later.record(next, later, claim.justified, claim.mean);
        }
    }

    /// Nothing is claimed at origin `next`.
    pub(crate) fn pass(&mut self, next: i64) {
        if !self.points.is_empty() {
            let slot = self.slot(next);
            self.points[slot] = f32::NAN;
        }
    }

    /// Holds the claims that the newest sample closes against what came.
    pub(crate) fn learn(&mut self, next: i64, realised: &Realised, past: &Past) {
        if self.points.is_empty() {
            return;
        }
        let ended = (past.age() > DAY).then(|| past.stamp(next - 1));
        if let Some(open) = self.lead.close(next, realised.maximum, ended) {
            self.score_window(open.upper.into(), realised.maximum);
        }
        self.later.close(next, realised.maximum, ended);
        let point = self.points[self.slot(next - 1 - self.hour as i64)];
        let naive = f64::from(past.raw(past.days_before(next - 1, 7)));
        if point.is_finite() {
            self.close_point(point.into(), naive, realised.value);
        }
    }

    fn score_window(&mut self, upper: f64, came: f64) {
        let s = &mut self.sums;
        s.origins = s.origins * self.keep + 1.0;
        s.load = s.load * self.keep + came;
        s.covered = s.covered * self.keep + f64::from(u8::from(came <= upper));
        s.pinball = s.pinball * self.keep + pinball(self.level, upper, came);
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
        Trust::decide(&[self.lead.standing(), self.later.standing()], previous)
    }

    /// Share of lead windows that stayed within the upper quantile; `None` before a day's worth of origins.
    pub fn coverage(&self, step: i64) -> Option<f64> {
        let s = &self.sums;
        (s.origins * step as f64 >= 0.9 * DAY as f64).then(|| share(s.covered, s.origins))
    }

    fn slot(&self, origin: i64) -> usize {
        origin.rem_euclid(self.points.len() as i64) as usize
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
