//! Randomness by seed, the same on every machine.

/// A generator of pseudo-random numbers: `SplitMix64` (Steele, Lea and Flood 2014), small, fast and good enough for
/// simulations; never for secrets.
///
/// ```
/// use floorcast_models::sim::Random;
/// assert_eq!(Random::new(7).next(), Random::new(7).next());
/// assert_ne!(Random::new(7).next(), Random::new(8).next());
/// ```
#[derive(Clone, Debug)]
pub struct Random(u64);

const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// A stream of its own for every seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A stream for one thing among many: the same `(seed, which)` gives the same stream.
    pub fn of(seed: u64, which: u64) -> Self {
        Self(mix(seed ^ mix(which.wrapping_add(STEP))))
    }

    /// The next 64 bits.
    #[allow(clippy::should_implement_trait)] // an endless stream; nothing ends it
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in `[low, high)`.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Normal with mean 0 and deviation 1 (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// True with the given probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }
}

const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_stream_of_seed_zero() {
        let mut random = Random::new(0);
        assert_eq!([random.next(), random.next()], [0xE220_A839_7B1D_CDAF, 0x6E78_9E6A_A1B9_65F4]);
    }

    #[test]
    fn moments_are_those_of_the_distributions() {
        let mut random = Random::new(1);
        let draws: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        // Three standard errors: 3/√20000 = 0.021, 3·√(2/20000) = 0.03.
        assert!(mean.abs() < 0.021 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
        assert!((0..1000).all(|_| (2.0..3.0).contains(&random.between(2.0, 3.0))));
    }

    #[test]
    fn neighbouring_streams_have_nothing_in_common() {
        let firsts: std::collections::BTreeSet<u64> = (0..1000).map(|i| Random::of(1, i).next()).collect();
        assert_eq!(firsts.len(), 1000);
    }
}
