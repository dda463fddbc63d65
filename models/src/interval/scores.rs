//! Scores in a histogram that forgets: its quantiles are monotone in the level by construction, a score costs O(1).

use std::sync::LazyLock;

/// Bins on either side of zero; all of them fit a byte.
const HALF: usize = 64;
const BINS: usize = 2 * HALF + 1;
/// Largest score told apart.
const LARGEST: f64 = 60.0;
/// Steps in which all that was counted fades to 1 ÷ e.
const STEPS: u16 = 32;
/// What one score adds, if as many as are remembered fit a bin with that.
const MOST_WEIGHT: usize = 64;

/// How much has been seen of each score of late.
///
/// Fading needs neither the scores themselves nor their order: a window of `w` scores is known as well as scores that fade with a
/// memory of `w ÷ 2`, since the sum of their squared weights is the same. But what fades never leaves whole.
#[derive(Clone, Debug)]
pub(super) struct Scores {
    counts: [u16; BINS],
    /// What one score adds to its bin.
    weight: u16,
    total: u32,
    forgets: Forgets,
}

#[derive(Clone, Debug)]
enum Forgets {
    /// Each score once so many have come after it: the bins of those that count, in the order in which they came.
    Window { ring: Box<[u8]>, at: usize, seen: usize },
    /// A little of all scores after every `spell` of them; `since` have come after the last of `steps`.
    Fading { spell: u16, since: u16, steps: u16 },
}

impl Scores {
    /// Nothing seen; the newest `window` scores count.
    pub(super) fn windowed(window: usize) -> Self {
        let window = window.clamp(1, usize::from(u16::MAX));
        let ring = vec![0; window].into_boxed_slice();
        Self::new(usize::from(u16::MAX) / window, Forgets::Window { ring, at: 0, seen: 0 })
    }

    /// Nothing seen; `memory` scores later what was counted weighs 1 ÷ e of what comes.
    pub(super) fn fading(memory: usize) -> Self {
        let memory = memory.max(1);
        let spell = (memory / usize::from(STEPS)).clamp(1, usize::from(u16::MAX)) as u16;
        // At rest a bin holds `memory` scores at most, and half a spell more before it fades.
        Self::new(usize::from(u16::MAX) / 2 / memory, Forgets::Fading { spell, since: 0, steps: 0 })
    }

    fn new(weight: usize, forgets: Forgets) -> Self {
        Self { counts: [0; BINS], weight: weight.clamp(1, MOST_WEIGHT) as u16, total: 0, forgets }
    }

    /// Takes an error as a multiple of the size expected of it.
    pub(super) fn push(&mut self, error: f64, size: f64) {
        let bin = bin(if error == 0.0 { 0.0 } else { (error / size).clamp(-LARGEST, LARGEST) });
        let fades = match &mut self.forgets {
            Forgets::Window { ring, at, seen } => {
                if *seen == ring.len() {
                    self.counts[usize::from(ring[*at])] -= self.weight;
                    self.total -= u32::from(self.weight);
                } else {
                    *seen += 1;
                }
                ring[*at] = bin as u8;
                *at = (*at + 1) % ring.len();
                None
            }
            Forgets::Fading { spell, since, steps } => {
                *since = (*since + 1) % *spell;
                (*since == 0).then(|| {
                    *steps = steps.wrapping_add(1);
                    *steps
                })
            }
        };
        let more = self.weight.min(u16::MAX - self.counts[bin]);
        self.counts[bin] += more;
        self.total += u32::from(more);
        if let Some(step) = fades {
            self.fade(step);
        }
    }

    /// Takes one part in 32 from each bin, fractions in turn: on average nothing is lost to rounding.
    fn fade(&mut self, step: u16) {
        let turn = step.wrapping_mul(13) % STEPS;
        for count in &mut self.counts {
            *count -= count.saturating_add(turn) / STEPS;
        }
        self.total = self.counts.iter().map(|n| u32::from(*n)).sum();
    }

    /// The score that a share `level` of scores stays below; 0 before there are any.
    pub(super) fn quantile(&self, level: f64) -> f64 {
        if self.total == 0 {
            return 0.0;
        }
        let (total, one) = (f64::from(self.total), f64::from(self.weight));
        // The conformal correction for few scores: the n-th of n covers n/(n+1).
        let wanted = (level * (total + one)).min(total);
        // From the nearer end: the levels asked for are high or low.
        if level >= 0.5 { self.scan_down(total - wanted) } else { self.scan_up(wanted) }
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
