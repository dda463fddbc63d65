//! The kinds of objects that the simulated API server keeps.

/// One kind of object, with its place in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// `autoscaling/v2` HorizontalPodAutoscaler.
    Hpa,
    /// `apps/v1` Deployment.
    Deployment,
    /// `apps/v1` StatefulSet.
    StatefulSet,
    /// `apps/v1` `ReplicaSet`.
    ReplicaSet,
    /// `v1` Pod.
    Pod,
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` Namespace.
    Namespace,
    /// `coordination.k8s.io/v1` Lease.
    Lease,
    /// `events.k8s.io/v1` Event.
    Event,
    /// `authorization.k8s.io/v1` `SelfSubjectAccessReview`: answered, never stored.
    AccessReview,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Hpa,
        Self::Deployment,
        Self::StatefulSet,
        Self::ReplicaSet,
        Self::Pod,
        Self::ConfigMap,
        Self::Namespace,
        Self::Lease,
        Self::Event,
        Self::AccessReview,
    ];

    /// API group, empty for the core group.
    pub const fn group(self) -> &'static str {
        match self {
            Self::Hpa => "autoscaling",
            Self::Deployment | Self::StatefulSet | Self::ReplicaSet => "apps",
            Self::Pod | Self::ConfigMap | Self::Namespace => "",
            Self::Lease => "coordination.k8s.io",
            Self::Event => "events.k8s.io",
            Self::AccessReview => "authorization.k8s.io",
        }
    }

    /// `apiVersion` of its objects.
    pub const fn api_version(self) -> &'static str {
        match self {
            Self::Hpa => "autoscaling/v2",
            Self::Deployment | Self::StatefulSet | Self::ReplicaSet => "apps/v1",
            Self::Pod | Self::ConfigMap | Self::Namespace => "v1",
            Self::Lease => "coordination.k8s.io/v1",
            Self::Event => "events.k8s.io/v1",
            Self::AccessReview => "authorization.k8s.io/v1",
        }
    }

    /// `kind` of its objects.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hpa => "HorizontalPodAutoscaler",
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::ReplicaSet => "ReplicaSet",
            Self::Pod => "Pod",
            Self::ConfigMap => "ConfigMap",
            Self::Namespace => "Namespace",
            Self::Lease => "Lease",
            Self::Event => "Event",
            Self::AccessReview => "SelfSubjectAccessReview",
        }
    }

    /// Its name in paths.
    pub const fn plural(self) -> &'static str {
        match self {
            Self::Hpa => "horizontalpodautoscalers",
            Self::Deployment => "deployments",
            Self::StatefulSet => "statefulsets",
            Self::ReplicaSet => "replicasets",
            Self::Pod => "pods",
            Self::ConfigMap => "configmaps",
            Self::Namespace => "namespaces",
            Self::Lease => "leases",
            Self::Event => "events",
            Self::AccessReview => "selfsubjectaccessreviews",
        }
    }

    /// Whether its objects live in namespaces.
    pub const fn namespaced(self) -> bool {
        !matches!(self, Self::Namespace | Self::AccessReview)
    }

    /// Whether `status` is written through a subresource only.
    pub const fn has_status(self) -> bool {
        matches!(
            self,
            Self::Hpa | Self::Deployment | Self::StatefulSet | Self::ReplicaSet | Self::Pod | Self::Namespace
        )
    }

    /// Whether it has a `/scale` subresource.
    pub const fn has_scale(self) -> bool {
        matches!(self, Self::Deployment | Self::StatefulSet | Self::ReplicaSet)
    }

    /// Whether `metadata.generation` counts changes of its spec. (HPAs have none up to Kubernetes 1.36.)
    pub const fn has_generation(self) -> bool {
        self.has_scale()
    }

    /// Whether the server keeps `managedFields` for it; it keeps none for Leases.
    pub const fn tracks_fields(self) -> bool {
        !matches!(self, Self::Lease | Self::AccessReview)
    }

    /// Whether PUT of a missing object creates it.
    pub const fn created_by_update(self) -> bool {
        matches!(self, Self::Lease | Self::Event)
    }

    /// `plural.group`, as the server's messages have it.
    pub fn qualified_plural(self) -> String {
        qualified(self.plural(), self.group())
    }

    /// `Kind.group`, as the server's messages have it.
    pub fn qualified_kind(self) -> String {
        qualified(self.as_str(), self.group())
    }

    /// The kind with this `apiVersion` and `kind`.
    pub fn of(api_version: &str, kind: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.api_version() == api_version && k.as_str() == kind)
    }

    /// The kind with this `apiVersion` and plural name.
    pub fn from_plural(api_version: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.api_version() == api_version && k.plural() == plural)
    }
}

fn qualified(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}
