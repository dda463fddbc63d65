//! The last weeks of one load as the models see them: a ring of samples, what of it is masked, and the wall clock.

use super::{hole::Fill, samples::Samples};
use crate::calendar::{Calendar, DAY, Day, SUNDAY};
use std::ops::Range;

/// Weeks of history that a season may look back on.
pub const WEEKS: i64 = 4;

/// Ring of the newest four weeks of samples. Samples are numbered by their stamp: number = seconds since the epoch ÷ step.
#[derive(Clone, Debug)]
pub struct Past {
    step: i64,
    /// Samples in a day; 0 where a day is no whole number of steps.
    per_day: i64,
    first: i64,
    next: i64,
    samples: Samples,
    /// Where the next sample goes.
    head: usize,
    /// A bit for each slot; nothing before the first mask, which most loads never see.
    masked: Box<[u64]>,
    /// What holes are filled with, oldest first; no two overlap.
    fills: Vec<Fill>,
    calendar: Calendar,
    /// Days that are like other holidays and Sundays, whatever their weekday; ascending.
    holidays: Vec<Day>,
    mean: Mean,
    most: f32,
    /// The power of two below the first load that was not 0; 0 before there is one.
    unit: f32,
}

/// Seconds of holes that are filled at a time: 576 loads or 2.3 KB at 5 min.
const MOST_FILLED: i64 = 2 * DAY;

/// Sign and exponent of a 32-bit float: the power of two below it.
const POWER: u32 = 0xFF80_0000;

/// Number of a sample that no history holds.
const NOWHERE: i64 = i64::MIN / 4;
/// Days looked back on for a day like a holiday.
const LIKE_A_HOLIDAY: i64 = WEEKS * 7 + 7;

/// Running mean over about a week.
#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: f64,
    seen: f64,
}

impl Past {
    /// Nothing seen yet; the first sample will be number `first`.
    pub fn new(step: i64, first: i64, calendar: Calendar) -> Self {
        // Four weeks, an hour of clock change and two hours of smoothing.
        let wanted = (WEEKS * 7 * DAY + 3 * 3600) / step + 8;
        Self {
            step,
            per_day: if DAY % step == 0 { DAY / step } else { 0 },
            first,
            next: first,
            samples: Samples::new((wanted as usize).max(64)),
            head: 0,
            masked: Box::default(),
            fills: Vec::new(),
            calendar,
            holidays: Vec::new(),
            mean: Mean::default(),
            most: 0.0,
            unit: 0.0,
        }
    }

    /// The same with these days for holidays.
    #[must_use]
    pub fn with_holidays(mut self, mut holidays: Vec<Day>) -> Self {
        holidays.sort_unstable();
        holidays.dedup();
        self.holidays = holidays;
        self
    }

    /// Seconds between two samples.
    pub fn step(&self) -> i64 {
        self.step
    }

    /// Number of the first sample ever seen.
    pub fn first(&self) -> i64 {
        self.first
    }

    /// Number of the sample that comes next: everything before is past, this and later is future.
    pub fn next(&self) -> i64 {
        self.next
    }

    /// The workload's wall clock.
    pub fn calendar(&self) -> &Calendar {
        &self.calendar
    }

    /// Stamp of sample `i` in seconds since the epoch.
    pub fn stamp(&self, i: i64) -> i64 {
        i * self.step
    }

    /// Seconds from the first sample to now.
    pub fn age(&self) -> i64 {
        (self.next - self.first) * self.step
    }

    /// How many samples make `seconds`, at least one.
    pub fn samples_in(&self, seconds: i64) -> usize {
        ((seconds + self.step / 2) / self.step).max(1) as usize
    }

    /// Appends the next sample; NaN is missing.
    pub fn push(&mut self, value: f32, masked: bool) {
        self.measure(value);
        self.samples.set(self.head, value);
        let value = self.samples.get(self.head);
        self.head = if self.head + 1 == self.samples.slots() { 0 } else { self.head + 1 };
        self.next += 1;
        self.set_masked(self.next - 1, masked);
        if !masked && !value.is_nan() {
            let memory = (7 * DAY / self.step).max(50) as f64;
            self.mean.seen = (self.mean.seen + 1.0).min(memory);
            self.mean.value += (f64::from(value) - self.mean.value) / self.mean.seen;
            self.most = self.most.max(value);
        }
    }

    /// Logarithms are of loads in units of the first one; another unit only where a load is too large to be told in that.
    fn measure(&mut self, load: f32) {
        let is_load = load.is_finite() && load >= f32::MIN_POSITIVE;
        if is_load && (self.unit == 0.0 || (load / self.unit).is_infinite()) {
            self.unit = f32::from_bits(load.to_bits() & POWER);
        }
    }

