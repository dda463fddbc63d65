use super::*;
use crate::plan::Capped;
use crate::testing::{n, plan, time};
use chrono::{LocalResult, NaiveTime, Offset, TimeZone};
use proptest::prelude::*;

fn at(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn window(cron: &str, minutes: i64, zone: Tz) -> Window {
    let lasts = TimeDelta::minutes(minutes);
    let when = Recurrence { start: Cron::parse(cron).unwrap(), lasts, zone };
    Window { when, replicas: n(12), text: cron.into() }
}

/// Openings as texts, in UTC.
fn told(window: Window, from: &str, to: &str) -> Vec<String> {
    let shown = |t: DateTime<Utc>| t.format("%d %H:%M").to_string();
    openings(&[window], at(from), at(to)).iter().map(|o| format!("{} to {}", shown(o.from), shown(o.to))).collect()
}

#[test]
fn fridays_at_six_by_the_zones_own_clock() {
    let fridays = window("0 18 * * FRI", 180, Tz::Europe__Berlin);
    assert_eq!(
        told(fridays.clone(), "2026-01-05T00:00:00Z", "2026-01-19T00:00:00Z"),
        ["09 17:00 to 09 20:00", "16 17:00 to 16 20:00"]
    );
    assert_eq!(told(fridays.clone(), "2026-07-13T00:00:00Z", "2026-07-20T00:00:00Z"), ["17 16:00 to 17 19:00"]);
    assert_eq!(told(fridays.clone(), "2026-01-09T19:59:00Z", "2026-01-10T00:00:00Z"), ["09 17:00 to 09 20:00"], "open");
    assert!(told(fridays, "2026-01-09T20:00:00Z", "2026-01-10T00:00:00Z").is_empty(), "the end is outside");
}

#[test]
fn a_window_over_the_night_of_a_change_ends_by_the_wall_clock() {
    let night = window("0 22 * * SAT", 8 * 60, Tz::Europe__Berlin);
    assert_eq!(
        told(night.clone(), "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
        ["28 21:00 to 29 04:00"],
        "seven hours"
    );
    assert_eq!(told(night, "2026-10-24T12:00:00Z", "2026-10-25T12:00:00Z"), ["24 20:00 to 25 05:00"], "nine hours");
}

#[test]
fn a_whole_day_has_twenty_three_or_twenty_five_hours() {
    let sunday = window("0 0 * * SUN", 24 * 60, Tz::Europe__Berlin);
    assert_eq!(told(sunday.clone(), "2026-03-28T23:00:00Z", "2026-03-30T00:00:00Z"), ["28 23:00 to 29 22:00"]);
    assert_eq!(told(sunday, "2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z"), ["24 22:00 to 25 23:00"]);
}

#[test]
fn the_skipped_hour_still_opens_and_the_repeated_one_stays_open() {
    // 02:00 to 03:00 does not exist on 29 March: 02:15 opens with the change (01:00 UTC) and closes where 02:45 would have been.
    let skipped = window("15 2 * * *", 30, Tz::Europe__Berlin);
    assert_eq!(told(skipped.clone(), "2026-03-29T00:00:00Z", "2026-03-29T12:00:00Z"), ["29 01:00 to 29 01:45"]);
    // 02:00 to 03:00 is there twice on 25 October: open from the first 02:15 to the second 02:45.
    assert_eq!(told(skipped, "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z"), ["25 00:15 to 25 01:45"]);
    // Apia had no 30 December 2011 at all; a window of that day opens and closes with the change.
    let friday = window("0 9 30 12 *", 60, Tz::Pacific__Apia);
    assert_eq!(told(friday, "2011-12-29T00:00:00Z", "2012-01-02T00:00:00Z"), ["30 10:00 to 30 20:00"]);
}

#[test]
fn occurrences_that_touch_are_one_opening_however_many() {
    let always = window("* * * * *", 31 * 24 * 60, Tz::UTC);
    let found = openings(&[always], at("2026-01-05T00:00:00Z"), at("2026-01-06T00:00:00Z"));
    assert_eq!(found.len(), 1);
    assert!(found[0].from <= at("2026-01-05T00:00:00Z") && found[0].to >= at("2026-01-06T00:00:00Z"));
    let hourly = window("0 8-17 * * MON-FRI", 60, Tz::UTC);
    assert_eq!(told(hourly, "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"), ["05 08:00 to 05 18:00"]);
    let gaps = window("0,30 8 * * *", 29, Tz::UTC);
    assert_eq!(
        told(gaps, "2026-01-05T00:00:00Z", "2026-01-06T00:00:00Z"),
        ["05 08:00 to 05 08:29", "05 08:30 to 05 08:59"]
    );
}

#[test]
fn what_is_no_expression_is_told_where() {
    for (text, position, why) in [
        ("", 0, "here are 0"),
        ("0 18 * *", 8, "here are 4"),
        ("0 0 18 * * 5", 11, "here are 6"),
        ("61 18 * * 5", 0, "\"61\" is no minute"),
        ("0  24 * * 5", 3, "\"24\" is no hour"),
        ("0 18 0 * 5", 5, "\"0\" is no day of the month"),
        ("0 18 * 13 5", 7, "\"13\" is no month"),
        ("0 18 * * 5-", 9, "\"5-\" is no day of the week"),
        ("*/0 18 * * 5", 0, "\"*/0\" is no minute"),
        ("0 18 31 2 *", 0, "it never happens"),
        ("@reboot", 0, ""),
        ("@daily x", 8, "here are 2"),
    ] {
        let fault = Cron::parse(text).unwrap_err();
        assert_eq!(fault.position, position, "{text}: {fault}");
        assert!(fault.why.contains(why) && !fault.why.contains('\n'), "{text}: {fault}");
    }
    assert!(Cron::parse(&"1,".repeat(5000)).is_err());
}

#[test]
fn either_day_suffices_where_both_are_restricted() {
    let both = window("0 9 13 * FRI", 60, Tz::UTC);
    let days: Vec<_> = openings(&[both], at("2026-02-01T00:00:00Z"), at("2026-02-28T00:00:00Z"))
        .iter()
        .map(|o| o.from.format("%d").to_string())
        .collect();
    assert_eq!(days, ["06", "13", "20", "27"]);
}

/// Two windows: 12 from minute 60 to 120, 20 from 90 to 100; asked for ten minutes before.
fn two() -> [Opening; 2] {
    let opening =
        |from, to, replicas| Opening { from: time(from), to: time(to), replicas: n(replicas), text: "w".into() };
    [opening(60, 120, 12), opening(90, 100, 20)]
}

#[test]
fn a_window_is_asked_for_one_lead_time_before_it_opens() {
    let openings = two();
    let ahead = Ahead { plan: None, openings: &openings, lead: TimeDelta::minutes(10) };
    for (minute, need) in [
        (49, None),
        (50, Some(12)),
        (79, Some(12)),
        (80, Some(20)),
        (99, Some(20)),
        (100, Some(12)),
        (119, Some(12)),
        (120, None),
    ] {
        assert_eq!(ahead.need_at(time(minute)), need.map(n), "minute {minute}");
    }
    assert_eq!(ahead.peak(time(0), time(60)), Some((time(50), n(12))));
    assert_eq!(ahead.peak(time(0), time(500)), Some((time(80), n(20))));
    assert_eq!(ahead.peak(time(0), time(50)), None);
    let hours = TimeDelta::hours;
    assert_eq!(ahead.needed_until(time(0), n(12), hours(6)), time(120));
    assert_eq!(ahead.needed_until(time(0), n(13), hours(6)), time(100));
    assert_eq!(ahead.needed_until(time(0), n(12), hours(1)), time(60), "never further than allowed");
    assert_eq!(ahead.needed_until(time(0), n(21), hours(6)), time(0));
    let capped = Capped { from: time(90), to: time(100), need: n(20), limit: n(15) };
    assert_eq!(ahead.capped(time(0), n(15)), Some(capped), "the hour that its author knows");
    assert_eq!(ahead.turns_after(time(50)), Some(time(80)));
    let steps = ahead.steps(time(0), time(1440));
    assert_eq!(steps, [(0, 0), (50, 12), (80, 20), (100, 12), (120, 0)].map(|(m, r)| (time(m), n(r))));
}

#[test]
fn plan_and_schedule_are_combined_by_the_maximum() {
    let openings = two();
    let plan = plan(time(0), &[15; 30]).unwrap();
    let ahead = Ahead { plan: Some(&plan), openings: &openings, lead: TimeDelta::minutes(10) };
    for (minute, need) in [(0, Some(15)), (50, Some(15)), (80, Some(20)), (149, Some(15)), (150, None)] {
        assert_eq!(ahead.need_at(time(minute)), need.map(n), "minute {minute}");
    }
    assert_eq!(ahead.peak(time(0), time(150)), Some((time(80), n(20))));
    assert_eq!(ahead.needed_until(time(0), n(13), TimeDelta::hours(6)), time(150));
    assert_eq!(ahead.scheduled().needed_until(time(0), n(13), TimeDelta::hours(6)), time(100));
    assert!(
        ahead
            .steps(time(0), time(1440))
            .iter()
            .all(|(at, need)| *need == n(if *at >= time(80) && *at < time(100) { 20 } else { 15 }))
    );
}

/// The first instant at which the clock shows `shown` or later, to the minute, and its offset just before.
fn reached(zone: Tz, shown: NaiveDateTime) -> (DateTime<Utc>, TimeDelta) {
    let mut t = shown.and_utc() - TimeDelta::hours(30);
    while zone.from_utc_datetime(&t.naive_utc()).naive_local() < shown {
        t += TimeDelta::minutes(1);
    }
    let before = zone.offset_from_utc_datetime(&(t - TimeDelta::minutes(1)).naive_utc()).fix();
    (t, TimeDelta::seconds(i64::from(before.local_minus_utc())))
}

/// One window by the book, from chrono's own idea of local time.
fn by_the_book(zone: Tz, start: NaiveDateTime, lasts: TimeDelta) -> (DateTime<Utc>, DateTime<Utc>) {
    let opens = match zone.from_local_datetime(&start) {
        LocalResult::Single(t) | LocalResult::Ambiguous(t, _) => t.to_utc(),
        LocalResult::None => reached(zone, start).0,
    };
    let end = start + lasts;
    let closes = match zone.from_local_datetime(&end) {
        LocalResult::Single(t) | LocalResult::Ambiguous(_, t) => t.to_utc(),
        LocalResult::None => (end - reached(zone, end).1).and_utc(),
    };
    (opens, closes)
}

/// A day on which the zone's clock is changed, if the year has one: the first hour whose offset differs from the hour before.
fn changed_day(zone: Tz, year: i32, which: usize) -> Option<NaiveDateTime> {
    let start = chrono::NaiveDate::from_ymd_opt(year, 1, 1)?.and_time(NaiveTime::MIN);
    let offset = |h: i64| zone.offset_from_utc_datetime(&(start + TimeDelta::hours(h))).fix();
    let changes = (1..366 * 24).filter(|h| offset(*h) != offset(h - 1)).map(|h| start + TimeDelta::hours(h));
    changes.collect::<Vec<_>>().get(which).copied()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Around clock changes of any zone, a window is open exactly when it should be, minute by minute.
    #[test]
    fn open_exactly_by_the_book(
        zone in 0..chrono_tz::TZ_VARIANTS.len(), year in 2008_i32..2037, which in 0_usize..2,
        hour in 0_u32..24, minute in 0_u32..60, lasts in 1_i64..1800,
    ) {
        let zone = chrono_tz::TZ_VARIANTS[zone];
        let middle = changed_day(zone, year, which).unwrap_or_else(|| time(0).naive_utc());
        let (from, to) = ((middle - TimeDelta::hours(30)).and_utc(), (middle + TimeDelta::hours(30)).and_utc());
        let lasts = TimeDelta::minutes(lasts);
        let daily = window(&format!("{minute} {hour} * * *"), lasts.num_minutes(), zone);
        let found = openings(std::slice::from_ref(&daily), from, to);
        let first = middle.date() - TimeDelta::days(5);
        let book: Vec<_> = (0..10)
            .filter_map(|day| (first + TimeDelta::days(day)).and_hms_opt(hour, minute, 0))
            .map(|start| by_the_book(zone, start, lasts))
            .collect();
        for m in 0..60 * 60 {
            let t = from + TimeDelta::minutes(m);
            let open = found.iter().any(|o| o.from <= t && t < o.to);
            let wanted = book.iter().any(|(opens, closes)| *opens <= t && t < *closes);
            prop_assert_eq!(open, wanted, "{} at {}: {:?}", zone, t, found);
        }
        for pair in found.windows(2) {
            prop_assert!(pair[0].from <= pair[1].from);
        }
    }

    /// Whatever is asked, openings touch what was asked for, are not empty, and a later question gives the same ones.
    #[test]
    fn openings_do_not_depend_on_when_they_are_asked_for(
        zone in 0..chrono_tz::TZ_VARIANTS.len(), day in 18_262_i64..24_000, second in 0_i64..86_400, later in 0_i64..86_400,
        cron in prop::sample::select(vec!["*/7 * * * *", "0 18 * * FRI", "30 2 * * *", "0 0 L * *", "15 6 29 2 *", "0 9 * * MON#2"]),
        minutes in 1_i64..3000,
    ) {
        let zone = chrono_tz::TZ_VARIANTS[zone];
        let from = DateTime::from_timestamp(day * DAY + second, 0).unwrap();
        let to = from + TimeDelta::hours(48);
        let it = window(cron, minutes, zone);
        let found = openings(std::slice::from_ref(&it), from, to);
        for o in &found {
            prop_assert!(o.from < o.to && o.from < to && o.to > from);
        }
        let asked = from + TimeDelta::seconds(later);
        let again = openings(std::slice::from_ref(&it), asked, to);
        for m in (later..48 * 3600).step_by(300) {
            let t = from + TimeDelta::seconds(m);
            let open = |all: &[Opening]| all.iter().any(|o| o.from <= t && t < o.to);
            prop_assert_eq!(open(&found), open(&again), "at {}", t);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,40}|[0-9*/,@A-Z -]{0,40}") {
        if let Err(fault) = Cron::parse(&text) {
            prop_assert!(fault.position <= text.chars().count() && !fault.why.is_empty());
        }
    }
}
