//! One load from look to look: learned once a day, fed with every sample, judged again soon while it is not trusted.
//!
//! The daemon's studies and the backtest share it, so that a backtest replays what would really have been known.

use crate::backtest::Trust;
use crate::learn::{Learned, Learning, Unlearnable, learn};
use crate::series::Series;
use chrono::{DateTime, TimeDelta, Utc};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A model that panicked is not tried again for this long.
const AFTER_PANIC: TimeDelta = TimeDelta::minutes(10);
/// A history that teaches nothing yet is looked at again this often: a day of samples is not there a minute later.
const AFTER_UNLEARNABLE: TimeDelta = TimeDelta::minutes(15);
/// A forecast that is not trusted is judged again this often, by what has come since.
const AFTER_DISTRUST: TimeDelta = TimeDelta::hours(1);
/// A lead time that moved less than this share is not worth learning again for.
const SAME_LEAD: f64 = 0.25;

/// What a load's history taught so far, and when it is to be learned again.
#[derive(Clone, Debug, Default)]
pub struct Study {
    learned: Option<Learned>,
    trust: Option<Trust>,
    unlearnable: Option<Unlearnable>,
    learn_at: Option<DateTime<Utc>>,
    judge_at: Option<DateTime<Utc>>,
    lead: Option<TimeDelta>,
}

impl Study {
    /// What was learned; `None` before the first time, or where the history teaches nothing.
    pub fn learned(&self) -> Option<&Learned> {
        self.learned.as_ref()
    }

    /// Whether the forecast is worth a floor, judged at each learning and hourly while it is not, each time with the verdict that
    /// stood before.
    pub fn trust(&self) -> Option<&Trust> {
        self.trust.as_ref()
    }

    /// Why the history teaches nothing.
    pub fn unlearnable(&self) -> Option<&Unlearnable> {
        self.unlearnable.as_ref()
    }

    /// Learns again at the next look, whenever it was due: the history or the settings changed.
    pub fn forget(&mut self) {
        self.learn_at = None;
    }

    /// Learns `series` if it is due, else gives the models the new samples. Milliseconds of computing.
    ///
    /// `every` is the time between two learnings (a day).
    pub fn look(&mut self, now: DateTime<Utc>, series: &Series, how: &Learning, every: TimeDelta) {
        if self.lead.is_some_and(|before| moved(before, how.lead)) {
            self.forget();
        }
        if self.learn_at.is_some_and(|at| now < at) {
            self.feed(series);
            if self.judge_at.is_some_and(|at| at <= now) {
                self.judge(now);
            }
            return;
        }
        match catch_unwind(AssertUnwindSafe(|| learn(series, how))) {
            Ok(Ok(learned)) => {
                self.learned = Some(learned);
                self.unlearnable = None;
                self.lead = Some(how.lead);
                self.learn_at = Some(now + every);
                self.judge(now);
            }
            Ok(Err(why)) => self.fail(why, now + AFTER_UNLEARNABLE.min(every)),
            Err(_) => {
                let why = "it panicked; this is a bug of floorcast, please report it".to_owned();
                let model = how.model.as_str();
                self.fail(Unlearnable::Model { model, why }, now + AFTER_PANIC.min(every));
            }
        }
    }

    fn feed(&mut self, series: &Series) {
        let Some(learned) = &mut self.learned else { return };
        let from = learned.newest().unwrap_or(series.start());
        let first = series.position(from).unwrap_or(series.len());
        for i in first..series.len() {
            learned.observe(series.time(i), series.at(series.time(i)));
        }
    }

    fn fail(&mut self, why: Unlearnable, again: DateTime<Utc>) {
        self.learned = None;
        self.unlearnable = Some(why);
        self.learn_at = Some(again);
    }

    /// Distrust is looked into again soon: a bad day that is over must not keep floors away until the next daily learning. The
    /// evidence grows with every sample, so judging again costs nothing; learning again would cost milliseconds each hour for
    /// each workload that cannot be forecast.
    fn judge(&mut self, now: DateTime<Utc>) {
        let before = self.trust.as_ref().map(|trust| trust.trusted);
        self.trust = self.learned.as_ref().map(|learned| learned.trust_after(before));
        let doubted = self.trust.as_ref().is_some_and(|trust| !trust.trusted);
        self.judge_at = doubted.then(|| now + AFTER_DISTRUST);
    }
}

/// The quantile is calibrated for one window length; another one needs another calibration.
fn moved(before: TimeDelta, lead: TimeDelta) -> bool {
    let old = before.num_seconds().max(1) as f64;
    (lead.num_seconds() as f64 - old).abs() / old > SAME_LEAD
}
