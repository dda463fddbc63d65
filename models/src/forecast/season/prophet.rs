//! Prophet base, by the augurs library: a trend that bends, and Fourier series of the day and the week.
//!
//! Taylor and Letham, "Forecasting at Scale" (2018). Prophet's own settings but for the yearly season, of which four weeks know
//! nothing. Stan searches for the most probable parameters inside of WebAssembly, where it may give up: such a fit has failed.
//! Missing and masked samples are left out, which Prophet's authors advise; the time it is told is the workload's wall clock, so
//! its day changes with the clocks.
//!
//! Nothing here may be random. What Prophet samples for its own interval is not asked for: the upper bound is calibrated like every
//! other model's. And the library keeps its seasons in a hash map, whose order differs from process to process and with it the last
//! bits of a fit: one with the week before the day is not made, but begun again ([`DayFirst`]).

use super::daily::{FitError, History};
use crate::calendar::DAY;
use augurs::prophet::{
    Optimizer, PredictionData, Prophet, ProphetOptions, SeasonalityOption, TrainingData,
    optimizer::{Data, Error, InitialParams, OptimizeOpts, OptimizedParams},
    wasmstan::WasmstanOptimizer,
};
use std::{cell::Cell, collections::BTreeMap, f64::consts::TAU, rc::Rc, sync::OnceLock};

/// Compiled once: a second of work, and some 48 MB from then on.
static STAN: OnceLock<WasmstanOptimizer> = OnceLock::new();
/// Fits begun until one has the day first: every other one has, so that all fail once in 2^64.
const ATTEMPTS: usize = 64;

pub(super) fn continuation(history: History<'_>, ahead: usize) -> Result<Vec<f32>, FitError> {
    let past = history.past;
    let mut known: Vec<(i64, f64)> = (history.from..past.next())
        .map(|i| (shown(history, i), f64::from(past.clean(i))))
        .filter(|(_, load)| !load.is_nan())
        .collect();
    // An hour is shown twice where the clocks are put back.
    known.sort_by_key(|(shown, _)| *shown);
    let asked: Vec<i64> = (past.next()..).take(ahead).map(|i| shown(history, i)).collect();
    let prophet = fitted(&options(history), &known)?;
    let said = predicted(&prophet, &asked)?;
    Ok(asked.iter().map(|shown| said.get(shown).map_or(f32::NAN, |load| load.max(0.0) as f32)).collect())
}

fn options(history: History<'_>) -> ProphetOptions {
    ProphetOptions {
        yearly_seasonality: SeasonalityOption::Manual(false),
        weekly_seasonality: SeasonalityOption::Manual(history.len() >= 14 * history.day),
        daily_seasonality: SeasonalityOption::Manual(true),
        uncertainty_samples: 0,
        ..ProphetOptions::default()
    }
}

/// What the workload's wall clock shows at sample `i`, as if it were UTC.
fn shown(history: History<'_>, i: i64) -> i64 {
    history.past.calendar().local(history.past.stamp(i))
}

fn fitted(options: &ProphetOptions, known: &[(i64, f64)]) -> Result<Prophet<DayFirst>, FitError> {
    let (shown, loads): (Vec<i64>, Vec<f64>) = known.iter().copied().unzip();
    let search = OptimizeOpts { seed: Some(1), ..OptimizeOpts::default() };
    for _ in 0..ATTEMPTS {
        let day_first = DayFirst { refused: Rc::default(), shown: shown.as_slice().into() };
        let refused = Rc::clone(&day_first.refused);
        let mut prophet = Prophet::new(options.clone(), day_first);
        let training = TrainingData::new(shown.clone(), loads.clone()).map_err(FitError::said)?;
        match prophet.fit(training, search.clone()) {
            Ok(()) => return Ok(prophet),
            Err(_) if refused.get() => {}
            Err(error) => return Err(FitError::said(error)),
        }
    }
    Err(FitError::said("no fit had the day before the week"))
}

/// Loads by what the clock shows.
fn predicted(prophet: &Prophet<DayFirst>, asked: &[i64]) -> Result<BTreeMap<i64, f64>, FitError> {
    let mut once = asked.to_vec();
    once.sort_unstable();
    once.dedup();
    let said = prophet.predict(PredictionData::new(once)).map_err(FitError::said)?;
    Ok(said.ds.into_iter().zip(said.yhat.point).collect())
}

/// Stan, for features that begin with the day's.
#[derive(Clone, Debug)]
struct DayFirst {
    refused: Rc<Cell<bool>>,
    /// What the clock shows at each row, ascending.
    shown: Rc<[i64]>,
}

impl DayFirst {
    /// Whether the first column is the sine of the day: the week's is another one.
    fn holds(&self, data: &Data) -> bool {
        let columns = usize::try_from(data.K).unwrap_or(1).max(1);
        let of_day = |shown: i64| (TAU * shown.rem_euclid(DAY) as f64 / DAY as f64).sin();
        // Prophet counts days from the epoch, some 20,000: their sines are good to 1e-11.
        data.X.iter().step_by(columns).zip(self.shown.iter()).all(|(sine, shown)| (sine - of_day(*shown)).abs() < 1e-6)
    }
}

impl Optimizer for DayFirst {
    fn optimize(&self, init: &InitialParams, data: &Data, opts: &OptimizeOpts) -> Result<OptimizedParams, Error> {
        self.refused.set(!self.holds(data));
        if self.refused.get() {
            return Err(Error::static_str("the week comes before the day"));
        }
        STAN.get_or_init(WasmstanOptimizer::new).optimize(init, data, opts)
    }
}
