//! A thousand workloads in memory: API server, Prometheus with four weeks of history, load above the users' own floors.

use chrono::{DateTime, TimeDelta, Utc};
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
    /// Loads are steady, or move through the day.
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
    // Steady: 4 replicas' worth, where 2 is the base, so that every workload holds a floor.
    let (night, peak, noise) = if steady { (1.1, 1.1, 0.0) } else { (0.3 * peak, peak, 0.03) };
    let curve = Curve { seed: i as u64, night, peak, noise, shift };
    Deployed {
        namespace: format!("team-{}", i / TOGETHER),
        name: format!("service-{i}"),
        load: Arc::new(move |at| Some(curve.at(at))),
        request_millicores: 500,
        utilization: 60,
        min: 2,
        max: 40,
        replicas: 4,
        pod_start: TimeDelta::seconds(60),
        annotations: vec![("floorcast.io/mode".to_owned(), "live".to_owned())],
    }
}
