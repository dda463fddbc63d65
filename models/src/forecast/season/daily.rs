//! Bases of a library, fitted once a day and continued ahead: MSTL and Prophet.
//!
//! A fit takes a thousand times as long as reading the past does, and a library may panic on odd input: it runs once a day behind
//! `catch_unwind`, and a fit that failed leaves the one before it.

use super::mstl::{self, Trend};
#[cfg(feature = "prophet")]
use super::prophet;
use crate::{
    calendar::DAY,
    forecast::past::{Past, WEEKS},
};
use std::{
    error::Error,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Samples of a day that a season needs; fewer say nothing, and MSTL divides by them.
const SHORTEST_DAY: usize = 4;
/// Samples above which a fit would take too long; coarser steps are for others.
const LONGEST: usize = 50_000;
/// Days that a fit is continued: what is asked at most, and a day until the next fit.
const AHEAD_DAYS: usize = 5;

/// Why a base could not be fitted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Two whole days are the least.
    #[error("less than two days of samples")]
    Short,
    /// More samples than it can take in reasonable time.
    #[error("{0} samples are more than {LONGEST}; use a longer step")]
    Long(usize),
    /// What the library said.
    #[error("{0}")]
    Library(String),
}

impl FitError {
    /// What a library said.
    pub(super) fn said(what: impl Into<Box<dyn Error>>) -> Self {
        Self::Library(what.into().to_string())
    }
}

/// Which library fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fitter {
    /// MSTL, its trend continued so.
    Mstl(Trend),
    /// Prophet.
    #[cfg(feature = "prophet")]
    Prophet,
}

/// What a fit may look at: the newest weeks of a past.
#[derive(Clone, Copy, Debug)]
pub(super) struct History<'a> {
    pub(super) past: &'a Past,
    /// Number of its first sample.
    pub(super) from: i64,
    /// Samples in a day.
    pub(super) day: usize,
}

impl History<'_> {
    /// How many samples, missing ones counted.
    pub(super) fn len(&self) -> usize {
        (self.past.next() - self.from) as usize
    }
}

/// The newest fit, continued ahead.
#[derive(Clone, Debug)]
pub struct Daily {
    fitter: Fitter,
    from: i64,
    ahead: Vec<f32>,
    due: i64,
    failure: Option<FitError>,
}

impl Daily {
    /// Nothing fitted yet.
    pub fn new(fitter: Fitter) -> Self {
        Self { fitter, from: 0, ahead: Vec::new(), due: 0, failure: None }
    }

    /// The continuation at sample `i`; NaN outside of it.
    pub fn at(&self, i: i64) -> f64 {
        let ahead = usize::try_from(i - self.from).ok();
        ahead.and_then(|a| self.ahead.get(a)).map_or(f64::NAN, |v| f64::from(*v))
    }

    /// Why the last fit failed, if it did.
    pub fn failure(&self) -> Option<&FitError> {
        self.failure.as_ref()
    }

    /// Fits anew if a day has passed; says whether there is a new continuation.
    pub fn refit_if_due(&mut self, past: &Past) -> bool {
        if past.next() < self.due {
            return false;
        }
        self.due = past.next() + past.samples_in(DAY) as i64;
        match continuation(past, self.fitter) {
            Ok(ahead) => {
                self.from = past.next();
                self.ahead = ahead;
                self.failure = None;
                true
            }
            Err(failure) => {
                self.failure = Some(failure);
                false
            }
        }
    }
}

