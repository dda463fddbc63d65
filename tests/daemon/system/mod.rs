//! The daemon against a real control plane and a real Prometheus, as a process of its own under exactly the shipped
//! service account and admission policy. Every scenario asserts on the real objects.
//!
//! Scenarios that do no harm to others share one cluster and one daemon, a namespace each; the others start their own.
//! At most two clusters run at a time. `FLOORCAST_SKIP_CLUSTER_TESTS=1` leaves all of it out.
#![allow(clippy::unwrap_used)]
// Scenarios hand JSON values over as they are written.
#![allow(clippy::needless_pass_by_value, clippy::redundant_closure_for_method_calls)]

mod api_server;
mod applier;
#[path = "../../page/browser.rs"]
mod browser;
mod commands;
mod contention;
mod datasource;
mod derived;
mod doctor;
mod gitops;
mod giving_back;
mod ground;
mod monitoring;
mod page;
#[path = "../../deploy/panels.rs"]
mod panels;
mod peak;
mod people;
mod process;
mod record;
mod shadow;
mod shared;
