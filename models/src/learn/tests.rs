//! Learning seen from outside: what it refuses, what it must not be fooled by, and that it cannot see the future.

use super::*;
use proptest::prelude::*;

const MINUTES: i64 = 5;
const PER_DAY: usize = 288;

/// 2026-06-01, a Monday.
fn monday() -> DateTime<Utc> {
    DateTime::from_timestamp(1_780_272_000, 0).unwrap()
}

/// A small deterministic noise in −1..1.
fn noise(i: usize) -> f64 {
    let x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Office hours with a noon peak, weekends at two fifths, 3 % noise.
fn office(i: usize) -> f64 {
    let hour = (i % PER_DAY) as f64 / 12.0;
    let day = i / PER_DAY % 7;
    let bell = (-(hour - 13.0).powi(2) / 12.0).exp();
    let week = if day >= 5 { 0.4 } else { 1.0 };
    (40.0 + 160.0 * bell * week) * (1.0 + 0.03 * noise(i))
}

fn series_from(days: usize, load: impl Fn(usize) -> f64) -> Series {
    let values = (0..days * PER_DAY).map(|i| load(i) as f32).collect();
    Series::new(monday(), TimeDelta::minutes(MINUTES), values).unwrap()
}

fn how() -> Learning {
    Learning { lead: TimeDelta::minutes(15), ..Learning::default() }
}

fn learned(series: &Series) -> Learned {
    learn(series, &how()).unwrap()
}

fn ahead(series: &Series) -> Forecast {
    learned(series).forecast(series.end())
}

fn sound(forecast: &Forecast) {
    assert!(!forecast.is_empty());
    for i in 0..forecast.len() {
        let (low, point, up) = (forecast.lower[i], forecast.point[i], forecast.upper[i]);
        assert!(low >= 0.0 && low <= point && point <= up && up.is_finite(), "step {i}: {low} {point} {up}");
    }
}

#[test]
fn refuses_what_teaches_nothing_with_the_numbers() {
    let empty = learn(&series_from(3, |_| f64::NAN), &how()).unwrap_err();
    assert_eq!(empty.as_str(), "no-history");
    let short = learn(&series_from(28, |i| if i < 28 * PER_DAY - 38 { f64::NAN } else { 1.0 }), &how()).unwrap_err();
    assert_eq!(short.to_string(), "history 3.2 h < 24 h; the first floor comes when a day has been seen");
    let gaps = learn(&series_from(28, |i| if i % 10 < 3 { f64::NAN } else { 1.0 }), &how()).unwrap_err();
    assert_eq!(gaps.as_str(), "gaps");
    assert!(gaps.to_string().contains("30 % of 671.8 h"), "{gaps}");
}

#[test]
fn silence_before_the_first_sample_is_no_gap() {
    let series = series_from(28, |i| if i < 20 * PER_DAY { f64::NAN } else { office(i) });
    sound(&ahead(&series));
}

#[test]
fn old_gaps_are_left_out_and_told() {
    let series = series_from(28, |i| if (2..10).contains(&(i / PER_DAY)) { f64::NAN } else { office(i) });
    let learned = learned(&series);
    assert!(learned.notes().iter().any(|n| n.what == Recognised::Truncated), "{:?}", learned.notes());
}

#[test]
fn the_noon_peak_is_seen_from_the_night_before() {
    let series = series_from(28, office);
    let forecast = ahead(&series);
    let noon = forecast.point[13 * 12];
    assert!((noon / 200.0 - 1.0).abs() < 0.05, "{noon}");
    assert!(forecast.upper[13 * 12] < 1.2 * noon);
    let trust = learned(&series).trust();
    assert!(trust.trusted, "{trust:?}");
}

#[test]
fn weekends_need_two_weeks_of_history() {
    // Thirteen days end on a Sunday; Monday noon is forecast from a daily season that is still right on weekdays.
    let thirteen = series_from(13, office);
    sound(&ahead(&thirteen));
    // Nineteen days end on a Friday night: Saturday is known to be quiet.
    let saturday = ahead(&series_from(19, office)).point[13 * 12];
    assert!(saturday < 130.0, "{saturday}");
}

#[test]
fn an_outage_last_week_does_not_lower_this_week() {
    let peak = 20 * PER_DAY + 12 * 12..20 * PER_DAY + 15 * 12;
    let whole = ahead(&series_from(27, office));
    let broken = series_from(27, |i| if peak.contains(&i) { 0.0 } else { office(i) });
    let forecast = ahead(&broken);
    for i in 11 * 12..16 * 12 {
        assert!(forecast.upper[i] > 0.95 * whole.upper[i], "step {i}: {} {}", forecast.upper[i], whole.upper[i]);
    }
    assert!(learned(&broken).notes().iter().any(|n| n.what == Recognised::Outage));
}

#[test]
fn a_burst_last_week_does_not_raise_this_week() {
    let burst = 20 * PER_DAY + 12 * 12..20 * PER_DAY + 13 * 12;
    let whole = ahead(&series_from(27, office));
    let burst = series_from(27, |i| office(i) * if burst.contains(&i) { 5.0 } else { 1.0 });
    let forecast = ahead(&burst);
    for i in 11 * 12..16 * 12 {
        assert!(forecast.upper[i] < 1.05 * whole.upper[i], "step {i}: {} {}", forecast.upper[i], whole.upper[i]);
    }
    assert!(learned(&burst).notes().iter().any(|n| n.what == Recognised::Burst));
    assert!(learned(&burst).most_seen() < 250.0 * 5.0);
}

#[test]
fn samples_that_are_missing_do_not_cut_a_long_rise_into_bursts() {
    let rise = 20 * PER_DAY + 12 * 12..20 * PER_DAY + 17 * 12;
    let series = series_from(27, |i| match i {
        i if rise.contains(&i) && i % 12 == 5 => f64::NAN,
        i if rise.contains(&i) => 5.0 * office(i),
        i => office(i),
    });
    let learned = learned(&series);
    let told: Vec<_> = learned.notes().iter().map(|n| n.what).collect();
    assert!(told.contains(&Recognised::LevelShift) && !told.contains(&Recognised::Burst), "{told:?}");
}

#[test]
fn a_burst_at_the_same_hour_every_day_is_a_season() {
    let series = series_from(28, |i| office(i) * if i % PER_DAY / 12 == 3 { 5.0 } else { 1.0 });
    let forecast = ahead(&series);
    assert!(forecast.point[3 * 12 + 6] > 150.0, "{}", forecast.point[3 * 12 + 6]);
}

#[test]
fn a_lasting_step_is_followed_within_two_hours() {
    let series = series_from(28, office);
    let mut learned = learned(&series);
    let begin = 28 * PER_DAY;
    for i in begin..begin + 24 {
        learned.observe(series.time(i), Some(1.4 * office(i)));
    }
    let forecast = learned.forecast(series.time(begin + 24));
    let wanted = 1.4 * office(begin + 24 + 12);
    assert!((forecast.point[12] / wanted - 1.0).abs() < 0.15, "{} {wanted}", forecast.point[12]);
    for i in begin + 24..begin + 8 * PER_DAY {
        learned.observe(series.time(i), Some(1.4 * office(i)));
    }
    assert!(learned.notes().iter().all(|n| n.what != Recognised::Outage), "{:?}", learned.notes());
}

#[test]
fn white_noise_earns_no_trust() {
    for salt in 0..6 {
        let series = series_from(28, |i| 100.0 + 40.0 * noise(i * 7 + salt * 1_000_003));
        let learned = learned(&series);
        assert!(!learned.trust().trusted, "{:?}", learned.trust());
    }
}

#[test]
fn constant_zero_sparse_tiny_and_huge_just_work() {
    let flat = ahead(&series_from(15, |_| 7.0));
    assert!(flat.upper.iter().all(|u| (*u - 7.0).abs() < 1e-3), "{:?}", &flat.upper[..3]);
    assert!(ahead(&series_from(15, |_| 0.0)).upper.iter().all(|u| *u == 0.0));
    sound(&ahead(&series_from(15, |i| if i % 97 == 0 { 5.0 } else { 0.0 })));
    for unit in [1e-9, 1e12] {
        let forecast = ahead(&series_from(28, |i| unit * office(i)));
        sound(&forecast);
        assert!((forecast.point[13 * 12] / unit / 200.0 - 1.0).abs() < 0.05);
    }
}

#[test]
fn steps_from_fifteen_seconds_to_an_hour() {
    for (seconds, days) in [(15, 3), (60, 8), (900, 28), (1800, 28), (3600, 28)] {
        let per_day = 86_400 / seconds as usize;
        let values = (0..days * per_day).map(|i| office(i * PER_DAY / per_day) as f32).collect();
        let series = Series::new(monday(), TimeDelta::seconds(seconds), values).unwrap();
        let forecast = ahead(&series);
        sound(&forecast);
        assert!(forecast.len() >= per_day);
        let noon = forecast.point[13 * per_day / 24];
        assert!((noon / 200.0 - 1.0).abs() < 0.3 || days < 14, "step {seconds}: {noon}");
    }
}

/// Summer time began on Sunday 29 March 2026 in Berlin: the noon peak stays at noon on the clock, an hour earlier in UTC.
#[test]
fn the_season_moves_with_the_clock() {
    let start = DateTime::parse_from_rfc3339("2026-03-02T00:00:00+01:00").unwrap().to_utc();
    let zone = chrono_tz::Europe::Berlin;
    let calendar = Calendar::new(zone, start.timestamp(), start.timestamp() + 40 * DAY);
    let load = |i: usize| {
        let slot = calendar.slot_of_week(start.timestamp() + 300 * i as i64, 300);
        office(slot) + noise(i)
    };
    let values = (0..28 * PER_DAY - 12).map(|i| load(i) as f32).collect();
    let series = Series::new(start, TimeDelta::minutes(5), values).unwrap();
    let learned = learn(&series, &Learning { zone, ..how() }).unwrap();
    let forecast = learned.forecast(series.end());
    for i in 0..forecast.len() {
        let came = load(28 * PER_DAY - 12 + i);
        assert!((forecast.point[i] / came - 1.0).abs() < 0.15, "step {i}: {} {came}", forecast.point[i]);
    }
}

/// Every day is the same: a day ahead the last value is always right, half a day ahead always wrong.
#[test]
fn the_last_value_says_nothing_of_half_a_day_ahead() {
    let load = |i: usize| 100.0 + 80.0 * ((i % PER_DAY) as f64 / PER_DAY as f64 * std::f64::consts::TAU).sin();
    let series = series_from(21, load);
    let forecast = ahead(&series);
    for (i, point) in forecast.point.iter().enumerate() {
        let came = load(21 * PER_DAY + i);
        assert!((point / came - 1.0).abs() < 0.02, "step {i}: {point} {came}");
    }
}

#[test]
fn every_model_can_be_pinned() {
    let series = series_from(28, office);
    for model in Choice::ALL {
        let learned = learn(&series, &Learning { model, ..how() }).unwrap();
        sound(&learned.forecast(series.end()));
        assert_eq!(learned.model(), model.as_str());
        let weights = learned.weights();
        assert!((weights.iter().map(|w| w.1).sum::<f64>() - 1.0).abs() < 1e-9);
        if model != Choice::Auto {
            assert_eq!(weights[0], (model.as_str(), 1.0));
        }
    }
}

/// A replay leaves out origins that live samples do not: the forecasts agree within 2 % of the load.
#[test]
fn a_replay_and_live_samples_end_in_nearly_the_same_state() {
    let all = series_from(20, office);
    let cut = 17 * PER_DAY + 55;
    let part = Series::new(all.start(), all.step(), all.values()[..cut].to_vec()).unwrap();
    let mut live = learned(&part);
    for i in cut..all.len() {
        live.observe(all.time(i), all.at(all.time(i)));
    }
    let (live, replayed) = (live.forecast(all.end()), ahead(&all));
    for i in 0..live.len() {
        for (a, b) in [(live.point[i], replayed.point[i]), (live.upper[i], replayed.upper[i])] {
            assert!((a / b - 1.0).abs() < 0.02, "step {i}: {a} {b}");
        }
    }
}

/// Whatever comes after the origin, forecasts and scores made before it are the same to the last bit.
#[test]
fn the_future_cannot_be_seen() {
    let origin = 18 * PER_DAY + 77;
    let run = |after: &dyn Fn(usize) -> f64| {
        let series = series_from(20, |i| if i < origin { office(i) } else { after(i) });
        let past = Series::new(series.start(), series.step(), series.values()[..origin].to_vec()).unwrap();
        let mut ensemble = prepared(&series, 0, &how());
        let mut seen = Vec::new();
        for (i, value) in series.values().iter().enumerate() {
            if i <= origin {
                seen.push(ensemble.ask().at(12));
                seen.push(ensemble.ask().at(287));
            }
            ensemble.push(*value);
        }
        (seen, ahead(&past))
    };
    let honest = run(&office);
    assert_eq!(honest, run(&|_| 1e9));
    assert_eq!(honest, run(&|_| f64::NAN));
}

#[test]
fn coverage_is_near_the_level() {
    let series = series_from(28, |i| office(i) * (1.0 + 0.1 * noise(i + 5)));
    let covered = learned(&series).coverage_live().unwrap();
    assert!((covered - 0.95).abs() < 0.02, "{covered}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn any_history_gives_a_sound_forecast_or_a_refusal(
        values in prop::collection::vec(prop_oneof![
            6 => 0.0_f32..1000.0, 1 => Just(0.0_f32), 1 => Just(f32::NAN), 1 => Just(f32::MAX), 1 => Just(f32::MIN_POSITIVE)
        ], 24..700),
        quantile in -1.0_f64..2.0, lead in -10_i64..400, horizon in -5_i64..90, later in -3_i64..100,
    ) {
        let series = Series::new(monday(), TimeDelta::hours(1), values).unwrap();
        let how = Learning { quantile, lead: TimeDelta::minutes(lead), horizon: TimeDelta::hours(horizon), ..Learning::default() };
        if let Ok(mut learned) = learn(&series, &how) {
            learned.observe(series.end() + TimeDelta::hours(later), Some(f64::INFINITY));
            sound(&learned.forecast(series.end() + TimeDelta::hours(later)));
            prop_assert!(learned.score().wape.is_finite());
        }
    }

    #[test]
    fn a_higher_quantile_is_never_lower(salt in 0_usize..1000, low in 0.5_f64..0.99, more in 0.0_f64..0.4) {
        let series = series_from(9, |i| office(i) * (1.0 + 0.3 * noise(i + salt)));
        let upper = |quantile| learn(&series, &Learning { quantile, ..how() }).unwrap().forecast(series.end()).upper;
        let high = (low + more).min(0.999);
        for (a, b) in upper(low).iter().zip(upper(high)) {
            prop_assert!(*a <= b * (1.0 + 1e-9));
        }
    }

    #[test]
    fn units_do_not_matter(salt in 0_usize..1000, power in -20_i32..20) {
        let unit = 2.0_f64.powi(power);
        let one = ahead(&series_from(8, |i| office(i + salt)));
        let other = ahead(&series_from(8, |i| unit * f64::from(office(i + salt) as f32)));
        for (a, b) in one.upper.iter().zip(&other.upper) {
            prop_assert!((a * unit - b).abs() <= 1e-3 * b.abs(), "{} {}", a * unit, b);
        }
    }

    #[test]
    fn whole_weeks_later_is_the_same(weeks in 1_i64..200) {
        let series = series_from(9, office);
        let later = series.start() + TimeDelta::weeks(weeks);
        let moved = Series::new(later, series.step(), series.values().to_vec()).unwrap();
        let (one, other) = (ahead(&series), ahead(&moved));
        for (a, b) in one.upper.iter().zip(&other.upper) {
            prop_assert!((a - b).abs() <= 0.01 * b.abs(), "{} {}", a, b);
        }
    }

    /// A three-hour outage or a fivefold hour last week, at any hour, moves this week's upper quantile there by at most 5 %.
    #[test]
    fn trouble_last_week_hardly_moves_this_week(at in 0..PER_DAY - 36, salt in 0_usize..1000) {
        let normal = ahead(&series_from(28, |i| office(i + salt)));
        for (length, factor) in [(36, 0.0), (12, 5.0)] {
            let from = 21 * PER_DAY + at;
            let troubled = |i: usize| if (from..from + length).contains(&i) { factor } else { 1.0 };
            let after = ahead(&series_from(28, |i| office(i + salt) * troubled(i)));
            let sum = |f: &Forecast| f.upper[at..at + length].iter().sum::<f64>();
            let moved = sum(&after) / sum(&normal) - 1.0;
            prop_assert!(moved.abs() <= 0.05, "× {}: {:.1} %", factor, 100.0 * moved);
        }
    }

    #[test]
    fn a_tenth_missing_hardly_moves_the_peak(salt in 0_usize..1000) {
        let peak = |f: &Forecast| f.upper.iter().copied().fold(0.0, f64::max);
        let whole = peak(&ahead(&series_from(28, office)));
        // `noise` is even between −1 and 1.
        let gaps = peak(&ahead(&series_from(28, |i| if noise(i + 9000 * salt) > 0.8 { f64::NAN } else { office(i) })));
        prop_assert!((gaps / whole - 1.0).abs() <= 0.05, "{} {}", gaps, whole);
    }
}
