//! Many loads in little room: 16 bits each, to one part in two thousand.
//!
//! A load is measured to a few percent and forecast to a few more. Ten bits of significand round it by at most 2⁻¹¹ = 0.05 %, and six
//! bits of exponent span 64 octaves, nineteen decimal places, around what was stored so far.

/// Bits of the significand that are kept.
const SIGNIFICAND: u32 = 10;
/// Bits of a 32-bit float's significand that are not.
const DROPPED: u32 = 23 - SIGNIFICAND;
/// Code of what is missing.
const MISSING: u16 = u16::MAX;
/// Octaves of the span.
const OCTAVES: u32 = 64;
/// Octaves left above the largest load when the span moves: what grows further moves it again.
const ABOVE: u32 = 24;
/// Sign and exponent of a 32-bit float: the power of two below it.
const POWER: u32 = 0xFF80_0000;
/// Exponent (of a 32-bit float) at which the span begins at first: forty octaves below the first load.
const FIRST_BASE: u32 = 127 + ABOVE - OCTAVES;

/// What a load is kept as.
#[derive(Clone, Copy, Debug)]
pub struct Code(u16);

impl Code {
    /// That of what is missing.
    pub const MISSING: Self = Self(MISSING);
}

/// A fixed number of loads (not negative), each NaN until it is set.
#[derive(Clone, Debug)]
pub struct Loads {
    codes: Box<[u16]>,
    /// The power of two below the first load that was not 0; all are measured in it, so that whole numbers up to 2,048 times it are
    /// exact. 0 before there is one.
    unit: f32,
    /// Exponent of a load in units at which the span begins.
    base: u32,
}

impl Loads {
    /// Room for `len` loads.
    pub fn new(len: usize) -> Self {
        Self { codes: vec![MISSING; len].into_boxed_slice(), unit: 0.0, base: FIRST_BASE }
    }

    /// How many loads there is room for.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is room for nothing.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// Load number `at`.
    pub fn get(&self, at: usize) -> f32 {
        self.decode(Code(self.codes[at]))
    }

    /// The largest of `len` loads from number `at` on, the first one following the last; NaN where all are missing.
    pub fn most(&self, at: usize, len: usize) -> f32 {
        self.decode(self.most_code(at, len))
    }

    /// The same, still to be decoded.
    #[inline]
    pub fn most_code(&self, at: usize, len: usize) -> Code {
        if len == 1 {
            return Code(self.codes[at]);
        }
        // Codes are in the order of loads. One more, and what is missing is the least of all.
        let most = |codes: &[u16]| codes.iter().fold(0, |most, code| code.wrapping_add(1).max(most));
        let here = at + len.min(self.codes.len() - at);
        let wrapped = most(&self.codes[..len - (here - at)]);
        Code(most(&self.codes[at..here]).max(wrapped).wrapping_sub(1))
    }

    /// What many codes stand for.
    #[inline]
    pub fn decode_each<const N: usize>(&self, codes: [Code; N]) -> [f32; N] {
        let mut loads = [0.0; N];
        for (load, code) in loads.iter_mut().zip(codes) {
            *load = self.decode(code);
        }
        loads
    }

    #[inline]
    fn decode(&self, Code(code): Code) -> f32 {
        let units = f32::from_bits((u32::from(code) << DROPPED).wrapping_add(self.base << 23));
        let load = units * self.unit;
        let load = if load > f32::MAX { f32::MAX } else { load };
        let load = if code == 0 { 0.0 } else { load };
        if code == MISSING { f32::NAN } else { load }
    }

    /// Stores a load; what is negative is 0, what is not finite is missing.
    pub fn set(&mut self, at: usize, load: f32) {
        self.codes[at] = if !load.is_finite() {
            MISSING
        } else if load < f32::MIN_POSITIVE {
            0
        } else {
            self.code(load)
        };
    }

