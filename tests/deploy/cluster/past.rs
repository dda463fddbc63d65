//! What the Prometheus of this cluster knows: the workloads that the pages speak of, and what a daemon told of one of them.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_testbed::curve::Humps;
use floorcast_testbed::prometheus::Series;
use floorcast_testbed::replay::Replay;
use std::time::Duration;

pub(super) const NAMESPACE: &str = "shop";

/// Twelve replicas' worth for an hour each day, four else: CPU, as most HPAs have it.
pub(super) fn load(name: &str) -> Replay {
    let daily = Humps {
        every: TimeDelta::days(1),
        level: 0.19,
        peak: 0.56,
        begins: Utc::now() + TimeDelta::hours(5),
        rise: Duration::from_mins(10),
        lasts: Duration::from_hours(1),
        noise: 0.03,
    };
    Replay::new(NAMESPACE, name, move |at| daily.at(at))
}

/// What Prometheus knows: four weeks, and the hour that a test may take.
pub(super) fn history() -> Vec<Series> {
    let now = Utc::now();
    let (from, to) = (now - TimeDelta::days(28), now + TimeDelta::hours(1));
    let loads = ["web", "checkout"].iter().flat_map(|name| load(name).series(from, to, TimeDelta::minutes(2)));
    loads.chain(shadow(now)).chain([requests(from, to)]).collect()
}

/// What the pages ask for by name: the requests of the whole shop, forty a second and a day in them.
fn requests(from: DateTime<Utc>, to: DateTime<Utc>) -> Series {
    let every = TimeDelta::minutes(2);
    let replay = load("web");
    let mut sum = 0.0;
    let counter = Series::new("http_requests_total", &[("app", "shop"), ("job", "shop"), ("instance", "one")]);
    counter.sampled(from, to, every, move |at| {
        sum += 200.0 * (replay.load)(at) * every.as_seconds_f64();
        Some(sum)
    })
}

/// What the daemon told of `shop/web` in the last two weeks, in shadow mode: twelve ready ten minutes before the HPA had them.
fn shadow(now: DateTime<Utc>) -> Vec<Series> {
    let (from, to, every) = (now - TimeDelta::days(14), now + TimeDelta::hours(1), TimeDelta::minutes(2));
    let daemon = [("cluster", "c"), ("job", "floorcast"), ("instance", "one")];
    let replay = load("web");
    let told = |metric: &str, more: &[(&str, &str)], value: &dyn Fn(DateTime<Utc>) -> f64| {
        let labels = [&daemon[..], &[("namespace", NAMESPACE), ("hpa", "web")], more].concat();
        Series::new(&format!("floorcast_workload_{metric}"), &labels).sampled(from, to, every, |at| Some(value(at)))
    };
    let replicas = |at| f64::from(replay.replicas(at));
    vec![
        Series::new("floorcast_leader", &daemon).sampled(from, to, every, |_| Some(1.0)),
        told("mode", &[("mode", "shadow")], &|_| 1.0),
        told("base_replicas", &[], &|_| 2.0),
        told("floor_replicas", &[], &|at| replicas(at).max(replicas(at + TimeDelta::minutes(10)))),
        told("current_replicas", &[], &replicas),
    ]
}
