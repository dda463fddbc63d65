//! Where a derivation disagrees with the HPA: by hour, worst first.

use crate::units::Replicas;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// Hours told at most.
const TOLD: usize = 5;

/// One hour in which load over target and the HPA disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    /// Start of the hour.
    pub start: DateTime<Utc>,
    /// Samples compared in it.
    pub samples: usize,
    /// Samples that disagree.
    pub off: usize,
    /// What load over target gives where the difference is largest.
    pub derived: Replicas,
    /// What the HPA wanted there.
    pub desired: Replicas,
}

impl Hour {
    fn difference(&self) -> u32 {
        self.derived.get().abs_diff(self.desired.get())
    }
}

impl fmt::Display for Hour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { start, samples, off, derived, desired } = self;
        let start = start.format("%Y-%m-%d %H:%MZ");
        write!(f, "{start}: {off} of {samples} samples off, at worst {derived} derived where the HPA wanted {desired}")
    }
}

/// All hours compared.
#[derive(Debug, Default)]
pub(super) struct Hours(BTreeMap<DateTime<Utc>, Hour>);

impl Hours {
    pub(super) fn add(&mut self, at: DateTime<Utc>, agrees: bool, derived: Replicas, desired: Replicas) {
        let start = at.duration_trunc(TimeDelta::hours(1)).unwrap_or(at);
        let hour = self.0.entry(start).or_insert(Hour { start, samples: 0, off: 0, derived, desired });
        hour.samples += 1;
        hour.off += usize::from(!agrees);
        if derived.get().abs_diff(desired.get()) > hour.difference() {
            (hour.derived, hour.desired) = (derived, desired);
        }
    }

    /// Most samples off first, then the largest difference, then the earliest.
    pub(super) fn worst(self) -> Vec<Hour> {
        let mut hours: Vec<Hour> = self.0.into_values().filter(|hour| hour.off > 0).collect();
        hours.sort_by_key(|hour| (Reverse(hour.off), Reverse(hour.difference()), hour.start));
        hours.truncate(TOLD);
        hours
    }
}
