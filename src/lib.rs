//! floorcast.

pub mod annotations;
pub mod build;
pub mod config;
pub mod datasource;
pub mod http;
pub mod kubernetes;
pub mod load;
pub mod logging;
pub mod metrics;
pub mod simulated;
