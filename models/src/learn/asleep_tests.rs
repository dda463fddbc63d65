//! A load that is nothing at night and at weekends is asleep, not gone; one that does not wake up in the morning is gone.

use super::*;

const PER_HOUR: usize = 12;
const PER_DAY: usize = 24 * PER_HOUR;
/// A Monday.
const START: i64 = 1_780_272_000;

/// Works from eight to eight on weekdays.
fn office(i: usize) -> f64 {
    let (hour, day) = (i / PER_HOUR % 24, i / PER_DAY % 7);
    if (8..20).contains(&hour) && day < 5 { 200.0 * (1.0 + 0.1 * noise(i)) } else { 0.0 }
}

/// Between -1 and 1, the same at every run.
fn noise(i: usize) -> f64 {
    let x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Number of the sample at this time of a day, Mondays being 0, 7, 14…
const fn at(day: usize, hour: usize) -> usize {
    day * PER_DAY + hour * PER_HOUR
}

/// Learned from the first week, and fed with the rest up to sample `until`.
fn learned(until: usize, load: impl Fn(usize) -> f64) -> Learned {
    let start = DateTime::from_timestamp(START, 0).unwrap();
    let first = (0..at(7, 0)).map(|i| load(i) as f32).collect();
    let series = Series::new(start, TimeDelta::minutes(5), first).unwrap();
    let how = Learning { lead: TimeDelta::minutes(15), ..Learning::default() };
    let mut learned = learn(&series, &how).unwrap();
    (at(7, 0)..until).for_each(|i| learned.observe(series.time(i), Some(load(i))));
    learned
}

fn time(i: usize) -> DateTime<Utc> {
    DateTime::from_timestamp(START + 300 * i as i64, 0).unwrap()
}

/// Starts of the outages told from sample `from` on.
fn outages(learned: &Learned, from: usize) -> Vec<DateTime<Utc>> {
    let told = learned.notes().iter().filter(|note| note.what == Recognised::Outage && note.from >= time(from));
    told.map(|note| note.from).collect()
}

#[test]
fn nights_and_weekends_are_no_outages_once_they_were_seen() {
    let learned = learned(at(28, 0), office);
    assert!(outages(&learned, at(7, 0)).is_empty(), "{:?}", learned.notes());
    assert_eq!(learned.collapsed_since(), None);
}

/// A quarter of an hour before eight the load has been away for twelve hours, or, on a Monday, for sixty.
#[test]
fn it_is_foreseen_before_it_wakes_up() {
    for day in [21, 22, 24] {
        let now = at(day, 8) - 3;
        let forecast = learned(now, office).forecast(time(now));
        assert!(forecast.upper[3] > 160.0, "day {day}: {:?}", &forecast.upper[..6]);
        assert!(forecast.upper[1] > 100.0, "day {day}, the maximum from 7:50 to 8:05: {:?}", &forecast.upper[..6]);
        assert!(forecast.point[11] > 100.0, "day {day}: {:?}", &forecast.point[..12]);
    }
}

#[test]
fn at_night_nothing_is_foreseen() {
    for day in [22, 26] {
        let now = at(day, 22);
        let forecast = learned(now, office).forecast(time(now));
        assert!(
            forecast.upper[..2 * PER_HOUR].iter().all(|upper| *upper < 20.0),
            "{:?}",
            &forecast.upper[..2 * PER_HOUR]
        );
    }
}

#[test]
fn a_load_that_does_not_wake_up_is_gone() {
    let overslept = |i: usize| if (at(22, 8)..at(22, 12)).contains(&i) { 0.0 } else { office(i) };
    let gone = learned(at(22, 11), overslept);
    let since = gone.collapsed_since().unwrap();
    assert!((time(at(22, 8))..=time(at(22, 8) + 3)).contains(&since), "{since}");
    let back = learned(at(23, 0), overslept);
    assert_eq!(outages(&back, at(21, 0)), [since], "{:?}", back.notes());
}

#[test]
fn a_load_that_fails_in_the_day_is_gone() {
    let failed = |i: usize| if (at(22, 14)..at(22, 16)).contains(&i) { 0.0 } else { office(i) };
    assert_eq!(outages(&learned(at(23, 0), failed), at(21, 0)), [time(at(22, 14))]);
}

/// An outage of three days that flickers for a quarter of an hour every three hours was not back before its second day.
#[test]
fn an_outage_that_flickers_is_no_habit() {
    let steady = |i: usize| 200.0 * (1.0 + 0.1 * noise(i));
    let flickers = |i: usize| {
        let gone = (at(21, 0)..at(24, 0)).contains(&i) && i % (3 * PER_HOUR) >= 3;
        if gone { 0.0 } else { steady(i) }
    };
    let learned = learned(at(24, 1), flickers);
    assert_eq!(outages(&learned, at(21, 0)).len(), 24, "{:?}", learned.notes());
    let forecast = learned.forecast(time(at(24, 1)));
    assert!(forecast.point.iter().all(|point| *point > 150.0), "{:?}", forecast.point);
}

/// Two hours of work a day, on weekdays.
fn lunch(i: usize) -> f64 {
    let (half_hour, day) = (i / (PER_HOUR / 2) % 48, i / PER_DAY % 7);
    if (23..27).contains(&half_hour) && day < 5 { 500.0 + 50.0 * noise(i) } else { 5.0 + noise(i) }
}

/// They are enough to have been back since last Saturday.
#[test]
fn a_load_that_works_for_two_hours_a_day_sleeps_at_weekends_too() {
    let learned = learned(at(26, 11), lunch);
    assert!(outages(&learned, at(12, 0)).is_empty(), "{:?}", learned.notes());
    let saturday = learned.forecast(time(at(26, 11)));
    assert!(saturday.point[..3 * PER_HOUR].iter().all(|point| *point < 150.0), "{:?}", &saturday.point[..3 * PER_HOUR]);
}

/// From one step to the next, as no mean of neighbours would.
#[test]
fn what_leaps_at_a_fixed_minute_is_foreseen_to_leap() {
    for day in [23, 24] {
        let now = at(day, 11) + 3;
        let forecast = learned(now, lunch).forecast(time(now));
        let Some([.., before, at_half_past, after]) = forecast.point.first_chunk::<5>() else { panic!("{forecast:?}") };
        assert!(*before < 50.0 && *at_half_past > 420.0 && *after > 420.0, "day {day}: {:?}", &forecast.point[..6]);
    }
}
