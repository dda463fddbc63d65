//! Seasonal bases: what the load should be at a given wall clock, from the weeks before; and how far off that has been lately.
//!
//! A base is never fitted: it reads the same wall clock of earlier days and weeks from [`Past`], so it is online by nature,
//! cannot see the future, and is identical whether a history was replayed at once or arrived sample by sample.

mod days;
mod last_week;
mod mstl;
mod profile;
mod residual;
mod slots;
mod smooth;
mod weeks;

use super::{anchors::Window, levels::Levels, past::Past, space::Space};
pub use mstl::{Mstl, MstlError};
pub use residual::{FEATURES, Residual};

/// Which base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Base {
    /// Median over the last seven days.
    Days,
    /// Median over the weeks, each at the present level.
    Profile,
    /// Weighted weeks, each at the present level.
    Weeks,
    /// Last week as it was.
    LastWeek,
    /// Smoothed weeks and days.
    Smooth,
    /// The last fortnight's days, slot by slot.
    Slots,
    /// MSTL's seasonal parts and trend, fitted once a day.
    Mstl,
}

impl Base {
    /// Whether the base needs more than a week of history.
    pub const fn is_weekly(self) -> bool {
        matches!(self, Self::Profile | Self::Weeks | Self::LastWeek)
    }

    /// Whether yesterday belongs to the base: then it is renewed once yesterday is known.
    const fn is_daily(self) -> bool {
        matches!(self, Self::Days | Self::Smooth | Self::Slots)
    }
}

/// What a base reads.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The samples.
    pub past: &'a Past,
    /// The level of each day.
    pub levels: &'a Levels,
    /// What is added to a load before its logarithm is taken.
    pub offset: f64,
}

impl Seen<'_> {
    /// Logarithm of the clean load around sample `i`; NaN where nothing is known.
    fn log_around(&self, i: i64, reach: i64) -> f64 {
        (self.past.around(i, reach) + self.offset).ln()
    }

    /// The same at the present level.
    fn lifted(&self, i: i64, reach: i64) -> f64 {
        let log = self.log_around(i, reach);
        if log.is_nan() { log } else { log + self.levels.shift(i) }
    }

    /// From a logarithm back to a load.
    fn load(&self, log: f64) -> f64 {
        if log.is_nan() { log } else { (log.exp() - self.offset).max(0.0) }
    }
}

/// One base over the near past and the horizon: its values, maxima over the lead window, and recent residuals.
#[derive(Clone, Debug)]
pub struct Track {
    base: Base,
    lead: i64,
    reach: i64,
    /// Distance up to which yesterday is known, so that a daily base can be renewed with it.
    fresh: i64,
    values: Box<[f32]>,
    /// Maxima over the lead window; empty where that is a single sample.
    maxima: Box<[f32]>,
    evaluated: i64,
    residuals: Residual,
    logs: Residual,
    mstl: Option<Box<Mstl>>,
}

impl Track {
    /// A base that looks `reach` samples ahead and keeps maxima over `lead` samples.
    pub fn new(base: Base, past: &Past, lead: usize, reach: usize) -> Self {
        let room = reach + 2 * lead + 8;
        let day = past.samples_in(crate::calendar::DAY) as i64;
        Self {
            base,
            lead: lead as i64,
            reach: reach as i64,
            // An hour less than a day: on the day the clock is put back yesterday lies 25 hours ago, or 23.
            fresh: day - past.samples_in(3600) as i64 - 1,
            values: vec![f32::NAN; room].into(),
            maxima: vec![f32::NAN; if lead > 1 { room } else { 0 }].into(),
            evaluated: past.next(),
            residuals: Residual::new(past),
            logs: Residual::new(past),
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

    /// Takes the newest sample, of which the base expected `expected`, into the residuals. `suspect` says that it looks like
    /// part of a one-off burst.
    pub fn correct(&mut self, seen: Seen<'_>, expected: f64, suspect: bool) {
        let i = seen.past.next() - 1;
        let load = f64::from(seen.past.clean(i));
        for (space, residual) in [(Space::Load, &mut self.residuals), (Space::Log, &mut self.logs)] {
            if seen.past.is_masked(i) {
                residual.forget_the_last_hour();
            }
            residual.push(space.residual(load, expected, seen.offset), suspect);
        }
    }

    /// Looks one sample further ahead. Call once per sample, after [`Past::push`].
    pub fn advance(&mut self, seen: Seen<'_>) {
        if let Some(mstl) = &mut self.mstl
            && mstl.refit_if_due(seen.past)
        {
            self.evaluated = seen.past.next();
        }
        while self.evaluated <= seen.past.next() + self.reach {
            self.evaluate(seen, self.evaluated);
            self.evaluated += 1;
        }
        if self.base.is_daily() {
            self.evaluate(seen, seen.past.next() + self.fresh.min(self.reach));
        }
    }

    /// Looks ahead of nothing until it is woken by [`Track::advance`].
    pub fn sleep(&mut self, past: &Past) {
        self.evaluated = past.next() + 1;
    }

    /// The base for one sample; NaN where it knows nothing.
    pub fn at(&self, i: i64) -> f64 {
        f64::from(self.values[self.slot(i)])
    }

    /// The base's largest value over a window that starts at sample `from`.
    pub fn over(&self, from: i64, window: Window) -> f64 {
        let of = if window.len == 1 { &self.values } else { &self.maxima };
        f64::from(of[self.slot(from)])
    }

    /// The recent residuals as features of a regression.
    pub fn features(&self, space: Space) -> [f64; FEATURES] {
        match space {
            Space::Load => self.residuals.features(),
            Space::Log => self.logs.features(),
        }
    }

    fn evaluate(&mut self, seen: Seen<'_>, i: i64) {
        let silent = self.base.is_weekly() && !is_weekly_known(seen.past);
        let value = match self.base {
            _ if silent => f64::NAN,
            Base::Profile => profile::at(seen, i),
            Base::Weeks => weeks::at(seen, i),
            Base::LastWeek => last_week::at(seen, i),
            Base::Days => days::at(seen.past, i),
            Base::Smooth => smooth::at(seen, i),
            Base::Slots => slots::at(seen, i),
            Base::Mstl => self.mstl.as_ref().map_or(f64::NAN, |m| m.at(i)),
        };
        let slot = self.slot(i);
        self.values[slot] = value as f32;
        if !self.maxima.is_empty() {
            let from = i + 1 - self.lead;
            let most = (from..=i).map(|j| self.values[self.slot(j)]).fold(f32::NAN, f32::max);
            let slot = self.slot(from);
            self.maxima[slot] = most;
        }
    }

    fn slot(&self, i: i64) -> usize {
        // 32 bits number every sample until the year 2106 and are divided in half the time.
        (i as u32 % self.values.len() as u32) as usize
    }
}

/// Days of history from which a weekly season is believed: the same weekday has been seen.
pub const WEEKLY_FROM_DAYS: i64 = 8;

/// Whether the history is long enough for a weekly season.
pub fn is_weekly_known(past: &Past) -> bool {
    past.age() >= WEEKLY_FROM_DAYS * crate::calendar::DAY
}

/// Sum of weighted opinions, those that are NaN left out.
#[derive(Clone, Copy, Debug, Default)]
struct Weighted {
    sum: f64,
    weights: f64,
}

impl Weighted {
    fn add(&mut self, value: f64, weight: f64) {
        if !value.is_nan() {
            self.sum += weight * value;
            self.weights += weight;
        }
    }

    /// NaN of nothing.
    fn mean(&self) -> f64 {
        self.sum / self.weights
    }
}