    /// Marks sample `i` as not to be learned from, or takes the mark away.
    pub fn set_masked(&mut self, i: i64, masked: bool) {
        if !self.holds(i) || self.masked.is_empty() && !masked {
            return;
        }
        if self.masked.is_empty() {
            self.masked = vec![0; self.samples.slots().div_ceil(64)].into();
        }
        let slot = self.slot(i);
        let bit = 1 << (slot % 64);
        if masked {
            self.masked[slot / 64] |= bit;
        } else {
            self.masked[slot / 64] &= !bit;
        }
    }

    /// Sample `i` as it was; NaN if missing, forgotten or still to come.
    pub fn raw(&self, i: i64) -> f32 {
        if self.holds(i) { self.samples.get(self.slot(i)) } else { f32::NAN }
    }

    /// Sample `i` for learning: NaN where masked too.
    pub fn clean(&self, i: i64) -> f32 {
        if !self.holds(i) {
            return f32::NAN;
        }
        let slot = self.slot(i);
        if self.has_mask(slot) { f32::NAN } else { self.samples.get(slot) }
    }

    /// [`Past::clean`] for the samples from number `from` on, and which of them are held at all: the others are NaN.
    pub(super) fn clean_each(&self, from: i64, out: &mut [f32]) -> Range<usize> {
        let oldest = self.first.max(self.next - self.samples.held() as i64);
        let (begin, end) = (from.max(oldest), (from + out.len() as i64).min(self.next));
        if begin >= end {
            out.fill(f32::NAN);
            return 0..0;
        }
        let held = (begin - from) as usize..(end - from) as usize;
        out[..held.start].fill(f32::NAN);
        out[held.end..].fill(f32::NAN);
        let (known, slot) = (&mut out[held.clone()], self.slot(begin));
        let (here, wrapped) = known.split_at_mut(known.len().min(self.samples.slots() - slot));
        self.clean_slots(slot, here);
        self.clean_slots(0, wrapped);
        held
    }

    fn clean_slots(&self, from: usize, out: &mut [f32]) {
        self.samples.read(from, out);
        if !self.masked.is_empty() {
            let masked = (from..).zip(out).filter(|(slot, _)| self.has_mask(*slot));
            masked.for_each(|(_, load)| *load = f32::NAN);
        }
    }

    /// Whether sample `i` is masked.
    pub fn is_masked(&self, i: i64) -> bool {
        self.holds(i) && self.has_mask(self.slot(i))
    }

    /// What bases are told of a hole from now on.
    pub fn fill(&mut self, fill: Fill) {
        // What was masked since may have made one hole of several.
        self.fills.retain(|other| other.end() <= fill.from());
        self.fills.push(fill);
        let (most, mut filled) = (self.samples_in(MOST_FILLED), 0);
        let kept = self.fills.iter().rev().take_while(|fill| {
            filled += fill.count();
            filled <= most && self.holds(fill.end() - 1)
        });
        let forgotten = self.fills.len() - kept.count();
        self.fills.drain(..forgotten);
    }

    /// What was put in the place of sample `i`; `None` of a sample that is known, and outside of all holes.
    pub(super) fn filled(&self, i: i64) -> Option<f32> {
        if self.fills.is_empty() || !self.clean(i).is_nan() {
            return None;
        }
        let after = self.fills.partition_point(|fill| fill.from() <= i);
        self.fills[..after].last()?.at(i)
    }

    /// Number of the sample that showed the same wall clock `days` days before sample `i`.
    ///
    /// A holiday's weeks and days before are the last holidays and Sundays before it, one after another: so it is forecast as the
    /// average of such days, which are Sundays where the history holds no other. And a holiday says nothing of the weekdays after
    /// it: where one is asked for, no history holds the number.
    pub fn days_before(&self, i: i64, days: i64) -> i64 {
        if self.holidays.is_empty() {
            return self.same_clock(i, days);
        }
        if self.is_holiday(i) {
            return self.like_holiday(i, if days % 7 == 0 { days / 7 } else { days });
        }
        let found = self.same_clock(i, days);
        if self.is_holiday(found) && !self.day(found).is_sunday() { NOWHERE } else { found }
    }

    /// Whether all days before sample `i` are alike: no holidays, and no change of the clock.
    pub(super) fn is_plain(&self, i: i64) -> bool {
        self.holidays.is_empty() && self.per_day > 0 && self.calendar.is_steady(self.stamp(i))
    }

    /// Whether sample `i` falls on a holiday.
    pub fn is_holiday(&self, i: i64) -> bool {
        !self.holidays.is_empty() && self.holidays.binary_search(&self.day(i)).is_ok()
    }

    /// The day of the week of sample `i` from Monday, 0; a holiday is a Sunday.
    pub fn weekday(&self, i: i64) -> usize {
        if self.is_holiday(i) { SUNDAY } else { self.calendar.slot_of_week(self.stamp(i), DAY) }
    }

