//! Budgets over all workloads: how many replicas above base a namespace and the cluster may hold, and how many new pods a minute may ask for.

use crate::decide::Limit;
use crate::units::Replicas;
use chrono::{DateTime, Utc};
use std::collections::BTreeMap;

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
    pub namespace: String,
    /// `namespace/name`: unique, the last key of the order.
    pub workload: String,
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

/// New pods granted in the running minute.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetMemory {}

/// Divides the budgets: earliest deadline first, then the larger shortage, then by name. Grants are in the order of the claims.
pub fn allocate(_now: DateTime<Utc>, _claims: &[Claim], _limits: &Limits, _memory: &mut BudgetMemory) -> Vec<Grant> {
    unimplemented!()
}
