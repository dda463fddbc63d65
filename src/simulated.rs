//! A cluster in memory: the Kubernetes API, Prometheus, and what runs behind them.
//!
//! `floorcast demo` shows the daemon at work on it, and the seeded simulation hunts for faults with it. The daemon is not told:
//! the API server answers at the tower service under [`kube::Client`], Prometheus at the reader's transport. A conformance
//! test holds [`api`] against a real kube-apiserver, so that the simulation does not merely prove itself.
//!
//! Time is tokio's, which can be paused, behind one [`clock::Clock`].

pub mod api;
pub mod clock;
pub mod cluster;
pub mod curve;
pub mod demo;
pub mod prometheus;
pub mod replay;
