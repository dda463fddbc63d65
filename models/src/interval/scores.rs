//! Scores in a histogram that forgets: its quantiles are monotone in the level by construction, a score costs O(1).

use std::sync::LazyLock;

/// Bins on either side of zero; all of them fit a byte.
const HALF: usize = 32;
const BINS: usize = 2 * HALF + 1;
/// Largest score told apart.
const LARGEST: f64 = 60.0;
/// Steps in which all that was counted fades to 1 ÷ e.
const STEPS: u16 = 32;
/// What one score adds, if as many as are remembered fit a bin with that.
const MOST_WEIGHT: usize = 64;

/// How much has been seen of each score of late, for `W` sorts of scores that come together.
///
/// Fading needs neither the scores themselves nor their order: a window of `w` scores is known as well as scores that fade with a
/// memory of `w ÷ 2`, since the sum of their squared weights is the same. But what fades never leaves whole.
#[derive(Clone, Debug)]
pub(super) enum Scores<const W: usize> {
    /// Each score once so many have come after it.
    Window(Window<W>),
    /// A little of all scores now and then.
    Fading(Fading<W>),
}

/// The bins of the newest scores, in the order in which they came.
#[derive(Clone, Debug)]
pub(super) struct Window<const W: usize> {
    ring: Box<[[u8; W]]>,
    at: u16,
    seen: u16,
}

/// How much is in each bin.
#[derive(Clone, Debug)]
pub(super) struct Fading<const W: usize> {
    counts: Box<[[u16; BINS]; W]>,
    /// What one score adds to its bin.
    weight: u16,
    /// Scores between two steps of fading, scores since the last one, and steps so far.
    spell: u16,
    since: u16,
    steps: u16,
}

impl<const W: usize> Scores<W> {
    /// Nothing seen; the newest `window` scores count.
    pub(super) fn windowed(window: usize) -> Self {
        let window = window.clamp(1, usize::from(u16::MAX));
        Self::Window(Window { ring: vec![[0; W]; window].into(), at: 0, seen: 0 })
    }

    /// Nothing seen; `memory` scores later what was counted weighs 1 ÷ e of what comes.
    pub(super) fn fading(memory: usize) -> Self {
        let memory = memory.max(1);
        let spell = (memory / usize::from(STEPS)).clamp(1, usize::from(u16::MAX)) as u16;
        // At rest a bin holds `memory` scores at most, and half a spell more before it fades.
        let weight = (usize::from(u16::MAX) / 2 / memory).clamp(1, MOST_WEIGHT) as u16;
        Self::Fading(Fading { counts: Box::new([[0; BINS]; W]), weight, spell, since: 0, steps: 0 })
    }

    /// Takes an error, as multiples of the sizes expected of it.
    pub(super) fn push(&mut self, error: f64, sizes: [f64; W]) {
        let bins = sizes.map(|size| bin(if error == 0.0 { 0.0 } else { (error / size).clamp(-LARGEST, LARGEST) }));
        match self {
            Self::Window(window) => window.push(bins),
            Self::Fading(fading) => fading.push(bins),
        }
    }

    /// The scores of sort `w` that shares `levels` of scores stay below; 0 before there are any.
    pub(super) fn quantiles<const L: usize>(&self, w: usize, levels: [f64; L]) -> [f64; L] {
        match self {
            Self::Window(window) => {
                let mut counts = [0; BINS];
                for bins in &window.ring[..usize::from(window.seen)] {
                    counts[usize::from(bins[w])] += 1;
                }
                quantiles(&counts, 1, levels)
            }
            Self::Fading(fading) => quantiles(&fading.counts[w], fading.weight, levels),
        }
    }
}

impl<const W: usize> Window<W> {
    fn push(&mut self, bins: [usize; W]) {
        self.ring[usize::from(self.at)] = bins.map(|bin| bin as u8);
        self.at = (self.at + 1) % self.ring.len() as u16;
        self.seen = (self.seen + 1).min(self.ring.len() as u16);
    }
}

impl<const W: usize> Fading<W> {
    fn push(&mut self, bins: [usize; W]) {
        for (counts, bin) in self.counts.iter_mut().zip(bins) {
            counts[bin] = counts[bin].saturating_add(self.weight);
        }
        self.since = (self.since + 1) % self.spell;
        if self.since == 0 {
            self.steps = self.steps.wrapping_add(1);
            self.fade();
        }
    }

    /// Takes one part in 32 from each bin, fractions in turn: on average nothing is lost to rounding.
    fn fade(&mut self) {
        let turn = self.steps.wrapping_mul(13) % STEPS;
        for count in self.counts.as_flattened_mut() {
            *count -= count.saturating_add(turn) / STEPS;
        }
    }
}

/// The scores that shares of those counted stay below, each score counting `one`; 0 before there are any.
fn quantiles<const L: usize>(counts: &[u16; BINS], one: u16, levels: [f64; L]) -> [f64; L] {
    let total: u32 = counts.iter().map(|n| u32::from(*n)).sum();
    if total == 0 {
        return [0.0; L];
    }
    let (total, one) = (f64::from(total), f64::from(one));
    levels.map(|level| {
        // The conformal correction for few scores: the n-th of n covers n/(n+1).
        let wanted = (level * (total + one)).min(total);
        // From the nearer end: the levels asked for are high or low.
        if level >= 0.5 { scan_down(counts, total - wanted) } else { scan_up(counts, wanted) }
    })
}

fn scan_up(counts: &[u16; BINS], wanted: f64) -> f64 {
    let (mut below, least) = (0, wanted.ceil() as u32);
    for (i, n) in counts.iter().map(|n| u32::from(*n)).enumerate() {
        if n > 0 && below + n >= least {
            return between(i, ((wanted - f64::from(below)) / f64::from(n)).clamp(0.0, 1.0));
        }
        below += n;
    }
    LARGEST
}

fn scan_down(counts: &[u16; BINS], wanted: f64) -> f64 {
    let (mut above, most) = (0, wanted as u32);
    for (i, n) in counts.iter().map(|n| u32::from(*n)).enumerate().rev() {
        if n > 0 && above + n > most {
            return between(i, 1.0 - ((wanted - f64::from(above)) / f64::from(n)).clamp(0.0, 1.0));
        }
        above += n;
    }
    -LARGEST
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
