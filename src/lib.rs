//! floorcast: predictive replica floors for Kubernetes HPAs.

pub mod annotations;
pub mod build;
pub mod cli;
pub mod config;
pub mod daemon;
pub mod datasource;
pub mod hand_back;
pub mod holidays;
mod html;
pub mod http;
pub mod kubernetes;
pub mod load;
pub mod logging;
pub mod metrics;
pub mod process;
pub mod simulated;
pub mod trace;
