//! The HPA controller's effective sync period: a loaded controller comes later than its flag says, and lead times count it.

use super::Finding;
use crate::{
    config::{Config, period},
    datasource::Reader,
};
use chrono::{DateTime, TimeDelta, Utc};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use std::sync::Arc;

const NAME: &str = "HPA sync period";
/// The controller counts its syncs; each HPA is synced once a period.
const SYNCS: &str = "sum(rate(horizontal_pod_autoscaler_controller_reconciliations_total[10m]))";
/// Longer after our write, the HPA scaled for another reason.
const LONGEST: TimeDelta = TimeDelta::minutes(3);

/// From Prometheus, where it scrapes kube-controller-manager; else from the HPAs; else how to measure it.
pub(super) async fn finding(config: &Config, readers: &[Arc<Reader>], hpas: &[HorizontalPodAutoscaler]) -> Finding {
    let configured = config.hpa_controller.sync_period.get();
    for reader in readers {
        let now = Utc::now();
        reader.begin_tick();
        let answer = reader.instant(now, now, &[SYNCS.to_owned()]).await.pop();
        let rate = answer.and_then(Result::ok).and_then(|samples| samples.first()?.value);
        if let Some(rate) = rate.filter(|rate| *rate > 0.0) {
            let seconds = hpas.len() as f64 / rate;
            let how = format!("{} HPAs, {rate:.2} syncs a second by datasource {}", hpas.len(), reader.name());
            return judged(configured, TimeDelta::milliseconds((seconds * 1000.0) as i64), &how);
        }
    }
    match hpas.iter().filter_map(delay).max() {
        Some(longest) => judged(configured, longest, "longest time from a raised floor to the HPA's scaling"),
        None => Finding::ok(
            NAME,
            format!(
                "taken as {} (hpaController.syncPeriod); to measure it, scrape kube-controller-manager, or raise minReplicas of an \
                 HPA by hand and compare status.lastScaleTime",
                period::written(configured)
            ),
        ),
    }
}

fn judged(configured: TimeDelta, seen: TimeDelta, how: &str) -> Finding {
    let (seen_text, told) =
        (period::written(TimeDelta::seconds(seen.num_seconds().max(1))), period::written(configured));
    let what = format!("about {seen_text}, {told} configured ({how})");
    if seen > configured * 2 {
        let remedy = format!(
            "set hpaController.syncPeriod: {seen_text}, or give the controller more --concurrent-horizontal-pod-autoscaler-syncs"
        );
        return Finding::warn(NAME, what, remedy);
    }
    Finding::ok(NAME, what)
}

/// From our last write to the HPA's scaling, where that followed soon.
fn delay(hpa: &HorizontalPodAutoscaler) -> Option<TimeDelta> {
    let moment =
        |time: &k8s_openapi::apimachinery::pkg::apis::meta::v1::Time| DateTime::from_timestamp(time.0.as_second(), 0);
    let ours = hpa.metadata.managed_fields.iter().flatten();
    let ours = ours.filter(|e| e.manager.as_deref() == Some(crate::kubernetes::FIELD_MANAGER));
    let wrote = ours.filter_map(|e| moment(e.time.as_ref()?)).max()?;
    let scaled = moment(hpa.status.as_ref()?.last_scale_time.as_ref()?)?;
    Some(scaled - wrote).filter(|d| (TimeDelta::zero()..LONGEST).contains(d))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::cli::doctor::Verdict;
    use serde_json::json;

    fn hpa(wrote: &str, scaled: &str) -> HorizontalPodAutoscaler {
        serde_json::from_value(json!({
            "metadata": {"managedFields": [{"manager": "floorcast", "time": wrote}, {"manager": "kubectl", "time": scaled}]},
            "spec": {"maxReplicas": 9, "scaleTargetRef": {"kind": "Deployment", "name": "web"}},
            "status": {"lastScaleTime": scaled, "desiredReplicas": 3}
        }))
        .unwrap()
    }

    #[test]
    fn a_scaling_soon_after_our_write_measures_the_period() {
        let wrote = "2026-01-01T09:00:00Z";
        for (scaled, seconds) in [
            ("2026-01-01T09:00:12Z", Some(12)),
            ("2026-01-01T09:00:00Z", Some(0)),
            ("2026-01-01T08:59:59Z", None),
            ("2026-01-01T09:10:00Z", None),
        ] {
            assert_eq!(delay(&hpa(wrote, scaled)).map(|d| d.num_seconds()), seconds, "{scaled}");
        }
    }

    #[test]
    fn twice_as_slow_as_configured_is_told() {
        let of = |seconds| judged(TimeDelta::seconds(15), TimeDelta::seconds(seconds), "seen").verdict;
        assert_eq!((of(15), of(30), of(31)), (Verdict::Ok, Verdict::Ok, Verdict::Warn));
    }
}
