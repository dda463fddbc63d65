//! How far behind the controller was, at which time: on a starved machine it looks at its clock long after it had the answer.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::record::Sync;

/// Uncertainty of the moments at which the controller looks at its clock, on a machine that has time for it.
const CLOCK: TimeDelta = TimeDelta::milliseconds(40);
/// A machine that was slow at one moment may have been so for this many seconds before and after.
const AROUND: i64 = 3;

/// The longest lag of each second in which any sync wrote something.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lags(BTreeMap<i64, TimeDelta>);

impl Lags {
    /// Of all HPAs together: they share the controller's processor.
    pub(crate) fn of<'a>(syncs: impl IntoIterator<Item = &'a Sync>) -> Self {
        let mut lags = Self::default();
        for sync in syncs {
            let asked = sync.asked.last().map_or(sync.read, |asked| asked.at);
            let size = sync.size.as_ref().map(|write| (write.sent, write.done));
            let status = sync.status.as_ref().map(|write| write.sent);
            if let Some(sent) = size.map(|(sent, _)| sent).or(status) {
                lags.note(sent, sent - asked);
            }
            if let (Some((_, done)), Some(sent)) = (size, status) {
                lags.note(sent, sent - done);
            }
        }
        lags
    }

    fn note(&mut self, at: DateTime<Utc>, lag: TimeDelta) {
        let longest = self.0.entry(at.timestamp()).or_default();
        *longest = lag.max(*longest);
    }

    /// By how much a moment may be off that the controller took about `at`.
    pub(crate) fn around(&self, at: DateTime<Utc>) -> TimeDelta {
        let second = at.timestamp();
        let near = self.0.range(second.saturating_sub(AROUND)..=second.saturating_add(AROUND));
        near.map(|(_, lag)| *lag).fold(CLOCK, TimeDelta::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_lag_of_the_seconds_around_counts() {
        let at = |milli: i64| DateTime::from_timestamp_millis(1_800_000_000_000 + milli).unwrap();
        let mut lags = Lags::default();
        lags.note(at(5200), TimeDelta::milliseconds(300));
        lags.note(at(5900), TimeDelta::milliseconds(200));
        let around = |milli| lags.around(at(milli)).num_milliseconds();
        assert_eq!([around(1900), around(2000), around(8999), around(9000)], [40, 300, 300, 40]);
        assert_eq!(lags.around(DateTime::<Utc>::MIN_UTC), CLOCK);
    }
}