    fn code(&mut self, load: f32) -> u16 {
        if self.unit == 0.0 || (load / self.unit).is_infinite() {
            // Beside this load what was stored so far is nothing.
            self.codes.iter_mut().filter(|code| **code != MISSING).for_each(|code| *code = 0);
            (self.unit, self.base) = (f32::from_bits(load.to_bits() & POWER), FIRST_BASE);
        }
        // Rounded before it is cut, so that a carry into the exponent is seen below.
        let rounded = (load / self.unit).to_bits() + (1 << (DROPPED - 1));
        let exponent = rounded >> 23;
        if exponent >= self.base + OCTAVES - 1 {
            self.move_span((exponent + ABOVE - OCTAVES).min(255 - OCTAVES));
        }
        // Less than the span holds is as good as nothing beside the rest.
        let within = rounded.saturating_sub(self.base << 23) >> DROPPED;
        u16::try_from(within).unwrap_or(MISSING).min(MISSING - 1)
    }

    /// Lets the span begin at exponent `base`, higher than now.
    fn move_span(&mut self, base: u32) {
        let down = base.saturating_sub(self.base) << SIGNIFICAND;
        let down = u16::try_from(down).unwrap_or(u16::MAX);
        for code in self.codes.iter_mut().filter(|code| **code != MISSING) {
            *code = code.saturating_sub(down);
        }
        self.base = base.max(self.base);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn zero_missing_and_what_is_no_load() {
        let mut loads = Loads::new(5);
        for (at, load) in [0.0, f32::NAN, f32::INFINITY, -1.0, 1e-40].into_iter().enumerate() {
            loads.set(at, load);
        }
        let seen: Vec<f32> = (0..5).map(|at| loads.get(at)).collect();
        assert_eq!((seen[0], seen[3], seen[4]), (0.0, 0.0, 0.0));
        assert!(seen[1].is_nan() && seen[2].is_nan());
    }

    #[test]
    fn what_outgrows_the_span_moves_it() {
        let mut loads = Loads::new(4);
        for (at, load) in [1e-12, 1.0, 1e6, 1e30].into_iter().enumerate() {
            loads.set(at, load);
        }
        assert_eq!((loads.get(0), loads.get(1), loads.get(2)), (0.0, 0.0, 0.0), "nothing beside 1e30");
        assert!((loads.get(3) / 1e30 - 1.0).abs() < 5e-4);
    }

    #[test]
    fn the_most_of_a_stretch_leaves_out_what_is_missing_and_goes_on_from_the_start() {
        let mut loads = Loads::new(5);
        for (at, load) in [7.0, f32::NAN, 3.0, f32::NAN, 5.0].into_iter().enumerate() {
            loads.set(at, load);
        }
        assert_eq!((loads.most(2, 3), loads.most(3, 3), loads.most(4, 2)), (5.0, 7.0, 7.0));
        assert!(loads.most(3, 1).is_nan() && loads.most(1, 1).is_nan());
        assert_eq!(loads.most(1, 2), 3.0);
    }

    proptest! {
        #[test]
        fn rounds_by_less_than_a_two_thousandth(scale in -30_i32..30, loads in prop::collection::vec(1e-3_f32..1e4, 1..50)) {
            let mut stored = Loads::new(loads.len());
            let unit = 10_f32.powi(scale);
            for (at, load) in loads.iter().enumerate() {
                stored.set(at, load * unit);
            }
            for (at, load) in loads.iter().enumerate() {
                let seen = stored.get(at);
                prop_assert!((seen / (load * unit) - 1.0).abs() <= 1.0 / 2000.0, "{} {}", seen, load * unit);
            }
        }

        #[test]
        fn order_is_kept(a in 0.0_f32..f32::MAX, b in 0.0_f32..f32::MAX) {
            let mut loads = Loads::new(2);
            loads.set(0, a.min(b));
            loads.set(1, a.max(b));
            prop_assert!(loads.get(0) <= loads.get(1) && loads.get(1).is_finite());
        }
    }
}