fn continuation(past: &Past, fitter: Fitter) -> Result<Vec<f32>, FitError> {
    let day = past.samples_in(DAY);
    let held = (past.next() - past.first()).min(WEEKS * 7 * day as i64);
    let history = History { past, from: past.next() - held, day };
    if history.len() < 2 * day || day < SHORTEST_DAY {
        return Err(FitError::Short);
    }
    if history.len() > LONGEST {
        return Err(FitError::Long(history.len()));
    }
    let ahead = AHEAD_DAYS * day;
    let fit = || match fitter {
        Fitter::Mstl(trend) => mstl::continuation(history, trend, ahead),
        #[cfg(feature = "prophet")]
        Fitter::Prophet => prophet::continuation(history, ahead),
    };
    let made = catch_unwind(AssertUnwindSafe(fit)).map_err(|_| FitError::said("the fit panicked"))??;
    let sound = made.len() == ahead && made.iter().all(|v| v.is_finite());
    sound.then_some(made).ok_or_else(|| FitError::said("the fit is not finite"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use chrono_tz::Europe::Berlin;

    /// Half an hour: a day has 48 samples.
    const STEP: i64 = 1_800;
    /// Monday, 9 March 2026, 00:00 in Berlin, three weeks before its clocks are put forward.
    const FIRST: i64 = 1_773_010_800 / STEP;

    fn fitters() -> Vec<Fitter> {
        vec![
            Fitter::Mstl(Trend::Last),
            Fitter::Mstl(Trend::Smoothed),
            #[cfg(feature = "prophet")]
            Fitter::Prophet,
        ]
    }

    /// So many samples of a load.
    fn past(samples: i64, load: impl Fn(i64) -> f32) -> Past {
        let calendar = Calendar::new(Berlin, FIRST * STEP, (FIRST + samples) * STEP + 10 * DAY);
        let mut past = Past::new(STEP, FIRST, calendar);
        (0..samples).for_each(|i| past.push(load(FIRST + i), false));
        past
    }

    /// A wave a day and a lower weekend, by UTC.
    fn office(i: i64) -> f32 {
        let days = (i - FIRST) as f64 / 48.0;
        let weekend = days.rem_euclid(7.0) >= 5.0;
        (100.0 - 40.0 * (days * std::f64::consts::TAU).cos() - if weekend { 20.0 } else { 0.0 }) as f32
    }

    /// The largest error of a continuation, relative to the load, over the next two days.
    fn error(daily: &Daily, past: &Past, load: impl Fn(i64) -> f32) -> f64 {
        let next = past.next();
        (next..next + 96).map(|i| (daily.at(i) / f64::from(load(i)) - 1.0).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn a_season_is_continued_over_holes_and_masked_samples() {
        let holes = |i: i64| if i % 11 == 0 || (300..330).contains(&(i - FIRST)) { f32::NAN } else { office(i) };
        for fitter in fitters() {
            let mut past = past(16 * 48, holes);
            past.set_masked(FIRST + 40, true);
            let mut daily = Daily::new(fitter);
            assert!(daily.refit_if_due(&past), "{fitter:?}: {:?}", daily.failure());
            let error = error(&daily, &past, office);
            assert!(error < 0.08, "{fitter:?}: {error}");
        }
    }

    #[test]
    fn it_is_fitted_once_a_day_and_a_failure_leaves_the_last_fit() {
        for fitter in fitters() {
            let mut daily = Daily::new(fitter);
            assert!(!daily.refit_if_due(&past(95, office)), "two days less a sample");
            assert_eq!(daily.failure(), Some(&FitError::Short));
            assert!(daily.at(FIRST + 95).is_nan());
            assert!(!daily.refit_if_due(&past(95 + 47, office)), "not before a day has passed");
            assert!(daily.refit_if_due(&past(95 + 48, office)), "{fitter:?}: {:?}", daily.failure());
            assert_eq!(daily.failure(), None);
            let said = daily.at(FIRST + 95 + 48);
            // A history that lost all but the last day.
            let short = Past::new(STEP, FIRST + 191, Calendar::new(Berlin, FIRST * STEP, (FIRST + 400) * STEP));
            assert!(!daily.refit_if_due(&short));
            assert_eq!(daily.failure(), Some(&FitError::Short));
            assert_eq!(daily.at(FIRST + 95 + 48).to_bits(), said.to_bits(), "{fitter:?}");
        }
    }

    /// What follows the wall clock is continued by it when an hour is shown twice.
    #[cfg(feature = "prophet")]
    #[test]
    fn prophet_follows_the_clock() {
        // Friday, 9 October 2026, 00:00 in Berlin; its clocks are put back on the 25th at 01:00 UTC.
        let (first, samples) = (1_791_496_800 / STEP, 16 * 48);
        let calendar = Calendar::new(Berlin, first * STEP, (first + samples) * STEP + 10 * DAY);
        let clock = calendar.clone();
        let load = |i: i64| office(FIRST + (clock.local(i * STEP) - clock.local(first * STEP)) / STEP);
        let mut past = Past::new(STEP, first, calendar);
        (first..first + samples).for_each(|i| past.push(load(i), false));
        let mut daily = Daily::new(Fitter::Prophet);
        assert!(daily.refit_if_due(&past), "{:?}", daily.failure());
        let error = error(&daily, &past, load);
        assert!(error < 0.08, "{error}");
    }

    /// Nothing, a constant, one sample that is not 0, the tiny and the huge: a fit or a reason, no panic, nothing that is not finite.
    #[test]
    fn odd_loads_are_fitted_or_refused() {
        let loads: [fn(i64) -> f32; 5] = [
            |_| 0.0,
            |_| 7.0,
            |i| if i == FIRST + 200 { 1.0 } else { 0.0 },
            |i| office(i) * 1e-30,
            |i| office(i) * 1e30,
        ];
        for fitter in fitters() {
            for (nth, load) in loads.into_iter().enumerate() {
                let past = past(16 * 48, load);
                let mut daily = Daily::new(fitter);
                let fitted = daily.refit_if_due(&past);
                assert_eq!(fitted, daily.failure().is_none(), "{fitter:?}, load {nth}");
                assert!(!fitted || daily.at(past.next()).is_finite(), "{fitter:?}, load {nth}");
            }
        }
    }
}
