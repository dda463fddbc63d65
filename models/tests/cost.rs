//! What a learned load costs that can be counted: bytes, and allocations in a tick. Both are the same on every machine.
#![allow(clippy::unwrap_used)]

use chrono::{DateTime, TimeDelta};
use floorcast_models::{
    learn::{Learned, Learning, learn},
    series::Series,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;

#[global_allocator]
static HEAP: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Two-peaked days with some scatter, by the time of day in seconds.
fn load(at: i64) -> f64 {
    let day = at.rem_euclid(86_400) as f64 / 86_400.0 * std::f64::consts::TAU;
    let scatter = (at / 60 * 7919 % 101) as f64 / 101.0;
    100.0 + 60.0 * day.sin() + 25.0 * (2.0 * day).cos() + 10.0 * scatter
}

fn four_weeks(step: i64) -> Series {
    let start = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
    let values = (0..28 * 86_400 / step).map(|i| load(start.timestamp() + i * step) as f32).collect();
    Series::new(start, TimeDelta::seconds(step), values).unwrap()
}

fn learned(series: &Series, lead_minutes: i64) -> Learned {
    learn(series, &Learning { lead: TimeDelta::minutes(lead_minutes), ..Learning::default() }).unwrap()
}

/// Without the harness, whose thread may allocate at any moment: the counters are the whole process's.
fn main() {
    // A thousand loads are to fit into a process of 80 MiB together with everything else: about 44 KiB each. At 5 min, with a lead time of
    // 15, samples (twelve bits each) take 12.5 KB, bases over the horizon and their residuals 5.8, open predictions 5.2 (137 of 38
    // bytes), regressions with the features of their origins 6.6, errors with their scores 8.2, weights 1.5, what it takes to earn
    // trust 4, two contests, the rest 1. With a lead time of one step maxima are values and are not kept twice: 9 less. A load that
    // was ever masked keeps a bit for each sample: 1 KB more.
    for (step, lead_minutes, most_kib, most_blocks) in
        [(300, 5, 35, 59), (300, 15, 44, 67), (300, 120, 48, 67), (60, 5, 111, 67), (900, 15, 29, 59)]
    {
        let series = four_weeks(step);
        let region = Region::new(HEAP);
        let mut live = learned(&series, lead_minutes);
        let stats = region.change();
        let bytes = stats.bytes_allocated - stats.bytes_deallocated + size_of_val(&live);
        let blocks = stats.allocations - stats.deallocations;
        println!("step {step} s, lead {lead_minutes} min: {bytes} bytes in {blocks} blocks");
        assert!(bytes <= most_kib * 1024, "step {step} s, lead {lead_minutes} min: {bytes} bytes");
        assert!(blocks <= most_blocks, "step {step} s, lead {lead_minutes} min: {blocks} blocks");
        // All that was ever allocated: at no time was more in use.
        let ever = stats.bytes_allocated + size_of_val(&live);
        assert!(ever <= bytes + 4096, "step {step} s, lead {lead_minutes} min: up to {ever} bytes while learning");

        let mut at = series.end();
        let region = Region::new(HEAP);
        for _ in 0..500 {
            live.observe(at, Some(load(at.timestamp())));
            at += series.step();
        }
        let allocations = region.change().allocations;
        assert_eq!(allocations, 0, "step {step} s: a sample allocates");
        let region = Region::new(HEAP);
        drop(live.forecast(at));
        assert_eq!(region.change().allocations, 3, "step {step} s: a forecast is three vectors and no more");
    }
}
