//! What the process tells over HTTP: health and metrics for the cluster, `/api/v1` for people.

pub mod api;
