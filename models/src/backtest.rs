//! How good the forecasts were on the past: scores of rolling origins, and what they are worth in trust.

/// Scores over the rolling origins of the last week (or what there is), each forecast made from the past only.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Mean absolute error one hour ahead, in units of the error of "same time last season" (below 1 is better).
    pub mase: f64,
    /// Absolute error one hour ahead, as a share of the load.
    pub wape: f64,
    /// Pinball loss of the upper quantile on the maximum over the lead window, as a share of the mean load.
    pub pinball: f64,
    /// Share of lead windows whose maximum stayed within the upper quantile.
    pub coverage: f64,
    /// Origins scored.
    pub origins: usize,
}

/// Whether a forecast is worth raising a floor for, and by which margin.
///
/// The measure is the pinball loss on the maximum over the lead window. The rival is the better of two models that know
/// no calendar: persistence (the last value) and the recent means; whoever cannot beat them sees nothing coming.
#[derive(Clone, Debug, PartialEq)]
pub struct Trust {
    /// Better than reacting.
    pub trusted: bool,
    /// Loss relative to the calendar-less rival; below 1 is better.
    pub ratio: f64,
    /// Loss relative to plain persistence.
    pub against_persistence: f64,
    /// One sentence with the numbers.
    pub why: String,
}

impl Trust {
    /// Loss ratio at or below which trust is gained.
    pub const GAIN: f64 = 0.97;
    /// Loss ratio above which trust that was there is lost.
    pub const LOSE: f64 = 1.0;

    /// Decides with hysteresis: between [`Trust::GAIN`] and [`Trust::LOSE`] the `previous` verdict stands.
    pub fn decide(ratio: f64, against_persistence: f64, origins: usize, previous: Option<bool>) -> Self {
        let worst = ratio.max(against_persistence);
        let trusted = if origins == 0 || !worst.is_finite() {
            false
        } else if worst <= Self::GAIN {
            true
        } else {
            worst <= Self::LOSE && previous == Some(true)
        };
        let verb = if trusted { "beats" } else { "does not beat" };
        let why = if origins == 0 {
            "no origin could be scored yet".to_owned()
        } else {
            format!(
                "{verb} reacting: loss on the lead window {ratio:.2} of the recent means', {against_persistence:.2} of \
                 persistence's, over {origins} origins (wanted: at most {:.2})",
                Self::GAIN
            )
        };
        Self { trusted, ratio, against_persistence, why }
    }

    /// The same figures judged again with the verdict that stood before (daily, with hysteresis).
    #[must_use]
    pub fn after(&self, previous: bool, origins: usize) -> Self {
        Self::decide(self.ratio, self.against_persistence, origins, Some(previous))
    }
}
