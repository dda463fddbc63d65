//! What the test wrote, and when: every write makes a new version of the world.

use chrono::{DateTime, TimeDelta, Utc};
use floorcast_models::hpa::{Pod, Spec};

/// A value that holds from some moment of the write on.
#[derive(Clone, Debug)]
pub(crate) struct Version<T> {
    /// When the request was sent.
    pub(crate) sent: DateTime<Utc>,
    /// When it was answered: the API server has it.
    pub(crate) done: DateTime<Utc>,
    pub(crate) value: T,
}

/// How long a write may take from its answer into the controller's cache. Later than this is *late* and told apart.
pub(crate) const CACHE: TimeDelta = TimeDelta::milliseconds(250);

/// Versions in the order of their writes.
#[derive(Clone, Debug)]
pub(crate) struct Versions<T>(Vec<Version<T>>);

impl<T> Versions<T> {
    pub(crate) fn new(value: T) -> Self {
        let past = DateTime::UNIX_EPOCH;
        Self(vec![Version { sent: past, done: past, value }])
    }

    pub(crate) fn now(&self) -> &T {
        &self.0[self.0.len() - 1].value
    }

    pub(crate) fn push(&mut self, sent: DateTime<Utc>, value: T) {
        self.0.push(Version { sent, done: Utc::now(), value });
    }

    /// What a reader of the cache may have seen between two moments, if the cache is at most `lag` behind.
    pub(crate) fn seen(&self, from: DateTime<Utc>, to: DateTime<Utc>, lag: TimeDelta) -> Vec<&T> {
        let next_done = |i: usize| self.0.get(i + 1).map_or(DateTime::<Utc>::MAX_UTC, |next| next.done);
        let alive = |(i, version): &(usize, &Version<T>)| {
            version.sent <= to && next_done(*i).checked_add_signed(lag).is_none_or(|end| end >= from)
        };
        self.0.iter().enumerate().filter(alive).map(|(_, version)| &version.value).collect()
    }
}

/// All about one HPA.
#[derive(Clone, Debug)]
pub(crate) struct Book {
    pub(crate) specs: Versions<Spec>,
    pub(crate) pods: Versions<Vec<Pod>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn around_a_write_both_may_have_been_seen() {
        let at = |milli: i64| DateTime::from_timestamp_millis(1_800_000_000_000 + milli).unwrap();
        let old = Version { sent: at(-9000), done: at(-9000), value: "old" };
        let new = Version { sent: at(0), done: at(10), value: "new" };
        let versions = Versions(vec![old, new]);
        let seen = |from, to| -> Vec<&str> {
            versions.seen(at(from), at(to), TimeDelta::milliseconds(100)).into_iter().copied().collect()
        };
        assert_eq!(seen(-50, -1), ["old"]);
        assert_eq!(seen(-50, 5), ["old", "new"]);
        assert_eq!(seen(100, 150), ["old", "new"]);
        assert_eq!(seen(111, 150), ["new"]);
    }
}
