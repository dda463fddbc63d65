//! Checks of each datasource: reachable, its clock right, its history long enough, and floorcast scraped by it.

use super::Finding;
use crate::{
    config::{Config, period},
    datasource::{DatasourceSettings, Datasources, Observer, Reader, Unobserved},
};
use chrono::{TimeDelta, Utc};
use std::sync::Arc;

/// A clock that differs by more than this is told; by more than five minutes nothing would be raised.
const SKEW: (TimeDelta, TimeDelta) = (TimeDelta::seconds(30), TimeDelta::minutes(5));

/// Every finding about datasources, and the readers of those that answer.
pub(super) async fn findings(config: &Config) -> (Vec<Finding>, Vec<Arc<Reader>>) {
    if config.datasources.is_empty() {
        let remedy = "add one under datasources: {name: main, url: http://prometheus.monitoring.svc:9090}";
        return (
            vec![Finding::warn("datasources", "none is configured, so nothing can be forecast", remedy)],
            Vec::new(),
        );
    }
    crate::kubernetes::connect::install_tls();
    let (mut findings, mut good) = (Vec::new(), Vec::new());
    let observer: Arc<dyn Observer> = Arc::new(Unobserved);
    for source in &config.datasources {
        let settings = DatasourceSettings::from(source);
        let name = format!("datasource {}", source.name);
        findings.extend(settings.warnings().into_iter().map(|w| Finding::warn(&name, w, "use https")));
        match Datasources::connect(&[settings], &observer, 0) {
            Ok(readers) => {
                for reader in readers.iter() {
                    findings.extend(of_reader(config, reader, &name).await);
                    good.extend(reader.is_up().then(|| Arc::clone(reader)));
                }
            }
            Err(error) => findings.push(Finding::fail(name, error.to_string(), "mend it in the configuration")),
        }
    }
    (findings, good)
}

async fn of_reader(config: &Config, reader: &Reader, name: &str) -> Vec<Finding> {
    let now = Utc::now();
    reader.begin_tick();
    let answer = reader.instant(now, now, &["vector(1)".to_owned()]).await.pop();
    if let Some(Err(error)) = answer {
        return vec![Finding::unreachable(name, error.to_string(), "check address, credentials and network policies")];
    }
    vec![clock(reader, name), history(config, reader, name).await, scraped(reader, name).await]
}

fn clock(reader: &Reader, name: &str) -> Finding {
    let skew = reader.clock_skew().unwrap_or_default().abs();
    let what = format!("it answers; clocks differ by {} s", skew.num_seconds());
    if skew > SKEW.1 {
        Finding::fail(name, what, "set both clocks by NTP; above five minutes nothing is raised")
    } else if skew > SKEW.0 {
        Finding::warn(name, what, "set both clocks by NTP")
    } else {
        Finding::ok(name, what)
    }
}

/// The oldest sample of `up` stands for what every series may have.
async fn history(config: &Config, reader: &Reader, name: &str) -> Finding {
    let name = format!("{name} history");
    let (now, wanted) = (Utc::now(), config.defaults.history.get());
    // Ages of a sample at 1/8 … 8/8 of the history wanted: the oldest that answers bounds the retention from below.
    let mut oldest = TimeDelta::zero();
    for eighth in (1..=8).rev() {
        let age = wanted * eighth / 8;
        let answer = reader.instant(now, now, &[format!("count(up offset {}s)", age.num_seconds())]).await.pop();
        if let Some(Ok(samples)) = answer
            && samples.iter().any(|s| s.value.is_some())
        {
            oldest = age;
            break;
        }
    }
    if oldest.is_zero() && !any_up(reader).await {
        let remedy = "floorcast explain tells the history of each load";
        return Finding::warn(name, "it has no series `up` by which its age could be seen", remedy);
    }
    let (found, asked) = (period::written(oldest), period::written(wanted));
    if oldest >= wanted {
        return Finding::ok(name, format!("{asked} or more, as wanted"));
    }
    let what =
        format!("about {found} of the {asked} wanted; below a day there is no floor, below two weeks no weekly season");
    Finding::warn(name, what, "raise --storage.tsdb.retention.time, or ask a long-term store (Thanos, Mimir) instead")
}

async fn any_up(reader: &Reader) -> bool {
    let answer = reader.instant(Utc::now(), Utc::now(), &["count(up)".to_owned()]).await.pop();
    answer.and_then(Result::ok).is_some_and(|samples| samples.iter().any(|s| s.value.is_some()))
}

async fn scraped(reader: &Reader, name: &str) -> Finding {
    let name = format!("{name} scrapes floorcast");
    let answer = reader.instant(Utc::now(), Utc::now(), &["count(floorcast_build_info)".to_owned()]).await.pop();
    match answer {
        Some(Ok(samples)) if samples.iter().any(|s| s.value.is_some_and(|v| v > 0.0)) => Finding::ok(name, "yes"),
        Some(Err(error)) => Finding::warn(name, error.to_string(), "look at the datasource's log"),
        _ => Finding::warn(
            name,
            "no series floorcast_build_info",
            "scrape /metrics of the Service in deploy/; explain --at needs it",
        ),
    }
}
