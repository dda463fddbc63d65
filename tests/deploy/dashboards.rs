//! The shipped dashboards: every query is asked of a real Prometheus that holds what the daemon's own `/metrics` showed over
//! half a simulated day, for every choice that its variables offer, and every panel must have something to show. Scenario 6 of
//! `tests/daemon/system` asks the same of a Prometheus that scraped a running daemon for minutes.

use crate::alerts;
use crate::panels::{Shown, dashboards, panels};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast::config::Config;
use floorcast::simulated::api::Server;
use floorcast::simulated::clock::Clock;
use floorcast::simulated::cluster::{Cluster, Deployed, scrape};
use floorcast::simulated::curve::Curve;
use floorcast::simulated::prometheus::Prometheus as SimulatedPrometheus;
use floorcast::simulated::replay::{self, Wired};
use floorcast_testbed::prometheus::{Options, Series};
use floorcast_testbed::tools::Module;
use floorcast_testbed::{Prometheus, command};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;

/// A Tuesday's midnight, UTC.
const START: i64 = 1_772_496_000;
const LENGTH: TimeDelta = TimeDelta::hours(12);
const SCRAPED_EVERY: TimeDelta = TimeDelta::minutes(1);
const CONFIGURATION: &str = "
datasources: [{name: main, url: 'http://prometheus.simulation.invalid'}]
kubernetes: {ownNamespace: floorcast}
timing: {leaseDuration: 5m, leaseRenewDeadline: 4m, leaseRetry: 1m}
";

#[test]
fn every_panel_says_what_it_shows_and_asks_for_metrics_that_there_are() {
    let known = alerts::known_metrics();
    for (file, dashboard) in dashboards() {
        assert_eq!(dashboard["uid"], format!("floorcast-{}", file.trim_end_matches(".json")));
        let list = dashboard["panels"].as_array().unwrap();
        let ids: BTreeSet<u64> = list.iter().map(|p| p["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), list.len(), "{file}: two panels of one id");
        for panel in list.iter().filter(|p| p["type"] != "row") {
            assert!(panel["description"].as_str().is_some_and(|d| d.ends_with('.')), "{file}: {}", panel["title"]);
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{file}: {}", panel["title"]);
        }
        for (title, queries) in panels(&dashboard) {
            assert!(!queries.is_empty(), "{file}: {title}");
            for name in queries.iter().flat_map(|q| alerts::our_metrics(q)) {
                assert!(known.contains(&name), "{file}: {title}: {name}");
                assert!(!name.contains(':'), "{file}: {title}: dashboards work without the recording rules");
            }
        }
    }
}

/// Its morning comes within the first hours; all of them have weeks of history.
fn workload(name: &str, mode: &str, max: u32) -> Deployed {
    let start = DateTime::from_timestamp(START, 0).unwrap();
    let curve = Curve { seed: u64::from(max), night: 0.7, peak: 7.0, noise: 0.03, shift: 0.0 };
    Deployed {
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        load: Arc::new(move |at| Some(curve.at(at))),
        request_millicores: 500,
        utilization: 60,
        min: 3,
        max,
        replicas: ((curve.at(start) / 0.3).ceil() as u32).clamp(3, max),
        pod_start: TimeDelta::seconds(150),
        annotations: vec![("floorcast.io/mode".to_owned(), mode.to_owned())],
    }
}

/// Half a day of the whole daemon on paused time, its metrics scraped each minute; and the last page of them.
fn recorded() -> (Vec<Series>, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let start = DateTime::from_timestamp(START, 0).unwrap();
        let server = Server::new(Clock::starting_at(start), 1);
        let prometheus = SimulatedPrometheus::new(server.clock(), 1);
        // The third needs more than it may have.
        let workloads =
            [workload("checkout", "live", 40), workload("search", "shadow", 40), workload("capped", "live", 12)];
        let pasts: Vec<_> = workloads.iter().map(|w| scrape(&prometheus, w)).collect();
        replay::install(&server).unwrap();
        let config = Config::parse(CONFIGURATION, Path::new("simulation.yaml")).unwrap();
        let Wired { mut daemon, metrics, kept, .. } =
            replay::wire(&server, &prometheus, config, "floorcast-0", 1).unwrap();
        let mut cluster = Cluster::new(server.clone(), 1);
        for workload in &workloads {
            cluster.deploy(workload).unwrap();
        }
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            daemon.run(stopped).await;
            drop((daemon, kept));
        });
        let seen = Arc::new(Mutex::new(Scrapes::default()));
        let mut next = start + SCRAPED_EVERY;
        let noted = Arc::clone(&seen);
        let watched = move |_: &Cluster, now: DateTime<Utc>| {
            workloads.iter().zip(&pasts).for_each(|(workload, past)| past.note(&server, workload, now));
            if now >= next {
                next += SCRAPED_EVERY;
                noted.lock().unwrap().take(now, String::from_utf8(metrics.encode()).unwrap());
            }
        };
        cluster.run(start + LENGTH, watched).await.unwrap();
        stop.cancel();
        task.await.unwrap();
        let scrapes = std::mem::take(&mut *seen.lock().unwrap());
        (scrapes.series.into_values().collect(), scrapes.last)
    })
}

