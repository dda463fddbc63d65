//! Loads over time: recorded ones, and invented ones with the seasons of real traffic.

use crate::series::{Series, SeriesError};
use crate::sim::Random;
use chrono::{DateTime, Datelike, TimeDelta, Utc};

/// The total load at any moment, in the load's unit; finite and not negative.
pub trait Load {
    /// The load at `t`.
    fn at(&self, t: DateTime<Utc>) -> f64;
}

impl<F: Fn(DateTime<Utc>) -> f64> Load for F {
    fn at(&self, t: DateTime<Utc>) -> f64 {
        self(t)
    }
}

/// A recorded load. A missing sample repeats the one before it: the simulation needs some load, and this one was seen.
#[derive(Clone, Debug)]
pub struct Trace {
    start: i64,
    step: i64,
    values: Vec<f32>,
}

impl Trace {
    /// `None` if the series has not a single sample.
    pub fn new(series: &Series) -> Option<Self> {
        let mut last = *series.values().iter().find(|v| !v.is_nan())?;
        let fill = |value: &f32| {
            last = if value.is_nan() { last } else { *value };
            last
        };
        let values = series.values().iter().map(fill).collect();
        Some(Self { start: series.start().timestamp(), step: series.step_seconds(), values })
    }
}

impl Load for Trace {
    fn at(&self, t: DateTime<Utc>) -> f64 {
        let i = (t.timestamp() - self.start).div_euclid(self.step).max(0) as usize;
        f64::from(self.values[i.min(self.values.len() - 1)])
    }
}

/// An invented load: two peaks a day, weekday factors, growth, noise on two scales and bursts, all by seed.
///
/// A function of time alone, so that any moment can be asked for in any order.
#[derive(Clone, Debug)]
pub struct Seasonal {
    /// The day's form by minute, at the mean of the week; one minute more closes the circle.
    day: Vec<f64>,
    /// Factors of Monday to Sunday.
    weekdays: [f64; 7],
    /// Growth a week, as a share.
    growth: f64,
    /// Deviation of the noise, as a share of the load.
    noise: f64,
    /// Bursts a day.
    bursts: f64,
    /// Which of all such loads.
    seed: u64,
}

/// A daily peak: (hour of day in UTC, width in hours, height over the night's level).
type Peak = (f64, f64, f64);

impl Seasonal {
    /// A plausible load of this mean: the seed chooses the hours and heights of the peaks, the weekend, noise and bursts.
    ///
    /// ```
    /// use chrono::DateTime;
    /// use floorcast_models::sim::{Load, Seasonal};
    /// let load = Seasonal::by_seed(7, 100.0);
    /// let t = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    /// assert_eq!(load.at(t), Seasonal::by_seed(7, 100.0).at(t));
    /// ```
    pub fn by_seed(seed: u64, mean: f64) -> Self {
        let mut random = Random::of(seed, 0x10ad);
        let morning = (random.between(9.0, 12.0), random.between(1.5, 3.0), random.between(1.0, 2.5));
        let evening = (random.between(17.0, 21.0), random.between(1.5, 3.0), random.between(1.0, 2.5));
        let weekend = random.between(0.4, 0.9);
        let mut weekdays = [1.0; 7];
        for (i, factor) in weekdays.iter_mut().enumerate() {
            *factor = random.between(0.92, 1.08) * if i >= 5 { weekend } else { 1.0 };
        }
        let night = random.between(0.2, 0.6);
        let (growth, noise, bursts) =
            (random.between(-0.01, 0.02), random.between(0.02, 0.06), random.between(0.0, 0.4));
        let day = day(mean, &[morning, evening], night, &weekdays);
        Self { day, weekdays, growth, noise, bursts, seed }
    }

