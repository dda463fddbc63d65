//! Writes as values: what the edge sends, and what it may be answered.

use crate::decide::{Reason, State};
use crate::target::{Held, Holder};
use crate::units::Replicas;
use chrono::{DateTime, Utc};

/// Who we are: goes into every write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Our lease and process.
    pub holder: Holder,
    /// Lease transitions while we lead.
    pub epoch: u64,
}

/// The body of a server-side apply: value and book-keeping in one.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// The object's identity, in every body: a recreated object answers 422 instead of being written.
    pub uid: String,
    /// What to set: `held.floor` goes to `spec.minReplicas`, the rest to our annotations.
    pub held: Held,
}

/// One write, or none.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Nothing to write.
    None,
    /// Server-side apply with force, uid and resourceVersion: take the field.
    Acquire {
        /// The body.
        write: Write,
        /// The observed version: 409 if anything changed since.
        resource_version: String,
    },
    /// Server-side apply without force and without resourceVersion, with uid: keep the field.
    Hold {
        /// The body.
        write: Write,
    },
    /// Give the base back (two JSON patches, `hpa.md` 3.3): test resourceVersion and value, replace, remove our marks; then our managedFields entries.
    GiveBack {
        /// The object's identity.
        uid: String,
        /// The observed version.
        resource_version: String,
        /// The value that must still stand there.
        floor: Replicas,
        /// The value to restore.
        base: Replicas,
        /// Peace until then, as `floorcast.io/released-until`.
        released_until: Option<DateTime<Utc>>,
    },
    /// Drop our marks and our ownership, keep the value: it is somebody's will, or the base already.
    Clean {
        /// The object's identity.
        uid: String,
        /// The observed version.
        resource_version: String,
        /// The value that stands there and stays.
        value: Replicas,
        /// Peace until then, as `floorcast.io/released-until`.
        released_until: Option<DateTime<Utc>>,
    },
}

impl Action {
    /// The word of logs and metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Acquire { .. } => "acquire",
            Self::Hold { .. } => "hold",
            Self::GiveBack { .. } => "give_back",
            Self::Clean { .. } => "clean",
        }
    }

    /// The floor written, for the two that write one.
    pub const fn write(&self) -> Option<&Write> {
        match self {
            Self::Acquire { write, .. } | Self::Hold { write } => Some(write),
            Self::None | Self::GiveBack { .. } | Self::Clean { .. } => None,
        }
    }
}

/// The order of writes: raises by deadline, then what is given back at once, then lowers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Load arrives at `deadline`: earliest first.
    Raise {
        /// When the load arrives.
        deadline: DateTime<Utc>,
    },
    /// Base back within 60 s.
    Release,
    /// Can wait: ≤ 5/s.
    Lower,
    /// Nothing to do.
    Idle,
}

/// What is to be done for one workload, with the final state and the reasons that the protocol adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Next {
    /// The write.
    pub action: Action,
    /// Its place in the order of writes.
    pub urgency: Urgency,
    /// The workload's state: the decision's, unless the object itself stops us.
    pub state: State,
    /// Reasons beside the decision's own.
    pub reasons: Vec<Reason>,
}

/// What became of a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Written.
    Done {
        /// The object's new version: until it is observed, nothing else is written.
        resource_version: String,
    },
    /// 409: the version is stale, or another field manager owns the field.
    Conflict {
        /// The manager named, for an apply conflict.
        owner: Option<String>,
    },
    /// 422 on `maxReplicas`: it is below the floor by now.
    AboveMax,
    /// 404, or 422 on `metadata.uid`: the object is another one now.
    Gone,
    /// 403, 422 for another reason, or an admission policy's refusal.
    Denied {
        /// What the server said, shortened.
        message: String,
    },
    /// Not sent: the lease would not have lasted, or the writer was full.
    NotSent,
    /// Timeout, reset or 5xx: it may have been written.
    Unknown,
}
