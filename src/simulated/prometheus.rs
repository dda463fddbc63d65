//! Prometheus in memory: the transport under [`crate::datasource::Reader`].
//!
//! It does not evaluate `PromQL`. Each served series says which fragments a query must contain to mean it; the series with the
//! most fragments wins. Everything in front of the evaluation is as the real server does it: the shape of the JSON, the limit
//! of 11,000 points, the look-back of five minutes, no samples from the future; and what goes wrong, by rule and seed.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! use floorcast::simulated::{clock::Clock, prometheus::Prometheus};
//!
//! let server = Prometheus::new(Clock::starting_at(chrono::DateTime::UNIX_EPOCH), 7);
//! server.serve(&["http_requests_total", "namespace=\"shop\""], |_| Some(120.0));
//! # }
//! ```

mod answer;
pub mod faults;
mod transport;

use super::clock::Clock;
use chrono::{DateTime, TimeDelta, Utc};
use faults::{Fault, Faults};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How old a sample an evaluation still takes (Prometheus' `--query.lookback-delta`).
const LOOK_BACK: TimeDelta = TimeDelta::minutes(5);

/// The value of a series at an instant; `None` where it has no sample.
pub type Sample = Arc<dyn Fn(DateTime<Utc>) -> Option<f64> + Send + Sync>;

#[derive(Clone)]
struct Served {
    fragments: Vec<String>,
    labels: BTreeMap<String, String>,
    sample: Sample,
}

struct State {
    served: Vec<Served>,
    faults: Faults,
    gaps: Vec<Range<DateTime<Utc>>>,
    asked: u64,
    points: u64,
}

/// The server. Cheap to clone; all clones are one server.
#[derive(Clone)]
pub struct Prometheus {
    state: Arc<Mutex<State>>,
    clock: Clock,
}

impl Prometheus {
    /// A server without series. The seed decides the chances of faults.
    pub fn new(clock: Clock, seed: u64) -> Self {
        let state = State { served: Vec::new(), faults: Faults::new(seed), gaps: Vec::new(), asked: 0, points: 0 };
        Self { state: Arc::new(Mutex::new(state)), clock }
    }

    /// Serves one series, without labels, to every query that contains all the fragments.
    pub fn serve(&self, fragments: &[&str], sample: impl Fn(DateTime<Utc>) -> Option<f64> + Send + Sync + 'static) {
        self.serve_labelled(fragments, &[], sample);
    }

    /// Serves one series with labels. Several that fit a query equally well are all in its answer.
    pub fn serve_labelled(
        &self,
        fragments: &[&str],
        labels: &[(&str, &str)],
        sample: impl Fn(DateTime<Utc>) -> Option<f64> + Send + Sync + 'static,
    ) {
        let owned = |(k, v): &(&str, &str)| ((*k).to_owned(), (*v).to_owned());
        self.lock().served.push(Served {
            fragments: fragments.iter().map(|f| (*f).to_owned()).collect(),
            labels: labels.iter().map(owned).collect(),
            sample: Arc::new(sample),
        });
    }

    /// Nothing was scraped between these instants, in any series.
    pub fn gap(&self, during: Range<DateTime<Utc>>) {
        self.lock().gaps.push(during);
    }

    /// Changes what goes wrong, or looks at what went wrong.
    pub fn faults<T>(&self, change: impl FnOnce(&mut Faults) -> T) -> T {
        change(&mut self.lock().faults)
    }

    /// Questions that reached the server so far.
    pub fn asked(&self) -> u64 {
        self.lock().asked
    }

    /// Samples handed out so far.
    pub fn points(&self) -> u64 {
        self.lock().points
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each statement leaves the state whole, so a poisoned lock is still good.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The series that a query means: those that name the most of it.
    fn meant(&self, query: &str) -> Vec<Served> {
        let fits = |s: &&Served| s.fragments.iter().all(|f| query.contains(f.as_str()));
        let most = self.served.iter().filter(fits).map(|s| s.fragments.len()).max();
        let chosen = self.served.iter().filter(fits);
        chosen.filter(|s| Some(s.fragments.len()) == most).cloned().collect()
    }

    /// The value at `at` as an evaluation at `now` sees it.
    fn evaluated(&self, served: &Served, at: DateTime<Utc>, now: DateTime<Utc>) -> Option<f64> {
        if at > now + LOOK_BACK {
            return None;
        }
        let at = at.min(now);
        if self.gaps.iter().any(|gap| gap.contains(&at)) {
            return None;
        }
        (served.sample)(at)
    }

    fn strike(&mut self, query: &str, now: DateTime<Utc>) -> Option<Fault> {
        self.asked += 1;
        self.faults.strike(query, now)
    }
}

#[cfg(test)]
mod tests;
