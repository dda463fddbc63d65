//! What kube-state-metrics told of an HPA, scrape by scrape.

use super::Deployed;
use crate::simulated::api::Server;
use crate::simulated::api::kind::Kind;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// kube-state-metrics' names, in the order of the values.
pub(super) const HPA_METRICS: [&str; 3] = [
    "kube_horizontalpodautoscaler_status_desired_replicas",
    "kube_horizontalpodautoscaler_spec_min_replicas",
    "kube_horizontalpodautoscaler_spec_max_replicas",
];
/// Where the values are in the object.
const PATHS: [&str; 3] = ["/status/desiredReplicas", "/spec/minReplicas", "/spec/maxReplicas"];
/// Between two scrapes.
const SCRAPE: TimeDelta = TimeDelta::minutes(1);
/// A sample is taken for this long (Prometheus' `--query.lookback-delta`).
const LOOK_BACK: TimeDelta = TimeDelta::minutes(5);

/// The scrapes of one HPA. Cheap to clone; all clones are one.
#[derive(Clone, Debug, Default)]
pub struct Past {
    scrapes: Arc<Mutex<BTreeMap<DateTime<Utc>, [f64; 3]>>>,
}

impl Past {
    /// Scrapes if it is time; what the object does not say is not scraped.
    pub fn note(&self, server: &Server, workload: &Deployed, now: DateTime<Utc>) {
        // Each statement leaves the map whole, so a poisoned lock is still good.
        let mut scrapes = self.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
        if scrapes.last_key_value().is_some_and(|(last, _)| now - *last < SCRAPE) {
            return;
        }
        let Some(object) = server.get(Kind::Hpa, &workload.namespace, &workload.name) else { return };
        let [desired, min, max] = PATHS.map(|path| object.pointer(path).and_then(Value::as_f64));
        if let (Some(desired), Some(min), Some(max)) = (desired, min, max) {
            scrapes.insert(now, [desired, min, max]);
        }
    }

    /// Desired, min and max replicas as an evaluation at `at` sees them.
    pub(super) fn at(&self, at: DateTime<Utc>) -> Option<[f64; 3]> {
        let scrapes = self.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
        scrapes.range(at - LOOK_BACK..=at).next_back().map(|(_, values)| *values)
    }
}
