//! When a write may go out: raises and releases at 50 a second, lowers at 5, nothing while the server wants a pause.

use floorcast_models::protocol::Urgency;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Gives each write its turn.
#[derive(Debug)]
pub struct Pace {
    turns: Mutex<Turns>,
    /// Between two raises or releases.
    fast: Duration,
    /// Between two lowers.
    slow: Duration,
}

/// 50 raises or releases and 5 lowers a second.
impl Default for Pace {
    fn default() -> Self {
        Self::new(50, 5)
    }
}

/// The next free moments; `None`: now.
#[derive(Debug, Default)]
struct Turns {
    fast: Option<Instant>,
    slow: Option<Instant>,
    paused: Option<Instant>,
}

impl Pace {
    /// So many raises or releases, and so many lowers, a second; zero counts as one.
    pub fn new(raises: u32, lowers: u32) -> Self {
        Self {
            turns: Mutex::default(),
            fast: Duration::from_secs(1) / raises.max(1),
            slow: Duration::from_secs(1) / lowers.max(1),
        }
    }

    /// Waits for the turn of a write of this urgency.
    pub async fn turn(&self, urgency: Urgency) {
        tokio::time::sleep_until(self.book(urgency, Instant::now())).await;
    }

    /// Nothing goes out for this long.
    pub fn pause(&self, length: Duration) {
        let until = Instant::now() + length;
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.paused = turns.paused.max(Some(until));
    }

    fn book(&self, urgency: Urgency, now: Instant) -> Instant {
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        let earliest = turns.paused.map_or(now, |p| p.max(now));
        let fast = matches!(urgency, Urgency::Raise { .. } | Urgency::Release);
        let (next, gap) = if fast { (&mut turns.fast, self.fast) } else { (&mut turns.slow, self.slow) };
        let turn = next.map_or(earliest, |n| n.max(earliest));
        *next = Some(turn + gap);
        turn
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    const RAISE: Urgency = Urgency::Raise { deadline: DateTime::UNIX_EPOCH };

    async fn seconds_for(n: u32, urgency: Urgency) -> f64 {
        let pace = Pace::default();
        let begun = Instant::now();
        for _ in 0..n {
            pace.turn(urgency).await;
        }
        begun.elapsed().as_secs_f64()
    }

    #[tokio::test(start_paused = true)]
    async fn fifty_raises_and_five_lowers_a_second() {
        let raises = seconds_for(101, RAISE).await;
        assert!((1.9..=2.2).contains(&raises), "{raises}");
        let lowers = seconds_for(11, Urgency::Lower).await;
        assert!((1.9..=2.2).contains(&lowers), "{lowers}");
    }

    #[tokio::test(start_paused = true)]
    async fn lowers_do_not_hold_up_a_raise() {
        let pace = Pace::default();
        let begun = Instant::now();
        for _ in 0..10 {
            pace.book(Urgency::Lower, begun);
        }
        pace.turn(RAISE).await;
        assert!(begun.elapsed() < Duration::from_millis(5));
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everything() {
        let pace = Pace::default();
        let begun = Instant::now();
        pace.pause(Duration::from_secs(7));
        pace.turn(RAISE).await;
        assert!(begun.elapsed() >= Duration::from_secs(7));
    }
}
