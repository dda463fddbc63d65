//! Replicas of the last hours as the API tells them: what there was beside what was needed.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// What is not known; no count is as high.
const UNKNOWN: u16 = u16::MAX;

/// Counts at a fixed distance, in the form of [`Recent`](super::Recent) on the wire. In memory two bytes a count, shared by the
/// daemon's record and every view of it: 12 hours by 5 minutes are 145 counts, 290 bytes a workload.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Where the first count's interval begins.
    pub from: DateTime<Utc>,
    /// Length of an interval in seconds.
    pub step_seconds: i64,
    /// The highest count in each interval.
    #[serde(serialize_with = "nullable", deserialize_with = "or_unknown")]
    values: Arc<[u16]>,
}

impl Counts {
    /// Counts from `from` on, each `step` after the one before; counts above 65,534 are told as that.
    pub fn new(from: DateTime<Utc>, step: TimeDelta, values: impl IntoIterator<Item = Option<u32>>) -> Self {
        Self { from, step_seconds: step.num_seconds(), values: values.into_iter().map(kept).collect() }
    }

    /// No counts at all.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The counts, in order of time.
    pub fn iter(&self) -> impl Iterator<Item = Option<u32>> + '_ {
        self.values.iter().map(|value| told(*value))
    }

    /// The count of the interval that an instant lies in, where it is known.
    pub fn at(&self, instant: DateTime<Utc>) -> Option<u32> {
        let i = (instant - self.from).num_seconds().div_euclid(self.step_seconds.max(1));
        told(*self.values.get(usize::try_from(i).ok()?)?)
    }

    /// The same with a count that is seen now, in intervals of whole `step`s by the clock, of which the last `most` are kept;
    /// `None` where that tells nothing new: a count no higher, or a clock that went back.
    #[must_use]
    pub fn with(&self, now: DateTime<Utc>, count: u32, step: TimeDelta, most: usize) -> Option<Self> {
        let length = step.num_seconds().max(1);
        let newest = now.timestamp().div_euclid(length);
        let first = if self.is_empty() { newest } else { self.from.timestamp().div_euclid(length) };
        let behind = usize::try_from(newest - first).ok()?;
        if behind + 1 < self.values.len() || self.at(now).is_some_and(|seen| seen >= count) {
            return None;
        }
        let begin = (behind + 1).saturating_sub(most.max(1));
        let before = (begin..behind).map(|i| self.values.get(i).copied().and_then(told));
        let from = DateTime::from_timestamp((first + i64::try_from(begin).ok()?) * length, 0)?;
        Some(Self::new(from, TimeDelta::seconds(length), before.chain([Some(count)])))
    }
}

fn kept(count: Option<u32>) -> u16 {
    count.map_or(UNKNOWN, |count| u16::try_from(count).unwrap_or(UNKNOWN).min(UNKNOWN - 1))
}

fn told(value: u16) -> Option<u32> {
    Some(u32::from(value)).filter(|_| value != UNKNOWN)
}

fn nullable<S: Serializer>(values: &Arc<[u16]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(values.iter().map(|value| told(*value)))
}

fn or_unknown<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<[u16]>, D::Error> {
    Ok(Vec::<Option<u32>>::deserialize(deserializer)?.into_iter().map(kept).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const STEP: TimeDelta = TimeDelta::minutes(5);

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    #[test]
    fn a_gap_is_null_on_the_wire_and_never_zero() {
        let counts = Counts::new(at(0), STEP, [Some(3), None, Some(0), Some(70_000)]);
        let text = serde_json::to_string(&counts).unwrap();
        assert_eq!(text, r#"{"from":"1970-01-01T00:00:00Z","stepSeconds":300,"values":[3,null,0,65534]}"#);
        let back = serde_json::from_str::<Counts>(&text).unwrap();
        assert_eq!(back, counts);
        let told = [-1, 0, 4, 5, 10, 20].map(|minutes| back.at(at(minutes)));
        assert_eq!(told, [None, Some(3), Some(3), None, Some(0), None]);
    }

    #[test]
    fn the_highest_of_each_interval_is_kept_and_what_nobody_saw_is_unknown() {
        let seen = [(7, 2), (8, 5), (9, 3), (10, 3), (26, 4)];
        let counts = seen.iter().fold(Counts::default(), |counts, (minute, count)| {
            counts.with(at(*minute), *count, STEP, 145).unwrap_or(counts)
        });
        assert_eq!(counts.from, at(5), "whole intervals by the clock");
        assert_eq!(counts.iter().collect::<Vec<_>>(), [Some(5), Some(3), None, None, Some(4)]);
        for (minute, count) in [(26, 4), (27, 1), (20, 9), (0, 9)] {
            assert_eq!(counts.with(at(minute), count, STEP, 145), None, "{count} at {minute} min tells nothing new");
        }
    }

    #[test]
    fn what_is_older_goes_and_a_clock_that_leaps_costs_nothing() {
        let full = (0..20).fold(Counts::default(), |counts, i| counts.with(at(5 * i), i as u32, STEP, 4).unwrap());
        assert_eq!(full.iter().collect::<Vec<_>>(), [16, 17, 18, 19].map(Some));
        assert_eq!(full.from, at(80));
        let later = full.with(at(5_000_000), 7, STEP, 4).unwrap();
        assert_eq!(later.iter().collect::<Vec<_>>(), [None, None, None, Some(7)]);
    }
}
