//! Values for the tests of this crate: one workload in good order, to be changed by each test.

use crate::decide::{Derivation, Evidence};
use crate::plan::{Curve, FloorPlan, plan_of};
use crate::protocol::Identity;
use crate::target::{Held, Hold, Holder, Target};
use crate::units::{PerReplica, Replicas};
use chrono::{DateTime, TimeDelta, Utc};

/// Replicas, shortly.
pub(crate) const fn n(n: u32) -> Replicas {
    Replicas::new(n)
}

/// `minutes` after 2026-01-05T00:00Z, a Monday.
pub(crate) fn time(minutes: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_571_200, 0).unwrap_or_default() + TimeDelta::minutes(minutes)
}

/// Base 3, max 50, at 3 replicas, nothing held.
pub(crate) fn target() -> Target {
    Target { owners: vec!["kubectl".into()], ..Target::at_rest("u1", "100", n(3), n(50)) }
}

/// Fresh at `time(0)`, trusted, proven; the HPA itself wants 3.
pub(crate) fn evidence() -> Evidence {
    Evidence {
        newest_sample: Some(time(0)),
        step: TimeDelta::minutes(5),
        distrust: None,
        own_wish: Some(n(3)),
        most_needed: Some(n(1000)),
        event: None,
        derivation: Derivation::Proven,
    }
}

/// Our lease in namespace `floorcast`, epoch 1.
pub(crate) fn identity() -> Identity {
    Identity { holder: holder(), epoch: 1 }
}

pub(crate) fn holder() -> Holder {
    Holder { namespace: "floorcast".into(), lease_uid: "lease-1".into(), identity: "pod-a".into() }
}

/// Our book-keeping: base 3, this floor, until `time(until)`.
pub(crate) fn held(floor: u32, until: i64) -> Held {
    Held {
        base: n(3),
        floor: n(floor),
        floor_before: None,
        until: time(until),
        holder: holder(),
        epoch: 1,
        reason: "Raised".into(),
    }
}

/// [`target`] while we hold `floor` until `time(until)`, written at `time(-60)`, the HPA at the floor.
pub(crate) fn holding(floor: u32, until: i64) -> Target {
    Target {
        min: n(floor),
        current: n(floor),
        desired: n(floor),
        hold: Hold::Held(held(floor, until)),
        ours: true,
        owners: vec![],
        written_at: Some(time(-60)),
        ..target()
    }
}

/// A plan that begins at `start`, one need per 5 min.
pub(crate) fn plan(start: DateTime<Utc>, needs: &[u32]) -> Option<FloorPlan> {
    let upper: Vec<f64> = needs.iter().map(|need| f64::from(*need)).collect();
    let per = PerReplica::new(1.0)?;
    plan_of(&[Curve { origin: start, step: TimeDelta::minutes(5), upper: &upper, per }])
}
