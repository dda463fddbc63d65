//! What a seed is: its workloads and its troubles.

use super::trouble::{Kind, Trouble};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast::simulated::cluster::Deployed;
use floorcast::simulated::curve::Curve;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use std::sync::Arc;

/// Length of a seed's course.
pub(crate) const LENGTH: TimeDelta = TimeDelta::days(2);
/// The first trouble comes no earlier: the daemon has learned by then.
const CALM_BEFORE: TimeDelta = TimeDelta::hours(2);
/// The last trouble is over this long before the end: a person's hour and a truce's hour pass, then everything is as it should be.
const CALM_AFTER: TimeDelta = TimeDelta::hours(4);
/// Tuesday, 3 March 2026, 00:00 UTC.
const START: i64 = 1_772_496_000;

/// A seed, drawn.
pub(crate) struct Seed {
    pub(crate) number: u64,
    pub(crate) start: DateTime<Utc>,
    pub(crate) workloads: Vec<Deployed>,
    pub(crate) troubles: Vec<Trouble>,
}

impl Seed {
    pub(crate) fn draw(number: u64, troubled: bool) -> Self {
        let mut chance = StdRng::seed_from_u64(number);
        // Any day of a week, any hour: seasons and weekends at every phase.
        let start = DateTime::from_timestamp(START, 0).unwrap() + TimeDelta::hours(chance.random_range(0..7 * 24));
        let count = chance.random_range(3..=4);
        let workloads: Vec<_> = (0..count).map(|i| workload(&mut chance, number, i)).collect();
        let troubles = if troubled { troubles(&mut chance, start, count) } else { Vec::new() };
        Self { number, start, workloads, troubles }
    }
}

fn workload(chance: &mut StdRng, seed: u64, i: usize) -> Deployed {
    let peak = chance.random_range(2.0..9.0);
    let night = peak * chance.random_range(0.05..0.4);
    let noise = *[0.01, 0.03, 0.1].choose(chance).unwrap();
    let curve = Curve { seed: seed ^ (i as u64) << 40, night, peak, noise, shift: chance.random_range(0.0..24.0) };
    let start = chance.random_range(20..400);
    let (request, utilization) = (500, 60);
    let most = (peak / 0.3).ceil() as u32;
    let min = chance.random_range(1..=4);
    let max = (f64::from(most) * chance.random_range(0.7..2.0)) as u32 + min + 2;
    Deployed {
        namespace: (*["shop", "media"].choose(chance).unwrap()).to_owned(),
        name: format!("w{i}"),
        load: Arc::new(move |at| Some(curve.at(at))),
        request_millicores: request,
        utilization,
        min,
        max,
        replicas: (most / 2).clamp(min, max),
        pod_start: TimeDelta::seconds(start),
        annotations: annotations(chance, i, min, max),
    }
}

fn annotations(chance: &mut StdRng, i: usize, min: u32, max: u32) -> Vec<(String, String)> {
    let mut said: Vec<(&str, String)> = Vec::new();
    // The first is always live, so that every seed has floors.
    let mode = if i == 0 || chance.random_bool(0.7) { "live" } else { "shadow" };
    said.push(("mode", mode.to_owned()));
    if let Some(lead) = ["5m", "10m", "30m", "auto"].choose(chance).filter(|_| chance.random_bool(0.7)) {
        said.push(("lead-time", (*lead).to_owned()));
    }
    if chance.random_bool(0.3) {
        said.push(("quantile", (*["0.8", "0.9", "0.99"].choose(chance).unwrap()).to_owned()));
    }
    if chance.random_bool(0.2) {
        said.push(("max-floor", chance.random_range(min + 1..=max).to_string()));
    }
    if chance.random_bool(0.2) {
        said.push(("min-replicas", min.to_string()));
    }
    said.into_iter().map(|(key, value)| (format!("floorcast.io/{key}"), value)).collect()
}

fn troubles(chance: &mut StdRng, start: DateTime<Utc>, workloads: usize) -> Vec<Trouble> {
    let mut kinds = Kind::ALL.to_vec();
    kinds.shuffle(chance);
    let count = chance.random_range(7..=12);
    let mut drawn: Vec<_> = kinds.into_iter().take(count).map(|kind| trouble(chance, kind, start, workloads)).collect();
    drawn.sort_by_key(|t| t.from);
    drawn
}

fn trouble(chance: &mut StdRng, kind: Kind, start: DateTime<Utc>, workloads: usize) -> Trouble {
    let (least, most) = kind.minutes();
    let length = TimeDelta::minutes(chance.random_range(least..=most));
    let last = LENGTH - CALM_AFTER - length;
    let from = start + TimeDelta::seconds(chance.random_range(CALM_BEFORE.num_seconds()..last.num_seconds()));
    Trouble {
        kind,
        from,
        until: from + length,
        workload: chance.random_range(0..workloads),
        share: chance.random_range(0.05..1.0),
    }
}
