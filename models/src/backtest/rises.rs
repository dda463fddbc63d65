//! What a forecast was worth where the load rose, or was said to: the only windows in which a floor does anything.
//!
//! Scoring only the windows in which a rise *happened* would reward whoever always cries wolf (the forecaster's dilemma: Lerch
//! et al. 2017). So every window counts, but with a threshold-weighted score (Gneiting and Ranjan 2011): what came and what was
//! claimed are both lifted to what the load at the origin justifies by itself. In a flat night nothing exceeds that and the
//! loss is zero for everybody; a claimed rise that does not come costs its excess, a rise not claimed its deficit.

use crate::{calendar::DAY, interval::pinball};

/// Calendar-less rivals: the last value, the recent means, the usual maximum.
pub(super) const RIVALS: usize = 3;
/// Days over which evidence fades.
const MEMORY_DAYS: f64 = 7.0;

/// What was claimed about one window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said {
    /// Upper quantile of the forecast.
    pub(super) upper: f64,
    /// What floors by this claim and those before it hold.
    pub(super) held: f64,
    /// What the HPA alone still has for the loads that came.
    pub(super) kept: f64,
    /// Upper quantiles of the rivals, calibrated the same way.
    pub(super) rivals: [f64; RIVALS],
    /// The largest load that the load at the origin justifies, noise included.
    pub(super) justified: f64,
}

/// Sums over windows.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Sums {
    /// Loss of the forecast.
    pub(super) loss: f64,
    /// Losses of the rivals.
    pub(super) rivals: [f64; RIVALS],
    /// Load above what was justified at the origin: what reacting would have missed.
    pub(super) missed: f64,
    /// What of that the forecast missed too.
    pub(super) short: f64,
    /// Claimed above both what was justified and what came.
    pub(super) excess: f64,
    /// Held by floors above what came and what the HPA alone still has.
    pub(super) idle: f64,
    /// Windows in which the load rose.
    pub(super) rises: f64,
    /// Load that came, over all windows.
    pub(super) load: f64,
}

impl Sums {
    fn close(&mut self, level: f64, said: &Said, came: f64) {
        let lifted = came.max(said.justified);
        let loss = |upper: f64| pinball(level, upper.max(said.justified), lifted);
        self.loss += loss(said.upper);
        for (sum, upper) in self.rivals.iter_mut().zip(said.rivals) {
            *sum += loss(upper);
        }
        self.missed += lifted - said.justified;
        self.short += (lifted - said.upper.max(said.justified)).max(0.0);
        self.excess += (said.upper - lifted).max(0.0);
        self.idle += (said.held - came.max(said.kept)).max(0.0);
        self.rises += f64::from(u8::from(came > said.justified));
        self.load += came;
    }

    fn fade_and_add(&mut self, keep: f64, day: &Self) {
        let add = |a: &mut f64, b: f64| *a = *a * keep + b;
        add(&mut self.loss, day.loss);
        for (a, b) in self.rivals.iter_mut().zip(day.rivals) {
            add(a, b);
        }
        add(&mut self.missed, day.missed);
        add(&mut self.short, day.short);
        add(&mut self.excess, day.excess);
        add(&mut self.idle, day.idle);
        add(&mut self.rises, day.rises);
        add(&mut self.load, day.load);
    }
}

/// Running evidence, day by day: neighbouring windows share most of their samples, days do not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rises {
    today: Sums,
    date: i64,
    past: Sums,
    days: f64,
    squares: f64,
    /// First and second moments of the root of the rivals' daily loss less ours.
    gain: [[f64; 2]; RIVALS],
}

/// The evidence as it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) sums: Sums,
    /// Daily advantage over each rival in units of its own scatter (standard errors).
    pub(super) certainty: [f64; RIVALS],
    /// Days that count.
    pub(super) days: f64,
}

