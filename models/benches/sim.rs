//! Four weeks of one workload at 15-s syncs: the unit of work of every backtest.
#![allow(missing_docs, clippy::expect_used)]

use chrono::{DateTime, TimeDelta};
use criterion::{Criterion, criterion_group, criterion_main};
use floorcast_models::sim::{Cluster, Load, Seasonal, Trace, Workload};
use floorcast_models::units::PerReplica;
use std::hint::black_box;

fn four_weeks(c: &mut Criterion) {
    let start = DateTime::from_timestamp(1_800_000_000, 0).expect("in range");
    let per_replica = PerReplica::new(10.0).expect("above zero");
    let seasonal = Seasonal::by_seed(1, 300.0);
    let series = seasonal.series(start, TimeDelta::minutes(5), 4 * 7 * 288).expect("on the grid");
    let trace = Trace::new(&series).expect("has samples");
    let mut group = c.benchmark_group("sim/four_weeks");
    group.sample_size(10);
    group.bench_function("seasonal", |b| b.iter(|| black_box(run(start, per_replica, seasonal.clone()))));
    group.bench_function("trace", |b| b.iter(|| black_box(run(start, per_replica, trace.clone()))));
    group.finish();
}

fn run(start: DateTime<chrono::Utc>, per_replica: PerReplica, load: impl Load) -> f64 {
    let mut cluster = Cluster::new(start, Workload::of(per_replica), load, 1);
    cluster.step(TimeDelta::weeks(4));
    cluster.outcome().pod_hours
}

criterion_group!(benches, four_weeks);
criterion_main!(benches);