    /// Without noise, bursts and growth: peaks at 10:00 and 19:00 UTC, weekends at 60 %. For tests that need a known peak.
    pub fn smooth(mean: f64) -> Self {
        let weekdays = [1.0, 1.0, 1.0, 1.0, 1.0, 0.6, 0.6];
        let day = day(mean, &[(10.0, 2.0, 2.0), (19.0, 2.0, 1.5)], 0.4, &weekdays);
        Self { day, weekdays, growth: 0.0, noise: 0.0, bursts: 0.0, seed: 0 }
    }

    /// With noise of this deviation, as a share of the load.
    #[must_use]
    pub fn with_noise(self, noise: f64) -> Self {
        Self { noise, ..self }
    }

    /// With this many bursts a day, 0 to 1.
    #[must_use]
    pub fn with_bursts(self, bursts: f64) -> Self {
        Self { bursts, ..self }
    }

    /// Growing by this share a week.
    #[must_use]
    pub fn with_growth(self, growth: f64) -> Self {
        Self { growth, ..self }
    }

    /// The load as a series: the value at the start of each step.
    pub fn series(&self, start: DateTime<Utc>, step: TimeDelta, samples: usize) -> Result<Series, SeriesError> {
        let at = |i: usize| self.at(start + step * i32::try_from(i).unwrap_or(i32::MAX)) as f32;
        Series::new(start, step, (0..samples).map(at).collect())
    }

    /// The day's form at a second of the day, between two minutes by the straight line.
    fn form(&self, second: f64) -> f64 {
        let (minute, part) = ((second / 60.0) as usize, (second / 60.0).rem_euclid(1.0));
        let minute = minute.min(self.day.len() - 2);
        self.day[minute] * (1.0 - part) + self.day[minute + 1] * part
    }

    /// Noise of deviation about 1, continuous over `period` seconds.
    fn wobble(&self, second: f64, period: f64, salt: u64) -> f64 {
        let (slot, part) = ((second / period).floor(), (second / period).rem_euclid(1.0));
        let draw = |slot: f64| near_normal(Random::of(self.seed ^ salt, slot as i64 as u64).next());
        draw(slot) * (1.0 - part) + draw(slot + 1.0) * part
    }

    /// The factor of a burst, 1 outside of one. At most one a day, wholly within it.
    fn burst(&self, second: f64) -> f64 {
        let (day, within) = ((second / 86_400.0).floor(), second.rem_euclid(86_400.0));
        let mut random = Random::of(self.seed ^ 0xb0b5, day as i64 as u64);
        if !random.chance(self.bursts) {
            return 1.0;
        }
        let (start, length) = (random.between(0.0, 84_000.0), random.between(300.0, 1800.0));
        let height = random.between(0.3, 1.2);
        // Up within a minute, down within three.
        let rising = (within - start) / 60.0;
        let falling = (start + length - within) / 180.0;
        1.0 + height * rising.min(falling).clamp(0.0, 1.0)
    }
}

impl Load for Seasonal {
    fn at(&self, t: DateTime<Utc>) -> f64 {
        let second = t.timestamp_millis() as f64 / 1000.0;
        let day = t.weekday().num_days_from_monday() as usize;
        let season = self.form(second.rem_euclid(86_400.0)) * self.weekdays[day];
        let weeks = (second - EPOCH) / (7.0 * 86_400.0);
        let trend = if self.growth == 0.0 { 1.0 } else { (1.0 + self.growth).powf(weeks) };
        let noise =
            1.0 + self.noise * 0.5 * self.wobble(second, 60.0, 0x5ec) + self.noise * self.wobble(second, 900.0, 0xf00);
        (season * trend * noise * self.burst(second)).max(0.0)
    }
}

/// The form of an ordinary day by minute, such that the mean over a week is `mean`.
fn day(mean: f64, peaks: &[Peak], night: f64, weekdays: &[f64; 7]) -> Vec<f64> {
    let shape = |minute: i32| night + peaks.iter().map(|peak| bump(f64::from(minute) / 60.0, *peak)).sum::<f64>();
    let form: Vec<f64> = (0..=1440).map(shape).collect();
    let level = form[..1440].iter().sum::<f64>() / 1440.0 * weekdays.iter().sum::<f64>() / 7.0;
    form.iter().map(|value| value / level * mean).collect()
}

