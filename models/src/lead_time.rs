//! Lead time: how long before the load the pods must be asked for, measured per workload.
//!
//! Lead time = (floor written → `spec.replicas` there) + (→ that many pods ready), the 90th percentile over past
//! raises. Before any raise: pods' creation to first Ready plus the HPA controller's sync period. Before either: five
//! minutes, the chain of a cluster autoscaler (node 3–4 min, pod 1–2 min; kubernetes/autoscaler#4038).

use crate::{policy::LeadTime, target::Target, units::Replicas};
use chrono::{DateTime, TimeDelta, Utc};
use std::collections::VecDeque;

/// Raises remembered: enough for a stable 90th percentile, few enough to follow a new image within days.
const REMEMBERED: usize = 20;
/// A raise that has not arrived after this long counts as this long: it is slow, not unknown.
const GIVEN_UP: TimeDelta = TimeDelta::minutes(30);
/// Measured lead times are clamped to this range; only a person may ask for more (up to 2 h).
const CLAMP: (TimeDelta, TimeDelta) = (TimeDelta::minutes(1), TimeDelta::minutes(30));
/// Until anything is measured.
const UNMEASURED: TimeDelta = TimeDelta::minutes(5);

/// What is known of one workload's way from a written floor to ready pods.
#[derive(Clone, Debug, Default)]
pub struct LeadTimes {
    pending: Option<Pending>,
    raises: VecDeque<Measured>,
    startups: Vec<TimeDelta>,
}

/// A raise under way.
#[derive(Clone, Copy, Debug)]
struct Pending {
    written: DateTime<Utc>,
    floor: Replicas,
    sized: Option<DateTime<Utc>>,
}

/// A raise that arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Floor written → `spec.replicas` at the floor: the HPA controller's share.
    pub to_size: TimeDelta,
    /// Floor written → that many pods ready.
    pub to_ready: TimeDelta,
}

/// The lead time to plan with, and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// How far ahead to ask.
    pub value: TimeDelta,
    /// Its source.
    pub source: LeadSource,
}

/// Where a lead time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeadSource {
    /// `floorcast.io/lead-time` or the configuration.
    Given,
    /// The 90th percentile of this many past raises.
    Raises(usize),
    /// The 90th percentile of this many pods' start-up, plus the HPA's sync period.
    Startups(usize),
    /// Nothing measured yet.
    Unmeasured,
}

impl LeadSource {
    /// The word shown by `explain`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Raises(_) => "measured over past raises",
            Self::Startups(_) => "measured over pod start-ups",
            Self::Unmeasured => "not measured yet",
        }
    }
}

impl Lead {
    /// The same for a load that is seen so much later than it comes; a lead time that somebody gave is the whole of it.
    #[must_use]
    pub fn seen_late(self, late: TimeDelta) -> Self {
        match self.source {
            LeadSource::Given => self,
            _ => Self { value: (self.value + late).min(CLAMP.1), ..self },
        }
    }
}

impl LeadTimes {
    /// A floor above the current size was written: the clock of one raise starts.
    ///
    /// A further raise while one is under way moves the goal, not the start: its pods were asked for later, but the
    /// first ones are what the load waits for.
    pub fn raised(&mut self, now: DateTime<Utc>, floor: Replicas, target: &Target) {
        if floor <= target.current {
            return;
        }
        if self.pending.is_none() {
            self.pending = Some(Pending { written: now, floor, sized: None });
        }
    }

    /// The floor was handed back or lowered: an unfinished raise cannot arrive any more.
    pub fn lowered(&mut self, floor: Replicas) {
        if self.pending.is_some_and(|p| floor < p.floor) {
            self.pending = None;
        }
    }

    /// Looks whether the raise under way has arrived. Returns it when it has (or was given up as slow).
    pub fn observe(&mut self, now: DateTime<Utc>, target: &Target) -> Option<Measured> {
        let pending = self.pending.as_mut()?;
        if pending.sized.is_none() && target.current >= pending.floor {
            pending.sized = Some(now);
        }
        let ready = target.ready.is_some_and(|r| r >= pending.floor);
        let late = now - pending.written >= GIVEN_UP;
        let arrived = ready && pending.sized.is_some();
        if !arrived && !late {
            return None;
        }
        let done = Measured {
            to_size: pending.sized.map_or(GIVEN_UP, |t| t - pending.written),
            to_ready: (now - pending.written).min(GIVEN_UP),
        };
        self.pending = None;
        self.raises.push_back(done);
        while self.raises.len() > REMEMBERED {
            self.raises.pop_front();
        }
        Some(done)
    }

    /// Creation → first Ready of the target's pods, as listed when it was last learned. Pods that never became ready
    /// belong here too, with their age: they are slow, not absent.
    pub fn startups(&mut self, seen: Vec<TimeDelta>) {
        if !seen.is_empty() {
            self.startups = seen;
        }
    }

