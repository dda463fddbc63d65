//! What is counted of a workload: starved minutes, pod-hours, rescales.

use chrono::{DateTime, TimeDelta, Utc};

/// A pod that carries this much more than its target is saturated.
pub const SATURATION: f64 = 1.25;

/// One minute, as it began.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minute {
    /// When.
    pub at: DateTime<Utc>,
    /// Total load, in the load's unit.
    pub load: f64,
    /// Ready pods.
    pub ready: u32,
    /// Load above what the ready pods can carry, as a share of the load; 0 where none is.
    pub starved: f64,
}

/// Counts of one workload.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally {
    per_replica: f64,
    last: DateTime<Utc>,
    minutes: Vec<Minute>,
    pod_seconds: f64,
    peak: u32,
    rescales: u32,
}

impl Tally {
    pub(super) fn new(per_replica: f64, now: DateTime<Utc>) -> Self {
        Self { per_replica, last: now, minutes: Vec::new(), pod_seconds: 0.0, peak: 0, rescales: 0 }
    }

    pub(super) fn count(&mut self, now: DateTime<Utc>, load: f64, ready: u32, pods: u32) {
        self.pod_seconds += (now - self.last).num_milliseconds() as f64 / 1000.0 * f64::from(pods);
        self.last = now;
        self.peak = self.peak.max(pods);
        let due = self.minutes.last().is_none_or(|m| now - m.at >= TimeDelta::minutes(1));
        if due {
            let carried = f64::from(ready) * self.per_replica * SATURATION;
            let starved = if load > carried { (load - carried) / load } else { 0.0 };
            self.minutes.push(Minute { at: now, load, ready, starved });
        }
    }

    pub(super) fn rescaled(&mut self) {
        self.rescales += 1;
    }

    /// Minute by minute.
    pub fn minutes(&self) -> &[Minute] {
        &self.minutes
    }

    /// Minutes in which the load was above ready replicas × target per replica × 1.25.
    pub fn starved_minutes(&self) -> u32 {
        self.minutes.iter().filter(|m| m.starved > 0.0).count() as u32
    }

    /// Share of the whole load that no ready pod could carry.
    pub fn starved_load_ratio(&self) -> f64 {
        let total: f64 = self.minutes.iter().map(|m| m.load).sum();
        let starved: f64 = self.minutes.iter().map(|m| m.load * m.starved).sum();
        if total > 0.0 { starved / total } else { 0.0 }
    }

    /// Pods times hours, starting ones included: they are paid for.
    pub fn pod_hours(&self) -> f64 {
        self.pod_seconds / 3600.0
    }

    /// Most pods at once.
    pub fn peak(&self) -> u32 {
        self.peak
    }

    /// Changes of size by the HPA.
    pub fn rescales(&self) -> u32 {
        self.rescales
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_is_starved_above_target_times_saturation() {
        let start = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let mut tally = Tally::new(2.0, start);
        for (minute, load) in [(0, 10.0), (1, 10.1), (2, 20.0)] {
            // 4 pods × 2.0 × 1.25 = 10.0
            tally.count(start + TimeDelta::minutes(minute), load, 4, 4);
        }
        assert_eq!(tally.starved_minutes(), 2);
        assert!((tally.pod_hours() - 4.0 * 2.0 / 60.0).abs() < 1e-9);
        // (0.1 + 10.0) / 40.1
        assert!((tally.starved_load_ratio() - 10.1 / 40.1).abs() < 1e-9);
    }
}
