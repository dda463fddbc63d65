//! A recorded load as the simulated cluster lives through it, and as a datasource would have shown it.

use crate::series::{Series, SeriesError};
use crate::sim::{Load, Random};
use chrono::{DateTime, TimeDelta, Utc};
use std::sync::Arc;

/// Loads within a step that the recording does not show: noise relative to the load.
///
/// Measured on four recordings of one minute (World Cup 1998, two KPIs of a large web service, the Twitter stream of 2021) as
/// the robust deviation (1.4826 × median absolute) of minutes from the straight line through the means of coarser steps: medians
/// 2.9 % within 5 min (without memory), 3.6 % within 10 min, 4.5 % within 30 min. What is beyond the 2.9 % moves slowly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Deviation from minute to minute, as a share of the load.
    pub quick: f64,
    /// Deviation that stays for about ten minutes.
    pub slow: f64,
}

impl Noise {
    /// None.
    pub const NONE: Self = Self { quick: 0.0, slow: 0.0 };

    /// As measured, by the step of the recording: nothing is added below five minutes.
    ///
    /// √(3.6² − 2.9²) = 2.1 % at 10 min, √(4.5² − 2.9²) = 3.4 % at 30 min and more.
    pub fn measured(step: TimeDelta) -> Self {
        match step.num_minutes() {
            ..5 => Self::NONE,
            5..10 => Self { quick: 0.029, slow: 0.0 },
            10..30 => Self { quick: 0.029, slow: 0.021 },
            _ => Self { quick: 0.029, slow: 0.034 },
        }
    }

    /// The factor of one minute, 1 on average and never negative.
    fn factor(&self, minute: i64, seed: u64) -> f64 {
        let draw = |salt: u64, slot: i64| Random::of(seed ^ salt, slot as u64).normal();
        let mut noise = self.quick * draw(0x9_1c4, minute);
        if self.slow > 0.0 {
            let (slot, part) = (minute.div_euclid(10), minute.rem_euclid(10) as f64 / 10.0);
            noise += self.slow * (draw(0x51_0e, slot) * (1.0 - part) + draw(0x51_0e, slot + 1) * part);
        }
        (1.0 + noise).max(0.0)
    }
}

/// The grid of a recording coarser than it, seconds.
const MINUTE: i64 = 60;

/// A recorded load on a grid of at most a minute. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Recorded {
    start: i64,
    step: i64,
    /// Missing samples repeat the one before: the simulation needs some load, and this one was seen.
    lived: Arc<[f32]>,
    shown: Series,
}

impl Recorded {
    /// Brings a recording to the grid: up to a minute as it is, coarser ones by the straight line between the middles of their
    /// steps, with noise. `None` if the series has not a single sample.
    ///
    /// # Errors
    /// A recording that is no load, or whose step is not on the grid.
    pub fn new(series: &Series, noise: Noise, seed: u64) -> Result<Option<Self>, SeriesError> {
        let fine = if series.step_seconds() <= MINUTE { series.clone() } else { refined(series, noise, seed)? };
        let Some(mut last) = fine.values().iter().copied().find(|v| !v.is_nan()) else { return Ok(None) };
        let fill = |value: &f32| {
            last = if value.is_nan() { last } else { *value };
            last
        };
        let lived = fine.values().iter().map(fill).collect();
        let (start, step) = (fine.start().timestamp(), fine.step_seconds());
        Ok(Some(Self { start, step, lived, shown: fine }))
    }

    /// The first moment.
    pub fn start(&self) -> DateTime<Utc> {
        self.shown.start()
    }

    /// The end of the last interval.
    pub fn end(&self) -> DateTime<Utc> {
        self.shown.end()
    }

    /// Means over `step`, with gaps, as a datasource would have given them.
    ///
    /// # Errors
    /// A step that is not a multiple of the grid.
    pub fn history(&self, step: TimeDelta) -> Result<Series, SeriesError> {
        if step.num_seconds() == self.step { Ok(self.shown.clone()) } else { self.shown.resample(step) }
    }

