//! The workload's wall clock: which slot of the day or week an instant falls in, and which earlier instant showed the same time.
//!
//! All arithmetic is in UTC seconds; the zone's offsets are looked up once per change, not once per sample.

use chrono::{DateTime, Datelike, NaiveDate, Offset, TimeDelta, TimeZone};
use chrono_tz::Tz;

/// Seconds in a day on a clock that is not put forward or back.
pub const DAY: i64 = 86_400;
/// Seconds in a week on such a clock.
pub const WEEK: i64 = 7 * DAY;

/// A calendar day of a wall clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i64);

impl Day {
    /// The day of this date.
    pub fn of(date: NaiveDate) -> Self {
        Self(i64::from(date.num_days_from_ce()) - i64::from(NaiveDate::default().num_days_from_ce()))
    }

    /// The day of a wall clock's seconds ([`Calendar::local`]).
    pub const fn at(local: i64) -> Self {
        Self(local.div_euclid(DAY))
    }

    /// Its date.
    pub fn date(self) -> NaiveDate {
        NaiveDate::default().checked_add_signed(TimeDelta::days(self.0)).unwrap_or_default()
    }

    /// So many days earlier.
    #[must_use]
    pub const fn before(self, days: i64) -> Self {
        Self(self.0 - days)
    }

    /// Whether it is a Sunday; 1970-01-01 was a Thursday, three days after a Monday.
    pub const fn is_sunday(self) -> bool {
        (self.0 + 3).rem_euclid(7) == SUNDAY as i64
    }
}

impl std::fmt::Display for Day {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(&self.date(), f)
    }
}

/// Sunday's number in a week that begins with Monday, 0.
pub const SUNDAY: usize = 6;

/// A zone's offsets from UTC over a stretch of time, ready for cheap look-ups.
///
/// ```
/// use floorcast_models::calendar::Calendar;
/// // 2026-03-29 is Berlin's 23-hour day; noon on the 30th and noon on the 23rd are 167 hours apart.
/// let noon = chrono::DateTime::parse_from_rfc3339("2026-03-30T12:00:00+02:00").unwrap().timestamp();
/// let berlin = Calendar::new(chrono_tz::Europe::Berlin, noon - 30 * 86_400, noon);
/// assert_eq!(noon - berlin.days_before(noon, 7), 167 * 3600);
/// ```
#[derive(Clone, Debug)]
pub struct Calendar {
    zone: Tz,
    from: i64,
    until: i64,
    /// `(instant, seconds east of UTC from then on)`; the first entry holds at `from`.
    changes: Vec<(i64, i32)>,
}

impl Calendar {
    /// Looks up every change of `zone` in `[from, until]` (seconds since the epoch); outside, the zone is asked each time.
    pub fn new(zone: Tz, from: i64, until: i64) -> Self {
        let mut changes = vec![(from, ask(zone, from))];
        let mut at = from;
        while at < until {
            let next = (at + DAY).min(until);
            push_changes(zone, at, next, &mut changes);
            at = next;
        }
        Self { zone, from, until, changes }
    }

    /// Seconds east of UTC at instant `t`.
    pub fn offset(&self, t: i64) -> i64 {
        if t < self.from || t > self.until {
            return i64::from(ask(self.zone, t));
        }
        // From the newest backwards: nearly every question is about the present, and a year has two changes.
        let found = self.changes.iter().rev().find(|(since, _)| *since <= t);
        found.map_or(0, |(_, offset)| i64::from(*offset))
    }

    /// Whether the clock has never been changed in the time covered, and `t` lies in it: then days are 24 hours.
    pub fn is_steady(&self, t: i64) -> bool {
        self.changes.len() == 1 && t <= self.until
    }

    /// The wall clock at instant `t`, as seconds since 1970-01-01 00:00 on that same wall clock.
    pub fn local(&self, t: i64) -> i64 {
        t + self.offset(t)
    }

    /// The first and the last instant at which the wall clock shows `shown` (as [`Calendar::local`] gives it): the same, unless
    /// it shows it twice. Of a time that it skips, the moment of the change and the instant at which the time would have been.
    /// Exact within the time covered.
    pub fn instants(&self, shown: i64) -> (i64, i64) {
        let ends = self.changes[1..].iter().map(|(until, _)| *until).chain([i64::MAX]);
        let starts = self.changes.iter().enumerate().map(|(i, (since, _))| if i == 0 { i64::MIN } else { *since });
        let stretches = starts.zip(ends).zip(&self.changes);
        let shows = stretches.filter_map(|((since, until), (_, offset))| {
            let t = shown - i64::from(*offset);
            (since <= t && t < until).then_some(t)
        });
        let (first, last) = shows.fold((i64::MAX, i64::MIN), |(first, last), t| (first.min(t), last.max(t)));
        if first <= last {
            return (first, last);
        }
        let skips = self.changes.windows(2).find(|pair| {
            let (before, at, after) = (i64::from(pair[0].1), pair[1].0, i64::from(pair[1].1));
            at + before <= shown && shown < at + after
        });
        skips.map_or((shown, shown), |pair| (pair[1].0, shown - i64::from(pair[0].1)))
    }

    /// Hour of the day, 0 to 23.
    pub fn hour(&self, t: i64) -> usize {
        (self.local(t).rem_euclid(DAY) / 3600) as usize
    }

    /// Slot of the day for slots of `step` seconds.
    pub fn slot_of_day(&self, t: i64, step: i64) -> usize {
        (self.local(t).rem_euclid(DAY) / step) as usize
    }

