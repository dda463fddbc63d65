//! What one learned load costs: heap bytes in use after learning, allocations and microseconds of learning, of a sample and of a
//! forecast, for a few steps and lead times.
//!
//! `cargo run --release -p floorcast-models --example cost`. Bytes and allocations are exact and the same on every machine; times are
//! the fastest of several rounds on whatever else the machine is doing.
#![allow(clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta};
use floorcast_models::{
    learn::{Learning, learn},
    series::Series,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::{alloc::System, env, hint::black_box, process::exit, time::Instant};

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Bytes that were allocated in a region and are still in use.
fn in_use(region: &Region<'_, System>) -> usize {
    let stats = region.change();
    stats.bytes_allocated - stats.bytes_deallocated
}

fn load(i: usize, per_day: usize) -> f64 {
    let hour = (i % per_day) as f64 * 24.0 / per_day as f64;
    let week = if i / per_day % 7 >= 5 { 0.5 } else { 1.0 };
    let x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let noise = (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0;
    (50.0 + 100.0 * week * (-(hour - 13.0).powi(2) / 12.0).exp()) * (1.0 + 0.05 * noise)
}

/// The fastest of so many rounds, in microseconds.
fn fastest(rounds: usize, mut what: impl FnMut()) -> f64 {
    let time = |_| {
        let begun = Instant::now();
        what();
        1e6 * begun.elapsed().as_secs_f64()
    };
    (0..rounds).map(time).fold(f64::INFINITY, f64::min)
}

fn main() {
    if let Some(word) = env::args().nth(1) {
        eprintln!("{word}: nothing can be asked for");
        exit(2);
    }
    println!(
        "{:>6} {:>6} {:>12} {:>12} {:>12} {:>12} {:>12}",
        "step", "lead", "KB learned", "ms learn", "us sample", "allocations", "us forecast"
    );
    for (step, lead) in [(300, 300), (300, 900), (300, 7200), (60, 300), (900, 900)] {
        let per_day = 86_400 / step;
        let start = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
        let values = (0..28 * per_day).map(|i| load(i, per_day) as f32).collect();
        let series = Series::new(start, TimeDelta::seconds(step as i64), values).unwrap();
        let how = Learning { lead: TimeDelta::seconds(lead), ..Learning::default() };
        let rounds = if step < 300 { 3 } else { 10 };
        let learning = fastest(rounds, || drop(black_box(learn(&series, &how))));
        let region = Region::new(HEAP);
        let mut live = learn(&series, &how).unwrap();
        let bytes = in_use(&region) + std::mem::size_of_val(&live);
        let mut i = 28 * per_day;
        let region = Region::new(HEAP);
        let samples = 2000;
        let sample = fastest(1, || {
            for _ in 0..samples {
                live.observe(series.time(i), Some(load(i, per_day)));
                i += 1;
            }
        });
        let allocations = region.change().allocations;
        let forecast = fastest(rounds, || drop(black_box(live.forecast(series.time(i)))));
        println!(
            "{step:6} {lead:6} {:12.1} {:12.2} {:12.2} {allocations:12} {forecast:12.1}",
            bytes as f64 / 1024.0,
            learning / 1e3,
            sample / f64::from(samples)
        );
    }
}
