//! Known events: a sale, a broadcast, a holiday in the product's own calendar. Somebody knows that the load will be so many times
//! what its season says, so the forecast is multiplied while it lasts.
//!
//! Samples of an event that goes on are divided by its factor before a model sees them: what the residuals then say is how far the
//! event itself is off, and the correction of the forecast goes on. Once it is over it is left out of learning altogether.

use crate::{forecast::Forecast, schedule::Recurrence, series::Series};
use chrono::{DateTime, TimeDelta, Utc};
use std::{ops::Range, sync::Arc};

/// An event as it was told.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownEvent {
    /// When it takes place.
    pub when: When,
    /// Expected load as a multiple of the season's; finite and above zero.
    pub factor: f64,
    /// The event as its author wrote it, for reasons.
    pub text: Arc<str>,
}

/// When an event takes place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Once.
    Once {
        /// Its first instant.
        from: DateTime<Utc>,
        /// The first instant after it.
        to: DateTime<Utc>,
    },
    /// Again and again, by a wall clock.
    Recurring(Box<Recurrence>),
}

/// An event as it takes place once.
#[derive(Clone, Debug, PartialEq)]
pub struct Occurrence {
    /// Its first instant.
    pub from: DateTime<Utc>,
    /// The first instant after it.
    pub to: DateTime<Utc>,
    /// Expected load as a multiple of the season's.
    pub factor: f64,
    /// The event as its author wrote it.
    pub text: Arc<str>,
}

/// Everything that takes place in `[from, to)`, by its begin.
pub fn occurrences(events: &[KnownEvent], from: DateTime<Utc>, to: DateTime<Utc>) -> Vec<Occurrence> {
    let mut found: Vec<Occurrence> = events
        .iter()
        .filter(|event| event.factor.is_finite() && event.factor > 0.0)
        .flat_map(|event| {
            let spans = match &event.when {
                When::Once { from: begin, to: end } => {
                    Vec::from_iter((*begin < to && *end > from && begin < end).then_some((*begin, *end)))
                }
                When::Recurring(recurrence) => recurrence.between(from, to),
            };
            spans.into_iter().map(|(from, to)| Occurrence {
                from,
                to,
                factor: event.factor,
                text: Arc::clone(&event.text),
            })
        })
        .collect();
    found.sort_by_key(|occurrence| (occurrence.from, occurrence.to));
    found
}

/// An event counts as going on for so long after its end: its last samples come later.
const LINGERS: TimeDelta = TimeDelta::hours(1);

/// Those that go on: what is measured meanwhile is learned as what it would be without them.
pub fn going_on(occurrences: &[Occurrence], now: DateTime<Utc>) -> Vec<Occurrence> {
    occurrences.iter().filter(|event| event.from <= now && now < event.to + LINGERS).cloned().collect()
}

/// The windows of those that are over: they are not learned from.
pub fn over(occurrences: &[Occurrence], now: DateTime<Utc>) -> impl Iterator<Item = Range<DateTime<Utc>>> {
    occurrences.iter().filter(move |event| event.to + LINGERS <= now).map(|event| event.from..event.to)
}

/// What the load is multiplied by at `t`: 1 where nothing takes place; of several events the largest factor counts.
pub fn factor_at(occurrences: &[Occurrence], t: DateTime<Utc>) -> f64 {
    let open = occurrences.iter().filter(|occurrence| occurrence.from <= t && t < occurrence.to);
    open.map(|occurrence| occurrence.factor).max_by(f64::total_cmp).unwrap_or(1.0)
}

/// The event with the largest factor that takes place within `[from, to)`.
pub fn largest(occurrences: &[Occurrence], from: DateTime<Utc>, to: DateTime<Utc>) -> Option<&Occurrence> {
    let touched = occurrences.iter().filter(|occurrence| occurrence.from < to && from < occurrence.to);
    touched.max_by(|a, b| a.factor.total_cmp(&b.factor))
}

