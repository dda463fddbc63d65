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

/// The history as bases read it, without gaps: what is neither bridged nor filled there is as a week before, a day before, or the mean.
fn filled(history: History<'_>) -> Vec<f64> {
    let History { past, from, day } = history;
    let mut values: Vec<f64> = Vec::with_capacity(history.len());
    for i in from..past.next() {
        let known = f64::from(past.bridged(i));
        let earlier = [7 * day, day].into_iter().find_map(|back| values.len().checked_sub(back));
        values.push(if known.is_nan() { earlier.map_or(past.mean(), |j| values[j]) } else { known });
    }
    values
}
