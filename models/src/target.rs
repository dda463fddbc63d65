//! What the cluster says of one HPA and its workload.

use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// One HPA as observed at one moment. Values only: nothing here can reach back to the cluster.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Identity of the object; a recreated HPA has another.
    pub uid: String,
    /// Version of the observed object, for the writes that must not act on a stale look.
    pub resource_version: String,
    /// `status.currentReplicas`: the target's `spec.replicas` at the HPA's last sync. 0 is paused.
    pub current: Replicas,
    /// `status.desiredReplicas` of the last sync.
    pub desired: Replicas,
    /// `spec.minReplicas` as it stands now, 1 where absent.
    pub min: Replicas,
    /// `spec.maxReplicas`.
    pub max: Replicas,
    /// How the HPA goes down.
    pub scale_down: ScaleDown,
    /// Condition `ScalingLimited=True/TooFewReplicas`: the metrics want fewer than `spec.minReplicas`.
    pub too_few: bool,
    /// Condition `ScalingActive` is not False: the HPA gets its metrics.
    pub scaling_active: bool,
    /// Pods of the target that are ready, where known.
    pub ready: Option<Replicas>,
    /// Our book-keeping as found on the object.
    pub hold: Hold,
    /// Our field manager owns `spec.minReplicas`.
    pub ours: bool,
    /// Other field managers that own `spec.minReplicas`, by name.
    pub owners: Vec<String>,
    /// Time of our managedFields entry: the clock of the ramp, which survives a restart.
    pub written_at: Option<DateTime<Utc>>,
    /// `floorcast.io/released-until`: a person or a command handed the floor back and wants peace until then.
    pub released_until: Option<DateTime<Utc>>,
}

impl Target {
    /// An HPA at its minimum, of which nothing else is to be told: it gets its metrics and nobody holds a floor.
    pub fn at_rest(uid: impl Into<String>, resource_version: impl Into<String>, min: Replicas, max: Replicas) -> Self {
        Self {
            uid: uid.into(),
            resource_version: resource_version.into(),
            current: min,
            desired: min,
            min,
            max,
            scale_down: ScaleDown::default(),
            too_few: false,
            scaling_active: true,
            ready: None,
            hold: Hold::Free,
            ours: false,
            owners: Vec::new(),
            written_at: None,
            released_until: None,
        }
    }
}

/// The part of `spec.behavior.scaleDown` that decides how long a raised floor must still be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleDown {
    /// Stabilisation window; the controller's flag where the HPA has none (300 s by default).
    pub stabilisation: TimeDelta,
    /// Longest `periodSeconds` of its policies; zero where there are none.
    pub longest_period: TimeDelta,
}

impl Default for ScaleDown {
    fn default() -> Self {
        Self { stabilisation: TimeDelta::seconds(300), longest_period: TimeDelta::zero() }
    }
}

/// Our annotations on the object.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Hold {
    /// None of them: we hold nothing.
    #[default]
    Free,
    /// All of them, in a format we know.
    Held(Held),
    /// Written by a newer floorcast (`floorcast.io/v` above ours): left alone.
    Newer {
        /// The version found.
        version: String,
    },
    /// Some are missing or unreadable; what can be read is used to hand back, nothing is guessed.
    Damaged {
        /// The base, if it could still be read.
        base: Option<Replicas>,
        /// What is wrong, for the event.
        why: String,
    },
}

/// The book-keeping that travels in the same write as the floor.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// The user's own floor, to be given back.
    pub base: Replicas,
    /// What we wrote to `spec.minReplicas`.
    pub floor: Replicas,
    /// What we had written before that; never adopted as anybody's opinion.
    pub floor_before: Option<Replicas>,
    /// From here on nobody needs this floor: daemon or janitor drain it.
    pub until: DateTime<Utc>,
    /// Who wrote it.
    pub holder: Holder,
    /// Lease transitions at the write; never decreases within one lease UID.
    pub epoch: u64,
    /// Short reason code.
    pub reason: String,
}

/// The lease under which a floor was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Namespace of the Lease: two installations in two namespaces are strangers to each other.
    pub namespace: String,
    /// UID of the Lease.
    pub lease_uid: String,
    /// Identity of the process (pod name).
    pub identity: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_scale_down_is_the_controllers_five_minutes() {
        assert_eq!(ScaleDown::default().stabilisation.num_seconds(), 300);
    }
}
