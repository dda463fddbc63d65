//! Seasonal bases: what the load should be at a given wall clock, from the weeks before; and how far off that has been lately.
//!
//! But for the harmonics (and what is pinned of a library), which are fitted once a day, a base reads the same wall clock of earlier days
//! and weeks from [`Past`], so it is online by nature, cannot see the future, and says the same whether a history was replayed at once or
//! arrived sample by sample. It looks ahead an hour at a time, once in an hour: what neighbours share is read once.

mod daily;
mod days;
mod fitted;
mod harmonics;
mod last_week;
mod mstl;
mod profile;
#[cfg(feature = "prophet")]
mod prophet;
mod residual;
mod slots;
mod smooth;
mod weeks;

use super::{
    anchors::{Anchors, MOST},
    elementary::{exp, ln},
    levels::Levels,
    loads::{Code, Loads},
    part::Part,
    past::Past,
    space::Space,
    stretch::{LONGEST, Numbers, Stretch, longest},
    turns::Turn,
};
use crate::calendar::DAY;
pub use daily::{Daily, FitError, Fitter};
use fitted::Fitted;
pub use mstl::Trend;
pub use residual::{FEATURES, Residual};
use std::array;

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
    /// A smooth curve of the day and one of the week, fitted once a day.
    Harmonics,
    /// MSTL's seasonal parts and the last value of its trend, fitted once a day.
    Mstl,
    /// The same with exponential smoothing for the trend.
    MstlEts,
    /// Prophet's trend and seasons, fitted once a day; knows nothing in builds without the feature `prophet`.
    Prophet,
}

impl Base {
    /// Whether the base needs more than a week of history.
    pub const fn is_weekly(self) -> bool {
        matches!(self, Self::Profile | Self::Weeks | Self::LastWeek | Self::Harmonics)
    }

    /// Where its residuals are taken and its corrections are learned.
    pub fn space(self, without: &[Part]) -> Space {
        match self {
            _ if without.contains(&Part::Logarithms) => Space::Load,
            Self::Days | Self::Mstl | Self::MstlEts | Self::Prophet => Space::Load,
            _ => Space::Log,
        }
    }

    /// Whether yesterday belongs to the base: then it is renewed once yesterday is known.
    const fn is_daily(self) -> bool {
        matches!(self, Self::Days | Self::Smooth | Self::Slots)
    }
}

/// Longest step that is short, in seconds: three neighbours then lie within a quarter of an hour, and speak for one another.
const SHORT: i64 = 300;

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
    /// The loads around the same wall clock so many days before a stretch, each a mean over `reach` neighbours on either side. `None`
    /// where what lies there is no stretch.
    fn around(&self, stretch: Stretch, days: i64, reach: i64) -> Option<Numbers> {
        Some(self.past.around_each(self.past.earlier(stretch, days)?, reach as usize))
    }

    /// The middle one of each load and its neighbours so many days before a stretch; where steps are not short, each load alone.
    fn middle(&self, stretch: Stretch, days: i64) -> Option<Numbers> {
        let then = self.past.earlier(stretch, days)?;
        let short = self.past.step() <= SHORT;
        Some(if short { self.past.middle_each(then) } else { self.past.around_each(then, 0) })
    }

    /// The logarithms of what lies around the same wall clock.
    fn logs_around(&self, stretch: Stretch, days: i64, reach: i64) -> Option<Numbers> {
        Some(self.logs(self.around(stretch, days, reach)?))
    }

    fn logs(&self, mut loads: Numbers) -> Numbers {
        // Measured before anything is added, so that no load is too large.
        let (unit, offset) = (self.past.unit() as f32, self.offset_in_units());
        for load in &mut loads {
            *load = ln(*load / unit + offset);
        }
        loads
    }

    /// The logarithms of what was so many days before a stretch, at the present level.
    fn lifted(&self, loads: Numbers, stretch: Stretch, days: i64) -> Option<Numbers> {
        let mut logs = self.logs(loads);
        let shifts = self.levels.shifts(self.past.earlier(stretch, days)?);
        logs.iter_mut().zip(shifts).for_each(|(log, shift)| *log += shift);
        Some(logs)
    }

    /// From logarithms back to loads.
    fn loads(&self, mut logs: Numbers) -> Numbers {
        let (unit, offset) = (self.past.unit() as f32, self.offset_in_units());
        for log in &mut logs {
            let load = (exp(*log) - offset) * unit;
            *log = if load < 0.0 { 0.0 } else { load };
        }
        logs
    }

    fn offset_in_units(&self) -> f32 {
        (self.offset / self.past.unit()) as f32
    }
}