impl Rises {
    /// A window ended at `stamp` (seconds since the epoch) with `came` as its largest load.
    pub(super) fn close(&mut self, stamp: i64, level: f64, said: &Said, came: f64) {
        let date = stamp.div_euclid(DAY);
        if date != self.date {
            self.end_day();
            self.date = date;
        }
        self.today.close(level, said, came);
    }

    fn end_day(&mut self) {
        let today = std::mem::take(&mut self.today);
        if today.load <= 0.0 && today.loss <= 0.0 {
            return;
        }
        let keep = 1.0 - 1.0 / MEMORY_DAYS;
        self.past.fade_and_add(keep, &today);
        self.days = self.days * keep + 1.0;
        self.squares = self.squares * keep * keep + 1.0;
        for (moments, rival) in self.gain.iter_mut().zip(today.rivals) {
            // Roots, so that one wild day does not drown all others in its scatter.
            let gain = (rival - today.loss).abs().sqrt().copysign(rival - today.loss);
            *moments = [moments[0] * keep + gain, moments[1] * keep + gain * gain];
        }
    }

    /// All days, today included.
    pub(super) fn standing(&self) -> Standing {
        let mut all = *self;
        all.end_day();
        let count = if all.squares > 0.0 { all.days * all.days / all.squares } else { 0.0 };
        let certainty = all.gain.map(|[first, second]| {
            let mean = first / all.days;
            let variance = (second / all.days - mean * mean).max(0.0) / (count - 1.0);
            if count > 1.5 && first > 0.0 { (mean / variance.sqrt()).min(99.0) } else { 0.0 }
        });
        Standing { sums: all.past, certainty, days: count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEVEL: f64 = 0.95;

    fn said(upper: f64) -> Said {
        Said { upper, held: upper, kept: 0.0, rivals: [10.0, 12.0, 11.0], justified: 10.0 }
    }

    #[test]
    fn flat_windows_cost_nobody_anything() {
        let mut sums = Sums::default();
        sums.close(LEVEL, &said(9.0), 8.0);
        assert_eq!((sums.loss, sums.rivals[0], sums.missed, sums.rises), (0.0, 0.0, 0.0, 0.0));
    }

    #[test]
    fn a_rise_costs_what_is_missed_and_a_false_alarm_what_is_idle() {
        let mut sums = Sums::default();
        sums.close(LEVEL, &said(16.0), 18.0);
        // Missed 2 of the 8 that rose: 0.95 · 2; persistence missed all 8.
        assert!((sums.loss - 1.9).abs() < 1e-12 && (sums.rivals[0] - 7.6).abs() < 1e-12);
        assert_eq!((sums.missed, sums.short, sums.excess, sums.rises), (8.0, 2.0, 0.0, 1.0));
        sums.close(LEVEL, &said(16.0), 4.0);
        // Claimed 6 above what was justified, for nothing: 0.05 · 6.
        assert!((sums.loss - 2.2).abs() < 1e-12 && sums.excess == 6.0 && sums.idle == 12.0);
    }

    #[test]
    fn what_the_hpa_has_anyway_is_not_idle() {
        let mut sums = Sums::default();
        sums.close(LEVEL, &Said { held: 20.0, kept: 14.0, ..said(12.0) }, 11.0);
        assert_eq!((sums.idle, sums.excess), (6.0, 1.0));
    }

    #[test]
    fn one_good_day_proves_little_and_ten_prove_much() {
        let run = |days: i64, good: &dyn Fn(i64) -> bool| {
            let mut rises = Rises::default();
            for day in 0..days {
                for i in 0..24 {
                    let upper = if good(day) && i == 9 { 18.0 } else { 10.0 };
                    rises.close(day * DAY + i * 3600, LEVEL, &said(upper), if i == 9 { 18.0 } else { 5.0 });
                }
            }
            rises.standing().certainty[0]
        };
        assert_eq!(run(1, &|_| true), 0.0);
        assert!(run(12, &|d| d == 7) < 1.5);
        assert!(run(12, &|_| true) > 20.0);
        assert!(run(12, &|d| d % 7 != 4) > 3.0);
    }
}
