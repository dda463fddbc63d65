//! A ring of samples in little room: twelve bits each, to one part in two thousand.
//!
//! A load is measured to a few percent and forecast to a few more. Ten bits of significand round it by at most 2⁻¹¹ = 0.05 %; the
//! two bits of exponent left span the octaves below the most of 32 samples in a row. What is less than a quarter of that most may lie
//! below them, in equal steps, and is known to one part in four thousand of the most instead of itself. Whole numbers up to 2,048 are
//! exact wherever their neighbours are no larger. Four weeks at 5 min fit 12.5 KB.

use std::ops::Range;

/// Samples that share a span.
const BLOCK: usize = 32;
/// Bits of the significand that are kept.
const SIGNIFICAND: u32 = 10;
/// Code of what is missing.
const MISSING: u16 = 0xFFF;
/// Bits of a 32-bit float's significand that are not kept.
const DROPPED: u32 = 23 - SIGNIFICAND;
/// A span of 0 measures in 2⁻¹³⁸: its highest octave is that of the smallest 32-bit float that is not subnormal.
const LEAST_UNIT: i32 = -138;

/// A ring of loads (not negative), each NaN until it is set. Slots are set in their order, the first one following the last.
#[derive(Clone, Debug)]
pub struct Samples {
    /// The codes of two samples each.
    pairs: Box<[[u8; 3]]>,
    /// What each block is measured in, as the exponent of a power of two above the least.
    spans: Box<[u8]>,
    held: usize,
}

impl Samples {
    /// Room for the newest `held` loads.
    pub fn new(held: usize) -> Self {
        // The block that is being filled has lost what it held before.
        let room = (held + BLOCK - 1).next_multiple_of(BLOCK);
        Self {
            pairs: vec![[u8::MAX; 3]; room / 2].into_boxed_slice(),
            spans: vec![0; room / BLOCK].into_boxed_slice(),
            held,
        }
    }

    /// How many of the newest loads are held.
    pub fn held(&self) -> usize {
        self.held
    }

    /// How many slots the ring has: more than are held.
    pub fn slots(&self) -> usize {
        2 * self.pairs.len()
    }

    /// The load in slot `at`.
    pub fn get(&self, at: usize) -> f32 {
        match self.code(at) {
            MISSING => f32::NAN,
            code => (f64::from(multiple(code)) * unit(self.spans[at / BLOCK])).min(f64::from(f32::MAX)) as f32,
        }
    }

    /// The loads from slot `from` on.
    pub fn read(&self, from: usize, out: &mut [f32]) {
        let (mut at, mut out) = (from, out);
        while !out.is_empty() {
            let (here, rest) = out.split_at_mut(out.len().min(BLOCK - at % BLOCK));
            let (codes, unit) = (self.codes(at, here.len()), unit(self.spans[at / BLOCK]) as f32);
            for (load, code) in here.iter_mut().zip(&codes[at % 2..]) {
                *load = (multiples(*code) * unit).min(f32::MAX);
                *load = if *code == MISSING { f32::NAN } else { *load };
            }
            at += here.len();
            out = rest;
        }
    }

    /// The codes of so many samples of a block, from the pair on in which the first one is.
    fn codes(&self, at: usize, len: usize) -> [u16; BLOCK] {
        let mut codes = [MISSING; BLOCK];
        let pairs = &self.pairs[at / 2..(at + len).div_ceil(2)];
        for (both, pair) in codes.chunks_exact_mut(2).zip(pairs) {
            both[0] = code(*pair, 0);
            both[1] = code(*pair, 1);
        }
        codes
    }

    /// Sum and number of the loads of a stretch of slots that are there.
    pub fn sum(&self, stretch: Range<usize>) -> (f64, f64) {
        let (mut sum, mut n, mut from) = (0.0, 0, stretch.start);
        while from < stretch.end {
            let block = from / BLOCK;
            let to = stretch.end.min((block + 1) * BLOCK);
            let pairs = &self.pairs[block * (BLOCK / 2)..][..BLOCK / 2];
            let mut units = 0;
            for at in from..to {
                // Whole numbers, and without a branch: this is what most of learning is made of.
                let code = code(pairs[at % BLOCK / 2], at);
                let there = u32::from(code != MISSING);
                units += multiple(code) * there;
                n += there;
            }
            sum += f64::from(units) * unit(self.spans[block]);
            from = to;
        }
        (sum, f64::from(n))
    }

