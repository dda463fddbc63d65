//! One load's history: fetched once, then only what is new; whole again, ever more rarely, while samples are missing.

mod rest;

use super::grid::agree;
use super::reader::{Answer, RangeQuery};
use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::{
    series::{Series, SeriesError},
    study::settled,
};
use rest::Rest;

/// Newest samples asked for again: late scrapes and remote writes may still change the last two, the third is settled
/// and must agree.
const AGAIN: i32 = 3;
/// A gap at the end is asked for again as far back as this: a store that comes back may fill it.
const GAP_AGAIN: TimeDelta = TimeDelta::days(1);
/// After a disagreement, or where samples are missing, everything is fetched again, at most this often.
const REFETCH: TimeDelta = TimeDelta::hours(1);
/// What is still missing then is asked for again after twice the time, and so on to this: most gaps never close, and 8,064
/// points once a day are nothing beside 288 questions for the newest.
const REFETCH_RARELY: TimeDelta = TimeDelta::days(1);

/// Samples of one query over a sliding window.
#[derive(Clone, Debug)]
pub struct History {
    query: String,
    step: TimeDelta,
    window: TimeDelta,
    series: Option<Series>,
    resting: Option<Rest>,
    whole_at: Option<DateTime<Utc>>,
    distrusted: bool,
    /// Time from one whole reading to the next while samples are missing.
    wait: TimeDelta,
}

/// What an answer changed; a partial one changes nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Absorbed {
    /// New samples that are not missing.
    pub added: usize,
    /// There were samples before, and now there are none: the metric vanished.
    pub vanished: bool,
    /// A settled sample has changed: two servers behind one address, or rewritten history. It is fetched again.
    pub disagrees: bool,
    /// What may have been learned from already is another now: a gap closed after all, or everything was fetched again.
    pub revised: bool,
}

impl History {
    /// `window` of `query` every `step`; nothing is there yet.
    pub fn new(query: impl Into<String>, step: TimeDelta, window: TimeDelta) -> Self {
        Self {
            query: query.into(),
            step,
            window,
            series: None,
            resting: None,
            whole_at: None,
            distrusted: false,
            wait: REFETCH,
        }
    }

    /// The query.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// Samples so far; `None` before the first whole answer.
    pub fn series(&self) -> Option<&Series> {
        self.series.as_ref()
    }

    /// Puts the samples away until [`History::wake`]: what `copy`, that stays, gives for a stamp as we have it needs not be kept
    /// twice. Where it gives too little of it everything stays as it is.
    pub fn rest(&mut self, copy: impl Fn(DateTime<Utc>) -> f32) {
        if let Some(rest) = self.series.as_ref().and_then(|series| Rest::of(series, copy)) {
            (self.series, self.resting) = (None, Some(rest));
        }
    }

    /// Takes the samples back, from the same `copy` as they were put away by, whatever it has taken in since.
    pub fn wake(&mut self, copy: impl Fn(DateTime<Utc>) -> f32) {
        if let Some(rest) = self.resting.take() {
            self.series = rest.series(copy);
        }
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
        let gappy = self.series.as_ref().is_some_and(|series| series.values().iter().any(|v| v.is_nan()));
        let wait = if self.distrusted { REFETCH } else { self.wait };
        (self.distrusted || gappy) && self.whole_at.is_none_or(|at| now - at >= wait)
    }

    /// Takes an answer to [`History::next`] in.
    pub fn absorb(&mut self, now: DateTime<Utc>, answer: &Answer) -> Result<Absorbed, SeriesError> {
        if answer.is_partial() {
            return Ok(Absorbed::default());
        }
        let whole = self.series.is_none() || self.refetch_due(now);
        let (replaces, empty) = (self.distrusted && whole, answer.is_empty());
        // Never against nothing: a server that lost everything would take what we know along.
        let Some(mut series) = self.series.take().filter(|_| !replaces || empty) else {
            return Ok(self.begin(now, answer));
        };
        let disagrees = !replaces && self.disagrees(&series, &answer.series);
        let settled = settled(&series);
        let (before, silent) = (present(&series, settled), series.newest().is_none_or(|newest| newest < settled));
        let added = series.overlay(&answer.series)?;
        let revised = present(&series, settled) > before;
        series.forget_before(now - self.window);
        let vanished = empty && series.newest().is_some();
        let speaks_again = silent && series.newest().is_some_and(|newest| newest > settled);
        self.series = Some(series);
        self.distrusted |= disagrees;
        self.schedule(now, whole, revised || speaks_again);
        Ok(Absorbed { added, vanished, disagrees, revised })
    }

