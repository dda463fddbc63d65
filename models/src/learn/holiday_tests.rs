//! Holidays: a weekday that is none, and what it teaches the weekdays after it.

use super::*;
use crate::testing::time;

/// Samples a day at five minutes.
const DAILY: usize = 288;

/// Whole days of a load with a noon of 100 on weekdays, 40 on Sundays and on the days `quiet`, counted from a Monday.
fn history(days: usize, quiet: &[usize]) -> Series {
    let value = |i: usize| {
        let day = i / DAILY;
        let height = if day % 7 == 6 || quiet.contains(&day) { 30.0 } else { 90.0 };
        let hour = (i % DAILY) as f64 / 12.0;
        let wobble = ((i * 7919) % 101) as f64 / 101.0 - 0.5;
        (10.0 + height * (-((hour - 12.0) / 3.0).powi(2)).exp() + wobble) as f32
    };
    Series::new(time(0), TimeDelta::minutes(5), (0..days * DAILY).map(value).collect()).unwrap()
}

fn day(number: i64) -> Day {
    Day::of(time(number * 24 * 60).date_naive())
}

/// Point and upper value at noon of the day after the history.
fn noon(history: &Series, holidays: &[i64]) -> (f64, f64) {
    let how = Learning {
        lead: TimeDelta::minutes(15),
        holidays: holidays.iter().map(|number| day(*number)).collect(),
        ..Learning::default()
    };
    let forecast = learn(history, &how).unwrap().forecast(history.end());
    (forecast.point[144], forecast.upper[144])
}

#[test]
fn a_holiday_is_forecast_as_a_sunday_with_a_wider_margin() {
    // 31 days from a Monday: what comes is a Thursday.
    let history = history(31, &[]);
    let (usual, _) = noon(&history, &[]);
    assert!((usual - 100.0).abs() < 10.0, "{usual}");
    let (point, upper) = noon(&history, &[31]);
    assert!((point - 40.0).abs() < 10.0, "{point}");
    let (_, thursday) = noon(&history, &[]);
    assert!(upper - point > 1.2 * (thursday - usual), "{upper} over {point}, {thursday} over {usual}");
}

#[test]
fn a_past_holiday_says_nothing_of_the_weekday_after_it() {
    // The Thursday a week ago was quiet: listed, it is left out of the Thursdays.
    let history = history(31, &[24]);
    let (listed, _) = noon(&history, &[24]);
    let (unlisted, _) = noon(&history, &[]);
    assert!((listed - 100.0).abs() < 10.0, "{listed}");
    assert!(listed >= unlisted - 1.0, "{listed} listed, {unlisted} not");
}

#[test]
fn a_holiday_after_holidays_is_like_them() {
    // Christmas: the second day is like the first, which was not like a Sunday.
    let mut busy = history(30, &[]);
    let from = 29 * DAILY;
    let raised: Vec<f32> =
        busy.values().iter().enumerate().map(|(i, v)| if i >= from { v * 0.7 } else { *v }).collect();
    busy = Series::new(busy.start(), busy.step(), raised).unwrap();
    let (second, _) = noon(&busy, &[29, 30]);
    let (alone, _) = noon(&busy, &[30]);
    assert!(second > alone + 5.0, "{second} after a holiday of 70, {alone} after Sundays of 40 only");
}
