#![allow(clippy::unwrap_used)]
//! Whole replays of invented loads: what each policy must do on a load whose answer is known.

use super::*;
use crate::events::{KnownEvent, When};
use crate::learn::Learning;
use crate::schedule::{Cron, Recurrence, Window};
use crate::series::Series;
use crate::sim::Seasonal;
use crate::units::{PerReplica, Replicas};
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::Range;

fn start() -> DateTime<Utc> {
    // A Monday, 00:00 UTC.
    DateTime::from_timestamp(1_767_571_200, 0).unwrap()
}

fn recorded(load: &Seasonal, days: i32) -> Recorded {
    let minutes = days as usize * 1440;
    let series = load.series(start(), TimeDelta::minutes(1), minutes).unwrap();
    Recorded::new(&series, Noise::NONE, 1).unwrap().unwrap()
}

fn setup(load: &Recorded) -> Setup {
    // 10 replicas at the mean of 200 at 80 %: capacity 25.
    let capacity = PerReplica::new(25.0).unwrap();
    Setup { measure: Measure::Cpu, ..Setup::usual(capacity, TimeDelta::seconds(300), load) }
}

/// A load that leaps each morning by more than the HPA's headroom, for 15 days.
fn leaping() -> Recorded {
    working(15, |_| true, 60.0)
}

/// So many days of a load of 400 from eight to six on days on which it works, and of this much at other times.
fn working(days: i64, works: impl Fn(i64) -> bool, idle: f64) -> Recorded {
    let load = |i: i64| if (8 * 60..18 * 60).contains(&(i % 1440)) && works(i / 1440) { 400.0 } else { idle };
    let values = (0..days * 1440).map(|i| load(i) as f32).collect();
    let series = Series::new(start(), TimeDelta::minutes(1), values).unwrap();
    Recorded::new(&series, Noise::NONE, 1).unwrap().unwrap()
}

fn learned(history: &Series, from: DateTime<Utc>, until: DateTime<Utc>, lead: TimeDelta) -> Outlook {
    let how = Learning { lead, horizon: TimeDelta::hours(24) + lead, ..Learning::default() };
    let mut forecaster = Forecaster::new(history, from, until, how).unwrap();
    forecaster.advance(usize::MAX);
    forecaster.finish()
}

/// A load on a workload, with what was forecast of some of its days from those before.
struct Scene {
    load: Recorded,
    history: Series,
    setup: Setup,
    outlook: Outlook,
    foresight: Outlook,
    wishes: Wishes,
    from: DateTime<Utc>,
    until: DateTime<Utc>,
}

impl Scene {
    fn new(load: Recorded, days: Range<i64>) -> Self {
        let [from, until] = [days.start, days.end].map(|day| start() + TimeDelta::days(day));
        let (setup, history) = (setup(&load), load.history(STEP).unwrap());
        let outlook = learned(&history, from, until, setup.lead());
        let foresight = Outlook::foreseen(&load, STEP, from..until, setup.lead());
        Self { load, history, setup, outlook, foresight, wishes: Wishes::default(), from, until }
    }

    fn ground(&self) -> Ground<'_> {
        let Self { load, history, setup, outlook, foresight, wishes, .. } = self;
        Ground { setup, load, history, outlook, foresight, wishes, seed: 1 }
    }

    fn play(&self, strategy: Strategy) -> Played {
        self.ground().play(&Choice::of(strategy, 80), self.from, self.until)
    }
}

#[test]
fn a_leap_that_comes_every_morning_is_met_by_floors_and_not_by_the_hpa() {
    let scene = Scene::new(leaping(), 10..15);
    let starved = |strategy| {
        let played = scene.play(strategy);
        assert!((played.course.outcome.seconds - 5.0 * 86_400.0).abs() < 1e-6);
        assert_eq!(played.course.days.len(), 5);
        played.course.outcome.starved_minutes()
    };
    let alone = starved(Strategy::Hpa);
    assert!(alone > 5.0 * 5.0, "five mornings of at least the start-up of a pod: {alone}");
    for strategy in [Strategy::Floorcast, Strategy::Oracle, Strategy::LastWeek, Strategy::Cron, Strategy::Static] {
        let floored = starved(strategy);
        assert!(floored < 0.1 * alone, "{}: {floored} of {alone}", strategy.as_str());
    }
}