    /// Mean load over what was measured in `[from, until)`; `None` where nothing was.
    pub fn mean(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<f64> {
        let (mut sum, mut seen) = (0.0, 0_u32);
        for value in self.shown.values()[self.range(from, until)].iter().filter(|v| !v.is_nan()) {
            sum += f64::from(*value);
            seen += 1;
        }
        (seen > 0).then(|| sum / f64::from(seen))
    }

    /// The highest load lived through in `[from, until)`; 0 for an empty range.
    pub fn peak(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> f64 {
        self.lived[self.range(from, until)].iter().copied().fold(0.0, f32::max).into()
    }

    /// When the load was highest within `[from, until)`.
    pub fn peak_at(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let range = self.range(from, until);
        let best = range.max_by(|a, b| self.lived[*a].total_cmp(&self.lived[*b]))?;
        Some(self.shown.time(best))
    }

    /// The grid points that touch `[from, until)`.
    fn range(&self, from: DateTime<Utc>, until: DateTime<Utc>) -> std::ops::Range<usize> {
        let bound = |seconds: i64| usize::try_from(seconds).unwrap_or(0).min(self.lived.len());
        let first = bound((from.timestamp() - self.start).div_euclid(self.step));
        let end = bound((until.timestamp() - self.start + self.step - 1).div_euclid(self.step));
        first..end.max(first)
    }
}

impl Load for Recorded {
    fn at(&self, t: DateTime<Utc>) -> f64 {
        let i = (t.timestamp() - self.start).div_euclid(self.step).max(0) as usize;
        f64::from(self.lived[i.min(self.lived.len() - 1)])
    }
}

/// Minutes of a coarser recording.
fn refined(series: &Series, noise: Noise, seed: u64) -> Result<Series, SeriesError> {
    let (start, step) = (series.start().timestamp(), series.step_seconds());
    let first = start.div_euclid(MINUTE);
    let minutes = (series.end().timestamp() - first * MINUTE) / MINUTE;
    let values = series.values();
    let value = |minute: i64| {
        // The middle of the minute, in steps from the middle of the first one.
        let position = ((minute * MINUTE + MINUTE / 2 - start) as f64) / step as f64;
        let own = (position.floor().max(0.0) as usize).min(values.len() - 1);
        let mean = values[own];
        let (left, part) = ((position - 0.5).floor(), (position - 0.5).rem_euclid(1.0));
        let near = |i: f64| {
            let found = if i < 0.0 { None } else { values.get(i as usize) };
            f64::from(*found.filter(|v| !v.is_nan()).unwrap_or(&mean))
        };
        let line = near(left) * (1.0 - part) + near(left + 1.0) * part;
        if mean.is_nan() { f32::NAN } else { (line * noise.factor(minute, seed)) as f32 }
    };
    let start = DateTime::from_timestamp(first * MINUTE, 0).unwrap_or_default();
    Series::new(start, TimeDelta::seconds(MINUTE), (first..first + minutes).map(value).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + second, 0).unwrap()
    }

    fn series(step: i64, values: &[f32]) -> Series {
        Series::new(at(0), TimeDelta::seconds(step), values.to_vec()).unwrap()
    }

    #[test]
    fn minutes_are_lived_as_recorded_and_gaps_are_shown() {
        let recorded = Recorded::new(&series(60, &[1.0, f32::NAN, 3.0]), Noise::NONE, 1).unwrap().unwrap();
        assert_eq!([0, 59, 60, 120, 500].map(|s| recorded.at(at(s))), [1.0, 1.0, 1.0, 3.0, 3.0]);
        assert_eq!(recorded.history(TimeDelta::minutes(1)).unwrap().at(at(60)), None);
        assert_eq!((recorded.mean(at(0), at(180)), recorded.peak(at(0), at(121))), (Some(2.0), 3.0));
        assert_eq!(recorded.peak_at(at(0), at(180)), Some(at(120)));
        assert!(Recorded::new(&series(60, &[f32::NAN]), Noise::NONE, 1).unwrap().is_none());
    }

    #[test]
    fn coarse_steps_are_joined_by_the_straight_line() {
        let recorded = Recorded::new(&series(600, &[10.0, 20.0, 20.0]), Noise::NONE, 1).unwrap().unwrap();
        // From the middle of the first step (300 s) to that of the second (900 s): 10 in ten minutes, here at half a minute.
        assert!((recorded.at(at(600)) - 15.5).abs() < 1e-6, "{}", recorded.at(at(600)));
        assert_eq!((recorded.at(at(0)), recorded.at(at(1790))), (10.0, 20.0));
    }

    #[test]
    fn noise_has_the_measured_deviation_and_no_bias() {
        let flat = series(600, &vec![100.0; 2000]);
        let recorded = Recorded::new(&flat, Noise::measured(TimeDelta::minutes(10)), 7).unwrap().unwrap();
        let count = recorded.lived.len() as f64;
        let mean = recorded.lived.iter().map(|v| f64::from(*v)).sum::<f64>() / count;
        let variance = recorded.lived.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / count;
        // The slow part loses a third of its variance to the straight line: √(2.9² + ⅔·2.1²) = 3.4.
        assert!((mean - 100.0).abs() < 0.2 && (variance.sqrt() - 3.4).abs() < 0.2, "{mean} {variance}");
        assert_eq!(Noise::measured(TimeDelta::minutes(1)), Noise::NONE);
    }
}
