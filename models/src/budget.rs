//! Budgets over all workloads: how many replicas above base a namespace and the cluster may hold, and how many new pods a minute may ask for.

use crate::decide::Limit;
use crate::units::Replicas;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the administrator allows over all workloads. Budgets only limit raises; they never lower what is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Replicas above base over one namespace, where `namespaces` says nothing else.
    pub namespace: Replicas,
    /// The same for single namespaces.
    pub namespaces: BTreeMap<String, Replicas>,
    /// Replicas above base over the cluster.
    pub cluster: Replicas,
    /// New pods asked for per minute over the cluster.
    pub pods_per_minute: Replicas,
}

/// One workload's part in the allocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The namespace whose budget is spent.
    pub namespace: Arc<str>,
    /// Its name there: with the namespace unique, and the last key of the order.
    pub workload: Arc<str>,
    /// The user's own floor.
    pub base: Replicas,
    /// The floor held now; the base where none is.
    pub held: Replicas,
    /// The floor wanted.
    pub want: Replicas,
    /// When the load arrives that the raise is for.
    pub deadline: DateTime<Utc>,
    /// A floor would really be written; others are granted what they want and spend nothing.
    pub live: bool,
}

/// What the budgets leave to one workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The highest floor it may write now; never below what it holds.
    pub floor: Replicas,
    /// The budget that cut it, if one did.
    pub limited_by: Option<Limit>,
}

impl Grant {
    /// No budget at all: for a single workload's plan outside the daemon.
    pub const UNLIMITED: Self = Self { floor: Replicas::MAX, limited_by: None };
}

impl Default for Limits {
    /// Safe without any configuration: a unit error on one workload cannot ask for more than this.
    fn default() -> Self {
        Self {
            namespace: Replicas::new(500),
            namespaces: BTreeMap::new(),
            cluster: Replicas::new(2000),
            pods_per_minute: Replicas::new(500),
        }
    }
}

impl Limits {
    fn of(&self, namespace: &str) -> Replicas {
        self.namespaces.get(namespace).copied().unwrap_or(self.namespace)
    }
}

/// New pods granted in the running minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetMemory {
    minute: Option<DateTime<Utc>>,
    pods: Replicas,
    /// Floors granted in this minute, so that a claim repeated before its write is observed is not charged twice.
    granted: BTreeMap<(Arc<str>, Arc<str>), Replicas>,
}

impl BudgetMemory {
    fn at(&mut self, now: DateTime<Utc>) {
        let minute = now.duration_trunc(TimeDelta::minutes(1)).unwrap_or(now);
        if self.minute != Some(minute) {
            *self = Self { minute: Some(minute), ..Self::default() };
        }
    }

    /// Replicas up to which this claim was paid for: what it holds, or what it was granted in this minute.
    fn paid(&self, claim: &Claim) -> Replicas {
        self.granted.get(&key(claim)).map_or(claim.held, |granted| claim.held.max(*granted))
    }
}

/// Divides the budgets: earliest deadline first, then the larger shortage, then by name. Grants are in the order of the claims.
///
/// What is held counts against the budgets of replicas first, whether or not it would be granted today: budgets never lower.
pub fn allocate(now: DateTime<Utc>, claims: &[Claim], limits: &Limits, memory: &mut BudgetMemory) -> Vec<Grant> {
    memory.at(now);
    let mut purse = Purse::new(claims, limits);
    let mut order: Vec<usize> = (0..claims.len()).collect();
    order.sort_by(|a, b| urgency(&claims[*a]).cmp(&urgency(&claims[*b])));
    let mut grants = vec![Grant::UNLIMITED; claims.len()];
    for index in order {
        let claim = &claims[index];
        if claim.live && claim.want > claim.held {
            grants[index] = purse.grant(claim, memory);
        }
    }
    grants
}

fn urgency(claim: &Claim) -> (DateTime<Utc>, Reverse<Replicas>, &str, &str) {
    (claim.deadline, Reverse(claim.want.saturating_sub(claim.held)), &claim.namespace, &claim.workload)
}

fn key(claim: &Claim) -> (Arc<str>, Arc<str>) {
    (Arc::clone(&claim.namespace), Arc::clone(&claim.workload))
}

/// What is left of the budgets of replicas above base, and of new pods in this minute.
struct Purse<'a> {
    limits: &'a Limits,
    namespaces: BTreeMap<&'a str, u64>,
    cluster: u64,
}

impl<'a> Purse<'a> {
    fn new(claims: &'a [Claim], limits: &'a Limits) -> Self {
        let mut purse = Self { limits, namespaces: BTreeMap::new(), cluster: 0 };
        for claim in claims.iter().filter(|claim| claim.live) {
            purse.spend(claim, above_base(claim));
        }
        purse
    }

    fn spend(&mut self, claim: &'a Claim, replicas: Replicas) {
        let replicas = u64::from(replicas.get());
        *self.namespaces.entry(&claim.namespace).or_default() += replicas;
        self.cluster += replicas;
    }

    /// The tightest of the three budgets decides; where two are equally tight, the narrower scope is named.
    fn grant(&mut self, claim: &'a Claim, memory: &mut BudgetMemory) -> Grant {
        let spent = self.namespaces.get(&*claim.namespace).copied().unwrap_or_default();
        let paid = memory.paid(claim);
        let free_pods = left(self.limits.pods_per_minute, u64::from(memory.pods.get()));
        let (room, by) = [
            (left(self.limits.of(&claim.namespace), spent), Limit::NamespaceBudget),
            (left(self.limits.cluster, self.cluster), Limit::ClusterBudget),
            (paid.saturating_sub(claim.held).saturating_add(free_pods), Limit::PodRate),
        ]
        .into_iter()
        .fold((Replicas::MAX, Limit::NamespaceBudget), |least, next| if next.0 < least.0 { next } else { least });
        let whole = claim.want.saturating_sub(claim.held);
        let given = whole.min(room);
        let floor = claim.held.saturating_add(given);
        self.spend(claim, given);
        if floor > paid {
            memory.pods = memory.pods.saturating_add(floor.saturating_sub(paid));
            memory.granted.insert(key(claim), floor);
        }
        Grant { floor, limited_by: (given < whole).then_some(by) }
    }
}

fn left(limit: Replicas, spent: u64) -> Replicas {
    limit.saturating_sub(Replicas::new(u32::try_from(spent).unwrap_or(u32::MAX)))
}

fn above_base(claim: &Claim) -> Replicas {
    claim.held.saturating_sub(claim.base)
}

#[cfg(test)]
mod tests;
