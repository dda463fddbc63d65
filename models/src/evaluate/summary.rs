//! Over several traces: the geometric mean, so that no one trace dominates and halving counts as much as doubling.

use super::{
    protocol::Target,
    score::{Relative, Score},
};

/// A model on a target over all traces that have a figure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mean {
    /// What was forecast; steps are those of the first trace.
    pub target: Target,
    /// The model.
    pub model: &'static str,
    /// Traces in it.
    pub traces: usize,
    /// Geometric means.
    pub relative: Relative,
    /// Arithmetic mean.
    pub coverage: Option<f64>,
}

/// Means by target and model, in the order in which they first appear. Rows without relative figures (a trace too short for
/// the reference) count nowhere: a mean over other traces for each model would compare nothing.
pub fn means<'a>(rows: impl IntoIterator<Item = (&'static str, &'a Score)>) -> Vec<Mean> {
    let mut groups: Vec<(&'static str, Vec<&Score>)> = Vec::new();
    for (model, score) in rows.into_iter().filter(|(_, score)| score.relative.wape.is_some()) {
        let same = |(name, scores): &&mut (&'static str, Vec<&Score>)| *name == model && same(scores[0], score);
        match groups.iter_mut().find(same) {
            Some((_, scores)) => scores.push(score),
            None => groups.push((model, vec![score])),
        }
    }
    groups.into_iter().map(|(model, scores)| mean(model, &scores)).collect()
}

/// The same question, on traces of whatever step.
fn same(a: &Score, b: &Score) -> bool {
    a.target.kind == b.target.kind && a.target.horizon == b.target.horizon
}

fn mean(model: &'static str, scores: &[&Score]) -> Mean {
    let geometric = |of: &dyn Fn(&Score) -> Option<f64>| {
        let logs = average(scores.iter().filter_map(|s| of(s)).map(f64::ln));
        logs.map(f64::exp)
    };
    Mean {
        target: scores[0].target,
        model,
        traces: scores.len(),
        relative: Relative { wape: geometric(&|s| s.relative.wape), pinball: geometric(&|s| s.relative.pinball) },
        coverage: average(scores.iter().filter_map(|s| s.coverage)),
    }
}

fn average(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0_u32), |(sum, n), v| (sum + v, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}
