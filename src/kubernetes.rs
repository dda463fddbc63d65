//! The API server: what is observed of it, and the few things written to it.
//!
//! [`observe`] keeps a pruned copy of HPAs and their targets, [`apply`] sends floors, [`lease`] says whether this
//! process may, [`events`] tells what happened. Nothing here knows forecasts or Prometheus.

pub mod apply;
pub mod connect;
pub mod control;
pub mod events;
pub mod held;
pub mod hold;
pub mod lease;
pub mod observe;
pub mod permissions;
pub mod pods;
pub mod quantity;
pub mod workload;

mod cache;
mod parse;
mod slim;

#[cfg(test)]
mod recorded;

pub use connect::{Clients, ConnectError, Source, connect};
pub use workload::{Metric, TargetKind, TargetRef, Workload};

/// Field manager of every write to an HPA.
pub const FIELD_MANAGER: &str = "floorcast";
/// Field manager of what a person's command marks or switches.
pub const COMMAND_MANAGER: &str = "floorcast-command";
/// Prefix of every annotation and label of ours.
pub const PREFIX: &str = "floorcast.io/";
/// Name of the Lease.
pub const LEASE: &str = "floorcast";
/// Name of the ConfigMap with the kill switch.
pub const CONTROL: &str = "floorcast-control";

/// An error with its causes in one line; kube keeps the telling part in the source. Of an answer of the API server, its
/// message: the rest of its status is for programs.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let said = |error: &(dyn std::error::Error + 'static)| match error.downcast_ref::<kube::Error>() {
        Some(kube::Error::Api(status)) if !status.message.is_empty() => status.message.clone(),
        _ => error.to_string(),
    };
    let mut text = said(error);
    let mut source = error.source();
    if let Some(kube::Error::Api(_)) = error.downcast_ref() {
        source = None;
    }
    while let Some(cause) = source {
        let next = said(cause);
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        source = cause.source();
    }
    text.chars().take(512).collect()
}
