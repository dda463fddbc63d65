//! Each part that can be left out is at work: without it another forecast is made.

use super::{
    fall_tests::{PER_DAY, usual},
    *,
};
use crate::sim::Random;

const HOUR: usize = 12;
/// Three weeks and ten hours, an outage of three hours within.
const LEN: usize = 21 * PER_DAY + 10 * HOUR;
const GONE: usize = 15 * PER_DAY;

/// How the load ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Usual,
    Fallen,
    Gone,
}

fn history(end: End) -> Series {
    let start = DateTime::from_timestamp(1_780_272_000, 0).unwrap();
    let factor = |i: usize| match end {
        _ if (GONE..GONE + 3 * HOUR).contains(&i) => 0.0,
        End::Fallen if i + 8 > LEN => 0.5,
        End::Gone if i + HOUR > LEN => 0.0,
        _ => 1.0 + 0.02 * Random::of(7, i as u64).normal(),
    };
    let values = (0..LEN).map(|i| (factor(i) * usual(i)).max(0.0) as f32).collect();
    Series::new(start, TimeDelta::minutes(5), values).unwrap()
}

fn forecast(end: End, without: &'static [Part]) -> Forecast {
    let series = history(end);
    let how = Learning { lead: TimeDelta::minutes(15), without, ..Learning::default() };
    learn(&series, &how).unwrap().forecast(series.end())
}

#[test]
fn none_is_idle() {
    use Choice::{Days, Harmonics, LastWeek, Persistence, Profile, Recent, Slots, Smooth};
    const MODELS: [Choice; 8] = [Days, Harmonics, LastWeek, Persistence, Profile, Recent, Slots, Smooth];
    const PARTS: [Part; 9] = [
        Part::Weights,
        Part::Correction,
        Part::Logarithms,
        Part::Judge,
        Part::Holes,
        Part::Sizes,
        Part::Minutes,
        Part::Coverage,
        Part::Maxima,
    ];
    let parts = MODELS.map(Part::Model).into_iter().chain(PARTS).map(|part| (part, End::Usual));
    for (part, end) in parts.chain([(Part::HourAgo, End::Fallen), (Part::Outages, End::Gone)]) {
        let without = forecast(end, Box::leak(Box::new([part])));
        assert!(forecast(end, &[]) != without, "the same without {part:?}");
    }
}
