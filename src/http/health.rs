//! Whether the process is alive: the tick goes on, and the wall clock runs as the monotonic one does.

use chrono::{DateTime, TimeDelta, Utc};
use std::{sync::Mutex, time::Duration};
use tokio::time::Instant;

/// A drift of wall clock against monotonic clock that nobody should decide under.
const DRIFT: TimeDelta = TimeDelta::minutes(5);
/// The first tick waits for caches; the process is alive as long as it still tries.
const START: Duration = Duration::from_mins(2);

/// One check by name, and what is wrong if anything is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// What is wrong.
    pub fault: Option<String>,
}

/// The daemon's heartbeat; every turn of its loop beats, leader or not.
#[derive(Debug)]
pub struct Pulse {
    begin: Mutex<(Instant, DateTime<Utc>)>,
    last: Mutex<Option<Instant>>,
    period: Duration,
}

impl Pulse {
    /// For a loop that turns every `period`; `now` is the wall clock's time.
    pub fn new(now: DateTime<Utc>, period: Duration) -> Self {
        Self { begin: Mutex::new((Instant::now(), now)), last: Mutex::new(None), period }
    }

    /// The loop turned.
    pub fn beat(&self) {
        *locked(&self.last) = Some(Instant::now());
    }

    /// The wall clock was looked at and believed: drift counts from here.
    pub fn resync(&self, now: DateTime<Utc>) {
        *locked(&self.begin) = (Instant::now(), now);
    }

    /// How far the wall clock ran away from the monotonic one; no write may happen above five minutes.
    pub fn drift(&self, now: DateTime<Utc>) -> TimeDelta {
        let (instant, wall) = *locked(&self.begin);
        let elapsed = TimeDelta::from_std(instant.elapsed()).unwrap_or(TimeDelta::MAX);
        (now - wall - elapsed).abs()
    }

    /// The checks of `/livez`.
    pub fn checks(&self, now: DateTime<Utc>) -> Vec<Check> {
        vec![
            Check { name: "tick", fault: self.stuck() },
            Check { name: "clock", fault: Some(self.drift(now)).filter(|d| *d > DRIFT).map(jumped) },
        ]
    }

    fn stuck(&self) -> Option<String> {
        let last = *locked(&self.last);
        let (since, most) = match last {
            Some(last) => (last.elapsed(), self.period * 3 + Duration::from_secs(15)),
            None => (locked(&self.begin).0.elapsed(), START),
        };
        (since > most).then(|| {
            format!("the last tick was {} s ago, every {} s is normal", since.as_secs(), self.period.as_secs())
        })
    }
}

fn jumped(drift: TimeDelta) -> String {
    format!("the wall clock jumped by {} s against the monotonic clock", drift.num_seconds())
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(pulse: &Pulse, now: DateTime<Utc>) -> Vec<&'static str> {
        pulse.checks(now).into_iter().filter(|c| c.fault.is_some()).map(|c| c.name).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_stuck_tick_and_a_jumped_clock_are_told() {
        let begin = DateTime::UNIX_EPOCH;
        let pulse = Pulse::new(begin, Duration::from_secs(15));
        tokio::time::advance(Duration::from_secs(100)).await;
        let now = begin + TimeDelta::seconds(100);
        assert!(faults(&pulse, now).is_empty(), "caches may take their time");
        pulse.beat();
        tokio::time::advance(Duration::from_secs(61)).await;
        let now = begin + TimeDelta::seconds(161);
        assert_eq!(faults(&pulse, now), ["tick"]);
        pulse.beat();
        assert_eq!(faults(&pulse, now + TimeDelta::minutes(6)), ["clock"]);
        assert_eq!(faults(&pulse, now - TimeDelta::minutes(6)), ["clock"]);
        pulse.resync(now + TimeDelta::minutes(6));
        assert!(faults(&pulse, now + TimeDelta::minutes(6)).is_empty());
    }
}
