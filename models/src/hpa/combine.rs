//! Several metrics: every one is computed, the largest wins, and failures hold a fall back.

use crate::hpa::condition::Active;
use crate::hpa::{Current, MetricError, MetricSpec, Proposal};

/// What the metrics of one HPA ask for together.
#[derive(Clone, Debug, PartialEq)]
pub struct Combined {
    /// The size, and the position of the metric that asked for it; `None`: nothing may be scaled.
    pub wish: Option<(i32, usize)>,
    /// What was measured, by position; `None` where the metric failed.
    pub currents: Vec<Option<Current>>,
    /// Positions and causes of the metrics that failed.
    pub failed: Vec<(usize, MetricError)>,
}

/// Combines the results of all metrics, in their order. `current` is `scale.spec.replicas`.
///
/// All failed, or some failed and the rest would shrink: no wish.
pub fn combine(current: i32, results: impl Iterator<Item = Result<Proposal, MetricError>>) -> Combined {
    let mut combined = Combined { wish: None, currents: Vec::with_capacity(results.size_hint().0), failed: Vec::new() };
    for (i, result) in results.enumerate() {
        combined.currents.push(result.as_ref().ok().map(|p| p.current));
        match result {
            Err(error) => combined.failed.push((i, error)),
            // A zero is replaced by whatever comes later.
            Ok(p) if combined.wish.is_none_or(|(wish, _)| wish == 0 || p.replicas > wish) => {
                combined.wish = Some((p.replicas, i));
            }
            Ok(_) => {}
        }
    }
    if !combined.failed.is_empty() {
        combined.wish = combined.wish.filter(|&(wish, _)| wish >= current);
    }
    combined
}

/// The reason of `ScalingActive=False` when this metric is the first that failed.
pub const fn failure(metric: &MetricSpec) -> Active {
    match metric {
        MetricSpec::Resource { .. } => Active::FailedResource,
        MetricSpec::ContainerResource { .. } => Active::FailedContainerResource,
        MetricSpec::Pods { .. } => Active::FailedPods,
        MetricSpec::Object { .. } => Active::FailedObject,
        MetricSpec::External { .. } => Active::FailedExternal,
        MetricSpec::Unknown { .. } => Active::InvalidMetricType,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(current: i32, sizes: &[Option<i32>]) -> Option<(i32, usize)> {
        let result = |size: &Option<i32>| match size {
            Some(replicas) => Ok(Proposal { replicas: *replicas, current: Current::default() }),
            None => Err(MetricError::NoSamples),
        };
        combine(current, sizes.iter().map(result)).wish
    }

    #[test]
    fn the_largest_wins_and_failures_forbid_falls() {
        let table = [
            (vec![Some(3), Some(7), Some(5)], Some((7, 1))),
            (vec![Some(0), Some(0)], Some((0, 1))),
            (vec![Some(0), Some(2)], Some((2, 1))),
            (vec![None, None], None),
            (vec![None, Some(3)], None),
            (vec![None, Some(5)], Some((5, 1))),
            (vec![Some(9), None], Some((9, 0))),
            (vec![], None),
        ];
        for (sizes, expected) in table {
            assert_eq!(wish(5, &sizes), expected, "{sizes:?} at 5");
        }
    }
}
