//! Logarithm and exponential function in single precision, without a branch and without a call: a loop over several numbers becomes
//! vector instructions. Loads are known to three digits, these to six.
//!
//! Both take a number apart into a power of two and a rest near 1 or 0, and the rest by a polynomial: the logarithm's is that of
//! Sun's fdlibm (`e_logf.c`), the exponential's that of Moshier's Cephes (`expf.c`).

/// Bits of √½, where the rest of a logarithm begins.
const ROOT_OF_HALF: u32 = 0x3F35_04F3;
/// Bits of a 32-bit float's significand.
const SIGNIFICAND: u32 = 23;
/// ln 2 in two parts, the first of which times any exponent is exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
/// Of a number this large no fraction is left: added and taken away again, it rounds.
const ROUNDS: f32 = 12_582_912.0;
/// What the exponential function of is still a normal number: e⁻⁸⁷ and e⁸⁸.
const DOMAIN: [f32; 2] = [-87.0, 88.0];

/// The natural logarithm: that of the largest number for what is larger, of the smallest for what is smaller, NaN for what is
/// negative or NaN.
#[inline]
pub fn ln(x: f32) -> f32 {
    // Not `min` and `max`: they would make a number of NaN.
    let bounded = if x > f32::MAX { f32::MAX } else { x };
    let bounded = if bounded < f32::MIN_POSITIVE { f32::MIN_POSITIVE } else { bounded };
    let from_root = bounded.to_bits().wrapping_sub(ROOT_OF_HALF);
    let exponent = (from_root as i32 >> SIGNIFICAND) as f32;
    let rest = f32::from_bits((from_root & ((1 << SIGNIFICAND) - 1)) + ROOT_OF_HALF) - 1.0;
    let s = rest / (2.0 + rest);
    let (z, square) = (s * s, 0.5 * rest * rest);
    let series = z * (0.666_666_6 + z * (0.400_009_72 + z * (0.284_987_87 + z * 0.242_790_79)));
    let fine = s * (square + series) + exponent * LN_2[1];
    let log = exponent * LN_2[0] + (rest - (square - fine));
    if x >= 0.0 { log } else { f32::NAN }
}

/// The exponential function; where it would leave the normal numbers, the last of them.
#[inline]
pub fn exp(x: f32) -> f32 {
    let bounded = if x > DOMAIN[1] { DOMAIN[1] } else { x };
    let bounded = if bounded < DOMAIN[0] { DOMAIN[0] } else { bounded };
    let shifted = bounded * std::f32::consts::LOG2_E + ROUNDS;
    let exponent = shifted - ROUNDS;
    let rest = bounded - exponent * LN_2[0] - exponent * LN_2[1];
    let series = 0.5
        + rest
            * (0.166_666_66
                + rest * (4.166_579_6e-2 + rest * (8.333_452e-3 + rest * (1.398_2e-3 + rest * 1.987_569_1e-4))));
    let near = 1.0 + (rest + rest * rest * series);
    // The exponent stands in the lowest bits of what was shifted.
    near * f32::from_bits((shifted.to_bits() << SIGNIFICAND).wrapping_add(1_f32.to_bits()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_number_stays_none_and_nothing_is_infinite() {
        assert!(ln(f32::NAN).is_nan() && ln(-1.0).is_nan() && exp(f32::NAN).is_nan());
        assert!((ln(f32::INFINITY) - 88.722_84).abs() < 1e-4 && (ln(0.0) + 87.336_55).abs() < 1e-4);
        assert!(exp(1e9).is_finite() && exp(-1e9) > 0.0 && exp(-1e9) < 1e-37);
        assert_eq!((ln(1.0), exp(0.0)), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn as_the_library_has_them(x in prop::num::f32::POSITIVE | prop::num::f32::NORMAL, y in -86.0_f32..87.0) {
            let x = x.abs();
            prop_assert!((ln(x) - x.ln()).abs() <= 1e-6 * x.ln().abs().max(0.1), "{} {} {}", x, ln(x), x.ln());
            prop_assert!((exp(y) / y.exp() - 1.0).abs() <= 1e-6, "{} {} {}", y, exp(y), y.exp());
        }
    }
}