    /// Slot of the week for slots of `step` seconds, from Monday 00:00.
    pub fn slot_of_week(&self, t: i64, step: i64) -> usize {
        // 1970-01-01 was a Thursday, three days after a Monday.
        ((self.local(t) + 3 * DAY).rem_euclid(WEEK) / step) as usize
    }

    /// The instant at which the wall clock showed the same time of day `days` calendar days before `t`. A time that the
    /// clock skipped is taken where it would have been; of a time shown twice one is taken.
    pub fn days_before(&self, t: i64, days: i64) -> i64 {
        let shown = self.local(t) - days * DAY;
        let offset = self.offset(t);
        let guess = shown - offset;
        if self.offset(guess) == offset {
            return guess;
        }
        let second = shown - self.offset(guess);
        shown - self.offset(second)
    }
}

fn ask(zone: Tz, t: i64) -> i32 {
    let at = DateTime::from_timestamp(t, 0).unwrap_or_default();
    zone.offset_from_utc_datetime(&at.naive_utc()).fix().local_minus_utc()
}

/// Changes in `(from, to]`, found by halving: no zone changes twice within a day and back to where it was.
fn push_changes(zone: Tz, from: i64, to: i64, changes: &mut Vec<(i64, i32)>) {
    if ask(zone, from) == ask(zone, to) {
        return;
    }
    if to - from == 1 {
        changes.push((to, ask(zone, to)));
        return;
    }
    let middle = from + (to - from) / 2;
    push_changes(zone, from, middle, changes);
    push_changes(zone, middle, to, changes);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp()
    }

    /// Slots of one calendar day, in order of time, as a count per slot.
    fn slots(zone: Tz, from: &str, to: &str, step: i64) -> Vec<usize> {
        let calendar = Calendar::new(zone, at(from), at(to));
        let mut seen = vec![0; (DAY / step) as usize];
        for t in (at(from)..at(to)).step_by(step as usize) {
            seen[calendar.slot_of_day(t, step)] += 1;
        }
        seen
    }

    #[test]
    fn spring_skips_and_autumn_doubles_what_the_wall_clock_does() {
        let spring = slots(chrono_tz::Europe::Berlin, "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", 3600);
        assert_eq!(spring.iter().sum::<usize>(), 23);
        assert_eq!(spring[2], 0, "02:00 never happened");
        let autumn = slots(chrono_tz::Europe::Berlin, "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00", 3600);
        assert_eq!(autumn.iter().sum::<usize>(), 25);
        assert_eq!(autumn[2], 2, "02:00 happened twice");
    }

    #[test]
    fn lord_howe_moves_by_half_an_hour() {
        let day =
            slots(chrono_tz::Australia::Lord_Howe, "2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30", 1800);
        assert_eq!(day.iter().sum::<usize>(), 49);
        assert_eq!(day.iter().max(), Some(&2));
        assert_eq!(day.iter().filter(|n| **n == 2).count(), 1);
    }

    #[test]
    fn apia_skips_a_whole_day_and_keeps_the_weekday() {
        // 2011-12-30 never happened in Apia.
        let saturday = at("2011-12-31T12:00:00+14:00");
        let calendar = Calendar::new(chrono_tz::Pacific::Apia, saturday - 40 * DAY, saturday);
        let before = calendar.days_before(saturday, 7);
        assert_eq!(before, at("2011-12-24T12:00:00-10:00"));
        assert_eq!(calendar.slot_of_week(saturday, 3600), calendar.slot_of_week(before, 3600));
    }

    #[test]
    fn monday_midnight_is_the_first_slot() {
        let calendar = Calendar::new(Tz::UTC, 0, 0);
        assert_eq!(calendar.slot_of_week(at("2026-11-16T00:00:00Z"), 300), 0);
        assert_eq!(calendar.slot_of_week(at("2026-11-15T23:59:00Z"), 300), 2015);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Every instant of a stretch falls in a slot, neighbours differ by one slot except where the clock is changed, and
        /// the cached offsets are the zone's own.
        #[test]
        fn slots_follow_the_wall_clock(zone in 0..chrono_tz::TZ_VARIANTS.len(), day in 18_262_i64..25_567) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let from = day * DAY;
            let calendar = Calendar::new(zone, from, from + 3 * DAY);
            for t in (from..from + 3 * DAY).step_by(900) {
                prop_assert_eq!(calendar.offset(t), i64::from(ask(zone, t)));
                let moved = calendar.offset(t + 900) - calendar.offset(t);
                let slots = calendar.slot_of_week(t + 900, 900) as i64 - calendar.slot_of_week(t, 900) as i64;
                prop_assert_eq!(slots.rem_euclid(672), (1 + moved.div_euclid(900)).rem_euclid(672));
            }
        }

        /// The same time last week is the same slot, unless the clock skipped it.
        #[test]
        fn last_week_shows_the_same_time(zone in 0..chrono_tz::TZ_VARIANTS.len(), t in 1_577_836_800_i64..2_209_000_000, days in 1_i64..29) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let calendar = Calendar::new(zone, t - 40 * DAY, t);
            let before = calendar.days_before(t, days);
            let slip = calendar.local(t) - days * DAY - calendar.local(before);
            let nearby: Vec<i64> = (-3..=3).map(|h| calendar.offset(before + h * 3600)).collect();
            let skipped = nearby.iter().any(|o| *o != nearby[3]);
            prop_assert!(slip == 0 || skipped && slip.abs() <= 3 * 3600, "slip {} in {}", slip, zone);
        }
    }
}
