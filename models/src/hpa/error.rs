//! Why a metric gives no size. The sentences are the ones the controller puts into conditions and events.

/// One metric could not be turned into a size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MetricError {
    /// The resource metrics API answered without a single sample.
    #[error("unable to get metrics for resource {resource}: no metrics returned from resource metrics API")]
    NoResourceMetrics {
        /// `cpu`, `memory`, …
        resource: String,
    },
    /// The custom or external metrics API answered without a single sample.
    #[error("unable to get metric {metric}: no metrics returned from the metrics API")]
    NoMetrics {
        /// Name of the metric.
        metric: String,
    },
    /// The metrics API failed.
    #[error("unable to fetch metrics: {0}")]
    Api(String),
    /// The selector matches no pod.
    #[error("no pods returned by selector while calculating replica count")]
    NoPods,
    /// Utilisation is measured against requests, and there is none.
    #[error("missing request for {resource} in container {container} of Pod {pod}")]
    NoRequest {
        /// `cpu`, `memory`, …
        resource: String,
        /// Name of the container.
        container: String,
        /// Name of the pod.
        pod: String,
    },
    /// The pod has requests of its own, and neither they nor its containers' name the resource.
    #[error("missing pod-level request for {resource} in Pod {pod}")]
    NoPodRequest {
        /// `cpu`, `memory`, …
        resource: String,
        /// Name of the pod.
        pod: String,
    },
    /// The metric names a container that the pod does not have.
    #[error("container {container} not found in Pod {pod}")]
    NoSuchContainer {
        /// Name of the container.
        container: String,
        /// Name of the pod.
        pod: String,
    },
    /// The metric names a container that a pod's sample does not have.
    #[error("container {container} not present in metrics for pod {pod}")]
    ContainerNotMeasured {
        /// Name of the container.
        container: String,
        /// Name of the pod.
        pod: String,
    },
    /// All samples belong to pods that do not count.
    #[error("did not receive metrics for targeted pods (pods might be unready)")]
    NoSamples,
    /// All samples belong to pods that the selector does not know, or the requests sum to zero.
    #[error("no metrics returned matched known pods")]
    NoKnownPods,
    /// `type` is a word that this version does not know.
    #[error("unknown metric source type {0:?}")]
    UnknownType(String),
    /// The observation holds samples of another kind than the metric needs, or none.
    #[error("no sample of the metric's kind was observed")]
    NotObserved,
}