    fn day(&self, i: i64) -> Day {
        Day::at(self.calendar.local(self.stamp(i)))
    }

    /// The same wall clock on the `nth` last holiday or Sunday before sample `i`.
    fn like_holiday(&self, i: i64, nth: i64) -> i64 {
        let day = self.day(i);
        let like = |back: &i64| {
            let other = day.before(*back);
            other.is_sunday() || self.holidays.binary_search(&other).is_ok()
        };
        let back = (1..=LIKE_A_HOLIDAY).filter(like).nth(usize::try_from(nth - 1).unwrap_or(0));
        back.map_or(NOWHERE, |back| self.same_clock(i, back))
    }

    fn same_clock(&self, i: i64, days: i64) -> i64 {
        if self.per_day > 0 && self.calendar.is_steady(self.stamp(i)) {
            return i - days * self.per_day;
        }
        self.calendar.days_before(self.stamp(i), days).div_euclid(self.step)
    }

    /// Mean of the clean samples within `reach` samples of number `i`, missing ones bridged and holes filled; NaN if there are none.
    pub fn around(&self, i: i64, reach: i64) -> f64 {
        self.mean_of(i - reach, i + reach + 1)
    }

    /// The same of numbers `[from, to)`.
    pub fn mean_of(&self, from: i64, to: i64) -> f64 {
        let oldest = self.first.max(self.next - self.samples.held() as i64);
        let (from, to) = (from.max(oldest), to.min(self.next));
        if from >= to {
            return f64::NAN;
        }
        let (slot, len) = (self.slot(from), (to - from) as usize);
        let end = (slot + len).min(self.samples.slots());
        let (mut sum, mut n) = self.sum(slot..end);
        let rest = len - (end - slot);
        if rest > 0 {
            let rest = self.sum(0..rest);
            (sum, n) = (sum + rest.0, n + rest.1);
        }
        if n < len as f64 {
            // On a slope the mean of what is left would lie off the middle.
            let bridged = (from..to).map(|i| f64::from(self.bridge(i))).filter(|load| !load.is_nan());
            (sum, n) = bridged.fold((sum, n), |(sum, n), load| (sum + load, n + 1.0));
        }
        sum / n
    }

    /// Sum and number of the clean samples in a stretch of slots.
    fn sum(&self, stretch: Range<usize>) -> (f64, f64) {
        if self.masked.is_empty() {
            return self.samples.sum(stretch);
        }
        let words = stretch.start / 64..stretch.end.div_ceil(64);
        if self.masked[words].iter().all(|word| *word == 0) {
            return self.samples.sum(stretch);
        }
        let clean = stretch.filter(|slot| !self.has_mask(*slot)).map(|slot| self.samples.sum(slot..slot + 1));
        clean.fold((0.0, 0.0), |(sum, n), (v, k)| (sum + v, n + k))
    }

    /// Largest clean sample of numbers `[from, to)`; NaN if fewer than half of them are there.
    pub fn maximum(&self, from: i64, to: i64) -> f64 {
        let (mut most, mut n) = (f32::NAN, 0);
        for v in (from..to).map(|i| self.clean(i)).filter(|v| !v.is_nan()) {
            most = most.max(v);
            n += 1;
        }
        if 2 * n >= to - from { f64::from(most) } else { f64::NAN }
    }

    /// A power of two of the order of the load: logarithms of loads measured in it do not depend on what loads are measured in.
    pub fn unit(&self) -> f64 {
        if self.unit > 0.0 { f64::from(self.unit) } else { 1.0 }
    }

    /// Mean load of about the last week, 0 before the first sample.
    pub fn mean(&self) -> f64 {
        self.mean.value
    }

    /// Largest clean sample among those held before number `to`, 0 if there is none.
    pub fn most_sound(&self, to: i64) -> f64 {
        let oldest = self.first.max(self.next - self.samples.held() as i64);
        f64::from((oldest..to.min(self.next)).map(|i| self.clean(i)).fold(0.0, f32::max))
    }

    /// Largest sample ever seen, masked later or not: a bound for predictions.
    pub fn most(&self) -> f64 {
        f64::from(self.most)
    }

    fn holds(&self, i: i64) -> bool {
        i < self.next && i >= self.first && i >= self.next - self.samples.held() as i64
    }

    fn has_mask(&self, slot: usize) -> bool {
        self.masked.get(slot / 64).is_some_and(|word| word >> (slot % 64) & 1 == 1)
    }

    /// Where a sample lies that is held.
    fn slot(&self, i: i64) -> usize {
        let back = (self.next - i) as usize;
        if back <= self.head { self.head - back } else { self.head + self.samples.slots() - back }
    }
}
