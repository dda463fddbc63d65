//! Where a regression lives: in loads, where errors add, or in logarithms, where they multiply.

use super::{elementary, past::Past};

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
    #[inline]
    pub fn residual(self, load: f32, base: f32, offset: f32) -> f32 {
        match self {
            Self::Load => load - base,
            Self::Log => elementary::ln((load + offset) / (base + offset)),
        }
    }

    /// How far each load lies from its base.
    pub fn residuals<const N: usize>(self, loads: &[f32; N], bases: &[f32; N], offset: f32) -> [f32; N] {
        let mut residuals = *loads;
        // Told apart outside of the loops, which become vector instructions.
        match self {
            Self::Load => each(&mut residuals, bases, |load, base| Self::Load.residual(load, base, offset)),
            Self::Log => each(&mut residuals, bases, |load, base| Self::Log.residual(load, base, offset)),
        }
        residuals
    }

    /// The load that lies `residual` from `base`.
    #[inline]
    pub fn apply(self, base: f32, residual: f32, offset: f32) -> f32 {
        match self {
            Self::Load => base + residual,
            Self::Log => (base + offset) * elementary::exp(residual) - offset,
        }
    }

    /// The load that lies each residual from its base.
    pub fn apply_each<const N: usize>(self, bases: &[f32; N], residuals: &[f32; N], offset: f32) -> [f32; N] {
        let mut loads = *bases;
        match self {
            Self::Load => each(&mut loads, residuals, |base, residual| Self::Load.apply(base, residual, offset)),
            Self::Log => each(&mut loads, residuals, |base, residual| Self::Log.apply(base, residual, offset)),
        }
        loads
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

#[inline]
fn each<const N: usize>(these: &mut [f32; N], those: &[f32; N], what: impl Fn(f32, f32) -> f32) {
    for (this, that) in these.iter_mut().zip(those) {
        *this = what(*this, *that);
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

/// The natural logarithm in single precision: loads are known to three digits, this to six.
#[inline]
pub fn ln(x: f64) -> f64 {
    f64::from(elementary::ln(x as f32))
}

/// The exponential function in single precision.
#[inline]
pub fn exp(x: f64) -> f64 {
    f64::from(elementary::exp(x as f32))
}
