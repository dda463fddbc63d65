//! A simulated cluster: one workload, its load, its pods, and the HPA of [`crate::hpa`] in charge. Deterministic by seed.

mod cluster;
mod flash;
mod fleet;
mod load;
mod meter;
mod outcome;
mod random;
mod rollout;
mod workload;

pub use cluster::Cluster;
pub use flash::FlashCrowd;
pub use load::{Load, Seasonal, Trace};
pub use outcome::Outcome;
pub use random::Random;
pub use workload::{Excess, Metric, Nodes, Pipeline, StartUp, Workload};
