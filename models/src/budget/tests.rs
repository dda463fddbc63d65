#![allow(clippy::unwrap_used, clippy::cast_possible_wrap)]
use super::*;
use crate::testing::{n, time};
use proptest::prelude::*;

fn claim(workload: &str, held: u32, want: u32, deadline: i64) -> Claim {
    let (namespace, name) = workload.split_once('/').unwrap();
    Claim {
        namespace: namespace.into(),
        workload: name.into(),
        base: n(2),
        held: n(held),
        want: n(want),
        deadline: time(deadline),
        live: true,
    }
}

fn limits(namespace: u32, cluster: u32, pods: u32) -> Limits {
    Limits { namespace: n(namespace), namespaces: BTreeMap::new(), cluster: n(cluster), pods_per_minute: n(pods) }
}

fn floors(claims: &[Claim], limits: &Limits) -> Vec<u32> {
    let grants = allocate(time(0), claims, limits, &mut BudgetMemory::default());
    grants.iter().zip(claims).map(|(grant, claim)| grant.floor.min(claim.want).get()).collect()
}

fn limited(claims: &[Claim], limits: &Limits) -> Vec<Option<Limit>> {
    allocate(time(0), claims, limits, &mut BudgetMemory::default()).iter().map(|grant| grant.limited_by).collect()
}

#[test]
fn earliest_deadline_then_larger_shortage_then_name() {
    let tight = limits(100, 100, 10);
    let by_deadline = [claim("a/late", 2, 12, 9), claim("a/soon", 2, 10, 3)];
    assert_eq!(floors(&by_deadline, &tight), [4, 10]);
    let by_shortage = [claim("a/small", 2, 6, 3), claim("a/large", 2, 11, 3)];
    assert_eq!(floors(&by_shortage, &tight), [3, 11]);
    let by_name = [claim("a/y", 2, 10, 3), claim("a/x", 2, 10, 3)];
    assert_eq!(floors(&by_name, &tight), [4, 10]);
}

#[test]
fn the_tightest_budget_is_named() {
    let claims = [claim("a/x", 2, 22, 0)];
    for (limits, floor, by) in [
        (limits(100, 100, 100), 22, None),
        (limits(15, 100, 100), 17, Some(Limit::NamespaceBudget)),
        (limits(100, 15, 100), 17, Some(Limit::ClusterBudget)),
        (limits(100, 100, 15), 17, Some(Limit::PodRate)),
        (limits(15, 15, 15), 17, Some(Limit::NamespaceBudget)),
        (limits(0, 15, 15), 2, Some(Limit::NamespaceBudget)),
    ] {
        assert_eq!((floors(&claims, &limits), limited(&claims, &limits)), (vec![floor], vec![by]), "{limits:?}");
    }
}

#[test]
fn namespaces_have_their_own_budget_and_share_the_clusters() {
    let mut limits = limits(10, 25, 1000);
    limits.namespaces.insert("rich".into(), n(20));
    let claims = [claim("poor/x", 2, 40, 0), claim("rich/x", 2, 40, 1), claim("other/x", 2, 40, 2)];
    assert_eq!(floors(&claims, &limits), [12, 17, 2]);
    assert_eq!(
        limited(&claims, &limits),
        [Some(Limit::NamespaceBudget), Some(Limit::ClusterBudget), Some(Limit::ClusterBudget)]
    );
}

#[test]
fn what_is_held_counts_first_and_is_never_lowered() {
    // a/old holds 30 above base; the budget of 20 is overdrawn, so nobody raises and nobody loses.
    let claims = [claim("a/old", 32, 32, 0), claim("a/new", 2, 10, 0), claim("a/old2", 10, 12, 0)];
    let grants = allocate(time(0), &claims, &limits(20, 100, 100), &mut BudgetMemory::default());
    assert!(grants[0].floor >= n(32));
    assert_eq!((grants[1].floor, grants[2].floor), (n(2), n(10)));
}

#[test]
fn shadow_spends_nothing() {
    let shadow = Claim { live: false, ..claim("a/shadow", 2, 1000, 0) };
    let claims = [shadow, claim("a/live", 2, 12, 5)];
    assert_eq!(floors(&claims, &limits(10, 10, 10)), [1000, 12]);
}

#[test]
fn new_pods_are_counted_by_the_minute_and_a_repeated_claim_once() {
    let (limits, mut memory) = (limits(1000, 1000, 10), BudgetMemory::default());
    let claims = [claim("a/x", 2, 20, 0), claim("a/y", 2, 20, 1)];
    let at = |seconds| time(0) + TimeDelta::seconds(seconds);
    let mut grant = |seconds, claims: &[Claim]| -> Vec<u32> {
        allocate(at(seconds), claims, &limits, &mut memory).iter().map(|grant| grant.floor.get()).collect()
    };
    assert_eq!(grant(0, &claims), [12, 2]);
    assert_eq!(grant(15, &claims), [12, 2], "the write is not observed yet: the same grant, not ten pods more");
    let seen = [claim("a/x", 12, 20, 0), claim("a/y", 2, 20, 1)];
    assert_eq!(grant(30, &seen), [12, 2], "this minute's pods are spent");
    assert_eq!(grant(60, &seen), [20, 4], "the next minute has ten more");
}

