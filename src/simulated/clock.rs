//! The simulated wall clock: a base instant plus tokio's time.

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// Wall clock of a simulation. It moves with tokio's time: paused time moves it in jumps, running time as it passes.
///
/// Cheap to copy; every copy tells the same time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: DateTime<Utc>,
    since: Instant,
}

impl Clock {
    /// A clock that shows `base` now. Call it inside the tokio runtime whose time it shall follow.
    pub fn starting_at(base: DateTime<Utc>) -> Self {
        Self { base, since: Instant::now() }
    }

    /// What the clock shows.
    pub fn now(&self) -> DateTime<Utc> {
        let elapsed = TimeDelta::from_std(self.since.elapsed()).unwrap_or(TimeDelta::MAX);
        self.base.checked_add_signed(elapsed).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// The same clock as the function that the daemon takes.
    pub fn reader(self) -> impl Fn() -> DateTime<Utc> + Clone + Send + Sync + 'static {
        move || self.now()
    }

    /// Waits until the clock shows `at`; returns at once where that has passed.
    pub async fn until(&self, at: DateTime<Utc>) {
        if let Ok(wait) = (at - self.base).to_std() {
            tokio::time::sleep_until(self.since + wait).await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_follows_paused_time() {
        let base = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let clock = Clock::starting_at(base);
        clock.until(base + TimeDelta::hours(3)).await;
        assert_eq!(clock.now() - base, TimeDelta::hours(3));
        clock.until(base).await;
        assert_eq!(clock.reader()() - base, TimeDelta::hours(3));
    }
}
