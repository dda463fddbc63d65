//! Half-width floats: the upper 16 bits of a 32-bit float (bfloat16), for what is known to a few percent anyway.
//!
//! Sign and exponent stay whole, so nothing overflows that did not before; of the significand eight bits remain (the leading one
//! implied), so that a number is off by at most 2⁻⁸ = 0.4 %, and by 0.15 % on average.

/// A float in 16 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Half(u16);

impl Half {
    /// No number.
    pub const NAN: Self = Self(0x7FC0);
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The nearest; halfway between two, the even one.
    #[inline]
    pub fn new(value: f32) -> Self {
        const ENDLESS: u32 = 0x7F80_0000;
        let bits = value.to_bits();
        // Rounding carries into the exponent where it must. The largest floats would become infinite: they are cut instead.
        let rounded = bits.wrapping_add(0x7FFF + (bits >> 16 & 1));
        let is_round = bits & ENDLESS != ENDLESS && rounded & ENDLESS != ENDLESS;
        let cut = if is_round { rounded } else { bits };
        if value.is_nan() { Self::NAN } else { Self((cut >> 16) as u16) }
    }

    /// The number.
    pub fn get(self) -> f32 {
        f32::from_bits(u32::from(self.0) << 16)
    }
}

/// All of them.
pub fn pack<const N: usize>(values: [f32; N]) -> [Half; N] {
    values.map(Half::new)
}

/// All of them back.
pub fn unpack<const N: usize>(values: [Half; N]) -> [f32; N] {
    values.map(Half::get)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_number_stays_none_and_the_largest_stay_finite() {
        assert!(Half::new(f32::NAN).get().is_nan() && Half::NAN.get().is_nan());
        assert_eq!(Half::new(f32::INFINITY).get(), f32::INFINITY);
        assert!(Half::new(f32::MAX).get().is_finite() && Half::new(f32::MIN).get() < -3e38);
        assert_eq!((Half::new(0.0).get(), Half::new(-1.5).get(), Half::ZERO.get()), (0.0, -1.5, 0.0));
    }

    proptest! {
        #[test]
        fn off_by_at_most_four_thousandths(value in prop::num::f32::NORMAL) {
            let seen = f64::from(Half::new(value).get());
            prop_assert!(value.abs() > 3e38 || (seen / f64::from(value) - 1.0).abs() <= 1.0 / 256.0, "{} {}", seen, value);
        }
    }
}
