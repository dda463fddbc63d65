//! The process' metrics: every name of the documentation, and no series of a workload that is gone.

mod workload;

use crate::{http::api::Snapshot, kubernetes::apply::WriteResult};
use prometheus::{Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};
use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// Prefix of every name.
const PREFIX: &str = "floorcast";
/// Seconds, from a cached decision to a stuck query.
const BUCKETS: [f64; 11] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0];
/// What [`Metrics::encode`] produces.
pub const CONTENT_TYPE: &str = prometheus::TEXT_FORMAT;

/// All metrics of one process. Methods take plain values and never fail.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    leader: IntGauge,
    last_tick: Gauge,
    tick_duration: HistogramVec,
    tick_workloads: IntGauge,
    config_ok: IntGauge,
    prometheus_up: GaugeVec,
    prometheus_requests: HistogramVec,
    samples_dropped: IntCounterVec,
    decisions: IntCounterVec,
    writes: IntCounterVec,
    kubernetes_requests: HistogramVec,
    hidden: IntGauge,
    most_workloads: usize,
    workloads: Mutex<Arc<Snapshot>>,
    families: Vec<Family>,
}

/// One metric, as the documentation lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Family {
    /// The whole name.
    pub name: String,
    /// `gauge`, `counter` or `histogram`.
    pub kind: &'static str,
    /// Its labels, in the order of the page.
    pub labels: Vec<String>,
    /// What it says.
    pub help: String,
}

impl Metrics {
    /// A registry of its own; `most_workloads` have series of their own, further ones are counted only.
    ///
    /// Errors only if two names collide, which a test rules out.
    pub fn new(most_workloads: usize) -> prometheus::Result<Self> {
        let registry = Registry::new_custom(Some(PREFIX.to_owned()), None)?;
        let make = Make { registry: &registry, families: RefCell::default() };
        let build = make.gauges(
            "build_info",
            "Version, revision and compiler of this build; always 1.",
            &["version", "revision", "rustc"],
        )?;
        build.with_label_values(&[crate::build::VERSION, crate::build::REVISION, crate::build::RUSTC]).set(1.0);
        let metrics = Self {
            leader: make.integer("leader", "1 while this process holds the Lease.")?,
            last_tick: make.gauge("last_tick_timestamp_seconds", "When the last tick ended.")?,
            tick_duration: make.histograms("tick_duration_seconds", "How long the steps of a tick took.", &["step"])?,
            tick_workloads: make.integer("tick_workloads", "Workloads that the last tick looked at.")?,
            config_ok: make
                .integer("config_last_reload_successful", "1 if the configuration file on disk is in force.")?,
            prometheus_up: make.gauges(
                "prometheus_up",
                "1 if the datasource answered the last query.",
                &["datasource"],
            )?,
            prometheus_requests: make.histograms(
                "prometheus_request_duration_seconds",
                "Queries by datasource and HTTP status.",
                &["datasource", "code"],
            )?,
            samples_dropped: make.counters(
                "prometheus_samples_dropped_total",
                "Samples that were no usable number.",
                &["reason"],
            )?,
            decisions: make.counters("decisions_total", "Decisions by their reasons.", &["reason"])?,
            writes: make.counters("writes_total", "Writes of floors by their result.", &["result"])?,
            kubernetes_requests: make.histograms(
                "kubernetes_request_duration_seconds",
                "Writes of floors by verb and HTTP status; those without an answer are in writes_total only.",
                &["verb", "code"],
            )?,
            hidden: make.integer("workloads_without_series", "Workloads beyond the limit of series.")?,
            most_workloads,
            workloads: Mutex::default(),
            families: make.families.take(),
            registry: registry.clone(),
        };
        metrics.config_ok.set(1);
        // What appears with its first event has no increase, and an alert over it would miss that one.
        for result in WriteResult::ALL {
            metrics.writes.with_label_values(&[result.as_str()]);
        }
        Ok(metrics)
    }

    /// Whether this process holds the Lease.
    pub fn set_leader(&self, leader: bool) {
        self.leader.set(i64::from(leader));
    }

    /// A tick ended at `now` (Unix seconds) and looked at so many workloads.
    pub fn tick(&self, now: f64, workloads: usize) {
        self.last_tick.set(now);
        self.tick_workloads.set(i64::try_from(workloads).unwrap_or(i64::MAX));
    }

