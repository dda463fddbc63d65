//! One tick's decisions over 1,000 workloads with cached forecasts: plan aside, everything between observing and writing.

use chrono::{DateTime, TimeDelta, Utc};
use criterion::{Criterion, criterion_group, criterion_main};
use floorcast_models::budget::{BudgetMemory, Limits, allocate};
use floorcast_models::decide::{Derivation, Evidence, Memory, Situation, finish, propose};
use floorcast_models::plan::{Curve, FloorPlan, plan_of};
use floorcast_models::policy::{Directive, Policy};
use floorcast_models::protocol::{Identity, next};
use floorcast_models::target::{Holder, Target};
use floorcast_models::units::{PerReplica, Replicas};
use std::{hint::black_box, sync::Arc};

const WORKLOADS: usize = 1000;

fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_767_571_200, 0).unwrap_or_default()
}

/// A day ahead at 5 min, peaking at 20 replicas in the middle.
fn day() -> Vec<f64> {
    (0..288).map(|i| 10.0 - 9.0 * (std::f64::consts::TAU * f64::from(i) / 288.0).cos()).collect()
}

fn plan() -> Option<FloorPlan> {
    let (upper, per) = (day(), PerReplica::new(1.0)?);
    plan_of(&[Curve { origin: start(), step: TimeDelta::minutes(5), upper: &upper, per }])
}

fn target() -> Target {
    Target::at_rest("2f6c2a5e-7f0b-4d3f-9e46-0c8b5d1d5a10", "123456", Replicas::new(3), Replicas::new(50))
}

fn evidence(now: DateTime<Utc>) -> Evidence {
    Evidence {
        newest_sample: Some(now),
        step: TimeDelta::minutes(5),
        distrust: None,
        own_wish: Some(Replicas::new(3)),
        most_needed: Some(Replicas::new(30)),
        event: None,
        derivation: Derivation::Proven,
    }
}

fn tick(criterion: &mut Criterion) {
    let (plan, target, policy, names) = (plan(), target(), Policy::live(), names());
    let holder = Holder { namespace: "floorcast".into(), lease_uid: "u".into(), identity: "pod".into() };
    let identity = Identity { holder, epoch: 1 };
    let mut memories = vec![Memory::default(); WORKLOADS];
    let shop: Arc<str> = "shop".into();
    let mut budget = BudgetMemory::default();
    let mut now = start();
    criterion.bench_function("decide/tick of 1000 workloads", |bencher| {
        bencher.iter(|| {
            now += TimeDelta::seconds(15);
            if now > start() + TimeDelta::hours(12) {
                now = start();
            }
            let evidence = evidence(now);
            let situation = Situation {
                now,
                target: &target,
                policy: &policy,
                plan: plan.as_ref(),
                openings: &[],
                evidence: &evidence,
                directive: Directive::Run,
                lead: TimeDelta::minutes(5),
            };
            let proposals: Vec<_> = memories.iter().map(|memory| propose(&situation, memory)).collect();
            let claims: Vec<_> =
                proposals.iter().zip(&names).map(|(p, name)| p.claim(shop.clone(), name.clone())).collect();
            let grants = allocate(now, &claims, &Limits::default(), &mut budget);
            for ((proposal, grant), memory) in proposals.into_iter().zip(grants).zip(&mut memories) {
                let (decision, kept) = finish(&situation, proposal, grant, std::mem::take(memory));
                let (next, kept) = next(now, &target, &decision, &policy, &identity, kept);
                *memory = kept;
                black_box(next);
            }
        });
    });
}

fn names() -> Vec<Arc<str>> {
    (0..WORKLOADS).map(|i| format!("web-{i}").into()).collect()
}

criterion_group!(benches, tick);
criterion_main!(benches);
