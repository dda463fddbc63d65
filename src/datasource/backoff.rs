//! When may a failing datasource be asked again: exponential with full jitter, `Retry-After` obeyed, one probe at a time.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::time::Duration;
use tokio::time::Instant;

/// First and longest wait.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);
/// `Retry-After` beyond this is not believed.
const MOST_RETRY_AFTER: Duration = Duration::from_mins(5);

/// State of one datasource's back-off.
#[derive(Debug)]
pub(crate) struct Backoff {
    failures: u32,
    until: Option<Instant>,
    failed_at: Option<Instant>,
    probing: bool,
    random: StdRng,
}

/// Whether one may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// Ask.
    Go,
    /// Ask, and everybody else waits for how it ends.
    Probe,
    /// Do not ask; so many failures, so long to go.
    Wait(u32, Duration),
}

impl Backoff {
    /// Healthy. The seed makes its jitter repeatable.
    pub(crate) fn new(seed: u64) -> Self {
        Self { failures: 0, until: None, failed_at: None, probing: false, random: StdRng::seed_from_u64(seed) }
    }

    /// Failures in a row.
    pub(crate) const fn failures(&self) -> u32 {
        self.failures
    }

    /// Asks for leave. A probe must be ended by [`Backoff::succeeded`], [`Backoff::failed`] or [`Backoff::abandoned`].
    pub(crate) fn ask(&mut self, now: Instant) -> Leave {
        if self.failures == 0 {
            return Leave::Go;
        }
        let left = self.until.map_or(Duration::ZERO, |u| u.saturating_duration_since(now));
        if left > Duration::ZERO {
            return Leave::Wait(self.failures, left);
        }
        if self.probing {
            return Leave::Wait(self.failures, SHORTEST);
        }
        self.probing = true;
        Leave::Probe
    }

    /// The answer came to a request that began at `began`; one from before the last failure says nothing of now.
    pub(crate) fn succeeded(&mut self, began: Instant) {
        if self.failed_at.is_some_and(|failed| began < failed) {
            return;
        }
        self.failures = 0;
        self.until = None;
        self.probing = false;
    }

    /// A request that began at `began` failed. Those that began before the last failure are the same failure.
    pub(crate) fn failed(&mut self, began: Instant, now: Instant, retry_after: Option<Duration>) {
        self.probing = false;
        if self.failures == 0 || self.failed_at.is_none_or(|last| began >= last) {
            self.failures = self.failures.saturating_add(1);
        }
        self.failed_at = Some(now);
        let wait = match retry_after {
            Some(wanted) => wanted.min(MOST_RETRY_AFTER),
            None => self.jittered(),
        };
        let until = now + wait;
        self.until = Some(self.until.map_or(until, |old| old.max(until)));
    }

    /// The probe ended without telling anything about the server.
    pub(crate) fn abandoned(&mut self) {
        self.probing = false;
    }

    /// Between one second and 2^failures seconds, at most a minute.
    fn jittered(&mut self) -> Duration {
        let most = SHORTEST.saturating_mul(1 << self.failures.min(6)).min(LONGEST);
        self.random.random_range(SHORTEST..=most)
    }
}

/// `Retry-After` in seconds or as a date, relative to the server's own `Date` where it is given.
pub(crate) fn retry_after(headers: &::http::HeaderMap, now: chrono::DateTime<chrono::Utc>) -> Option<Duration> {
    let text = headers.get(::http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(MOST_RETRY_AFTER));
    }
    let at = chrono::DateTime::parse_from_rfc2822(text).ok()?.to_utc();
    let from = date(headers).unwrap_or(now);
    Some((at - from).to_std().unwrap_or(Duration::ZERO).min(MOST_RETRY_AFTER))
}

/// The server's `Date`.
pub(crate) fn date(headers: &::http::HeaderMap) -> Option<chrono::DateTime<chrono::Utc>> {
    let text = headers.get(::http::header::DATE)?.to_str().ok()?;
    Some(chrono::DateTime::parse_from_rfc2822(text).ok()?.to_utc())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use ::http::{HeaderMap, HeaderValue};

    #[test]
    fn waits_grow_to_a_minute_and_one_probe_goes_out() {
        let mut backoff = Backoff::new(7);
        let mut now = Instant::now();
        assert_eq!(backoff.ask(now), Leave::Go);
        for n in 1..=10_u32 {
            backoff.failed(now, now, None);
            let Leave::Wait(failures, left) = backoff.ask(now) else { panic!("must wait") };
            assert_eq!(failures, n);
            assert!(left >= SHORTEST && left <= LONGEST.min(Duration::from_secs(1 << n.min(6))), "{n}: {left:?}");
            now += left;
            assert_eq!(backoff.ask(now), Leave::Probe);
            assert!(matches!(backoff.ask(now), Leave::Wait(..)), "only one probe");
        }
        backoff.succeeded(now - SHORTEST * 100);
        assert!(backoff.failures() > 0, "an old answer ends no back-off");
        backoff.succeeded(now);
        assert_eq!((backoff.ask(now), backoff.failures()), (Leave::Go, 0));
    }

    #[test]
    fn jitter_is_full_and_repeatable() {
        let waits = |seed| {
            let mut backoff = Backoff::new(seed);
            (0..200)
                .map(|_| {
                    backoff.failures = 6;
                    backoff.jittered().as_secs()
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(waits(1), waits(1));
        assert_ne!(waits(1), waits(2));
        assert!(waits(1).iter().any(|s| *s < 10) && waits(1).iter().any(|s| *s > 50));
    }

    #[test]
    fn requests_in_flight_together_fail_once() {
        let mut backoff = Backoff::new(1);
        let began = Instant::now();
        for i in 1..=4 {
            backoff.failed(began, began + Duration::from_millis(i), None);
        }
        assert_eq!(backoff.failures(), 1);
    }

    #[test]
    fn retry_after_is_obeyed_up_to_five_minutes() {
        let mut backoff = Backoff::new(1);
        let now = Instant::now();
        backoff.failed(now, now, Some(Duration::from_hours(1)));
        assert_eq!(backoff.ask(now), Leave::Wait(1, MOST_RETRY_AFTER));
        // A later, shorter word does not shorten what was asked for.
        backoff.failed(now, now, Some(Duration::from_secs(1)));
        assert_eq!(backoff.ask(now), Leave::Wait(2, MOST_RETRY_AFTER));
    }

    #[test]
    fn retry_after_in_both_forms() {
        let now = chrono::DateTime::parse_from_rfc3339("2026-01-01T00:00:00Z").unwrap().to_utc();
        for (text, date, wanted) in [
            ("120", None, Some(120)),
            ("0", None, Some(0)),
            ("99999999", None, Some(300)),
            ("Thu, 01 Jan 2026 00:00:30 GMT", None, Some(30)),
            ("Thu, 01 Jan 2026 00:00:30 GMT", Some("Thu, 01 Jan 2026 00:00:20 GMT"), Some(10)),
            ("Wed, 31 Dec 2025 00:00:00 GMT", None, Some(0)),
            ("soon", None, None),
            ("-1", None, None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_static(text));
            if let Some(date) = date {
                headers.insert("date", HeaderValue::from_static(date));
            }
            assert_eq!(retry_after(&headers, now), wanted.map(Duration::from_secs), "{text}");
        }
    }
}
