//! The parts of a forecast that can be left out, to measure what each is worth: `examples/ablation.rs` prints the table of
//! `docs/forecasting-ablation.md`. The daemon leaves none out.

use super::Choice;

/// A part of the forecast.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// A model of the mixture.
    Model(Choice),
    /// The mixture's weights: without them all models count alike.
    Weights,
    /// The correction of bases by how far off they are: without it they stand as they are.
    Correction,
    /// Corrections in logarithms: without them all corrections are in loads.
    Logarithms,
    /// The judge of outages, bursts and levels: without it nothing is masked.
    Judge,
    /// What holes are filled with: without it a week says nothing of what was missing or masked.
    Holes,
    /// What is expected within an outage: without it the season.
    Outages,
    /// Margins by the size of error to be expected: without them errors are as large as ever.
    Sizes,
    /// The minute of the hour in that size: without it a burst at the full hour widens the whole hour.
    Minutes,
    /// The correction of the quantile's level by the coverage of the last days.
    Coverage,
    /// Margins of the maximum of a window: without them those of its last sample.
    Maxima,
    /// What was foreseen an hour ago: without it only what is foreseen now.
    HourAgo,
}
