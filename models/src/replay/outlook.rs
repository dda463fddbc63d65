//! What was known at every sample: the newest load, the forecast, and whether it was trusted.
//!
//! Forecasts are in the load's unit and know no replicas: one outlook serves every target utilisation, so that tuning one costs
//! no learning.

use super::{HISTORY, Recorded};
use crate::events::{KnownEvent, Occurrence, expect, going_on, occurrences, over, usual};
use crate::learn::{Learned, Learning, Unlearnable};
use crate::series::{Series, SeriesError};
use crate::study::Study;
use crate::units::Demand;
use chrono::{DateTime, TimeDelta, Utc};
use std::ops::Range;

/// A sample can be asked for this long after its end, as far as the daemon's own spreading goes.
const DELAY: TimeDelta = TimeDelta::seconds(10);
/// Forecasts are kept this far ahead: no decision looks further than the longest `until` of 6 h.
const KEPT: TimeDelta = TimeDelta::minutes(6 * 60 + 30);
/// Time between two learnings.
const EVERY: TimeDelta = TimeDelta::days(1);

/// Everything that was known, sample by sample.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// End of the sample of the first look.
    first: DateTime<Utc>,
    /// Between two samples, and two looks.
    step: TimeDelta,
    lead: TimeDelta,
    quantile: f64,
    looks: Vec<Look>,
    /// The curves of all looks.
    upper: Vec<f64>,
}

/// What was known after one sample.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// End of the newest sample that was there.
    pub(super) newest: Option<DateTime<Utc>>,
    /// Its value.
    pub(super) load: Option<Demand>,
    /// The largest load that was learned from.
    pub(super) most_seen: Option<f64>,
    /// Why the forecast is not trusted.
    pub(super) distrust: Option<String>,
    /// Why there is none.
    unlearnable: Option<Unlearnable>,
    /// Start of the forecast.
    pub(super) origin: DateTime<Utc>,
    curve: Range<usize>,
}

impl Look {
    /// There is a forecast, and nobody doubts it.
    fn trusted(&self) -> bool {
        self.distrust.is_none() && !self.curve.is_empty()
    }
}

/// Makes an outlook sample by sample, so that a caller can show progress and stop.
#[derive(Debug)]
pub struct Forecaster<'a> {
    history: &'a Series,
    how: Learning,
    /// Windows not to be learned from, beside the events that are over.
    told: Vec<Range<DateTime<Utc>>>,
    events: Vec<Occurrence>,
    study: Study,
    past: Series,
    next: usize,
    end: usize,
    outlook: Outlook,
}

impl<'a> Forecaster<'a> {
    /// Learns and forecasts over `[from, until)` of a history at its own step, as the daemon does: daily, each time from the past only.
    ///
    /// # Errors
    /// A history that is no load.
    pub fn new(
        history: &'a Series,
        from: DateTime<Utc>,
        until: DateTime<Utc>,
        how: Learning,
    ) -> Result<Self, SeriesError> {
        let position = |t: DateTime<Utc>| {
            let steps = (t - history.start()).num_seconds().div_euclid(history.step_seconds());
            usize::try_from(steps).unwrap_or(0).min(history.len())
        };
        let (next, end) = (position(from), position(until));
        let begin = next.saturating_sub(steps(HISTORY, history.step()));
        let past = Series::new(history.time(begin), history.step(), history.values()[begin..next].to_vec())?;
        let (lead, quantile) = (how.lead, how.quantile);
        let (first, step) = (history.time(next), history.step());
        let outlook = Outlook { first, step, lead, quantile, looks: Vec::new(), upper: Vec::new() };
        let told = how.excluded.clone();
        Ok(Self { history, how, told, events: Vec::new(), study: Study::default(), past, next, end, outlook })
    }

