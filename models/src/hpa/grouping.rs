//! Which pods count: ready, unready, missing or ignored.

use crate::hpa::{ConditionStatus, Controller, Flags, Phase, PodSample, Vitals};
use chrono::{DateTime, Utc};

/// How one pod counts for one metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Measured, and its measurement can be trusted.
    Ready,
    /// Starting: its sample is dropped, and it counts as idle when the others ask for more.
    Unready,
    /// No sample: counts against the direction of the others.
    Missing,
    /// Ended or going away: not there.
    Ignored,
}

/// The group of a pod, whose sample of the metric is `sample`. `cpu` switches on the rules of start-up, which no other
/// metric knows.
pub fn group(now: DateTime<Utc>, pod: Vitals, sample: Option<&PodSample>, cpu: bool, controller: &Controller) -> Group {
    let ended = pod.phase == Phase::Failed || (pod.phase == Phase::Succeeded && controller.gates.succeeded_ignored);
    if pod.deleted || ended {
        return Group::Ignored;
    }
    if pod.phase == Phase::Pending {
        return Group::Unready;
    }
    match sample {
        None => Group::Missing,
        Some(sample) if cpu && starting(now, pod, sample, &controller.flags) => Group::Unready,
        Some(_) => Group::Ready,
    }
}

/// Whether the CPU usage of the pod may still be that of its start. Comparisons are strict, as upstream.
fn starting(now: DateTime<Utc>, pod: Vitals, sample: &PodSample, flags: &Flags) -> bool {
    let (Some(ready), Some(started)) = (pod.ready, pod.started) else {
        return true;
    };
    let unready = ready.status == ConditionStatus::False;
    if started + flags.cpu_initialization > now {
        // Within the period: wait for a window that began after the pod became ready.
        unready || sample.at < ready.since + sample.window
    } else {
        // Later, only a pod that was never ready: its condition has not changed since about its start.
        unready && started + flags.initial_readiness_delay > ready.since
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::hpa::{Ready, Version};
    use chrono::TimeDelta;

    fn ago(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 - seconds, 0).unwrap()
    }

    fn pod(started: Option<i64>, ready: Option<(bool, i64)>) -> Vitals {
        Vitals {
            phase: Phase::Running,
            deleted: false,
            started: started.map(ago),
            ready: ready.map(|(status, since)| Ready { status: status.into(), since: ago(since) }),
        }
    }

    fn sampled(seconds_ago: i64) -> PodSample {
        PodSample { at: ago(seconds_ago), window: TimeDelta::seconds(60), value: 1 }
    }

    #[test]
    fn the_rules_of_start_up_with_production_flags() {
        //           started, ready (status, since), sample age, expected
        let table = [
            (None, Some((true, 1000)), 0, Group::Unready),
            (Some(1000), None, 0, Group::Unready),
            // Within the 300 s: the window must have begun after readiness; its edge is enough.
            (Some(200), Some((true, 60)), 1, Group::Unready),
            (Some(200), Some((true, 60)), 0, Group::Ready),
            (Some(200), Some((false, 60)), 0, Group::Unready),
            // 300 s to the second is after the period.
            (Some(300), Some((true, 0)), 0, Group::Ready),
            // Later: never ready (changed within 30 s of the start) or only now unready.
            (Some(600), Some((false, 571)), 0, Group::Unready),
            (Some(600), Some((false, 570)), 0, Group::Ready),
        ];
        for (started, ready, age, expected) in table {
            let found = group(ago(0), pod(started, ready), Some(&sampled(age)), true, &Controller::default());
            assert_eq!(found, expected, "started {started:?}, ready {ready:?}, sample {age} s old");
        }
    }

    #[test]
    fn other_metrics_than_cpu_know_no_start_up() {
        let fresh = pod(None, None);
        assert_eq!(group(ago(0), fresh, Some(&sampled(0)), false, &Controller::default()), Group::Ready);
        assert_eq!(group(ago(0), fresh, None, false, &Controller::default()), Group::Missing);
    }

    /// An unknown readiness is not `False`: only the sample's age speaks against such a pod.
    #[test]
    fn nobody_knows_is_not_unready() {
        let since = ago(600);
        let lost = |started, since| Vitals {
            ready: Some(Ready { status: ConditionStatus::Unknown, since }),
            ..pod(Some(started), None)
        };
        let grouped = |pod| group(ago(0), pod, Some(&sampled(0)), true, &Controller::default());
        assert_eq!(grouped(lost(600, since)), Group::Ready);
        assert_eq!(grouped(lost(200, ago(200))), Group::Ready);
        assert_eq!(grouped(lost(200, ago(30))), Group::Unready);
    }

    #[test]
    fn succeeded_pods_are_ignored_since_1_37() {
        let done = Vitals { phase: Phase::Succeeded, ..pod(Some(1000), Some((true, 900))) };
        let sample = sampled(0);
        let grouped = |version, sample| group(ago(0), done, sample, true, &Controller::of(version));
        assert_eq!(grouped(Version::V1_37, Some(&sample)), Group::Ignored);
        assert_eq!(grouped(Version::V1_36, None), Group::Missing);
        assert_eq!(grouped(Version::V1_36, Some(&sample)), Group::Ready);
    }

    #[test]
    fn going_away_beats_pending_beats_missing() {
        let pending = Vitals { phase: Phase::Pending, ..pod(None, None) };
        let going = Vitals { deleted: true, ..pending };
        assert_eq!(group(ago(0), pending, None, true, &Controller::default()), Group::Unready);
        assert_eq!(group(ago(0), going, None, true, &Controller::default()), Group::Ignored);
    }
}
