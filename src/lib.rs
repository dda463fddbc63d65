//! floorcast.

pub mod kubernetes;
