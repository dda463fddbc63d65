//! The controller's configuration.

use crate::hpa::{Flags, Gates, Version};

/// Flags and feature gates of one kube-controller-manager.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Controller {
    /// Its command-line flags.
    pub flags: Flags,
    /// Its feature gates.
    pub gates: Gates,
}

impl Controller {
    /// Default flags and gates of a version.
    pub fn of(version: Version) -> Self {
        Self { flags: Flags::default(), gates: Gates::of(version) }
    }
}
