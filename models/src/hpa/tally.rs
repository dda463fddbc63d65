//! The arithmetic of metrics measured per pod, on sums: what remains of the pods once they are grouped.
//!
//! Constant time whatever the number of pods, so that the simulation can afford millions of syncs.

use crate::hpa::quotient::{ceil, share};
use crate::hpa::{MetricError, ResourceTarget, Tolerance};

/// Sums over the pods of one metric. Usage and requests in milli-units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pods of the selector with a trusted sample: their number multiplies the ratio.
    pub ready: i64,
    /// Usage of ready pods.
    pub usage: i128,
    /// Requests of ready pods.
    pub request: i128,
    /// Samples of pods that the selector does not know: they count in averages, not in utilisation.
    pub strangers: i64,
    /// Usage of strangers.
    pub stranger_usage: i128,
    /// Pods without a sample.
    pub missing: i64,
    /// Their requests.
    pub missing_request: i128,
    /// What they are assumed to use when the others ask for less: each `request · max(100, T) / 100`, truncated.
    pub missing_usage: i128,
    /// Starting pods.
    pub unready: i64,
    /// Their requests.
    pub unready_request: i128,
}

/// What one metric makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// The size it asks for.
    pub replicas: i32,
    /// What was measured, for the status.
    pub current: Current,
}

/// `status.currentMetrics` of one metric. Amounts in milli-units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Current {
    /// `averageValue`.
    pub average: Option<i64>,
    /// `averageUtilization`, percent.
    pub utilization: Option<i32>,
    /// `value`.
    pub value: Option<i64>,
}

impl Tally {
    /// Size by a resource metric of either target.
    pub fn resource(
        &self,
        target: ResourceTarget,
        current: i32,
        tolerance: Tolerance,
    ) -> Result<Proposal, MetricError> {
        match target {
            ResourceTarget::Average(average) => self.average(average, current, tolerance),
            ResourceTarget::Utilization(percent) => self.utilization(percent, current, tolerance),
        }
    }

    /// Size by utilisation of the request, whole percent.
    pub fn utilization(&self, target: i32, current: i32, tolerance: Tolerance) -> Result<Proposal, MetricError> {
        self.any_sample()?;
        let utilization = percent_of(self.usage, self.request)?;
        let ratio = f64::from(utilization) / f64::from(target);
        let filled = |fill: Fill| {
            let usage = self.usage + if fill.missing_full { self.missing_usage } else { 0 };
            let request = self.request
                + if fill.missing { self.missing_request } else { 0 }
                + if fill.unready { self.unready_request } else { 0 };
            Ok(f64::from(percent_of(usage, request)?) / f64::from(target))
        };
        let replicas = self.size(ratio, current, tolerance, filled)?;
        let average = share(self.usage, self.ready);
        let current = Current { average: Some(average), utilization: Some(utilization), value: None };
        Ok(Proposal { replicas, current })
    }

    /// Size by an average per pod, milli-units: `averageValue` of resources and of pods metrics.
    pub fn average(&self, target: i64, current: i32, tolerance: Tolerance) -> Result<Proposal, MetricError> {
        self.any_sample()?;
        let (usage, count) = (self.usage + self.stranger_usage, self.ready + self.strangers);
        let average = share(usage, count);
        let ratio_of = |average: i64| average as f64 / target as f64;
        let filled = |fill: Fill| {
            let assumed = if fill.missing_full { i128::from(target) * i128::from(self.missing) } else { 0 };
            Ok(ratio_of(share(usage + assumed, self.counted(fill))))
        };
        let replicas = self.size(ratio_of(average), current, tolerance, filled)?;
        Ok(Proposal { replicas, current: Current { average: Some(average), ..Current::default() } })
    }

    fn any_sample(&self) -> Result<(), MetricError> {
        if self.ready + self.strangers == 0 { Err(MetricError::NoSamples) } else { Ok(()) }
    }

    /// From the ratio of the measured pods to a size; `filled` gives the ratio once the others are counted in.
    fn size(
        &self,
        ratio: f64,
        current: i32,
        tolerance: Tolerance,
        filled: impl FnOnce(Fill) -> Result<f64, MetricError>,
    ) -> Result<i32, MetricError> {
        let waiting = self.unready > 0 && ratio > 1.0;
        if self.missing == 0 && !waiting {
            return Ok(if tolerance.within(ratio) { current } else { ceil(ratio * self.ready as f64) });
        }
        let fill = Fill { missing: self.missing > 0 && ratio != 1.0, missing_full: ratio < 1.0, unready: waiting };
        let second = filled(fill)?;
        let turned = (ratio < 1.0 && second > 1.0) || (ratio > 1.0 && second < 1.0);
        let size = ceil(second * self.counted(fill) as f64);
        let against = (second < 1.0 && size > current) || (second > 1.0 && size < current);
        Ok(if tolerance.within(second) || turned || against { current } else { size })
    }