    /// The same with known events. As the daemon does it, what is measured while one goes on is learned as what it would be without
    /// it, what is over is left out, and forecasts are multiplied.
    #[must_use]
    pub fn expecting(mut self, events: &[KnownEvent]) -> Self {
        let (from, until) = (self.history.start(), self.history.time(self.end) + KEPT);
        self.events = occurrences(events, from, until);
        self
    }

    /// Samples still to come.
    pub fn left(&self) -> usize {
        (self.end + 1).saturating_sub(self.next)
    }

    /// Takes the next `samples` samples in.
    pub fn advance(&mut self, samples: usize) {
        for _ in 0..samples.min(self.left()) {
            let now = self.history.time(self.next);
            self.study(now + DELAY);
            self.look(now);
            if let Some(value) = self.history.values().get(self.next) {
                let value = Some(f64::from(*value)).filter(|v| !v.is_nan());
                // The grid is the history's own, so every push is the next one.
                let pushed = self.past.push(now, value);
                debug_assert!(pushed.is_ok());
                self.past.forget_before(now - HISTORY);
            }
            self.next += 1;
        }
    }

    fn study(&mut self, now: DateTime<Utc>) {
        let going_on = going_on(&self.events, now);
        if !self.events.is_empty() {
            self.how.excluded.clone_from(&self.told);
            self.how.excluded.extend(over(&self.events, now));
        }
        let usual = (!going_on.is_empty()).then(|| usual(&self.past, &going_on));
        self.study.look(now, usual.as_ref().unwrap_or(&self.past), &self.how, EVERY);
    }

    /// What was known, as far as it has been taken in.
    pub fn finish(self) -> Outlook {
        self.outlook
    }

    /// Events that a forecast of now can meet: each step of it is held against all of these.
    fn near(&self, now: DateTime<Utc>) -> Vec<Occurrence> {
        let until = now + KEPT + self.how.lead;
        self.events.iter().filter(|event| event.from < until && now - EVERY < event.to).cloned().collect()
    }

    fn look(&mut self, now: DateTime<Utc>) {
        let newest = self.past.newest();
        let value = newest.and_then(|end| self.past.at(end - self.past.step()));
        let learned = self.study.learned();
        let start = self.outlook.upper.len();
        let mut origin = now;
        if let Some(mut forecast) = learned.map(|l| l.forecast_for(now + DELAY, KEPT)) {
            expect(&mut forecast, &self.near(now));
            origin = forecast.origin;
            self.outlook.upper.extend(forecast.upper);
        }
        self.outlook.looks.push(Look {
            newest,
            load: value.and_then(Demand::new),
            most_seen: learned.map(Learned::most_seen),
            distrust: self.study.trust().filter(|t| !t.trusted).map(|t| t.why.clone()),
            unlearnable: self.study.unlearnable().cloned(),
            origin,
            curve: start..self.outlook.upper.len(),
        });
    }
}

impl Outlook {
    /// Perfect foresight: the true maximum over every lead window, known ahead, looked at every `step`.
    pub fn foreseen(load: &Recorded, step: TimeDelta, time: Range<DateTime<Utc>>, lead: TimeDelta) -> Self {
        Self::knowing(load, step, time, lead, |at| load.peak(at, at + lead))
    }

    /// Foresight of the mean of every step, and of nothing within a step: a forecast of the samples that the datasource keeps does
    /// better only by a margin for what lies between them.
    pub fn foreseen_means(load: &Recorded, step: TimeDelta, time: Range<DateTime<Utc>>, lead: TimeDelta) -> Self {
        let steps = i32::try_from((lead.num_seconds() - 1).div_euclid(step.num_seconds()) + 1).unwrap_or(1).max(1);
        let mean = |at: DateTime<Utc>| load.mean(at, at + step).unwrap_or(0.0);
        Self::knowing(load, step, time, lead, |at| (0..steps).map(|k| mean(at + step * k)).fold(0.0, f64::max))
    }