    /// One step of a tick (`observe`, `learn`, `decide`, `apply`, `record`) took this long.
    pub fn step(&self, step: &'static str, took: Duration) {
        self.tick_duration.with_label_values(&[step]).observe(took.as_secs_f64());
    }

    /// Whether the configuration file on disk is in force.
    pub fn config_reloaded(&self, ok: bool) {
        self.config_ok.set(i64::from(ok));
    }

    /// Whether a datasource answered.
    pub fn datasource_up(&self, datasource: &str, up: bool) {
        self.prometheus_up.with_label_values(&[datasource]).set(f64::from(u8::from(up)));
    }

    /// A datasource left the configuration.
    pub fn forget_datasource(&self, datasource: &str) {
        // Absent already is what is wanted.
        let _ = self.prometheus_up.remove_label_values(&[datasource]);
    }

    /// One query: `code` is the HTTP status, or a class such as `timeout` or `connect`.
    pub fn datasource_request(&self, datasource: &str, code: &str, took: Duration) {
        self.prometheus_requests.with_label_values(&[datasource, code]).observe(took.as_secs_f64());
    }

    /// Samples that were no usable number, by reason (`nan`, `inf`, `negative`, …).
    pub fn samples_dropped(&self, reason: &'static str, count: u64) {
        self.samples_dropped.with_label_values(&[reason]).inc_by(count);
    }

    /// So many decisions had this reason (`Reason::as_str`).
    pub fn decisions(&self, reason: &str, count: u64) {
        self.decisions.with_label_values(&[reason]).inc_by(count);
    }

    /// One write by its result.
    pub fn write(&self, result: WriteResult) {
        self.writes.with_label_values(&[result.as_str()]).inc();
    }

    /// One answered write to the API server: verb in small letters, HTTP status.
    pub fn kubernetes_request(&self, verb: &str, code: &str, took: Duration) {
        self.kubernetes_requests.with_label_values(&[verb, code]).observe(took.as_secs_f64());
    }

    /// From here on the page shows the workloads of this snapshot and no others.
    pub fn workloads(&self, snapshot: &Arc<Snapshot>) {
        self.hidden
            .set(i64::try_from(snapshot.workloads.len().saturating_sub(self.most_workloads)).unwrap_or(i64::MAX));
        // A poisoned lock means a panic while a pointer was stored; it is good to overwrite.
        *self.workloads.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(snapshot);
    }

    /// Every metric there can be, whether it has a series now or not, by name.
    pub fn families(&self) -> Vec<Family> {
        let mut families = self.families.clone();
        families.extend(workload::families());
        families.sort();
        families
    }

    /// The text exposition of everything.
    pub fn encode(&self) -> Vec<u8> {
        let mut page = String::with_capacity(16 * 1024);
        if let Err(error) = TextEncoder::new().encode_utf8(&self.registry.gather(), &mut page) {
            tracing::warn!(%error, "metrics could not be encoded");
        }
        let snapshot = Arc::clone(&self.workloads.lock().unwrap_or_else(PoisonError::into_inner));
        workload::write(&mut page, &snapshot, self.most_workloads);
        page.into_bytes()
    }
}

/// Registers as it makes.
struct Make<'a> {
    registry: &'a Registry,
    families: RefCell<Vec<Family>>,
}

impl Make<'_> {
    fn add<C: prometheus::core::Collector + Clone + 'static>(
        &self,
        kind: &'static str,
        collector: C,
    ) -> prometheus::Result<C> {
        self.families.borrow_mut().extend(collector.desc().into_iter().map(|one| Family {
            name: format!("{PREFIX}_{}", one.fq_name),
            kind,
            labels: one.variable_labels.clone(),
            help: one.help.clone(),
        }));
        self.registry.register(Box::new(collector.clone()))?;
        Ok(collector)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<Gauge> {
        self.add("gauge", Gauge::new(name, help)?)
    }

    fn integer(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        self.add("gauge", IntGauge::new(name, help)?)
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
        self.add("gauge", GaugeVec::new(Opts::new(name, help), labels)?)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.add("counter", IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    fn histograms(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<HistogramVec> {
        self.add("histogram", HistogramVec::new(HistogramOpts::new(name, help).buckets(BUCKETS.to_vec()), labels)?)
    }
}

#[cfg(test)]
#[path = "metrics/tests.rs"]
mod tests;