    /// Samples after filling in.
    fn counted(&self, fill: Fill) -> i64 {
        let missing = if fill.missing { self.missing } else { 0 };
        let unready = if fill.unready { self.unready } else { 0 };
        self.ready + self.strangers + missing + unready
    }
}

/// Whole percent of the request, as 64-bit integers overflow: a thousand pods with 100 GiB each, in milli-bytes, times a
/// hundred is more than they hold, and the controller does not notice.
fn percent_of(usage: i128, request: i128) -> Result<i32, MetricError> {
    let percent = (usage as i64).wrapping_mul(100).checked_div(request as i64);
    Ok(percent.ok_or(MetricError::NoKnownPods)? as i32)
}

/// Which pods without a trusted sample are counted in.
#[derive(Clone, Copy)]
struct Fill {
    /// Missing pods, …
    missing: bool,
    /// … as if they were fully used; else idle.
    missing_full: bool,
    /// Starting pods, idle.
    unready: bool,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn tally(ready: i64, usage: i128) -> Tally {
        Tally { ready, usage, request: i128::from(ready) * 1000, ..Tally::default() }
    }

    fn by_percent(tally: Tally, target: i32, current: i32) -> i32 {
        tally.utilization(target, current, Tolerance::default()).unwrap().replicas
    }

    #[test]
    fn utilisation_is_truncated_before_the_ratio() {
        // 10 pods at 109.9 % of a target of 100 %: 109 % is inside the tolerance; 111 % is not.
        assert_eq!(by_percent(tally(10, 10_990), 100, 10), 10);
        assert_eq!(by_percent(tally(10, 11_100), 100, 10), 12);
    }

    #[test]
    fn inside_the_tolerance_the_wished_size_stays_even_with_more_pods() {
        assert_eq!(by_percent(tally(12, 12_000), 100, 10), 10);
    }

    #[test]
    fn the_ratio_multiplies_ready_pods() {
        // One of four pods, doubly loaded: 2 · 1 = 2, a fall.
        assert_eq!(by_percent(tally(1, 1000), 50, 4), 2);
    }

    #[test]
    fn starting_pods_dampen_a_rise_and_ignore_a_fall() {
        let starting = |usage| Tally { unready: 2, unready_request: 2000, ..tally(2, usage) };
        // 160 % of the target over two, 80 % over four: the ratio turned, so nothing.
        assert_eq!(by_percent(starting(1600), 50, 4), 4);
        // 400 % over two, 200 % over four.
        assert_eq!(by_percent(starting(4000), 50, 4), 8);
        // Falls look at the measured alone: 0.4 · 2 ready.
        assert_eq!(by_percent(starting(400), 50, 4), 1);
    }

    #[test]
    fn missing_pods_hold_against_the_direction() {
        let missing = |usage| Tally { missing: 1, missing_request: 1000, missing_usage: 1000, ..tally(3, usage) };
        // A fall: the missing one is taken as full (100 %): (600 + 1000) / 4000 = 40 % of 50 %: 0.8 · 4 = 4.
        assert_eq!(by_percent(missing(600), 50, 4), 4);
        // A rise: it is taken as idle: 3000 / 4000 = 75 % of 50 %: 1.5 · 4 = 6.
        assert_eq!(by_percent(missing(3000), 50, 4), 6);
    }

    #[test]
    fn averages_count_strangers_and_utilisation_does_not() {
        let with = Tally { strangers: 1, stranger_usage: 9000, ..tally(3, 3000) };
        assert_eq!(with.average(1000, 3, Tolerance::default()).unwrap().current.average, Some(3000));
        assert_eq!(with.utilization(100, 3, Tolerance::default()).unwrap().current.utilization, Some(100));
    }

    #[test]
    fn percent_overflows_as_upstream() {
        // 2^63 / 100 milli-bytes are 85.9 TiB: 860 pods of 100 GiB pass, a thousand wrap to a negative utilisation.
        let of = |pods: i64| {
            let bytes = i128::from(pods) * (100 << 30) * 1000;
            let tally = Tally { ready: pods, usage: bytes, request: bytes, ..Tally::default() };
            tally.utilization(100, 5, Tolerance::default()).unwrap().current.utilization.unwrap()
        };
        assert_eq!(of(850), 100);
        assert!(of(1000) < 0);
    }

    #[test]
    fn nothing_measured_is_an_error_not_zero() {
        assert_eq!(Tally::default().average(1, 1, Tolerance::default()), Err(MetricError::NoSamples));
        let unknown_only = Tally { strangers: 2, ..Tally::default() };
        assert_eq!(unknown_only.utilization(50, 1, Tolerance::default()), Err(MetricError::NoKnownPods));
    }
}
