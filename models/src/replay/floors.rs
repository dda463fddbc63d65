//! What people do without forecasts: the same time last week, an hour-of-week table, a fixed minimum, a few pods to spare.
//!
//! Each is given the lead time too, so that it is not beaten for being late.

use super::{HISTORY, Recorded};
use crate::capacity::replicas_for;
use crate::series::Series;
use crate::sim::{Cluster, Load};
use crate::units::{Demand, PerReplica, Replicas};
use chrono::{DateTime, Datelike, TimeDelta, Timelike, Utc};

const WEEK: TimeDelta = TimeDelta::weeks(1);

/// Replicas for a load in a series; `None` for a missing sample.
fn need(load: f32, per: PerReplica) -> Option<Replicas> {
    Demand::new(load.into()).map(|demand| replicas_for(demand, per))
}

/// Sets the floor to `wanted`, at least the base and at most the HPA's own maximum.
fn set(cluster: &mut Cluster<Recorded>, wanted: Option<Replicas>) {
    let (base, max) = (cluster.workload().min, cluster.max());
    cluster.set_min_replicas(wanted.unwrap_or(base).max(base).min(max));
}

/// The highest of the series in `[from, from + length]`.
fn highest(series: &Series, from: DateTime<Utc>, length: TimeDelta) -> Option<f32> {
    let position = |t: DateTime<Utc>| (t - series.start()).num_seconds().div_euclid(series.step_seconds());
    let first = usize::try_from(position(from)).ok()?;
    let last = usize::try_from(position(from + length)).ok()?.min(series.len().saturating_sub(1));
    let values = series.values().get(first..=last)?;
    values.iter().copied().filter(|v| !v.is_nan()).reduce(f32::max)
}

/// The floor is what the same time last week needed, over the lead time.
#[derive(Debug)]
pub struct LastWeek<'a> {
    history: &'a Series,
    lead: TimeDelta,
    next: Option<DateTime<Utc>>,
}

impl<'a> LastWeek<'a> {
    /// By this history.
    pub fn new(history: &'a Series, lead: TimeDelta) -> Self {
        Self { history, lead, next: None }
    }

    /// One tick: the floor moves once a minute.
    pub fn tick(&mut self, cluster: &mut Cluster<Recorded>) {
        let now = cluster.now();
        if self.next.is_some_and(|next| now < next) {
            return;
        }
        self.next = Some(now + TimeDelta::minutes(1));
        let per = cluster.workload().per_replica;
        set(cluster, highest(self.history, now - WEEK, self.lead).and_then(|load| need(load, per)));
    }
}

/// An hour-of-week table of the highest load of the last four weeks, made anew every midnight, as people do with KEDA's cron.
#[derive(Debug)]
pub struct Cron<'a> {
    history: &'a Series,
    lead: TimeDelta,
    table: [Option<f32>; 168],
    made: Option<DateTime<Utc>>,
}

impl<'a> Cron<'a> {
    /// By this history.
    pub fn new(history: &'a Series, lead: TimeDelta) -> Self {
        Self { history, lead, table: [None; 168], made: None }
    }

    /// One tick.
    pub fn tick(&mut self, cluster: &mut Cluster<Recorded>) {
        let now = cluster.now();
        if self.made.is_none_or(|made| made.date_naive() != now.date_naive()) {
            self.made = Some(now);
            self.make(now);
        }
        let per = cluster.workload().per_replica;
        // A window opens early enough for its pods to be ready, and stays open to its end.
        let (here, soon) = (self.table[hour(now)], self.table[hour(now + self.lead)]);
        let load = here.into_iter().chain(soon).reduce(f32::max);
        set(cluster, load.and_then(|load| need(load, per)));
    }

    fn make(&mut self, now: DateTime<Utc>) {
        self.table = [None; 168];
        let from = now - HISTORY;
        for (i, value) in self.history.values().iter().enumerate() {
            let at = self.history.time(i);
            if at + self.history.step() > now {
                break;
            }
            if at >= from && !value.is_nan() {
                let slot = &mut self.table[hour(at)];
                *slot = Some(slot.map_or(*value, |kept| kept.max(*value)));
            }
        }
    }
}

fn hour(t: DateTime<Utc>) -> usize {
    (t.weekday().num_days_from_monday() * 24 + t.hour()) as usize
}

/// A minimum fixed at what the highest load so far needs.
#[derive(Debug)]
pub struct Fixed {
    floor: Option<f32>,
}

impl Fixed {
    /// By the four weeks before `from`.
    pub fn new(history: &Series, from: DateTime<Utc>) -> Self {
        let begin = (from - HISTORY).max(history.start());
        let length = (from - begin - history.step()).max(TimeDelta::zero());
        Self { floor: if from > begin { highest(history, begin, length) } else { None } }
    }

    /// One tick.
    pub fn tick(&mut self, cluster: &mut Cluster<Recorded>) {
        let per = cluster.workload().per_replica;
        set(cluster, self.floor.and_then(|load| need(load, per)));
    }
}

/// A fixed number of pods above what the load of now fills.
#[derive(Debug)]
pub struct Buffer {
    /// Pods to spare.
    spare: Replicas,
    capacity: PerReplica,
}

impl Buffer {
    /// So many pods to spare, each full at `capacity`.
    pub const fn new(spare: Replicas, capacity: PerReplica) -> Self {
        Self { spare, capacity }
    }

    /// One tick.
    pub fn tick(&mut self, cluster: &mut Cluster<Recorded>, load: &Recorded) {
        // Seen as late as the HPA sees its own metrics.
        let pipeline = cluster.workload().pipeline;
        let seen = load.at(cluster.now() - pipeline.lag - pipeline.resolution);
        let full = Demand::new(seen).map(|demand| replicas_for(demand, self.capacity));
        set(cluster, full.map(|full| full.saturating_add(self.spare)));
    }
}