/// Multiplies a forecast by what is known. The upper curve covers a whole lead window, so it takes the largest factor of the window.
pub fn expect(forecast: &mut Forecast, occurrences: &[Occurrence]) {
    if occurrences.is_empty() {
        return;
    }
    for i in 0..forecast.len() {
        let at = forecast.time(i);
        let factor = factor_at(occurrences, at);
        let window = at.checked_add_signed(forecast.lead).unwrap_or(at);
        let turns = occurrences.iter().flat_map(|o| [o.from, o.to]).filter(|turn| at < *turn && *turn < window);
        let most = turns.map(|turn| factor_at(occurrences, turn)).fold(factor, f64::max);
        forecast.point[i] *= factor;
        forecast.lower[i] *= factor;
        forecast.upper[i] = (forecast.upper[i] * most).max(forecast.point[i]);
    }
}

/// The history as it would have been without these events: what a model learns from while one goes on.
pub fn usual(history: &Series, occurrences: &[Occurrence]) -> Series {
    let value = |i: usize| {
        let at = history.time(i);
        history.at(at).map_or(f32::NAN, |load| (load / factor_at(occurrences, at)) as f32)
    };
    let values = (0..history.len()).map(value).collect();
    Series::new(history.start(), history.step(), values).unwrap_or_else(|_| history.clone())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::time;

    fn sale(from: i64, to: i64, factor: f64) -> KnownEvent {
        KnownEvent { when: When::Once { from: time(from), to: time(to) }, factor, text: "sale".into() }
    }

    fn forecast(steps: usize, lead: i64) -> Forecast {
        Forecast {
            origin: time(0),
            step: TimeDelta::minutes(5),
            level: 0.95,
            lead: TimeDelta::minutes(lead),
            point: vec![10.0; steps],
            upper: vec![12.0; steps],
            lower: vec![8.0; steps],
        }
    }

    #[test]
    fn the_upper_curve_sees_an_event_one_lead_time_before() {
        let events = occurrences(&[sale(10, 20, 3.0)], time(0), time(60));
        let mut seen = forecast(6, 10);
        expect(&mut seen, &events);
        assert_eq!(seen.point, [10.0, 10.0, 30.0, 30.0, 10.0, 10.0]);
        assert_eq!(seen.upper, [12.0, 36.0, 36.0, 36.0, 12.0, 12.0], "at 5 min the window reaches to 15");
        assert_eq!(seen.lower[2], 24.0);
    }

    #[test]
    fn a_quiet_event_lowers_only_windows_that_lie_within_it() {
        let events = occurrences(&[sale(10, 25, 0.5)], time(0), time(60));
        let mut seen = forecast(7, 10);
        expect(&mut seen, &events);
        assert_eq!(seen.point, [10.0, 10.0, 5.0, 5.0, 5.0, 10.0, 10.0]);
        assert_eq!(seen.upper, [12.0, 12.0, 6.0, 6.0, 12.0, 12.0, 12.0], "at 20 min the window reaches beyond the end");
    }

    #[test]
    fn of_several_events_the_largest_counts() {
        let events = occurrences(&[sale(0, 60, 2.0), sale(10, 20, 3.0), sale(30, 40, 0.5)], time(0), time(60));
        assert_eq!([5, 15, 35, 65].map(|m| factor_at(&events, time(m))), [2.0, 3.0, 2.0, 1.0]);
        assert_eq!(largest(&events, time(0), time(60)).unwrap().factor, 3.0);
        assert!(largest(&events, time(60), time(90)).is_none());
        for wrong in [f64::NAN, f64::INFINITY, 0.0, -1.0] {
            assert!(occurrences(&[sale(0, 60, wrong)], time(0), time(60)).is_empty(), "{wrong}");
        }
    }

    #[test]
    fn a_history_without_its_event_is_the_usual_one() {
        let events = occurrences(&[sale(5, 15, 4.0)], time(0), time(60));
        let history = Series::new(time(0), TimeDelta::minutes(5), vec![10.0, 40.0, f32::NAN, 10.0]).unwrap();
        let usual = usual(&history, &events);
        let values: Vec<_> = (0..4).map(|i| usual.at(usual.time(i))).collect();
        assert_eq!(values, [Some(10.0), Some(10.0), None, Some(10.0)]);
    }
}
