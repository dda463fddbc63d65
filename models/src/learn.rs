//! From a history to something that forecasts: learned once in a while, fed with each new sample, asked at every tick.

use crate::{
    backtest::{Score, Trust},
    calendar::{Calendar, DAY, Day},
    clean::{Judge, Note, Recognised},
    forecast::{Choice, Forecast, anchors::Anchors, ensemble::Ensemble, part::Part, past::Past},
    series::Series,
    study::settled,
};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use std::ops::Range;

/// How a workload's load is to be learned.
#[derive(Clone, Debug, PartialEq)]
pub struct Learning {
    /// Pinned model, or the mixture.
    pub model: Choice,
    /// Quantile of the window maximum to cover, clamped to 0.5 to 0.999.
    pub quantile: f64,
    /// Length of the window whose maximum counts: the lead time. Clamped to one step to 2 h.
    pub lead: TimeDelta,
    /// The season's wall clock.
    pub zone: Tz,
    /// How far ahead to forecast, clamped to 1 h to 48 h.
    pub horizon: TimeDelta,
    /// Windows that must not be learned from.
    pub excluded: Vec<Range<DateTime<Utc>>>,
    /// Days, by the season's wall clock, that are holidays: in the history and within the horizon.
    pub holidays: Vec<Day>,
    /// Parts of the forecast to do without, to measure what they are worth.
    pub without: &'static [Part],
}

impl Default for Learning {
    fn default() -> Self {
        Self {
            model: Choice::Auto,
            quantile: 0.95,
            lead: TimeDelta::minutes(5),
            zone: Tz::UTC,
            horizon: TimeDelta::hours(24),
            excluded: Vec::new(),
            holidays: Vec::new(),
            without: &[],
        }
    }
}

/// Why a history teaches nothing yet: a code for labels, a sentence with the numbers for people.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Unlearnable {
    /// Nothing but missing samples.
    #[error("no samples in the history of {hours:.1} h; check the query against the datasource")]
    Empty {
        /// Length of the window asked for.
        hours: f64,
    },
    /// Less than a day since the first sample.
    #[error("history {hours:.1} h < {wanted:.0} h; the first floor comes when a day has been seen")]
    Short {
        /// Hours of samples that are there.
        hours: f64,
        /// Hours wanted.
        wanted: f64,
    },
    /// More than 20 % of the samples since the first one are missing.
    #[error(
        "gaps: {missing_percent:.0} % of {hours:.1} h are missing (at most 20 %); is the target scraped without a break? Where its series ends because nothing runs, let the query end in `or vector(0)`"
    )]
    Gaps {
        /// Share missing since the first sample, in percent.
        missing_percent: f64,
        /// Hours since the first sample.
        hours: f64,
    },
    /// The pinned model could not be fitted.
    #[error("model {model} failed: {why}; use model auto, or another")]
    Model {
        /// Name of the model.
        model: &'static str,
        /// What it said.
        why: String,
    },
}

impl Unlearnable {
    /// The word of metric labels and the API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "no-history",
            Self::Short { .. } => "history-short",
            Self::Gaps { .. } => "gaps",
            Self::Model { .. } => "model-failed",
        }
    }
}

/// Hours of history that must be there before anything is forecast.
const LEAST_HOURS: f64 = 24.0;
/// Share of samples that may be missing, in percent.
const MOST_MISSING: f64 = 20.0;
/// Seconds in a week.
const WEEK: i64 = crate::calendar::WEEK;

/// A load learned: takes samples in O(1), forecasts at any moment.
#[derive(Clone, Debug)]
pub struct Learned {
    how: Learning,
    ensemble: Ensemble,
    newest: Option<DateTime<Utc>>,
}

/// Learns a history: pure computation, milliseconds for four weeks at 5 min.
///
/// Missing samples before the first one are no gaps but a short history. Of a history with more than 20 % missing the oldest
/// weeks are left out until it is whole enough; if that leaves less than a week it is refused.
pub fn learn(history: &Series, how: &Learning) -> Result<Learned, Unlearnable> {
    let (from, truncated) = usable(history)?;
    let how = bounded(how, history.step_seconds());
    // The newest sample is settled, so this is never before `from`.
    let settled = (settled(history) - history.start()).num_seconds() as usize;
    let values = &history.values()[from..settled.div_ceil(history.step_seconds() as usize)];
    let mut ensemble = prepared(history, from, &how);
    ensemble.replay(values);
    if let Some(why) = ensemble.failure().filter(|_| how.model.is_fitted()) {
        let model = how.model.as_str();
        return Err(Unlearnable::Model { model, why });
    }
    if truncated {
        let (judge, past) = ensemble.judge_mut();
        let first = history.start().timestamp() / history.step_seconds();
        judge.note(past, Recognised::Truncated, first, first + from as i64);
    }
    Ok(Learned { newest: history.newest(), ensemble, how })
}

