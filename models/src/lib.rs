//! The pure core of floorcast: forecast, capacity, plan, guard, decide, and the simulated HPA.
//!
//! No clock, no I/O, no async, no unseeded randomness: time is an argument, and every decision carries its reasons.

pub mod lead_time;
pub mod policy;
pub mod target;
pub mod units;
