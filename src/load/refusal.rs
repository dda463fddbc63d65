//! Why no load can be derived: a closed list, each with the way out.

use std::fmt;

/// Why a metric, or a workload, has no load that a floor could be made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Memory.
    Memory,
    /// A resource that is neither CPU nor memory.
    UnsupportedResource {
        /// Its name.
        resource: String,
    },
    /// `value` instead of `averageValue`: ratio control.
    ValueTarget {
        /// Metric.
        metric: String,
    },
    /// Utilisation of something that is no resource, or a target of zero.
    ImpossibleTarget {
        /// Metric.
        metric: String,
        /// What is wrong with it.
        why: String,
    },
    /// A queue length or lag.
    Backlog {
        /// Metric.
        metric: String,
    },
    /// A ratio, latency or average: its sum means nothing.
    NotAdditive {
        /// Metric.
        metric: String,
    },
    /// A counter without `rate`.
    RawCounter {
        /// Metric.
        metric: String,
    },
    /// A query that makes an average or a share per pod instead of a total.
    NotATotal {
        /// What it does.
        why: String,
    },
    /// A container without a CPU request.
    NoRequest {
        /// Pod.
        pod: String,
        /// Container.
        container: String,
    },
    /// `ContainerResource` names a container that the pods do not have.
    NoSuchContainer {
        /// Container.
        container: String,
        /// Those there are.
        found: Vec<String>,
    },
    /// No pods to read requests from.
    NoPods,
    /// Pods cannot be told from those of other workloads.
    PodsUnknown {
        /// Why.
        why: String,
    },
    /// A metric selector that has no `PromQL`.
    BadSelector {
        /// Metric.
        metric: String,
        /// Why.
        why: String,
    },
    /// A metric that could not be read.
    Unreadable {
        /// Its kind.
        kind: String,
        /// Why.
        why: String,
    },
    /// The template does not exist (any more).
    NoTemplate {
        /// Name.
        template: String,
    },
    /// The template, or the query, cannot be used.
    BadTemplate {
        /// Why.
        why: String,
    },
    /// Nobody said what one replica should carry.
    NoTarget,
}

impl Refusal {
    /// Code for metric labels and events.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::UnsupportedResource { .. } => "unsupported_resource",
            Self::ValueTarget { .. } => "value_target",
            Self::ImpossibleTarget { .. } => "impossible_target",
            Self::Backlog { .. } => "backlog",
            Self::NotAdditive { .. } => "not_additive",
            Self::RawCounter { .. } => "raw_counter",
            Self::NotATotal { .. } => "not_a_total",
            Self::NoRequest { .. } => "no_request",
            Self::NoSuchContainer { .. } => "no_such_container",
            Self::NoPods => "no_pods",
            Self::PodsUnknown { .. } => "pods_unknown",
            Self::BadSelector { .. } => "bad_selector",
            Self::Unreadable { .. } => "unreadable_metric",
            Self::NoTemplate { .. } => "no_template",
            Self::BadTemplate { .. } => "bad_template",
            Self::NoTarget => "no_target",
        }
    }

    /// How to mend it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::Memory | Self::UnsupportedResource { .. } => {
                "forecast by CPU or requests: name a load template in `floorcast.io/load`"
            }
            Self::ValueTarget { .. } => "use averageValue in the HPA, or a load template with a target per replica",
            Self::ImpossibleTarget { .. } => "correct the metric's target in the HPA",
            Self::Backlog { .. } => {
                "name a load template of the arrival rate, with the throughput of one replica as its target"
            }
            Self::NotAdditive { .. } => "name a load template of a rate, such as requests per second",
            Self::RawCounter { .. } => "write sum(rate(…[5m]))",
            Self::NotATotal { .. } => "write the total over all pods: sum(…), without dividing by their number",
            Self::NoRequest { .. } => "give every container a CPU request, or use averageValue or a load template",
            Self::NoSuchContainer { .. } => "correct the container's name in the HPA",
            Self::NoPods => "nothing to do while it is scaled to zero; else check the target's selector",
            Self::PodsUnknown { .. } => "run kube-state-metrics, or name a load template",
            Self::BadSelector { .. } => "name a load template, where the query can be written as it must be",
            Self::Unreadable { .. } => "correct the HPA's metric, or name a load template",
            Self::NoTemplate { .. } => "name a template of the configuration, or `auto`",
            Self::BadTemplate { .. } => "correct the template in the configuration, or the query",
            Self::NoTarget => "set `floorcast.io/target-per-replica`, or the template's target",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => write!(f, "memory does not follow the load: it grows and stays")?,
            Self::UnsupportedResource { resource } => write!(f, "resource {resource} has no known load")?,
            Self::ValueTarget { metric } => {
                write!(f, "{metric} has a target of the whole (value), which says nothing of one replica")?;
            }
            Self::ImpossibleTarget { metric, why } => write!(f, "{metric}: {why}")?,
            Self::Backlog { metric } => write!(
                f,
                "{metric} looks like a backlog: a good floor empties it, the next forecast is zero, and so it swings"
            )?,
            Self::NotAdditive { metric } => {
                write!(f, "{metric} looks like a ratio, latency or average: its sum over pods means nothing")?;
            }
            Self::RawCounter { metric } => write!(f, "{metric} is a counter without rate() or increase()")?,
            Self::NotATotal { why } => write!(f, "the query is no total: {why}")?,
            Self::NoRequest { pod, container } => {
                write!(f, "container {container} of pod {pod} has no CPU request, so utilisation has no meaning")?;
            }
            Self::NoSuchContainer { container, found } => {
                write!(f, "no pod has a container {container}; there are {}", found.join(", "))?;
            }
            Self::NoPods => write!(f, "there is no pod to read CPU requests from")?,
            Self::PodsUnknown { why } | Self::BadTemplate { why } => f.write_str(why)?,
            Self::BadSelector { metric, why } => write!(f, "the selector of {metric}: {why}")?,
            Self::Unreadable { kind, why } => write!(f, "metric of type {kind}: {why}")?,
            Self::NoTemplate { template } => write!(f, "there is no load template {template}")?,
            Self::NoTarget => write!(f, "nobody said what load one replica should carry")?,
        }
        write!(f, "; {}", self.remedy())
    }
}

impl std::error::Error for Refusal {}