/// Nothing at night and at weekends, for three weeks: its Monday mornings are as the others, though it was gone for sixty hours.
#[test]
fn a_load_that_sleeps_is_met_when_it_wakes_up() {
    let scene = Scene::new(working(21, |day| day % 7 < 5, 0.0), 14..21);
    let outcome = |strategy| scene.play(strategy).course.outcome;
    let (alone, floored) = (outcome(Strategy::Hpa), outcome(Strategy::Floorcast));
    assert!(alone.starved_minutes() > 5.0 * 5.0, "{}", alone.starved_minutes());
    assert!(
        floored.starved_minutes() < 0.1 * alone.starved_minutes(),
        "{} of {}",
        floored.starved_minutes(),
        alone.starved_minutes()
    );
    assert!(floored.pod_hours < 1.15 * alone.pod_hours, "{} of {}", floored.pod_hours, alone.pod_hours);
}

#[test]
fn the_same_seed_gives_the_same_course_and_floorcast_costs_no_more_than_its_plan() {
    let scene = Scene::new(recorded(&Seasonal::by_seed(3, 200.0), 12), 9..12);
    let play = |strategy| scene.play(strategy);
    assert_eq!(play(Strategy::Floorcast), play(Strategy::Floorcast));
    let (alone, floors) = (play(Strategy::Hpa).course.outcome, play(Strategy::Oracle).course.outcome);
    // A floor that stays within the HPA's tolerance may even cost less: the HPA alone waits, then adds the whole tenth at once.
    assert!(floors.pod_hours < 1.05 * alone.pod_hours, "{} {}", floors.pod_hours, alone.pod_hours);
    assert!(floors.starved_seconds <= alone.starved_seconds);
    // I7: at most 12 writes per HPA and hour.
    assert!(play(Strategy::Floorcast).writes <= 3 * 24 * 12);
}

#[test]
fn what_follows_changes_nothing_of_what_was_known() {
    let whole = recorded(&Seasonal::by_seed(5, 200.0), 12).history(STEP).unwrap();
    let (from, middle) = (start() + TimeDelta::days(8), start() + TimeDelta::days(9));
    let kept = whole.values()[..9 * 288].to_vec();
    let cut = Series::new(start(), STEP, kept).unwrap();
    let lead = TimeDelta::minutes(5);
    let (a, b) = (learned(&whole, from, middle, lead), learned(&cut, from, middle, lead));
    for i in 0..288 {
        let at = from + STEP * i + TimeDelta::seconds(15);
        let (x, y) = (a.look(a.number(at).unwrap()), b.look(b.number(at).unwrap()));
        assert_eq!((x.newest, x.load, a.curve(x)), (y.newest, y.load, b.curve(y)), "{at}");
        assert!(x.newest.unwrap() <= at);
    }
}

#[test]
fn an_outlook_tells_what_was_said_before_and_since_when_it_was_trusted() {
    let load = leaping();
    let lead = TimeDelta::minutes(10);
    let (from, until) = (start() + TimeDelta::days(10), start() + TimeDelta::days(11));
    let foresight = Outlook::foreseen(&load, STEP, from..until, lead);
    assert_eq!((foresight.first_trusted(), foresight.verdict_turns()), (Some(from), 0));
    // Ten minutes before the leap of eight o'clock it is seen in the window that begins then, and not in the one before.
    let leap = from + TimeDelta::hours(8);
    assert_eq!(foresight.said(leap, lead), Some(400.0));
    assert_eq!(foresight.said(leap - lead, lead), Some(60.0));
    assert_eq!(foresight.said(leap, TimeDelta::hours(7)), None, "forecasts are kept for six and a half hours");
    let history = load.history(STEP).unwrap();
    let learned = learned(&history, from, until, lead);
    let since = learned.first_trusted().unwrap();
    assert!((from..until).contains(&since) && learned.said(leap, lead).unwrap() > 300.0, "{since}");
    // A day that only teaches: no trust before the second.
    let early = self::learned(&history, start() + TimeDelta::hours(20), start() + TimeDelta::days(5), lead);
    assert!(early.first_trusted().unwrap() > start() + TimeDelta::days(1));
    assert_eq!(early.verdict_turns(), 1);
}

