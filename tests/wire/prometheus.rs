//! The reader against a real Prometheus with two weeks of minutes.

use crate::{ask, range, reader};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast::datasource::{Auth, Emptiness, Fault, History, Reader, Secret, SecretSource, StatusPage};
use floorcast_testbed::prometheus::{Options, PASSWORD, Prometheus, Series, USER};

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

/// A day's wave with a number of its own for every minute.
fn wave(at: DateTime<Utc>) -> f64 {
    let minutes = at.timestamp() / MINUTE;
    100.0 + 50.0 * (minutes as f64 * std::f64::consts::TAU / 1440.0).sin() + (minutes % 7) as f64
}

fn past(now: i64) -> Vec<Series> {
    let at = |s| DateTime::from_timestamp(s, 0).unwrap();
    let (from, to, step) = (at(now - 14 * DAY), at(now + MINUTE), TimeDelta::seconds(MINUTE));
    let hour = at(now - 3600);
    vec![
        Series::new("shop_requests", &[("cluster", "prod")]).sampled(from, to, step, |t| Some(wave(t))),
        Series::new("shop_orders", &[("pod", "a")]).sampled(hour, to, step, |_| Some(1.0)),
        Series::new("shop_orders", &[("pod", "b")]).sampled(hour, to, step, |_| Some(2.0)),
        Series::new("shop_orders", &[("pod", "c")]).sampled(hour, to, step, |_| Some(3.0)),
    ]
}

#[tokio::test]
async fn two_weeks_come_in_three_pieces_and_every_kind_of_answer_has_its_name() {
    if floorcast_testbed::left_out() {
        return;
    }
    let now = Utc::now().timestamp() / MINUTE * MINUTE;
    let server = Prometheus::start(Options { history: past(now), ..Options::default() }).await.unwrap();
    let reader = reader(&server.url(), |_| ());
    merged_is_whole(&reader, now).await;
    history_grows_by_what_is_new(&reader, now).await;
    oddities(&reader, now).await;
    server.kill();
    let fault = ask(&reader, range("up", now - 600, now, MINUTE)).await.unwrap_err();
    assert_eq!(fault.as_str(), "unreachable", "{fault}");
}

async fn merged_is_whole(reader: &Reader, now: i64) {
    let answer = ask(reader, range("sum(shop_requests)", now - 14 * DAY, now, MINUTE)).await.unwrap();
    let series = &answer.series;
    assert_eq!((series.len(), series.coverage(), answer.is_partial()), (20_160, 1.0, false));
    for i in 0..series.len() {
        // The sample of [t, t + step) is the value at its end.
        let wanted = wave(series.time(i) + series.step()) as f32;
        assert!((series.values()[i] - wanted).abs() < 1e-3, "{i}: {} is not {wanted}", series.values()[i]);
    }
    assert_eq!(series.newest().unwrap().timestamp(), now);
}

async fn history_grows_by_what_is_new(reader: &Reader, now: i64) {
    let at = |s| DateTime::from_timestamp(s, 0).unwrap();
    let mut history = History::new("sum(shop_requests)", TimeDelta::minutes(5), TimeDelta::days(7));
    let mut asked = Vec::new();
    for minutes in [30, 27, 20, 10, 0] {
        let time = at(now - minutes * MINUTE);
        let Some(query) = history.next(time) else { continue };
        asked.push((query.end - query.start).num_minutes());
        let answer = reader.range(time, &[query]).await.remove(0).unwrap();
        let took = history.absorb(time, &answer).unwrap();
        assert!(!took.disagrees && !took.vanished, "{took:?}");
    }
    assert_eq!(asked[0], 7 * 1440);
    assert!(asked[1..].iter().all(|minutes| *minutes <= 30), "{asked:?}");
    let series = history.series().unwrap();
    assert_eq!((series.coverage(), series.len()), (1.0, 2016));
}

