//! While a load is gone: what is expected of it, how long floors may count with its return, what is said of tomorrow.

use super::{
    fall_tests::{PER_DAY, usual},
    *,
};

const HOUR: usize = 12;
/// Three weeks and ten hours: ten in the morning of a Monday.
const GONE: usize = 21 * PER_DAY + 10 * HOUR;

/// Next to nothing, and not quite the same each time.
fn nearly_nothing(i: usize) -> f64 {
    0.2 + 0.1 * (i % 7) as f64
}

fn history() -> Series {
    let start = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
    Series::new(start, TimeDelta::minutes(5), (0..GONE).map(|i| usual(i) as f32).collect()).unwrap()
}

/// Learned until the load went, and fed with so many samples of it gone (`None`: silence).
fn gone_for(samples: usize, load: impl Fn(usize) -> Option<f64>) -> (Learned, Forecast) {
    let series = history();
    let how = Learning { lead: TimeDelta::minutes(15), ..Learning::default() };
    let mut learned = learn(&series, &how).unwrap();
    for i in GONE..GONE + samples {
        learned.observe(series.time(i), load(i));
    }
    let forecast = learned.forecast(series.time(GONE + samples));
    (learned, forecast)
}

fn away(samples: usize) -> Forecast {
    gone_for(samples, |i| Some(nearly_nothing(i))).1
}

#[test]
fn it_is_expected_away_for_as_long_again_and_back_after_that() {
    for lasted in [3, 6, HOUR, 3 * HOUR, 5 * HOUR] {
        let forecast = away(lasted);
        let now = GONE + lasted;
        let newest = nearly_nothing(now - 1);
        let [first, last, then] = [0, lasted - 1, lasted].map(|ahead| forecast.point[ahead]);
        assert!(
            (first - newest).abs() < 0.01 && first == last,
            "{lasted} samples: {first} {last}, {newest} was the newest"
        );
        assert!((then / usual(now + lasted) - 1.0).abs() < 0.1, "{lasted} samples, and as many again: {then}");
    }
}

#[test]
fn nobody_is_told_to_expect_it_away_for_more_than_six_hours() {
    let forecast = away(2 * PER_DAY);
    assert!(forecast.point[6 * HOUR - 1] < 1.0, "{}", forecast.point[6 * HOUR - 1]);
    assert!(forecast.point[6 * HOUR] > 60.0, "{}", forecast.point[6 * HOUR]);
}

#[test]
fn floors_may_count_with_its_return_for_six_hours() {
    for lasted in [3, HOUR, 5 * HOUR, 6 * HOUR] {
        let upper = away(lasted).upper;
        let now = GONE + lasted;
        assert!(
            (0..2 * HOUR).all(|k| upper[k] > 0.97 * usual(now + k)),
            "after {lasted} samples: {:?}",
            &upper[..2 * HOUR]
        );
    }
}

/// Of twenty outages that have lasted so long one is over within a nineteenth of it: h ÷ (h + 7 h) = 0.05 at 22 min.
#[test]
fn then_near_ahead_no_more_than_the_most_of_it_is_foreseen() {
    let forecast = away(7 * HOUR);
    assert!((forecast.upper[0] - 0.8).abs() < 0.01, "a window of 15 min: {}", forecast.upper[0]);
    assert!((forecast.upper[1] - 0.8).abs() < 0.01, "until 20 min ahead: {}", forecast.upper[1]);
    assert!(forecast.upper[2] > 60.0, "until 25 min ahead: {}", forecast.upper[2]);
    assert!(away(20 * HOUR).upper[8] < 1.0, "after 20 h until 55 min ahead");
}

#[test]
fn what_went_silent_too_is_as_it_was_last_heard_of() {
    let load = |i: usize| (i < GONE + HOUR).then(|| nearly_nothing(i));
    let (learned, forecast) = gone_for(2 * HOUR, load);
    assert_eq!(learned.collapsed_since(), Some(history().end()));
    assert!((forecast.point[0] - nearly_nothing(GONE + HOUR - 1)).abs() < 0.01, "{}", forecast.point[0]);
    // So long ago that nothing is left of it: nothing.
    let (_, forecast) = gone_for(10 * HOUR, load);
    assert_eq!(forecast.point[0], 0.0);
}

#[test]
fn the_first_sample_that_is_back_ends_it() {
    let back = GONE + 8 * HOUR;
    let (learned, forecast) = gone_for(8 * HOUR + 1, |i| Some(if i < back { nearly_nothing(i) } else { usual(i) }));
    assert_eq!(learned.collapsed_since(), None);
    let share = forecast.point[0] / usual(back + 1);
    assert!((share - 1.0).abs() < 0.05, "{share:.2} of what is usual");
}

/// What is scored is what is said: the same to one step ahead and to the maximum of the lead time.
#[test]
fn an_evaluation_hears_the_same() {
    let (learned, forecast) = gone_for(7 * HOUR, |i| Some(nearly_nothing(i)));
    let (point, upper) = learned.value_quantile(0, 0.95);
    assert_eq!((point, upper), (forecast.point[0], forecast.upper[0]));
    assert_eq!(learned.maximum_point(0), point);
    let (point, upper) = learned.value_quantile(HOUR, 0.95);
    assert_eq!(point, forecast.point[HOUR]);
    assert!(upper > 60.0, "an hour ahead it may be back: {upper}");
    let (point, _) = learned.value_quantile(12 * HOUR, 0.95);
    assert!(point > 60.0, "half a day ahead: {point}");
}

/// Between -1 and 1, the same at every run.
fn noise(i: usize) -> f64 {
    let x = (i as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(31).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (x >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

/// Four weeks, of which the last is of another time: its afternoons are twice as high. Three hours of them are missing from `hole` on.
fn another_time(hole: Option<usize>) -> Series {
    let start = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
    let load = |i: usize| {
        let is_high = i >= 21 * PER_DAY && i % PER_DAY >= 12 * HOUR;
        let is_gone = hole.is_some_and(|hole| (hole..hole + 3 * HOUR).contains(&i));
        let load = usual(i) * (1.0 + 0.05 * noise(i));
        if is_gone { f32::NAN } else { (load * if is_high { 2.0 } else { 1.0 }) as f32 }
    };
    Series::new(start, TimeDelta::minutes(5), (0..28 * PER_DAY).map(load).collect()).unwrap()
}

#[test]
fn hours_missing_last_week_are_not_what_they_were_in_the_weeks_before() {
    // What is expected of those hours a week later, and its upper quantile.
    let foreseen = |hole, without| {
        let series = another_time(hole);
        let how = Learning { lead: TimeDelta::minutes(15), without, ..Learning::default() };
        let forecast = learn(&series, &how).unwrap().forecast(series.end());
        [forecast.point, forecast.upper].map(|loads| loads[15 * HOUR..18 * HOUR].iter().sum::<f64>())
    };
    let moved = |without: &'static [Part]| {
        let (with, whole) = (foreseen(Some(21 * PER_DAY + 15 * HOUR), without), foreseen(None, without));
        [0, 1].map(|k| with[k] / whole[k] - 1.0)
    };
    let ([filled, floor], [open, _]) = (moved(&[]), moved(&[Part::Holes]));
    assert!(filled.abs() < 0.02 && open < -0.03, "filled it moves what is expected by {filled:.3}, open by {open:.3}");
    assert!(floor.abs() < 0.06, "filled it moves the floor by {floor:.3}");
}