#[test]
fn a_scheduled_window_is_held_whatever_the_forecast_says() {
    let mut scene = Scene::new(recorded(&Seasonal::by_seed(3, 200.0), 4), 2..4);
    // At 02:00 in Tokyo it is 17:00 in UTC.
    let night = Recurrence {
        start: Cron::parse("0 2 * * *").unwrap(),
        lasts: TimeDelta::hours(2),
        zone: chrono_tz::Asia::Tokyo,
    };
    let window = Window { when: night, replicas: Replicas::new(25), text: "night".into() };
    let floors = |scene: &Scene| {
        let points = scene.play(Strategy::Floorcast).course.points;
        // Every 15 minutes, the first at 00:15: numbers 67 to 74 are 17:00 to 18:45.
        points.iter().map(|p| p.floor).collect::<Vec<u32>>()
    };
    let plain = floors(&scene);
    scene.wishes.policy.schedule = [window].into();
    let scheduled = floors(&scene);
    // No load of these days needs as many.
    assert!(plain.iter().all(|floor| *floor < 25), "{plain:?}");
    for day in [0, 96] {
        let open = &scheduled[day + 67..day + 74];
        assert!(open.iter().all(|floor| *floor >= 25), "{open:?}");
        let quiet = &scheduled[day + 16..day + 60];
        assert!(quiet.iter().all(|floor| *floor < 25), "{quiet:?}");
    }
}

#[test]
fn a_known_event_raises_the_forecast_and_is_not_learned() {
    let load = recorded(&Seasonal::by_seed(3, 200.0), 10);
    let history = load.history(STEP).unwrap();
    let (from, until) = (start() + TimeDelta::days(8), start() + TimeDelta::days(10));
    let (begin, end) = (from + TimeDelta::hours(12), from + TimeDelta::hours(14));
    let sale = KnownEvent { when: When::Once { from: begin, to: end }, factor: 3.0, text: "sale".into() };
    let lead = TimeDelta::minutes(5);
    let how = Learning { lead, horizon: TimeDelta::hours(24), ..Learning::default() };
    let outlook = |events: &[KnownEvent]| {
        let mut forecaster = Forecaster::new(&history, from, until, how.clone()).unwrap().expecting(events);
        forecaster.advance(usize::MAX);
        forecaster.finish()
    };
    let (plain, told) = (outlook(&[]), outlook(&[sale]));
    let ratio = |at: DateTime<Utc>, before: TimeDelta| told.said(at, before).unwrap() / plain.said(at, before).unwrap();
    // Half an hour before it begins: three times as much within it, nothing else before and after.
    assert!((ratio(begin + TimeDelta::minutes(30), TimeDelta::hours(1)) - 3.0).abs() < 1e-9);
    assert!((ratio(begin - TimeDelta::minutes(20), TimeDelta::minutes(30)) - 1.0).abs() < 1e-9);
    // It did not come: what is measured meanwhile is a third of what is told, and is followed.
    let late = ratio(end - TimeDelta::minutes(10), TimeDelta::minutes(5));
    assert!(late < 2.9, "{late}");
}

#[test]
fn what_keeps_its_budget_is_played_to_its_end_and_what_does_not_is_given_up() {
    let scene = Scene::new(leaping(), 9..11);
    let (ground, from, until) = (scene.ground(), scene.from, scene.until);
    let budget = 120.0;
    let mut given_up = 0;
    for utilisation in (10..=100).step_by(10) {
        let choice = Choice::of(Strategy::Hpa, utilisation);
        let whole = ground.play(&choice, from, until).course;
        let some = ground.play_until_starved(&choice, from, until, budget).course;
        let (kept, starved) = (whole.outcome.starved_seconds <= budget, some.outcome.starved_seconds);
        assert_eq!(kept, starved <= budget, "{utilisation} %: {starved}");
        if kept {
            assert_eq!(whole, some);
        } else {
            given_up += 1;
            assert!(some.outcome.seconds < whole.outcome.seconds, "{utilisation} %");
        }
    }
    assert!((1..10).contains(&given_up), "{given_up} of 10 settings do not keep it: both kinds are there");
}