    fn knowing(
        load: &Recorded,
        step: TimeDelta,
        time: Range<DateTime<Utc>>,
        lead: TimeDelta,
        upper: impl Fn(DateTime<Utc>) -> f64,
    ) -> Self {
        let Range { start: first, end: until } = time;
        let (count, ahead) = (steps(until - first, step) + 1, steps(KEPT, step));
        let at = |i: usize| first + step * i32::try_from(i).unwrap_or(i32::MAX);
        let upper = (0..count + ahead).map(|i| upper(at(i))).collect();
        let peak = load.peak(first, until);
        let look = |i: usize| Look {
            newest: Some(at(i)),
            load: load.mean(at(i) - step, at(i)).or(Some(load.peak(at(i), at(i) + step))).and_then(Demand::new),
            most_seen: Some(peak),
            distrust: None,
            unlearnable: None,
            origin: at(i),
            curve: i..i + ahead,
        };
        Self { first, step, lead, quantile: 1.0, looks: (0..count).map(look).collect(), upper }
    }

    /// The same forecasts, trusted without question: for telling what the trust gate costs and spares.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        for look in &mut self.looks {
            look.distrust = None;
        }
        self
    }

    /// Between two samples.
    pub fn step(&self) -> TimeDelta {
        self.step
    }

    /// The lead time of its windows.
    pub fn lead(&self) -> TimeDelta {
        self.lead
    }

    /// The quantile of its curves; 1 for foresight.
    pub fn quantile(&self) -> f64 {
        self.quantile
    }

    /// Share of looks at which the forecast was trusted; 0 without any.
    pub fn trusted_share(&self) -> f64 {
        let trusted = self.looks.iter().filter(|look| look.trusted()).count();
        trusted as f64 / self.looks.len().max(1) as f64
    }

    /// When a forecast was trusted for the first time.
    pub fn first_trusted(&self) -> Option<DateTime<Utc>> {
        let number = self.looks.iter().position(Look::trusted)?;
        Some(self.first + self.step * i32::try_from(number).unwrap_or(i32::MAX))
    }

    /// How often trust was gained or lost after the first look.
    pub fn verdict_turns(&self) -> usize {
        self.looks.windows(2).filter(|pair| pair[0].trusted() != pair[1].trusted()).count()
    }

    /// The upper curve's value for `at` as it was forecast `before` that; `None` where nothing was forecast then.
    pub fn said(&self, at: DateTime<Utc>, before: TimeDelta) -> Option<f64> {
        let look = self.look(self.number((at - before).max(self.first) + DELAY)?);
        let ahead = (at - look.origin).num_seconds().div_euclid(self.step.num_seconds());
        self.curve(look).get(usize::try_from(ahead).ok()?).copied()
    }

    /// The last reason for distrust.
    pub fn last_distrust(&self) -> Option<&str> {
        self.looks.iter().rev().find_map(|look| look.distrust.as_deref())
    }

    /// Why nothing was forecast at the last look, if nothing was.
    pub fn unlearnable(&self) -> Option<&Unlearnable> {
        self.looks.last()?.unlearnable.as_ref()
    }

    /// Number of the look that stands at `now`.
    pub(super) fn number(&self, now: DateTime<Utc>) -> Option<usize> {
        let seconds = (now - self.first - DELAY).num_seconds();
        let number = usize::try_from(seconds.div_euclid(self.step.num_seconds())).ok()?;
        (!self.looks.is_empty()).then(|| number.min(self.looks.len() - 1))
    }

    pub(super) fn look(&self, number: usize) -> &Look {
        &self.looks[number]
    }

    /// The curve of a look; empty where nothing was forecast.
    pub(super) fn curve(&self, look: &Look) -> &[f64] {
        &self.upper[look.curve.clone()]
    }
}

fn steps(time: TimeDelta, step: TimeDelta) -> usize {
    usize::try_from(time.num_seconds() / step.num_seconds().max(1)).unwrap_or(0)
}
