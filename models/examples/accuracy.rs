//! Forecast accuracy on CSV traces (`timestamp_unix_seconds,value`, `#` header): rolling origins, every step of the last week.
//!
//! `cargo run --release --example accuracy -- [--model NAME] FILE.csv…` prints per trace and as geometric means the WAPE and
//! pinball loss (0.95) relative to the same time last week with the rolling 7-day quantile of its own errors, and the
//! coverage. Each forecast comes from [`learn`] once a day and [`observe`](floorcast_models::learn::Learned::observe) since.
#![allow(clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta};
use floorcast_models::{
    forecast::Choice,
    interval::pinball,
    learn::{Learned, Learning, learn},
    series::Series,
};
use std::{env, fs, time::Instant};

const STEP: i64 = 300;
const DAY: usize = 288;
const LEVEL: f64 = 0.95;

/// What is scored: (name, steps ahead of the last sample to the window's end, window length).
const TARGETS: [(&str, usize, usize); 5] =
    [("15m", 3, 1), ("1h", 12, 1), ("24h", 288, 1), ("max15m", 3, 3), ("max1h", 12, 12)];

#[derive(Clone, Copy, Default)]
struct Sums {
    n: f64,
    load: f64,
    error: f64,
    pinball: f64,
    covered: f64,
}

impl Sums {
    fn add(&mut self, point: f64, upper: f64, came: f64) {
        self.n += 1.0;
        self.load += came;
        self.error += (came - point).abs();
        self.pinball += pinball(LEVEL, upper, came);
        self.covered += f64::from(u8::from(came <= upper));
    }
}

fn main() {
    let mut choice = Choice::Auto;
    let mut files = Vec::new();
    let mut args = env::args().skip(1);
    while let Some(arg) = args.next() {
        if arg == "--model" {
            choice = args.next().unwrap().parse().unwrap();
        } else {
            files.push(arg);
        }
    }
    let mut logs = [[0.0; 3]; TARGETS.len()];
    let mut coverage = [0.0; TARGETS.len()];
    for file in &files {
        let series = read(file);
        print!("{:24}", file.rsplit('/').next().unwrap().trim_end_matches(".csv"));
        let scores = score(&series, choice);
        for (t, (ours, naive)) in scores.iter().enumerate() {
            let wape = ours.error / naive.error;
            let loss = ours.pinball / naive.pinball;
            let covered = 100.0 * ours.covered / ours.n;
            print!(" | {:5.2}% {wape:.3} {loss:.3} {covered:4.1}", 100.0 * ours.error / ours.load);
            logs[t][0] += wape.ln();
            logs[t][1] += loss.ln();
            coverage[t] += covered;
        }
        println!();
    }
    let n = files.len() as f64;
    print!("{:24}", "geometric mean");
    for t in 0..TARGETS.len() {
        print!(
            " | {:>6} {:.3} {:.3} {:4.1}",
            TARGETS[t].0,
            (logs[t][0] / n).exp(),
            (logs[t][1] / n).exp(),
            coverage[t] / n
        );
    }
    println!();
}

fn read(file: &str) -> Series {
    let text = fs::read_to_string(file).unwrap();
    let rows: Vec<(i64, f64)> = text
        .lines()
        .filter(|l| !l.starts_with('#'))
        .filter_map(|l| {
            let (t, v) = l.split_once(',')?;
            Some((t.trim().parse().ok()?, v.trim().parse().ok()?))
        })
        .collect();
    let native = rows.windows(2).map(|w| w[1].0 - w[0].0).min().unwrap();
    let start = rows[0].0.div_euclid(native) * native;
    let len = (rows.last().unwrap().0 - start) / native + 1;
    let mut values = vec![f32::NAN; len as usize];
    for (t, v) in rows {
        values[((t - start) / native) as usize] = v as f32;
    }
    let start = DateTime::from_timestamp(start, 0).unwrap();
    let series = Series::new(start, TimeDelta::seconds(native), values).unwrap();
    series.resample(TimeDelta::seconds(STEP)).unwrap()
}

fn realised(values: &[f32], end: usize, len: usize) -> f64 {
    let window = &values[end + 1 - len..=end];
    let there = window.iter().filter(|v| !v.is_nan()).count();
    if there == len { f64::from(window.iter().copied().fold(f32::NAN, f32::max)) } else { f64::NAN }
}

fn score(series: &Series, choice: Choice) -> Vec<(Sums, Sums)> {
    let values = series.values();
    let scored = if values.len() < 24 * DAY { 4 * DAY } else { 7 * DAY };
    let mut sums = vec![(Sums::default(), Sums::default()); TARGETS.len()];
    let mut spent = 0.0;
    let mut fits = 0.0;
    for lead in [3, 12] {
        let mut learned: Option<Learned> = None;
        for end in values.len() - scored - DAY..values.len() - 1 {
            // `end` is the newest sample known at the origin.
            if let Some(l) = &mut learned {
                let v = values[end];
                l.observe(series.time(end), (!v.is_nan()).then_some(f64::from(v)));
            }
            if (end + 1) % DAY == 0 || learned.is_none() {
                let from = (end + 1).saturating_sub(28 * DAY);
                let piece = Series::new(series.time(from), series.step(), values[from..=end].to_vec()).unwrap();
                let how = Learning {
                    model: choice,
                    lead: TimeDelta::seconds(STEP * lead as i64),
                    horizon: TimeDelta::hours(24),
                    ..Learning::default()
                };
                let begun = Instant::now();
                learned = learn(&piece, &how).map_err(|e| println!("{e}")).ok();
                spent += begun.elapsed().as_secs_f64();
                fits += 1.0;
            }
            let Some(l) = &learned else { continue };
            let forecast = l.forecast(series.time(end + 1));
            for (t, (_, ahead, len)) in TARGETS.iter().enumerate() {
                let wanted = if *len == 1 { 3 } else { *len };
                let target_end = end + ahead;
                if wanted != lead || target_end >= values.len() || target_end < values.len() - scored {
                    continue;
                }
                let came = realised(values, target_end, *len);
                let naive = realised(values, target_end - 7 * DAY, *len);
                if came.is_nan() || naive.is_nan() {
                    continue;
                }
                let i = ahead - len;
                let (point, upper) =
                    if *len == 1 { l.value_quantile(i, LEVEL) } else { (l.maximum_point(i), forecast.upper[i]) };
                sums[t].0.add(point, upper, came);
                sums[t].1.add(naive, naive + naive_margin(values, end, target_end, *len), came);
            }
        }
    }
    print!("[{:5.1} ms]", 1e3 * spent / fits);
    if env::var("NOTES").is_ok() {
        // what was recognised in the whole trace
        if let Ok(l) = learn(series, &Learning { model: choice, ..Learning::default() }) {
            println!();
            for n in l.notes() {
                println!("    {n}");
            }
            println!("    {:?} {:?} {:?}", l.trust(), l.score(), l.weights());
        }
    }
    sums
}

/// Rolling 7-day 95 % quantile of the errors of seasonal naive, as known at the origin.
fn naive_margin(values: &[f32], end: usize, _: usize, len: usize) -> f64 {
    let mut errors: Vec<f64> = (end + 1 - 7 * DAY..=end)
        .filter(|e| *e >= 7 * DAY + len)
        .map(|e| realised(values, e, len) - realised(values, e - 7 * DAY, len))
        .filter(|e| !e.is_nan())
        .collect();
    if errors.is_empty() {
        return 0.0;
    }
    let k = ((errors.len() as f64 * LEVEL) as usize).min(errors.len() - 1);
    *errors.select_nth_unstable_by(k, f64::total_cmp).1
}
