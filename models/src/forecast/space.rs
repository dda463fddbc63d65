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
            Self::Log => ln((load + offset) / (base + offset)),
        }
    }

    /// The load that lies `residual` from `base`.
    pub fn apply(self, base: f64, residual: f64, offset: f64) -> f64 {
        match self {
            Self::Load => base + residual,
            Self::Log => (base + offset) * exp(residual) - offset,
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

/// Logarithm of a load, measured in [`Past::unit`].
pub fn log(past: &Past, load: f64, offset: f64) -> f64 {
    ln((load + offset) / past.unit())
}

/// The natural logarithm in single precision, at half the time of the double one: loads are known to three digits, this to seven.
pub fn ln(x: f64) -> f64 {
    // Not `min`: that would make a load of what is missing.
    let largest = f64::from(f32::MAX);
    f64::from((if x > largest { largest } else { x } as f32).ln())
}

/// The exponential function in single precision.
pub fn exp(x: f64) -> f64 {
    f64::from((x as f32).exp())
}
