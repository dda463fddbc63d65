//! Two bounded memories of the last hour or so: when something happened, and the highest need of a window.

use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::VecDeque;

/// Most events or steps remembered: an hour of 15 s ticks.
const MOST: usize = 240;

/// Times of the last hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Recent(VecDeque<DateTime<Utc>>);

impl Recent {
    pub(crate) fn push(&mut self, at: DateTime<Utc>) {
        while self.0.front().is_some_and(|first| at - *first >= TimeDelta::hours(1)) || self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(at);
    }

    /// How many in the hour before `now`.
    pub(crate) fn count(&self, now: DateTime<Utc>) -> usize {
        self.0.iter().filter(|at| now - **at < TimeDelta::hours(1)).count()
    }
}

/// Highest need since a moment, in bounded space: values fall strictly from front to back, times rise.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SlidingMaximum(VecDeque<(DateTime<Utc>, Replicas)>);

impl SlidingMaximum {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a need; what it covers is forgotten. A full memory keeps its highest value a little longer rather than forget it.
    pub(crate) fn push(&mut self, at: DateTime<Utc>, need: Replicas) {
        while self.0.back().is_some_and(|(_, kept)| *kept <= need) {
            self.0.pop_back();
        }
        self.0.push_back((at, need));
        if self.0.len() > MOST
            && let Some((later, _)) = self.0.remove(1)
            && let Some(front) = self.0.front_mut()
        {
            front.0 = later;
        }
    }

    /// Forgets what no window can reach any more.
    pub(crate) fn forget_before(&mut self, moment: DateTime<Utc>) {
        while self.0.len() > 1 && self.0.front().is_some_and(|(at, _)| *at < moment) {
            self.0.pop_front();
        }
    }

    /// The highest need after `moment`.
    pub(crate) fn since(&self, moment: DateTime<Utc>) -> Option<Replicas> {
        self.0.iter().find(|(at, _)| *at > moment).map(|(_, need)| *need)
    }

    /// The last time at which at least `need` was needed.
    pub(crate) fn last_at_least(&self, need: Replicas) -> Option<DateTime<Utc>> {
        self.0.iter().rev().find(|(_, kept)| *kept >= need).map(|(at, _)| *at)
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_wrap)]
mod tests {
    use super::*;
    use crate::testing::{n, time};
    use proptest::prelude::*;

    #[test]
    fn recent_counts_an_hour_and_stays_bounded() {
        let mut recent = Recent::default();
        for minute in 0..100_000 {
            recent.push(time(minute));
        }
        assert_eq!(recent.count(time(100_000)), 59, "59 of the sixty minutes before are less than an hour ago");
        assert_eq!(recent.count(time(200_000)), 0);
        assert!(recent.0.len() <= MOST);
    }

    proptest! {
        #[test]
        fn sliding_maximum_is_the_maximum(needs in prop::collection::vec(0u32..50, 1..200), window in 1i64..60) {
            let mut sliding = SlidingMaximum::default();
            for (i, need) in needs.iter().enumerate() {
                let now = time(i as i64);
                sliding.forget_before(time(i as i64 - 60));
                sliding.push(now, n(*need));
                let from = (i + 1).saturating_sub(window as usize);
                let plain = needs[from..=i].iter().max().copied().map(n);
                prop_assert_eq!(sliding.since(now - TimeDelta::minutes(window)), plain);
            }
        }

        #[test]
        fn sliding_maximum_is_bounded_and_never_forgets_the_highest(steps in 241usize..2000) {
            let mut sliding = SlidingMaximum::default();
            for i in 0..steps {
                sliding.push(time(i as i64), n((steps - i) as u32));
            }
            prop_assert!(sliding.0.len() <= MOST);
            prop_assert_eq!(sliding.since(time(-1)), Some(n(steps as u32)));
        }
    }
}
