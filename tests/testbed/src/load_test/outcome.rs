//! What became of the requests, and what the pods cost.

use std::fmt;
use std::time::Duration;

/// Longer than this is slow: ten times what a request takes.
pub(crate) const SLOW: Duration = Duration::from_secs(1);

/// One request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Answered {
    /// It was served; else it was refused.
    pub(crate) served: bool,
    /// From its coming to its answer.
    pub(crate) took: Duration,
}

/// One variant's figures.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    /// All requests.
    pub(crate) requests: usize,
    /// Those that were turned away.
    pub(crate) refused: usize,
    /// Those that were served after more than [`SLOW`].
    pub(crate) slow: usize,
    /// Answer times that 50, 95 and 99 of a hundred served requests kept; `None` where none was served.
    pub(crate) kept: Option<[Duration; 3]>,
    /// Pods times minutes, starting ones included.
    pub(crate) pod_minutes: f64,
    /// Most pods at once.
    pub(crate) most: usize,
}

impl Outcome {
    /// Of all requests and pods.
    pub(crate) fn of(answered: &[Answered], pods: &Pods) -> Self {
        let mut took: Vec<Duration> = answered.iter().filter(|a| a.served).map(|a| a.took).collect();
        took.sort();
        // The nearest rank: the smallest time that so many of a hundred keep.
        let rank = |percent: usize| took[(took.len() * percent).div_ceil(100).max(1) - 1];
        Self {
            requests: answered.len(),
            refused: answered.len() - took.len(),
            slow: took.iter().filter(|t| **t > SLOW).count(),
            kept: (!took.is_empty()).then(|| [50, 95, 99].map(rank)),
            pod_minutes: pods.seconds / 60.0,
            most: pods.most,
        }
    }

    fn cells(&self) -> [String; 8] {
        let share = |part: usize| 100.0 * part as f64 / self.requests.max(1) as f64;
        let time = |i: usize| self.kept.map_or_else(|| "-".to_owned(), |kept| format!("{} ms", kept[i].as_millis()));
        [
            self.requests.to_string(),
            format!("{} ({:.2} %)", self.refused, share(self.refused)),
            format!("{} ({:.2} %)", self.slow, share(self.slow)),
            time(0),
            time(1),
            time(2),
            format!("{:.1}", self.pod_minutes),
            self.most.to_string(),
        ]
    }
}

/// Pods over time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Pods {
    seconds: f64,
    most: usize,
}

impl Pods {
    /// So many for so long.
    pub(crate) fn note(&mut self, pods: usize, lasted: Duration) {
        self.seconds += pods as f64 * lasted.as_secs_f64();
        self.most = self.most.max(pods);
    }
}

/// Both variants side by side.
#[derive(Debug)]
pub(crate) struct Comparison {
    /// The HPA alone.
    pub(crate) alone: Outcome,
    /// With floorcast beside it.
    pub(crate) floorcast: Outcome,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const ROWS: [&str; 8] =
            ["requests", "refused", "slower than 1 s", "p50", "p95", "p99", "pod-minutes", "most pods"];
        writeln!(f, "{:<18}{:>20}{:>20}", "", "HPA alone", "with floorcast")?;
        let (alone, with) = (self.alone.cells(), self.floorcast.cells());
        for (name, (alone, with)) in ROWS.iter().zip(alone.iter().zip(&with)) {
            writeln!(f, "{name:<18}{alone:>20}{with:>20}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_all_requests_and_times_of_the_served() {
        let mut answered: Vec<Answered> =
            (1..=100).map(|i| Answered { served: true, took: Duration::from_millis(11 * i) }).collect();
        answered.extend([Answered { served: false, took: Duration::from_secs(2) }; 25]);
        let mut pods = Pods::default();
        pods.note(3, Duration::from_mins(1));
        pods.note(10, Duration::from_secs(30));
        let outcome = Outcome::of(&answered, &pods);
        assert_eq!((outcome.requests, outcome.refused), (125, 25));
        // 91 × 11 = 1001 ms is the first that is slow.
        assert_eq!(outcome.slow, 10);
        assert_eq!(outcome.kept, Some([550, 1045, 1089].map(Duration::from_millis)));
        assert_eq!((outcome.pod_minutes, outcome.most), (8.0, 10));
        let nobody = Outcome::of(&[], &Pods::default());
        assert_eq!(nobody.kept, None);
        let text = Comparison { alone: outcome, floorcast: nobody }.to_string();
        assert!(text.contains("25 (20.00 %)") && text.contains("1089 ms") && text.contains('-'), "{text}");
    }
}
