//! One load's history: fetched once, then only what is new.

use super::grid::agree;
use super::reader::{Answer, RangeQuery};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::series::{Series, SeriesError};

/// Newest samples asked for again: late scrapes and remote writes may still change the last two, the third is settled
/// and must agree.
const AGAIN: i32 = 3;
/// A gap at the end is asked for again as far back as this: a store that comes back may fill it.
const GAP_AGAIN: TimeDelta = TimeDelta::days(1);
/// After a disagreement everything is fetched again, at most this often.
const REFETCH: TimeDelta = TimeDelta::hours(1);

/// Samples of one query over a sliding window.
#[derive(Clone, Debug)]
pub struct History {
    query: String,
    step: TimeDelta,
    window: TimeDelta,
    series: Option<Series>,
    whole_at: Option<DateTime<Utc>>,
    distrusted: bool,
}

/// What an answer changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Absorbed {
    /// New samples that are not missing.
    pub added: usize,
    /// It was whole, so that these samples may be learned from; a partial answer changes nothing.
    pub whole: bool,
    /// There were samples before, and now there are none: the metric vanished.
    pub vanished: bool,
    /// A settled sample has changed: two servers behind one address, or rewritten history. It is fetched again.
    pub disagrees: bool,
}

impl History {
    /// `window` of `query` every `step`; nothing is there yet.
    pub fn new(query: impl Into<String>, step: TimeDelta, window: TimeDelta) -> Self {
        Self { query: query.into(), step, window, series: None, whole_at: None, distrusted: false }
    }

    /// The query.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Samples so far; `None` before the first whole answer.
    pub fn series(&self) -> Option<&Series> {
        self.series.as_ref()
    }

    /// What to ask next; `None` while no new sample can be there.
    pub fn next(&self, now: DateTime<Utc>) -> Option<RangeQuery> {
        let ask = |start| RangeQuery { query: self.query.clone(), start, end: now, step: self.step };
        let Some(series) = self.series.as_ref().filter(|_| !self.refetch_due(now)) else {
            return Some(ask(now - self.window));
        };
        if now < series.end() + self.step {
            return None;
        }
        let newest = series.newest().unwrap_or(series.start());
        let from = (newest - self.step * AGAIN).max(series.end() - GAP_AGAIN).min(series.end() - self.step * AGAIN);
        Some(ask(from.max(now - self.window)))
    }

    fn refetch_due(&self, now: DateTime<Utc>) -> bool {
        self.distrusted && self.whole_at.is_none_or(|at| now - at >= REFETCH)
    }

    /// Takes an answer to [`History::next`] in.
    pub fn absorb(&mut self, now: DateTime<Utc>, answer: &Answer) -> Result<Absorbed, SeriesError> {
        if answer.is_partial() {
            return Ok(Absorbed::default());
        }
        let first = self.series.is_none() || self.refetch_due(now);
        let Some(mut series) = self.series.take().filter(|_| !first) else {
            return Ok(self.begin(now, answer));
        };
        let disagrees = self.disagrees(&series, &answer.series);
        let added = series.overlay(&answer.series)?;
        series.forget_before(now - self.window);
        let vanished = answer.is_empty() && series.newest().is_some();
        self.series = Some(series);
        self.distrusted |= disagrees;
        Ok(Absorbed { added, whole: true, vanished, disagrees })
    }

    fn begin(&mut self, now: DateTime<Utc>, answer: &Answer) -> Absorbed {
        self.whole_at = Some(now);
        self.distrusted = false;
        self.series = Some(answer.series.clone());
        let added = answer.series.values().iter().filter(|v| !v.is_nan()).count();
        Absorbed { added, whole: true, ..Absorbed::default() }
    }

    /// Whether a settled sample differs: one older than the two newest of what we have.
    fn disagrees(&self, mine: &Series, theirs: &Series) -> bool {
        let settled = mine.end() - self.step * (AGAIN - 1);
        let theirs = theirs.values().iter().enumerate().map(|(i, b)| (theirs.time(i), *b));
        theirs
            .take_while(|(t, _)| *t < settled)
            .any(|(t, b)| mine.at(t).is_some_and(|a| !b.is_nan() && !agree(a as f32, b)))
    }

    /// How much there is of how much was wanted, where retention or age gives less than nine tenths.
    pub fn short(&self) -> Option<(TimeDelta, TimeDelta)> {
        let series = self.series.as_ref()?;
        let oldest = series.values().iter().position(|v| !v.is_nan())?;
        let have = series.end() - series.time(oldest);
        (have * 10 < self.window * 9).then_some((have, self.window))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::datasource::decode::Dropped;

    fn t(minutes: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + minutes * 60, 0).unwrap()
    }

