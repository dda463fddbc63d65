//! What a simulated stretch of time cost, and how well it served.

use crate::units::Replicas;

/// Sums since the start of the simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Simulated seconds.
    pub seconds: f64,
    /// Seconds with load above ready replicas × target per replica × saturation.
    pub starved_seconds: f64,
    /// Longest such stretch, seconds.
    pub longest_starved_seconds: f64,
    /// Load above that capacity, as a share of all load.
    pub starved_load_ratio: f64,
    /// Hours of pods that had a node, ready or not.
    pub pod_hours: f64,
    /// Hours of nodes, where they are simulated.
    pub node_hours: f64,
    /// Seconds with `spec.replicas` at `spec.maxReplicas`.
    pub seconds_at_max: f64,
    /// Highest `spec.replicas`.
    pub peak: Replicas,
    /// Changes of size by the HPA.
    pub rescales: u32,
    /// Changes of `spec.minReplicas` from outside.
    pub floor_writes: u32,
}

impl Outcome {
    /// Starved time in minutes.
    pub fn starved_minutes(&self) -> f64 {
        self.starved_seconds / 60.0
    }
}

/// One stretch of time in which nothing changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) seconds: f64,
    pub(crate) load: f64,
    pub(crate) capacity: f64,
    pub(crate) pods: u32,
    pub(crate) nodes: u32,
    pub(crate) at_max: bool,
}

/// Adds stretches up.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) sum: Outcome,
    load: f64,
    starved_load: f64,
    starving: f64,
}

impl Ledger {
    pub(crate) fn add(&mut self, stretch: Stretch) {
        let seconds = stretch.seconds;
        self.sum.seconds += seconds;
        self.sum.pod_hours += f64::from(stretch.pods) * seconds / 3600.0;
        self.sum.node_hours += f64::from(stretch.nodes) * seconds / 3600.0;
        self.load += stretch.load * seconds;
        if stretch.at_max {
            self.sum.seconds_at_max += seconds;
        }
        self.starve(stretch);
    }

    fn starve(&mut self, stretch: Stretch) {
        if stretch.load <= stretch.capacity {
            self.starving = 0.0;
            return;
        }
        self.starving += stretch.seconds;
        self.sum.starved_seconds += stretch.seconds;
        self.sum.longest_starved_seconds = self.sum.longest_starved_seconds.max(self.starving);
        self.starved_load += (stretch.load - stretch.capacity) * stretch.seconds;
    }

    pub(crate) fn outcome(&self) -> Outcome {
        let starved_load_ratio = if self.load > 0.0 { self.starved_load / self.load } else { 0.0 };
        Outcome { starved_load_ratio, ..self.sum }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn starving_is_counted_by_time_and_by_load() {
        let mut ledger = Ledger::default();
        let calm = Stretch { seconds: 1800.0, load: 10.0, capacity: 10.0, pods: 4, nodes: 1, at_max: false };
        let starving = Stretch { seconds: 60.0, load: 15.0, at_max: true, ..calm };
        for stretch in [calm, starving, starving, calm, starving] {
            ledger.add(stretch);
        }
        let outcome = ledger.outcome();
        assert_eq!(outcome.starved_minutes(), 3.0);
        assert_eq!((outcome.longest_starved_seconds, outcome.seconds_at_max), (120.0, 180.0));
        // 5 over for 180 s, of 10 · 3600 + 15 · 180.
        assert!((outcome.starved_load_ratio - 900.0 / 38_700.0).abs() < 1e-12);
        assert!((outcome.pod_hours - 4.2).abs() < 1e-9);
    }
}
