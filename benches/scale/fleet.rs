//! A thousand workloads in memory: API server, Prometheus with four weeks of history, load above the users' own floors.

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use floorcast::simulated::{
    api::Server,
    clock::Clock,
    cluster::{Cluster, Deployed, scrape},
    curve::Curve,
    prometheus::Prometheus,
    replay,
};
use std::sync::Arc;

/// Workloads in one namespace.
const TOGETHER: usize = 10;

/// The servers that a daemon is wired to.
pub(crate) struct Fleet {
    pub(crate) server: Server,
    pub(crate) prometheus: Prometheus,
}

impl Fleet {
    /// So many workloads, each with a Deployment of 4 ready pods, a live opt-in and a load of its own. The objects stand still:
    /// what a tick costs is then the daemon's alone.
    /// Loads are steady through the day, or move.
    pub(crate) fn standing(clock: Clock, count: usize, steady: bool) -> Result<Self, Box<dyn std::error::Error>> {
        let server = Server::new(clock, 1);
        let prometheus = Prometheus::new(clock, 1);
        let mut cluster = Cluster::new(server.clone(), 1);
        for i in 0..count {
            let workload = workload(i, steady);
            cluster.deploy(&workload).map_err(|refusal| refusal.body.to_string())?;
            scrape(&prometheus, &workload);
        }
        replay::install(&server).map_err(|refusal| refusal.body.to_string())?;
        Ok(Self { server, prometheus })
    }
}

/// Tuesday at four in the afternoon: between the peaks of the curve.
pub(crate) fn afternoon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_772_553_600, 0).unwrap_or_default()
}

fn workload(i: usize, steady: bool) -> Deployed {
    let peak = 0.6 + 0.1 * (i % 20) as f64;
    let shift = (i % 24) as f64;
    let curve = Curve { seed: i as u64, night: 0.3 * peak, peak, noise: 0.03, shift };
    let load = move |at: DateTime<Utc>| if steady { by_day(at) } else { curve.at(at) };
    Deployed {
        namespace: format!("team-{}", i / TOGETHER),
        name: format!("service-{i}"),
        load: Arc::new(move |at| Some(load(at))),
        request_millicores: 500,
        utilization: 60,
        min: 2,
        max: 40,
        replicas: 4,
        pod_start: TimeDelta::seconds(60),
        annotations: vec![("floorcast.io/mode".to_owned(), "live".to_owned())],
    }
}

/// Steady for hours around the afternoon, at 4 replicas' worth where 2 is the base: every workload holds a floor, and keeps it.
/// By night it is less: what never moves is forecast no better than by its last value, and gets no floor.
fn by_day(at: DateTime<Utc>) -> f64 {
    if (6..22).contains(&at.hour()) { 1.1 } else { 0.3 }
}
