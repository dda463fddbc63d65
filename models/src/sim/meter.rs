//! The way of a measurement: averaged over a window, visible some time later.

use crate::sim::Pipeline;
use std::collections::VecDeque;

/// One sample. Times in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Reading {
    /// End of its window.
    pub(crate) at: i64,
    /// Mean work of one ready pod over the window, in the load's unit.
    pub(crate) per_pod: f64,
    /// Mean offered load over the window.
    pub(crate) load: f64,
}

/// Collects work and load, and gives out samples as late as the pipeline does.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    resolution: i64,
    lag: i64,
    next: i64,
    readings: VecDeque<Reading>,
    time: f64,
    work: f64,
    load: f64,
}

impl Meter {
    /// `first` is the end of the first window.
    pub(crate) fn new(pipeline: Pipeline, first: i64) -> Self {
        Self {
            resolution: pipeline.resolution.num_milliseconds().max(1000),
            lag: pipeline.lag.num_milliseconds().max(0),
            next: first,
            readings: VecDeque::new(),
            time: 0.0,
            work: 0.0,
            load: 0.0,
        }
    }

    /// Length of a window, milliseconds.
    pub(crate) fn resolution(&self) -> i64 {
        self.resolution
    }

    /// When the current window ends.
    pub(crate) fn next(&self) -> i64 {
        self.next
    }

    /// Adds a stretch of constant work and load.
    pub(crate) fn add(&mut self, duration: f64, per_pod: f64, load: f64) {
        self.time += duration;
        self.work += per_pod * duration;
        self.load += load * duration;
    }

    /// Ends the current window.
    pub(crate) fn close(&mut self) {
        if self.time > 0.0 {
            let (per_pod, load) = (self.work / self.time, self.load / self.time);
            self.readings.push_back(Reading { at: self.next, per_pod, load });
        }
        (self.time, self.work, self.load) = (0.0, 0.0, 0.0);
        self.next += self.resolution;
    }

    /// The newest sample that can be read at `now`.
    pub(crate) fn read(&mut self, now: i64) -> Option<Reading> {
        while self.readings.get(1).is_some_and(|r| r.at + self.lag <= now) {
            self.readings.pop_front();
        }
        self.readings.front().filter(|r| r.at + self.lag <= now).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn samples_are_means_and_come_late() {
        let pipeline = Pipeline { resolution: TimeDelta::seconds(15), lag: TimeDelta::seconds(10) };
        let mut meter = Meter::new(pipeline, 15_000);
        meter.add(5_000.0, 1.0, 10.0);
        meter.add(10_000.0, 4.0, 40.0);
        meter.close();
        assert_eq!(meter.read(24_999), None);
        assert_eq!(meter.read(25_000), Some(Reading { at: 15_000, per_pod: 3.0, load: 30.0 }));
        meter.add(15_000.0, 2.0, 20.0);
        meter.close();
        assert_eq!(meter.read(39_000).map(|r| r.at), Some(15_000));
        assert_eq!(meter.read(40_000).map(|r| r.at), Some(30_000));
    }
}
