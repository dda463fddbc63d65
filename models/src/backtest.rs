//! How good the forecasts were on the past: scores of rolling origins, and what they are worth in trust.

use crate::{
    calendar::DAY,
    forecast::{model::Realised, past::Past},
    interval::{Errors, pinball},
};

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

/// Whether a forecast is worth raising a floor for, and by which margin.
///
/// The measure is the pinball loss on the maximum over the lead window. The rival is the better of two models that know
/// no calendar: persistence (the last value) and the recent means; whoever cannot beat them sees nothing coming.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust {
    /// Better than reacting.
    pub trusted: bool,
    /// Loss relative to the calendar-less rival; below 1 is better.
    pub ratio: f64,
    /// Loss relative to plain persistence.
    pub against_persistence: f64,
    /// One sentence with the numbers.
    pub why: String,
}

impl Trust {
    /// Loss ratio at or below which trust is gained.
    pub const GAIN: f64 = 0.97;
    /// Loss ratio above which trust that was there is lost.
    pub const LOSE: f64 = 1.0;

    /// Decides with hysteresis: between [`Trust::GAIN`] and [`Trust::LOSE`] the `previous` verdict stands.
    pub fn decide(ratio: f64, against_persistence: f64, origins: usize, previous: Option<bool>) -> Self {
        let worst = ratio.max(against_persistence);
        let trusted = if origins == 0 || !worst.is_finite() {
            false
        } else if worst <= Self::GAIN {
            true
        } else {
            worst <= Self::LOSE && previous == Some(true)
        };
        let verb = if trusted { "beats" } else { "does not beat" };
        let why = if origins == 0 {
            "no origin could be scored yet".to_owned()
        } else {
            format!(
                "{verb} reacting: loss on the lead window {ratio:.2} of the recent means', {against_persistence:.2} of \
                 persistence's, over {origins} origins (wanted: at most {:.2})",
                Self::GAIN
            )
        };
        Self { trusted, ratio, against_persistence, why }
    }

    /// The same figures judged again with the verdict that stood before (daily, with hysteresis).
    #[must_use]
    pub fn after(&self, previous: bool, origins: usize) -> Self {
        Self::decide(self.ratio, self.against_persistence, origins, Some(previous))
    }
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
}

/// Claims of the origins still open and the running scores of those that were closed in about the last week.
#[derive(Clone, Debug)]
pub struct Evidence {
    level: f64,
    keep: f64,
    open: Vec<Open>,
    rivals: [Errors; 2],
    lead: usize,
    hour: usize,
    sums: Sums,
}

#[derive(Clone, Copy, Debug, Default)]
struct Open {
    claim: Option<Claim>,
    uppers: [f64; 2],
}

/// Discounted sums over closed origins.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    origins: f64,
    load: f64,
    covered: f64,
    pinball: f64,
    rivals: [f64; 2],
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
            rivals: [Errors::new(step), Errors::new(step)],
            lead: 1,
            hour: 0,
            sums: Sums::default(),
        }
    }

    /// Files a claim made at origin `next` about `lead` samples from there, and about the value `hour` samples ahead.
    pub(crate) fn record(&mut self, next: i64, lead: usize, hour: usize, hour_of_day: usize, claim: Claim) {
        (self.lead, self.hour) = (lead, hour);
        if self.open.is_empty() {
            self.open = vec![Open::default(); lead.max(hour + 1) + 1];
        }
        let rival = [claim.persistence, claim.recent];
        let uppers = std::array::from_fn(|r| (rival[r] + self.rivals[r].quantile(hour_of_day, self.level)).max(0.0));
        let slot = self.slot(next);
        self.open[slot] = Open { claim: claim.upper.is_finite().then_some(claim), uppers };
    }

    /// Holds the claims that the newest sample closes against what came.
    pub(crate) fn learn(&mut self, next: i64, realised: &Realised, past: &Past) {
        if self.open.is_empty() {
            return;
        }
        let window = self.open[self.slot(next - self.lead as i64)];
        if let (Some(claim), false) = (window.claim, realised.maximum.is_nan()) {
            self.close_window(&claim, window.uppers, realised.maximum);
            let hour = past.calendar().hour(past.stamp(next - 1));
            self.rivals[0].learn(hour, realised.maximum - claim.persistence);
            self.rivals[1].learn(hour, realised.maximum - claim.recent);
        }
        let point = self.open[self.slot(next - 1 - self.hour as i64)].claim;
        let naive = f64::from(past.raw(past.days_before(next - 1, 7)));
        if let Some(claim) = point.filter(|c| c.point.is_finite()) {
            self.close_point(claim.point, naive, realised.value);
        }
    }

    fn close_window(&mut self, claim: &Claim, uppers: [f64; 2], came: f64) {
        if uppers.iter().any(|u| u.is_nan()) {
            return;
        }
        let s = &mut self.sums;
        s.origins = s.origins * self.keep + 1.0;
        s.load = s.load * self.keep + came;
        s.covered = s.covered * self.keep + f64::from(u8::from(came <= claim.upper));
        s.pinball = s.pinball * self.keep + pinball(self.level, claim.upper, came);
        for (sum, upper) in s.rivals.iter_mut().zip(uppers) {
            *sum = *sum * self.keep + pinball(self.level, upper, came);
        }
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

    /// Trust as the scores stand, given the verdict before.
    pub fn trust(&self, previous: Option<bool>) -> Trust {
        let s = &self.sums;
        Trust::decide(
            share(s.pinball, s.rivals[1]),
            share(s.pinball, s.rivals[0]),
            s.origins.round() as usize,
            previous,
        )
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