    /// The answer to `ask` of a server whose value at each minute is `of(minute)`.
    fn answer(ask: &RangeQuery, of: impl Fn(i64) -> f32) -> Answer {
        let step = ask.step.num_seconds();
        let floor = |t: DateTime<Utc>| t.timestamp().div_euclid(step) * step;
        let (from, to) = (floor(ask.start), floor(ask.end));
        let values = (0..(to - from) / step).map(|i| of((from + i * step - 1_800_000_000) / 60)).collect();
        let series = Series::new(DateTime::from_timestamp(from, 0).unwrap(), ask.step, values).unwrap();
        Answer { series, dropped: Dropped::default(), warnings: Vec::new(), clock_skew: None }
    }

    fn fresh() -> History {
        History::new("q", TimeDelta::minutes(5), TimeDelta::hours(10))
    }

    #[test]
    fn whole_once_then_only_what_is_new() {
        let mut history = fresh();
        let ask = history.next(t(601)).unwrap();
        assert_eq!((ask.end - ask.start).num_hours(), 10);
        let took = history.absorb(t(601), &answer(&ask, |m| m as f32 + 1000.0)).unwrap();
        assert_eq!((took.added, took.whole), (120, true));
        assert_eq!(history.next(t(602)), None);
        let ask = history.next(t(605)).unwrap();
        assert_eq!((ask.end - ask.start).num_minutes(), 20);
        let took = history.absorb(t(605), &answer(&ask, |m| m as f32 + 1000.0)).unwrap();
        assert_eq!(took, Absorbed { added: 1, whole: true, ..Absorbed::default() });
        let series = history.series().unwrap();
        assert_eq!((series.len(), series.end()), (120, t(605)));
    }

    #[test]
    fn a_partial_answer_is_a_gap_that_is_asked_for_again() {
        let mut history = fresh();
        let ask = history.next(t(600)).unwrap();
        history.absorb(t(600), &answer(&ask, |_| 84.0)).unwrap();
        let ask = history.next(t(605)).unwrap();
        let mut half = answer(&ask, |_| 42.0);
        half.warnings.push("store b did not answer".into());
        assert_eq!(history.absorb(t(605), &half).unwrap(), Absorbed::default());
        assert_eq!(history.series().unwrap().end(), t(600));
        let ask = history.next(t(610)).unwrap();
        history.absorb(t(610), &answer(&ask, |_| 84.0)).unwrap();
        assert!(history.series().unwrap().values().iter().all(|v| *v == 84.0));
    }

    #[test]
    fn a_vanished_metric_is_missing_and_its_gap_is_filled_when_it_returns() {
        let mut history = fresh();
        let ask = history.next(t(600)).unwrap();
        history.absorb(t(600), &answer(&ask, |_| 5.0)).unwrap();
        for minute in [605, 610, 615] {
            let ask = history.next(t(minute)).unwrap();
            let took = history.absorb(t(minute), &answer(&ask, |m| if m < 600 { 5.0 } else { f32::NAN })).unwrap();
            assert_eq!(took.added, 0);
        }
        let series = history.series().unwrap();
        assert_eq!((series.newest(), series.end()), (Some(t(600)), t(615)));
        let ask = history.next(t(620)).unwrap();
        assert!(ask.start <= t(600));
        let took = history.absorb(t(620), &answer(&ask, |_| 5.0)).unwrap();
        assert_eq!(took.added, 4);
    }

    #[test]
    fn nothing_at_all_any_more_is_told_as_vanished() {
        let mut history = fresh();
        let ask = history.next(t(600)).unwrap();
        history.absorb(t(600), &answer(&ask, |_| 5.0)).unwrap();
        let ask = history.next(t(605)).unwrap();
        assert!(history.absorb(t(605), &answer(&ask, |_| f32::NAN)).unwrap().vanished);
    }

    #[test]
    fn late_samples_revise_the_newest_and_a_changed_past_is_fetched_again() {
        let mut history = fresh();
        let ask = history.next(t(600)).unwrap();
        history.absorb(t(600), &answer(&ask, |m| if m >= 595 { 3.0 } else { 5.0 })).unwrap();
        let ask = history.next(t(605)).unwrap();
        assert!(!history.absorb(t(605), &answer(&ask, |_| 5.0)).unwrap().disagrees);
        assert_eq!(history.series().unwrap().at(t(595)), Some(5.0));
        let ask = history.next(t(610)).unwrap();
        assert!(history.absorb(t(610), &answer(&ask, |_| 9.0)).unwrap().disagrees);
        // Not at once (two servers that alternate would be fetched whole for ever) but within the hour.
        assert!((history.next(t(615)).unwrap().end - history.next(t(615)).unwrap().start).num_hours() < 1);
        let ask = history.next(t(660)).unwrap();
        assert_eq!((ask.end - ask.start).num_hours(), 10);
        history.absorb(t(660), &answer(&ask, |_| 9.0)).unwrap();
        assert!(history.series().unwrap().values().iter().all(|v| *v == 9.0));
    }

    #[test]
    fn short_history_is_told() {
        let mut history = fresh();
        let ask = history.next(t(600)).unwrap();
        history.absorb(t(600), &answer(&ask, |m| if m < 300 { f32::NAN } else { 5.0 })).unwrap();
        assert_eq!(history.short(), Some((TimeDelta::hours(5), TimeDelta::hours(10))));
    }
}