/// A window as bases keep it: all of them keep a sample at the same place, which is found once for all.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stored {
    /// Number of the first sample behind it.
    end: i64,
    place: usize,
    len: usize,
}

impl Stored {
    /// The window of so many samples from number `from` on.
    pub fn new(anchors: &Anchors, from: i64, len: usize) -> Self {
        Self { end: from + len as i64, place: anchors.place(from), len }
    }
}

/// One base over the near past and the horizon, and its recent residuals. Values are rounded as samples are: what a base says is known
/// no better.
#[derive(Clone, Debug)]
pub struct Track {
    base: Base,
    space: Space,
    reach: i32,
    /// Distance up to which yesterday is known, so that a daily base can be renewed with it.
    fresh: i32,
    values: Loads,
    /// Number of the first sample that is not kept.
    evaluated: i64,
    residuals: Residual,
    fitted: Option<Fitted>,
}

impl Track {
    /// A base that looks as far ahead as these anchors reach.
    pub fn new(base: Base, past: &Past, anchors: &Anchors, without: &[Part]) -> Self {
        let reach = anchors.reach();
        // An hour less than a day: on the day the clock is put back yesterday lies 25 hours ago, or 23.
        let fresh = past.samples_in(DAY) as i64 - past.samples_in(3600) as i64 - 1;
        Self {
            base,
            space: base.space(without),
            reach: reach as i32,
            fresh: fresh.min(reach as i64) as i32,
            values: Loads::new(anchors.room()),
            evaluated: past.next(),
            residuals: Residual::new(past),
            fitted: Fitted::new(base),
        }
    }

    /// Which base this is.
    pub fn base(&self) -> Base {
        self.base
    }

    /// Why the last fit of a fitted base failed, if it did.
    pub fn failure(&self) -> Option<&FitError> {
        self.fitted.as_ref()?.failure()
    }

    /// Takes the newest sample, of which the base expected `expected`, into the residuals. `suspect` says that it looks like
    /// part of a one-off burst.
    pub fn correct(&mut self, seen: Seen<'_>, expected: f64, suspect: bool) {
        let i = seen.past.next() - 1;
        let load = seen.past.clean(i);
        if seen.past.is_masked(i) {
            self.residuals.forget_the_last_hour();
        }
        self.residuals.push(self.space.residual(load, expected as f32, seen.offset as f32), suspect);
    }

    /// Looks further ahead. Call once per sample, after [`Past::push`]: an hour is looked at once in an hour.
    pub fn advance(&mut self, seen: Seen<'_>) {
        if let Some(fitted) = &mut self.fitted
            && fitted.refit_if_due(seen)
        {
            self.evaluated = seen.past.next();
        }
        let (hour, renewed) = (longest(seen.past.step()), seen.past.next() + i64::from(self.fresh) + 1);
        if self.base.is_daily() && renewed % hour == 0 && self.evaluated >= renewed {
            self.keep(seen, Stretch { from: renewed - hour, len: hour as usize });
        }
        while self.evaluated <= seen.past.next() + i64::from(self.reach) {
            let len = hour - self.evaluated.rem_euclid(hour);
            self.keep(seen, Stretch { from: self.evaluated, len: len as usize });
            self.evaluated += len;
        }
    }

    fn keep(&mut self, seen: Seen<'_>, stretch: Stretch) {
        let values = self.evaluate(seen, stretch);
        let values = values.unwrap_or_else(|| self.one_by_one(seen, stretch));
        for (i, value) in stretch.samples().zip(values) {
            self.values.set(self.slot(i), value);
        }
    }

