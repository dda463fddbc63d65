//! The guard rails, in one fixed order: stale → trust → caps and budgets → runaway limit → raise or lower → bounds.
//!
//! Each rail is one function of values; [`crate::decide`] walks through them in this order and in no other.

mod lower;

pub(crate) use lower::{Lowering, band, binds, ramp_step};

use crate::capacity::share_of;
use crate::decide::{Evidence, Limit, Reason};
use crate::policy::Policy;
use crate::target::Target;
use crate::units::Replicas;
use chrono::{DateTime, TimeDelta, Utc};

/// What the plan needs, on its way through the rails.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Draft {
    /// Needed now: above what is held, a raise is due.
    pub(crate) due: Replicas,
    /// Needed now or soon: what a raise goes to in one write, and what a lower must not fall below.
    pub(crate) ahead: Replicas,
    /// Why, in order.
    pub(crate) reasons: Vec<Reason>,
}

impl Draft {
    /// Cuts the draft at `allowed`, and says so where that changes anything.
    pub(crate) fn limit(&mut self, by: Limit, allowed: Replicas) {
        if self.ahead > allowed {
            self.reasons.push(Reason::Limited { by, want: self.ahead, allowed });
            self.ahead = allowed;
            self.due = self.due.min(allowed);
        }
    }
}

/// Rail 1. The newest sample is older than 2 × step + 1 min, or there is none: nothing may be raised on it.
pub(crate) fn stale(now: DateTime<Utc>, evidence: &Evidence) -> Option<Reason> {
    let limit = evidence.step.checked_mul(2).unwrap_or(TimeDelta::MAX).checked_add(&TimeDelta::minutes(1));
    let limit = limit.unwrap_or(TimeDelta::MAX);
    let age = evidence.newest_sample.map(|newest| now - newest);
    (age.is_none_or(|age| age > limit))
        .then(|| Reason::StaleSamples { age_seconds: age.map(|a| a.num_seconds()), limit_seconds: limit.num_seconds() })
}

/// Rail 2. An untrusted forecast justifies no more than the load of now does, and raises nothing: `standing` is the ceiling.
pub(crate) fn trust(draft: &mut Draft, evidence: &Evidence, base: Replicas, standing: Replicas) -> bool {
    let Some(why) = &evidence.distrust else { return false };
    draft.reasons.push(Reason::Distrusted { why: why.clone() });
    let justified = evidence.own_wish.unwrap_or(base).max(base);
    draft.limit(Limit::Persistence, justified.min(standing));
    true
}

/// Replicas that stay free below `maxReplicas`, so that the HPA can still react upwards: max(1, ceil(share of max)).
pub fn headroom(max: Replicas, share: f64) -> Replicas {
    share_of(max, share).max(Replicas::ONE)
}

/// Rail 3, the part that one workload knows by itself: the lowest of the caps, and whose it is.
///
/// It is also the last bound and acts at once: a person who lowers a cap does not wait for a ramp.
pub(crate) fn cap(target: &Target, policy: &Policy, base: Replicas) -> (Limit, Replicas) {
    let mut lowest = (Limit::Headroom, target.max.saturating_sub(headroom(target.max, policy.rails.headroom)));
    let above_base = policy.rails.above_base.map(|more| base.saturating_add(more));
    let caps =
        [(Limit::UserCap, policy.max_floor), (Limit::AdminCap, policy.admin_cap), (Limit::WorkloadBudget, above_base)];
    for (by, cap) in caps {
        if let Some(cap) = cap.filter(|cap| *cap < lowest.1) {
            lowest = (by, cap);
        }
    }
    lowest
}

/// Rail 4. A multiple (1.5 by default) of the most replicas ever needed in the training window (failure M2).
pub(crate) fn runaway(most_needed: Replicas, factor: f64) -> Replicas {
    share_of(most_needed, factor)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::testing::{evidence, n, target, time};

    #[test]
    fn headroom_is_a_tenth_and_at_least_one() {
        for (max, wanted) in
            [(0, 1), (1, 1), (2, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3), (100, 10), (1001, 101)]
        {
            assert_eq!(headroom(n(max), 0.1), n(wanted), "max {max}");
        }
    }

    #[test]
    fn stale_is_more_than_two_steps_and_a_minute() {
        let mut evidence = evidence();
        evidence.step = TimeDelta::minutes(5);
        for (age, stale_then) in [(0, false), (660, false), (661, true), (100_000, true), (-5, false)] {
            evidence.newest_sample = Some(time(0) - TimeDelta::seconds(age));
            assert_eq!(stale(time(0), &evidence).is_some(), stale_then, "age {age} s");
        }
        evidence.newest_sample = None;
        assert!(stale(time(0), &evidence).unwrap().to_string().contains("no sample"));
    }

    #[test]
    fn lowest_cap_wins_and_is_named() {
        let mut target = target();
        target.max = n(40);
        for (user, admin, by, cap_at) in [
            (None, None, Limit::Headroom, 36),
            (Some(30), None, Limit::UserCap, 30),
            (Some(30), Some(20), Limit::AdminCap, 20),
            (Some(15), Some(20), Limit::UserCap, 15),
            (Some(90), Some(80), Limit::Headroom, 36),
            (Some(20), Some(20), Limit::UserCap, 20),
        ] {
            let mut policy = Policy::live();
            (policy.max_floor, policy.admin_cap) = (user.map(n), admin.map(n));
            assert_eq!(cap(&target, &policy, n(3)), (by, n(cap_at)), "user {user:?}, admin {admin:?}");
        }
        let mut policy = Policy::live();
        policy.rails.above_base = Some(n(10));
        assert_eq!(cap(&target, &policy, n(3)), (Limit::WorkloadBudget, n(13)));
        policy.rails = crate::policy::Rails { headroom: 0.5, ..policy.rails };
        assert_eq!(cap(&target, &policy, n(18)), (Limit::Headroom, n(20)));
    }

    #[test]
    fn untrusted_forecast_is_cut_to_what_stands_and_what_the_load_of_now_justifies() {
        // (plan, own wish, standing) → what is left; base 3
        for (plan, wish, standing, left) in [
            (20, Some(8), 12, 8),
            (20, Some(15), 12, 12),
            (20, None, 12, 3),
            (5, Some(15), 12, 5),
            (20, Some(1), 12, 3),
            (20, Some(9), 3, 3),
        ] {
            let mut evidence = evidence();
            evidence.distrust = Some("skill below seasonal naive".into());
            evidence.own_wish = wish.map(n);
            let mut draft = Draft { due: n(plan), ahead: n(plan), reasons: vec![] };
            assert!(trust(&mut draft, &evidence, n(3), n(standing)));
            assert_eq!((draft.due, draft.ahead), (n(left), n(left)), "plan {plan}, wish {wish:?}, standing {standing}");
        }
    }
}