    /// The lead time to plan with. `hpa_period` is the HPA controller's effective sync period.
    pub fn lead(&self, asked: LeadTime, hpa_period: TimeDelta) -> Lead {
        if let LeadTime::Fixed(value) = asked {
            return Lead { value, source: LeadSource::Given };
        }
        let clamp = |d: TimeDelta| d.clamp(CLAMP.0, CLAMP.1);
        if let Some(p90) = percentile_90(self.raises.iter().map(|m| m.to_ready)) {
            return Lead { value: clamp(p90), source: LeadSource::Raises(self.raises.len()) };
        }
        if let Some(p90) = percentile_90(self.startups.iter().copied()) {
            return Lead { value: clamp(p90 + hpa_period), source: LeadSource::Startups(self.startups.len()) };
        }
        Lead { value: UNMEASURED, source: LeadSource::Unmeasured }
    }

    /// The HPA controller's effective period as seen through our raises, where there were any.
    pub fn to_size(&self) -> Option<TimeDelta> {
        percentile_90(self.raises.iter().map(|m| m.to_size))
    }
}

/// Nearest-rank 90th percentile: of ten values the ninth, of three the third.
fn percentile_90(values: impl Iterator<Item = TimeDelta>) -> Option<TimeDelta> {
    let mut sorted: Vec<TimeDelta> = values.collect();
    sorted.sort_unstable();
    // rank = ceil(0.9 · n), counted from one
    let rank = (sorted.len() * 9).div_ceil(10);
    sorted.get(rank.checked_sub(1)?).copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn target(current: u32, ready: u32) -> Target {
        let (current, ready) = (Replicas::new(current), Some(Replicas::new(ready)));
        Target { current, desired: current, ready, ..Target::at_rest("u", "1", Replicas::ONE, Replicas::new(100)) }
    }

    const PERIOD: TimeDelta = TimeDelta::seconds(15);

    #[test]
    fn nothing_measured_is_five_minutes() {
        let lead = LeadTimes::default().lead(LeadTime::Auto, PERIOD);
        assert_eq!(lead, Lead { value: TimeDelta::minutes(5), source: LeadSource::Unmeasured });
    }

    #[test]
    fn a_given_lead_time_wins() {
        let lead = LeadTimes::default().lead(LeadTime::Fixed(TimeDelta::minutes(90)), PERIOD);
        assert_eq!(lead.value, TimeDelta::minutes(90));
    }

    #[test]
    fn a_load_that_is_seen_late_needs_more_lead_unless_it_was_given() {
        let late = TimeDelta::minutes(2);
        let auto = LeadTimes::default().lead(LeadTime::Auto, PERIOD);
        assert_eq!(auto.seen_late(late), Lead { value: TimeDelta::minutes(7), ..auto });
        assert_eq!(auto.seen_late(TimeDelta::hours(1)).value, TimeDelta::minutes(30));
        let given = LeadTimes::default().lead(LeadTime::Fixed(TimeDelta::minutes(3)), PERIOD);
        assert_eq!(given.seen_late(late), given);
    }

    #[test]
    fn start_ups_count_until_a_raise_was_seen() {
        let mut times = LeadTimes::default();
        times.startups(vec![TimeDelta::seconds(80), TimeDelta::seconds(100), TimeDelta::seconds(90)]);
        assert_eq!(
            times.lead(LeadTime::Auto, PERIOD),
            Lead { value: TimeDelta::seconds(115), source: LeadSource::Startups(3) }
        );
        times.raised(at(0), Replicas::new(10), &target(3, 3));
        assert_eq!(times.observe(at(15), &target(10, 3)), None);
        let seen = times.observe(at(200), &target(10, 10)).unwrap();
        assert_eq!(seen, Measured { to_size: TimeDelta::seconds(15), to_ready: TimeDelta::seconds(200) });
        assert_eq!(times.lead(LeadTime::Auto, PERIOD).value, TimeDelta::seconds(200));
        assert_eq!(times.to_size(), Some(TimeDelta::seconds(15)));
    }

    #[test]
    fn a_raise_that_never_arrives_is_slow_not_unknown() {
        let mut times = LeadTimes::default();
        times.raised(at(0), Replicas::new(10), &target(3, 3));
        assert!(times.observe(at(1799), &target(10, 9)).is_none());
        assert!(times.observe(at(1800), &target(10, 9)).is_some());
        assert_eq!(times.lead(LeadTime::Auto, PERIOD).value, TimeDelta::minutes(30));
    }

    #[test]
    fn a_floor_below_the_size_measures_nothing() {
        let mut times = LeadTimes::default();
        times.raised(at(0), Replicas::new(3), &target(5, 5));
        assert!(times.observe(at(3600), &target(5, 5)).is_none());
    }

    #[test]
    fn measured_lead_times_are_clamped() {
        let mut times = LeadTimes::default();
        times.startups(vec![TimeDelta::seconds(2)]);
        assert_eq!(times.lead(LeadTime::Auto, TimeDelta::seconds(1)).value, TimeDelta::minutes(1));
    }

    #[test]
    fn the_ninetieth_percentile_is_the_nearest_rank() {
        let seconds = |n: i64| (1..=n).map(TimeDelta::seconds);
        assert_eq!(percentile_90(seconds(10)), Some(TimeDelta::seconds(9)));
        assert_eq!(percentile_90(seconds(3)), Some(TimeDelta::seconds(3)));
        assert_eq!(percentile_90(seconds(1)), Some(TimeDelta::seconds(1)));
        assert_eq!(percentile_90(seconds(0)), None);
    }
}
