//! floorcast.

pub mod config;
pub mod kubernetes;