    /// When to fetch everything again, if samples are missing: soon where one has just come after all, else ever more rarely.
    fn schedule(&mut self, now: DateTime<Utc>, whole: bool, hopeful: bool) {
        if hopeful {
            self.wait = REFETCH;
        } else if whole {
            self.wait = (self.wait * 2).min(REFETCH_RARELY);
        }
        if whole {
            self.whole_at = Some(now);
        }
    }

    fn begin(&mut self, now: DateTime<Utc>, answer: &Answer) -> Absorbed {
        self.whole_at = Some(now);
        self.wait = REFETCH;
        self.distrusted = false;
        self.series = Some(answer.series.clone());
        let added = answer.series.values().iter().filter(|v| !v.is_nan()).count();
        Absorbed { added, revised: true, ..Absorbed::default() }
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

/// Number of samples before `end`.
fn present(series: &Series, end: DateTime<Utc>) -> usize {
    let values = series.values().iter().enumerate();
    values.filter(|(i, v)| !v.is_nan() && series.time(*i) < end).count()
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
        assert_eq!(took.added, 120);
        assert_eq!(history.next(t(602)), None);
        let ask = history.next(t(605)).unwrap();
        assert_eq!((ask.end - ask.start).num_minutes(), 20);
        let took = history.absorb(t(605), &answer(&ask, |m| m as f32 + 1000.0)).unwrap();
        assert_eq!(took, Absorbed { added: 1, ..Absorbed::default() });
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

    /// Tells from `from` on, every five minutes to `until`, what a server says; the numbers of points asked for and what came of it.
    fn course(
        history: &mut History,
        from: i64,
        until: i64,
        of: impl Fn(i64, i64) -> f32,
    ) -> Vec<(i64, usize, Absorbed)> {
        let mut told = Vec::new();
        for now in (from..=until).step_by(5) {
            let Some(ask) = history.next(t(now)) else { continue };
            let took = history.absorb(t(now), &answer(&ask, |m| of(now, m))).unwrap();
            told.push((now, ((ask.end - ask.start).num_minutes() / 5) as usize, took));
        }
        told
    }

    #[test]
    fn a_history_first_read_from_a_store_without_a_word_is_read_again_soon_after_it_speaks() {
        let mut history = History::new("q", TimeDelta::minutes(5), TimeDelta::days(3));
        // Nothing for 200 minutes, then everything, as from a store gateway that starts late.
        let told = course(&mut history, 600, 1200, |now, _| if now < 800 { f32::NAN } else { 5.0 });
        assert!(history.series().unwrap().values().iter().all(|v| *v == 5.0));
        let whole: Vec<i64> = told.iter().filter(|(_, points, _)| *points == 864).map(|(now, ..)| *now).collect();
        // After 1 h, then 2 h; the day before 800 comes at once, the two before it an hour after the last whole reading.
        assert_eq!(whole, [600, 660, 780, 840]);
        let revised: Vec<i64> = told.iter().filter(|(_, _, took)| took.revised).map(|(now, ..)| *now).collect();
        assert_eq!(revised, [600, 800, 840]);
    }

    #[test]
    fn a_gap_that_never_closes_is_asked_for_ever_more_rarely() {
        let mut history = fresh();
        let told = course(&mut history, 600, 600 + 5 * 1440, |_, m| if m % 480 < 60 { f32::NAN } else { 5.0 });
        let whole: Vec<i64> =
            told.iter().filter(|(_, points, _)| *points == 120).map(|(now, ..)| (now - 600) / 60).collect();
        // Each gap is an hour long, so it is news that the load is told again; only then is everything asked for once more.
        assert!(whole.windows(2).all(|pair| pair[1] > pair[0]), "{whole:?}");
        assert!(told.iter().skip(1).all(|(_, _, took)| !took.revised));
        let mut young = History::new("q", TimeDelta::minutes(5), TimeDelta::days(28));
        let told = course(&mut young, 0, 5 * 1440, |_, m| if m < -1440 { f32::NAN } else { 5.0 });
        let whole: Vec<i64> = told.iter().filter(|(_, points, _)| *points > 8000).map(|(now, ..)| now / 60).collect();
        assert_eq!(whole, [0, 1, 3, 7, 15, 31, 55, 79, 103]);
    }

    #[test]
    fn what_is_known_is_not_lost_to_a_store_that_lost_it() {
        let mut history = fresh();
        course(&mut history, 600, 600, |_, m| if m == 300 { f32::NAN } else { 5.0 });
        let told = course(&mut history, 605, 700, |_, m| if m < 650 { f32::NAN } else { 5.0 });
        assert!(told.iter().any(|(_, points, _)| *points == 120));
        // The one at 300, and the ten from 600 to 645 that nobody has.
        assert_eq!(history.series().unwrap().values().iter().filter(|v| v.is_nan()).count(), 11);
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
