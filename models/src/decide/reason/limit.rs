//! What keeps a floor below what is needed.

/// What can hold a floor below what the plan needs: label `limit` of `workload_limited_by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Limit {
    /// `maxReplicas` less the headroom.
    Headroom,
    /// `floorcast.io/max-floor`.
    UserCap,
    /// The administrator's cap for one workload.
    AdminCap,
    /// Replicas above base over one workload.
    WorkloadBudget,
    /// Replicas above base over the namespace.
    NamespaceBudget,
    /// Replicas above base over the cluster.
    ClusterBudget,
    /// New pods per minute over the cluster.
    PodRate,
    /// 1.5 × the most ever needed in the training window.
    Runaway,
    /// What the load of now justifies, while the forecast is not trusted.
    Persistence,
    /// Writes per HPA and hour.
    WriteBudget,
    /// Pods of the floor already held do not come up.
    Capacity,
}

impl Limit {
    /// Every limit, for metrics that show all of them.
    pub const ALL: [Self; 11] = [
        Self::Headroom,
        Self::UserCap,
        Self::AdminCap,
        Self::WorkloadBudget,
        Self::NamespaceBudget,
        Self::ClusterBudget,
        Self::PodRate,
        Self::Runaway,
        Self::Persistence,
        Self::WriteBudget,
        Self::Capacity,
    ];

    /// The word of metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Headroom => "Headroom",
            Self::UserCap => "UserCap",
            Self::AdminCap => "AdminCap",
            Self::WorkloadBudget => "WorkloadBudget",
            Self::NamespaceBudget => "NamespaceBudget",
            Self::ClusterBudget => "ClusterBudget",
            Self::PodRate => "PodRate",
            Self::Runaway => "Runaway",
            Self::Persistence => "Persistence",
            Self::WriteBudget => "WriteBudget",
            Self::Capacity => "Capacity",
        }
    }

    /// What this limit is, and how to move it.
    pub(super) const fn explanation(self) -> &'static str {
        match self {
            Self::Headroom => "maxReplicas less the headroom (at least one replica); raise maxReplicas to allow more",
            Self::UserCap => "annotation floorcast.io/max-floor; raise it to allow more",
            Self::AdminCap => "the administrator's cap for one workload; it is in the configuration",
            Self::WorkloadBudget => "the budget of replicas above base for one workload; it is in the configuration",
            Self::NamespaceBudget => "the namespace's budget of replicas above base; it is in the configuration",
            Self::ClusterBudget => "the cluster's budget of replicas above base; it is in the configuration",
            Self::PodRate => "the cluster's budget of new pods per minute; the rest follows in the next minutes",
            Self::Runaway => "the runaway limit, a multiple of the most replicas ever needed in the training window",
            Self::Persistence => "what the load of now justifies, as the forecast is not trusted",
            Self::WriteBudget => "the limit of writes per HPA and hour (guard.writesPerHour of the configuration)",
            Self::Capacity => {
                "pods of the floor already held are not ready; look for Pending pods, quota and node capacity"
            }
        }
    }
}
