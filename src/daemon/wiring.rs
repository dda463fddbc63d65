//! What a daemon is wired to: every edge to the world, handed in.

use crate::{
    config::{Config, Current},
    datasource::Datasources,
    http::{Pulse, api::Snapshot},
    kubernetes::{apply::Writer, events::Recorder, lease::Leadership, observe::Cluster},
    metrics::Metrics,
};
use chrono::{DateTime, Utc};
use std::sync::Arc;
use tokio::sync::watch;

/// Wall clock of the process, or of the simulation.
pub type Clock = Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>;

/// Makes the datasources of a configuration; what is wrong with one is said in a sentence.
pub type Connect = Box<dyn Fn(&Config) -> Result<Datasources, String> + Send + Sync>;

/// Where models are learned: milliseconds of computing each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnOn {
    /// On threads beside the async ones, so that neither ticks nor the lease ever wait for it.
    Threads,
    /// In the study's own task: on one thread with paused time the same seed then takes the same course, event by event.
    OwnTask,
}

/// Everything a daemon is wired to.
pub struct Wiring {
    /// The watched cluster.
    pub cluster: Cluster,
    /// Sends floors.
    pub writer: Writer,
    /// Who leads.
    pub leadership: watch::Receiver<Leadership>,
    /// The lease's clock may be told of newer epochs on objects.
    pub at_least: Box<dyn Fn(u64) + Send + Sync>,
    /// Tells Events.
    pub recorder: Recorder,
    /// The configuration in force.
    pub config: watch::Receiver<Current>,
    /// Makes the datasources of a configuration.
    pub connect: Connect,
    /// The process' metrics.
    pub metrics: Arc<Metrics>,
    /// Where snapshots go.
    pub snapshot: watch::Sender<Arc<Snapshot>>,
    /// The heartbeat of `/livez`.
    pub pulse: Arc<Pulse>,
    /// The wall clock.
    pub clock: Clock,
    /// Identity of the process.
    pub identity: String,
    /// What we may not do, as sentences.
    pub forbidden: watch::Receiver<Vec<String>>,
    /// Ask and learn also while another process leads: for commands that only look.
    pub always_study: bool,
    /// Where models are learned.
    pub learn_on: LearnOn,
}
