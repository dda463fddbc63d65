//! Forecast against rivals that know no calendar, over windows that lie one distance ahead.
//!
//! Every rival is given a margin calibrated on its own errors at that very distance, as the forecast is: what is compared is
//! foresight, not who adds most to be safe.

use super::{
    held::{ByFloor, ByHpa},
    rises::{RIVALS, Rises, Said, Standing},
    usual::Usual,
};
use crate::{
    calendar::DAY,
    interval::{ErrorsBy, Outlook, Packed, Plain, Sizes, When},
};
use std::collections::VecDeque;

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
    /// Number of the sample that came next; 32 bits number every sample until the year 2106.
    origin: u32,
    pub(super) upper: f32,
    justified: f32,
    said: [f32; REACTING],
    expected: [Packed; REACTING],
    rivals: [f32; RIVALS],
}

/// The contest over windows of one distance.
#[derive(Clone, Debug)]
pub(super) struct Contest {
    level: f64,
    /// Least samples between two origins that count.
    every: i64,
    /// Samples from an origin to the end of its window; 0 before the first claim.
    end: i64,
    /// The newest origin.
    last: Option<i64>,
    /// Claims whose window is still to end, oldest first.
    open: VecDeque<Open>,
    /// Those who react: their margins widen with the errors just seen and with the height of the load, as ours do, but know no
    /// hour and no disagreement of models.
    reacting: [ErrorsBy<1>; REACTING],
    resting: Plain,
    usual: Usual,
    /// The margin of the usual maximum, renewed every half an hour.
    margin: f64,
    closed: u32,
    renew: u32,
    rises: Rises,
    floor: ByFloor,
    hpa: ByHpa,
}

impl Contest {
    /// Nothing claimed yet, over windows that begin `ahead` seconds from now; an origin every `every` samples of `step` seconds.
    pub(super) fn new(ahead: i64, every: i64, step: i64, level: f64) -> Self {
        let spacing = every * step;
        let memory = (7 * DAY / spacing).max(100) as f64 / 2.0;
        Self {
            level,
            every,
            end: 0,
            last: None,
            open: VecDeque::new(),
            reacting: std::array::from_fn(|_| ErrorsBy::new(ahead, spacing).asked(level)),
            resting: Plain::new(spacing),
            usual: Usual::new(memory),
            margin: 0.0,
            closed: 0,
            renew: (1800 / spacing).max(1) as u32,
            rises: Rises::default(),
            floor: ByFloor::new(spacing),
            hpa: ByHpa::NONE,
        }
    }

    /// Files what was forecast at origin `next`; `justified` is what the load at hand justifies, `mean` the mean load.
    pub(super) fn record(&mut self, next: i64, foreseen: &Foreseen, justified: f64, mean: f64) {
        let soon = self.last.is_some_and(|last| next - last < self.every);
        if soon || !foreseen.upper.is_finite() || !foreseen.persistence.is_finite() {
            return;
        }
        if self.last.is_none() {
            self.end = foreseen.end as i64;
            self.open.reserve_exact((self.end / self.every) as usize + 1);
        }
        self.last = Some(next);
        self.forget(next);
        let said = [foreseen.persistence, foreseen.recent];
        let sizes: [Sizes; REACTING] = std::array::from_fn(|r| {
            let height = if mean > 0.0 { said[r] / mean } else { 1.0 };
            self.reacting[r].sizes(&Outlook { when: When::ANY, height, spread: 0.0 })
        });
        let upper = |r: usize| (said[r] + self.reacting[r].upper(&sizes[r])).max(0.0) as f32;
        let rivals = [upper(0), upper(1), (self.usual.value() + self.margin).max(0.0) as f32];
        self.open.push_back(Open {
            origin: next as u32,
            upper: foreseen.upper as f32,
            justified: justified as f32,
            said: said.map(|s| s as f32),
            expected: std::array::from_fn(|r| Packed::new(&sizes[r], &self.reacting[r].margins(&sizes[r]))),
            rivals,
        });
    }

