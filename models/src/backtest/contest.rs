//! Forecast against rivals that know no calendar, over windows that lie one distance ahead.
//!
//! Every rival is given a margin calibrated on its own errors at that very distance, as the forecast is: what is compared is
//! foresight, not who adds most to be safe.

use super::{
    rises::{RIVALS, Rises, Said, Standing},
    usual::Usual,
};
use crate::{
    calendar::DAY,
    forecast::past::Past,
    interval::{Errors, Margins, Outlook, Plain, Sizes},
};

/// Rivals that react: the last value and the recent means.
const REACTING: usize = 2;

/// What was forecast of one window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Foreseen {
    /// Samples from the origin to the end of the window.
    pub(crate) end: usize,
    /// Upper quantile of its maximum.
    pub(crate) upper: f64,
    /// Persistence's prediction of that maximum.
    pub(crate) persistence: f64,
    /// The recent means' prediction of that maximum.
    pub(crate) recent: f64,
}

/// A claim and what the calendar-less rivals said at the same origin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    origin: i64,
    pub(super) upper: f32,
    justified: f32,
    said: [f32; REACTING],
    sizes: [Sizes; REACTING],
    margins: [Margins; REACTING],
    rivals: [f32; RIVALS],
}

/// The contest over windows of one distance.
#[derive(Clone, Debug)]
pub(super) struct Contest {
    level: f64,
    /// Samples between two origins that count.
    every: i64,
    /// Samples from an origin to the end of its window; 0 before the first claim.
    end: usize,
    open: Vec<Option<Open>>,
    /// Those who react: their margins widen with the errors just seen and with the height of the load, as ours do, but know no
    /// hour and no disagreement of models.
    reacting: [Errors; REACTING],
    resting: Plain,
    usual: Usual,
    /// The margin of the usual maximum, renewed every half an hour.
    margin: f64,
    closed: u32,
    renew: u32,
    rises: Rises,
}

impl Contest {
    /// Nothing claimed yet, over windows that begin `ahead` seconds from now; an origin every `spacing` seconds, a multiple of
    /// `step`.
    pub(super) fn new(ahead: i64, spacing: i64, step: i64, level: f64) -> Self {
        let memory = (7 * DAY / spacing).max(100) as f64 / 2.0;
        Self {
            level,
            every: (spacing / step).max(1),
            end: 0,
            open: Vec::new(),
            reacting: std::array::from_fn(|_| Errors::new(ahead, spacing).asked(level)),
            resting: Plain::new(spacing),
            usual: Usual::new(memory),
            margin: 0.0,
            closed: 0,
            renew: (1800 / spacing).max(1) as u32,
            rises: Rises::default(),
        }
    }

    /// Files what was forecast at origin `next`; `justified` is what the load at hand justifies, `mean` the mean load.
    pub(super) fn record(&mut self, next: i64, foreseen: &Foreseen, justified: f64, mean: f64) {
        if next.rem_euclid(self.every) != 0 || !foreseen.upper.is_finite() || !foreseen.persistence.is_finite() {
            return;
        }
        if self.open.is_empty() {
            self.end = foreseen.end;
            self.open = vec![None; foreseen.end.div_ceil(self.every as usize) + 1];
        }
        let said = [foreseen.persistence, foreseen.recent];
        let sizes = std::array::from_fn(|r| {
            let height = if mean > 0.0 { said[r] / mean } else { 1.0 };
            self.reacting[r].sizes(&Outlook { hour: 0, height, spread: 0.0 })
        });
        let margins: [Margins; REACTING] = std::array::from_fn(|r| self.reacting[r].margins(&sizes[r]));
        let upper = |r: usize| (said[r] + self.reacting[r].upper(&sizes[r])).max(0.0) as f32;
        let rivals = [upper(0), upper(1), (self.usual.value() + self.margin).max(0.0) as f32];
        let slot = self.slot(next);
        self.open[slot] = Some(Open {
            origin: next,
            upper: foreseen.upper as f32,
            justified: justified as f32,
            said: said.map(|s| s as f32),
            sizes,
            margins,
            rivals,
        });
    }

    /// Holds the claim about the window that ended before sample `next` against `came`, and gives it back.
    pub(super) fn close(&mut self, next: i64, came: f64, past: &Past) -> Option<Open> {
        let origin = next - self.end as i64;
        if self.open.is_empty() || came.is_nan() {
            return None;
        }
        let slot = self.slot(origin);
        let open = self.open[slot].take_if(|open| open.origin == origin)?;
        // The first day teaches everybody what errors to expect; it proves nothing.
        if past.age() > DAY {
            if self.closed.is_multiple_of(self.renew) {
                self.margin = self.resting.quantile(self.level);
            }
            self.closed = self.closed.wrapping_add(1);
            let said =
                Said { upper: open.upper.into(), rivals: open.rivals.map(f64::from), justified: open.justified.into() };
            self.rises.close(past.stamp(next - 1), self.level, &said, came);
        }
        for (r, errors) in self.reacting.iter_mut().enumerate() {
            errors.learn(0, came - f64::from(open.said[r]), &open.sizes[r], &open.margins[r]);
        }
        self.resting.learn(came - self.usual.value());
        self.usual.push(came);
        Some(open)
    }

    /// The evidence as it stands.
    pub(super) fn standing(&self) -> Standing {
        self.rises.standing()
    }

    fn slot(&self, origin: i64) -> usize {
        origin.div_euclid(self.every).rem_euclid(self.open.len() as i64) as usize
    }
}