async fn oddities(reader: &Reader, now: i64) {
    let hour = |query: &str| range(query, now - 1800, now, MINUTE);
    let ambiguous = ask(reader, hour("shop_orders")).await.unwrap_err();
    let Fault::AmbiguousSeries { first, second } = &ambiguous else { panic!("{ambiguous}") };
    assert!(first.contains("pod=") && second.contains("pod=") && first != second, "{ambiguous}");
    let rejected = ask(reader, hour("sum(shop_orders")).await.unwrap_err();
    assert!(rejected.as_str() == "query_rejected" && rejected.to_string().contains("parse error"), "{rejected}");
    let nothing = ask(reader, hour("sum(shop_orders) / 0 * 0")).await.unwrap();
    assert!(nothing.is_empty() && nothing.dropped.nan == 30, "{:?}", nothing.dropped);
    let infinite = ask(reader, hour("sum(shop_orders) / 0")).await.unwrap();
    assert!(infinite.is_empty() && infinite.dropped.infinite == 30);
    assert_eq!(ask(reader, hour("vector(4)")).await.unwrap().series.coverage(), 1.0);
    // What ends because nothing runs is whole with the query that docs/how-to/tune.md advises.
    let two_hours = |query: &str| range(query, now - 7200, now, MINUTE);
    assert!(ask(reader, two_hours("sum(shop_orders)")).await.unwrap().series.coverage() < 0.6);
    let whole = ask(reader, two_hours("sum(shop_orders) or vector(0)")).await.unwrap().series;
    assert_eq!((whole.coverage(), whole.values().first(), whole.values().last()), (1.0, Some(&0.0), Some(&6.0)));
    let rows = reader.table(Utc::now(), &hour("shop_orders")).await.unwrap();
    assert_eq!(
        rows.iter().map(|(l, a)| (l["pod"].as_str(), a.series.values()[0])).collect::<Vec<_>>(),
        [("a", 1.0), ("b", 2.0), ("c", 3.0)]
    );
    let why = reader.why_empty(Utc::now(), "sum(rate(shop_requets[5m]))").await.unwrap();
    assert_eq!(why, Emptiness::NeverSeen { metric: "shop_requets".into(), similar: vec!["shop_requests".into()] });
    let why = reader.why_empty(Utc::now(), "sum(shop_orders{pod=\"z\"})").await.unwrap();
    assert_eq!(why, Emptiness::NothingSelected { metrics: vec!["shop_orders".into()] });
    let build = reader.status(Utc::now(), StatusPage::BuildInfo).await.unwrap();
    // A Prometheus built as a module does not know its own version.
    assert!(build["goVersion"].starts_with("go1."), "{build:?}");
    assert!(reader.status(Utc::now(), StatusPage::RuntimeInfo).await.unwrap().contains_key("storageRetention"));
    let at = DateTime::from_timestamp(now - 600, 0).unwrap();
    let samples = reader.instant(Utc::now(), at, &["sum(shop_orders)".to_owned(), "1/0".to_owned()]).await;
    assert_eq!(samples[0].as_ref().unwrap()[0].value, Some(6.0));
    assert_eq!(samples[1].as_ref().unwrap()[0].value, None);
    assert!(reader.clock_skew().unwrap().num_seconds().abs() < 30);
}

#[tokio::test]
async fn a_password_is_asked_for() {
    if floorcast_testbed::left_out() {
        return;
    }
    let server = Prometheus::start(Options { password: true, ..Options::default() }).await.unwrap();
    let now = Utc::now().timestamp();
    for (password, wanted) in [(PASSWORD, None), ("wrong", Some("unauthorized"))] {
        let auth = Auth::Basic { username: USER.into(), password: SecretSource::Inline(Secret::new(password)) };
        let reader = reader(&server.url(), |s| s.auth = auth);
        let found = ask(&reader, range("vector(1)", now - 600, now, MINUTE)).await;
        assert_eq!(found.err().map(|f| f.as_str()), wanted);
    }
}
