//! Waiting for a state, by looking every little while, with an end and a reason.

use std::future::Future;
use std::time::{Duration, Instant};

use crate::Error;

/// Time between two looks.
pub const LOOK: Duration = Duration::from_millis(100);

/// One look: the thing waited for, or what was seen instead.
pub type Look<T> = Result<T, String>;

/// Looks until `look` returns `Ok`, at most for `limit`. Returns what it found.
pub async fn until<T, F, Fut>(what: &str, limit: Duration, mut look: F) -> Result<T, Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Look<T>>,
{
    let begun = Instant::now();
    loop {
        // A look that hangs (a server that accepts and never answers) must not outlast the limit.
        let left = limit.saturating_sub(begun.elapsed()).max(LOOK);
        let seen = match tokio::time::timeout(left, look()).await {
            Ok(Ok(found)) => return Ok(found),
            Ok(Err(seen)) => seen,
            Err(_) => "no answer".into(),
        };
        if begun.elapsed() >= limit {
            return Err(Error::TimedOut { what: what.into(), seconds: begun.elapsed().as_secs_f64(), seen });
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Looks for the whole of `duration` and fails as soon as `look` says that something is not as it must stay.
pub async fn throughout<F, Fut>(what: &str, duration: Duration, mut look: F) -> Result<(), Error>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Look<()>>,
{
    let begun = Instant::now();
    while begun.elapsed() < duration {
        if let Err(seen) = look().await {
            let after = begun.elapsed().as_secs_f64();
            return Err(Error::Unexpected(format!("{what}: no longer so after {after:.1} s: {seen}")));
        }
        tokio::time::sleep(LOOK).await;
    }
    Ok(())
}
