//! What trouble in the history does to the forecast, on CSV traces of at least 15 days:
//!
//! - a 3-hour outage (zeros) last week: how far this week's upper quantile moves in that window;
//! - a one-hour burst (× 5) last week: the same;
//! - 10 % of all samples missing at random, eight draws: how far the peak of the next day's upper quantile moves;
//! - a lasting step of +40 %: what share of it the forecast for 15 min ahead has taken up after 2 h.
//!
//! `cargo run --release -p floorcast-models --example robustness -- FILE.csv…`. Outage, burst and step are tried at eight times
//! of the day: the median and the worst are printed, in percent.
#![allow(clippy::unwrap_used)]

use chrono::TimeDelta;
use floorcast_models::{
    forecast::Forecast,
    learn::{Learned, Learning, learn},
    series::Series,
    sim::Random,
    trace::Trace,
};
use std::{env, fs};

/// Times of the day that are tried.
const TIMES: usize = 8;

fn main() {
    println!("{:24} {:>15} {:>15} {:>15} {:>15}", "", "outage 3 h", "burst × 5", "gaps", "step taken up");
    for file in env::args().skip(1) {
        let trace = Trace::parse(&fs::read_to_string(&file).unwrap()).map_err(|e| format!("{file}: {e}")).unwrap();
        let step = TimeDelta::minutes(5).max(trace.step());
        let series = trace.series(trace.end() - TimeDelta::days(28), step).unwrap();
        let name = file.rsplit('/').next().unwrap().trim_end_matches(".csv");
        let whole = forecast(&series);
        let outage = spread((0..TIMES).map(|i| moved(&series, &whole, i, TimeDelta::hours(3), 0.0)));
        let burst = spread((0..TIMES).map(|i| moved(&series, &whole, i, TimeDelta::hours(1), 5.0)));
        let (low, taken) = low(taken_up(&series));
        println!("{name:24} {outage:>15} {burst:>15} {:>15} {taken:>7.0} ≥ {low:4.0}", gaps(&series, &whole));
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

fn spread(values: impl Iterator<Item = f64>) -> String {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    format!("{:.1} ≤ {:.1}", values[TIMES / 2], values[TIMES - 1])
}

/// The least and the median.
fn low(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[0], values[TIMES / 2])
}