    /// Stores the next load in slot `at`; what is negative is 0, what is not finite is missing.
    pub fn set(&mut self, at: usize, load: f32) {
        if at.is_multiple_of(BLOCK) {
            self.pairs[at / 2..][..BLOCK / 2].fill([u8::MAX; 3]);
            self.spans[at / BLOCK] = 0;
        }
        let code = if !load.is_finite() {
            MISSING
        } else if load < f32::MIN_POSITIVE {
            0
        } else {
            self.lift(at / BLOCK, span(load));
            nearest(f64::from(load) / unit(self.spans[at / BLOCK]))
        };
        self.put(at, code);
    }

    /// Lets a block be measured in no less than `span`.
    fn lift(&mut self, block: usize, span: u8) {
        let old = self.spans[block];
        if span <= old {
            return;
        }
        self.spans[block] = span;
        let shrink = unit(old) / unit(span);
        for at in block * BLOCK..(block + 1) * BLOCK {
            let code = self.code(at);
            if code != MISSING {
                self.put(at, nearest(f64::from(multiple(code)) * shrink));
            }
        }
    }

    fn code(&self, at: usize) -> u16 {
        code(self.pairs[at / 2], at)
    }

    fn put(&mut self, at: usize, code: u16) {
        let [low, middle, high] = &mut self.pairs[at / 2];
        if at.is_multiple_of(2) {
            (*low, *middle) = (code as u8, *middle & 0xF0 | (code >> 8) as u8);
        } else {
            (*middle, *high) = (*middle & 0xF | (code as u8) << 4, (code >> 4) as u8);
        }
    }
}

/// The code of sample `at` in its pair: the lower twelve bits or the upper.
fn code([low, middle, high]: [u8; 3], at: usize) -> u16 {
    let both = u32::from_le_bytes([low, middle, high, 0]);
    (both >> (12 * (at % 2)) & u32::from(MISSING)) as u16
}

/// The power of two that a span measures in.
fn unit(span: u8) -> f64 {
    f64::from_bits(((1023 + LEAST_UNIT) as u64 + u64::from(span)) << 52)
}

/// How many units a code stands for: in the lower two octaves and below them as many as it says, above in steps of two and four.
fn multiple(code: u16) -> u32 {
    let code = u32::from(code);
    let steps = (code >> SIGNIFICAND).saturating_sub(1);
    (code - (steps << SIGNIFICAND)) << steps
}

/// The same as a float and without a shift, which lets several be taken at once.
fn multiples(code: u16) -> f32 {
    let units = f32::from(code);
    if code >= 3 << SIGNIFICAND {
        (units - 2048.0) * 4.0
    } else if code >= 2 << SIGNIFICAND {
        (units - 1024.0) * 2.0
    } else {
        units
    }
}

/// The code of the nearest load to so many units.
fn nearest(units: f64) -> u16 {
    let steps = u32::from(units >= 2048.0) + u32::from(units >= 4096.0);
    // What is rounded up into the next octave is carried there by the addition.
    let rounded = (units / f64::from(1_u32 << steps) + 0.5) as u32;
    ((steps << SIGNIFICAND) + rounded).min(u32::from(MISSING) - 1) as u16
}

