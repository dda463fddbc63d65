//! Seasonal bases: what the load should be at a given wall clock, from the weeks before; and how far off that has been lately.
//!
//! A base is never fitted: it reads the same wall clock of earlier days and weeks from [`Past`], so it is online by nature,
//! cannot see the future, and says the same whether a history was replayed at once or arrived sample by sample, but that a
//! replay looks further ahead than yesterday is known from nearer by.

mod days;
mod last_week;
mod mstl;
mod profile;
mod residual;
mod slots;
mod smooth;
mod weeks;

use super::{anchors::Window, levels::Levels, loads::Loads, past::Past, space::Space, space::exp, space::log};
use crate::calendar::DAY;
pub use mstl::{Mstl, MstlError, Trend};
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
    /// MSTL's seasonal parts and the last value of its trend, fitted once a day.
    Mstl,
    /// The same with exponential smoothing for the trend.
    MstlEts,
}

impl Base {
    /// Whether the base needs more than a week of history.
    pub const fn is_weekly(self) -> bool {
        matches!(self, Self::Profile | Self::Weeks | Self::LastWeek)
    }

    /// Where its residuals are taken and its corrections are learned.
    pub const fn space(self) -> Space {
        match self {
            Self::Days | Self::Mstl | Self::MstlEts => Space::Load,
            _ => Space::Log,
        }
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
    /// Logarithm of a load; NaN of what is missing.
    fn log(&self, load: f64) -> f64 {
        log(self.past, load, self.offset)
    }

    /// Logarithm of the clean load around sample `i`; NaN where nothing is known.
    fn log_around(&self, i: i64, reach: i64) -> f64 {
        self.log(self.past.around(i, reach))
    }

    /// The same at the present level.
    fn lifted(&self, i: i64, reach: i64) -> f64 {
        let log = self.log_around(i, reach);
        if log.is_nan() { log } else { log + self.levels.shift(i) }
    }

    /// From a logarithm back to a load.
    fn load(&self, log: f64) -> f64 {
        if log.is_nan() { log } else { (exp(log) * self.past.unit() - self.offset).max(0.0) }
    }
}

/// One base over the near past and the horizon, and its recent residuals. Values are rounded as samples are: what a base says is known
/// no better.
#[derive(Clone, Debug)]
pub struct Track {
    base: Base,
    reach: i64,
    /// Distance up to which yesterday is known, so that a daily base can be renewed with it.
    fresh: i64,
    values: Loads,
    /// Number of the first sample that is not kept.
    evaluated: i64,
    residuals: Residual,
    mstl: Option<Box<Mstl>>,
}

impl Track {
    /// A base that looks `reach` samples ahead, of which maxima over `lead` samples are asked.
    pub fn new(base: Base, past: &Past, lead: usize, reach: usize) -> Self {
        let room = reach + 2 * lead + 8;
        // An hour less than a day: on the day the clock is put back yesterday lies 25 hours ago, or 23.
        let fresh = past.samples_in(DAY) as i64 - past.samples_in(3600) as i64 - 1;
        Self {
            base,
            reach: reach as i64,
            fresh: fresh.min(reach as i64),
            values: Loads::new(room),
            evaluated: past.next(),
            residuals: Residual::new(past),
            mstl: trend(base).map(|trend| Box::new(Mstl::new(trend))),
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
        if seen.past.is_masked(i) {
            self.residuals.forget_the_last_hour();
        }
        self.residuals.push(self.base.space().residual(load, expected, seen.offset), suspect);
    }

    /// Looks one sample further ahead. Call once per sample, after [`Past::push`]. A daily base may be spared (`sparing`) what
    /// lies further ahead than yesterday is known: of that a replay asks for a few windows, where forecasts ask for all.
    pub fn advance(&mut self, seen: Seen<'_>, sparing: bool) {
        if let Some(mstl) = &mut self.mstl
            && mstl.refit_if_due(seen.past)
        {
            self.evaluated = seen.past.next();
        }
        let renewed = seen.past.next() + self.fresh;
        if self.base.is_daily() && self.evaluated > renewed {
            self.keep(seen, renewed);
        }
        let reach = if self.base.is_daily() && sparing { self.fresh.max(0) } else { self.reach };
        while self.evaluated <= seen.past.next() + reach {
            self.keep(seen, self.evaluated);
            self.evaluated += 1;
        }
    }

    fn keep(&mut self, seen: Seen<'_>, i: i64) {
        let value = self.evaluate(seen, i);
        self.values.set(self.slot(i), value as f32);
    }

    /// Looks ahead of nothing until it is woken by [`Track::advance`].
    pub fn sleep(&mut self, past: &Past) {
        self.evaluated = past.next() + 1;
    }

    /// The base for one sample that is kept; NaN where it knows nothing.
    pub fn at(&self, i: i64) -> f64 {
        f64::from(self.values.get(self.slot(i)))
    }

    /// The base's largest value over a window that starts at sample `from`; what is not kept of it is computed.
    #[inline]
    pub fn over(&self, seen: Seen<'_>, from: i64, window: Window) -> f64 {
        if from + window.len as i64 <= self.evaluated {
            f64::from(self.values.most(self.slot(from), window.len))
        } else {
            self.computed(seen, from, window)
        }
    }

    /// The same of a window of which not all is kept.
    #[cold]
    fn computed(&self, seen: Seen<'_>, from: i64, window: Window) -> f64 {
        let kept = (self.evaluated - from).max(0);
        let most = if kept > 0 { f64::from(self.values.most(self.slot(from), kept as usize)) } else { f64::NAN };
        let further = from + kept..from + window.len as i64;
        further.map(|i| self.evaluate(seen, i)).fold(most, f64::max)
    }

    /// The recent residuals as features of a regression.
    pub fn features(&self) -> [f64; FEATURES] {
        self.residuals.features()
    }

    fn evaluate(&self, seen: Seen<'_>, i: i64) -> f64 {
        // Further ahead than a day yesterday is still to come, or is what residuals speak of anyway.
        let from = if i <= seen.past.next() + self.fresh { 1 } else { 2 };
        let silent = self.base.is_weekly() && !is_weekly_known(seen.past);
        match self.base {
            _ if silent => f64::NAN,
            Base::Profile => profile::at(seen, i),
            Base::Weeks => weeks::at(seen, i),
            Base::LastWeek => last_week::at(seen, i),
            Base::Days => days::at(seen.past, i, from),
            Base::Smooth => smooth::at(seen, i, from),
            Base::Slots => slots::at(seen, i, from),
            Base::Mstl | Base::MstlEts => self.mstl.as_ref().map_or(f64::NAN, |m| m.at(i)),
        }
    }

    fn slot(&self, i: i64) -> usize {
        // 32 bits number every sample until the year 2106 and are divided in half the time.
        (i as u32 % self.values.len() as u32) as usize
    }
}

/// What a fitted base continues the trend with.
const fn trend(base: Base) -> Option<Trend> {
    match base {
        Base::Mstl => Some(Trend::Last),
        Base::MstlEts => Some(Trend::Smoothed),
        _ => None,
    }
}

/// Days of history from which a weekly season is believed: the same weekday has been seen.
pub const WEEKLY_FROM_DAYS: i64 = 8;

/// Whether the history is long enough for a weekly season.
pub fn is_weekly_known(past: &Past) -> bool {
    past.age() >= WEEKLY_FROM_DAYS * DAY
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
