//! What trouble in the history does to the forecast, on CSV traces of at least 15 days:
//!
//! - a 3-hour outage (zeros) last week: how far this week's upper quantile moves in that window;
//! - a one-hour burst (× 5) last week: the same;
//! - the same hours missing last week: what is lost with them, however well a disturbance is told;
//! - 10 % of all samples missing at random, eight draws: how far the peak of the next day's upper quantile moves;
//! - a lasting step of +40 %: what share of it the forecast for 15 min ahead has taken up after 2 h;
//! - a change of the clock (23 and 25 h days, in Berlin and in Adelaide, half an hour off the others): the load follows the wall clock,
//!   and by how much the error of the three days after it, a day ahead, exceeds that of the same days without a change; the same
//!   where the zone is not told.
//!
//! `cargo run --release -p floorcast-models --example robustness -- FILE.csv…`. Outage, burst and step are tried at eight times
//! of the day: the median and the worst are printed, in percent.
#![allow(clippy::unwrap_used)]

mod asked;
mod traces;

use asked::files;
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use floorcast_models::{
    calendar::{Calendar, DAY, WEEK},
    forecast::Forecast,
    learn::{Learned, Learning, learn},
    series::Series,
    sim::Random,
    trace::Trace,
};
use traces::{KIND, trace};

/// Times of the day that are tried.
const TIMES: usize = 8;

fn main() {
    let files = files("none", KIND, |_| asked::Taken::Unknown);
    println!(
        "{:24} {:>15} {:>15} {:>15} {:>15} {:>15} {:>15} {:>15} {:>15}",
        "",
        "outage 3 h",
        "3 h missing",
        "burst × 5",
        "1 h missing",
        "gaps",
        "step taken up",
        "clock change",
        "not told"
    );
    for file in &files {
        let (name, trace) = trace(file);
        let step = TimeDelta::minutes(5).max(trace.step());
        let series = trace.series(trace.end() - TimeDelta::days(28), step).unwrap();
        let whole = forecast(&series);
        let disturbed =
            |hours, factor| spread((0..TIMES).map(|i| moved(&series, &whole, i, TimeDelta::hours(hours), factor)));
        let (outage, outage_missing) = (disturbed(3, 0.0), disturbed(3, f32::NAN));
        let (burst, burst_missing) = (disturbed(1, 5.0), disturbed(1, f32::NAN));
        let (low, taken) = low(taken_up(&series));
        let gaps = gaps(&series, &whole);
        let [told, ignored] = clock_changes(&trace, step);
        println!(
            "{name:24} {outage:>15} {outage_missing:>15} {burst:>15} {burst_missing:>15} {gaps:>15} {taken:>8.0} ≥ {low:4.0} {told:>15} {ignored:>15}"
        );
    }
}

fn learned(series: &Series) -> Learned {
    learn(series, &Learning { lead: TimeDelta::minutes(15), ..Learning::default() }).unwrap()
}

fn forecast(series: &Series) -> Forecast {
    learned(series).forecast(series.end())
}

fn steps(series: &Series, span: TimeDelta) -> usize {
    ((span.num_seconds() / series.step_seconds()) as usize).max(1)
}

fn with(series: &Series, change: impl Fn(usize, f32) -> f32) -> Series {
    let values = series.values().iter().enumerate().map(|(i, v)| change(i, *v));
    Series::new(series.start(), series.step(), values.collect()).unwrap()
}

/// Change of the upper quantile in the window at the `i`-th time of the coming day if last week's load there was `factor` times.
fn moved(series: &Series, whole: &Forecast, i: usize, length: TimeDelta, factor: f32) -> f64 {
    let (from, length) = (i * steps(series, TimeDelta::hours(24)) / TIMES, steps(series, length));
    let last_week = series.len() + from - steps(series, TimeDelta::weeks(1));
    let troubled = with(series, |i, v| if (last_week..last_week + length).contains(&i) { v * factor } else { v });
    let sum = |f: &Forecast| f.upper[from..from + length].iter().sum::<f64>();
    change(sum(&forecast(&troubled)), sum(whole))
}

/// Change of the next day's peak where a tenth of all samples are missing, for several draws.
fn gaps(series: &Series, whole: &Forecast) -> String {
    let peak = |f: &Forecast| f.upper.iter().copied().fold(0.0, f64::max);
    spread((0..TIMES).map(|draw| {
        let mut random = Random::new(draw as u64 + 7);
        let missing: Vec<bool> = (0..series.len()).map(|_| random.unit() < 0.1).collect();
        let with_gaps = with(series, |i, v| if missing[i] { f32::NAN } else { v });
        change(peak(&forecast(&with_gaps)), peak(whole))
    }))
}

fn change(now: f64, before: f64) -> f64 {
    100.0 * (now / before.max(f64::MIN_POSITIVE) - 1.0).abs()
}