fn any_claim() -> impl Strategy<Value = Claim> {
    (0usize..4, 0usize..30, 0u32..20, 0u32..80, 0i64..20, any::<bool>()).prop_map(
        |(ns, name, held, want, deadline, live)| Claim {
            live,
            ..claim(&format!("n{ns}/w{name}"), 2 + held, want, deadline)
        },
    )
}

/// Claims with distinct names, as the daemon makes them.
fn any_claims() -> impl Strategy<Value = Vec<Claim>> {
    prop::collection::vec(any_claim(), 0..40).prop_map(|mut claims| {
        claims.sort_by_key(key);
        claims.dedup_by(|a, b| key(a) == key(b));
        claims
    })
}

/// Replicas above base that are held or granted, over the live claims that pass.
fn spent(claims: &[Claim], grants: &[Grant], of: impl Fn(&Claim) -> bool) -> (u32, u32) {
    claims.iter().zip(grants).filter(|(claim, _)| claim.live && of(claim)).fold(
        (0, 0),
        |(before, after), (claim, grant)| {
            let now = grant.floor.min(claim.want).max(claim.held);
            (before + above_base(claim).get(), after + now.saturating_sub(claim.base).get())
        },
    )
}

proptest! {
    #[test]
    fn budgets_are_never_exceeded_by_a_raise(claims in any_claims(), ns in 0u32..200, cluster in 0u32..400, pods in 0u32..200) {
        let limits = limits(ns, cluster, pods);
        let grants = allocate(time(0), &claims, &limits, &mut BudgetMemory::default());
        for scope in 0..4 {
            let (before, after) = spent(&claims, &grants, |claim| *claim.namespace == format!("n{scope}"));
            prop_assert!(after <= before.max(ns), "namespace n{scope}: {before} → {after} of {ns}");
        }
        let (before, after) = spent(&claims, &grants, |_| true);
        prop_assert!(after <= before.max(cluster), "cluster: {before} → {after} of {cluster}");
        prop_assert!(after - before <= pods, "{} new pods of {pods}", after - before);
    }

    #[test]
    fn the_order_of_the_claims_changes_nothing(claims in any_claims(), seed in any::<u64>(), ns in 0u32..200, cluster in 0u32..400, pods in 0u32..200) {
        let limits = limits(ns, cluster, pods);
        let mut shuffled: Vec<usize> = (0..claims.len()).collect();
        shuffled.sort_by_key(|i| (*i as u64 + 1).wrapping_mul(seed | 1));
        let mixed: Vec<Claim> = shuffled.iter().map(|i| claims[*i].clone()).collect();
        let (mut a, mut b) = (BudgetMemory::default(), BudgetMemory::default());
        let plain = allocate(time(0), &claims, &limits, &mut a);
        let other = allocate(time(0), &mixed, &limits, &mut b);
        for (place, i) in shuffled.iter().enumerate() {
            prop_assert_eq!(plain[*i], other[place]);
        }
        prop_assert_eq!(a, b);
    }

    #[test]
    fn a_grant_never_lowers_and_is_whole_or_explained(claims in any_claims(), ns in 0u32..200, cluster in 0u32..400, pods in 0u32..200) {
        let grants = allocate(time(0), &claims, &limits(ns, cluster, pods), &mut BudgetMemory::default());
        for (claim, grant) in claims.iter().zip(&grants) {
            prop_assert!(grant.floor >= claim.held);
            prop_assert_eq!(grant.limited_by.is_some(), grant.floor < claim.want.max(claim.held));
        }
    }

    #[test]
    fn pods_of_a_minute_are_bounded_over_its_ticks(rounds in prop::collection::vec(any_claims(), 1..4), pods in 0u32..100) {
        let limits = limits(100_000, 100_000, pods);
        let mut memory = BudgetMemory::default();
        let mut asked: BTreeMap<_, Replicas> = BTreeMap::new();
        let mut new = 0;
        for (i, claims) in rounds.iter().enumerate() {
            let grants = allocate(time(0) + TimeDelta::seconds(15 * i as i64), claims, &limits, &mut memory);
            for (claim, grant) in claims.iter().zip(grants).filter(|(claim, _)| claim.live && claim.want > claim.held) {
                let before = asked.get(&key(claim)).copied().unwrap_or(claim.held).max(claim.held);
                new += grant.floor.saturating_sub(before).get();
                asked.insert(key(claim), before.max(grant.floor));
            }
        }
        prop_assert!(new <= pods, "{new} new pods in one minute, {pods} allowed");
    }
}
