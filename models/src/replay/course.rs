//! One policy over the replayed time: what it cost, day by day and point by point.

use super::{Recorded, TICK};
use crate::sim::{Cluster, Outcome, Workload};
use chrono::{DateTime, TimeDelta, Utc};

/// A stretch of a recording on one workload.
#[derive(Clone, Debug)]
pub struct Stage<'a> {
    /// The load.
    pub load: &'a Recorded,
    /// The workload.
    pub workload: Workload,
    /// The first moment that is replayed.
    pub from: DateTime<Utc>,
    /// The first that is not.
    pub until: DateTime<Utc>,
    /// Decides every chance.
    pub seed: u64,
    /// Starved seconds after which the rest is not played: a setting that has spent its budget is refused whatever comes.
    pub give_up: f64,
}

/// What it came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Over the whole stretch.
    pub outcome: Outcome,
    /// By whole days from the start; the last may be shorter.
    pub days: Vec<Day>,
    /// Every 15 minutes, as the stretch after it ends.
    pub points: Vec<Point>,
}

/// What one day came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Day {
    /// Simulated seconds.
    pub seconds: f64,
    /// Seconds with load above capacity.
    pub starved_seconds: f64,
    /// Hours of pods.
    pub pod_hours: f64,
}

/// The course at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Point {
    /// Load, in its unit.
    pub load: f64,
    /// `spec.minReplicas`.
    pub floor: u32,
    /// `spec.replicas`.
    pub replicas: u32,
    /// Starved seconds since the point before.
    pub starved_seconds: f64,
}

/// Between two points.
const POINT: TimeDelta = TimeDelta::minutes(15);

impl Stage<'_> {
    /// The HPA alone.
    pub fn alone(&self) -> Course {
        self.play(POINT, |_| {})
    }

    /// The HPA with something that acts every tick.
    pub fn with(&self, tick: impl FnMut(&mut Cluster<Recorded>)) -> Course {
        self.play(TICK, tick)
    }

    fn play(&self, every: TimeDelta, mut tick: impl FnMut(&mut Cluster<Recorded>)) -> Course {
        let mut cluster = Cluster::new(self.from, self.workload.clone(), self.load.clone(), self.seed);
        let mut log = Log::default();
        tick(&mut cluster);
        let mut next = self.from + POINT;
        while cluster.now() < self.until && cluster.outcome().starved_seconds <= self.give_up {
            cluster.step(every.min(self.until - cluster.now()));
            if cluster.now() >= next || cluster.now() >= self.until {
                log.note(&cluster);
                next += POINT;
            }
            tick(&mut cluster);
        }
        Course { outcome: cluster.outcome(), days: log.days, points: log.points }
    }
}

#[derive(Default)]
struct Log {
    days: Vec<Day>,
    points: Vec<Point>,
    before: Outcome,
}

impl Log {
    fn note(&mut self, cluster: &Cluster<Recorded>) {
        let now = cluster.outcome();
        let starved_seconds = now.starved_seconds - self.before.starved_seconds;
        let (floor, replicas) = (cluster.min().get(), cluster.current().get());
        self.points.push(Point { load: cluster.load(), floor, replicas, starved_seconds });
        if self.days.last().is_none_or(|day| day.seconds >= 86_400.0 - 1.0) {
            self.days.push(Day::default());
        }
        if let Some(day) = self.days.last_mut() {
            day.seconds += now.seconds - self.before.seconds;
            day.starved_seconds += starved_seconds;
            day.pod_hours += now.pod_hours - self.before.pod_hours;
        }
        self.before = now;
    }
}
