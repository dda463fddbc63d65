//! A recorded load replayed through the simulated cluster, under the HPA alone and with floors of several policies.
//!
//! Rolling origins only: whatever decides at a moment has seen the recording up to that moment and nothing of what follows,
//! except [`Outlook::foreseen`], which says so. floorcast itself is not imitated: [`Daemon`] calls the study, the planner, the
//! guard rails and the floor protocol that the daemon calls, in its order and at its times.

mod course;
mod daemon;
pub mod equal;
mod floors;
mod outlook;
mod recorded;
mod setup;
mod span;
mod strategy;
mod wishes;

pub use course::{Course, Day, Point, Stage};
pub use daemon::Daemon;
pub use floors::{Buffer, Cron, Fixed, LastWeek};
pub use outlook::{Forecaster, Outlook};
pub use recorded::{Noise, Recorded};
pub use setup::{Measure, Setting, Setup};
pub use span::Span;
pub use strategy::{Choice, Ground, Played, Strategy};
pub use wishes::Wishes;

/// Time between two ticks of the daemon, and of every policy that follows the load.
pub const TICK: chrono::TimeDelta = chrono::TimeDelta::seconds(15);
/// Distance of the samples that the daemon asks its datasource for, where nothing else is said.
pub const STEP: chrono::TimeDelta = chrono::TimeDelta::minutes(5);
/// History that the daemon learns from.
pub const HISTORY: chrono::TimeDelta = chrono::TimeDelta::weeks(4);

#[cfg(test)]
mod tests;
