//! What must hold at every tick of every history (`failures.md` 2.0).

use super::super::{Action, Reply};
use super::world::{TICK, Tick, World};
use crate::guard::headroom;
use crate::policy::Directive;
use crate::target::Hold;
use crate::units::Replicas;
use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

impl World {
    /// All invariants over the whole history.
    pub(super) fn check(&self) -> TestCaseResult {
        for tick in &self.ticks {
            self.bounds(tick)?;
            never_raised_on_errors(tick)?;
            until_is_ahead(tick, self.policy.longest_hold)?;
            frozen_writes_nothing(tick)?;
        }
        self.writes_per_hour(12)
    }

    /// I1: base ≤ floor ≤ min(max − headroom, caps), at every write.
    fn bounds(&self, tick: &Tick) -> TestCaseResult {
        let Some(write) = tick.next.action.write() else { return Ok(()) };
        let max = tick.seen.max;
        let caps =
            [Some(max.saturating_sub(headroom(max, self.policy.rails.headroom))), tick.cap, self.policy.admin_cap];
        let cap = caps.into_iter().flatten().min().unwrap_or(Replicas::ZERO);
        prop_assert!(write.held.base < write.held.floor, "a floor is above its base: {:?}", tick.next);
        prop_assert!(write.held.floor <= cap, "floor {} above the cap of {cap}: {:?}", write.held.floor, tick.decision);
        Ok(())
    }

    /// I7: no more than `most` writes within any hour. What a person asks for (release) is his own.
    pub(super) fn writes_per_hour(&self, most: usize) -> TestCaseResult {
        self.bounded(most, |tick| tick.next.action.write().is_some())
    }

    /// I7 where nobody interferes: giving back counts as well.
    pub(super) fn all_writes_per_hour(&self, most: usize) -> TestCaseResult {
        self.bounded(most, |_| true)
    }

    fn bounded(&self, most: usize, counts: impl Fn(&Tick) -> bool) -> TestCaseResult {
        let times: Vec<_> = self.writes().filter(|tick| counts(tick)).map(|tick| tick.now).collect();
        for (i, start) in times.iter().enumerate() {
            let within = times[i..].iter().take_while(|at| **at - *start < TimeDelta::hours(1)).count();
            prop_assert!(within <= most, "{within} writes within an hour of {start}");
        }
        Ok(())
    }

    /// I6 where nobody interferes: a floor past its `until` begins to come down, or is written anew, within five minutes.
    pub(super) fn nothing_outlives_its_until(&self) -> TestCaseResult {
        let mut wrote = None;
        for tick in &self.ticks {
            if let Hold::Held(held) = &tick.seen.hold
                && wrote.is_none_or(|at| at <= held.until)
            {
                let over = tick.now - held.until;
                prop_assert!(over <= TimeDelta::minutes(5) + TICK, "held {over} past its until: {:?}", tick.decision);
            }
            if matches!(tick.reply, Reply::Done { .. }) {
                wrote = Some(tick.now);
            }
        }
        Ok(())
    }
}

/// I2: stale samples, lost trust, no plan: the value never goes up (a base that a person raised is his own).
fn never_raised_on_errors(tick: &Tick) -> TestCaseResult {
    if tick.stale || !tick.trusted {
        if let Some(write) = tick.next.action.write() {
            prop_assert!(
                write.held.floor <= tick.seen.min,
                "raised without evidence: {:?} {:?}",
                tick.next,
                tick.decision
            );
        }
        // …and lowered only by the ramp: 0.9⁵ in 5 min, or one replica.
        let capped = tick.cap.is_some_and(|cap| cap < tick.seen.min);
        if let (Action::Hold { write }, Directive::Run, false) = (&tick.next.action, tick.directive, capped) {
            let kept = f64::from(tick.seen.min.get()) * 0.9f64.powi(5);
            let least = kept.min(f64::from(tick.seen.min.get()) - 1.0);
            prop_assert!(
                f64::from(write.held.floor.get()) >= least - 1e-9,
                "{} after {}",
                write.held.floor,
                tick.seen.min
            );
        }
    }
    Ok(())
}

/// I6: a floor is written with an `until`, not further ahead than allowed, and a raise lasts.
fn until_is_ahead(tick: &Tick, longest: TimeDelta) -> TestCaseResult {
    if let Some(write) = tick.next.action.write() {
        prop_assert!(write.held.until <= tick.now + longest);
        if write.held.floor > tick.seen.min {
            prop_assert!(write.held.until > tick.now, "raised with an until that has passed: {:?}", tick.decision);
        }
    }
    Ok(())
}

fn frozen_writes_nothing(tick: &Tick) -> TestCaseResult {
    if tick.directive == Directive::Freeze {
        prop_assert_eq!(&tick.next.action, &Action::None);
    }
    if let (Reply::Done { .. }, Action::None) = (&tick.reply, &tick.next.action) {
        prop_assert!(false, "nothing was sent, yet something was done");
    }
    Ok(())
}
