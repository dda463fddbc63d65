//! A rolling week of scores in a histogram: its quantiles are monotone in the level by construction, a score costs O(1).

use std::sync::LazyLock;

/// Bins on either side of zero; all of them fit a byte.
const HALF: usize = 96;
const BINS: usize = 2 * HALF + 1;
/// Largest score told apart.
const LARGEST: f64 = 60.0;

/// The newest scores: the bin of each in the order in which they came, and how many are in each bin.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    ring: Vec<u8>,
    at: usize,
    counts: [u16; BINS],
    seen: usize,
}

impl Scores {
    /// Room for `window` scores.
    pub(super) fn new(window: usize) -> Self {
        let window = window.min(usize::from(u16::MAX) - 1);
        Self { ring: vec![0; window], at: 0, counts: [0; BINS], seen: 0 }
    }

    /// Takes an error as a multiple of the size expected of it.
    pub(super) fn push(&mut self, error: f64, size: f64) {
        let bin = bin(if error == 0.0 { 0.0 } else { (error / size).clamp(-LARGEST, LARGEST) });
        if self.seen == self.ring.len() {
            self.counts[usize::from(self.ring[self.at])] -= 1;
        } else {
            self.seen += 1;
        }
        self.ring[self.at] = bin as u8;
        self.counts[bin] += 1;
        self.at = (self.at + 1) % self.ring.len();
    }

    /// The score that a share `level` of scores stays below; 0 before there are any.
    pub(super) fn quantile(&self, level: f64) -> f64 {
        if self.seen == 0 {
            return 0.0;
        }
        // The conformal correction for few scores: the n-th of n covers n/(n+1).
        let wanted = (level * (self.seen as f64 + 1.0)).min(self.seen as f64);
        // From the nearer end: the levels asked for are high or low.
        if level >= 0.5 { self.scan_down(self.seen as f64 - wanted) } else { self.scan_up(wanted) }
    }

    fn scan_up(&self, wanted: f64) -> f64 {
        let mut below = 0.0;
        for (i, n) in self.counts.iter().map(|n| f64::from(*n)).enumerate() {
            if n > 0.0 && below + n >= wanted {
                return between(i, ((wanted - below) / n).clamp(0.0, 1.0));
            }
            below += n;
        }
        LARGEST
    }

    fn scan_down(&self, wanted: f64) -> f64 {
        let mut above = 0.0;
        for (i, n) in self.counts.iter().map(|n| f64::from(*n)).enumerate().rev() {
            if n > 0.0 && above + n > wanted {
                return between(i, 1.0 - ((wanted - above) / n).clamp(0.0, 1.0));
            }
            above += n;
        }
        -LARGEST
    }
}

/// Upper borders of the bins from zero up: narrow near zero and wide far out, equal in the inverse hyperbolic sine.
static BORDERS: LazyLock<[f64; HALF + 1]> =
    LazyLock::new(|| std::array::from_fn(|k| ((k as f64 + 0.5) / HALF as f64 * LARGEST.asinh()).sinh()));

fn bin(score: f64) -> usize {
    let size = score.abs();
    let k = BORDERS.partition_point(|border| *border <= size).min(HALF);
    if score < 0.0 { HALF - k } else { HALF + k }
}

/// The score at a share of bin `i`.
fn between(i: usize, share: f64) -> f64 {
    if i == HALF && BORDERS[0] > 0.0 {
        // What is nearly nothing is nothing: a load that never errs needs no margin.
        return 0.0;
    }
    let border = |i: usize| if i < HALF { -BORDERS[HALF - 1 - i] } else { BORDERS[i - HALF] };
    let low = if i == 0 { -BORDERS[HALF] } else { border(i - 1) };
    low + (border(i) - low) * share
}
