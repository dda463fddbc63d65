//! What forecasting costs on one core, beside augurs' MSTL with `AutoETS` and one pass over the history.
#![allow(missing_docs, clippy::unwrap_used)]

use augurs::{
    Fit, Predict,
    ets::AutoETS,
    mstl::{MSTLModel, NaiveTrend},
};
use chrono::{DateTime, TimeDelta};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use floorcast_models::{
    learn::{Learning, learn},
    series::Series,
};
use std::hint::black_box;

const DAYS: usize = 28;
const PER_DAY: usize = 288;

fn load(i: usize) -> f64 {
    let hour = (i % PER_DAY) as f64 / 12.0;
    let week = if i / PER_DAY % 7 >= 5 { 0.5 } else { 1.0 };
    let x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let noise = (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
    (50.0 + 100.0 * week * (-(hour - 13.0).powi(2) / 12.0).exp()) * (1.0 + 0.05 * noise)
}

fn history() -> Series {
    let start = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
    let values = (0..DAYS * PER_DAY).map(|i| load(i) as f32).collect();
    Series::new(start, TimeDelta::minutes(5), values).unwrap()
}

fn ours(c: &mut Criterion) {
    let series = history();
    let how = Learning { lead: TimeDelta::minutes(15), ..Learning::default() };
    c.bench_function("one pass over the history", |b| {
        b.iter(|| black_box(series.values()).iter().map(|v| f64::from(*v)).sum::<f64>());
    });
    c.bench_function("learn 8064 points, backtest and calibration included", |b| {
        b.iter(|| learn(black_box(&series), &how).unwrap());
    });
    let learned = learn(&series, &how).unwrap();
    let mut live = learned.clone();
    let mut i = DAYS * PER_DAY;
    c.bench_function("observe one sample", |b| {
        b.iter(|| {
            // A daemon learns anew within days: further ahead than a month no zone's changes are looked up.
            if i == (DAYS + 28) * PER_DAY {
                (live, i) = (learned.clone(), DAYS * PER_DAY);
            }
            live.observe(series.time(i), Some(load(i)));
            i += 1;
        });
    });
    c.bench_function("forecast 24 h", |b| b.iter(|| learned.forecast(black_box(series.end()))));
    c.bench_function("clone a learned load", |b| b.iter_batched(|| (), |()| learned.clone(), BatchSize::SmallInput));
}

fn augurs_beside(c: &mut Criterion) {
    let values: Vec<f64> = history().values().iter().map(|v| f64::from(*v)).collect();
    let periods = vec![PER_DAY, 7 * PER_DAY];
    let mut group = c.benchmark_group("augurs");
    group.sample_size(10);
    group.bench_function("MSTL", |b| {
        b.iter(|| {
            let model = MSTLModel::new(periods.clone(), NaiveTrend::new());
            model.fit(&values).unwrap().predict(PER_DAY, None).unwrap()
        });
    });
    group.bench_function("MSTL and AutoETS", |b| {
        b.iter(|| {
            let model = MSTLModel::new(periods.clone(), AutoETS::non_seasonal().into_trend_model());
            model.fit(&values).unwrap().predict(PER_DAY, 0.95).unwrap()
        });
    });
    group.finish();
}

criterion_group!(benches, ours, augurs_beside);
criterion_main!(benches);
