//! What `evaluate` found, as `-o json` has it.

use super::work::{Laid, Scored};
use crate::http::api::VERSION;
use chrono::TimeDelta;
use floorcast_models::{
    evaluate::{Mean, Score, Target, means, word},
    forecast::Choice,
};
use serde::Serialize;

/// The name of what everything is relative to.
pub(super) const REFERENCE: &str = "seasonal-naive";

/// The answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Answer {
    /// Version of this form.
    pub version: &'static str,
    /// Trace by trace, in the order given.
    pub traces: Vec<Measured>,
    /// Over all traces that reach back a week before what is scored.
    pub geometric_mean: Vec<Row>,
}

/// One trace.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Measured {
    /// As given.
    pub trace: String,
    /// Step of the forecasts.
    pub step_seconds: i64,
    /// By target and model.
    pub targets: Vec<Figures>,
}

/// A model on a target of a trace. What would be a division by nothing is `null`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Figures {
    /// `value` or `window_max`.
    pub target: &'static str,
    /// As asked for.
    pub horizon: String,
    /// Its name; `seasonal-naive` is the reference.
    pub model: &'static str,
    /// Origins scored.
    pub n: usize,
    /// Σ|error| / Σ load.
    pub wape: Option<f64>,
    /// Mean, in the load's unit.
    pub pinball: Option<f64>,
    /// Share of targets within the upper quantile.
    pub coverage: Option<f64>,
    /// In units of the reference's error in the history before.
    pub mase: Option<f64>,
    /// To the reference.
    pub relative: Relative,
}

/// Divided by the reference's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Relative {
    /// Of WAPE.
    pub wape: Option<f64>,
    /// Of pinball loss.
    pub pinball: Option<f64>,
}

/// A model on a target over all traces.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Row {
    /// `value` or `window_max`.
    pub target: &'static str,
    /// As asked for.
    pub horizon: String,
    /// Its name.
    pub model: &'static str,
    /// Geometric means.
    pub relative: Relative,
    /// Arithmetic mean.
    pub coverage: Option<f64>,
    /// Traces in it.
    #[serde(skip)]
    pub traces: usize,
}

impl Answer {
    /// Of all replays.
    pub(super) fn new(laid: &[Laid], models: &[Choice], scored: Vec<Scored>) -> Self {
        let mut all: Vec<Vec<(&'static str, Score)>> = laid
            .iter()
            .map(|laid| laid.reference.scores(&laid.span).into_iter().map(|score| (REFERENCE, score)).collect())
            .collect();
        for Scored { trace, model, scores } in scored {
            all[trace].extend(scores.into_iter().map(|score| (model.as_str(), score)));
        }
        let place = |name: &str| models.iter().position(|m| m.as_str() == name).unwrap_or(models.len());
        for (laid, rows) in laid.iter().zip(&mut all) {
            let number = |target: &Target| laid.span.targets().iter().position(|t| t == target);
            rows.sort_by_key(|(model, score)| (number(&score.target), place(model)));
        }
        let means = means(all.iter().flatten().map(|(model, score)| (*model, score)));
        Self {
            version: VERSION,
            traces: laid.iter().zip(&all).map(|(laid, rows)| Measured::of(laid, rows)).collect(),
            geometric_mean: means.iter().map(Row::of).collect(),
        }
    }
}

impl Measured {
    fn of(laid: &Laid, rows: &[(&'static str, Score)]) -> Self {
        Self {
            trace: laid.name.clone(),
            step_seconds: laid.span.series().step_seconds(),
            targets: rows.iter().map(|(model, score)| Figures::of(model, score)).collect(),
        }
    }
}

impl Figures {
    fn of(model: &'static str, score: &Score) -> Self {
        Self {
            target: word(score.target.kind),
            horizon: span(score.target.horizon),
            model,
            n: score.n,
            wape: score.wape,
            pinball: score.pinball,
            coverage: score.coverage,
            mase: score.mase,
            relative: Relative { wape: score.relative.wape, pinball: score.relative.pinball },
        }
    }
}

impl Row {
    fn of(mean: &Mean) -> Self {
        Self {
            target: word(mean.target.kind),
            horizon: span(mean.target.horizon),
            model: mean.model,
            relative: Relative { wape: mean.relative.wape, pinball: mean.relative.pinball },
            coverage: mean.coverage,
            traces: mean.traces,
        }
    }
}

/// A horizon as people of the trade write it: `90m`, `24h`.
pub(super) fn span(span: TimeDelta) -> String {
    match span.num_seconds() {
        s if s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}
