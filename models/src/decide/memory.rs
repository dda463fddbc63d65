//! The only state carried from tick to tick; a fresh one plus the annotations converges to the same decisions.

/// What one workload's decisions and writes remember. Bounded, and rebuildable from the object's annotations.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {}
