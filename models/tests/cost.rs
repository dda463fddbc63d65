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

/// One test: the counters are the whole process's.
#[test]
fn bytes_of_a_learned_load_and_allocations_of_a_sample() {
    // A thousand loads are to fit into a process of 80 MiB together with everything else. At 5 min four weeks of samples (two bytes
    // each) take 17 KB, seasons over the horizon 9, open predictions 22, features of their origins 10, regressions 9, errors and
    // their histograms 24, weights 5, the contest an hour ahead 3 (errors of two rivals, and open claims of
    // 0.1 each: 6 of them, 14 at a lead time of two hours), the rest 7. A lead time of more than one step keeps maxima of the seasons, 9 more.
    for (step, lead_minutes, most_kib) in [(300, 5, 108), (300, 15, 118), (300, 120, 130), (60, 5, 264)] {
        let series = four_weeks(step);
        let region = Region::new(HEAP);
        let mut live = learned(&series, lead_minutes);
        let stats = region.change();
        let bytes = stats.bytes_allocated - stats.bytes_deallocated + size_of_val(&live);
        assert!(bytes <= most_kib * 1024, "step {step} s, lead {lead_minutes} min: {bytes} bytes");

        let mut at = series.end();
        let region = Region::new(HEAP);
        for _ in 0..500 {
            live.observe(at, Some(load(at.timestamp())));
            at += series.step();
        }
        let allocations = region.change().allocations;
        assert_eq!(allocations, 0, "step {step} s: a sample allocates");
    }
}
