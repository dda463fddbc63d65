//! What differs between Kubernetes versions in the HPA controller.

/// A minor version of Kubernetes 1.x, as far as the HPA controller behaves differently.
///
/// ```
/// use floorcast_models::hpa::{Gates, Version};
/// assert!(!Gates::of(Version::V1_32).configurable_tolerance);
/// assert!(Gates::of(Version::V1_37).scale_to_zero);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// The number after `1.`.
    pub minor: u32,
}

impl Version {
    /// Last one with the tolerance test `|1 − r| ≤ tolerance`.
    pub const V1_32: Self = Self { minor: 32 };
    /// First one with the two-sided tolerance test.
    pub const V1_33: Self = Self { minor: 33 };
    /// First one with `behavior.*.tolerance` on by default.
    pub const V1_35: Self = Self { minor: 35 };
    /// The version of the real control plane in the tests.
    pub const V1_36: Self = Self { minor: 36 };
    /// First one that scales to and from zero by default.
    pub const V1_37: Self = Self { minor: 37 };
}

/// The feature gates and unconditional changes that the controller's behaviour depends on.
///
/// Source: upstream feature list and changelogs up to the 1.37 cycle; see KEP-4951 (tolerance) and KEP-2021 (zero), pull
/// requests 127193 (absent container) and 141302 (succeeded pods). The gates of 1.36 are proven against its controller.
#[allow(clippy::struct_excessive_bools)] // one switch per independent upstream change; any combination exists in some cluster
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gates {
    /// `1 − down ≤ r ≤ 1 + up` instead of `|1 − r| ≤ tolerance`; differs in the last bit (r = 1.1).
    pub two_sided_tolerance: bool,
    /// `HPAConfigurableTolerance`: `behavior.scaleUp/scaleDown.tolerance` is obeyed.
    pub configurable_tolerance: bool,
    /// `HPAScaleToZero`: `minReplicas: 0` is allowed.
    pub scale_to_zero: bool,
    /// The condition `ScaledToZero` decides whether a target at zero may be woken.
    pub scaled_to_zero_condition: bool,
    /// `HPAGeneration`: a changed spec is reconciled at once.
    pub generation: bool,
    /// A new HPA is reconciled at once instead of after one sync period.
    pub new_at_once: bool,
    /// `PodLevelResources`: a pod-level request replaces the sum over containers.
    pub pod_level_resources: bool,
    /// A pod in whose sample the named container is absent is a pod without a sample; before, it failed the metric.
    pub absent_container_is_missing: bool,
    /// Pods of phase Succeeded are ignored like failed ones; before, they counted as any other pod.
    pub succeeded_ignored: bool,
}

impl Gates {
    /// The defaults of a version.
    pub const fn of(version: Version) -> Self {
        Self {
            two_sided_tolerance: version.minor >= 33,
            configurable_tolerance: version.minor >= 35,
            scale_to_zero: version.minor >= 37,
            scaled_to_zero_condition: version.minor >= 36,
            generation: version.minor >= 38,
            new_at_once: version.minor >= 37,
            pod_level_resources: version.minor >= 34,
            absent_container_is_missing: version.minor >= 33,
            succeeded_ignored: version.minor >= 37,
        }
    }
}

impl Default for Gates {
    fn default() -> Self {
        Self::of(Version::V1_36)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_follow_the_table_of_versions() {
        //       minor  two-sided  tolerance  zero   condition  generation  new at once  absent  succeeded
        let table = [
            (32, false, false, false, false, false, false, false, false),
            (33, true, false, false, false, false, false, true, false),
            (35, true, true, false, false, false, false, true, false),
            (36, true, true, false, true, false, false, true, false),
            (37, true, true, true, true, false, true, true, true),
            (38, true, true, true, true, true, true, true, true),
        ];
        for (minor, two_sided, tolerance, zero, condition, generation, new, absent, succeeded) in table {
            let gates = Gates::of(Version { minor });
            let found = (
                gates.two_sided_tolerance,
                gates.configurable_tolerance,
                gates.scale_to_zero,
                gates.scaled_to_zero_condition,
                gates.generation,
                gates.new_at_once,
                gates.absent_container_is_missing,
                gates.succeeded_ignored,
            );
            let wanted = (two_sided, tolerance, zero, condition, generation, new, absent, succeeded);
            assert_eq!(found, wanted, "1.{minor}");
        }
    }
}