/// A bell around its hour, going round midnight.
fn bump(hour: f64, (centre, width, height): Peak) -> f64 {
    let away = (hour - centre).rem_euclid(24.0);
    let away = away.min(24.0 - away) / width;
    height * (-away * away / 2.0).exp()
}

/// Where growth counts from: 2026-11-02 00:00 UTC, a Monday.
const EPOCH: f64 = 1_793_577_600.0;

/// Sum of three uniform draws out of one: nearly normal, mean 0, deviation 1, without a logarithm.
fn near_normal(bits: u64) -> f64 {
    const PART: u64 = (1 << 21) - 1;
    let sum = (bits & PART) + (bits >> 21 & PART) + (bits >> 42 & PART);
    (sum as f64 / PART as f64 - 1.5) * 2.0
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(EPOCH as i64 + second, 0).unwrap()
    }

    fn mean(load: &impl Load, days: i64) -> f64 {
        let minutes = days * 1440;
        (0..minutes).map(|m| load.at(at(60 * m))).sum::<f64>() / minutes as f64
    }

    #[test]
    fn a_week_has_the_mean_that_was_asked_for() {
        assert!((mean(&Seasonal::smooth(100.0), 7) - 100.0).abs() < 0.5);
        for seed in 0..20 {
            let found = mean(&Seasonal::by_seed(seed, 100.0).with_bursts(0.0).with_growth(0.0), 7);
            assert!((found - 100.0).abs() < 4.0, "seed {seed}: {found}");
        }
    }

    #[test]
    fn the_smooth_one_peaks_at_ten_and_rests_at_weekends() {
        let load = Seasonal::smooth(100.0);
        let hours: Vec<f64> = (0..24).map(|h| load.at(at(3600 * h))).collect();
        let highest = (0..24).max_by(|a, b| hours[*a].total_cmp(&hours[*b])).unwrap();
        assert_eq!(highest, 10);
        assert!(load.at(at(5 * 86_400 + 36_000)) < 0.7 * hours[10]);
        assert!(hours[3] < 0.35 * hours[10]);
    }

    #[test]
    fn bursts_come_about_as_often_as_asked_and_noise_is_continuous() {
        let load = Seasonal::by_seed(3, 1.0).with_bursts(0.5);
        let days = (0..400).filter(|d| (0..1440).any(|m| load.burst(f64::from(d * 86_400 + m * 60)) > 1.2)).count();
        assert!((160..=240).contains(&days), "{days}");
        let jump =
            (0..6000).map(|s| (load.wobble(f64::from(s + 1), 60.0, 1) - load.wobble(f64::from(s), 60.0, 1)).abs());
        assert!(jump.fold(0.0, f64::max) < 0.12);
    }

    #[test]
    fn a_trace_repeats_what_it_last_saw() {
        let series = Series::new(at(0), TimeDelta::seconds(60), vec![f32::NAN, 3.0, f32::NAN, 5.0]).unwrap();
        let trace = Trace::new(&series).unwrap();
        let seen = [-60, 0, 61, 121, 180, 9999].map(|second| trace.at(at(second)));
        assert_eq!(seen, [3.0, 3.0, 3.0, 3.0, 5.0, 5.0]);
        let empty = Series::new(at(0), TimeDelta::seconds(60), vec![f32::NAN]).unwrap();
        assert!(Trace::new(&empty).is_none());
    }

    #[test]
    fn the_series_is_the_function_at_the_grid() {
        let load = Seasonal::by_seed(1, 10.0);
        let series = load.series(at(0), TimeDelta::minutes(5), 10).unwrap();
        assert!((series.at(at(1500)).unwrap() - load.at(at(1500))).abs() < 1e-5);
    }
}