    #[cold]
    fn one_by_one(&self, seen: Seen<'_>, stretch: Stretch) -> Numbers {
        let mut all = [f32::NAN; LONGEST];
        for (value, i) in all.iter_mut().zip(stretch.samples()) {
            *value = self.evaluate(seen, Stretch::one(i)).map_or(f32::NAN, |[first, ..]| first);
        }
        all
    }

    /// Looks ahead of nothing until it is woken by [`Track::advance`].
    pub fn sleep(&mut self, past: &Past) {
        self.evaluated = past.next() + 1;
    }

    /// The base for one sample that is kept; NaN where it knows nothing.
    pub fn at(&self, i: i64) -> f64 {
        f64::from(self.values.get(self.slot(i)))
    }

    /// The base's largest value over a window; NaN of what lies further ahead than it looks.
    #[inline]
    pub fn over(&self, window: Stored) -> f32 {
        if window.end <= self.evaluated { self.values.most(window.place, window.len) } else { f32::NAN }
    }

    /// The same for many windows, of which those behind the last mean nothing.
    pub fn over_each(&self, windows: &[Turn]) -> [f32; MOST] {
        let mut codes = [Code::MISSING; MOST];
        for (code, Stored { end, place, len }) in codes.iter_mut().zip(windows.iter().map(|window| window.stored)) {
            if end <= self.evaluated {
                *code = self.values.most_code(place, len);
            }
        }
        self.values.decode_each(codes)
    }

    /// The recent residuals as features of a regression.
    pub fn features(&self) -> [f64; FEATURES] {
        self.residuals.features()
    }

    fn evaluate(&self, seen: Seen<'_>, stretch: Stretch) -> Option<Numbers> {
        // Further ahead than a day yesterday is still to come, or is what residuals speak of anyway.
        let known = stretch.from + stretch.len as i64 <= seen.past.next() + i64::from(self.fresh) + 1;
        let from = if known { 1 } else { 2 };
        let silent = self.base.is_weekly() && !is_weekly_known(seen.past);
        match self.base {
            _ if silent => Some([f32::NAN; LONGEST]),
            Base::Profile => profile::at(seen, stretch),
            Base::Weeks => weeks::at(seen, stretch),
            Base::LastWeek => last_week::at(seen, stretch),
            Base::Days => days::at(seen, stretch, from),
            Base::Smooth => smooth::at(seen, stretch, from),
            Base::Slots => slots::at(seen, stretch, from),
            Base::Harmonics | Base::Mstl | Base::MstlEts | Base::Prophet => self.fitted.as_ref()?.at(seen, stretch),
        }
    }

    fn slot(&self, i: i64) -> usize {
        // 32 bits number every sample until the year 2106 and are divided in half the time.
        (i as u32 % self.values.len() as u32) as usize
    }
}

/// The season of a sample that is past, as far as it was known before: of its weeks, else of its days. NaN where neither is known.
pub fn shape(seen: Seen<'_>, i: i64) -> f64 {
    let stretch = Stretch::one(i);
    let known = if is_weekly_known(seen.past) { weeks::at(seen, stretch) } else { days::at(seen, stretch, 1) };
    known.map_or(f64::NAN, |[first, ..]| f64::from(first))
}

/// Days of history from which a weekly season is believed: the same weekday has been seen.
pub const WEEKLY_FROM_DAYS: i64 = 8;

/// Whether the history is long enough for a weekly season.
pub fn is_weekly_known(past: &Past) -> bool {
    past.age() >= WEEKLY_FROM_DAYS * DAY
}

/// Sums of weighted opinions about the samples of a stretch, those that are NaN left out.
#[derive(Clone, Copy, Debug, Default)]
struct Weighted {
    sums: Numbers,
    weights: Numbers,
}

impl Weighted {
    fn add(&mut self, values: Numbers, weight: f32) {
        for ((sum, weights), value) in self.sums.iter_mut().zip(&mut self.weights).zip(values) {
            let (more, counts) = if value.is_nan() { (0.0, 0.0) } else { (weight * value, weight) };
            *sum += more;
            *weights += counts;
        }
    }

    /// NaN of nothing.
    fn means(self) -> Numbers {
        array::from_fn(|k| self.sums[k] / self.weights[k])
    }
}
