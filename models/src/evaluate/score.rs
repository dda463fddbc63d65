//! From what was said and what came to figures.

use super::{
    origins::replay,
    protocol::{Span, Target},
    reference::{Outcome, Reference},
};
use crate::{forecast::Choice, interval::pinball};
use std::ops::ControlFlow;

/// Figures of one model on one target of one trace. A figure that would be a division by nothing is missing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// What was forecast.
    pub target: Target,
    /// Origins scored.
    pub n: usize,
    /// Σ|error| / Σ load.
    pub wape: Option<f64>,
    /// Mean pinball loss of the upper quantile, in the load's unit.
    pub pinball: Option<f64>,
    /// Share of targets that stayed within the upper quantile.
    pub coverage: Option<f64>,
    /// Mean absolute error in units of the reference's on plain values in the history before.
    pub mase: Option<f64>,
    /// To the reference, on the same origins.
    pub relative: Relative,
}

/// A figure divided by the reference's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Relative {
    /// Of WAPE.
    pub wape: Option<f64>,
    /// Of pinball loss.
    pub pinball: Option<f64>,
}

/// Sums over origins.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n: usize,
    load: f64,
    error: f64,
    pinball: f64,
    covered: usize,
    referred: usize,
    reference_error: f64,
    reference_pinball: f64,
}

impl Sums {
    fn add(&mut self, level: f64, (point, upper): (f64, f64), outcome: Outcome) {
        let came = outcome.came;
        self.n += 1;
        self.load += came;
        self.error += (came - point).abs();
        self.pinball += pinball(level, upper, came);
        self.covered += usize::from(came <= upper);
        if let Some((point, upper)) = outcome.reference {
            self.referred += 1;
            self.reference_error += (came - point).abs();
            self.reference_pinball += pinball(level, upper, came);
        }
    }

    fn score(&self, target: Target, scale: Option<f64>) -> Score {
        let n = self.n as f64;
        let referred = self.referred == self.n;
        let to = |sum: f64, reference: f64| over(sum, reference).filter(|_| referred);
        Score {
            target,
            n: self.n,
            wape: over(self.error, self.load),
            pinball: over(self.pinball, n),
            coverage: over(self.covered as f64, n),
            mase: scale.and_then(|scale| over(self.error, n * scale)),
            relative: Relative {
                wape: to(self.error, self.reference_error),
                pinball: to(self.pinball, self.reference_pinball),
            },
        }
    }
}

fn over(sum: f64, by: f64) -> Option<f64> {
    (by > 0.0).then(|| sum / by).filter(|share| share.is_finite())
}

/// Scores a model with one lead window: the targets that [`Span::spoken`] names. `go_on` is asked at each step; `None` where
/// it ended the replay.
pub fn score(
    span: &Span,
    reference: &Reference,
    model: Choice,
    lead: usize,
    mut go_on: impl FnMut() -> ControlFlow<()>,
) -> Option<Vec<Score>> {
    let level = span.protocol().quantile;
    let mut sums = vec![Sums::default(); span.targets().len()];
    let ended = replay(span, model, lead, |next, said| {
        for said in said {
            if let Some(outcome) = reference.outcome(next, said.target) {
                sums[said.target].add(level, (said.point, said.upper), outcome);
            }
        }
        go_on()
    });
    let scores = span.spoken(lead).map(|i| sums[i].score(span.targets()[i], reference.scale()));
    ended.is_continue().then(|| scores.collect())
}

impl Reference {
    /// Its own figures: every relative one is 1.
    pub fn scores(&self, span: &Span) -> Vec<Score> {
        let level = span.protocol().quantile;
        let of = |target: usize| {
            let mut sums = Sums::default();
            for next in span.steps().filter(|next| span.is_origin(*next)) {
                if let Some(Outcome { reference: Some(said), came }) = self.outcome(next, target) {
                    sums.add(level, said, Outcome { reference: Some(said), came });
                }
            }
            sums.score(self.target(target), self.scale())
        };
        (0..span.targets().len()).map(of).collect()
    }
}
