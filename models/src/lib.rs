//! The pure core of floorcast: forecast, capacity, plan, guard, decide, and the simulated HPA.
//!
//! No clock, no I/O, no async, no unseeded randomness: time is an argument, and every decision carries its reasons.

pub mod agenda;
pub mod backcast;
pub mod backtest;
pub mod budget;
pub mod calendar;
pub mod capacity;
pub mod clean;
pub mod decide;
pub mod evaluate;
pub mod events;
pub mod feedback;
pub mod forecast;
pub mod guard;
pub mod hpa;
pub mod interval;
pub mod janitor;
pub mod lead_time;
pub mod learn;
pub mod plan;
pub mod policy;
pub mod protocol;
pub mod replay;
pub mod schedule;
pub mod series;
pub mod sim;
pub mod study;
pub mod target;
pub mod trace;
pub mod units;

#[cfg(test)]
mod testing;
