//! The built-in generator: an open loop, as the world is. Requests come when they come, whether or not those before were answered;
//! a generator that waits for answers slows down exactly when the service does, and hides it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// When requests come: their gaps follow the rate, without chance, so that both services get the same.
pub(crate) struct Arrivals<F> {
    rate: F,
    at: f64,
}

/// Below this rate the next one is looked for again, in requests per second: a rate of nothing has no next request.
const LEAST: f64 = 0.1;

impl<F: Fn(f64) -> f64> Arrivals<F> {
    /// By a rate in requests per second, of the seconds since the beginning.
    pub(crate) fn new(rate: F) -> Self {
        Self { rate, at: 0.0 }
    }
}

impl<F: Fn(f64) -> f64> Iterator for Arrivals<F> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        // The time in which the integral of the rate grows by one request, in steps of a hundredth of a second.
        let mut missing = 1.0;
        loop {
            let rate = (self.rate)(self.at).max(LEAST);
            let step = 0.01_f64.min(missing / rate);
            (self.at, missing) = (self.at + step, missing - step * rate);
            if missing <= 1e-9 {
                return Some(Duration::from_secs_f64(self.at));
            }
        }
    }
}

/// Sends every request to all addresses at once, until the time is over.
pub(crate) async fn send(
    addresses: Vec<String>,
    rate: impl Fn(f64) -> f64,
    lasts: Duration,
) -> Result<(), reqwest::Error> {
    let begun = Instant::now();
    let client = reqwest::Client::builder().pool_max_idle_per_host(256).timeout(Duration::from_secs(10)).build()?;
    let addresses: Arc<[String]> = addresses.into();
    for at in Arrivals::new(rate).take_while(|at| *at < lasts) {
        sleep_until(begun + at).await;
        for address in addresses.iter() {
            let request = client.get(address).send();
            // What became of it the service itself knows.
            tokio::spawn(async move { drop(request.await) });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_come_as_the_rate_says() {
        let within = |from: f64, to: f64| {
            let arrivals = Arrivals::new(|t| if t < 10.0 { 5.0 } else { 50.0 });
            arrivals.map(|at| at.as_secs_f64()).take_while(|at| *at < to).filter(|at| *at >= from).count()
        };
        assert!((49..=51).contains(&within(0.0, 10.0)), "{}", within(0.0, 10.0));
        assert!((499..=501).contains(&within(10.0, 20.0)), "{}", within(10.0, 20.0));
    }

    #[test]
    fn a_rate_of_nothing_ends() {
        assert!(Arrivals::new(|_| 0.0).take_while(|at| at.as_secs() < 60).count() <= 6);
    }
}