/// The least span that a load fits.
fn span(load: f32) -> u8 {
    // Rounded before it is cut, so that a carry into the exponent is seen.
    let rounded = load.to_bits() + (1 << (DROPPED - 1));
    let significand = rounded >> DROPPED & ((1 << SIGNIFICAND) - 1);
    // The highest code of all is that of what is missing.
    let taken = u32::from(significand == (1 << SIGNIFICAND) - 1);
    u8::try_from((rounded >> 23).saturating_sub(1) + taken).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stored(loads: &[f32]) -> Samples {
        let mut samples = Samples::new(loads.len());
        for (at, load) in loads.iter().enumerate() {
            samples.set(at, *load);
        }
        samples
    }

    #[test]
    fn zero_missing_and_what_is_no_load() {
        let samples = stored(&[0.0, f32::NAN, f32::INFINITY, -1.0, 1e-40, 7.0]);
        let seen: Vec<f32> = (0..7).map(|at| samples.get(at)).collect();
        assert_eq!((seen[0], seen[3], seen[4], seen[5]), (0.0, 0.0, 0.0, 7.0));
        assert!(seen[1].is_nan() && seen[2].is_nan() && seen[6].is_nan(), "{seen:?}");
    }

    #[test]
    fn the_largest_and_the_smallest_are_finite_and_far_apart() {
        let samples = stored(&[f32::MIN_POSITIVE, 1.0, f32::MAX]);
        assert_eq!((samples.get(0), samples.get(1)), (0.0, 0.0), "nothing beside the largest");
        assert!(samples.get(2) >= 0.999 * f32::MAX && samples.get(2).is_finite());
        assert!((stored(&[f32::MIN_POSITIVE]).get(0) / f32::MIN_POSITIVE - 1.0).abs() < 5e-4);
    }

    #[test]
    fn whole_numbers_are_exact_whatever_order_they_come_in() {
        let numbers: Vec<f32> = (0..64).map(|i| (i * 37 % 2048) as f32).chain([2047.0, 2048.0, 0.0, 1.0]).collect();
        let samples = stored(&numbers);
        assert!(numbers.iter().enumerate().all(|(at, n)| samples.get(at) == *n));
    }

    #[test]
    fn many_read_at_once_are_what_they_are_one_by_one() {
        let mut samples = Samples::new(90);
        for at in 0..samples.slots() {
            samples.set(at, if at % 7 == 3 { f32::NAN } else { (at * at * 31 % 9973) as f32 });
        }
        for (from, len) in [(0, 96), (1, 40), (30, 5), (31, 1), (95, 1)] {
            let mut read = vec![0.0; len];
            samples.read(from, &mut read);
            let bits = |loads: &[f32]| loads.iter().map(|load| load.to_bits()).collect::<Vec<_>>();
            let singly: Vec<f32> = (from..from + len).map(|at| samples.get(at)).collect();
            assert_eq!(bits(&read), bits(&singly), "{from} {len}");
        }
    }

    #[test]
    fn the_sum_of_a_stretch_counts_what_is_there() {
        let samples = stored(&[7.0, f32::NAN, 3.0, 0.0, 5.0]);
        assert_eq!((samples.sum(0..5), samples.sum(1..4), samples.sum(1..2)), ((15.0, 4.0), (3.0, 2.0), (0.0, 0.0)));
    }

    #[test]
    fn the_ring_goes_on_from_its_start_and_holds_what_it_is_to_hold() {
        let mut samples = Samples::new(70);
        let slots = samples.slots();
        for i in 0..5 * slots {
            samples.set(i % slots, i as f32);
            for back in (0..70).filter(|back| *back <= i) {
                assert_eq!(samples.get((i - back) % slots), (i - back) as f32, "{i} {back}");
            }
        }
    }

    proptest! {
        #[test]
        fn rounds_by_less_than_a_two_thousandth_of_itself_or_a_four_thousandth_of_the_most(
            scale in -30_i32..30,
            loads in prop::collection::vec(prop_oneof![1e-3_f32..1e4, 50.0_f32..200.0], 1..100),
        ) {
            let unit = 10_f32.powi(scale);
            let loads: Vec<f32> = loads.iter().map(|load| load * unit).collect();
            let samples = stored(&loads);
            for (block, loads) in loads.chunks(BLOCK).enumerate() {
                let most = loads.iter().copied().fold(0.0, f32::max);
                for (at, load) in loads.iter().enumerate() {
                    let off = (samples.get(block * BLOCK + at) - load).abs();
                    prop_assert!(off <= (load / 2000.0).max(most / 4000.0), "{} of {}", off, load);
                    prop_assert!(*load < most / 4.0 || off <= load / 2000.0, "{} of {} beside {}", off, load, most);
                }
            }
        }
    }
}
