//! MSTL base: seasonal-trend decomposition with several seasons, by the augurs library, fitted once a day.
//!
//! Bandara, Hyndman and Bergmeir, "MSTL: A Seasonal-Trend Decomposition Algorithm for Time Series with Multiple Seasonal
//! Patterns" (2021). augurs has no notion of missing samples and can panic on odd input, so it only ever sees a gap-free,
//! finite, cleaned history, behind `catch_unwind`; a failed fit leaves the previous one.
//!
//! Its trend goes on as its last value, or as the exponential smoothing that fits it best (`AutoETS`; Hyndman, Koehler, Snyder and
//! Grose 2002), whose trend is damped: over five days an undamped one leaves every bound.

use crate::{
    calendar::DAY,
    forecast::past::{Past, WEEKS},
};
use augurs::{
    Fit, Predict,
    ets::AutoETS,
    mstl::{MSTLModel, NaiveTrend, TrendModel},
};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Samples a cycle must have; shorter ones say nothing, and MSTL divides by them.
const SHORTEST_CYCLE: usize = 4;
/// Samples above which a fit would take too long; coarser steps are for others.
const LONGEST: usize = 50_000;

/// Why a decomposition could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MstlError {
    /// Two whole days are the least.
    #[error("less than two days of samples")]
    Short,
    /// More samples than it can take in reasonable time.
    #[error("{0} samples are more than {LONGEST}; use a longer step")]
    Long(usize),
    /// What the library said.
    #[error("{0}")]
    Library(String),
}

/// How the trend goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// As its last value.
    Last,
    /// As the damped exponential smoothing that fits it best.
    Smoothed,
}

/// The newest decomposition, continued ahead.
#[derive(Clone, Debug)]
pub struct Mstl {
    trend: Trend,
    from: i64,
    ahead: Vec<f32>,
    due: i64,
    failure: Option<MstlError>,
}

impl Mstl {
    /// Nothing fitted yet.
    pub fn new(trend: Trend) -> Self {
        Self { trend, from: 0, ahead: Vec::new(), due: 0, failure: None }
    }

    /// The continuation at sample `i`; NaN outside of it.
    pub fn at(&self, i: i64) -> f64 {
        let ahead = usize::try_from(i - self.from).ok();
        ahead.and_then(|a| self.ahead.get(a)).map_or(f64::NAN, |v| f64::from(*v))
    }

    /// Why the last fit failed, if it did.
    pub fn failure(&self) -> Option<&MstlError> {
        self.failure.as_ref()
    }

    /// Fits anew if a day has passed; says whether there is a new continuation.
    pub fn refit_if_due(&mut self, past: &Past) -> bool {
        if past.next() < self.due {
            return false;
        }
        let day = past.samples_in(DAY) as i64;
        self.due = past.next() + day;
        match continuation(past, self.trend, 5 * day as usize) {
            Ok(ahead) => {
                self.from = past.next();
                self.ahead = ahead;
                self.failure = None;
                true
            }
            Err(failure) => {
                self.failure = Some(failure);
                false
            }
        }
    }
}

fn continuation(past: &Past, trend: Trend, ahead: usize) -> Result<Vec<f32>, MstlError> {
    let day = past.samples_in(DAY);
    let held = (past.next() - past.first()).min(WEEKS * 7 * day as i64);
    let len = held as usize;
    if len < 2 * day || day < SHORTEST_CYCLE {
        return Err(MstlError::Short);
    }
    if len > LONGEST {
        return Err(MstlError::Long(len));
    }
    let periods = if len >= 14 * day { vec![day, 7 * day] } else { vec![day] };
    let history = filled(past, past.next() - held, day as i64);
    let made = catch_unwind(AssertUnwindSafe(|| decompose(&history, periods, trend, ahead)))
        .map_err(|_| MstlError::Library("the decomposition panicked".to_owned()))??;
    let sound = made.len() == ahead && made.iter().all(|v| v.is_finite());
    sound.then_some(made).ok_or_else(|| MstlError::Library("the decomposition is not finite".to_owned()))
}

fn decompose(history: &[f64], periods: Vec<usize>, trend: Trend, ahead: usize) -> Result<Vec<f32>, MstlError> {
    match trend {
        Trend::Last => continued(history, &MSTLModel::new(periods, NaiveTrend::new()), ahead),
        Trend::Smoothed => {
            let smoothing = AutoETS::non_seasonal().damped(true).map_err(|e| MstlError::Library(e.to_string()))?;
            continued(history, &MSTLModel::new(periods, smoothing.into_trend_model()), ahead)
        }
    }
}

fn continued<T: TrendModel>(history: &[f64], model: &MSTLModel<T>, ahead: usize) -> Result<Vec<f32>, MstlError> {
    let say = |e: augurs::mstl::Error| MstlError::Library(e.to_string());
    let fitted = model.fit(history).map_err(say)?;
    let forecast = fitted.predict(ahead, None).map_err(say)?;
    Ok(forecast.point.iter().map(|v| *v as f32).collect())
}

/// The clean history without gaps: up to three missing samples are bridged by a line, longer gaps by the day before, the
/// week before, or the mean.
fn filled(past: &Past, from: i64, day: i64) -> Vec<f64> {
    let mut values: Vec<f64> = (from..past.next()).map(|i| f64::from(past.clean(i))).collect();
    let mut i = 0;
    while i < values.len() {
        if values[i].is_nan() {
            let end = (i..values.len()).find(|&j| !values[j].is_nan()).unwrap_or(values.len());
            bridge(&mut values, i..end, day as usize, past.mean());
            i = end;
        }
        i += 1;
    }
    values
}

fn bridge(values: &mut [f64], gap: std::ops::Range<usize>, day: usize, mean: f64) {
    let before = gap.start.checked_sub(1).map(|i| values[i]);
    let after = values.get(gap.end).copied();
    for i in gap.clone() {
        values[i] = match (before, after) {
            (Some(a), Some(b)) if gap.len() <= 3 => a + (b - a) * (i + 1 - gap.start) as f64 / (gap.len() + 1) as f64,
            _ => i.checked_sub(7 * day).or_else(|| i.checked_sub(day)).map_or(mean, |j| values[j]),
        };
    }
}
