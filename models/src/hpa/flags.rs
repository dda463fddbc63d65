//! The controller's command-line flags that the HPA's arithmetic depends on. They cannot be read from a cluster.

use chrono::TimeDelta;

/// Flags of kube-controller-manager, and two constants of its source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flags {
    /// `--horizontal-pod-autoscaler-sync-period`, 15 s.
    pub sync_period: TimeDelta,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`, 5 min.
    pub downscale_stabilisation: TimeDelta,
    /// `--horizontal-pod-autoscaler-tolerance`, 0.1.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`, 5 min.
    pub cpu_initialization: TimeDelta,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`, 30 s.
    pub initial_readiness_delay: TimeDelta,
    /// Without `behavior`, one sync may multiply the size by this, 2 …
    pub scale_up_factor: f64,
    /// … or reach this many replicas, 4.
    pub scale_up_minimum: f64,
}

impl Default for Flags {
    fn default() -> Self {
        Self {
            sync_period: TimeDelta::seconds(15),
            downscale_stabilisation: TimeDelta::minutes(5),
            tolerance: 0.1,
            cpu_initialization: TimeDelta::minutes(5),
            initial_readiness_delay: TimeDelta::seconds(30),
            scale_up_factor: 2.0,
            scale_up_minimum: 4.0,
        }
    }
}