/// Series by their name and labels as the page shows them, and the last page.
#[derive(Default)]
struct Scrapes {
    series: BTreeMap<String, Series>,
    last: String,
}

impl Scrapes {
    /// One page, with the target's labels where the samples have none of that name: `honor_labels: true`.
    fn take(&mut self, now: DateTime<Utc>, page: String) {
        for line in page.lines().filter(|l| !l.starts_with('#')) {
            let (key, value) = line.rsplit_once(' ').unwrap();
            let series = self.series.entry(key.to_owned()).or_insert_with(|| {
                let (name, inside) = key.split_once('{').unwrap_or((key, ""));
                let own = labels(inside.trim_end_matches('}'));
                let mut all = vec![("job", "floorcast"), ("instance", "10.0.0.1:8080"), ("namespace", "floorcast")];
                all.retain(|(target, _)| own.iter().all(|(label, _)| label != target));
                all.extend(own.iter().map(|(k, v)| (k.as_str(), v.as_str())));
                Series::new(name, &all)
            });
            series.samples.push((now, value.parse().unwrap()));
        }
        self.last = page;
    }
}

/// `a="b",c="d"`; no value of the recorded page has a quote or a backslash in it.
fn labels(inside: &str) -> Vec<(String, String)> {
    let pair = |pair: &str| {
        let (label, value) = pair.split_once("=\"")?;
        Some((label.trim_start_matches(',').to_owned(), value.to_owned()))
    };
    inside.split('"').collect::<Vec<_>>().chunks(2).filter_map(|two| pair(&two.join("\""))).collect()
}

#[tokio::test]
async fn no_panel_is_empty() {
    if floorcast_testbed::left_out() {
        return;
    }
    let (history, page) = tokio::task::spawn_blocking(recorded).await.unwrap();
    promtool_takes(&page).await;
    assert!(history.len() > 100, "only {} series were recorded", history.len());
    let prometheus = Prometheus::start(Options { history, ..Options::default() }).await.unwrap();
    let start = DateTime::from_timestamp(START, 0).unwrap();
    let shown = Shown { from: start, to: start + LENGTH, step: SCRAPED_EVERY.to_std().unwrap() };
    // Night and day differ by far: a minimum for the day is too much at night.
    let enough =
        |title: &str, last: Option<f64>| if title.contains("save") { last > Some(0.0) } else { last.is_some() };
    let (_, empty) = shown.too_little(&prometheus, enough).await;
    assert!(empty.is_empty(), "no value in\n{}", empty.join("\n"));
}

/// `promtool check metrics` has nothing to say of the daemon's page after half a day, but that it would keep the label `quantile`
/// for summaries: of a forecast's quantile there is no better word, and none is needed by Prometheus itself.
async fn promtool_takes(page: &str) {
    let promtool = Module::Prometheus.built().await.unwrap().join("promtool");
    let mut check = tokio::process::Command::new(promtool);
    check.args(["check", "metrics"]);
    let page = page.replace("quantile=", "upper=");
    let said = command::run(check, Some(&page)).await.unwrap();
    assert_eq!(said.trim(), "", "promtool check metrics");
}
