//! Troubles between the daemon and its servers, as faults of these.

use super::trouble::{Kind, Trouble};
use floorcast::simulated::api::faults::Fault;
use floorcast::simulated::prometheus;

/// What a trouble does to queries.
pub(crate) fn query_fault(trouble: &Trouble) -> Option<prometheus::faults::Fault> {
    use prometheus::faults::Fault;
    Some(match trouble.kind {
        Kind::PrometheusDown => Fault::Down,
        Kind::PrometheusSilent => Fault::Silent,
        Kind::PrometheusSlow => Fault::Slow((trouble.share * 60.0) as u32),
        Kind::Prometheus503 => Fault::Status(503),
        Kind::Prometheus429 => Fault::TooManyRequests((trouble.share * 120.0) as u32),
        Kind::PrometheusPartial => Fault::Partial(trouble.share),
        Kind::PrometheusHalved => Fault::Halved(trouble.share),
        Kind::PrometheusTwoSeries => Fault::TwoSeries,
        Kind::PrometheusEmpty => Fault::Empty,
        Kind::PrometheusNan => Fault::NotANumber,
        Kind::PrometheusHtml => Fault::Html,
        Kind::PrometheusTruncated => Fault::Truncated,
        _ => return None,
    })
}

/// What a trouble does to the daemon's requests.
pub(crate) fn request_fault(trouble: &Trouble) -> Option<Fault> {
    Some(match trouble.kind {
        Kind::Api429 => Fault::TooManyRequests((trouble.share * 30.0) as u32),
        Kind::Api500 => Fault::Internal,
        Kind::Api503 => Fault::Unavailable,
        Kind::ApiSilence => Fault::Silence,
        Kind::ApiLost => Fault::Lost,
        Kind::ApiCut => Fault::Cut,
        Kind::ApiConflict => Fault::Conflict,
        _ => return None,
    })
}
