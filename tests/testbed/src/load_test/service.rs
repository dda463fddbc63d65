//! A small real HTTP service whose capacity is that of its Deployment's ready replicas.
//!
//! Each ready replica is a worker that serves one request at a time and takes [`WORK`] for it. What finds no free worker waits in
//! line; who would wait longer than [`PATIENCE`] is refused. Whoever sends the requests, the built-in generator or Locust, the
//! service itself measures what became of them, so that both are judged alike.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use chrono::Utc;
use floorcast_testbed::curve::Humps;
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, timeout};

use super::outcome::Answered;

/// What one request takes of a worker's time: ten requests per second fill a replica.
pub(crate) const WORK: Duration = Duration::from_millis(100);
/// Nobody waits longer in line.
pub(crate) const PATIENCE: Duration = Duration::from_secs(2);
/// CPU is measured over so long, as metrics-server does over its scrapes.
const WINDOW: Duration = Duration::from_secs(10);

/// One service.
pub(crate) struct Service {
    name: &'static str,
    workers: Semaphore,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Ready replicas.
    ready: usize,
    /// Workers that are gone once their request is done.
    leaving: usize,
    answered: Vec<Answered>,
    /// When each of the newest requests was done.
    done: VecDeque<Instant>,
    came: u64,
}

impl Service {
    /// Without any worker.
    pub(crate) fn new(name: &'static str) -> Arc<Self> {
        Arc::new(Self { name, workers: Semaphore::new(0), inner: Mutex::default() })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many replicas are ready from now on. A worker that is busy finishes its request, as a pod does that is told to end.
    pub(crate) fn set_ready(&self, ready: usize) {
        let mut inner = self.inner();
        if ready > inner.ready {
            let stay = (ready - inner.ready).min(inner.leaving);
            inner.leaving -= stay;
            self.workers.add_permits(ready - inner.ready - stay);
        } else {
            let gone = inner.ready - ready;
            inner.leaving += gone - self.workers.forget_permits(gone);
        }
        inner.ready = ready;
    }

    /// One request, from its coming to its answer.
    async fn serve(&self) -> StatusCode {
        let begun = Instant::now();
        self.inner().came += 1;
        let served = match timeout(PATIENCE, self.workers.acquire()).await {
            Ok(Ok(worker)) => {
                sleep(WORK).await;
                let mut inner = self.inner();
                if inner.leaving > 0 {
                    inner.leaving -= 1;
                    worker.forget();
                } else {
                    drop(worker);
                }
                inner.done.push_back(Instant::now());
                true
            }
            _ => false,
        };
        self.inner().answered.push(Answered { served, took: begun.elapsed() });
        if served { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
    }

    /// Replicas' worth of work that is being done: what CPU shows. However much waits in line, it is never more than the workers.
    pub(crate) fn busy(&self) -> f64 {
        let (now, mut inner) = (Instant::now(), self.inner());
        while inner.done.front().is_some_and(|done| now - *done > WINDOW) {
            inner.done.pop_front();
        }
        inner.done.len() as f64 * WORK.as_secs_f64() / WINDOW.as_secs_f64()
    }

    /// What became of the requests so far; they are forgotten here.
    pub(crate) fn take(&self) -> Vec<Answered> {
        std::mem::take(&mut self.inner().answered)
    }
}

/// The load of now, once it is known when it begins.
pub(crate) type Load = Arc<OnceLock<Humps>>;

/// Both services on one listener: `/alone` and `/floorcast` for requests, `/metrics` for Prometheus, `/rate` for a generator that
/// asks how many requests per second it should send to each.
pub(crate) fn router(services: [Arc<Service>; 2], load: Load) -> Router {
    let mut router = Router::new();
    for service in &services {
        let service = Arc::clone(service);
        let path = format!("/{}", service.name);
        router = router.route(
            &path,
            get(move || {
                let service = Arc::clone(&service);
                async move { service.serve().await }
            }),
        );
    }
    let rate = move || {
        let now = load.get().map(|curve| format!("{:.3}\n", curve.at(Utc::now())));
        async move { now.ok_or((StatusCode::SERVICE_UNAVAILABLE, "not yet\n")) }
    };
    router.route("/rate", get(rate)).route("/metrics", get(metrics)).with_state(services)
}

async fn metrics(State(services): State<[Arc<Service>; 2]>) -> String {
    let mut page = "# TYPE http_requests_total counter\n".to_owned();
    for service in services {
        let _ = writeln!(page, "http_requests_total{{workload=\"{}\"}} {}", service.name, service.inner().came);
    }
    page
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use tokio::task::JoinSet;

    /// So many requests at once; how many were served, and when the last of them was answered.
    async fn crowd(service: &Arc<Service>, count: usize) -> (usize, Duration) {
        let begun = Instant::now();
        let mut all = JoinSet::new();
        for _ in 0..count {
            let service = Arc::clone(service);
            all.spawn(async move { service.serve().await });
        }
        let answers = all.join_all().await;
        (answers.iter().filter(|code| **code == StatusCode::OK).count(), begun.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn capacity_is_that_of_the_ready_replicas() {
        let service = Service::new("alone");
        service.set_ready(2);
        // Two at a time, 100 ms each: ten take half a second.
        assert_eq!(crowd(&service, 10).await, (10, Duration::from_millis(500)));
        service.set_ready(5);
        assert_eq!(crowd(&service, 10).await, (10, Duration::from_millis(200)));
        service.set_ready(1);
        assert_eq!(crowd(&service, 10).await, (10, Duration::from_secs(1)));
        assert_eq!(service.take().len(), 30);
        assert!(service.take().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_too_long_is_refused_and_cpu_never_shows_the_line() {
        let service = Service::new("alone");
        service.set_ready(1);
        let (served, took) = crowd(&service, 100).await;
        // One worker does ten a second, and nobody waits longer than two; the one that began then still takes its time.
        assert!((20..=21).contains(&served), "{served}");
        assert!(took <= PATIENCE + WORK, "{took:?}");
        let answered = service.take();
        assert_eq!(answered.iter().filter(|a| !a.served).count(), 100 - served);
        assert!(service.busy() <= 1.0, "{}", service.busy());
    }

    #[tokio::test(start_paused = true)]
    async fn a_busy_worker_that_must_go_finishes_and_one_that_comes_back_stays() {
        let service = Service::new("alone");
        service.set_ready(3);
        let busy = tokio::spawn({
            let service = Arc::clone(&service);
            async move { crowd(&service, 3).await }
        });
        sleep(WORK / 2).await;
        service.set_ready(1);
        service.set_ready(2);
        assert_eq!(busy.await.unwrap(), (3, WORK));
        assert_eq!(crowd(&service, 4).await, (4, 2 * WORK), "two are left");
    }
}