/// Shares of a step of +40 % that stand in the forecast for 15 min ahead two hours after it, in percent.
fn taken_up(series: &Series) -> Vec<f64> {
    let (day, two) = (steps(series, TimeDelta::hours(24)), steps(series, TimeDelta::hours(2)));
    let ahead = steps(series, TimeDelta::minutes(15)) - 1;
    let share = |i: usize| {
        let at = series.len() - day - two + i * day / TIMES;
        let known = Series::new(series.start(), series.step(), series.values()[..at].to_vec()).unwrap();
        let before = learned(&known);
        let after = |factor: f64| {
            let mut learned = before.clone();
            for i in at..at + two {
                learned.observe(series.time(i), series.at(series.time(i)).map(|v| v * factor));
            }
            learned.value_quantile(ahead, 0.5).0
        };
        100.0 * (after(1.4) / after(1.0).max(f64::MIN_POSITIVE) - 1.0) / 0.4
    };
    (0..TIMES).map(share).collect()
}

/// Changes of the clock, each on a Sunday, as the instant from which the other time holds; and a zone of the same time without any.
const CHANGES: [(Tz, Tz, &str); 4] = [
    (chrono_tz::Europe::Berlin, chrono_tz::Africa::Algiers, "2026-03-29T01:00:00Z"),
    (chrono_tz::Europe::Berlin, chrono_tz::Africa::Algiers, "2025-10-26T01:00:00Z"),
    (chrono_tz::Australia::Adelaide, chrono_tz::Australia::Darwin, "2025-10-04T16:30:00Z"),
    (chrono_tz::Australia::Adelaide, chrono_tz::Australia::Darwin, "2026-04-04T16:30:00Z"),
];
/// Days before a change that are known, and days after it that are scored.
const BEFORE: i64 = 24;
const AFTER: i64 = 3;

/// By how much the errors after each change exceed those of the same days without one: where the zone is told, and where it is not.
fn clock_changes(trace: &Trace, step: TimeDelta) -> [String; 2] {
    let whole = trace.series(trace.start(), step).unwrap();
    let excess = CHANGES.map(|(zone, steady, instant)| {
        let change = instant.parse::<DateTime<Utc>>().unwrap();
        let without = error(&whole, steady, steady, change);
        [zone, steady].map(|told| Some(100.0 * (error(&whole, zone, told, change)? / without? - 1.0)))
    });
    [0, 1].map(|told| {
        let all: Option<Vec<f64>> = excess.iter().map(|both| both[told]).collect();
        all.map_or("too short".to_owned(), |all| spread(all.into_iter()))
    })
}

/// Error of the forecasts for a day from every hour of the days after a change, as a share of the load: of the trace moved by whole
/// weeks of the wall clock of `zone`, whose last Sunday with so many days after it becomes that of the change, learned in the zone `told`. `None` where
/// too little comes before that.
fn error(whole: &Series, zone: Tz, told: Tz, change: DateTime<Utc>) -> Option<f64> {
    let (step, change) = (whole.step_seconds(), change.timestamp());
    let clock = Calendar::new(zone, change - 40 * DAY, change + 40 * DAY);
    // 1970-01-01 was a Thursday, three days before a Sunday.
    let sunday = |t: i64| t - (t - 3 * DAY).rem_euclid(WEEK);
    let moved = sunday(clock.local(change - 1)) - sunday(whole.end().timestamp() - (AFTER + 2) * DAY);
    let load = |t: i64| whole.at(DateTime::from_timestamp(clock.local(t) - moved, 0).unwrap());
    let stamps = |from: i64, days: i64| (from..from + days * DAY).step_by(step as usize);
    let known = stamps(change - BEFORE * DAY, BEFORE).map(|t| load(t).map_or(f32::NAN, |v| v as f32));
    let start = DateTime::from_timestamp(change - BEFORE * DAY, 0).unwrap();
    let known = Series::new(start, whole.step(), known.collect()).unwrap();
    let mut learned = learn(&known, &Learning { zone: told, ..Learning::default() }).ok()?;
    let (mut off, mut sum) = (0.0, 0.0);
    for t in stamps(change, AFTER) {
        let now = DateTime::from_timestamp(t, 0).unwrap();
        if t % 3600 == change % 3600 {
            let forecast = learned.forecast(now);
            for (i, point) in forecast.point.iter().enumerate() {
                if let Some(came) = load(forecast.time(i).timestamp()) {
                    (off, sum) = (off + (point - came).abs(), sum + came);
                }
            }
        }
        learned.observe(now, load(t));
    }
    Some(off / sum)
}

fn spread(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let most = values.len() - 1;
    format!("{:.1} ≤ {:.1}", values[values.len() / 2], values[most])
}

/// The least and the median.
fn low(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[0], values[TIMES / 2])
}
