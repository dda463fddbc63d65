//! The other questions to Prometheus: what the HPA wished, how pods started, and what the daemon itself said.

use super::members::Members;
use super::refusal::Refusal;
use crate::datasource::promql::{Matcher, selector};
use crate::kubernetes::workload::TargetRef;
use chrono::TimeDelta;

/// Names one HPA, with the matchers that every selector of its datasource carries.
#[derive(Clone, Debug)]
pub struct HpaQueries {
    namespace: String,
    hpa: String,
    required: Vec<Matcher>,
}

impl HpaQueries {
    /// Queries about `namespace/hpa`.
    pub fn new(namespace: &str, hpa: &str, required: &[Matcher]) -> Self {
        Self { namespace: namespace.to_owned(), hpa: hpa.to_owned(), required: required.to_vec() }
    }

    fn of(&self, metric: &str) -> String {
        let mut matchers =
            vec![Matcher::equal("namespace", &self.namespace), Matcher::equal("horizontalpodautoscaler", &self.hpa)];
        matchers.extend(self.required.iter().cloned());
        // Two scrapes of one fact agree but for their age: the larger one is the safer.
        format!("max({})", selector(metric, &matchers))
    }

    /// What the HPA wished: the other side of the back-cast.
    pub fn desired_replicas(&self) -> String {
        self.of("kube_horizontalpodautoscaler_status_desired_replicas")
    }

    /// What it had.
    pub fn current_replicas(&self) -> String {
        self.of("kube_horizontalpodautoscaler_status_current_replicas")
    }

    /// Its lower bound: where it binds, the wish says nothing about the load.
    pub fn min_replicas(&self) -> String {
        self.of("kube_horizontalpodautoscaler_spec_min_replicas")
    }

    /// Its upper bound, likewise.
    pub fn max_replicas(&self) -> String {
        self.of("kube_horizontalpodautoscaler_spec_max_replicas")
    }

    /// The daemon's own words about the workload, name by name (for `explain --at`); each may answer several series.
    pub fn said(&self) -> Vec<(&'static str, String)> {
        const NAMES: [&str; 12] = [
            "floorcast_workload_base_replicas",
            "floorcast_workload_floor_replicas",
            "floorcast_workload_needed_replicas",
            "floorcast_workload_current_replicas",
            "floorcast_workload_max_replicas",
            "floorcast_workload_load",
            "floorcast_workload_forecast_load",
            "floorcast_workload_forecast_error_ratio",
            "floorcast_workload_newest_sample_age_seconds",
            "floorcast_workload_lead_time_seconds",
            "floorcast_workload_state",
            "floorcast_workload_limited_by",
        ];
        NAMES.iter().map(|name| (*name, self.own(name))).collect()
    }

    /// A per-workload metric of the daemon. Where Prometheus renames a scraped label `namespace` (its own target's
    /// namespace wins without `honorLabels`) ours arrives as `exported_namespace`: both are asked for. Both replicas of
    /// the daemon may have spoken: the larger value counts, series differing in other labels stay apart.
    fn own(&self, metric: &str) -> String {
        let with = |label: &str| {
            let mut matchers = vec![Matcher::equal(label, &self.namespace), Matcher::equal("hpa", &self.hpa)];
            matchers.extend(self.required.iter().cloned());
            selector(metric, &matchers)
        };
        format!(
            "max without (instance, pod, job, endpoint, service, container) ({} or {})",
            with("exported_namespace"),
            with("namespace")
        )
    }
}

/// Whether kube-state-metrics speaks of this namespace: the number of its pods with an owner, empty if it does not.
pub fn kube_state_metrics(namespace: &str, required: &[Matcher]) -> String {
    let mut matchers = vec![Matcher::equal("namespace", namespace)];
    matchers.extend(required.iter().cloned());
    format!("count({})", selector("kube_pod_owner", &matchers))
}

/// Seconds from creation to ready, one series per pod of the target.
pub fn start_up(target: &TargetRef, namespace: &str, required: &[Matcher]) -> Result<String, Refusal> {
    let members = Members::new(target, namespace, required, true, TimeDelta::minutes(5))?;
    let of = |metric| format!("max by (pod) ({})", selector(metric, &members.base()));
    Ok(members.only(&format!("({} - {})", of("kube_pod_status_ready_time"), of("kube_pod_created"))))
}

/// Share of CPU periods in which the target's pods were throttled, 0 to 1; above 0.25 demand was higher than measured.
pub fn throttled(
    target: &TargetRef,
    namespace: &str,
    required: &[Matcher],
    by_owner: bool,
    rate: TimeDelta,
) -> Result<String, Refusal> {
    let members = Members::new(target, namespace, required, by_owner, rate)?;
    let sum = |metric| {
        let rate = format!(
            "max by (pod, container) (rate({}[{}]))",
            selector(metric, &members.matchers()),
            super::window(rate)
        );
        format!("sum({})", members.only(&rate))
    };
    Ok(format!("{} / {}", sum("container_cpu_cfs_throttled_periods_total"), sum("container_cpu_cfs_periods_total")))
}

/// Whether this Prometheus scrapes us: the daemons it knows, by version.
pub fn scraped(required: &[Matcher]) -> String {
    format!("count by (version) ({})", selector("floorcast_build_info", required))
}