    /// Holds the claim about the window that ended before sample `next` against `came`, and gives it back. `ended` is the stamp of
    /// the window's last sample; without one the window teaches everybody what errors to expect and proves nothing.
    pub(super) fn close(&mut self, next: i64, came: f64, ended: Option<i64>) -> Option<Open> {
        self.forget(next);
        let ends = self.open.front().is_some_and(|open| i64::from(open.origin) + self.end == next);
        let open = if ends { self.open.pop_front() } else { None }.filter(|_| !came.is_nan())?;
        if let Some(ended) = ended {
            if self.closed.is_multiple_of(self.renew) {
                self.margin = self.resting.quantile(self.level);
            }
            self.closed = self.closed.wrapping_add(1);
            let said = Said {
                upper: open.upper.into(),
                held: self.floor.hold(open.upper, ended).into(),
                kept: self.hpa.hold(came as f32, ended).into(),
                rivals: open.rivals.map(f64::from),
                justified: open.justified.into(),
            };
            self.rises.close(ended, self.level, &said, came);
        }
        for (r, errors) in self.reacting.iter_mut().enumerate() {
            let (sizes, margins) = open.expected[r].unpack();
            errors.learn(When::ANY, came - f64::from(open.said[r]), &sizes, &margins);
        }
        self.resting.learn(came - self.usual.value());
        self.usual.push(came);
        Some(open)
    }

    /// The evidence as it stands.
    pub(super) fn standing(&self) -> Standing {
        self.rises.standing()
    }

    /// Drops the claims whose window ended before sample `next` with samples missing.
    fn forget(&mut self, next: i64) {
        while self.open.front().is_some_and(|open| i64::from(open.origin) + self.end < next) {
            self.open.pop_front();
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const STEP: i64 = 300;
    const DAYS: i64 = 10;

    /// 10 all day but for 20 at noon.
    fn load(i: i64) -> f64 {
        if (144..150).contains(&(i % 288)) { 20.0 } else { 10.0 }
    }

    /// Ten days of windows of one sample that begin `ahead` samples from each origin, with what `upper` claims of them.
    fn contested(ahead: i64, every: i64, upper: impl Fn(i64) -> f64) -> Contest {
        let mut contest = Contest::new(ahead * STEP, every, STEP, 0.95);
        for next in 1..DAYS * 288 {
            contest.close(next, load(next - 1), (next > 288).then_some((next - 1) * STEP));
            let now = load(next - 1);
            let foreseen =
                Foreseen { end: ahead as usize + 1, upper: upper(next + ahead), persistence: now, recent: now };
            contest.record(next, &foreseen, now + 1.0, 10.0);
        }
        contest
    }

    #[test]
    fn a_claim_is_held_against_its_own_window() {
        // Six samples a day rise, 13 samples after the load at hand was 10: a lead of one sample sees only the first of them.
        for (ahead, every, rises) in [(0, 1, 1.0), (12, 1, 6.0), (12, 3, 2.0)] {
            let clear = contested(ahead, every, load).standing();
            let blind = contested(ahead, every, |_| 10.0).standing();
            // Nine days, of which each weighs 6/7 of the next: (1 − (6/7)^9) × 7 = 5.25.
            assert!((clear.sums.rises / 5.25 - rises).abs() < 0.01, "{ahead} {every}: {}", clear.sums.rises);
            assert_eq!((clear.sums.short, clear.sums.excess, clear.sums.loss), (0.0, 0.0, 0.0));
            assert!(clear.certainty[0] > 3.0, "{clear:?}");
            assert!(blind.sums.short > 40.0 && blind.certainty[0] < 1.0, "{blind:?}");
        }
    }

    #[test]
    fn windows_with_missing_samples_are_dropped_and_not_kept() {
        let mut contest = contested(12, 3, load);
        let (before, room) = (contest.standing().sums, contest.open.capacity());
        let from = DAYS * 288;
        for next in from..from + 1000 {
            let foreseen = Foreseen { end: 13, upper: 9.0, persistence: 9.0, recent: 9.0 };
            contest.record(next, &foreseen, 9.0, 10.0);
        }
        assert!(contest.close(from + 1000, f64::NAN, Some((from + 999) * STEP)).is_none());
        assert_eq!((contest.standing().sums, contest.open.capacity()), (before, room));
        assert!(contest.open.len() <= room);
    }
}
