//! MSTL base: seasonal-trend decomposition with several seasons, by the augurs library.
//!
//! Bandara, Hyndman and Bergmeir, "MSTL: A Seasonal-Trend Decomposition Algorithm for Time Series with Multiple Seasonal
//! Patterns" (2021). augurs has no notion of missing samples there, so it only ever sees a gap-free, finite, cleaned history.
//!
//! Its trend goes on as its last value, or as the exponential smoothing that fits it best (`AutoETS`; Hyndman, Koehler, Snyder and
//! Grose 2002), whose trend is damped: over five days an undamped one leaves every bound.

use super::daily::{FitError, History};
use augurs::{
    Fit, Predict,
    ets::AutoETS,
    mstl::{MSTLModel, NaiveTrend, TrendModel},
};

/// How the trend goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// As its last value.
    Last,
    /// As the damped exponential smoothing that fits it best.
    Smoothed,
}

pub(super) fn continuation(history: History<'_>, trend: Trend, ahead: usize) -> Result<Vec<f32>, FitError> {
    let day = history.day;
    let periods = if history.len() >= 14 * day { vec![day, 7 * day] } else { vec![day] };
    let values = filled(history);
    match trend {
        Trend::Last => continued(&values, &MSTLModel::new(periods, NaiveTrend::new()), ahead),
        Trend::Smoothed => {
            let smoothing = AutoETS::non_seasonal().damped(true).map_err(FitError::said)?;
            continued(&values, &MSTLModel::new(periods, smoothing.into_trend_model()), ahead)
        }
    }
}

fn continued<T: TrendModel>(history: &[f64], model: &MSTLModel<T>, ahead: usize) -> Result<Vec<f32>, FitError> {
    let fitted = model.fit(history).map_err(FitError::said)?;
    let forecast = fitted.predict(ahead, None).map_err(FitError::said)?;
    Ok(forecast.point.iter().map(|v| *v as f32).collect())
}

/// The clean history without gaps: up to three missing samples are bridged by a line, longer gaps by the day before, the
/// week before, or the mean.
fn filled(history: History<'_>) -> Vec<f64> {
    let History { past, from, day } = history;
    let mut values: Vec<f64> = (from..past.next()).map(|i| f64::from(past.clean(i))).collect();
    let mut i = 0;
    while i < values.len() {
        if values[i].is_nan() {
            let end = (i..values.len()).find(|&j| !values[j].is_nan()).unwrap_or(values.len());
            bridge(&mut values, i..end, day, past.mean());
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
