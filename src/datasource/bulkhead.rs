//! At most so many requests in flight at one datasource, a bounded queue before it, fewer while it is overloaded.

use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Additive increase, multiplicative decrease of the requests in flight (as in TCP; Chiu and Jain 1989).
#[derive(Debug)]
pub(crate) struct Bulkhead {
    most: f64,
    queue: usize,
    state: Mutex<State>,
    free: Notify,
}

#[derive(Debug)]
struct State {
    limit: f64,
    running: u32,
    waiting: usize,
}

/// A place in flight; given back when dropped.
#[derive(Debug)]
pub(crate) struct Pass<'a>(&'a Bulkhead);

/// A place in the queue; given back when dropped, also when its owner is cancelled.
struct Place<'a>(&'a Bulkhead);

impl Bulkhead {
    /// `most` in flight, `queue` waiting.
    pub(crate) fn new(most: u32, queue: usize) -> Self {
        let most = f64::from(most.max(1));
        Self { most, queue, state: Mutex::new(State { limit: most, running: 0, waiting: 0 }), free: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a place; an error with the queue's length when it is full.
    pub(crate) async fn enter(&self) -> Result<Pass<'_>, usize> {
        if self.try_run() {
            return Ok(Pass(self));
        }
        let _place = self.queue_up()?;
        loop {
            self.free.notified().await;
            if self.try_run() {
                // One wake-up may stand for several places.
                self.free.notify_one();
                return Ok(Pass(self));
            }
        }
    }

    fn try_run(&self) -> bool {
        let mut state = self.state();
        let room = f64::from(state.running) + 1.0 <= state.limit;
        if room {
            state.running += 1;
        }
        room
    }

    fn queue_up(&self) -> Result<Place<'_>, usize> {
        let mut state = self.state();
        if state.waiting >= self.queue {
            return Err(state.waiting);
        }
        state.waiting += 1;
        drop(state);
        // A place may have come free between the two looks.
        self.free.notify_one();
        Ok(Place(self))
    }

    /// The server is overloaded: half as many, at least one.
    pub(crate) fn overloaded(&self) {
        let mut state = self.state();
        state.limit = (state.limit / 2.0).floor().max(1.0);
    }

    /// An answer came: a window of good answers gives one more place.
    pub(crate) fn recovered(&self) {
        {
            let mut state = self.state();
            state.limit = (state.limit + 1.0 / state.limit).min(self.most);
        }
        self.free.notify_one();
    }

    /// Places now.
    pub(crate) fn limit(&self) -> u32 {
        self.state().limit.floor() as u32
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.state().running -= 1;
        self.0.free.notify_one();
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.state().waiting -= 1;
        // A wake-up that reached us as we were cancelled must not be lost.
        self.0.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    async fn most_in_flight(bulkhead: &Bulkhead, callers: usize) -> (u32, usize) {
        let (now, most) = (AtomicU32::new(0), AtomicU32::new(0));
        let done = join_all((0..callers).map(|_| async {
            let pass = bulkhead.enter().await;
            let Ok(_pass) = pass else { return false };
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(10)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            true
        }))
        .await;
        (most.into_inner(), done.into_iter().filter(|d| *d).count())
    }

    #[tokio::test(start_paused = true)]
    async fn never_more_than_the_limit_and_everybody_in_the_queue_gets_his_turn() {
        let bulkhead = Bulkhead::new(4, 64);
        assert_eq!(most_in_flight(&bulkhead, 60).await, (4, 60));
        // 4 run, 64 wait, the rest is turned away at once.
        assert_eq!(most_in_flight(&bulkhead, 100).await, (4, 68));
    }

    #[tokio::test(start_paused = true)]
    async fn overload_halves_and_good_answers_bring_it_back_one_by_one() {
        let bulkhead = Bulkhead::new(4, 64);
        bulkhead.overloaded();
        assert_eq!(most_in_flight(&bulkhead, 20).await.0, 2);
        for _ in 0..9 {
            bulkhead.overloaded();
        }
        assert_eq!(bulkhead.limit(), 1);
        let mut steps = vec![1];
        for _ in 0..12 {
            bulkhead.recovered();
            steps.push(bulkhead.limit());
        }
        assert!(steps.windows(2).all(|w| w[1] - w[0] <= 1), "{steps:?}");
        assert_eq!(steps.last(), Some(&4));
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_waiter_leaves_no_hole() {
        let bulkhead = Bulkhead::new(1, 2);
        let pass = bulkhead.enter().await.unwrap();
        for _ in 0..10 {
            assert!(tokio::time::timeout(Duration::from_millis(1), bulkhead.enter()).await.is_err());
        }
        drop(pass);
        assert!(bulkhead.enter().await.is_ok());
    }
}
