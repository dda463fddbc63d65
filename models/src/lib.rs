//! The pure core of floorcast: forecast, capacity, plan, guard, decide, and the simulated HPA.
//!
//! No clock, no I/O, no async, no unseeded randomness: time is an argument, and every decision carries its reasons.

pub mod backcast;
pub mod budget;
pub mod capacity;
pub mod decide;
pub mod guard;
pub mod janitor;
pub mod lead_time;
pub mod plan;
pub mod policy;
pub mod protocol;
pub mod target;
pub mod units;
