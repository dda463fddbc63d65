//! Where a regression lives: in loads, where errors add, or in logarithms, where they multiply.

use super::past::Past;

/// The offset of the logarithm as a share of the mean load: keeps zeros finite and small loads calm.
const LOG_OFFSET: f64 = 0.2;

/// Loads or their logarithms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Space {
    /// The load itself.
    Load,
    /// `ln(load + 0.2 · mean)`: growth multiplies a season instead of shifting it.
    Log,
}

impl Space {
    /// How far `load` lies from `base`.
    pub fn residual(self, load: f64, base: f64, offset: f64) -> f64 {
        match self {
            Self::Load => load - base,
            Self::Log => ((load + offset) / (base + offset)).ln(),
        }
    }

    /// The load that lies `residual` from `base`.
    pub fn apply(self, base: f64, residual: f64, offset: f64) -> f64 {
        match self {
            Self::Load => base + residual,
            Self::Log => (base + offset) * residual.exp() - offset,
        }
    }

    /// What residuals are measured in: loads in mean loads, so that features are of the order of 1 whatever the load's unit;
    /// logarithms are so already.
    pub fn unit(self, past: &Past) -> f64 {
        match self {
            Self::Load => past.mean().max(f64::MIN_POSITIVE),
            Self::Log => 1.0,
        }
    }
}

/// What is added to a load before its logarithm is taken.
pub fn offset(past: &Past) -> f64 {
    (LOG_OFFSET * past.mean()).max(1e-30)
}