/// Number of the first sample to learn from, and whether that leaves out earlier ones.
fn usable(history: &Series) -> Result<(usize, bool), Unlearnable> {
    let hours = |n: usize| n as f64 * history.step_seconds() as f64 / 3600.0;
    let values = history.values();
    let Some(first) = values.iter().position(|v| !v.is_nan()) else {
        return Err(Unlearnable::Empty { hours: hours(values.len()) });
    };
    let last = values.iter().rposition(|v| !v.is_nan()).unwrap_or(first);
    let there = |from: usize| values[from..=last].iter().filter(|v| !v.is_nan()).count();
    let missing = |from: usize| 100.0 * (1.0 - there(from) as f64 / (last + 1 - from) as f64);
    if hours(there(first)) < LEAST_HOURS * (1.0 - MOST_MISSING / 100.0) || hours(last + 1 - first) < LEAST_HOURS {
        return Err(Unlearnable::Short { hours: hours(there(first)), wanted: LEAST_HOURS });
    }
    let week = (WEEK / history.step_seconds()).max(1) as usize;
    let mut from = first;
    while missing(from) > MOST_MISSING {
        from += week;
        if from + week > last + 1 {
            return Err(Unlearnable::Gaps { missing_percent: missing(first), hours: hours(last + 1 - first) });
        }
    }
    Ok((from, from != first))
}

fn bounded(how: &Learning, step: i64) -> Learning {
    let quantile = if how.quantile.is_nan() { Learning::default().quantile } else { how.quantile.clamp(0.5, 0.999) };
    Learning {
        quantile,
        lead: how.lead.clamp(TimeDelta::seconds(step), TimeDelta::seconds((2 * 3600).max(step))),
        horizon: how
            .horizon
            .clamp(TimeDelta::seconds((2 * step).max(3600)), TimeDelta::hours(48).max(TimeDelta::seconds(2 * step))),
        ..how.clone()
    }
}

/// The ensemble before its first sample, number `from` of the history.
fn prepared(history: &Series, from: usize, how: &Learning) -> Ensemble {
    let step = history.step_seconds();
    let start = history.time(from).timestamp();
    let calendar = Calendar::new(how.zone, start - DAY, history.end().timestamp() + 30 * DAY);
    let past = Past::new(step, start / step, calendar).with_holidays(how.holidays.clone());
    let anchors = Anchors::new(step, how.lead.num_seconds(), how.horizon.num_seconds());
    let excluded = how.excluded.iter();
    let excluded = excluded.map(|w| w.start.timestamp()..w.end.timestamp());
    let judge = Judge::new(excluded.collect());
    Ensemble::new(past, anchors, judge, how.model, how.quantile, how.without)
}

impl Learned {
    /// Takes note of the sample stamped `at` (start of its interval); `None` is missing, and so is what is not a load. A stamp
    /// already seen is ignored; skipped stamps are missing samples.
    pub fn observe(&mut self, at: DateTime<Utc>, value: Option<f64>) {
        let step = self.ensemble.past().step();
        let number = at.timestamp().div_euclid(step);
        let skipped = number - self.ensemble.past().next();
        if skipped < 0 {
            return;
        }
        // After four weeks of silence nothing of the season is left; more silence changes nothing.
        for _ in 0..skipped.min(4 * WEEK / step) {
            self.ensemble.push(f32::NAN);
        }
        if self.ensemble.past().next() != number {
            return;
        }
        let value = value.map_or(f32::NAN, |v| v as f32);
        let sound = value.is_finite() && value >= 0.0;
        self.ensemble.push(if sound { value } else { f32::NAN });
        if sound {
            self.newest = DateTime::from_timestamp((number + 1) * step, 0);
        }
    }

    /// What lies ahead of `now`, for the horizon asked for. Samples not yet seen before `now` count as steps further ahead.
    pub fn forecast(&self, now: DateTime<Utc>) -> Forecast {
        self.forecast_for(now, self.how.horizon)
    }

