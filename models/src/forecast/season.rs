//! Seasonal bases: what the load should be at a given wall clock, from the weeks before; and how far off that has been lately.
//!
//! A base is never fitted: it reads the same wall clock of earlier days and weeks from [`Past`], so it is online by nature,
//! cannot see the future, and is identical whether a history was replayed at once or arrived sample by sample.

mod days;
mod mstl;
mod profile;
mod residual;
mod smooth;
mod weeks;

use super::{anchors::Window, past::Past};
pub use mstl::{Mstl, MstlError};
pub use residual::{FEATURES, Residual};

/// Which base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Base {
    /// Median over the weeks.
    Profile,
    /// Weighted weeks in log space.
    Weeks,
    /// Weighted days.
    Days,
    /// Smoothed weeks and days in log space.
    Smooth,
    /// No season: always zero, so that the residual is the load itself.
    Zero,
    /// MSTL's seasonal parts and trend, fitted once a day.
    Mstl,
}

impl Base {
    /// Whether the base and its residual live in the logarithm of the load.
    pub const fn is_log(self) -> bool {
        matches!(self, Self::Weeks | Self::Smooth)
    }
}

/// The offset of the logarithm as a share of the mean load: keeps zeros finite and small loads calm.
const LOG_OFFSET: f64 = 0.2;

/// One base over the near past and the horizon: its values, maxima over the lead window, and recent residuals.
#[derive(Clone, Debug)]
pub struct Track {
    base: Base,
    lead: i64,
    reach: i64,
    /// Distance up to which yesterday is known, so that a daily base can be renewed with it.
    fresh: i64,
    values: Vec<f32>,
    maxima: Vec<f32>,
    evaluated: i64,
    residual: Residual,
    mstl: Option<Box<Mstl>>,
}

impl Track {
    /// A base that looks `reach` samples ahead and keeps maxima over `lead` samples.
    pub fn new(base: Base, past: &Past, lead: usize, reach: usize) -> Self {
        let room = (reach + 2 * lead + 8).next_power_of_two();
        let day = past.samples_in(crate::calendar::DAY) as i64;
        Self {
            base,
            lead: lead as i64,
            reach: reach as i64,
            // An hour less than a day: on the day the clock is put back yesterday lies 25 hours ago, or 23.
            fresh: day - past.samples_in(3600) as i64 - 1,
            values: vec![f32::NAN; room],
            maxima: vec![f32::NAN; room],
            evaluated: past.next(),
            residual: Residual::new(past),
            mstl: (base == Base::Mstl).then(Box::default),
        }
    }

    /// Which base this is.
    pub fn base(&self) -> Base {
        self.base
    }

    /// Why the last fit of a fitted base failed, if it did.
    pub fn failure(&self) -> Option<&MstlError> {
        self.mstl.as_ref()?.failure()
    }

    /// Takes the newest sample into the residual, then looks one sample further ahead. Call once per sample, after
    /// [`Past::push`]; `suspect` says that it looks like part of a one-off burst.
    pub fn advance(&mut self, past: &Past, suspect: bool) {
        self.correct(past, suspect);
        if let Some(mstl) = &mut self.mstl
            && mstl.refit_if_due(past)
        {
            self.evaluated = past.next();
        }
        while self.evaluated <= past.next() + self.reach {
            self.evaluate(past, self.evaluated);
            self.evaluated += 1;
        }
        if self.base == Base::Days || self.base == Base::Smooth {
            self.evaluate(past, past.next() + self.fresh.min(self.reach));
        }
    }

    /// The base for one sample, in its own space; NaN where it knows nothing.
    pub fn at(&self, i: i64) -> f64 {
        f64::from(self.values[self.slot(i)])
    }

    /// The base's largest value over a window that starts at sample `from`, in its own space.
    pub fn over(&self, from: i64, window: Window) -> f64 {
        f64::from(if window.len == 1 { self.values[self.slot(from)] } else { self.maxima[self.slot(from)] })
    }

    /// The recent residuals as features of a regression.
    pub fn features(&self) -> [f64; FEATURES] {
        self.residual.features()
    }

    /// From the load to the base's space.
    pub fn forward(&self, past: &Past, load: f64) -> f64 {
        if self.base.is_log() { (load + offset(past)).ln() } else { load }
    }

    /// From the base's space to a load.
    pub fn back(&self, past: &Past, value: f64) -> f64 {
        if self.base.is_log() { value.exp() - offset(past) } else { value }
    }

    fn correct(&mut self, past: &Past, suspect: bool) {
        let i = past.next() - 1;
        let base = self.at(i);
        if past.is_masked(i) {
            self.residual.forget_the_last_hour();
        }
        let load = f64::from(past.clean(i));
        let residual = self.forward(past, load) - base;
        self.residual.push(residual, suspect);
    }

    fn evaluate(&mut self, past: &Past, i: i64) {
        let value = match self.base {
            Base::Profile => profile::at(past, i),
            Base::Weeks => weeks::at(past, i, offset(past)),
            Base::Days => days::at(past, i),
            Base::Smooth => smooth::at(past, i, offset(past)),
            Base::Zero => 0.0,
            Base::Mstl => self.mstl.as_ref().map_or(f64::NAN, |m| m.at(i)),
        };
        let slot = self.slot(i);
        self.values[slot] = value as f32;
        let from = i + 1 - self.lead;
        let most = (from..=i).map(|j| self.values[self.slot(j)]).fold(f32::NAN, f32::max);
        let slot = self.slot(from);
        self.maxima[slot] = most;
    }

    fn slot(&self, i: i64) -> usize {
        (i & (self.values.len() as i64 - 1)) as usize
    }
}

/// What is added to a load before its logarithm is taken.
fn offset(past: &Past) -> f64 {
    (LOG_OFFSET * past.mean()).max(1e-30)
}

/// Days of history from which a weekly season is believed.
pub const WEEKLY_FROM_DAYS: i64 = 14;

/// Whether the history is long enough for a weekly season.
pub fn is_weekly_known(past: &Past) -> bool {
    past.age() >= WEEKLY_FROM_DAYS * crate::calendar::DAY
}
