//! The daemon as it is monitored: a Prometheus of its own scrapes the process's `/metrics`, and the shipped dashboards ask it.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_testbed::Prometheus;
use floorcast_testbed::daemon::Daemon;
use floorcast_testbed::prometheus::{Options, Scrape};
use std::time::Duration;

use crate::system::panels::Shown;

/// For how long Prometheus shows the last sample of a series: its `query.lookback-delta`.
const SHOWN_FOR: TimeDelta = TimeDelta::minutes(5);

/// A Prometheus that scrapes one daemon. The one with the loads cannot: it knows their future, and takes nothing older.
pub(crate) struct Monitoring {
    prometheus: Prometheus,
    since: DateTime<Utc>,
}

impl Monitoring {
    pub(crate) async fn start(daemon: &Daemon) -> Self {
        let scrape = Scrape {
            job: "floorcast".to_owned(),
            target: daemon.url().replace("http://", ""),
            path: "/metrics".to_owned(),
            every: Duration::from_secs(2),
            honor_labels: true,
        };
        let since = Utc::now();
        let prometheus = Prometheus::start(Options { scrape: vec![scrape], ..Options::default() }).await.unwrap();
        Self { prometheus, since }
    }

    /// Every query of every dashboard has a number for everything that may be chosen.
    pub(crate) async fn fills_every_panel(&self) {
        // The panels over a day look at each fifth minute on the clock. Minutes of scrapes may lie between two of those: the next
        // one, five minutes ahead at most, still sees the last scrape.
        let shown = Shown { from: self.since, to: Utc::now() + SHOWN_FOR, step: Duration::from_secs(5) };
        let begun = std::time::Instant::now();
        let (asked, empty) = shown.too_little(&self.prometheus, |_, last| last.is_some()).await;
        println!(
            "dashboards: {asked} queries in {:.1} s after {}",
            begun.elapsed().as_secs_f64(),
            shown.to - self.since - SHOWN_FOR
        );
        assert!(empty.is_empty(), "no value in\n{}\n{}", empty.join("\n"), self.prometheus.tail(20));
        // All, shop; and its three workloads: fewer, and nobody looked.
        assert!(asked >= 2 * 30 + 3 * 20, "only {asked} queries were asked");
    }
}