    /// The same, no further than `horizon`: the nearer steps do not depend on how far is asked.
    pub fn forecast_for(&self, now: DateTime<Utc>, horizon: TimeDelta) -> Forecast {
        let past = self.ensemble.past();
        let step = past.step();
        let now = now.timestamp().div_euclid(step);
        // A sample stamped at its end, or a slow clock, may put the newest sample at or after now: it stands for itself.
        let origin = now.max(past.next() - 2);
        let steps = (horizon.min(self.how.horizon).num_seconds().max(0) / step) as usize;
        let mut forecast = Forecast {
            origin: DateTime::from_timestamp(origin * step, 0).unwrap_or_default(),
            step: TimeDelta::seconds(step),
            level: self.how.quantile,
            lead: self.how.lead,
            point: Vec::with_capacity(steps),
            upper: Vec::with_capacity(steps),
            lower: Vec::with_capacity(steps),
        };
        let asked = self.ensemble.ask();
        for i in origin..origin + steps as i64 {
            let ahead = (i - past.next()).max(0) as usize;
            let (mut point, mut upper, mut lower) = asked.at(ahead);
            let seen = f64::from(past.raw(i));
            if !seen.is_nan() {
                (point, lower, upper) = (seen, seen, upper.max(seen));
            }
            forecast.point.push(point);
            forecast.upper.push(upper);
            forecast.lower.push(lower);
        }
        forecast
    }

    /// The sample stamped `at` (start of its interval) as it is kept, masked or not: to one part in two thousand, or, if it is
    /// less than a quarter of the most within 32 samples, to one in four thousand of that. NaN where it is missing, still to come, or
    /// forgotten after four weeks.
    pub fn sample(&self, at: DateTime<Utc>) -> f32 {
        let past = self.ensemble.past();
        past.raw(at.timestamp().div_euclid(past.step()))
    }

    /// Median and `level`-quantile of the plain value of step `ahead` (0 is the next sample): for evaluation.
    pub fn value_quantile(&self, ahead: usize, level: f64) -> (f64, f64) {
        self.ensemble.value_quantile(ahead, level)
    }

    /// Median of the maximum over the lead window that starts at step `ahead`: for evaluation.
    pub fn maximum_point(&self, ahead: usize) -> f64 {
        self.ensemble.maximum_point(ahead)
    }

    /// Whether the forecast is worth a floor, as the evidence stands.
    pub fn trust(&self) -> Trust {
        self.trust_after(None)
    }

    /// The same question with the verdict that stood before: between gaining and losing trust it stays (hysteresis).
    pub fn trust_after(&self, previous: Option<bool>) -> Trust {
        self.ensemble.evidence().trust(previous)
    }

    /// Scores of the rolling backtest.
    pub fn score(&self) -> Score {
        self.ensemble.evidence().score()
    }

    /// Models and their present weights (they sum to 1) for the maximum over the lead window, heaviest first.
    pub fn weights(&self) -> Vec<(&'static str, f64)> {
        self.ensemble.weights()
    }

    /// What was recognised in the history, oldest first.
    pub fn notes(&self) -> &[Note] {
        self.ensemble.notes()
    }

    /// Start of the outage that is not over: the load has been next to nothing since, and is expected back.
    pub fn collapsed_since(&self) -> Option<DateTime<Utc>> {
        let past = self.ensemble.past();
        DateTime::from_timestamp(past.stamp(self.ensemble.collapsed_since()?), 0)
    }

    /// The largest load of the last four weeks or more that was not masked: bursts that were one-off, excluded windows and a
    /// burst that may yet prove to be one-off do not count. Reads the whole history: microseconds, not nanoseconds.
    pub fn most_seen(&self) -> f64 {
        self.ensemble.most_sound()
    }

    /// Share of lead windows of the last seven days that stayed within the upper quantile; `None` before the first day.
    pub fn coverage_live(&self) -> Option<f64> {
        let step = self.ensemble.past().step();
        self.ensemble.evidence().coverage(step)
    }

    /// The model in use: `auto` or the pinned one.
    pub fn model(&self) -> &'static str {
        self.how.model.as_str()
    }

    /// End of the newest sample that was not missing.
    pub fn newest(&self) -> Option<DateTime<Utc>> {
        self.newest
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod trust_tests;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod holiday_tests;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod fall_tests;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod outage_tests;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod asleep_tests;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod step_tests;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod part_tests;
